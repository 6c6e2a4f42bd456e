// What every runtime call goes through: the driver initialised, a context current on the thread, the result recorded as the
// thread's last error.
//
// The runtime stands on the driver API alone, and only on its public functions: a stream, an event or a pointer of one API is
// one of the other's. What it adds is state the driver doesn't have: a current device per thread (with its primary context made
// current at first use), a last error per thread, and the registry of kernels and variables that compiled programs hand over
// before main (registration.h).
//
// CUDA Runtime API, sections "Difference between the driver and runtime APIs", "Error Handling", "Interactions with the CUDA
// Driver API".
#pragma once

#pragma GCC visibility push(default)
#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>
#pragma GCC visibility pop
#include <cuda.h>
#include <cudaProfiler.h>

namespace anywarp::runtime {

/// The release this library stands for: one source is built twice, as libcudart.so.12 and libcudart.so.13.
#ifndef ANYWARP_CUDART_MAJOR
#    define ANYWARP_CUDART_MAJOR 13
#endif
constexpr int runtime_version = ANYWARP_CUDART_MAJOR == 12 ? 12090 : 13000;

cudaError_t to_runtime(CUresult result);
inline cudaError_t to_runtime(cudaError_t error) { return error; }

/// Remembers a failure as the thread's last error and hands it back.
cudaError_t record(cudaError_t error);

/// Initialises the driver once; what cuInit said.
cudaError_t initialize();
/// Makes a context current on this thread: the one the program has made current by the driver API, else the primary context
/// of the thread's device.
cudaError_t make_current();
/// The primary context of a device, retained once for the process.
cudaError_t primary_context(int device, CUcontext& context);
/// The device that calls of this thread go to.
cudaError_t current_device(int& device);
cudaError_t check_device(int device);
/// The current context, which make_current() has ensured.
inline CUcontext context_now() {
    CUcontext context = nullptr;
    cuCtxGetCurrent(&context);
    return context;
}

/// A call that needs the driver but no context (device queries).
template <class Body> cudaError_t with_driver(Body body) {
    cudaError_t error = initialize();
    return error != cudaSuccess ? record(error) : record(to_runtime(body()));
}

/// A call that works in the thread's context.
template <class Body> cudaError_t with_context(Body body) {
    cudaError_t error = make_current();
    return error != cudaSuccess ? record(error) : record(to_runtime(body()));
}

inline CUdeviceptr address(const void* pointer) { return reinterpret_cast<CUdeviceptr>(pointer); }
inline CUdeviceptr* address(void** pointer) { return reinterpret_cast<CUdeviceptr*>(pointer); }

} // namespace anywarp::runtime
