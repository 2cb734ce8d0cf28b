#!/bin/sh
# netaug inspect and netaug diff from outside: files of h5py, mistakes, pipes.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
LC_ALL=C.UTF-8
export LC_ALL
python=/usr/bin/python3

if $python "$NETAUG_SRCDIR/tests/h5py_files.py" typical "$scratch/typical.h5" 2>/dev/null; then
  $python "$NETAUG_SRCDIR/tests/h5py_files.py" odd "$scratch/odd.h5"
  # ------------------------------------------------------------------------------ the tree
  try "$netaug" inspect "$scratch/typical.h5"
  check "the tree has groups" says "$out" "    dense/                              1 member"
  check "and attributes" says "$out" "@weight_names = [dense/kernel:0, dense/bias:0]"
  check "and shapes, types and sizes" says "$out" "kernel:0                        [64,10]  float32  2.50 KiB"
  check "and filters" says "$out" "shuffle, deflate 4"
  check "and tables" says "$out" "{a int32, b float64, c text of 4}"
  check "and half floats" says "$out" "[5]  float16  10 B"
  check "a dangling link is called so" says "$out" "-> /none  (leads nowhere)"
  check "a link to another file is not followed" says "$out" "-> other.h5:/x  (another file, not followed)"
  try "$netaug" inspect "$scratch/typical.h5" --depth 1
  check "--depth limits it" [ -z "$(printf '%s\n' "$out" | grep 'dense/')" ]
  try "$netaug" inspect "$scratch/odd.h5"
  check "odd things, 1,200 groups deep and in a circle, end" [ "$status" = 0 ]
  check "the circle is told" says "$out" "= /"
  check "a name's control characters are not printed" says "$out" "bell ? and?line"
  check "what lies in other files is told" says "$out" "its values lie in other files, which are not opened"
  check "an unknown filter is told" says "$out" "they are packed with lzf, which is not here"
  check "a file that was not filled costs nothing" says "$out" "[1000000,1000000]  float32  0 B"
  check "attributes of other types" says "$out" "@tenth = 0.1"

  # ---------------------------------------------------------------------------- an object
  try "$netaug" inspect "$scratch/typical.h5" half
  check "a half float's values" says "$out" "   0 0.5  -2 inf nan"
  check "its statistics leave out what is not finite" says "$out" "1 not a number, 1 infinite"
  try "$netaug" inspect "$scratch/typical.h5" model_weights/dense/dense/kernel:0 --slice 1,2:4
  check "a slice" says "$out" " 0.1875 0.203125"
  try "$netaug" inspect "$scratch/typical.h5" soft
  check "a soft link leads to its object" says "$out" "shape       [100,20]"
  try "$netaug" inspect "$scratch/typical.h5" table --field b
  check "a table's field" says "$out" "min, max    2.5, 3.5"
  try "$netaug" inspect "$scratch/typical.h5" reference
  check "a reference" says "$out" "/packed"
  try "$netaug" inspect "$scratch/odd.h5" huge --slice -1,-1
  check "a slice of 4 TB" says "$out" "values [999999,999999]"
  try "$netaug" inspect "$scratch/typical.h5" --sort l2
  check "tensors sorted by a statistic" says "$(printf '%s\n' "$out" | sed -n 2p)" "/model_weights/dense/dense/kernel:0"
  try "$netaug" inspect "$scratch/typical.h5" --sort values --reverse
  check "and the other way round" says "$(printf '%s\n' "$out" | sed -n 2p)" "[3]"

  # ------------------------------------------------------------------------------ diff
  try "$netaug" diff "$scratch/typical.h5" "$scratch/typical.h5"
  check "a file does not differ from itself" [ "$status" = 0 ]
  check "and its arrays are counted" says "$out" "arrays are equal"
  cat >"$scratch/change.py" <<'P'
import sys, h5py
with h5py.File(sys.argv[1], "a") as f:
    f["model_weights/dense/dense/kernel:0"][1, 1] += 1
    f["names"][1] = "other"
    del f["half"]
    del f["flags"]
    f["flags"] = [1, 2]
    f.create_group("new/er")
    f["new/er/one"] = 1
    f.attrs["keras_version"] = "3"
    f.attrs["settings"] = "train.lr = 0.1\ntrain.epochs = 3"
with h5py.File(sys.argv[2], "a") as f:
    f.attrs["settings"] = "train.lr = 0.05\ntrain.epochs = 3"
