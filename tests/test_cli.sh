#!/bin/sh
# The command line: help agrees with itself, and mistakes get a clear message and a status.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
commands="run resume verify-resume watch runs profile eval export inspect diff compare report data repl bench help"

# ------------------------------------------------------------------------------------- help
try "$netaug"
check "no command prints usage and fails" [ "$status" = 2 ]
try "$netaug" --help
check "--help succeeds" [ "$status" = 0 ]
overview=$out
try "$netaug" help
check "help prints the same" [ "$out" = "$overview" ]
for command in $commands; do
  check "the overview lists $command" says "$overview" "  $command "
  try "$netaug" help "$command"
  help=$out
  check "help $command begins with its usage" says "$help" "Usage: netaug $command"
  try "$netaug" "$command" --help
  check "$command --help prints the same" [ "$status$out" = "0$help" ]
done
listed=$(printf '%s\n' "$overview" | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | tr '\n' ' ')
check "the overview lists nothing else" [ "$listed" = "$commands " ]
for topic in settings models lua; do
  try "$netaug" help "$topic"
  check "help $topic says something" [ "$status${out:+ something}" = "0 something" ]
done
try "$netaug" --version
check "--version" says "$out" "netaug 0."

# ---------------------------------------------------------------------------- the man page
"$netaug" help --man >"$scratch/netaug.1" 2>"$scratch/err"
page=$(sed 's/\\-/-/g' "$scratch/netaug.1")
for command in $commands; do
  check "the man page has $command" says "$page" ".SS netaug $command"
  for option in $("$netaug" help "$command" | sed -n 's/^  \(-[a-z-]*\).*/\1/p'); do
    check "the man page has $command $option" says "$page" ".B $option"
  done
done
for setting in train.epochs train.lr data.batch; do
  check "the man page has $setting" says "$page" ".B $setting"
done
if command -v man >/dev/null; then
  warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -l "$scratch/netaug.1" 2>&1 >/dev/null)
  check "the man page is good roff" [ -z "$warnings" ]
fi
if [ -f "$NETAUG_BUILDDIR/tui/netaug.1" ]; then
  check "the installed man page is this one" cmp -s "$scratch/netaug.1" "$NETAUG_BUILDDIR/tui/netaug.1"
fi

# ------------------------------------------------------------------------------ completion
"$netaug" help --complete >"$scratch/netaug.bash"
if command -v bash >/dev/null; then
  completed()
  {
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      _netaug netaug "${!#}" "${COMP_WORDS[COMP_CWORD-1]}"; echo "${COMPREPLY[*]}"' \
      bash "$scratch/netaug.bash" "$@" 2>&1
  }
  check "completes commands" [ "$(completed netaug pro)" = profile ]
  check "completes options" [ "$(completed netaug run --thr)" = --threads ]
  check "completes settings" [ "$(completed netaug run --set train.epo)" = train.epochs= ]
  check "completes models" [ "$(completed netaug profile mobilenetv2_t)" = mobilenetv2_tiny ]
  check "completes actions" [ "$(completed netaug data pa)" = pack ]
  check "completes choices" [ "$(completed netaug eval --widths wi)" = widest ]
fi

