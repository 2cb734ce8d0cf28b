/* A network's structure as text, and back.
 *
 * One record a line: a word, then key=value pairs separated by single spaces; a key whose value is
 * its default is left out. Dimensions and layers are numbered in their order, the input's being 0
 * and implied.
 *
 *   net name=tiny channels=3 height=32 width=32 classes=10
 *   dim kind=width name=stem.conv base=16 max=29 list=1,1.8
 *   layer kind=conv name=stem input=0 out=1 kernel=3 norm=1 act=relu6
 *
 * The tables below say what a record holds; writing and reading both follow them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/net/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const dim_kinds[] = {[NA_DIM_FIXED] = "fixed",
                                        [NA_DIM_WIDTH] = "width",
                                        [NA_DIM_EXPAND] = "expand",
                                        [NA_DIM_SQUEEZE] = "squeeze"};
enum { DIM_KINDS = sizeof dim_kinds / sizeof dim_kinds[0], LINE_SIZE = 1024 };

static const char *dim_kind_name(int kind)
{
  return dim_kinds[kind];
}
static const char *layer_kind_name(int kind)
{
  return na_kind_name((na_layer_kind)kind);
}
static const char *act_name(int act)
{
  return na_activation_name((na_activation)act);
}

static int dim_kind_find(const char *name)
{
  for (int i = 0; i < DIM_KINDS; i++)
    if (strcmp(dim_kinds[i], name) == 0) return i;
  return -1;
}

typedef struct net_record {
  char name[NA_NAME_SIZE];
  int channels, height, width, classes;
  double bn_eps, bn_momentum;
} net_record;

typedef struct dim_record {
  int kind;
  char name[NA_NAME_SIZE];
  int base, max, source, sorted;
  na_list list;
} dim_record;

typedef struct layer_record {
  int kind;
  char name[NA_NAME_SIZE];
  int input, input2, gate, out, squeeze, kernel, stride, norm, bias, act;
  double rate;
} layer_record;

typedef struct field {
  const char *key;
  enum { FIELD_INT, FIELD_REAL, FIELD_NAME, FIELD_LIST, FIELD_WORD } type;
  size_t offset;
  bool required;
  double initial, min, max; /* of FIELD_INT and FIELD_REAL; initial also of FIELD_WORD */
  const char *(*word)(int value);
  int (*find)(const char *word);
} field;

#define AT(record, member) .offset = offsetof(record##_record, member)

static const field net_fields[] = {
    {"name", FIELD_NAME, AT(net, name), true, 0, 0, 0, NULL, NULL},
    {"channels", FIELD_INT, AT(net, channels), true, 0, 1, NA_CHANNELS_MAX, NULL, NULL},
    {"height", FIELD_INT, AT(net, height), true, 0, 1, NA_SIDE_MAX, NULL, NULL},
    {"width", FIELD_INT, AT(net, width), true, 0, 1, NA_SIDE_MAX, NULL, NULL},
    {"classes", FIELD_INT, AT(net, classes), true, 0, 1, NA_CHANNELS_MAX, NULL, NULL},
    {"bn_eps", FIELD_REAL, AT(net, bn_eps), false, 1e-5, 0, 1, NULL, NULL},
    {"bn_momentum", FIELD_REAL, AT(net, bn_momentum), false, 0.1, 0, 1, NULL, NULL},
    {NULL}};

static const field dim_fields[] = {
    {"kind", FIELD_WORD, AT(dim, kind), true, -1, 0, 0, dim_kind_name, dim_kind_find},
    {"name", FIELD_NAME, AT(dim, name), true, 0, 0, 0, NULL, NULL},
    {"base", FIELD_INT, AT(dim, base), true, 0, 1, NA_CHANNELS_MAX, NULL, NULL},
    {"max", FIELD_INT, AT(dim, max), true, 0, 1, NA_CHANNELS_MAX, NULL, NULL},
    {"source", FIELD_INT, AT(dim, source), false, -1, -1, NA_DIMS_MAX, NULL, NULL},
    {"sorted", FIELD_INT, AT(dim, sorted), false, 0, 0, 1, NULL, NULL},
    {"list", FIELD_LIST, AT(dim, list), false, 0, 0, 0, NULL, NULL},
    {NULL}};

