// Arrays: their allocation, their description, and channel formats. CUDA Runtime API, sections "Memory Management" and "Texture
// Object Management".
//
// An array of the runtime is one of the driver: the handles are the same.
#include "runtime/array.h"

#include <algorithm>
#include <iterator>

namespace anywarp::runtime {

namespace {

/// Bits per channel and kind of each driver format that the runtime can name.
struct Row {
    CUarray_format format;
    int bits;
    unsigned channels; // 0: 1, 2 or 4
    cudaChannelFormatKind kind;
};
constexpr Row rows[] = {
    {CU_AD_FORMAT_UNSIGNED_INT8, 8, 0, cudaChannelFormatKindUnsigned},
    {CU_AD_FORMAT_UNSIGNED_INT16, 16, 0, cudaChannelFormatKindUnsigned},
    {CU_AD_FORMAT_UNSIGNED_INT32, 32, 0, cudaChannelFormatKindUnsigned},
    {CU_AD_FORMAT_SIGNED_INT8, 8, 0, cudaChannelFormatKindSigned},
    {CU_AD_FORMAT_SIGNED_INT16, 16, 0, cudaChannelFormatKindSigned},
    {CU_AD_FORMAT_SIGNED_INT32, 32, 0, cudaChannelFormatKindSigned},
    {CU_AD_FORMAT_HALF, 16, 0, cudaChannelFormatKindFloat},
    {CU_AD_FORMAT_FLOAT, 32, 0, cudaChannelFormatKindFloat},
    {CU_AD_FORMAT_NV12, 8, 3, cudaChannelFormatKindNV12},
    {CU_AD_FORMAT_UNORM_INT8X1, 8, 1, cudaChannelFormatKindUnsignedNormalized8X1},
    {CU_AD_FORMAT_UNORM_INT8X2, 8, 2, cudaChannelFormatKindUnsignedNormalized8X2},
    {CU_AD_FORMAT_UNORM_INT8X4, 8, 4, cudaChannelFormatKindUnsignedNormalized8X4},
    {CU_AD_FORMAT_UNORM_INT16X1, 16, 1, cudaChannelFormatKindUnsignedNormalized16X1},
    {CU_AD_FORMAT_UNORM_INT16X2, 16, 2, cudaChannelFormatKindUnsignedNormalized16X2},
    {CU_AD_FORMAT_UNORM_INT16X4, 16, 4, cudaChannelFormatKindUnsignedNormalized16X4},
    {CU_AD_FORMAT_SNORM_INT8X1, 8, 1, cudaChannelFormatKindSignedNormalized8X1},
    {CU_AD_FORMAT_SNORM_INT8X2, 8, 2, cudaChannelFormatKindSignedNormalized8X2},
    {CU_AD_FORMAT_SNORM_INT8X4, 8, 4, cudaChannelFormatKindSignedNormalized8X4},
    {CU_AD_FORMAT_SNORM_INT16X1, 16, 1, cudaChannelFormatKindSignedNormalized16X1},
    {CU_AD_FORMAT_SNORM_INT16X2, 16, 2, cudaChannelFormatKindSignedNormalized16X2},
    {CU_AD_FORMAT_SNORM_INT16X4, 16, 4, cudaChannelFormatKindSignedNormalized16X4},
};

const Row* row_of(CUarray_format format) {
    auto found = std::ranges::find(rows, format, &Row::format);
    return found == std::end(rows) ? nullptr : found;
}

} // namespace

size_t Texel::bytes() const {
    const Row* row = row_of(format);
    return row && format != CU_AD_FORMAT_NV12 ? static_cast<size_t>(row->bits / 8) * channels : 0;
}

bool Texel::integer() const {
    const Row* row = row_of(format);
    return row && (row->kind == cudaChannelFormatKindSigned || row->kind == cudaChannelFormatKindUnsigned);
}

bool Texel::wide_integer() const { return format == CU_AD_FORMAT_UNSIGNED_INT32 || format == CU_AD_FORMAT_SIGNED_INT32; }

cudaError_t to_driver(const cudaChannelFormatDesc& c, Texel& texel) {
    int bits[] = {c.x, c.y, c.z, c.w};
    // Channels are used from the first on, all of one size.
    unsigned channels = static_cast<unsigned>(std::ranges::find(bits, 0) - bits);
    for (unsigned i = 0; i < 4; i++)
        if (bits[i] != (i < channels ? c.x : 0)) return cudaErrorInvalidChannelDescriptor;
    for (const Row& row : rows) {
        bool count = row.channels ? row.channels == channels : channels == 1 || channels == 2 || channels == 4;
        if (row.kind != c.f || row.bits != c.x || !count) continue;
        texel = {row.format, channels};
        return cudaSuccess;
    }
    return cudaErrorInvalidChannelDescriptor;
}

cudaChannelFormatDesc to_runtime(const Texel& texel) {
    const Row* row = row_of(texel.format);
    if (!row) return {0, 0, 0, 0, cudaChannelFormatKindNone};
    auto bits = [&](unsigned channel) { return channel < texel.channels ? row->bits : 0; };
    return {bits(0), bits(1), bits(2), bits(3), row->kind};
}

cudaError_t describe(cudaArray_const_t array, CUDA_ARRAY3D_DESCRIPTOR& description) {
    return to_runtime(cuArray3DGetDescriptor(&description, driver_array(array)));
}

namespace {

cudaError_t to_driver(const cudaChannelFormatDesc* channels, cudaExtent extent, unsigned flags, CUDA_ARRAY3D_DESCRIPTOR& d) {
    if (!channels) return cudaErrorInvalidValue;
    Texel texel;
    if (cudaError_t error = anywarp::runtime::to_driver(*channels, texel); error != cudaSuccess) return error;
    d = {.Width = extent.width,
         .Height = extent.height,
         .Depth = extent.depth,
         .Format = texel.format,
         .NumChannels = texel.channels,
         .Flags = flags};
    return cudaSuccess;
}

cudaError_t allocate(cudaArray_t* array, const cudaChannelFormatDesc* channels, cudaExtent extent, unsigned flags) {
    if (!array) return cudaErrorInvalidValue;
    *array = nullptr;
    CUDA_ARRAY3D_DESCRIPTOR d;
    if (cudaError_t error = to_driver(channels, extent, flags, d); error != cudaSuccess) return error;
    return to_runtime(cuArray3DCreate(reinterpret_cast<CUarray*>(array), &d));
}

} // namespace

} // namespace anywarp::runtime

