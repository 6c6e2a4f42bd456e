#!/bin/sh
# run_test.sh ISA PROGRAM ARGUMENT...: runs an example for CTest. Answers 77 (skipped) where the processor lacks the instruction
# set that ANYWARP_ISA is going to ask for; ISA is empty for the native one.
isa=$1
shift
case $isa in
avx2) needed="avx2 fma f16c bmi1 bmi2 abm movbe" ;;
sse4) needed="sse4_2 popcnt ssse3 cx16" ;;
*) needed= ;;
esac
flags=$(grep -m1 '^flags' /proc/cpuinfo)
for flag in $needed; do
    case " $flags " in
    *" $flag "*) ;;
    *)
        echo "skipped: this processor has no $flag"
        exit 77
        ;;
    esac
done
exec "$@"
