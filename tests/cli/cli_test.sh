#!/usr/bin/env bash
# cli_test.sh NAME ANYWARP CC: one test of the command `anywarp`.
set -euo pipefail
name=$1 anywarp=$2 cc=$3
home=$(dirname "$(dirname "$(realpath "$anywarp")")")
if [[ ! -e $home/lib/libcuda.so.1 ]]; then
    echo "skipped: libcuda.so.1 isn't part of this build"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export ANYWARP_CACHE_DIR=$folder/cache
fail() {
    echo "failed: $*"
    exit 1
}
# expect CODE TEXT COMMAND...: the exit code, and a part of what is printed.
expect() {
    local code=$1 wanted=$2 got=0 output
    shift 2
    output=$("$@" 2>&1) || got=$?
    [[ $got == "$code" ]] || fail "$* ended with $got, not $code: $output"
    [[ $output == *"$wanted"* ]] || fail "$* printed: $output"
}

case $name in
arguments)
    expect 0 "<--stats><--><-x><a b>" "$anywarp" run printf '<%s>' --stats -- -x "a b"
    expect 0 "<run><cache>" "$anywarp" run --trace printf '<%s>' run cache
    expect 0 "1 1 $home/lib:/there" env LD_LIBRARY_PATH=/there "$anywarp" run --stats --trace sh -c \
        'echo $ANYWARP_STATS $ANYWARP_TRACE $LD_LIBRARY_PATH'
    expect 0 "CUDA Version: 13.0" "$anywarp" smi
    expect 0 "export CUDA_PATH='$home'" "$anywarp" env
    ;;
errors)
    echo text >text && echo text >text.ptx && echo 'int f(void){return 1;}' >f.c
    "$cc" -c f.c -o f.o && "$cc" -shared -fPIC f.c -o f.so && printf '\177ELF\2\1%020d' 0 >short
    printf '#!/bin/sh\n' >script
    expect 127 "no such program: ./nothing" "$anywarp" run ./nothing
    expect 127 "no such program: nothing-of-this-name" "$anywarp" run nothing-of-this-name
    expect 126 "not a program" "$anywarp" run ./text
    expect 126 "anywarp ptx check" "$anywarp" run ./text.ptx
    expect 126 "object file" "$anywarp" run ./f.o
    expect 126 "shared library" "$anywarp" run ./f.so
    expect 126 "not executable" "$anywarp" run ./script
    expect 126 "folder" "$anywarp" run .
    chmod +x short && expect 126 "damaged" "$anywarp" run ./short
    expect 2 "run needs a program" "$anywarp" run
    expect 2 "--bogus" "$anywarp" run --bogus true
    ;;
devices)
    expect 0 "<h20 8>" "$anywarp" run --device h20 --devices 8 sh -c 'echo "<$ANYWARP_DEVICE $ANYWARP_DEVICES>"'
    expect 0 "<h20,h100 >" env ANYWARP_DEVICES=7 "$anywarp" run --device=h20,h100 sh -c 'echo "<$ANYWARP_DEVICE $ANYWARP_DEVICES>"'
    expect 0 "<cpu 3>" env ANYWARP_DEVICE=cpu "$anywarp" run --devices 3 sh -c 'echo "<$ANYWARP_DEVICE $ANYWARP_DEVICES>"'
    expect 0 "<--device>" "$anywarp" run --device h20 printf '<%s>' --device
    expect 126 "h200" "$anywarp" run --device hh20 true
    expect 126 "programs can't run on" "$anywarp" run --device mi300x true
    expect 126 "names 2 devices and ANYWARP_DEVICES is 3" "$anywarp" run --device h20,h100 --devices 3 true
    expect 2 "--devices" "$anywarp" run --devices 1000 true
    expect 2 "--device" "$anywarp" run --device
    expect 0 "NVIDIA H20" env ANYWARP_DEVICE=h20 "$anywarp" smi
    expect 1 "cuInit" env ANYWARP_DEVICE=no-such-device "$anywarp" smi
    ;;
