// Allocation: device, pitched, managed and pinned memory, what a pointer is, and memory that streams order (pools).
//
// CUDA Runtime API, sections "Memory Management", "Stream Ordered Memory Allocator", "Unified Addressing".
#include "runtime/runtime.h"

#include <cstring>

using namespace anywarp::runtime;

static_assert(sizeof(cudaMemPoolProps) == sizeof(CUmemPoolProps));
static_assert(sizeof(cudaMemAccessDesc) == sizeof(CUmemAccessDesc));
static_assert(sizeof(cudaMemLocation) == sizeof(CUmemLocation));
static_assert(sizeof(cudaMemPoolPtrExportData) == sizeof(CUmemPoolPtrExportData));

extern "C" {

cudaError_t cudaMalloc(void** devPtr, size_t size) {
    return with_context([&] {
        if (!devPtr) return CUDA_ERROR_INVALID_VALUE;
        *devPtr = nullptr;
        return size == 0 ? CUDA_SUCCESS : cuMemAlloc(address(devPtr), size);
    });
}

cudaError_t cudaFree(void* devPtr) {
    return with_context([&] { return devPtr ? cuMemFree(address(devPtr)) : CUDA_SUCCESS; });
}

cudaError_t cudaMallocPitch(void** devPtr, size_t* pitch, size_t width, size_t height) {
    return with_context([&] {
        if (!devPtr || !pitch) return CUDA_ERROR_INVALID_VALUE;
        *devPtr = nullptr;
        *pitch = 0;
        return width == 0 || height == 0 ? CUDA_SUCCESS : cuMemAllocPitch(address(devPtr), pitch, width, height, 16);
    });
}

cudaError_t cudaMalloc3D(cudaPitchedPtr* pitchedDevPtr, cudaExtent extent) {
    if (!pitchedDevPtr) return record(cudaErrorInvalidValue);
    cudaPitchedPtr made{nullptr, 0, extent.width, extent.height};
    cudaError_t error = cudaMallocPitch(&made.ptr, &made.pitch, extent.width, extent.height * extent.depth);
    if (error == cudaSuccess) *pitchedDevPtr = made;
    return error;
}

cudaError_t cudaMallocManaged(void** devPtr, size_t size, unsigned int flags) {
    return with_context([&] { return cuMemAllocManaged(address(devPtr), size, flags); });
}

cudaError_t cudaHostAlloc(void** pHost, size_t size, unsigned int flags) {
    return with_context([&] {
        if (!pHost) return CUDA_ERROR_INVALID_VALUE;
        *pHost = nullptr;
        return size == 0 ? CUDA_SUCCESS : cuMemHostAlloc(pHost, size, flags);
    });
}

cudaError_t cudaMallocHost(void** ptr, size_t size) { return cudaHostAlloc(ptr, size, cudaHostAllocDefault); }

cudaError_t cudaFreeHost(void* ptr) {
    return with_context([&] { return ptr ? cuMemFreeHost(ptr) : CUDA_SUCCESS; });
}

cudaError_t cudaHostRegister(void* ptr, size_t size, unsigned int flags) {
    return with_context([&] { return cuMemHostRegister(ptr, size, flags); });
}

cudaError_t cudaHostUnregister(void* ptr) {
    return with_context([&] { return cuMemHostUnregister(ptr); });
}

cudaError_t cudaHostGetDevicePointer(void** pDevice, void* pHost, unsigned int flags) {
    return with_context([&] { return cuMemHostGetDevicePointer(address(pDevice), pHost, flags); });
}

cudaError_t cudaHostGetFlags(unsigned int* pFlags, void* pHost) {
    return with_context([&] { return cuMemHostGetFlags(pFlags, pHost); });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
    return with_context([&] { return cuMemGetInfo(free, total); });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* ptr) {
    return with_context([&] {
        if (!attributes) return cudaErrorInvalidValue;
        CUmemorytype type{};
        int device = cudaInvalidDeviceId;
        unsigned managed = 0;
        CUdeviceptr on_device = 0;
        void* on_host = nullptr;
        CUpointer_attribute asked[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
                                       CU_POINTER_ATTRIBUTE_IS_MANAGED, CU_POINTER_ATTRIBUTE_DEVICE_POINTER,
                                       CU_POINTER_ATTRIBUTE_HOST_POINTER};
        void* answers[] = {&type, &device, &managed, &on_device, &on_host};
        CUresult result = CUDA_SUCCESS;
        // A pointer that CUDA doesn't know is a host pointer like any other.
        bool known = cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address(ptr)) == CUDA_SUCCESS && type != 0;
        if (known) result = cuPointerGetAttributes(5, asked, answers, address(ptr));
        if (result != CUDA_SUCCESS) return to_runtime(result);
        // The structure of CUDA 12 ends where 13 keeps reserved words.
        memset(attributes, 0, ANYWARP_CUDART_MAJOR == 12 ? offsetof(cudaPointerAttributes, reserved) : sizeof *attributes);
        attributes->type = !known                         ? cudaMemoryTypeUnregistered
                           : managed                      ? cudaMemoryTypeManaged
                           : type == CU_MEMORYTYPE_DEVICE ? cudaMemoryTypeDevice
                                                          : cudaMemoryTypeHost;
        attributes->device = known ? device : cudaInvalidDeviceId;
        attributes->devicePointer = reinterpret_cast<void*>(on_device);
        attributes->hostPointer = known ? on_host : const_cast<void*>(ptr);
        return cudaSuccess;
    });
}

cudaError_t cudaMemRangeGetAttribute(void* data, size_t dataSize, cudaMemRangeAttribute attribute, const void* devPtr,
                                     size_t count) {
    return with_context([&] {
        return cuMemRangeGetAttribute(data, dataSize, static_cast<CUmem_range_attribute>(attribute), address(devPtr), count);
    });
}

