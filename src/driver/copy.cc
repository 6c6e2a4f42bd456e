// Copies and fills: cuMemcpy*, cuMemset*. CUDA driver API, "Memory Management", "API synchronization behavior".
//
// A copy that involves pageable host memory is finished when the call returns, in its asynchronous form too: the caller may
// change that memory at once, as with NVIDIA's driver, which stages it.

#include "driver/api.h"
#include "driver/format.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

enum class Place { host, device, any };

void* to_host(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

/// A range of device memory must lie in one allocation.
Result<void> check_range(const void* address, size_t bytes, Place place) {
    if (bytes == 0) return {};
    if (!address) return invalid_value("a null pointer");
    if (place == Place::host) return {};
    auto found = machine::find_allocation(address);
    if (!found) {
        if (place == Place::any) return {};
        return invalid_value(format("{:#x} isn't device memory", reinterpret_cast<uintptr_t>(address)));
    }
    size_t offset = static_cast<const uint8_t*>(address) - found->base;
    if (bytes > found->size - offset)
        return invalid_value(format("{} bytes at offset {} of an allocation of {}", bytes, offset, found->size));
    return {};
}

/// Bytes from the first to the last one that a strided copy touches.
size_t extent(uint64_t width, uint64_t height, uint64_t depth, uint64_t pitch, uint64_t slice) {
    return width + (height - 1) * pitch + (depth - 1) * slice;
}

Result<void> run(CUctx_st& context, machine::CopyCommand copy, CUstream stream_handle, bool asynchronous, Place to, Place from) {
    ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
    if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return {};
    ANYWARP_TRY(check_range(copy.destination,
                            extent(copy.width, copy.height, copy.depth, copy.destination_pitch, copy.destination_slice), to));
    ANYWARP_TRY(
        check_range(copy.source, extent(copy.width, copy.height, copy.depth, copy.source_pitch, copy.source_slice), from));
    if (!asynchronous && stream->sink())
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED),
                          "a synchronous copy while the stream is capturing");
    bool pageable = !machine::find_allocation(copy.source) || !machine::find_allocation(copy.destination);
    if (asynchronous && (!pageable || stream->sink())) return stream->enqueue(copy);
    return stream->run(copy);
}

CUresult copy_line(const char* call, void* to, const void* from, size_t bytes, CUstream stream, bool asynchronous, Place to_place,
                   Place from_place) {
    return with_context(call, [&](CUctx_st& context) {
        machine::CopyCommand copy;
        copy.destination = to;
        copy.source = from;
        copy.width = bytes;
        return run(context, copy, stream, asynchronous, to_place, from_place);
    });
}

struct Side {
    uint8_t* base = nullptr;
    Place place = Place::any;
};

Result<Side> side(CUmemorytype type, const void* host, CUdeviceptr device, CUarray array) {
    switch (type) {
    case CU_MEMORYTYPE_HOST:
        return Side{const_cast<uint8_t*>(static_cast<const uint8_t*>(host)), Place::host};
    case CU_MEMORYTYPE_DEVICE:
        return Side{static_cast<uint8_t*>(to_host(device)), Place::device};
    case CU_MEMORYTYPE_UNIFIED:
        return Side{static_cast<uint8_t*>(to_host(device)), Place::any};
    case CU_MEMORYTYPE_ARRAY:
        return unsupported("copies from and to CUDA arrays");
    default:
        return invalid_value(format("there is no memory type {}", static_cast<int>(type)));
    }
}

Result<void> copy_2d(CUctx_st& context, const CUDA_MEMCPY2D* c, CUstream stream, bool asynchronous) {
    ANYWARP_REQUIRE(c);
    ANYWARP_TRY_AS(from, side(c->srcMemoryType, c->srcHost, c->srcDevice, c->srcArray));
    ANYWARP_TRY_AS(to, side(c->dstMemoryType, c->dstHost, c->dstDevice, c->dstArray));
    if (c->Height > 1 && ((c->srcPitch && c->srcPitch < c->WidthInBytes + c->srcXInBytes) ||
                          (c->dstPitch && c->dstPitch < c->WidthInBytes + c->dstXInBytes)))
        return invalid_value(format("rows of {} bytes, pitches of {} and {}", c->WidthInBytes, c->srcPitch, c->dstPitch));
    machine::CopyCommand copy;
    copy.source_pitch = c->srcPitch ? c->srcPitch : c->WidthInBytes + c->srcXInBytes;
    copy.destination_pitch = c->dstPitch ? c->dstPitch : c->WidthInBytes + c->dstXInBytes;
    copy.source = from.base + c->srcY * copy.source_pitch + c->srcXInBytes;
    copy.destination = to.base + c->dstY * copy.destination_pitch + c->dstXInBytes;
    copy.width = c->WidthInBytes;
    copy.height = c->Height;
    return run(context, copy, stream, asynchronous, to.place, from.place);
}

