/* mixup and CutMix: values against a naive mixture, what is drawn, reproducibility.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/dataset.h"
#include "datasets/mix.h"
#include "tests/check.h"
#include "tests/data_files.h"

#include <stdlib.h>

enum { CLASSES = 5, H = 9, W = 7, IMAGES = 240, BATCHES_MAX = 64 };

static char root[FILES_PATH_MAX];
static na_error err;
static na_data data;

static uint8_t pixel(int image, int place)
{
  return (uint8_t)(image * 31 + place * 7);
}

static void begin(void)
{
  na_error_clear(&err);
  files_new(root);
  files_write_idx(root, "train", IMAGES, H, W, CLASSES, pixel, 0);
  files_write_idx(root, "t10k", 40, H, W, CLASSES, pixel, 0);
  na_settings_init(&na_data_settings, &data);
  snprintf(data.path, sizeof data.path, "%s", root);
  data.crop = 2;
}

static void end(void)
{
  files_remove(root);
}

/* ------------------------------------------------------------------------------------- an epoch */

/* The batches of one epoch, one after the other. */
typedef struct epoch {
  int batches, images;
  float *pixels; /* [images][H][W] */
  int32_t *labels, *others;
  float *shares;
} epoch;

static void keep(epoch *e, const na_batch *batch)
{
  for (int n = 0; n < batch->count; n++) {
    int at = e->images++;
    for (int p = 0; p < H * W; p++)
      e->pixels[at * H * W + p] =
          batch->images[((size_t)(n / NA_LANES) * H * W + (size_t)p) * NA_LANES +
                        (size_t)(n % NA_LANES)];
    e->labels[at] = batch->labels[n];
    e->others[at] = batch->others != NULL ? batch->others[n] : -1;
    e->shares[at] = batch->shares != NULL ? batch->shares[n] : -1;
  }
  e->batches++;
}

static epoch run_epoch(na_split split, uint64_t number, long first)
{
  na_dataset *dataset;
  na_source *source;
  const na_batch *batch;
  epoch e = {.pixels = calloc(IMAGES * H * W, sizeof(float)),
             .labels = calloc(IMAGES, 4),
             .others = calloc(IMAGES, 4),
             .shares = calloc(IMAGES, sizeof(float))};
  CHECK_OK(na_dataset_open(&dataset, &data, &err), err);
  CHECK_OK(na_dataset_source(dataset, split, 0, &source, &err), err);
  CHECK_OK(source->start(source, number, first, &err), err);
  int code;
  while ((code = source->next(source, &batch, &err)) > 0) keep(&e, batch);
  CHECK(code == 0, "%s", err.message);
  na_source_free(source);
  na_dataset_free(dataset);
  return e;
}

static void epoch_free(epoch *e)
{
  free(e->pixels);
  free(e->labels);
  free(e->others);
  free(e->shares);
}

static bool same(const epoch *a, int from, const epoch *b)
{
  size_t n = (size_t)b->images;
  return a->images - from == b->images &&
         memcmp(a->pixels + from * H * W, b->pixels, n * H * W * sizeof(float)) == 0 &&
         memcmp(a->labels + from, b->labels, n * sizeof *b->labels) == 0 &&
         memcmp(a->others + from, b->others, n * sizeof *b->others) == 0 &&
         memcmp(a->shares + from, b->shares, n * sizeof *b->shares) == 0;
}

/* --------------------------------------------------------------------------------------- values */

/* What image n of an epoch must have become, from the epoch without mixing and the drawn mixture.
 */
static void check_image(const epoch *plain, const epoch *mixed, const na_mix *mix, int n)
{
  int block = n - n % data.batch + (n % data.batch) / NA_LANES * NA_LANES, lane = n - block;
  int partner = mix->count > 1 ? block + (lane + mix->shift) % mix->count : n;
  int wrong = 0, covered = 0;
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++) {
      bool inside = x >= mix->left[lane] && x < mix->left[lane] + mix->width[lane] &&
                    y >= mix->top[lane] && y < mix->top[lane] + mix->height[lane];
      double weight = inside ? (double)mix->weight[lane] : 0;
      double a = plain->pixels[n * H * W + y * W + x],
             b = plain->pixels[partner * H * W + y * W + x];
      wrong +=
          !(fabs(mixed->pixels[n * H * W + y * W + x] - ((1 - weight) * a + weight * b)) < 1e-5);
      covered += inside;
    }
  CHECK(wrong == 0, "image %d: %d pixels are wrong", n, wrong);
  double share = (double)mix->weight[lane] * covered / (H * W);
  bool swapped = share > 0.5;
  CHECK(mixed->labels[n] == plain->labels[swapped ? partner : n], "image %d: dominant label", n);
  CHECK(mixed->others[n] == plain->labels[swapped ? n : partner], "image %d: other label", n);
  CHECK_NEAR((double)mixed->shares[n], swapped ? 1 - share : share, 1e-6, 1, "share");
}

