/* Recordings of what layers give on chosen images (core/store/FORMAT.md, "Recordings"): maps beside the
 * image they come from, the base network's channels against the augmented ones, dead channels.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_ACTIVATIONS_H
#define NA_ACTIVATIONS_H

#include "core/store/scan.h"
#include "tui/inspect/page.h"

typedef struct na_recording {
  na_reader *reader;    /* borrowed */
  char **layers;        /* [layer_count], as under "base" */
  int layer_count;
  long long images;
  bool augmented;       /* the widest network was recorded, too */
  int channels, height, width; /* of the images */
  /* The statistics of layer `known` over all images, -1: of none yet. */
  int known;
  na_scan base, wide;
} na_recording;

/* Refuses what is no recording. On failure, too, the caller closes it. */
int na_recording_open(na_recording *recording, na_reader *reader, na_error *err);
void na_recording_close(na_recording *recording);

/* Index of the layer called name, or -1. */
int na_recording_find(const na_recording *recording, const char *name);

/* Image number `image`, and beside it the layer's channels from `first` on, base above augmented, in
 * about `rows` rows. Returns how many channels were shown. */
int na_recording_maps(na_recording *recording, na_page *page, int layer, long long image, int first,
                      int rows);

/* The layer's channels over all images: mean, standard deviation, zeros and norm of both networks; up
 * to `most` channels, dead ones first to be told. */
void na_recording_channels(na_recording *recording, na_page *page, int layer, int most);

/* Both, for the dataset at path of any file; false when that is no recorded layer. */
bool na_activations_page(na_page *page, na_reader *reader, const char *path, long long image, int first,
                         int rows);

#endif
