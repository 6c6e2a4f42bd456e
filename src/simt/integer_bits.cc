// Logic, shifts, bit fields, dot products and the other integer instructions that aren't arithmetic proper.
//
// Shift amounts clamp: a shift by the width or more gives zero or the sign. LLVM's shifts are undefined there, so the amount is
// limited first (arithmetic) or the result replaced (logical). Constant amounts fold to a plain shift. Long bit games
// (prmt with a variable selector, fns, bfind) are C functions in builtins/.
//
// Source: PTX ISA 9.0, 9.7.1.14 ff, 9.7.8, 9.7.9.7.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

void Emitter::popc(const Instruction& i) {
    Type t = i.type();
    set(i.operands[0], b.CreateZExtOrTrunc(unary(llvm::Intrinsic::ctpop, get(i.operands.at(1), t)), b.getInt32Ty()), Type::u32);
}

void Emitter::clz(const Instruction& i) {
    Type t = i.type();
    Value* v = b.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, get(i.operands.at(1), t), b.getFalse());
    set(i.operands[0], b.CreateZExtOrTrunc(v, b.getInt32Ty()), Type::u32);
}

void Emitter::bfind(const Instruction& i) {
    Type t = i.type();
    Value* a = get(i.operands.at(1), t);
    unsigned n = ptx::bits(t);
    // The highest bit that differs from the sign; none gives 0xffffffff.
    if (ptx::is_signed(t)) a = b.CreateXor(a, b.CreateAShr(a, n - 1));
    Value* zeros = b.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, a, b.getFalse());
    zeros = b.CreateZExtOrTrunc(zeros, b.getInt32Ty());
    Value* position = i.has(Modifier::shiftamt) ? zeros : b.CreateSub(i32(n - 1), zeros);
    Value* none = b.CreateICmpEQ(a, llvm::ConstantInt::get(a->getType(), 0));
    set(i.operands[0], b.CreateSelect(none, i32(~0u), position), Type::u32);
}

void Emitter::brev(const Instruction& i) {
    Type t = i.type();
    set(i.operands[0], unary(llvm::Intrinsic::bitreverse, get(i.operands.at(1), t)), t);
}

void Emitter::bfe(const Instruction& i) {
    Type t = i.type();
    unsigned n = ptx::bits(t);
    bool sign = ptx::is_signed(t);
    llvm::Type* type = ty(t);
    Value* a = get(i.operands.at(1), t);
    // The 64-bit forms look at all 32 bits of position and length (as GPUs do; the manual speaks of 8 bits for both widths).
    Value *position = get(i.operands.at(2), Type::u32), *length = get(i.operands.at(3), Type::u32);
    if (n == 32) position = b.CreateAnd(position, i32(0xff)), length = b.CreateAnd(length, i32(0xff));
    Value* nothing = b.CreateICmpEQ(length, i32(0));
    Value* shifted = shift_value(a, position, false, sign);
    // The field is `length` bits of `shifted`: push it to the top and back. Fields past the top take the sign from bit n-1.
    Value* kept = binary(llvm::Intrinsic::umin, length, i32(n));
    Value* back = b.CreateSub(i32(n), kept);
    Value* amount = b.CreateZExtOrTrunc(binary(llvm::Intrinsic::umin, back, i32(n - 1)), type);
    Value* top = b.CreateShl(shifted, amount);
    Value* field = sign ? b.CreateAShr(top, amount) : b.CreateLShr(top, amount);
    set(i.operands[0], b.CreateSelect(nothing, llvm::ConstantInt::get(type, 0), field), t);
}

void Emitter::bfi(const Instruction& i) {
    Type t = i.type();
    unsigned n = ptx::bits(t);
    llvm::Type* type = ty(t);
    Value *a = get(i.operands.at(1), t), *into = get(i.operands.at(2), t);
    Value *position = get(i.operands.at(3), Type::u32), *length = get(i.operands.at(4), Type::u32);
    if (n == 32) position = b.CreateAnd(position, i32(0xff)), length = b.CreateAnd(length, i32(0xff)); // see bfe
    Value* ones = llvm::ConstantInt::getAllOnesValue(type);
    Value* low = b.CreateNot(shift_value(ones, length, true, false)); // `length` ones; all where length >= n
    Value* mask = shift_value(low, position, true, false);
    Value* field = shift_value(a, position, true, false);
    set(i.operands[0], b.CreateOr(b.CreateAnd(field, mask), b.CreateAnd(into, b.CreateNot(mask))), t);
}

void Emitter::fns(const Instruction& i) {
    Value* v =
        call_builtin("anywarp_b_fns", b.getInt32Ty(),
                     {get(i.operands.at(1), Type::b32), get(i.operands.at(2), Type::b32), get(i.operands.at(3), Type::s32)});
    set(i.operands[0], v, Type::b32);
}

void Emitter::bmsk(const Instruction& i) {
    Value *a = get(i.operands.at(1), Type::b32), *c = get(i.operands.at(2), Type::b32);
    if (!i.has(Modifier::clamp)) { // .wrap
        a = b.CreateAnd(a, i32(31));
        c = b.CreateAnd(c, i32(31));
    }
    Value* low = b.CreateNot(shift_value(i32(~0u), c, true, false));
    set(i.operands[0], shift_value(low, a, true, false), Type::b32);
}

