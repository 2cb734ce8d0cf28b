/* Layout of a packed collection, an HDF5 file that h5py reads as it is:
 *   attributes of /: format = "netaug-images", version = 1, name, class_names (strings)
 *   train/images uint8 [n][height][width][channels], train/labels int32 [n]; val/ likewise, if any
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_PACKED_H
#define NA_PACKED_H

#define NA_PACKED_FORMAT "netaug-images"
enum { NA_PACKED_VERSION = 1 };

#endif
