// Streams and events: the driver's objects under the runtime's names, error codes and flags, which have the same values.
//
// CUDA Runtime API, sections "Stream Management", "Event Management".
#include "runtime/capture.h"

using namespace anywarp::runtime;

static_assert(sizeof(cudaStreamAttrValue) == sizeof(CUstreamAttrValue));
static_assert(sizeof(cudaGraphEdgeData) == sizeof(CUgraphEdgeData));

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* pStream) {
    return with_context([&] { return cuStreamCreate(pStream, CU_STREAM_DEFAULT); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* pStream, unsigned int flags) {
    return with_context([&] { return cuStreamCreate(pStream, flags); });
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* pStream, unsigned int flags, int priority) {
    return with_context([&] { return cuStreamCreateWithPriority(pStream, flags, priority); });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    // The default streams can't be destroyed; the runtime calls such a handle invalid.
    return with_context([&] { return stream <= cudaStreamPerThread ? CUDA_ERROR_INVALID_HANDLE : cuStreamDestroy(stream); });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    return with_context([&] { return cuStreamSynchronize(stream); });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
    return with_context([&] { return cuStreamQuery(stream); });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags) {
    return with_context([&] { return cuStreamWaitEvent(stream, event, flags); });
}

cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void* userData, unsigned int flags) {
    // Results and errors have the same numbers, so that the driver can call the runtime's kind of callback.
    return with_context(
        [&] { return cuStreamAddCallback(stream, reinterpret_cast<CUstreamCallback>(callback), userData, flags); });
}

cudaError_t cudaStreamAttachMemAsync(cudaStream_t stream, void* devPtr, size_t length, unsigned int flags) {
    return with_context([&] { return cuStreamAttachMemAsync(stream, address(devPtr), length, flags); });
}

cudaError_t cudaStreamGetPriority(cudaStream_t hStream, int* priority) {
    return with_context([&] { return cuStreamGetPriority(hStream, priority); });
}

cudaError_t cudaStreamGetFlags(cudaStream_t hStream, unsigned int* flags) {
    return with_context([&] { return cuStreamGetFlags(hStream, flags); });
}

cudaError_t cudaStreamGetId(cudaStream_t hStream, unsigned long long* streamId) {
    return with_context([&] { return cuStreamGetId(hStream, streamId); });
}

cudaError_t cudaStreamGetDevice(cudaStream_t hStream, int* device) {
    return with_context([&] { return cuStreamGetDevice(hStream, device); });
}

cudaError_t cudaStreamCopyAttributes(cudaStream_t dst, cudaStream_t src) {
    return with_context([&] { return cuStreamCopyAttributes(dst, src); });
}

cudaError_t cudaStreamGetAttribute(cudaStream_t hStream, cudaStreamAttrID attr, cudaStreamAttrValue* value_out) {
    return with_context([&] {
        return cuStreamGetAttribute(hStream, static_cast<CUstreamAttrID>(attr), reinterpret_cast<CUstreamAttrValue*>(value_out));
    });
}

cudaError_t cudaStreamSetAttribute(cudaStream_t hStream, cudaStreamAttrID attr, const cudaStreamAttrValue* value) {
    return with_context([&] {
        return cuStreamSetAttribute(hStream, static_cast<CUstreamAttrID>(attr),
                                    reinterpret_cast<const CUstreamAttrValue*>(value));
    });
}

// Capture

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    return with_context([&] { return cuStreamBeginCapture(stream, static_cast<CUstreamCaptureMode>(mode)); });
}

cudaError_t cudaStreamBeginCaptureToGraph(cudaStream_t stream, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                          const cudaGraphEdgeData* dependencyData, size_t numDependencies,
                                          cudaStreamCaptureMode mode) {
    return with_context([&] {
        return cuStreamBeginCaptureToGraph(stream, graph, dependencies, reinterpret_cast<const CUgraphEdgeData*>(dependencyData),
                                           numDependencies, static_cast<CUstreamCaptureMode>(mode));
    });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* pGraph) {
    return with_context([&] { return cuStreamEndCapture(stream, pGraph); });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* pCaptureStatus) {
    return with_context([&] {
        return or_none(cuStreamIsCapturing(stream, reinterpret_cast<CUstreamCaptureStatus*>(pCaptureStatus)), pCaptureStatus);
    });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
    return with_context([&] { return cuThreadExchangeStreamCaptureMode(reinterpret_cast<CUstreamCaptureMode*>(mode)); });
}

#if ANYWARP_CUDART_MAJOR >= 13
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* captureStatus_out, unsigned long long* id_out,
                                     cudaGraph_t* graph_out, const cudaGraphNode_t** dependencies_out,
                                     const cudaGraphEdgeData** edgeData_out, size_t* numDependencies_out) {
    return with_context([&] {
        return or_none(cuStreamGetCaptureInfo_v3(stream, reinterpret_cast<CUstreamCaptureStatus*>(captureStatus_out),
                                                 reinterpret_cast<cuuint64_t*>(id_out), graph_out, dependencies_out,
                                                 reinterpret_cast<const CUgraphEdgeData**>(edgeData_out), numDependencies_out),
                       captureStatus_out);
    });
}

cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream, cudaGraphNode_t* dependencies,
                                                const cudaGraphEdgeData* dependencyData, size_t numDependencies,
                                                unsigned int flags) {
    return with_context([&] {
        return cuStreamUpdateCaptureDependencies_v2(
            stream, dependencies, reinterpret_cast<const CUgraphEdgeData*>(dependencyData), numDependencies, flags);
    });
}
#endif

// Events

cudaError_t cudaEventCreate(cudaEvent_t* event) {
    return with_context([&] { return cuEventCreate(event, CU_EVENT_DEFAULT); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
    return with_context([&] { return cuEventCreate(event, flags); });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    return with_context([&] { return cuEventRecord(event, stream); });
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned int flags) {
    return with_context([&] { return cuEventRecordWithFlags(event, stream, flags); });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    return with_context([&] { return cuEventQuery(event); });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    return with_context([&] { return cuEventSynchronize(event); });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    return with_context([&] { return cuEventDestroy(event); });
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
    return with_context([&] { return cuEventElapsedTime(ms, start, end); });
}

cudaError_t cudaIpcGetEventHandle(cudaIpcEventHandle_t* handle, cudaEvent_t event) {
    return with_context([&] { return cuIpcGetEventHandle(reinterpret_cast<CUipcEventHandle*>(handle), event); });
}

cudaError_t cudaIpcOpenEventHandle(cudaEvent_t* event, cudaIpcEventHandle_t handle) {
    static_assert(sizeof(CUipcEventHandle) == sizeof handle);
    return with_context([&] { return cuIpcOpenEventHandle(event, __builtin_bit_cast(CUipcEventHandle, handle)); });
}

} // extern "C"
