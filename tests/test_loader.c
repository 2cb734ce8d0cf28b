/* Batches: their layout in lanes, reproducibility, resuming, damaged images, memory.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/dataset.h"
#include "tests/check.h"
#include "tests/data_files.h"

#include <time.h>

enum { BATCHES_MAX = 64 };

static char root[FILES_PATH_MAX];
static na_error err;
static na_data data;
static na_dataset *dataset;
static na_source *source;

static void begin(void)
{
  na_error_clear(&err);
  files_new(root);
  na_settings_init(&na_data_settings, &data);
  snprintf(data.path, sizeof data.path, "%s", root);
}

static void end(void) { files_remove(root); }

static int open_source(na_split split, long images)
{
  source = NULL;
  int code = na_dataset_open(&dataset, &data, &err);
  return code != 0 ? code : na_dataset_source(dataset, split, images, &source, &err);
}

static void close_source(void)
{
  na_source_free(source);
  na_dataset_free(dataset);
  source = NULL;
  dataset = NULL;
}

static float lane_value(const na_batch *batch, int n, int c, int y, int x)
{
  int height = source->height, width = source->width;
  size_t block = (size_t)c * (size_t)batch->blocks + (size_t)(n / 16);
  return batch->images[((block * (size_t)height + (size_t)y) * (size_t)width + (size_t)x) * 16 +
                       (size_t)(n % 16)];
}

/* FNV-1a over a batch's images and labels. */
static uint64_t hash_batch(const na_batch *batch)
{
  size_t floats = (size_t)source->channels * (size_t)batch->blocks * (size_t)source->height *
                  (size_t)source->width * 16;
  const uint32_t *words = (const uint32_t *)(const void *)batch->images;
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < floats; i++) hash = (hash ^ words[i]) * 1099511628211u;
  for (int i = 0; i < batch->count; i++)
    hash = (hash ^ (uint32_t)batch->labels[i]) * 1099511628211u;
  return hash ^ (uint64_t)batch->count;
}

/* Hashes the batches of an epoch from number `first`; returns how many came. */
static int run_epoch(uint64_t epoch, long first, uint64_t hashes[BATCHES_MAX])
{
  const na_batch *batch;
  int count = 0, code;
  CHECK_OK(source->start(source, epoch, first, &err), err);
  while ((code = source->next(source, &batch, &err)) > 0 && count < BATCHES_MAX)
    hashes[count++] = hash_batch(batch);
  CHECK(code == 0, "epoch %d ended with %d: %s", (int)epoch, code, err.message);
  return count;
}

static uint8_t pixel(int image, int place) { return (uint8_t)(image * 31 + place * 7); }

/* Values as stored, from 0 to 1, in their places. */
static void raw_values(void)
{
  data.crop = 0;
  data.mean = (na_list){1, {0}};
  data.std = (na_list){1, {1}};
}

/* --------------------------------------------------------------------------------------- layout */

