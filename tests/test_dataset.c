/* Opening collections: every format, and what is said of damaged, missing or impossible files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/collection.h"
#include "tests/check.h"
#include "tests/data_files.h"

static char root[FILES_PATH_MAX];
static na_error err;
static na_data data;
static na_dataset *dataset;
static na_dataset_info info;

static void begin(void)
{
  na_error_clear(&err);
  files_new(root);
  na_settings_init(&na_data_settings, &data);
  snprintf(data.path, sizeof data.path, "%s", root);
}

static void end(void) { files_remove(root); }

/* Opens, describes, and closes again. */
static int try_open(void)
{
  int code = na_dataset_open(&dataset, &data, &err);
  if (code == 0) na_dataset_describe(dataset, &info);
  na_dataset_free(dataset);
  dataset = NULL;
  return code;
}

static uint8_t pixel(int image, int place) { return (uint8_t)(image * 7 + place); }

static void write_idx(int gzip)
{
  files_write_idx(root, "train", 50, 6, 5, 5, pixel, gzip);
  files_write_idx(root, "t10k", 10, 6, 5, 5, pixel, gzip);
}

/* ----------------------------------------------------------------------------------- settings */

static void settings_are_checked(void)
{
  begin();
  CHECK_FAILS(na_settings_parse(&na_data_settings, &data, "batch", "0", &err), NA_EINVAL, "batch",
              err);
  CHECK_FAILS(na_settings_parse(&na_data_settings, &data, "bach", "8", &err), NA_EINVAL, "bach",
              err);
  CHECK_FAILS(na_settings_parse(&na_data_settings, &data, "format", "zip", &err), NA_EINVAL,
              "packed", err);
  CHECK_FAILS(na_settings_parse(&na_data_settings, &data, "policy", "auto", &err), NA_EINVAL,
              "none|randaugment|autoaugment-imagenet|autoaugment-cifar10", err);
  CHECK_FAILS(na_settings_parse(&na_data_settings, &data, "policy_ops", "9", &err), NA_EINVAL,
              "policy_ops", err);
  write_idx(0);
  data.channels = 2;
  CHECK_FAILS(try_open(), NA_EINVAL, "channels takes 0, 1 or 3", err);
  data.channels = 0;
  data.batch = 0;
  CHECK_FAILS(try_open(), NA_EINVAL, "batch must be at least 1", err);
  data.batch = 8;
  data.scale_min = 0.9, data.scale_max = 0.5;
  CHECK_FAILS(try_open(), NA_EINVAL, "scale_min", err);
  data.scale_max = 1;
  data.erase_min = 0.4;
  CHECK_FAILS(try_open(), NA_EINVAL, "erase_min, 0.4, is larger than erase_max, 0.33", err);
  data.erase_min = 0.02;
  data.crop = 5;
  CHECK_FAILS(try_open(), NA_EINVAL, "too much for images of 6x5", err);
  data.crop = 2;
  data.mean = (na_list){3, {0.1, 0.2, 0.3}};
  CHECK_FAILS(try_open(), NA_EINVAL, "mean has 3 values for 1 channel", err);
  data.channels = 3;
  CHECK_OK(try_open(), err);
  end();
}

/* ---------------------------------------------------------------------------------------- IDX */

static void idx_plain_and_gzip(void)
{
  for (int gzip = 0; gzip < 2; gzip++) {
    begin();
    write_idx(gzip);
    CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
    na_dataset_describe(dataset, &info);
    CHECK(strcmp(info.format, "idx") == 0, "format %s", info.format);
    CHECK(info.channels == 1 && info.height == 6 && info.width == 5, "shape");
    CHECK(info.classes == 5 && strcmp(info.class_names[4], "4") == 0, "classes %d", info.classes);
    CHECK(info.train == 50 && info.val == 10 && info.skipped == 0, "%ld + %ld", info.train,
          info.val);
    long counts[5];
    na_dataset_count(dataset, NA_SPLIT_VAL, counts);
    for (int c = 0; c < 5; c++) CHECK(counts[c] == 2, "class %d: %ld", c, counts[c]);
    na_dataset_free(dataset);
    end();
  }
}

