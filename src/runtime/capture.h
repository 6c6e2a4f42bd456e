// Questions about capture, which programs ask of every stream whether they capture or not.
#pragma once

#include "runtime/runtime.h"

namespace anywarp::runtime {

/// A driver that can't capture has no stream that does: the answer is "none", and no error.
inline cudaError_t or_none(CUresult result, cudaStreamCaptureStatus* status) {
    if (result != CUDA_ERROR_NOT_SUPPORTED || !status) return to_runtime(result);
    *status = cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

} // namespace anywarp::runtime
