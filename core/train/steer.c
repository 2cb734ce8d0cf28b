/* Steering: reading, checking and queueing commands, and applying them between two steps.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/steer.h"
#include "core/base/memory.h"
#include "core/train/trainer_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAP_MS = 5, STEPS_MOST = 1000000000 };

static const struct {
  const char *word, *argument, *help;
} steers[] = {
#define STEER_ENTRY(symbol, word, argument, help) {word, argument, help},
    NA_STEERS(STEER_ENTRY)
#undef STEER_ENTRY
};

const char *na_steer_word(na_steer kind)
{
  return steers[kind].word;
}

const char *na_steer_argument(na_steer kind)
{
  return steers[kind].argument;
}

const char *na_steer_help(na_steer kind)
{
  return steers[kind].help;
}

/* ------------------------------------------------------------------------------- as text */

static const char *word_at(const void *list, int i)
{
  (void)list;
  return steers[i].word;
}

static int find_word(const char *text, size_t length)
{
  for (int i = 0; i < NA_STEER_COUNT; i++)
    if (strlen(steers[i].word) == length && memcmp(steers[i].word, text, length) == 0) return i;
  return -1;
}

static int refuse_word(const char *text, size_t length, na_error *err)
{
  char word[32];
  snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), text);
  na_fail(err, NA_EINVAL, "there is no command \"%s\" for a run", word);
  int near = na_text_nearest(word, NA_STEER_COUNT, word_at, NULL);
  if (near >= 0) return na_hint(err, "did you mean \"%s\"?", steers[near].word);
  na_buffer words = {0};
  for (int i = 0; i < NA_STEER_COUNT; i++)
    na_buffer_add(&words, "%s%s", i == 0 ? "" : ", ", steers[i].word);
  int code = na_hint(err, "there are: %s", words.data != NULL ? words.data : "");
  na_free(words.data);
  return code;
}

/* Copies `length` bytes without the blanks around them. False when they do not fit. */
static bool copy_trimmed(char *to, size_t room, const char *from, size_t length)
{
  while (length > 0 && isspace((unsigned char)*from)) from++, length--;
  while (length > 0 && isspace((unsigned char)from[length - 1])) length--;
  if (length >= room) return false;
  memcpy(to, from, length);
  to[length] = '\0';
  return true;
}

int na_steering_read(const char *text, na_steering *out, na_error *err)
{
  text += strspn(text, " \t");
  size_t length = strcspn(text, " \t");
  int kind = find_word(text, length);
  if (kind < 0) return refuse_word(text, length, err);
  out->kind = (na_steer)kind;
  if (!copy_trimmed(out->argument, sizeof out->argument, text + length, strlen(text + length)))
    return na_fail(err, NA_EINVAL, "the command is longer than %zu bytes", sizeof out->argument);
  if (out->argument[0] != '\0' && steers[kind].argument[0] == '\0')
    return na_fail(err, NA_EINVAL, "%s takes nothing, but got \"%.64s\"", steers[kind].word,
                   out->argument);
  return NA_OK;
}

void na_steering_write(const na_steering *steering, na_buffer *out)
{
  const char *argument = steering->argument;
  na_buffer_add(out, "%s%s%s", na_steer_word(steering->kind), argument[0] != '\0' ? " " : "",
                argument);
}

/* ------------------------------------------------------------------------------- settings */

/* Settings as a command would leave them. */
typedef struct proposal {
  na_train train;
  na_augmentation lists;
  bool has_lists, has_r, has_s; /* what was assigned */
} proposal;

static const struct {
  const char *name, *why;
} fixed[] = {
    {"seed", "it made the initial weights and all that was drawn since"},
    {"init", "the weights were initialised when the run began"},
    {"init_from", "the weights were initialised when the run began"},
    {"freeze", "what is frozen was decided when the run began"},
    {"freeze_norm", "what is frozen was decided when the run began"},
    {"dropout", "the network's layers were made when the run began"},
    {"dropblock", "the network's layers were made when the run began"},
    {"dropblock_size", "the network's layers were made when the run began"},
    {"dropblock_stages", "the network's layers were made when the run began"},
    {"threads", "the compute threads were started with the run"},
    {"calibrate", "the images to calibrate on were chosen when the run began"},
};

const char *na_steer_fixed(const char *name)
{
  for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
    if (strcmp(fixed[i].name, name) == 0) return fixed[i].why;
  return NULL;
}

static bool begins(const char *text, const char *start)
{
  return strncmp(text, start, strlen(start)) == 0;
}

