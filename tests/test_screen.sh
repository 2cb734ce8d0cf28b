#!/bin/sh
# The screen on a real terminal (tmux): a training is seen, steered and left, the terminal is sane
# afterwards, also when the program dies; floods of output do not damage it.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
if ! command -v tmux >/dev/null; then
  echo "SKIPPED, NOT TESTED: the screen on a terminal (tmux is missing)"
  exit 0
fi
. "$NETAUG_SRCDIR/tests/terminal.sh"
make_data "$scratch/data"
netaug=$(cd "$(dirname "$netaug")" && pwd)/netaug
NETAUG_LUA=$(cd "$NETAUG_LUA" && pwd)
cat >"$scratch/train.lua" <<L
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "seen", model = netaug.models.tiny { classes = 10, resolution = 16 },
  data = netaug.dataset("$scratch/data", { batch = 20, augment = "none" }),
  train = { epochs = 100000, lr = 0.01, eval_every = 1000, calibrate = 20 },
}
print("the script speaks")
function exp:on_step(e) -- slow enough to be watched
  local began = os.clock()
  repeat until os.clock() - began > 0.1
  if arg[1] ~= "flood" then return end
  for i = 1, 200 do print("print " .. i .. ("x"):rep(200)) io.write("write ", i, "\n") end
end
exp:run()
L
cat >"$scratch/go" <<G
#!/bin/sh
unset NO_COLOR
export NETAUG_LUA='$NETAUG_LUA' LC_ALL=C.UTF-8 LSAN_OPTIONS='${LSAN_OPTIONS:-}'
cd '$scratch'
sh -c 'echo \$\$ >pid; exec "\$@"' sh '$netaug' run train.lua --threads 1 "\$@"
echo "status \$?"
if stty -a | grep -q ' icanon' && stty -a | grep -q ' echo '; then echo "the terminal is sane"; fi
sleep 100
G
chmod +x "$scratch/go"
# begin ARGUMENT...: the program in a terminal of 80 x 24
begin() { open 80 24 "$scratch/go $*"; }

begin
sees "the chart is there" "accuracy, %"
sees "with both curves" "augmented "
press 6
sees "the log has what the script prints" "the script speaks"
press / speaks Enter
sees "a text is found in it" "/ search"
press / nowhere Enter
sees "or is not" "is not in the log"
press 1 a
sees "a key shows the loss" "─ loss ─"
press ]
sees "a key steers the learning rate" "set train.lr = 0.0125"
sees "and the log tells" "after step"
press Space
sees "a pause" " paused "
press Space i
sees "the mouse can be switched on" "mouse on"
# A click as terminals tell of it: button, column and row, each plus 33.
mux send-keys -t s -l "$(printf '\033[M MA')"
sees "a click reads values" "step "
press Escape i 2
sees "the augmentation" "stem.conv  base 8"
press w
sees "other lists can be tried" "width, what if: "
press BSpace BSpace BSpace BSpace BSpace BSpace
sees "with what they would cost" "new mean"
press Enter Enter
sees "setting them asks" "draw from these lists"
press y
sees "and is steering" "set augment.width"
press p off Enter
sees "so is a phase" "set train.phase = off"
mux resize-window -t s -x 20 -y 5
sees "as small as 20 x 5" "seen"
mux resize-window -t s -x 120 -y 40
press 1
sees "and large again" "sub-networks, by size"
press : 'run.train.lr * 1000' Enter
sees "the prompt knows the run" "12.5"
press : 'run:set { lr = 0.03 }' Enter
sees "and steers it" "set lr = 0.03"
press R 'images = 2' Enter
sees "activations are recorded" "record images = 2"
press : 'netaug.mode' Tab
sees "Tab lists what is possible" "netaug.models"
press Escape
press q
sees "leaving asks" "y: yes"
press n
sees "and goes on when told so" "? help"
press q y
sees "it ends with the reason" "seen was stopped"
sees "and a status" "status 130"
sees "the terminal is handed back" "the terminal is sane"
check "the checkpoint is there" [ -f "$scratch/runs/seen/last.h5" ]
check "the recording is there" sh -c 'ls "$1"/runs/seen/activations-*.h5' sh "$scratch"

