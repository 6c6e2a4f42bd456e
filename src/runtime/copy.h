// Copies as several files need them: of bytes, and the driver's description of a 3D copy.
#pragma once

#include "runtime/runtime.h"

#include <optional>

namespace anywarp::runtime {

/// Without a stream: at once. A context must be current.
cudaError_t copy_bytes(void* to, const void* from, size_t count, cudaMemcpyKind kind, std::optional<cudaStream_t> stream);
cudaError_t to_driver(const cudaMemcpy3DParms& parms, CUDA_MEMCPY3D& copy);

} // namespace anywarp::runtime
