#!/bin/sh
# Weights go between PyTorch and netaug: there and back unchanged, and with the same outputs.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
python=/usr/bin/python3
if ! $python -c 'import torch, h5py' 2>/dev/null; then
  echo "SKIPPED, NOT TESTED: conversion of PyTorch's weights (python3-torch or python3-h5py is missing)"
  exit 0
fi
convert() { $python "$NETAUG_SRCDIR/scripts/torch2h5.py" --netaug "$netaug" "$@"; }

make_data "$scratch/data"
try $python "$NETAUG_SRCDIR/tests/torch_tiny.py" "$scratch/data" "$scratch/tiny.pth"
check "PyTorch runs the network" [ "$status" = 0 ]
loss=${out% *} top1=${out#* }

try convert "$scratch/tiny.pth" "$scratch/tiny.h5" --model tiny --option resolution=16
check "a state_dict becomes a checkpoint" says "$out" "67 tensors"
try "$netaug" eval "$scratch/tiny.h5" --data "$scratch/data" --set data.mean=0.5 --set data.std=0.25
check "its loss is PyTorch's" says "$out" "$loss"
check "its accuracy is PyTorch's" says "$out" "$top1"

try convert "$scratch/tiny.h5" "$scratch/back.pth"
check "a checkpoint becomes a state_dict" [ "$status" = 0 ]
cat >"$scratch/same.py" <<'P'
import sys, torch
a, b = (torch.load(path, weights_only=True) for path in sys.argv[1:])
a = {name: value for name, value in a.items() if not name.endswith("num_batches_tracked")}
assert a.keys() == b.keys(), a.keys() ^ b.keys()
assert all(torch.equal(a[name], b[name]) for name in a)
print("same", len(a))
P
try $python "$scratch/same.py" "$scratch/tiny.pth" "$scratch/back.pth"
check "there and back every bit is kept" [ "$out" = "same 67" ]

# --------------------------------------------------------------------------------- mistakes
cat >"$scratch/super.lua" <<'L'
local netaug = require "netaug"
netaug.build(netaug.models.tiny { classes = 10, resolution = 16 }):save(arg[1])
netaug.build(netaug.models.tiny { classes = 4, resolution = 16 }, false):save(arg[2])
L
try "$netaug" run "$scratch/super.lua" "$scratch/super.h5" "$scratch/four.h5"
check "templates are made" [ "$status" = 0 ]
try convert "$scratch/tiny.pth" "$scratch/x.h5" --template "$scratch/super.h5"
check "a supernet needs --leading" says "$status $err" "1 torch2h5.py: "
check "and the hint says so" says "$err" "with --leading"
try convert "$scratch/tiny.pth" "$scratch/wide.h5" --template "$scratch/super.h5" --leading
check "a tiny network becomes a supernet's base" [ "$status" = 0 ]
try "$netaug" eval "$scratch/wide.h5" --data "$scratch/data" --set data.mean=0.5 --set data.std=0.25
check "which computes the same" says "$out" "$loss"
try convert "$scratch/tiny.pth" "$scratch/x.h5" --template "$scratch/four.h5"
check "another classifier is refused" says "$err" "--keep 'head.op_list.2.linear.bias'"
try convert "$scratch/tiny.pth" "$scratch/x.h5" --template "$scratch/four.h5" --keep 'head.op_list.2.*'
check "unless it is kept" says "$out" "65 tensors from $scratch/tiny.pth, 2 kept"
head -c 3000 "$scratch/tiny.pth" >"$scratch/cut.pth"
try convert "$scratch/cut.pth" "$scratch/y.h5" --model tiny
check "a truncated file is refused" says "$status $err" "1 torch2h5.py: $scratch/cut.pth cannot be read"
cat >"$scratch/evil.py" <<'P'
import os, sys, torch
class Evil:
    def __reduce__(self):
        return os.system, ("touch " + sys.argv[2],)
torch.save({"state_dict": Evil()}, sys.argv[1])
P
try $python "$scratch/evil.py" "$scratch/evil.pth" "$scratch/done"
try convert "$scratch/evil.pth" "$scratch/y.h5" --model tiny
check "a file that would run something is refused" [ "$status" = 1 ]
check "and has run nothing" [ ! -e "$scratch/done" ]
check "what failed left nothing" [ ! -e "$scratch/y.h5" ]

finish
