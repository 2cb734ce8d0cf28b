#!/bin/sh
# netaug resume, end to end: a killed script goes on to the same output, with hooks, arguments and
# overrides; sweeps; steering from the command line; refusals.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
make_data "$scratch/data"
cd "$scratch" || exit 1

# A sweep of three runs; the hooks keep a moving average, and change the learning rate by it. Every
# value is printed to its last bit. arg[2] slows the runs down, so that they can be killed.
cat >sweep.lua <<'LUA'
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "sweep",
  model = netaug.models.tiny { classes = 10 },
  data = netaug.dataset("data", { batch = 20, augment = "none", policy = "randaugment", mixup = 0.4,
                                  cutmix = 1, mix_per = "image" }),
  train = { epochs = 3, warmup = 1, lr = 0.05, threads = 1, schedule = "constant", calibrate = 60 },
}
function exp:on_step(e)
  local s = self.state
  s.mean = s.mean and 0.9 * s.mean + 0.1 * e.base.loss or e.base.loss
  s.steps[#s.steps + 1] = e.step
  if e.step % 13 == 0 then run:set { lr = 0.05 / (1 + s.mean) } end
  if arg[2] then os.execute("sleep " .. arg[2]) end
end
function exp:on_epoch(e) self.state.epochs = (self.state.epochs or 0) + 1 end
for seed = 1, 3 do
  exp.train.seed = seed
  exp.state = { steps = {}, name = arg[1] .. "\"%\n\0" }
  local r = exp:run()
  local s = exp.state
  print(seed, r.name, s.epochs, #s.steps, s.steps[#s.steps], ("%a"):format(s.mean or 0), #s.name)
  for _, e in ipairs(r.history) do
    print(("  %d %a %a %a %a"):format(e.epoch, e.base.loss, e.augmented.loss, e.base_val.loss, e.lr))
  end
  if exp.net then
    for _, name in ipairs(exp.net:params()) do
      print(("  %s %a"):format(name, exp.net:param(name):l2()))
    end
  end
end
LUA
try "$netaug" run sweep.lua first --runs whole --quiet --set train.momentum=0.8
check "a sweep of three runs" [ "$status$(printf '%s\n' "$out" | grep -c '^[1-3]')" = 03 ]
printf '%s\n' "$out" >whole.out

# kill_in RUN: starts the sweep and kills it once RUN has steps.
kill_in()
{
  "$netaug" run sweep.lua first 0.03 --runs "$2" --quiet --set train.momentum=0.8 >killed.out 2>&1 &
  pid=$!
  for _ in $(seq 300); do
    [ -s "$2/$1/last.h5" ] && break
    sleep 0.05
  done
  sleep 0.3
  kill -9 "$pid"
  wait "$pid" 2>/dev/null
}
kill_in sweep-2 killed
check "the second run was killed" [ ! -e killed/sweep-3 ]
cd data || exit 1 # resume finds its way back to where the run began
try "$netaug" resume ../killed/sweep-2 --quiet
cd ..
check "the script goes on" [ "$status" = 0 ]
printf '%s\n' "$out" | sed "s/^  [a-z].*//" | grep . >resumed.part
sed "s/^  [a-z].*//" whole.out | grep . >whole.part
# The experiment's state of the first run is gone: its hooks were not called again.
sed -n '/^2/,$p' whole.part >want
sed -n '/^2/,$p' resumed.part >got
check "to the same bits" cmp -s want got
grep '^  [0-9]' whole.part | head -n 4 >want
grep '^  [0-9]' resumed.part | head -n 4 >got
check "runs that were over give their results" cmp -s want got
check "the third run was made" [ -s killed/sweep-3/run.h5 ]
check "the weights agree" [ "$(printf '%s\n' "$out" | sed -n '/^3/,$p')" = "$(sed -n '/^3/,$p' whole.out)" ]
try "$netaug" resume whole/sweep-3 --quiet
check "a run that is over gives its result" [ "$(printf '%s\n' "$out" | sed -n '/^3/,$p')" = "$(sed -n '/^3/,$p' whole.out)" ]
try "$netaug" resume whole/sweep-3 --set train.epochs=4 --set train.lr=0.01 --quiet
check "a run that is over is made longer" says "$out" "  5 0x"

# ------------------------------------------------------------------------- repeated steering
cat >steered.lua <<'LUA'
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "steered", model = netaug.models.tiny { classes = 10 },
  data = netaug.dataset("data", { batch = 20, augment = "none" }),
  train = { epochs = 2, warmup = 0, lr = 0.05, threads = 1, calibrate = 60 },
}
if arg[1] then
  function exp:on_step(e)
    if e.step == 4 then run:set { lr = 0.02, augment = { width = { 1, 1.5 } } } end
    if e.step == 10 then run:set { phase = "min_e" } end
    if e.step == 17 then run:stop() end
  end
end
local r = exp:run { replay = arg[2] }
for _, name in ipairs(exp.net:params()) do print(name, ("%a"):format(exp.net:param(name):l2())) end
print(#r.history, r.stopped)
LUA
try "$netaug" run steered.lua --runs plain --quiet
plain=$out
try "$netaug" run steered.lua yes --runs steered --quiet
check "a run is steered" [ "$out" != "$plain" ]
steered=$out
try "$netaug" run steered.lua --runs again --quiet --replay steered/steered
check "settings and log give the same bits" [ "$out" = "$steered" ]
try "$netaug" run steered.lua yes steered/steered --runs again --quiet
check "also beside the hooks that steered" [ "$out" = "$steered" ]

# ------------------------------------------------------------------------------ proof and watching
try "$netaug" verify-resume sweep.lua first --steps 36 --set train.epochs=2
check "the script is proved to go on" says "$out" "every bit"
sed 's/self.state$/netaug/' sweep.lua | sed 's/s.mean and 0.9/s.mean and 0.8/' >forgets.lua
refuses "a script that forgets" 1 "not the same" "$netaug" verify-resume forgets.lua first
check "verify-resume leaves nothing" [ ! -e runs ]
try "$netaug" watch whole/sweep-2
check "a run that is over is shown" says "$out" "epoch 4/4"
check "with its changes" says "$out" "after step 13: set lr"
"$netaug" run sweep.lua first 0.02 --runs live --quiet >live.out 2>&1 &
pid=$!
for _ in $(seq 100); do
  [ -s live/sweep/run.h5 ] && break
  sleep 0.05
done
"$netaug" watch live/sweep >watch.out 2>&1 &
watcher=$!
for _ in $(seq 200); do
  grep -q '^epoch 1/4' watch.out && break
  sleep 0.05
done
check "a live run is watched" kill -0 "$pid"
check "its epochs come" grep -q '^epoch 1/4' watch.out
try "$netaug" watch live/sweep --once
check "its state is told" says "$out" "training after step"
kill -9 "$pid"
wait "$pid" 2>/dev/null
wait "$watcher"
check "watching ends with the process" grep -q 'not training any more' watch.out
refuses "watching no run" 1 "holds no run" "$netaug" watch data

# ----------------------------------------------------------------------------------- refusals
refuses "a folder without a run" 1 "holds no run" "$netaug" resume data
refuses "what is not there" 1 "cannot find" "$netaug" resume nowhere
kill_in sweep refused
cp -r refused/sweep copy
cp refused/sweep/run.h5 copy/last.h5
mkdir here && mv copy here/sweep
refuses "a checkpoint that is none" 1 "not a netaug checkpoint" "$netaug" resume here/sweep
sed -i 's/lr = 0.05,/lr = 0.06,/' refused/sweep/experiment.lua
refuses "another learning rate" 1 "the run began with train.lr = 0.05" "$netaug" resume refused/sweep
sed -i 's/lr = 0.06,/lr = 0.05,/' refused/sweep/experiment.lua
echo 'os.exit(0)' >here/sweep/experiment.lua
refuses "a script that does not come to it" 1 "without coming to this run" \
  "$netaug" resume here/sweep
refuses "a change that cannot be" 1 "cannot change in a run" \
  "$netaug" resume refused/sweep --set train.seed=2
# Another process on the same folder.
"$netaug" resume refused/sweep --quiet >resume.out 2>&1 &
pid=$!
sleep 0.7
refuses "a second process" 1 "process $pid on $(uname -n) trains in" "$netaug" resume refused/sweep
kill "$pid"
wait "$pid" 2>/dev/null

finish
