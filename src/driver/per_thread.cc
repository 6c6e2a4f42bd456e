// The forms of functions that use the calling thread's own default stream instead of the legacy one: _ptsz where the function
// takes a stream, _ptds where it doesn't. Programs get them with CUDA_API_PER_THREAD_DEFAULT_STREAM or nvcc's
// --default-stream per-thread. Each is the plain function, called while stream 0 means that stream.
// CUDA driver API, "Stream synchronization behavior".

#include "driver/api.h"

using anywarp::driver::PerThreadDefaultStream;

#define PER_THREAD(name, plain, parameters, arguments)                                                                           \
    CUresult name parameters {                                                                                                   \
        PerThreadDefaultStream scope;                                                                                            \
        return plain arguments;                                                                                                  \
    }

PER_THREAD(cuEventRecordWithFlags_ptsz, cuEventRecordWithFlags, (CUevent hEvent, CUstream hStream, unsigned int flags),
           (hEvent, hStream, flags))
PER_THREAD(cuEventRecord_ptsz, cuEventRecord, (CUevent hEvent, CUstream hStream), (hEvent, hStream))
PER_THREAD(cuLaunchCooperativeKernel_ptsz, cuLaunchCooperativeKernel,
           (CUfunction f, unsigned int gridDimX, unsigned int gridDimY, unsigned int gridDimZ, unsigned int blockDimX,
            unsigned int blockDimY, unsigned int blockDimZ, unsigned int sharedMemBytes, CUstream hStream, void** kernelParams),
           (f, gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes, hStream, kernelParams))
PER_THREAD(cuLaunchHostFunc_ptsz, cuLaunchHostFunc, (CUstream hStream, CUhostFn fn, void* userData), (hStream, fn, userData))
PER_THREAD(cuLaunchKernelEx_ptsz, cuLaunchKernelEx,
           (const CUlaunchConfig* config, CUfunction f, void** kernelParams, void** extra), (config, f, kernelParams, extra))
PER_THREAD(cuLaunchKernel_ptsz, cuLaunchKernel,
           (CUfunction f, unsigned int gridDimX, unsigned int gridDimY, unsigned int gridDimZ, unsigned int blockDimX,
            unsigned int blockDimY, unsigned int blockDimZ, unsigned int sharedMemBytes, CUstream hStream, void** kernelParams,
            void** extra),
           (f, gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes, hStream, kernelParams, extra))
PER_THREAD(cuMemAllocAsync_ptsz, cuMemAllocAsync, (CUdeviceptr * dptr, size_t bytesize, CUstream hStream),
           (dptr, bytesize, hStream))
PER_THREAD(cuMemAllocFromPoolAsync_ptsz, cuMemAllocFromPoolAsync,
           (CUdeviceptr * dptr, size_t bytesize, CUmemoryPool pool, CUstream hStream), (dptr, bytesize, pool, hStream))
PER_THREAD(cuMemFreeAsync_ptsz, cuMemFreeAsync, (CUdeviceptr dptr, CUstream hStream), (dptr, hStream))
PER_THREAD(cuMemPrefetchAsync_ptsz, cuMemPrefetchAsync, (CUdeviceptr devPtr, size_t count, CUdevice dstDevice, CUstream hStream),
           (devPtr, count, dstDevice, hStream))
PER_THREAD(cuMemPrefetchAsync_v2_ptsz, cuMemPrefetchAsync_v2,
           (CUdeviceptr devPtr, size_t count, CUmemLocation location, unsigned int flags, CUstream hStream),
           (devPtr, count, location, flags, hStream))
