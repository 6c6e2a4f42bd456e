// Copies that see an array as one run of bytes, row after row, and 3D copies between devices. CUDA Runtime API, section "Memory
// Management" and "Memory Management [DEPRECATED]".
//
// A run that doesn't begin or end with a row is copied in pieces: what is left of the first row, whole rows, what there is of the
// last. An asynchronous one queues as many copies.
#include "runtime/array.h"
#include "runtime/copy.h"

#include <algorithm>

namespace anywarp::runtime {
namespace {

constexpr std::nullopt_t now = std::nullopt;

/// Where a run begins in an array, and the bytes in its rows.
struct Run {
    CUarray array = nullptr;
    size_t offset = 0, row = 0;
};

cudaError_t run_of(cudaArray_const_t array, size_t x, size_t y, size_t count, Run& run) {
    CUDA_ARRAY3D_DESCRIPTOR d;
    if (cudaError_t error = describe(array, d); error != cudaSuccess) return error;
    size_t row = d.Width * texel_of(d).bytes(), rows = std::max<size_t>(d.Height, 1);
    if (x > row || y > rows || y * row + x > row * rows || count > row * rows - (y * row + x)) return cudaErrorInvalidValue;
    run = {driver_array(array), y * row + x, row};
    return cudaSuccess;
}

/// Between an array and plain memory on a given side.
cudaError_t copy_run(const Run& run, bool to_array, void* memory, size_t count, CUmemorytype side,
                     std::optional<cudaStream_t> stream) {
    for (size_t done = 0; done < count;) {
        size_t x = (run.offset + done) % run.row, y = (run.offset + done) / run.row;
        size_t width = std::min(count - done, run.row - x), height = width == run.row ? (count - done) / run.row : 1;
        char* at = static_cast<char*>(memory) + done;
        CUDA_MEMCPY3D copy{.WidthInBytes = width, .Height = height, .Depth = 1};
        if (to_array) {
            copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
            copy.dstArray = run.array;
            copy.dstXInBytes = x;
            copy.dstY = y;
            copy.srcMemoryType = side;
            copy.srcHost = at;
            copy.srcDevice = address(at);
            copy.srcPitch = width;
        } else {
            copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
            copy.srcArray = run.array;
            copy.srcXInBytes = x;
            copy.srcY = y;
            copy.dstMemoryType = side;
            copy.dstHost = at;
            copy.dstDevice = address(at);
            copy.dstPitch = width;
        }
        CUresult result = stream ? cuMemcpy3DAsync(&copy, *stream) : cuMemcpy3D(&copy);
        if (result != CUDA_SUCCESS) return to_runtime(result);
        done += width * height;
    }
    return cudaSuccess;
}

cudaError_t copy_to_array(cudaArray_t to, size_t x, size_t y, const void* from, size_t count, cudaMemcpyKind kind,
                          std::optional<cudaStream_t> stream) {
    Run run;
    if (static_cast<unsigned>(kind) > cudaMemcpyDefault || kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost)
        return cudaErrorInvalidMemcpyDirection;
    if (cudaError_t error = run_of(to, x, y, count, run); error != cudaSuccess) return error;
    CUmemorytype side = kind == cudaMemcpyDefault        ? CU_MEMORYTYPE_UNIFIED
                        : kind == cudaMemcpyHostToDevice ? CU_MEMORYTYPE_HOST
                                                         : CU_MEMORYTYPE_DEVICE;
    return copy_run(run, true, const_cast<void*>(from), count, side, stream);
}

cudaError_t copy_from_array(void* to, cudaArray_const_t from, size_t x, size_t y, size_t count, cudaMemcpyKind kind,
                            std::optional<cudaStream_t> stream) {
    Run run;
    if (static_cast<unsigned>(kind) > cudaMemcpyDefault || kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost)
        return cudaErrorInvalidMemcpyDirection;
    if (cudaError_t error = run_of(from, x, y, count, run); error != cudaSuccess) return error;
    CUmemorytype side = kind == cudaMemcpyDefault        ? CU_MEMORYTYPE_UNIFIED
                        : kind == cudaMemcpyDeviceToHost ? CU_MEMORYTYPE_HOST
                                                         : CU_MEMORYTYPE_DEVICE;
    return copy_run(run, false, to, count, side, stream);
}

cudaError_t copy_between_arrays(cudaArray_t to, size_t to_x, size_t to_y, cudaArray_const_t from, size_t from_x, size_t from_y,
                                size_t count, cudaMemcpyKind kind) {
    Run source, target;
    if (kind != cudaMemcpyDeviceToDevice && kind != cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
    if (cudaError_t error = run_of(to, to_x, to_y, count, target); error != cudaSuccess) return error;
    if (cudaError_t error = run_of(from, from_x, from_y, count, source); error != cudaSuccess) return error;
    return to_runtime(cuMemcpyAtoA(target.array, target.offset, source.array, source.offset, count));
}

/// The same as a copy within a device but for the contexts, as all devices' memory is in one address space.
cudaError_t copy_between_devices(const cudaMemcpy3DPeerParms* p, std::optional<cudaStream_t> stream) {
    if (!p) return cudaErrorInvalidValue;
    CUDA_MEMCPY3D c{};
    cudaMemcpy3DParms parms{.srcArray = p->srcArray,
                            .srcPos = p->srcPos,
                            .srcPtr = p->srcPtr,
                            .dstArray = p->dstArray,
                            .dstPos = p->dstPos,
                            .dstPtr = p->dstPtr,
                            .extent = p->extent,
                            .kind = cudaMemcpyDeviceToDevice};
    for (int device : {p->srcDevice, p->dstDevice})
        if (cudaError_t error = check_device(device); error != cudaSuccess) return error;
    CUcontext from = nullptr, to = nullptr;
    if (cudaError_t error = primary_context(p->srcDevice, from); error != cudaSuccess) return error;
    if (cudaError_t error = primary_context(p->dstDevice, to); error != cudaSuccess) return error;
    if (cudaError_t error = to_driver(parms, c); error != cudaSuccess) return error;
    CUDA_MEMCPY3D_PEER copy{.srcXInBytes = c.srcXInBytes,
                            .srcY = c.srcY,
                            .srcZ = c.srcZ,
                            .srcMemoryType = c.srcMemoryType,
                            .srcDevice = c.srcDevice,
                            .srcArray = c.srcArray,
                            .srcContext = from,
                            .srcPitch = c.srcPitch,
                            .srcHeight = c.srcHeight,
                            .dstXInBytes = c.dstXInBytes,
                            .dstY = c.dstY,
                            .dstZ = c.dstZ,
                            .dstMemoryType = c.dstMemoryType,
                            .dstDevice = c.dstDevice,
                            .dstArray = c.dstArray,
                            .dstContext = to,
                            .dstPitch = c.dstPitch,
                            .dstHeight = c.dstHeight,
                            .WidthInBytes = c.WidthInBytes,
                            .Height = c.Height,
                            .Depth = c.Depth};
    return to_runtime(stream ? cuMemcpy3DPeerAsync(&copy, *stream) : cuMemcpy3DPeer(&copy));
}

} // namespace
} // namespace anywarp::runtime

using namespace anywarp::runtime;

extern "C" {

cudaError_t cudaMemcpyToArray(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src, size_t count,
                              cudaMemcpyKind kind) {
    return with_context([&] { return copy_to_array(dst, wOffset, hOffset, src, count, kind, now); });
}

cudaError_t cudaMemcpyToArrayAsync(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src, size_t count,
                                   cudaMemcpyKind kind, cudaStream_t stream) {
    return with_context([&] { return copy_to_array(dst, wOffset, hOffset, src, count, kind, stream); });
}

cudaError_t cudaMemcpyFromArray(void* dst, cudaArray_const_t src, size_t wOffset, size_t hOffset, size_t count,
                                cudaMemcpyKind kind) {
    return with_context([&] { return copy_from_array(dst, src, wOffset, hOffset, count, kind, now); });
}

cudaError_t cudaMemcpyFromArrayAsync(void* dst, cudaArray_const_t src, size_t wOffset, size_t hOffset, size_t count,
                                     cudaMemcpyKind kind, cudaStream_t stream) {
    return with_context([&] { return copy_from_array(dst, src, wOffset, hOffset, count, kind, stream); });
}

cudaError_t cudaMemcpyArrayToArray(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst, cudaArray_const_t src,
                                   size_t wOffsetSrc, size_t hOffsetSrc, size_t count, cudaMemcpyKind kind) {
    return with_context(
        [&] { return copy_between_arrays(dst, wOffsetDst, hOffsetDst, src, wOffsetSrc, hOffsetSrc, count, kind); });
}

cudaError_t cudaMemcpy3DPeer(const cudaMemcpy3DPeerParms* p) {
    return with_context([&] { return copy_between_devices(p, now); });
}

cudaError_t cudaMemcpy3DPeerAsync(const cudaMemcpy3DPeerParms* p, cudaStream_t stream) {
    return with_context([&] { return copy_between_devices(p, stream); });
}

} // extern "C"
