// What a Kernel keeps behind its public face: layouts, attributes, and its machine code per block shape.
#pragma once

#include "jit/compiler.h"
#include "machine/kernel.h"

#include <map>
#include <tuple>

namespace anywarp::machine {

/// Machine code of one kernel for one block shape, as launches share it.
struct KernelCode : jit::CompiledKernel {
    std::unique_ptr<jit::CompiledKernel> compiled; // owns the code that `info` points into
    mutable std::atomic<uint64_t> block_nanoseconds{0};
};

struct Kernel::State {
    std::shared_ptr<LoadedModule> module;
    uint32_t function = 0;
    ptx::ParameterLayout parameters;
    ptx::SharedLayout shared;

    std::mutex mutex; // all below
    KernelAttributes attributes;
    bool has_attributes = false;
    using Shape = std::tuple<uint32_t, uint32_t, uint32_t>;
    std::map<Shape, std::shared_ptr<const KernelCode>> code; // (0,0,0): the general version
    Shape last_shape{};
    std::shared_ptr<const KernelCode> last_code;

    Result<std::shared_ptr<const KernelCode>> code_for(const Kernel& kernel, const Dim3& block);
};

} // namespace anywarp::machine