# -------------------------------------------------------------------------------- mistakes
refuses "an unknown command" 2 'did you mean "netaug profile"?' "$netaug" profil
refuses "an unknown help topic" 1 'did you mean "netaug export"?' "$netaug" help exprot
refuses "an unknown option" 2 "did you mean --threads?" "$netaug" bench --thread 3
refuses "a value that is no number" 2 "--threads takes a whole number" "$netaug" bench --threads two
refuses "a value out of range" 2 "--batch takes" "$netaug" bench --batch 0
refuses "a word that is no choice" 2 "base|widest" "$netaug" eval x.h5 --widths wide
refuses "a missing value" 2 "--batch needs a value" "$netaug" bench --batch
refuses "a missing operand" 2 "needs SCRIPT" "$netaug" run
refuses "nothing to compare" 2 "needs RUN" "$netaug" compare
refuses "a run that is not there" 1 "cannot read $scratch/none" "$netaug" compare "$scratch/none"
refuses "a folder without runs" 1 "holds no run" "$netaug" compare "$scratch"
refuses "two formats at once" 1 "do not go together" "$netaug" compare --json --csv "$scratch"
refuses "a report without a file" 1 "needs a file" "$netaug" report "$scratch"
refuses "a report of no kind" 1 "does not say what to write" "$netaug" report "$scratch" -o x.doc
refuses "half a grid" 1 "takes two settings" "$netaug" report "$scratch" -o x.html --grid train.lr
refuses "too many operands" 2 "has no use for" "$netaug" eval a b c
refuses "an unknown action" 2 "info|show|pack" "$netaug" data inform fashion-mnist
refuses "a model that is not there" 1 "mobilenetv2_tiny" "$netaug" profile mobilenetv2_tinny
refuses "a model without enough pixels or classes" any "" "$netaug" profile mobilenetv2_tiny --classes -3
for command in "eval $scratch/none.h5" "export $scratch/none.h5 $scratch/out.h5" \
  "profile $scratch/none.h5" "run $scratch/none.lua" "data info $scratch/none"; do
  # shellcheck disable=SC2086 # the command is meant to be split
  refuses "a missing file: ${command%% *}" 1 "$scratch/none" "$netaug" $command
done
printf 'this is no HDF5 file\n' >"$scratch/text.h5"
: >"$scratch/empty.h5"
mkdir "$scratch/folder"
for file in text.h5 empty.h5 folder; do
  for command in eval profile; do
    refuses "$command of $file" 1 "$file" "$netaug" "$command" "$scratch/$file"
  done
done
refuses "a folder without images" 1 "folder" "$netaug" data info "$scratch/folder"
make_data "$scratch/images"
refuses "a pack without a name" 1 "data pack" "$netaug" data pack fashion-mnist
refuses "pictures where none can be seen" 1 "256 colours" "$netaug" data show "$scratch/images"
refuses "an info with too much" 1 "no use for" "$netaug" data info "$scratch/images" a.png
try "$netaug" data show "$scratch/images" "$scratch/sheet.png" --images 9 --set data.batch=20 --set data.mixup=1
check "a sheet of images, with their labels" says "$out" "% "
check "is a PNG" [ "$(head -c 4 "$scratch/sheet.png" | tail -c 3)" = PNG ]
refuses "a sheet in no folder" 1 "cannot write" "$netaug" data show "$scratch/images" "$scratch/none/sheet.png"
refuses "a setting without a value" 1 "NAME=VALUE" "$netaug" data info x --set batch
refuses "a setting of something else" 1 "data." "$netaug" data info x --set train.epochs=1

# --------------------------------------------------------------------------------- scripts
script() { cat >"$scratch/$1.lua"; }
printf 'local a = 1\nlocal b = = 2\n' | script syntax
refuses "a syntax error names its line" 1 "syntax.lua:2:" "$netaug" run "$scratch/syntax.lua"
printf '\n\nlocal t = nil\nprint(t.x)\n' | script runtime
refuses "an error at run time names its line" 1 "runtime.lua:4:" "$netaug" run "$scratch/runtime.lua"
printf 'print("args", #arg, arg[1], arg[2])\n' | script arguments
try "$netaug" run "$scratch/arguments.lua" one -- --two
check "a script gets its arguments" [ "$out" = "args	2	one	--two" ]
refuses "a misspelt setting" 1 "epochs" "$netaug" run "$scratch/arguments.lua" --set train.epoch=3
refuses "an ill-typed setting" 1 "epochs" "$netaug" run "$scratch/arguments.lua" --set train.epochs=few
refuses "a setting out of range" 1 "alpha" "$netaug" run "$scratch/arguments.lua" --set train.alpha=-1