static const field layer_fields[] = {
    {"kind", FIELD_WORD, AT(layer, kind), true, -1, 0, 0, layer_kind_name, na_kind_find},
    {"name", FIELD_NAME, AT(layer, name), true, 0, 0, 0, NULL, NULL},
    {"input", FIELD_INT, AT(layer, input), true, -1, 0, NA_LAYERS_MAX, NULL, NULL},
    {"input2", FIELD_INT, AT(layer, input2), false, -1, -1, NA_LAYERS_MAX, NULL, NULL},
    {"gate", FIELD_INT, AT(layer, gate), false, -1, -1, NA_LAYERS_MAX, NULL, NULL},
    {"out", FIELD_INT, AT(layer, out), false, -1, -1, NA_DIMS_MAX, NULL, NULL},
    {"squeeze", FIELD_INT, AT(layer, squeeze), false, -1, -1, NA_DIMS_MAX, NULL, NULL},
    {"kernel", FIELD_INT, AT(layer, kernel), false, 1, 1, NA_KERNEL_MAX, NULL, NULL},
    {"stride", FIELD_INT, AT(layer, stride), false, 1, 1, NA_STRIDE_MAX, NULL, NULL},
    {"norm", FIELD_INT, AT(layer, norm), false, 0, 0, 1, NULL, NULL},
    {"bias", FIELD_INT, AT(layer, bias), false, 0, 0, 1, NULL, NULL},
    {"act", FIELD_WORD, AT(layer, act), false, NA_ACT_IDENTITY, 0, 0, act_name, na_activation_find},
    {"rate", FIELD_REAL, AT(layer, rate), false, 0, 0, 1, NULL, NULL},
    {NULL}};

/* --------------------------------------------------------------------------------- writing */

static void write_number(double value, na_buffer *out)
{
  char digits[32];
  na_text_number(digits, value);
  na_buffer_add(out, "%s", digits);
}

static void write_list(const na_list *list, na_buffer *out)
{
  for (int i = 0; i < list->count; i++) {
    if (i > 0) na_buffer_add(out, ",");
    write_number(list->values[i], out);
  }
}

static void write_field(const field *f, const void *record, na_buffer *out)
{
  const void *at = (const char *)record + f->offset;
  bool is_int = f->type == FIELD_INT || f->type == FIELD_WORD;
  if (!f->required && is_int && *(const int *)at == (int)f->initial) return;
  if (!f->required && f->type == FIELD_REAL && *(const double *)at == f->initial) return;
  if (f->type == FIELD_LIST && ((const na_list *)at)->count == 1) return;
  na_buffer_add(out, " %s=", f->key);
  switch (f->type) {
  case FIELD_INT:
    na_buffer_add(out, "%d", *(const int *)at);
    break;
  case FIELD_REAL:
    write_number(*(const double *)at, out);
    break;
  case FIELD_NAME:
    na_buffer_add(out, "%s", (const char *)at);
    break;
  case FIELD_LIST:
    write_list(at, out);
    break;
  case FIELD_WORD:
    na_buffer_add(out, "%s", f->word(*(const int *)at));
    break;
  }
}

static void write_record(const char *word, const field *fields, const void *record, na_buffer *out)
{
  na_buffer_add(out, "%s", word);
  for (const field *f = fields; f->key != NULL; f++) write_field(f, record, out);
  na_buffer_add(out, "\n");
}

/* Names were checked when they entered the net: they fit. */
static void copy_name(char to[NA_NAME_SIZE], const char *from)
{
  memcpy(to, from, strlen(from) + 1);
}

static void write_dim(const na_dim *dim, na_buffer *out)
{
  dim_record record = {.kind = (int)dim->kind,
                       .base = dim->base,
                       .max = dim->max,
                       .source = dim->source,
                       .sorted = dim->sorted,
                       .list = dim->list};
  copy_name(record.name, dim->name);
  write_record("dim", dim_fields, &record, out);
}

static void write_layer(const na_layer *layer, na_buffer *out)
{
  layer_record record = {.kind = (int)layer->kind,
                         .input = layer->input[0],
                         .input2 = layer->input[1],
                         .gate = layer->gate,
                         .out = layer->out != layer->in ? layer->out : -1,
                         .squeeze = layer->squeeze,
                         .kernel = layer->kernel,
                         .stride = layer->stride,
                         .norm = layer->norm,
                         .bias = layer->biased,
                         .act = (int)layer->act,
                         .rate = layer->rate};
  if (layer->kind == NA_CONV || layer->kind == NA_LINEAR) record.out = layer->out;
  copy_name(record.name, layer->name);
  write_record("layer", layer_fields, &record, out);
}

