// Memory and semaphores of others, behind handles: what streams and graphs need of them (external.cc).
// CUDA driver API, "External Resource Interoperability".
#pragma once

#include "driver/api.h"

namespace anywarp::driver {

struct SignalWork {
    std::vector<CUexternalSemaphore> semaphores;
    std::vector<CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS> parameters;
};
struct WaitWork {
    std::vector<CUexternalSemaphore> semaphores;
    std::vector<CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS> parameters;
};
template <class Work> struct SemaphoreParameters;
template <> struct SemaphoreParameters<SignalWork> {
    using type = CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS;
};
template <> struct SemaphoreParameters<WaitWork> {
    using type = CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS;
};

/// Checked: invalid_value where a pointer is missing, invalid_handle where a semaphore isn't one.
template <class Work>
Result<Work> semaphore_work(const CUexternalSemaphore* semaphores, const typename SemaphoreParameters<Work>::type* parameters,
                            unsigned count);
Result<machine::HostCommand> semaphore_command(const SignalWork& work);
Result<machine::HostCommand> semaphore_command(const WaitWork& work);

/// For cuMemFree: true when the address was a mapped buffer's and is unmapped now.
bool free_mapped_buffer(CUdeviceptr address);

} // namespace anywarp::driver