# The screen, whatever is looked at, changes nothing of what is trained.
cat >"$scratch/bits.lua" <<L
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "bits", model = netaug.models.tiny { classes = 10, resolution = 16 },
  data = netaug.dataset("$scratch/data", { batch = 20, augment = "none" }),
  train = { epochs = 8, warmup = 0, lr = 0.05, calibrate = 20, seed = 5 },
}
local result = exp:run()
local file = io.open("$scratch/" .. arg[1], "w")
for _, e in ipairs(result.history) do file:write(("%a %a\n"):format(e.base.loss, e.base_val.loss)) end
for _, name in ipairs(exp.net:params()) do file:write(("%a\n"):format(exp.net:param(name):l2())) end
file:close()
L
sed 's/train.lua/bits.lua/' "$scratch/go" >"$scratch/bits"
chmod +x "$scratch/bits"
open 80 24 "$scratch/bits with"
sees "a short training on the screen" "epoch "
press 2 1 a y + - x 6 1
sees "comes to its end" "status 0"
(cd "$scratch" && "$netaug" run --plain bits.lua --threads 1 without >/dev/null 2>&1)
check "to the bits that it has without" cmp -s "$scratch/with" "$scratch/without"

cat >"$scratch/train.lua.computes" <<L
print("before", netaug.version)
local n = 0
repeat n = n + 1 until n > 1e10
L
mv "$scratch/train.lua" "$scratch/train.lua.trains"
mv "$scratch/train.lua.computes" "$scratch/train.lua"
begin
sees "a script that computes has a living screen" "Lua computes"
press 6
sees "whose keys act" "before"
press q
sees "leaving asks there, too" "end what Lua computes?"
press y
sees "and ends it" "the terminal is sane"
mv "$scratch/train.lua.trains" "$scratch/train.lua"

begin flood
sees "a flood of output stays in the log" "─ log ─"
sleep 2
screen=$(shows)
check "the frame is whole" says "$screen" "╭─ accuracy, %"
check "and the keys are told" says "$screen" "? help"
press q y
sees "and it can be left" "the terminal is sane"

cat >"$scratch/alone" <<G
#!/bin/sh
trap : INT
export NETAUG_LUA='$NETAUG_LUA' LC_ALL=C HOME='$scratch' LSAN_OPTIONS='${LSAN_OPTIONS:-}'
cd '$scratch'
'$netaug'
echo "status \$?"
sleep 100
G
chmod +x "$scratch/alone"
open 60 12 "$scratch/alone"
sees "netaug alone is the workbench, in ASCII" "+- log ---"
press '6 * 7' Enter
sees "its prompt computes" "42"
press 'error("no")' Enter
sees "and tells of errors" "prompt:1: no"
press 'n = 0 while true do n = n + 1 end' Enter
sees "Lua computes" "Ctrl-C interrupts it"
press '7 * 7' Enter
sees "a line waits for it" "waits for Lua"
press C-c
sees "Ctrl-C ends what Lua does" "interrupted"
sees "and the line that waited is answered" "49"
press 'while true do pcall(function() while true do end end) end' Enter
sees "Lua does not heed" "Ctrl-C interrupts it"
press C-c
sleep 0.3
press C-c
sees "the second Ctrl-C offers more" "leave at once"
press k
sees "and it is left" "status 130"
open 60 12 "$scratch/alone"
sees "it begins again" "+- log ---"
press Escape
press q
sees "and is left with q" "status 0"

for signal in TERM HUP SEGV; do
  begin
  sees "a training before SIG$signal" "augmented "
  kill "-$signal" "$(cat "$scratch/pid")"
  sees "SIG$signal leaves a sane terminal" "the terminal is sane"
done

# Images of 16 x 16 are 8 characters high, and four of them stand in 80 columns.
open 80 24 "env -u NO_COLOR COLORTERM=truecolor LC_ALL=C.UTF-8 '$netaug' data show '$scratch/data' --images 5 --split val; sleep 100"
sees "pictures, two pixels to a character" "▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀"
sees "with their labels" "0                1                2                3"
check "in rows without gaps" [ "$(shows | grep -n '▀' | tail -n 1 | cut -d: -f1)" = 17 ]
try "$netaug" eval "$scratch/runs/seen/last.h5" --data "$scratch/data"
check "what was trained can be read" [ "$status" = 0 ]
finish