static void idx_damage(void)
{
  begin();
  write_idx(0);
  files_cut(root, "train-images-idx3-ubyte", 1000);
  CHECK_FAILS(try_open(), NA_EFORMAT,
              "train-images-idx3-ubyte: truncated: expected 1516 bytes, got 1000", err);
  files_cut(root, "train-images-idx3-ubyte", 10);
  CHECK_FAILS(try_open(), NA_EFORMAT, "truncated", err);
  files_cut(root, "train-images-idx3-ubyte", 0);
  CHECK_FAILS(try_open(), NA_EFORMAT, "train-images-idx3-ubyte: it is empty", err);
  remove(files_path(root, "train-images-idx3-ubyte"));
  CHECK_FAILS(try_open(), NA_EIO, "train-images-idx3-ubyte is missing", err);
  write_idx(0);
  remove(files_path(root, "t10k-labels-idx1-ubyte"));
  CHECK_FAILS(try_open(), NA_EIO, "t10k-labels-idx1-ubyte is missing", err);
  files_write_idx(root, "t10k", 10, 6, 6, 5, pixel, 0);
  CHECK_FAILS(try_open(), NA_ESHAPE, "images of 6x6, but training images are 6x5", err);
  end();
}

static void idx_headers(void)
{
  begin();
  write_idx(0);
  size_t count;
  uint8_t *images = files_read(root, "train-images-idx3-ubyte", &count);
  images[2] = 13;
  files_write(root, "train-images-idx3-ubyte", images, count);
  CHECK_FAILS(try_open(), NA_EFORMAT, "it starts 00 00 0d 03, not 00 00 08 03", err);
  images[2] = 8;
  images[7] = 49; /* one image fewer than there are bytes and labels for */
  files_write(root, "train-images-idx3-ubyte", images, count);
  CHECK_FAILS(try_open(), NA_EFORMAT, "too long", err);
  files_write(root, "train-images-idx3-ubyte", images, count - 30);
  CHECK_FAILS(try_open(), NA_EFORMAT, "holds 50 labels, but", err);
  memset(images + 4, 0xff, 12); /* 2^32-1 images of 2^32-1 pixels squared */
  files_write(root, "train-images-idx3-ubyte", images, count);
  CHECK_FAILS(try_open(), NA_EFORMAT, "its header gives dimension 1 as 4294967295", err);
  memset(images + 8, 0, 8);
  files_write(root, "train-images-idx3-ubyte", images, count);
  CHECK_FAILS(try_open(), NA_EFORMAT, "dimension 1 as 0", err);
  free(images);
  end();
}

/* A claim of gigabytes in a small gzip file must be refused before they are allocated. */
static void idx_hostile_gzip(void)
{
  begin();
  uint8_t head[16] = {0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 1, 0};
  files_gzip(root, "train-images-idx3-ubyte.gz", head, sizeof head);
  files_write_idx(root, "t10k", 10, 6, 5, 5, pixel, 1);
  CHECK_FAILS(try_open(), NA_EFORMAT, "truncated: expected 281474976645136 bytes", err);
  end();
}

static void idx_gzip_damage(void)
{
  begin();
  write_idx(1);
  size_t count;
  uint8_t *bytes = files_read(root, "train-images-idx3-ubyte.gz", &count);
  for (size_t cut = 1; cut < count; cut += 1 + count / 50) {
    files_write(root, "train-images-idx3-ubyte.gz", bytes, cut);
    na_error_clear(&err);
    int code = try_open();
    CHECK(code == NA_EFORMAT && strstr(err.message, "train-images-idx3-ubyte.gz") != NULL,
          "cut to %zu of %zu: %d %s", cut, count, code, err.message);
  }
  for (size_t at = 10; at < count; at += 1 + count / 100) {
    bytes[at] ^= 0x55;
    files_write(root, "train-images-idx3-ubyte.gz", bytes, count);
    bytes[at] ^= 0x55;
    na_error_clear(&err);
    int code = try_open();
    CHECK(code == NA_EFORMAT, "byte %zu of %zu: %d %s", at, count, code, err.message);
  }
  free(bytes);
  end();
}

