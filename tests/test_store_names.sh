#!/bin/sh
# A checkpoint as other HDF5 tools see it: PyTorch's names and shapes, texts and numbers as attributes.
# SPDX-License-Identifier: GPL-3.0-or-later
set -u
builddir=${NETAUG_BUILDDIR:-.}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
status=0
report() { # CODE NAME
  if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; status=1; fi
}

"$builddir/tests/test_store_checkpoint" "$folder/sample.h5"
report $? write_sample

if command -v h5dump >/dev/null; then
  h5dump -d /params/stem.conv.weight -y "$folder/sample.h5" |
    grep -q 'DATASPACE  SIMPLE { ( 16, 3, 3, 3 )' &&
    h5dump -a /format "$folder/sample.h5" | grep -q '"netaug checkpoint"'
  report $? read_by_h5dump
else
  echo "ok read_by_h5dump # SKIP h5dump (hdf5-tools) is not installed"
fi

python=/usr/bin/python3
if $python -c 'import h5py' 2>/dev/null; then
  $python - "$folder/sample.h5" <<'END'
import sys
import h5py
with h5py.File(sys.argv[1], "r") as f:
    assert f.attrs["format"].decode() == "netaug checkpoint"
    assert f.attrs["epoch"] == 7 and f.attrs["val_top1"] == 0.5
    assert [c.decode() for c in f.attrs["class_names"]] == ["cat", "dog", "caf\u00e9"]
    assert f["params/linear.linear.weight"].shape == (3, 16)
    assert f["params/stem.conv.weight"].shape == (16, 3, 3, 3)
    assert f["params/stem.conv.weight"].dtype == "float32"
    assert set(f["momentum"]) == set(f["params"])
    assert "stem.norm.running_var" in f["buffers"]
END
  report $? read_by_h5py
else
  echo "ok read_by_h5py # SKIP python3-h5py is not installed"
fi
exit $status
