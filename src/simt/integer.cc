// Integer arithmetic, and the entries of add, sub, mul ... that floats and integers share.
//
// Division never traps: x/0 gives all ones and x%0 gives x, INT_MIN/-1 gives INT_MIN, which is what NVIDIA's code sequence
// yields. 32-bit division goes through double: no x86 has a vector integer division, and the quotient of two 32-bit integers
// is exact there (see guarded_division). Packed .u16x2/.s16x2 forms work on each half.
//
// Source: PTX ISA 9.0, 9.7.1 and 9.7.2.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

Type Emitter::element_of(Type type) {
    switch (type) {
    case Type::f16x2:
        return Type::f16;
    case Type::bf16x2:
        return Type::bf16;
    case Type::f32x2:
        return Type::f32;
    case Type::u16x2:
        return Type::u16;
    case Type::s16x2:
        return Type::s16;
    default:
        return type;
    }
}

/// Applies `f` to the element(s) of a possibly packed operation and puts the results together again.
Value* Emitter::each_half(const Instruction& i, Type type, llvm::ArrayRef<Value*> operands,
                          llvm::function_ref<Value*(llvm::ArrayRef<Value*>, Type)> f) {
    Type element = element_of(type);
    if (element == type) return f(operands, type);
    unsigned bits = ptx::bits(element);
    llvm::Type* whole_type = b.getIntNTy(2 * bits);
    Value* whole = nullptr;
    for (unsigned k = 0; k < 2; ++k) {
        llvm::SmallVector<Value*> parts;
        for (Value* v : operands) {
            Value* part = b.CreateTrunc(k ? b.CreateLShr(v, bits) : v, b.getIntNTy(bits));
            parts.push_back(b.CreateBitCast(part, ty(element)));
        }
        Value* r = b.CreateZExt(b.CreateBitCast(f(parts, element), b.getIntNTy(bits)), whole_type);
        whole = k ? b.CreateOr(whole, b.CreateShl(r, bits)) : r;
    }
    return whole;
}

static bool is_half(Type t) { return t == Type::f16 || t == Type::bf16 || t == Type::f16x2 || t == Type::bf16x2; }
static bool is_single_or_double(Type t) { return t == Type::f32 || t == Type::f64 || t == Type::f32x2; }

void Emitter::add(const Instruction& i) {
    Type t = i.type();
    if (is_half(t)) return half_binary(i);
    if (is_single_or_double(t)) return float_binary(i);
    if (i.has(Modifier::cc)) return carry(i);
    Value* v = each_half(i, t, {get(i.operands.at(1), t), get(i.operands.at(2), t)}, [&](auto a, Type) {
        return i.has(Modifier::sat) ? binary(llvm::Intrinsic::sadd_sat, a[0], a[1]) : b.CreateAdd(a[0], a[1]);
    });
    set(i.operands[0], v, t);
}

void Emitter::sub(const Instruction& i) {
    Type t = i.type();
    if (is_half(t)) return half_binary(i);
    if (is_single_or_double(t)) return float_binary(i);
    if (i.has(Modifier::cc)) return carry(i);
    Value* v = each_half(i, t, {get(i.operands.at(1), t), get(i.operands.at(2), t)}, [&](auto a, Type) {
        return i.has(Modifier::sat) ? binary(llvm::Intrinsic::ssub_sat, a[0], a[1]) : b.CreateSub(a[0], a[1]);
    });
    set(i.operands[0], v, t);
}

static Type widened(Type t) {
    switch (t) {
    case Type::u16:
        return Type::u32;
    case Type::s16:
        return Type::s32;
    case Type::u32:
        return Type::u64;
    case Type::s32:
        return Type::s64;
    case Type::u64:
    case Type::s64:
        return Type::b128;
    default:
        return Type::none;
    }
}

