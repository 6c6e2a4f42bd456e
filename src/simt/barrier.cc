// Barriers of the block: bar, barrier, bar.warp.sync, and the cluster barrier of a one-block cluster.
//
// A barrier is a call of an intrinsic at which the widening suspends the warp; nothing is said here about how. Memory effects
// are those of any call, so no load or store moves across it.
//
// Source: PTX ISA 9.0, 9.7.13.1 to 9.7.13.3.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

void Emitter::bar(const Instruction& i) {
    llvm::Type* nothing = b.getVoidTy();
    const auto& ops = i.operands;
    switch (i.opcode) {
    case Opcode::bar_warp_sync:
        intrinsic_call("anywarp.warp.sync", nothing, {get(ops.at(0), Type::b32)}, Program::suspends);
        return;
    case Opcode::barrier_cluster_arrive: // one block per cluster: wait does all of it
        b.CreateFence(llvm::AtomicOrdering::SequentiallyConsistent);
        return;
    case Opcode::barrier_cluster_wait:
        intrinsic_call("anywarp.barrier", nothing, {ctx, i32(0), i32(0)}, Program::suspends);
        return;
    default:
        break;
    }
    if (i.has(Modifier::warp)) {
        intrinsic_call("anywarp.warp.sync", nothing, {get(ops.at(0), Type::b32)}, Program::suspends);
        return;
    }
    if (i.has(Modifier::red)) {
        BarrierReduce kind = i.has(Modifier::popc)   ? BarrierReduce::popc
                             : i.has(Modifier::and_) ? BarrierReduce::and_
                                                     : BarrierReduce::or_;
        Value* id = get(ops.at(1), Type::u32);
        Value* threads = ops.size() > 3 ? get(ops[2], Type::u32) : i32(0);
        Value* predicate = get_predicate(ops.back());
        Value* r = intrinsic_call("anywarp.barrier.red", b.getInt32Ty(),
                                  {ctx, id, threads, i32(static_cast<uint32_t>(kind)), predicate}, Program::suspends);
        if (kind == BarrierReduce::popc)
            set(ops[0], r, Type::u32);
        else
            set(ops[0], b.CreateICmpNE(r, i32(0)), Type::pred);
        return;
    }
    Value* id = ops.empty() ? i32(0) : get(ops[0], Type::u32);
    Value* threads = ops.size() > 1 ? get(ops[1], Type::u32) : i32(0);
    intrinsic_call(i.has(Modifier::arrive) ? "anywarp.barrier.arrive" : "anywarp.barrier", nothing, {ctx, id, threads},
                   Program::suspends);
}

} // namespace anywarp::simt
