/* The convolutions of every instruction set of this processor against the naive oracle, over awkward
 * shapes: one channel and many, planes of one pixel, kernels larger than them, partial blocks, strides.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_cases.h"

/* -------------------------------------------------------------------- dense convolutions */

/* One convolution: the input, the weights, the output's gradient, and what the oracle says. */
typedef struct conv_case {
  input in;
  gradient out;
  na_naive_window win;
  float *weight;               /* [o][i][k][k] */
  double *y, *dx, *dw;
} conv_case;

/* Initialises *c in place, as gradient_init does. */
static void conv_case_init(conv_case *c, const na_naive_window *win, bool depthwise, int variant,
                           na_random *random)
{
  *c = (conv_case){.win = *win, .in = input_new(win->i, win->n, win->h, win->w, variant, random)};
  input_see(&c->in);
  gradient_init(&c->out, win->o, win->n, win->p, win->q, variant % 2 == 0, random);
  size_t taps = (size_t)(win->k * win->k), weights = (size_t)win->o * taps;
  if (!depthwise) weights *= (size_t)win->i;
  c->weight = lanes_floats(weights);
  lanes_fill(c->weight, weights, random, -1, 1);
  double *weight = lanes_doubles(weights);
  for (size_t i = 0; i < weights; i++) weight[i] = (double)c->weight[i];
  c->y = lanes_doubles((size_t)(win->n * win->o * win->p * win->q));
  c->dx = lanes_doubles((size_t)(win->n * win->i * win->h * win->w));
  c->dw = lanes_doubles(weights);
  if (depthwise) {
    na_naive_depthwise(win, c->in.seen, weight, c->y);
    na_naive_depthwise_backward(win, c->in.seen, weight, c->out.pulled, c->dx, c->dw);
  } else {
    na_naive_conv(win, c->in.seen, weight, c->y);
    na_naive_conv_backward(win, c->in.seen, weight, c->out.pulled, c->dx, c->dw);
  }
  na_free(weight);
}

static void conv_case_free(conv_case *c)
{
  input_free(&c->in);
  gradient_free(&c->out);
  na_free(c->weight);
  na_free(c->y);
  na_free(c->dx);
  na_free(c->dw);
}

static void check_shape(const na_kernels *k, const conv_case *c, const worst *w, double tolerance,
                        const char *what)
{
  check_worst(k, w, tolerance, "%s: %d -> %d channels, %d images of %dx%d, kernel %d, stride %d", what,
              c->win.i, c->win.o, c->win.n, c->win.h, c->win.w, c->win.k, c->win.s);
}

/* Sets *w to how far rows[channel][pixel][lane] is from wanted[image][channel][pixel]. */
static worst compare_images(const float *rows, size_t stride, const double *wanted, int images,
                            int channels, int area)
{
  worst w = {0};
  for (int n = 0; n < images; n++)
    for (int c = 0; c < channels; c++)
      for (int p = 0; p < area; p++)
        compare(&w, (double)rows[lanes_at(stride, c, n, p, area)],
                wanted[lanes_index(n, c, channels, p, area)]);
  return w;
}

/* How large a sum of so many products of these random values usually is: where all of them happen to
 * cancel, rounding is still of that size. */
static double order_of(const na_naive_window *win, int inputs)
{
  int rows = win->k < win->h ? win->k : win->h, columns = win->k < win->w ? win->k : win->w;
  return 4 * sqrt((double)inputs * rows * columns);
}

/* Planes with margins of zeros: image row 0 is row `margin`, likewise columns. */
typedef struct margined {
  int margin, rows, columns;
  size_t plane, size;
  float *values; /* [blocks][channels][plane] */
} margined;

typedef struct margined_from {
  const na_view *view; /* or: */
  const gradient *pulled;
  int channels, blocks, h, w;
} margined_from;

static margined margined_new(const na_kernels *k, const margined_from *from, int margin)
{
  margined m = {.margin = margin, .rows = from->h + 2 * margin, .columns = from->w + 2 * margin};
  m.plane = (size_t)(m.rows * m.columns + 1) * NA_LANES;
  m.size = m.plane * (size_t)(from->blocks * from->channels);
  m.values = lanes_floats(m.size);
  for (int b = 0; b < from->blocks; b++)
    for (int c = 0; c < from->channels; c++)
      for (int y = 0; y < from->h; y++) {
        float *to = m.values + (size_t)(b * from->channels + c) * m.plane +
                    (size_t)((y + margin) * m.columns + margin) * NA_LANES;
        long first = ((long)b * from->h + y) * from->w;
        if (from->view != NULL)
          k->read_view(from->view, c, first, from->w, to);
        else
          k->read_pullback(&from->pulled->pull, c, &from->pulled->mask, first, from->w, to);
      }
  return m;
}

