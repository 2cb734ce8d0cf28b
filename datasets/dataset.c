/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/dataset.h"
#include "core/base/memory.h"
#include "datasets/collection.h"
#include "datasets/mix.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_WORD(symbol, word, module, what) "|" word
#define AUGMENT_WORD(symbol, word, help) "|" word
#define FORMAT_WHAT(symbol, word, module, what) what ", "
#define POLICY_WORD(symbol, word) "|" word
#define AT(field) offsetof(na_data, field)

static const na_setting items[] = {
    {"path", NA_TEXT, AT(path), "fashion-mnist", 0, 0, NULL,
     "folder or file of images, or fashion-mnist"},
    {"format", NA_CHOICE, AT(format), "auto", 0, 0, "auto" NA_DATA_FORMATS(FORMAT_WORD),
     "how the images are stored; auto looks"},
    {"size", NA_INT, AT(size), "0", 0, 2048, NULL,
     "height and width of an image for the network; 0: as stored"},
    {"batch", NA_INT, AT(batch), "128", 1, 65536, NULL, "images in a batch"},
    {"channels", NA_INT, AT(channels), "0", 0, 3, NULL,
     "1 grey or 3 RGB; grey is repeated, RGB reduced to luma; 0: as stored"},
    {"augment", NA_CHOICE, AT(augment), "auto", 0, 0, "auto" NA_AUGMENTS(AUGMENT_WORD),
     "training images: none, crop (pad, random crop, flip) or resized (random resized crop, flip, "
     "colour jitter); auto: crop up to 64 pixels"},
    {"crop", NA_INT, AT(crop), "4", 0, 256, NULL, "augment = crop: black pixels of padding around"},
    {"flip", NA_BOOL, AT(flip), "true", 0, 0, NULL,
     "mirror half of the training images; wrong for digits and letters"},
    {"scale_min", NA_FLOAT, AT(scale_min), "0.08", 0.001, 1, NULL,
     "augment = resized: smallest share of the image's area"},
    {"scale_max", NA_FLOAT, AT(scale_max), "1", 0.001, 1, NULL,
     "augment = resized: largest share of the image's area"},
    {"ratio", NA_FLOAT, AT(ratio), "1.3333333333333333", 1, 10, NULL,
     "augment = resized: aspects from 1/ratio to ratio"},
    {"brightness", NA_FLOAT, AT(brightness), "-1", -1, 1, NULL,
     "colour jitter's strength; negative: 32/255 with augment = resized and no policy, else 0"},
    {"saturation", NA_FLOAT, AT(saturation), "-1", -1, 1, NULL,
     "colour jitter's strength; negative: 0.5 with augment = resized and no policy, else 0"},
    {"contrast", NA_FLOAT, AT(contrast), "0", 0, 1, NULL, "colour jitter's strength"},
    {"policy", NA_CHOICE, AT(policy), "none", 0, 0, &(NA_POLICIES(POLICY_WORD))[1],
     "operations on training images after crop and flip: RandAugment, or a policy that AutoAugment "
     "found"},
    {"policy_ops", NA_INT, AT(policy_ops), "2", 1, NA_POLICY_OPS_MAX, NULL,
     "RandAugment's N: operations per image"},
    {"policy_magnitude", NA_FLOAT, AT(policy_magnitude), "9", 0, NA_POLICY_MAGNITUDE_MAX, NULL,
     "RandAugment's M: how strong they are"},
    {"policy_std", NA_FLOAT, AT(policy_std), "0", 0, NA_POLICY_MAGNITUDE_MAX, NULL,
     "standard deviation of each operation's own magnitude around it"},
    {"erase", NA_FLOAT, AT(erase), "0", 0, 1, NULL,
     "random erasing: how often a box of a training image is replaced by the mean colour"},
    {"erase_min", NA_FLOAT, AT(erase_min), "0.02", 0.001, 1, NULL,
     "smallest share of the image's area that is erased"},
    {"erase_max", NA_FLOAT, AT(erase_max), "0.33", 0.001, 1, NULL,
     "largest share of the image's area that is erased"},
    {"erase_ratio", NA_FLOAT, AT(erase_ratio), "3.3333333333333333", 1, 10, NULL,
     "aspects of the erased box from 1/ratio to ratio"},
    {"cutout", NA_INT, AT(cutout), "0", 0, 4096, NULL,
     "Cutout: side of a square anywhere in a training image that is erased, in pixels; 0: none"},
    {"mixup", NA_FLOAT, AT(mixup), "0", 0, 100, NULL,
     "mixup's alpha: training images and labels are blended with others', shares from Beta(alpha, "
     "alpha); training accuracy is then the dominant label's; 0: none"},
    {"cutmix", NA_FLOAT, AT(cutmix), "0", 0, 100, NULL,
     "CutMix's alpha: boxes of other training images are pasted, areas from Beta(alpha, alpha), and "
     "labels mixed by area; 0: none"},
    {"mix_prob", NA_FLOAT, AT(mix_prob), "1", 0, 1, NULL,
     "how often mixup or cutmix is applied"},
    {"mix_switch", NA_FLOAT, AT(mix_switch), "0.5", 0, 1, NULL,
     "with both mixup and cutmix: how often it is cutmix"},
    {"mix_per", NA_CHOICE, AT(mix_per), "batch", 0, 0, NA_MIX_PER_WORDS,
     "what the kind of mixing, its share and its box are drawn for"},
    {"mean", NA_LIST, AT(mean), "", 0, 1, NULL,
     "per channel, full scale 1; none: ImageNet's for RGB, 0.5 for grey, Fashion-MNIST its own"},
    {"std", NA_LIST, AT(std), "", 0.001, 10, NULL, "per channel, as mean"},
    {"holdout", NA_FLOAT, AT(holdout), "0.1", 0, 0.9, NULL,
     "share of the training images held out when there is no validation set"},
    {"validation", NA_CHOICE, AT(validation), "auto", 0, 0, "auto|holdout",
     "images to validate on. auto: the collection's own, else the held out ones; holdout: held out "
     "from those that auto trains on, so that settings can be tuned without a look at the former"},
    {"limit", NA_INT, AT(limit), "0", 0, INT_MAX, NULL,
     "use at most this many training images, evenly from all classes; 0: all"},
    {"loaders", NA_INT, AT(loaders), "0", 0, 64, NULL,
     "loader threads; 0: half of the processors"},
    {"cache", NA_INT, AT(cache), "1024", 0, 1048576, NULL,
     "MiB of memory for decoded JPEG and PNG files of up to 256x256 pixels, so that later epochs "
     "need not decode them; 0: none"},
    {"damaged", NA_CHOICE, AT(damaged), "fail", 0, 0, "fail|skip",
     "an image that cannot be decoded: fail, or skip it and count"},
    {"seed", NA_INT, AT(seed), "1", 0, INT_MAX, NULL, "of shuffling and augmentation"},
};

