#!/bin/sh
# The scripts of scripts/paper begin, train and come to their verdicts, on a small generated data set.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
make_data "$scratch/data"
cd "$scratch" || exit 1

# paper NAME [ARGUMENT...]: one epoch of the smallest network, two seeds.
paper() {
  name=$1
  shift
  try "$netaug" run "$NETAUG_SRCDIR/scripts/paper/$name.lua" --quiet --set train.threads=1 \
    --set train.warmup=0 --set data.batch=20 -- --scale small --seeds 2 --epochs 1 --net tiny "$@"
  check "$name runs" [ "$status" = 0 ]
  check "$name prints its plan" says "$out" "next: "
  check "$name prints its results" says "$out" "runs done"
  check "$name prints verdicts" says "$out" "2 seeds"
}

paper gain data
# The others lead through the same C: under the sanitizers they would take minutes and tell nothing new.
if [ -n "${NETAUG_QUICK:-}" ]; then
  echo "NETAUG_QUICK is set: the other scripts are left out"
  finish
fi
paper longer data
paper ablations --only sort data
paper regularisers --only tiny data
paper curves --only tiny data
check "curves prints each epoch" says "$out" "netaug export runs/"
paper transfer data data
paper distillation data "$(find runs -path '*pretrain-netaug*' -name best.h5 | head -n 1)"

try "$netaug" run "$NETAUG_SRCDIR/scripts/paper/gain.lua" --plan --runs planned -- --scale small --net tiny data
check "--plan only tells" [ "$status$(find planned -name run.h5 2>/dev/null | wc -l)" = 00 ]
try "$netaug" run "$NETAUG_SRCDIR/scripts/paper/gain.lua" --quiet -- --scale tiny data
check "a scale that there is not is refused" says "$err" "--scale takes full or small"
try "$netaug" run "$NETAUG_SRCDIR/scripts/paper/ablations.lua" --quiet -- --scale small --only q data
check "a part that there is not is refused" says "$err" "the script has no part"
finish