PER_THREAD(cuMemcpy2DAsync_v2_ptsz, cuMemcpy2DAsync_v2, (const CUDA_MEMCPY2D* pCopy, CUstream hStream), (pCopy, hStream))
PER_THREAD(cuMemcpy2DUnaligned_v2_ptds, cuMemcpy2DUnaligned_v2, (const CUDA_MEMCPY2D* pCopy), (pCopy))
PER_THREAD(cuMemcpy2D_v2_ptds, cuMemcpy2D_v2, (const CUDA_MEMCPY2D* pCopy), (pCopy))
PER_THREAD(cuMemcpy3DAsync_v2_ptsz, cuMemcpy3DAsync_v2, (const CUDA_MEMCPY3D* pCopy, CUstream hStream), (pCopy, hStream))
PER_THREAD(cuMemcpy3DPeerAsync_ptsz, cuMemcpy3DPeerAsync, (const CUDA_MEMCPY3D_PEER* pCopy, CUstream hStream), (pCopy, hStream))
PER_THREAD(cuMemcpy3DPeer_ptds, cuMemcpy3DPeer, (const CUDA_MEMCPY3D_PEER* pCopy), (pCopy))
PER_THREAD(cuMemcpy3D_v2_ptds, cuMemcpy3D_v2, (const CUDA_MEMCPY3D* pCopy), (pCopy))
PER_THREAD(cuMemcpyAsync_ptsz, cuMemcpyAsync, (CUdeviceptr dst, CUdeviceptr src, size_t ByteCount, CUstream hStream),
           (dst, src, ByteCount, hStream))
PER_THREAD(cuMemcpyAtoA_v2_ptds, cuMemcpyAtoA_v2,
           (CUarray dstArray, size_t dstOffset, CUarray srcArray, size_t srcOffset, size_t ByteCount),
           (dstArray, dstOffset, srcArray, srcOffset, ByteCount))
PER_THREAD(cuMemcpyAtoD_v2_ptds, cuMemcpyAtoD_v2, (CUdeviceptr dstDevice, CUarray srcArray, size_t srcOffset, size_t ByteCount),
           (dstDevice, srcArray, srcOffset, ByteCount))
PER_THREAD(cuMemcpyAtoHAsync_v2_ptsz, cuMemcpyAtoHAsync_v2,
           (void* dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount, CUstream hStream),
           (dstHost, srcArray, srcOffset, ByteCount, hStream))
PER_THREAD(cuMemcpyAtoH_v2_ptds, cuMemcpyAtoH_v2, (void* dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount),
           (dstHost, srcArray, srcOffset, ByteCount))
PER_THREAD(cuMemcpyDtoA_v2_ptds, cuMemcpyDtoA_v2, (CUarray dstArray, size_t dstOffset, CUdeviceptr srcDevice, size_t ByteCount),
           (dstArray, dstOffset, srcDevice, ByteCount))
PER_THREAD(cuMemcpyHtoAAsync_v2_ptsz, cuMemcpyHtoAAsync_v2,
           (CUarray dstArray, size_t dstOffset, const void* srcHost, size_t ByteCount, CUstream hStream),
           (dstArray, dstOffset, srcHost, ByteCount, hStream))
PER_THREAD(cuMemcpyHtoA_v2_ptds, cuMemcpyHtoA_v2, (CUarray dstArray, size_t dstOffset, const void* srcHost, size_t ByteCount),
           (dstArray, dstOffset, srcHost, ByteCount))
PER_THREAD(cuMemcpyDtoDAsync_v2_ptsz, cuMemcpyDtoDAsync_v2,
           (CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount, CUstream hStream),
           (dstDevice, srcDevice, ByteCount, hStream))
PER_THREAD(cuMemcpyDtoD_v2_ptds, cuMemcpyDtoD_v2, (CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount),
           (dstDevice, srcDevice, ByteCount))
PER_THREAD(cuMemcpyDtoHAsync_v2_ptsz, cuMemcpyDtoHAsync_v2,
           (void* dstHost, CUdeviceptr srcDevice, size_t ByteCount, CUstream hStream), (dstHost, srcDevice, ByteCount, hStream))
PER_THREAD(cuMemcpyDtoH_v2_ptds, cuMemcpyDtoH_v2, (void* dstHost, CUdeviceptr srcDevice, size_t ByteCount),
           (dstHost, srcDevice, ByteCount))
