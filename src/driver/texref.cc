// Texture and surface references. CUDA driver API, "Texture Reference Management [DEPRECATED]", "Surface Reference Management
// [DEPRECATED]", cuModuleGetTexRef, cuModuleGetSurfRef.
//
// A reference is bound to one resource at a time. What was set before stays when it is bound anew. Launches that were queued
// before a change see the old state: the change waits for them.

#include "driver/format.h"
#include "driver/texture.h"

#include <algorithm>
#include <cstring>
#include <tuple>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

std::mutex& references_mutex() { // finding or making the reference of a name
    static auto& mutex = *new std::mutex;
    return mutex;
}

Result<std::shared_ptr<CUtexref_st>> reference_of(CUtexref handle) {
    auto reference = texture_objects().texture_references.find(handle);
    if (!reference) return invalid_value("no such texture reference");
    return reference;
}

Result<std::shared_ptr<CUsurfref_st>> reference_of(CUsurfref handle) {
    auto reference = texture_objects().surface_references.find(handle);
    if (!reference) return invalid_value("no such surface reference");
    return reference;
}

/// The variable of that name in a module, if it is a reference of this kind.
Result<AnywarpReference*> variable_of(CUmod_st& module, const char* name, uint32_t kind) {
    auto missing = [&] { return user_error(ErrorCode::not_found, format("no reference of this kind is named '{}'", name)); };
    auto found = module.module->find_global(name);
    if (!found || found->size < sizeof(AnywarpReference)) return missing();
    auto* variable = reinterpret_cast<AnywarpReference*>(found->address);
    if (variable->magic != ANYWARP_REFERENCE_MAGIC || variable->kind != kind) return missing();
    return variable;
}

template <class Reference>
CUresult find_reference(const char* call, Reference** result, CUmodule handle, const char* name, uint32_t kind,
                        Registry<Reference>& registry, auto initialize) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(name);
        auto module = objects().modules.find(handle);
        if (!module) return invalid_handle("not a module");
        ANYWARP_TRY_AS(variable, variable_of(*module, name, kind));
        std::lock_guard lock(references_mutex());
        for (const auto& known : registry.all())
            if (known->module == handle && known->name == name) {
                *result = known.get();
                return {};
            }
        auto reference = std::make_shared<Reference>();
        reference->variable = variable;
        reference->module = handle;
        reference->name = name;
        initialize(*reference);
        *result = registry.add(std::move(reference));
        return {};
    });
}

/// The modes that a reference's declaration gives (PTX ISA, "Texture, Sampler and Surface Types").
void take_modes(CUtexref_st& reference) {
    const AnywarpSampler& declared = reference.variable->initial;
    if (declared.magic != ANYWARP_SAMPLER_MAGIC) return;
    CUDA_TEXTURE_DESC& modes = reference.object.modes;
    for (unsigned i = 0; i < 3; i++) modes.addressMode[i] = static_cast<CUaddress_mode>(declared.address_mode[i]);
    modes.filterMode = static_cast<CUfilter_mode>(declared.filter);
    modes.mipmapFilterMode = static_cast<CUfilter_mode>(declared.mip_filter);
    if (declared.normalized) modes.flags |= CU_TRSF_NORMALIZED_COORDINATES;
    modes.maxAnisotropy = declared.max_anisotropy;
    modes.mipmapLevelBias = declared.mip_bias;
    modes.minMipmapLevelClamp = declared.min_level;
    modes.maxMipmapLevelClamp = declared.max_level;
    std::memcpy(modes.borderColor, declared.border, sizeof modes.borderColor);
}

/// Puts a new descriptor in the old one's place and the reference's variable to it.
template <class Reference> void exchange(CUctx_st& context, Reference& reference, const AnywarpTexture& descriptor) {
    std::ignore = context.device->synchronize();
    reference.object.descriptor = descriptor;
    reference.bound = true;
    if (reference.variable) reference.variable->handle = reinterpret_cast<uint64_t>(&reference.object.descriptor);
}

