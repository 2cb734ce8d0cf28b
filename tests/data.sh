# Makes a small data set of IDX files for the shell tests: 200 training and 40 validation images of
# 16x16, ten classes, each class its own grey with some pattern. Source it.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# big_endian N: four bytes, as printf escapes.
big_endian()
{
  printf '\\%03o\\%03o\\%03o\\%03o' $(($1 / 16777216)) $(($1 / 65536 % 256)) $(($1 / 256 % 256)) \
    $(($1 % 256))
}

# image CLASS: 256 bytes, two greys in turn.
image()
{
  pixels="\\$(printf '%03o' $(($1 * 25)))\\$(printf '%03o' $((250 - $1 * 20)))"
  for _ in 1 2 3 4 5 6 7; do pixels=$pixels$pixels; done
  # shellcheck disable=SC2059 # the escapes are the point
  printf "$pixels"
}

# idx FOLDER PREFIX TENS: TENS times one image of each class, and the labels.
idx()
{
  # shellcheck disable=SC2059
  {
    printf "$(big_endian 2051)$(big_endian $((10 * $3)))$(big_endian 16)$(big_endian 16)"
    for _ in $(seq "$3"); do cat "$1/ten"; done
  } >"$1/$2-images-idx3-ubyte"
  # shellcheck disable=SC2059
  {
    printf "$(big_endian 2049)$(big_endian $((10 * $3)))"
    for _ in $(seq "$3"); do printf '\0\1\2\3\4\5\6\7\10\11'; done
  } >"$1/$2-labels-idx1-ubyte"
}

# make_data FOLDER
make_data()
{
  mkdir -p "$1"
  for class in 0 1 2 3 4 5 6 7 8 9; do image "$class"; done >"$1/ten"
  idx "$1" train 20
  idx "$1" t10k 4
  rm "$1/ten"
}