PER_THREAD(cuMemcpyHtoDAsync_v2_ptsz, cuMemcpyHtoDAsync_v2,
           (CUdeviceptr dstDevice, const void* srcHost, size_t ByteCount, CUstream hStream),
           (dstDevice, srcHost, ByteCount, hStream))
PER_THREAD(cuMemcpyHtoD_v2_ptds, cuMemcpyHtoD_v2, (CUdeviceptr dstDevice, const void* srcHost, size_t ByteCount),
           (dstDevice, srcHost, ByteCount))
PER_THREAD(cuMemcpyPeerAsync_ptsz, cuMemcpyPeerAsync,
           (CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice, CUcontext srcContext, size_t ByteCount,
            CUstream hStream),
           (dstDevice, dstContext, srcDevice, srcContext, ByteCount, hStream))
PER_THREAD(cuMemcpyPeer_ptds, cuMemcpyPeer,
           (CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice, CUcontext srcContext, size_t ByteCount),
           (dstDevice, dstContext, srcDevice, srcContext, ByteCount))
PER_THREAD(cuMemcpy_ptds, cuMemcpy, (CUdeviceptr dst, CUdeviceptr src, size_t ByteCount), (dst, src, ByteCount))
PER_THREAD(cuMemsetD16Async_ptsz, cuMemsetD16Async, (CUdeviceptr dstDevice, unsigned short us, size_t N, CUstream hStream),
           (dstDevice, us, N, hStream))
PER_THREAD(cuMemsetD16_v2_ptds, cuMemsetD16_v2, (CUdeviceptr dstDevice, unsigned short us, size_t N), (dstDevice, us, N))
PER_THREAD(cuMemsetD2D16Async_ptsz, cuMemsetD2D16Async,
           (CUdeviceptr dstDevice, size_t dstPitch, unsigned short us, size_t Width, size_t Height, CUstream hStream),
           (dstDevice, dstPitch, us, Width, Height, hStream))
PER_THREAD(cuMemsetD2D16_v2_ptds, cuMemsetD2D16_v2,
           (CUdeviceptr dstDevice, size_t dstPitch, unsigned short us, size_t Width, size_t Height),
           (dstDevice, dstPitch, us, Width, Height))
PER_THREAD(cuMemsetD2D32Async_ptsz, cuMemsetD2D32Async,
           (CUdeviceptr dstDevice, size_t dstPitch, unsigned int ui, size_t Width, size_t Height, CUstream hStream),
           (dstDevice, dstPitch, ui, Width, Height, hStream))
PER_THREAD(cuMemsetD2D32_v2_ptds, cuMemsetD2D32_v2,
           (CUdeviceptr dstDevice, size_t dstPitch, unsigned int ui, size_t Width, size_t Height),
           (dstDevice, dstPitch, ui, Width, Height))
PER_THREAD(cuMemsetD2D8Async_ptsz, cuMemsetD2D8Async,
           (CUdeviceptr dstDevice, size_t dstPitch, unsigned char uc, size_t Width, size_t Height, CUstream hStream),
           (dstDevice, dstPitch, uc, Width, Height, hStream))
PER_THREAD(cuMemsetD2D8_v2_ptds, cuMemsetD2D8_v2,
           (CUdeviceptr dstDevice, size_t dstPitch, unsigned char uc, size_t Width, size_t Height),
           (dstDevice, dstPitch, uc, Width, Height))
PER_THREAD(cuMemsetD32Async_ptsz, cuMemsetD32Async, (CUdeviceptr dstDevice, unsigned int ui, size_t N, CUstream hStream),
           (dstDevice, ui, N, hStream))
PER_THREAD(cuMemsetD32_v2_ptds, cuMemsetD32_v2, (CUdeviceptr dstDevice, unsigned int ui, size_t N), (dstDevice, ui, N))
PER_THREAD(cuMemsetD8Async_ptsz, cuMemsetD8Async, (CUdeviceptr dstDevice, unsigned char uc, size_t N, CUstream hStream),
           (dstDevice, uc, N, hStream))
