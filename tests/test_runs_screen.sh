#!/bin/sh
# The view of runs on a real terminal (tmux): beside a training, and while nothing trains.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
if ! command -v tmux >/dev/null; then
  echo "SKIPPED, NOT TESTED: the view of runs on a terminal (tmux is missing)"
  exit 0
fi
. "$NETAUG_SRCDIR/tests/terminal.sh"
make_data "$scratch/data"
netaug=$(cd "$(dirname "$netaug")" && pwd)/netaug
NETAUG_LUA=$(cd "$NETAUG_LUA" && pwd)
cat >"$scratch/train.lua" <<L
local netaug = require "netaug"
local function run(name, lr, epochs)
  local exp = netaug.experiment {
    name = name, model = netaug.models.tiny { classes = 10, resolution = 16 }, augment = { r = 2 },
    data = netaug.dataset("$scratch/data", { batch = 20, augment = "none" }),
    train = { epochs = epochs, warmup = 0, lr = lr, calibrate = 20, threads = 1, eval_every = 5 },
  }
  if epochs > 5 then
    function exp:on_step() -- slow enough to be watched
      local began = os.clock()
      repeat until os.clock() - began > 0.1
    end
  end
  exp:run()
end
if arg[1] then run("slow", 0.01, 100000) else run("first", 0.02, 3) run("second", 0.01, 3) end
L
cat >"$scratch/go" <<G
#!/bin/sh
unset NO_COLOR
export NETAUG_LUA='$NETAUG_LUA' LC_ALL=C.UTF-8 HOME='$scratch' LSAN_OPTIONS='${LSAN_OPTIONS:-}'
cd '$scratch'
'$netaug' "\$@"
echo "status \$?"
sleep 100
G
chmod +x "$scratch/go"
# begin ARGUMENT...: the program in a new terminal of 80 x 24
begin() { open 80 24 "$scratch/go $*"; }

begin run train.lua --quiet --plain
sees "two runs are made" "status 0"
begin run train.lua slow
sees "a training" "augmented "
press 3
sees "it is marked as live" "* slow"
sees "the others are there" "second"
press /
press -l 'state=finished'
press Enter
sees "filtered by state" "runs: 2 of 3"
press Space Space
sees "runs are marked" "2 marked"
press d
sees "what differs" "train.lr"
press Escape o
sees "they are laid over the training" "base val of 2 marked runs"
press v
sees "another of their curves" "marked runs: augmented"
press 3 x y
sees "a run of another process's folder goes to the trash" "2 moved to the trash"
check "it did" [ -f "$scratch/runs/.trash/first/run.h5" ]
press Escape
sees "no filter" "runs: 1"
press x
sees "the live one" "move slow to the trash?"
press y
sees "stays" "trains in"
press q y
sees "it is left" "status 130"

"$netaug" runs restore --runs "$scratch/runs" first second
begin
sees "the workbench" "─ log ─"
press Escape
press 3
sees "runs while nothing trains" "slow"
press /
press -l 'name=first'
press Enter
sees "filtered" "runs: 1 of 3, filter name=first"
press n
press -l 'a note'
press Enter
sees "a note" "a note"
press Enter
sees "a run is opened" "accuracy, % of first"
sees "with its curves" "base val"
press Escape
press q
sees "and it is left" "status 0"
finish
