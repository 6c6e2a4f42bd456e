// The runtime's own state: what it keeps per thread and per device. Thread state is trivially destructible, since destructors
// of other thread-local objects may still call us; device state is never destroyed, since exit handlers may.
#pragma once

#include "runtime/runtime.h"

#include <atomic>

namespace anywarp::runtime {

struct Thread {
    int device = 0;
    cudaError_t last_error = cudaSuccess;
    unsigned stuck_at = 0; // reset_count() when a sticky error was recorded
};

inline Thread& this_thread() {
    static thread_local Thread thread;
    return thread;
}

/// A device's primary context, which the runtime retains at first use and gives back at cudaDeviceReset.
struct PrimaryContext {
    std::atomic<CUcontext> context{nullptr}; // null: not retained
};
constexpr int max_devices = 64;
PrimaryContext& primary_of(int device);

/// How often a device was reset: everything loaded before the last one is gone.
unsigned reset_count();
void count_reset();

} // namespace anywarp::runtime
