/* Networks as the command line names them: a model of the zoo, a script that returns one, or a
 * checkpoint.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_MODEL_H
#define NA_MODEL_H

#include "core/net/net.h"
#include "core/store/checkpoint.h"
#include "tui/command.h"

/* Options that shape a model of the zoo; 0 and empty lists mean the model's own. */
typedef struct na_model_options {
  int resolution, classes, channels, stem_stride;
  double width_mult;
  na_list width, expand;
} na_model_options;

/* clang-format off */
/* Entries of an option table, for a structure that has the options as its member `field`. */
#define NA_MODEL_OPTIONS(type, field)                                                              \
  {{"--resolution", NA_INT, offsetof(type, field.resolution), "0", 0, 4096, NULL,                  \
    "height and width of an image; 0 is the model's own"},                                         \
   "N", false},                                                                                    \
  {{"--classes", NA_INT, offsetof(type, field.classes), "0", 0, 1000000, NULL,                     \
    "outputs of the classifier; 0 is the model's own"},                                            \
   "N", false},                                                                                    \
  {{"--channels", NA_INT, offsetof(type, field.channels), "0", 0, 64, NULL,                        \
    "colour planes of an image; 0 is the model's own"},                                            \
   "N", false},                                                                                    \
  {{"--stem-stride", NA_INT, offsetof(type, field.stem_stride), "0", 0, 8, NULL,                   \
    "stride of the first convolution; 0 is the model's own"},                                      \
   "N", false},                                                                                    \
  {{"--width-mult", NA_FLOAT, offsetof(type, field.width_mult), "0", 0, 16, NULL,                  \
    "channels of every block times this; 0 is the model's own"},                                   \
   "X", false},                                                                                    \
  {{"--augment-width", NA_LIST, offsetof(type, field.width), "", 1, 64, NULL,                      \
    "multipliers of elastic widths, such as 1,1.8,2.6; none is the model's own recipe"},           \
   "LIST", false},                                                                                 \
  {{"--augment-expand", NA_LIST, offsetof(type, field.expand), "", 1, 64, NULL,                    \
    "factors of elastic middles; none is the model's own recipe"},                                 \
   "LIST", false}
/* clang-format on */

/* Builds the model of the zoo called name, or the one that the script name returns. */
int na_model_build(const char *name, const na_model_options *options, na_net **net, na_error *err);

/* The same, and a file of another kind is opened as a checkpoint. */
int na_model_open(const char *name, const na_model_options *options, na_net **net, na_error *err);

/* "96x28x28": a layer's output at widths. */
void na_model_shape(const na_layer *layer, const int *widths, char out[32]);

/* The base widths (or the widest) of net, allocated: na_free. */
int na_model_widths(const na_net *net, bool widest, int **widths, na_error *err);

#endif
