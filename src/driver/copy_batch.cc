// Batches: many copies queued by one call, and batched decompression. CUDA driver API, "Memory Management": cuMemcpyBatchAsync,
// cuMemcpy3DBatchAsync, cuMemBatchDecompressAsync.
//
// The copies of a batch may run in any order; here they run in the order given. All are checked before the first is queued, so
// that a batch happens wholly or not at all; `failIdx` names the one that was wrong, or is SIZE_MAX when none is to blame.

#include "driver/array.h"
#include "driver/capture.h"
#include "driver/copy.h"
#include "driver/format.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

Result<void> check_stream(CUctx_st& context, CUstream handle) {
    ANYWARP_TRY_AS(stream, stream_of(handle, context));
    if (stream->kind() == machine::Stream::Kind::legacy) return invalid_value("the legacy default stream takes no batches");
    return {};
}

Result<void> check_order(CUmemcpySrcAccessOrder order) {
    if (order < CU_MEMCPY_SRC_ACCESS_ORDER_STREAM || order > CU_MEMCPY_SRC_ACCESS_ORDER_ANY)
        return invalid_value(format("source access order {}", static_cast<int>(order)));
    return {};
}

Result<void> submit(CUctx_st& context, const std::vector<CUDA_MEMCPY3D>& boxes, CUstream stream, size_t* failed) {
    for (size_t i = 0; i < boxes.size(); ++i) {
        if (auto checked = copy_command(boxes[i]); !checked) {
            if (failed) *failed = i;
            return std::unexpected(checked.error());
        }
    }
    for (const CUDA_MEMCPY3D& box : boxes) ANYWARP_TRY(copy_box(context, box, stream, true));
    return {};
}

CUresult lines(const char* call, const CUdeviceptr* to, const CUdeviceptr* from, const size_t* sizes, size_t count,
               const CUmemcpyAttributes* attributes, const size_t* indices, size_t attribute_count, size_t* failed,
               CUstream stream) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        if (failed) *failed = SIZE_MAX;
        ANYWARP_REQUIRE(to);
        ANYWARP_REQUIRE(from);
        ANYWARP_REQUIRE(sizes);
        ANYWARP_REQUIRE(attributes);
        ANYWARP_REQUIRE(indices);
        if (count == 0) return invalid_value("a batch of 0 copies");
        if (attribute_count == 0 || attribute_count > count || indices[0] != 0)
            return invalid_value(format("{} attributes for {} copies", attribute_count, count));
        for (size_t i = 0; i < attribute_count; ++i) {
            ANYWARP_TRY(check_order(attributes[i].srcAccessOrder));
            if (i && (indices[i] <= indices[i - 1] || indices[i] >= count)) return invalid_value("attribute indices must rise");
        }
        ANYWARP_TRY(check_stream(context, stream));
        std::vector<CUDA_MEMCPY3D> boxes(count);
        for (size_t i = 0; i < count; ++i) {
            if (sizes[i] == 0) {
                if (failed) *failed = i;
                return invalid_value(format("copy {} has 0 bytes", i));
            }
            boxes[i].srcMemoryType = boxes[i].dstMemoryType = CU_MEMORYTYPE_UNIFIED;
            boxes[i].srcDevice = from[i];
            boxes[i].dstDevice = to[i];
            boxes[i].WidthInBytes = sizes[i];
            boxes[i].Height = boxes[i].Depth = 1;
        }
        return submit(context, boxes, stream, failed);
    });
}

/// Bytes of an array's element; 0 for a pointer, whose element is the other side's.
Result<size_t> element_bytes(const CUmemcpy3DOperand& operand) {
    if (operand.type == CU_MEMCPY_OPERAND_TYPE_POINTER) return size_t{0};
    if (operand.type != CU_MEMCPY_OPERAND_TYPE_ARRAY)
        return invalid_value(format("operand type {}", static_cast<int>(operand.type)));
    ANYWARP_TRY_AS(array, array_of(operand.op.array.array));
    size_t channel = 4;
    switch (array->descriptor.Format) {
    case CU_AD_FORMAT_UNSIGNED_INT8:
    case CU_AD_FORMAT_SIGNED_INT8:
        channel = 1;
        break;
    case CU_AD_FORMAT_UNSIGNED_INT16:
    case CU_AD_FORMAT_SIGNED_INT16:
    case CU_AD_FORMAT_HALF:
        channel = 2;
        break;
    case CU_AD_FORMAT_UNSIGNED_INT32:
    case CU_AD_FORMAT_SIGNED_INT32:
    case CU_AD_FORMAT_FLOAT:
        break;
    default:
        return unsupported(format("batched copies of arrays of format {}", static_cast<int>(array->descriptor.Format)));
    }
    return channel * array->descriptor.NumChannels;
}

