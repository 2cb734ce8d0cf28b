/* Resizing against a naive oracle; geometry, padding, flips and colour.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "datasets/transform.h"
#include "tests/check.h"

#include <stdint.h>

enum { SIDE_MAX = 120, PIXELS_MAX = 3 * SIDE_MAX * SIDE_MAX };

static na_error err;
static na_scratch scratch;

static void fill(uint8_t *pixels, int count, uint64_t stream)
{
  for (int i = 0; i < count; i++) pixels[i] = (uint8_t)na_random_bits(stream, (uint64_t)i);
}

static double weight(double distance, double width)
{
  double x = fabs(distance) / width;
  return x < 1 ? 1 - x : 0;
}

/* One output pixel by definition: the mean of all inputs that may be seen, weighted by a triangle
 * around the output's centre. Double precision, every input visited. */
static double oracle(const na_image *image, const double box[4], bool closed, int height, int width,
                     int c, int y, int x)
{
  double step_x = box[2] / width, step_y = box[3] / height;
  double wide = step_x > 1 ? step_x : 1, tall = step_y > 1 ? step_y : 1, sum = 0, total = 0;
  double centre_x = box[0] + (x + 0.5) * step_x, centre_y = box[1] + (y + 0.5) * step_y;
  for (int j = 0; j < image->height; j++)
    for (int i = 0; i < image->width; i++) {
      if (closed && (j + 1 <= box[1] || j >= box[1] + box[3])) continue;
      if (closed && (i + 1 <= box[0] || i >= box[0] + box[2])) continue;
      double w = weight(i + 0.5 - centre_x, wide) * weight(j + 0.5 - centre_y, tall);
      sum += w * image->pixels[(j * image->width + i) * image->channels + c];
      total += w;
    }
  return sum / total;
}

typedef struct job {
  int channels, in_h, in_w, out_h, out_w;
  double box[4];
  bool closed, flip;
} job;

static void resize_agrees_with_the_oracle(void)
{
  static const job jobs[] = {
      {1, 28, 28, 32, 32, {0, 0, 28, 28}, false, false},
      {3, 60, 47, 17, 23, {0, 0, 47, 60}, false, true},
      {3, 90, 119, 16, 16, {13, 7, 71, 55}, true, false},
      {3, 90, 119, 16, 16, {13.25, 7.5, 71.5, 55.25}, true, true},
      {1, 5, 3, 20, 20, {0, 0, 3, 5}, false, false},
      {3, 1, 1, 4, 4, {0, 0, 1, 1}, true, false},
      {3, 100, 2, 3, 30, {0, 40, 2, 1}, true, false},
      {1, 64, 64, 56, 56, {4, 4, 56, 56}, false, false},
      {3, 119, 119, 1, 1, {0, 0, 119, 119}, false, false},
      {3, 40, 40, 9, 200, {39, 39, 1, 1}, true, false},
  };
  static uint8_t in[PIXELS_MAX], out[PIXELS_MAX];
  for (size_t k = 0; k < sizeof jobs / sizeof jobs[0]; k++) {
    const job *j = &jobs[k];
    na_image image = {j->channels, j->in_h, j->in_w, in};
    fill(in, j->in_h * j->in_w * j->channels, k);
    CHECK_OK(na_resample(&image, j->box, j->closed, j->flip, j->out_h, j->out_w, &scratch, out,
                         &err), err);
    double worst = 0;
    for (int c = 0; c < j->channels; c++)
      for (int y = 0; y < j->out_h; y++)
        for (int x = 0; x < j->out_w; x++) {
          double wanted = oracle(&image, j->box, j->closed, j->out_h, j->out_w, c, y, x);
          int at = j->flip ? j->out_w - 1 - x : x;
          double off = fabs(out[(c * j->out_h + y) * j->out_w + at] - wanted);
          if (off > worst) worst = off;
        }
    CHECK(worst <= 0.501, "job %zu: off by %.3f of 255", k, worst);
  }
  na_scratch_free(&scratch);
}

static na_transform small(na_augment kind, int channels, int height, int width)
{
  return (na_transform){.kind = kind, .channels = channels, .height = height, .width = width,
                        .pad = 4, .flip = true, .scale_min = 0.08, .scale_max = 1,
                        .ratio = 4.0 / 3};
}