/// Calls `change` on a copy of the resource and the modes, and adopts it if what comes out can be read.
CUresult change_texture(const char* call, CUtexref handle, auto change) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(reference, reference_of(handle));
        std::lock_guard lock(reference->mutex);
        CUDA_RESOURCE_DESC resource = reference->object.resource;
        CUDA_TEXTURE_DESC modes = reference->object.modes;
        bool bound = reference->bound;
        ANYWARP_TRY(change(*reference, resource, modes, bound));
        if (bound) {
            ANYWARP_TRY_AS(descriptor, describe_texture(context, resource, modes, nullptr));
            exchange(context, *reference, descriptor);
        }
        reference->object.resource = resource;
        reference->object.modes = modes;
        return {};
    });
}

CUresult change_modes(const char* call, CUtexref handle, auto change) {
    return change_texture(call, handle, [&](CUtexref_st&, CUDA_RESOURCE_DESC&, CUDA_TEXTURE_DESC& modes, bool&) -> Result<void> {
        return change(modes);
    });
}

template <class T> CUresult get(const char* call, T* result, CUtexref handle, auto read) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(reference, reference_of(handle));
        std::lock_guard lock(reference->mutex);
        return read(*reference);
    });
}

Result<void> check_override(unsigned flags) {
    if (flags != CU_TRSA_OVERRIDE_FORMAT) return invalid_value(format("flags {:#x}; CU_TRSA_OVERRIDE_FORMAT is needed", flags));
    return {};
}

CUresult set_address(const char* call, size_t* offset, CUtexref handle, CUdeviceptr address, size_t bytes) {
    return change_texture(
        call, handle, [&](CUtexref_st& reference, CUDA_RESOURCE_DESC& resource, CUDA_TEXTURE_DESC&, bool& bound) -> Result<void> {
            int device = 0, alignment = 0;
            cuCtxGetDevice(&device);
            cuDeviceGetAttribute(&alignment, CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, device);
            // The texture begins at an aligned address; the caller adds the rest to its indices.
            size_t skipped = address % static_cast<size_t>(alignment);
            if (skipped && !offset) return invalid_value(format("{:#x} isn't aligned to {} bytes", address, alignment));
            if (offset) *offset = skipped;
            resource = {};
            resource.resType = CU_RESOURCE_TYPE_LINEAR;
            resource.res.linear.devPtr = address - skipped;
            resource.res.linear.sizeInBytes = bytes + skipped;
            resource.res.linear.format = reference.format;
            resource.res.linear.numChannels = static_cast<unsigned>(reference.channels);
            bound = true;
            return {};
        });
}

template <class Descriptor>
CUresult set_image(const char* call, CUtexref handle, const Descriptor* d, CUdeviceptr address, size_t pitch) {
    return change_texture(
        call, handle, [&](CUtexref_st& reference, CUDA_RESOURCE_DESC& resource, CUDA_TEXTURE_DESC&, bool& bound) -> Result<void> {
            ANYWARP_REQUIRE(d);
            resource = {};
            resource.resType = CU_RESOURCE_TYPE_PITCH2D;
            resource.res.pitch2D.devPtr = address;
            resource.res.pitch2D.format = d->Format;
            resource.res.pitch2D.numChannels = d->NumChannels;
            resource.res.pitch2D.width = d->Width;
            resource.res.pitch2D.height = d->Height;
            resource.res.pitch2D.pitchInBytes = pitch;
            reference.format = d->Format;
            reference.channels = static_cast<int>(d->NumChannels);
            bound = true;
            return {};
        });
}

} // namespace

void anywarp::driver::forget_references(CUmod_st& module) {
    auto forget = [&](auto& registry) {
        for (const auto& reference : registry.all())
            if (reference->module == &module) registry.remove(reference.get());
    };
    forget(texture_objects().texture_references);
    forget(texture_objects().surface_references);
}

CUresult cuModuleGetTexRef(CUtexref* result, CUmodule module, const char* name) {
    return find_reference(__func__, result, module, name, ANYWARP_TEXTURE_MAGIC, texture_objects().texture_references,
                          take_modes);
}

CUresult cuTexRefCreate(CUtexref* result) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        auto reference = std::make_shared<CUtexref_st>();
        reference->object.context = &context;
        *result = texture_objects().texture_references.add(std::move(reference));
        return {};
    });
}

