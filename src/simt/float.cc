// Floating-point arithmetic in f32 and f64.
//
// Round-to-nearest is LLVM's own arithmetic, without any fast-math flag: PTX says itself where it contracts (fma). The directed
// roundings are C functions in builtins/rounding.c that find the exact error of the nearest result and step one unit where it
// lies on the wrong side; nothing ever touches MXCSR. Approximate instructions are either the exactly rounded operation (div,
// rcp, sqrt, rsqrt: cheap in vectors) or polynomials in builtins/approx.c. A NaN result keeps the payload x86 gives it.
//
// Source: PTX ISA 9.0, 9.7.3.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

Value* Emitter::flush(Value* v) {
    // An exponent field of zero: keep the sign only.
    Value* bits = b.CreateBitCast(v, b.getInt32Ty());
    Value* tiny = b.CreateICmpEQ(b.CreateAnd(bits, i32(0x7f800000)), i32(0));
    Value* zero = b.CreateBitCast(b.CreateAnd(bits, i32(0x80000000)), b.getFloatTy());
    return b.CreateSelect(tiny, zero, v);
}

Value* Emitter::saturate(Value* v) {
    llvm::Type* t = v->getType();
    Value *zero = llvm::ConstantFP::get(t, 0.0), *one = llvm::ConstantFP::get(t, 1.0);
    Value* low = b.CreateSelect(b.CreateFCmpOGT(v, zero), v, zero); // NaN and -0 give +0
    return b.CreateSelect(b.CreateFCmpOLT(low, one), low, one);
}

Value* Emitter::finish(const Instruction& i, Value* v) {
    if (i.has(Modifier::ftz) && v->getType()->isFloatTy()) v = flush(v);
    if (i.has(Modifier::sat)) v = saturate(v);
    return v;
}

Value* Emitter::float_input(const Instruction& i, size_t operand, Type type) {
    Value* v = get(i.operands.at(operand), type);
    return i.has(Modifier::ftz) && type == Type::f32 && !llvm::isa<llvm::ConstantFP>(v) ? flush(v) : v;
}

const char* Emitter::rounding_suffix(const Instruction& i) {
    if (i.has(Modifier::rz)) return "_rz";
    if (i.has(Modifier::rm)) return "_rm";
    if (i.has(Modifier::rp)) return "_rp";
    return "";
}

void Emitter::float_binary(const Instruction& i) {
    Type t = i.type();
    std::string suffix = rounding_suffix(i);
    Type source = i.types.size() > 1 ? i.types[1] : t; // add.f32.f16 d, a, c: a alone is narrower
    auto one = [&](Value* x, Value* y) -> Value* {
        const char* name = i.opcode == Opcode::add   ? "add"
                           : i.opcode == Opcode::sub ? "sub"
                           : i.opcode == Opcode::mul ? "mul"
                                                     : "div";
        if (i.has(Modifier::ftz)) {
            if (!llvm::isa<llvm::ConstantFP>(x)) x = flush(x);
            if (!llvm::isa<llvm::ConstantFP>(y)) y = flush(y);
        }
        Value* v;
        if (!suffix.empty()) {
            v = call_builtin(std::string("anywarp_b_") + name + (x->getType()->isFloatTy() ? "_f32" : "_f64") + suffix,
                             x->getType(), {x, y});
        } else if (i.opcode == Opcode::add)
            v = b.CreateFAdd(x, y);
        else if (i.opcode == Opcode::sub)
            v = b.CreateFSub(x, y);
        else if (i.opcode == Opcode::mul)
            v = b.CreateFMul(x, y);
        else
            v = b.CreateFDiv(x, y);
        if (i.opcode == Opcode::div && i.has(Modifier::approx)) {
            // Beyond 2^126 the reciprocal is too small to be a normal number and counts as 0: infinity / b is NaN, all else 0.
            Value* huge = b.CreateFCmpOGT(unary(llvm::Intrinsic::fabs, y), llvm::ConstantFP::get(y->getType(), 0x1p126));
            Value* zero = binary(llvm::Intrinsic::copysign, llvm::ConstantFP::get(y->getType(), 0.0), y);
            v = b.CreateSelect(huge, b.CreateFMul(x, zero), v);
        }
        return finish(i, v);
    };
    if (source != t) {
        Value* x = half_to_float(get(i.operands.at(1), source), source);
        return set(i.operands[0], one(x, get(i.operands.at(2), t)), t);
    }
    Value* v =
        each_half(i, t, {get(i.operands.at(1), t), get(i.operands.at(2), t)}, [&](auto a, Type) { return one(a[0], a[1]); });
    set(i.operands[0], v, t);
}

