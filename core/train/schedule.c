/* Learning rate and phases: functions of the position alone, so that a resumed run agrees.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/trainer_private.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

/* Warm-up: from lr to lr * workers, linearly. Then cosine to zero over the main epochs:
 * lr * workers * (1 + cos(pi * done)) / 2; or exponentially to lr_end * workers. */
double na_learning_rate(const na_train *train, long step, long steps_per_epoch)
{
  double warm = (double)train->warmup * (double)steps_per_epoch;
  double rest = (double)train->epochs * (double)steps_per_epoch, peak = train->lr * train->workers;
  if ((double)step < warm) return train->lr + (peak - train->lr) * (double)step / warm;
  if (train->schedule == NA_SCHEDULE_CONSTANT) return peak;
  double done = rest > 0 ? fmin(((double)step - warm) / rest, 1.0) : 1.0;
  if (train->schedule == NA_SCHEDULE_EXPONENTIAL)
    return peak * pow(train->lr_end / train->lr, done);
  return peak * 0.5 * (1.0 + cos(PI * done));
}

double na_drop_share(const na_train *train, long step, long steps)
{
  return train->dropblock_schedule == NA_DROP_CONSTANT ? 1 : (double)step / (double)steps;
}

int na_min_w_epochs(const na_train *train)
{
  if (train->min_w_epochs >= 0) return train->min_w_epochs;
  int total = train->warmup + train->epochs;
  int share = (int)floor(total * (75.0 / 155.0) + 0.5);
  int room = total - train->min_e_epochs - train->off_epochs;
  return share < room ? share : room > 0 ? room : 0;
}

/* In the order random, min_w, min_e, off; the last three end with the run. */
na_phase na_phase_at(const na_train *train, int epoch)
{
  int left = train->warmup + train->epochs - epoch; /* with this one */
  if (train->networks == 0) return NA_PHASE_PLAIN;
  if (train->phase > 0) return (na_phase)(train->phase - 1);
  if (left <= train->off_epochs) return NA_PHASE_OFF;
  left -= train->off_epochs;
  if (left <= train->min_e_epochs) return NA_PHASE_MIN_E;
  left -= train->min_e_epochs;
  return left <= na_min_w_epochs(train) ? NA_PHASE_MIN_W : NA_PHASE_RANDOM;
}

const char *na_phase_name(na_phase phase)
{
  static const char *const names[] = {[NA_PHASE_PLAIN] = "plain",
                                      [NA_PHASE_RANDOM] = "random",
                                      [NA_PHASE_MIN_W] = "min_w",
                                      [NA_PHASE_MIN_E] = "min_e",
                                      [NA_PHASE_OFF] = "off"};
  return names[phase];
}
