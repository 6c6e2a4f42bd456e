// Data movement: mov, ld, st, cvta, isspacep, and what only hints or orders.
//
// A generic or global address is a host address held in 64 bits; a shared address is the offset from the block's shared base.
// Pointers are made from the 64-bit arithmetic by inttoptr, except that a base the compiler can name (a variable, a parameter,
// the shared base) becomes a GEP on it, so that SROA and alias analysis see the object. A shared base register is extended with
// its sign: valid offsets are below 2^31, and compilers do form "negative base, positive displacement".
// Vector accesses are one scalar access per element, adjacent and in order; the widening combines them.
//
// Source: PTX ISA 9.0, 9.7.9; memory consistency: chapter 8.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

namespace anywarp::simt {

using SymbolKind = ptx::Symbol::Kind;

Value* Emitter::byte_offset(Value* pointer, int64_t offset) {
    return offset ? b.CreateGEP(b.getInt8Ty(), pointer, b.getInt64(offset)) : pointer;
}

bool Emitter::is_shared_symbol(const ptx::Symbol& symbol, uint64_t& offset) {
    const ptx::Variable* v = nullptr;
    if (symbol.kind == SymbolKind::module_variable) {
        v = &p.ptx.variables.at(symbol.index);
        if (v->space != StateSpace::shared) return false;
        auto found = p.shared.module_variables.find(symbol.index);
        offset = found == p.shared.module_variables.end() ? p.shared.dynamic_offset : found->second;
        return true;
    }
    if (symbol.kind == SymbolKind::local_variable && body.variables.at(symbol.index).space == StateSpace::shared) {
        auto found = p.shared.local_variables.find(uint64_t(function_index) << 32 | symbol.index);
        offset = found == p.shared.local_variables.end() ? p.shared.dynamic_offset : found->second;
        return true;
    }
    return false;
}

Value* Emitter::symbol_pointer(const ptx::Symbol& symbol, int64_t offset, uint64_t& known_align, StateSpace& space) {
    uint64_t place = 0;
    known_align = 1;
    if (is_shared_symbol(symbol, place)) {
        space = StateSpace::shared;
        known_align = llvm::MinAlign(128, place + offset);
        return byte_offset(shared_base, place + offset);
    }
    switch (symbol.kind) {
    case SymbolKind::module_variable: {
        const ptx::Variable& v = p.ptx.variables.at(symbol.index);
        uint64_t at = p.image.offsets.at(symbol.index);
        if (at == ~0ull)
            throw Failure{Error{v.space == StateSpace::tex ? ErrorKind::unsupported : ErrorKind::user,
                                v.space == StateSpace::tex ? ErrorCode::not_supported : ErrorCode::invalid_ptx,
                                v.space == StateSpace::tex ? "address of texture variable '" + v.name + "'"
                                                           : "undefined symbol '" + v.name + "'"}};
        space = v.space;
        known_align = llvm::MinAlign(256, at + offset);
        return byte_offset(image_base, at + offset);
    }
    case SymbolKind::local_variable:
        space = body.variables.at(symbol.index).space;
        known_align = llvm::MinAlign(std::max(1u, body.variables[symbol.index].align), offset);
        return byte_offset(variables.at(symbol.index), offset);
    case SymbolKind::parameter: {
        space = StateSpace::param;
        const ptx::Variable& v = ptx_function.parameters.at(symbol.index);
        if (ptx_function.is_entry) {
            uint64_t at = parameter_offsets.offsets.at(symbol.index) + offset;
            known_align = llvm::MinAlign(16, at);
            return byte_offset(params_base, at);
        }
        known_align = llvm::MinAlign(std::max(1u, v.align), offset);
        return byte_offset(parameters.at(symbol.index), offset);
    }
    case SymbolKind::return_parameter:
        space = StateSpace::param;
        known_align = llvm::MinAlign(std::max(1u, ptx_function.returns.at(symbol.index).align), offset);
        return byte_offset(returns.at(symbol.index), offset);
    default:
        return nullptr;
    }
}

Value* Emitter::symbol_address(const ptx::Symbol& symbol, int64_t offset, const Instruction*) {
    if (symbol.kind == SymbolKind::function) return i64(ptx::function_token(ptx::resolve_alias(p.ptx, symbol.index)) + offset);
    uint64_t place = 0, align;
    if (is_shared_symbol(symbol, place)) return i64(place + offset);
    StateSpace space = StateSpace::generic;
    Value* pointer = symbol_pointer(symbol, offset, align, space);
    if (!pointer) throw Failure{Error{ErrorKind::internal, ErrorCode::unknown, "symbol operand without a symbol"}};
    return b.CreatePtrToInt(pointer, b.getInt64Ty());
}

Emitter::Address Emitter::address(const Operand& o, StateSpace space, const Instruction& i) {
    Address a;
    a.space = space;
    if (o.kind != Operand::Kind::address && o.kind != Operand::Kind::symbol && o.kind != Operand::Kind::reg)
        fail_invalid(i, "address expected");
    if (o.symbol.kind != SymbolKind::none && o.symbol.kind != SymbolKind::function) {
        StateSpace found = space;
        a.pointer = symbol_pointer(o.symbol, o.offset, a.known_align, found);
        if (found == StateSpace::shared) a.space = found;
        if (a.pointer && o.reg != ptx::no_index && o.address_has_register) { // [symbol + register] isn't PTX, but harmless
            Value* index =
                as_type(b.CreateLoad(ty(body.registers.at(o.reg).type), register_slot(o.reg, o.component)), b.getInt64Ty(), true);
            a.pointer = b.CreateGEP(b.getInt8Ty(), a.pointer, index);
            a.known_align = 1;
        }
        a.number = nullptr;
        return a;
    }
    Value* base = nullptr;
    bool shared = space == StateSpace::shared;
    if (o.reg != ptx::no_index) {
        Value* v = b.CreateLoad(ty(body.registers.at(o.reg).type), register_slot(o.reg, o.component));
        if (v->getType()->isFloatingPointTy()) v = as_type(v, b.getIntNTy(v->getType()->getScalarSizeInBits()), false);
        if (o.minus) v = b.CreateNeg(v);
        base = shared ? b.CreateSExtOrTrunc(v, b.getInt64Ty()) : b.CreateZExtOrTrunc(v, b.getInt64Ty());
    }
    int64_t offset = o.offset;
    if (shared) {
        a.pointer = base ? b.CreateGEP(b.getInt8Ty(), shared_base, base) : shared_base;
        a.pointer = byte_offset(a.pointer, offset);
        a.number = base ? (offset ? b.CreateAdd(base, i64(offset)) : base) : i64(offset);
        if (!base) a.known_align = llvm::MinAlign(128, offset);
        return a;
    }
    if (!base) base = i64(0);
    a.number = offset ? b.CreateAdd(base, i64(offset)) : base;
    a.pointer = b.CreateIntToPtr(a.number, b.getPtrTy());
    return a;
}

void Emitter::check_aligned(const Address& a, uint64_t bytes) {
    if (!p.options.check_alignment || bytes <= 1 || a.known_align >= bytes || a.space == StateSpace::local ||
        a.space == StateSpace::param)
        return;
    Value* number = a.number ? a.number : b.CreatePtrToInt(a.pointer, b.getInt64Ty());
    auto* f =
        p.intrinsic("anywarp.check.aligned", b.getVoidTy(), {b.getPtrTy(), b.getInt64Ty(), b.getInt64Ty()}, Program::service);
    // It only ever stops the kernel: telling so lets loads move across it where they may.
    f->setOnlyAccessesInaccessibleMemory();
    b.CreateCall(f, {ctx, number, i64(bytes - 1)});
}

static StateSpace space_of(const Instruction& i) { return i.has_space ? i.space : StateSpace::generic; }

static bool is_volatile(const Instruction& i) {
    for (Modifier m : i.modifiers) switch (m) {
        case Modifier::volatile_:
        case Modifier::relaxed:
        case Modifier::acquire:
        case Modifier::release:
        case Modifier::acq_rel:
        case Modifier::sc:
        case Modifier::mmio:
            return true;
        default:
            break;
        }
    return false;
}

/// The type that goes through memory: f16 and packed forms as integers.
static Type memory_type(Type t) { return t == Type::pred ? Type::b8 : t; }

void Emitter::ld(const Instruction& i) {
    Type t = memory_type(i.types.back());
    StateSpace space = space_of(i);
    unsigned count = std::max<unsigned>(1, i.vector);
    uint64_t each = ptx::bytes(t);
    Address a = address(i.operands.at(1), space, i);
    check_aligned(a, each * count);
    bool is_volatile_access = is_volatile(i);
    bool entry_param = ptx_function.is_entry && i.operands[1].symbol.kind == SymbolKind::parameter;
    llvm::SmallVector<Value*> values;
    for (unsigned k = 0; k < count; ++k) {
        uint64_t align = std::max<uint64_t>(llvm::MinAlign(each * count, each * k), 1);
        if (a.space == StateSpace::local || a.space == StateSpace::param) align = each;
        if (align > 16) align = 16;
        auto* load = b.CreateAlignedLoad(ty(t), byte_offset(a.pointer, each * k), llvm::Align(align), is_volatile_access);
        if (!is_volatile_access && (i.has(Modifier::nc) || entry_param))
            load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context, {}));
        values.push_back(load);
    }
    if (i.has(Modifier::acquire)) b.CreateFence(llvm::AtomicOrdering::Acquire);
    const Operand& d = i.operands[0];
    if (d.kind == Operand::Kind::vector) {
        for (unsigned k = 0; k < count; ++k) set(d.elements.at(k), values[k], t);
    } else if (count > 1 && d.kind == Operand::Kind::reg) {
        for (unsigned k = 0; k < count; ++k) set_register(d.reg, k, values[k], t);
    } else {
        set(d, values[0], t);
    }
}