static void idx_labels(void)
{
  begin();
  write_idx(0);
  size_t count;
  uint8_t *labels = files_read(root, "train-labels-idx1-ubyte", &count);
  labels[8 + 17] = 200;
  files_write(root, "train-labels-idx1-ubyte", labels, count);
  CHECK_FAILS(try_open(), NA_EFORMAT,
              "train-labels-idx1-ubyte: label 200 of image 17 is out of range", err);
  free(labels);
  write_idx(0);
  labels = files_read(root, "t10k-labels-idx1-ubyte", &count);
  labels[8 + 3] = 5;
  files_write(root, "t10k-labels-idx1-ubyte", labels, count);
  CHECK_FAILS(try_open(), NA_EFORMAT,
              "t10k-labels-idx1-ubyte: label 5 of image 3 is out of range 0 to 4", err);
  free(labels);
  end();
}

static void known_names(void)
{
  begin();
  files_folder(root, "fashion-mnist");
  remove(files_path(root, "fashion-mnist"));
  setenv("NETAUG_DATASETS", root, 1);
  snprintf(data.path, sizeof data.path, "fashion-mnist");
  na_error_clear(&err);
  CHECK(try_open() == NA_EIO, "a missing package is an error");
  CHECK(strstr(err.message, "fashion-mnist is not installed") != NULL, "%s", err.message);
  CHECK(strstr(err.hint, "apt-get install dataset-fashion-mnist") != NULL, "hint: %s", err.hint);
  na_error_clear(&err);
  files_write_idx(root, "fashion-mnist/train", 40, 6, 5, 10, pixel, 1);
  unsetenv("NETAUG_DATASETS");
  /* The same folder by its path keeps the class names. */
  snprintf(data.path, sizeof data.path, "%s/fashion-mnist/", root);
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_describe(dataset, &info);
  CHECK(info.classes == 10 && strcmp(info.class_names[9], "Ankle boot") == 0, "names");
  CHECK(strcmp(info.name, "fashion-mnist") == 0, "name %s", info.name);
  na_dataset_free(dataset);
  na_error_clear(&err);
  snprintf(data.path, sizeof data.path, "fashion-mnits");
  CHECK(try_open() == NA_EIO && strstr(err.hint, "did you mean \"fashion-mnist\"") != NULL,
        "%s: %s", err.message, err.hint);
  end();
}

/* -------------------------------------------------------------------------------------- CIFAR */

enum { RECORD = 3073 };

static void write_cifar10(int per_file)
{
  static uint8_t records[20 * RECORD];
  for (int i = 0; i < per_file; i++) {
    records[i * RECORD] = (uint8_t)(i % 10);
    for (int p = 0; p < 3072; p++) records[i * RECORD + 1 + p] = (uint8_t)(i + 80 * (p / 1024));
  }
  for (int file = 1; file <= 5; file++) {
    char name[32];
    snprintf(name, sizeof name, "data_batch_%d.bin", file);
    files_write(root, name, records, (size_t)per_file * RECORD);
  }
  files_write(root, "test_batch.bin", records, (size_t)per_file * RECORD);
  files_text(root, "batches.meta.txt", "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\n"
                                       "ship\ntruck\n\n");
}

