// Copies and fills in one, two and three dimensions, to and from symbols, arrays and peers, and hints about managed memory.
//
// A copy's kind says on which side each pointer lies; it is passed on as it is, so that the driver refuses a pointer on the
// wrong side as it does for its own callers. Every form has a synchronous and an asynchronous variant with one body.
//
// CUDA Runtime API, section "Memory Management".
#include "runtime/copy.h"

#include "runtime/array.h"
#include "runtime/registration.h"
#include "runtime/state.h"

#include <cstring>

namespace anywarp::runtime {

cudaError_t copy_bytes(void* to, const void* from, size_t count, cudaMemcpyKind kind, std::optional<cudaStream_t> stream) {
    if (static_cast<unsigned>(kind) > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
    if (count == 0) return cudaSuccess;
    if (!to || !from) return cudaErrorInvalidValue;
    switch (kind) {
    case cudaMemcpyHostToDevice:
        return to_runtime(stream ? cuMemcpyHtoDAsync(address(to), from, count, *stream) : cuMemcpyHtoD(address(to), from, count));
    case cudaMemcpyDeviceToHost:
        return to_runtime(stream ? cuMemcpyDtoHAsync(to, address(from), count, *stream) : cuMemcpyDtoH(to, address(from), count));
    case cudaMemcpyDeviceToDevice:
        return to_runtime(stream ? cuMemcpyDtoDAsync(address(to), address(from), count, *stream)
                                 : cuMemcpyDtoD(address(to), address(from), count));
    default:
        return to_runtime(stream ? cuMemcpyAsync(address(to), address(from), count, *stream)
                                 : cuMemcpy(address(to), address(from), count));
    }
}

namespace {

/// On which side the ends of a copy lie, as the driver says it.
struct Sides {
    CUmemorytype to = CU_MEMORYTYPE_UNIFIED, from = CU_MEMORYTYPE_UNIFIED;
    explicit Sides(cudaMemcpyKind kind) {
        if (kind == cudaMemcpyDefault) return;
        to = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
        from = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
    }
};

void set_source(CUDA_MEMCPY3D& copy, CUmemorytype side, const void* pointer) {
    copy.srcMemoryType = side;
    copy.srcHost = side == CU_MEMORYTYPE_HOST ? pointer : nullptr;
    copy.srcDevice = side == CU_MEMORYTYPE_HOST ? 0 : address(pointer);
}

void set_destination(CUDA_MEMCPY3D& copy, CUmemorytype side, void* pointer) {
    copy.dstMemoryType = side;
    copy.dstHost = side == CU_MEMORYTYPE_HOST ? pointer : nullptr;
    copy.dstDevice = side == CU_MEMORYTYPE_HOST ? 0 : address(pointer);
}

cudaError_t run(const CUDA_MEMCPY3D& copy, std::optional<cudaStream_t> stream) {
    return to_runtime(stream ? cuMemcpy3DAsync(&copy, *stream) : cuMemcpy3D(&copy));
}

cudaError_t copy_rectangle(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height,
                           cudaMemcpyKind kind, std::optional<cudaStream_t> stream) {
    if (static_cast<unsigned>(kind) > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
    if (width > to_pitch || width > from_pitch) return cudaErrorInvalidPitchValue;
    if (width == 0 || height == 0) return cudaSuccess;
    Sides sides(kind);
    CUDA_MEMCPY3D copy{.srcPitch = from_pitch, .dstPitch = to_pitch, .WidthInBytes = width, .Height = height, .Depth = 1};
    set_source(copy, sides.from, from);
    set_destination(copy, sides.to, to);
    return run(copy, stream);
}

size_t texel_size(cudaArray_const_t array) {
    CUDA_ARRAY3D_DESCRIPTOR description{};
    return describe(array, description) == cudaSuccess ? texel_of(description).bytes() : 0;
}

} // namespace

cudaError_t to_driver(const cudaMemcpy3DParms& parms, CUDA_MEMCPY3D& copy) {
    if (static_cast<unsigned>(parms.kind) > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
    if ((parms.srcArray != nullptr) == (parms.srcPtr.ptr != nullptr)) return cudaErrorInvalidValue;
    if ((parms.dstArray != nullptr) == (parms.dstPtr.ptr != nullptr)) return cudaErrorInvalidValue;
    Sides sides(parms.kind);
    // Where an array takes part, the extent counts its elements; between plain pointers, bytes.
    size_t element = 1;
    if (parms.srcArray || parms.dstArray) element = texel_size(parms.srcArray ? parms.srcArray : parms.dstArray);
    if (element == 0) return cudaErrorInvalidResourceHandle;
    copy = {.srcXInBytes = parms.srcPos.x * (parms.srcArray ? element : 1),
            .srcY = parms.srcPos.y,
            .srcZ = parms.srcPos.z,
            .srcPitch = parms.srcPtr.pitch,
            .srcHeight = parms.srcPtr.ysize,
            .dstXInBytes = parms.dstPos.x * (parms.dstArray ? element : 1),
            .dstY = parms.dstPos.y,
            .dstZ = parms.dstPos.z,
            .dstPitch = parms.dstPtr.pitch,
            .dstHeight = parms.dstPtr.ysize,
            .WidthInBytes = parms.extent.width * element,
            .Height = parms.extent.height,
            .Depth = parms.extent.depth};
    if (parms.srcArray) {
        copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
        copy.srcArray = driver_array(parms.srcArray);
    } else {
        set_source(copy, sides.from, parms.srcPtr.ptr);
    }
    if (parms.dstArray) {
        copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
        copy.dstArray = driver_array(parms.dstArray);
    } else {
        set_destination(copy, sides.to, parms.dstPtr.ptr);
    }
    return cudaSuccess;
}

namespace {

cudaError_t copy_box(const cudaMemcpy3DParms* parms, std::optional<cudaStream_t> stream) {
    CUDA_MEMCPY3D copy{};
    if (!parms) return cudaErrorInvalidValue;
    if (cudaError_t error = to_driver(*parms, copy); error != cudaSuccess) return error;
    if (copy.WidthInBytes == 0 || copy.Height == 0 || copy.Depth == 0) return cudaSuccess;
    if ((copy.srcMemoryType != CU_MEMORYTYPE_ARRAY && copy.srcPitch < copy.WidthInBytes) ||
        (copy.dstMemoryType != CU_MEMORYTYPE_ARRAY && copy.dstPitch < copy.WidthInBytes))
        return cudaErrorInvalidPitchValue;
    return run(copy, stream);
}

cudaError_t copy_array_rectangle(cudaArray_const_t to_array, size_t to_x, size_t to_y, void* to, size_t to_pitch,
                                 cudaArray_const_t from_array, size_t from_x, size_t from_y, const void* from, size_t from_pitch,
                                 size_t width, size_t height, cudaMemcpyKind kind, std::optional<cudaStream_t> stream) {
    if (static_cast<unsigned>(kind) > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
    if ((to && width > to_pitch) || (from && width > from_pitch)) return cudaErrorInvalidPitchValue;
    Sides sides(kind);
    CUDA_MEMCPY3D copy{.srcXInBytes = from_x,
                       .srcY = from_y,
                       .srcPitch = from_pitch,
                       .dstXInBytes = to_x,
                       .dstY = to_y,
                       .dstPitch = to_pitch,
                       .WidthInBytes = width,
                       .Height = height,
                       .Depth = 1};
    set_source(copy, sides.from, from);
    set_destination(copy, sides.to, to);
    if (from_array) {
        copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
        copy.srcArray = driver_array(from_array);
    }
    if (to_array) {
        copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
        copy.dstArray = driver_array(to_array);
    }
    return run(copy, stream);
}

/// A range of a variable: its address, checked against its size.
cudaError_t range_of(const void* symbol, size_t offset, size_t count, void*& pointer) {
    CUdeviceptr where = 0;
    size_t size = 0;
    if (cudaError_t error = variable_at(symbol, where, size); error != cudaSuccess) return error;
    if (offset > size || count > size - offset) return cudaErrorInvalidValue;
    pointer = reinterpret_cast<void*>(where + offset);
    return cudaSuccess;
}

cudaError_t copy_to_symbol(const void* symbol, const void* from, size_t count, size_t offset, cudaMemcpyKind kind,
                           std::optional<cudaStream_t> stream) {
    if (kind == cudaMemcpyHostToHost || kind == cudaMemcpyDeviceToHost) return cudaErrorInvalidMemcpyDirection;
    void* to = nullptr;
    cudaError_t error = range_of(symbol, offset, count, to);
    return error != cudaSuccess ? error : copy_bytes(to, from, count, kind, stream);
}

cudaError_t copy_from_symbol(void* to, const void* symbol, size_t count, size_t offset, cudaMemcpyKind kind,
                             std::optional<cudaStream_t> stream) {
    if (kind == cudaMemcpyHostToHost || kind == cudaMemcpyHostToDevice) return cudaErrorInvalidMemcpyDirection;
    void* from = nullptr;
    cudaError_t error = range_of(symbol, offset, count, from);
    return error != cudaSuccess ? error : copy_bytes(to, from, count, kind, stream);
}

cudaError_t copy_between_devices(void* to, int to_device, const void* from, int from_device, size_t count,
                                 std::optional<cudaStream_t> stream) {
    CUcontext to_context = nullptr, from_context = nullptr;
    for (int device : {to_device, from_device})
        if (cudaError_t error = check_device(device); error != cudaSuccess) return error;
    if (cudaError_t error = primary_context(to_device, to_context); error != cudaSuccess) return error;
    if (cudaError_t error = primary_context(from_device, from_context); error != cudaSuccess) return error;
    return to_runtime(stream ? cuMemcpyPeerAsync(address(to), to_context, address(from), from_context, count, *stream)
                             : cuMemcpyPeer(address(to), to_context, address(from), from_context, count));
}

cudaError_t fill(void* to, int value, size_t count, std::optional<cudaStream_t> stream) {
    if (count == 0) return cudaSuccess;
    auto byte = static_cast<unsigned char>(value);
    return to_runtime(stream ? cuMemsetD8Async(address(to), byte, count, *stream) : cuMemsetD8(address(to), byte, count));
}

cudaError_t fill_rectangle(void* to, size_t pitch, int value, size_t width, size_t height, std::optional<cudaStream_t> stream) {
    if (width == 0 || height == 0) return cudaSuccess;
    if (height > 1 && width > pitch) return cudaErrorInvalidValue;
    auto byte = static_cast<unsigned char>(value);
    return to_runtime(stream ? cuMemsetD2D8Async(address(to), pitch, byte, width, height, *stream)
                             : cuMemsetD2D8(address(to), pitch, byte, width, height));
}

cudaError_t fill_box(cudaPitchedPtr to, int value, cudaExtent extent, std::optional<cudaStream_t> stream) {
    if (extent.depth == 0) return cudaSuccess;
    if (extent.height == to.ysize || extent.depth == 1)
        return fill_rectangle(to.ptr, to.pitch, value, extent.width, extent.height * extent.depth, stream);
    for (size_t z = 0; z < extent.depth; z++) {
        void* slice = static_cast<char*>(to.ptr) + z * to.pitch * to.ysize;
        cudaError_t error = fill_rectangle(slice, to.pitch, value, extent.width, extent.height, stream);
        if (error != cudaSuccess) return error;
    }
    return cudaSuccess;
}

constexpr std::nullopt_t now = std::nullopt;

} // namespace

} // namespace anywarp::runtime

using namespace anywarp::runtime;

extern "C" {

cudaError_t cudaMemcpy(void* dst, const void* src, size_t count, cudaMemcpyKind kind) {
    return with_context([&] { return copy_bytes(dst, src, count, kind, now); });
}

cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t count, cudaMemcpyKind kind, cudaStream_t stream) {
    return with_context([&] { return copy_bytes(dst, src, count, kind, stream); });
}

cudaError_t cudaMemcpy2D(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                         cudaMemcpyKind kind) {
    return with_context([&] { return copy_rectangle(dst, dpitch, src, spitch, width, height, kind, now); });
}

cudaError_t cudaMemcpy2DAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
    return with_context([&] { return copy_rectangle(dst, dpitch, src, spitch, width, height, kind, stream); });
}

cudaError_t cudaMemcpy3D(const cudaMemcpy3DParms* p) {
    return with_context([&] { return copy_box(p, now); });
}

cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms* p, cudaStream_t stream) {
    return with_context([&] { return copy_box(p, stream); });
}

cudaError_t cudaMemcpyPeer(void* dst, int dstDevice, const void* src, int srcDevice, size_t count) {
    return with_context([&] { return copy_between_devices(dst, dstDevice, src, srcDevice, count, now); });
}

cudaError_t cudaMemcpyPeerAsync(void* dst, int dstDevice, const void* src, int srcDevice, size_t count, cudaStream_t stream) {
    return with_context([&] { return copy_between_devices(dst, dstDevice, src, srcDevice, count, stream); });
}

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* src, size_t count, size_t offset, cudaMemcpyKind kind) {
    return with_context([&] { return copy_to_symbol(symbol, src, count, offset, kind, now); });
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* src, size_t count, size_t offset, cudaMemcpyKind kind,
                                    cudaStream_t stream) {
    return with_context([&] { return copy_to_symbol(symbol, src, count, offset, kind, stream); });
}

cudaError_t cudaMemcpyFromSymbol(void* dst, const void* symbol, size_t count, size_t offset, cudaMemcpyKind kind) {
    return with_context([&] { return copy_from_symbol(dst, symbol, count, offset, kind, now); });
}

cudaError_t cudaMemcpyFromSymbolAsync(void* dst, const void* symbol, size_t count, size_t offset, cudaMemcpyKind kind,
                                      cudaStream_t stream) {
    return with_context([&] { return copy_from_symbol(dst, symbol, count, offset, kind, stream); });
}

cudaError_t cudaMemcpy2DToArray(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src, size_t spitch, size_t width,
                                size_t height, cudaMemcpyKind kind) {
    return with_context([&] {
        return copy_array_rectangle(dst, wOffset, hOffset, nullptr, 0, nullptr, 0, 0, src, spitch, width, height, kind, now);
    });
}

cudaError_t cudaMemcpy2DToArrayAsync(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src, size_t spitch,
                                     size_t width, size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
    return with_context([&] {
        return copy_array_rectangle(dst, wOffset, hOffset, nullptr, 0, nullptr, 0, 0, src, spitch, width, height, kind, stream);
    });
}

cudaError_t cudaMemcpy2DFromArray(void* dst, size_t dpitch, cudaArray_const_t src, size_t wOffset, size_t hOffset, size_t width,
                                  size_t height, cudaMemcpyKind kind) {
    return with_context([&] {
        return copy_array_rectangle(nullptr, 0, 0, dst, dpitch, src, wOffset, hOffset, nullptr, 0, width, height, kind, now);
    });
}

cudaError_t cudaMemcpy2DFromArrayAsync(void* dst, size_t dpitch, cudaArray_const_t src, size_t wOffset, size_t hOffset,
                                       size_t width, size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
    return with_context([&] {
        return copy_array_rectangle(nullptr, 0, 0, dst, dpitch, src, wOffset, hOffset, nullptr, 0, width, height, kind, stream);
    });
}

cudaError_t cudaMemcpy2DArrayToArray(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst, cudaArray_const_t src,
                                     size_t wOffsetSrc, size_t hOffsetSrc, size_t width, size_t height, cudaMemcpyKind kind) {
    return with_context([&] {
        return copy_array_rectangle(dst, wOffsetDst, hOffsetDst, nullptr, 0, src, wOffsetSrc, hOffsetSrc, nullptr, 0, width,
                                    height, kind, now);
    });
}

cudaError_t cudaMemset(void* devPtr, int value, size_t count) {
    return with_context([&] { return fill(devPtr, value, count, now); });
}

cudaError_t cudaMemsetAsync(void* devPtr, int value, size_t count, cudaStream_t stream) {
    return with_context([&] { return fill(devPtr, value, count, stream); });
}

cudaError_t cudaMemset2D(void* devPtr, size_t pitch, int value, size_t width, size_t height) {
    return with_context([&] { return fill_rectangle(devPtr, pitch, value, width, height, now); });
}

cudaError_t cudaMemset2DAsync(void* devPtr, size_t pitch, int value, size_t width, size_t height, cudaStream_t stream) {
    return with_context([&] { return fill_rectangle(devPtr, pitch, value, width, height, stream); });
}

cudaError_t cudaMemset3D(cudaPitchedPtr pitchedDevPtr, int value, cudaExtent extent) {
    return with_context([&] { return fill_box(pitchedDevPtr, value, extent, now); });
}

cudaError_t cudaMemset3DAsync(cudaPitchedPtr pitchedDevPtr, int value, cudaExtent extent, cudaStream_t stream) {
    return with_context([&] { return fill_box(pitchedDevPtr, value, extent, stream); });
}

#if ANYWARP_CUDART_MAJOR >= 13
cudaError_t cudaMemPrefetchAsync(const void* devPtr, size_t count, cudaMemLocation location, unsigned int flags,
                                 cudaStream_t stream) {
    return with_context([&] {
        CUmemLocation where{.type = static_cast<CUmemLocationType>(location.type), .id = location.id};
        return cuMemPrefetchAsync_v2(address(devPtr), count, where, flags, stream);
    });
}

cudaError_t cudaMemAdvise(const void* devPtr, size_t count, cudaMemoryAdvise advice, cudaMemLocation location) {
    return with_context([&] {
        CUmemLocation where{.type = static_cast<CUmemLocationType>(location.type), .id = location.id};
        return cuMemAdvise_v2(address(devPtr), count, static_cast<CUmem_advise>(advice), where);
    });
}
#endif

} // extern "C"
