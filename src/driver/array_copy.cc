// Copies that see an array as one run of bytes, row after row: cuMemcpyAtoA, AtoD, AtoH, DtoA, HtoA. CUDA driver API, "Memory
// Management".
//
// The rows of an array have gaps between them, so that a run is copied in pieces: what is left of the first row, whole rows, what
// there is of the last.

#include "driver/array.h"
#include "driver/copy.h"
#include "driver/format.h"

#include <algorithm>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

/// One end of the copy: an array from a byte offset on, or plain memory.
struct End {
    CUmemorytype type;
    CUarray array = nullptr;
    size_t offset = 0;
    const void* host = nullptr;
    CUdeviceptr device = 0;
};
End in_array(CUarray array, size_t offset) { return {.type = CU_MEMORYTYPE_ARRAY, .array = array, .offset = offset}; }
End in_host(const void* pointer) { return {.type = CU_MEMORYTYPE_HOST, .host = pointer}; }
End in_device(CUdeviceptr pointer) { return {.type = CU_MEMORYTYPE_DEVICE, .device = pointer}; }

/// Bytes in a row; 0 for plain memory, which has no rows.
Result<size_t> row_bytes(const End& end, size_t bytes) {
    if (end.type != CU_MEMORYTYPE_ARRAY) return size_t{0};
    ANYWARP_TRY_AS(array, array_of(end.array));
    if (!array->storage) return invalid_value("a planar array is copied plane by plane (cuArrayGetPlane)");
    const machine::ArrayLevel& level = array->storage->level(array->level);
    if (level.slices > 1) return invalid_value("an array of one or two dimensions is needed");
    size_t row = level.width * array->storage->shape().texel_bytes(), all = row * level.height;
    if (end.offset > all || bytes > all - end.offset)
        return invalid_value(format("{} bytes at {} of an array of {}", bytes, end.offset, all));
    return row;
}

Result<void> copy_run(CUctx_st& context, const End& to, const End& from, size_t bytes, CUstream stream, bool asynchronous) {
    ANYWARP_TRY_AS(to_row, row_bytes(to, bytes));
    ANYWARP_TRY_AS(from_row, row_bytes(from, bytes));
    for (size_t done = 0; done < bytes;) {
        size_t left = bytes - done;
        // Where a row of the array ends, the piece ends; from a row's start on, and with rows of one size, many go at once.
        auto until_row_end = [&](const End& end, size_t row) { return row ? row - (end.offset + done) % row : left; };
        size_t width = std::min({left, until_row_end(to, to_row), until_row_end(from, from_row)}), height = 1;
        size_t row = std::max(to_row, from_row);
        bool alike = (to_row == 0 || to_row == row) && (from_row == 0 || from_row == row);
        if (alike && width == row) height = left / row;
        CUDA_MEMCPY3D piece{.srcXInBytes = from_row ? (from.offset + done) % from_row : 0,
                            .srcY = from_row ? (from.offset + done) / from_row : 0,
                            .srcMemoryType = from.type,
                            .srcHost = from.host ? static_cast<const char*>(from.host) + done : nullptr,
                            .srcDevice = from.device ? from.device + done : 0,
                            .srcArray = from.array,
                            .srcPitch = from_row ? 0 : width,
                            .dstXInBytes = to_row ? (to.offset + done) % to_row : 0,
                            .dstY = to_row ? (to.offset + done) / to_row : 0,
                            .dstMemoryType = to.type,
                            .dstHost = to.host ? static_cast<char*>(const_cast<void*>(to.host)) + done : nullptr,
                            .dstDevice = to.device ? to.device + done : 0,
                            .dstArray = to.array,
                            .dstPitch = to_row ? 0 : width,
                            .WidthInBytes = width,
                            .Height = height,
                            .Depth = 1};
        ANYWARP_TRY(copy_box(context, piece, stream, asynchronous));
        done += width * height;
    }
    return {};
}

CUresult copy_array(const char* call, const End& to, const End& from, size_t bytes, CUstream stream = nullptr,
                    bool asynchronous = false) {
    return with_context(
        call, [&](CUctx_st& context) -> Result<void> { return copy_run(context, to, from, bytes, stream, asynchronous); });
}

} // namespace

CUresult cuMemcpyAtoA_v2(CUarray to, size_t to_offset, CUarray from, size_t from_offset, size_t bytes) {
    return copy_array(__func__, in_array(to, to_offset), in_array(from, from_offset), bytes);
}
CUresult cuMemcpyAtoD_v2(CUdeviceptr to, CUarray from, size_t offset, size_t bytes) {
    return copy_array(__func__, in_device(to), in_array(from, offset), bytes);
}
CUresult cuMemcpyDtoA_v2(CUarray to, size_t offset, CUdeviceptr from, size_t bytes) {
    return copy_array(__func__, in_array(to, offset), in_device(from), bytes);
}
CUresult cuMemcpyAtoH_v2(void* to, CUarray from, size_t offset, size_t bytes) {
    return copy_array(__func__, in_host(to), in_array(from, offset), bytes);
}
CUresult cuMemcpyHtoA_v2(CUarray to, size_t offset, const void* from, size_t bytes) {
    return copy_array(__func__, in_array(to, offset), in_host(from), bytes);
}
CUresult cuMemcpyAtoHAsync_v2(void* to, CUarray from, size_t offset, size_t bytes, CUstream stream) {
    return copy_array(__func__, in_host(to), in_array(from, offset), bytes, stream, true);
}
CUresult cuMemcpyHtoAAsync_v2(CUarray to, size_t offset, const void* from, size_t bytes, CUstream stream) {
    return copy_array(__func__, in_array(to, offset), in_host(from), bytes, stream, true);
}

// The forms of CUDA 2, with 32-bit sizes and device addresses.
CUresult cuMemcpyAtoA(CUarray to, unsigned to_offset, CUarray from, unsigned from_offset, unsigned bytes) {
    return copy_array(__func__, in_array(to, to_offset), in_array(from, from_offset), bytes);
}
CUresult cuMemcpyAtoD(CUdeviceptr_v1 to, CUarray from, unsigned offset, unsigned bytes) {
    return copy_array(__func__, in_device(to), in_array(from, offset), bytes);
}
CUresult cuMemcpyDtoA(CUarray to, unsigned offset, CUdeviceptr_v1 from, unsigned bytes) {
    return copy_array(__func__, in_array(to, offset), in_device(from), bytes);
}
CUresult cuMemcpyAtoH(void* to, CUarray from, unsigned offset, unsigned bytes) {
    return copy_array(__func__, in_host(to), in_array(from, offset), bytes);
}
CUresult cuMemcpyHtoA(CUarray to, unsigned offset, const void* from, unsigned bytes) {
    return copy_array(__func__, in_array(to, offset), in_host(from), bytes);
}
CUresult cuMemcpyAtoHAsync(void* to, CUarray from, unsigned offset, unsigned bytes, CUstream stream) {
    return copy_array(__func__, in_host(to), in_array(from, offset), bytes, stream, true);
}
CUresult cuMemcpyHtoAAsync(CUarray to, unsigned offset, const void* from, unsigned bytes, CUstream stream) {
    return copy_array(__func__, in_array(to, offset), in_host(from), bytes, stream, true);
}