/* Block b's planes from row y and column x of the image on, in steps of `step` pixels. */
static na_planes margined_at(const margined *m, int b, int channels, int y, int x, int step,
                             int columns)
{
  size_t pixel = (size_t)((y + m->margin) * m->columns + x + m->margin);
  return (na_planes){m->values + (size_t)(b * channels) * m->plane + pixel * NA_LANES,
                     m->plane,
                     {columns, (size_t)(step * m->columns) * NA_LANES, (size_t)step * NA_LANES}};
}

enum { TAPS = 11 * 11 };

/* Every tap of the kernel, for pixels of `m` by their upper left corner. */
static na_window every_tap(const na_planes *from, const margined *m, int channels, int k,
                           na_tap *taps)
{
  for (int q = 0; q < k * k; q++) taps[q] = (na_tap){q, (q / k * m->columns + q % k) * NA_LANES};
  return (na_window){*from, channels, k * k, k * k, taps};
}

/* The layer's arithmetic from the kernels: forward product and weights' gradient. */
static void check_conv_forward(const na_kernels *k, const conv_case *c)
{
  const na_naive_window *win = &c->win;
  int rows = win->i * win->k * win->k, pad = win->k / 2, area = win->p * win->q;
  int groups = (win->o + na_float32(k)->group_rows - 1) / na_float32(k)->group_rows;
  size_t stride = (size_t)(c->in.blocks * area | 1) * NA_LANES, size = (size_t)win->o * stride;
  float *packed = lanes_floats((size_t)(groups * na_float32(k)->group_rows * rows)), *y = bordered(size);
  float *dw = lanes_floats((size_t)(win->o * rows));
  margined x = margined_new(
      k, &(margined_from){&c->in.view, NULL, win->i, c->in.blocks, win->h, win->w}, pad);
  margined g =
      margined_new(k, &(margined_from){NULL, &c->out, win->o, c->in.blocks, win->p, win->q}, 1);
  na_float32(k)->pack_matrix(c->weight, win->o, win->i, win->k * win->k, (size_t)rows,
                 (size_t)(win->k * win->k), 0, groups, packed);
  na_grid to = {win->q, (size_t)win->q * NA_LANES, NA_LANES};
  for (int b = 0; b < c->in.blocks; b++) {
    na_tap taps[TAPS];
    na_planes from = margined_at(&x, b, win->i, -pad, -pad, win->s, win->q);
    na_planes left = margined_at(&g, b, win->o, 0, 0, 1, win->q);
    na_window window = every_tap(&from, &x, win->i, win->k, taps);
    k->convolve(&window, packed, win->o, rows, area, y + (size_t)(b * area) * NA_LANES, &to, stride,
                false);
    k->correlate(&left, win->o, &window, area, dw, (size_t)rows, b > 0);
  }
  check_border(k, y, size, "convolve");
  worst forward = compare_images(y, stride, c->y, win->n, win->o, area), weights = {0};
  forward.magnitude = fmax(forward.magnitude, order_of(win, win->i));
  check_shape(k, c, &forward, FORWARD, "convolution");
  for (int i = 0; i < win->o * rows; i++) compare(&weights, (double)dw[i], c->dw[i]);
  check_shape(k, c, &weights, BACKWARD, "its weights' gradient");
  na_free(packed);
  na_free(x.values);
  na_free(g.values);
  na_free(y);
  na_free(dw);
}

/* Adds to the input's pixels (y, x), (y + s, x), ... of block b what their taps see of the
 * gradient. */
