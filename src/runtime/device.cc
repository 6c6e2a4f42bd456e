// What the devices are: their number, attributes and properties, peers, versions, and entry points of the driver.
//
// Attributes have the driver's numbers. cudaDeviceProp gathers most of them in a structure whose layout changed with CUDA 13;
// the template below fills either.
//
// CUDA Runtime API, sections "Device Management", "Peer Device Memory Access", "Version Management", "Driver Entry Point Access".
#include "runtime/device_properties_12.h"
#include "runtime/runtime.h"
#include "runtime/state.h"

#include <cstring>

using namespace anywarp::runtime;

namespace {

template <class Properties> cudaError_t fill_properties(Properties& p, int device) {
    if (cudaError_t error = check_device(device); error != cudaSuccess) return error;
    p = {};
    auto get = [&](CUdevice_attribute attribute) {
        int value = 0;
        // What the driver doesn't know a device doesn't have.
        return cuDeviceGetAttribute(&value, attribute, device) == CUDA_SUCCESS ? value : 0;
    };
#define GET(name) get(CU_DEVICE_ATTRIBUTE_##name)
    if (CUresult result = cuDeviceGetName(p.name, sizeof p.name, device); result != CUDA_SUCCESS) return to_runtime(result);
    CUuuid uuid{};
    if (cuDeviceGetUuid(&uuid, device) == CUDA_SUCCESS) memcpy(&p.uuid, &uuid, sizeof uuid);
    size_t bytes = 0;
    if (cuDeviceTotalMem(&bytes, device) == CUDA_SUCCESS) p.totalGlobalMem = bytes;
    p.sharedMemPerBlock = GET(MAX_SHARED_MEMORY_PER_BLOCK);
    p.regsPerBlock = GET(MAX_REGISTERS_PER_BLOCK);
    p.warpSize = GET(WARP_SIZE);
    p.memPitch = GET(MAX_PITCH);
    p.maxThreadsPerBlock = GET(MAX_THREADS_PER_BLOCK);
    p.maxThreadsDim[0] = GET(MAX_BLOCK_DIM_X);
    p.maxThreadsDim[1] = GET(MAX_BLOCK_DIM_Y);
    p.maxThreadsDim[2] = GET(MAX_BLOCK_DIM_Z);
    p.maxGridSize[0] = GET(MAX_GRID_DIM_X);
    p.maxGridSize[1] = GET(MAX_GRID_DIM_Y);
    p.maxGridSize[2] = GET(MAX_GRID_DIM_Z);
    p.totalConstMem = GET(TOTAL_CONSTANT_MEMORY);
    p.major = GET(COMPUTE_CAPABILITY_MAJOR);
    p.minor = GET(COMPUTE_CAPABILITY_MINOR);
    p.textureAlignment = GET(TEXTURE_ALIGNMENT);
    p.texturePitchAlignment = GET(TEXTURE_PITCH_ALIGNMENT);
    p.multiProcessorCount = GET(MULTIPROCESSOR_COUNT);
    p.integrated = GET(INTEGRATED);
    p.canMapHostMemory = GET(CAN_MAP_HOST_MEMORY);
    p.maxTexture1D = GET(MAXIMUM_TEXTURE1D_WIDTH);
    p.maxTexture1DMipmap = GET(MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH);
    p.maxTexture2D[0] = GET(MAXIMUM_TEXTURE2D_WIDTH);
    p.maxTexture2D[1] = GET(MAXIMUM_TEXTURE2D_HEIGHT);
    p.maxTexture2DMipmap[0] = GET(MAXIMUM_TEXTURE2D_MIPMAPPED_WIDTH);
    p.maxTexture2DMipmap[1] = GET(MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT);
    p.maxTexture2DLinear[0] = GET(MAXIMUM_TEXTURE2D_LINEAR_WIDTH);
    p.maxTexture2DLinear[1] = GET(MAXIMUM_TEXTURE2D_LINEAR_HEIGHT);
    p.maxTexture2DLinear[2] = GET(MAXIMUM_TEXTURE2D_LINEAR_PITCH);
    p.maxTexture2DGather[0] = GET(MAXIMUM_TEXTURE2D_GATHER_WIDTH);
    p.maxTexture2DGather[1] = GET(MAXIMUM_TEXTURE2D_GATHER_HEIGHT);
    p.maxTexture3D[0] = GET(MAXIMUM_TEXTURE3D_WIDTH);
    p.maxTexture3D[1] = GET(MAXIMUM_TEXTURE3D_HEIGHT);
    p.maxTexture3D[2] = GET(MAXIMUM_TEXTURE3D_DEPTH);
    p.maxTexture3DAlt[0] = GET(MAXIMUM_TEXTURE3D_WIDTH_ALTERNATE);
    p.maxTexture3DAlt[1] = GET(MAXIMUM_TEXTURE3D_HEIGHT_ALTERNATE);
    p.maxTexture3DAlt[2] = GET(MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE);
    p.maxTextureCubemap = GET(MAXIMUM_TEXTURECUBEMAP_WIDTH);
    p.maxTexture1DLayered[0] = GET(MAXIMUM_TEXTURE1D_LAYERED_WIDTH);
    p.maxTexture1DLayered[1] = GET(MAXIMUM_TEXTURE1D_LAYERED_LAYERS);
    p.maxTexture2DLayered[0] = GET(MAXIMUM_TEXTURE2D_LAYERED_WIDTH);
    p.maxTexture2DLayered[1] = GET(MAXIMUM_TEXTURE2D_LAYERED_HEIGHT);
    p.maxTexture2DLayered[2] = GET(MAXIMUM_TEXTURE2D_LAYERED_LAYERS);
    p.maxTextureCubemapLayered[0] = GET(MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH);
    p.maxTextureCubemapLayered[1] = GET(MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS);
    p.maxSurface1D = GET(MAXIMUM_SURFACE1D_WIDTH);
    p.maxSurface2D[0] = GET(MAXIMUM_SURFACE2D_WIDTH);
    p.maxSurface2D[1] = GET(MAXIMUM_SURFACE2D_HEIGHT);
    p.maxSurface3D[0] = GET(MAXIMUM_SURFACE3D_WIDTH);
    p.maxSurface3D[1] = GET(MAXIMUM_SURFACE3D_HEIGHT);
    p.maxSurface3D[2] = GET(MAXIMUM_SURFACE3D_DEPTH);
    p.maxSurface1DLayered[0] = GET(MAXIMUM_SURFACE1D_LAYERED_WIDTH);
    p.maxSurface1DLayered[1] = GET(MAXIMUM_SURFACE1D_LAYERED_LAYERS);
    p.maxSurface2DLayered[0] = GET(MAXIMUM_SURFACE2D_LAYERED_WIDTH);
    p.maxSurface2DLayered[1] = GET(MAXIMUM_SURFACE2D_LAYERED_HEIGHT);
    p.maxSurface2DLayered[2] = GET(MAXIMUM_SURFACE2D_LAYERED_LAYERS);
    p.maxSurfaceCubemap = GET(MAXIMUM_SURFACECUBEMAP_WIDTH);
    p.maxSurfaceCubemapLayered[0] = GET(MAXIMUM_SURFACECUBEMAP_LAYERED_WIDTH);
    p.maxSurfaceCubemapLayered[1] = GET(MAXIMUM_SURFACECUBEMAP_LAYERED_LAYERS);
    p.surfaceAlignment = GET(SURFACE_ALIGNMENT);
    p.concurrentKernels = GET(CONCURRENT_KERNELS);
    p.ECCEnabled = GET(ECC_ENABLED);
    p.pciBusID = GET(PCI_BUS_ID);
    p.pciDeviceID = GET(PCI_DEVICE_ID);
    p.pciDomainID = GET(PCI_DOMAIN_ID);
    p.tccDriver = GET(TCC_DRIVER);
    p.asyncEngineCount = GET(ASYNC_ENGINE_COUNT);
    p.unifiedAddressing = GET(UNIFIED_ADDRESSING);
    p.memoryBusWidth = GET(GLOBAL_MEMORY_BUS_WIDTH);
    p.l2CacheSize = GET(L2_CACHE_SIZE);
    p.persistingL2CacheMaxSize = GET(MAX_PERSISTING_L2_CACHE_SIZE);
    p.maxThreadsPerMultiProcessor = GET(MAX_THREADS_PER_MULTIPROCESSOR);
    p.streamPrioritiesSupported = GET(STREAM_PRIORITIES_SUPPORTED);
    p.globalL1CacheSupported = GET(GLOBAL_L1_CACHE_SUPPORTED);
    p.localL1CacheSupported = GET(LOCAL_L1_CACHE_SUPPORTED);
    p.sharedMemPerMultiprocessor = GET(MAX_SHARED_MEMORY_PER_MULTIPROCESSOR);
    p.regsPerMultiprocessor = GET(MAX_REGISTERS_PER_MULTIPROCESSOR);
    p.managedMemory = GET(MANAGED_MEMORY);
    p.isMultiGpuBoard = GET(MULTI_GPU_BOARD);
    p.multiGpuBoardGroupID = GET(MULTI_GPU_BOARD_GROUP_ID);
    p.hostNativeAtomicSupported = GET(HOST_NATIVE_ATOMIC_SUPPORTED);
    p.pageableMemoryAccess = GET(PAGEABLE_MEMORY_ACCESS);
    p.concurrentManagedAccess = GET(CONCURRENT_MANAGED_ACCESS);
    p.computePreemptionSupported = GET(COMPUTE_PREEMPTION_SUPPORTED);
    p.canUseHostPointerForRegisteredMem = GET(CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM);
    p.cooperativeLaunch = GET(COOPERATIVE_LAUNCH);
    p.sharedMemPerBlockOptin = GET(MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    p.pageableMemoryAccessUsesHostPageTables = GET(PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES);
    p.directManagedMemAccessFromHost = GET(DIRECT_MANAGED_MEM_ACCESS_FROM_HOST);
    p.maxBlocksPerMultiProcessor = GET(MAX_BLOCKS_PER_MULTIPROCESSOR);
    p.accessPolicyMaxWindowSize = GET(MAX_ACCESS_POLICY_WINDOW_SIZE);
    p.reservedSharedMemPerBlock = GET(RESERVED_SHARED_MEMORY_PER_BLOCK);
    p.hostRegisterSupported = GET(HOST_REGISTER_SUPPORTED);
    p.sparseCudaArraySupported = GET(SPARSE_CUDA_ARRAY_SUPPORTED);
    p.hostRegisterReadOnlySupported = GET(READ_ONLY_HOST_REGISTER_SUPPORTED);
    p.timelineSemaphoreInteropSupported = GET(TIMELINE_SEMAPHORE_INTEROP_SUPPORTED);
    p.memoryPoolsSupported = GET(MEMORY_POOLS_SUPPORTED);
    p.gpuDirectRDMASupported = GET(GPU_DIRECT_RDMA_SUPPORTED);
    p.gpuDirectRDMAFlushWritesOptions = GET(GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS);
    p.gpuDirectRDMAWritesOrdering = GET(GPU_DIRECT_RDMA_WRITES_ORDERING);
    p.memoryPoolSupportedHandleTypes = GET(MEMPOOL_SUPPORTED_HANDLE_TYPES);
    p.deferredMappingCudaArraySupported = GET(DEFERRED_MAPPING_CUDA_ARRAY_SUPPORTED);
    p.ipcEventSupported = GET(IPC_EVENT_SUPPORTED);
    p.clusterLaunch = GET(CLUSTER_LAUNCH);
    p.unifiedFunctionPointers = GET(UNIFIED_FUNCTION_POINTERS);
    if constexpr (requires { p.clockRate; }) {
        p.clockRate = GET(CLOCK_RATE);
        p.deviceOverlap = GET(GPU_OVERLAP);
        p.kernelExecTimeoutEnabled = GET(KERNEL_EXEC_TIMEOUT);
        p.computeMode = GET(COMPUTE_MODE);
        p.maxTexture1DLinear = GET(MAXIMUM_TEXTURE1D_LINEAR_WIDTH);
        p.memoryClockRate = GET(MEMORY_CLOCK_RATE);
        p.singleToDoublePrecisionPerfRatio = GET(SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO);
        p.cooperativeMultiDeviceLaunch = GET(COOPERATIVE_MULTI_DEVICE_LAUNCH);
    } else {
        p.deviceNumaConfig = GET(NUMA_CONFIG);
        p.deviceNumaId = GET(NUMA_ID);
        p.mpsEnabled = GET(MPS_ENABLED);
        p.hostNumaId = GET(HOST_NUMA_ID);
        p.gpuPciDeviceID = GET(GPU_PCI_DEVICE_ID);
        p.gpuPciSubsystemID = GET(GPU_PCI_SUBSYSTEM_ID);
        p.hostNumaMultinodeIpcSupported = GET(HOST_NUMA_MULTINODE_IPC_SUPPORTED);
    }
#undef GET
    return cudaSuccess;
}

/// How a runtime call answers a question for a driver's entry point.
cudaError_t entry_point(const char* symbol, void** function, int version, unsigned long long flags,
                        cudaDriverEntryPointQueryResult* status) {
    if (!symbol || !function) return cudaErrorInvalidValue;
    CUdriverProcAddressQueryResult found = CU_GET_PROC_ADDRESS_SUCCESS;
    *function = nullptr;
    CUresult result = cuGetProcAddress_v2(symbol, function, version, flags, &found);
    if (status) {
        *status = found == CU_GET_PROC_ADDRESS_SUCCESS            ? cudaDriverEntryPointSuccess
                  : found == CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND ? cudaDriverEntryPointSymbolNotFound
                                                                  : cudaDriverEntryPointVersionNotSufficent;
        if (result == CUDA_ERROR_NOT_FOUND) return cudaSuccess; // the status says it
    }
    return to_runtime(result);
}

} // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
    if (count) *count = 0;
    return with_driver([&] {
        if (!count) return cudaErrorInvalidValue;
        cudaError_t error = to_runtime(cuDeviceGetCount(count));
        return error == cudaSuccess && *count == 0 ? cudaErrorNoDevice : error;
    });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attr, int device) {
    return with_driver([&] {
        if (!value) return cudaErrorInvalidValue;
        if (cudaError_t error = check_device(device); error != cudaSuccess) return error;
        return to_runtime(cuDeviceGetAttribute(value, static_cast<CUdevice_attribute>(attr), device));
    });
}

