/* Inside of datasets/: what a reader makes of the files on disk, and what every other file here
 * works on. A collection has two parts, train and validation. Small ones lie in memory as uint8;
 * an image folder keeps only the names, and the loaders decode.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_COLLECTION_H
#define NA_COLLECTION_H

#include "datasets/dataset.h"
#include "datasets/names.h"
#include "datasets/transform.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

/* X(symbol, word, module, what): the formats in the order in which they are looked for. The
 * setting's choices, the table of readers, the enum and the prototypes below come from this. */
#define NA_DATA_FORMATS(X)                                                                         \
  X(IDX, "idx", idx, "IDX files (train-images-idx3-ubyte ...)")                                    \
  X(CIFAR10, "cifar10", cifar10, "CIFAR-10's binary files (data_batch_1.bin ...)")                 \
  X(CIFAR100, "cifar100", cifar100, "CIFAR-100's (train.bin, test.bin)")                           \
  X(FOLDER, "folder", folder, "a folder of images per class")                                      \
  X(PACKED, "packed", packed, "a file packed by `netaug data pack`")

typedef enum na_format {
  NA_FORMAT_AUTO,
#define NA_FORMAT_ENUM(symbol, word, module, what) NA_FORMAT_##symbol,
  NA_DATA_FORMATS(NA_FORMAT_ENUM)
#undef NA_FORMAT_ENUM
  NA_FORMAT_COUNT
} na_format;

enum { NA_DAMAGED_FAIL, NA_DAMAGED_SKIP };
enum { NA_VALIDATION_AUTO, NA_VALIDATION_HOLDOUT };

/* A decoded image of a file that stays in memory, and what such images lie in. */
typedef struct na_kept {
  int channels, height, width;
  uint8_t pixels[];
} na_kept;
typedef struct na_slab na_slab;

/* What is known about an image's file. */
typedef enum na_state { NA_STATE_UNKNOWN, NA_STATE_DAMAGED, NA_STATE_WHOLE } na_state;

/* One part as stored. */
typedef struct na_part {
  long count;
  int32_t *labels; /* [count]; an image folder's are sorted */
  uint8_t *pixels; /* [count][height][width][channels]; NULL: in files */
  char *folder;    /* files: image i is folder/CLASS NAME/names[i] */
  na_names names;
  atomic_uchar *states; /* files: [count], na_state of image i */
  _Atomic(na_kept *) *kept; /* files, with data.cache: [count], NULL where not kept */
} na_part;

/* Some of a part's images, in ascending order. */
typedef struct na_subset {
  na_part *part;
  uint32_t *index; /* [count], into the part */
  long count;
} na_subset;

/* A collection that has a name of its own. */
typedef struct na_known {
  const char *name, *alias;   /* alias: another usual name of its folder */
  const char *folder;         /* below the folder of data sets */
  const char *package;        /* Debian's */
  int classes;
  const char *const *class_names;
  double mean, std;           /* of its grey values, in units of full scale */
} na_known;

struct na_dataset {
  na_data data;
  na_format format;
  const na_known *known; /* or NULL */
  char *path, *name;

  /* Filled by the reader. */
  na_part train, val;
  na_names class_names;
  int stored_channels, stored_height, stored_width; /* one shape for all in memory; of files, that
                                                       of the first image of every class, 0 where
                                                       they differ */

  /* Worked out by na_dataset_open. */
  const char **classes; /* [class_names.count], pointing into class_names */
  na_subset subset[2];  /* by NA_SPLIT_TRAIN, NA_SPLIT_VAL */
  na_transform train_transform, val_transform;
  double mean[3], std[3];
  char *mean_text, *std_text; /* as data.mean and data.std are written, a value per channel */
  float normal[3][256]; /* pixel value -> (value / 255 - mean) / std, per channel */

  pthread_mutex_t mutex; /* guards what follows */
  na_slab *slabs;    /* of kept images */
  size_t keep_bytes; /* room left for more slabs */
  long skipped;
  char first_skipped[512];
};

/* For each format: do the files at path look like it (opens nothing large), and the reader. It
 * finds its files under dataset->path, checks every size and count, and fills the reader's part
 * of the structure. Labels are in range when it returns. */
#define NA_FORMAT_PROTOTYPES(symbol, word, module, what)                                           \
  bool na_##module##_detect(const char *path);                                                     \
  int na_##module##_read(na_dataset *dataset, na_error *err);
NA_DATA_FORMATS(NA_FORMAT_PROTOTYPES)
#undef NA_FORMAT_PROTOTYPES

/* Room for count images of bytes each and their labels, refused when this machine's memory cannot
 * hold them. */
int na_part_alloc(na_part *part, long long count, long long bytes, na_error *err);
void na_part_free(na_part *part);

/* labels[0..count-1] in 0 .. classes-1, or an error naming the file and the image, whose number in
 * the file is its place plus `first`. */
int na_labels_check(const char *file, const int32_t *labels, long count, long first, int classes,
                    na_error *err);

/* Images kept in memory once they were decoded (datasets/kept.c), up to data.cache; any thread may
 * call find and add. A kept image is the whole file's, decoded at full size: na_keeps says by the
 * size, which of them that are; the others may be decoded smaller. */
bool na_keeps(const na_image *info);
bool na_kept_find(const na_part *part, uint32_t index, na_image *image);
void na_kept_add(na_dataset *dataset, const na_part *part, uint32_t index, const na_image *image);
int na_kept_prepare(na_part *part, na_error *err);
void na_kept_free(na_dataset *dataset);

/* The fixed subsets (datasets/subset.c). With no validation part, `holdout` of train's images
 * become one; with `validation` holdout, that share of what is left to train on takes its place. Then
 * train is cut to `limit` images. Both are drawn evenly from every class, and
 * depend on nothing but the labels: runs with other seeds compare on the same images. */
int na_dataset_split(na_dataset *dataset, na_error *err);

/* A source over `subset` (datasets/loader.c). */
int na_loader_new(na_dataset *dataset, na_split split, long images, na_source **source,
                  na_error *err);

/* One image, ready to be laid out (datasets/sample.c): a thread's tools, and the work. */
typedef struct na_tools na_tools;
int na_tools_new(na_tools **tools, na_error *err);
void na_tools_free(na_tools *tools);

/* Takes the memory that the dataset's images will need, where they all have one known shape. */
int na_tools_prepare(na_tools *tools, const na_dataset *dataset, const na_transform *transform,
                     na_error *err);

/* Image `index` of `part`, decoded and transformed to out[channels][height][width] of the
 * transform. random NULL: evaluation, nothing is drawn. */
int na_sample_load(na_dataset *dataset, const na_part *part, uint32_t index,
                   const na_transform *transform, na_random *random, na_tools *tools, uint8_t *out,
                   na_error *err);

/* Shape of a file's image, read from its header alone. */
int na_sample_probe(na_dataset *dataset, const na_part *part, uint32_t index, na_tools *tools,
                    int *channels, int *height, int *width, na_error *err);

/* May the image be left out after this error? Then it is counted, once, and err cleared. Running
 * out of memory is no fault of the image. */
bool na_sample_skip(na_dataset *dataset, na_part *part, uint32_t index, na_error *err);

#endif
