// Arrays: creation, description, destruction. CUDA driver API, "Memory Management".
//
// Sparse arrays and those whose memory is mapped later don't exist here (the device's attributes say so), so that the questions
// about them have one answer: the array isn't of that kind.

#include "driver/array.h"
#include "driver/capture.h"
#include "driver/format.h"

#include <algorithm>

namespace anywarp::driver {
namespace {

int attribute(CUctx_st& context, CUdevice_attribute which) {
    int value = 0;
    cuDeviceGetAttribute(&value, which, context.device->ordinal());
    return value;
}

/// The formats that consist of several planes, each an array of its own (driver API, "CUarray_format").
struct Plane {
    CUarray_format format;
    unsigned channels, shift_x, shift_y; // of the plane's size against the image's
};
std::vector<Plane> planes_of(CUarray_format format) {
    constexpr auto u8 = CU_AD_FORMAT_UNSIGNED_INT8, u16 = CU_AD_FORMAT_UNSIGNED_INT16;
    switch (format) {
    case CU_AD_FORMAT_NV12:
        return {{u8, 1, 0, 0}, {u8, 2, 1, 1}};
    case CU_AD_FORMAT_P010:
    case CU_AD_FORMAT_P016:
        return {{u16, 1, 0, 0}, {u16, 2, 1, 1}};
    case CU_AD_FORMAT_NV16:
        return {{u8, 1, 0, 0}, {u8, 2, 1, 0}};
    case CU_AD_FORMAT_P210:
    case CU_AD_FORMAT_P216:
        return {{u16, 1, 0, 0}, {u16, 2, 1, 0}};
    case CU_AD_FORMAT_YUV444_8bit_SemiPlanar:
        return {{u8, 1, 0, 0}, {u8, 2, 0, 0}};
    case CU_AD_FORMAT_YUV444_16bit_SemiPlanar:
        return {{u16, 1, 0, 0}, {u16, 2, 0, 0}};
    case CU_AD_FORMAT_Y444_PLANAR8:
        return {{u8, 1, 0, 0}, {u8, 1, 0, 0}, {u8, 1, 0, 0}};
    case CU_AD_FORMAT_Y444_PLANAR10:
        return {{u16, 1, 0, 0}, {u16, 1, 0, 0}, {u16, 1, 0, 0}};
    default:
        return {};
    }
}

struct Limits {
    CUdevice_attribute width, height, slices; // width only: 0 for the others
};

/// Geometry and size from a description, checked against what the device offers.
Result<machine::ArrayShape> shape_of(CUctx_st& context, const CUDA_ARRAY3D_DESCRIPTOR& d) {
    constexpr unsigned known = CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_SURFACE_LDST | CUDA_ARRAY3D_CUBEMAP |
                               CUDA_ARRAY3D_TEXTURE_GATHER | CUDA_ARRAY3D_DEPTH_TEXTURE | CUDA_ARRAY3D_COLOR_ATTACHMENT |
                               CUDA_ARRAY3D_SPARSE | CUDA_ARRAY3D_DEFERRED_MAPPING | CUDA_ARRAY3D_VIDEO_ENCODE_DECODE;
    if (d.Flags & ~known) return invalid_value(format("array flags {:#x}", d.Flags));
    if (d.Flags & CUDA_ARRAY3D_SPARSE) return unsupported("sparse arrays");
    if (d.Flags & CUDA_ARRAY3D_DEFERRED_MAPPING) return unsupported("arrays with deferred mapping");
    ANYWARP_TRY_AS(texel, texel_format(d.Format, d.NumChannels));
    bool layered = d.Flags & CUDA_ARRAY3D_LAYERED, cube = d.Flags & CUDA_ARRAY3D_CUBEMAP;
    machine::ArrayShape shape;
    shape.format = texel.format;
    shape.channels = d.NumChannels;
    shape.width = d.Width;
    shape.height = std::max<uint64_t>(d.Height, 1);
    shape.slices = std::max<uint64_t>(d.Depth, 1);
    auto size = [&] { return format("an array of {} x {} x {}, flags {:#x}", d.Width, d.Height, d.Depth, d.Flags); };
    if (d.Width == 0) return invalid_value(size());

    Limits limits;
    if (cube) {
        if (d.Height != d.Width || d.Depth == 0 || d.Depth % 6 || (!layered && d.Depth != 6)) return invalid_value(size());
        shape.geometry = layered ? ANYWARP_GEOMETRY_CUBE_LAYERED : ANYWARP_GEOMETRY_CUBE;
        limits = layered ? Limits{CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH,
                                  CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH,
                                  CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS}
                         : Limits{CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_WIDTH,
                                  CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_WIDTH, CUdevice_attribute(0)};
    } else if (layered) {
        if (d.Depth == 0) return invalid_value(size());
        shape.geometry = d.Height ? ANYWARP_GEOMETRY_2D_LAYERED : ANYWARP_GEOMETRY_1D_LAYERED;
        limits = d.Height ? Limits{CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_WIDTH,
                                   CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_HEIGHT,
                                   CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_LAYERS}
                          : Limits{CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_WIDTH, CUdevice_attribute(0),
                                   CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_LAYERS};
    } else if (d.Depth) {
        if (d.Height == 0) return invalid_value(size());
        shape.geometry = ANYWARP_GEOMETRY_3D;
        limits = {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT,
                  CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH};
        // Deeper ones may be narrower instead.
        if (d.Depth > static_cast<size_t>(attribute(context, limits.slices)))
            limits = {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH_ALTERNATE,
                      CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT_ALTERNATE,
                      CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE};
    } else if (d.Height) {
        shape.geometry = ANYWARP_GEOMETRY_2D;
        limits = {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_WIDTH, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_HEIGHT,
                  CUdevice_attribute(0)};
        if (d.Flags & CUDA_ARRAY3D_TEXTURE_GATHER)
            limits = {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_GATHER_WIDTH, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_GATHER_HEIGHT,
                      CUdevice_attribute(0)};
    } else {
        shape.geometry = ANYWARP_GEOMETRY_1D;
        limits = {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH, CUdevice_attribute(0), CUdevice_attribute(0)};
    }
    if ((d.Flags & CUDA_ARRAY3D_TEXTURE_GATHER) && shape.geometry != ANYWARP_GEOMETRY_2D)
        return invalid_value("texture gather is for 2D arrays; this is " + size());
    auto exceeds = [&](size_t value, CUdevice_attribute which) {
        return which != CUdevice_attribute(0) && value > static_cast<size_t>(attribute(context, which));
    };
    if (exceeds(d.Width, limits.width) || exceeds(d.Height, limits.height) || exceeds(d.Depth, limits.slices))
        return invalid_value(size() + " is more than the device offers");
    return shape;
}

CUarray add_array(CUctx_st& context, std::shared_ptr<machine::Array> storage, const CUDA_ARRAY3D_DESCRIPTOR& descriptor,
                  unsigned level, bool part) {
    auto array = std::make_shared<CUarray_st>();
    array->storage = std::move(storage);
    array->descriptor = descriptor;
    array->level = level;
    array->context = &context;
    array->part = part;
    return array_objects().arrays.add(std::move(array));
}

Result<CUarray> create_planar(CUctx_st& context, const CUDA_ARRAY3D_DESCRIPTOR& d) {
    constexpr unsigned allowed = CUDA_ARRAY3D_SURFACE_LDST | CUDA_ARRAY3D_COLOR_ATTACHMENT | CUDA_ARRAY3D_VIDEO_ENCODE_DECODE;
    if (d.NumChannels != 3 || d.Depth || d.Width == 0 || d.Height == 0 || (d.Flags & ~allowed))
        return invalid_value(format("a planar array of {} x {} x {}, {} channels, flags {:#x}", d.Width, d.Height, d.Depth,
                                    d.NumChannels, d.Flags));
    std::vector<CUarray> planes;
    for (const Plane& plane : planes_of(d.Format)) {
        CUDA_ARRAY3D_DESCRIPTOR p = d;
        p.Width = (d.Width + plane.shift_x) >> plane.shift_x;
        p.Height = (d.Height + plane.shift_y) >> plane.shift_y;
        p.Format = plane.format;
        p.NumChannels = plane.channels;
        auto made = [&]() -> Result<CUarray> {
            ANYWARP_TRY_AS(shape, shape_of(context, p));
            ANYWARP_TRY_AS(storage, machine::Array::create(*context.device, shape));
            return add_array(context, std::move(storage), p, 0, true);
        }();
        if (!made) {
            for (CUarray before : planes) array_objects().arrays.remove(before);
            return std::unexpected(made.error());
        }
        planes.push_back(*made);
    }
    CUarray array = add_array(context, nullptr, d, 0, false);
    array->planes = std::move(planes);
    return array;
}

CUresult create(const char* call, CUarray* result, const CUDA_ARRAY3D_DESCRIPTOR* descriptor) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(descriptor);
        ANYWARP_TRY(refuse_unsafe_call("an allocation"));
        if (!planes_of(descriptor->Format).empty()) {
            ANYWARP_TRY_AS(array, create_planar(context, *descriptor));
            *result = array;
            return {};
        }
        ANYWARP_TRY_AS(shape, shape_of(context, *descriptor));
        ANYWARP_TRY_AS(storage, machine::Array::create(*context.device, shape));
        *result = add_array(context, std::move(storage), *descriptor, 0, false);
        return {};
    });
}

