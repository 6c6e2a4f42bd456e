// Which context a call works in, and cudaSetDevice and its like, which decide it.
//
// A thread that has a context current keeps it, whichever API made it so; otherwise the primary context of the thread's device
// becomes current. The runtime retains a primary context once and keeps its address, so that the usual case costs one call.
//
// CUDA Runtime API, sections "Device Management", "Interactions with the CUDA Driver API"; driver API, "Primary Context
// Management".
#include "runtime/registration.h"
#include "runtime/state.h"

#include <mutex>

namespace anywarp::runtime {

namespace {

std::atomic<unsigned> resets{0};
std::atomic<bool> driver_ready{false};

std::mutex& primary_mutex() {
    static auto* mutex = new std::mutex;
    return *mutex;
}

cudaError_t use_primary(int device) {
    CUcontext context = nullptr;
    if (cudaError_t error = primary_context(device, context); error != cudaSuccess) return error;
    return to_runtime(cuCtxSetCurrent(context));
}

} // namespace

PrimaryContext& primary_of(int device) {
    static auto* primaries = new PrimaryContext[max_devices];
    return primaries[device];
}

unsigned reset_count() { return resets.load(std::memory_order_relaxed); }
void count_reset() { resets.fetch_add(1, std::memory_order_relaxed); }

cudaError_t initialize() {
    if (driver_ready.load(std::memory_order_acquire)) return cudaSuccess;
    CUresult result = cuInit(0);
    if (result == CUDA_SUCCESS) driver_ready.store(true, std::memory_order_release);
    return to_runtime(result);
}

cudaError_t primary_context(int device, CUcontext& context) {
    PrimaryContext& primary = primary_of(device);
    context = primary.context.load(std::memory_order_acquire);
    if (context) return cudaSuccess;
    std::lock_guard lock(primary_mutex());
    context = primary.context.load(std::memory_order_relaxed);
    if (context) return cudaSuccess;
    CUdevice handle = 0;
    CUresult result = cuDeviceGet(&handle, device);
    if (result == CUDA_SUCCESS) result = cuDevicePrimaryCtxRetain(&context, handle);
    if (result == CUDA_SUCCESS) primary.context.store(context, std::memory_order_release);
    return to_runtime(result);
}

cudaError_t make_current() {
    if (cudaError_t error = initialize(); error != cudaSuccess) return error;
    CUcontext current = nullptr;
    if (CUresult result = cuCtxGetCurrent(&current); result != CUDA_SUCCESS) return to_runtime(result);
    Thread& thread = this_thread();
    if (current && current == primary_of(thread.device).context.load(std::memory_order_acquire)) return cudaSuccess;
    if (current) {
        // Either a context of the program's own, or a primary one that another thread has reset meanwhile.
        unsigned version = 0;
        if (cuCtxGetApiVersion(current, &version) == CUDA_SUCCESS) {
            CUdevice device = 0;
            if (cuCtxGetDevice(&device) != CUDA_SUCCESS) return cudaSuccess;
            unsigned flags = 0;
            int active = 1;
            if (primary_of(device).context.load(std::memory_order_acquire)) return cudaSuccess;
            if (cuDevicePrimaryCtxGetState(device, &flags, &active) == CUDA_SUCCESS && active) return cudaSuccess;
            CUcontext again = nullptr;
            cudaError_t error = primary_context(device, again);
            return error != cudaSuccess || again == current ? error : cudaSuccess;
        }
    }
    return use_primary(thread.device);
}

cudaError_t current_device(int& device) {
    CUdevice current = 0;
    CUcontext context = nullptr;
    device = this_thread().device;
    if (cuCtxGetCurrent(&context) == CUDA_SUCCESS && context && cuCtxGetDevice(&current) == CUDA_SUCCESS) device = current;
    return cudaSuccess;
}

cudaError_t check_device(int device) {
    int count = 0;
    if (cudaError_t error = to_runtime(cuDeviceGetCount(&count)); error != cudaSuccess) return error;
    return device >= 0 && device < count && device < max_devices ? cudaSuccess : cudaErrorInvalidDevice;
}

} // namespace anywarp::runtime

using namespace anywarp::runtime;