static void images_lie_in_lanes(void)
{
  enum { COUNT = 207, BATCH = 20, H = 5, W = 4 };
  begin();
  files_write_idx(root, "train", 30, H, W, 3, pixel, 0);
  files_write_idx(root, "t10k", COUNT, H, W, 3, pixel, 0);
  data.batch = BATCH;
  data.channels = 3;
  data.mean = (na_list){3, {0.1, 0.2, 0.3}};
  data.std = (na_list){3, {0.5, 0.25, 0.125}};
  data.crop = 2;
  CHECK_OK(open_source(NA_SPLIT_VAL, 0), err);
  CHECK(source->images == COUNT && source->batches == 11, "%ld in %ld", source->images,
        source->batches);
  CHECK(strcmp(source->mean, "0.1, 0.2, 0.3") == 0 && strcmp(source->std, "0.5, 0.25, 0.125") == 0,
        "normalised with %s and %s", source->mean, source->std);
  CHECK_OK(source->start(source, 0, 0, &err), err);
  const na_batch *batch;
  int seen = 0;
  while (source->next(source, &batch, &err) > 0) {
    CHECK(batch->blocks == (batch->count + 15) / 16 && batch->shares == NULL, "blocks");
    int wrong = 0, dirty = 0;
    for (int n = 0; n < batch->blocks * 16; n++)
      for (int c = 0; c < 3; c++)
        for (int p = 0; p < H * W; p++) {
          float got = lane_value(batch, n, c, p / W, p % W);
          double raw = pixel(seen + n, p) / 255.0;
          double wanted = (raw - data.mean.values[c]) / data.std.values[c];
          if (n < batch->count) wrong += !(fabs(got - wanted) < 1e-5);
          else dirty += got != 0;
        }
    CHECK(wrong == 0 && dirty == 0, "at image %d: %d values wrong, %d masked not zero", seen, wrong,
          dirty);
    for (int n = 0; n < batch->count; n++)
      CHECK(batch->labels[n] == (seen + n) % 3, "label of image %d", seen + n);
    seen += batch->count;
  }
  CHECK(seen == COUNT, "%d images came", seen);
  close_source();
  end();
}

static void planes_become_channels(void)
{
  begin();
  uint8_t records[20 * 3073];
  for (int i = 0; i < 20; i++) {
    records[i * 3073] = (uint8_t)(i % 10);
    for (int p = 0; p < 3072; p++) records[i * 3073 + 1 + p] = (uint8_t)(50 * (p / 1024) + p % 41);
  }
  for (int file = 1; file <= 5; file++) {
    char name[32];
    snprintf(name, sizeof name, "data_batch_%d.bin", file);
    files_write(root, name, records, sizeof records);
  }
  files_write(root, "test_batch.bin", records, sizeof records);
  raw_values();
  CHECK_OK(open_source(NA_SPLIT_VAL, 0), err);
  CHECK_OK(source->start(source, 0, 0, &err), err);
  const na_batch *batch;
  CHECK(source->next(source, &batch, &err) == 1, "a batch: %s", err.message);
  for (int c = 0; c < 3; c++)
    for (int p = 0; p < 1024; p += 33) {
      double wanted = (50 * c + (c * 1024 + p) % 41) / 255.0;
      CHECK_NEAR(lane_value(batch, 7, c, p / 32, p % 32), wanted, 1e-6, 1.0, "channel value");
    }
  close_source();
  end();
}

/* Files larger than wanted are seen whole, also when a JPEG is decoded at a quarter of its size. */
static void large_files_are_seen_whole(void)
{
  enum { SIDE = 288 }; /* smaller ones are never decoded at less than their size */
  static uint8_t pixels[3 * SIDE * SIDE];
  begin();
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++)
      for (int c = 0; c < 3; c++)
        pixels[(y * SIDE + x) * 3 + c] = (uint8_t)(c == 0 ? x * 3 / 4 : c == 1 ? y / 2 : (x + y) / 4);
  files_jpeg jpeg = {.width = SIDE, .height = SIDE, .channels = 3, .pixels = pixels};
  files_png png = {.width = SIDE, .height = SIDE, .channels = 3, .pixels = pixels};
  files_write_jpeg(root, "train/a/0.jpg", &jpeg);
  files_write_png(root, "train/a/1.png", &png);
  files_write_jpeg(root, "val/a/0.jpg", &jpeg);
  files_write_png(root, "val/a/1.png", &png);
  raw_values();
  data.size = SIDE / 4;
  data.augment = 1; /* none: the whole image */
  CHECK_OK(open_source(NA_SPLIT_VAL, 0), err);
  CHECK_OK(source->start(source, 0, 0, &err), err);
  const na_batch *batch;
  CHECK(source->next(source, &batch, &err) == 1 && batch->count == 2, "two: %s", err.message);
  double worst = 0;
  for (int n = 0; n < 2; n++)
    for (int y = 1; y < SIDE / 4 - 1; y++) /* at the border the filter sees less */
      for (int x = 1; x < SIDE / 4 - 1; x++)
        for (int c = 0; c < 3; c++) {
          double at_x = 4 * x + 1.5, at_y = 4 * y + 1.5;
          double wanted = c == 0 ? at_x * 0.75 : c == 1 ? at_y / 2 : (at_x + at_y) / 4;
          double off = fabs(255 * (double)lane_value(batch, n, c, y, x) - wanted);
          if (off > worst) worst = off;
        }
  CHECK(worst <= 3, "off by %.1f of 255", worst);
  close_source();
  end();
}