/* Through the loader, whole epochs: both kinds, per batch and image, with a last block that is not
 * full and one of a single image. */
static void mixtures_are_as_defined(void)
{
  static const int batches[] = {40, 33, 16};
  begin();
  for (int kind = 0; kind < 3; kind++)
    for (int per = 0; per < 2; per++) {
      data.batch = batches[kind];
      data.mixup = data.cutmix = 0;
      epoch plain = run_epoch(NA_SPLIT_TRAIN, 3, 0);
      data.mixup = kind != 1 ? 0.8 : 0;
      data.cutmix = kind != 0 ? 1 : 0;
      data.mix_per = per;
      epoch mixed = run_epoch(NA_SPLIT_TRAIN, 3, 0);
      CHECK(plain.images == mixed.images && plain.images >= 200, "%d images", mixed.images);
      CHECK(plain.shares[0] < 0 && plain.others[0] < 0, "nothing is mixed unless it is asked for");
      for (int n = 0; n < mixed.images; n++) {
        int within = n % data.batch, block = within / NA_LANES;
        int left = data.batch - block * NA_LANES;
        na_mix mix;
        na_mix_draw(&data, 1, 3, n / data.batch, block, left < NA_LANES ? left : NA_LANES, H, W,
                    &mix);
        check_image(&plain, &mixed, &mix, n);
      }
      epoch_free(&plain);
      epoch_free(&mixed);
    }
  end();
}

/* ------------------------------------------------------------------------------------ what is
 * drawn */

static void settings_for_draws(double mixup, double cutmix)
{
  na_settings_init(&na_data_settings, &data);
  data.mixup = mixup;
  data.cutmix = cutmix;
}

/* Of Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)); one draw for a whole batch. */
static void mixup_draws_beta(void)
{
  enum { BATCHES = 20000 };
  settings_for_draws(0.3, 0);
  double sum = 0, square = 0, variance = 1 / (4 * 1.6);
  long shifts[NA_LANES] = {0};
  for (long b = 0; b < BATCHES; b++) {
    na_mix first, second;
    na_mix_draw(&data, 5, 1, b, 0, 16, 32, 32, &first);
    na_mix_draw(&data, 5, 1, b, 1, 5, 32, 32, &second);
    double share = first.share[0];
    sum += share;
    square += (share - 0.5) * (share - 0.5);
    shifts[first.shift]++;
    CHECK(first.share[15] == first.share[0] && second.share[4] == first.share[0], "one per batch");
    CHECK(second.shift >= 1 && second.shift <= 4, "a shift of %d among 5", second.shift);
  }
  CHECK_NEAR(sum / BATCHES, 0.5, 4 * sqrt(variance / BATCHES), 1, "mean share");
  CHECK_NEAR(square / BATCHES, variance, 4 * 0.06 / sqrt(BATCHES), 1, "its variance");
  CHECK(shifts[0] == 0, "nobody is its own partner");
  for (int s = 1; s < NA_LANES; s++)
    CHECK(fabs((double)shifts[s] - BATCHES / 15.0) < 4 * sqrt(BATCHES / 15.0),
          "shift %d: %ld times", s, shifts[s]);
}

/* Areas before clipping are uniform with alpha 1: a box that lies wholly inside has the area 1 - l;
 * all centres occur. The label's share is the area that is really covered. */
static void cutmix_draws_boxes(void)
{
  enum { BATCHES = 20000, SIDE = 32 };
  settings_for_draws(0, 1);
  double sum = 0;
  int corners = 0, empty = 0, large = 0;
  for (long b = 0; b < BATCHES; b++) {
    na_mix mix;
    na_mix_draw(&data, 5, 1, b, 0, 16, SIDE, SIDE, &mix);
    bool inside = mix.left[3] >= 0 && mix.top[3] >= 0 && mix.width[3] >= 0 && mix.height[3] >= 0 &&
                  mix.left[3] + mix.width[3] <= SIDE && mix.top[3] + mix.height[3] <= SIDE;
    CHECK(inside, "box %d %d %d %d", mix.left[3], mix.top[3], mix.width[3], mix.height[3]);
    CHECK_NEAR((double)mix.share[3], mix.width[3] * mix.height[3] / (double)(SIDE * SIDE), 1e-6, 1,
               "share");
    sum += (double)mix.share[3];
    corners += mix.left[3] == 0 && mix.top[3] == 0;
    empty += mix.width[3] == 0;
    large += mix.share[3] > 0.8f;
  }
  /* By numerical integration over l, x and y of the clipped area, sides rounded as above: 0.2995.
   */
  CHECK_NEAR(sum / BATCHES, 0.2995, 0.01, 1, "mean share");
  CHECK(corners > BATCHES / 20 && corners < BATCHES / 5, "%d boxes at the corner", corners);
  CHECK(empty > 0 && large > 0, "the smallest and the largest boxes: %d, %d", empty, large);
}

