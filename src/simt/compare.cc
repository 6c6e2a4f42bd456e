// setp, set, selp, slct.
//
// Float comparisons without "u" are ordered (false when either side is NaN), those with "u" unordered. .lo/.ls/.hi/.hs are the
// unsigned forms. The optional .and/.or/.xor combines the result with a predicate c; setp's second destination gets the
// negated comparison combined the same way.
//
// Source: PTX ISA 9.0, 9.7.6, 9.7.7 (half precision).
#include "simt/lowering.h"

namespace anywarp::simt {

static Modifier comparison_of(const Instruction& i) {
    for (Modifier m : i.modifiers) switch (m) {
        case Modifier::eq:
        case Modifier::ne:
        case Modifier::lt:
        case Modifier::le:
        case Modifier::gt:
        case Modifier::ge:
        case Modifier::lo:
        case Modifier::ls:
        case Modifier::hi:
        case Modifier::hs:
        case Modifier::equ:
        case Modifier::neu:
        case Modifier::ltu:
        case Modifier::leu:
        case Modifier::gtu:
        case Modifier::geu:
        case Modifier::num:
        case Modifier::nan:
            return m;
        default:
            break;
        }
    return Modifier::none;
}

Value* Emitter::compare(const Instruction& i, Value* a, Value* c, Type type, Modifier op) {
    using P = llvm::CmpInst::Predicate;
    if (type == Type::f16 || type == Type::bf16) {
        a = half_to_float(a, type);
        c = half_to_float(c, type);
        if (i.has(Modifier::ftz)) {
            a = call_builtin("anywarp_b_flush_f16", b.getFloatTy(), {a});
            c = call_builtin("anywarp_b_flush_f16", b.getFloatTy(), {c});
        }
    }
    if (ptx::is_float(type)) {
        switch (op) {
        case Modifier::eq:
            return b.CreateFCmp(P::FCMP_OEQ, a, c);
        case Modifier::ne:
            return b.CreateFCmp(P::FCMP_ONE, a, c);
        case Modifier::lt:
            return b.CreateFCmp(P::FCMP_OLT, a, c);
        case Modifier::le:
            return b.CreateFCmp(P::FCMP_OLE, a, c);
        case Modifier::gt:
            return b.CreateFCmp(P::FCMP_OGT, a, c);
        case Modifier::ge:
            return b.CreateFCmp(P::FCMP_OGE, a, c);
        case Modifier::equ:
            return b.CreateFCmp(P::FCMP_UEQ, a, c);
        case Modifier::neu:
            return b.CreateFCmp(P::FCMP_UNE, a, c);
        case Modifier::ltu:
            return b.CreateFCmp(P::FCMP_ULT, a, c);
        case Modifier::leu:
            return b.CreateFCmp(P::FCMP_ULE, a, c);
        case Modifier::gtu:
            return b.CreateFCmp(P::FCMP_UGT, a, c);
        case Modifier::geu:
            return b.CreateFCmp(P::FCMP_UGE, a, c);
        case Modifier::num:
            return b.CreateFCmp(P::FCMP_ORD, a, c);
        case Modifier::nan:
            return b.CreateFCmp(P::FCMP_UNO, a, c);
        default:
            fail_invalid(i, "no comparison for this type");
        }
    }
    bool sign = ptx::is_signed(type);
    switch (op) {
    case Modifier::eq:
        return b.CreateICmp(P::ICMP_EQ, a, c);
    case Modifier::ne:
        return b.CreateICmp(P::ICMP_NE, a, c);
    case Modifier::lt:
        return b.CreateICmp(sign ? P::ICMP_SLT : P::ICMP_ULT, a, c);
    case Modifier::le:
        return b.CreateICmp(sign ? P::ICMP_SLE : P::ICMP_ULE, a, c);
    case Modifier::gt:
        return b.CreateICmp(sign ? P::ICMP_SGT : P::ICMP_UGT, a, c);
    case Modifier::ge:
        return b.CreateICmp(sign ? P::ICMP_SGE : P::ICMP_UGE, a, c);
    case Modifier::lo:
        return b.CreateICmp(P::ICMP_ULT, a, c);
    case Modifier::ls:
        return b.CreateICmp(P::ICMP_ULE, a, c);
    case Modifier::hi:
        return b.CreateICmp(P::ICMP_UGT, a, c);
    case Modifier::hs:
        return b.CreateICmp(P::ICMP_UGE, a, c);
    default:
        fail_invalid(i, "no comparison for this type");
    }
}

Value* Emitter::combine(const Instruction& i, Value* v, const Operand& predicate) {
    Value* c = get_predicate(predicate);
    if (i.has(Modifier::and_)) return b.CreateAnd(v, c);
    if (i.has(Modifier::or_)) return b.CreateOr(v, c);
    return b.CreateXor(v, c);
}

void Emitter::setp(const Instruction& i) {
    Type t = i.types.back(), e = element_of(t);
    Modifier op = comparison_of(i);
    const Operand& target = i.operands.at(0);
    auto finish_one = [&](Value* v) { return i.operands.size() > 3 ? combine(i, v, i.operands[3]) : v; };
    if (e != t) { // packed halves: p and q are the results of the two elements
        Value *a = get(i.operands.at(1), t), *c = get(i.operands.at(2), t);
        for (unsigned k = 0; k < 2; ++k) {
            Value* x = b.CreateTrunc(k ? b.CreateLShr(a, 16) : a, b.getInt16Ty());
            Value* y = b.CreateTrunc(k ? b.CreateLShr(c, 16) : c, b.getInt16Ty());
            Value* v = finish_one(compare(i, x, y, e, op));
            set(target.kind == Operand::Kind::pair ? target.elements.at(k) : target, v, Type::pred);
        }
        return;
    }
    Value *a, *c;
    if (t == Type::f32) {
        a = float_input(i, 1, t);
        c = float_input(i, 2, t);
    } else {
        a = get(i.operands.at(1), t);
        c = get(i.operands.at(2), t);
    }
    Value* v = compare(i, a, c, t, op);
    if (target.kind == Operand::Kind::pair) {
        Value *first = finish_one(v), *second = finish_one(b.CreateNot(v));
        set(target.elements.at(0), first, Type::pred);
        set(target.elements.at(1), second, Type::pred);
        return;
    }
    set(target, finish_one(v), Type::pred);
}

void Emitter::set_(const Instruction& i) {
    Type to = i.type(0), from = i.type(1), e = element_of(from);
    Modifier op = comparison_of(i);
    auto finish_one = [&](Value* v) { return i.operands.size() > 3 ? combine(i, v, i.operands[3]) : v; };
    auto as_result = [&](Value* v, Type t) -> Value* {
        switch (t) {
        case Type::f32:
            return b.CreateSelect(v, llvm::ConstantFP::get(b.getFloatTy(), 1.0), llvm::ConstantFP::get(b.getFloatTy(), 0.0));
        case Type::f16:
            return b.CreateSelect(v, b.getInt16(0x3c00), b.getInt16(0));
        case Type::bf16:
            return b.CreateSelect(v, b.getInt16(0x3f80), b.getInt16(0));
        default:
            return b.CreateSExt(v, ty(t));
        }
    };
    if (e != from) {
        Value *a = get(i.operands.at(1), from), *c = get(i.operands.at(2), from), *whole = i32(0);
        Type half = element_of(to) == to ? Type::u16 : element_of(to);
        for (unsigned k = 0; k < 2; ++k) {
            Value* x = b.CreateTrunc(k ? b.CreateLShr(a, 16) : a, b.getInt16Ty());
            Value* y = b.CreateTrunc(k ? b.CreateLShr(c, 16) : c, b.getInt16Ty());
            Value* r = b.CreateZExt(as_result(finish_one(compare(i, x, y, e, op)), half), b.getInt32Ty());
            whole = b.CreateOr(whole, k ? b.CreateShl(r, 16) : r);
        }
        set(i.operands[0], whole, Type::b32);
        return;
    }
    Value *a, *c;
    if (from == Type::f32) {
        a = float_input(i, 1, from);
        c = float_input(i, 2, from);
    } else {
        a = get(i.operands.at(1), from);
        c = get(i.operands.at(2), from);
    }
    set(i.operands[0], as_result(finish_one(compare(i, a, c, from, op)), to), to);
}

void Emitter::selp(const Instruction& i) {
    Type t = i.type();
    Value *a = get(i.operands.at(1), t), *c = get(i.operands.at(2), t);
    set(i.operands[0], b.CreateSelect(get_predicate(i.operands.at(3)), a, c), t);
}

void Emitter::slct(const Instruction& i) {
    Type t = i.type(0), by = i.type(1);
    Value *a = get(i.operands.at(1), t), *c = get(i.operands.at(2), t);
    Value* condition;
    if (by == Type::f32)
        condition = b.CreateFCmpOGE(float_input(i, 3, by), llvm::ConstantFP::get(b.getFloatTy(), 0.0));
    else
        condition = b.CreateICmpSGE(get(i.operands.at(3), by), llvm::ConstantInt::get(ty(by), 0));
    set(i.operands[0], b.CreateSelect(condition, a, c), t);
}

} // namespace anywarp::simt
