#!/bin/sh
# Sweeps, end to end: the plan, going on after kills to the same bits, what is repeated and what is not,
# pairing, failures.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
make_data "$scratch/data"
cd "$scratch" || exit 1

# Hooks keep something, and change the learning rate by it; every value is printed to its last bit.
# arg[1] slows the runs down, so that they can be killed.
cat >sweep.lua <<'LUA'
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "sweep",
  model = netaug.models.tiny { classes = 10 },
  data = netaug.dataset("data", { batch = 20, augment = "crop", crop = 2 }),
  augment = false,
  train = { epochs = 2, warmup = 1, lr = 0.05, threads = 1, calibrate = 60 },
}
exp.state = {}
function exp:on_step(e)
  local s = self.state
  s.mean = s.mean and 0.9 * s.mean + 0.1 * e.base.loss or e.base.loss
  if arg[1] then os.execute("sleep " .. arg[1]) end
end
local sweep = netaug.sweep { base = exp, seeds = 2, verbose = false,
  tune = { ["train.lr"] = { 0.02, 0.05 }, epochs = 1, holdout = 0.2 },
  list = { { name = "plain", augment = false }, { name = "wide", augment = { width = { 1, 1.5 } } } } }
local results = sweep:run()
for _, arm in ipairs(results.arms) do
  print(arm.name, arm.n, arm.tuned["train.lr"], ("%a"):format(arm.top1))
  for _, run in ipairs(arm.runs) do
    print(" ", run.seed, run.status, run.folder:match("([%w-]*seed%-%d+)[%d-]*$"))
    for _, e in ipairs(run.history) do
      print(("    %d %a %a %a"):format(e.epoch, e.base.loss, e.augmented.loss, e.base_val.loss))
    end
    local net = netaug.load(run.folder .. "/last.h5")
    for _, name in ipairs(net:params()) do print(("    %s %a"):format(name, net:param(name):l2())) end
  end
end
LUA
try "$netaug" run sweep.lua --runs whole --plan
check "a plan is printed" says "$out" "sweep sweep: 2 arms, 8 runs, 8 waiting"
check "with its tuning" says "$out" "train.lr over 0.02,0.05"
check "and nothing was run" [ ! -e whole ]
try "$netaug" run sweep.lua --runs whole --quiet
check "a sweep runs" [ "$status$(printf '%s\n' "$out" | grep -c 'done')" = 04 ]
check "each run has its folder" [ "$(find whole -name run.h5 | wc -l)" = 8 ]
printf '%s\n' "$out" >whole.out

# Killed again and again after some tenths of a second, wherever it is then; and once at its end.
kills=0
for pause in 0.3 0.7 0.4 1.1 0.5 0.9 0.2 0.6; do
  "$netaug" run sweep.lua 0.01 --runs killed --quiet >killed.out 2>&1 &
  pid=$!
  sleep "$pause"
  kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
  wait "$pid" 2>/dev/null
done
check "it was killed" [ "$kills" -gt 3 ]
try "$netaug" run sweep.lua --runs killed --quiet
check "it goes on to the end" [ "$status" = 0 ]
printf '%s\n' "$out" >killed.out
check "to the same bits" cmp whole.out killed.out
# (A run that dies before its file says what it is, is begun anew.)
check "without runs of its own" [ "$(find killed -name run.h5 | wc -l)" -le 10 ]

# ------------------------------------------------------------------- what is repeated
touch stamp
try "$netaug" run sweep.lua --runs whole --quiet
check "what is done is not repeated" [ -z "$(find whole -name '*.h5' -newer stamp)" ]
check "and gives the same results" [ "$out" = "$(cat whole.out)" ]
rm whole/sweep.sweep/sweep.json
try "$netaug" run sweep.lua --runs whole --quiet
check "also without the sweep's file" [ "$out$(find whole -name '*.h5' -newer stamp)" = "$(cat whole.out)" ]
try "$netaug" run sweep.lua --runs whole --quiet --set train.threads=2
check "also with more threads" [ -z "$(find whole -name '*.h5' -newer stamp)" ]
try "$netaug" run sweep.lua --runs whole --quiet --set train.momentum=0.8
check "other settings are other runs" [ "$(find whole -name run.h5 | wc -l)" = 16 ]
sed 's/0.1 \* e.base.loss/0.2 * e.base.loss/' sweep.lua >other.lua
try "$netaug" run other.lua --runs whole --quiet
check "another hook is another run" [ "$(find whole -name run.h5 | wc -l)" = 24 ]
refuses "what the sweep varies is not overridden" 1 "the sweep varies it" \
  "$netaug" run sweep.lua --runs whole --set train.lr=0.1