void Emitter::fma(const Instruction& i) {
    Type t = i.type();
    if (element_of(t) == Type::f16 || element_of(t) == Type::bf16) return half_fma(i);
    std::string suffix = rounding_suffix(i);
    auto one = [&](Value* x, Value* y, Value* z) -> Value* {
        if (i.has(Modifier::ftz))
            for (Value** v : {&x, &y, &z})
                if (!llvm::isa<llvm::ConstantFP>(*v)) *v = flush(*v);
        Value* v = suffix.empty() ? b.CreateIntrinsic(x->getType(), llvm::Intrinsic::fma, {x, y, z})
                                  : call_builtin((x->getType()->isFloatTy() ? "anywarp_b_fma_f32" : "anywarp_b_fma_f64") + suffix,
                                                 x->getType(), {x, y, z});
        return finish(i, v);
    };
    Type source = i.types.size() > 1 ? i.types[1] : t;
    if (source != t) {
        Value *x = half_to_float(get(i.operands.at(1), source), source),
              *y = half_to_float(get(i.operands.at(2), source), source);
        return set(i.operands[0], one(x, y, get(i.operands.at(3), t)), t);
    }
    Value* v = each_half(i, t, {get(i.operands.at(1), t), get(i.operands.at(2), t), get(i.operands.at(3), t)},
                         [&](auto a, Type) { return one(a[0], a[1], a[2]); });
    set(i.operands[0], v, t);
}

/// The upper words of rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64, subnormals flushed: all that these look at, or give.
Value* Emitter::upper_word(Value* v) {
    Value* bits = b.CreateAnd(b.CreateBitCast(v, b.getInt64Ty()), i64(0xffffffff00000000ull));
    Value* tiny = b.CreateICmpEQ(b.CreateAnd(bits, i64(0x7ff0000000000000ull)), i64(0));
    bits = b.CreateSelect(tiny, b.CreateAnd(bits, i64(1ull << 63)), bits);
    bits = b.CreateSelect(b.CreateFCmpUNO(v, v), i64(0x7fffffff00000000ull), bits);
    return b.CreateBitCast(bits, b.getDoubleTy());
}

void Emitter::rcp(const Instruction& i) {
    Type t = i.type();
    if (t == Type::f64 && i.has(Modifier::approx)) {
        Value* a = upper_word(get(i.operands.at(1), t));
        return set(i.operands[0], upper_word(b.CreateFDiv(llvm::ConstantFP::get(a->getType(), 1.0), a)), t);
    }
    Value* a = float_input(i, 1, t);
    Value* one = llvm::ConstantFP::get(a->getType(), 1.0);
    std::string suffix = rounding_suffix(i);
    Value* v;
    if (suffix.empty() || i.has(Modifier::approx))
        v = b.CreateFDiv(one, a);
    else
        v = call_builtin((t == Type::f32 ? "anywarp_b_div_f32" : "anywarp_b_div_f64") + suffix, a->getType(), {one, a});
    set(i.operands[0], finish(i, v), t);
}