cudaError_t cudaMemRangeGetAttributes(void** data, size_t* dataSizes, cudaMemRangeAttribute* attributes, size_t numAttributes,
                                      const void* devPtr, size_t count) {
    return with_context([&] {
        return cuMemRangeGetAttributes(data, dataSizes, reinterpret_cast<CUmem_range_attribute*>(attributes), numAttributes,
                                       address(devPtr), count);
    });
}

// Stream-ordered memory

cudaError_t cudaMallocAsync(void** devPtr, size_t size, cudaStream_t hStream) {
    return with_context([&] {
        if (!devPtr) return CUDA_ERROR_INVALID_VALUE;
        *devPtr = nullptr;
        return size == 0 ? CUDA_SUCCESS : cuMemAllocAsync(address(devPtr), size, hStream);
    });
}

cudaError_t cudaMallocFromPoolAsync(void** ptr, size_t size, cudaMemPool_t memPool, cudaStream_t stream) {
    return with_context([&] {
        if (!ptr) return CUDA_ERROR_INVALID_VALUE;
        *ptr = nullptr;
        return size == 0 ? CUDA_SUCCESS : cuMemAllocFromPoolAsync(address(ptr), size, memPool, stream);
    });
}

cudaError_t cudaFreeAsync(void* devPtr, cudaStream_t hStream) {
    return with_context([&] { return devPtr ? cuMemFreeAsync(address(devPtr), hStream) : CUDA_SUCCESS; });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* memPool, int device) {
    return with_driver([&] { return cuDeviceGetDefaultMemPool(memPool, device); });
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* memPool, int device) {
    return with_driver([&] { return cuDeviceGetMemPool(memPool, device); });
}

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t memPool) {
    return with_driver([&] { return cuDeviceSetMemPool(device, memPool); });
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* memPool, const cudaMemPoolProps* poolProps) {
    return with_context([&] { return cuMemPoolCreate(memPool, reinterpret_cast<const CUmemPoolProps*>(poolProps)); });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t memPool) {
    return with_context([&] { return cuMemPoolDestroy(memPool); });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t memPool, size_t minBytesToKeep) {
    return with_context([&] { return cuMemPoolTrimTo(memPool, minBytesToKeep); });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t memPool, cudaMemPoolAttr attr, void* value) {
    return with_context([&] { return cuMemPoolSetAttribute(memPool, static_cast<CUmemPool_attribute>(attr), value); });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t memPool, cudaMemPoolAttr attr, void* value) {
    return with_context([&] { return cuMemPoolGetAttribute(memPool, static_cast<CUmemPool_attribute>(attr), value); });
}

cudaError_t cudaMemPoolSetAccess(cudaMemPool_t memPool, const cudaMemAccessDesc* descList, size_t count) {
    return with_context([&] { return cuMemPoolSetAccess(memPool, reinterpret_cast<const CUmemAccessDesc*>(descList), count); });
}

cudaError_t cudaMemPoolGetAccess(cudaMemAccessFlags* flags, cudaMemPool_t memPool, cudaMemLocation* location) {
    return with_context([&] {
        return cuMemPoolGetAccess(reinterpret_cast<CUmemAccess_flags*>(flags), memPool,
                                  reinterpret_cast<CUmemLocation*>(location));
    });
}

cudaError_t cudaMemPoolExportToShareableHandle(void* shareableHandle, cudaMemPool_t memPool,
                                               cudaMemAllocationHandleType handleType, unsigned int flags) {
    return with_context([&] {
        return cuMemPoolExportToShareableHandle(shareableHandle, memPool, static_cast<CUmemAllocationHandleType>(handleType),
                                                flags);
    });
}

cudaError_t cudaMemPoolImportFromShareableHandle(cudaMemPool_t* memPool, void* shareableHandle,
                                                 cudaMemAllocationHandleType handleType, unsigned int flags) {
    return with_context([&] {
        return cuMemPoolImportFromShareableHandle(memPool, shareableHandle, static_cast<CUmemAllocationHandleType>(handleType),
                                                  flags);
    });
}

cudaError_t cudaMemPoolExportPointer(cudaMemPoolPtrExportData* exportData, void* ptr) {
    return with_context(
        [&] { return cuMemPoolExportPointer(reinterpret_cast<CUmemPoolPtrExportData*>(exportData), address(ptr)); });
}

cudaError_t cudaMemPoolImportPointer(void** ptr, cudaMemPool_t memPool, cudaMemPoolPtrExportData* exportData) {
    return with_context(
        [&] { return cuMemPoolImportPointer(address(ptr), memPool, reinterpret_cast<CUmemPoolPtrExportData*>(exportData)); });
}

// Sharing between processes

cudaError_t cudaIpcGetMemHandle(cudaIpcMemHandle_t* handle, void* devPtr) {
    return with_context([&] { return cuIpcGetMemHandle(reinterpret_cast<CUipcMemHandle*>(handle), address(devPtr)); });
}

cudaError_t cudaIpcOpenMemHandle(void** devPtr, cudaIpcMemHandle_t handle, unsigned int flags) {
    return with_context([&] {
        CUipcMemHandle driver_handle;
        static_assert(sizeof driver_handle == sizeof handle);
        memcpy(&driver_handle, &handle, sizeof handle);
        return cuIpcOpenMemHandle(address(devPtr), driver_handle, flags);
    });
}

cudaError_t cudaIpcCloseMemHandle(void* devPtr) {
    return with_context([&] { return cuIpcCloseMemHandle(address(devPtr)); });
}

} // extern "C"