# ---------------------------------------------------------------------------------- prompt
repl() { status=0; out=$(printf '%s\n' "$@" | "$netaug" repl 2>"$scratch/err") || status=$?; err=$(cat "$scratch/err"); }
repl 'print(1 + 1)' '3 * 7' 'x = 5' 'x'
check "the prompt works from a pipe" [ "$status:$out" = "0:2
21
5" ]
repl 'function f(a)' '  return a * 2' 'end' 'f(4)'
check "a statement may take several lines" [ "$status:$out" = "0:8" ]
repl 'error("no")' 'print("still here")'
check "an error does not end the prompt" [ "$status:$out" = "1:still here" ]
check "and is told" says "$err" "no"
repl '3 * 7;' 'y = 4;' 'y'
check "a semicolon mutes" [ "$status:$out" = "0:4" ]
repl '?netaug.load' '? net:save'
check "a question mark asks for help" says "$out" "netaug.load(path)"
check "also on a method" says "$out" "net:save(path)"
repl '!echo from the shell' '!exit 3' '!'
check "an exclamation mark has the shell run it" says "$out" "from the shell"
check "whose failure is told" says "$status $err" "1 the command ended with status 3"
check "and an empty command refused" says "$err" "no command"
try "$netaug" repl -e 'x = 6' -e 'x * 7'
check "-e runs code" [ "$status:$out" = "0:42" ]
try "$netaug" repl -e 'error("no")'
check "and tells of its failure" says "$status $err" "1 prompt:1: no"
repl 'function f('
check "an unfinished statement is an error" [ "$status" = 1 ]

# ---------------------------------------------------------------------------------- output
(
  sleep 0.5
  "$netaug" help settings 2>"$scratch/err"
  echo $? >"$scratch/status"
) | :
check "a closed pipe ends it quietly" [ "$(cat "$scratch/status")$(cat "$scratch/err")" = 141 ]
status=0
"$netaug" help settings >/dev/full 2>"$scratch/err" || status=$?
err=$(cat "$scratch/err")
check "a full disk is told" says "$status $err" "1 netaug: standard output could not be written"
status=0
"$netaug" help >&- 2>"$scratch/err" || status=$?
check "without a standard output nothing crashes" [ "$status" -lt 126 ]
try env -u TERM "$netaug" help
check "without TERM" [ "$status" = 0 ]

# --------------------------------------------------------------------------------- profile
try "$netaug" profile --table
for row in "MobileNetV2-Tiny @144 0.750M/0.738M 23.5M 5.83M 334.4M" \
  "MCUNet @176 0.737M/0.722M 81.8M 7.27M 866.3M" \
  "MobileNetV2 w0.35 @160 1.677M/1.663M 30.9M 8.62M 412.2M" \
  "ProxylessNAS w0.35 @160 1.781M/1.767M 35.7M 9.73M 453.5M" \
  "MobileNetV3 w0.35 @160 2.110M/2.101M 19.5M 25.18M 360.4M"; do
  line=$(printf '%s\n' "$out" | sed 's/ | / /g; s|M / |M/|; s/  */ /g')
  check "the table of costs: ${row%% @*}" says "$line" "$row"
done
try "$netaug" profile mobilenetv2_tiny --resolution 144
check "a profile ends with its totals" says "$out" "0.750M parameters (0.738M without norm), 23.5M MACs"
try "$netaug" profile mobilenetv2_tiny --augment-width 1 --augment-expand 1
check "a network that is not elastic is profiled" says "$out" "base "
says "$out" "widest" && not_ok "it has no widest" "$out"
# The README's network: what the manual says must be so.
sed -n '/^-- mine.lua/,/^```/p' "$NETAUG_SRCDIR/README.md" | sed '/^```/d' >"$scratch/mine.lua"
try "$netaug" profile "$scratch/mine.lua"
check "the README's network is profiled" says "$out" "mine, 3x32x32, 10 classes"
refuses "options beside a script" 1 "its own shape" "$netaug" profile "$scratch/mine.lua" --classes 5
printf 'return 5\n' | script five
refuses "a script that returns no model" 1 "not a model" "$netaug" profile "$scratch/five.lua"

try "$netaug" bench --model tiny --batch 3 --draws 2 --steps 1 --threads 1 --json
check "bench measures a tiny network" says "$out" '"netaug": 0.'
try "$netaug" bench --model tiny --batch 3 --draws 2 --steps 1 --profile
check "a profile names layers and passes" says "$(printf '%s\n' "$out" | tr -s ' ')" "depthwise 3x3 backward"
check "a profile shows the machine's peaks" says "$out" "Peaks measured"
try "$netaug" bench --model tiny --batch 3 --steps 1 --profile --profile-of eval --json
check "a profile of evaluation as JSON" says "$out" '"pass": "forward"'
says "$out" '"pass": "backward"' && not_ok "evaluation has no backward pass" "$out"

refuses "a row of the table that is not there" 1 'no row "fast"' "$netaug" bench --compare --only netaug-1,fast
refuses "rows of no table" 1 "need --compare" "$netaug" bench --only netaug
refuses "a table with another batch" 1 "has its own" "$netaug" bench --compare --batch 8
refuses "no PyTorch programs" 1 "NETAUG_BENCH" env NETAUG_BENCH="$scratch/none" "$netaug" bench --compare --only jpeg
# Programs in PyTorch's place: what they say is not trusted.
mkdir "$scratch/bench"
plays() { printf 'import sys\n%s\n' "$2" >"$scratch/bench/$1.py"; }
compares() { env NETAUG_BENCH="$scratch/bench" "$netaug" bench --compare --steps 1 --draws 1 "$@"; }
plays torch_images 'print("missing PyTorch")'
try compares --only wait,jpeg
check "without PyTorch or data the table says how to get them" says "$out" "give --photos"
check "... and what is missing" says "$out" "apt-get install python3-torch"
if ls /usr/lib/*/libjemalloc.so.2 >/dev/null 2>&1 && [ -x /usr/bin/python3 ]; then
  plays torch_images 'print("ready")'
  plays torch_netaug 'print("hello")'
  refuses "a program that does not greet" 1 'begins with "hello"' compares --only eval-1
  plays torch_netaug 'print("ready", flush=True); sys.stdin.readline(); sys.exit(1)'
  refuses "a program that dies" 1 "ended without an answer" compares --only eval-1
  plays torch_netaug 'print("ready", flush=True)
for line in sys.stdin: print("soon", flush=True)'
  refuses "a program that gives no numbers" 1 'answers "soon"' compares --only eval-1
  plays torch_netaug 'print("ready", flush=True)
for line in sys.stdin: print(7, flush=True)'
  refuses "a program with another network" 1 "takes 7 multiply-adds" compares --only eval-1
else echo "# SKIP: PyTorch's side of the table: /usr/bin/python3 or jemalloc is missing"
fi
try "$netaug" help diff
check "diff and runs diff know of each other" says "$out" "netaug runs diff"
try "$netaug" help runs
check "... from both sides" says "$out" "netaug diff"

# Trainings with and without the screen, by a program in netaug's place that knows its speeds beforehand.
if command -v tmux >/dev/null; then
  cat >"$scratch/timed" <<'SH'
#!/bin/sh
here=$(dirname "$0") which=with
for word in "$@"; do [ "$word" != --plain ] || which=without; result=$word; done
sed -n 1p "$here/speeds.$which" >"$result"
sed -i 1d "$here/speeds.$which"
SH
  chmod +x "$scratch/timed"
  printf '%s 2 bits\n' 90 190 50 >"$scratch/speeds.with"
  printf '%s 2 bits\n' 100 200 40 >"$scratch/speeds.without"
  try env NETAUG="$scratch/timed" sh "$NETAUG_SRCDIR/scripts/bench/screen" 3 none
  check "medians of trainings with and without the screen, and of the rounds' ratios" says "$out" \
    "median with the screen 90, without 100: -10.00%; of the rounds' ratios: -5.00%"
else echo "SKIPPED, NOT TESTED: scripts/bench/screen (tmux is missing)"
fi
try "$netaug" bench --model tiny --draws 3 --print-widths
widths=$out
try "$netaug" bench --model tiny --draws 3 --print-widths
check "the same draws every time" [ "$out" = "$widths" ]
try "$netaug" bench --model tiny --draws 3 --print-widths --seed 2
check "other draws with another seed" [ "$out" != "$widths" ]

finish
