/* Names of kinds and choices, from the tables in net.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/build.h"

#include <string.h>

#define NAME_OF(symbol, name, help) name,
static const char *const activations[] = {NA_ACTIVATIONS(NAME_OF)};
static const char *const kinds[] = {NA_LAYER_KINDS(NAME_OF)};
static const char *const samplings[] = {NA_SAMPLINGS(NAME_OF)};
#undef NAME_OF

static int find(const char *const *names, int count, const char *name)
{
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

const char *na_activation_name(na_activation act)
{
  return activations[act];
}
const char *na_kind_name(na_layer_kind kind)
{
  return kinds[kind];
}
const char *na_sampling_name(na_sampling sampling)
{
  return samplings[sampling];
}

int na_activation_find(const char *name)
{
  return find(activations, NA_ACT_COUNT, name);
}
int na_kind_find(const char *name)
{
  return find(kinds, NA_KIND_COUNT, name);
}
int na_sampling_find(const char *name)
{
  return find(samplings, NA_SAMPLE_COUNT, name);
}

int na_name_check(const char *what, const char *name, na_error *err)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (name == NULL || name[0] == '\0') return na_fail(err, NA_EINVAL, "a %s needs a name", what);
  size_t length = strlen(name), good = strspn(name, allowed);
  if (length >= NA_NAME_SIZE)
    return na_fail(err, NA_EINVAL, "the name of %s %.40s... is %zu characters long: at most %d fit",
                   what, good >= 40 ? name : "", length, NA_NAME_SIZE - 1);
  if (good == length) return NA_OK;
  /* The offending byte itself may be unprintable: show what comes before it. */
  return na_fail(
      err, NA_EINVAL,
      "the name of %s \"%.*s...\" has an illegal character at position %zu: only letters, "
      "digits, '.', '_' and '-' are allowed",
      what, (int)good, name, good + 1);
}