exit_code)
    expect 7 "" "$anywarp" run sh -c 'exit 7'
    expect 143 "" sh -c "\"$anywarp\" run sh -c 'kill -TERM \$\$'"
    ;;
rpath)
    # A program with DT_RPATH to another libcuda.so.1 gets ours all the same; for one without only the redirection of dlopen is
    # preloaded. That gives a full name ours, and leaves other libraries, found by the caller's RUNPATH, alone.
    mkdir other
    echo 'int cuDriverGetVersion(int* v){*v=1;return 0;}' >other.c
    echo '#include <stdio.h>
          int cuDriverGetVersion(int*); int main(void){int v; cuDriverGetVersion(&v); printf("version %d\n", v);}' >main.c
    "$cc" -shared -fPIC -Wl,-soname,libcuda.so.1 other.c -o other/libcuda.so.1
    "$cc" main.c other/libcuda.so.1 -Wl,--disable-new-dtags,-rpath,"$folder/other" -o with_rpath
    "$cc" main.c other/libcuda.so.1 -Wl,--enable-new-dtags,-rpath,"$folder/other" -o with_runpath
    expect 0 "version 1" env LD_LIBRARY_PATH="$home/lib" ./with_rpath
    expect 0 "version 13000" "$anywarp" run ./with_rpath
    expect 0 "version 13000" "$anywarp" run ./with_runpath
    expect 0 "<$home/lib/libanywarp-dlopen.so>" "$anywarp" run sh -c 'echo "<$LD_PRELOAD>"'
    echo '#include <dlfcn.h>
          #include <stdio.h>
          int main(int n, char** names) {
              for (int i = 1; i < n; i++) {
                  void* library = dlopen(names[i], RTLD_NOW);
                  int v = 0, (*get)(int*) = library ? (int (*)(int*))dlsym(library, "cuDriverGetVersion") : 0;
                  if (!get) return puts(dlerror());
                  get(&v); printf("version %d\n", v);
              } }' >opens.c
    "$cc" opens.c -ldl -Wl,--enable-new-dtags,-rpath,"$folder/other" -o opens
    cp other/libcuda.so.1 other/libother.so
    expect 0 "version 1" ./opens "$folder/other/libcuda.so.1"
    expect 0 "version 13000" "$anywarp" run ./opens "$folder/other/libcuda.so.1"
    expect 0 "version 1" sh -c "\"$anywarp\" run ./opens libother.so | grep -x 'version 1'"
    ;;
cache)
    [[ -x $home/bin/anywarp-cc ]] || { echo "skipped: anywarp-cc isn't part of this build"; exit 77; }
    echo '#define VALUE 3' >value.h
    echo '#include "value.h"
          #include <cstdio>
          __global__ void k(int* p) { *p = VALUE; }
          int main(int n, char**) { int *p, v = 0; cudaMalloc(&p, 4); k<<<1, 1>>>(p);
              cudaMemcpy(&v, p, 4, cudaMemcpyDeviceToHost); printf("value %d arguments %d\n", v, n); }' >p.cu
    expect 0 "value 3 arguments 2" "$anywarp" run p.cu x
    program=$(echo "$ANYWARP_CACHE_DIR"/run/p-*/p)
    before=$(stat -c %i "$program")
    expect 0 "value 3" "$anywarp" run p.cu
    [[ $(stat -c %i "$program") == "$before" ]] || fail "compiled again without need"
    echo '#define VALUE 45' >value.h
    expect 0 "value 45" "$anywarp" run p.cu
    expect 0 "programs: 1" "$anywarp" cache
    touch "$ANYWARP_CACHE_DIR/mine"
    expect 0 "cleared" "$anywarp" cache --clear
    expect 0 "programs: 0" "$anywarp" cache
    [[ -e $ANYWARP_CACHE_DIR/mine ]] || fail "removed a file that isn't ours"
    echo 'error' >p.cu
    expect 126 "doesn't compile" "$anywarp" run ./p.cu
    ;;
esac
