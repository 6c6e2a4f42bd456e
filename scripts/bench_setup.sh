#!/usr/bin/env bash
# What `make bench` compares with, beyond the build's own needs: PoCL and an OpenCL loader from Debian, and, when asked for
# (bench_setup.sh BUILD_DIR intel), Intel's OpenCL runtime from PyPI into BUILD_DIR/bench/intel; that one is proprietary, so it is never
# fetched unasked. Nothing here is required: what can't be had is named, and the benchmarks leave that version out.
set -uo pipefail
build=$1 intel=${2:-}

missing=()
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    for package in pocl-opencl-icd ocl-icd-opencl-dev opencl-c-headers; do
        [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
    done
fi
if ((${#missing[@]})); then
    as_root=()
    [[ "$(id -u)" == 0 ]] || as_root=(sudo -n)
    echo "bench setup: installing ${missing[*]}"
    { "${as_root[@]}" apt-get update -q &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; } ||
        echo "bench setup: skipped: could not install ${missing[*]}: OpenCL versions may be left out" >&2
fi

if [[ -n "$intel" && ! -e "$build/bench/intel/lib/libintelocl.so" && ! -e "$build/bench/intel/local/lib/libintelocl.so" ]]; then
    mkdir -p "$build/bench"
    python3 -m pip install -q --no-warn-script-location --prefix "$build/bench/intel" intel-opencl-rt intel-cmplr-lib-rt ||
        echo "bench setup: skipped: could not install intel-opencl-rt from PyPI: Intel's OpenCL versions are left out" >&2
fi
exit 0
