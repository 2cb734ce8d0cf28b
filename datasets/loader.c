/* A source of batches: loader threads run ahead of the consumer into a few batch slots.
 *
 * The unit of work is one block of 16 images of one batch. Units are handed out in order, their
 * results go to places of their own, and all randomness belongs to (seed, epoch, image), so
 * nothing depends on how many threads there are or on who was faster.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/memory.h"
#include "core/base/team.h"
#include "datasets/collection.h"
#include "datasets/mix.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* At least one slot for the consumer, one to fill and one ready; more where batches are small. */
enum { SLOTS_MIN = 3, SLOTS_MAX = 8, SLOT_BYTES_WANTED = 64 << 20 };

/* Keys of random sequences that belong to no epoch or to no image. */
static const uint64_t no_epoch = UINT64_MAX, no_image = UINT64_MAX;

typedef struct slot {
  na_batch batch;
  float *images;
  int32_t *labels;     /* [batch] */
  int32_t *others;     /* [batch], and shares: where images are mixed, else NULL */
  float *shares;
  uint8_t *missing;    /* [batch], 1: left out */
  int waiting;         /* blocks that are not done */
  int missing_count;
  int failed_block;    /* of `error`; -1: none */
  na_error error;
} slot;

typedef struct loader loader;

typedef struct worker {
  loader *loader;
  pthread_t thread;
  na_tools *tools;
  uint8_t *stage; /* 16 images as planes of bytes, loader->stride apart */
} worker;

typedef struct unit {
  long batch;
  int block;
} unit;

struct loader {
  na_source source; /* first member: a loader is a source */
  na_dataset *dataset;
  na_split split;
  const na_subset *subset;
  const na_transform *transform;
  uint32_t *order; /* [subset->count]: places in the subset as they are used; NULL: as they lie */
  uint64_t seed, epoch;
  bool mixes;          /* pairs of images are mixed */
  size_t stride;

  slot slots[SLOTS_MAX];
  int slot_count;
  void *memory; /* the slots' images */
  size_t memory_bytes;

  worker *workers;
  int worker_count; /* started */

  pthread_mutex_t mutex; /* guards what follows, and the slots' counters */
  pthread_cond_t work, done;
  unit given;        /* the next unit to hand out */
  long oldest, next; /* oldest batch whose slot is in use; batch that next() returns */
  int busy;          /* workers inside a unit */
  bool running, quit;
  atomic_bool cancel; /* workers leave their unit between two images */
};

static slot *slot_of(loader *self, long batch) { return &self->slots[batch % self->slot_count]; }

static int batch_count(const loader *self, long batch)
{
  long left = self->source.images - batch * self->source.batch;
  return left < self->source.batch ? (int)left : self->source.batch;
}

static int block_count(int images) { return (images + NA_LANES - 1) / NA_LANES; }

/* ------------------------------------------------------------------------------- one block */

/* The next image of the same class in the subset, around its end. An image folder's labels are
 * sorted, and only there images can be damaged. */
static uint32_t next_of_class(const na_subset *subset, uint32_t place)
{
  const int32_t *labels = subset->part->labels;
  int32_t label = labels[subset->index[place]];
  if (place + 1 < (uint32_t)subset->count && labels[subset->index[place + 1]] == label)
    return place + 1;
  while (place > 0 && labels[subset->index[place - 1]] == label) place--;
  return place;
}

static int load_one(worker *me, uint32_t index, uint32_t drawn_for, uint8_t *out, na_error *err)
{
  loader *self = me->loader;
  uint64_t epoch = self->split == NA_SPLIT_CALIBRATE ? no_epoch : self->epoch;
  na_random random = na_random_at(self->seed, epoch, drawn_for);
  return na_sample_load(self->dataset, self->subset->part, index, self->transform,
                        self->split == NA_SPLIT_VAL ? NULL : &random, me->tools, out, err);
}

/* Loads the image at `place` of the subset. A damaged one, where that is allowed, is left out in
 * validation (*missing) and in training replaced by the next good one of its class. */
