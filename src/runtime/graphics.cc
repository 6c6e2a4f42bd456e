// Sharing with graphics libraries: OpenGL, EGL, VDPAU. There is no graphics device behind the process, so that what would
// register or look for one answers the documented "not supported"; what takes a registered resource asks the driver, which knows
// none. CUDA Runtime API, "Graphics Interoperability", "OpenGL Interoperability", "EGL Interoperability", "VDPAU
// Interoperability".
#include "runtime/runtime.h"

using namespace anywarp::runtime;

namespace anywarp::runtime {
int answer_not_supported(const char* function);
}

extern "C" {

cudaError_t cudaGraphicsMapResources(int count, cudaGraphicsResource_t* resources, cudaStream_t stream) {
    return with_context([&] {
        return cuGraphicsMapResources(static_cast<unsigned>(count), reinterpret_cast<CUgraphicsResource*>(resources), stream);
    });
}
cudaError_t cudaGraphicsUnmapResources(int count, cudaGraphicsResource_t* resources, cudaStream_t stream) {
    return with_context([&] {
        return cuGraphicsUnmapResources(static_cast<unsigned>(count), reinterpret_cast<CUgraphicsResource*>(resources), stream);
    });
}
cudaError_t cudaGraphicsUnregisterResource(cudaGraphicsResource_t resource) {
    return with_context([&] { return cuGraphicsUnregisterResource(reinterpret_cast<CUgraphicsResource>(resource)); });
}
cudaError_t cudaGraphicsResourceSetMapFlags(cudaGraphicsResource_t resource, unsigned int flags) {
    return with_context([&] { return cuGraphicsResourceSetMapFlags(reinterpret_cast<CUgraphicsResource>(resource), flags); });
}
cudaError_t cudaGraphicsResourceGetMappedPointer(void** pointer, size_t* size, cudaGraphicsResource_t resource) {
    return with_context([&] {
        return cuGraphicsResourceGetMappedPointer(address(pointer), size, reinterpret_cast<CUgraphicsResource>(resource));
    });
}
cudaError_t cudaGraphicsResourceGetMappedMipmappedArray(cudaMipmappedArray_t* array, cudaGraphicsResource_t resource) {
    return with_context([&] {
        return cuGraphicsResourceGetMappedMipmappedArray(reinterpret_cast<CUmipmappedArray*>(array),
                                                         reinterpret_cast<CUgraphicsResource>(resource));
    });
}
cudaError_t cudaGraphicsSubResourceGetMappedArray(cudaArray_t* array, cudaGraphicsResource_t resource, unsigned int index,
                                                  unsigned int level) {
    return with_context([&] {
        return cuGraphicsSubResourceGetMappedArray(reinterpret_cast<CUarray*>(array),
                                                   reinterpret_cast<CUgraphicsResource>(resource), index, level);
    });
}

// Their headers need the graphics libraries' own; none looks at its arguments.
#define ANYWARP_NO_GRAPHICS(name)                                                                                                \
    __attribute__((visibility("default"))) int name() { return anywarp::runtime::answer_not_supported(#name); }
ANYWARP_NO_GRAPHICS(cudaEGLStreamConsumerAcquireFrame)
ANYWARP_NO_GRAPHICS(cudaEGLStreamConsumerConnect)
ANYWARP_NO_GRAPHICS(cudaEGLStreamConsumerConnectWithFlags)
ANYWARP_NO_GRAPHICS(cudaEGLStreamConsumerDisconnect)
ANYWARP_NO_GRAPHICS(cudaEGLStreamConsumerReleaseFrame)
ANYWARP_NO_GRAPHICS(cudaEGLStreamProducerConnect)
ANYWARP_NO_GRAPHICS(cudaEGLStreamProducerDisconnect)
ANYWARP_NO_GRAPHICS(cudaEGLStreamProducerPresentFrame)
ANYWARP_NO_GRAPHICS(cudaEGLStreamProducerReturnFrame)
ANYWARP_NO_GRAPHICS(cudaEventCreateFromEGLSync)
ANYWARP_NO_GRAPHICS(cudaGLGetDevices)
ANYWARP_NO_GRAPHICS(cudaGLMapBufferObject)
ANYWARP_NO_GRAPHICS(cudaGLMapBufferObjectAsync)
ANYWARP_NO_GRAPHICS(cudaGLRegisterBufferObject)
ANYWARP_NO_GRAPHICS(cudaGLSetBufferObjectMapFlags)
ANYWARP_NO_GRAPHICS(cudaGLSetGLDevice)
ANYWARP_NO_GRAPHICS(cudaGLUnmapBufferObject)
ANYWARP_NO_GRAPHICS(cudaGLUnmapBufferObjectAsync)
ANYWARP_NO_GRAPHICS(cudaGLUnregisterBufferObject)
ANYWARP_NO_GRAPHICS(cudaGraphicsEGLRegisterImage)
ANYWARP_NO_GRAPHICS(cudaGraphicsGLRegisterBuffer)
ANYWARP_NO_GRAPHICS(cudaGraphicsGLRegisterImage)
ANYWARP_NO_GRAPHICS(cudaGraphicsResourceGetMappedEglFrame)
ANYWARP_NO_GRAPHICS(cudaGraphicsVDPAURegisterOutputSurface)
ANYWARP_NO_GRAPHICS(cudaGraphicsVDPAURegisterVideoSurface)
ANYWARP_NO_GRAPHICS(cudaVDPAUGetDevice)
ANYWARP_NO_GRAPHICS(cudaVDPAUSetVDPAUDevice)

} // extern "C"
