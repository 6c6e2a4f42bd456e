// The functions of libcudart.so.12 that CUDA 13 dropped, or kept under the same name with other parameters. The latter can't be
// defined under their own name next to CUDA 13's header: ANYWARP_12 gives a function of any name the symbol that programs of
// CUDA 12 link to.
//
// CUDA 12 Runtime API, sections "Thread Management [DEPRECATED]", "Memory Management", "Stream Management".
#include "runtime/capture.h"
#include "runtime/registration.h"

#include <vector>

#if ANYWARP_CUDART_MAJOR == 12

#    define ANYWARP_EXPORT __attribute__((visibility("default")))
#    define ANYWARP_12(name, parameters)                                                                                         \
        ANYWARP_EXPORT cudaError_t name##_of_12 parameters asm(#name);                                                           \
        cudaError_t name##_of_12 parameters

using namespace anywarp::runtime;

namespace {

CUmemLocation location(int device) {
    if (device == cudaCpuDeviceId) return {.type = CU_MEM_LOCATION_TYPE_HOST, .id = 0};
    return {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device};
}
CUmemLocation location(cudaMemLocation where) { return {.type = static_cast<CUmemLocationType>(where.type), .id = where.id}; }
cudaStream_t own(cudaStream_t stream) { return stream ? stream : cudaStreamPerThread; }

template <class Where> cudaError_t prefetch(const void* pointer, size_t count, Where where, unsigned flags, cudaStream_t stream) {
    return with_context([&] { return cuMemPrefetchAsync_v2(address(pointer), count, location(where), flags, stream); });
}
template <class Where> cudaError_t advise(const void* pointer, size_t count, cudaMemoryAdvise advice, Where where) {
    return with_context(
        [&] { return cuMemAdvise_v2(address(pointer), count, static_cast<CUmem_advise>(advice), location(where)); });
}

cudaError_t capture_info(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id, cudaGraph_t* graph,
                         const cudaGraphNode_t** dependencies, const cudaGraphEdgeData** edges, size_t* count) {
    return with_context([&] {
        return or_none(cuStreamGetCaptureInfo_v3(stream, reinterpret_cast<CUstreamCaptureStatus*>(status),
                                                 reinterpret_cast<cuuint64_t*>(id), graph, dependencies,
                                                 reinterpret_cast<const CUgraphEdgeData**>(edges), count),
                       status);
    });
}

} // namespace