static int load_image(worker *me, uint32_t place, uint8_t *out, int32_t *label, uint8_t *missing,
                      na_error *err)
{
  loader *self = me->loader;
  na_part *part = self->subset->part;
  uint32_t wanted = self->subset->index[place], index = wanted;
  *label = part->labels[wanted];
  *missing = 0;
  for (uint32_t candidate = place;;) {
    bool damaged =
        part->states != NULL && atomic_load(&part->states[index]) == NA_STATE_DAMAGED;
    int code = damaged ? NA_EFORMAT : load_one(me, index, wanted, out, err);
    if (code == NA_OK) return NA_OK;
    if (!damaged && !na_sample_skip(self->dataset, part, index, err)) return code;
    *missing = self->split == NA_SPLIT_VAL;
    if (*missing) return NA_OK;
    candidate = next_of_class(self->subset, candidate);
    index = self->subset->index[candidate];
    if (candidate == place)
      return na_fail(err, NA_EFORMAT, "%s: no image of class \"%s\" can be decoded", part->folder,
                     self->source.class_names[*label]);
  }
}

/* Normalises the staged images into the lanes of one block, and mixes them, unless mix is NULL. */
static void lay_out(const worker *me, const slot *to, int block, const na_mix *mix)
{
  const loader *self = me->loader;
  size_t width = (size_t)self->source.width, plane = (size_t)self->source.height * width;
  for (int c = 0; c < self->source.channels; c++) {
    const float *table = self->dataset->normal[c];
    const uint8_t *from = me->stage + (size_t)c * plane;
    size_t at = (size_t)c * (size_t)to->batch.blocks + (size_t)block;
    float *row = to->images + at * plane * NA_LANES;
    for (int y = 0; y < self->source.height; y++, row += width * NA_LANES, from += width) {
      for (size_t x = 0; x < width; x++)
        for (size_t lane = 0; lane < NA_LANES; lane++)
          row[x * NA_LANES + lane] = table[from[lane * self->stride + x]];
      if (mix != NULL) na_mix_row(mix, y, self->source.width, row);
    }
  }
}

/* Lays out a block whose images are staged, mixed where that is asked for. */
static void finish_block(worker *me, unit what, slot *to, int count)
{
  const loader *self = me->loader;
  int first = what.block * NA_LANES;
  na_mix mix;
  if (self->mixes) {
    na_mix_draw(&self->dataset->data, self->seed, self->epoch, what.batch, what.block, count,
                self->source.height, self->source.width, &mix);
    na_mix_labels(&mix, to->labels + first, to->others + first, to->shares + first);
  }
  lay_out(me, to, what.block, self->mixes ? &mix : NULL);
}

static void clear_lane(const loader *self, const slot *to, int block, int lane)
{
  size_t plane = (size_t)self->source.height * (size_t)self->source.width;
  for (int c = 0; c < self->source.channels; c++) {
    size_t at = (size_t)c * (size_t)to->batch.blocks + (size_t)block;
    float *out = to->images + at * plane * NA_LANES + lane;
    for (size_t p = 0; p < plane; p++) out[p * NA_LANES] = 0;
  }
}

static int load_block(worker *me, unit what, slot *to, na_error *err)
{
  loader *self = me->loader;
  int first = what.block * NA_LANES, count = to->batch.count - first;
  if (count > NA_LANES) count = NA_LANES;
  for (int lane = 0; lane < count; lane++) {
    if (atomic_load_explicit(&self->cancel, memory_order_relaxed)) return NA_OK;
    uint32_t place = (uint32_t)(what.batch * self->source.batch + first + lane);
    if (self->order != NULL) place = self->order[place];
    int code = load_image(me, place, me->stage + (size_t)lane * self->stride,
                          &to->labels[first + lane], &to->missing[first + lane], err);
    if (code != NA_OK) return code;
  }
  finish_block(me, what, to, count);
  for (int lane = count; lane < NA_LANES; lane++) clear_lane(self, to, what.block, lane);
  return NA_OK;
}

/* --------------------------------------------------------------------------------- threads */

static bool has_unit(const loader *self)
{
  return self->running && self->given.batch < self->source.batches &&
         self->given.batch < self->oldest + self->slot_count;
}

static void prepare(loader *self, long batch)
{
  slot *to = slot_of(self, batch);
  int count = batch_count(self, batch);
  to->batch = (na_batch){.count = count, .blocks = block_count(count), .images = to->images,
                         .labels = to->labels, .others = to->others, .shares = to->shares};
  to->waiting = to->batch.blocks;
  to->missing_count = 0;
  to->failed_block = -1;
}

