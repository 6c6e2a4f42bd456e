/* The C++ face of the runtime API: overloads that spare a program its casts, and the occupancy calculators that take a functor.
 * cuda_runtime.h includes this after cuda_runtime_api.h. What each does is in NVIDIA's "CUDA Runtime API" reference, section
 * "C++ API Routines"; every one of them ends in a C function of libcudart. A symbol or a kernel is passed by its host-side name,
 * whose address is the key that the compiler's registration code gave to the runtime. */
#ifndef ANYWARP_RUNTIME_TEMPLATES_H
#define ANYWARP_RUNTIME_TEMPLATES_H

#include "cuda_runtime_api.h"
#include "driver_functions.h"

#ifdef __cplusplus
#    include <utility>

#    define ANYWARP_WRAP static __inline__ __host__ cudaError_t

/* Launches */
template <class T>
ANYWARP_WRAP cudaLaunchKernel(T* func, dim3 gridDim, dim3 blockDim, void** args, size_t sharedMem = 0, cudaStream_t stream = 0) {
    return ::cudaLaunchKernel((const void*)func, gridDim, blockDim, args, sharedMem, stream);
}

template <class T>
ANYWARP_WRAP cudaLaunchCooperativeKernel(T* func, dim3 gridDim, dim3 blockDim, void** args, size_t sharedMem = 0,
                                         cudaStream_t stream = 0) {
    return ::cudaLaunchCooperativeKernel((const void*)func, gridDim, blockDim, args, sharedMem, stream);
}

#    if __cplusplus >= 201103L
/* The arguments are converted to the kernel's parameter types first: a launch passes addresses, so the types must be exact. */
template <typename... Parameters, typename... Arguments>
ANYWARP_WRAP cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...), Arguments&&... args) {
    return [&](Parameters... converted) {
        void* addresses[sizeof...(Parameters) + 1] = {(void*)&reinterpret_cast<const volatile char&>(converted)...};
        return ::cudaLaunchKernelExC(config, (const void*)kernel, addresses);
    }(std::forward<Arguments>(args)...);
}

template <typename... Arguments>
ANYWARP_WRAP cudaLaunchKernelEx(const cudaLaunchConfig_t* config, const cudaKernel_t kernel, Arguments&&... args) {
    void* addresses[sizeof...(Arguments) + 1] = {(void*)&reinterpret_cast<const volatile char&>(args)...};
    return ::cudaLaunchKernelExC(config, (const void*)kernel, addresses);
}
#    endif

/* Events and graphs */
ANYWARP_WRAP cudaEventCreate(cudaEvent_t* event, unsigned int flags) { return ::cudaEventCreateWithFlags(event, flags); }

ANYWARP_WRAP cudaGraphInstantiate(cudaGraphExec_t* pGraphExec, cudaGraph_t graph, cudaGraphNode_t* pErrorNode, char* pLogBuffer,
                                  size_t bufferSize) {
    (void)pErrorNode;
    (void)pLogBuffer;
    (void)bufferSize;
    return ::cudaGraphInstantiate(pGraphExec, graph, 0);
}

ANYWARP_WRAP cudaGraphExecUpdate(cudaGraphExec_t hGraphExec, cudaGraph_t hGraph, cudaGraphNode_t* hErrorNode_out,
                                 enum cudaGraphExecUpdateResult* updateResult_out) {
    cudaGraphExecUpdateResultInfo info;
    cudaError_t status = ::cudaGraphExecUpdate(hGraphExec, hGraph, &info);
    if (hErrorNode_out) *hErrorNode_out = info.errorNode;
    if (updateResult_out) *updateResult_out = info.result;
    return status;
}

#    if __cplusplus >= 201103L
template <class T>
ANYWARP_WRAP cudaUserObjectCreate(cudaUserObject_t* object_out, T* objectToWrap, unsigned int initialRefcount,
                                  unsigned int flags) {
    return ::cudaUserObjectCreate(
        object_out, objectToWrap, [](void* object) { delete reinterpret_cast<T*>(object); }, initialRefcount, flags);
}

template <class T>
ANYWARP_WRAP cudaUserObjectCreate(cudaUserObject_t* object_out, T* objectToWrap, unsigned int initialRefcount,
                                  cudaUserObjectFlags flags) {
    return cudaUserObjectCreate(object_out, objectToWrap, initialRefcount, (unsigned int)flags);
}
#    endif

/* Memory */
template <class T> ANYWARP_WRAP cudaMalloc(T** devPtr, size_t size) { return ::cudaMalloc((void**)(void*)devPtr, size); }

