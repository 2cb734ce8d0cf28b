/* Packed collections: packing, reading back, and hostile files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/store/h5.h"
#include "datasets/dataset.h"
#include "tests/check.h"
#include "tests/data_files.h"

#include <dirent.h>

static char root[FILES_PATH_MAX];
static na_error err;
static na_data data;
static na_dataset *dataset;

static void begin(void)
{
  na_error_clear(&err);
  files_new(root);
  na_settings_init(&na_data_settings, &data);
}

static void end(void) { files_remove(root); }

static void use(const char *name) { snprintf(data.path, sizeof data.path, "%s/%s", root, name); }

static int try_open(void)
{
  int code = na_dataset_open(&dataset, &data, &err);
  na_dataset_free(dataset);
  dataset = NULL;
  return code;
}

/* PNG images of 10x8: image i of class c has one colour per channel. */
static void write_images(void)
{
  uint8_t pixels[3 * 80];
  for (int c = 0; c < 2; c++)
    for (int i = 0; i < 90; i++) {
      char name[64];
      for (int p = 0; p < 240; p++) pixels[p] = (uint8_t)(c * 100 + i + 10 * (p % 3));
      snprintf(name, sizeof name, "images/%s/%s/%03d.png", i < 80 ? "train" : "val",
               c ? "wolf" : "fox", i);
      files_write_png(root, name, &(files_png){.width = 10, .height = 8, .channels = 3,
                                               .pixels = pixels});
    }
}

static long progress_done, progress_total;

static void note_progress(void *context, long done, long total)
{
  (void)context;
  CHECK(done > progress_done, "progress goes on: %ld after %ld", done, progress_done);
  progress_done = done;
  progress_total = total;
}

static int pack(const char *name, int size)
{
  int code = na_dataset_open(&dataset, &data, &err);
  progress_done = 0;
  if (code == 0)
    code = na_dataset_pack(dataset, files_path(root, name), size, note_progress, NULL, &err);
  na_dataset_free(dataset);
  dataset = NULL;
  return code;
}

static uint64_t first_batches(na_split split)
{
  na_source *source;
  const na_batch *batch;
  uint64_t hash = 14695981039346656037u;
  CHECK_OK(na_dataset_source(dataset, split, 0, &source, &err), err);
  CHECK_OK(source->start(source, 0, 0, &err), err);
  while (source->next(source, &batch, &err) > 0) {
    size_t floats = (size_t)source->channels * (size_t)batch->blocks * (size_t)source->height *
                    (size_t)source->width * 16;
    const uint32_t *words = (const uint32_t *)(const void *)batch->images;
    for (size_t i = 0; i < floats; i++) hash = (hash ^ words[i]) * 1099511628211u;
    for (int i = 0; i < batch->count; i++) hash = (hash ^ (uint32_t)batch->labels[i]) * 31;
  }
  na_source_free(source);
  return hash;
}

/* A packed collection of lossless images gives the very batches of its folder. */
static void packing_keeps_everything(void)
{
  begin();
  write_images();
  use("images");
  data.crop = 2;
  data.batch = 32;
  CHECK_OK(pack("p.h5", 0), err);
  CHECK(progress_done == 180 && progress_total == 180, "progress ended at %ld of %ld",
        progress_done, progress_total);
  uint64_t hashes[2][2];
  for (int packed = 0; packed < 2; packed++) {
    use(packed ? "p.h5" : "images");
    CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
    na_dataset_info info;
    na_dataset_describe(dataset, &info);
    CHECK(strcmp(info.format, packed ? "packed" : "folder") == 0, "format %s", info.format);
    CHECK(info.train == 160 && info.val == 20 && info.classes == 2, "%ld + %ld", info.train,
          info.val);
    CHECK(strcmp(info.class_names[1], "wolf") == 0, "names");
    CHECK(info.channels == 3 && info.height == 8 && info.width == 10, "shape");
    for (int split = 0; split < 2; split++) hashes[packed][split] = first_batches((na_split)split);
    na_dataset_free(dataset);
  }
  CHECK(hashes[0][0] == hashes[1][0] && hashes[0][1] == hashes[1][1], "batches differ");
  end();
}

static void packing_resizes(void)
{
  begin();
  write_images();
  use("images");
  CHECK_OK(pack("p.h5", 6), err);
  na_h5 *file;
  CHECK_OK(na_h5_open(&file, files_path(root, "p.h5"), &err), err);
  long long dims[NA_H5_RANK_MAX];
  int rank;
  CHECK_OK(na_h5_shape(file, "train/images", &rank, dims, &err), err);
  CHECK(rank == 4 && dims[0] == 160 && dims[1] == 6 && dims[2] == 6 && dims[3] == 3, "shape");
  uint8_t rows[2 * 108];
  int32_t labels[160];
  CHECK_OK(na_h5_read_rows(file, "train/images", NA_H5_UINT8, 79, 2, rows, &err), err);
  CHECK_OK(na_h5_read(file, "train/labels", NA_H5_INT32, labels, 160, &err), err);
  for (int p = 0; p < 108; p++)
    CHECK(rows[p] == 79 + 10 * (p % 3) && rows[108 + p] == 100 + 10 * (p % 3),
          "pixel %d: %d and %d", p, rows[p], rows[108 + p]);
  CHECK(labels[79] == 0 && labels[80] == 1, "labels");
  na_h5_close(file, NULL);
  end();
}

static int count_entries(const char *path)
{
  DIR *dir = opendir(path);
  int count = 0;
  for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
    count += entry->d_name[0] != '.';
  if (dir != NULL) closedir(dir);
  return count;
}

