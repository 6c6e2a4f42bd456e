// Resources shared with a graphics library. None can be registered here, as there is no graphics device behind the process: the
// functions that register are in libraries of the graphics interfaces and answer "not supported"; those that take a registered
// resource know none. CUDA driver API, "Graphics Interoperability".

#include "driver/api.h"
#include "driver/format.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

CUresult no_resource(const char* call) {
    return with_context(call, [](CUctx_st&) -> Result<void> { return invalid_handle("not a registered graphics resource"); });
}

CUresult no_resources(const char* call, unsigned count, CUgraphicsResource* resources, CUstream stream) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY(stream_of(stream, context));
        if (count == 0 || !resources) return invalid_value(format("{} resources", count));
        return invalid_handle("not registered graphics resources");
    });
}

} // namespace

CUresult cuGraphicsMapResources(unsigned count, CUgraphicsResource* resources, CUstream stream) {
    return no_resources(__func__, count, resources, stream);
}
CUresult cuGraphicsUnmapResources(unsigned count, CUgraphicsResource* resources, CUstream stream) {
    return no_resources(__func__, count, resources, stream);
}
CUresult cuGraphicsUnregisterResource(CUgraphicsResource) { return no_resource(__func__); }
CUresult cuGraphicsResourceSetMapFlags(CUgraphicsResource, unsigned) { return no_resource(__func__); }
CUresult cuGraphicsResourceSetMapFlags_v2(CUgraphicsResource, unsigned) { return no_resource(__func__); }
CUresult cuGraphicsResourceGetMappedPointer(CUdeviceptr_v1*, unsigned*, CUgraphicsResource) { return no_resource(__func__); }
CUresult cuGraphicsResourceGetMappedPointer_v2(CUdeviceptr*, size_t*, CUgraphicsResource) { return no_resource(__func__); }
CUresult cuGraphicsResourceGetMappedMipmappedArray(CUmipmappedArray*, CUgraphicsResource) { return no_resource(__func__); }
CUresult cuGraphicsSubResourceGetMappedArray(CUarray*, CUgraphicsResource, unsigned, unsigned) { return no_resource(__func__); }