static int assign_train(proposal *p, const char *name, const char *value, na_error *err)
{
  const char *why = na_steer_fixed(name);
  if (why == NULL) return na_settings_parse(&na_train_settings, &p->train, name, value, err);
  na_fail(err, NA_EINVAL, "train.%s cannot change in a run: %s", name, why);
  return na_hint(err, "start another run with it");
}

static int assign_augment(proposal *p, const char *name, const char *value, na_error *err)
{
  p->has_r |= strcmp(name, "r") == 0;
  p->has_s |= strcmp(name, "s") == 0;
  p->has_lists |= strcmp(name, "width") == 0 || strcmp(name, "expand") == 0;
  return na_settings_parse(&na_augment_settings, &p->lists, name, value, err);
}

static int assign(void *target, const char *name, const char *value, na_error *err)
{
  proposal *p = target;
  if (begins(name, "train.")) return assign_train(p, name + 6, value, err);
  if (begins(name, "augment.")) return assign_augment(p, name + 8, value, err);
  if (begins(name, "kd."))
    return na_fail(err, NA_EINVAL, "%.64s cannot change in a run: its teacher was loaded when it began",
                   name);
  if (begins(name, "data.") || strcmp(name, "model") == 0 || strcmp(name, "name") == 0) {
    na_fail(err, NA_EINVAL, "%.64s cannot change in a run: its network and data exist already",
            name);
    return na_hint(err, "start another run with it");
  }
  if (na_settings_find(&na_augment_settings, name) != NULL)
    return assign_augment(p, name, value, err);
  return assign_train(p, name, value, err);
}

typedef int put_value(void *target, const char *name, const char *value, na_error *err);

/* "NAME = VALUE; NAME = VALUE", each given to put(target, name, value). */
static int assign_each(const char *text, const char *example, put_value *put, void *target,
                       na_error *err)
{
  char name[64], value[NA_TEXT_MAX];
  do {
    size_t length = strcspn(text, ";"), left = strcspn(text, "=");
    if (left >= length || !copy_trimmed(name, sizeof name, text, left) || name[0] == '\0' ||
        !copy_trimmed(value, sizeof value, text + left + 1, length - left - 1)) {
      na_fail(err, NA_EINVAL, "\"%.*s\" is not of the form NAME = VALUE",
              (int)(length < 64 ? length : 64), text);
      return na_hint(err, "for example: %s", example);
    }
    int code = put(target, name, value, err);
    if (code != NA_OK) return code;
    text += length;
  } while (*text++ == ';');
  return NA_OK;
}

static int assign_all(proposal *p, const char *text, na_error *err)
{
  return assign_each(text, "set train.lr = 0.02; augment.width = 1, 2", assign, p, err);
}

static int assign_record(void *record, const char *name, const char *value, na_error *err)
{
  return na_settings_parse(&na_record_settings, record, name, value, err);
}

/* The recording that a command asks for. */
static int read_record(const na_trainer *t, const char *text, na_record *record, na_error *err)
{
  *record = t->record;
  int code = NA_OK;
  if (text[0] != '\0')
    code = assign_each(text, "record layers = classifier; images = 4", assign_record, record, err);
  return code == NA_OK ? na_record_check(t, record, err) : code;
}

static int resolve_lists(proposal *p, na_error *err)
{
  static const na_list one = {1, {1.0}};
  if (p->has_s && !p->has_r)
    return na_fail(err, NA_EINVAL, "augment.s says how finely r is divided: give augment.r, too");
  if (p->has_r && !p->has_lists) p->lists.width.count = p->lists.expand.count = 0;
  int code = na_augment_resolve(&p->lists, err);
  if (p->lists.width.count == 0) p->lists.width = one;
  if (p->lists.expand.count == 0) p->lists.expand = one;
  p->has_lists |= p->has_r;
  return code;
}

/* Whether the settings make sense together, and for a run that has come this far. */
static int check_proposal(const na_trainer *t, const proposal *p, int epochs_begun, na_error *err)
{
  int code = na_train_check(&p->train, err);
  if (code == NA_OK && p->has_lists)
    code = na_net_check_lists(t->net, &p->lists.width, &p->lists.expand, err);
  if (code != NA_OK) return code;
  if (p->train.warmup + p->train.epochs < epochs_begun)
    return na_fail(err, NA_EINVAL,
                   "train.epochs and train.warmup make %d epochs, but epoch %d has begun",
                   p->train.warmup + p->train.epochs, epochs_begun);
  if (p->train.networks > 0 && !t->elastic) {
    na_fail(err, NA_EINVAL, "train.networks cannot be %d: this network has nothing to draw",
            p->train.networks);
    return na_hint(err, "start a run whose lists have more than one candidate");
  }
  return NA_OK;
}

