#!/bin/sh
# The files of a run as h5dump and h5py see them: while it trains, after a crash, at its end. What h5py puts
# into them stays when the run goes on.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
. "$NETAUG_SRCDIR/tests/data.sh"
python=/usr/bin/python3
command -v h5dump >/dev/null || { echo "SKIPPED, NOT TESTED: h5dump is missing; apt-get install hdf5-tools"; exit 0; }
$python -c 'import h5py' 2>/dev/null || { echo "SKIPPED, NOT TESTED: apt-get install python3-h5py"; exit 0; }
make_data "$scratch/data"
cd "$scratch" || exit 1
cat >slow.lua <<'LUA'
local netaug = require "netaug"
local exp = netaug.experiment {
  name = "slow",
  model = netaug.models.tiny { classes = 10 },
  data = netaug.dataset("data", { batch = 20, augment = "none" }),
  train = { epochs = 3, warmup = 0, threads = 1, save_every = 1, calibrate = 60 },
}
exp:record { images = 2, gradients = true }
function exp:on_step() if arg[1] then os.execute("sleep 0.1") end end
exp:run()
LUA

# dumps FILE: h5dump reads all of it.
dumps() { h5dump "$1" >dump.out 2>&1; }
# reads FILE: h5py reads every dataset and attribute of it, opened as anybody would.
reads()
{
  $python - "$1" <<'END'
import sys, h5py
def see(name, thing):
    for key in thing.attrs: thing.attrs[key]
    if isinstance(thing, h5py.Dataset): thing[()]
with h5py.File(sys.argv[1], "r") as f:
    see("/", f)
    f.visititems(see)
    assert len(f) > 0
END
}

"$netaug" run slow.lua slowly --quiet >slow.out 2>&1 &
pid=$!
for _ in $(seq 300); do
  [ -s runs/slow/last.h5 ] && break
  sleep 0.05
done
check "h5dump reads a run in training" dumps runs/slow/run.h5
check "so does h5py, and asks for nothing special" reads runs/slow/run.h5
check "another writer is kept out" $python -c '
import h5py
try: h5py.File("runs/slow/run.h5", "r+")
except OSError: raise SystemExit(0)
raise SystemExit(1)'
kill -SEGV "$pid"
wait "$pid" 2>/dev/null
check "h5dump reads what a crash left" dumps runs/slow/run.h5
check "so does h5py" reads runs/slow/run.h5
"$netaug" resume runs/slow --quiet >slow.out 2>&1 &
pid=$!
sleep 1
kill -9 "$pid"
wait "$pid" 2>/dev/null
check "also after a kill of the resumed run" reads runs/slow/run.h5

# Someone's notes: texts as h5py writes them, numbers, groups.
cat >note.py <<'END'
import sys, h5py
for path in sys.argv[1:]:
    with h5py.File(path, "r+") as f:
        f.attrs["note"] = "a note"
        f.create_group("mine/empty").attrs["scale"] = 0.5
        f["mine/values"] = [1.5, 2.5]
        f["mine/values"].attrs["unit"] = "m"
        f["mine/words"] = ["one", "two"]
END
cat >noted.py <<'END'
import sys, h5py
for path in sys.argv[1:]:
    with h5py.File(path, "r") as f:
        assert f.attrs["note"] == "a note"
        assert f["mine/empty"].attrs["scale"] == 0.5
        assert list(f["mine/values"]) == [1.5, 2.5] and f["mine/values"].attrs["unit"] == "m"
        assert list(f["mine/words"].asstr()) == ["one", "two"]
END
check "h5py writes into a run that was killed" $python note.py runs/slow/run.h5 runs/slow/last.h5
before=$(md5sum <runs/slow/last.h5)
try "$netaug" resume runs/slow --quiet
check "it goes on" [ "$status" = 0 ]
check "to another checkpoint" [ "$before" != "$(md5sum <runs/slow/last.h5)" ]
try $python noted.py runs/slow/run.h5 runs/slow/last.h5
check "and keeps what it does not know" [ "$status" = 0 ]
for file in runs/slow/*.h5; do
  check "h5dump reads ${file##*/}" dumps "$file"
  check "h5py reads ${file##*/}" reads "$file"
done
finish
