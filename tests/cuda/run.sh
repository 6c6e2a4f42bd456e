#!/bin/sh
# run.sh PROGRAM [EXPECTED]: runs the program; with EXPECTED its standard output must equal that file.
if [ $# -lt 2 ]; then
    exec "$1"
fi
"$1" >"$1.out" || exit 1
exec diff "$2" "$1.out"
