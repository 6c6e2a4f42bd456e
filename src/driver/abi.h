// The driver API's declarations, for the files that define its functions: every function under its own name (no macro turns
// cuMemAlloc into cuMemAlloc_v2), and visible outside the library, whose other symbols are hidden.
#pragma once

#define ANYWARP_EXACT_NAMES
#pragma GCC visibility push(default)
#include <cuda.h>
#include <cudaProfiler.h>
#pragma GCC visibility pop