cp -r whole damaged
for text in '' '{' '[1, 2]' '{"format": "netaug sweep", "version": 2}' \
  '{"format": "netaug sweep", "version": 1, "arms": 3, "runs": []}' \
  '{"format": "netaug sweep", "version": 1, "arms": [3], "runs": []}' \
  '{"format": "netaug sweep", "version": 1, "arms": [], "runs": [{"arm": "plain", "seed": 1}]}' \
  '{"format": "netaug sweep", "version": 1, "arms": [], "runs": [{"arm": "plain", "seed": 1, "kind": "tune", "trial": [1]}]}'; do
  printf '%s' "$text" >damaged/sweep.sweep/sweep.json
  refuses "a damaged file: $text" 1 "sweep.json" "$netaug" run sweep.lua --runs damaged
done

# A run killed between telling of its last epoch and its checkpoint is not done.
try "$netaug" run sweep.lua --runs stale --quiet --set train.save_every=1
printf '%s\n' "$out" >stale.out
cp stale/sweep-wide-seed-2/epoch-0002.h5 stale/sweep-wide-seed-2/last.h5
try "$netaug" run sweep.lua --runs stale --quiet --set train.save_every=1
check "without its last checkpoint a run goes on" [ "$out" = "$(cat stale.out)" ]

# Two processes.
"$netaug" run sweep.lua 0.05 --runs two --quiet >two.out 2>&1 &
pid=$!
for _ in $(seq 100); do
  [ -s two/sweep.sweep/sweep.json ] && break
  sleep 0.05
done
refuses "a second process" 1 "another process runs the sweep" "$netaug" run sweep.lua --runs two
# Interrupted by hand it keeps its checkpoint, and goes on.
# (While the script waits for "sleep", the signal is not seen.)
while kill -INT "$pid" 2>/dev/null; do sleep 0.21; done
status=0
wait "$pid" || status=$?
check "an interrupt ends it" [ "$status" != 0 ]
try "$netaug" run sweep.lua --runs two --quiet
check "and it goes on" [ "$out" = "$(cat whole.out)" ]
# netaug resume on a run within a sweep lets the script go on.
"$netaug" run sweep.lua 0.05 --runs three --quiet >three.out 2>&1 &
pid=$!
for _ in $(seq 200); do
  [ -s three/sweep-wide-tune-lr0.02-seed-1000/last.h5 ] && break
  sleep 0.05
done
kill -9 "$pid"
wait "$pid" 2>/dev/null
try "$netaug" resume three/sweep-wide-tune-lr0.02-seed-1000 --quiet
check "a run of a sweep is resumed" [ "$status" = 0 ]
check "with all that follows" [ "$(find three -name run.h5 | wc -l)" = 8 ]

# The sweep's folder stands for its results.
try "$netaug" compare two/sweep.sweep
check "a sweep is compared" says "$out" "sweep-plain"
check "its trials are not" [ "$(printf '%s\n' "$out" | grep -c holdout)" = 0 ]
try "$netaug" compare two two/sweep-plain-seed-1 two/sweep.sweep
check "each run is taken once" [ "$(printf '%s\n' "$out" | grep -c again)" = 0 ]
check "a link per result" [ "$(find two/sweep.sweep -type l | wc -l)" = 4 ]

# The README's sweep, planned on our data.
block()
{
  sed -n "/^## $1/,/^## /p" "$NETAUG_SRCDIR/README.md" | sed -n '/^```lua/,/^```$/p' | sed '/^```/d'
}
{
  block "An experiment" | sed '/^local result/,$d'
  block "Differences one can trust"
} >readme.lua
try "$netaug" run readme.lua --runs readme --plan --set data.path=data --set train.epochs=1
check "the README's sweep is planned" says "$out" "sweep tiny-r3: 2 arms, 18 runs"

finish