void Emitter::st(const Instruction& i) {
    Type t = memory_type(i.types.back());
    unsigned count = std::max<unsigned>(1, i.vector);
    uint64_t each = ptx::bytes(t);
    Address a = address(i.operands.at(0), space_of(i), i);
    check_aligned(a, each * count);
    bool is_volatile_access = is_volatile(i);
    if (i.has(Modifier::release)) b.CreateFence(llvm::AtomicOrdering::Release);
    const Operand& s = i.operands.at(1);
    for (unsigned k = 0; k < count; ++k) {
        Value* v;
        if (s.kind == Operand::Kind::vector)
            v = get(s.elements.at(k), t);
        else if (count > 1 && s.kind == Operand::Kind::reg)
            v = as_type(b.CreateLoad(ty(body.registers.at(s.reg).type), register_slot(s.reg, k)), ty(t), false);
        else
            v = get(s, t);
        uint64_t align = std::max<uint64_t>(llvm::MinAlign(each * count, each * k), 1);
        if (a.space == StateSpace::local || a.space == StateSpace::param) align = each;
        if (align > 16) align = 16;
        b.CreateAlignedStore(v, byte_offset(a.pointer, each * k), llvm::Align(align), is_volatile_access);
    }
}

void Emitter::mov(const Instruction& i) {
    Type t = i.type();
    const Operand &d = i.operands.at(0), &s = i.operands.at(1);
    // A vector register to a vector register, or {a, b} = {c, d}: element by element.
    bool whole_special = s.kind == Operand::Kind::special && s.component < 0 && i.vector > 1;
    if (whole_special || i.vector > 1) {
        std::vector<Value*> values; // all are read before one is written: {a, b} = {b, a}
        for (unsigned k = 0; k < i.vector; ++k) {
            Operand part = s;
            if (s.kind == Operand::Kind::vector)
                part = s.elements.at(k);
            else
                part.component = static_cast<int8_t>(k);
            values.push_back(get(part, t));
        }
        for (unsigned k = 0; k < i.vector; ++k) {
            if (d.kind == Operand::Kind::vector)
                set(d.elements.at(k), values[k], t);
            else
                set_register(d.reg, k, values[k], t);
        }
        return;
    }
    set(d, get(s, t), t);
}