static void boxes_are_inside_and_as_asked(void)
{
  na_transform t = small(NA_AUGMENT_RESIZED, 3, 32, 32);
  double area_low = 1, area_high = 0, aspect_low = 9, aspect_high = 0;
  int flips = 0;
  for (uint64_t i = 0; i < 4000; i++) {
    na_random random = na_random_at(7, 3, i);
    na_plan plan;
    na_transform_draw(&t, 300, 200, &random, &plan);
    bool inside = plan.x >= 0 && plan.y >= 0 && plan.width >= 1 && plan.height >= 1 &&
                  plan.x + plan.width <= 300 && plan.y + plan.height <= 200;
    CHECK(inside, "box %g %g %g %g", plan.x, plan.y, plan.width, plan.height);
    CHECK(plan.closed, "a crop is cut before it is resized");
    double area = plan.width * plan.height / 60000, aspect = plan.width / plan.height;
    area_low = fmin(area_low, area);
    area_high = fmax(area_high, area);
    aspect_low = fmin(aspect_low, aspect);
    aspect_high = fmax(aspect_high, aspect);
    flips += plan.flip;
  }
  CHECK(area_low > 0.075 && area_low < 0.09, "smallest area %g", area_low);
  CHECK(area_high > 0.85 && area_high <= 0.89, "largest area %g", area_high);
  CHECK(aspect_low > 0.72 && aspect_low < 0.77, "narrowest %g", aspect_low);
  CHECK(aspect_high < 1.39 && aspect_high > 1.3, "widest %g", aspect_high);
  CHECK(flips > 1850 && flips < 2150, "%d of 4000 flipped", flips);
}

/* An image too narrow for every drawn box falls back to its largest centred allowed one. */
static void narrow_images_have_a_box(void)
{
  na_transform t = small(NA_AUGMENT_RESIZED, 3, 32, 32);
  t.scale_min = t.scale_max = 1;
  na_random random = na_random_at(1, 1, 1);
  na_plan plan;
  na_transform_draw(&t, 900, 30, &random, &plan);
  CHECK(plan.width == 40 && plan.height == 30 && plan.x == 430 && plan.y == 0,
        "fallback %g %g %g %g", plan.x, plan.y, plan.width, plan.height);
}

static void evaluation_boxes(void)
{
  na_plan plan;
  na_transform t = small(NA_AUGMENT_RESIZED, 3, 224, 224); /* 256 of the shorter side, 224 kept */
  na_transform_draw(&t, 512, 384, NULL, &plan);
  CHECK(plan.width == 336 && plan.height == 336 && plan.x == 88 && plan.y == 24,
        "resized: %g %g %g %g", plan.x, plan.y, plan.width, plan.height);
  CHECK(!plan.flip && !plan.closed, "nothing is drawn in evaluation");
  t = small(NA_AUGMENT_CROP, 3, 32, 32);
  na_transform_draw(&t, 64, 48, NULL, &plan);
  CHECK(plan.width == 48 && plan.height == 48 && plan.x == 8 && plan.y == 0, "crop: %g %g %g %g",
        plan.x, plan.y, plan.width, plan.height);
  CHECK(plan.shift_x == 0 && plan.shift_y == 0, "no shift in evaluation");
}

static void shrinks_leave_enough(void)
{
  na_transform t = small(NA_AUGMENT_RESIZED, 3, 100, 100);
  static const double sides[6] = {99, 100, 199, 200, 401, 4000};
  static const int wanted[6] = {1, 1, 1, 2, 4, 8};
  for (int i = 0; i < 6; i++) {
    na_plan plan = {.width = sides[i], .height = 4000};
    CHECK(na_transform_shrink(&t, &plan) == wanted[i], "side %g: 1/%d", sides[i],
          na_transform_shrink(&t, &plan));
  }
}