/* Makes what the settings in force, and the commands of `queue`, become with `text`. */
static int propose(const na_trainer *t, const na_steering *queue, int count, const char *text,
                   proposal *p, na_error *err)
{
  *p = (proposal){.train = t->train, .lists = t->lists};
  for (int i = 0; i < count; i++) {
    if (queue[i].kind != NA_STEER_SET) continue;
    if (assign_all(p, queue[i].argument, NULL) == NA_OK) resolve_lists(p, NULL);
    p->has_lists = p->has_r = p->has_s = false;
  }
  int code = assign_all(p, text, err);
  return code == NA_OK ? resolve_lists(p, err) : code;
}

/* ------------------------------------------------------------------------------- checking */

static int check_count(const char *argument, na_error *err)
{
  char *end;
  long steps = strtol(argument, &end, 10);
  if (argument[0] == '\0' || (*end == '\0' && steps >= 1 && steps <= STEPS_MOST)) return NA_OK;
  return na_fail(err, NA_EINVAL, "step takes a number of steps of at least 1, but got \"%.64s\"",
                 argument);
}

/* Names of the run's own files would be overwritten. */
static int check_name(const na_trainer *t, const char *name, na_error *err)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  static const char *const taken[] = {"run", "last", "best"};
  size_t length = strlen(name);
  if (t->recorder == NULL) return na_fail(err, NA_EINVAL, "this run has no folder for checkpoints");
  if (length > 64 || name[0] == '.' || strspn(name, allowed) != length) {
    na_fail(err, NA_EINVAL, "a checkpoint cannot be called \"%.64s\"", name);
    return na_hint(err, "use up to 64 letters, digits, '-', '_' and '.', not beginning with '.'");
  }
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
    if (strcmp(name, taken[i]) == 0)
      return na_fail(err, NA_EINVAL, "%s.h5 is the run's own: choose another name", name);
  return NA_OK;
}

static bool can_measure_widest(const na_trainer *t)
{
  return t->train.networks > 0 && t->calibration != NULL;
}

static int check_evaluate(const na_trainer *t, const char *which, na_error *err)
{
  if (t->val == NULL) return na_fail(err, NA_EINVAL, "there are no validation images");
  if (strcmp(which, "widest") == 0 && !can_measure_widest(t))
    return na_fail(err, NA_EINVAL,
                   "the widest network can only be evaluated in a run that augments and has images "
                   "to calibrate on");
  if (which[0] == '\0' || strcmp(which, "base") == 0 || strcmp(which, "widest") == 0) return NA_OK;
  return na_fail(err, NA_EINVAL, "evaluate takes base, widest or nothing, but got \"%.64s\"",
                 which);
}

static int check_switch(const char *word, const char *argument, na_error *err)
{
  if (strcmp(argument, "on") == 0 || strcmp(argument, "off") == 0) return NA_OK;
  return na_fail(err, NA_EINVAL, "%s takes on or off, but got \"%.64s\"", word, argument);
}

/* Under the mutex. */
static int check(const na_trainer *t, const na_steering *s, na_error *err)
{
  proposal p;
  na_record record;
  int code = NA_OK;
  switch (s->kind) {
  case NA_STEER_STEP:
    return check_count(s->argument, err);
  case NA_STEER_CHECKPOINT:
    return check_name(t, s->argument, err);
  case NA_STEER_EVALUATE:
    return check_evaluate(t, s->argument, err);
  case NA_STEER_AGREEMENT:
    return check_switch(na_steer_word(s->kind), s->argument, err);
  case NA_STEER_RECORD:
    return read_record(t, s->argument, &record, err);
  case NA_STEER_SET:
    code = propose(t, t->steer.queue, t->steer.count, s->argument, &p, err);
    return code == NA_OK ? check_proposal(t, &p, t->steer.epochs_begun, err) : code;
  default:
    return NA_OK;
  }
}

/* ------------------------------------------------------------------------------- queueing */

/* In a repetition the log alone says what changes and when. */
static bool repeated(const na_trainer *t, na_steer kind)
{
  return t->replay != NULL &&
         (kind == NA_STEER_SET || kind == NA_STEER_STOP || kind == NA_STEER_STOP_EPOCH);
}

