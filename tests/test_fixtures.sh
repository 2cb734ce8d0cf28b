#!/bin/sh
# The engine against the reference fixtures, and check_fixture against files that cannot agree.
# SPDX-License-Identifier: GPL-3.0-or-later
set -u
builddir=${NETAUG_BUILDDIR:-.}
fixtures=${NETAUG_SHARED:-../shared}/fixtures
check=$builddir/tests/check_fixture
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
status=0
report() { # CODE NAME
  if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; status=1; fi
}
refuses() { # NAME WORDS COMMAND...: fails, saying the words
  name=$1; words=$2; shift 2
  if "$@" >"$folder/out" 2>&1; then cat "$folder/out"; report 1 "$name"
  else grep -q -e "$words" "$folder/out"; report $? "$name"; fi
}

refuses no_files "usage:" "$check"
refuses missing_file "No such file" "$check" "$folder/absent.h5"
printf 'not HDF5, but long enough' >"$folder/text.h5"
refuses foreign_file "not an HDF5 file" "$check" "$folder/text.h5"

count=0
for file in "$fixtures"/*.h5; do
  [ -f "$file" ] || continue
  count=$((count + 1))
  "$check" "$file"
  report $? "fixture_$(basename "$file" .h5)"
  head -c 100000 "$file" >"$folder/cut.h5"
  refuses "cut_$(basename "$file" .h5)" "truncated file" "$check" "$folder/cut.h5"
done
if [ "$count" -eq 0 ]; then
  echo "SKIPPED, NOT TESTED: no reference fixtures in $fixtures; set NETAUG_SHARED to the folder"
  echo "that holds fixtures/ to compare the engine with PyTorch"
fi
exit $status
