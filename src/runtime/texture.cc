// Texture and surface objects. CUDA Runtime API, sections "Texture Object Management" and "Surface Object Management".
//
// What a program of CUDA 12 hands in ends before the fields that CUDA 13 added to the descriptions of resources and views; those
// are neither read nor written for it.
#include "runtime/array.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace anywarp::runtime {
namespace {

constexpr bool has_resource_flags = ANYWARP_CUDART_MAJOR >= 13;
constexpr size_t resource_bytes =
    has_resource_flags ? sizeof(cudaResourceDesc) : offsetof(cudaResourceDesc, res) + sizeof(cudaResourceDesc{}.res.pitch2D);
constexpr size_t view_bytes = has_resource_flags ? sizeof(cudaResourceViewDesc) : offsetof(cudaResourceViewDesc, reserved);

cudaError_t to_driver(const cudaResourceDesc& from, CUDA_RESOURCE_DESC& to) {
    to = {};
    to.resType = static_cast<CUresourcetype>(from.resType);
    if constexpr (has_resource_flags) to.flags = from.flags;
    Texel texel;
    switch (from.resType) {
    case cudaResourceTypeArray:
        to.res.array.hArray = driver_array(from.res.array.array);
        return cudaSuccess;
    case cudaResourceTypeMipmappedArray:
        to.res.mipmap.hMipmappedArray = driver_array(from.res.mipmap.mipmap);
        return cudaSuccess;
    case cudaResourceTypeLinear:
        if (cudaError_t error = to_driver(from.res.linear.desc, texel); error != cudaSuccess) return error;
        to.res.linear.devPtr = address(from.res.linear.devPtr);
        to.res.linear.format = texel.format;
        to.res.linear.numChannels = texel.channels;
        to.res.linear.sizeInBytes = from.res.linear.sizeInBytes;
        return cudaSuccess;
    case cudaResourceTypePitch2D:
        if (cudaError_t error = to_driver(from.res.pitch2D.desc, texel); error != cudaSuccess) return error;
        to.res.pitch2D.devPtr = address(from.res.pitch2D.devPtr);
        to.res.pitch2D.format = texel.format;
        to.res.pitch2D.numChannels = texel.channels;
        to.res.pitch2D.width = from.res.pitch2D.width;
        to.res.pitch2D.height = from.res.pitch2D.height;
        to.res.pitch2D.pitchInBytes = from.res.pitch2D.pitchInBytes;
        return cudaSuccess;
    default:
        return cudaErrorInvalidValue;
    }
}

void write_resource(const CUDA_RESOURCE_DESC& from, cudaResourceDesc* result) {
    cudaResourceDesc to{};
    to.resType = static_cast<cudaResourceType>(from.resType);
    to.flags = from.flags;
    switch (from.resType) {
    case CU_RESOURCE_TYPE_ARRAY:
        to.res.array.array = reinterpret_cast<cudaArray_t>(from.res.array.hArray);
        break;
    case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
        to.res.mipmap.mipmap = reinterpret_cast<cudaMipmappedArray_t>(from.res.mipmap.hMipmappedArray);
        break;
    case CU_RESOURCE_TYPE_LINEAR:
        to.res.linear.devPtr = reinterpret_cast<void*>(from.res.linear.devPtr);
        to.res.linear.desc = to_runtime(Texel{from.res.linear.format, from.res.linear.numChannels});
        to.res.linear.sizeInBytes = from.res.linear.sizeInBytes;
        break;
    default:
        to.res.pitch2D.devPtr = reinterpret_cast<void*>(from.res.pitch2D.devPtr);
        to.res.pitch2D.desc = to_runtime(Texel{from.res.pitch2D.format, from.res.pitch2D.numChannels});
        to.res.pitch2D.width = from.res.pitch2D.width;
        to.res.pitch2D.height = from.res.pitch2D.height;
        to.res.pitch2D.pitchInBytes = from.res.pitch2D.pitchInBytes;
        break;
    }
    std::memcpy(static_cast<void*>(result), &to, resource_bytes);
}

/// The format of what a texture reads, a view's taking precedence over the resource's.
cudaError_t texel_of(const CUDA_RESOURCE_DESC& resource, const cudaResourceViewDesc* view, Texel& texel) {
    CUDA_ARRAY3D_DESCRIPTOR d{};
    CUarray array = resource.res.array.hArray;
    switch (resource.resType) {
    case CU_RESOURCE_TYPE_LINEAR:
        texel = {resource.res.linear.format, resource.res.linear.numChannels};
        return cudaSuccess;
    case CU_RESOURCE_TYPE_PITCH2D:
        texel = {resource.res.pitch2D.format, resource.res.pitch2D.numChannels};
        return cudaSuccess;
    case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
        if (cuMipmappedArrayGetLevel(&array, resource.res.mipmap.hMipmappedArray, 0) != CUDA_SUCCESS)
            return cudaErrorInvalidValue;
        break;
    default:
        break;
    }
    if (cuArray3DGetDescriptor(&d, array) != CUDA_SUCCESS) return cudaErrorInvalidValue;
    texel = anywarp::runtime::texel_of(d);
    if (!view || view->format == cudaResViewFormatNone || view->format > cudaResViewFormatFloat4) return cudaSuccess;
    // Groups of one, two and four channels of each format, in the enumeration's order.
    static constexpr CUarray_format groups[] = {
        CU_AD_FORMAT_UNSIGNED_INT8,  CU_AD_FORMAT_SIGNED_INT8,  CU_AD_FORMAT_UNSIGNED_INT16, CU_AD_FORMAT_SIGNED_INT16,
        CU_AD_FORMAT_UNSIGNED_INT32, CU_AD_FORMAT_SIGNED_INT32, CU_AD_FORMAT_HALF,           CU_AD_FORMAT_FLOAT};
    unsigned index = view->format - cudaResViewFormatUnsignedChar1;
    texel = {groups[index / 3], 1u << index % 3};
    return cudaSuccess;
}

cudaError_t to_driver(const cudaTextureDesc& from, const Texel& texel, bool filtered, CUDA_TEXTURE_DESC& to) {
    bool as_element = from.readMode == cudaReadModeElementType;
    if (!as_element && from.readMode != cudaReadModeNormalizedFloat) return cudaErrorInvalidNormSetting;
    if (!as_element && texel.wide_integer()) return cudaErrorInvalidNormSetting;
    if (as_element && texel.integer() && filtered && from.filterMode == cudaFilterModeLinear)
        return cudaErrorInvalidFilterSetting;
    to = {};
    for (int i = 0; i < 3; i++) to.addressMode[i] = static_cast<CUaddress_mode>(from.addressMode[i]);
    to.filterMode = static_cast<CUfilter_mode>(from.filterMode);
    if (as_element && texel.integer()) to.flags |= CU_TRSF_READ_AS_INTEGER;
    if (from.normalizedCoords) to.flags |= CU_TRSF_NORMALIZED_COORDINATES;
    if (from.sRGB) to.flags |= CU_TRSF_SRGB;
    if (from.disableTrilinearOptimization) to.flags |= CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION;
    if (from.seamlessCubemap) to.flags |= CU_TRSF_SEAMLESS_CUBEMAP;
    to.maxAnisotropy = from.maxAnisotropy;
    to.mipmapFilterMode = static_cast<CUfilter_mode>(from.mipmapFilterMode);
    to.mipmapLevelBias = from.mipmapLevelBias;
    to.minMipmapLevelClamp = from.minMipmapLevelClamp;
    to.maxMipmapLevelClamp = from.maxMipmapLevelClamp;
    std::copy_n(from.borderColor, 4, to.borderColor);
    return cudaSuccess;
}

cudaTextureDesc modes_of(const CUDA_TEXTURE_DESC& from, const Texel& texel) {
    cudaTextureDesc to{};
    for (int i = 0; i < 3; i++) to.addressMode[i] = static_cast<cudaTextureAddressMode>(from.addressMode[i]);
    to.filterMode = static_cast<cudaTextureFilterMode>(from.filterMode);
    bool normalized = texel.integer() && !texel.wide_integer() && !(from.flags & CU_TRSF_READ_AS_INTEGER);
    to.readMode = normalized ? cudaReadModeNormalizedFloat : cudaReadModeElementType;
    to.sRGB = (from.flags & CU_TRSF_SRGB) != 0;
    std::copy_n(from.borderColor, 4, to.borderColor);
    to.normalizedCoords = (from.flags & CU_TRSF_NORMALIZED_COORDINATES) != 0;
    to.maxAnisotropy = from.maxAnisotropy;
    to.mipmapFilterMode = static_cast<cudaTextureFilterMode>(from.mipmapFilterMode);
    to.mipmapLevelBias = from.mipmapLevelBias;
    to.minMipmapLevelClamp = from.minMipmapLevelClamp;
    to.maxMipmapLevelClamp = from.maxMipmapLevelClamp;
    to.disableTrilinearOptimization = (from.flags & CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION) != 0;
    to.seamlessCubemap = (from.flags & CU_TRSF_SEAMLESS_CUBEMAP) != 0;
    return to;
}

cudaError_t create(cudaTextureObject_t* object, const cudaResourceDesc* resource, const cudaTextureDesc* modes,
                   const cudaResourceViewDesc* view) {
    if (!object || !resource || !modes) return cudaErrorInvalidValue;
    CUDA_RESOURCE_DESC driver_resource;
    CUDA_TEXTURE_DESC driver_modes;
    CUDA_RESOURCE_VIEW_DESC driver_view{};
    Texel texel;
    if (cudaError_t error = to_driver(*resource, driver_resource); error != cudaSuccess) return error;
    if (cudaError_t error = texel_of(driver_resource, view, texel); error != cudaSuccess) return error;
    bool filtered = resource->resType != cudaResourceTypeLinear;
    if (cudaError_t error = to_driver(*modes, texel, filtered, driver_modes); error != cudaSuccess) return error;
    if (view) {
        static_assert(sizeof(cudaResourceViewDesc) == sizeof(CUDA_RESOURCE_VIEW_DESC)); // field for field
        std::memcpy(&driver_view, view, view_bytes);
    }
    return to_runtime(cuTexObjectCreate(object, &driver_resource, &driver_modes, view ? &driver_view : nullptr));
}

} // namespace
} // namespace anywarp::runtime