using namespace anywarp::runtime;

extern "C" {

cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, cudaChannelFormatKind f) { return {x, y, z, w, f}; }

cudaError_t cudaMallocArray(cudaArray_t* array, const cudaChannelFormatDesc* desc, size_t width, size_t height,
                            unsigned int flags) {
    return with_context([&] { return allocate(array, desc, {width, height, 0}, flags); });
}

cudaError_t cudaMalloc3DArray(cudaArray_t* array, const cudaChannelFormatDesc* desc, cudaExtent extent, unsigned int flags) {
    return with_context([&] { return allocate(array, desc, extent, flags); });
}

cudaError_t cudaFreeArray(cudaArray_t array) {
    return with_context([&] { return array ? to_runtime(cuArrayDestroy(driver_array(array))) : cudaSuccess; });
}

cudaError_t cudaMallocMipmappedArray(cudaMipmappedArray_t* mipmappedArray, const cudaChannelFormatDesc* desc, cudaExtent extent,
                                     unsigned int numLevels, unsigned int flags) {
    return with_context([&] {
        if (!mipmappedArray) return cudaErrorInvalidValue;
        *mipmappedArray = nullptr;
        CUDA_ARRAY3D_DESCRIPTOR d;
        if (cudaError_t error = to_driver(desc, extent, flags, d); error != cudaSuccess) return error;
        return to_runtime(cuMipmappedArrayCreate(reinterpret_cast<CUmipmappedArray*>(mipmappedArray), &d, numLevels));
    });
}

cudaError_t cudaFreeMipmappedArray(cudaMipmappedArray_t mipmappedArray) {
    return with_context(
        [&] { return mipmappedArray ? to_runtime(cuMipmappedArrayDestroy(driver_array(mipmappedArray))) : cudaSuccess; });
}

cudaError_t cudaGetMipmappedArrayLevel(cudaArray_t* levelArray, cudaMipmappedArray_const_t mipmappedArray, unsigned int level) {
    return with_context(
        [&] { return cuMipmappedArrayGetLevel(reinterpret_cast<CUarray*>(levelArray), driver_array(mipmappedArray), level); });
}

cudaError_t cudaArrayGetInfo(cudaChannelFormatDesc* desc, cudaExtent* extent, unsigned int* flags, cudaArray_t array) {
    return with_context([&] {
        CUDA_ARRAY3D_DESCRIPTOR d;
        if (cudaError_t error = describe(array, d); error != cudaSuccess) return error;
        if (desc) *desc = to_runtime(texel_of(d));
        if (extent) *extent = {d.Width, d.Height, d.Depth};
        if (flags) *flags = d.Flags;
        return cudaSuccess;
    });
}

cudaError_t cudaGetChannelDesc(cudaChannelFormatDesc* desc, cudaArray_const_t array) {
    return with_context([&] {
        CUDA_ARRAY3D_DESCRIPTOR d;
        if (!desc) return cudaErrorInvalidValue;
        cudaError_t error = describe(array, d);
        if (error == cudaSuccess) *desc = to_runtime(texel_of(d));
        return error;
    });
}

cudaError_t cudaArrayGetPlane(cudaArray_t* pPlaneArray, cudaArray_t hArray, unsigned int planeIdx) {
    return with_context([&] { return cuArrayGetPlane(reinterpret_cast<CUarray*>(pPlaneArray), driver_array(hArray), planeIdx); });
}

cudaError_t cudaArrayGetSparseProperties(cudaArraySparseProperties* sparseProperties, cudaArray_t array) {
    return with_context([&] {
        return cuArrayGetSparseProperties(reinterpret_cast<CUDA_ARRAY_SPARSE_PROPERTIES*>(sparseProperties), driver_array(array));
    });
}

cudaError_t cudaMipmappedArrayGetSparseProperties(cudaArraySparseProperties* sparseProperties, cudaMipmappedArray_t mipmap) {
    return with_context([&] {
        return cuMipmappedArrayGetSparseProperties(reinterpret_cast<CUDA_ARRAY_SPARSE_PROPERTIES*>(sparseProperties),
                                                   driver_array(mipmap));
    });
}

cudaError_t cudaArrayGetMemoryRequirements(cudaArrayMemoryRequirements* memoryRequirements, cudaArray_t array, int device) {
    return with_context([&] {
        return cuArrayGetMemoryRequirements(reinterpret_cast<CUDA_ARRAY_MEMORY_REQUIREMENTS*>(memoryRequirements),
                                            driver_array(array), device);
    });
}

cudaError_t cudaMipmappedArrayGetMemoryRequirements(cudaArrayMemoryRequirements* memoryRequirements, cudaMipmappedArray_t mipmap,
                                                    int device) {
    return with_context([&] {
        return cuMipmappedArrayGetMemoryRequirements(reinterpret_cast<CUDA_ARRAY_MEMORY_REQUIREMENTS*>(memoryRequirements),
                                                     driver_array(mipmap), device);
    });
}

} // extern "C"