CUresult describe(const char* call, CUDA_ARRAY3D_DESCRIPTOR* result, CUarray handle) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(array, array_of(handle));
        *result = array->descriptor;
        return {};
    });
}

/// `fill` gets the description of an array; for the forms whose structures differ.
template <class Descriptor> CUresult describe_as(const char* call, Descriptor* result, CUarray handle, auto fill) {
    if (!result) return describe(call, nullptr, handle);
    CUDA_ARRAY3D_DESCRIPTOR all{};
    CUresult code = describe(call, &all, handle);
    if (code == CUDA_SUCCESS) fill(all);
    return code;
}

template <class Descriptor> CUDA_ARRAY3D_DESCRIPTOR flat(const Descriptor& d) {
    return {.Width = d.Width, .Height = d.Height, .Depth = 0, .Format = d.Format, .NumChannels = d.NumChannels, .Flags = 0};
}

/// The questions that only sparse arrays, or only those with deferred mapping, can answer.
template <class Handle> CUresult refuse(const char* call, const void* result, Handle handle, const char* kind) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY(array_of(handle));
        return invalid_value(format("the array wasn't made as {}", kind));
    });
}

} // namespace

ArrayObjects& array_objects() {
    static ArrayObjects& all = *new ArrayObjects;
    return all;
}

