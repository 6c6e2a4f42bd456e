// Error codes, the last error of each thread, and errors that stick.
//
// Since CUDA 10.1 a CUresult and a cudaError_t of the same meaning have the same number, so that translating is checking that
// the runtime knows the number. An error that a kernel causes while it runs (a wild access, a trap) leaves the device unusable
// until cudaDeviceReset: the driver answers every later call with it, and cudaGetLastError can't clear it.
//
// CUDA Runtime API, section "Error Handling".
#include "runtime/state.h"

#include <cstdio>

namespace anywarp::runtime {

namespace {

constexpr bool known(int code) {
    switch (code) {
    case cudaSuccess:
#define ANYWARP_ERROR(name, text) case cudaError##name:
#include "runtime/errors.def"
#undef ANYWARP_ERROR
        return true;
    default:
        return false;
    }
}

constexpr bool sticks(cudaError_t error) {
    switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
        return true;
    default:
        return false;
    }
}

} // namespace

cudaError_t to_runtime(CUresult result) {
    if (result == CUDA_SUCCESS) return cudaSuccess;
    return known(result) ? static_cast<cudaError_t>(result) : cudaErrorUnknown;
}

cudaError_t record(cudaError_t error) {
    // A question that is answered "not yet" is no failure.
    if (error == cudaSuccess || error == cudaErrorNotReady) return error;
    Thread& thread = this_thread();
    thread.last_error = error;
    if (sticks(error)) thread.stuck_at = reset_count();
    return error;
}

/// What a function answers that doesn't exist here (stubs.cc); says so once per function, since not every program checks.
int answer_not_supported(const char* function) {
    static std::atomic<const char*> said[32];
    for (auto& slot : said) {
        const char* seen = slot.load();
        if (seen == function) break;
        if (!seen && slot.compare_exchange_strong(seen, function)) {
            fprintf(stderr, "anywarp: %s isn't supported\n", function);
            break;
        }
    }
    return record(cudaErrorNotSupported);
}

} // namespace anywarp::runtime

using namespace anywarp::runtime;

extern "C" {

cudaError_t cudaGetLastError() {
    Thread& thread = this_thread();
    cudaError_t error = thread.last_error;
    if (!sticks(error) || thread.stuck_at != reset_count()) thread.last_error = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError() { return this_thread().last_error; }

const char* cudaGetErrorName(cudaError_t error) {
    switch (static_cast<int>(error)) {
    case cudaSuccess:
        return "cudaSuccess";
#define ANYWARP_ERROR(name, text)                                                                                                \
    case cudaError##name:                                                                                                        \
        return "cudaError" #name;
#include "runtime/errors.def"
#undef ANYWARP_ERROR
    default:
        return "unrecognized error code";
    }
}

const char* cudaGetErrorString(cudaError_t error) {
    switch (static_cast<int>(error)) {
    case cudaSuccess:
        return "no error";
#define ANYWARP_ERROR(name, text)                                                                                                \
    case cudaError##name:                                                                                                        \
        return text;
#include "runtime/errors.def"
#undef ANYWARP_ERROR
    default:
        return "unrecognized error code";
    }
}

} // extern "C"
