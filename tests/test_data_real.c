/* Real images: Fashion-MNIST from its Debian package, and photographs from the shared archives.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/dataset.h"
#include "tests/check.h"
#include "tests/data_files.h"

#include <unistd.h>

static na_error err;

/* Mean and mean square over every value of one epoch, counted images included. */
static long measure(na_dataset *dataset, na_split split, double *mean, double *square)
{
  na_source *source;
  const na_batch *batch;
  long images = 0;
  int code;
  *mean = *square = 0;
  CHECK_OK(na_dataset_source(dataset, split, 0, &source, &err), err);
  if (source == NULL) return 0;
  CHECK_OK(source->start(source, 0, 0, &err), err);
  while ((code = source->next(source, &batch, &err)) > 0) {
    size_t floats = (size_t)source->channels * (size_t)batch->blocks * (size_t)source->height *
                    (size_t)source->width * 16;
    for (size_t i = 0; i < floats; i++) {
      *mean += (double)batch->images[i];
      *square += (double)batch->images[i] * (double)batch->images[i];
    }
    images += batch->count;
  }
  CHECK(code == 0, "the epoch ended with %d: %s", code, err.message);
  double values = (double)images * source->channels * source->height * source->width;
  *mean /= values;
  *square /= values;
  na_source_free(source);
  return images;
}

static void fashion_mnist(void)
{
  na_data data;
  na_dataset *dataset;
  na_dataset_info info;
  na_error_clear(&err);
  na_settings_init(&na_data_settings, &data);
  int code = na_dataset_open(&dataset, &data, &err);
  if (code == NA_EIO) {
    CHECK(strstr(err.hint, "apt-get install dataset-fashion-mnist") != NULL, "hint %s", err.hint);
    printf("SKIPPED, NOT TESTED: Fashion-MNIST is not installed: %s\n", err.hint);
    return;
  }
  CHECK_OK(code, err);
  if (code != 0) return;
  na_dataset_describe(dataset, &info);
  CHECK(info.train == 60000 && info.val == 10000 && info.classes == 10, "%ld + %ld", info.train,
        info.val);
  CHECK(strcmp(info.class_names[1], "Trouser") == 0, "class 1 is %s", info.class_names[1]);
  long counts[10];
  na_dataset_count(dataset, NA_SPLIT_TRAIN, counts);
  for (int c = 0; c < 10; c++) CHECK(counts[c] == 6000, "class %d: %ld", c, counts[c]);
  double mean, square;
  CHECK(measure(dataset, NA_SPLIT_VAL, &mean, &square) == 10000, "all validation images");
  CHECK_NEAR(mean, 0.0, 0.02, 1.0, "mean after normalisation");
  CHECK_NEAR(square, 1.0, 0.02, 1.0, "variance after normalisation");
  na_dataset_free(dataset);
}

/* Unpacks a few files of an archive; false when there is none. */
static int unpack(const char *root, const char *archive, const char *pattern)
{
  char command[2048];
  const char *shared = check_shared();
  if (shared == NULL) return 0;
  snprintf(command, sizeof command, "%s/data/%s", shared, archive);
  if (access(command, R_OK) != 0) {
    printf("SKIPPED, NOT TESTED: there is no %s\n", command);
    return 0;
  }
  snprintf(command, sizeof command, "tar xzf '%s/data/%s' -C '%s' --wildcards '%s'", shared,
           archive, root, pattern);
  int code = system(command);
  CHECK(code == 0, "%s: %d", command, code);
  return code == 0;
}

static void photographs(void)
{
  char root[FILES_PATH_MAX];
  na_data data;
  na_dataset *dataset;
  na_error_clear(&err);
  files_new(root);
  if (unpack(root, "imagenette-1500.tar.gz", "val/*")) {
    na_settings_init(&na_data_settings, &data);
    snprintf(data.path, sizeof data.path, "%s/val", root);
    data.size = 96;
    data.batch = 50;
    data.holdout = 0.2;
    CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
    na_dataset_info info;
    na_dataset_describe(dataset, &info);
    CHECK(info.train == 400 && info.val == 100 && info.classes == 10 && info.channels == 3,
          "%ld + %ld of %d", info.train, info.val, info.classes);
    for (int split = 0; split < 3; split++) {
      double mean, square;
      long images = measure(dataset, (na_split)split, &mean, &square);
      CHECK(images == (split == NA_SPLIT_VAL ? 100 : 400), "split %d: %ld", split, images);
      CHECK(fabs(mean) < 0.4 && square > 0.8 && square < 2.5, "split %d: mean %.2f, square %.2f",
            split, mean, square);
    }
    na_dataset_free(dataset);
  }
  files_remove(root);
}

int main(void)
{
  RUN(fashion_mnist);
  if (check_shared() != NULL) RUN(photographs);
  return CHECK_EXIT();
}