static void switching_and_probability(void)
{
  enum { BATCHES = 2000 };
  settings_for_draws(1, 1);
  data.mix_prob = 0.5;
  data.mix_switch = 0.25;
  data.mix_per = NA_MIX_PER_IMAGE;
  int none = 0, blends = 0, boxes = 0, alike = 0;
  for (long b = 0; b < BATCHES; b++) {
    na_mix mix;
    na_mix_draw(&data, 5, 0, b, 0, 16, 64, 64, &mix);
    for (int lane = 0; lane < 16; lane++) {
      none += !(mix.weight[lane] > 0);
      boxes += mix.weight[lane] == 1;
      blends += mix.weight[lane] > 0 && mix.weight[lane] < 1;
      alike += lane > 0 && mix.weight[lane] > 0 && mix.weight[lane] < 1 &&
               mix.weight[lane] == mix.weight[0];
    }
  }
  int all = 16 * BATCHES;
  CHECK(none + blends + boxes == all && alike == 0, "each image has a draw of its own");
  CHECK(fabs(none / (double)all - 0.5) < 0.012, "%d of %d are left alone", none, all);
  CHECK(fabs(boxes / (double)all - 0.125) < 0.01, "%d of %d are pasted into", boxes, all);
}

/* ------------------------------------------------------------------------------ reproducibility */

static void loaders_and_resuming_change_nothing(void)
{
  begin();
  data.batch = 36;
  data.mixup = 0.2;
  data.cutmix = 1;
  for (int per = 0; per < 2; per++) {
    data.mix_per = per;
    data.loaders = 1;
    epoch whole = run_epoch(NA_SPLIT_TRAIN, 2, 0), other = run_epoch(NA_SPLIT_TRAIN, 3, 0);
    CHECK(whole.batches == 6 && !same(&whole, 0, &other), "epochs differ");
    for (int loaders = 1; loaders <= 4; loaders++) {
      data.loaders = loaders;
      long first = loaders - 1;
      epoch again = run_epoch(NA_SPLIT_TRAIN, 2, first);
      CHECK(same(&whole, (int)first * data.batch, &again), "%d loaders, from batch %ld", loaders,
            first);
      epoch_free(&again);
    }
    data.seed++;
    epoch_free(&other);
    other = run_epoch(NA_SPLIT_TRAIN, 2, 0);
    CHECK(!same(&whole, 0, &other), "another seed gives the same");
    epoch_free(&other);
    epoch_free(&whole);
  }
  end();
}

/* Neither validation nor re-estimation sees a mixture. */
static void only_training_is_mixed(void)
{
  static const na_split splits[] = {NA_SPLIT_VAL, NA_SPLIT_CALIBRATE};
  begin();
  for (int s = 0; s < 2; s++) {
    data.mixup = 0;
    epoch plain = run_epoch(splits[s], 1, 0);
    data.mixup = 1;
    epoch asked = run_epoch(splits[s], 1, 0);
    CHECK(plain.images > 0 && same(&plain, 0, &asked), "split %d changes", (int)splits[s]);
    epoch_free(&plain);
    epoch_free(&asked);
  }
  end();
}

static void refusals(void)
{
  na_dataset *dataset;
  begin();
  data.batch = 1;
  data.cutmix = 1;
  CHECK_FAILS(na_dataset_open(&dataset, &data, &err), NA_EINVAL, "data.batch is 1", err);
  static const char *const bad[][2] = {{"mixup", "-0.1"},
                                       {"cutmix", "101"},
                                       {"mix_prob", "1.1"},
                                       {"mix_switch", "-1"},
                                       {"mix_per", "pair"}};
  for (int i = 0; i < 5; i++)
    CHECK_FAILS(na_settings_parse(&na_data_settings, &data, bad[i][0], bad[i][1], &err), NA_EINVAL,
                bad[i][0], err);
  end();
}

int main(void)
{
  RUN(mixtures_are_as_defined);
  RUN(mixup_draws_beta);
  RUN(cutmix_draws_boxes);
  RUN(switching_and_probability);
  RUN(loaders_and_resuming_change_nothing);
  RUN(only_training_is_mixed);
  RUN(refusals);
  return CHECK_EXIT();
}