Result<std::shared_ptr<CUarray_st>> array_of(CUarray handle) {
    auto array = array_objects().arrays.find(handle);
    if (!array) return invalid_handle("no such array");
    return array;
}

Result<std::shared_ptr<CUmipmappedArray_st>> array_of(CUmipmappedArray handle) {
    auto array = array_objects().mipmapped.find(handle);
    if (!array) return invalid_handle("no such mipmapped array");
    return array;
}

Result<TexelFormat> texel_format(CUarray_format code, unsigned channels) {
    struct Row {
        CUarray_format code;
        TexelFormat texel;
    };
    static constexpr Row rows[] = {
        {CU_AD_FORMAT_UNSIGNED_INT8, {ANYWARP_FORMAT_U8, 0, false}},
        {CU_AD_FORMAT_UNSIGNED_INT16, {ANYWARP_FORMAT_U16, 0, false}},
        {CU_AD_FORMAT_UNSIGNED_INT32, {ANYWARP_FORMAT_U32, 0, false}},
        {CU_AD_FORMAT_SIGNED_INT8, {ANYWARP_FORMAT_S8, 0, false}},
        {CU_AD_FORMAT_SIGNED_INT16, {ANYWARP_FORMAT_S16, 0, false}},
        {CU_AD_FORMAT_SIGNED_INT32, {ANYWARP_FORMAT_S32, 0, false}},
        {CU_AD_FORMAT_HALF, {ANYWARP_FORMAT_F16, 0, false}},
        {CU_AD_FORMAT_FLOAT, {ANYWARP_FORMAT_F32, 0, false}},
        {CU_AD_FORMAT_UNORM_INT8X1, {ANYWARP_FORMAT_U8, 1, true}},
        {CU_AD_FORMAT_UNORM_INT8X2, {ANYWARP_FORMAT_U8, 2, true}},
        {CU_AD_FORMAT_UNORM_INT8X4, {ANYWARP_FORMAT_U8, 4, true}},
        {CU_AD_FORMAT_UNORM_INT16X1, {ANYWARP_FORMAT_U16, 1, true}},
        {CU_AD_FORMAT_UNORM_INT16X2, {ANYWARP_FORMAT_U16, 2, true}},
        {CU_AD_FORMAT_UNORM_INT16X4, {ANYWARP_FORMAT_U16, 4, true}},
        {CU_AD_FORMAT_SNORM_INT8X1, {ANYWARP_FORMAT_S8, 1, true}},
        {CU_AD_FORMAT_SNORM_INT8X2, {ANYWARP_FORMAT_S8, 2, true}},
        {CU_AD_FORMAT_SNORM_INT8X4, {ANYWARP_FORMAT_S8, 4, true}},
        {CU_AD_FORMAT_SNORM_INT16X1, {ANYWARP_FORMAT_S16, 1, true}},
        {CU_AD_FORMAT_SNORM_INT16X2, {ANYWARP_FORMAT_S16, 2, true}},
        {CU_AD_FORMAT_SNORM_INT16X4, {ANYWARP_FORMAT_S16, 4, true}},
    };
    if (channels != 1 && channels != 2 && channels != 4 && planes_of(code).empty())
        return invalid_value(format("{} channels; there may be 1, 2 or 4", channels));
    for (const Row& row : rows) {
        if (row.code != code) continue;
        if (row.texel.channels && row.texel.channels != channels)
            return invalid_value(format("{} channels of array format {:#x}", channels, static_cast<unsigned>(code)));
        return row.texel;
    }
    if (code >= CU_AD_FORMAT_BC1_UNORM && code <= CU_AD_FORMAT_BC7_UNORM_SRGB)
        return unsupported(format("block-compressed array format {:#x}", static_cast<unsigned>(code)));
    if ((code >= CU_AD_FORMAT_P010 && code <= CU_AD_FORMAT_YUV444_16bit_SemiPlanar) || code == CU_AD_FORMAT_NV12 ||
        code == CU_AD_FORMAT_UNORM_INT_101010_2)
        return unsupported(format("array format {:#x} as a whole", static_cast<unsigned>(code)));
    return invalid_value(format("there is no array format {:#x}", static_cast<unsigned>(code)));
}