const na_settings na_data_settings = {"data", sizeof items / sizeof items[0], items};

/* The readers by na_format; AUTO has none. */
static const struct format {
  const char *word;
  bool (*detect)(const char *path);
  int (*read)(na_dataset *dataset, na_error *err);
} formats[NA_FORMAT_COUNT] = {
#define READER(symbol, word, module, what)                                                         \
  [NA_FORMAT_##symbol] = {word, na_##module##_detect, na_##module##_read},
    NA_DATA_FORMATS(READER)
#undef READER
};

static const char *const fashion_names[10] = {"T-shirt/top", "Trouser", "Pullover", "Dress",
                                              "Coat",        "Sandal",  "Shirt",    "Sneaker",
                                              "Bag",         "Ankle boot"};

/* Mean and std are those of the training images' 47 million pixels. */
static const na_known knowns[] = {
    {"fashion-mnist", "FashionMNIST", "fashion-mnist", "dataset-fashion-mnist", 10, fashion_names,
     0.2860, 0.3530},
};
enum { KNOWNS = sizeof knowns / sizeof knowns[0] };

/* ------------------------------------------------------------------------------------- parts */

int na_part_alloc(na_part *part, long long count, long long bytes, na_error *err)
{
  double need = (double)count * ((double)bytes + sizeof *part->labels);
  double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  if (count < 1 || count >= INT_MAX)
    return na_fail(err, NA_EFORMAT, "a part of %lld images cannot be used", count);
  if (need > memory) {
    na_fail_memory(err, (unsigned long long)need, "the images, kept in memory,");
    return NA_ENOMEM;
  }
  part->count = (long)count;
  part->labels = na_alloc_array((size_t)count, sizeof *part->labels);
  part->pixels = na_alloc_array((size_t)count, (size_t)bytes);
  if (part->labels == NULL || part->pixels == NULL)
    return na_fail_memory(err, (unsigned long long)need, "the images, kept in memory,");
  return NA_OK;
}

void na_part_free(na_part *part)
{
  na_free(part->labels);
  na_free(part->pixels);
  na_free(part->folder);
  na_free(part->states);
  na_free(part->kept);
  na_names_free(&part->names);
}

int na_labels_check(const char *file, const int32_t *labels, long count, long first, int classes,
                    na_error *err)
{
  for (long i = 0; i < count; i++)
    if (labels[i] < 0 || labels[i] >= classes)
      return na_fail(err, NA_EFORMAT, "%s: label %ld of image %ld is out of range 0 to %d", file,
                     (long)labels[i], first + i, classes - 1);
  return NA_OK;
}

/* A class without images would never be learnt, and usually is a mistake in the files. */
static int check_classes(const na_dataset *dataset, na_error *err)
{
  size_t classes = dataset->class_names.count;
  long *counts = na_alloc_array(classes, sizeof *counts);
  if (counts == NULL) return na_fail_memory(err, classes * sizeof *counts, "counting images");
  for (long i = 0; i < dataset->train.count; i++) counts[dataset->train.labels[i]]++;
  int code = NA_OK;
  for (size_t c = 0; code == NA_OK && c < classes; c++)
    if (counts[c] == 0)
      code = na_fail(err, NA_EFORMAT, "%s: class %zu, \"%s\", has no images", dataset->path, c,
                     na_names_at(&dataset->class_names, c));
  na_free(counts);
  return code;
}

/* ---------------------------------------------------------------------------------- location */

static const char *known_name(const void *list, int i) { return ((const na_known *)list)[i].name; }

/* A known name stands for a folder below that of Debian's data sets. */
static int locate_known(na_dataset *dataset, const na_known *known, na_error *err)
{
  const char *root = getenv("NETAUG_DATASETS");
  dataset->path = na_path_join(root != NULL ? root : "/usr/share/datasets", known->folder);
  if (dataset->path == NULL) return na_fail_memory(err, 256, "a path");
  if (na_path_is_folder(dataset->path)) return NA_OK;
  na_fail(err, NA_EIO, "%s is not installed: there is no folder %s", known->name, dataset->path);
  return na_hint(err, "apt-get install %s", known->package);
}

static int locate(na_dataset *dataset, na_error *err)
{
  const char *path = dataset->data.path;
  struct stat status;
  if (path[0] == '\0') {
    na_fail(err, NA_EINVAL, "data.path is empty");
    return na_hint(err, "give a folder or file of images, or \"%s\"", knowns[0].name);
  }
  for (int i = 0; i < KNOWNS; i++)
    if (strcmp(path, knowns[i].name) == 0) {
      dataset->known = &knowns[i];
      return locate_known(dataset, &knowns[i], err);
    }
  dataset->path = na_strdup(path);
  if (dataset->path == NULL) return na_fail_memory(err, strlen(path), "a path");
  if (stat(path, &status) == 0) return NA_OK;
  na_fail(err, NA_EIO, "%s: %s", path, strerror(errno));
  int near = na_text_nearest(path, KNOWNS, known_name, knowns);
  if (near >= 0) return na_hint(err, "did you mean \"%s\"?", knowns[near].name);
  return na_hint(err, "data.path is a folder or file of images, or \"%s\"", knowns[0].name);
}

static int find_name(na_dataset *dataset, na_error *err)
{
  dataset->name = na_path_last(dataset->path);
  if (dataset->name == NULL) return na_fail_memory(err, strlen(dataset->path), "a name");
  for (int i = 0; dataset->known == NULL && i < KNOWNS; i++)
    if (strcasecmp(dataset->name, knowns[i].name) == 0 ||
        strcasecmp(dataset->name, knowns[i].alias) == 0)
      dataset->known = &knowns[i];
  return NA_OK;
}

static int detect(na_dataset *dataset, na_error *err)
{
  dataset->format = (na_format)dataset->data.format;
  for (int i = 1; dataset->format == NA_FORMAT_AUTO && i < NA_FORMAT_COUNT; i++)
    if (formats[i].detect(dataset->path)) dataset->format = (na_format)i;
  if (dataset->format != NA_FORMAT_IDX) dataset->known = NULL;
  if (dataset->format != NA_FORMAT_AUTO) return NA_OK;
  na_fail(err, NA_EFORMAT, "%s: not a collection of images in a known format", dataset->path);
  return na_hint(err, "data.path takes " NA_DATA_FORMATS(FORMAT_WHAT) "or a known name");
}

/* -------------------------------------------------------------------------------- shape, colour */

static int check_data(const na_data *data, na_error *err)
{
  if (data->batch < 1) return na_fail(err, NA_EINVAL, "data.batch must be at least 1");
  if (data->channels != 0 && data->channels != 1 && data->channels != 3)
    return na_fail(err, NA_EINVAL, "data.channels takes 0, 1 or 3, but got %d", data->channels);
  if (data->validation == NA_VALIDATION_HOLDOUT && !(data->holdout > 0)) {
    na_fail(err, NA_EINVAL, "data.validation is holdout, but data.holdout is 0");
    return na_hint(err, "set data.holdout to a share of the training images, e.g. 0.1");
  }
  if (data->scale_min > data->scale_max)
    return na_fail(err, NA_EINVAL, "data.scale_min, %g, is larger than scale_max, %g",
                   data->scale_min, data->scale_max);
  if (data->erase_min > data->erase_max)
    return na_fail(err, NA_EINVAL, "data.erase_min, %g, is larger than erase_max, %g",
                   data->erase_min, data->erase_max);
  if ((data->mixup > 0 || data->cutmix > 0) && data->batch == 1) {
    na_fail(err, NA_EINVAL, "data.%s mixes images of a batch, but data.batch is 1",
            data->mixup > 0 ? "mixup" : "cutmix");
    return na_hint(err, "set data.batch to a multiple of 16, or data.mixup and data.cutmix to 0");
  }
  if (data->format < 0 || data->format >= NA_FORMAT_COUNT || data->size < 0 || data->limit < 0 ||
      data->cache < 0)
    return na_fail(err, NA_EINVAL, "data: settings out of range");
  return NA_OK;
}

static double jitter_strength(double given, const na_transform *t, double automatic)
{
  if (given >= 0) return given;
  return t->kind == NA_AUGMENT_RESIZED && t->policy.kind == NA_POLICY_NONE ? automatic : 0;
}

/* What a training image meets after its crop. */
static void add_operations(const na_data *data, na_transform *t)
{
  t->policy = (na_policy){(na_policy_kind)data->policy, data->policy_ops, data->policy_magnitude,
                          data->policy_std};
  t->jitter[NA_BRIGHTNESS] = jitter_strength(data->brightness, t, 32.0 / 255);
  t->jitter[NA_SATURATION] = jitter_strength(data->saturation, t, 0.5);
  t->jitter[NA_CONTRAST] = data->contrast;
  t->erase = data->erase;
  t->erase_min = data->erase_min;
  t->erase_max = data->erase_max;
  t->erase_ratio = data->erase_ratio;
  t->cutout = data->cutout;
}

static int make_transforms(na_dataset *dataset, na_error *err)
{
  enum { SMALL = 64 };
  const na_data *data = &dataset->data;
  na_transform *t = &dataset->train_transform;
  t->channels = data->channels != 0 ? data->channels : dataset->stored_channels;
  t->height = data->size != 0 ? data->size : dataset->stored_height;
  t->width = data->size != 0 ? data->size : dataset->stored_width;
  if (t->height == 0) {
    na_fail(err, NA_EINVAL, "%s: its images differ in size", dataset->path);
    return na_hint(err, "set data.size to the network's resolution, e.g. size = 160");
  }
  bool small = t->height <= SMALL && t->width <= SMALL;
  t->kind = (na_augment)data->augment;
  if (t->kind == NA_AUGMENT_AUTO) t->kind = small ? NA_AUGMENT_CROP : NA_AUGMENT_RESIZED;
  t->pad = data->crop;
  if (t->kind == NA_AUGMENT_CROP && (t->pad >= t->height || t->pad >= t->width))
    return na_fail(err, NA_EINVAL, "data.crop is %d, too much for images of %dx%d", t->pad,
                   t->height, t->width);
  t->flip = data->flip;
  t->scale_min = data->scale_min;
  t->scale_max = data->scale_max;
  t->ratio = data->ratio;
  add_operations(data, t);
  dataset->val_transform = *t;
  return NA_OK;
}

/* Mean or std of a channel: as set (one value serves all), else the collection's, else usual. */
static double statistic(const na_list *given, int channel, double own, double rgb, double grey,
                        int channels)
{
  if (given->count != 0) return given->values[given->count == 1 ? 0 : channel];
  if (own > 0) return own;
  return channels == 3 ? rgb : grey;
}

static int make_normal(na_dataset *dataset, na_error *err)
{
  static const double mean_rgb[3] = {0.485, 0.456, 0.406}, std_rgb[3] = {0.229, 0.224, 0.225};
  const na_data *data = &dataset->data;
  const na_known *known = dataset->known;
  int channels = dataset->train_transform.channels;
  const na_list *lists[2] = {&data->mean, &data->std};
  for (int i = 0; i < 2; i++)
    if (lists[i]->count > 1 && lists[i]->count != channels)
      return na_fail(err, NA_EINVAL, "data.%s has %d values for %d channels", i ? "std" : "mean",
                     lists[i]->count, channels);
  for (int c = 0; c < channels; c++) {
    double mean = statistic(&data->mean, c, known ? known->mean : 0, mean_rgb[c], 0.5, channels);
    double std = statistic(&data->std, c, known ? known->std : 0, std_rgb[c], 0.5, channels);
    dataset->mean[c] = mean;
    dataset->std[c] = std;
    dataset->train_transform.blank[c] = (uint8_t)lrint(255 * mean);
    for (int v = 0; v < 256; v++) dataset->normal[c][v] = (float)((v / 255.0 - mean) / std);
  }
  return NA_OK;
}

static int write_statistic(const double *values, int channels, char **text, na_error *err)
{
  static const na_setting form = {.type = NA_LIST};
  na_list list = {.count = channels};
  na_buffer out = {0};
  for (int c = 0; c < channels; c++) list.values[c] = values[c];
  na_settings_write(&form, &list, &out);
  *text = out.data;
  return out.failed ? na_fail_memory(err, out.length, "the data's mean") : NA_OK;
}

static int write_normal(na_dataset *dataset, na_error *err)
{
  int channels = dataset->train_transform.channels;
  int code = write_statistic(dataset->mean, channels, &dataset->mean_text, err);
  return code == NA_OK ? write_statistic(dataset->std, channels, &dataset->std_text, err) : code;
}

/* ------------------------------------------------------------------------------------- public */

static int list_classes(na_dataset *dataset, na_error *err)
{
  size_t count = dataset->class_names.count;
  dataset->classes = na_alloc_array(count, sizeof *dataset->classes);
  if (dataset->classes == NULL)
    return na_fail_memory(err, count * sizeof *dataset->classes, "class names");
  for (size_t i = 0; i < count; i++) dataset->classes[i] = na_names_at(&dataset->class_names, i);
  return NA_OK;
}

static int prepare_cache(na_dataset *dataset, na_error *err)
{
  dataset->keep_bytes = (size_t)dataset->data.cache << 20;
  if (dataset->keep_bytes == 0) return NA_OK;
  int code = na_kept_prepare(&dataset->train, err);
  return code == NA_OK ? na_kept_prepare(&dataset->val, err) : code;
}

static int open_dataset(na_dataset *dataset, na_error *err)
{
  int code = check_data(&dataset->data, err);
  if (code == NA_OK) code = locate(dataset, err);
  if (code == NA_OK) code = find_name(dataset, err);
  if (code == NA_OK) code = detect(dataset, err);
  if (code == NA_OK) code = formats[dataset->format].read(dataset, err);
  if (code == NA_OK) code = check_classes(dataset, err);
  if (code == NA_OK) code = list_classes(dataset, err);
  if (code == NA_OK) code = make_transforms(dataset, err);
  if (code == NA_OK) code = make_normal(dataset, err);
  if (code == NA_OK) code = write_normal(dataset, err);
  if (code == NA_OK) code = na_dataset_split(dataset, err);
  if (code == NA_OK) code = prepare_cache(dataset, err);
  return code;
}

int na_dataset_open(na_dataset **out, const na_data *data, na_error *err)
{
  *out = NULL;
  na_dataset *dataset = na_alloc(sizeof *dataset);
  if (dataset == NULL) return na_fail_memory(err, sizeof *dataset, "a collection");
  pthread_mutex_init(&dataset->mutex, NULL);
  dataset->data = *data;
  int code = open_dataset(dataset, err);
  if (code != NA_OK) na_dataset_free(dataset);
  else *out = dataset;
  return code;
}

void na_dataset_free(na_dataset *dataset)
{
  if (dataset == NULL) return;
  na_part_free(&dataset->train);
  na_part_free(&dataset->val);
  na_kept_free(dataset);
  na_names_free(&dataset->class_names);
  na_free(dataset->classes);
  na_free(dataset->mean_text);
  na_free(dataset->std_text);
  for (int i = 0; i < 2; i++) na_free(dataset->subset[i].index);
  na_free(dataset->path);
  na_free(dataset->name);
  pthread_mutex_destroy(&dataset->mutex);
  na_free(dataset);
}

void na_dataset_reseed(na_dataset *dataset, int seed) { dataset->data.seed = seed; }

int na_dataset_source(na_dataset *dataset, na_split split, long images, na_source **source,
                      na_error *err)
{
  *source = NULL;
  if (split == NA_SPLIT_VAL && dataset->subset[NA_SPLIT_VAL].count == 0) {
    na_fail(err, NA_EINVAL, "%s has no validation images", dataset->path);
    return na_hint(err, "set data.holdout to hold out a share of the training images");
  }
  return na_loader_new(dataset, split, images, source, err);
}

void na_dataset_describe(na_dataset *dataset, na_dataset_info *info)
{
  const na_transform *t = &dataset->train_transform;
  *info = (na_dataset_info){
      .name = dataset->known != NULL ? dataset->known->name : dataset->name,
      .format = formats[dataset->format].word,
      .channels = t->channels,
      .height = t->height,
      .width = t->width,
      .classes = (int)dataset->class_names.count,
      .train = dataset->subset[NA_SPLIT_TRAIN].count,
      .val = dataset->subset[NA_SPLIT_VAL].count,
      .class_names = dataset->classes,
  };
  memcpy(info->mean, dataset->mean, sizeof info->mean);
  memcpy(info->std, dataset->std, sizeof info->std);
  pthread_mutex_lock(&dataset->mutex);
  info->skipped = dataset->skipped;
  info->first_skipped = dataset->skipped != 0 ? dataset->first_skipped : NULL;
  pthread_mutex_unlock(&dataset->mutex);
}

void na_dataset_count(const na_dataset *dataset, na_split split, long *counts)
{
  const na_subset *subset = &dataset->subset[split == NA_SPLIT_VAL ? NA_SPLIT_VAL : NA_SPLIT_TRAIN];
  for (size_t c = 0; c < dataset->class_names.count; c++) counts[c] = 0;
  for (long i = 0; i < subset->count; i++) counts[subset->part->labels[subset->index[i]]]++;
}