#if ANYWARP_CUDART_MAJOR >= 13
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
    return with_driver([&] { return prop ? fill_properties(*prop, device) : cudaErrorInvalidValue; });
}

cudaError_t cudaChooseDevice(int* device, const cudaDeviceProp* prop) {
    using Properties = cudaDeviceProp;
#else
__attribute__((visibility("default"))) cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp12* prop, int device) {
    return with_driver([&] { return prop ? fill_properties(*prop, device) : cudaErrorInvalidValue; });
}

/// The form of programs built against CUDA 11, whose structure ends before the fields that CUDA 12 added.
__attribute__((visibility("default"))) cudaError_t get_device_properties_11(void* prop,
                                                                            int device) asm("cudaGetDeviceProperties");
cudaError_t get_device_properties_11(void* prop, int device) {
    return with_driver([&] {
        cudaDeviceProp12 all;
        if (!prop) return cudaErrorInvalidValue;
        cudaError_t error = fill_properties(all, device);
        if (error == cudaSuccess) memcpy(prop, &all, offsetof(cudaDeviceProp12, hostRegisterSupported));
        return error;
    });
}

__attribute__((visibility("default"))) cudaError_t choose_device_12(int* device,
                                                                    const cudaDeviceProp12* prop) asm("cudaChooseDevice");
