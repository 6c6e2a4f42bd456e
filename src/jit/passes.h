// The two optimisation stages of the pipeline, as LLVM pass pipelines.
#pragma once

#include "ptx/error.h"

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace anywarp::jit {

/// One thread's IR, as src/simt makes it, into the form the widening asks for:
///   - every device function that doesn't recurse is inlined; unused ones are gone
///   - anywarp.exit() in the kernel and `unreachable` after a noreturn service are branches to the one return
///   - no switch, no vector values, one return, reducible control flow, loops in LoopSimplify and LCSSA form
///   - calls only of anywarp.* intrinsics, anywarp_* services, LLVM intrinsics and recursive device functions
/// `optimize` false does only what that form needs (and mem2reg).
void optimize_simt(llvm::Module& module, llvm::TargetMachine& machine, bool optimize = true);

/// Recursive device functions stay ordinary functions and run at width 1: resolves the intrinsics in them. Where they wait
/// (barriers, warp operations) or end the thread, every lane becomes a fiber. An error for matrix instructions there.
Result<void> settle_recursive_functions(llvm::Module& module);

/// The widened module: cuts it into pieces where it suspends, then optimises as for any SIMD code.
void optimize_simd(llvm::Module& module, llvm::TargetMachine& machine, bool optimize);

} // namespace anywarp::jit