static void failed_packing_leaves_nothing(void)
{
  begin();
  write_images();
  use("images");
  CHECK_FAILS(pack("nowhere/p.h5", 0), NA_EIO, "nowhere/p.h5", err);
  uint8_t pixels[3 * 81] = {0};
  files_write_png(root, "images/train/fox/050.png",
                  &(files_png){.width = 9, .height = 9, .channels = 3, .pixels = pixels});
  CHECK_FAILS(pack("p.h5", 0), NA_EINVAL, "050.png of class \"fox\" has 9x9 pixels, others 10x8",
              err);
  files_text(root, "images/train/fox/050.png", "x");
  CHECK_FAILS(pack("p.h5", 8), NA_EFORMAT, "fox/050.png", err);
  CHECK(count_entries(root) == 1, "%d entries where only images/ should be", count_entries(root));
  data.damaged = 1;
  CHECK_OK(pack("p.h5", 8), err);
  use("p.h5");
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  na_dataset_info info;
  na_dataset_describe(dataset, &info);
  CHECK(info.train == 159, "the damaged one is left out: %ld", info.train);
  na_dataset_free(dataset);
  CHECK(count_entries(root) == 2, "no temporary file is left");
  end();
}

/* ------------------------------------------------------------------------------- hostile files */

typedef struct fake {
  const char *format;
  double version;
  int images_rank;
  long long images[5], labels;
  int32_t label;
  int names;
} fake;

/* A packed file by hand, with what `fake` says. */
static void write_fake(const char *name, const fake *f)
{
  static const char *const names[2] = {"a", "b"};
  static uint8_t pixels[4096];
  int32_t labels[64];
  na_h5 *file;
  for (int i = 0; i < 64; i++) labels[i] = i % 2;
  labels[3] = f->label;
  remove(files_path(root, name));
  CHECK_OK(na_h5_create(&file, files_path(root, name), &err), err);
  if (f->format != NULL) CHECK_OK(na_h5_set_text(file, "/", "format", f->format, &err), err);
  CHECK_OK(na_h5_set_numbers(file, "/", "version", &f->version, 1, &err), err);
  if (f->names > 0)
    CHECK_OK(na_h5_set_texts(file, "/", "class_names", names, (size_t)f->names, &err), err);
  CHECK_OK(na_h5_write(file, "train/images", NA_H5_UINT8, f->images_rank, f->images, pixels, &err),
           err);
  CHECK_OK(na_h5_write(file, "train/labels", NA_H5_INT32, 1, &f->labels, labels, &err), err);
  CHECK_OK(na_h5_close(file, &err), err);
}

static void hostile_files_are_refused(void)
{
  begin();
  use("f.h5");
  data.crop = 1;
  const fake good = {"netaug-images", 1, 4, {16, 4, 4, 3}, 16, 1, 2};
  write_fake("f.h5", &good);
  CHECK_OK(try_open(), err);
  static const struct {
    int code;
    const char *words;
    fake what;
  } cases[] = {
      {NA_EFORMAT, "not a packed collection", {NULL, 1, 4, {16, 4, 4, 3}, 16, 1, 2}},
      {NA_EFORMAT, "not a packed collection", {"other", 1, 4, {16, 4, 4, 3}, 16, 1, 2}},
      {NA_EUNSUPPORTED, "version 2", {"netaug-images", 2, 4, {16, 4, 4, 3}, 16, 1, 2}},
      {NA_EFORMAT, "3 dimensions, not 4", {"netaug-images", 1, 3, {16, 4, 4}, 16, 1, 2}},
      {NA_EFORMAT, "images of 4x4x2", {"netaug-images", 1, 4, {16, 4, 4, 2}, 16, 1, 2}},
      {NA_EFORMAT, "a part of 0 images", {"netaug-images", 1, 4, {0, 4, 4, 3}, 0, 1, 2}},
      {NA_EFORMAT, "15 labels for 16 images", {"netaug-images", 1, 4, {16, 4, 4, 3}, 15, 1, 2}},
      {NA_EFORMAT,
       "label 2 of image 3 is out of",
       {"netaug-images", 1, 4, {16, 4, 4, 3}, 16, 2, 2}},
      {NA_EFORMAT, "label -1 of image 3", {"netaug-images", 1, 4, {16, 4, 4, 3}, 16, -1, 2}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    write_fake("f.h5", &cases[i].what);
    CHECK_FAILS(try_open(), cases[i].code, cases[i].words, err);
  }
  fake nameless = good;
  nameless.names = 0;
  write_fake("f.h5", &nameless);
  na_error_clear(&err);
  CHECK(try_open() != 0 && strstr(err.message, "class_names") != NULL, "%s", err.message);
  end();
}

static void cut_files_are_refused(void)
{
  begin();
  write_images();
  use("images");
  CHECK_OK(pack("p.h5", 0), err);
  size_t count;
  uint8_t *bytes = files_read(root, "p.h5", &count);
  use("c.h5");
  for (size_t cut = 1; cut < count; cut += 1 + count / 40) {
    files_write(root, "c.h5", bytes, cut);
    na_error_clear(&err);
    int code = try_open();
    CHECK(code != 0 && err.message[0] != '\0', "cut to %zu of %zu: %d", cut, count, code);
  }
  free(bytes);
  end();
}

int main(void)
{
  RUN(packing_keeps_everything);
  RUN(packing_resizes);
  RUN(failed_packing_leaves_nothing);
  RUN(hostile_files_are_refused);
  RUN(cut_files_are_refused);
  return CHECK_EXIT();
}
