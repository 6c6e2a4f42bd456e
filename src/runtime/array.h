// Channel descriptions, as the runtime tells texel formats, and the driver's formats.
#pragma once

#include "runtime/runtime.h"

namespace anywarp::runtime {

/// The driver's view of a texel.
struct Texel {
    CUarray_format format = CU_AD_FORMAT_UNSIGNED_INT8;
    unsigned channels = 1;

    size_t bytes() const;      // 0 for formats whose texels have no size of their own
    bool integer() const;      // read as integers unless a texture asks for normalised floats
    bool wide_integer() const; // of 32 bits, which are never normalised
};

/// cudaErrorInvalidChannelDescriptor when no format is like that.
cudaError_t to_driver(const cudaChannelFormatDesc& channels, Texel& texel);
cudaChannelFormatDesc to_runtime(const Texel& texel);

inline CUarray driver_array(cudaArray_const_t array) { return reinterpret_cast<CUarray>(const_cast<cudaArray*>(array)); }
inline CUmipmappedArray driver_array(cudaMipmappedArray_const_t array) {
    return reinterpret_cast<CUmipmappedArray>(const_cast<cudaMipmappedArray*>(array));
}
/// cudaErrorInvalidResourceHandle when the array isn't one.
cudaError_t describe(cudaArray_const_t array, CUDA_ARRAY3D_DESCRIPTOR& description);
inline Texel texel_of(const CUDA_ARRAY3D_DESCRIPTOR& description) { return {description.Format, description.NumChannels}; }

} // namespace anywarp::runtime
