// Batches of copies and prefetches, error logs, pools by place, notifications: forms of the driver's functions, for the most part
// new in CUDA 13. CUDA Runtime API, "Memory Management", "Error Log Management Functions", "Device Management".
#include "runtime/runtime.h"

using namespace anywarp::runtime;

static_assert(sizeof(cudaMemcpyAttributes) == sizeof(CUmemcpyAttributes));
static_assert(sizeof(cudaMemLocation) == sizeof(CUmemLocation));

extern "C" {

cudaError_t cudaDeviceFlushGPUDirectRDMAWrites(cudaFlushGPUDirectRDMAWritesTarget target,
                                               cudaFlushGPUDirectRDMAWritesScope scope) {
    return with_context([&] {
        return cuFlushGPUDirectRDMAWrites(static_cast<CUflushGPUDirectRDMAWritesTarget>(target),
                                          static_cast<CUflushGPUDirectRDMAWritesScope>(scope));
    });
}

cudaError_t cudaDeviceRegisterAsyncNotification(int device, cudaAsyncCallback function, void* data,
                                                cudaAsyncCallbackHandle_t* handle) {
    return with_driver([&] {
        return cuDeviceRegisterAsyncNotification(device, reinterpret_cast<CUasyncCallback>(function), data,
                                                 reinterpret_cast<CUasyncCallbackHandle*>(handle));
    });
}
cudaError_t cudaDeviceUnregisterAsyncNotification(int device, cudaAsyncCallbackHandle_t handle) {
    return with_driver(
        [&] { return cuDeviceUnregisterAsyncNotification(device, reinterpret_cast<CUasyncCallbackHandle>(handle)); });
}

#if ANYWARP_CUDART_MAJOR >= 13

namespace {

CUdeviceptr* addresses(void** pointers) { return reinterpret_cast<CUdeviceptr*>(pointers); }
CUmemLocation* locations(cudaMemLocation* places) { return reinterpret_cast<CUmemLocation*>(places); }
cudaStream_t own(cudaStream_t stream) { return stream ? stream : cudaStreamPerThread; }

} // namespace

cudaError_t cudaMemPrefetchBatchAsync(void** pointers, size_t* sizes, size_t count, cudaMemLocation* places, size_t* indices,
                                      size_t place_count, unsigned long long flags, cudaStream_t stream) {
    return with_context([&] {
        return cuMemPrefetchBatchAsync(addresses(pointers), sizes, count, locations(places), indices, place_count, flags, stream);
    });
}
cudaError_t cudaMemDiscardBatchAsync(void** pointers, size_t* sizes, size_t count, unsigned long long flags,
                                     cudaStream_t stream) {
    return with_context([&] { return cuMemDiscardBatchAsync(addresses(pointers), sizes, count, flags, stream); });
}
cudaError_t cudaMemDiscardAndPrefetchBatchAsync(void** pointers, size_t* sizes, size_t count, cudaMemLocation* places,
                                                size_t* indices, size_t place_count, unsigned long long flags,
                                                cudaStream_t stream) {
    return with_context([&] {
        return cuMemDiscardAndPrefetchBatchAsync(addresses(pointers), sizes, count, locations(places), indices, place_count,
                                                 flags, stream);
    });
}
__attribute__((visibility("default"))) cudaError_t
cudaMemPrefetchBatchAsync_ptsz(void** pointers, size_t* sizes, size_t count, cudaMemLocation* places, size_t* indices,
                               size_t place_count, unsigned long long flags, cudaStream_t stream) {
    return cudaMemPrefetchBatchAsync(pointers, sizes, count, places, indices, place_count, flags, own(stream));
}
__attribute__((visibility("default"))) cudaError_t cudaMemDiscardBatchAsync_ptsz(void** pointers, size_t* sizes, size_t count,
                                                                                 unsigned long long flags,
                                                                                 cudaStream_t stream) {
    return cudaMemDiscardBatchAsync(pointers, sizes, count, flags, own(stream));
}
__attribute__((visibility("default"))) cudaError_t
cudaMemDiscardAndPrefetchBatchAsync_ptsz(void** pointers, size_t* sizes, size_t count, cudaMemLocation* places, size_t* indices,
                                         size_t place_count, unsigned long long flags, cudaStream_t stream) {
    return cudaMemDiscardAndPrefetchBatchAsync(pointers, sizes, count, places, indices, place_count, flags, own(stream));
}

cudaError_t cudaLogsRegisterCallback(cudaLogsCallback_t function, void* data, cudaLogsCallbackHandle* handle) {
    return with_driver([&] {
        return cuLogsRegisterCallback(reinterpret_cast<CUlogsCallback>(function), data,
                                      reinterpret_cast<CUlogsCallbackHandle*>(handle));
    });
}
cudaError_t cudaLogsUnregisterCallback(cudaLogsCallbackHandle handle) {
    return with_driver([&] { return cuLogsUnregisterCallback(reinterpret_cast<CUlogsCallbackHandle>(handle)); });
}
cudaError_t cudaLogsCurrent(cudaLogIterator* iterator, unsigned int flags) {
    return with_driver([&] { return cuLogsCurrent(iterator, flags); });
}
cudaError_t cudaLogsDumpToFile(cudaLogIterator* iterator, const char* path, unsigned int flags) {
    return with_driver([&] { return cuLogsDumpToFile(iterator, path, flags); });
}
cudaError_t cudaLogsDumpToMemory(cudaLogIterator* iterator, char* buffer, size_t* size, unsigned int flags) {
    return with_driver([&] { return cuLogsDumpToMemory(iterator, buffer, size, flags); });
}

cudaError_t cudaMemGetDefaultMemPool(cudaMemPool_t* pool, cudaMemLocation* place, cudaMemAllocationType type) {
    return with_driver([&] {
        return cuMemGetDefaultMemPool(pool, locations(place), static_cast<CUmemAllocationType>(type));
    });
}
cudaError_t cudaMemGetMemPool(cudaMemPool_t* pool, cudaMemLocation* place, cudaMemAllocationType type) {
    return with_driver([&] { return cuMemGetMemPool(pool, locations(place), static_cast<CUmemAllocationType>(type)); });
}
cudaError_t cudaMemSetMemPool(cudaMemLocation* place, cudaMemAllocationType type, cudaMemPool_t pool) {
    return with_driver([&] { return cuMemSetMemPool(locations(place), static_cast<CUmemAllocationType>(type), pool); });
}

#endif

} // extern "C"