/* ------------------------------------------------------------------------------ reproducibility */

static void write_photos(int per_class)
{
  uint8_t pixels[3 * 40 * 30];
  for (int i = 0; i < 2 * per_class; i++) {
    char name[64];
    for (size_t p = 0; p < sizeof pixels; p++)
      pixels[p] = (uint8_t)(i * 11 + (int)(p / 90) * 3 + (int)(p % 3) * 40);
    snprintf(name, sizeof name, "train/%s/%03d.jpg", i % 2 ? "odd" : "even", i);
    files_write_jpeg(root, name, &(files_jpeg){.width = 30, .height = 40, .channels = 3,
                                               .pixels = pixels, .quality = 85});
    snprintf(name, sizeof name, "val/%s/%03d.jpg", i % 2 ? "odd" : "even", i);
    files_write_jpeg(root, name, &(files_jpeg){.width = 30, .height = 40, .channels = 3,
                                               .pixels = pixels, .quality = 85});
  }
}

static void any_number_of_loaders(const char *what)
{
  uint64_t wanted[2][BATCHES_MAX], got[BATCHES_MAX];
  int batches = 0;
  for (int loaders = 1; loaders <= 3; loaders++) {
    data.loaders = loaders;
    CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
      int count = run_epoch(epoch, 0, loaders == 1 ? wanted[epoch] : got);
      if (loaders == 1) batches = count;
      CHECK(count == batches && count == source->batches, "%d batches", count);
      if (loaders > 1)
        CHECK(memcmp(got, wanted[epoch], (size_t)count * sizeof *got) == 0,
              "%s: %d loaders differ in epoch %d", what, loaders, (int)epoch);
    }
    close_source();
  }
  CHECK(batches > 2, "%d batches are too few to tell", batches);
  for (int i = 0; i < batches; i++)
    CHECK(wanted[0][i] != wanted[1][i], "%s: batch %d is the same in both epochs", what, i);
  data.seed = 2;
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  run_epoch(0, 0, got);
  CHECK(got[0] != wanted[0][0], "%s: another seed gives the same batch", what);
  close_source();
}

static void loaders_change_nothing(void)
{
  begin();
  write_photos(30);
  data.size = 24;
  data.batch = 18;
  data.augment = 3; /* resized */
  any_number_of_loaders("folder, resized");
  end();
  begin();
  files_write_idx(root, "train", 130, 9, 9, 3, pixel, 0);
  data.batch = 33;
  any_number_of_loaders("idx, crop");
  for (int policy = 1; policy < 4; policy++) {
    data.seed = 1;
    data.policy = policy;
    data.policy_std = 1;
    data.erase = 0.5;
    data.cutout = 3;
    any_number_of_loaders("with operations");
  }
  end();
}

/* Decoded images that stay in memory: no bit changes, wherever memory for them ends, and files that
 * were kept are not looked at again. */