void na_net_write(const na_net *net, na_buffer *out)
{
  net_record record = {.channels = net->channels,
                       .height = net->height,
                       .width = net->width,
                       .classes = net->classes,
                       .bn_eps = net->bn_eps,
                       .bn_momentum = net->bn_momentum};
  copy_name(record.name, net->name);
  write_record("net", net_fields, &record, out);
  for (int d = 1; d < net->dim_count; d++) write_dim(&net->dims[d], out);
  for (int i = 1; i < net->layer_count; i++) write_layer(&net->layers[i], out);
}

/* --------------------------------------------------------------------------------- reading */

/* A decimal number and nothing else, in a range. strtod alone would take "inf", "nan" and hex. */
static bool parse_real(const char *text, double min, double max, double *value)
{
  if (text[0] == '\0' || text[strspn(text, "0123456789+-.e")] != '\0') return false;
  char *end;
  *value = strtod(text, &end);
  return *end == '\0' && *value >= min && *value <= max;
}

static bool parse_int(const char *text, double min, double max, int *value)
{
  const char *digits = text + (text[0] == '-');
  size_t length = strlen(digits);
  if (length < 1 || length > 9 || digits[strspn(digits, "0123456789")] != '\0') return false;
  long number = strtol(text, NULL, 10);
  *value = (int)number;
  return (double)number >= min && (double)number <= max;
}

static bool parse_list(char *text, na_list *list)
{
  list->count = 0;
  for (char *item = text; item != NULL;) {
    char *comma = strchr(item, ',');
    if (comma != NULL) *comma++ = '\0';
    if (list->count == NA_LIST_MAX) return false;
    if (!parse_real(item, 1.0, NA_MULTIPLIER_MAX, &list->values[list->count])) return false;
    list->count++;
    item = comma;
  }
  return true;
}

static bool parse_value(const field *f, char *text, void *record)
{
  void *at = (char *)record + f->offset;
  switch (f->type) {
  case FIELD_INT:
    return parse_int(text, f->min, f->max, at);
  case FIELD_REAL:
    return parse_real(text, f->min, f->max, at);
  case FIELD_LIST:
    return parse_list(text, at);
  case FIELD_WORD:
    return (*(int *)at = f->find(text)) >= 0;
  case FIELD_NAME:
    if (strlen(text) >= NA_NAME_SIZE) return false;
    memcpy(at, text, strlen(text) + 1);
    return true;
  }
  return false;
}

static void set_defaults(const field *fields, void *record)
{
  for (const field *f = fields; f->key != NULL; f++) {
    void *at = (char *)record + f->offset;
    if (f->type == FIELD_INT || f->type == FIELD_WORD) *(int *)at = (int)f->initial;
    if (f->type == FIELD_REAL) *(double *)at = f->initial;
  }
}

/* One key=value; *seen has a bit per field. */
static int read_pair(const field *fields, char *pair, void *record, unsigned *seen, na_error *err)
{
  char *value = strchr(pair, '=');
  if (value == NULL) return na_fail(err, NA_EFORMAT, "expected key=value");
  *value++ = '\0';
  for (int i = 0; fields[i].key != NULL; i++) {
    if (strcmp(fields[i].key, pair) != 0) continue;
    if (*seen & 1u << i) return na_fail(err, NA_EFORMAT, "%s is given twice", fields[i].key);
    *seen |= 1u << i;
    if (parse_value(&fields[i], value, record)) return NA_OK;
    return na_fail(err, NA_EFORMAT, "%s has an impossible value", fields[i].key);
  }
  return na_fail(err, NA_EFORMAT, "unknown key");
}

/* The rest of a line, after its first word. */
static int read_record(const field *fields, char *rest, void *record, na_error *err)
{
  unsigned seen = 0;
  set_defaults(fields, record);
  for (char *pair = rest; pair != NULL;) {
    char *next = strchr(pair, ' ');
    if (next != NULL) *next++ = '\0';
    int code = read_pair(fields, pair, record, &seen, err);
    if (code != NA_OK) return code;
    pair = next;
  }
  for (int i = 0; fields[i].key != NULL; i++)
    if (fields[i].required && !(seen & 1u << i))
      return na_fail(err, NA_EFORMAT, "%s is missing", fields[i].key);
  return NA_OK;
}

