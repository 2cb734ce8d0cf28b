/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/mix.h"
#include "core/base/random.h"
#include "datasets/vector.h"

#include <math.h>
#include <string.h>

bool na_mix_wanted(const na_data *data)
{
  return (data->mixup > 0 || data->cutmix > 0) && data->mix_prob > 0;
}

/* The sequence for item `item` of a batch: an image, a block, or the whole. Images of the
 * collection have the keys (seed, epoch, index), with indices that these never reach. */
static na_random sequence(uint64_t seed, uint64_t epoch, long batch, uint64_t item)
{
  na_random whole = na_random_at(seed, epoch, UINT64_MAX - 1 - (uint64_t)batch);
  return na_random_at(na_random_next(&whole), item, 0);
}

/* Item keys beside those of images, 0 .. batch - 1. */
static const uint64_t whole_batch = UINT64_MAX, first_block = (uint64_t)1 << 32;

static void blend(double alpha, na_random *random, int height, int width, na_mix *mix, int lane)
{
  mix->share[lane] = mix->weight[lane] = (float)(1 - na_random_beta(random, alpha, alpha));
  mix->left[lane] = mix->top[lane] = 0;
  mix->width[lane] = width;
  mix->height[lane] = height;
}

/* The interval of `length` around `centre` (rounded down, as the paper's code does), in 0 .. all.
 */
static int clip(int centre, int length, int all, int *size)
{
  int begin = centre - length / 2, end = centre + length / 2;
  if (begin < 0) begin = 0;
  if (end > all) end = all;
  *size = end - begin;
  return begin;
}

static void paste(double alpha, na_random *random, int height, int width, na_mix *mix, int lane)
{
  double side = sqrt(1 - na_random_beta(random, alpha, alpha));
  int x = (int)na_random_below(random, (uint32_t)width);
  int y = (int)na_random_below(random, (uint32_t)height);
  mix->left[lane] = clip(x, (int)(width * side), width, &mix->width[lane]);
  mix->top[lane] = clip(y, (int)(height * side), height, &mix->height[lane]);
  mix->weight[lane] = 1;
  mix->share[lane] =
      (float)((double)mix->width[lane] * mix->height[lane] / ((double)width * height));
}

static void draw(const na_data *data, na_random *random, int height, int width, na_mix *mix,
                 int lane)
{
  mix->width[lane] = mix->height[lane] = mix->left[lane] = mix->top[lane] = 0;
  mix->share[lane] = mix->weight[lane] = 0;
  if (na_random_unit(random) >= data->mix_prob) return;
  bool cuts = na_random_unit(random) < data->mix_switch;
  if (data->cutmix > 0 && (cuts || !(data->mixup > 0)))
    paste(data->cutmix, random, height, width, mix, lane);
  else
    blend(data->mixup, random, height, width, mix, lane);
}

void na_mix_draw(const na_data *data, uint64_t seed, uint64_t epoch, long batch, int block,
                 int count, int height, int width, na_mix *mix)
{
  *mix = (na_mix){.count = count};
  if (count < 2) return;
  na_random of_block = sequence(seed, epoch, batch, first_block + (uint64_t)block);
  mix->shift = 1 + (int)na_random_below(&of_block, (uint32_t)count - 1);
  for (int lane = 0; lane < count; lane++) {
    uint64_t image = (uint64_t)block * NA_LANES + (uint64_t)lane;
    bool each = data->mix_per == NA_MIX_PER_IMAGE;
    na_random random = sequence(seed, epoch, batch, each ? image : whole_batch);
    draw(data, &random, height, width, mix, lane);
  }
}

/* Each pixel's lanes twice, so that the partners of all of them lie side by side. Pixels go through
 * it in groups: what was written just before cannot be read at another place without a wait. */
enum { GROUP = 32 };
typedef float doubled[GROUP][2 * NA_LANES];

static inline void fill_doubled(const float *row, int pixels, int count, doubled twice)
{
  for (int x = 0; x < pixels; x++, row += NA_LANES) {
    memcpy(twice[x], row, NA_LANES * sizeof *row);
    memcpy(twice[x] + count, row, NA_LANES * sizeof *row);
  }
}

/* The weighted mean is exact where a weight is 0 or 1. */
static inline void mix_pixel(const na_mix *mix, const float *weights, int x, const float *partner,
                             float *pixel)
{
  for (int lane = 0; lane < NA_LANES; lane++) {
    bool inside = (unsigned)(x - mix->left[lane]) < (unsigned)mix->width[lane];
    float weight = inside ? weights[lane] : 0;
    pixel[lane] = (1 - weight) * pixel[lane] + weight * partner[lane];
  }
}

NA_VECTOR
void na_mix_row(const na_mix *mix, int y, int width, float *row)
{
  float weights[NA_LANES], most = 0;
  for (int lane = 0; lane < NA_LANES; lane++) {
    bool inside = y >= mix->top[lane] && y < mix->top[lane] + mix->height[lane];
    weights[lane] = inside ? mix->weight[lane] : 0;
    most = weights[lane] > most ? weights[lane] : most;
  }
  doubled twice = {{0}};
  for (int first = 0; most > 0 && first < width; first += GROUP, row += GROUP * NA_LANES) {
    int pixels = width - first < GROUP ? width - first : GROUP;
    fill_doubled(row, pixels, mix->count, twice);
    for (int x = 0; x < pixels; x++)
      mix_pixel(mix, weights, first + x, twice[x] + mix->shift, row + x * NA_LANES);
  }
}

void na_mix_labels(const na_mix *mix, int32_t *labels, int32_t *others, float *shares)
{
  int32_t own[NA_LANES];
  memcpy(own, labels, (size_t)mix->count * sizeof *own);
  for (int lane = 0; lane < mix->count; lane++) {
    int32_t partner = own[(lane + mix->shift) % mix->count];
    bool swap = mix->share[lane] > 0.5f;
    labels[lane] = swap ? partner : own[lane];
    others[lane] = swap ? own[lane] : partner;
    shares[lane] = swap ? 1 - mix->share[lane] : mix->share[lane];
  }
}
