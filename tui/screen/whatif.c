/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen/whatif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static na_sampling sampling_of(na_phase phase)
{
  return phase == NA_PHASE_MIN_W ? NA_SAMPLE_MIN_W : phase == NA_PHASE_MIN_E ? NA_SAMPLE_MIN_E
                                                                              : NA_SAMPLE_RANDOM;
}

static bool same_list(const na_list *a, const na_list *b)
{
  if (a->count != b->count) return false;
  for (int i = 0; i < a->count; i++)
    if (a->values[i] < b->values[i] || a->values[i] > b->values[i]) return false;
  return true;
}

static int measure(na_whatif_side *side, const na_net *net, na_error *err)
{
  return na_net_forecast(net, &side->lists.width, &side->lists.expand, side->sampling, &side->cost, err);
}

int na_whatif_update(na_whatif *w, const na_net *net, const na_train *train,
                     const na_augmentation *lists, na_phase phase, na_error *err)
{
  na_sampling sampling = sampling_of(phase);
  bool same = w->known && w->now.sampling == sampling &&
              same_list(&w->now.lists.width, &lists->width) &&
              same_list(&w->now.lists.expand, &lists->expand);
  w->base_only = phase == NA_PHASE_PLAIN || phase == NA_PHASE_OFF;
  w->networks = train->networks;
  if (same) return NA_OK;
  w->now.lists = *lists;
  w->now.sampling = w->then.sampling = sampling;
  int code = measure(&w->now, net, err);
  if (code == NA_OK && w->edited) code = measure(&w->then, net, err);
  w->known = code == NA_OK;
  return code;
}

static int parse(na_augmentation *lists, const char *name, const char *text, na_error *err)
{
  return na_settings_parse(&na_augment_settings, lists, name, text, err);
}

/* "3 2", "3, 2" or "3". */
static int parse_factor(na_augmentation *lists, const char *text, na_error *err)
{
  char r[64];
  size_t length = strcspn(text, " ,");
  const char *s = text + length + strspn(text + length, " ,");
  snprintf(r, sizeof r, "%.*s", (int)(length < sizeof r ? length : sizeof r - 1), text);
  lists->width.count = lists->expand.count = 0;
  int code = parse(lists, "r", r, err);
  return code == NA_OK ? parse(lists, "s", s[0] != '\0' ? s : "2", err) : code;
}

int na_whatif_edit(na_whatif *w, const na_net *net, const char *name, const char *text, na_error *err)
{
  na_whatif_side side = w->edited ? w->then : w->now;
  bool factor = strcmp(name, "r") == 0;
  int code = factor ? parse_factor(&side.lists, text, err) : parse(&side.lists, name, text, err);
  if (code == NA_OK) code = na_augment_resolve(&side.lists, err);
  if (code == NA_OK) code = measure(&side, net, err);
  if (code != NA_OK) return code;
  w->then = side;
  w->edited = true;
  snprintf(w->r, sizeof w->r, "%s", factor ? text : "");
  return NA_OK;
}

void na_whatif_forget(na_whatif *w)
{
  w->edited = false;
  w->r[0] = '\0';
  na_error_clear(&w->problem);
}

static double step_macs(const na_whatif *w, const na_whatif_side *side, bool draws)
{
  double base = (double)side->cost.base.macs, mean = (double)side->cost.mean.macs;
  return base + (draws ? w->networks * mean : 0);
}

double na_whatif_ratio(const na_whatif *w)
{
  return step_macs(w, &w->then, true) / step_macs(w, &w->now, !w->base_only);
}

void na_whatif_write(const na_whatif *w, na_buffer *out)
{
  static const char *const names[] = {"width", "expand"};
  for (int i = 0; i < 2; i++) {
    na_buffer_add(out, "%saugment.%s = ", i > 0 ? "; " : "", names[i]);
    na_settings_write(na_settings_find(&na_augment_settings, names[i]), &w->then.lists, out);
  }
}
