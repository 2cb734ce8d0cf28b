/* The operations of RandAugment and AutoAugment against torchvision's, bit by bit; what is drawn;
 * erasing. SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/policy.h"
#include "tests/check.h"

enum { PIXELS_MAX = 3 * 40 * 40 };

/* Two images by torchvision: a hash of all their bytes (pixels side by side), and the first channel
 * of three pixels, at these places. */
typedef struct golden {
  na_op op;
  double magnitude;
  struct {
    uint64_t hash;
    int pixels[3];
  } image[2];
} golden;

static const golden goldens[] = {
#include "tests/operation_values.h"
};
static const int places[3][2] = {{0, 0}, {11, 7}, {23, 25}};
static const struct {
  int channels, height, width;
} shapes[2] = {{3, 26, 31}, {1, 33, 24}};

/* Noise around a slope, without the darkest and the brightest values: planes. */
static void make_image(int channels, int height, int width, uint8_t *planes)
{
  for (int c = 0; c < channels; c++)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        uint64_t noise = na_random_bits(1, (uint64_t)((y * width + x) * channels + c)) % 50;
        planes[(c * height + y) * width + x] =
            (uint8_t)(30 + 20 * c + (5 * x + 3 * y) % 111 + (int)noise);
      }
}

/* FNV-1a over pixels side by side. */
static uint64_t hash_image(int channels, int area, const uint8_t *planes)
{
  uint64_t hash = 14695981039346656037u;
  for (int p = 0; p < area; p++)
    for (int c = 0; c < channels; c++) hash = (hash ^ planes[c * area + p]) * 1099511628211u;
  return hash;
}

static void operations_are_torchvisions(void)
{
  int seen[NA_OP_COUNT] = {0};
  for (size_t g = 0; g < sizeof goldens / sizeof goldens[0]; g++)
    for (int i = 0; i < 2; i++) {
      int channels = shapes[i].channels, height = shapes[i].height, width = shapes[i].width;
      uint8_t planes[PIXELS_MAX], spare[PIXELS_MAX];
      na_operation operation = {goldens[g].op, goldens[g].magnitude};
      make_image(channels, height, width, planes);
      na_operate(&operation, channels, height, width, planes, spare);
      for (int k = 0; k < 3; k++) {
        int got = planes[places[k][1] * width + places[k][0]],
            wanted = goldens[g].image[i].pixels[k];
        CHECK(got == wanted, "operation %d by %g, image %d: pixel (%d, %d) is %d, wanted %d",
              (int)operation.op, operation.magnitude, i, places[k][0], places[k][1], got, wanted);
      }
      CHECK(hash_image(channels, height * width, planes) == goldens[g].image[i].hash,
            "operation %d by %g, image %d differs", (int)operation.op, operation.magnitude, i);
      seen[operation.op]++;
    }
  for (int op = 0; op < NA_OP_COUNT; op++) CHECK(seen[op] > 0, "operation %d is not compared", op);
}

/* Levels as torchvision 0.14.1 tabulates them for 31 magnitudes (RandAugment), an image of 40 x 60.
 */
static void levels(void)
{
  static const struct {
    na_op op;
    double at_9, at_30;
  } wanted[] = {{NA_OP_IDENTITY, 0, 0},
                {NA_OP_SHEAR_X, 0.09, 0.3},
                {NA_OP_SHEAR_Y, 0.09, 0.3},
                {NA_OP_TRANSLATE_X, 8.157099, 27.190332},
                {NA_OP_TRANSLATE_Y, 5.438066, 18.126888},
                {NA_OP_ROTATE, 9, 30},
                {NA_OP_BRIGHTNESS, 0.27, 0.9},
                {NA_OP_COLOR, 0.27, 0.9},
                {NA_OP_CONTRAST, 0.27, 0.9},
                {NA_OP_SHARPNESS, 0.27, 0.9},
                {NA_OP_POSTERIZE, 7, 4},
                {NA_OP_SOLARIZE, 178.5, 0},
                {NA_OP_AUTOCONTRAST, 0, 0},
                {NA_OP_EQUALIZE, 0, 0}};
  CHECK(sizeof wanted / sizeof wanted[0] == NA_RANDAUGMENT_OPS, "RandAugment has 14 operations");
  for (int i = 0; i < NA_RANDAUGMENT_OPS; i++) {
    bool one_way = wanted[i].op == NA_OP_POSTERIZE || wanted[i].op == NA_OP_SOLARIZE;
    CHECK(wanted[i].op == (na_op)i, "all are listed");
    CHECK_NEAR(na_operation_at(wanted[i].op, 9 / 30.0, false, 40, 60).magnitude, wanted[i].at_9,
               1e-6, 1, "at 9");
    CHECK_NEAR(na_operation_at(wanted[i].op, 1, true, 40, 60).magnitude,
               one_way ? wanted[i].at_30 : -wanted[i].at_30, 1e-6, 1, "at 30, the other way");
  }
}