static void add_class(const na_kernels *k, const conv_case *c, const margined *g,
                      const float *packed, int b, int y, int x, float *dx, size_t stride)
{
  const na_naive_window *win = &c->win;
  int rows = (win->h - y + win->s - 1) / win->s, columns = (win->w - x + win->s - 1) / win->s;
  if (y >= win->h || x >= win->w) return;
  na_tap taps[TAPS];
  na_planes from = margined_at(g, b, win->o, 0, 0, 1, columns);
  na_window window = {from, win->o, win->k * win->k, 0, taps};
  for (int q = 0; q < win->k * win->k; q++) {
    int dy = y + win->k / 2 - q / win->k, dx_ = x + win->k / 2 - q % win->k;
    if (dy % win->s != 0 || dx_ % win->s != 0) continue;
    taps[window.count++] = (na_tap){q, (dy / win->s * g->columns + dx_ / win->s) * NA_LANES};
  }
  na_grid to = {columns, (size_t)(win->s * win->w) * NA_LANES, (size_t)win->s * NA_LANES};
  k->convolve(&window, packed, win->i, window.area * win->o, rows * columns,
              dx + (size_t)((b * win->h + y) * win->w + x) * NA_LANES, &to, stride, true);
}

/* The input's gradient from turned weights, class by class of its pixels. */
static void check_conv_backward(const na_kernels *k, const conv_case *c)
{
  const na_naive_window *win = &c->win;
  int rows = win->o * win->k * win->k, groups = (win->i + na_float32(k)->group_rows - 1) / na_float32(k)->group_rows;
  size_t stride = (size_t)(c->in.blocks * win->h * win->w | 1) * NA_LANES,
         size = (size_t)win->i * stride;
  float *packed = lanes_floats((size_t)(groups * na_float32(k)->group_rows * rows)), *dx = bordered(size);
  margined g = margined_new(
      k, &(margined_from){NULL, &c->out, win->o, c->in.blocks, win->p, win->q}, win->k);
  na_float32(k)->pack_matrix(c->weight, win->i, win->o, win->k * win->k, (size_t)(win->k * win->k),
                 (size_t)(win->i * win->k * win->k), 0, groups, packed);
  for (size_t i = 0; i < size; i++) dx[i] = 0;
  for (int b = 0; b < c->in.blocks; b++)
    for (int class = 0; class < win->s * win->s; class ++)
      add_class(k, c, &g, packed, b, class / win->s, class % win->s, dx, stride);
  check_border(k, dx, size, "convolve");
  worst w = compare_images(dx, stride, c->dx, win->n, win->i, win->h * win->w);
  check_shape(k, c, &w, BACKWARD, "its input's gradient");
  na_free(packed);
  na_free(g.values);
  na_free(dx);
}

/* As many images as the naive oracle computes in reasonable time: 1 to 3 blocks, mostly partial. */
static int images_for(int variant, double work_per_image)
{
  static const int some_images[] = {7, 16, 19, 33, 48, 1};
  int images = some_images[variant % 6];
  while (images > 16 && work_per_image * images > 4e6) images -= 15;
  return images;
}

static void dense_convolutions(void)
{
  na_random random = na_random_at(16, 17, 18);
  for (int variant = 0; variant < 4 * 4 * 6 * 3; variant++) {
    int i = some_channels[variant % 4], plane = variant / 4 % 4, k = some_kernels[variant / 16 % 6];
    int s = 1 + variant / 96, o = variant % 5 + 1 + (variant % 7 == 0) * 12;
    na_naive_window win = na_naive_window_of(1, i, o, some_planes[plane].h, some_planes[plane].w, k, s);
    win.n = images_for(variant + variant / 4, (double)i * o * win.p * win.q * k * k);
    conv_case c;
    conv_case_init(&c, &win, false, variant + variant / 20, &random);
    for (int set = 0; set < set_count; set++) {
      check_conv_forward(sets[set], &c);
      check_conv_backward(sets[set], &c);
    }
    conv_case_free(&c);
  }
}

/* ---------------------------------------------------------------- minimal filtering */

enum { SIDE = NA_WINOGRAD_SIDE, PRODUCTS = NA_WINOGRAD_PRODUCTS, EDGE = SIDE };

/* One side of it, block by block: planes with margins, their spread tiles, and the products. */
typedef struct minimal {
  const na_kernels *k;
  const na_naive_window *win;
  na_tiles tiles;
  int count; /* of tiles */
  size_t row;
} minimal;

static minimal minimal_of(const na_kernels *k, const conv_case *c)
{
  na_tiles tiles = {(c->win.w + SIDE - 1) / SIDE, (c->win.h + SIDE - 1) / SIDE};
  return (minimal){k, &c->win, tiles, tiles.across * tiles.down, (size_t)(c->win.w + 2 * EDGE) * NA_LANES};
}