PER_THREAD(cuMemsetD8_v2_ptds, cuMemsetD8_v2, (CUdeviceptr dstDevice, unsigned char uc, size_t N), (dstDevice, uc, N))
PER_THREAD(cuSignalExternalSemaphoresAsync_ptsz, cuSignalExternalSemaphoresAsync,
           (const CUexternalSemaphore* extSemArray, const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS* paramsArray,
            unsigned int numExtSems, CUstream stream),
           (extSemArray, paramsArray, numExtSems, stream))
PER_THREAD(cuWaitExternalSemaphoresAsync_ptsz, cuWaitExternalSemaphoresAsync,
           (const CUexternalSemaphore* extSemArray, const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS* paramsArray,
            unsigned int numExtSems, CUstream stream),
           (extSemArray, paramsArray, numExtSems, stream))
PER_THREAD(cuStreamAddCallback_ptsz, cuStreamAddCallback,
           (CUstream hStream, CUstreamCallback callback, void* userData, unsigned int flags),
           (hStream, callback, userData, flags))
PER_THREAD(cuStreamAttachMemAsync_ptsz, cuStreamAttachMemAsync,
           (CUstream hStream, CUdeviceptr dptr, size_t length, unsigned int flags), (hStream, dptr, length, flags))
PER_THREAD(cuStreamGetCtx_ptsz, cuStreamGetCtx, (CUstream hStream, CUcontext* pctx), (hStream, pctx))
PER_THREAD(cuStreamGetCtx_v2_ptsz, cuStreamGetCtx_v2, (CUstream hStream, CUcontext* pCtx, CUgreenCtx* pGreenCtx),
           (hStream, pCtx, pGreenCtx))
PER_THREAD(cuStreamGetDevice_ptsz, cuStreamGetDevice, (CUstream hStream, CUdevice* device), (hStream, device))
PER_THREAD(cuStreamGetFlags_ptsz, cuStreamGetFlags, (CUstream hStream, unsigned int* flags), (hStream, flags))
PER_THREAD(cuStreamGetId_ptsz, cuStreamGetId, (CUstream hStream, unsigned long long* streamId), (hStream, streamId))
PER_THREAD(cuStreamGetPriority_ptsz, cuStreamGetPriority, (CUstream hStream, int* priority), (hStream, priority))
PER_THREAD(cuStreamIsCapturing_ptsz, cuStreamIsCapturing, (CUstream hStream, CUstreamCaptureStatus* captureStatus),
           (hStream, captureStatus))
PER_THREAD(cuStreamQuery_ptsz, cuStreamQuery, (CUstream hStream), (hStream))
PER_THREAD(cuStreamSynchronize_ptsz, cuStreamSynchronize, (CUstream hStream), (hStream))
PER_THREAD(cuStreamWaitEvent_ptsz, cuStreamWaitEvent, (CUstream hStream, CUevent hEvent, unsigned int Flags),
           (hStream, hEvent, Flags))
PER_THREAD(cuGraphInstantiateWithParams_ptsz, cuGraphInstantiateWithParams,
           (CUgraphExec * phGraphExec, CUgraph hGraph, CUDA_GRAPH_INSTANTIATE_PARAMS* instantiateParams),
           (phGraphExec, hGraph, instantiateParams))
PER_THREAD(cuGraphLaunch_ptsz, cuGraphLaunch, (CUgraphExec hGraphExec, CUstream hStream), (hGraphExec, hStream))
PER_THREAD(cuGraphUpload_ptsz, cuGraphUpload, (CUgraphExec hGraphExec, CUstream hStream), (hGraphExec, hStream))
PER_THREAD(cuStreamBatchMemOp_ptsz, cuStreamBatchMemOp,
           (CUstream stream, unsigned int count, CUstreamBatchMemOpParams* paramArray, unsigned int flags),
           (stream, count, paramArray, flags))
PER_THREAD(cuStreamBatchMemOp_v2_ptsz, cuStreamBatchMemOp_v2,
           (CUstream stream, unsigned int count, CUstreamBatchMemOpParams* paramArray, unsigned int flags),
           (stream, count, paramArray, flags))
