/* Data sets as the command line names them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_COLLECTION_H
#define NA_COLLECTION_H

#include "datasets/dataset.h"
#include "tui/command.h"

/* clang-format off */
/* Entry of an option table: `field` is an na_words. */
#define NA_COLLECTION_OPTION(type, field)                                                          \
  {{"--set", NA_TEXT, offsetof(type, field), "", 0, 0, NULL,                                       \
    "set data.NAME, such as data.batch; may be repeated"},                                         \
   "NAME=VALUE", true}
/* clang-format on */

/* Fills data with the defaults, then with the lines "PREFIXname = value" of stored (a checkpoint's
 * settings; may be NULL), then with path (may be NULL or empty), then with the words of --set. */
int na_collection_settings(na_data *data, const char *stored, const char *prefix, const char *path,
                           const na_words *set, na_error *err);

#endif