/* Every draw of pad and crop is the padded image, moved and maybe mirrored; all places occur. */
static void crop_shows_a_window(void)
{
  enum { H = 9, W = 7 };
  uint8_t in[3 * H * W], out[3 * H * W];
  na_image image = {3, H, W, in};
  na_transform t = small(NA_AUGMENT_CROP, 3, H, W);
  int places[9][9] = {{0}}, flips = 0, found = 0;
  fill(in, sizeof in, 5);
  for (uint64_t i = 0; i < 2000; i++) {
    na_random random = na_random_at(1, 0, i);
    na_plan plan;
    na_transform_draw(&t, W, H, &random, &plan);
    CHECK_OK(na_transform_apply(&t, &plan, 1, &image, &scratch, out, &err), err);
    int wrong = 0;
    for (int c = 0; c < 3; c++)
      for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
          int from_x = (plan.flip ? W - 1 - x : x) + plan.shift_x, from_y = y + plan.shift_y;
          bool outside = from_x < 0 || from_x >= W || from_y < 0 || from_y >= H;
          int wanted = outside ? 0 : in[(from_y * W + from_x) * 3 + c];
          wrong += out[(c * H + y) * W + x] != wanted;
        }
    CHECK(wrong == 0, "%d pixels differ at shift %d %d", wrong, plan.shift_x, plan.shift_y);
    found += places[plan.shift_y + 4][plan.shift_x + 4]++ == 0;
    flips += plan.flip;
  }
  CHECK(found == 81, "%d of 81 places occurred", found);
  CHECK(flips > 900 && flips < 1100, "%d of 2000 flipped", flips);
  na_scratch_free(&scratch);
}

/* An image of another size is resized first, and its padding is black too. */
static void crop_resizes_first(void)
{
  enum { SIDE = 8 };
  uint8_t in[16 * 16], resized[SIDE * SIDE], out[SIDE * SIDE];
  na_image image = {1, 16, 16, in};
  na_transform t = small(NA_AUGMENT_CROP, 1, SIDE, SIDE);
  double whole[4] = {0, 0, 16, 16};
  fill(in, sizeof in, 6);
  na_plan plan = {.width = 16, .height = 16, .shift_x = 3, .shift_y = -2, .factor = {1, 1, 1}};
  CHECK_OK(na_resample(&image, whole, false, false, SIDE, SIDE, &scratch, resized, &err), err);
  CHECK_OK(na_transform_apply(&t, &plan, 1, &image, &scratch, out, &err), err);
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      int wanted = x + 3 < SIDE && y - 2 >= 0 ? resized[(y - 2) * SIDE + x + 3] : 0;
      CHECK(out[y * SIDE + x] == wanted, "pixel %d %d: %d, wanted %d", x, y, out[y * SIDE + x],
            wanted);
    }
  na_scratch_free(&scratch);
}

static void channels_change(void)
{
  uint8_t colour[3 * 4] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90}, out[3 * 4];
  na_image image = {3, 2, 2, colour};
  na_transform t = small(NA_AUGMENT_NONE, 1, 2, 2);
  na_plan plan;
  na_transform_draw(&t, 2, 2, NULL, &plan);
  CHECK_OK(na_transform_apply(&t, &plan, 1, &image, &scratch, out, &err), err);
  CHECK(out[0] == 76 && out[1] == 150 && out[2] == 29 && out[3] == 90, "luma %d %d %d %d", out[0],
        out[1], out[2], out[3]);
  image.channels = 1;
  t.channels = 3;
  CHECK_OK(na_transform_apply(&t, &plan, 1, &image, &scratch, out, &err), err);
  for (int i = 0; i < 12; i++) CHECK(out[i] == colour[i % 4], "grey repeated: %d", out[i]);
  na_scratch_free(&scratch);
}

static uint8_t bounded(double value)
{
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : floor(value + 0.5));
}

/* One jitter with a known factor, against its definition. */
static void jitter_is_as_defined(void)
{
  enum { N = 25 };
  uint8_t in[3 * N], out[3 * N];
  na_image image = {3, 5, 5, in};
  na_transform t = small(NA_AUGMENT_RESIZED, 3, 5, 5);
  fill(in, sizeof in, 9);
  double mean = 0;
  for (int p = 0; p < N; p++)
    mean += 0.299 * in[3 * p] + 0.587 * in[3 * p + 1] + 0.114 * in[3 * p + 2];
  mean /= N;
  for (int kind = 0; kind < NA_JITTERS; kind++)
    for (double factor = 0.5; factor < 1.7; factor += 1) {
      na_plan plan = {.width = 5, .height = 5, .factor = {1, 1, 1}, .order = {2, 0, 1}};
      plan.factor[kind] = factor;
      CHECK_OK(na_transform_apply(&t, &plan, 1, &image, &scratch, out, &err), err);
      for (int p = 0; p < N; p++)
        for (int c = 0; c < 3; c++) {
          double grey = 0.299 * in[3 * p] + 0.587 * in[3 * p + 1] + 0.114 * in[3 * p + 2];
          double towards = kind == NA_BRIGHTNESS ? 0 : kind == NA_CONTRAST ? mean : grey;
          int wanted = bounded(factor * in[3 * p + c] + (1 - factor) * towards);
          CHECK(abs(out[c * N + p] - wanted) <= 1, "jitter %d by %g: %d, wanted %d", kind, factor,
                out[c * N + p], wanted);
        }
    }
  na_scratch_free(&scratch);
}

