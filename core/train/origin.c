/* Where a training's weights come from, what of them is trained, and the files that all of it depends on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/sha1.h"
#include "core/train/trainer_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --------------------------------------------------------------------------------- weights */

static bool same_classes(const na_checkpoint *state, const na_net *net, const na_source *data)
{
  if (net->classes != data->classes) return false;
  if (state->class_names == NULL || data->class_names == NULL) return true;
  for (int c = 0; c < data->classes; c++)
    if (c >= state->class_count || strcmp(state->class_names[c], data->class_names[c]) != 0)
      return false;
  return true;
}

/* "A, B and 12 more" of names, a line each. */
static void list_names(const char *names, na_buffer *out)
{
  enum { MOST = 4 };
  int count = 0;
  for (const char *at = names; at != NULL && *at != '\0'; count++) {
    size_t length = strcspn(at, "\n");
    if (count < MOST) na_buffer_add(out, "%s%.*s", count > 0 ? ", " : "", (int)length, at);
    at += length + (at[length] == '\n');
  }
  if (count > MOST) na_buffer_add(out, " and %d more", count - MOST);
}

static int inherit(na_trainer *t, const na_net *from, const na_checkpoint *state, na_error *err)
{
  na_buffer missed = {0};
  int copied;
  bool classifier = same_classes(state, from, t->data);
  int code = na_net_transfer(t->net, from, classifier, &copied, &missed, err);
  if (code != NA_OK) na_error_prefix(err, "train.init_from: %.300s", t->train.init_from);
  if (code == NA_OK) {
    na_buffer_add(&t->origin, "%d of %d tensors from %.300s (%s, epoch %d)%s", copied,
                  t->net->param_count, t->train.init_from, from->name, state->epoch,
                  classifier ? "" : "; other classes, so a new classifier");
    na_buffer_add(&t->origin, missed.length > 0 ? "\nnot from there: " : "");
    list_names(missed.data, &t->origin);
  }
  na_free(missed.data);
  return code == NA_OK && t->origin.failed ? na_fail_memory(err, t->origin.length, "a message") : code;
}

static int init_from(na_trainer *t, na_error *err)
{
  na_net *from = NULL;
  na_checkpoint state = {0};
  int code = na_sha1_file(t->train.init_from, t->origin_hash, err);
  if (code == NA_OK) code = na_checkpoint_load(t->train.init_from, &from, &state, err);
  if (code == NA_OK) code = inherit(t, from, &state, err);
  else na_error_prefix(err, "train.init_from");
  na_checkpoint_free(&state);
  na_net_free(from);
  return code;
}

int na_origin_make(na_trainer *t, const na_trainer_setup *setup, na_error *err)
{
  bool goes_on = setup->resume != NULL && setup->resume[0] != '\0';
  if (!goes_on && setup->initialize) {
    na_net_initialize(t->net, (na_init)t->train.init, (uint64_t)t->train.seed);
    int code = t->train.init_from[0] != '\0' ? init_from(t, err) : NA_OK;
    if (code != NA_OK) return code;
  }
  return na_net_freeze(t->net, t->train.freeze, t->train.freeze_norm, err);
}

/* ----------------------------------------------------------------------------------- files */

/* Files that a run depends on, by the names of their notes in run.h5. */
static const char teacher_note[] = "teacher_sha1", origin_note[] = "init_from_sha1";

/* A run that goes on needs the file that it began with; now: its hash, or "" for none. */
static int check_file(const na_trainer_setup *setup, const char *note, const char *setting,
                      const char *now, na_error *err)
{
  char path[NA_RUN_PATH], *before;
  snprintf(path, sizeof path, "%.4000s/run.h5", setup->folder);
  if (access(path, F_OK) != 0) return NA_OK; /* nothing was begun */
  int code = na_metrics_note(path, note, &before, err);
  if (code == NA_OK && before == NULL && now[0] != '\0')
    code = na_fail(err, NA_EINVAL, "the run began without %s, but now it names a file", setting);
  else if (code == NA_OK && before != NULL && strcmp(before, now) != 0) {
    code = na_fail(err, NA_EINVAL, "%s had the hash %s when the run began, but now has %s", setting,
                   before, now[0] != '\0' ? now : "none: it names no file");
    na_hint(err, "give it the file that the run began with (git hash-object FILE)");
  }
  na_free(before);
  return code;
}

int na_origin_check(const na_trainer *t, const na_trainer_setup *setup, na_error *err)
{
  const char *teacher = t->teacher != NULL ? na_teacher_hash(t->teacher) : "";
  if (setup->resume == NULL || t->recorder == NULL) return NA_OK;
  int code = check_file(setup, teacher_note, "kd.teacher", teacher, err);
  /* Further on, the weights are those of the run's own checkpoint. */
  if (code == NA_OK && setup->resume[0] == '\0')
    code = check_file(setup, origin_note, "train.init_from", t->origin_hash, err);
  return code;
}

int na_origin_notes(const na_trainer *t, na_note notes[NA_ORIGIN_NOTES])
{
  int count = 0;
  if (t->teacher != NULL) notes[count++] = (na_note){teacher_note, na_teacher_hash(t->teacher)};
  if (t->origin_hash[0] != '\0') notes[count++] = (na_note){origin_note, t->origin_hash};
  return count;
}