static void keeping_images_changes_nothing(void)
{
  enum { LARGE = 260 };
  static const int caches[] = {0, 1024, 1}; /* MiB; 1 holds some of the images */
  static uint8_t pixels[3 * LARGE * LARGE];
  uint64_t wanted[3][BATCHES_MAX], got[BATCHES_MAX];
  begin();
  for (int i = 0; i < 24; i++) {
    char name[64];
    int side = i % 6 == 0 ? LARGE : 150 + 4 * i; /* the large ones are never kept */
    for (size_t p = 0; p < sizeof pixels; p++) pixels[p] = (uint8_t)((p >> 5) + p * (size_t)i);
    snprintf(name, sizeof name, "train/%s/%03d.jpg", i < 12 ? "a" : "b", i);
    files_write_jpeg(root, name, &(files_jpeg){.width = side, .height = side - 30, .channels = 3,
                                               .pixels = pixels, .quality = 85});
  }
  data.size = 24;
  data.batch = 5;
  data.holdout = 0;
  for (int c = 0; c < 3; c++) {
    data.cache = caches[c];
    data.loaders = c + 1;
    CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
      int count = run_epoch(epoch, 0, c == 0 ? wanted[epoch] : got);
      CHECK(count == 4, "%d batches", count);
      if (c > 0)
        CHECK(memcmp(got, wanted[epoch], (size_t)count * sizeof *got) == 0,
              "a cache of %d MiB: epoch %d differs", data.cache, (int)epoch);
    }
    close_source();
  }
  /* Nor does it matter that the large ones were not searched for damage in an earlier epoch. */
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  run_epoch(2, 0, got);
  CHECK(memcmp(got, wanted[2], 4 * sizeof *got) == 0, "epoch 2 without the others differs");
  close_source();
  end();
}

static void kept_images_need_no_files(void)
{
  uint64_t first[BATCHES_MAX], again[BATCHES_MAX];
  for (int cache = 0; cache < 2; cache++) {
    begin();
    write_photos(10);
    data.size = 24;
    data.batch = 10;
    data.cache = cache;
    CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
    run_epoch(0, 0, first);
    files_remove(root);
    if (cache == 0) {
      const na_batch *batch;
      CHECK_OK(source->start(source, 1, 0, &err), err);
      CHECK_FAILS(source->next(source, &batch, &err), NA_EIO, "No such file", err);
    } else {
      unsigned long before = na_alloc_count();
      CHECK(run_epoch(0, 0, again) == 2 && memcmp(first, again, 2 * sizeof *first) == 0,
            "the images are others");
      CHECK(na_alloc_count() == before, "%lu allocations", na_alloc_count() - before);
    }
    close_source();
    end();
  }
}

static void resuming_continues_the_stream(void)
{
  begin();
  files_write_idx(root, "train", 300, 9, 9, 3, pixel, 0);
  data.batch = 20;
  data.loaders = 2;
  data.holdout = 0;
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  uint64_t whole[BATCHES_MAX], part[BATCHES_MAX];
  const na_batch *batch;
  int count = run_epoch(5, 0, whole);
  CHECK(count == 15, "%d batches", count);
  for (int first = 0; first <= count; first += 3) {
    /* Restarting in the middle of another epoch leaves no trace. */
    CHECK_OK(source->start(source, 9, 0, &err), err);
    for (int i = 0; i < first / 3; i++) CHECK(source->next(source, &batch, &err) == 1, "a batch");
    int rest = run_epoch(5, first, part);
    CHECK(rest == count - first, "%d batches after %d", rest, first);
    CHECK(memcmp(part, whole + first, (size_t)rest * sizeof *part) == 0, "from batch %d", first);
  }
  CHECK_FAILS(source->start(source, 5, 16, &err), NA_EINVAL, "batch 16 of an epoch of 15", err);
  close_source();
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  CHECK_FAILS(source->next(source, &batch, &err), NA_EINVAL, "was not started", err);
  close_source();
  end();
}

/* Each epoch shows every image once (images are one colour: the label tells which). */
static uint8_t own_colour(int image, int place)
{
  (void)place;
  return (uint8_t)image;
}

