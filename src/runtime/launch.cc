// Launches: from a host address and a configuration to cuLaunchKernel.
//
// The code that nvcc and clang write for kernel<<<grid, block, shared, stream>>>(...) pushes the configuration, calls the host
// stub, and the stub pops it and launches; nested launches inside argument expressions make it a stack. A launch costs a lookup
// of the kernel and of what it is in the current context, both without a lock.
//
// CUDA Runtime API, section "Execution Control".
#include "runtime/registration.h"
#include "runtime/state.h"

#include <vector>

namespace anywarp::runtime {

namespace {

struct Configuration {
    dim3 grid, block;
    size_t shared;
    cudaStream_t stream;
};

// Plain memory and no destructor: launches may come from destructors of other thread-local objects.
struct ConfigurationStack {
    static constexpr unsigned room = 64;
    unsigned depth;
    alignas(Configuration) unsigned char memory[room * sizeof(Configuration)];
    Configuration* at(unsigned i) { return reinterpret_cast<Configuration*>(memory) + i; }
};
thread_local ConfigurationStack configurations;

/// The driver says "invalid value" of any argument; the runtime says which kind it was.
cudaError_t explain(CUresult result, dim3 grid, dim3 block) {
    if (result != CUDA_ERROR_INVALID_VALUE) return to_runtime(result);
    CUdevice device = 0;
    if (cuCtxGetDevice(&device) != CUDA_SUCCESS) return cudaErrorInvalidValue;
    auto limit = [&](CUdevice_attribute attribute) {
        int value = 0;
        cuDeviceGetAttribute(&value, attribute, device);
        return static_cast<unsigned>(value);
    };
    auto outside = [&](unsigned value, CUdevice_attribute attribute) { return value == 0 || value > limit(attribute); };
    bool wrong = outside(grid.x, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X) || outside(grid.y, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y) ||
                 outside(grid.z, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z) || outside(block.x, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X) ||
                 outside(block.y, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y) || outside(block.z, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z) ||
                 uint64_t(block.x) * block.y * block.z > limit(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    return wrong ? cudaErrorInvalidConfiguration : cudaErrorInvalidValue;
}

cudaError_t launch(CUfunction function, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t stream) {
    if (shared > UINT32_MAX) return cudaErrorInvalidValue;
    CUresult result = cuLaunchKernel(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, static_cast<unsigned>(shared),
                                     stream, args, nullptr);
    return result == CUDA_SUCCESS ? cudaSuccess : explain(result, grid, block);
}

} // namespace

} // namespace anywarp::runtime

using namespace anywarp::runtime;

#define ANYWARP_EXPORT __attribute__((visibility("default")))

static_assert(sizeof(cudaLaunchAttribute) == sizeof(CUlaunchAttribute));

extern "C" {

ANYWARP_EXPORT unsigned __cudaPushCallConfiguration(dim3 gridDim, dim3 blockDim, size_t sharedMem, CUstream_st* stream) {
    ConfigurationStack& stack = configurations;
    if (stack.depth == ConfigurationStack::room) {
        record(cudaErrorInvalidConfiguration);
        return 1;
    }
    new (stack.at(stack.depth++)) Configuration{gridDim, blockDim, sharedMem, stream};
    return 0;
}

ANYWARP_EXPORT cudaError_t __cudaPopCallConfiguration(dim3* gridDim, dim3* blockDim, size_t* sharedMem, void* stream) {
    ConfigurationStack& stack = configurations;
    if (stack.depth == 0) return record(cudaErrorMissingConfiguration);
    const Configuration& top = *stack.at(--stack.depth);
    *gridDim = top.grid;
    *blockDim = top.block;
    *sharedMem = top.shared;
    *static_cast<cudaStream_t*>(stream) = top.stream;
    return cudaSuccess;
}

cudaError_t cudaLaunchKernel(const void* func, dim3 gridDim, dim3 blockDim, void** args, size_t sharedMem, cudaStream_t stream) {
    return with_context([&] {
        CUfunction function = nullptr;
        cudaError_t error = function_of(func, function);
        return error != cudaSuccess ? error : launch(function, gridDim, blockDim, args, sharedMem, stream);
    });
}

ANYWARP_EXPORT cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 gridDim, dim3 blockDim, void** args, size_t sharedMem,
                                              cudaStream_t stream) {
    // A handle of __cudaGetKernel, or one of the driver's.
    const auto* ours = reinterpret_cast<const Kernel*>(kernel);
    const void* func = ours && ours->marked == Kernel::mark ? ours->host : kernel;
    return cudaLaunchKernel(func, gridDim, blockDim, args, sharedMem, stream);
}

ANYWARP_EXPORT cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 gridDim, dim3 blockDim, void** args,
                                                   size_t sharedMem, cudaStream_t stream) {
    return __cudaLaunchKernel(kernel, gridDim, blockDim, args, sharedMem, stream ? stream : cudaStreamPerThread);
}

cudaError_t cudaLaunchCooperativeKernel(const void* func, dim3 gridDim, dim3 blockDim, void** args, size_t sharedMem,
                                        cudaStream_t stream) {
    return with_context([&] {
        CUfunction function = nullptr;
        if (cudaError_t error = function_of(func, function); error != cudaSuccess) return error;
        CUresult result = cuLaunchCooperativeKernel(function, gridDim.x, gridDim.y, gridDim.z, blockDim.x, blockDim.y, blockDim.z,
                                                    static_cast<unsigned>(sharedMem), stream, args);
        return explain(result, gridDim, blockDim);
    });
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* func, void** args) {
    return with_context([&] {
        if (!config) return cudaErrorInvalidConfiguration;
        CUfunction function = nullptr;
        if (cudaError_t error = function_of(func, function); error != cudaSuccess) return error;
        CUlaunchConfig launch{.gridDimX = config->gridDim.x,
                              .gridDimY = config->gridDim.y,
                              .gridDimZ = config->gridDim.z,
                              .blockDimX = config->blockDim.x,
                              .blockDimY = config->blockDim.y,
                              .blockDimZ = config->blockDim.z,
                              .sharedMemBytes = static_cast<unsigned>(config->dynamicSmemBytes),
                              .hStream = config->stream,
                              .attrs = reinterpret_cast<CUlaunchAttribute*>(config->attrs),
                              .numAttrs = config->numAttrs};
        return explain(cuLaunchKernelEx(&launch, function, args, nullptr), config->gridDim, config->blockDim);
    });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void* userData) {
    return with_context([&] { return cuLaunchHostFunc(stream, fn, userData); });
}

} // extern "C"