PER_THREAD(cuStreamBeginCapture_ptsz, cuStreamBeginCapture, (CUstream hStream), (hStream))
PER_THREAD(cuStreamBeginCaptureToGraph_ptsz, cuStreamBeginCaptureToGraph,
           (CUstream hStream, CUgraph hGraph, const CUgraphNode* dependencies, const CUgraphEdgeData* dependencyData,
            size_t numDependencies, CUstreamCaptureMode mode),
           (hStream, hGraph, dependencies, dependencyData, numDependencies, mode))
PER_THREAD(cuStreamBeginCapture_v2_ptsz, cuStreamBeginCapture_v2, (CUstream hStream, CUstreamCaptureMode mode), (hStream, mode))
PER_THREAD(cuStreamEndCapture_ptsz, cuStreamEndCapture, (CUstream hStream, CUgraph* phGraph), (hStream, phGraph))
PER_THREAD(cuStreamGetCaptureInfo_ptsz, cuStreamGetCaptureInfo,
           (CUstream hStream, CUstreamCaptureStatus* captureStatus_out, cuuint64_t* id_out), (hStream, captureStatus_out, id_out))
PER_THREAD(cuStreamGetCaptureInfo_v2_ptsz, cuStreamGetCaptureInfo_v2,
           (CUstream hStream, CUstreamCaptureStatus* captureStatus_out, cuuint64_t* id_out, CUgraph* graph_out,
            const CUgraphNode** dependencies_out, size_t* numDependencies_out),
           (hStream, captureStatus_out, id_out, graph_out, dependencies_out, numDependencies_out))
PER_THREAD(cuStreamGetCaptureInfo_v3_ptsz, cuStreamGetCaptureInfo_v3,
           (CUstream hStream, CUstreamCaptureStatus* captureStatus_out, cuuint64_t* id_out, CUgraph* graph_out,
            const CUgraphNode** dependencies_out, const CUgraphEdgeData** edgeData_out, size_t* numDependencies_out),
           (hStream, captureStatus_out, id_out, graph_out, dependencies_out, edgeData_out, numDependencies_out))
PER_THREAD(cuStreamUpdateCaptureDependencies_ptsz, cuStreamUpdateCaptureDependencies,
           (CUstream hStream, CUgraphNode* dependencies, size_t numDependencies, unsigned int flags),
           (hStream, dependencies, numDependencies, flags))
PER_THREAD(cuStreamUpdateCaptureDependencies_v2_ptsz, cuStreamUpdateCaptureDependencies_v2,
           (CUstream hStream, CUgraphNode* dependencies, const CUgraphEdgeData* dependencyData, size_t numDependencies,
            unsigned int flags),
           (hStream, dependencies, dependencyData, numDependencies, flags))
PER_THREAD(cuStreamWaitValue32_ptsz, cuStreamWaitValue32,
           (CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags), (stream, addr, value, flags))
PER_THREAD(cuStreamWaitValue32_v2_ptsz, cuStreamWaitValue32_v2,
           (CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags), (stream, addr, value, flags))
PER_THREAD(cuStreamWaitValue64_ptsz, cuStreamWaitValue64,
           (CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned int flags), (stream, addr, value, flags))
PER_THREAD(cuStreamWaitValue64_v2_ptsz, cuStreamWaitValue64_v2,
           (CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned int flags), (stream, addr, value, flags))
PER_THREAD(cuStreamWriteValue32_ptsz, cuStreamWriteValue32,
           (CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags), (stream, addr, value, flags))
PER_THREAD(cuStreamWriteValue32_v2_ptsz, cuStreamWriteValue32_v2,
           (CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags), (stream, addr, value, flags))
PER_THREAD(cuStreamWriteValue64_ptsz, cuStreamWriteValue64,
           (CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned int flags), (stream, addr, value, flags))
PER_THREAD(cuStreamWriteValue64_v2_ptsz, cuStreamWriteValue64_v2,
           (CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned int flags), (stream, addr, value, flags))
