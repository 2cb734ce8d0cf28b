#!/bin/sh
# netaug runs on real runs: listed, chosen, ordered, compared, annotated, thrown away and restored.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
make_data "$scratch/data"
cat >"$scratch/train.lua" <<L
local netaug = require "netaug"
for i, lr in ipairs { 0.05, 0.01 } do
  netaug.experiment {
    name = "run", model = netaug.models.tiny { classes = 10, resolution = 16 }, augment = i == 2 and { r = 2 },
    data = netaug.dataset("$scratch/data", { batch = 20, augment = "none" }),
    train = { epochs = 2, warmup = 0, lr = lr, calibrate = 20, threads = 1 },
  }:run()
end
local list = netaug.runs("train.lr<0.02")
print(#netaug.runs(), #list, list[1].name, list[1].state, list[1].epoch, list[1].settings["train.lr"],
  list[1].top1 == netaug.runs("run-2")[1].top1, list[1].steered)
L
runs="$scratch/runs"
try "$netaug" runs --runs "$runs"
check "a folder that is not there" says "$err" "there is no folder"
try "$netaug" run "$scratch/train.lua" --runs "$runs" --quiet
check "Lua has the same list" says "$out" "2	1	run-2	finished	2	0.01	true	false"
mkdir "$runs/broken" && echo junk >"$runs/broken/run.h5"

try "$netaug" runs --runs "$runs" --sort name
check "all are listed" [ "$(printf '%s\n' "$out" | sed 1,2d | cut -d' ' -f1 | tr '\n' ' ')" = "broken run run-2 " ]
check "with their states" says "$out" "damaged"
check "and why" says "$out" "is not an HDF5 file"
for column in $(printf '%s\n' "$out" | head -n 1); do
  check "help tells of $column" says "$("$netaug" help runs)" "$column"
done
try "$netaug" runs --runs "$runs" --sort train.lr --reverse
check "ordered by a setting" [ "$(printf '%s\n' "$out" | sed 1,2d | cut -d' ' -f1 | tr '\n' ' ')" = "run run-2 broken " ]
try "$netaug" runs --runs "$runs" --filter "train.lr>0.02 state=finished" --columns name,train.lr
check "chosen, with chosen columns" [ "$out" = "name  train.lr
--------------
run   0.05" ]
try "$netaug" runs --runs "$runs" --filter "state=nothing"
check "none" says "$out" "none of the 3 runs"
if command -v python3 >/dev/null; then
  "$netaug" runs --runs "$runs" --sort name --json >"$scratch/json"
  check "JSON" [ "$(python3 -c 'import json, sys
for line in open(sys.argv[1]):
  r = json.loads(line)
  print(r["name"], r["state"], r["epoch"], r.get("train.lr"), end=";")' "$scratch/json")" \
    = "broken damaged None None;run finished 2 0.05;run-2 finished 2 0.01;" ]
fi
try "$netaug" runs diff --runs "$runs" run "$runs/run-2/"
check "what differs" [ "$(printf '%s\n' "$out" | sed 1,2d | cut -d' ' -f1 | tr '\n' ' ')" = "augment.r train.lr " ]
refuses "a difference of one" 1 "from 2 to" "$netaug" runs diff --runs "$runs" run
try "$netaug" runs note --runs "$runs" run "the first"
try "$netaug" runs note --runs "$runs" run
check "a note" [ "$out" = "the first" ]
try "$netaug" runs --runs "$runs" --filter 'note~"first"' --columns name,note
check "is listed and found" says "$out" "run   the first"
refuses "a run that is not there" 1 'did you mean "run-2"?' "$netaug" runs note --runs "$runs" run-3 x
refuses "a run of another folder" 1 "is not in the folder" "$netaug" runs note --runs "$runs" /usr/run x
refuses "a column that is not there" 1 'did you mean "top1"?' "$netaug" runs --runs "$runs" --sort tpo1
refuses "a setting that is not there" 1 'no run has a setting' "$netaug" runs --runs "$runs" --filter "train.lrr>1"

refuses "trash asks" 1 "nobody can be asked" "$netaug" runs trash --runs "$runs" run
refuses "and wants names" 1 "needs the names" "$netaug" runs trash --runs "$runs" --yes
check "nothing was moved" [ -f "$runs/run/run.h5" ]
try "$netaug" runs trash --runs "$runs" run broken --yes
check "to the trash" [ -f "$runs/.trash/run/run.h5" ]
try "$netaug" runs --runs "$runs" --trash --columns name,state
check "the trash is listed" says "$out" "run     finished"
try "$netaug" runs restore --runs "$runs" run
check "and back" [ -f "$runs/run/run.h5" ]
try "$netaug" runs empty --runs "$runs" --yes
check "emptied" [ ! -e "$runs/.trash/broken" ]
(
  flock 9
  try "$netaug" runs trash --runs "$runs" run --yes
  check "never one in training" says "$err" "a process trains"
  try "$netaug" runs --runs "$runs" --columns name,state
  check "which is told" says "$out" "run    running"
  exit "$check_failed"
) 9>>"$runs/run/log.txt" || check_failed=1
finish