void Emitter::szext(const Instruction& i) {
    Type t = i.type();
    Value *a = get(i.operands.at(1), t), *c = get(i.operands.at(2), Type::u32);
    bool sign = ptx::is_signed(t);
    if (!i.has(Modifier::clamp)) c = b.CreateAnd(c, i32(31));
    Value* whole = b.CreateICmpUGE(c, i32(32));
    Value* nothing = b.CreateICmpEQ(c, i32(0));
    Value* amount = b.CreateAnd(b.CreateSub(i32(32), c), i32(31));
    Value* top = b.CreateShl(a, amount);
    Value* v = sign ? b.CreateAShr(top, amount) : b.CreateLShr(top, amount);
    v = b.CreateSelect(nothing, i32(0), b.CreateSelect(whole, a, v));
    set(i.operands[0], v, t);
}

void Emitter::dp4a(const Instruction& i) {
    Type at = i.type(0), ct = i.type(1);
    Value *a = get(i.operands.at(1), Type::b32), *c = get(i.operands.at(2), Type::b32), *sum = get(i.operands.at(3), Type::b32);
    auto byte = [&](Value* v, unsigned k, bool sign) {
        Value* top = b.CreateShl(v, 24 - 8 * k);
        return sign ? b.CreateAShr(top, 24) : b.CreateLShr(top, 24);
    };
    for (unsigned k = 0; k < 4; ++k)
        sum = b.CreateAdd(sum, b.CreateMul(byte(a, k, ptx::is_signed(at)), byte(c, k, ptx::is_signed(ct))));
    set(i.operands[0], sum, Type::b32);
}

void Emitter::dp2a(const Instruction& i) {
    Type at = i.type(0), ct = i.type(1);
    Value *a = get(i.operands.at(1), Type::b32), *c = get(i.operands.at(2), Type::b32), *sum = get(i.operands.at(3), Type::b32);
    unsigned first = i.has(Modifier::hi) ? 2 : 0;
    for (unsigned k = 0; k < 2; ++k) {
        Value* half = b.CreateShl(a, 16 - 16 * k);
        half = ptx::is_signed(at) ? b.CreateAShr(half, 16) : b.CreateLShr(half, 16);
        Value* byte = b.CreateShl(c, 24 - 8 * (first + k));
        byte = ptx::is_signed(ct) ? b.CreateAShr(byte, 24) : b.CreateLShr(byte, 24);
        sum = b.CreateAdd(sum, b.CreateMul(half, byte));
    }
    set(i.operands[0], sum, Type::b32);
}

void Emitter::prmt(const Instruction& i) {
    Value *a = get(i.operands.at(1), Type::b32), *c = get(i.operands.at(2), Type::b32), *s = get(i.operands.at(3), Type::b32);
    static const std::pair<Modifier, const char*> modes[] = {
        {Modifier::f4e, "anywarp_b_prmt_f4e"}, {Modifier::b4e, "anywarp_b_prmt_b4e"}, {Modifier::rc8, "anywarp_b_prmt_rc8"},
        {Modifier::ecl, "anywarp_b_prmt_ecl"}, {Modifier::ecr, "anywarp_b_prmt_ecr"}, {Modifier::rc16, "anywarp_b_prmt_rc16"}};
    const char* name = "anywarp_b_prmt";
    for (auto& [modifier, function] : modes)
        if (i.has(modifier)) name = function;
    set(i.operands[0], call_builtin(name, b.getInt32Ty(), {a, c, s}), Type::b32);
}

void Emitter::logic(const Instruction& i) {
    Type t = i.type();
    Value* a = get(i.operands.at(1), t);
    Value* v = nullptr;
    switch (i.opcode) {
    case Opcode::and_:
        v = b.CreateAnd(a, get(i.operands.at(2), t));
        break;
    case Opcode::or_:
        v = b.CreateOr(a, get(i.operands.at(2), t));
        break;
    case Opcode::xor_:
        v = b.CreateXor(a, get(i.operands.at(2), t));
        break;
    case Opcode::not_:
        v = b.CreateNot(a);
        break;
    default:
        v = b.CreateZExt(b.CreateICmpEQ(a, llvm::ConstantInt::get(a->getType(), 0)), a->getType());
        break; // cnot
    }
    set(i.operands[0], v, t);
}