extern "C" {

ANYWARP_12(cudaMemPrefetchAsync, (const void* devPtr, size_t count, int dstDevice, cudaStream_t stream)) {
    return prefetch(devPtr, count, dstDevice, 0, stream);
}
ANYWARP_12(cudaMemPrefetchAsync_ptsz, (const void* devPtr, size_t count, int dstDevice, cudaStream_t stream)) {
    return prefetch(devPtr, count, dstDevice, 0, own(stream));
}
ANYWARP_12(cudaMemPrefetchAsync_v2,
           (const void* devPtr, size_t count, cudaMemLocation where, unsigned flags, cudaStream_t stream)) {
    return prefetch(devPtr, count, where, flags, stream);
}
ANYWARP_12(cudaMemPrefetchAsync_v2_ptsz,
           (const void* devPtr, size_t count, cudaMemLocation where, unsigned flags, cudaStream_t stream)) {
    return prefetch(devPtr, count, where, flags, own(stream));
}
ANYWARP_12(cudaMemAdvise, (const void* devPtr, size_t count, cudaMemoryAdvise advice, int device)) {
    return advise(devPtr, count, advice, device);
}
ANYWARP_12(cudaMemAdvise_v2, (const void* devPtr, size_t count, cudaMemoryAdvise advice, cudaMemLocation where)) {
    return advise(devPtr, count, advice, where);
}

ANYWARP_12(cudaStreamGetCaptureInfo, (cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id)) {
    return capture_info(stream, status, id, nullptr, nullptr, nullptr, nullptr);
}
ANYWARP_12(cudaStreamGetCaptureInfo_ptsz, (cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id)) {
    return capture_info(own(stream), status, id, nullptr, nullptr, nullptr, nullptr);
}
ANYWARP_12(cudaStreamGetCaptureInfo_v2, (cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                                         cudaGraph_t* graph, const cudaGraphNode_t** dependencies, size_t* count)) {
    return capture_info(stream, status, id, graph, dependencies, nullptr, count);
}
ANYWARP_12(cudaStreamGetCaptureInfo_v2_ptsz, (cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                                              cudaGraph_t* graph, const cudaGraphNode_t** dependencies, size_t* count)) {
    return capture_info(own(stream), status, id, graph, dependencies, nullptr, count);
}
ANYWARP_12(cudaStreamGetCaptureInfo_v3,
           (cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id, cudaGraph_t* graph,
            const cudaGraphNode_t** dependencies, const cudaGraphEdgeData** edges, size_t* count)) {
    return capture_info(stream, status, id, graph, dependencies, edges, count);
}
ANYWARP_12(cudaStreamGetCaptureInfo_v3_ptsz,
           (cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id, cudaGraph_t* graph,
            const cudaGraphNode_t** dependencies, const cudaGraphEdgeData** edges, size_t* count)) {
    return capture_info(own(stream), status, id, graph, dependencies, edges, count);
}

#    define ANYWARP_UPDATE(name, edge_parameter, edges, stream_used)                                                             \
        ANYWARP_12(name, (cudaStream_t stream, cudaGraphNode_t * dependencies edge_parameter, size_t count, unsigned flags)) {   \
            return with_context(                                                                                                 \
                [&] { return cuStreamUpdateCaptureDependencies_v2(stream_used, dependencies, edges, count, flags); });           \
        }
#    define ANYWARP_EDGES , const cudaGraphEdgeData* data
#    define ANYWARP_NO_EDGES
ANYWARP_UPDATE(cudaStreamUpdateCaptureDependencies, ANYWARP_NO_EDGES, nullptr, stream)
ANYWARP_UPDATE(cudaStreamUpdateCaptureDependencies_ptsz, ANYWARP_NO_EDGES, nullptr, own(stream))
ANYWARP_UPDATE(cudaStreamUpdateCaptureDependencies_v2, ANYWARP_EDGES, reinterpret_cast<const CUgraphEdgeData*>(data), stream)
ANYWARP_UPDATE(cudaStreamUpdateCaptureDependencies_v2_ptsz, ANYWARP_EDGES, reinterpret_cast<const CUgraphEdgeData*>(data),
               own(stream))

ANYWARP_12(cudaEventElapsedTime_v2, (float* ms, cudaEvent_t start, cudaEvent_t end)) {
    return cudaEventElapsedTime(ms, start, end);
}

// Names from before CUDA 4, when a context belonged to a thread.
ANYWARP_12(cudaThreadExit, ()) { return cudaDeviceReset(); }
ANYWARP_12(cudaThreadSynchronize, ()) { return cudaDeviceSynchronize(); }
ANYWARP_12(cudaThreadSetLimit, (cudaLimit limit, size_t value)) { return cudaDeviceSetLimit(limit, value); }
ANYWARP_12(cudaThreadGetLimit, (size_t* value, cudaLimit limit)) { return cudaDeviceGetLimit(value, limit); }
ANYWARP_12(cudaThreadGetCacheConfig, (cudaFuncCache * config)) { return cudaDeviceGetCacheConfig(config); }
ANYWARP_12(cudaThreadSetCacheConfig, (cudaFuncCache config)) { return cudaDeviceSetCacheConfig(config); }

struct CooperativeLaunch12 { // cudaLaunchParams
    void* function;
    dim3 grid, block;
    void** arguments;
    size_t shared;
    cudaStream_t stream;
};
ANYWARP_12(cudaLaunchCooperativeKernelMultiDevice, (CooperativeLaunch12 * list, unsigned count, unsigned flags)) {
    return with_context([&] {
        if (!list || count == 0) return cudaErrorInvalidValue;
        std::vector<CUDA_LAUNCH_PARAMS> launches(count);
        for (unsigned i = 0; i < count; i++) {
            const CooperativeLaunch12& from = list[i];
            CUDA_LAUNCH_PARAMS& to = launches[i];
            // The kernel's module on the device of the stream.
            CUcontext context = nullptr;
            if (CUresult result = cuStreamGetCtx(from.stream, &context); result != CUDA_SUCCESS) return to_runtime(result);
            if (CUresult result = cuCtxPushCurrent(context); result != CUDA_SUCCESS) return to_runtime(result);
            cudaError_t found = function_of(from.function, to.function);
            cuCtxPopCurrent(&context);
            if (found != cudaSuccess) return found;
            to.gridDimX = from.grid.x, to.gridDimY = from.grid.y, to.gridDimZ = from.grid.z;
            to.blockDimX = from.block.x, to.blockDimY = from.block.y, to.blockDimZ = from.block.z;
            to.sharedMemBytes = static_cast<unsigned>(from.shared);
            to.hStream = from.stream;
            to.kernelParams = from.arguments;
        }
        return to_runtime(cuLaunchCooperativeKernelMultiDevice(launches.data(), count, flags));
    });
}

// They converted doubles for devices that had none.
ANYWARP_12(cudaSetDoubleForDevice, (double*)) { return cudaSuccess; }
ANYWARP_12(cudaSetDoubleForHost, (double*)) { return cudaSuccess; }

} // extern "C"

#endif