P
  cp "$scratch/typical.h5" "$scratch/changed.h5"
  $python "$scratch/change.py" "$scratch/changed.h5" "$scratch/typical.h5"
  try "$netaug" diff "$scratch/typical.h5" "$scratch/changed.h5"
  check "a changed one does: status 1" [ "$status" = 1 ]
  check "settings" says "$out" "  train.lr                         0.05 -> 0.1"
  check "but not those that are equal" [ -z "$(printf '%s\n' "$out" | grep train.epochs)" ]
  check "attributes" says "$out" "@keras_version                   2.9.0 -> 3"
  check "tensors by relative change" says "$out" "0.006855          1  [64,10]            /model_weights/dense/dense/kernel:0"
  check "other values" says "$out" "/names  1 of 3 values differ"
  check "what only one has" says "$out" "/half  [5] float16"
  check "a group at once" says "$out" "/new  group of 1"
  check "of another shape" says "$out" "/flags                           [3] bool -> [2] int64"
  try "$netaug" diff "$scratch/typical.h5" "$scratch/changed.h5" --all
  check "--all lists what is equal" says "$out" "/packed"
  try "$netaug" diff "$scratch/typical.h5" "$scratch/changed.h5" --quiet
  check "--quiet says it by status" [ "$status$out" = 1 ]

  # ------------------------------------------------------------------------------ mistakes
  refuses "a misspelt path" 1 'there is no "hafl" in /' "$netaug" inspect "$scratch/typical.h5" hafl
  check "and the hint knows better" says "$err" 'did you mean "half"?'
  refuses "a slice beyond the array" 1 "beyond the array" "$netaug" inspect "$scratch/typical.h5" packed --slice 100
  refuses "a slice of nothing" 1 "--slice needs the path" "$netaug" inspect "$scratch/typical.h5" --slice 1
  refuses "an axis too many" 1 "no axis 2" "$netaug" inspect "$scratch/typical.h5" packed --axis 2
  refuses "a field that is not there" 1 'no field of numbers called "x"' \
    "$netaug" inspect "$scratch/typical.h5" table --field x
  check "and the hint lists those that are" says "$err" "it has a, b"
  head -c 3000 "$scratch/typical.h5" >"$scratch/cut.h5"
  refuses "a file that is cut" 1 "cut.h5" "$netaug" inspect "$scratch/cut.h5"
else
  echo "SKIPPED, NOT TESTED: files of h5py (python3-h5py is missing)"
fi
refuses "no file" 1 "No such file" "$netaug" inspect "$scratch/none.h5"
refuses "no HDF5 file" 1 "is not an HDF5 file" "$netaug" inspect "$NETAUG_SRCDIR/tests/check.sh"
refuses "a comparison of a file and a folder" 2 "a folder and a file cannot be compared" \
  "$netaug" diff "$scratch" "$NETAUG_SRCDIR/tests/check.sh"
refuses "a comparison with what is not there" 2 "No such file" "$netaug" diff "$scratch/none.h5" "$scratch/none.h5"

# ------------------------------------------------------------------------------- the screen
if command -v tmux >/dev/null && [ -f "$scratch/typical.h5" ]; then
  . "$NETAUG_SRCDIR/tests/terminal.sh"
  cat >"$scratch/go" <<G
#!/bin/sh
unset NO_COLOR
export NETAUG_LUA='$(cd "$NETAUG_LUA" && pwd)' LC_ALL=C.UTF-8 LSAN_OPTIONS='${LSAN_OPTIONS:-}'
'$(cd "$(dirname "$netaug")" && pwd)/netaug' inspect '$scratch/typical.h5'
echo "status \$?"
if stty -a | grep -q ' icanon' && stty -a | grep -q ' echo '; then echo "the terminal is sane"; fi
sleep 100
G
  chmod +x "$scratch/go"
  open 80 24 "$scratch/go"
  sees "a screen opens on a terminal" "─ typical.h5 ─"
  press / packed Enter
  press p p
  sees "with statistics of what is selected" "mean, std"
  press =
  sees "a slice is typed" "slice [now :,:]"
  press 3,: Enter
  sees "slices" "values [3,:]"
  press t
  sees "a table of tensors" "tensors by file"
  press ?
  sees "and help" "open a group"
  mux resize-window -t s -x 40 -y 12
  press ?
  sees "as small as 40 x 12" "tensors by file"
  press q
  sees "it leaves" "status 0"
  sees "and hands the terminal back" "the terminal is sane"
else
  echo "SKIPPED, NOT TESTED: the inspector on a terminal (tmux or python3-h5py is missing)"
fi

finish