/* Spreads block b's channels into tiles of their own. */
static float *spread_block(const minimal *m, const margined *x, int b, int channels, size_t *matrix)
{
  *matrix = tile_floats(m->k, channels, m->count);
  float *tiles = bordered(PRODUCTS * *matrix);
  for (int c = 0; c < channels; c++) {
    const float *plane = margined_at(x, b, channels, -1, -1, 1, 1).values + (size_t)c * x->plane;
    const float *ahead[2] = {plane, plane};
    m->k->winograd_spread(plane, m->row, &m->tiles, channels, c, 0, tiles, *matrix, ahead);
  }
  check_border(m->k, tiles, PRODUCTS * *matrix, "winograd_spread");
  return tiles;
}

/* Block b of the convolution of spread tiles, to[rows][stride]. */
static void multiply_block(const minimal *m, const float *packed, int rows, int channels, const float *tiles,
                           size_t matrix, int b, float *to, size_t stride, bool accumulate)
{
  size_t row = (size_t)m->count * NA_LANES, products = (size_t)rows * row;
  int group = na_float32(m->k)->group_rows;
  size_t weights = (size_t)((rows + group - 1) / group * group * channels);
  float *product = bordered(PRODUCTS * products);
  for (int q = 0; q < PRODUCTS; q++)
    na_float32(m->k)->matmul(packed + (size_t)q * weights, rows, channels, channels, tiles + (size_t)q * matrix,
                             m->count, product + (size_t)q * products, row, false, false, NULL);
  for (int r = 0; r < rows; r++) {
    float *dst = to + (size_t)r * stride + (size_t)(b * m->win->h * m->win->w) * NA_LANES;
    const float *ahead[2] = {dst, dst};
    m->k->winograd_gather(product + (size_t)r * row, products, &m->tiles, dst, m->win->h, m->win->w, accumulate,
                          ahead);
  }
  na_free(product);
}

static float *packed_filters(const na_kernels *k, const na_filters *filters)
{
  int groups = (filters->rows + na_float32(k)->group_rows - 1) / na_float32(k)->group_rows;
  size_t matrix = (size_t)(groups * na_float32(k)->group_rows * filters->columns);
  float *packed = bordered(PRODUCTS * matrix);
  k->winograd_pack(filters, 0, groups, matrix, packed);
  check_border(k, packed, PRODUCTS * matrix, "winograd_pack");
  return packed;
}

static void check_minimal_forward(const na_kernels *k, const conv_case *c)
{
  minimal m = minimal_of(k, c);
  const na_naive_window *win = &c->win;
  size_t stride = c->out.pull.stride, size = (size_t)win->o * stride, matrix;
  margined x = margined_new(k, &(margined_from){&c->in.view, NULL, win->i, c->in.blocks, win->h, win->w}, EDGE);
  float *packed = packed_filters(k, &(na_filters){c->weight, win->o, win->i, (size_t)win->i * 9, 9, false});
  float *y = bordered(size);
  for (int b = 0; b < c->in.blocks; b++) {
    float *tiles = spread_block(&m, &x, b, win->i, &matrix);
    multiply_block(&m, packed, win->o, win->i, tiles, matrix, b, y, stride, false);
    na_free(tiles);
  }
  worst w = compare_images(y, stride, c->y, win->n, win->o, win->h * win->w);
  w.magnitude = fmax(w.magnitude, order_of(win, win->i));
  check_shape(k, c, &w, MINIMAL, "minimal filtering");
  check_border(k, y, size, "winograd_gather");
  na_free(packed);
  na_free(x.values);
  na_free(y);
}

/* Adds block b's part, in its own part of sums[blocks][36][o][padded]. */
static void factor_block(const minimal *m, const margined *x, int b, const float *tiles, size_t matrix, float *sums,
                         int padded)
{
  int in = m->win->i;
  size_t row = (size_t)m->count * NA_LANES, factors = (size_t)in * row;
  float *factor = bordered(PRODUCTS * factors), *columns = lanes_floats(row * (size_t)padded);
  for (int c = 0; c < in; c++) {
    const float *plane = margined_at(x, b, in, 0, 0, 1, 1).values + (size_t)c * x->plane;
    const float *ahead[2] = {plane, plane};
    m->k->winograd_factor(plane, m->row, &m->tiles, factor + (size_t)c * row, factors, ahead);
  }
  check_border(m->k, factor, PRODUCTS * factors, "winograd_factor");
  for (int q = 0; q < PRODUCTS; q++) {
    na_view view = {.data = factor + (size_t)q * factors, .stride = row, .height = 1, .width = m->count};
    na_float32(m->k)->pack_columns(&view, in, 0, m->count, columns);
    na_float32(m->k)->outer(tiles + (size_t)q * matrix, m->win->o, columns, in, m->count,
                sums + (size_t)((b * PRODUCTS + q) * m->win->o * padded), (size_t)padded, false, NULL);
  }
  na_free(factor);
  na_free(columns);
}