PER_THREAD(cuGraphicsMapResources_ptsz, cuGraphicsMapResources,
           (unsigned int count, CUgraphicsResource* resources, CUstream hStream), (count, resources, hStream))
PER_THREAD(cuGraphicsUnmapResources_ptsz, cuGraphicsUnmapResources,
           (unsigned int count, CUgraphicsResource* resources, CUstream hStream), (count, resources, hStream))
PER_THREAD(cuMemBatchDecompressAsync_ptsz, cuMemBatchDecompressAsync,
           (CUmemDecompressParams * paramsArray, size_t count, unsigned int flags, size_t* errorIndex, CUstream stream),
           (paramsArray, count, flags, errorIndex, stream))
PER_THREAD(cuMemDiscardAndPrefetchBatchAsync_ptsz, cuMemDiscardAndPrefetchBatchAsync,
           (CUdeviceptr * dptrs, size_t* sizes, size_t count, CUmemLocation* prefetchLocs, size_t* prefetchLocIdxs,
            size_t numPrefetchLocs, unsigned long long flags, CUstream hStream),
           (dptrs, sizes, count, prefetchLocs, prefetchLocIdxs, numPrefetchLocs, flags, hStream))
PER_THREAD(cuMemDiscardBatchAsync_ptsz, cuMemDiscardBatchAsync,
           (CUdeviceptr * dptrs, size_t* sizes, size_t count, unsigned long long flags, CUstream hStream),
           (dptrs, sizes, count, flags, hStream))
PER_THREAD(cuMemPrefetchBatchAsync_ptsz, cuMemPrefetchBatchAsync,
           (CUdeviceptr * dptrs, size_t* sizes, size_t count, CUmemLocation* prefetchLocs, size_t* prefetchLocIdxs,
            size_t numPrefetchLocs, unsigned long long flags, CUstream hStream),
           (dptrs, sizes, count, prefetchLocs, prefetchLocIdxs, numPrefetchLocs, flags, hStream))
PER_THREAD(cuMemcpy3DBatchAsync_ptsz, cuMemcpy3DBatchAsync,
           (size_t numOps, CUDA_MEMCPY3D_BATCH_OP* opList, size_t* failIdx, unsigned long long flags, CUstream hStream),
           (numOps, opList, failIdx, flags, hStream))
PER_THREAD(cuMemcpy3DBatchAsync_v2_ptsz, cuMemcpy3DBatchAsync_v2,
           (size_t numOps, CUDA_MEMCPY3D_BATCH_OP* opList, unsigned long long flags, CUstream hStream),
           (numOps, opList, flags, hStream))
PER_THREAD(cuMemcpyBatchAsync_ptsz, cuMemcpyBatchAsync,
           (CUdeviceptr * dsts, CUdeviceptr* srcs, size_t* sizes, size_t count, CUmemcpyAttributes* attrs, size_t* attrsIdxs,
            size_t numAttrs, size_t* failIdx, CUstream hStream),
           (dsts, srcs, sizes, count, attrs, attrsIdxs, numAttrs, failIdx, hStream))
PER_THREAD(cuMemcpyBatchAsync_v2_ptsz, cuMemcpyBatchAsync_v2,
           (CUdeviceptr * dsts, CUdeviceptr* srcs, size_t* sizes, size_t count, CUmemcpyAttributes* attrs, size_t* attrsIdxs,
            size_t numAttrs, CUstream hStream),
           (dsts, srcs, sizes, count, attrs, attrsIdxs, numAttrs, hStream))
PER_THREAD(cuStreamCopyAttributes_ptsz, cuStreamCopyAttributes, (CUstream dst, CUstream src), (dst, src))
PER_THREAD(cuStreamGetAttribute_ptsz, cuStreamGetAttribute, (CUstream hStream, CUstreamAttrID attr, CUstreamAttrValue* value_out),
           (hStream, attr, value_out))
PER_THREAD(cuStreamSetAttribute_ptsz, cuStreamSetAttribute,
           (CUstream hStream, CUstreamAttrID attr, const CUstreamAttrValue* value), (hStream, attr, value))