void Emitter::sqrt(const Instruction& i) {
    Type t = i.type();
    Value* a = float_input(i, 1, t);
    std::string suffix = rounding_suffix(i);
    Value* v;
    if (suffix.empty() || i.has(Modifier::approx))
        v = unary(llvm::Intrinsic::sqrt, a);
    else
        v = call_builtin((t == Type::f32 ? "anywarp_b_sqrt_f32" : "anywarp_b_sqrt_f64") + suffix, a->getType(), {a});
    set(i.operands[0], finish(i, v), t);
}

void Emitter::rsqrt(const Instruction& i) {
    Type t = i.type();
    bool gross = t == Type::f64 && i.has(Modifier::ftz);
    Value* a = gross ? upper_word(get(i.operands.at(1), t)) : float_input(i, 1, t);
    Value* v = b.CreateFDiv(llvm::ConstantFP::get(a->getType(), 1.0), unary(llvm::Intrinsic::sqrt, a));
    set(i.operands[0], gross ? upper_word(v) : finish(i, v), t);
}

void Emitter::transcendental(const Instruction& i) {
    Type t = i.type();
    const char* name = i.opcode == Opcode::sin   ? "anywarp_b_sin"
                       : i.opcode == Opcode::cos ? "anywarp_b_cos"
                       : i.opcode == Opcode::lg2 ? "anywarp_b_lg2"
                       : i.opcode == Opcode::ex2 ? "anywarp_b_ex2"
                                                 : "anywarp_b_tanh";
    Value* v = each_half(i, t, {get(i.operands.at(1), t)}, [&](auto a, Type e) -> Value* {
        bool half = e != Type::f32;
        Value* x = half ? half_to_float(a[0], e) : a[0];
        if (i.has(Modifier::ftz)) x = flush(x);
        Value* r = call_builtin(name, b.getFloatTy(), {x});
        if (i.has(Modifier::ftz) && !half) r = flush(r);
        return half ? float_to_half(r, e) : r;
    });
    set(i.operands[0], v, t);
}

void Emitter::float_sign(const Instruction& i) {
    Type t = i.type();
    Value* a = float_input(i, 1, t);
    set(i.operands[0], i.opcode == Opcode::abs ? unary(llvm::Intrinsic::fabs, a) : b.CreateFNeg(a), t);
}

void Emitter::copysign(const Instruction& i) {
    Type t = i.type();
    // copysign.f32 d, a, b: the sign of a, the magnitude of b.
    Value *sign = get(i.operands.at(1), t), *magnitude = get(i.operands.at(2), t);
    set(i.operands[0], binary(llvm::Intrinsic::copysign, magnitude, sign), t);
}

void Emitter::testp(const Instruction& i) {
    Type t = i.type();
    unsigned n = ptx::bits(t);
    llvm::Type* bits_type = b.getIntNTy(n);
    uint64_t infinity = n == 32 ? 0x7f800000ull : 0x7ff0000000000000ull, least = n == 32 ? 0x00800000ull : 0x0010000000000000ull;
    Value* magnitude = b.CreateAnd(b.CreateBitCast(get(i.operands.at(1), t), bits_type),
                                   llvm::ConstantInt::get(bits_type, n == 32 ? 0x7fffffffull : 0x7fffffffffffffffull));
    Value *inf = llvm::ConstantInt::get(bits_type, infinity), *min = llvm::ConstantInt::get(bits_type, least);
    Value* v;
    if (i.has(Modifier::finite))
        v = b.CreateICmpULT(magnitude, inf);
    else if (i.has(Modifier::infinite))
        v = b.CreateICmpEQ(magnitude, inf);
    else if (i.has(Modifier::number))
        v = b.CreateICmpULE(magnitude, inf);
    else if (i.has(Modifier::notanumber))
        v = b.CreateICmpUGT(magnitude, inf);
    else if (i.has(Modifier::normal))
        v = b.CreateOr(b.CreateAnd(b.CreateICmpULT(magnitude, inf), b.CreateICmpUGE(magnitude, min)),
                       b.CreateICmpEQ(magnitude, llvm::ConstantInt::get(bits_type, 0))); // zeros count as normal
    else
        v = b.CreateAnd(b.CreateICmpULT(magnitude, min), b.CreateICmpNE(magnitude, llvm::ConstantInt::get(bits_type, 0)));
    set(i.operands[0], v, Type::pred);
}