ANYWARP_WRAP cudaMallocHost(void** ptr, size_t size, unsigned int flags) { return ::cudaHostAlloc(ptr, size, flags); }
template <class T> ANYWARP_WRAP cudaMallocHost(T** ptr, size_t size, unsigned int flags = 0) {
    return ::cudaHostAlloc((void**)(void*)ptr, size, flags);
}
template <class T> ANYWARP_WRAP cudaHostAlloc(T** ptr, size_t size, unsigned int flags) {
    return ::cudaHostAlloc((void**)(void*)ptr, size, flags);
}
template <class T> ANYWARP_WRAP cudaHostGetDevicePointer(T** pDevice, void* pHost, unsigned int flags) {
    return ::cudaHostGetDevicePointer((void**)(void*)pDevice, pHost, flags);
}
template <class T> ANYWARP_WRAP cudaMallocManaged(T** devPtr, size_t size, unsigned int flags = cudaMemAttachGlobal) {
    return ::cudaMallocManaged((void**)(void*)devPtr, size, flags);
}
template <class T> ANYWARP_WRAP cudaMallocPitch(T** devPtr, size_t* pitch, size_t width, size_t height) {
    return ::cudaMallocPitch((void**)(void*)devPtr, pitch, width, height);
}
template <class T>
ANYWARP_WRAP cudaStreamAttachMemAsync(cudaStream_t stream, T* devPtr, size_t length = 0, unsigned int flags = cudaMemAttachSingle) {
    return ::cudaStreamAttachMemAsync(stream, (void*)devPtr, length, flags);
}

ANYWARP_WRAP cudaMallocAsync(void** ptr, size_t size, cudaMemPool_t memPool, cudaStream_t stream) {
    return ::cudaMallocFromPoolAsync(ptr, size, memPool, stream);
}
template <class T> ANYWARP_WRAP cudaMallocAsync(T** ptr, size_t size, cudaMemPool_t memPool, cudaStream_t stream) {
    return ::cudaMallocFromPoolAsync((void**)(void*)ptr, size, memPool, stream);
}
template <class T> ANYWARP_WRAP cudaMallocAsync(T** ptr, size_t size, cudaStream_t stream) {
    return ::cudaMallocAsync((void**)(void*)ptr, size, stream);
}
template <class T> ANYWARP_WRAP cudaMallocFromPoolAsync(T** ptr, size_t size, cudaMemPool_t memPool, cudaStream_t stream) {
    return ::cudaMallocFromPoolAsync((void**)(void*)ptr, size, memPool, stream);
}

template <typename T>
ANYWARP_WRAP cudaMemPrefetchBatchAsync(T** dptrs, size_t* sizes, size_t count, struct cudaMemLocation* prefetchLocs,
                                       size_t* prefetchLocIdxs, size_t numPrefetchLocs, unsigned long long flags,
                                       cudaStream_t stream) {
    return ::cudaMemPrefetchBatchAsync((void**)(void*)dptrs, sizes, count, prefetchLocs, prefetchLocIdxs, numPrefetchLocs, flags,
                                       stream);
}
template <typename T>
ANYWARP_WRAP cudaMemPrefetchBatchAsync(T** dptrs, size_t* sizes, size_t count, struct cudaMemLocation prefetchLocs,
                                       unsigned long long flags, cudaStream_t stream) {
    size_t first = 0;
    return ::cudaMemPrefetchBatchAsync((void**)(void*)dptrs, sizes, count, &prefetchLocs, &first, 1, flags, stream);
}
template <typename T>
ANYWARP_WRAP cudaMemDiscardAndPrefetchBatchAsync(T** dptrs, size_t* sizes, size_t count, struct cudaMemLocation* prefetchLocs,
                                                 size_t* prefetchLocIdxs, size_t numPrefetchLocs, unsigned long long flags,
                                                 cudaStream_t stream) {
    return ::cudaMemDiscardAndPrefetchBatchAsync((void**)(void*)dptrs, sizes, count, prefetchLocs, prefetchLocIdxs,
                                                 numPrefetchLocs, flags, stream);
}
template <typename T>
ANYWARP_WRAP cudaMemDiscardAndPrefetchBatchAsync(T** dptrs, size_t* sizes, size_t count, struct cudaMemLocation prefetchLocs,
                                                 unsigned long long flags, cudaStream_t stream) {
    size_t first = 0;
    return ::cudaMemDiscardAndPrefetchBatchAsync((void**)(void*)dptrs, sizes, count, &prefetchLocs, &first, 1, flags, stream);
}
template <typename T, typename U>
ANYWARP_WRAP cudaMemcpyBatchAsync(T* const* dsts, U* const* srcs, const size_t* sizes, size_t count,
                                  struct cudaMemcpyAttributes* attrs, size_t* attrsIdxs, size_t numAttrs, cudaStream_t hStream) {
    return ::cudaMemcpyBatchAsync((void* const*)(const void*)dsts, (const void* const*)(const void*)srcs, sizes, count, attrs,
                                  attrsIdxs, numAttrs, hStream);
}
template <typename T, typename U>
ANYWARP_WRAP cudaMemcpyBatchAsync(T* const* dsts, U* const* srcs, const size_t* sizes, size_t count,
                                  struct cudaMemcpyAttributes attr, cudaStream_t hStream) {
    size_t first = 0;
    return ::cudaMemcpyBatchAsync((void* const*)(const void*)dsts, (const void* const*)(const void*)srcs, sizes, count, &attr,
                                  &first, 1, hStream);
}

