#!/bin/sh
# A disk that runs full while a training writes to it, and one that is read-only: a small file system in a
# mount namespace of its own. Training says so, harms nothing that was good, and goes on to the same bits
# once there is room.
# SPDX-License-Identifier: GPL-3.0-or-later
if [ "${1-}" != inside ]; then
  unshare -rm sh -c 'mount -t tmpfs -o size=1m tmpfs /mnt' 2>/dev/null &&
    exec unshare -rm sh "$0" inside
  echo "SKIPPED, NOT TESTED: a full disk (this system lets nobody mount one; RLIMIT_FSIZE is tested elsewhere)"
  exit 0
fi
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
make_data "$scratch/data"
cd "$scratch" || exit 1
mkdir disk
mount -t tmpfs -o size=16m tmpfs disk
trap 'cd /; umount "$scratch/disk"; rm -rf "$scratch"' EXIT

# arg[1]: how many bytes to leave free after epoch 2, for somebody fills the disk then.
cat >fill.lua <<'LUA'
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "fill",
  model = netaug.models.tiny { classes = 10 },
  data = netaug.dataset("data", { batch = 20, augment = "none" }),
  train = { epochs = 4, warmup = 0, lr = 0.05, threads = 1, save_minutes = 1e-9, calibrate = 60 },
}
function exp:on_epoch(e)
  if arg[1] and e.epoch == 2 and not io.open("filled") then
    io.open("filled", "w"):close()
    os.execute("md5sum <disk/fill/last.h5 >last.md5; md5sum <disk/fill/best.h5 >best.md5")
    os.execute("cat /dev/zero >disk/filler 2>/dev/null; truncate -s -" .. arg[1] .. " disk/filler")
  end
end
exp:run()
LUA
numbers() { "$netaug" export "$1" - --format csv --table "$2" --columns 'step,*_loss,*_top1'; }

try "$netaug" run fill.lua --runs whole --quiet
check "the run without trouble" [ "$status" = 0 ]
numbers whole/fill step >whole.csv
numbers whole/fill epoch >>whole.csv

for room in 0 8192 40960 81920 163840; do
  rm -rf disk/* filled
  try "$netaug" run fill.lua "$room" --runs disk --quiet
  check "a full disk ends it ($room bytes are left)" [ "$status" = 1 ]
  check "with its name" says "$err" "No space left on device"
  check "and with what to do" says "$err" "  "
  check "no checkpoint is half written" [ -z "$(find disk -name '*.tmp')" ]
  for file in last best; do
    try "$netaug" eval "disk/fill/$file.h5"
    check "$file.h5 is whole" [ "$status" = 0 ]
  done
  check "the metrics can be read" numbers disk/fill step >/dev/null
  if [ "$room" = 0 ]; then
    check "the last checkpoint is as it was" [ "$(md5sum <disk/fill/last.h5)" = "$(cat last.md5)" ]
    check "and the best" [ "$(md5sum <disk/fill/best.h5)" = "$(cat best.md5)" ]
    before=$(cd disk/fill && md5sum ./*.h5)
    refuses "it does not go on without room" 1 "No space left on device" "$netaug" resume disk/fill --quiet
    check "and harms nothing" [ "$(cd disk/fill && md5sum ./*.h5)" = "$before" ]
  fi
  rm disk/filler
  try "$netaug" resume disk/fill --quiet
  check "with room it goes on" [ "$status" = 0 ]
  { numbers disk/fill step; numbers disk/fill epoch; } >resumed.csv
  check "to the same numbers" cmp whole.csv resumed.csv
done

rm -rf disk/*
cat /dev/zero >disk/filler 2>/dev/null
refuses "a new run on a full disk" 1 "No space left on device" "$netaug" run fill.lua --runs disk --quiet
refuses "curves on a full disk" 1 "No space left on device" "$netaug" export whole/fill disk/curves.csv
check "leave nothing behind" [ "$(ls disk)" = filler ] || ls -R disk

rm -rf disk/*
cp -r whole/fill disk/fill
mount -o remount,ro disk
before=$(cd disk/fill && md5sum ./*)
refuses "a new run on a read-only disk" 1 "Read-only file system" "$netaug" run fill.lua --runs disk/new --quiet
refuses "going on in a read-only folder" 1 "Read-only file system" "$netaug" resume disk/fill --quiet
refuses "an export to a read-only folder" 1 "Read-only file system" "$netaug" export disk/fill/best.h5 disk/x.h5
check "nothing is harmed" [ "$(cd disk/fill && md5sum ./*)" = "$before" ]
try "$netaug" eval disk/fill/best.h5
check "and reading works" [ "$status" = 0 ]
try "$netaug" watch disk/fill --once
check "so does watching" [ "$status" = 0 ]
finish
