/* What a supernet would cost with other lists of candidates, before they are set.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_FORECAST_H
#define NA_FORECAST_H

#include "core/net/net.h"

/* For one image. The mean is over NA_FORECAST_DRAWS draws with a fixed seed. */
typedef struct na_forecast {
  na_cost base, mean, widest;
  long long base_peak, mean_peak, widest_peak; /* na_net_peak_activation */
  bool fits; /* the network has that many channels: the lists can be set */
} na_forecast;

enum { NA_FORECAST_DRAWS = 128 };

/* Fills it for sub-networks drawn by `sampling`. Lists may be wider than the network was built for. Of
 * net only what never changes is read, so a training may go on. Lists that are none (a multiplier below
 * 1, more channels than any network has) are refused. */
int na_net_forecast(const na_net *net, const na_list *width, const na_list *expand,
                    na_sampling sampling, na_forecast *out, na_error *err);

#endif
