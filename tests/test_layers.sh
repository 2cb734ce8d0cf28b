#!/bin/sh
# Who may include what: one place per foreign library, includes go downward only.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${NETAUG_SRCDIR:-..}/tests/check.sh"
cd "$NETAUG_SRCDIR" || exit 1

sources() { find "$@" -name '*.[ch]' 2>/dev/null; }

# only NAME HEADER ALLOWED...: nothing but the allowed files includes HEADER (a basic regular
# expression); at least one of them does, or the rule has outlived its purpose.
only()
{
  name=$1 header=$2
  shift 2
  allowed=$(sources "$@")
  users=$(sources core datasets lua tui tests | xargs grep -l "#include [<\"]\(.*/\)\{0,1\}${header}[>\"]")
  strangers=$(printf '%s\n' "$users" | while read -r user; do
    printf '%s\n' "$allowed" | grep -qx -- "$user" || printf '%s\n' "$user"
  done)
  if [ -z "$users" ]; then not_ok "$name" "nobody includes $header"
  elif [ -n "$strangers" ]; then not_ok "$name" "$strangers"
  else ok "$name"
  fi
}
only "hdf5.h only in core/store" 'hdf5\.h' core/store tests/test_store_hostile.c
only "curses.h only in tui" 'n\{0,1\}curses\.h' tui
only "readline only in tui" 'readline/readline\.h' tui
only "cairo.h only in tui/plot" 'cairo\(-svg\|-pdf\)\{0,1\}\.h' tui/plot
only "lua.h only in lua" 'lua\.h' lua
only "cblas.h only in core/kernel/gemm.c" 'cblas\.h' core/kernel/gemm.c
only "jpeglib.h only in datasets" 'jpeglib\.h' datasets tests/data_files.c
only "png.h only in datasets" 'png\.h' datasets tests/data_files.c
only "zlib.h only in datasets" 'zlib\.h' datasets tests/data_files.c

# reaches FOLDER ALLOWED...: the folder's files include only from the allowed folders.
reaches()
{
  folder=$1
  pattern=$(printf '%s\\|' "$@" | sed 's/\\|$//')
  shift
  found=$(sources "$folder" | xargs grep -n '#include "[a-z]*/' |
    grep -v "#include \"\($pattern\)/")
  if [ -n "$found" ]; then not_ok "$folder includes only downward" "$found"
  else ok "$folder includes only downward"
  fi
}
reaches core/base
reaches core/stats core/base
reaches core/kernel core/base
reaches core/layer core/kernel core/base
reaches core/net core/layer core/kernel core/base
reaches core/store core/net core/kernel core/base
reaches core/train core/store core/net core/kernel core/base
reaches core/arms core/runs core/stats core/train core/store core/net core/kernel core/base
reaches core/runs core/train core/store core/net core/kernel core/base
reaches datasets core/store core/base
reaches lua core/arms core/stats core/runs core/train core/store core/net core/kernel core/base datasets

# core and datasets report, they never print or exit; a table of defaults that its own rules refuse may
# end the program, as no user can cause it.
found=$(sources core datasets |
  xargs grep -nE '\b(v?printf|puts|putchar|perror|_?exit)\([^)]|\bfprintf\((stdout|stderr)' |
  grep -v '^core/base/settings.c:.*fprintf(stderr')
check "core and datasets neither print nor exit" [ -z "$found" ]
[ -z "$found" ] || printf '%s\n' "$found" | sed 's/^/  /'

# Every source file names its licence, and none is unfinished.
missing=$(sources core datasets lua tui tests | xargs grep -L 'SPDX-License-Identifier: GPL-3.0-or-later')
check "every C file names its licence" [ -z "$missing" ]
[ -z "$missing" ] || printf '%s\n' "$missing" | sed 's/^/  /'
unfinished=$(sources core datasets lua tui | xargs grep -nE '\b(TODO|FIXME|XXX)\b')
check "nothing is left unfinished" [ -z "$unfinished" ]

finish