static void an_epoch_shows_all(void)
{
  begin();
  files_write_idx(root, "train", 200, 4, 4, 2, own_colour, 0);
  data.batch = 40;
  data.holdout = 0;
  raw_values();
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  for (uint64_t epoch = 0; epoch < 2; epoch++) {
    const na_batch *batch;
    int seen[200] = {0}, in_order = 0, n = 0;
    CHECK_OK(source->start(source, epoch, 0, &err), err);
    while (source->next(source, &batch, &err) > 0)
      for (int i = 0; i < batch->count; i++, n++) {
        int image = (int)lrintf(255 * lane_value(batch, i, 0, 0, 0));
        CHECK(image >= 0 && image < 200 && batch->labels[i] == image % 2, "image %d", image);
        if (image >= 0 && image < 200) seen[image]++;
        in_order += image == n;
      }
    int once = 0;
    for (int i = 0; i < 200; i++) once += seen[i] == 1;
    CHECK(once == 200, "%d of 200 came once", once);
    CHECK(in_order < 20, "%d images in their old place: not shuffled", in_order);
  }
  close_source();
  end();
}

static void last_batches(void)
{
  begin();
  files_write_idx(root, "train", 50, 4, 4, 2, pixel, 0);
  files_write_idx(root, "t10k", 50, 4, 4, 2, pixel, 0);
  data.batch = 16;
  data.crop = 1;
  uint64_t hashes[BATCHES_MAX];
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  CHECK(source->batches == 3 && source->images == 48, "training drops the rest: %ld of %ld",
        source->batches, source->images);
  CHECK(run_epoch(0, 0, hashes) == 3, "3 batches");
  close_source();
  CHECK_OK(open_source(NA_SPLIT_VAL, 0), err);
  CHECK(source->batches == 4 && source->images == 50, "validation keeps it");
  CHECK(run_epoch(0, 0, hashes) == 4, "4 batches");
  close_source();
  data.batch = 64;
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  CHECK(source->batches == 1 && source->images == 50, "a batch that cannot be filled is used");
  CHECK(run_epoch(0, 0, hashes) == 1, "1 batch");
  close_source();
  end();
}

static void calibration_is_fixed(void)
{
  begin();
  files_write_idx(root, "train", 100, 9, 9, 2, pixel, 0);
  data.batch = 16;
  uint64_t a[BATCHES_MAX], b[BATCHES_MAX];
  CHECK_OK(open_source(NA_SPLIT_CALIBRATE, 40), err);
  CHECK(source->images == 40 && source->batches == 3, "%ld in %ld", source->images,
        source->batches);
  int count = run_epoch(0, 0, a);
  CHECK(run_epoch(7, 0, b) == count && count == 3, "%d batches", count);
  CHECK(memcmp(a, b, sizeof a[0] * 3) == 0, "epochs differ");
  close_source();
  CHECK_OK(open_source(NA_SPLIT_CALIBRATE, 0), err);
  CHECK(source->images == 90, "all training images: %ld", source->images);
  run_epoch(0, 0, b);
  CHECK(memcmp(a, b, sizeof a[0] * 2) == 0, "a larger set begins with the smaller");
  close_source();
  end();
}

/* ------------------------------------------------------------------------------- damaged images */

static void write_solid(const char *folder, int count, int start)
{
  uint8_t pixels[3 * 16];
  for (int i = 0; i < count; i++) {
    char name[64];
    memset(pixels, start + i, sizeof pixels);
    snprintf(name, sizeof name, "%s/%03d.png", folder, i);
    files_write_png(root, name, &(files_png){.width = 4, .height = 4, .channels = 3,
                                             .pixels = pixels});
  }
}

static void damaged_fails(void)
{
  begin();
  write_solid("train/a", 20, 0);
  write_solid("train/b", 20, 100);
  files_text(root, "train/a/007.png", "this is no image");
  raw_values();
  data.batch = 8;
  data.holdout = 0;
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  for (int again = 0; again < 2; again++) {
    const na_batch *batch;
    int code, batches = 0;
    CHECK_OK(source->start(source, 0, 0, &err), err);
    while ((code = source->next(source, &batch, &err)) > 0) batches++;
    CHECK(code == NA_EFORMAT && strstr(err.message, "train/a/007.png") != NULL, "%d: %s", code,
          err.message);
    CHECK(strstr(err.hint, "damaged") != NULL, "hint: %s", err.hint);
    na_error_clear(&err);
    CHECK_FAILS(source->next(source, &batch, &err), NA_EINVAL, "not started", err);
  }
  close_source();
  end();
}