static void cifar10(void)
{
  begin();
  write_cifar10(20);
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_describe(dataset, &info);
  CHECK(strcmp(info.format, "cifar10") == 0, "format %s", info.format);
  CHECK(info.channels == 3 && info.height == 32 && info.width == 32, "shape");
  CHECK(info.train == 100 && info.val == 20 && info.classes == 10, "counts");
  CHECK(strcmp(info.class_names[9], "truck") == 0, "names");
  na_dataset_free(dataset);
  files_cut(root, "data_batch_3.bin", 5000);
  CHECK_FAILS(try_open(), NA_EFORMAT, "data_batch_3.bin: truncated: expected a multiple of 3073",
              err);
  CHECK_FAILS(try_open(), NA_EFORMAT, "got 5000", err);
  remove(files_path(root, "data_batch_3.bin"));
  CHECK_FAILS(try_open(), NA_EIO, "data_batch_3.bin", err);
  write_cifar10(20);
  size_t count;
  uint8_t *bytes = files_read(root, "data_batch_2.bin", &count);
  bytes[4 * RECORD] = 10;
  files_write(root, "data_batch_2.bin", bytes, count);
  CHECK_FAILS(try_open(), NA_EFORMAT,
              "data_batch_2.bin: label 10 of image 4 is out of range 0 to 9", err);
  free(bytes);
  write_cifar10(5);
  CHECK_FAILS(try_open(), NA_EFORMAT, "class 5, \"dog\", has no images", err);
  write_cifar10(20);
  files_text(root, "batches.meta.txt", "airplane\nautomobile\n");
  CHECK_FAILS(try_open(), NA_EFORMAT, "batches.meta.txt: expected 10 names, got 2", err);
  end();
}

static void cifar100(void)
{
  begin();
  uint8_t *records = calloc(200, RECORD + 1);
  for (int i = 0; i < 200; i++) {
    records[i * (RECORD + 1)] = (uint8_t)(i % 20); /* coarse */
    records[i * (RECORD + 1) + 1] = (uint8_t)(i % 100);
  }
  files_write(root, "train.bin", records, 200 * (RECORD + 1));
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_describe(dataset, &info);
  CHECK(strcmp(info.format, "cifar100") == 0 && info.classes == 100, "%s", info.format);
  CHECK(info.train == 180 && info.val == 20, "held out: %ld + %ld", info.train, info.val);
  CHECK(strcmp(info.class_names[42], "42") == 0, "classes go by number without names");
  na_dataset_free(dataset);
  records[7 * (RECORD + 1) + 1] = 100;
  files_write(root, "train.bin", records, 200 * (RECORD + 1));
  CHECK_FAILS(try_open(), NA_EFORMAT, "train.bin: label 100 of image 7 is out of range", err);
  free(records);
  end();
}

/* ------------------------------------------------------------------------------------- folders */

static void write_class(const char *folder, int count, int channels)
{
  uint8_t pixels[3 * 64];
  for (int i = 0; i < count; i++) {
    char name[64];
    memset(pixels, i, sizeof pixels);
    snprintf(name, sizeof name, "%s/%03d.png", folder, i);
    files_write_png(root, name, &(files_png){.width = 8, .height = 8, .channels = channels,
                                             .pixels = pixels});
  }
}

static void folder_with_val(void)
{
  begin();
  write_class("train/cat", 3, 3);
  write_class("train/Dog", 4, 1);
  write_class("val/cat", 1, 3);
  write_class("val/Dog", 2, 3);
  files_text(root, "train/cat/notes.txt", "not an image");
  files_text(root, "train/.hidden/x.jpg", "not a class");
  uint8_t pixels[3 * 64] = {0};
  files_jpeg jpeg = {.width = 8, .height = 8, .channels = 3, .pixels = pixels};
  files_write_jpeg(root, "train/cat/a.JPEG", &jpeg);
  files_write_jpeg(root, "train/cat/b.JpG", &jpeg);
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_describe(dataset, &info);
  CHECK(strcmp(info.format, "folder") == 0, "format %s", info.format);
  CHECK(info.classes == 2 && strcmp(info.class_names[0], "Dog") == 0 &&
            strcmp(info.class_names[1], "cat") == 0, "classes sorted by name");
  CHECK(info.train == 9 && info.val == 3, "%ld + %ld", info.train, info.val);
  CHECK(info.channels == 3 && info.height == 8 && info.width == 8, "shape as stored");
  na_dataset_free(dataset);
  end();
}

