/* The recipe's numbers: names, defaults (the paper's), ranges.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/trainer.h"

#include <limits.h>

#define AT(field) offsetof(na_train, field)
#define FLAG(field, initial, help)                                                                 \
  {                                                                                                \
#field, NA_BOOL, AT(field), initial, 0, 0, NULL, help                                          \
  }
#define COUNT(field, initial, min, max, help)                                                      \
  {                                                                                                \
#field, NA_INT, AT(field), initial, min, max, NULL, help                                       \
  }
#define NUMBER(field, initial, min, max, help)                                                     \
  {                                                                                                \
#field, NA_FLOAT, AT(field), initial, min, max, NULL, help                                     \
  }

/* Choices list their words in the order of na_schedule, na_phase and na_init. */
static const na_setting items[] = {
    COUNT(epochs, "150", 0, 100000, "main epochs, after warm-up"),
    COUNT(warmup, "5", 0, 10000, "warm-up epochs, before the main ones"),
    NUMBER(lr, "0.025", 0, 1e9, "base learning rate, per worker"),
    COUNT(workers, "1", 1, 65536, "the learning rate is multiplied by it; warm-up leads up to it"),
    {"schedule", NA_CHOICE, AT(schedule), "cosine", 0, 0,
     "cosine|constant|exponential", "how the learning rate goes after warm-up: cosine to 0"},
    NUMBER(lr_end, "0", 0, 1e300, "schedule exponential: what the learning rate goes to, per worker"),
    NUMBER(momentum, "0.9", 0, 1, "momentum of the optimizer"),
    FLAG(nesterov, "true", "look ahead by the momentum (Nesterov)"),
    NUMBER(weight_decay, "4e-5", 0, 1, "decay of weights; biases and norms never decay"),
    NUMBER(label_smoothing, "0.1", 0, 0.999,
           "share of the target spread over all classes in training"),
    NUMBER(alpha, "1", 0, 1000, "weight of the augmented losses"),
    COUNT(networks, "1", 0, 64, "sub-networks drawn per step; 0 trains the base alone"),
    COUNT(min_w_epochs, "-1", -1, 100000,
          "last epochs with widths held at base; -1 for 75 of 155, in proportion"),
    COUNT(min_e_epochs, "0", 0, 100000, "epochs after those with expands held at base"),
    COUNT(off_epochs, "0", 0, 100000, "last epochs, without augmentation"),
    {"phase", NA_CHOICE, AT(phase), "auto", 0, 0, "auto|plain|random|min_w|min_e|off",
     "hold this phase throughout; auto: as the epochs say"},
    FLAG(sort, "true", "sort channels at the start of each epoch of the random phase"),
    FLAG(sort_momentum, "true", "momentum moves with its channels when they are sorted"),
    NUMBER(dropout, "-1", -1, 0.99, "dropout before the classifier; negative: as the model says"),
    NUMBER(dropblock, "0", 0, 0.9,
           "share of values that DropBlock drops in the last stage (1 - keep_prob)"),
    COUNT(dropblock_size, "7", 1, 63, "side of DropBlock's squares, odd"),
    COUNT(dropblock_stages, "2", 1, 64,
          "last stages with DropBlock; each drops a quarter of what the next one does"),
    {"dropblock_schedule", NA_CHOICE, AT(dropblock_schedule), "linear", 0, 0, "linear|constant",
     "DropBlock's share grows from 0 over the whole training, or is there at once"},
    {"init", NA_CHOICE, AT(init), "auto", 0, 0, "auto|kaiming_uniform|normal|base_uniform|base_normal",
     "initial weights of convolutions; base_: scaled by the base's width, so that supernets of any "
     "width begin with the same base"},
    {"init_from", NA_TEXT, AT(init_from), "", 0, 0, NULL,
     "checkpoint to begin with: every tensor that fits; with other classes, a new classifier"},
    {"freeze", NA_TEXT, AT(freeze), "", 0, 0, NULL,
     "what is not trained: names or beginnings of names, separated by commas (backbone)"},
    FLAG(freeze_norm, "true", "norms of frozen layers keep their statistics and normalise by them"),
    NUMBER(bn_momentum, "0.1", 0, 1, "share of a batch in the running statistics"),
    COUNT(calibrate, "16000", 0, INT_MAX,
          "images to re-estimate BatchNorm statistics on; 0: none, validation uses those of the training"),
    COUNT(eval_every, "1", 1, 100000,
          "epochs between evaluations; the last epoch is always evaluated"),
    FLAG(eval_augmented, "true", "also evaluate the widest network"),
    COUNT(save_every, "0", 0, 100000, "epochs between checkpoints that stay; 0 for none"),
    COUNT(keep, "3", 0, 100000, "how many of those are kept; 0 for all"),
    NUMBER(save_minutes, "10", 0, 1e6,
           "minutes between two writings of last.h5 within an epoch; 0 for none"),
    {"precision", NA_CHOICE, AT(precision), "float32", 0, 0, NA_PRECISION_WORDS,
     "bf16: training steps round the factors of dense convolutions, and store what lies within inverted "
     "blocks so: faster where the processor has it; sums, weights, statistics and evaluation are float32"},
    COUNT(seed, "0", 0, INT_MAX, "of initial weights, draws and dropout"),
    COUNT(threads, "0", 0, 1024, "compute threads; 0 for one per processor"),
};

const na_settings na_train_settings = {"train", sizeof items / sizeof items[0], items};
