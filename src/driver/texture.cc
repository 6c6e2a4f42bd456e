// Texture objects. CUDA driver API, "Texture Object Management".
//
// The memory behind an object isn't held by it: a program that frees an array while an object still names it reads freed memory
// in its kernels, as on a GPU.

#include "driver/texture.h"
#include "driver/format.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

namespace anywarp::driver {
namespace {

void* to_host(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

uint64_t attribute(CUctx_st& context, CUdevice_attribute which) {
    int value = 0;
    cuDeviceGetAttribute(&value, which, context.device->ordinal());
    return static_cast<uint64_t>(value);
}

Result<void> check_memory(CUctx_st& context, CUdeviceptr address, uint64_t bytes) {
    uint64_t alignment = attribute(context, CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT);
    if (address == 0 || address % alignment) return invalid_value(format("{:#x} isn't aligned to {} bytes", address, alignment));
    auto found = machine::find_allocation(to_host(address));
    if (!found) return invalid_value(format("{:#x} isn't device memory", address));
    uint64_t offset = address - reinterpret_cast<uint64_t>(found->base);
    if (bytes > found->size - offset)
        return invalid_value(format("{} bytes at offset {} of an allocation of {}", bytes, offset, found->size));
    return {};
}

/// Formats a view can give: CU_RES_VIEW_FORMAT_UINT_1X8 .. FLOAT_4X32 are in groups of one, two and four channels.
Result<TexelFormat> view_format(CUresourceViewFormat code) {
    static constexpr AnywarpFormat groups[] = {ANYWARP_FORMAT_U8,  ANYWARP_FORMAT_S8,  ANYWARP_FORMAT_U16, ANYWARP_FORMAT_S16,
                                               ANYWARP_FORMAT_U32, ANYWARP_FORMAT_S32, ANYWARP_FORMAT_F16, ANYWARP_FORMAT_F32};
    if (code >= CU_RES_VIEW_FORMAT_UNSIGNED_BC1 && code <= CU_RES_VIEW_FORMAT_UNSIGNED_BC7)
        return unsupported(format("block-compressed resource view format {:#x}", static_cast<unsigned>(code)));
    if (code < CU_RES_VIEW_FORMAT_UINT_1X8 || code > CU_RES_VIEW_FORMAT_FLOAT_4X32)
        return invalid_value(format("there is no resource view format {:#x}", static_cast<unsigned>(code)));
    unsigned index = code - CU_RES_VIEW_FORMAT_UINT_1X8;
    return TexelFormat{groups[index / 3], 1u << index % 3, false};
}

/// A view names the resource's own size, and may choose levels, layers and another format of the same size.
Result<void> check_view(const CUDA_RESOURCE_VIEW_DESC& view, const CUDA_ARRAY3D_DESCRIPTOR& array, unsigned levels) {
    if (view.width != array.Width || view.height != array.Height || view.depth != array.Depth)
        return invalid_value(format("a view of {} x {} x {} of an array of {} x {} x {}", view.width, view.height, view.depth,
                                    array.Width, array.Height, array.Depth));
    if (view.firstMipmapLevel > view.lastMipmapLevel || view.lastMipmapLevel >= levels)
        return invalid_value(format("levels {} to {} of {}", view.firstMipmapLevel, view.lastMipmapLevel, levels));
    bool layered = array.Flags & CUDA_ARRAY3D_LAYERED;
    uint64_t layers = layered ? array.Depth / (array.Flags & CUDA_ARRAY3D_CUBEMAP ? 6 : 1) : 1;
    if (view.firstLayer > view.lastLayer || view.lastLayer >= layers)
        return invalid_value(format("layers {} to {} of {}", view.firstLayer, view.lastLayer, layers));
    return {};
}

/// The array, the level it starts at, and how many there are.
struct Source {
    std::shared_ptr<machine::Array> storage;
    CUDA_ARRAY3D_DESCRIPTOR descriptor;
    unsigned first, count;
};

Result<Source> source_of(const CUDA_RESOURCE_DESC& resource) {
    if (resource.resType == CU_RESOURCE_TYPE_ARRAY) {
        auto array = array_objects().arrays.find(resource.res.array.hArray);
        if (!array) return invalid_value("no such array");
        if (!array->storage) return invalid_value("a planar array is read plane by plane (cuArrayGetPlane)");
        return Source{array->storage, array->descriptor, array->level, 1};
    }
    auto array = array_objects().mipmapped.find(resource.res.mipmap.hMipmappedArray);
    if (!array) return invalid_value("no such mipmapped array");
    return Source{array->storage, array->descriptor, 0, array->storage->shape().levels};
}

Result<AnywarpTexture> describe_array(const CUDA_RESOURCE_DESC& resource, const CUDA_RESOURCE_VIEW_DESC* view, bool& normalized) {
    ANYWARP_TRY_AS(source, source_of(resource));
    ANYWARP_TRY_AS(texel, texel_format(source.descriptor.Format, source.descriptor.NumChannels));
    normalized = texel.normalized;
    if (!view) return machine::describe(*source.storage, source.first, source.count);
    ANYWARP_TRY(check_view(*view, source.descriptor, source.count));
    AnywarpTexture texture = machine::describe(*source.storage, source.first + view->firstMipmapLevel,
                                               view->lastMipmapLevel - view->firstMipmapLevel + 1);
    if (source.descriptor.Flags & CUDA_ARRAY3D_LAYERED)
        machine::select_layers(texture, view->firstLayer, view->lastLayer - view->firstLayer + 1);
    if (view->format != CU_RES_VIEW_FORMAT_NONE) {
        ANYWARP_TRY_AS(as, view_format(view->format));
        if (machine::format_bytes(as.format) * as.channels != texture.texel_bytes)
            return invalid_value(format("resource view format {:#x} of texels of {} bytes", static_cast<unsigned>(view->format),
                                        texture.texel_bytes));
        texture.format = as.format;
        texture.channels = as.channels;
        normalized = false;
    }
    return texture;
}

Result<AnywarpTexture> describe_linear(CUctx_st& context, const CUDA_RESOURCE_DESC& resource, bool& normalized) {
    const auto& linear = resource.res.linear;
    ANYWARP_TRY_AS(texel, texel_format(linear.format, linear.numChannels));
    normalized = texel.normalized;
    uint64_t texels = linear.sizeInBytes / (machine::format_bytes(texel.format) * linear.numChannels);
    if (texels == 0 || texels > attribute(context, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH))
        return invalid_value(format("a linear texture of {} texels", texels));
    ANYWARP_TRY(check_memory(context, linear.devPtr, linear.sizeInBytes));
    return machine::describe_linear(to_host(linear.devPtr), texel.format, linear.numChannels, texels);
}

Result<AnywarpTexture> describe_pitched(CUctx_st& context, const CUDA_RESOURCE_DESC& resource, bool& normalized) {
    const auto& image = resource.res.pitch2D;
    ANYWARP_TRY_AS(texel, texel_format(image.format, image.numChannels));
    normalized = texel.normalized;
    uint64_t row = image.width * machine::format_bytes(texel.format) * image.numChannels;
    if (image.width == 0 || image.height == 0 ||
        image.width > attribute(context, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_WIDTH) ||
        image.height > attribute(context, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_HEIGHT))
        return invalid_value(format("an image of {} x {}", image.width, image.height));
    if (image.pitchInBytes < row || image.pitchInBytes % attribute(context, CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT) ||
        image.pitchInBytes > attribute(context, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_PITCH))
        return invalid_value(format("a pitch of {} bytes for rows of {}", image.pitchInBytes, row));
    ANYWARP_TRY(check_memory(context, image.devPtr, (image.height - 1) * image.pitchInBytes + row));
    return machine::describe_pitched(to_host(image.devPtr), texel.format, image.numChannels, image.width, image.height,
                                     image.pitchInBytes);
}

Result<void> check_modes(const CUDA_TEXTURE_DESC& modes) {
    for (CUaddress_mode mode : modes.addressMode)
        if (static_cast<unsigned>(mode) > CU_TR_ADDRESS_MODE_BORDER)
            return invalid_value(format("there is no address mode {}", static_cast<int>(mode)));
    for (CUfilter_mode mode : {modes.filterMode, modes.mipmapFilterMode})
        if (static_cast<unsigned>(mode) > CU_TR_FILTER_MODE_LINEAR)
            return invalid_value(format("there is no filter mode {}", static_cast<int>(mode)));
    constexpr unsigned known = CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES | CU_TRSF_SRGB |
                               CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION | CU_TRSF_SEAMLESS_CUBEMAP;
    if (modes.flags & ~known) return invalid_value(format("texture flags {:#x}", modes.flags));
    return {};
}

AnywarpSampler sampler_of(const CUDA_TEXTURE_DESC& modes) {
    AnywarpSampler sampler{};
    sampler.magic = ANYWARP_SAMPLER_MAGIC;
    for (unsigned i = 0; i < 3; i++) sampler.address_mode[i] = modes.addressMode[i];
    sampler.filter = modes.filterMode;
    sampler.mip_filter = modes.mipmapFilterMode;
    sampler.normalized = (modes.flags & CU_TRSF_NORMALIZED_COORDINATES) != 0;
    sampler.seamless = (modes.flags & CU_TRSF_SEAMLESS_CUBEMAP) != 0;
    sampler.mip_bias = modes.mipmapLevelBias;
    sampler.min_level = modes.minMipmapLevelClamp;
    sampler.max_level = modes.maxMipmapLevelClamp;
    sampler.max_anisotropy = modes.maxAnisotropy;
    std::memcpy(sampler.border, modes.borderColor, sizeof sampler.border);
    return sampler;
}

} // namespace

TextureObjects& texture_objects() {
    static TextureObjects& all = *new TextureObjects;
    return all;
}

Result<AnywarpTexture> describe_texture(CUctx_st& context, const CUDA_RESOURCE_DESC& resource, const CUDA_TEXTURE_DESC& modes,
                                        const CUDA_RESOURCE_VIEW_DESC* view) {
    if (resource.flags) return invalid_value(format("resource flags {:#x}", resource.flags));
    ANYWARP_TRY(check_modes(modes));
    bool normalized = false, in_array = false;
    auto made = [&]() -> Result<AnywarpTexture> {
        switch (resource.resType) {
        case CU_RESOURCE_TYPE_ARRAY:
        case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
            in_array = true;
            return describe_array(resource, view, normalized);
        case CU_RESOURCE_TYPE_LINEAR:
            return describe_linear(context, resource, normalized);
        case CU_RESOURCE_TYPE_PITCH2D:
            return describe_pitched(context, resource, normalized);
        default:
            return invalid_value(format("there is no resource type {}", static_cast<int>(resource.resType)));
        }
    }();
    if (!made) return made;
    if (view && !in_array) return invalid_value("a resource view of plain memory");
    AnywarpTexture texture = *made;
    // 32-bit integers are never promoted; CUDA_TEXTURE_DESC, "flags".
    bool small = texture.format <= ANYWARP_FORMAT_S16;
    texture.read_float = normalized || (small && !(modes.flags & CU_TRSF_READ_AS_INTEGER));
    texture.srgb = texture.read_float && texture.format == ANYWARP_FORMAT_U8 && (modes.flags & CU_TRSF_SRGB);
    texture.sampler = sampler_of(modes);
    return texture;
}

void clear_textures(CUctx_st& context) {
    for (auto* registry : {&texture_objects().textures, &texture_objects().surfaces})
        for (const auto& object : registry->all())
            if (object->context == &context) registry->remove(object.get());
    for (const auto& reference : texture_objects().texture_references.all()) // a module's go with it
        if (reference->object.context == &context) texture_objects().texture_references.remove(reference.get());
}

} // namespace anywarp::driver

using namespace anywarp;
using namespace anywarp::driver;

namespace {

TextureObject* pointer_of(CUtexObject handle) { return reinterpret_cast<TextureObject*>(handle); }

Result<std::shared_ptr<TextureObject>> texture_of(CUtexObject handle) {
    auto object = texture_objects().textures.find(pointer_of(handle));
    if (!object) return invalid_value(format("{:#x} isn't a texture object", handle));
    return object;
}

} // namespace

CUresult cuTexObjectCreate(CUtexObject* result, const CUDA_RESOURCE_DESC* resource, const CUDA_TEXTURE_DESC* modes,
                           const CUDA_RESOURCE_VIEW_DESC* view) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(resource);
        ANYWARP_REQUIRE(modes);
        ANYWARP_TRY_AS(descriptor, describe_texture(context, *resource, *modes, view));
        auto object = std::make_shared<TextureObject>();
        object->descriptor = descriptor;
        object->resource = *resource;
        object->modes = *modes;
        if (view) object->view = *view;
        object->context = &context;
        *result = reinterpret_cast<CUtexObject>(texture_objects().textures.add(std::move(object)));
        return {};
    });
}

CUresult cuTexObjectDestroy(CUtexObject handle) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (handle == 0) return {};
        ANYWARP_TRY(texture_of(handle));
        // Kernels that are queued still read the descriptor.
        std::ignore = context.device->synchronize();
        texture_objects().textures.remove(pointer_of(handle));
        return {};
    });
}

CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC* result, CUtexObject handle) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(object, texture_of(handle));
        *result = object->resource;
        return {};
    });
}

CUresult cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC* result, CUtexObject handle) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(object, texture_of(handle));
        *result = object->modes;
        return {};
    });
}

CUresult cuTexObjectGetResourceViewDesc(CUDA_RESOURCE_VIEW_DESC* result, CUtexObject handle) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(object, texture_of(handle));
        if (!object->view) return invalid_value("the texture object was made without a resource view");
        *result = *object->view;
        return {};
    });
}

CUresult cuDeviceGetTexture1DLinearMaxWidth(size_t* result, CUarray_format code, unsigned channels, CUdevice device) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY(device_of(device));
        ANYWARP_TRY(texel_format(code, channels));
        int width = 0;
        cuDeviceGetAttribute(&width, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH, device);
        *result = static_cast<size_t>(width);
        return {};
    });
}