static void folder_held_out(void)
{
  begin();
  write_class("a", 40, 3);
  write_class("b", 20, 3);
  data.holdout = 0.25;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_describe(dataset, &info);
  long train[2], val[2];
  na_dataset_count(dataset, NA_SPLIT_TRAIN, train);
  na_dataset_count(dataset, NA_SPLIT_VAL, val);
  CHECK(info.train == 45 && info.val == 15, "%ld + %ld", info.train, info.val);
  CHECK(train[0] == 30 && train[1] == 15 && val[0] == 10 && val[1] == 5,
        "of each class its share: %ld %ld, %ld %ld", train[0], train[1], val[0], val[1]);
  na_dataset_free(dataset);
  data.limit = 12;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_count(dataset, NA_SPLIT_TRAIN, train);
  CHECK(train[0] == 8 && train[1] == 4, "limited evenly: %ld %ld", train[0], train[1]);
  na_dataset_free(dataset);
  data.limit = 2;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_count(dataset, NA_SPLIT_TRAIN, train);
  CHECK(train[0] == 1 && train[1] == 1, "one of each: %ld %ld", train[0], train[1]);
  na_dataset_free(dataset);
  data.holdout = 0;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_source *source;
  CHECK_FAILS(na_dataset_source(dataset, NA_SPLIT_VAL, 0, &source, &err), NA_EINVAL,
              "no validation images", err);
  na_dataset_free(dataset);
  end();
}

/* To tune on: a part of what is trained on, whether or not there is a validation set. */
static void held_out_to_tune(void)
{
  begin();
  write_class("train/a", 40, 3);
  write_class("train/b", 20, 3);
  write_class("val/a", 8, 3);
  write_class("val/b", 8, 3);
  data.holdout = 0.25;
  data.validation = NA_VALIDATION_HOLDOUT;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  const na_subset *train = &dataset->subset[NA_SPLIT_TRAIN], *val = &dataset->subset[NA_SPLIT_VAL];
  CHECK(train->count == 45 && val->count == 15, "%ld + %ld", train->count, val->count);
  CHECK(val->part == &dataset->train, "validated on images of the training part");
  bool seen[60] = {false};
  for (long i = 0; i < train->count; i++) seen[train->index[i]] = true;
  for (long i = 0; i < val->count; i++) CHECK(!seen[val->index[i]], "image %ld is in both", i);
  na_dataset_free(dataset);
  data.holdout = 0;
  CHECK_FAILS(na_dataset_open(&dataset, &data, &err), NA_EINVAL, "data.holdout is 0", err);
  end();
}

/* Without a validation set the images that would be it are left alone. */
static void held_out_twice(void)
{
  begin();
  write_class("a", 40, 3);
  write_class("b", 40, 3);
  data.holdout = 0.25;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  bool tested[80] = {false};
  const na_subset *val = &dataset->subset[NA_SPLIT_VAL];
  for (long i = 0; i < val->count; i++) tested[val->index[i]] = true;
  na_dataset_free(dataset);
  data.validation = NA_VALIDATION_HOLDOUT;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  val = &dataset->subset[NA_SPLIT_VAL];
  const na_subset *train = &dataset->subset[NA_SPLIT_TRAIN];
  CHECK(train->count == 45 && val->count == 15, "%ld + %ld", train->count, val->count);
  for (long i = 0; i < val->count; i++) CHECK(!tested[val->index[i]], "tuned on the test set");
  for (long i = 0; i < train->count; i++) CHECK(!tested[train->index[i]], "trained on the test set");
  na_dataset_free(dataset);
  end();
}

static void limits_keep_every_class(void)
{
  begin();
  write_class("common", 60, 3);
  write_class("rare", 2, 3);
  data.holdout = 0;
  data.limit = 4;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  long counts[2];
  na_dataset_count(dataset, NA_SPLIT_TRAIN, counts);
  CHECK(counts[0] == 3 && counts[1] == 1, "%ld common, %ld rare", counts[0], counts[1]);
  na_dataset_free(dataset);
  end();
}

