/* A reference fixture: an HDF5 file of what PyTorch computes in float64, on numbers that follow from a
 * formula, and the same network in our engine.
 *
 * Failures of the file (what it lacks) and of the engine (what disagrees) are counted in the report; a
 * function returns an error only when it cannot go on at all.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "core/net/workspace.h"
#include "core/store/h5.h"
#include "lua/na_lua.h"
#include "tests/fixture_report.h"

enum { FIXTURE_HEAD = 8, FIXTURE_PATH = 512 };

typedef struct fixture {
  na_h5 *file;
  fixture_report report;
  int resolution, batch, classes;
  uint64_t input_stream;
  na_net *net;
  na_workspace *workspace;
  na_team *team;        /* borrowed */
  na_batch images;      /* the input batch */
  float *pixels;        /* its images */
  int32_t *labels;
  int *base, *widths;   /* [dim_count]: the base, and the case at hand */
  float *logits;        /* [batch][classes] of the last forward pass */
  double *wanted;       /* the same of the file */
  float *before;        /* [net->values]: the weights before a step */
} fixture;

/* Opens the file, builds its network by the zoo's Lua, and allocates. */
int fixture_open(fixture *f, const char *path, na_lua *lua, na_team *team, na_error *err);
void fixture_close(fixture *f);

/* Everything that is checked, in the order the file was made: the running statistics go on from one
 * part to the next. */
int fixture_check_structure(fixture *f, na_error *err);
int fixture_check_cases(fixture *f, na_error *err);
int fixture_check_kinks(fixture *f, na_error *err);
int fixture_check_steps(fixture *f, na_error *err);
int fixture_check_sort(fixture *f, na_error *err);
int fixture_check_recalibration(fixture *f, na_error *err);

/* ------------------------------------------------------- shared by the checks (fixture.c) */

/* A stream as the file gives it; 0 where that is no number of a stream. */
uint64_t fixture_stream(double number);

/* Fills every parameter by the formula from the stream that the file names; momentum and gradients
 * become zero, running statistics stay. */
void fixture_fill(fixture *f, bool kinks);

/* Fills the images from a stream. */
void fixture_fill_images(fixture *f, uint64_t stream);

/* Numbers of the file; what is missing is reported and gives 0, or fewer than `count`. */
double fixture_number(fixture *f, const char *path, const char *name);
size_t fixture_numbers(fixture *f, const char *path, const char *name, double *out, size_t count);

/* Reads f->wanted from the dataset of that path. Returns whether it is there and of the right size. */
int fixture_wanted(fixture *f, const char *path);

/* Reads attribute `widths` of path into f->widths. Returns whether they are widths our network can
 * have; else reports. */
int fixture_read_widths(fixture *f, const char *path);

/* Root of the summed squares, in double. */
double fixture_l2(const float *values, size_t count);

#endif
