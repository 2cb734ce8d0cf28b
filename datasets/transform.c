/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/transform.h"
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
  if (!training) return;
  if (transform->kind == NA_AUGMENT_CROP && transform->pad > 0) {
    uint32_t places = 2 * (uint32_t)transform->pad + 1;
    plan->shift_x = (int)na_random_below(random, places) - transform->pad;
    plan->shift_y = (int)na_random_below(random, places) - transform->pad;
  }
  if (transform->flip) plan->flip = na_random_unit(random) < 0.5;
  draw_jitter(transform, random, plan);
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

static uint8_t luma(uint8_t red, uint8_t green, uint8_t blue)
{
  return (uint8_t)((19595u * red + 38470u * green + 7471u * blue + 32768u) >> 16);
}

/* value -> factor * value + (1 - factor) * towards: brightness blends with black, contrast with
 * the mean. */
NA_VECTOR
static void blend_all(uint8_t *values, size_t count, float factor, float towards)
{
  float add = (1 - factor) * towards + 0.5f; /* half, so that cutting off rounds */
  for (size_t i = 0; i < count; i++) {
    float value = factor * (float)values[i] + add;
    value = value < 0 ? 0 : value > 255 ? 255 : value;
    values[i] = (uint8_t)(int32_t)value;
  }
}

/* Blends every pixel with its own grey; a fixed-point product keeps the loop vectorisable. */
NA_VECTOR
static void saturate(uint8_t *planes, size_t plane, double factor)
{
  uint8_t *red = planes, *green = planes + plane, *blue = planes + 2 * plane;
  int32_t f = (int32_t)lrint(factor * 65536), g = 65536 - f;
  for (size_t i = 0; i < plane; i++) {
    int32_t grey = luma(red[i], green[i], blue[i]) * g + 32768;
    int32_t r = (red[i] * f + grey) >> 16, gr = (green[i] * f + grey) >> 16;
    int32_t b = (blue[i] * f + grey) >> 16;
    red[i] = (uint8_t)(r < 0 ? 0 : r > 255 ? 255 : r);
    green[i] = (uint8_t)(gr < 0 ? 0 : gr > 255 ? 255 : gr);
    blue[i] = (uint8_t)(b < 0 ? 0 : b > 255 ? 255 : b);
  }
}

/* Mean luma of the image, as a whole number: what contrast blends with. */
static double mean_luma(const uint8_t *planes, size_t plane, int channels)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < plane; i++)
    sum += channels == 1 ? planes[i] : luma(planes[i], planes[plane + i], planes[2 * plane + i]);
  return floor((double)sum / (double)plane + 0.5);
}

/* torchvision's ColorJitter without hue: every jitter once, in a drawn order. */
static void jitter(const na_plan *plan, int channels, size_t plane, uint8_t *planes)
{
  size_t count = plane * (size_t)channels;
  for (int i = 0; i < NA_JITTERS; i++) {
    double factor = plan->factor[plan->order[i]];
    if (factor == 1) continue;
    switch (plan->order[i]) {
    case NA_BRIGHTNESS: blend_all(planes, count, (float)factor, 0); break;
    case NA_CONTRAST:
      blend_all(planes, count, (float)factor, (float)mean_luma(planes, plane, channels));
      break;
    case NA_SATURATION:
      if (channels == 3) saturate(planes, plane, factor);
      break;
    default: break;
    }
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
    out[i] = luma(planes[i], planes[plane + i], planes[2 * plane + i]);
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
  return NA_OK;
}