static int read_net(na_net **net, char *rest, na_error *err)
{
  net_record r = {0};
  if (*net != NULL) return na_fail(err, NA_EFORMAT, "a second network");
  int code = read_record(net_fields, rest, &r, err);
  if (code != NA_OK) return code;
  code = na_net_new(net, r.name, r.channels, r.height, r.width, r.classes, err);
  if (code != NA_OK) return code;
  (*net)->bn_eps = r.bn_eps;
  (*net)->bn_momentum = r.bn_momentum;
  return NA_OK;
}

static int add_dim(na_net *net, const dim_record *r, na_error *err)
{
  switch (r->kind) {
  case NA_DIM_WIDTH:
    return na_net_width(net, r->name, r->base, &r->list, err);
  case NA_DIM_EXPAND:
    return na_net_expand(net, r->name, r->base, r->source, &r->list, err);
  case NA_DIM_SQUEEZE:
    return na_net_squeeze(net, r->name, r->base, r->source, err);
  default:
    return na_net_fixed(net, r->name, r->base, err);
  }
}

static int read_dim(na_net **net, char *rest, na_error *err)
{
  dim_record r = {0};
  int code = read_record(dim_fields, rest, &r, err);
  if (code != NA_OK) return code;
  if (r.list.count > 1 && r.kind != NA_DIM_WIDTH && r.kind != NA_DIM_EXPAND)
    return na_fail(err, NA_EFORMAT, "a %s dimension has no list", dim_kinds[r.kind]);
  int dim = add_dim(*net, &r, err);
  if (dim < 0) return dim;
  if (r.kind == NA_DIM_FIXED && r.max != r.base)
    return na_fail(err, NA_EFORMAT, "a fixed dimension has max %d and base %d", r.max, r.base);
  (*net)->dims[dim].sorted = r.sorted != 0;
  return na_dim_raise(*net, dim, r.max, err);
}

static int read_layer(na_net **net, char *rest, na_error *err)
{
  layer_record r = {0};
  int code = read_record(layer_fields, rest, &r, err);
  if (code != NA_OK) return code;
  na_layer_spec spec = na_layer_spec_init((na_layer_kind)r.kind, r.name);
  spec.input[0] = r.input;
  spec.input[1] = r.input2;
  spec.gate = r.gate;
  spec.out = r.out;
  spec.squeeze = r.squeeze;
  spec.kernel = r.kernel;
  spec.stride = r.stride;
  spec.norm = r.norm != 0;
  spec.bias = r.bias != 0;
  spec.act = (na_activation)r.act;
  spec.rate = r.rate;
  int layer = na_net_add(*net, &spec, err);
  return layer < 0 ? layer : NA_OK;
}

static int read_line(na_net **net, char *line, na_error *err)
{
  static const struct {
    const char *word;
    int (*read)(na_net **net, char *rest, na_error *err);
  } records[] = {{"net", read_net}, {"dim", read_dim}, {"layer", read_layer}};
  char *rest = strchr(line, ' ');
  if (rest == NULL) return na_fail(err, NA_EFORMAT, "expected a word and key=value pairs");
  *rest++ = '\0';
  for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
    if (strcmp(records[i].word, line) != 0) continue;
    if (*net == NULL && records[i].read != read_net)
      return na_fail(err, NA_EFORMAT, "the network itself must come first");
    return records[i].read(net, rest, err);
  }
  return na_fail(err, NA_EFORMAT, "expected net, dim or layer");
}

/* All lines of text, each copied to where it can be cut into words. */
static int read_lines(const char *text, na_net **net, na_error *err)
{
  char line[LINE_SIZE];
  for (int number = 1; *text != '\0'; number++) {
    size_t length = strcspn(text, "\n");
    int code;
    if (length >= sizeof line)
      code = na_fail(err, NA_EFORMAT, "the line is too long");
    else {
      memcpy(line, text, length);
      line[length] = '\0';
      code = read_line(net, line, err);
    }
    if (code != NA_OK) {
      na_error_prefix(err, "network description, line %d", number);
      return code;
    }
    text += length + (text[length] == '\n');
  }
  return NA_OK;
}

int na_net_read(const char *text, na_net **out, na_error *err)
{
  *out = NULL;
  na_net *net = NULL;
  int code = read_lines(text, &net, err);
  if (code == NA_OK && net == NULL)
    code = na_fail(err, NA_EFORMAT, "the network description is empty");
  if (code == NA_OK) code = na_net_finish(net, err);
  if (code != NA_OK) {
    na_net_free(net);
    return code;
  }
  *out = net;
  return NA_OK;
}