/// CUDA_MEMCPY3D and CUDA_MEMCPY3D_PEER have the same fields, but for the contexts.
template <class Parameters> Result<void> copy_3d(CUctx_st& context, const Parameters* c, CUstream stream, bool asynchronous) {
    ANYWARP_REQUIRE(c);
    ANYWARP_TRY_AS(from, side(c->srcMemoryType, c->srcHost, c->srcDevice, c->srcArray));
    ANYWARP_TRY_AS(to, side(c->dstMemoryType, c->dstHost, c->dstDevice, c->dstArray));
    if (c->srcLOD || c->dstLOD) return invalid_value("the level of detail must be 0");
    if ((c->srcPitch && c->srcPitch < c->WidthInBytes + c->srcXInBytes) ||
        (c->dstPitch && c->dstPitch < c->WidthInBytes + c->dstXInBytes))
        return invalid_value(format("rows of {} bytes, pitches of {} and {}", c->WidthInBytes, c->srcPitch, c->dstPitch));
    machine::CopyCommand copy;
    copy.source_pitch = c->srcPitch ? c->srcPitch : c->WidthInBytes + c->srcXInBytes;
    copy.destination_pitch = c->dstPitch ? c->dstPitch : c->WidthInBytes + c->dstXInBytes;
    copy.source_slice = copy.source_pitch * (c->srcHeight ? c->srcHeight : c->Height);
    copy.destination_slice = copy.destination_pitch * (c->dstHeight ? c->dstHeight : c->Height);
    copy.source = from.base + c->srcZ * copy.source_slice + c->srcY * copy.source_pitch + c->srcXInBytes;
    copy.destination = to.base + c->dstZ * copy.destination_slice + c->dstY * copy.destination_pitch + c->dstXInBytes;
    copy.width = c->WidthInBytes;
    copy.height = c->Height;
    copy.depth = c->Depth;
    return run(context, copy, stream, asynchronous, to.place, from.place);
}

CUresult fill(const char* call, CUdeviceptr to, uint32_t value, unsigned element, size_t width, size_t height, size_t pitch,
              CUstream stream_handle, bool asynchronous) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
        if (to % element) return invalid_value(format("{:#x} isn't aligned to {} bytes", to, element));
        if (width == 0 || height == 0) return {};
        if (height > 1 && (pitch % element || pitch < width * element))
            return invalid_value(format("a pitch of {} bytes", pitch));
        ANYWARP_TRY(check_range(to_host(to), width * element + (height - 1) * pitch, Place::device));
        machine::FillCommand command;
        command.destination = to_host(to);
        command.value = value;
        command.element_bytes = element;
        command.width = width;
        command.height = height;
        command.pitch = pitch;
        return asynchronous ? stream->enqueue(command) : stream->run(command);
    });
}

} // namespace

CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return copy_line(__func__, to_host(to), to_host(from), bytes, nullptr, false, Place::any, Place::any);
}
CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return copy_line(__func__, to_host(to), to_host(from), bytes, stream, true, Place::any, Place::any);
}
CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes) {
    return copy_line(__func__, to_host(to), to_host(from), bytes, nullptr, false, Place::device, Place::device);
}
CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes, CUstream stream) {
    return copy_line(__func__, to_host(to), to_host(from), bytes, stream, true, Place::device, Place::device);
}
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
    return copy_line(__func__, to_host(to), from, bytes, nullptr, false, Place::device, Place::host);
}
CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
    return copy_line(__func__, to, to_host(from), bytes, nullptr, false, Place::host, Place::device);
}
CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return copy_line(__func__, to_host(to), to_host(from), bytes, nullptr, false, Place::device, Place::device);
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
    return copy_line(__func__, to_host(to), from, bytes, stream, true, Place::device, Place::host);
}
CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return copy_line(__func__, to, to_host(from), bytes, stream, true, Place::host, Place::device);
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return copy_line(__func__, to_host(to), to_host(from), bytes, stream, true, Place::device, Place::device);
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* copy) {
    return with_context(__func__, [&](CUctx_st& context) { return copy_2d(context, copy, nullptr, false); });
}
CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* copy) {
    return with_context(__func__, [&](CUctx_st& context) { return copy_2d(context, copy, nullptr, false); });
}
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* copy, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) { return copy_2d(context, copy, stream, true); });
}
CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D* copy) {
    return with_context(__func__, [&](CUctx_st& context) { return copy_3d(context, copy, nullptr, false); });
}
CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* copy, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) { return copy_3d(context, copy, stream, true); });
}
CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* copy) {
    return with_context(__func__, [&](CUctx_st& context) { return copy_3d(context, copy, nullptr, false); });
}
CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER* copy, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) { return copy_3d(context, copy, stream, true); });
}

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
    return fill(__func__, to, value, 1, count, 1, 0, nullptr, false);
}
CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
    return fill(__func__, to, value, 2, count, 1, 0, nullptr, false);
}
CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
    return fill(__func__, to, value, 4, count, 1, 0, nullptr, false);
}
CUresult cuMemsetD2D8_v2(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height) {
    return fill(__func__, to, value, 1, width, height, pitch, nullptr, false);
}
CUresult cuMemsetD2D16_v2(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height) {
    return fill(__func__, to, value, 2, width, height, pitch, nullptr, false);
}
CUresult cuMemsetD2D32_v2(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height) {
    return fill(__func__, to, value, 4, width, height, pitch, nullptr, false);
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
    return fill(__func__, to, value, 1, count, 1, 0, stream, true);
}
CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
    return fill(__func__, to, value, 2, count, 1, 0, stream, true);
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
    return fill(__func__, to, value, 4, count, 1, 0, stream, true);
}
CUresult cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height, CUstream stream) {
    return fill(__func__, to, value, 1, width, height, pitch, stream, true);
}
CUresult cuMemsetD2D16Async(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height, CUstream stream) {
    return fill(__func__, to, value, 2, width, height, pitch, stream, true);
}
CUresult cuMemsetD2D32Async(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height, CUstream stream) {
    return fill(__func__, to, value, 4, width, height, pitch, stream, true);
}
