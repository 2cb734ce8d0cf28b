# Harness of the shell tests: source it. Prints "ok NAME" / "not ok NAME" lines, as tests/check.h does.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

: "${NETAUG_SRCDIR:=..}" "${NETAUG_BUILDDIR:=.}" "${NETAUG_LUA:=$NETAUG_SRCDIR/lua}"
export NETAUG_LUA
# shellcheck disable=SC2034 # for those who source this
netaug=$NETAUG_BUILDDIR/netaug
check_failed=0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/netaug-test.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
unset NO_COLOR COLUMNS

# ok NAME / not_ok NAME [DETAILS]
ok() { printf 'ok %s\n' "$1"; }
not_ok()
{
  check_failed=1
  [ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/  /'
  printf 'not ok %s\n' "$1"
}

# try COMMAND...: runs it; its status, output and messages are in $status, $out and $err.
try()
{
  status=0
  "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
  out=$(cat "$scratch/out") err=$(cat "$scratch/err")
}

# check NAME CONDITION...: a condition is a command that must succeed.
check()
{
  check_name=$1
  shift
  if "$@"; then ok "$check_name"
  else not_ok "$check_name" "failed: $*
status ${status-}
out: $(printf '%s' "${out-}" | head -n 5)
err: $(printf '%s' "${err-}" | head -n 5)"
  fi
}

# says TEXT PATTERN: does TEXT hold the fixed string PATTERN?
says()
{
  case $1 in *"$2"*) return 0 ;; esac
  return 1
}

# refuses NAME STATUS WORDS COMMAND...: the command must end with STATUS (or "any" but 0, and no
# crash), say "netaug: " and WORDS on standard error.
refuses()
{
  refused=$1 wanted=$2 words=$3
  shift 3
  try "$@"
  if [ "$wanted" = any ]; then
    if [ "$status" -gt 0 ] && [ "$status" -lt 126 ]; then wanted=$status; fi
  fi
  if [ "$status" = "$wanted" ] && says "$err" "netaug: " && says "$err" "$words"; then ok "$refused"
  else not_ok "$refused" "wanted status $wanted and \"$words\" from: $*
status $status
err: $err"
  fi
}

finish() { exit "$check_failed"; }