static int enqueue(na_trainer *t, const na_steering *s, na_error *err)
{
  na_steer_state *state = &t->steer;
  if (state->ended) return na_fail(err, NA_EINVAL, "the run has ended");
  if (state->count == NA_STEER_QUEUE) {
    na_fail(err, NA_EINVAL, "%d commands wait already", NA_STEER_QUEUE);
    return na_hint(err, "they are applied after the step that is being done");
  }
  int code = check(t, s, err);
  if (code == NA_OK && !repeated(t, s->kind)) state->queue[state->count++] = *s;
  return code;
}

int na_trainer_steer(na_trainer *t, const na_steering *s, na_error *err)
{
  if ((int)s->kind < 0 || s->kind >= NA_STEER_COUNT)
    return na_fail(err, NA_EINVAL, "there is no command number %d", (int)s->kind);
  pthread_mutex_lock(&t->steer.mutex);
  int code = enqueue(t, s, err);
  pthread_mutex_unlock(&t->steer.mutex);
  /* Whoever stops a run does not want to wait for an evaluation. */
  if (code == NA_OK && s->kind == NA_STEER_STOP && !repeated(t, s->kind)) na_trainer_stop(t);
  return code;
}

int na_trainer_command(na_trainer *t, const char *text, na_error *err)
{
  na_steering steering;
  int code = na_steering_read(text, &steering, err);
  return code == NA_OK ? na_trainer_steer(t, &steering, err) : code;
}

void na_trainer_settings(na_trainer *t, na_train *train, na_augmentation *augment)
{
  pthread_mutex_lock(&t->steer.mutex);
  if (train != NULL) *train = t->train;
  if (augment != NULL) *augment = t->lists;
  pthread_mutex_unlock(&t->steer.mutex);
}

bool na_trainer_paused(const na_trainer *t)
{
  return atomic_load(&t->waits);
}

bool na_trainer_steered(const na_trainer *t)
{
  return atomic_load(&t->steered);
}

/* -------------------------------------------------------------------------------- applying */

/* Puts checked settings in force. Others look at them only under the mutex. */
static int put_in_force(na_trainer *t, const proposal *p, na_error *err)
{
  int code = NA_OK;
  pthread_mutex_lock(&t->steer.mutex);
  if (p->has_lists) code = na_net_set_lists(t->net, &p->lists.width, &p->lists.expand, err);
  if (code == NA_OK) {
    t->train = p->train;
    t->lists = p->lists;
    if (p->has_lists) na_draws_restart(t);
  }
  pthread_mutex_unlock(&t->steer.mutex);
  if (code != NA_OK) return code;
  t->net->bn_momentum = t->train.bn_momentum;
  na_net_widest(t->net, t->widest);
  t->steps = t->data->batches * (t->train.warmup + t->train.epochs);
  t->phase = na_phase_at(&t->train, t->epoch);
  atomic_store(&t->steered, true);
  return NA_OK;
}

/* At the end of the last epoch, that one must remain. */
static int apply_set(na_trainer *t, const char *text, na_error *err)
{
  proposal p;
  int code = propose(t, NULL, 0, text, &p, err);
  if (code == NA_OK) code = check_proposal(t, &p, t->epoch + 1, err);
  return code == NA_OK ? put_in_force(t, &p, err) : code;
}

static int apply_checkpoint(na_trainer *t, const char *name, na_error *err)
{
  char file[NA_TEXT_MAX + 8];
  if (name[0] != '\0')
    snprintf(file, sizeof file, "%s.h5", name);
  else
    snprintf(file, sizeof file, "step-%08ld.h5", t->step);
  return na_worker_save_within(t, file, err);
}

static int apply_evaluate(na_trainer *t, const char *which, na_error *err)
{
  bool widest = strcmp(which, "base") != 0 && can_measure_widest(t);
  return na_worker_evaluate(t, strcmp(which, "widest") != 0, widest, err);
}

static int apply_record(na_trainer *t, const char *text, na_error *err)
{
  na_record record;
  int code = read_record(t, text, &record, err);
  return code == NA_OK ? na_record_now(t, &record, err) : code;
}

static void apply_pause(na_trainer *t, bool paused)
{
  t->steer.left = 0;
  atomic_store(&t->paused, paused);
}

static void apply_step(na_trainer *t, const char *count)
{
  t->steer.left = count[0] != '\0' ? strtol(count, NULL, 10) : 1;
  atomic_store(&t->paused, true);
}

