/* What is in any HDF5 file, whoever wrote it: groups, datasets, links, attributes, types, and parts of
 * the values. Nothing is read before it is asked for, so a file of any size opens at once.
 *
 * Links to other files are described, never followed. HDF5 itself does not survive every damaged file:
 * for files that are not ours, read through reader.h, which does the same in another process.
 * Results are flat: one block without pointers inside, freed with na_free.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NA_OBJECT_H
#define NA_OBJECT_H

#include "core/base/text.h"
#include "core/store/h5.h"

#include <stdbool.h>

enum { NA_H5_RANK_MOST = 32, NA_H5_TYPE_TEXT = 200, NA_H5_FLAT_MOST = 8 << 20 };

/* X(symbol, what it is called): what a link leads to, or is. */
#define NA_H5_KINDS(X)                                                                             \
  X(GROUP, "group")                                                                                \
  X(DATASET, "dataset")                                                                            \
  X(TYPE, "named type")                                                                            \
  X(SOFT, "soft link")                                                                             \
  X(EXTERNAL, "external link")                                                                     \
  X(STRANGE, "unknown object")

typedef enum na_h5_kind {
#define NA_H5_KIND_ENUM(symbol, words) NA_H5_KIND_##symbol,
  NA_H5_KINDS(NA_H5_KIND_ENUM)
#undef NA_H5_KIND_ENUM
} na_h5_kind;

const char *na_h5_kind_words(na_h5_kind kind);

/* A group's members in the order of their names: `count` of the `total`, which are fewer where more
 * than NA_H5_FLAT_MOST bytes would be needed. */
typedef struct na_h5_member {
  int kind;           /* na_h5_kind */
  uint64_t address;   /* of the object; what has the same is the same. 0 for links */
  size_t name, target; /* see na_h5_member_name, na_h5_member_target */
} na_h5_member;
typedef struct na_h5_list {
  size_t bytes, count, total;
  na_h5_member members[];
} na_h5_list;

/* Lists the group at path ("/" for the root). *list is allocated. */
int na_h5_list_group(na_h5 *file, const char *path, na_h5_list **list, na_error *err);
const char *na_h5_member_name(const na_h5_list *list, size_t i);
/* Where a soft or external link ("FILE:/PATH") points to, else "". */
const char *na_h5_member_target(const na_h5_list *list, size_t i);

/* Everything about an object but its values. */
typedef struct na_h5_about {
  int kind;               /* na_h5_kind: of the object, or of the link where it is one */
  uint64_t address;
  unsigned links;         /* names that the object has in its file */
  long long members;      /* of a group */
  long long attributes;
  char target[1024];      /* of a link */
  bool dangling;          /* a soft link that leads nowhere, or to a link */
  /* Of a dataset; the type also of a named type. */
  char type[NA_H5_TYPE_TEXT]; /* "float32", "text", "{x float32, y int8}" */
  char fields[256];       /* of a compound: names of the fields that are numbers, each ended by a newline */
  size_t item;            /* bytes of an element */
  bool numbers;           /* na_h5_part_numbers reads it */
  bool whole;             /* integers, truth values, enumerations */
  int rank;               /* 0: a single value; -1: it has no values (HDF5's null) */
  long long dims[NA_H5_RANK_MOST], most[NA_H5_RANK_MOST]; /* most: -1 grows without limit */
  long long chunk[NA_H5_RANK_MOST];                       /* chunk[0] 0: not in chunks */
  char layout[16];        /* "contiguous", "compact", "chunked", "virtual", "external" */
  char filters[128];      /* "shuffle, deflate 4", or "" */
  char trouble[128];      /* why its values cannot be read, or "" */
  double count;           /* elements */
  double stored;          /* bytes in the file */
} na_h5_about;

/* Describes the object, or the link, at path. */
int na_h5_describe(na_h5 *file, const char *path, na_h5_about *about, na_error *err);

/* Part of a dataset: in dimension i `count[i]` elements from first[i] on, step[i] apart. */
typedef struct na_h5_part {
  int rank;
  long long first[NA_H5_RANK_MOST], count[NA_H5_RANK_MOST], step[NA_H5_RANK_MOST];
  char field[64]; /* of a compound: the numbers of this field; "" for plain numbers */
} na_h5_part;

/* All of a dataset. */
void na_h5_part_all(na_h5_part *part, const na_h5_about *about);
/* Elements of a part; -1 when they are too many to count. */
long long na_h5_part_count(const na_h5_part *part);

/* The part's values as doubles, the last dimension fastest, into out[room]. Integers and floats of any
 * size and byte order, half precision too, truth values and enumerations; NA_EFORMAT for others. */
int na_h5_part_numbers(na_h5 *file, const char *path, const na_h5_part *part, double *out,
                       size_t room, na_error *err);

/* The part's values, of whatever type, as texts, each ended by NUL, at most `each` bytes long;
 * appended to out. */
int na_h5_part_texts(na_h5 *file, const char *path, const na_h5_part *part, size_t each,
                     na_buffer *out, na_error *err);

/* The attributes of the object at path in the order of their names, each as three texts ended by
 * NUL: name, type with shape, and values of at most `each` bytes. Appended to out. */
int na_h5_attribute_texts(na_h5 *file, const char *path, size_t each, na_buffer *out,
                          na_error *err);

#endif
