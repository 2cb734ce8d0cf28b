/* Labelled image collections on disk, and the loaders that turn them into batches.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_DATASET_H
#define NA_DATASET_H

#include "core/base/settings.h"
#include "core/base/source.h"

/* How a collection is read, split and augmented. The table is na_data_settings. */
typedef struct na_data {
  char path[NA_TEXT_MAX];  /* file or folder; or a known name such as fashion-mnist */
  int format;              /* auto | idx | cifar10 | cifar100 | folder | packed */
  int size;                /* height and width of a training image; 0: as stored */
  int batch;
  int channels;            /* 1 or 3; 0: as stored; grey becomes RGB when 3 */
  int augment;             /* auto | none | crop | resized */
  int crop;                /* crop: pixels of padding before a random crop */
  bool flip;               /* random horizontal flip */
  double scale_min, scale_max, ratio; /* resized: area range; aspect 1/ratio .. ratio */
  double brightness, saturation, contrast; /* colour jitter strengths; negative: automatic */
  int policy;              /* na_policy_kind */
  int policy_ops;          /* RandAugment's N, M and the deviation of M */
  double policy_magnitude, policy_std;
  double erase;            /* random erasing: how often, area range, aspect 1/ratio .. ratio */
  double erase_min, erase_max, erase_ratio;
  int cutout;              /* side of the erased square; 0: none */
  double mixup, cutmix;    /* alpha of Beta(alpha, alpha); 0: none */
  double mix_prob, mix_switch; /* how often to mix; with both: how often that is CutMix */
  int mix_per;             /* batch | image: what these are drawn for */
  na_list mean, std;       /* per channel; empty: the collection's own defaults */
  double holdout;          /* share of train held out when there is no validation set */
  int validation;          /* auto | holdout: which images are validated on */
  int limit;               /* use at most this many training images; 0: all */
  int loaders;             /* loader threads; 0: automatic */
  int cache;               /* MiB of decoded files kept in memory; 0: none */
  int damaged;             /* fail | skip: what to do with an undecodable image */
  int seed;
} na_data;
extern const na_settings na_data_settings;

typedef struct na_dataset na_dataset;

/* Opens the collection: finds its files, reads headers and labels, checks every count. `data` is
 * copied. Errors name the file and what is wrong with it. */
int na_dataset_open(na_dataset **dataset, const na_data *data, na_error *err);
void na_dataset_free(na_dataset *dataset); /* after all its sources */

typedef enum na_split {
  NA_SPLIT_TRAIN,     /* augmented, shuffled each epoch; an incomplete last batch is dropped when there is a full one */
  NA_SPLIT_VAL,       /* evaluation transform, in order */
  NA_SPLIT_CALIBRATE  /* up to `images` images of train, fixed, training transform */
} na_split;

/* Shuffles and augments by another seed in sources that are made from now on. */
void na_dataset_reseed(na_dataset *dataset, int seed);

/* A source over one split. images: CALIBRATE's size (0: all). The source borrows the dataset. */
int na_dataset_source(na_dataset *dataset, na_split split, long images, na_source **source,
                      na_error *err);

/* What was found, for people and for the model's shape. */
typedef struct na_dataset_info {
  const char *name;   /* "fashion-mnist" or the path's last part */
  const char *format; /* "idx", ... */
  int channels, height, width; /* of a batch's images */
  int classes;
  long train, val;    /* images */
  long skipped;       /* damaged images left out so far */
  const char *first_skipped; /* file and reason of the first one met, or NULL */
  const char *const *class_names;
  double mean[3], std[3]; /* that its values are normalised with, full scale 1 */
} na_dataset_info;
void na_dataset_describe(na_dataset *dataset, na_dataset_info *info);

/* Images of each class in a split: counts[classes]. */
void na_dataset_count(const na_dataset *dataset, na_split split, long *counts);

/* Decodes the whole collection into one packed HDF5 file of uint8 (`netaug data pack`): images
 * [n][height][width][channels] resized to cover size (0: stored size; all must then be equal),
 * labels, class names, for train and val. progress may be NULL. Written to a temporary name, then
 * renamed. */
int na_dataset_pack(na_dataset *dataset, const char *path, int size,
                    void (*progress)(void *context, long done, long total), void *context,
                    na_error *err);

#endif