Value* Emitter::lop3_value(Value* a, Value* c, Value* d, unsigned table) {
    // Sum of the table's minterms over a, factored as a ? high : low, which LLVM turns into vpternlog where there is one.
    auto of_cd = [&](unsigned four) -> Value* { // bit 2*c + d
        switch (four & 15) {
        case 0x0:
            return llvm::ConstantInt::get(a->getType(), 0);
        case 0x1:
            return b.CreateNot(b.CreateOr(c, d));
        case 0x2:
            return b.CreateAnd(b.CreateNot(c), d);
        case 0x3:
            return b.CreateNot(c);
        case 0x4:
            return b.CreateAnd(c, b.CreateNot(d));
        case 0x5:
            return b.CreateNot(d);
        case 0x6:
            return b.CreateXor(c, d);
        case 0x7:
            return b.CreateNot(b.CreateAnd(c, d));
        case 0x8:
            return b.CreateAnd(c, d);
        case 0x9:
            return b.CreateNot(b.CreateXor(c, d));
        case 0xa:
            return d;
        case 0xb:
            return b.CreateOr(b.CreateNot(c), d);
        case 0xc:
            return c;
        case 0xd:
            return b.CreateOr(c, b.CreateNot(d));
        case 0xe:
            return b.CreateOr(c, d);
        default:
            return llvm::ConstantInt::getAllOnesValue(a->getType());
        }
    };
    unsigned low = table & 15, high = table >> 4;
    if (low == high) return of_cd(low);
    if (low == (~high & 15)) return b.CreateXor(a, of_cd(low));
    if (low == 0) return b.CreateAnd(a, of_cd(high));
    if (high == 15) return b.CreateOr(a, of_cd(low));
    if (high == 0) return b.CreateAnd(b.CreateNot(a), of_cd(low));
    if (low == 15) return b.CreateOr(b.CreateNot(a), of_cd(high));
    Value *h = of_cd(high), *l = of_cd(low);
    return b.CreateXor(l, b.CreateAnd(a, b.CreateXor(h, l)));
}

void Emitter::lop3(const Instruction& i) {
    Value *a = get(i.operands.at(1), Type::b32), *c = get(i.operands.at(2), Type::b32), *d = get(i.operands.at(3), Type::b32);
    if (i.operands.at(4).kind != Operand::Kind::immediate) fail_invalid(i, "the look-up table must be an immediate");
    Value* v = lop3_value(a, c, d, static_cast<unsigned>(i.operands[4].bits & 0xff));
    const Operand& target = i.operands[0];
    if (target.kind == Operand::Kind::pair) {
        Value* nonzero = b.CreateICmpNE(v, i32(0));
        if (i.operands.size() > 5) {
            Value* q = get_predicate(i.operands[5]);
            nonzero = i.has(Modifier::or_) ? b.CreateOr(nonzero, q) : b.CreateAnd(nonzero, q);
        }
        set(target.elements.at(0), v, Type::b32);
        set(target.elements.at(1), nonzero, Type::pred);
        return;
    }
    set(target, v, Type::b32);
}

void Emitter::shf(const Instruction& i) {
    Value *low = get(i.operands.at(1), Type::b32), *high = get(i.operands.at(2), Type::b32),
          *amount = get(i.operands.at(3), Type::u32);
    bool left = i.has(Modifier::l);
    if (i.has(Modifier::clamp)) {
        Value* whole = b.CreateICmpUGE(amount, i32(32));
        Value* v = b.CreateIntrinsic(b.getInt32Ty(), left ? llvm::Intrinsic::fshl : llvm::Intrinsic::fshr, {high, low, amount});
        return set(i.operands[0], b.CreateSelect(whole, left ? low : high, v), Type::b32);
    }
    Value* v = b.CreateIntrinsic(b.getInt32Ty(), left ? llvm::Intrinsic::fshl : llvm::Intrinsic::fshr, {high, low, amount});
    set(i.operands[0], v, Type::b32);
}

Value* Emitter::shift_value(Value* a, Value* amount, bool left, bool sign) {
    llvm::Type* t = a->getType();
    unsigned n = t->getIntegerBitWidth();
    if (auto* k = llvm::dyn_cast<llvm::ConstantInt>(amount)) {
        uint64_t by = k->getZExtValue();
        if (by < n) return left ? b.CreateShl(a, by) : sign ? b.CreateAShr(a, by) : b.CreateLShr(a, by);
        return sign && !left ? b.CreateAShr(a, n - 1) : llvm::ConstantInt::get(t, 0);
    }
    if (sign && !left) {
        Value* limited = binary(llvm::Intrinsic::umin, amount, llvm::ConstantInt::get(amount->getType(), n - 1));
        return b.CreateAShr(a, b.CreateZExtOrTrunc(limited, t));
    }
    Value* inside = b.CreateICmpULT(amount, llvm::ConstantInt::get(amount->getType(), n));
    // Masking keeps the unused result defined; x86's variable vector shifts clamp by themselves and LLVM sees through it.
    Value* by = b.CreateAnd(b.CreateZExtOrTrunc(amount, t), llvm::ConstantInt::get(t, n - 1));
    return b.CreateSelect(inside, left ? b.CreateShl(a, by) : b.CreateLShr(a, by), llvm::ConstantInt::get(t, 0));
}

void Emitter::shift(const Instruction& i) {
    Type t = i.type();
    Value *a = get(i.operands.at(1), t), *amount = get(i.operands.at(2), Type::u32);
    set(i.operands[0], shift_value(a, amount, i.opcode == Opcode::shl, ptx::is_signed(t)), t);
}

} // namespace anywarp::simt