void Emitter::cvta(const Instruction& i) {
    Type t = i.type();
    StateSpace space = i.space;
    Value* v = get(i.operands.at(1), t);
    if (space == StateSpace::shared) {
        if (i.has(Modifier::to)) {
            Value* offset = b.CreateSub(b.CreateZExtOrTrunc(v, b.getInt64Ty()), b.CreatePtrToInt(shared_base, b.getInt64Ty()));
            v = b.CreateZExtOrTrunc(offset, ty(t));
        } else {
            Value* pointer = b.CreateGEP(b.getInt8Ty(), shared_base, b.CreateZExtOrTrunc(v, b.getInt64Ty()));
            v = b.CreateZExtOrTrunc(b.CreatePtrToInt(pointer, b.getInt64Ty()), ty(t));
        }
    }
    set(i.operands[0], v, t); // every other space has host addresses already
}

void Emitter::isspacep(const Instruction& i) {
    llvm::Type* t = b.getInt64Ty();
    Value* v = get(i.operands.at(1), Type::b64);
    auto inside_shared = [&] {
        Value* offset = b.CreateSub(v, b.CreatePtrToInt(shared_base, t));
        return b.CreateICmpULT(offset, b.CreateZExt(context_field(offsetof(BlockContext, shared_size), b.getInt32Ty()), t));
    };
    auto between = [&](size_t low, size_t high) {
        return b.CreateAnd(b.CreateICmpUGE(v, context_field(low, t)), b.CreateICmpULT(v, context_field(high, t)));
    };
    auto inside_constants = [&]() -> Value* {
        if (!p.image.constants) return b.getFalse();
        return b.CreateICmpULT(b.CreateSub(v, context_field(offsetof(BlockContext, image), t)), i64(p.image.constants));
    };
    auto inside_stack = [&] { // or inside the frames of a kernel that suspends: its local arrays are part of them
        return b.CreateOr(between(offsetof(BlockContext, stack_low), offsetof(BlockContext, stack_high)),
                          between(offsetof(BlockContext, frames_low), offsetof(BlockContext, frames_high)));
    };
    Value* r;
    switch (i.space) {
    case StateSpace::shared:
        r = inside_shared();
        break;
    case StateSpace::local:
        r = inside_stack();
        break;
    case StateSpace::const_:
        r = inside_constants();
        break;
    case StateSpace::global: // a kernel's parameters are in the global window, too
        r = b.CreateNot(b.CreateOr(b.CreateOr(inside_shared(), inside_stack()), inside_constants()));
        break;
    case StateSpace::param: {
        if (!ptx_function.is_entry) {
            r = b.getFalse();
            break;
        }
        Value* offset = b.CreateSub(v, b.CreatePtrToInt(params_base, t));
        r = b.CreateICmpULT(offset, i64(parameter_offsets.size));
        break;
    }
    default:
        r = b.getFalse();
        break;
    }
    set(i.operands.at(0), r, Type::pred);
}

