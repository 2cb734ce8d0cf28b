/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/transform.h"
#include "datasets/colour.h"
#include "datasets/vector.h"

#include <math.h>
#include <string.h>

/* The share of the shorter side that evaluation of `resized` keeps: 224 of 256. */
static const double eval_share = 0.875;

/* The largest centred box of the transform's aspect, whose sides are outputs of `outer` pixels of
 * which `inner` are kept. */
static void centre_box(int width, int height, const double outer[2], const double inner[2],
                       na_plan *plan)
{
  double step = fmin(width / outer[0], height / outer[1]); /* stored pixels per output pixel */
  plan->width = inner[0] * step;
  plan->height = inner[1] * step;
  plan->x = (width - plan->width) / 2;
  plan->y = (height - plan->height) / 2;
}

/* Random area and aspect (Szegedy et al. 2014; torchvision RandomResizedCrop): ten attempts, then
 * the largest centred box within the allowed aspects. */
static void draw_box(const na_transform *transform, int width, int height, na_random *random,
                     na_plan *plan)
{
  double log_ratio = log(transform->ratio);
  for (int attempt = 0; attempt < 10; attempt++) {
    double area = width * (double)height *
                  na_random_range(random, transform->scale_min, transform->scale_max);
    double aspect = exp(na_random_range(random, -log_ratio, log_ratio));
    double w = round(sqrt(area * aspect)), h = round(sqrt(area / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    plan->width = w;
    plan->height = h;
    plan->x = na_random_below(random, (uint32_t)(width - (int)w) + 1);
    plan->y = na_random_below(random, (uint32_t)(height - (int)h) + 1);
    return;
  }
  plan->width = fmin(width, floor(height * transform->ratio));
  plan->height = fmin(height, floor(width * transform->ratio));
  plan->x = floor((width - plan->width) / 2);
  plan->y = floor((height - plan->height) / 2);
}

static void draw_jitter(const na_transform *transform, na_random *random, na_plan *plan)
{
  uint32_t order[NA_JITTERS];
  for (int i = 0; i < NA_JITTERS; i++) {
    double strength = transform->jitter[i];
    order[i] = (uint32_t)i;
    plan->factor[i] = strength > 0 ? na_random_range(random, 1 - strength, 1 + strength) : 1;
  }
  na_random_shuffle(random, order, NA_JITTERS);
  for (int i = 0; i < NA_JITTERS; i++) plan->order[i] = (int)order[i];
}

/* Random erasing (Zhong et al. 2017; torchvision RandomErasing): a box of random area and aspect,
 * smaller than the image; ten attempts. */
static void draw_erasing(const na_transform *transform, na_random *random, na_plan *plan)
{
  int width = transform->width, height = transform->height;
  double log_ratio = log(transform->erase_ratio);
  if (na_random_unit(random) >= transform->erase) return;
  for (int attempt = 0; attempt < 10; attempt++) {
    double area = width * (double)height *
                  na_random_range(random, transform->erase_min, transform->erase_max);
    double aspect = exp(na_random_range(random, -log_ratio, log_ratio));
    int w = (int)round(sqrt(area / aspect)), h = (int)round(sqrt(area * aspect));
    if (w < 1 || h < 1 || w >= width || h >= height) continue;
    int x = (int)na_random_below(random, (uint32_t)(width - w) + 1);
    int y = (int)na_random_below(random, (uint32_t)(height - h) + 1);
    plan->blanks[plan->blank_count++] = (na_box){x, y, w, h};
    return;
  }
}

/* Cutout (DeVries, Taylor 2017): a square whose centre is anywhere, so that a part of it may lie
 * outside. */
static void draw_cutout(const na_transform *transform, na_random *random, na_plan *plan)
{
  int side = transform->cutout, width = transform->width, height = transform->height;
  int x = (int)na_random_below(random, (uint32_t)width) - side / 2;
  int y = (int)na_random_below(random, (uint32_t)height) - side / 2;
  int right = x + side < width ? x + side : width, bottom = y + side < height ? y + side : height;
  x = x < 0 ? 0 : x;
  y = y < 0 ? 0 : y;
  plan->blanks[plan->blank_count++] = (na_box){x, y, right - x, bottom - y};
}

/* A training image, once its box is drawn. */
static void draw_training(const na_transform *transform, na_random *random, na_plan *plan)
{
  if (transform->kind == NA_AUGMENT_CROP && transform->pad > 0) {
    uint32_t places = 2 * (uint32_t)transform->pad + 1;
    plan->shift_x = (int)na_random_below(random, places) - transform->pad;
    plan->shift_y = (int)na_random_below(random, places) - transform->pad;
  }
  if (transform->flip) plan->flip = na_random_unit(random) < 0.5;
  draw_jitter(transform, random, plan);
}

void na_transform_draw(const na_transform *transform, int width, int height, na_random *random,
                       na_plan *plan)
{
  *plan = (na_plan){.factor = {1, 1, 1}, .order = {0, 1, 2}};
  double size[2] = {transform->width, transform->height};
  bool training = random != NULL && transform->kind != NA_AUGMENT_NONE;
  if (training && transform->kind == NA_AUGMENT_RESIZED) {
    draw_box(transform, width, height, random, plan);
    plan->closed = true;
  } else if (transform->kind == NA_AUGMENT_RESIZED) {
    double outer[2] = {ceil(size[0] / eval_share), ceil(size[1] / eval_share)};
    centre_box(width, height, outer, size, plan);
  } else centre_box(width, height, size, size, plan);
  if (training) draw_training(transform, random, plan);
  if (random == NULL) return;
  plan->operation_count = na_policy_draw(&transform->policy, transform->height, transform->width,
                                         random, plan->operations);
  if (transform->erase > 0) draw_erasing(transform, random, plan);
  if (transform->cutout > 0) draw_cutout(transform, random, plan);
}

int na_transform_shrink(const na_transform *transform, const na_plan *plan)
{
  int shrink = 8;
  while (shrink > 1 && (plan->width < (double)shrink * transform->width ||
                        plan->height < (double)shrink * transform->height))
    shrink /= 2;
  return shrink;
}

/* ------------------------------------------------------------------------------------ window */

bool na_transform_window(const na_plan *plan, int shrink, int width, int height, na_window *window)
{
  if (!plan->closed) return false;
  int across = (width + shrink - 1) / shrink, down = (height + shrink - 1) / shrink;
  na_resample_limits(plan->x / shrink, plan->width / shrink, across, &window->left, &window->right);
  na_resample_limits(plan->y / shrink, plan->height / shrink, down, &window->top, &window->bottom);
  return true;
}

static int reserve(uint8_t **bytes, size_t *capacity, size_t wanted, na_error *err)
{
  void *block = *bytes;
  int code = na_scratch_reserve(&block, capacity, wanted, err);
  *bytes = block;
  return code;
}

int na_transform_prepare(const na_transform *transform, int channels, int height, int width,
                         na_scratch *scratch, na_error *err)
{
  size_t plane = (size_t)transform->height * (size_t)transform->width;
  int code = na_resample_prepare(channels, height, width, transform->height, transform->width,
                                 scratch, err);
  if (code == NA_OK && transform->kind == NA_AUGMENT_CROP)
    code = reserve(&scratch->resized, &scratch->resized_capacity, plane * (size_t)channels, err);
  if (code == NA_OK && channels > transform->channels)
    code = reserve(&scratch->colours, &scratch->colours_capacity, 3 * plane, err);
  if (code == NA_OK && transform->policy.kind != NA_POLICY_NONE)
    code = reserve(&scratch->spare, &scratch->spare_capacity,
                   plane * (size_t)transform->channels, err);
  return code;
}

/* Pixels anywhere in memory: channel c of (x, y) is at[y * row + x * column + c * plane]. */
typedef struct grid {
  const uint8_t *at;
  ptrdiff_t row, column, plane;
  int width, height;
} grid;

/* Copies the window whose corner is (x0, y0), black outside of the grid, to planes. */
static void copy_window(const grid *from, int x0, int y0, bool flip, int channels, int height,
                        int width, uint8_t *out)
{
  int begin = x0 < 0 ? -x0 : 0, end = from->width - x0 < width ? from->width - x0 : width;
  for (int c = 0; c < channels; c++)
    for (int y = 0; y < height; y++, out += width) {
      int row = y + y0;
      memset(out, 0, (size_t)width);
      if (row < 0 || row >= from->height) continue;
      const uint8_t *source = from->at + row * from->row + c * from->plane;
      for (int x = begin; x < end; x++)
        out[flip ? width - 1 - x : x] = source[(x + x0) * from->column];
    }
}

/* Does the plan take pixels one to one? */
static bool is_copy(const na_transform *transform, const na_plan *plan)
{
  return plan->width == transform->width && plan->height == transform->height &&
         plan->x == floor(plan->x) && plan->y == floor(plan->y);
}

static int resize(const na_transform *transform, const na_plan *plan, int shrink, bool flip,
                  const na_image *image, na_scratch *scratch, uint8_t *out, na_error *err)
{
  double box[4] = {plan->x / shrink, plan->y / shrink, plan->width / shrink, plan->height / shrink};
  return na_resample(image, box, plan->closed, flip, transform->height, transform->width, scratch,
                     out, err);
}

/* The plan's box of an image at full size, one to one: what lies outside of it is padding, even
 * where the image goes on. */
static grid box_of(const na_transform *transform, const na_plan *plan, const na_image *image)
{
  ptrdiff_t column = image->channels, row = column * image->width;
  const uint8_t *at = image->pixels + (ptrdiff_t)plan->y * row + (ptrdiff_t)plan->x * column;
  return (grid){at, row, column, 1, transform->width, transform->height};
}

/* The geometry, to planes of the image's own channels. */
static int cut(const na_transform *transform, const na_plan *plan, int shrink,
               const na_image *image, na_scratch *scratch, uint8_t *out, na_error *err)
{
  int height = transform->height, width = transform->width;
  grid from;
  if (shrink == 1 && is_copy(transform, plan)) from = box_of(transform, plan, image);
  else {
    if (plan->shift_x == 0 && plan->shift_y == 0)
      return resize(transform, plan, shrink, plan->flip, image, scratch, out, err);
    size_t plane = (size_t)height * (size_t)width;
    int code = reserve(&scratch->resized, &scratch->resized_capacity,
                       plane * (size_t)image->channels, err);
    if (code == NA_OK)
      code = resize(transform, plan, shrink, false, image, scratch, scratch->resized, err);
    if (code != NA_OK) return code;
    from = (grid){scratch->resized, width, 1, (ptrdiff_t)plane, width, height};
  }
  copy_window(&from, plan->shift_x, plan->shift_y, plan->flip, image->channels, height, width, out);
  return NA_OK;
}

/* ------------------------------------------------------------------------------------ colour */

/* torchvision's ColorJitter without hue: every jitter once, in a drawn order. */
static void jitter(const na_plan *plan, int channels, size_t plane, uint8_t *planes)
{
  static void (*const changes[NA_JITTERS])(uint8_t *, int, size_t, double) = {
      [NA_BRIGHTNESS] = na_brightness, [NA_SATURATION] = na_saturation, [NA_CONTRAST] = na_contrast};
  for (int i = 0; i < NA_JITTERS; i++) {
    double factor = plan->factor[plan->order[i]];
    if (factor != 1) changes[plan->order[i]](planes, channels, plane, factor);
  }
}

static int operate(const na_transform *transform, const na_plan *plan, na_scratch *scratch,
                   uint8_t *planes, na_error *err)
{
  int channels = transform->channels, height = transform->height, width = transform->width;
  if (plan->operation_count == 0) return NA_OK;
  int code = reserve(&scratch->spare, &scratch->spare_capacity,
                     (size_t)channels * (size_t)height * (size_t)width, err);
  for (int i = 0; code == NA_OK && i < plan->operation_count; i++)
    na_operate(&plan->operations[i], channels, height, width, planes, scratch->spare);
  return code;
}

static void erase(const na_transform *transform, const na_plan *plan, uint8_t *planes)
{
  size_t width = (size_t)transform->width;
  for (int b = 0; b < plan->blank_count; b++)
    for (int c = 0; c < transform->channels; c++)
      for (int y = plan->blanks[b].y; y < plan->blanks[b].y + plan->blanks[b].height; y++) {
        size_t row = ((size_t)c * (size_t)transform->height + (size_t)y) * width;
        memset(planes + row + plan->blanks[b].x, transform->blank[c], (size_t)plan->blanks[b].width);
      }
}

/* Colour images for a grey network: the planes go to scratch, their luma to out. */
static int cut_to_grey(const na_transform *transform, const na_plan *plan, int shrink,
                       const na_image *image, na_scratch *scratch, uint8_t *out, na_error *err)
{
  size_t plane = (size_t)transform->height * (size_t)transform->width;
  int code = reserve(&scratch->colours, &scratch->colours_capacity, 3 * plane, err);
  uint8_t *planes = scratch->colours;
  if (code == NA_OK) code = cut(transform, plan, shrink, image, scratch, planes, err);
  for (size_t i = 0; code == NA_OK && i < plane; i++)
    out[i] = na_luma(planes[i], planes[plane + i], planes[2 * plane + i]);
  return code;
}

int na_transform_apply(const na_transform *transform, const na_plan *plan, int shrink,
                       const na_image *image, na_scratch *scratch, uint8_t *out, na_error *err)
{
  size_t plane = (size_t)transform->height * (size_t)transform->width;
  bool to_grey = image->channels > transform->channels;
  int code = (to_grey ? cut_to_grey : cut)(transform, plan, shrink, image, scratch, out, err);
  if (code != NA_OK) return code;
  for (int c = image->channels; c < transform->channels; c++)
    memcpy(out + (size_t)c * plane, out, plane);
  jitter(plan, transform->channels, plane, out);
  code = operate(transform, plan, scratch, out, err);
  erase(transform, plan, out);
  return code;
}
