// The general copy, for the calls that are special cases of it.
#pragma once

#include "driver/api.h"

namespace anywarp::driver {

/// Checks and does, or queues, a copy between any two of host, device memory and arrays.
Result<void> copy_box(CUctx_st& context, const CUDA_MEMCPY3D& copy, CUstream stream, bool asynchronous);

} // namespace anywarp::driver