static void check_minimal_backward(const na_kernels *k, const conv_case *c)
{
  minimal m = minimal_of(k, c);
  const na_naive_window *win = &c->win;
  int padded = (win->i + NA_LANES - 1) / NA_LANES * NA_LANES, blocks = c->in.blocks;
  size_t stride = c->in.view.stride, size = (size_t)win->i * stride, matrix, product = (size_t)(win->o * padded);
  margined x = margined_new(k, &(margined_from){&c->in.view, NULL, win->i, blocks, win->h, win->w}, EDGE);
  margined g = margined_new(k, &(margined_from){NULL, &c->out, win->o, blocks, win->h, win->w}, EDGE);
  float *packed = packed_filters(k, &(na_filters){c->weight, win->i, win->o, 9, (size_t)win->i * 9, true});
  float *dx = bordered(size), *sums = lanes_floats((size_t)blocks * PRODUCTS * product);
  float *dw = lanes_floats((size_t)(win->o * win->i * 9));
  for (size_t i = 0; i < size; i++) dx[i] = 1;
  for (int b = 0; b < blocks; b++) {
    float *tiles = spread_block(&m, &g, b, win->o, &matrix);
    multiply_block(&m, packed, win->i, win->o, tiles, matrix, b, dx, stride, true);
    factor_block(&m, &x, b, tiles, matrix, sums, padded);
    na_free(tiles);
  }
  worst w = {0}, weights = {0};
  for (int n = 0; n < win->n; n++)
    for (int i = 0; i < win->i; i++)
      for (int p = 0; p < win->h * win->w; p++)
        compare(&w, (double)dx[lanes_at(stride, i, n, p, win->h * win->w)],
                1 + c->dx[lanes_index(n, i, win->i, p, win->h * win->w)]);
  for (int o = 0; o < win->o; o++)
    k->winograd_unpack(sums + (size_t)(o * padded), product, blocks, PRODUCTS * product, win->i,
                       dw + (size_t)(o * win->i * 9));
  for (int i = 0; i < win->o * win->i * 9; i++) compare(&weights, (double)dw[i], c->dw[i]);
  check_shape(k, c, &w, BACKWARD, "minimal filtering's input's gradient");
  check_shape(k, c, &weights, BACKWARD, "minimal filtering's weights' gradient");
  check_border(k, dx, size, "winograd_gather");
  na_free(packed);
  na_free(x.values);
  na_free(g.values);
  na_free(dx);
  na_free(dw);
  na_free(sums);
}

static void minimal_filtering(void)
{
  na_random random = na_random_at(25, 26, 27);
  for (int variant = 0; variant < 4 * 4 * 3; variant++) {
    int i = some_channels[variant % 4], plane = variant / 4 % 4, o = some_channels[(variant + variant / 16) % 4];
    na_naive_window win = na_naive_window_of(1, i, o, some_planes[plane].h, some_planes[plane].w, 3, 1);
    win.n = images_for(variant + variant / 4, (double)i * o * win.p * win.q * 9);
    conv_case c;
    conv_case_init(&c, &win, false, variant + variant / 20, &random);
    for (int set = 0; set < set_count; set++) {
      check_minimal_forward(sets[set], &c);
      check_minimal_backward(sets[set], &c);
    }
    conv_case_free(&c);
  }
}

/* ---------------------------------------------------------------- depthwise convolutions */

static na_depthwise call_of(const conv_case *c, int channel)
{
  const na_naive_window *win = &c->win;
  return (na_depthwise){.kernel = win->k, .stride = win->s, .pad = win->k / 2, .blocks = c->in.blocks,
                        .in_height = win->h, .in_width = win->w, .out_height = win->p,
                        .out_width = win->q, .weight = c->weight + channel * win->k * win->k,
                        .mask = c->out.mask};
}