cudaError_t choose_device_12(int* device, const cudaDeviceProp12* prop) {
    using Properties = cudaDeviceProp12;
#endif
    return with_driver([&] {
        int count = 0;
        if (!device || !prop) return cudaErrorInvalidValue;
        if (cudaError_t error = to_runtime(cuDeviceGetCount(&count)); error != cudaSuccess) return error;
        if (count == 0) return cudaErrorNoDevice;
        // The device that meets most of what is asked for; the first of equals.
        int best = 0, best_score = -1;
        for (int i = 0; i < count; i++) {
            Properties have;
            if (fill_properties(have, i) != cudaSuccess) continue;
            int score = (have.major * 10 + have.minor >= prop->major * 10 + prop->minor) * 4 +
                        (have.totalGlobalMem >= prop->totalGlobalMem) * 2 +
                        (have.multiProcessorCount >= prop->multiProcessorCount);
            if (score > best_score) best = i, best_score = score;
        }
        *device = best;
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceGetByPCIBusId(int* device, const char* pciBusId) {
    return with_driver([&] { return cuDeviceGetByPCIBusId(device, pciBusId); });
}

cudaError_t cudaDeviceGetPCIBusId(char* pciBusId, int len, int device) {
    return with_driver([&] { return cuDeviceGetPCIBusId(pciBusId, len, device); });
}

cudaError_t cudaDeviceGetTexture1DLinearMaxWidth(size_t* maxWidthInElements, const cudaChannelFormatDesc* fmtDesc, int device) {
    return with_driver([&] {
        if (!maxWidthInElements || !fmtDesc) return cudaErrorInvalidValue;
        int texels = 0;
        CUresult result = cuDeviceGetAttribute(&texels, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH, device);
        *maxWidthInElements = texels;
        return to_runtime(result);
    });
}

cudaError_t cudaDeviceGetGraphMemAttribute(int device, cudaGraphMemAttributeType attr, void* value) {
    return with_driver([&] { return cuDeviceGetGraphMemAttribute(device, static_cast<CUgraphMem_attribute>(attr), value); });
}

cudaError_t cudaDeviceSetGraphMemAttribute(int device, cudaGraphMemAttributeType attr, void* value) {
    return with_driver([&] { return cuDeviceSetGraphMemAttribute(device, static_cast<CUgraphMem_attribute>(attr), value); });
}

cudaError_t cudaDeviceGraphMemTrim(int device) {
    return with_driver([&] { return cuDeviceGraphMemTrim(device); });
}

// Peers

cudaError_t cudaDeviceCanAccessPeer(int* canAccessPeer, int device, int peerDevice) {
    return with_driver([&] {
        if (!canAccessPeer) return cudaErrorInvalidValue;
        for (int each : {device, peerDevice})
            if (cudaError_t error = check_device(each); error != cudaSuccess) return error;
        return to_runtime(cuDeviceCanAccessPeer(canAccessPeer, device, peerDevice));
    });
}

cudaError_t cudaDeviceGetP2PAttribute(int* value, cudaDeviceP2PAttr attr, int srcDevice, int dstDevice) {
    return with_driver(
        [&] { return cuDeviceGetP2PAttribute(value, static_cast<CUdevice_P2PAttribute>(attr), srcDevice, dstDevice); });
}

#if ANYWARP_CUDART_MAJOR >= 13
cudaError_t cudaDeviceGetP2PAtomicCapabilities(unsigned int* capabilities, const cudaAtomicOperation* operations,
                                               unsigned int count, int srcDevice, int dstDevice) {
    return with_driver([&] {
        for (int each : {srcDevice, dstDevice})
            if (cudaError_t error = check_device(each); error != cudaSuccess) return error;
        return to_runtime(cuDeviceGetP2PAtomicCapabilities(capabilities, reinterpret_cast<const CUatomicOperation*>(operations),
                                                           count, srcDevice, dstDevice));
    });
}

cudaError_t cudaDeviceGetHostAtomicCapabilities(unsigned int* capabilities, const cudaAtomicOperation* operations,
                                                unsigned int count, int device) {
    return with_driver([&] {
        if (cudaError_t error = check_device(device); error != cudaSuccess) return error;
        return to_runtime(cuDeviceGetHostAtomicCapabilities(capabilities, reinterpret_cast<const CUatomicOperation*>(operations),
                                                            count, device));
    });
}
#endif

cudaError_t cudaDeviceEnablePeerAccess(int peerDevice, unsigned int flags) {
    return with_context([&] {
        CUcontext peer = nullptr;
        if (cudaError_t error = check_device(peerDevice); error != cudaSuccess) return error;
        if (cudaError_t error = primary_context(peerDevice, peer); error != cudaSuccess) return error;
        // A device is no peer of itself, whatever the driver thinks of its context.
        if (peer == context_now()) return cudaErrorInvalidDevice;
        return to_runtime(cuCtxEnablePeerAccess(peer, flags));
    });
}

cudaError_t cudaDeviceDisablePeerAccess(int peerDevice) {
    return with_context([&] {
        CUcontext peer = nullptr;
        if (cudaError_t error = check_device(peerDevice); error != cudaSuccess) return error;
        if (cudaError_t error = primary_context(peerDevice, peer); error != cudaSuccess) return error;
        if (peer == context_now()) return cudaErrorInvalidDevice;
        return to_runtime(cuCtxDisablePeerAccess(peer));
    });
}

// Versions and entry points

cudaError_t cudaRuntimeGetVersion(int* runtimeVersion) {
    if (!runtimeVersion) return record(cudaErrorInvalidValue);
    *runtimeVersion = runtime_version;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* driverVersion) {
    if (!driverVersion) return record(cudaErrorInvalidValue);
    return record(to_runtime(cuDriverGetVersion(driverVersion)));
}

cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** funcPtr, unsigned long long flags,
                                    cudaDriverEntryPointQueryResult* driverStatus) {
    return with_driver([&] { return entry_point(symbol, funcPtr, runtime_version, flags, driverStatus); });
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** funcPtr, unsigned int cudaVersion,
                                             unsigned long long flags, cudaDriverEntryPointQueryResult* driverStatus) {
    return with_driver([&] { return entry_point(symbol, funcPtr, static_cast<int>(cudaVersion), flags, driverStatus); });
}

cudaError_t cudaGetExportTable(const void** ppExportTable, const cudaUUID_t* pExportTableId) {
    return with_driver([&] { return cuGetExportTable(ppExportTable, pExportTableId); });
}

} // extern "C"
