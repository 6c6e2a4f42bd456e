// Branches, returns, exit, trap.
//
// exit ends the thread: in an entry it is a branch to the return; in a device function it is anywarp.exit, which never comes
// back. A branch that closes a waiting loop (spins.cc) yields first.
//
// Source: PTX ISA 9.0, 9.7.12, 9.7.19.
#include "simt/lowering.h"

namespace anywarp::simt {

void Emitter::bra(const Instruction& i) {
    const Operand& target = i.operands.at(0);
    if (target.label == ptx::no_index) fail_invalid(i, "branch target isn't a label");
    maybe_yield();
    b.CreateBr(label_block(target.label));
    start_dead_block();
}

void Emitter::brx(const Instruction& i) {
    Value* index = get(i.operands.at(0), Type::u32);
    const auto& table = body.branch_targets.at(i.operands.at(1).bits);
    maybe_yield();
    auto* nowhere = new_block("no.target");
    auto* jump = b.CreateSwitch(index, nowhere, table.labels.size());
    for (size_t k = 0; k < table.labels.size(); ++k) jump->addCase(b.getInt32(k), label_block(table.labels[k]));
    b.SetInsertPoint(nowhere);
    b.CreateUnreachable(); // an index outside of the list is undefined in PTX
    start_dead_block();
}

void Emitter::ret(const Instruction&) {
    b.CreateBr(return_block);
    start_dead_block();
}

void Emitter::exit(const Instruction&) {
    if (ptx_function.is_entry) {
        b.CreateBr(return_block);
    } else {
        auto* call = llvm::cast<llvm::CallInst>(intrinsic_call("anywarp.exit", b.getVoidTy(), {}, Program::service));
        call->setDoesNotReturn();
        b.CreateUnreachable();
    }
    start_dead_block();
}

void Emitter::trap(const Instruction& i) {
    bool breakpoint = i.opcode == Opcode::brkpt;
    if (breakpoint) return; // no debugger is attached: goes on
    intrinsic_call("anywarp_trap", b.getVoidTy(), {ctx, i32(static_cast<uint32_t>(ErrorCode::launch_failed))}, Program::service);
    if (ptx_function.is_entry)
        b.CreateBr(return_block);
    else
        b.CreateUnreachable();
    start_dead_block();
}

void Emitter::nanosleep(const Instruction& i) {
    intrinsic_call("anywarp_nanosleep", b.getVoidTy(), {get(i.operands.at(0), Type::u32)}, Program::service);
}

} // namespace anywarp::simt