static float *depthwise_rows(const conv_case *c, size_t *count)
{
  *count = na_depthwise_scratch(c->win.k, c->win.w, c->win.q);
  return bordered(*count);
}

static void check_moments(const na_kernels *k, const conv_case *c, int channel, const na_moments *m)
{
  int area = c->win.p * c->win.q;
  double sum = 0, square = 0, scale = 1;
  for (int n = 0; n < c->win.n; n++)
    for (int p = 0; p < area; p++) {
      double y = c->y[lanes_index(n, channel, c->win.o, p, area)], d = y - (double)m->shift;
      sum += d;
      square += d * d;
      scale += y * y;
    }
  CHECK(fabs(m->sum - sum) <= 4 * FORWARD * scale && fabs(m->square - square) <= 4 * FORWARD * scale,
        "%s: moments of a depthwise convolution: %g %g, wanted %g %g", k->name, m->sum, m->square, sum,
        square);
}

enum { STRIPE = 2 };

/* The rows of `stripe` of one channel, from the input's rows that they see: the others are not there. */
static void forward_stripe(const na_kernels *k, const conv_case *c, int channel, const na_stripe *stripe, float *seen,
                           float *y, na_moments *moments, float *rows)
{
  na_depthwise call = call_of(c, channel);
  na_view view = c->in.view;
  size_t width = (size_t)view.width * NA_LANES, own = (size_t)channel * view.stride;
  int above = stripe->first * call.stride - call.pad, last = stripe->first + stripe->count - 1;
  int below = last * call.stride - call.pad + call.kernel;
  if (above < 0) above = 0;
  if (below > view.height) below = view.height;
  for (size_t i = 0; i < view.stride; i++) seen[own + i] = NAN;
  for (int row = above; row < below; row++) {
    size_t at = own + (size_t)(stripe->block * view.height + row) * width;
    memcpy(seen + at, view.data + at, width * sizeof *seen);
  }
  view.data = seen;
  k->depthwise_forward_stripe(&call, &view, channel, stripe, y, moments, stripe->block == 0 && stripe->first == 0,
                              rows);
}

static void forward_stripes(const na_kernels *k, const conv_case *c, int channel, float *y, na_moments *moments,
                            float *rows)
{
  float *seen = lanes_floats((size_t)c->win.i * c->in.view.stride);
  for (int block = 0; block < lanes_blocks(c->win.n); block++)
    for (int first = 0; first < c->win.p; first += STRIPE) {
      na_stripe stripe = {block, first, c->win.p - first < STRIPE ? c->win.p - first : STRIPE};
      forward_stripe(k, c, channel, &stripe, seen, y, moments, rows);
    }
  na_free(seen);
}

static void check_depthwise_forward(const na_kernels *k, const conv_case *c, bool stripes)
{
  size_t scratch, stride = c->out.pull.stride, floats = (size_t)c->win.o * stride;
  float *rows = depthwise_rows(c, &scratch), *y = bordered(floats);
  for (int channel = 0; channel < c->win.o; channel++) {
    na_depthwise call = call_of(c, channel);
    na_moments moments, *wanted = channel % 2 == 0 ? &moments : NULL;
    float *own = y + (size_t)channel * stride;
    if (stripes) forward_stripes(k, c, channel, own, wanted, rows);
    else k->depthwise_forward(&call, &c->in.view, channel, own, wanted, rows);
    if (wanted != NULL) check_moments(k, c, channel, &moments);
  }
  worst w = compare_images(y, stride, c->y, c->win.n, c->win.o, c->win.p * c->win.q);
  w.magnitude = fmax(w.magnitude, order_of(&c->win, 1));
  check_shape(k, c, &w, FORWARD, stripes ? "depthwise convolution in stripes" : "depthwise convolution");
  check_border(k, rows, scratch, "depthwise_forward");
  check_border(k, y, floats, "depthwise_forward");
  na_free(rows);
  na_free(y);
}

/* Alone, on top of another gradient, and finished with an activation's slope. */
enum { ALONE, ACCUMULATED, FINISHED, UNWANTED };