#    if defined(__CUDACC__) || defined(__CUDA__)
/* Device variables, by the host-side name that stands for them */
#        define ANYWARP_SYMBOL(symbol) ((const void*)&reinterpret_cast<const volatile char&>(symbol))

template <class T>
ANYWARP_WRAP cudaMemcpyToSymbol(const T& symbol, const void* src, size_t count, size_t offset = 0,
                                enum cudaMemcpyKind kind = cudaMemcpyHostToDevice) {
    return ::cudaMemcpyToSymbol(ANYWARP_SYMBOL(symbol), src, count, offset, kind);
}
template <class T>
ANYWARP_WRAP cudaMemcpyToSymbolAsync(const T& symbol, const void* src, size_t count, size_t offset = 0,
                                     enum cudaMemcpyKind kind = cudaMemcpyHostToDevice, cudaStream_t stream = 0) {
    return ::cudaMemcpyToSymbolAsync(ANYWARP_SYMBOL(symbol), src, count, offset, kind, stream);
}
template <class T>
ANYWARP_WRAP cudaMemcpyFromSymbol(void* dst, const T& symbol, size_t count, size_t offset = 0,
                                  enum cudaMemcpyKind kind = cudaMemcpyDeviceToHost) {
    return ::cudaMemcpyFromSymbol(dst, ANYWARP_SYMBOL(symbol), count, offset, kind);
}
template <class T>
ANYWARP_WRAP cudaMemcpyFromSymbolAsync(void* dst, const T& symbol, size_t count, size_t offset = 0,
                                       enum cudaMemcpyKind kind = cudaMemcpyDeviceToHost, cudaStream_t stream = 0) {
    return ::cudaMemcpyFromSymbolAsync(dst, ANYWARP_SYMBOL(symbol), count, offset, kind, stream);
}
template <class T> ANYWARP_WRAP cudaGetSymbolAddress(void** devPtr, const T& symbol) {
    return ::cudaGetSymbolAddress(devPtr, ANYWARP_SYMBOL(symbol));
}
template <class T> ANYWARP_WRAP cudaGetSymbolSize(size_t* size, const T& symbol) {
    return ::cudaGetSymbolSize(size, ANYWARP_SYMBOL(symbol));
}
template <class T>
ANYWARP_WRAP cudaGraphAddMemcpyNodeToSymbol(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                            size_t numDependencies, const T& symbol, const void* src, size_t count, size_t offset,
                                            enum cudaMemcpyKind kind) {
    return ::cudaGraphAddMemcpyNodeToSymbol(pGraphNode, graph, pDependencies, numDependencies, ANYWARP_SYMBOL(symbol), src, count,
                                            offset, kind);
}
template <class T>
ANYWARP_WRAP cudaGraphAddMemcpyNodeFromSymbol(cudaGraphNode_t* pGraphNode, cudaGraph_t graph,
                                              const cudaGraphNode_t* pDependencies, size_t numDependencies, void* dst,
                                              const T& symbol, size_t count, size_t offset, enum cudaMemcpyKind kind) {
    return ::cudaGraphAddMemcpyNodeFromSymbol(pGraphNode, graph, pDependencies, numDependencies, dst, ANYWARP_SYMBOL(symbol),
                                              count, offset, kind);
}
template <class T>
ANYWARP_WRAP cudaGraphMemcpyNodeSetParamsToSymbol(cudaGraphNode_t node, const T& symbol, const void* src, size_t count,
                                                  size_t offset, enum cudaMemcpyKind kind) {
    return ::cudaGraphMemcpyNodeSetParamsToSymbol(node, ANYWARP_SYMBOL(symbol), src, count, offset, kind);
}
template <class T>
ANYWARP_WRAP cudaGraphMemcpyNodeSetParamsFromSymbol(cudaGraphNode_t node, void* dst, const T& symbol, size_t count, size_t offset,
                                                    enum cudaMemcpyKind kind) {
    return ::cudaGraphMemcpyNodeSetParamsFromSymbol(node, dst, ANYWARP_SYMBOL(symbol), count, offset, kind);
}
template <class T>
ANYWARP_WRAP cudaGraphExecMemcpyNodeSetParamsToSymbol(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, const T& symbol,
                                                      const void* src, size_t count, size_t offset, enum cudaMemcpyKind kind) {
    return ::cudaGraphExecMemcpyNodeSetParamsToSymbol(hGraphExec, node, ANYWARP_SYMBOL(symbol), src, count, offset, kind);
}
template <class T>
ANYWARP_WRAP cudaGraphExecMemcpyNodeSetParamsFromSymbol(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, void* dst,
                                                        const T& symbol, size_t count, size_t offset, enum cudaMemcpyKind kind) {
    return ::cudaGraphExecMemcpyNodeSetParamsFromSymbol(hGraphExec, node, dst, ANYWARP_SYMBOL(symbol), count, offset, kind);
}
#        undef ANYWARP_SYMBOL

