#!/usr/bin/env bash
# What `make demo` shows: the device, then the examples of a build folder, each of which checks its own result. Fails when one does.
set -uo pipefail
build=${1:?usage: scripts/demo.sh BUILD}
"$build/bin/anywarp" smi || exit 1
failed=() count=0
cd "$build" || exit 1
mkdir -p demo
cd demo || exit 1
for example in mandelbrot nbody heat image histogram matmul sort; do
    program=../bin/examples/$example
    [[ -x $program ]] || continue
    count=$((count + 1))
    printf '\n$ anywarp run %s\n' "$example"
    ../bin/anywarp run "$program" || failed+=("$example")
done
if ((count == 0)); then
    echo "demo: no example was built" >&2
    exit 1
fi
if ((${#failed[@]})); then
    echo "demo: failed: ${failed[*]}" >&2
    exit 1
fi
printf '\ndemo: %d examples ran, each with its result checked; files are in %s\n' "$count" "$(pwd)"