using namespace anywarp::runtime;

extern "C" {

cudaError_t cudaCreateTextureObject(cudaTextureObject_t* pTexObject, const cudaResourceDesc* pResDesc,
                                    const cudaTextureDesc* pTexDesc, const cudaResourceViewDesc* pResViewDesc) {
    return with_context([&] { return create(pTexObject, pResDesc, pTexDesc, pResViewDesc); });
}

cudaError_t cudaDestroyTextureObject(cudaTextureObject_t texObject) {
    return with_context([&] { return cuTexObjectDestroy(texObject); });
}

cudaError_t cudaGetTextureObjectResourceDesc(cudaResourceDesc* pResDesc, cudaTextureObject_t texObject) {
    return with_context([&] {
        CUDA_RESOURCE_DESC resource;
        if (!pResDesc) return cudaErrorInvalidValue;
        CUresult result = cuTexObjectGetResourceDesc(&resource, texObject);
        if (result == CUDA_SUCCESS) write_resource(resource, pResDesc);
        return to_runtime(result);
    });
}

cudaError_t cudaGetTextureObjectTextureDesc(cudaTextureDesc* pTexDesc, cudaTextureObject_t texObject) {
    return with_context([&] {
        CUDA_RESOURCE_DESC resource;
        CUDA_TEXTURE_DESC modes;
        Texel texel;
        if (!pTexDesc) return cudaErrorInvalidValue;
        if (CUresult result = cuTexObjectGetResourceDesc(&resource, texObject); result != CUDA_SUCCESS) return to_runtime(result);
        if (CUresult result = cuTexObjectGetTextureDesc(&modes, texObject); result != CUDA_SUCCESS) return to_runtime(result);
        if (cudaError_t error = texel_of(resource, nullptr, texel); error != cudaSuccess) return error;
        *pTexDesc = modes_of(modes, texel);
        return cudaSuccess;
    });
}

cudaError_t cudaGetTextureObjectResourceViewDesc(cudaResourceViewDesc* pResViewDesc, cudaTextureObject_t texObject) {
    return with_context([&] {
        CUDA_RESOURCE_VIEW_DESC view;
        if (!pResViewDesc) return cudaErrorInvalidValue;
        CUresult result = cuTexObjectGetResourceViewDesc(&view, texObject);
        if (result == CUDA_SUCCESS) std::memcpy(static_cast<void*>(pResViewDesc), &view, view_bytes);
        return to_runtime(result);
    });
}

cudaError_t cudaCreateSurfaceObject(cudaSurfaceObject_t* pSurfObject, const cudaResourceDesc* pResDesc) {
    return with_context([&] {
        CUDA_RESOURCE_DESC resource;
        if (!pSurfObject || !pResDesc) return cudaErrorInvalidValue;
        if (cudaError_t error = to_driver(*pResDesc, resource); error != cudaSuccess) return error;
        return to_runtime(cuSurfObjectCreate(pSurfObject, &resource));
    });
}

cudaError_t cudaDestroySurfaceObject(cudaSurfaceObject_t surfObject) {
    return with_context([&] { return cuSurfObjectDestroy(surfObject); });
}

cudaError_t cudaGetSurfaceObjectResourceDesc(cudaResourceDesc* pResDesc, cudaSurfaceObject_t surfObject) {
    return with_context([&] {
        CUDA_RESOURCE_DESC resource;
        if (!pResDesc) return cudaErrorInvalidValue;
        CUresult result = cuSurfObjectGetResourceDesc(&resource, surfObject);
        if (result == CUDA_SUCCESS) write_resource(resource, pResDesc);
        return to_runtime(result);
    });
}

} // extern "C"
