// Copies and fills: cuMemcpy*, cuMemset*. CUDA driver API, "Memory Management", "API synchronization behavior".
//
// A copy that involves pageable host memory is finished when the call returns, in its asynchronous form too: the caller may
// change that memory at once, as with NVIDIA's driver, which stages it.

#include "driver/copy.h"
#include "driver/array.h"
#include "driver/capture.h"
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

Result<void> check(const machine::CopyCommand& copy, Place to, Place from) {
    if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return {};
    ANYWARP_TRY(check_range(copy.destination,
                            extent(copy.width, copy.height, copy.depth, copy.destination_pitch, copy.destination_slice), to));
    return check_range(copy.source, extent(copy.width, copy.height, copy.depth, copy.source_pitch, copy.source_slice), from);
}

/// A copy that has been checked.
Result<void> submit(CUctx_st& context, const machine::CopyCommand& copy, CUstream stream_handle, bool asynchronous) {
    ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
    if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return {};
    if (!asynchronous) ANYWARP_TRY(refuse_while_capturing(*stream));
    bool pageable = !machine::find_allocation(copy.source) || !machine::find_allocation(copy.destination);
    if (asynchronous && (!pageable || stream->sink())) return stream->enqueue(copy);
    return stream->run(copy);
}

CUresult copy_line(const char* call, void* to, const void* from, size_t bytes, CUstream stream, bool asynchronous, Place to_place,
                   Place from_place) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        machine::CopyCommand copy;
        copy.destination = to;
        copy.source = from;
        copy.width = bytes;
        ANYWARP_TRY(check(copy, to_place, from_place));
        return submit(context, copy, stream, asynchronous);
    });
}

/// The same copy in the general form, from the structures of two dimensions: CUDA_MEMCPY2D and its first version.
template <class Parameters> CUDA_MEMCPY3D as_box(const Parameters& c) {
    return {.srcXInBytes = c.srcXInBytes,
            .srcY = c.srcY,
            .srcMemoryType = c.srcMemoryType,
            .srcHost = c.srcHost,
            .srcDevice = c.srcDevice,
            .srcArray = c.srcArray,
            .srcPitch = c.srcPitch,
            .dstXInBytes = c.dstXInBytes,
            .dstY = c.dstY,
            .dstMemoryType = c.dstMemoryType,
            .dstHost = c.dstHost,
            .dstDevice = c.dstDevice,
            .dstArray = c.dstArray,
            .dstPitch = c.dstPitch,
            .WidthInBytes = c.WidthInBytes,
            .Height = c.Height,
            .Depth = 1};
}
/// ... and from those of three: CUDA_MEMCPY3D's first version, CUDA_MEMCPY3D_PEER.
template <class Parameters>
requires requires(Parameters c) { c.Depth; }
CUDA_MEMCPY3D as_box(const Parameters& c) {
    return {.srcXInBytes = c.srcXInBytes,
            .srcY = c.srcY,
            .srcZ = c.srcZ,
            .srcLOD = c.srcLOD,
            .srcMemoryType = c.srcMemoryType,
            .srcHost = c.srcHost,
            .srcDevice = c.srcDevice,
            .srcArray = c.srcArray,
            .srcPitch = c.srcPitch,
            .srcHeight = c.srcHeight,
            .dstXInBytes = c.dstXInBytes,
            .dstY = c.dstY,
            .dstZ = c.dstZ,
            .dstLOD = c.dstLOD,
            .dstMemoryType = c.dstMemoryType,
            .dstHost = c.dstHost,
            .dstDevice = c.dstDevice,
            .dstArray = c.dstArray,
            .dstPitch = c.dstPitch,
            .dstHeight = c.dstHeight,
            .WidthInBytes = c.WidthInBytes,
            .Height = c.Height,
            .Depth = c.Depth};
}
const CUDA_MEMCPY3D& as_box(const CUDA_MEMCPY3D& c) { return c; }

/// The source or the destination of a box copy: its first byte and its pitches.
struct Side {
    CUmemorytype type;
    void* host;
    CUdeviceptr device;
    CUarray array;
    uint64_t x, y, z, level, pitch, height;
};

Result<ArrayBox> resolve(const Side& side, const CUDA_MEMCPY3D& c) {
    if (side.level) return invalid_value("the level of detail must be 0");
    if (side.type == CU_MEMORYTYPE_ARRAY) return array_box(side.array, side.x, side.y, side.z, c.WidthInBytes, c.Height, c.Depth);
    uint64_t row = c.WidthInBytes + side.x;
    if (side.pitch && side.pitch < row && (c.Height > 1 || c.Depth > 1))
        return invalid_value(format("rows of {} bytes, a pitch of {}", row, side.pitch));
    if (side.height && side.height < c.Height + side.y && c.Depth > 1)
        return invalid_value(format("{} rows at {}, slices of {}", c.Height, side.y, side.height));
    ArrayBox box;
    switch (side.type) {
    case CU_MEMORYTYPE_HOST:
        box.data = static_cast<uint8_t*>(side.host);
        break;
    case CU_MEMORYTYPE_DEVICE:
    case CU_MEMORYTYPE_UNIFIED:
        box.data = static_cast<uint8_t*>(to_host(side.device));
        break;
    default:
        return invalid_value(format("there is no memory type {}", static_cast<int>(side.type)));
    }
    box.row_pitch = side.pitch ? side.pitch : row;
    box.slice_pitch = box.row_pitch * (side.height ? side.height : c.Height + side.y);
    // A null pointer stays one, so that the check behind this finds it.
    if (box.data) box.data += side.z * box.slice_pitch + side.y * box.row_pitch + side.x;
    return box;
}