static void damaged_is_replaced_in_training(void)
{
  begin();
  write_solid("train/a", 20, 0);
  write_solid("train/b", 20, 100);
  files_text(root, "train/a/019.png", "x"); /* the last of its class: the next one is the first */
  files_text(root, "train/b/003.png", "x");
  raw_values();
  data.batch = 8;
  data.holdout = 0;
  data.damaged = 1;
  data.loaders = 2;
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  for (uint64_t epoch = 0; epoch < 2; epoch++) {
    const na_batch *batch;
    int seen[256] = {0}, total = 0;
    CHECK_OK(source->start(source, epoch, 0, &err), err);
    while (source->next(source, &batch, &err) > 0)
      for (int i = 0; i < batch->count; i++, total++) {
        int colour = (int)lrintf(255 * lane_value(batch, i, 0, 0, 0));
        CHECK(batch->labels[i] == (colour >= 100), "label %d of colour %d", (int)batch->labels[i],
              colour);
        seen[colour & 255]++;
      }
    CHECK(total == 40, "%d images", total);
    CHECK(seen[19] == 0 && seen[0] == 2, "a/019 is replaced by a/000: %d %d", seen[19], seen[0]);
    CHECK(seen[103] == 0 && seen[104] == 2, "b/003 by b/004: %d %d", seen[103], seen[104]);
  }
  na_dataset_info info;
  na_dataset_describe(dataset, &info);
  CHECK(info.skipped == 2, "each is counted once: %ld", info.skipped);
  CHECK(info.first_skipped != NULL && strstr(info.first_skipped, ".png: it is neither") != NULL,
        "the first one is named");
  close_source();
  for (int i = 0; i < 20; i++) {
    char name[32];
    snprintf(name, sizeof name, "train/a/%03d.png", i);
    files_text(root, name, "x");
  }
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  const na_batch *batch;
  int code;
  CHECK_OK(source->start(source, 0, 0, &err), err);
  while ((code = source->next(source, &batch, &err)) > 0) continue;
  CHECK(code == NA_EFORMAT && strstr(err.message, "no image of class \"a\"") != NULL, "%d: %s",
        code, err.message);
  close_source();
  end();
}

/* Validation leaves damaged images out; the others move together, over the end of a block. */
static void damaged_is_left_out_in_validation(void)
{
  begin();
  write_solid("train/a", 2, 0);
  write_solid("train/b", 2, 100);
  write_solid("val/a", 25, 0);
  write_solid("val/b", 25, 100);
  static const char *const damaged[] = {"val/a/003.png", "val/b/000.png", "val/b/001.png"};
  for (int i = 0; i < 3; i++) files_text(root, damaged[i], "x");
  raw_values();
  data.damaged = 1;
  static const int batches[4] = {50, 33, 18, 1};
  for (int k = 0; k < 4; k++) {
    data.batch = batches[k];
    CHECK_OK(open_source(NA_SPLIT_VAL, 0), err);
    CHECK_OK(source->start(source, 0, 0, &err), err);
    const na_batch *batch;
    int total = 0;
    while (source->next(source, &batch, &err) > 0) {
      CHECK(batch->count >= 1 && batch->blocks == (batch->count + 15) / 16, "%d in %d blocks",
            batch->count, batch->blocks);
      for (int n = 0; n < batch->blocks * 16; n++) {
        int image = n < batch->count ? total + n + (total + n >= 3) : 0;
        if (image >= 25) image += 2 + 75;
        for (int c = 0; c < 3; c++) {
          int got = (int)lrintf(255 * lane_value(batch, n, c, 3, 2));
          CHECK(n < batch->count ? got == image : got == 0, "batch %d, lane %d: %d, wanted %d",
                batches[k], n, got, image);
        }
        if (n < batch->count) CHECK(batch->labels[n] == (image >= 100), "label of %d", image);
      }
      total += batch->count;
    }
    CHECK(total == 47, "batch %d: %d images of 50", batches[k], total);
    close_source();
  }
  end();
}