Value* Emitter::float_minmax(Value* a, Value* c, bool max, bool nan) {
    if (llvm::isa<llvm::ConstantFP>(a)) std::swap(a, c);
    Value* v;
    if (auto* k = llvm::dyn_cast<llvm::ConstantFP>(c); k && !k->isNaN()) {
        // One comparison: a NaN in `a` picks the constant, and equal zeros pick as -0 < +0 wants it.
        bool negative = k->isNegative();
        Value* pick = max ? (negative ? b.CreateFCmpOGE(a, c) : b.CreateFCmpOGT(a, c))
                          : (negative ? b.CreateFCmpOLT(a, c) : b.CreateFCmpOLE(a, c));
        v = b.CreateSelect(pick, a, c);
        if (nan)
            v = b.CreateSelect(b.CreateFCmpUNO(a, a),
                               constant(a->getType()->isFloatTy() ? Type::f32 : Type::f64,
                                        a->getType()->isFloatTy() ? 0x7fffffffu : 0x7fffffffffffffffull),
                               v);
        return v;
    }
    llvm::Type* t = a->getType();
    llvm::Type* bits_type = b.getIntNTy(t->getScalarSizeInBits());
    // c where a is NaN (the comparison fails), a where c is; equal values differ only as zeros: or / and of their bits.
    v = b.CreateSelect(max ? b.CreateFCmpOGT(a, c) : b.CreateFCmpOLT(a, c), a, c);
    Value *abits = b.CreateBitCast(a, bits_type), *cbits = b.CreateBitCast(c, bits_type);
    Value* same = b.CreateBitCast(max ? b.CreateAnd(abits, cbits) : b.CreateOr(abits, cbits), t);
    v = b.CreateSelect(b.CreateFCmpOEQ(a, c), same, v);
    if (nan)
        return b.CreateSelect(
            b.CreateFCmpUNO(a, c),
            constant(t->isFloatTy() ? Type::f32 : Type::f64, t->isFloatTy() ? 0x7fffffffu : 0x7fffffffffffffffull), v);
    return b.CreateSelect(b.CreateFCmpUNO(c, c), a, v);
}

void Emitter::float_min_max(const Instruction& i) {
    Type t = i.type();
    bool max = i.opcode == Opcode::max, nan = i.has(Modifier::NaN);
    Value *a = float_input(i, 1, t), *c = float_input(i, 2, t);
    if (i.has(Modifier::xorsign)) {
        llvm::Type* bits_type = b.getIntNTy(ptx::bits(t));
        Value* sign = b.CreateBitCast(b.CreateXor(b.CreateBitCast(a, bits_type), b.CreateBitCast(c, bits_type)), ty(t));
        Value* v = float_minmax(unary(llvm::Intrinsic::fabs, a), unary(llvm::Intrinsic::fabs, c), max, nan);
        return set(i.operands[0], binary(llvm::Intrinsic::copysign, v, sign), t);
    }
    if (i.has(Modifier::abs)) { // three-input form with .abs
        a = unary(llvm::Intrinsic::fabs, a);
        c = unary(llvm::Intrinsic::fabs, c);
    }
    Value* v = float_minmax(a, c, max, nan);
    if (i.operands.size() > 3) {
        Value* d = float_input(i, 3, t);
        if (i.has(Modifier::abs)) d = unary(llvm::Intrinsic::fabs, d);
        v = float_minmax(v, d, max, nan);
    }
    set(i.operands[0], v, t);
}

} // namespace anywarp::simt