void Emitter::mul(const Instruction& i) {
    Type t = i.type();
    if (is_half(t)) return half_binary(i);
    if (is_single_or_double(t)) return float_binary(i);
    bool sign = ptx::is_signed(t);
    Value *a = get(i.operands.at(1), t), *c = get(i.operands.at(2), t);
    if (!i.has(Modifier::wide) && !i.has(Modifier::hi)) return set(i.operands[0], b.CreateMul(a, c), t);
    unsigned n = ptx::bits(t);
    llvm::Type* wide = b.getIntNTy(2 * n);
    // The product of two n-bit numbers fits 2n bits, so the flags hold; they help the widening to see no wrap.
    Value* product = sign ? b.CreateMul(b.CreateSExt(a, wide), b.CreateSExt(c, wide))
                          : b.CreateMul(b.CreateZExt(a, wide), b.CreateZExt(c, wide), "", true, false);
    if (i.has(Modifier::wide)) return set(i.operands[0], product, widened(t));
    set(i.operands[0], b.CreateTrunc(b.CreateLShr(product, n), b.getIntNTy(n)), t);
}

void Emitter::mad(const Instruction& i) {
    Type t = i.type();
    if (ptx::is_float(t)) return fma(i);
    if (i.has(Modifier::cc)) return mad_carry(i);
    bool sign = ptx::is_signed(t);
    unsigned n = ptx::bits(t);
    Value *a = get(i.operands.at(1), t), *c = get(i.operands.at(2), t);
    if (i.has(Modifier::wide)) {
        Type w = widened(t);
        llvm::Type* wide = b.getIntNTy(2 * n);
        Value* product = sign ? b.CreateMul(b.CreateSExt(a, wide), b.CreateSExt(c, wide))
                              : b.CreateMul(b.CreateZExt(a, wide), b.CreateZExt(c, wide), "", true, false);
        return set(i.operands[0], b.CreateAdd(product, get(i.operands.at(3), w)), w);
    }
    Value* product;
    if (i.has(Modifier::hi)) {
        llvm::Type* wide = b.getIntNTy(2 * n);
        product = sign ? b.CreateMul(b.CreateSExt(a, wide), b.CreateSExt(c, wide))
                       : b.CreateMul(b.CreateZExt(a, wide), b.CreateZExt(c, wide), "", true, false);
        product = b.CreateTrunc(b.CreateLShr(product, n), b.getIntNTy(n));
    } else {
        product = b.CreateMul(a, c);
    }
    Value* d = get(i.operands.at(3), t);
    set(i.operands[0], i.has(Modifier::sat) ? binary(llvm::Intrinsic::sadd_sat, product, d) : b.CreateAdd(product, d), t);
}

static Value* low24(llvm::IRBuilder<>& b, Value* v, bool sign) {
    return sign ? b.CreateAShr(b.CreateShl(v, 8), 8) : b.CreateAnd(v, b.getInt32(0xffffff));
}

void Emitter::mul24(const Instruction& i) {
    Type t = i.type();
    bool sign = ptx::is_signed(t);
    Value *a = low24(b, get(i.operands.at(1), t), sign), *c = low24(b, get(i.operands.at(2), t), sign);
    if (!i.has(Modifier::hi)) return set(i.operands[0], b.CreateMul(a, c), t);
    llvm::Type* wide = b.getInt64Ty();
    Value* product = sign ? b.CreateMul(b.CreateSExt(a, wide), b.CreateSExt(c, wide))
                          : b.CreateMul(b.CreateZExt(a, wide), b.CreateZExt(c, wide));
    set(i.operands[0], b.CreateTrunc(b.CreateLShr(product, 16), b.getInt32Ty()), t); // bits 47..16 of the 48-bit product
}

void Emitter::mad24(const Instruction& i) {
    Type t = i.type();
    bool sign = ptx::is_signed(t);
    Value *a = low24(b, get(i.operands.at(1), t), sign), *c = low24(b, get(i.operands.at(2), t), sign);
    Value* product;
    if (i.has(Modifier::hi)) {
        llvm::Type* wide = b.getInt64Ty();
        product = sign ? b.CreateMul(b.CreateSExt(a, wide), b.CreateSExt(c, wide))
                       : b.CreateMul(b.CreateZExt(a, wide), b.CreateZExt(c, wide));
        product = b.CreateTrunc(b.CreateLShr(product, 16), b.getInt32Ty());
    } else {
        product = b.CreateMul(a, c);
    }
    Value* d = get(i.operands.at(3), t);
    set(i.operands[0], i.has(Modifier::sat) ? binary(llvm::Intrinsic::sadd_sat, product, d) : b.CreateAdd(product, d), t);
}

