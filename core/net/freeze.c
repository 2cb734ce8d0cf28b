/* Freezing: parameters that a training leaves as they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/net/build.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* Is the parameter called so, or does its name match, or is it a part of what is called so? */
static bool matches(const char *pattern, const char *name)
{
  size_t length = strlen(pattern);
  return fnmatch(pattern, name, 0) == 0 || (strncmp(pattern, name, length) == 0 && name[length] == '.');
}

/* Hints at the parts that there are: what stands before the first dot. */
static int refuse(const na_net *net, const char *pattern, na_error *err)
{
  char parts[200] = "";
  size_t used = 0, last = 0;
  for (int i = 0; i < net->param_count; i++) {
    const char *name = net->params[i].name;
    size_t length = strcspn(name, ".");
    if (length == last && strncmp(parts + used - last, name, length) == 0) continue;
    if (used + length + 3 > sizeof parts) break;
    if (used > 0) used += (size_t)sprintf(parts + used, ", ");
    memcpy(parts + used, name, length);
    used += length;
    parts[used] = '\0';
    last = length;
  }
  na_fail(err, NA_EINVAL, "train.freeze: no parameter of network %s is called \"%.80s\"", net->name,
          pattern);
  return na_hint(err, "its parts are %s; names are those of netaug profile %s, * matches anything",
                 parts, net->name);
}

static int freeze_pattern(na_net *net, const char *pattern, na_error *err)
{
  int found = 0;
  for (int i = 0; i < net->param_count; i++) {
    if (!matches(pattern, net->params[i].name)) continue;
    net->params[i].frozen = true;
    found++;
  }
  return found > 0 ? NA_OK : refuse(net, pattern, err);
}

static int freeze_each(na_net *net, const char *patterns, na_error *err)
{
  char pattern[NA_NAME_SIZE * 2];
  int code = NA_OK;
  while (code == NA_OK && *patterns != '\0') {
    size_t skipped = strspn(patterns, ", \t"), length = strcspn(patterns += skipped, ", \t");
    if (length == 0) break;
    if (length >= sizeof pattern)
      return na_fail(err, NA_EINVAL, "train.freeze: \"%.40s...\" is too long for a name", patterns);
    memcpy(pattern, patterns, length);
    pattern[length] = '\0';
    code = freeze_pattern(net, pattern, err);
    patterns += length;
  }
  return code;
}

int na_net_freeze(na_net *net, const char *patterns, bool statistics, na_error *err)
{
  int left = 0;
  for (int i = 0; i < net->param_count; i++) net->params[i].frozen = false;
  int code = freeze_each(net, patterns, err);
  if (code != NA_OK) return code;
  for (int i = 0; i < net->layer_count; i++) {
    na_layer *l = &net->layers[i];
    l->still = statistics && l->norm && net->params[l->gamma].frozen && net->params[l->beta].frozen;
  }
  for (int i = 0; i < net->param_count; i++) left += !net->params[i].frozen;
  if (left > 0) return NA_OK;
  na_fail(err, NA_EINVAL, "train.freeze leaves no parameter of network %s to train", net->name);
  return na_hint(err, "leave its head out");
}

bool na_net_still(const na_net *net)
{
  for (int i = 0; i < net->layer_count; i++)
    if (net->layers[i].still) return true;
  return false;
}

static bool trains(const na_net *net, const na_layer *l)
{
  const int params[] = {l->weight, l->bias, l->gamma, l->beta, l->weight2, l->bias2};
  for (int i = 0; i < 6; i++)
    if (params[i] >= 0 && !net->params[params[i]].frozen) return true;
  return false;
}

int na_net_first_trained(const na_net *net)
{
  int first = 1;
  while (first < net->layer_count - 1 && !trains(net, &net->layers[first])) first++;
  /* A gate gets its gradient from what it gates. */
  for (int i = net->layer_count - 1; i >= first; i--)
    if (net->layers[i].kind == NA_SQUEEZE && net->layers[i].input[0] < first)
      first = net->layers[i].input[0] > 1 ? net->layers[i].input[0] : 1;
  return first;
}