/// One operation as a box copy; its sizes are in elements: bytes between two pointers, texels where an array takes part.
Result<CUDA_MEMCPY3D> box_of(const CUDA_MEMCPY3D_BATCH_OP& operation) {
    ANYWARP_TRY(check_order(operation.srcAccessOrder));
    const CUextent3D& extent = operation.extent;
    if (!extent.width || !extent.height || !extent.depth)
        return invalid_value(format("a box of {} x {} x {}", extent.width, extent.height, extent.depth));
    ANYWARP_TRY_AS(from_bytes, element_bytes(operation.src));
    ANYWARP_TRY_AS(to_bytes, element_bytes(operation.dst));
    if (from_bytes && to_bytes && from_bytes != to_bytes) return invalid_value("arrays of different elements");
    size_t element = from_bytes ? from_bytes : to_bytes ? to_bytes : 1;
    CUDA_MEMCPY3D box{};
    box.WidthInBytes = extent.width * element;
    box.Height = extent.height;
    box.Depth = extent.depth;
    if (operation.src.type == CU_MEMCPY_OPERAND_TYPE_POINTER) {
        const auto& from = operation.src.op.ptr;
        box.srcMemoryType = CU_MEMORYTYPE_UNIFIED;
        box.srcDevice = from.ptr;
        box.srcPitch = from.rowLength * element;
        box.srcHeight = from.layerHeight;
    } else {
        const auto& from = operation.src.op.array;
        box.srcMemoryType = CU_MEMORYTYPE_ARRAY;
        box.srcArray = from.array;
        box.srcXInBytes = from.offset.x * element;
        box.srcY = from.offset.y;
        box.srcZ = from.offset.z;
    }
    if (operation.dst.type == CU_MEMCPY_OPERAND_TYPE_POINTER) {
        const auto& to = operation.dst.op.ptr;
        box.dstMemoryType = CU_MEMORYTYPE_UNIFIED;
        box.dstDevice = to.ptr;
        box.dstPitch = to.rowLength * element;
        box.dstHeight = to.layerHeight;
    } else {
        const auto& to = operation.dst.op.array;
        box.dstMemoryType = CU_MEMORYTYPE_ARRAY;
        box.dstArray = to.array;
        box.dstXInBytes = to.offset.x * element;
        box.dstY = to.offset.y;
        box.dstZ = to.offset.z;
    }
    return box;
}

CUresult boxes(const char* call, size_t count, const CUDA_MEMCPY3D_BATCH_OP* operations, size_t* failed, unsigned long long flags,
               CUstream stream) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        if (failed) *failed = SIZE_MAX;
        ANYWARP_REQUIRE(operations);
        if (count == 0) return invalid_value("a batch of 0 copies");
        if (flags != 0) return invalid_value("flags must be 0");
        ANYWARP_TRY(check_stream(context, stream));
        std::vector<CUDA_MEMCPY3D> all;
        for (size_t i = 0; i < count; ++i) {
            auto box = box_of(operations[i]);
            if (!box) {
                if (failed) *failed = i;
                return std::unexpected(box.error());
            }
            all.push_back(*box);
        }
        return submit(context, all, stream, failed);
    });
}

} // namespace

CUresult cuMemcpyBatchAsync(CUdeviceptr* to, CUdeviceptr* from, size_t* sizes, size_t count, CUmemcpyAttributes* attributes,
                            size_t* indices, size_t attribute_count, size_t* failed, CUstream stream) {
    return lines(__func__, to, from, sizes, count, attributes, indices, attribute_count, failed, stream);
}
CUresult cuMemcpyBatchAsync_v2(CUdeviceptr* to, CUdeviceptr* from, size_t* sizes, size_t count, CUmemcpyAttributes* attributes,
                               size_t* indices, size_t attribute_count, CUstream stream) {
    return lines(__func__, to, from, sizes, count, attributes, indices, attribute_count, nullptr, stream);
}
CUresult cuMemcpy3DBatchAsync(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, size_t* failed, unsigned long long flags,
                              CUstream stream) {
    return boxes(__func__, count, operations, failed, flags, stream);
}
CUresult cuMemcpy3DBatchAsync_v2(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, unsigned long long flags, CUstream stream) {
    return boxes(__func__, count, operations, nullptr, flags, stream);
}

CUresult cuMemBatchDecompressAsync(CUmemDecompressParams* parameters, size_t count, unsigned flags, size_t* failed,
                                   CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(parameters);
        if (count == 0) return invalid_value("a batch of 0 ranges");
        if (flags != 0) return invalid_value("flags must be 0");
        ANYWARP_TRY(stream_of(stream, context));
        if (failed) *failed = 0;
        // What CU_DEVICE_ATTRIBUTE_MEM_DECOMPRESS_ALGORITHM_MASK says: the device has no engine for any algorithm.
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_NOT_SUPPORTED), "the device has no decompression engine");
    });
}
