#!/bin/sh
# A short training run, evaluation and export of the program under memcheck; make check-valgrind calls
# it with valgrind's command line as arguments.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
make_data "$scratch/data"
cd "$scratch" || exit 1
cat >train.lua <<'LUA'
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "short", model = netaug.models.tiny { classes = 10 },
  data = netaug.dataset("data", { batch = 20, limit = 60 }),
  train = { epochs = 2, warmup = 0, calibrate = 20, threads = 2 },
}
function exp:on_step(e) assert(e.base.loss > 0) end
print(exp:run().base.top1)
LUA
for command in "run train.lua" "eval runs/short/last.h5 --per-class" \
  "export runs/short/last.h5 tiny.h5" "profile tiny.h5" "data pack data packed.h5"; do
  # shellcheck disable=SC2086 # the command is meant to be split
  try "$@" "$netaug" $command
  check "valgrind: $command" [ "$status" = 0 ]
  [ -z "$err" ] || printf '%s\n' "$err" | head -n 40
done
finish