CUresult cuTexRefDestroy(CUtexref handle) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_TRY_AS(reference, reference_of(handle));
        if (reference->variable) return invalid_value("the texture reference is a module's");
        texture_objects().texture_references.remove(handle);
        return {};
    });
}

/// Binds an array, mipmapped or not: `name` puts the handle into the resource.
template <class Handle, class Name>
static CUresult set_array(const char* call, CUtexref handle, Handle array, unsigned flags, Name name) {
    return change_texture(
        call, handle, [&](CUtexref_st& reference, CUDA_RESOURCE_DESC& resource, CUDA_TEXTURE_DESC&, bool& bound) -> Result<void> {
            ANYWARP_TRY(check_override(flags));
            ANYWARP_TRY_AS(object, array_of(array));
            resource = {};
            name(resource);
            reference.format = object->descriptor.Format;
            reference.channels = static_cast<int>(object->descriptor.NumChannels);
            bound = true;
            return {};
        });
}

CUresult cuTexRefSetArray(CUtexref handle, CUarray array, unsigned flags) {
    return set_array(__func__, handle, array, flags, [&](CUDA_RESOURCE_DESC& resource) {
        resource.resType = CU_RESOURCE_TYPE_ARRAY;
        resource.res.array.hArray = array;
    });
}

CUresult cuTexRefSetMipmappedArray(CUtexref handle, CUmipmappedArray array, unsigned flags) {
    return set_array(__func__, handle, array, flags, [&](CUDA_RESOURCE_DESC& resource) {
        resource.resType = CU_RESOURCE_TYPE_MIPMAPPED_ARRAY;
        resource.res.mipmap.hMipmappedArray = array;
    });
}

CUresult cuTexRefSetAddress_v2(size_t* offset, CUtexref handle, CUdeviceptr address, size_t bytes) {
    return set_address(__func__, offset, handle, address, bytes);
}
CUresult cuTexRefSetAddress(unsigned* offset, CUtexref handle, CUdeviceptr_v1 address, unsigned bytes) {
    size_t wide = 0;
    CUresult code = set_address(__func__, offset ? &wide : nullptr, handle, address, bytes);
    if (offset) *offset = static_cast<unsigned>(wide);
    return code;
}
CUresult cuTexRefSetAddress2D_v3(CUtexref handle, const CUDA_ARRAY_DESCRIPTOR* descriptor, CUdeviceptr address, size_t pitch) {
    return set_image(__func__, handle, descriptor, address, pitch);
}
CUresult cuTexRefSetAddress2D_v2(CUtexref handle, const CUDA_ARRAY_DESCRIPTOR* descriptor, CUdeviceptr address, size_t pitch) {
    return set_image(__func__, handle, descriptor, address, pitch);
}
CUresult cuTexRefSetAddress2D(CUtexref handle, const CUDA_ARRAY_DESCRIPTOR_v1* descriptor, CUdeviceptr_v1 address,
                              unsigned pitch) {
    return set_image(__func__, handle, descriptor, address, pitch);
}

