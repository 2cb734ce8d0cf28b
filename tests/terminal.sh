# A program on a real terminal (tmux), for the shell tests: source it after check.sh, where tmux is there.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# The server's socket lies in $scratch, so tests do not meet.
mux() { env -u TMUX TMUX_TMPDIR="$scratch" tmux -u -L netaug "$@"; }
trap 'mux kill-server 2>/dev/null; rm -rf "$scratch"' EXIT

# open COLUMNS ROWS COMMAND: a new terminal, and the command in it
open()
{
  mux kill-server 2>/dev/null
  # A session that the dying server still accepts would die with it.
  while mux list-sessions >/dev/null 2>&1; do sleep 0.1; done
  sleep 0.3
  mux -f /dev/null new-session -d -s s -x "$1" -y "$2" "$3"
}
shows() { mux capture-pane -p -t s 2>&1; }

# sees NAME TEXT: within 60 seconds the terminal shows it; a loaded machine is slow
sees()
{
  for _ in $(seq 300); do
    screen=$(shows)
    if says "$screen" "$2"; then
      ok "$1"
      return
    fi
    sleep 0.2
  done
  not_ok "$1" "$screen"
}
press() { mux send-keys -t s "$@"; }
