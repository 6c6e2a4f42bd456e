// Which machine code is made for: the host's instruction set, or a smaller one that ANYWARP_ISA asks for.
//
// ANYWARP_ISA = native (default) | avx512 | avx2 | sse4. The named sets are x86-64-v4, v3 and v2, so that an object compiled
// for one of them runs on every machine that has it. "native" uses every feature of the host. On other architectures only
// "native" exists. ANYWARP_VECTOR_BITS = 256 makes an AVX-512 machine prefer 256-bit registers (default 512).
#pragma once

#include "ptx/error.h"

#include <memory>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace anywarp::jit {

struct Target {
    std::string isa; // "avx512", "avx2", "sse4", or LLVM's CPU name elsewhere
    std::string triple;
    std::string cpu;      // LLVM's name
    std::string features; // LLVM's "+a,-b" list
    unsigned vector_bits = 128;

    /// Everything that decides over the machine code, for the cache's key.
    std::string key() const { return triple + "|" + cpu + "|" + features + "|" + std::to_string(vector_bits); }
};

/// The target that ANYWARP_ISA selects. An error if the name is unknown or, with must_run, the host can't run it.
Result<Target> select_target(bool must_run = true);

/// Puts a machine aside for the next compilation.
struct GiveMachineBack {
    std::string key;
    void operator()(llvm::TargetMachine* machine) const;
};
using BorrowedMachine = std::unique_ptr<llvm::TargetMachine, GiveMachineBack>;

/// A machine for one compilation (not shared between threads). `optimize` false: code generation at -O0.
Result<BorrowedMachine> make_target_machine(const Target& target, bool optimize);

/// Sets triple, data layout and the vector width preference of every function of a module.
void set_module_target(llvm::Module& module, const llvm::TargetMachine& machine, const Target& target);

} // namespace anywarp::jit
