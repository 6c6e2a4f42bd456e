// What a kernel needs and may use: attributes, occupancy, and kernels of libraries that the program loads itself.
//
// CUDA Runtime API, sections "Execution Control", "Occupancy", "Library Management".
#include "runtime/registration.h"

#include <vector>

using namespace anywarp::runtime;

namespace {

/// A call about one kernel in the current context.
template <class Body> cudaError_t with_function(const void* kernel, Body body) {
    return with_context([&] {
        CUfunction function = nullptr;
        cudaError_t error = function_of(kernel, function);
        return error != cudaSuccess ? error : to_runtime(body(function));
    });
}

CUlaunchConfig to_driver(const cudaLaunchConfig_t& config) {
    return {.gridDimX = config.gridDim.x,
            .gridDimY = config.gridDim.y,
            .gridDimZ = config.gridDim.z,
            .blockDimX = config.blockDim.x,
            .blockDimY = config.blockDim.y,
            .blockDimZ = config.blockDim.z,
            .sharedMemBytes = static_cast<unsigned>(config.dynamicSmemBytes),
            .hStream = config.stream,
            .attrs = reinterpret_cast<CUlaunchAttribute*>(config.attrs),
            .numAttrs = config.numAttrs};
}

// The runtime's just-in-time options are a subset of the driver's, and its library options have the driver's numbers.
std::vector<CUjit_option> jit_options(const cudaJitOption* options, unsigned count) {
    return {reinterpret_cast<const CUjit_option*>(options), reinterpret_cast<const CUjit_option*>(options) + count};
}
std::vector<CUlibraryOption> library_options(const cudaLibraryOption* options, unsigned count) {
    return {reinterpret_cast<const CUlibraryOption*>(options), reinterpret_cast<const CUlibraryOption*>(options) + count};
}

} // namespace