/* Under the lock. The first unit of a batch opens its slot. */
static unit take_unit(loader *self)
{
  unit what = self->given;
  if (what.block == 0) prepare(self, what.batch);
  if (++self->given.block == slot_of(self, what.batch)->batch.blocks)
    self->given = (unit){what.batch + 1, 0};
  return what;
}

/* Under the lock. Of several errors in a batch the one of the first block stands. */
static void finish_unit(loader *self, unit what, slot *to, const na_error *err)
{
  self->busy--;
  to->waiting--;
  if (err->code != NA_OK && (to->failed_block < 0 || what.block < to->failed_block)) {
    to->failed_block = what.block;
    to->error = *err;
  }
  for (int i = what.block * NA_LANES; i < to->batch.count && i < (what.block + 1) * NA_LANES; i++)
    to->missing_count += to->missing[i];
  /* Whoever trains on one of these processors is not woken for a part of a batch. */
  if (to->waiting == 0 || (!self->running && self->busy == 0)) pthread_cond_broadcast(&self->done);
}

static void *run(void *argument)
{
  worker *me = argument;
  loader *self = me->loader;
  pthread_mutex_lock(&self->mutex);
  for (;;) {
    while (!self->quit && !has_unit(self)) pthread_cond_wait(&self->work, &self->mutex);
    if (self->quit) break;
    unit what = take_unit(self);
    slot *to = slot_of(self, what.batch);
    na_error err = {0};
    self->busy++;
    pthread_mutex_unlock(&self->mutex);
    load_block(me, what, to, &err);
    pthread_mutex_lock(&self->mutex);
    finish_unit(self, what, to, &err);
  }
  pthread_mutex_unlock(&self->mutex);
  return NULL;
}

/* Waits, under the lock, until no worker touches a slot. */
static void halt(loader *self)
{
  self->running = false;
  atomic_store(&self->cancel, true);
  while (self->busy != 0) pthread_cond_wait(&self->done, &self->mutex);
  atomic_store(&self->cancel, false);
}

/* --------------------------------------------------------------------------- the source's face */

static int start(na_source *source, uint64_t epoch, long first, na_error *err)
{
  loader *self = (loader *)source;
  if (first < 0 || first > source->batches)
    return na_fail(err, NA_EINVAL, "batch %ld of an epoch of %ld", first, source->batches);
  pthread_mutex_lock(&self->mutex);
  halt(self);
  self->epoch = epoch;
  if (self->split == NA_SPLIT_TRAIN) {
    uint32_t count = (uint32_t)self->subset->count;
    na_random random = na_random_at(self->seed, epoch, no_image);
    for (uint32_t i = 0; i < count; i++) self->order[i] = i;
    na_random_shuffle(&random, self->order, count);
  }
  self->given = (unit){first, 0};
  self->oldest = self->next = first;
  self->running = true;
  pthread_cond_broadcast(&self->work);
  pthread_mutex_unlock(&self->mutex);
  return NA_OK;
}

/* Closes the gaps that missing images left: later ones move forward, in place, and the lanes
 * behind the last are cleared. An image's new place never lies behind its old one in memory. */
static void close_gaps(loader *self, slot *to)
{
  size_t plane = (size_t)self->source.height * (size_t)self->source.width;
  int old_blocks = to->batch.blocks, old_count = to->batch.count;
  int count = old_count - to->missing_count, blocks = block_count(count);
  for (int c = 0; c < self->source.channels; c++)
    for (int old = 0, new = 0; old < old_count; old++) {
      if (to->missing[old]) continue;
      size_t from = (size_t)(c * old_blocks + old / NA_LANES) * plane * NA_LANES;
      size_t at = (size_t)(c * blocks + new / NA_LANES) * plane * NA_LANES;
      for (size_t p = 0; p < plane * NA_LANES; p += NA_LANES)
        to->images[at + p + (size_t)(new % NA_LANES)] =
            to->images[from + p + (size_t)(old % NA_LANES)];
      new++;
    }
  for (int old = 0, new = 0; old < old_count; old++)
    if (!to->missing[old]) to->labels[new++] = to->labels[old];
  to->batch.count = count;
  to->batch.blocks = blocks;
  for (int n = count; n < blocks * NA_LANES; n++)
    clear_lane(self, to, n / NA_LANES, n % NA_LANES);
}

/* Under the lock: gives back the slot that the consumer held, and waits for the next batch.
 * NULL at the end of the epoch. */
