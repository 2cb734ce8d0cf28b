#!/bin/sh
# The engine against the reference fixtures, and check_fixture against files that cannot agree.
# SPDX-License-Identifier: GPL-3.0-or-later
set -u
builddir=${NETAUG_BUILDDIR:-.}
fixtures=${NETAUG_SHARED:-../shared}/fixtures
check=$builddir/tests/check_fixture
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
status=0
report() { # CODE NAME
  if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; status=1; fi
}
refuses() { # NAME WORDS COMMAND...: fails, saying the words
  name=$1; words=$2; shift 2
  if "$@" >"$folder/out" 2>&1; then cat "$folder/out"; report 1 "$name"
  else grep -q -e "$words" "$folder/out"; report $? "$name"; fi
}

refuses no_files "usage:" "$check"
refuses missing_file "No such file" "$check" "$folder/absent.h5"
printf 'not HDF5, but long enough' >"$folder/text.h5"
refuses foreign_file "not an HDF5 file" "$check" "$folder/text.h5"

# Every kind of number must be able to fail: one is changed, or a section removed, in a copy.
spoil() { # FILE PYTHON: runs PYTHON on the copy open as f
  cp "$1" "$folder/spoilt.h5" && chmod u+w "$folder/spoilt.h5" &&
    /usr/bin/python3 -c "import h5py
with h5py.File('$folder/spoilt.h5', 'r+') as f:
  def scale(path, name, by): f[path].attrs[name] = f[path].attrs[name] * by
  def first(path): return path + '/' + list(f[path])[5]
  $2"
}
spoilt() { # FILE WORDS PYTHON
  if spoil "$1" "$3"; then refuses "notices_$(echo "$2" | tr ' /' '__')" "FAILED $2" "$check" "$folder/spoilt.h5"
  else report 1 "spoil_$2"; fi
}
spoil_all() { # FILE
  spoilt "$1" "MACs and parameters" "scale('/', 'base_macs', 2)"
  spoilt "$1" "parameter names" "f.move(first('params'), 'params/other')"
  spoilt "$1" "widths among" "a = f['cases/aug2_min_w'].attrs; w = a['widths']; w[4] += 1; a['widths'] = w"
  spoilt "$1" "logits" "f['cases/aug1_random/logits'][3, 1] += 1e-3"
  spoilt "$1" "losses" "scale('cases/aug3_min_e', 'loss', 1.00001)"
  spoilt "$1" "gradient l2" "scale(first('cases/base/grad'), 'l2', 1.01)"
  spoilt "$1" "gradient heads" "scale('cases/base/grad/head.op_list.1.conv.weight', 'head', -1)"
  spoilt "$1" "running statistics l2" "scale(first('cases/aug0_random/bn_running_after'), 'running_var_l2', 1.0001)"
  spoilt "$1" "kinks logits" "f['kinks/kinks_random/logits'][0, 0] += 1e-2"
  spoilt "$1" "parameter l2 after a step" "scale(first('step2/param'), 'l2', 1.001)"
  spoilt "$1" "change l2" "scale('step1/param/head.op_list.1.conv.weight', 'delta_l2', 1.1)"
  spoilt "$1" "parameter heads after the sort" "scale(first('sorted/param'), 'head', 1.0001)"
  spoilt "$1" "re-estimated statistics l2" "scale('recalibrated/head.op_list.1.norm', 'running_var_l2', 1.0001)"
  spoilt "$1" "evaluation logits" "f['recalibrated/eval_logits'][5, 5] += 1e-3"
  spoilt "$1" "sections and values" "del f['kinks/kinks_base']"
}

count=0
for file in "$fixtures"/*.h5; do
  [ -f "$file" ] || continue
  count=$((count + 1))
  "$check" "$file"
  report $? "fixture_$(basename "$file" .h5)"
  head -c 100000 "$file" >"$folder/cut.h5"
  refuses "cut_$(basename "$file" .h5)" "truncated file" "$check" "$folder/cut.h5"
done
tiny=$fixtures/mobilenetv2-tiny-64.h5
if [ -f "$tiny" ] && /usr/bin/python3 -c 'import h5py' 2>/dev/null; then spoil_all "$tiny"
else echo "SKIPPED, NOT TESTED: spoilt fixtures (a fixture or python3-h5py is missing)"; fi
if [ "$count" -eq 0 ]; then
  echo "SKIPPED, NOT TESTED: no reference fixtures in $fixtures; set NETAUG_SHARED to the folder"
  echo "that holds fixtures/ to compare the engine with PyTorch"
fi
exit $status
