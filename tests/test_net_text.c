/* A network's text: round trip, refusals, and damage of every kind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/net/net.h"
#include "tests/check.h"
#include "tests/zoo.h"

static na_error err;

static char *text_of(const na_net *net)
{
  na_buffer buffer = {0};
  na_net_write(net, &buffer);
  if (buffer.failed || buffer.data == NULL) exit(EXIT_FAILURE);
  return buffer.data;
}

static void check_same(const na_net *a, const na_net *b)
{
  CHECK(a->param_count == b->param_count && a->values == b->values && a->stats == b->stats,
        "%s: parameters differ", a->name);
  for (int i = 0; i < a->param_count && i < b->param_count; i++)
    CHECK(strcmp(a->params[i].name, b->params[i].name) == 0 &&
              memcmp(a->params[i].shape, b->params[i].shape, sizeof a->params[i].shape) == 0 &&
              a->params[i].decays == b->params[i].decays,
          "%s differs", a->params[i].name);
  CHECK(a->bn_eps == b->bn_eps && a->bn_momentum == b->bn_momentum, "%s: norm differs", a->name);
}

static void check_round_trip(const na_net *net)
{
  char *first = text_of(net);
  na_net *back = NULL;
  na_error_clear(&err);
  CHECK_OK(na_net_read(first, &back, &err), err);
  if (back != NULL) {
    char *second = text_of(back);
    CHECK(strcmp(first, second) == 0, "%s: text differs after reading", net->name);
    check_same(net, back);
    na_free(second);
  }
  na_net_free(back);
  na_free(first);
}

static void round_trip(void)
{
  for (int i = 0; i < ZOO_COUNT; i++) {
    na_net *net = NULL, *tiny = NULL;
    int widths[256];
    CHECK_OK(zoo_build(&net, zoo_models[i].name, 64, 10, true, &err), err);
    if (net == NULL) return;
    net->bn_momentum = 0.25;
    check_round_trip(net);
    /* Lists shortened after the tensors were made: their sizes must survive. */
    na_list one = {1, {1}}, two = {2, {1, 1.5}};
    CHECK_OK(na_net_set_lists(net, &two, &one, &err), err);
    check_round_trip(net);
    na_net_base(net, widths);
    CHECK_OK(na_net_extract(net, widths, &tiny, &err), err);
    check_round_trip(tiny);
    na_net_free(net);
    na_net_free(tiny);
  }
}

static const char good[] =
    "net name=t channels=3 height=8 width=8 classes=10\n"
    "dim kind=width name=w base=8 max=16 list=1,2\n"
    "dim kind=expand name=m base=24 max=96 source=1 sorted=1 list=1,2\n"
    "dim kind=squeeze name=s base=16 max=64 source=2\n"
    "dim kind=fixed name=c base=10 max=10\n"
    "layer kind=conv name=stem input=0 out=1 kernel=3 stride=2 norm=1 act=relu6\n"
    "layer kind=conv name=up input=1 out=2 norm=1 act=h-swish\n"
    "layer kind=depthwise name=dw input=2 kernel=5 norm=1 act=h-swish\n"
    "layer kind=squeeze name=se input=3 squeeze=3 bias=1\n"
    "layer kind=conv name=down input=3 gate=4 out=1 norm=1\n"
    "layer kind=add name=add input=5 input2=1\n"
    "layer kind=maxpool name=mp input=6 kernel=3 stride=2\n"
    "layer kind=globalpool name=gp input=7\n"
    "layer kind=dropout name=drop input=8 rate=0.25\n"
    "layer kind=linear name=fc input=9 out=4 bias=1\n";

static void the_example_is_good(void)
{
  na_net *net = NULL;
  na_error_clear(&err);
  CHECK_OK(na_net_read(good, &net, &err), err);
  if (net == NULL) return;
  CHECK(net->layer_count == 11 && net->dim_count == 5, "%d layers", net->layer_count);
  CHECK(net->dims[2].sorted && net->layers[9].rate == 0.25, "flags");
  check_round_trip(net);
  char *text = text_of(net);
  CHECK(strcmp(text, good) == 0, "writes\n%s", text);
  na_free(text);
  na_net_free(net);
}

/* good with `from` replaced by `to` must be refused with these words. */
static void refused(const char *from, const char *to, int code, const char *words)
{
  char text[2 * sizeof good];
  const char *at = strstr(good, from);
  CHECK(at != NULL, "the example lacks %s", from);
  if (at == NULL) return;
  snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
  na_net *net = NULL;
  CHECK_FAILS(na_net_read(text, &net, &err), code, words, err);
  CHECK(net == NULL, "a net came out of an error");
}