static void folder_mistakes(void)
{
  begin();
  CHECK_FAILS(try_open(), NA_EFORMAT, "no images: it has no class folders", err);
  write_class("train/a", 2, 3);
  files_folder(root, "train/b");
  CHECK_FAILS(try_open(), NA_EFORMAT, "class \"b\" has no images", err);
  write_class("train/b", 2, 3);
  write_class("val/a", 2, 3);
  CHECK_FAILS(try_open(), NA_EFORMAT, "class \"b\" of the training images is missing", err);
  write_class("val/b", 2, 3);
  write_class("val/c", 2, 3);
  CHECK_FAILS(try_open(), NA_EFORMAT, "class \"c\" is not among the training classes", err);
  snprintf(data.path, sizeof data.path, "%s/nowhere", root);
  CHECK_FAILS(try_open(), NA_EIO, "nowhere: No such file", err);
  snprintf(data.path, sizeof data.path, "%s/val/a/000.png", root);
  CHECK_FAILS(try_open(), NA_EFORMAT, "not a collection", err);
  data.format = 1; /* idx */
  snprintf(data.path, sizeof data.path, "%s", root);
  CHECK_FAILS(try_open(), NA_EIO, "train-images-idx3-ubyte is missing", err);
  end();
}

static void folder_shapes(void)
{
  begin();
  write_class("a", 2, 3);
  uint8_t pixels[300] = {0};
  files_write_png(root, "b/1.png", &(files_png){.width = 10, .height = 8, .channels = 1,
                                                .pixels = pixels});
  CHECK_FAILS(try_open(), NA_EINVAL, "its images differ in size", err);
  data.size = 16;
  CHECK_OK(try_open(), err);
  CHECK(info.height == 16 && info.width == 16 && info.channels == 3, "as wanted");
  data.channels = 1;
  CHECK_OK(try_open(), err);
  CHECK(info.channels == 1, "grey wanted");
  files_text(root, "a/000.png", "text");
  CHECK_FAILS(try_open(), NA_EFORMAT, "a/000.png: it is neither a JPEG nor a PNG file", err);
  data.damaged = 1;
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_describe(dataset, &info);
  CHECK(info.skipped == 1 && strstr(info.first_skipped, "a/000.png") != NULL, "skipped %ld: %s",
        info.skipped, info.first_skipped != NULL ? info.first_skipped : "-");
  na_dataset_free(dataset);
  end();
}

/* ------------------------------------------------------------------------------------- memory */

static void fail_every_allocation(const char *what)
{
  int failures = 0;
  for (unsigned long n = 1; n < 10000; n++, failures++) {
    na_error_clear(&err);
    na_alloc_fail_at(n);
    int code = try_open();
    na_alloc_fail_at(0);
    if (code == NA_OK) break;
    CHECK(code == NA_ENOMEM, "%s, allocation %lu: %d %s", what, n, code, err.message);
  }
  CHECK(failures > 5, "%s: only %d allocations", what, failures);
}

static void want_of_memory(void)
{
  begin();
  write_idx(1);
  remove(files_path(root, "t10k-images-idx3-ubyte.gz"));
  remove(files_path(root, "t10k-labels-idx1-ubyte.gz"));
  fail_every_allocation("idx");
  end();
  begin();
  write_cifar10(20);
  fail_every_allocation("cifar10");
  end();
  begin();
  write_class("train/a", 9, 3);
  write_class("train/b", 2, 3);
  write_class("val/a", 1, 3);
  write_class("val/b", 1, 3);
  data.limit = 4;
  fail_every_allocation("folder");
  end();
}

int main(void)
{
  RUN(settings_are_checked);
  RUN(idx_plain_and_gzip);
  RUN(idx_damage);
  RUN(idx_headers);
  RUN(idx_hostile_gzip);
  RUN(idx_gzip_damage);
  RUN(idx_labels);
  RUN(known_names);
  RUN(cifar10);
  RUN(cifar100);
  RUN(folder_with_val);
  RUN(folder_held_out);
  RUN(held_out_to_tune);
  RUN(held_out_twice);
  RUN(limits_keep_every_class);
  RUN(folder_mistakes);
  RUN(folder_shapes);
  RUN(want_of_memory);
  return CHECK_EXIT();
}
