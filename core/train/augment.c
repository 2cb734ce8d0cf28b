/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train/augment.h"
#include "core/net/net.h"

#include <stddef.h>

#define AUGMENT(name, type, field, initial, min, max, help)                                        \
  {                                                                                                \
    name, type, offsetof(na_augmentation, field), initial, min, max, NULL, help                    \
  }
static const na_setting augment_items[] = {
    AUGMENT("width", NA_LIST, width, "", 1, 64, "width multipliers, the first 1"),
    AUGMENT("expand", NA_LIST, expand, "", 1, 64, "expand multipliers, the first 1"),
    AUGMENT("r", NA_FLOAT, r, "0", 0, 64,
            "augmentation factor: the largest multiplier of both lists; 0: the lists say it"),
    AUGMENT("s", NA_INT, s, "2", 0, 15, "diversity factor: s + 1 multipliers from 1 to r"),
};
#undef AUGMENT
const na_settings na_augment_settings = {"augment", sizeof augment_items / sizeof augment_items[0],
                                         augment_items};

static int check_first(const char *name, const na_list *list, na_error *err)
{
  if (list->count == 0 || list->values[0] == 1.0) return NA_OK;
  na_fail(err, NA_EINVAL, "augment.%s begins with %g, but must begin with 1, the tiny network",
          name, list->values[0]);
  return na_hint(err, "as in { 1, %g }", list->values[0] > 1.0 ? list->values[0] : 2.0);
}

int na_augment_resolve(na_augmentation *augment, na_error *err)
{
  if (augment->r != 0.0) {
    if (augment->width.count > 0 || augment->expand.count > 0) {
      na_fail(err, NA_EINVAL, "augment has both r and a list of multipliers");
      return na_hint(err, "r and s make both lists; give either them or width and expand");
    }
    int code = na_list_spaced(augment->r, augment->s, &augment->width, err);
    augment->expand = augment->width;
    augment->r = 0.0;
    return code;
  }
  int code = check_first("width", &augment->width, err);
  return code == NA_OK ? check_first("expand", &augment->expand, err) : code;
}
