#!/usr/bin/env bash
# The machine, driver and runtime under ThreadSanitizer (build-tsan), then under AddressSanitizer, LeakSanitizer and
# UndefinedBehaviorSanitizer (build-asan): their unit tests and the stress test with eight threads. Any report fails.
#   scripts/sanitize.sh [ROUNDS of the stress test]
# Kernels and LLVM aren't instrumented: what happens inside a kernel is the kernel's own doing, and LLVM shares nothing between
# threads that a lock of ours doesn't guard. No report had to be suppressed; one that has to be belongs into a file here, with its why.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-1000}
for kind in tsan asan; do
  cmake --preset $kind -DANYWARP_FLOORS="ptx;simt;simd;jit;machine;driver;runtime" >/dev/null
  ninja -C build-$kind -j"${JOBS:-$(nproc)}" test_driver test_runtime stress
done
export TSAN_OPTIONS=halt_on_error=1
# Wild accesses of kernels are caught by our own signal handler; lanes with stacks of their own don't get along with fake stacks.
export ASAN_OPTIONS=handle_segv=0:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
for kind in tsan asan; do
  for program in test_driver test_runtime "stress $rounds"; do
    echo "== $kind: $program"
    ANYWARP_CACHE_DIR=build-$kind/cache build-$kind/bin/$program
  done
done
echo "sanitizers: no reports"