static slot *wait_for_batch(loader *self)
{
  if (self->oldest < self->next) {
    self->oldest = self->next;
    pthread_cond_broadcast(&self->work);
  }
  if (self->next >= self->source.batches) return NULL;
  slot *to = slot_of(self, self->next);
  /* The slot is this batch's once all its units were handed out. */
  while (self->given.batch <= self->next || to->waiting != 0)
    pthread_cond_wait(&self->done, &self->mutex);
  self->next++;
  return to;
}

static int next(na_source *source, const na_batch **batch, na_error *err)
{
  loader *self = (loader *)source;
  int code = 0;
  *batch = NULL;
  pthread_mutex_lock(&self->mutex);
  if (!self->running) code = na_fail(err, NA_EINVAL, "the epoch was not started");
  while (code == 0) {
    slot *to = wait_for_batch(self);
    if (to == NULL) break;
    if (to->failed_block >= 0) {
      halt(self);
      code = na_fail(err, to->error.code, "%s", to->error.message);
      if (to->error.hint[0] != '\0') na_hint(err, "%s", to->error.hint);
    } else if (to->missing_count < to->batch.count) {
      if (to->missing_count != 0) close_gaps(self, to);
      *batch = &to->batch;
      code = 1;
    }
  }
  pthread_mutex_unlock(&self->mutex);
  return code;
}

static void free_workers(loader *self)
{
  for (int i = 0; self->workers != NULL && i < self->worker_count; i++)
    pthread_join(self->workers[i].thread, NULL);
  for (int i = 0; self->workers != NULL && self->workers[i].loader != NULL; i++) {
    na_tools_free(self->workers[i].tools);
    na_free(self->workers[i].stage);
  }
  na_free(self->workers);
}

static void free_loader(na_source *source)
{
  loader *self = (loader *)source;
  pthread_mutex_lock(&self->mutex);
  halt(self);
  self->quit = true;
  pthread_cond_broadcast(&self->work);
  pthread_mutex_unlock(&self->mutex);
  free_workers(self);
  for (int i = 0; i < self->slot_count; i++) {
    na_free(self->slots[i].labels);
    na_free(self->slots[i].others);
    na_free(self->slots[i].shares);
    na_free(self->slots[i].missing);
  }
  na_block_free(self->memory, self->memory_bytes);
  na_free(self->order);
  pthread_cond_destroy(&self->done);
  pthread_cond_destroy(&self->work);
  pthread_mutex_destroy(&self->mutex);
  na_free(self);
}

/* -------------------------------------------------------------------------------- construction */

static void describe(loader *self, long images)
{
  na_source *source = &self->source;
  const na_transform *t = self->transform;
  long count = self->subset->count, batch = self->dataset->data.batch;
  if (self->split == NA_SPLIT_CALIBRATE && images > 0 && images < count) count = images;
  if (self->split == NA_SPLIT_TRAIN && count >= batch) count -= count % batch;
  *source = (na_source){.channels = t->channels,
                        .height = t->height,
                        .width = t->width,
                        .classes = (int)self->dataset->class_names.count,
                        .batch = (int)batch,
                        .images = count,
                        .batches = (count + batch - 1) / batch,
                        .class_names = self->dataset->classes,
                        .mean = self->dataset->mean_text,
                        .std = self->dataset->std_text,
                        .start = start,
                        .next = next,
                        .free = free_loader};
}

/* A slot's room beside its images. */
static int make_lists(const loader *self, slot *to, na_error *err)
{
  size_t batch = (size_t)self->source.batch;
  to->labels = na_alloc_array(batch, sizeof *to->labels);
  to->missing = na_alloc(batch);
  bool failed = to->labels == NULL || to->missing == NULL;
  if (self->mixes) {
    to->others = na_alloc_array(batch, sizeof *to->others);
    to->shares = na_alloc_array(batch, sizeof *to->shares);
    failed = failed || to->others == NULL || to->shares == NULL;
  }
  return failed ? na_fail_memory(err, batch * sizeof *to->labels, "loading batches") : NA_OK;
}

