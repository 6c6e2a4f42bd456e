#!/bin/bash
# exports_all.sh OURS THEIRS: ours has every name of theirs, with the same symbol version. __nvJitLinkAPI isn't documented.
names() { nm -D --defined-only "$1" | awk '$3 ~ /nvJitLink[A-Z]/ {print $3}' | grep -v nvJitLinkAPI | sort; }
missing=$(comm -13 <(names "$1") <(names "$2"))
[ -n "$(names "$2")" ] || { echo "no names in $2"; exit 1; }
[ -z "$missing" ] || { echo "missing: $missing"; exit 1; }