/* ------------------------------------------------------------------------------------ what is
 * drawn */

static void randaugment_draws(void)
{
  enum { DRAWS = 7000 };
  na_policy policy = {NA_POLICY_RANDAUGMENT, 3, 12, 0};
  long counts[NA_OP_COUNT] = {0}, negative = 0;
  for (uint64_t i = 0; i < DRAWS; i++) {
    na_operation ops[NA_POLICY_OPS_MAX];
    na_random random = na_random_at(1, 2, i);
    CHECK(na_policy_draw(&policy, 32, 32, &random, ops) == 3, "three operations");
    for (int k = 0; k < 3; k++) {
      counts[ops[k].op]++;
      if (ops[k].op != NA_OP_ROTATE) continue;
      CHECK_NEAR(fabs(ops[k].magnitude), 12, 1e-9, 1, "degrees");
      negative += ops[k].magnitude < 0;
    }
  }
  for (int op = 0; op < NA_OP_COUNT; op++) {
    double wanted = op < NA_RANDAUGMENT_OPS ? DRAWS * 3.0 / NA_RANDAUGMENT_OPS : 0;
    CHECK(fabs((double)counts[op] - wanted) <= 4 * sqrt(wanted), "operation %d: %ld times", op,
          counts[op]);
  }
  CHECK(fabs((double)negative / (double)counts[NA_OP_ROTATE] - 0.5) < 0.06,
        "half turn the other way");
}

/* A spread of magnitudes around M, within 0 .. 30. */
static void magnitudes_spread(void)
{
  na_policy policy = {NA_POLICY_RANDAUGMENT, 2, 20, 5};
  double sum = 0, square = 0, low = 99, high = 0;
  int rotations = 0;
  for (uint64_t i = 0; i < 20000; i++) {
    na_operation ops[NA_POLICY_OPS_MAX];
    na_random random = na_random_at(1, 3, i);
    na_policy_draw(&policy, 32, 32, &random, ops);
    for (int k = 0; k < 2; k++) {
      double degrees = fabs(ops[k].magnitude);
      if (ops[k].op != NA_OP_ROTATE) continue;
      sum += degrees;
      square += degrees * degrees;
      low = fmin(low, degrees);
      high = fmax(high, degrees);
      rotations++;
    }
  }
  double mean = sum / rotations;
  CHECK(rotations > 2500, "%d rotations", rotations);
  CHECK_NEAR(mean, 20, 0.4, 1, "mean"); /* cutting off at 30 costs 0.04 */
  CHECK_NEAR(sqrt(square / rotations - mean * mean), 4.9, 0.3, 1, "deviation");
  CHECK(low >= 0 && low < 8 && high == 30, "from %g to %g", low, high);
}

/* How often an operation comes with a policy, from its table: the sum of its probabilities / 25. */
static void autoaugment_draws(void)
{
  enum { DRAWS = 20000 };
  static const struct {
    na_policy_kind kind;
    na_op op;
    double rate;
  } wanted[] = {{NA_POLICY_IMAGENET, NA_OP_POSTERIZE, 2.8 / 25},
                {NA_POLICY_IMAGENET, NA_OP_INVERT, 1.8 / 25},
                {NA_POLICY_IMAGENET, NA_OP_EQUALIZE, 11.2 / 25},
                {NA_POLICY_IMAGENET, NA_OP_TRANSLATE_X, 0},
                {NA_POLICY_IMAGENET, NA_OP_ROTATE, 3.6 / 25},
                {NA_POLICY_CIFAR10, NA_OP_INVERT, 0.2 / 25},
                {NA_POLICY_CIFAR10, NA_OP_TRANSLATE_Y, 3.4 / 25},
                {NA_POLICY_CIFAR10, NA_OP_SHEAR_X, 0},
                {NA_POLICY_CIFAR10, NA_OP_EQUALIZE, 4.7 / 25},
                {NA_POLICY_CIFAR10, NA_OP_SHARPNESS, 2.8 / 25}};
  for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++) {
    na_policy policy = {.kind = wanted[w].kind};
    long count = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
      na_operation ops[NA_POLICY_OPS_MAX];
      na_random random = na_random_at(1, 4, i);
      int drawn = na_policy_draw(&policy, 32, 32, &random, ops);
      CHECK(drawn >= 0 && drawn <= 2, "%d operations", drawn);
      for (int k = 0; k < drawn; k++) count += ops[k].op == wanted[w].op;
    }
    CHECK(fabs((double)count / DRAWS - wanted[w].rate) <= 0.02 * (wanted[w].rate > 0),
          "operation %d of policy %d: %g, wanted %g", (int)wanted[w].op, (int)wanted[w].kind,
          (double)count / DRAWS, wanted[w].rate);
  }
}

int main(void)
{
  RUN(operations_are_torchvisions);
  RUN(levels);
  RUN(randaugment_draws);
  RUN(magnitudes_spread);
  RUN(autoaugment_draws);
  return CHECK_EXIT();
}