/* Room for the batches, within this machine's memory. */
static int make_slots(loader *self, na_error *err)
{
  const na_source *source = &self->source;
  size_t lanes = (size_t)block_count(source->batch) * NA_LANES;
  size_t image = (size_t)source->channels * (size_t)source->height * (size_t)source->width;
  double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  double wanted = SLOTS_MIN * (double)lanes * (double)image * sizeof(float);
  if (wanted > memory) return na_fail_memory(err, (unsigned long long)wanted, "loading batches");
  size_t bytes = lanes * image * sizeof(float), slots = SLOT_BYTES_WANTED / bytes;
  slots = slots < SLOTS_MIN ? SLOTS_MIN : slots > SLOTS_MAX ? SLOTS_MAX : slots;
  self->slot_count = (int)slots;
  self->memory_bytes = slots * bytes;
  self->memory = na_block_new(self->memory_bytes);
  if (self->memory == NULL) return na_fail_memory(err, self->memory_bytes, "loading batches");
  for (size_t i = 0; i < slots; i++) {
    self->slots[i].images = (float *)self->memory + i * lanes * image;
    int code = make_lists(self, &self->slots[i], err);
    if (code != NA_OK) return code;
  }
  return NA_OK;
}

/* Training is shuffled anew each epoch; calibration takes the beginning of one fixed shuffle. */
static int make_order(loader *self, na_error *err)
{
  uint32_t count = (uint32_t)self->subset->count;
  if (self->split == NA_SPLIT_VAL) return NA_OK;
  self->order = na_alloc_array(count, sizeof *self->order);
  if (self->order == NULL) return na_fail_memory(err, count * sizeof *self->order, "shuffling");
  na_random random = na_random_at(self->seed, no_epoch, no_image);
  for (uint32_t i = 0; i < count; i++) self->order[i] = i;
  na_random_shuffle(&random, self->order, count);
  return NA_OK;
}

/* Lanes are an odd number of cache lines apart: sixteen streams at a power of two would all fall
 * into one set of the cache. */
static size_t lane_stride(const na_source *source)
{
  size_t lines = (size_t)source->channels * (size_t)source->height * (size_t)source->width / 64 + 1;
  return (lines | 1) * 64;
}

static int start_worker(worker *me, na_error *err)
{
  sigset_t all, before;
  sigfillset(&all); /* signals are the main thread's business */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&me->thread, NULL, run, me);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed == 0 ? NA_OK : na_fail(err, NA_ENOMEM, "cannot start a loader thread: %s",
                                       strerror(failed));
}

static int start_workers(loader *self, na_error *err)
{
  int count = self->dataset->data.loaders;
  if (count == 0) count = na_processors() / 2;
  if (count < 1) count = 1;
  self->stride = lane_stride(&self->source);
  /* One more than started: free_workers stops at one that has no loader. */
  self->workers = na_alloc_array((size_t)count + 1, sizeof *self->workers);
  if (self->workers == NULL) return na_fail_memory(err, 4096, "loader threads");
  for (int i = 0; i < count; i++) {
    worker *me = &self->workers[i];
    me->loader = self;
    me->stage = na_alloc_array(NA_LANES, self->stride);
    if (me->stage == NULL) return na_fail_memory(err, NA_LANES * self->stride, "loader threads");
    int code = na_tools_new(&me->tools, err);
    if (code == NA_OK) code = na_tools_prepare(me->tools, self->dataset, self->transform, err);
    if (code == NA_OK) code = start_worker(me, err);
    if (code != NA_OK) return code;
    self->worker_count++;
  }
  return NA_OK;
}

int na_loader_new(na_dataset *dataset, na_split split, long images, na_source **source,
                  na_error *err)
{
  *source = NULL;
  loader *self = na_alloc(sizeof *self);
  if (self == NULL) return na_fail_memory(err, sizeof *self, "a source of batches");
  pthread_mutex_init(&self->mutex, NULL);
  pthread_cond_init(&self->work, NULL);
  pthread_cond_init(&self->done, NULL);
  self->dataset = dataset;
  self->seed = (uint64_t)dataset->data.seed;
  self->split = split;
  self->subset = &dataset->subset[split == NA_SPLIT_VAL ? NA_SPLIT_VAL : NA_SPLIT_TRAIN];
  self->transform = split == NA_SPLIT_VAL ? &dataset->val_transform : &dataset->train_transform;
  self->mixes = split == NA_SPLIT_TRAIN && na_mix_wanted(&dataset->data);
  describe(self, images);
  int code = make_slots(self, err);
  if (code == NA_OK) code = make_order(self, err);
  if (code == NA_OK) code = start_workers(self, err);
  if (code != NA_OK) free_loader(&self->source);
  else *source = &self->source;
  return code;
}
