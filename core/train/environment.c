/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"
#include "core/train/environment.h"
#include "core/kernel/gemm.h"
#include "core/kernel/kernels.h"
#include "core/store/h5.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* "model name : X" of /proc/cpuinfo; other architectures have other words, or none. */
static void read_cpu(char *out, size_t size)
{
  char line[512];
  FILE *file = fopen("/proc/cpuinfo", "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || colon == NULL) continue;
    snprintf(out, size, "%s", colon + 1 + strspn(colon + 1, " "));
    out[strcspn(out, "\n")] = '\0';
    break;
  }
  if (file != NULL) fclose(file);
}

/* The words of this process's command line, separated by blanks. */
static void read_command(char *out, size_t size)
{
  FILE *file = fopen("/proc/self/cmdline", "re");
  if (file == NULL) return;
  size_t length = fread(out, 1, size - 1, file);
  fclose(file);
  out[length] = '\0';
  for (size_t i = 0; i + 1 < length; i++)
    if (out[i] == '\0') out[i] = ' ';
}

static void read_time(char *out, size_t size)
{
  time_t now = time(NULL);
  struct tm utc;
  if (gmtime_r(&now, &utc) != NULL) strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void na_environment_read(na_environment *e)
{
  struct utsname name;
  memset(e, 0, sizeof *e);
  if (uname(&name) == 0) {
    snprintf(e->host, sizeof e->host, "%s", name.nodename);
    snprintf(e->system, sizeof e->system, "%s %s %s", name.sysname, name.release, name.machine);
  }
  read_cpu(e->cpu, sizeof e->cpu);
  snprintf(e->isa, sizeof e->isa, "%s", na_kernels_best()->name);
  snprintf(e->bf16, sizeof e->bf16, "%s", na_products_best(na_kernels_best(), NA_BF16)->name);
  snprintf(e->netaug, sizeof e->netaug, "%s", PACKAGE_VERSION);
  snprintf(e->hdf5, sizeof e->hdf5, "%s", na_h5_version());
  snprintf(e->blas, sizeof e->blas, "%s", na_gemm_init());
  read_time(e->started, sizeof e->started);
  if (getcwd(e->directory, sizeof e->directory) == NULL) e->directory[0] = '\0';
  read_command(e->command, sizeof e->command);
}

void na_environment_notes(const na_environment *e, na_note *notes)
{
  int count = 0;
#define NOTE(field, size) notes[count++] = (na_note){#field, e->field};
  NA_ENVIRONMENT(NOTE)
#undef NOTE
}