extern "C" {

cudaError_t cudaSetDevice(int device) {
    return with_driver([&] {
        if (cudaError_t error = check_device(device); error != cudaSuccess) return error;
        this_thread().device = device;
        return use_primary(device);
    });
}

cudaError_t cudaGetDevice(int* device) {
    return with_driver([&] {
        if (!device) return cudaErrorInvalidValue;
        return current_device(*device);
    });
}

cudaError_t cudaInitDevice(int device, unsigned int deviceFlags, unsigned int flags) {
    return with_driver([&] {
        if (flags & ~unsigned(cudaInitDeviceFlagsAreValid)) return cudaErrorInvalidValue;
        if (cudaError_t error = check_device(device); error != cudaSuccess) return error;
        if (flags & cudaInitDeviceFlagsAreValid)
            if (CUresult result = cuDevicePrimaryCtxSetFlags(device, deviceFlags); result != CUDA_SUCCESS)
                return to_runtime(result);
        CUcontext context = nullptr;
        return primary_context(device, context);
    });
}

cudaError_t cudaSetValidDevices(int* device_arr, int len) {
    return with_driver([&] {
        if (len < 0 || (len > 0 && !device_arr)) return cudaErrorInvalidValue;
        for (int i = 0; i < len; i++)
            if (cudaError_t error = check_device(device_arr[i]); error != cudaSuccess) return error;
        if (len > 0) this_thread().device = device_arr[0];
        return cudaSuccess;
    });
}

cudaError_t cudaSetDeviceFlags(unsigned int flags) {
    return with_driver([&] {
        if (flags & ~unsigned(cudaDeviceMask)) return cudaErrorInvalidValue;
        int device = 0;
        current_device(device);
        return to_runtime(cuDevicePrimaryCtxSetFlags(device, flags));
    });
}

cudaError_t cudaGetDeviceFlags(unsigned int* flags) {
    return with_driver([&] {
        if (!flags) return cudaErrorInvalidValue;
        CUcontext context = nullptr;
        if (cuCtxGetCurrent(&context) == CUDA_SUCCESS && context) return to_runtime(cuCtxGetFlags(flags));
        int device = 0, active = 0;
        current_device(device);
        return to_runtime(cuDevicePrimaryCtxGetState(device, flags, &active));
    });
}

cudaError_t cudaDeviceReset() {
    return with_driver([&] {
        int device = 0;
        current_device(device);
        unload_everything(device);
        count_reset();
        PrimaryContext& primary = primary_of(device);
        {
            std::lock_guard lock(primary_mutex());
            primary.context.store(nullptr, std::memory_order_release);
        }
        CUresult result = cuDevicePrimaryCtxReset(device);
        this_thread().device = device;
        cuCtxSetCurrent(nullptr);
        return to_runtime(result);
    });
}

cudaError_t cudaDeviceSynchronize() {
    return with_context([] { return cuCtxSynchronize(); });
}

cudaError_t cudaDeviceSetLimit(cudaLimit limit, size_t value) {
    return with_context([&] { return cuCtxSetLimit(static_cast<CUlimit>(limit), value); });
}

cudaError_t cudaDeviceGetLimit(size_t* pValue, cudaLimit limit) {
    return with_context([&] { return cuCtxGetLimit(pValue, static_cast<CUlimit>(limit)); });
}

cudaError_t cudaDeviceGetCacheConfig(cudaFuncCache* pCacheConfig) {
    return with_context([&] { return cuCtxGetCacheConfig(reinterpret_cast<CUfunc_cache*>(pCacheConfig)); });
}

cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache cacheConfig) {
    return with_context([&] { return cuCtxSetCacheConfig(static_cast<CUfunc_cache>(cacheConfig)); });
}

cudaError_t cudaDeviceGetSharedMemConfig(cudaSharedMemConfig* pConfig) {
    return with_context([&] { return cuCtxGetSharedMemConfig(reinterpret_cast<CUsharedconfig*>(pConfig)); });
}

cudaError_t cudaDeviceSetSharedMemConfig(cudaSharedMemConfig config) {
    return with_context([&] { return cuCtxSetSharedMemConfig(static_cast<CUsharedconfig>(config)); });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* leastPriority, int* greatestPriority) {
    return with_context([&] { return cuCtxGetStreamPriorityRange(leastPriority, greatestPriority); });
}

cudaError_t cudaCtxResetPersistingL2Cache() {
    return with_context([] { return cuCtxResetPersistingL2Cache(); });
}

cudaError_t cudaProfilerStart() {
    return with_context([] { return cuProfilerStart(); });
}

cudaError_t cudaProfilerStop() {
    return with_context([] { return cuProfilerStop(); });
}

} // extern "C"
