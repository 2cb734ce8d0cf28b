#!/bin/sh
# Training from the command line, end to end on a small generated data set: progress in a pipe, the
# run's files, eval, export, pack, interrupts.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
make_data "$scratch/data"
cd "$scratch" || exit 1

cat >train.lua <<'LUA'
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "small",
  model = netaug.models.tiny { classes = 10 },
  data = netaug.dataset("data", { batch = 20, augment = "none" }),
  train = { epochs = 2, warmup = 0, lr = 0.05, threads = 1 },
}
local result = exp:run()
print(("top1 %.3f"):format(result.base.top1))
LUA

try "$netaug" run train.lua --runs here
check "a script trains" [ "$status" = 0 ]
check "it gets results" says "$out" "top1 "
check "a line tells each epoch" [ "$(printf '%s\n' "$out" | grep -c '^epoch [12]/2 ')" = 2 ]
check "a pipe gets no escape sequences" [ "$(printf '%s' "$out" | tr -d -c '\033\r' | wc -c)" = 0 ]
run=$(find here -name run.h5 | head -n 1)
run=${run%/run.h5}
for file in run.h5 last.h5 best.h5 log.txt; do
  check "the run's folder has $file" [ -s "$run/$file" ]
done
try "$netaug" run train.lua --runs quiet --quiet
check "--quiet leaves what the script prints" [ "$status$(printf '%s\n' "$out" | wc -l)" = 01 ]
quiet=$out
try "$netaug" run train.lua --runs quiet2 --quiet
check "the same seed, the same result" [ "$out" = "$quiet" ]
try "$netaug" run train.lua --runs set --set train.epochs=1 --set data.batch=10
check "--set changes the experiment" [ "$(printf '%s\n' "$out" | grep -c '^epoch 1/1 ')" = 1 ]

# The README's experiment, on our data.
sed -n '/^## An experiment/,/^## /p' "$NETAUG_SRCDIR/README.md" |
  sed -n '/^```lua/,/^```$/p' | sed '/^```/d' >readme.lua
try "$netaug" run readme.lua --runs readme --quiet --set train.epochs=1 --set data.path=data
check "the README's experiment runs" says "$out" "readme/tiny-r3"

# ------------------------------------------------------------------------- eval and export
try "$netaug" eval "$run/last.h5"
check "a checkpoint knows its data" says "$out" "40 images"
check "and is evaluated" says "$out" "top-1 "
evaluated=$(printf '%s\n' "$out" | grep top-1)
try "$netaug" eval "$run/last.h5" --per-class --threads 1
check "one line for each class" [ "$(printf '%s\n' "$out" | grep -c '%$')" = 10 ]
try "$netaug" eval "$run/last.h5" --widths widest --calibrate 100
check "the widest is evaluated after re-estimation" says "$out" "widest network"
refuses "data that is not there" 1 "elsewhere" "$netaug" eval "$run/last.h5" --data elsewhere
refuses "data of another shape" 1 "1x16x16" "$netaug" eval "$run/last.h5" --set data.size=24
try "$netaug" export "$run/last.h5" tiny.h5
check "a network is exported" [ -s tiny.h5 ]
check "and compared" says "$out" "largest difference"
try "$netaug" eval tiny.h5
check "it evaluates to the same" [ "$(printf '%s\n' "$out" | grep top-1)" = "$evaluated" ]
try "$netaug" profile tiny.h5
check "it has no wider networks" [ "$status" = 0 ]
says "$out" widest && not_ok "no widest in an exported network" "$out"
try "$netaug" export "$run" - --format csv --columns epoch,base_loss
check "a run's epochs go to CSV" says "$out" "run,epoch,base_loss"
refuses "an export onto itself" 1 "overwrite" "$netaug" export tiny.h5 ./tiny.h5
head -c 2000 tiny.h5 >cut.h5
refuses "a truncated checkpoint" 1 "cut.h5" "$netaug" eval cut.h5
refuses "a checkpoint that is a run's metrics" 1 "run.h5" "$netaug" eval "$run/run.h5"

# ------------------------------------------------------------------------------------ data
try "$netaug" data info data
check "a data set is described" says "$out" "10 classes, images 1x16x16, 200 for training, 40 for"
try "$netaug" data pack data packed.h5 --quiet
check "a data set is packed" [ -s packed.h5 ]
try "$netaug" data info packed.h5
check "the pack says the same" says "$out" "10 classes, images 1x16x16, 200 for training, 40 for"
try "$netaug" eval tiny.h5 --data packed.h5
check "and evaluates to the same" [ "$(printf '%s\n' "$out" | grep top-1)" = "$evaluated" ]

# ------------------------------------------------------------------------------ interrupts
# start NAME: runs for ever in the background, until its first epoch has been told.
start()
{
  "$netaug" run train.lua --runs "$1" --set train.epochs=100000 >"$1.out" 2>"$1.err" &
  pid=$!
  for _ in $(seq 300); do
    grep -q '^epoch ' "$1.out" && return
    sleep 0.1
  done
  not_ok "$1: the first epoch did not end" "$(cat "$1.err")"
}
start once
kill -INT "$pid"
status=0
wait "$pid" || status=$?
err=$(cat once.err)
check "one interrupt ends with status 130" [ "$status" = 130 ]
check "it says where the checkpoint is" says "$err" "last.h5"
check "no result is printed" [ "$(grep -c top1 once.out)" = 0 ]
checkpoint=$(find once -name last.h5)
try "$netaug" eval "$checkpoint" --calibrate 200
check "the checkpoint is good" [ "$status" = 0 ]
start twice
kill -INT "$pid"
kill -INT "$pid"
status=0
wait "$pid" || status=$?
check "two interrupts end at once" [ "$status" = 130 ]
# A reader that goes away stops the run, too.
status=$({ "$netaug" run train.lua --runs pipe --set train.epochs=100000 2>pipe.err; echo $? >pipe.status; } |
  head -n 1 >/dev/null; cat pipe.status)
check "a closed pipe stops the run quietly" [ "$status$(cat pipe.err)" = 141 ]
check "with a checkpoint" [ -n "$(find pipe -name last.h5)" ]

finish
