/* Recording what layers give on chosen images, base and widest.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_RECORD_H
#define NA_RECORD_H

#include "core/base/settings.h"

/* What is recorded, and when. The table is na_record_settings. */
typedef struct na_record {
  char layers[NA_TEXT_MAX]; /* names separated by commas; empty: all with parameters, and sums */
  int images;               /* the first of the validation (else calibration) images */
  int every;                /* epochs between recordings; 0: none but those of `epochs` */
  na_list epochs;           /* these, too */
  bool augmented;           /* the widest network as well */
  bool gradients;           /* also those of the loss, by the layers' outputs and their parameters */
} na_record;
extern const na_settings na_record_settings;

#endif