/* ------------------------------------------------------------------------------ threads, memory */

static double seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void stopping_is_prompt(void)
{
  begin();
  write_photos(40);
  data.size = 600; /* slow on purpose: ahead there is much to do */
  data.batch = 40;
  data.augment = 3;
  CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
  const na_batch *batch;
  CHECK_OK(source->start(source, 0, 0, &err), err);
  double before = seconds();
  CHECK(source->next(source, &batch, &err) == 1, "a batch");
  double whole = seconds() - before;
  CHECK_OK(source->start(source, 1, 0, &err), err);
  before = seconds();
  close_source();
  double stop = seconds() - before;
  CHECK(stop < 0.5 * whole + 0.2, "stopping took %.3f s, a batch %.3f s", stop, whole);
  end();
}

/* Not even the first epoch, by no thread, whatever is drawn. */
static void epochs_allocate_nothing(void)
{
  begin();
  files_write_idx(root, "train", 200, 12, 12, 2, pixel, 0);
  data.batch = 32;
  for (int augment = 1; augment <= 3; augment++)
    for (int size = 8; size <= 16; size += 4) {
      data.augment = augment;
      data.policy = augment - 1;
      data.size = size;
      data.loaders = 1 + size / 8;
      uint64_t hashes[BATCHES_MAX];
      CHECK_OK(open_source(NA_SPLIT_TRAIN, 0), err);
      unsigned long before = na_alloc_count();
      for (uint64_t epoch = 0; epoch < 3; epoch++) run_epoch(epoch, 0, hashes);
      CHECK(na_alloc_count() == before, "augment %d, size %d: %lu allocations", augment, size,
            na_alloc_count() - before);
      close_source();
    }
  end();
}

static void want_of_memory(void)
{
  begin();
  write_photos(4);
  data.size = 16;
  data.batch = 4;
  data.loaders = 2;
  int failures = 0;
  for (unsigned long n = 1; n < 10000; n++, failures++) {
    const na_batch *batch;
    na_error_clear(&err);
    na_alloc_fail_at(n);
    int code = open_source(NA_SPLIT_TRAIN, 0);
    if (code == 0) code = source->start(source, 0, 0, &err);
    while (code >= 0 && (code = source->next(source, &batch, &err)) > 0) continue;
    na_alloc_fail_at(0);
    close_source();
    if (code == NA_OK) break;
    CHECK(code == NA_ENOMEM, "allocation %lu: %d %s", n, code, err.message);
  }
  CHECK(failures > 30, "only %d allocations", failures);
  end();
}

static void impossible_batches_are_refused(void)
{
  begin();
  write_photos(2);
  data.size = 2048;
  data.batch = 65536;
  CHECK_FAILS(open_source(NA_SPLIT_TRAIN, 0), NA_ENOMEM, "out of memory: loading batches", err);
  close_source();
  end();
}

int main(void)
{
  RUN(images_lie_in_lanes);
  RUN(planes_become_channels);
  RUN(large_files_are_seen_whole);
  RUN(loaders_change_nothing);
  RUN(keeping_images_changes_nothing);
  RUN(kept_images_need_no_files);
  RUN(resuming_continues_the_stream);
  RUN(an_epoch_shows_all);
  RUN(last_batches);
  RUN(calibration_is_fixed);
  RUN(damaged_fails);
  RUN(damaged_is_replaced_in_training);
  RUN(damaged_is_left_out_in_validation);
  RUN(stopping_is_prompt);
  RUN(epochs_allocate_nothing);
  RUN(want_of_memory);
  RUN(impossible_batches_are_refused);
  return CHECK_EXIT();
}