void Emitter::nop(const Instruction&) {}

void Emitter::fence(const Instruction& i) {
    // Within a block one OS thread runs everything: only the compiler must not reorder.
    bool block = i.has(Modifier::cta);
    b.CreateFence(llvm::AtomicOrdering::SequentiallyConsistent, block ? llvm::SyncScope::SingleThread : llvm::SyncScope::System);
}

void Emitter::cp_async(const Instruction& i) {
    // The copy happens at once; commit and wait have nothing left to do. Bytes past the source size are zero.
    Address to = address(i.operands.at(0), StateSpace::shared, i), from = address(i.operands.at(1), StateSpace::global, i);
    if (i.operands.at(2).kind != Operand::Kind::immediate) fail_invalid(i, "the copy size must be an immediate");
    uint64_t bytes = i.operands[2].bits;
    check_aligned(to, bytes);
    check_aligned(from, bytes);
    bool hint = i.has(Modifier::L2_cache_hint);
    size_t optional = i.operands.size() - (hint ? 1 : 0);
    if (optional <= 3) {
        for (uint64_t k = 0; k < bytes; k += 4) {
            Value* v = b.CreateAlignedLoad(b.getInt32Ty(), byte_offset(from.pointer, k), llvm::Align(llvm::MinAlign(bytes, k)));
            b.CreateAlignedStore(v, byte_offset(to.pointer, k), llvm::Align(llvm::MinAlign(bytes, k)));
        }
        return;
    }
    Value* size;
    const Operand& third = i.operands[3];
    if (third.kind == Operand::Kind::reg && body.registers.at(third.reg).type == Type::pred)
        size = b.CreateSelect(get_predicate(third), i32(0), i32(bytes)); // ignore-src
    else
        size = get(third, Type::u32);
    for (uint64_t k = 0; k < bytes; k += 4) { // word by word: a word is read only where the source reaches into it
        auto *read = new_block("copy.read"), *join = new_block("copy.join");
        Value* left = b.CreateSub(binary(llvm::Intrinsic::umax, size, i32(k)), i32(k));
        auto* before = b.GetInsertBlock();
        b.CreateCondBr(b.CreateICmpUGT(left, i32(0)), read, join);
        b.SetInsertPoint(read);
        Value* v = b.CreateAlignedLoad(b.getInt32Ty(), byte_offset(from.pointer, k), llvm::Align(4));
        Value* kept = b.CreateSub(i32(32), b.CreateShl(binary(llvm::Intrinsic::umin, left, i32(4)), 3));
        v = b.CreateAnd(v, b.CreateLShr(i32(~0u), b.CreateAnd(kept, i32(31))));
        b.CreateBr(join);
        b.SetInsertPoint(join);
        auto* phi = b.CreatePHI(b.getInt32Ty(), 2);
        phi->addIncoming(i32(0), before);
        phi->addIncoming(v, read);
        b.CreateAlignedStore(phi, byte_offset(to.pointer, k), llvm::Align(4));
    }
}