/* Kernels, by the address of their host-side stub */
template <class T> ANYWARP_WRAP cudaFuncGetAttributes(struct cudaFuncAttributes* attr, T* entry) {
    return ::cudaFuncGetAttributes(attr, (const void*)entry);
}
template <class T> ANYWARP_WRAP cudaFuncSetAttribute(T* func, enum cudaFuncAttribute attr, int value) {
    return ::cudaFuncSetAttribute((const void*)func, attr, value);
}
template <class T> ANYWARP_WRAP cudaFuncGetName(const char** name, T* func) { return ::cudaFuncGetName(name, (const void*)func); }
template <class T> ANYWARP_WRAP cudaFuncSetCacheConfig(T* func, enum cudaFuncCache cacheConfig) {
    return ::cudaFuncSetCacheConfig((const void*)func, cacheConfig);
}
template <class T> ANYWARP_WRAP cudaFuncSetSharedMemConfig(T* func, enum cudaSharedMemConfig config) {
    return ::cudaFuncSetSharedMemConfig((const void*)func, config);
}
template <class T> ANYWARP_WRAP cudaGetKernel(cudaKernel_t* kernelPtr, T* func) {
    return ::cudaGetKernel(kernelPtr, (const void*)func);
}
#    endif

template <class T> ANYWARP_WRAP cudaLibraryGetGlobal(T** dptr, size_t* bytes, cudaLibrary_t library, const char* name) {
    return ::cudaLibraryGetGlobal((void**)(void*)dptr, bytes, library, name);
}
template <class T> ANYWARP_WRAP cudaLibraryGetManaged(T** dptr, size_t* bytes, cudaLibrary_t library, const char* name) {
    return ::cudaLibraryGetManaged((void**)(void*)dptr, bytes, library, name);
}
template <class T> ANYWARP_WRAP cudaLibraryGetUnifiedFunction(T** fptr, cudaLibrary_t library, const char* symbol) {
    return ::cudaLibraryGetUnifiedFunction((void**)(void*)fptr, library, symbol);
}

/* Occupancy */
template <class T>
ANYWARP_WRAP cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* numBlocks, T func, int blockSize, size_t dynamicSMemSize) {
    return ::cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(numBlocks, (const void*)func, blockSize, dynamicSMemSize,
                                                                    cudaOccupancyDefault);
}
template <class T>
ANYWARP_WRAP cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* numBlocks, T func, int blockSize, size_t dynamicSMemSize,
                                                                    unsigned int flags) {
    return ::cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(numBlocks, (const void*)func, blockSize, dynamicSMemSize,
                                                                    flags);
}
template <class T>
ANYWARP_WRAP cudaOccupancyAvailableDynamicSMemPerBlock(size_t* dynamicSmemSize, T* func, int numBlocks, int blockSize) {
    return ::cudaOccupancyAvailableDynamicSMemPerBlock(dynamicSmemSize, (const void*)func, numBlocks, blockSize);
}
template <class T>
ANYWARP_WRAP cudaOccupancyMaxPotentialClusterSize(int* clusterSize, T* func, const cudaLaunchConfig_t* config) {
    return ::cudaOccupancyMaxPotentialClusterSize(clusterSize, (const void*)func, config);
}
template <class T> ANYWARP_WRAP cudaOccupancyMaxActiveClusters(int* numClusters, T* func, const cudaLaunchConfig_t* config) {
    return ::cudaOccupancyMaxActiveClusters(numClusters, (const void*)func, config);
}