static void check_depthwise_backward(const na_kernels *k, conv_case *c, int how)
{
  const na_naive_window *win = &c->win;
  size_t scratch, stride = c->in.view.stride, floats = (size_t)win->i * stride;
  int area = win->h * win->w, taps = win->k * win->k;
  float *rows = depthwise_rows(c, &scratch), *dx = bordered(floats);
  float *dw = lanes_floats((size_t)(win->o * taps));
  double *wanted = lanes_doubles((size_t)(win->n * win->i * area));
  worst weights = {0};
  for (int channel = 0; channel < win->o; channel++) {
    na_depthwise call = call_of(c, channel);
    float *to = dx + (size_t)channel * stride;
    na_finish finish = {c->in.data + (size_t)channel * stride, 1.5f, 0.25f, 0.5f, NA_ACT_HSIGMOID, false, false};
    double sum = 0, sum_x = 0, wanted_sum = 0, wanted_sum_x = 0, scale = 1;
    for (size_t i = 0; how == ACCUMULATED && i < stride; i++) to[i] = 1;
    k->depthwise_backward(&call, &c->in.view, &c->out.pull, channel, dw + channel * taps,
                          how == UNWANTED ? NULL : to, how == ACCUMULATED,
                          how == FINISHED ? &finish : NULL, &sum, &sum_x, rows);
    for (int n = 0; n < win->n; n++)
      for (int p = 0; p < area; p++) {
        size_t at = lanes_index(n, channel, win->i, p, area);
        double x = (double)finish.data[lanes_at(0, 0, n, p, area)];
        double slope = na_naive_act_slope(finish.act, (double)finish.scale * x + (double)finish.shift);
        wanted[at] = c->dx[at] * (how == FINISHED ? slope : 1) + (how == ACCUMULATED);
        wanted_sum += wanted[at];
        wanted_sum_x += wanted[at] * (x - (double)finish.mean);
        scale += fabs(wanted[at]);
      }
    if (how == FINISHED) {
      CHECK_NEAR(sum, wanted_sum, BACKWARD, scale, "sum of a depthwise input's gradient");
      CHECK_NEAR(sum_x, wanted_sum_x, BACKWARD, 3 * scale, "sum_x of a depthwise input's gradient");
    }
    for (int q = 0; q < taps; q++)
      compare(&weights, (double)dw[channel * taps + q], c->dw[channel * taps + q]);
  }
  check_shape(k, c, &weights, BACKWARD, "depthwise weights' gradient");
  if (how != UNWANTED) {
    worst w = compare_images(dx, stride, wanted, win->n, win->i, area);
    check_shape(k, c, &w, BACKWARD, how == FINISHED ? "finished depthwise input's gradient"
                                                    : "depthwise input's gradient");
  }
  check_border(k, rows, scratch, "depthwise_backward");
  check_border(k, dx, floats, "depthwise_backward");
  na_free(rows);
  na_free(dx);
  na_free(dw);
  na_free(wanted);
}

static void check_depthwise(const na_naive_window *win, int variant, na_random *random)
{
  conv_case c;
  conv_case_init(&c, win, true, variant, random);
  for (int set = 0; set < set_count; set++) {
    check_depthwise_forward(sets[set], &c, false);
    check_depthwise_forward(sets[set], &c, true);
    for (int how = ALONE; how <= UNWANTED; how++) check_depthwise_backward(sets[set], &c, how);
  }
  conv_case_free(&c);
}

static void depthwise_convolutions(void)
{
  na_random random = na_random_at(19, 20, 21);
  for (int variant = 0; variant < 4 * 4 * 6 * 2; variant++) {
    int i = some_channels[variant % 4], plane = variant / 4 % 4, k = some_kernels[variant / 16 % 6];
    int s = 1 + variant / 96;
    na_naive_window win = na_naive_window_of(1, i, i, some_planes[plane].h, some_planes[plane].w, k, s);
    win.n = images_for(variant + variant / 4, (double)i * win.p * win.q * k * k);
    check_depthwise(&win, variant + variant / 20, &random);
  }
}

/* The weights' gradient is summed in parts: some planes fill more than one, some share one. */
static void depthwise_large_planes(void)
{
  na_random random = na_random_at(22, 23, 24);
  for (int variant = 0; variant < 6; variant++) {
    int side = variant < 3 ? 70 : 40;
    na_naive_window win = na_naive_window_of(4 * NA_LANES + 1, 1, 1, side, side, 3 + 2 * (variant % 3), 1);
    check_depthwise(&win, variant, &random);
  }
}

int main(void)
{
  RUN(instruction_sets);
  RUN(dense_convolutions);
  RUN(minimal_filtering);
  RUN(depthwise_convolutions);
  RUN(depthwise_large_planes);
  return CHECK_EXIT();
}
