// PTX kernel in, machine code out: the one entrance to the compiler for the floors above. Knows caches; hides LLVM.
#pragma once

#include "ptx/ast.h"
#include "simt/kernel_abi.h"

#include <memory>
#include <string>
#include <vector>

namespace anywarp::jit {

struct CompileOptions {
    uint32_t block_dim[3] = {0, 0, 0}; // 0,0,0: the general version, for any block shape
    unsigned width = 0;                // 0: chosen per kernel; ANYWARP_WIDTH overrides
    bool statistics = false;
    bool optimize = true;  // false: widening and code generation without LLVM's optimisations (tests)
    bool use_cache = true; // the on-disk object cache
};

/// Loaded machine code of one kernel for one launch shape. Lives as long as the object.
class CompiledKernel {
public:
    virtual ~CompiledKernel() = default;
    KernelInfo info{};
    bool from_cache = false;
    double compile_seconds = 0; // wall clock, or the time to load it from the cache
};

/// A compilation under way. Machine code is most of its time, and takes nothing from the module: that half may run on another
/// thread, while the one that launched goes on.
class Compilation {
public:
    virtual ~Compilation() = default;
    /// The rest of it; called once. Errors: ours only, everything else has been found by now.
    virtual Result<std::unique_ptr<CompiledKernel>> finish() = 0;
    bool quick = false;            // the code lay in the cache
    uint64_t warp_local_bytes = 0; // local memory of one warp, as the code will have it
};

/// Starts a compilation: looks into the cache, then does what can fail by the user's fault or because a feature isn't supported.
/// Errors as compile()'s.
Result<std::unique_ptr<Compilation>> begin_compile(const ptx::Module& module, uint32_t function, const CompileOptions& options);

/// begin_compile and finish. Thread-safe; several kernels may be compiled at the same time. Errors: user / invalid_ptx with the
/// diagnostics, unsupported with the feature's name.
Result<std::unique_ptr<CompiledKernel>> compile(const ptx::Module& module, uint32_t function, const CompileOptions& options);

/// The texts `anywarp ptx show` prints.
struct Stages {
    std::string ptx, simt_ir, simt_ir_optimized, simd_ir, simd_ir_optimized, assembly;
};
Result<Stages> show_stages(const ptx::Module& module, uint32_t function, const CompileOptions& options);

/// Tells the loader where a service of kernel_abi.h lives (anywarp_trap, anywarp_vprintf ...). Called once at start-up by whoever
/// provides them; a kernel that needs a service nobody registered fails to load.
void set_service(const char* name, void* address);

/// Instruction set in use: "avx512", "avx2", "sse4" (x86-64-v4, v3, v2), or LLVM's CPU name elsewhere. ANYWARP_ISA selects one.
std::string isa_name();

} // namespace anywarp::jit
