// The forms of functions that use the calling thread's own default stream instead of the legacy one: _ptsz where the function
// takes a stream, _ptds where it doesn't. Programs get them with CUDA_API_PER_THREAD_DEFAULT_STREAM or nvcc's --default-stream
// per-thread. Each is the plain function with the null stream exchanged; a synchronous one is its asynchronous sister on the
// thread's stream, and a wait for it.
//
// CUDA Runtime API, section "API synchronization behavior", "Stream synchronization behavior".
#include "runtime/runtime.h"

#define ANYWARP_EXPORT __attribute__((visibility("default")))

static cudaStream_t own(cudaStream_t stream) { return stream ? stream : cudaStreamPerThread; }

static cudaError_t wait_for(cudaError_t started) {
    return started != cudaSuccess ? started : cudaStreamSynchronize(cudaStreamPerThread);
}

extern "C" {

ANYWARP_EXPORT cudaError_t cudaMemcpy_ptds(void* dst, const void* src, size_t count, cudaMemcpyKind kind) {
    return wait_for(cudaMemcpyAsync(dst, src, count, kind, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpyToSymbol_ptds(const void* symbol, const void* src, size_t count, size_t offset,
                                                   cudaMemcpyKind kind) {
    return wait_for(cudaMemcpyToSymbolAsync(symbol, src, count, offset, kind, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpyFromSymbol_ptds(void* dst, const void* symbol, size_t count, size_t offset,
                                                     cudaMemcpyKind kind) {
    return wait_for(cudaMemcpyFromSymbolAsync(dst, symbol, count, offset, kind, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy2D_ptds(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width,
                                             size_t height, cudaMemcpyKind kind) {
    return wait_for(cudaMemcpy2DAsync(dst, dpitch, src, spitch, width, height, kind, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy2DToArray_ptds(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src,
                                                    size_t spitch, size_t width, size_t height, cudaMemcpyKind kind) {
    return wait_for(cudaMemcpy2DToArrayAsync(dst, wOffset, hOffset, src, spitch, width, height, kind, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy2DFromArray_ptds(void* dst, size_t dpitch, cudaArray_const_t src, size_t wOffset,
                                                      size_t hOffset, size_t width, size_t height, cudaMemcpyKind kind) {
    return wait_for(cudaMemcpy2DFromArrayAsync(dst, dpitch, src, wOffset, hOffset, width, height, kind, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpyToArray_ptds(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src, size_t count,
                                                  cudaMemcpyKind kind) {
    return wait_for(cudaMemcpyToArrayAsync(dst, wOffset, hOffset, src, count, kind, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpyToArrayAsync_ptsz(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src,
                                                       size_t count, cudaMemcpyKind kind, cudaStream_t stream) {
    return cudaMemcpyToArrayAsync(dst, wOffset, hOffset, src, count, kind, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemcpyFromArray_ptds(void* dst, cudaArray_const_t src, size_t wOffset, size_t hOffset,
                                                    size_t count, cudaMemcpyKind kind) {
    return wait_for(cudaMemcpyFromArrayAsync(dst, src, wOffset, hOffset, count, kind, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpyFromArrayAsync_ptsz(void* dst, cudaArray_const_t src, size_t wOffset, size_t hOffset,
                                                         size_t count, cudaMemcpyKind kind, cudaStream_t stream) {
    return cudaMemcpyFromArrayAsync(dst, src, wOffset, hOffset, count, kind, own(stream));
}

/// Between arrays there are only synchronous forms. What the thread's stream holds comes first, and the copy is done on return.
ANYWARP_EXPORT cudaError_t cudaMemcpyArrayToArray_ptds(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst,
                                                       cudaArray_const_t src, size_t wOffsetSrc, size_t hOffsetSrc, size_t count,
                                                       cudaMemcpyKind kind) {
    cudaError_t error = cudaStreamSynchronize(cudaStreamPerThread);
    return error != cudaSuccess
               ? error
               : cudaMemcpyArrayToArray(dst, wOffsetDst, hOffsetDst, src, wOffsetSrc, hOffsetSrc, count, kind);
}

ANYWARP_EXPORT cudaError_t cudaMemcpy2DArrayToArray_ptds(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst,
                                                         cudaArray_const_t src, size_t wOffsetSrc, size_t hOffsetSrc,
                                                         size_t width, size_t height, cudaMemcpyKind kind) {
    cudaError_t error = cudaStreamSynchronize(cudaStreamPerThread);
    return error != cudaSuccess
               ? error
               : cudaMemcpy2DArrayToArray(dst, wOffsetDst, hOffsetDst, src, wOffsetSrc, hOffsetSrc, width, height, kind);
}

ANYWARP_EXPORT cudaError_t cudaMemcpy3DPeer_ptds(const cudaMemcpy3DPeerParms* p) {
    return wait_for(cudaMemcpy3DPeerAsync(p, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy3DPeerAsync_ptsz(const cudaMemcpy3DPeerParms* p, cudaStream_t stream) {
    return cudaMemcpy3DPeerAsync(p, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy3D_ptds(const cudaMemcpy3DParms* p) {
    return wait_for(cudaMemcpy3DAsync(p, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemset_ptds(void* devPtr, int value, size_t count) {
    return wait_for(cudaMemsetAsync(devPtr, value, count, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemset2D_ptds(void* devPtr, size_t pitch, int value, size_t width, size_t height) {
    return wait_for(cudaMemset2DAsync(devPtr, pitch, value, width, height, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaMemset3D_ptds(cudaPitchedPtr pitchedDevPtr, int value, cudaExtent extent) {
    return wait_for(cudaMemset3DAsync(pitchedDevPtr, value, extent, cudaStreamPerThread));
}

ANYWARP_EXPORT cudaError_t cudaStreamBeginCapture_ptsz(cudaStream_t stream, cudaStreamCaptureMode mode) {
    return cudaStreamBeginCapture(own(stream), mode);
}

ANYWARP_EXPORT cudaError_t cudaStreamBeginCaptureToGraph_ptsz(cudaStream_t stream, cudaGraph_t graph,
                                                              const cudaGraphNode_t* dependencies,
                                                              const cudaGraphEdgeData* dependencyData, size_t numDependencies,
                                                              cudaStreamCaptureMode mode) {
    return cudaStreamBeginCaptureToGraph(own(stream), graph, dependencies, dependencyData, numDependencies, mode);
}

ANYWARP_EXPORT cudaError_t cudaStreamEndCapture_ptsz(cudaStream_t stream, cudaGraph_t* pGraph) {
    return cudaStreamEndCapture(own(stream), pGraph);
}

ANYWARP_EXPORT cudaError_t cudaStreamIsCapturing_ptsz(cudaStream_t stream, cudaStreamCaptureStatus* pCaptureStatus) {
    return cudaStreamIsCapturing(own(stream), pCaptureStatus);
}

ANYWARP_EXPORT cudaError_t cudaMemcpyAsync_ptsz(void* dst, const void* src, size_t count, cudaMemcpyKind kind,
                                                cudaStream_t stream) {
    return cudaMemcpyAsync(dst, src, count, kind, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemcpyToSymbolAsync_ptsz(const void* symbol, const void* src, size_t count, size_t offset,
                                                        cudaMemcpyKind kind, cudaStream_t stream) {
    return cudaMemcpyToSymbolAsync(symbol, src, count, offset, kind, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemcpyFromSymbolAsync_ptsz(void* dst, const void* symbol, size_t count, size_t offset,
                                                          cudaMemcpyKind kind, cudaStream_t stream) {
    return cudaMemcpyFromSymbolAsync(dst, symbol, count, offset, kind, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy2DAsync_ptsz(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width,
                                                  size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
    return cudaMemcpy2DAsync(dst, dpitch, src, spitch, width, height, kind, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy2DToArrayAsync_ptsz(cudaArray_t dst, size_t wOffset, size_t hOffset, const void* src,
                                                         size_t spitch, size_t width, size_t height, cudaMemcpyKind kind,
                                                         cudaStream_t stream) {
    return cudaMemcpy2DToArrayAsync(dst, wOffset, hOffset, src, spitch, width, height, kind, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy2DFromArrayAsync_ptsz(void* dst, size_t dpitch, cudaArray_const_t src, size_t wOffset,
                                                           size_t hOffset, size_t width, size_t height, cudaMemcpyKind kind,
                                                           cudaStream_t stream) {
    return cudaMemcpy2DFromArrayAsync(dst, dpitch, src, wOffset, hOffset, width, height, kind, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemcpy3DAsync_ptsz(const cudaMemcpy3DParms* p, cudaStream_t stream) {
    return cudaMemcpy3DAsync(p, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemsetAsync_ptsz(void* devPtr, int value, size_t count, cudaStream_t stream) {
    return cudaMemsetAsync(devPtr, value, count, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemset2DAsync_ptsz(void* devPtr, size_t pitch, int value, size_t width, size_t height,
                                                  cudaStream_t stream) {
    return cudaMemset2DAsync(devPtr, pitch, value, width, height, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaMemset3DAsync_ptsz(cudaPitchedPtr pitchedDevPtr, int value, cudaExtent extent,
                                                  cudaStream_t stream) {
    return cudaMemset3DAsync(pitchedDevPtr, value, extent, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaStreamQuery_ptsz(cudaStream_t stream) { return cudaStreamQuery(own(stream)); }

ANYWARP_EXPORT cudaError_t cudaStreamGetDevice_ptsz(cudaStream_t hStream, int* device) {
    return cudaStreamGetDevice(own(hStream), device);
}

ANYWARP_EXPORT cudaError_t cudaStreamGetFlags_ptsz(cudaStream_t hStream, unsigned int* flags) {
    return cudaStreamGetFlags(own(hStream), flags);
}

ANYWARP_EXPORT cudaError_t cudaStreamGetId_ptsz(cudaStream_t hStream, unsigned long long* streamId) {
    return cudaStreamGetId(own(hStream), streamId);
}

ANYWARP_EXPORT cudaError_t cudaStreamGetPriority_ptsz(cudaStream_t hStream, int* priority) {
    return cudaStreamGetPriority(own(hStream), priority);
}

ANYWARP_EXPORT cudaError_t cudaEventRecord_ptsz(cudaEvent_t event, cudaStream_t stream) {
    return cudaEventRecord(event, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaEventRecordWithFlags_ptsz(cudaEvent_t event, cudaStream_t stream, unsigned int flags) {
    return cudaEventRecordWithFlags(event, own(stream), flags);
}

ANYWARP_EXPORT cudaError_t cudaStreamWaitEvent_ptsz(cudaStream_t stream, cudaEvent_t event, unsigned int flags) {
    return cudaStreamWaitEvent(own(stream), event, flags);
}

ANYWARP_EXPORT cudaError_t cudaStreamAddCallback_ptsz(cudaStream_t stream, cudaStreamCallback_t callback, void* userData,
                                                      unsigned int flags) {
    return cudaStreamAddCallback(own(stream), callback, userData, flags);
}

ANYWARP_EXPORT cudaError_t cudaStreamAttachMemAsync_ptsz(cudaStream_t stream, void* devPtr, size_t length, unsigned int flags) {
    return cudaStreamAttachMemAsync(own(stream), devPtr, length, flags);
}

ANYWARP_EXPORT cudaError_t cudaStreamSynchronize_ptsz(cudaStream_t stream) { return cudaStreamSynchronize(own(stream)); }

ANYWARP_EXPORT cudaError_t cudaLaunchKernel_ptsz(const void* func, dim3 gridDim, dim3 blockDim, void** args, size_t sharedMem,
                                                 cudaStream_t stream) {
    return cudaLaunchKernel(func, gridDim, blockDim, args, sharedMem, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaLaunchHostFunc_ptsz(cudaStream_t stream, cudaHostFn_t fn, void* userData) {
    return cudaLaunchHostFunc(own(stream), fn, userData);
}

ANYWARP_EXPORT cudaError_t cudaLaunchCooperativeKernel_ptsz(const void* func, dim3 gridDim, dim3 blockDim, void** args,
                                                            size_t sharedMem, cudaStream_t stream) {
    return cudaLaunchCooperativeKernel(func, gridDim, blockDim, args, sharedMem, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaStreamCopyAttributes_ptsz(cudaStream_t dst, cudaStream_t src) {
    return cudaStreamCopyAttributes(own(dst), own(src));
}

ANYWARP_EXPORT cudaError_t cudaStreamGetAttribute_ptsz(cudaStream_t hStream, cudaLaunchAttributeID attr,
                                                       cudaLaunchAttributeValue* value_out) {
    return cudaStreamGetAttribute(own(hStream), attr, value_out);
}

ANYWARP_EXPORT cudaError_t cudaStreamSetAttribute_ptsz(cudaStream_t hStream, cudaLaunchAttributeID attr,
                                                       const cudaLaunchAttributeValue* value) {
    return cudaStreamSetAttribute(own(hStream), attr, value);
}

ANYWARP_EXPORT cudaError_t cudaMallocAsync_ptsz(void** devPtr, size_t size, cudaStream_t hStream) {
    return cudaMallocAsync(devPtr, size, own(hStream));
}

ANYWARP_EXPORT cudaError_t cudaFreeAsync_ptsz(void* devPtr, cudaStream_t hStream) { return cudaFreeAsync(devPtr, own(hStream)); }

ANYWARP_EXPORT cudaError_t cudaMallocFromPoolAsync_ptsz(void** ptr, size_t size, cudaMemPool_t memPool, cudaStream_t stream) {
    return cudaMallocFromPoolAsync(ptr, size, memPool, own(stream));
}

ANYWARP_EXPORT cudaError_t cudaGetDriverEntryPoint_ptsz(const char* symbol, void** funcPtr, unsigned long long flags,
                                                        cudaDriverEntryPointQueryResult* driverStatus) {
    return cudaGetDriverEntryPoint(symbol, funcPtr, flags ? flags : cudaEnablePerThreadDefaultStream, driverStatus);
}

ANYWARP_EXPORT cudaError_t cudaGetDriverEntryPointByVersion_ptsz(const char* symbol, void** funcPtr, unsigned int cudaVersion,
                                                                 unsigned long long flags,
                                                                 cudaDriverEntryPointQueryResult* driverStatus) {
    return cudaGetDriverEntryPointByVersion(symbol, funcPtr, cudaVersion, flags ? flags : cudaEnablePerThreadDefaultStream,
                                            driverStatus);
}

ANYWARP_EXPORT cudaError_t cudaLaunchKernelExC_ptsz(const cudaLaunchConfig_t* config, const void* func, void** args) {
    if (!config) return cudaLaunchKernelExC(config, func, args);
    cudaLaunchConfig_t with_stream = *config;
    with_stream.stream = own(config->stream);
    return cudaLaunchKernelExC(&with_stream, func, args);
}

#if ANYWARP_CUDART_MAJOR >= 13
ANYWARP_EXPORT cudaError_t cudaStreamGetCaptureInfo_ptsz(cudaStream_t stream, cudaStreamCaptureStatus* captureStatus_out,
                                                         unsigned long long* id_out, cudaGraph_t* graph_out,
                                                         const cudaGraphNode_t** dependencies_out,
                                                         const cudaGraphEdgeData** edgeData_out, size_t* numDependencies_out) {
    return cudaStreamGetCaptureInfo(own(stream), captureStatus_out, id_out, graph_out, dependencies_out, edgeData_out,
                                    numDependencies_out);
}

ANYWARP_EXPORT cudaError_t cudaStreamUpdateCaptureDependencies_ptsz(cudaStream_t stream, cudaGraphNode_t* dependencies,
                                                                    const cudaGraphEdgeData* dependencyData,
                                                                    size_t numDependencies, unsigned int flags) {
    return cudaStreamUpdateCaptureDependencies(own(stream), dependencies, dependencyData, numDependencies, flags);
}

ANYWARP_EXPORT cudaError_t cudaMemPrefetchAsync_ptsz(const void* devPtr, size_t count, cudaMemLocation location,
                                                     unsigned int flags, cudaStream_t stream) {
    return cudaMemPrefetchAsync(devPtr, count, location, flags, own(stream));
}
#endif

} // extern "C"
