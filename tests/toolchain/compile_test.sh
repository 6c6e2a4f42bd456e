#!/bin/sh
# compile_test.sh ANYWARP_CC SOURCE FOLDER [PTXAS]: the source compiles to PTX for an old and a new architecture and to an
# object; NVIDIA's assembler accepts the PTX. Without ptxas that half is skipped, which CTest counts (exit status 77).
set -e
compiler=$1
source=$2
name=$3/$(basename "$2" .cu)
ptxas=$4
for arch in 75 90; do
    "$compiler" -ptx -arch=sm_$arch "$source" -o "$name.$arch.ptx"
    if [ -x "$ptxas" ]; then
        "$ptxas" -arch=sm_$arch "$name.$arch.ptx" -o "$name.$arch.cubin"
    fi
done
"$compiler" -c "$source" -o "$name.o"
if [ ! -x "$ptxas" ]; then
    echo "skipped: ptxas is not installed, so nothing else has judged the PTX"
    exit 77
fi
