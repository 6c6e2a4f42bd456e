// atom and red.
//
// Whatever LLVM's atomicrmw knows becomes one; compare-and-swap a cmpxchg; packed halves and 128-bit exchange a cmpxchg loop
// on the whole word. Atomics on shared memory carry !anywarp.shared: a block runs on one OS thread, so they need no lock.
// Ordering: relaxed unless the instruction says more.
//
// Source: PTX ISA 9.0, 9.7.13.5 and 9.7.13.6.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

using RMW = llvm::AtomicRMWInst;
using llvm::AtomicOrdering;

static Modifier atomic_operation(const Instruction& i) {
    for (Modifier m : i.modifiers) switch (m) {
        case Modifier::add:
        case Modifier::min:
        case Modifier::max:
        case Modifier::inc:
        case Modifier::dec:
        case Modifier::exch:
        case Modifier::cas:
        case Modifier::and_:
        case Modifier::or_:
        case Modifier::xor_:
            return m;
        default:
            break;
        }
    return Modifier::none;
}

static AtomicOrdering ordering_of(const Instruction& i) {
    if (i.has(Modifier::acq_rel)) return AtomicOrdering::AcquireRelease;
    if (i.has(Modifier::acquire)) return AtomicOrdering::Acquire;
    if (i.has(Modifier::release)) return AtomicOrdering::Release;
    return AtomicOrdering::Monotonic;
}

void Emitter::atom(const Instruction& i) {
    bool returns = i.opcode == Opcode::atom;
    size_t first = returns ? 1 : 0;
    Modifier op = atomic_operation(i);
    Type t = i.types.back(), e = element_of(t);
    StateSpace space = i.has_space ? i.space : StateSpace::generic;
    Address a = address(i.operands.at(first), space, i);
    unsigned count = std::max<unsigned>(1, i.vector);
    uint64_t bytes = ptx::bytes(t);
    check_aligned(a, bytes * count);
    AtomicOrdering order = ordering_of(i);
    llvm::MDNode* shared = a.space == StateSpace::shared ? llvm::MDNode::get(context, {}) : nullptr;
    auto mark = [&](llvm::Instruction* made) {
        if (shared) made->setMetadata("anywarp.shared", shared);
        return made;
    };
    llvm::MaybeAlign align{llvm::Align(std::max<uint64_t>(1, bytes))};
    // Any read-modify-write as a loop around cmpxchg on the word that holds the value.
    auto loop = [&](Value* pointer, llvm::Type* word, llvm::function_ref<Value*(Value*)> change) -> Value* {
        auto* start = b.CreateAlignedLoad(word, pointer, *align, true);
        auto *again = new_block("atomic"), *done = new_block("atomic.done");
        auto* before = b.GetInsertBlock();
        b.CreateBr(again);
        b.SetInsertPoint(again);
        auto* old = b.CreatePHI(word, 2);
        old->addIncoming(start, before);
        Value* wanted = change(old);
        auto* exchange = llvm::cast<llvm::AtomicCmpXchgInst>(
            mark(b.CreateAtomicCmpXchg(pointer, old, wanted, align, order, AtomicOrdering::Monotonic)));
        Value* seen = b.CreateExtractValue(exchange, 0);
        old->addIncoming(seen, b.GetInsertBlock());
        b.CreateCondBr(b.CreateExtractValue(exchange, 1), done, again);
        b.SetInsertPoint(done);
        return seen;
    };
    auto one = [&](Value* pointer, Value* v, Value* other) -> Value* {
        bool half = e == Type::f16 || e == Type::bf16;
        if (op == Modifier::cas) {
            auto failure = order == AtomicOrdering::AcquireRelease || order == AtomicOrdering::Acquire
                               ? AtomicOrdering::Acquire
                               : AtomicOrdering::Monotonic;
            Value* compare = v;
            if (compare->getType()->isFloatingPointTy()) {
                llvm::Type* bits = b.getIntNTy(compare->getType()->getScalarSizeInBits());
                compare = b.CreateBitCast(compare, bits);
                other = b.CreateBitCast(other, bits);
            }
            return b.CreateExtractValue(mark(b.CreateAtomicCmpXchg(pointer, compare, other, align, order, failure)), 0);
        }
        if (half && op != Modifier::exch)
            return loop(pointer, v->getType(), [&](Value* old) {
                return each_half(i, t, {old, v}, [&](auto x, Type element) -> Value* {
                    Value *p0 = half_to_float(x[0], element), *p1 = half_to_float(x[1], element);
                    Value* r = op == Modifier::add ? b.CreateFAdd(p0, p1) : float_minmax(p0, p1, op == Modifier::max, false);
                    return float_to_half(r, element);
                });
            });
        RMW::BinOp kind;
        bool sign = ptx::is_signed(t), real = v->getType()->isFloatingPointTy();
        switch (op) {
        case Modifier::add:
            kind = real ? RMW::FAdd : RMW::Add;
            break;
        case Modifier::min:
            kind = real ? RMW::FMin : sign ? RMW::Min : RMW::UMin;
            break;
        case Modifier::max:
            kind = real ? RMW::FMax : sign ? RMW::Max : RMW::UMax;
            break;
        case Modifier::inc:
            kind = RMW::UIncWrap;
            break;
        case Modifier::dec:
            kind = RMW::UDecWrap;
            break;
        case Modifier::exch:
            kind = RMW::Xchg;
            break;
        case Modifier::and_:
            kind = RMW::And;
            break;
        case Modifier::or_:
            kind = RMW::Or;
            break;
        case Modifier::xor_:
            kind = RMW::Xor;
            break;
        default:
            fail_unsupported(i);
        }
        return mark(b.CreateAtomicRMW(kind, pointer, v, align, order));
    };
    const Operand& source = i.operands.at(first + 1);
    Value* other = nullptr;
    if (count > 1) { // red/atom.global.v2.f32 ...: each element is atomic by itself
        for (unsigned k = 0; k < count; ++k) {
            Value* old = one(byte_offset(a.pointer, bytes * k), get(source.elements.at(k), t), nullptr);
            if (returns) set(i.operands[0].elements.at(k), old, t);
        }
        return;
    }
    Value* v = get(source, t);
    if (op == Modifier::cas) other = get(i.operands.at(first + 2), t);
    Value* old = one(a.pointer, v, other);
    if (returns) set(i.operands[0], old, t);
}

} // namespace anywarp::simt
