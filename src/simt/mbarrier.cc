// mbarrier: a barrier object in shared memory, with phases, pending arrivals and transaction counts.
//
// The 64-bit object is opaque to programs. Here: bits 0-19 expected arrivals, 20-39 pending arrivals, 40-62 pending transactions
// (modulo 2^23), 63 phase; a state token is the object before the arrival. Lanes of one warp may arrive together, so every
// change is a compare-and-swap loop, which the widening serialises. Waiting never blocks by itself: the loop around try_wait is
// found by spins.cc and yields.
//
// Source: PTX ISA 9.0, 9.7.13.15.
#include "simt/lowering.h"

namespace anywarp::simt {

void Emitter::mbarrier(const Instruction& i) {
    llvm::Type* word = b.getInt64Ty();
    const auto& o = i.operands;
    if (i.opcode == Opcode::mbarrier_pending_count)
        return set(o[0], b.CreateTrunc(b.CreateAnd(b.CreateLShr(get(o.at(1), Type::b64), 20), i64(0xfffff)), b.getInt32Ty()),
                   Type::u32);
    size_t at = 0;
    while (at < o.size() && o[at].kind != Operand::Kind::address) ++at;
    if (at == o.size()) fail_invalid(i, "address expected");
    Address a = address(o[at], i.has_space ? i.space : StateSpace::generic, i);
    check_aligned(a, 8);
    llvm::Align align(8);
    auto argument = [&](uint64_t otherwise) -> Value* {
        return o.size() > at + 1 ? b.CreateZExt(get(o[at + 1], Type::u32), word) : i64(otherwise);
    };
    Value *add_pending = i64(0), *add_expected = i64(0), *add_transactions = i64(0);
    switch (i.opcode) {
    case Opcode::mbarrier_init: {
        Value* count = b.CreateAnd(argument(1), i64(0xfffff));
        b.CreateAlignedStore(b.CreateOr(count, b.CreateShl(count, 20)), a.pointer, align, true);
        return;
    }
    case Opcode::mbarrier_inval:
        b.CreateAlignedStore(i64(0), a.pointer, align, true);
        return;
    case Opcode::mbarrier_test_wait:
    case Opcode::mbarrier_try_wait: {
        Value* now = b.CreateLShr(b.CreateAlignedLoad(word, a.pointer, align, true), 63);
        Value* phase = i.has(Modifier::parity) ? b.CreateAnd(b.CreateZExt(get(o.at(at + 1), Type::u32), word), i64(1))
                                               : b.CreateLShr(get(o.at(at + 1), Type::b64), 63);
        set(o[0], b.CreateICmpNE(now, phase), Type::pred);
        return;
    }
    case Opcode::mbarrier_expect_tx:
        add_transactions = argument(0);
        break;
    case Opcode::mbarrier_complete_tx:
        add_transactions = b.CreateNeg(argument(0));
        break;
    case Opcode::mbarrier_arrive:
    case Opcode::mbarrier_arrive_drop: {
        Value* count = argument(1);
        if (i.has(Modifier::expect_tx)) {
            add_transactions = count;
            count = i64(1);
        }
        add_pending = b.CreateNeg(count);
        if (i.opcode == Opcode::mbarrier_arrive_drop) add_expected = b.CreateNeg(count);
        break;
    }
    case Opcode::cp_async_mbarrier_arrive: // the copies are done; without .noinc the arrival is balanced by an increment
        if (!i.has(Modifier::noinc)) return;
        add_pending = i64(-1);
        break;
    default:
        fail_unsupported(i);
    }
    bool completes = i.opcode != Opcode::mbarrier_expect_tx;
    b.CreateFence(llvm::AtomicOrdering::Release, llvm::SyncScope::SingleThread);
    auto* start = b.CreateAlignedLoad(word, a.pointer, align, true);
    auto *before = b.GetInsertBlock(), *again = new_block("mbarrier"), *done = new_block("mbarrier.done");
    b.CreateBr(again);
    b.SetInsertPoint(again);
    auto* old = b.CreatePHI(word, 2);
    old->addIncoming(start, before);
    Value* expected = b.CreateAnd(b.CreateAdd(b.CreateAnd(old, i64(0xfffff)), add_expected), i64(0xfffff));
    Value* pending = b.CreateAnd(b.CreateAdd(b.CreateLShr(old, 20), add_pending), i64(0xfffff));
    Value* transactions = b.CreateAnd(b.CreateAdd(b.CreateLShr(old, 40), add_transactions), i64(0x7fffff));
    Value* phase = b.CreateLShr(old, 63);
    if (completes) {
        Value* over = b.CreateICmpEQ(b.CreateOr(pending, transactions), i64(0));
        phase = b.CreateXor(phase, b.CreateZExt(over, word));
        pending = b.CreateSelect(over, expected, pending);
    }
    Value* wanted = b.CreateOr(b.CreateOr(expected, b.CreateShl(pending, 20)),
                               b.CreateOr(b.CreateShl(transactions, 40), b.CreateShl(phase, 63)));
    auto* exchange =
        b.CreateAtomicCmpXchg(a.pointer, old, wanted, align, llvm::AtomicOrdering::Monotonic, llvm::AtomicOrdering::Monotonic);
    if (a.space == StateSpace::shared) exchange->setMetadata("anywarp.shared", llvm::MDNode::get(context, {}));
    Value* seen = b.CreateExtractValue(exchange, 0);
    old->addIncoming(seen, again);
    b.CreateCondBr(b.CreateExtractValue(exchange, 1), done, again);
    b.SetInsertPoint(done);
    if (at > 0) set(o[0], seen, Type::b64);
}

} // namespace anywarp::simt