Place place_of(CUmemorytype type) {
    return type == CU_MEMORYTYPE_HOST ? Place::host : type == CU_MEMORYTYPE_UNIFIED ? Place::any : Place::device;
}

template <class Parameters>
CUresult copy_parameters(const char* call, const Parameters* parameters, CUstream stream, bool asynchronous) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(parameters);
        return copy_box(context, as_box(*parameters), stream, asynchronous);
    });
}

CUresult fill(const char* call, CUdeviceptr to, uint32_t value, unsigned element, size_t width, size_t height, size_t pitch,
              CUstream stream_handle, bool asynchronous) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
        ANYWARP_TRY_AS(command, fill_command({to, pitch, value, element, width, height}));
        if (width == 0 || height == 0) return {};
        if (!asynchronous) ANYWARP_TRY(refuse_while_capturing(*stream));
        return asynchronous ? stream->enqueue(command) : stream->run(command);
    });
}

} // namespace

Result<machine::CopyCommand> anywarp::driver::copy_command(const CUDA_MEMCPY3D& c) {
    Side source{.type = c.srcMemoryType,
                .host = const_cast<void*>(c.srcHost),
                .device = c.srcDevice,
                .array = c.srcArray,
                .x = c.srcXInBytes,
                .y = c.srcY,
                .z = c.srcZ,
                .level = c.srcLOD,
                .pitch = c.srcPitch,
                .height = c.srcHeight};
    Side destination{.type = c.dstMemoryType,
                     .host = c.dstHost,
                     .device = c.dstDevice,
                     .array = c.dstArray,
                     .x = c.dstXInBytes,
                     .y = c.dstY,
                     .z = c.dstZ,
                     .level = c.dstLOD,
                     .pitch = c.dstPitch,
                     .height = c.dstHeight};
    ANYWARP_TRY_AS(from, resolve(source, c));
    ANYWARP_TRY_AS(to, resolve(destination, c));
    machine::CopyCommand copy{.destination = to.data,
                              .source = from.data,
                              .width = c.WidthInBytes,
                              .height = c.Height,
                              .depth = c.Depth,
                              .destination_pitch = to.row_pitch,
                              .source_pitch = from.row_pitch,
                              .destination_slice = to.slice_pitch,
                              .source_slice = from.slice_pitch};
    ANYWARP_TRY(check(copy, place_of(c.dstMemoryType), place_of(c.srcMemoryType)));
    return copy;
}

Result<void> anywarp::driver::copy_box(CUctx_st& context, const CUDA_MEMCPY3D& c, CUstream stream, bool asynchronous) {
    ANYWARP_TRY_AS(copy, copy_command(c));
    return submit(context, copy, stream, asynchronous);
}

Result<machine::FillCommand> anywarp::driver::fill_command(const CUDA_MEMSET_NODE_PARAMS& fill) {
    unsigned element = fill.elementSize;
    if (element != 1 && element != 2 && element != 4) return invalid_value(format("elements of {} bytes", element));
    if (fill.dst % element) return invalid_value(format("{:#x} isn't aligned to {} bytes", fill.dst, element));
    if (fill.width && fill.height) {
        if (fill.height > 1 && (fill.pitch % element || fill.pitch < fill.width * element))
            return invalid_value(format("a pitch of {} bytes", fill.pitch));
        ANYWARP_TRY(check_range(to_host(fill.dst), fill.width * element + (fill.height - 1) * fill.pitch, Place::device));
    }
    machine::FillCommand command;
    command.destination = to_host(fill.dst);
    command.value = fill.value;
    command.element_bytes = element;
    command.width = fill.width;
    command.height = fill.height;
    command.pitch = fill.pitch;
    return command;
}

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

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* copy) { return copy_parameters(__func__, copy, nullptr, false); }
CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* copy) { return copy_parameters(__func__, copy, nullptr, false); }
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* copy, CUstream stream) { return copy_parameters(__func__, copy, stream, true); }
CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D* copy) { return copy_parameters(__func__, copy, nullptr, false); }
CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* copy, CUstream stream) { return copy_parameters(__func__, copy, stream, true); }
CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* copy) { return copy_parameters(__func__, copy, nullptr, false); }
CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER* copy, CUstream stream) {
    return copy_parameters(__func__, copy, stream, true);
}

// The forms of CUDA 2, with 32-bit sizes and device addresses.
CUresult cuMemcpy2D(const CUDA_MEMCPY2D_v1* copy) { return copy_parameters(__func__, copy, nullptr, false); }
CUresult cuMemcpy2DUnaligned(const CUDA_MEMCPY2D_v1* copy) { return copy_parameters(__func__, copy, nullptr, false); }
CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D_v1* copy, CUstream stream) { return copy_parameters(__func__, copy, stream, true); }
CUresult cuMemcpy3D(const CUDA_MEMCPY3D_v1* copy) { return copy_parameters(__func__, copy, nullptr, false); }
CUresult cuMemcpy3DAsync(const CUDA_MEMCPY3D_v1* copy, CUstream stream) { return copy_parameters(__func__, copy, stream, true); }

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