/* Tries every multiple of the warp size, the largest first, and keeps the one with most threads in flight on a multiprocessor; the
 * functor tells how much dynamic shared memory a block of a given size needs. */
template <typename UnaryFunction, class T>
ANYWARP_WRAP cudaOccupancyMaxPotentialBlockSizeVariableSMemWithFlags(int* minGridSize, int* blockSize, T func,
                                                                     UnaryFunction blockSizeToDynamicSMemSize,
                                                                     int blockSizeLimit = 0, unsigned int flags = 0) {
    if (!minGridSize || !blockSize || !func) return cudaErrorInvalidValue;
    int device = 0, resident = 0, warp = 0, limit = 0, processors = 0;
    struct cudaFuncAttributes attributes;
    cudaError_t status = ::cudaGetDevice(&device);
    if (status == cudaSuccess) status = ::cudaDeviceGetAttribute(&resident, cudaDevAttrMaxThreadsPerMultiProcessor, device);
    if (status == cudaSuccess) status = ::cudaDeviceGetAttribute(&warp, cudaDevAttrWarpSize, device);
    if (status == cudaSuccess) status = ::cudaDeviceGetAttribute(&limit, cudaDevAttrMaxThreadsPerBlock, device);
    if (status == cudaSuccess) status = ::cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
    if (status == cudaSuccess) status = ::cudaFuncGetAttributes(&attributes, (const void*)func);
    if (status != cudaSuccess) return status;
    if (blockSizeLimit > 0 && blockSizeLimit < limit) limit = blockSizeLimit;
    if (attributes.maxThreadsPerBlock < limit) limit = attributes.maxThreadsPerBlock;
    int best_size = 0, best_blocks = 0, best_threads = 0;
    for (int rounded = (limit + warp - 1) / warp * warp; rounded > 0 && best_threads < resident; rounded -= warp) {
        int size = rounded < limit ? rounded : limit, blocks = 0;
        status = ::cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(&blocks, (const void*)func, size,
                                                                          blockSizeToDynamicSMemSize(size), flags);
        if (status != cudaSuccess) return status;
        if (size * blocks > best_threads) {
            best_size = size;
            best_blocks = blocks;
            best_threads = size * blocks;
        }
    }
    *minGridSize = best_blocks * processors;
    *blockSize = best_size;
    return cudaSuccess;
}

template <typename UnaryFunction, class T>
ANYWARP_WRAP cudaOccupancyMaxPotentialBlockSizeVariableSMem(int* minGridSize, int* blockSize, T func,
                                                            UnaryFunction blockSizeToDynamicSMemSize, int blockSizeLimit = 0) {
    return cudaOccupancyMaxPotentialBlockSizeVariableSMemWithFlags(minGridSize, blockSize, func, blockSizeToDynamicSMemSize,
                                                                   blockSizeLimit, cudaOccupancyDefault);
}

namespace anywarp_occupancy {
struct SameForEverySize {
    size_t bytes;
    size_t operator()(int) const { return bytes; }
};
} // namespace anywarp_occupancy

template <class T>
ANYWARP_WRAP cudaOccupancyMaxPotentialBlockSizeWithFlags(int* minGridSize, int* blockSize, T func, size_t dynamicSMemSize = 0,
                                                         int blockSizeLimit = 0, unsigned int flags = 0) {
    anywarp_occupancy::SameForEverySize same = {dynamicSMemSize};
    return cudaOccupancyMaxPotentialBlockSizeVariableSMemWithFlags(minGridSize, blockSize, func, same, blockSizeLimit, flags);
}
template <class T>
ANYWARP_WRAP cudaOccupancyMaxPotentialBlockSize(int* minGridSize, int* blockSize, T func, size_t dynamicSMemSize = 0,
                                                int blockSizeLimit = 0) {
    return cudaOccupancyMaxPotentialBlockSizeWithFlags(minGridSize, blockSize, func, dynamicSMemSize, blockSizeLimit,
                                                       cudaOccupancyDefault);
}

#    undef ANYWARP_WRAP
#endif

#endif
