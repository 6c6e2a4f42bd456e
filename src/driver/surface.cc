// Surface objects. CUDA driver API, "Surface Object Management".

#include "driver/format.h"
#include "driver/texture.h"

#include <tuple>

using namespace anywarp;
using namespace anywarp::driver;

Result<AnywarpTexture> anywarp::driver::describe_surface(const CUDA_RESOURCE_DESC& resource) {
    if (resource.flags) return invalid_value(format("resource flags {:#x}", resource.flags));
    if (resource.resType != CU_RESOURCE_TYPE_ARRAY)
        return invalid_value(
            format("a surface of resource type {}; only arrays can be surfaces", static_cast<int>(resource.resType)));
    auto array = array_objects().arrays.find(resource.res.array.hArray);
    if (!array) return invalid_value("no such array");
    if (!array->storage) return invalid_value("a planar array is written plane by plane (cuArrayGetPlane)");
    if (!(array->descriptor.Flags & CUDA_ARRAY3D_SURFACE_LDST))
        return invalid_value("the array wasn't made for surface loads and stores (CUDA_ARRAY3D_SURFACE_LDST)");
    AnywarpTexture surface = machine::describe(*array->storage, array->level, 1);
    surface.magic = ANYWARP_SURFACE_MAGIC;
    return surface;
}

namespace {

TextureObject* pointer_of(CUsurfObject handle) { return reinterpret_cast<TextureObject*>(handle); }

Result<std::shared_ptr<TextureObject>> surface_of(CUsurfObject handle) {
    auto object = texture_objects().surfaces.find(pointer_of(handle));
    if (!object) return invalid_value(format("{:#x} isn't a surface object", handle));
    return object;
}

} // namespace

CUresult cuSurfObjectCreate(CUsurfObject* result, const CUDA_RESOURCE_DESC* resource) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(resource);
        ANYWARP_TRY_AS(descriptor, describe_surface(*resource));
        auto object = std::make_shared<TextureObject>();
        object->descriptor = descriptor;
        object->resource = *resource;
        object->context = &context;
        *result = reinterpret_cast<CUsurfObject>(texture_objects().surfaces.add(std::move(object)));
        return {};
    });
}

CUresult cuSurfObjectDestroy(CUsurfObject handle) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (handle == 0) return {};
        ANYWARP_TRY(surface_of(handle));
        // Kernels that are queued still read the descriptor.
        std::ignore = context.device->synchronize();
        texture_objects().surfaces.remove(pointer_of(handle));
        return {};
    });
}

CUresult cuSurfObjectGetResourceDesc(CUDA_RESOURCE_DESC* result, CUsurfObject handle) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(object, surface_of(handle));
        *result = object->resource;
        return {};
    });
}