static void damage_is_named(void)
{
  na_net *net = NULL;
  CHECK_FAILS(na_net_read("", &net, &err), NA_EFORMAT, "empty", err);
  CHECK_FAILS(na_net_read("dim kind=fixed name=c base=1 max=1\n", &net, &err), NA_EFORMAT,
              "come first", err);
  refused("net name", "nut name", NA_EFORMAT, "line 1: expected net, dim or layer");
  refused("channels=3 ", "", NA_EFORMAT, "line 1: channels is missing");
  refused("channels=3", "channels=3 channels=3", NA_EFORMAT, "given twice");
  refused("height=8", "height=99999999999999999999", NA_EFORMAT, "height has an impossible value");
  refused("height=8", "height=8x", NA_EFORMAT, "height has an impossible value");
  refused("height=8", "height=", NA_EFORMAT, "height has an impossible value");
  refused("height=8", "height=-8", NA_EFORMAT, "height has an impossible value");
  refused("classes=10\n", "classes=10 bn_eps=nan\n", NA_EFORMAT, "bn_eps has an impossible value");
  refused("classes=10\n", "classes=10\nnet name=u channels=3 height=8 width=8 classes=10\n",
          NA_EFORMAT, "second network");
  refused("list=1,2", "list=1,1", NA_EINVAL, "line 2: dimension w: candidate 1 after 1");
  refused("list=1,2", "list=1,,2", NA_EFORMAT, "list has an impossible value");
  refused("list=1,2", "list=1,1.1,1.2,1.3,1.4,1.5,1.6,1.7,1.8,1.9,2,3,4,5,6,7,8", NA_EFORMAT,
          "list has");
  refused("max=16", "max=15", NA_EINVAL, "does not fit its candidates");
  refused("max=10", "max=11", NA_EFORMAT, "a fixed dimension");
  refused("source=1", "source=9", NA_EINVAL, "no source dimension 9");
  refused("kind=expand", "kind=expend", NA_EFORMAT, "kind has an impossible value");
  refused("kernel=3 stride", "kernel=4 stride", NA_EINVAL, "layer stem: expected an odd kernel");
  refused("kernel=3 stride", "kernel=65 stride", NA_EFORMAT, "kernel has");
  refused("input=9", "input=10", NA_EINVAL, "expected an earlier layer");
  refused("gate=4", "gate=3", NA_EINVAL, "not a squeeze layer");
  refused("act=relu6", "act=tanh", NA_EFORMAT, "act has an impossible value");
  refused("rate=0.25", "rate=0x1p-2", NA_EFORMAT, "rate has an impossible value");
  refused("name=stem", "name=a\tb", NA_EINVAL, "illegal character");
  refused("name=stem input", "name=stem  input", NA_EFORMAT, "expected key=value");
  refused("layer kind=linear", "layer kind=globalpool", NA_EINVAL, "no bias");
  refused(" list=1,2\ndim kind=squeeze", " list=1,2 shape=3\ndim kind=squeeze", NA_EFORMAT,
          "unknown key");
}

static void long_texts_are_refused(void)
{
  na_net *net = NULL;
  na_buffer text = {0};
  na_buffer_add(&text, "net name=");
  for (int i = 0; i < 3000; i++) na_buffer_add(&text, "a");
  CHECK_FAILS(na_net_read(text.data, &net, &err), NA_EFORMAT, "too long", err);
  text.length = 0;
  na_buffer_add(&text, "net name=t channels=3 height=8 width=8 classes=10\n");
  for (int i = 0; i < 5000; i++) na_buffer_add(&text, "dim kind=fixed name=d%d base=1 max=1\n", i);
  CHECK_FAILS(na_net_read(text.data, &net, &err), NA_EINVAL, "at most 4096 dimensions", err);
  text.length = 0;
  na_buffer_add(&text,
                "net name=t channels=60000 height=8 width=8 classes=60000\n"
                "dim kind=fixed name=c base=60000 max=60000\n"
                "layer kind=globalpool name=p input=0\nlayer kind=linear name=l input=1 out=1\n");
  CHECK_FAILS(na_net_read(text.data, &net, &err), NA_EINVAL, "parameters", err);
  na_free(text.data);
}

/* Random bytes changed, dropped or doubled: any answer will do but a crash; what is accepted must
 * be a network that survives its own round trip. */
static void fuzz(void)
{
  na_random random = na_random_at(42, 0, 0);
  static const char bytes[] = "0123456789=- \n,.abcdefklmnopqrstuwx_\t\x7f\xff";
  int accepted = 0, tried = 4000;
  for (int i = 0; i < tried; i++) {
    char text[sizeof good + 8];
    memcpy(text, good, sizeof good);
    size_t length = sizeof good - 1;
    for (uint32_t k = na_random_below(&random, 3) + 1; k > 0; k--) {
      size_t at = na_random_below(&random, (uint32_t)length);
      uint32_t how = na_random_below(&random, 4);
      if (how == 0)
        memmove(text + at, text + at + 1, length-- - at);
      else if (how == 1)
        memmove(text + at + 1, text + at, ++length - at);
      else if (how == 2)
        text[at] = bytes[na_random_below(&random, sizeof bytes - 1)];
      else
        text[length = at] = '\0';
      if (length == 0) break;
    }
    na_net *net = NULL;
    na_error_clear(&err);
    int code = na_net_read(text, &net, &err);
    CHECK((code == NA_OK) == (net != NULL) && code <= 0, "code %d", code);
    CHECK(code == NA_OK || err.message[0] != '\0', "an error without words");
    accepted += code == NA_OK;
    if (net != NULL) check_round_trip(net);
    na_net_free(net);
  }
  CHECK(accepted > 10 && accepted < tried / 2, "%d of %d accepted", accepted, tried);
}

static void out_of_memory_is_an_error(void)
{
  na_net *net = NULL;
  unsigned long before = na_alloc_count();
  na_error_clear(&err);
  CHECK_OK(na_net_read(good, &net, &err), err);
  unsigned long needed = na_alloc_count() - before;
  na_net_free(net);
  for (unsigned long i = 1; i <= needed; i++) {
    na_alloc_fail_at(i);
    CHECK_FAILS(na_net_read(good, &net, &err), NA_ENOMEM, "out of memory", err);
    na_alloc_fail_at(0);
    CHECK(net == NULL, "a net came out of an error");
  }
}

int main(void)
{
  RUN(round_trip);
  RUN(the_example_is_good);
  RUN(damage_is_named);
  RUN(long_texts_are_refused);
  RUN(fuzz);
  RUN(out_of_memory_is_an_error);
  return CHECK_EXIT();
}