static void jitter_is_drawn_in_range(void)
{
  na_transform t = small(NA_AUGMENT_RESIZED, 3, 8, 8);
  t.jitter[NA_BRIGHTNESS] = 32.0 / 255;
  t.jitter[NA_SATURATION] = 0.5;
  double low[NA_JITTERS] = {9, 9, 9}, high[NA_JITTERS] = {0};
  int first[NA_JITTERS] = {0};
  for (uint64_t i = 0; i < 3000; i++) {
    na_random random = na_random_at(1, 2, i);
    na_plan plan;
    na_transform_draw(&t, 20, 20, &random, &plan);
    for (int k = 0; k < NA_JITTERS; k++) {
      low[k] = fmin(low[k], plan.factor[k]);
      high[k] = fmax(high[k], plan.factor[k]);
    }
    first[plan.order[0]]++;
  }
  for (int k = 0; k < NA_JITTERS; k++) {
    CHECK(low[k] >= 1 - t.jitter[k] && low[k] <= 1 - 0.99 * t.jitter[k], "lowest %g", low[k]);
    CHECK(high[k] <= 1 + t.jitter[k] && high[k] >= 1 + 0.99 * t.jitter[k], "highest %g", high[k]);
    CHECK(first[k] > 900 && first[k] < 1100, "jitter %d comes first %d times of 3000", k, first[k]);
  }
}

/* ------------------------------------------------------------------------- policies and erasing */

static na_transform black(int height, int width)
{
  na_transform t = small(NA_AUGMENT_NONE, 3, height, width);
  t.blank[0] = 10;
  t.blank[1] = 20;
  t.blank[2] = 30;
  t.erase_min = 0.02;
  t.erase_max = 0.33;
  t.erase_ratio = 10 / 3.0;
  return t;
}

/* Operations come after the geometry, and erasing after both; also where nothing else is drawn. */
static void operations_then_erasing(void)
{
  enum { H = 6, W = 8 };
  uint8_t in[3 * H * W], out[3 * H * W];
  na_image image = {3, H, W, in};
  na_transform t = black(H, W);
  fill(in, sizeof in, 12);
  na_plan plan = {.width = W, .height = H, .flip = true, .factor = {1, 1, 1}, .operation_count = 2,
                  .operations = {{NA_OP_INVERT, 0}, {NA_OP_TRANSLATE_X, 2}},
                  .blank_count = 2, .blanks = {{3, 1, 2, 4}, {6, 0, 2, 1}}};
  CHECK_OK(na_transform_apply(&t, &plan, 1, &image, &scratch, out, &err), err);
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < H; y++)
      for (int x = 0; x < W; x++) {
        bool erased = (x >= 3 && x < 5 && y >= 1 && y < 5) || (x >= 6 && y == 0);
        int wanted = x < 2 ? 0 : 255 - in[(y * W + W - 1 - (x - 2)) * 3 + c];
        if (erased) wanted = t.blank[c];
        CHECK(out[(c * H + y) * W + x] == wanted, "channel %d at %d %d: %d, wanted %d", c, x, y,
              out[(c * H + y) * W + x], wanted);
      }
  na_scratch_free(&scratch);
}