CUresult cuTexRefSetFormat(CUtexref handle, CUarray_format code, int channels) {
    return change_texture(
        __func__, handle,
        [&](CUtexref_st& reference, CUDA_RESOURCE_DESC& resource, CUDA_TEXTURE_DESC&, bool& bound) -> Result<void> {
            ANYWARP_TRY(texel_format(code, static_cast<unsigned>(channels)));
            reference.format = code;
            reference.channels = channels;
            // Arrays and images bring their own.
            if (bound && resource.resType == CU_RESOURCE_TYPE_LINEAR) {
                resource.res.linear.format = code;
                resource.res.linear.numChannels = static_cast<unsigned>(channels);
            }
            return {};
        });
}
CUresult cuTexRefSetAddressMode(CUtexref handle, int dimension, CUaddress_mode mode) {
    return change_modes(__func__, handle, [&](CUDA_TEXTURE_DESC& modes) -> Result<void> {
        if (dimension < 0 || dimension > 2 || static_cast<unsigned>(mode) > CU_TR_ADDRESS_MODE_BORDER)
            return invalid_value(format("address mode {} of dimension {}", static_cast<int>(mode), dimension));
        modes.addressMode[dimension] = mode;
        return {};
    });
}
CUresult cuTexRefSetFilterMode(CUtexref handle, CUfilter_mode mode) {
    return change_modes(__func__, handle, [&](CUDA_TEXTURE_DESC& modes) -> Result<void> {
        if (static_cast<unsigned>(mode) > CU_TR_FILTER_MODE_LINEAR)
            return invalid_value(format("there is no filter mode {}", static_cast<int>(mode)));
        modes.filterMode = mode;
        return {};
    });
}
CUresult cuTexRefSetMipmapFilterMode(CUtexref handle, CUfilter_mode mode) {
    return change_modes(__func__, handle, [&](CUDA_TEXTURE_DESC& modes) -> Result<void> {
        if (static_cast<unsigned>(mode) > CU_TR_FILTER_MODE_LINEAR)
            return invalid_value(format("there is no filter mode {}", static_cast<int>(mode)));
        modes.mipmapFilterMode = mode;
        return {};
    });
}
CUresult cuTexRefSetMipmapLevelBias(CUtexref handle, float bias) {
    return change_modes(__func__, handle, [&](CUDA_TEXTURE_DESC& modes) -> Result<void> {
        modes.mipmapLevelBias = bias;
        return {};
    });
}
CUresult cuTexRefSetMipmapLevelClamp(CUtexref handle, float low, float high) {
    return change_modes(__func__, handle, [&](CUDA_TEXTURE_DESC& modes) -> Result<void> {
        modes.minMipmapLevelClamp = low;
        modes.maxMipmapLevelClamp = high;
        return {};
    });
}
CUresult cuTexRefSetMaxAnisotropy(CUtexref handle, unsigned anisotropy) {
    return change_modes(__func__, handle, [&](CUDA_TEXTURE_DESC& modes) -> Result<void> {
        modes.maxAnisotropy = anisotropy;
        return {};
    });
}
CUresult cuTexRefSetBorderColor(CUtexref handle, float* color) {
    return change_modes(__func__, handle, [&](CUDA_TEXTURE_DESC& modes) -> Result<void> {
        ANYWARP_REQUIRE(color);
        std::copy_n(color, 4, modes.borderColor);
        return {};
    });
}
CUresult cuTexRefSetFlags(CUtexref handle, unsigned flags) {
    return change_modes(__func__, handle, [&](CUDA_TEXTURE_DESC& modes) -> Result<void> {
        constexpr unsigned known =
            CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES | CU_TRSF_SRGB | CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION;
        if (flags & ~known) return invalid_value(format("texture reference flags {:#x}", flags));
        modes.flags = flags;
        return {};
    });
}

CUresult cuTexRefGetAddress_v2(CUdeviceptr* result, CUtexref handle) {
    return get(__func__, result, handle, [&](CUtexref_st& reference) -> Result<void> {
        const CUDA_RESOURCE_DESC& resource = reference.object.resource;
        bool linear = resource.resType == CU_RESOURCE_TYPE_LINEAR;
        if (!reference.bound || (!linear && resource.resType != CU_RESOURCE_TYPE_PITCH2D))
            return invalid_value("the texture reference isn't bound to device memory");
        *result = linear ? resource.res.linear.devPtr : resource.res.pitch2D.devPtr;
        return {};
    });
}
CUresult cuTexRefGetAddress(CUdeviceptr_v1* result, CUtexref handle) {
    CUdeviceptr address = 0;
    CUresult code = cuTexRefGetAddress_v2(result ? &address : nullptr, handle);
    if (code == CUDA_SUCCESS) *result = static_cast<CUdeviceptr_v1>(address);
    return code;
}
CUresult cuTexRefGetArray(CUarray* result, CUtexref handle) {
    return get(__func__, result, handle, [&](CUtexref_st& reference) -> Result<void> {
        if (!reference.bound || reference.object.resource.resType != CU_RESOURCE_TYPE_ARRAY)
            return invalid_value("the texture reference isn't bound to an array");
        *result = reference.object.resource.res.array.hArray;
        return {};
    });
}
CUresult cuTexRefGetMipmappedArray(CUmipmappedArray* result, CUtexref handle) {
    return get(__func__, result, handle, [&](CUtexref_st& reference) -> Result<void> {
        if (!reference.bound || reference.object.resource.resType != CU_RESOURCE_TYPE_MIPMAPPED_ARRAY)
            return invalid_value("the texture reference isn't bound to a mipmapped array");
        *result = reference.object.resource.res.mipmap.hMipmappedArray;
        return {};
    });
}
CUresult cuTexRefGetFormat(CUarray_format* code, int* channels, CUtexref handle) {
    return get(__func__, code, handle, [&](CUtexref_st& reference) -> Result<void> {
        *code = reference.format;
        if (channels) *channels = reference.channels;
        return {};
    });
}
CUresult cuTexRefGetAddressMode(CUaddress_mode* result, CUtexref handle, int dimension) {
    return get(__func__, result, handle, [&](CUtexref_st& reference) -> Result<void> {
        if (dimension < 0 || dimension > 2) return invalid_value(format("dimension {}", dimension));
        *result = reference.object.modes.addressMode[dimension];
        return {};
    });
}

