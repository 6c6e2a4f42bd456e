// One thread's IR -> one warp's IR: lanes become SIMD lanes.
//
// Input: a function as src/simt makes it, optimised, with every non-recursive call inlined. Output: the same job for `width`
// threads at once, wrapped in the entry points of kernel_abi.h and described by the constant "anywarp_kernel_info".
#pragma once

#include "ptx/error.h"
#include "simt/kernel_abi.h"

#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>
#include <optional>
#include <string>

namespace anywarp::simd {

struct WidenOptions {
    unsigned width = 16;
    uint32_t block_dim[3] = {0, 0, 0}; // as in simt::LowerOptions
    bool statistics = false;           // count lanes and accesses at run time (Counter)
    bool spins = false;
    uint32_t local_bytes = 0;
};

/// Replaces `function` in its module by the widened kernel, its entry points and anywarp_kernel_info.
Result<void> widen_kernel(llvm::Function& function, const WidenOptions& options, llvm::TargetMachine& machine);

/// The exchange between the lanes of a warp that the intrinsic anywarp.NAME asks for.
std::optional<WarpOp> warp_operation(llvm::StringRef name);

/// Before LLVM's scalar optimisations: says that warp_base is a multiple of the width and below the number of threads, and that lanes
/// are 0 .. width-1, so that what is the same in all lanes (thread / 32, say) simplifies to something without the lane in it.
/// `block_dim`: as in WidenOptions.
void annotate_lanes(llvm::Function& kernel, unsigned width, const uint32_t (&block_dim)[3]);

} // namespace anywarp::simd