static void erasing_is_drawn_in_range(void)
{
  enum { DRAWS = 4000, SIDE = 100 };
  na_transform t = black(SIDE, SIDE);
  t.erase = 0.25;
  double low = 1, high = 0, flat = 9, tall = 0;
  int erased = 0;
  for (uint64_t i = 0; i < DRAWS; i++) {
    na_random random = na_random_at(1, 6, i);
    na_plan plan;
    na_transform_draw(&t, SIDE, SIDE, &random, &plan);
    erased += plan.blank_count;
    if (plan.blank_count == 0) continue;
    na_box b = plan.blanks[0];
    CHECK(b.x >= 0 && b.y >= 0 && b.x + b.width <= SIDE && b.y + b.height <= SIDE, "%d %d %d %d", b.x, b.y,
          b.width, b.height);
    double area = b.width * b.height / (double)(SIDE * SIDE), aspect = b.height / (double)b.width;
    low = fmin(low, area);
    high = fmax(high, area);
    flat = fmin(flat, aspect);
    tall = fmax(tall, aspect);
  }
  CHECK(erased > DRAWS / 4 - 110 && erased < DRAWS / 4 + 110, "%d of %d", erased, DRAWS);
  CHECK(low > 0.017 && low < 0.025 && high > 0.31 && high < 0.34, "areas from %g to %g", low, high);
  CHECK(flat > 0.27 && flat < 0.33 && tall < 3.7 && tall > 3, "aspects from %g to %g", flat, tall);
}

static void cutout_is_a_square(void)
{
  enum { W = 30, H = 20, SIDE = 8 };
  na_transform t = black(H, W);
  t.cutout = SIDE;
  int whole = 0, corners = 0;
  for (uint64_t i = 0; i < 2000; i++) {
    na_random random = na_random_at(1, 7, i);
    na_plan plan;
    na_transform_draw(&t, W, H, &random, &plan);
    na_box b = plan.blanks[0];
    CHECK(plan.blank_count == 1 && b.x >= 0 && b.y >= 0 && b.width >= 4 && b.height >= 4 &&
              b.x + b.width <= W && b.y + b.height <= H, "%d %d %d %d", b.x, b.y, b.width, b.height);
    whole += b.width == SIDE && b.height == SIDE;
    corners += b.width == 4 && b.height == 4;
  }
  /* Centres that keep the square inside: 23 of 30 columns, 13 of 20 rows. */
  CHECK(fabs(whole / 2000.0 - 23 * 13 / 600.0) < 0.05, "%d of 2000 are whole", whole);
  CHECK(corners > 0, "some are at a corner");
}

static void evaluation_draws_nothing(void)
{
  na_transform t = black(20, 20);
  t.policy = (na_policy){NA_POLICY_RANDAUGMENT, 2, 9, 0};
  t.erase = 1;
  t.cutout = 5;
  na_plan plan;
  na_transform_draw(&t, 20, 20, NULL, &plan);
  CHECK(plan.operation_count == 0 && plan.blank_count == 0, "%d operations, %d boxes",
        plan.operation_count, plan.blank_count);
  na_random random = na_random_at(1, 1, 1);
  na_transform_draw(&t, 20, 20, &random, &plan);
  CHECK(plan.operation_count == 2 && plan.blank_count == 2, "both in training");
}

static void scratch_survives_want_of_memory(void)
{
  uint8_t in[16 * 16], out[8 * 8];
  na_image image = {1, 16, 16, in};
  na_transform t = small(NA_AUGMENT_CROP, 1, 8, 8);
  na_plan plan = {.width = 16, .height = 16, .shift_x = 1, .factor = {1, 1, 1}};
  plan.operation_count = 1;
  plan.operations[0] = (na_operation){NA_OP_ROTATE, 20};
  fill(in, sizeof in, 1);
  int failures = 0;
  for (unsigned long n = 1;; n++, failures++) {
    na_error_clear(&err);
    na_alloc_fail_at(n);
    int code = na_transform_apply(&t, &plan, 1, &image, &scratch, out, &err);
    na_alloc_fail_at(0);
    na_scratch_free(&scratch);
    if (code == NA_OK) break;
    CHECK(code == NA_ENOMEM, "allocation %lu: %d %s", n, code, err.message);
  }
  CHECK(failures == 5, "%d allocations were made to fail", failures);
}

int main(void)
{
  RUN(resize_agrees_with_the_oracle);
  RUN(boxes_are_inside_and_as_asked);
  RUN(narrow_images_have_a_box);
  RUN(evaluation_boxes);
  RUN(shrinks_leave_enough);
  RUN(crop_shows_a_window);
  RUN(crop_resizes_first);
  RUN(channels_change);
  RUN(jitter_is_as_defined);
  RUN(jitter_is_drawn_in_range);
  RUN(operations_then_erasing);
  RUN(erasing_is_drawn_in_range);
  RUN(cutout_is_a_square);
  RUN(evaluation_draws_nothing);
  RUN(scratch_survives_want_of_memory);
  return CHECK_EXIT();
}