Result<ArrayBox> array_box(CUarray handle, uint64_t x, uint64_t y, uint64_t z, uint64_t width, uint64_t height, uint64_t depth) {
    ANYWARP_TRY_AS(array, array_of(handle));
    if (!array->storage) return invalid_value("a planar array is copied plane by plane (cuArrayGetPlane)");
    const machine::ArrayLevel& level = array->storage->level(array->level);
    uint64_t texel = array->storage->shape().texel_bytes(), row = level.width * texel;
    if (x > row || width > row - x || y > level.height || height > level.height - y || z > level.slices ||
        depth > level.slices - z)
        return invalid_value(format("{} bytes x {} x {} at {}, {}, {} of an array of {} bytes x {} x {}", width, height, depth, x,
                                    y, z, row, level.height, level.slices));
    if (x % texel || width % texel) return invalid_value(format("{} bytes at {} of texels of {}", width, x, texel));
    return ArrayBox{level.data + z * level.slice_pitch + y * level.row_pitch + x, level.row_pitch, level.slice_pitch};
}

void clear_arrays(CUctx_st& context) {
    for (const auto& array : array_objects().arrays.all())
        if (array->context == &context) array_objects().arrays.remove(array.get());
    for (const auto& array : array_objects().mipmapped.all())
        if (array->context == &context) array_objects().mipmapped.remove(array.get());
}

} // namespace anywarp::driver

using namespace anywarp;
using namespace anywarp::driver;

CUresult cuArray3DCreate_v2(CUarray* result, const CUDA_ARRAY3D_DESCRIPTOR* descriptor) {
    return create(__func__, result, descriptor);
}
CUresult cuArrayCreate_v2(CUarray* result, const CUDA_ARRAY_DESCRIPTOR* descriptor) {
    if (!descriptor) return create(__func__, result, nullptr);
    CUDA_ARRAY3D_DESCRIPTOR all = flat(*descriptor);
    return create(__func__, result, &all);
}
CUresult cuArrayCreate(CUarray* result, const CUDA_ARRAY_DESCRIPTOR_v1* descriptor) {
    if (!descriptor) return create(__func__, result, nullptr);
    CUDA_ARRAY3D_DESCRIPTOR all = flat(*descriptor);
    return create(__func__, result, &all);
}
CUresult cuArray3DCreate(CUarray* result, const CUDA_ARRAY3D_DESCRIPTOR_v1* descriptor) {
    if (!descriptor) return create(__func__, result, nullptr);
    CUDA_ARRAY3D_DESCRIPTOR all = flat(*descriptor);
    all.Depth = descriptor->Depth;
    all.Flags = descriptor->Flags;
    return create(__func__, result, &all);
}

CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR* result, CUarray handle) { return describe(__func__, result, handle); }
CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR* result, CUarray handle) {
    return describe_as(__func__, result, handle, [&](const CUDA_ARRAY3D_DESCRIPTOR& d) {
        *result = {.Width = d.Width, .Height = d.Height, .Format = d.Format, .NumChannels = d.NumChannels};
    });
}
CUresult cuArrayGetDescriptor(CUDA_ARRAY_DESCRIPTOR_v1* result, CUarray handle) {
    return describe_as(__func__, result, handle, [&](const CUDA_ARRAY3D_DESCRIPTOR& d) {
        *result = {.Width = unsigned(d.Width), .Height = unsigned(d.Height), .Format = d.Format, .NumChannels = d.NumChannels};
    });
}
CUresult cuArray3DGetDescriptor(CUDA_ARRAY3D_DESCRIPTOR_v1* result, CUarray handle) {
    return describe_as(__func__, result, handle, [&](const CUDA_ARRAY3D_DESCRIPTOR& d) {
        *result = {.Width = unsigned(d.Width),
                   .Height = unsigned(d.Height),
                   .Depth = unsigned(d.Depth),
                   .Format = d.Format,
                   .NumChannels = d.NumChannels,
                   .Flags = d.Flags};
    });
}

CUresult cuArrayDestroy(CUarray handle) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(array, array_of(handle));
        if (array->part) return invalid_handle("a level or plane goes with the array it is part of");
        ANYWARP_TRY(refuse_unsafe_call("freeing memory"));
        ANYWARP_TRY(context.device->status());
        for (CUarray plane : array->planes) array_objects().arrays.remove(plane);
        if (!array_objects().arrays.remove(handle)) return invalid_handle("no such array");
        return {};
    });
}

CUresult cuArrayGetPlane(CUarray* result, CUarray handle, unsigned index) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(array, array_of(handle));
        if (index >= array->planes.size())
            return invalid_value(format("plane {} of an array with {} planes", index, array->planes.size()));
        *result = array->planes[index];
        return {};
    });
}

CUresult cuArrayGetSparseProperties(CUDA_ARRAY_SPARSE_PROPERTIES* result, CUarray handle) {
    return refuse(__func__, result, handle, "sparse");
}
CUresult cuMipmappedArrayGetSparseProperties(CUDA_ARRAY_SPARSE_PROPERTIES* result, CUmipmappedArray handle) {
    return refuse(__func__, result, handle, "sparse");
}
CUresult cuArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS* result, CUarray handle, CUdevice) {
    return refuse(__func__, result, handle, "one with deferred mapping");
}
CUresult cuMipmappedArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS* result, CUmipmappedArray handle, CUdevice) {
    return refuse(__func__, result, handle, "one with deferred mapping");
}

CUresult cuMipmappedArrayCreate(CUmipmappedArray* result, const CUDA_ARRAY3D_DESCRIPTOR* descriptor, unsigned levels) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(descriptor);
        ANYWARP_TRY(refuse_unsafe_call("an allocation"));
        ANYWARP_TRY_AS(shape, shape_of(context, *descriptor));
        shape.levels = std::clamp(levels, 1u, std::min<unsigned>(machine::full_level_count(shape), ANYWARP_TEXTURE_LEVELS));
        ANYWARP_TRY_AS(storage, machine::Array::create(*context.device, shape));
        auto array = std::make_shared<CUmipmappedArray_st>();
        array->storage = storage;
        array->descriptor = *descriptor;
        array->context = &context;
        for (unsigned index = 0; index < shape.levels; index++) {
            const machine::ArrayLevel& level = storage->level(index);
            CUDA_ARRAY3D_DESCRIPTOR d = *descriptor; // a dimension that doesn't exist stays 0
            d.Width = level.width;
            if (d.Height) d.Height = level.height;
            if (d.Depth) d.Depth = level.slices;
            array->levels.push_back(add_array(context, storage, d, index, true));
        }
        *result = array_objects().mipmapped.add(std::move(array));
        return {};
    });
}

CUresult cuMipmappedArrayGetLevel(CUarray* result, CUmipmappedArray handle, unsigned level) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(array, array_of(handle));
        if (level >= array->levels.size())
            return invalid_value(format("level {} of an array with {} levels", level, array->levels.size()));
        *result = array->levels[level];
        return {};
    });
}

CUresult cuMipmappedArrayDestroy(CUmipmappedArray handle) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY(array_of(handle));
        ANYWARP_TRY(refuse_unsafe_call("freeing memory"));
        ANYWARP_TRY(context.device->status());
        auto array = array_objects().mipmapped.remove(handle);
        if (!array) return invalid_handle("no such mipmapped array");
        for (CUarray level : array->levels) array_objects().arrays.remove(level);
        return {};
    });
}