#define GET_MODE(function, type, field)                                                                                          \
    CUresult function(type* result, CUtexref handle) {                                                                           \
        return get(__func__, result, handle, [&](CUtexref_st& reference) -> Result<void> {                                       \
            *result = static_cast<type>(reference.object.modes.field);                                                           \
            return {};                                                                                                           \
        });                                                                                                                      \
    }
GET_MODE(cuTexRefGetFilterMode, CUfilter_mode, filterMode)
GET_MODE(cuTexRefGetMipmapFilterMode, CUfilter_mode, mipmapFilterMode)
GET_MODE(cuTexRefGetMipmapLevelBias, float, mipmapLevelBias)
GET_MODE(cuTexRefGetMaxAnisotropy, int, maxAnisotropy)
GET_MODE(cuTexRefGetFlags, unsigned, flags)
#undef GET_MODE

CUresult cuTexRefGetMipmapLevelClamp(float* low, float* high, CUtexref handle) {
    return get(__func__, low, handle, [&](CUtexref_st& reference) -> Result<void> {
        ANYWARP_REQUIRE(high);
        *low = reference.object.modes.minMipmapLevelClamp;
        *high = reference.object.modes.maxMipmapLevelClamp;
        return {};
    });
}
CUresult cuTexRefGetBorderColor(float* color, CUtexref handle) {
    return get(__func__, color, handle, [&](CUtexref_st& reference) -> Result<void> {
        std::copy_n(reference.object.modes.borderColor, 4, color);
        return {};
    });
}

/// Made textures available to a function when that wasn't known from the code; a module's references always are.
CUresult cuParamSetTexRef(CUfunction function, int unit, CUtexref handle) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_TRY(function_of(function));
        ANYWARP_TRY_AS(reference, reference_of(handle));
        if (unit != CU_PARAM_TR_DEFAULT) return invalid_value(format("texture unit {}; CU_PARAM_TR_DEFAULT is needed", unit));
        if (!reference->variable) return invalid_value("the texture reference isn't a module's");
        return {};
    });
}

CUresult cuModuleGetSurfRef(CUsurfref* result, CUmodule module, const char* name) {
    return find_reference(__func__, result, module, name, ANYWARP_SURFACE_MAGIC, texture_objects().surface_references,
                          [](CUsurfref_st&) {});
}

CUresult cuSurfRefSetArray(CUsurfref handle, CUarray array, unsigned flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(reference, reference_of(handle));
        if (flags) return invalid_value(format("flags {:#x}; they must be 0", flags));
        std::lock_guard lock(reference->mutex);
        CUDA_RESOURCE_DESC resource{};
        resource.resType = CU_RESOURCE_TYPE_ARRAY;
        resource.res.array.hArray = array;
        ANYWARP_TRY_AS(descriptor, describe_surface(resource));
        exchange(context, *reference, descriptor);
        reference->object.resource = resource;
        return {};
    });
}

CUresult cuSurfRefGetArray(CUarray* result, CUsurfref handle) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(reference, reference_of(handle));
        std::lock_guard lock(reference->mutex);
        if (!reference->bound) return invalid_value("the surface reference isn't bound to an array");
        *result = reference->object.resource.res.array.hArray;
        return {};
    });
}
