#!/usr/bin/env bash
# Installs what the build needs on Debian 12, and only what is missing: with nothing missing it neither uses the network nor asks
# for a password. On another system it checks for the programs and says what to install.
set -euo pipefail

packages=(
    clang-19 llvm-19-dev lld-19 libomp-19-dev libclang-rt-19-dev # the compiler, for the build and behind anywarp-cc; LLVM
    cmake ninja-build ccache pkg-config make g++ python3         # the build
    libzstd-dev liblz4-dev zlib1g-dev libcli11-dev nlohmann-json3-dev libpng-dev
    libgtest-dev libgmock-dev libmpfr-dev libgmp-dev # tests
)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    absent=()
    for program in clang++-19 ld.lld-19 llvm-link-19 cmake ninja; do
        command -v "$program" >/dev/null || absent+=("$program")
    done
    if ((${#absent[@]})); then
        echo "setup: this system has no apt-get; please install: ${absent[*]}" >&2
        echo "setup: the packages of Debian 12 are: ${packages[*]}" >&2
        exit 1
    fi
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if [[ "$(id -u)" != 0 ]]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: these packages are missing: ${missing[*]}" >&2
        echo "setup: install them as root (sudo isn't there): apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