extern "C" {

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attr, const void* func) {
    if (!attr) return record(cudaErrorInvalidValue);
    return with_function(func, [&](CUfunction function) {
        CUresult first = CUDA_SUCCESS;
        auto get = [&](CUfunction_attribute attribute) {
            int value = 0;
            CUresult result = cuFuncGetAttribute(&value, attribute, function);
            if (first == CUDA_SUCCESS) first = result;
            return value;
        };
        // Attributes of clusters are for devices that have them; elsewhere they are zero.
        auto get_if_known = [&](CUfunction_attribute attribute) {
            int value = 0;
            return cuFuncGetAttribute(&value, attribute, function) == CUDA_SUCCESS ? value : 0;
        };
        *attr = {};
        attr->sharedSizeBytes = get(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
        attr->constSizeBytes = get(CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES);
        attr->localSizeBytes = get(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
        attr->maxThreadsPerBlock = get(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
        attr->numRegs = get(CU_FUNC_ATTRIBUTE_NUM_REGS);
        attr->ptxVersion = get(CU_FUNC_ATTRIBUTE_PTX_VERSION);
        attr->binaryVersion = get(CU_FUNC_ATTRIBUTE_BINARY_VERSION);
        attr->cacheModeCA = get(CU_FUNC_ATTRIBUTE_CACHE_MODE_CA);
        attr->maxDynamicSharedSizeBytes = get(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
        attr->preferredShmemCarveout = get(CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT);
        attr->clusterDimMustBeSet = get_if_known(CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET);
        attr->requiredClusterWidth = get_if_known(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH);
        attr->requiredClusterHeight = get_if_known(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT);
        attr->requiredClusterDepth = get_if_known(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH);
        attr->clusterSchedulingPolicyPreference = get_if_known(CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE);
        attr->nonPortableClusterSizeAllowed = get_if_known(CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);
        return first;
    });
}

cudaError_t cudaFuncSetAttribute(const void* func, cudaFuncAttribute attr, int value) {
    return with_function(
        func, [&](CUfunction function) { return cuFuncSetAttribute(function, static_cast<CUfunction_attribute>(attr), value); });
}

cudaError_t cudaFuncSetCacheConfig(const void* func, cudaFuncCache cacheConfig) {
    return with_function(
        func, [&](CUfunction function) { return cuFuncSetCacheConfig(function, static_cast<CUfunc_cache>(cacheConfig)); });
}

cudaError_t cudaFuncSetSharedMemConfig(const void* func, cudaSharedMemConfig config) {
    return with_function(
        func, [&](CUfunction function) { return cuFuncSetSharedMemConfig(function, static_cast<CUsharedconfig>(config)); });
}

cudaError_t cudaFuncGetName(const char** name, const void* func) {
    if (!name) return record(cudaErrorInvalidValue);
    return with_function(func, [&](CUfunction function) { return cuFuncGetName(name, function); });
}

cudaError_t cudaFuncGetParamInfo(const void* func, size_t paramIndex, size_t* paramOffset, size_t* paramSize) {
    return with_function(func,
                         [&](CUfunction function) { return cuFuncGetParamInfo(function, paramIndex, paramOffset, paramSize); });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* numBlocks, const void* func, int blockSize,
                                                          size_t dynamicSMemSize) {
    return with_function(func, [&](CUfunction function) {
        return cuOccupancyMaxActiveBlocksPerMultiprocessor(numBlocks, function, blockSize, dynamicSMemSize);
    });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* numBlocks, const void* func, int blockSize,
                                                                   size_t dynamicSMemSize, unsigned int flags) {
    return with_function(func, [&](CUfunction function) {
        return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(numBlocks, function, blockSize, dynamicSMemSize, flags);
    });
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t* dynamicSmemSize, const void* func, int numBlocks, int blockSize) {
    return with_function(func, [&](CUfunction function) {
        return cuOccupancyAvailableDynamicSMemPerBlock(dynamicSmemSize, function, numBlocks, blockSize);
    });
}

cudaError_t cudaOccupancyMaxPotentialClusterSize(int* clusterSize, const void* func, const cudaLaunchConfig_t* launchConfig) {
    if (!launchConfig) return record(cudaErrorInvalidValue);
    return with_function(func, [&](CUfunction function) {
        CUlaunchConfig config = to_driver(*launchConfig);
        return cuOccupancyMaxPotentialClusterSize(clusterSize, function, &config);
    });
}

cudaError_t cudaOccupancyMaxActiveClusters(int* numClusters, const void* func, const cudaLaunchConfig_t* launchConfig) {
    if (!launchConfig) return record(cudaErrorInvalidValue);
    return with_function(func, [&](CUfunction function) {
        CUlaunchConfig config = to_driver(*launchConfig);
        return cuOccupancyMaxActiveClusters(numClusters, function, &config);
    });
}

// Libraries

cudaError_t cudaLibraryLoadData(cudaLibrary_t* library, const void* code, cudaJitOption* jitOptions, void** jitOptionsValues,
                                unsigned int numJitOptions, cudaLibraryOption* libraryOptions, void** libraryOptionValues,
                                unsigned int numLibraryOptions) {
    return with_context([&] {
        auto jit = jit_options(jitOptions, numJitOptions);
        auto options = library_options(libraryOptions, numLibraryOptions);
        return cuLibraryLoadData(library, code, jit.data(), jitOptionsValues, numJitOptions, options.data(), libraryOptionValues,
                                 numLibraryOptions);
    });
}

cudaError_t cudaLibraryLoadFromFile(cudaLibrary_t* library, const char* fileName, cudaJitOption* jitOptions,
                                    void** jitOptionsValues, unsigned int numJitOptions, cudaLibraryOption* libraryOptions,
                                    void** libraryOptionValues, unsigned int numLibraryOptions) {
    return with_context([&] {
        auto jit = jit_options(jitOptions, numJitOptions);
        auto options = library_options(libraryOptions, numLibraryOptions);
        return cuLibraryLoadFromFile(library, fileName, jit.data(), jitOptionsValues, numJitOptions, options.data(),
                                     libraryOptionValues, numLibraryOptions);
    });
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
    return with_context([&] { return cuLibraryUnload(library); });
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t* pKernel, cudaLibrary_t library, const char* name) {
    return with_context([&] { return cuLibraryGetKernel(pKernel, library, name); });
}

cudaError_t cudaLibraryGetGlobal(void** dptr, size_t* bytes, cudaLibrary_t library, const char* name) {
    return with_context([&] { return cuLibraryGetGlobal(address(dptr), bytes, library, name); });
}

cudaError_t cudaLibraryGetManaged(void** dptr, size_t* bytes, cudaLibrary_t library, const char* name) {
    return with_context([&] { return cuLibraryGetManaged(address(dptr), bytes, library, name); });
}

cudaError_t cudaLibraryGetUnifiedFunction(void** fptr, cudaLibrary_t library, const char* symbol) {
    return with_context([&] { return cuLibraryGetUnifiedFunction(fptr, library, symbol); });
}

cudaError_t cudaLibraryGetKernelCount(unsigned int* count, cudaLibrary_t lib) {
    return with_context([&] { return cuLibraryGetKernelCount(count, lib); });
}

cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t* kernels, unsigned int numKernels, cudaLibrary_t lib) {
    return with_context([&] { return cuLibraryEnumerateKernels(kernels, numKernels, lib); });
}

cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel, cudaFuncAttribute attr, int value, int device) {
    return with_context([&] { return cuKernelSetAttribute(static_cast<CUfunction_attribute>(attr), value, kernel, device); });
}

} // extern "C"
