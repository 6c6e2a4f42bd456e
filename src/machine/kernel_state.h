// What a Kernel keeps behind its public face: layouts, attributes, and its machine code per block shape.
#pragma once

#include "jit/compiler.h"
#include "machine/kernel.h"

#include <atomic>
#include <vector>

namespace anywarp::machine {

/// Machine code of one kernel for one block shape, as launches share it. It may still be in the making (compile_queue.h).
class KernelCode : public jit::CompiledKernel { // whose members hold once wait() has returned
public:
    explicit KernelCode(const Dim3& block) : shape(block) {}

    /// Waits until the code is there; says why if it never will be.
    Result<void> wait() const;
    void set(Result<std::unique_ptr<jit::CompiledKernel>> made); // once

    const Dim3 shape;         // 0,0,0: the general version
    uint64_t local_bytes = 0; // local memory of a warp; known before the code is there
    mutable std::atomic<uint64_t> block_nanoseconds{0};

private:
    enum : int { pending, ready, failed };
    std::atomic<int> state_{pending};
    std::unique_ptr<jit::CompiledKernel> compiled_; // owns the code that `info` points into
    Error error_;
};

struct Kernel::State {
    std::shared_ptr<LoadedModule> module;
    uint32_t function = 0;
    ptx::ParameterLayout parameters;
    ptx::SharedLayout shared;

    // A launch takes no lock: what it reads is written once, or is one number. `mutex` is for those who write.
    std::mutex mutex;
    KernelAttributes attributes; // those that don't change
    std::atomic<bool> has_attributes{false};
    std::atomic<uint32_t> max_dynamic_shared{0};
    std::atomic<int32_t> shared_carveout{-1};
    std::vector<std::unique_ptr<std::shared_ptr<const KernelCode>>> code; // kept for good: `last_code` points to one
    std::atomic<const std::shared_ptr<const KernelCode>*> last_code{nullptr};

    Result<const KernelAttributes*> fixed_attributes();
    Result<std::shared_ptr<const KernelCode>> code_for(const Kernel& kernel, const Dim3& block);

private:
    Result<KernelAttributes> find_attributes() const;
};

} // namespace anywarp::machine