void Emitter::createpolicy(const Instruction& i) { set(i.operands.at(0), i64(0), Type::b64); }

void Emitter::mapa(const Instruction& i) {
    // A cluster has one block here: every shared address already is the mapped one. getctarank: rank 0.
    if (i.opcode == Opcode::getctarank) return set(i.operands.at(0), i32(0), Type::u32);
    set(i.operands.at(0), get(i.operands.at(1), i.type()), i.type());
}

// The stack that alloca takes from is a fixed part of the function's frame, because a frame whose size differs between lanes
// couldn't be widened. What doesn't fit ends the kernel as an overflow of CUDA's stack would.
void Emitter::alloca_(const Instruction& i) {
    Value* size = get(i.operands.at(1), i.type());
    size = b.CreateZExtOrTrunc(size, b.getInt64Ty());
    uint64_t align = i.operands.size() > 2 && i.operands[2].kind == Operand::Kind::immediate ? i.operands[2].bits : 8;
    align = std::max<uint64_t>(align, 1);
    Value* top = b.CreateLoad(b.getInt64Ty(), stack_top);
    Value* start = b.CreateSub(b.CreateAnd(b.CreateAdd(b.CreateAdd(b.CreatePtrToInt(stack_area, b.getInt64Ty()), top), i64(align - 1)),
                                           i64(~(align - 1))),
                               b.CreatePtrToInt(stack_area, b.getInt64Ty()));
    Value* end = b.CreateAdd(start, size);
    Value* fits = b.CreateAnd(b.CreateICmpULE(end, i64(alloca_bytes)), b.CreateICmpULE(size, i64(alloca_bytes)));
    auto *overflow = new_block("stack.overflow"), *taken = new_block("stack.taken");
    b.CreateCondBr(fits, taken, overflow);
    b.SetInsertPoint(overflow);
    intrinsic_call("anywarp_trap", b.getVoidTy(), {ctx, i32(static_cast<uint32_t>(ErrorCode::hardware_stack_error))}, Program::service);
    if (ptx_function.is_entry) b.CreateBr(return_block);
    else b.CreateUnreachable();
    b.SetInsertPoint(taken);
    b.CreateStore(end, stack_top);
    set(i.operands.at(0), b.CreatePtrToInt(b.CreateGEP(b.getInt8Ty(), stack_area, start), b.getInt64Ty()), i.type());
}

void Emitter::stacksave(const Instruction& i) { set(i.operands.at(0), b.CreateLoad(b.getInt64Ty(), stack_top), i.type()); }

void Emitter::stackrestore(const Instruction& i) {
    if (stack_top) b.CreateStore(b.CreateZExtOrTrunc(get(i.operands.at(0), i.type()), b.getInt64Ty()), stack_top);
}

} // namespace anywarp::simt
