/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/runs/cache.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/train/recorder.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MOST = 256 << 20, STAMPS = sizeof((na_run *)0)->stamp.values / sizeof(long long) };
static const char magic[] = "netaug catalogue 1\n", field_end[] = "\x1F";

/* The numbers, in the order of the file. */
enum { NUMBERS = 16 };
static void list_numbers(na_run *run, double *numbers[NUMBERS])
{
  double *const list[NUMBERS] = {
      &run->epoch,          &run->epochs,         &run->step,           &run->steps,
      &run->base_best.top1, &run->base_best.loss, &run->base_last.top1, &run->base_last.loss,
      &run->wide_best.top1, &run->wide_best.loss, &run->wide_last.top1, &run->wide_last.loss,
      &run->parameters,     &run->macs,           &run->seconds,        &run->bytes};
  memcpy(numbers, list, sizeof list);
}

/* ------------------------------------------------------------------------------ reading */

static char *next(char **rest)
{
  return strsep(rest, field_end);
}

static bool take_text(char **rest, char *out, size_t size)
{
  char *text = next(rest);
  if (text == NULL) return false;
  snprintf(out, size, "%s", text);
  na_text_tame(out);
  return true;
}

static bool take_stamp(char **rest, struct na_run_stamp *stamp)
{
  for (int i = 0; i < STAMPS; i++) {
    char *end, *text = next(rest);
    if (text == NULL || text[0] == '\0') return false;
    stamp->values[i] = strtoll(text, &end, 10);
    if (*end != '\0') return false;
  }
  return true;
}

/* A number from 0 on, or "-". */
static bool take_number(char **rest, double most, double *number)
{
  char *end, *text = next(rest);
  *number = NAN;
  if (text == NULL || strcmp(text, "-") == 0) return text != NULL;
  *number = strtod(text, &end);
  return end != text && *end == '\0' && *number >= 0 && *number <= most;
}

static bool take_numbers(char **rest, na_run *run)
{
  double *numbers[NUMBERS], state, changes;
  list_numbers(run, numbers);
  if (!take_number(rest, NA_RUN_DAMAGED, &state) || !(state > NA_RUN_RUNNING)) return false;
  if (!take_number(rest, 1e9, &changes) || isnan(changes)) return false;
  run->state = (na_run_state)state;
  run->changes = (int)changes;
  for (int i = 0; i < NUMBERS; i++) {
    bool share = i == 4 || i == 6 || i == 8 || i == 10;
    if (!take_number(rest, share ? 1 : 1e15, numbers[i])) return false;
  }
  return true;
}

/* The rest of the line are the settings. */
static int take_settings(char *rest, na_run *run, na_error *err)
{
  for (char *c = rest; c != NULL && *c != '\0'; c++)
    if (*c == field_end[0]) *c = '\n';
  run->text = na_strdup(rest != NULL ? rest : "");
  if (run->text == NULL) return na_fail_memory(err, 1, "settings");
  return na_run_split(run, err);
}

/* *good tells whether the line holds a run. */
static int read_line(char *line, na_run *run, bool *good, na_error *err)
{
  char *rest = line, *name = next(&rest);
  na_run_init(run);
  *good = name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL && take_stamp(&rest, &run->stamp) &&
          take_numbers(&rest, run) && take_text(&rest, run->why, sizeof run->why) &&
          take_text(&rest, run->started, sizeof run->started) &&
          take_text(&rest, run->note, sizeof run->note);
  if (!*good) return NA_OK;
  run->name = na_strdup(name);
  if (run->name == NULL) return na_fail_memory(err, strlen(name), "a run's name");
  return take_settings(rest, run, err);
}

/* The whole file, allocated; NULL where there is none worth reading. */
static char *read_file(const char *folder)
{
  char path[NA_RUN_PATH], *text = NULL;
  struct stat status;
  if (snprintf(path, sizeof path, "%s/" NA_CACHE_FILE, folder) >= NA_RUN_PATH) return NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return NULL;
  FILE *file = fdopen(fd, "rb");
  if (file == NULL) {
    close(fd);
    return NULL;
  }
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size < SIZE_MOST)
    text = na_alloc((size_t)status.st_size + 1);
  if (text != NULL) text[fread(text, 1, (size_t)status.st_size, file)] = '\0';
  fclose(file);
  return text;
}

int na_cache_read(const char *folder, int (*take)(void *context, na_run *run, na_error *err),
                  void *context, na_error *err)
{
  int code = NA_OK;
  char *text = read_file(folder), *rest = text;
  if (text == NULL || strncmp(text, magic, sizeof magic - 1) != 0) rest = NULL;
  if (rest != NULL) rest += sizeof magic - 1;
  for (char *line; code == NA_OK && (line = strsep(&rest, "\n")) != NULL;) {
    na_run run;
    bool good;
    code = read_line(line, &run, &good, err);
    if (code == NA_OK && good) code = take(context, &run, err);
    else na_run_free(&run);
  }
  na_free(text);
  return code;
}

/* ------------------------------------------------------------------------------ writing */

/* A name that would break the lines is read again each time. */
static bool is_plain(const char *name)
{
  for (const char *c = name; *c != '\0'; c++)
    if ((unsigned char)*c < ' ') return false;
  return true;
}

static void write_number(na_buffer *out, double number)
{
  char text[32] = "-";
  if (!isnan(number)) na_text_number(text, number);
  na_buffer_add(out, "%s%s", text, field_end);
}

static void write_run(na_buffer *out, na_run *run)
{
  double *numbers[NUMBERS];
  list_numbers(run, numbers);
  na_buffer_add(out, "%s%s", run->name, field_end);
  for (int i = 0; i < STAMPS; i++) na_buffer_add(out, "%lld%s", run->stamp.values[i], field_end);
  write_number(out, run->state);
  write_number(out, run->changes);
  for (int i = 0; i < NUMBERS; i++) write_number(out, *numbers[i]);
  na_buffer_add(out, "%s%s%s%s%s", run->why, field_end, run->started, field_end, run->note);
  for (int s = 0; s < run->setting_count; s++)
    na_buffer_add(out, "%s%s = %s", field_end, run->settings[s].name, run->settings[s].value);
  na_buffer_add(out, "\n");
}

static bool write_file(const char *path, const na_buffer *text)
{
  FILE *file = fopen(path, "wbe");
  bool good = file != NULL && fwrite(text->data, 1, text->length, file) == text->length;
  return file != NULL && fclose(file) == 0 && good;
}

void na_cache_write(const char *folder, na_run *const *runs, size_t count)
{
  char path[NA_RUN_PATH], temporary[NA_RUN_PATH];
  na_buffer text = {0};
  if (snprintf(path, sizeof path, "%s/" NA_CACHE_FILE, folder) >= NA_RUN_PATH) return;
  if (snprintf(temporary, sizeof temporary, "%s/" NA_CACHE_FILE ".%ld.tmp", folder, (long)getpid()) >= NA_RUN_PATH)
    return;
  na_buffer_add(&text, "%s", magic);
  for (size_t i = 0; i < count; i++)
    if (!runs[i]->stale && runs[i]->state != NA_RUN_RUNNING && is_plain(runs[i]->name)) write_run(&text, runs[i]);
  bool good = !text.failed && write_file(temporary, &text) && rename(temporary, path) == 0;
  if (!good) unlink(temporary);
  na_free(text.data);
}
