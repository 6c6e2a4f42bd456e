// PTX -> LLVM IR as one thread sees it.
//
// The lowering makes one LLVM function per kernel:
//
//     define void @NAME(ptr %ctx, i32 %warp_base)
//
// %ctx is a BlockContext (kernel_abi.h), uniform; %warp_base is the linear thread index of lane 0 of the warp, uniform and a
// multiple of the width. Everything that differs between lanes comes from the intrinsics below, which the widening (src/simd)
// knows by name. All pointers are in address space 0. PTX registers become allocas; the pipeline's mem2reg makes SSA of them.
// .local variables become allocas in the entry block. Device functions become `internal` LLVM functions with the leading
// parameters (ptr %ctx, i32 %warp_base) and are inlined before widening where they don't recurse.
//
// Conventions that the widening relies on:
//   - Guards become branches (or selects where the instruction has no side effect).
//   - A block whose size isn't a multiple of the width: the function starts with a branch to its return for lanes with
//     linear thread index >= ctx->threads. When block dimensions are known and a multiple of the width it is left out.
//   - With known block dimensions tid is computed so that consecutive lanes show: tid.x = lane + (warp_base % ntid.x) where
//     ntid.x is a multiple of the width (or the block is 1-D); tid.y, tid.z are then uniform.
//   - exit in an entry is a branch to the return; in a device function it is a call of anywarp.exit followed by unreachable.
//   - Integer division by zero and INT_MIN / -1 are guarded in the IR; shifts are clamped; float -> int uses llvm.fptosi.sat.
//   - Loads and stores carry the access's natural alignment. ld.volatile / st.volatile / .relaxed / .acquire ... are `volatile`
//     or `atomic` LLVM accesses. Each access of more than one byte whose alignment isn't evident is preceded by
//     anywarp.check.aligned when LowerOptions::check_alignment is on.
//   - Atomics are atomicrmw / cmpxchg on generic host pointers; those on .shared carry !anywarp.shared metadata (one block runs
//     on one OS thread, so they need no lock).
//   - ld.param of an entry is a load from ctx->params, marked !invariant.load; so are loads of ctx fields.
//   - Shared accesses are GEPs (i8) on ctx->shared, loaded once in the entry block.
//
// Intrinsics (declared in the module as ordinary functions):
//   i32  @anywarp.lane()                                   0 .. width-1
//   void @anywarp.barrier(ptr ctx, i32 id, i32 threads)    bar.sync / barrier.sync; threads 0 = all        (suspends)
//   void @anywarp.barrier.arrive(ptr ctx, i32 id, i32 threads)                                             (suspends)
//   i32  @anywarp.barrier.red(ptr ctx, i32 id, i32 threads, i32 kind, i1 predicate)  kind = BarrierReduce  (suspends)
//   void @anywarp.yield(ptr ctx)                           spinning: let others run                        (suspends)
//   void @anywarp.warp.sync(i32 mask)                      bar.warp.sync
//   {i32, i1} @anywarp.shfl.{up,down,bfly,idx}(i32 value, i32 b, i32 c, i32 mask)   operands as in PTX shfl.sync
//   i1   @anywarp.vote.{all,any,uni}(i1 predicate, i32 mask)
//   i32  @anywarp.vote.ballot(i1 predicate, i32 mask)
//   i32  @anywarp.activemask()
//   i32  @anywarp.match.any.{b32,b64}(i32|i64 value, i32 mask);  {i32, i1} @anywarp.match.all.{b32,b64}(value, i32 mask)
//   i32  @anywarp.redux.{add,min.s,max.s,min.u,max.u,and,or,xor}(i32 value, i32 mask)
//   {i32, i1} @anywarp.elect(i32 mask)
//   void @anywarp.check.aligned(ptr ctx, i64 address, i64 mask)   traps with misaligned_address if address & mask != 0
//   void @anywarp.exit()                                   ends the thread (device functions only; noreturn)
//   void @anywarp_trap(ptr ctx, i32 code) and the other services of kernel_abi.h: called once per active lane
//
// Source: PTX ISA 9.0; DESIGN: ARCHITECTURE.md "Compiler".
#pragma once

#include "ptx/ast.h"
#include "ptx/layout.h"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <memory>

namespace anywarp::simt {

struct LowerOptions {
    unsigned width = 16;                    // lanes per warp; 1, 4, 8, 16, 32
    uint32_t block_dim[3] = {0, 0, 0};      // 0: not known when compiling
    bool check_alignment = true;
};

struct LoweredKernel {
    std::unique_ptr<llvm::Module> module;   // holds the kernel, its device functions and what they need
    std::string function;                   // name of the kernel function in it
    bool uses_warp_operations = false;      // shfl, vote, match, redux, activemask, bar.warp ...: width must be 32 (or 1), or see exchanging_lanes
    bool uses_barriers = false;
    bool spins = false;                     // a loop that waits on memory (anywarp.yield was inserted)
    bool needs_lane_scheduling = false;     // lanes of one warp may wait for each other: compile at width 1
    uint32_t local_bytes = 0;
};

/// What the kernel uses, without lowering it: tells the JIT which width to choose.
struct KernelTraits {
    unsigned exchanging_lanes = 0; // lanes that warp operations bring together: 32, or less where all are shuffles in segments; 0: none
    bool barriers = false, spins = false, needs_lane_scheduling = false;
    bool mostly_f64 = false; // more instructions work on doubles than on floats
    bool has_recursion = false;
    size_t instructions = 0;  // of the kernel and all that it calls
    unsigned row = 0; // the smallest power of two by which the kernel takes tid.x apart (tid.x & 15, tid.x >> 4: 16); 0: by none
};
Result<KernelTraits> kernel_traits(const ptx::Module& module, uint32_t function);

/// Lower one kernel and everything it calls. Errors: user / invalid_ptx for bad bodies, unsupported with the instruction's name.
Result<LoweredKernel> lower_kernel(llvm::LLVMContext& context, const ptx::Module& module, uint32_t function,
                                   const LowerOptions& options);

/// Whether the lowering knows the instruction at all (single forms of it may still be unsupported, by name).
bool has_lowering(ptx::Opcode opcode);

} // namespace anywarp::simt