static int apply(na_trainer *t, const na_steering *s, na_error *err)
{
  switch (s->kind) {
  case NA_STEER_PAUSE:
    apply_pause(t, true);
    return NA_OK;
  case NA_STEER_RESUME:
    apply_pause(t, false);
    return NA_OK;
  case NA_STEER_STEP:
    apply_step(t, s->argument);
    return NA_OK;
  case NA_STEER_STOP:
    na_trainer_stop(t);
    return NA_OK;
  case NA_STEER_STOP_EPOCH:
    t->steer.stop_epoch = true;
    return NA_OK;
  case NA_STEER_CHECKPOINT:
    return apply_checkpoint(t, s->argument, err);
  case NA_STEER_EVALUATE:
    return apply_evaluate(t, s->argument, err);
  case NA_STEER_SET:
    return apply_set(t, s->argument, err);
  case NA_STEER_AGREEMENT:
    return na_agreement_switch(t, s->argument[1] == 'n', err);
  case NA_STEER_RECORD:
    return apply_record(t, s->argument, err);
  case NA_STEER_COUNT:
    break;
  }
  return NA_OK;
}

/* Applies a command and tells of it. One that fails must not end the training. */
static void carry_out(na_trainer *t, const na_steering *s)
{
  na_error err = {0};
  na_event event = na_worker_event(t, NA_EVENT_STEER);
  na_buffer text = {0};
  na_steering_write(s, &text);
  if (apply(t, s, &err) == NA_OK) {
    event.changes = s->kind == NA_STEER_SET;
    event.lr = na_learning_rate(&t->train, t->step, t->data->batches);
    event.phase = t->phase;
    event.steps = t->steps;
    snprintf(event.text, sizeof event.text, "%s", text.data != NULL ? text.data : "");
    na_worker_steered(t, &event);
  } else if (err.code != NA_ESTOPPED)
    na_worker_tell(t, "%.100s was not done: %.200s", text.data != NULL ? text.data : "",
                   err.message);
  na_free(text.data);
}

static bool take(na_trainer *t, na_steering *s)
{
  na_steer_state *state = &t->steer;
  pthread_mutex_lock(&state->mutex);
  state->epochs_begun = t->epoch + 1;
  bool got = state->count > 0;
  if (got) {
    *s = state->queue[0];
    state->count--;
    memmove(state->queue, state->queue + 1, (size_t)state->count * sizeof *s);
  }
  pthread_mutex_unlock(&state->mutex);
  return got;
}

/* The commands to repeat that were applied here. */
static void repeat(na_trainer *t)
{
  na_error err = {0};
  na_steering s;
  while (t->replay_next < t->replay_count) {
    const na_steer_entry *entry = &t->replay[t->replay_next];
    if (entry->step != t->step || entry->epoch != t->epoch) return;
    t->replay_next++;
    if (na_steering_read(entry->text, &s, &err) == NA_OK)
      carry_out(t, &s);
    else
      na_worker_tell(t, "not repeated: %.200s", err.message);
  }
}

static void apply_all(na_trainer *t)
{
  na_steering s;
  repeat(t);
  while (take(t, &s)) carry_out(t, &s);
}

bool na_steer_extends(na_trainer *t)
{
  if (atomic_load(&t->stop) != 0) return false;
  apply_all(t);
  return t->epoch < t->train.warmup + t->train.epochs;
}

/* Whether the training is to wait here. Metrics must not wait with it. */
static bool must_wait(na_trainer *t)
{
  bool wait = atomic_load(&t->paused) && t->steer.left == 0 && atomic_load(&t->stop) == 0;
  if (wait && !atomic_load(&t->waits)) na_worker_flush(t);
  atomic_store(&t->waits, wait);
  return wait;
}

void na_steer_boundary(na_trainer *t)
{
  const struct timespec nap = {0, NAP_MS * 1000000L};
  if (t->stop_after > 0 && t->step >= t->stop_after) na_trainer_stop(t);
  for (apply_all(t); must_wait(t); apply_all(t)) nanosleep(&nap, NULL);
}

void na_steer_stepped(na_trainer *t)
{
  if (t->steer.left > 0) t->steer.left--;
}

/* A stop takes effect without waiting for a boundary; the log has it nevertheless. What was to be
 * done after the next step stays in the queue, for the checkpoint. */
void na_steer_ended(na_trainer *t)
{
  na_steer_state *state = &t->steer;
  na_steering stop = {.kind = NA_STEER_STOP};
  int kept = 0, stops = 0;
  pthread_mutex_lock(&state->mutex);
  for (int i = 0; i < state->count; i++)
    if (state->queue[i].kind == NA_STEER_STOP)
      stops++;
    else
      state->queue[kept++] = state->queue[i];
  state->count = kept;
  state->ended = true;
  pthread_mutex_unlock(&state->mutex);
  if (stops > 0) carry_out(t, &stop);
}