void Emitter::sad(const Instruction& i) {
    Type t = i.type();
    Value *a = get(i.operands.at(1), t), *c = get(i.operands.at(2), t);
    Value* less = ptx::is_signed(t) ? b.CreateICmpSLT(a, c) : b.CreateICmpULT(a, c);
    Value* difference = b.CreateSelect(less, b.CreateSub(c, a), b.CreateSub(a, c));
    set(i.operands[0], b.CreateAdd(get(i.operands.at(3), t), difference), t);
}

Value* Emitter::guarded_division(Value* a, Value* c, bool sign, bool remainder) {
    llvm::Type* t = a->getType();
    unsigned n = t->getIntegerBitWidth();
    Value* zero = llvm::ConstantInt::get(t, 0);
    Value* ones = llvm::ConstantInt::getAllOnesValue(t);
    if (auto* k = llvm::dyn_cast<llvm::ConstantInt>(c); k && !k->isZero() && !(sign && k->isMinusOne())) {
        if (remainder) return sign ? b.CreateSRem(a, c) : b.CreateURem(a, c);
        return sign ? b.CreateSDiv(a, c) : b.CreateUDiv(a, c); // LLVM makes multiplications of it, in vectors too
    }
    Value* by_zero = b.CreateICmpEQ(c, zero);
    Value* divisor = b.CreateSelect(by_zero, llvm::ConstantInt::get(t, 1), c);
    if (sign) {
        // INT_MIN / -1: dividing INT_MIN by 1 instead gives the wrapped quotient, and nothing overflows on the way.
        Value* overflow =
            b.CreateAnd(b.CreateICmpEQ(a, llvm::ConstantInt::get(t, llvm::APInt::getSignedMinValue(n))), b.CreateICmpEQ(c, ones));
        divisor = b.CreateSelect(overflow, llvm::ConstantInt::get(t, 1), divisor);
    }
    Value* quotient;
    if (n <= 32) {
        // Through double. Let a = q*c + r with 0 <= r < c < 2^32, all below 2^32. The exact quotient a/c lies at least 1/c >
        // 2^-32 below the next integer unless it is an integer, in which case the division is exact. Below 2^32 a double's
        // spacing is at most 2^-21, so rounding could reach q+1 only if q+1 - a/c = (c-r)/c <= 2^-53 * (a/c), that is c-r <=
        // 2^-53 * a < 2^-21, but c-r >= 1. So truncation gives q. Signed operands: the same for magnitudes.
        llvm::Type* f64 = b.getDoubleTy();
        if (sign) {
            Value* q = b.CreateFDiv(b.CreateSIToFP(a, f64), b.CreateSIToFP(divisor, f64));
            quotient = b.CreateFPToSI(q, t);
        } else {
            Value* q = b.CreateFDiv(b.CreateUIToFP(a, f64), b.CreateUIToFP(divisor, f64));
            quotient = b.CreateFPToUI(q, t);
        }
    } else if (sign) {
        quotient = b.CreateSDiv(a, divisor);
    } else {
        quotient = b.CreateUDiv(a, divisor);
    }
    if (remainder) return b.CreateSelect(by_zero, a, b.CreateSub(a, b.CreateMul(quotient, c)));
    return b.CreateSelect(by_zero, ones, quotient);
}

void Emitter::div(const Instruction& i) {
    Type t = i.type();
    if (ptx::is_float(t)) return float_binary(i);
    set(i.operands[0], guarded_division(get(i.operands.at(1), t), get(i.operands.at(2), t), ptx::is_signed(t), false), t);
}

void Emitter::rem(const Instruction& i) {
    Type t = i.type();
    set(i.operands[0], guarded_division(get(i.operands.at(1), t), get(i.operands.at(2), t), ptx::is_signed(t), true), t);
}

void Emitter::abs(const Instruction& i) {
    Type t = i.type();
    if (is_half(t)) return half_sign(i);
    if (ptx::is_float(t)) return float_sign(i);
    Value* a = get(i.operands.at(1), t);
    set(i.operands[0], b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, a, b.getFalse()), t);
}

void Emitter::neg(const Instruction& i) {
    Type t = i.type();
    if (is_half(t)) return half_sign(i);
    if (ptx::is_float(t)) return float_sign(i);
    set(i.operands[0], b.CreateNeg(get(i.operands.at(1), t)), t);
}

void Emitter::min_max(const Instruction& i) {
    Type t = i.type();
    if (is_half(t)) return half_min_max(i);
    if (ptx::is_float(t)) return float_min_max(i);
    bool max = i.opcode == Opcode::max;
    Value* v = each_half(i, t, {get(i.operands.at(1), t), get(i.operands.at(2), t)}, [&](auto a, Type e) -> Value* {
        unsigned id = ptx::is_signed(e) ? (max ? llvm::Intrinsic::smax : llvm::Intrinsic::smin)
                                        : (max ? llvm::Intrinsic::umax : llvm::Intrinsic::umin);
        Value* r = binary(id, a[0], a[1]);
        return i.has(Modifier::relu) ? binary(llvm::Intrinsic::smax, r, llvm::ConstantInt::get(r->getType(), 0)) : r;
    });
    set(i.operands[0], v, t);
}

// --- extended precision: CC.CF is one more register ----------------------------------------------------------------------

void Emitter::carry(const Instruction& i) {
    Type t = i.type();
    llvm::Type* type = ty(t);
    bool add = i.opcode == Opcode::add || i.opcode == Opcode::addc;
    bool takes = i.opcode == Opcode::addc || i.opcode == Opcode::subc;
    llvm::Type* wide = b.getIntNTy(type->getIntegerBitWidth() * 2);
    Value *a = b.CreateZExt(get(i.operands.at(1), t), wide), *c = b.CreateZExt(get(i.operands.at(2), t), wide);
    if (!carry_flag) {
        llvm::IRBuilder<> at_entry(entry, entry->begin());
        carry_flag = at_entry.CreateAlloca(b.getInt1Ty());
    }
    Value* r = add ? b.CreateAdd(a, c) : b.CreateSub(a, c);
    // GPUs subtract by adding the complement: after a subtraction the flag is set where nothing was borrowed, and subc borrows
    // where it is clear. Chains of one kind can't tell; programs that mix add.cc with subc, or sub.cc with addc, can.
    if (takes) {
        Value* flag = b.CreateLoad(b.getInt1Ty(), carry_flag);
        r = add ? b.CreateAdd(r, b.CreateZExt(flag, wide)) : b.CreateSub(r, b.CreateZExt(b.CreateNot(flag), wide));
    }
    if (i.has(Modifier::cc)) {
        Value* out = b.CreateTrunc(b.CreateLShr(r, type->getIntegerBitWidth()), b.getInt1Ty());
        if (!add) out = b.CreateNot(out);
        if (guard) out = b.CreateSelect(guard, out, b.CreateLoad(b.getInt1Ty(), carry_flag));
        b.CreateStore(out, carry_flag);
    }
    set(i.operands[0], b.CreateTrunc(r, type), t);
}

void Emitter::mad_carry(const Instruction& i) {
    Type t = i.type();
    llvm::Type* type = ty(t);
    unsigned n = type->getIntegerBitWidth();
    llvm::Type* wide = b.getIntNTy(2 * n);
    bool sign = ptx::is_signed(t);
    Value *a = get(i.operands.at(1), t), *c = get(i.operands.at(2), t);
    Value* product = sign ? b.CreateMul(b.CreateSExt(a, wide), b.CreateSExt(c, wide))
                          : b.CreateMul(b.CreateZExt(a, wide), b.CreateZExt(c, wide));
    Value* part = i.has(Modifier::hi) ? b.CreateLShr(product, n) : product;
    part = b.CreateZExt(b.CreateTrunc(part, type), wide);
    if (!carry_flag) {
        llvm::IRBuilder<> at_entry(entry, entry->begin());
        carry_flag = at_entry.CreateAlloca(b.getInt1Ty());
    }
    Value* r = b.CreateAdd(part, b.CreateZExt(get(i.operands.at(3), t), wide));
    if (i.opcode == Opcode::madc) r = b.CreateAdd(r, b.CreateZExt(b.CreateLoad(b.getInt1Ty(), carry_flag), wide));
    if (i.has(Modifier::cc)) {
        Value* out = b.CreateTrunc(b.CreateLShr(r, n), b.getInt1Ty());
        if (guard) out = b.CreateSelect(guard, out, b.CreateLoad(b.getInt1Ty(), carry_flag));
        b.CreateStore(out, carry_flag);
    }
    set(i.operands[0], b.CreateTrunc(r, type), t);
}

} // namespace anywarp::simt
