// cvt and cvt.pack.
//
// Float to integer rounds first, then saturates; a NaN gives 0, or, where f64 or a 64-bit integer takes part, the integer with
// only its top bit set. Integer to float and float to float follow the rounding modifier; directed roundings are in
// builtins/rounding.c. The 8-bit and tf32 formats are in builtins/small_floats.c.
//
// Source: PTX ISA 9.0, 9.7.9.21 and 9.7.9.22.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

Value* Emitter::round_to_integral(Value* v, const Instruction& i) {
    if (i.has(Modifier::rni)) return unary(llvm::Intrinsic::roundeven, v);
    if (i.has(Modifier::rzi)) return unary(llvm::Intrinsic::trunc, v);
    if (i.has(Modifier::rmi)) return unary(llvm::Intrinsic::floor, v);
    if (i.has(Modifier::rpi)) return unary(llvm::Intrinsic::ceil, v);
    return v;
}

static bool is_scalar_float(Type t) { return t == Type::f16 || t == Type::bf16 || t == Type::f32 || t == Type::f64; }

Value* Emitter::convert(const Instruction& i, Value* v, Type to, Type from) {
    std::string suffix = rounding_suffix(i);
    llvm::Type *f32 = b.getFloatTy(), *f64 = b.getDoubleTy();

    if (!ptx::is_float(from) && !ptx::is_float(to)) { // integer to integer
        unsigned n = ptx::bits(to), m = ptx::bits(from);
        bool from_sign = ptx::is_signed(from), to_sign = ptx::is_signed(to);
        if (i.has(Modifier::sat)) {
            llvm::Type* t = v->getType();
            if (from_sign) {
                if (!to_sign) v = binary(llvm::Intrinsic::smax, v, llvm::ConstantInt::get(t, 0));
                unsigned value_bits = to_sign ? n - 1 : n;
                if (value_bits < m - 1) {
                    v = binary(llvm::Intrinsic::smin, v, llvm::ConstantInt::get(t, llvm::APInt::getLowBitsSet(m, value_bits)));
                    if (to_sign)
                        v = binary(llvm::Intrinsic::smax, v,
                                   llvm::ConstantInt::get(t, llvm::APInt::getSignedMinValue(n).sext(m)));
                }
            } else {
                unsigned value_bits = to_sign ? n - 1 : n;
                if (value_bits < m)
                    v = binary(llvm::Intrinsic::umin, v, llvm::ConstantInt::get(t, llvm::APInt::getLowBitsSet(m, value_bits)));
            }
        }
        return from_sign ? b.CreateSExtOrTrunc(v, ty(to)) : b.CreateZExtOrTrunc(v, ty(to));
    }

    if (is_scalar_float(from) && !ptx::is_float(to)) { // float to integer
        if (from == Type::f16 || from == Type::bf16) v = half_to_float(v, from);
        if (i.has(Modifier::ftz) && from == Type::f32) v = flush(v);
        Value* rounded = i.has(Modifier::rzi) ? v : round_to_integral(v, i); // the conversion truncates by itself
        unsigned id = ptx::is_signed(to) ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
        Value* r = b.CreateIntrinsic(id, {ty(to), rounded->getType()}, {rounded});
        if (from == Type::f64 || ptx::bits(to) == 64) {
            Value* top = llvm::ConstantInt::get(ty(to), llvm::APInt::getSignMask(ptx::bits(to)));
            r = b.CreateSelect(b.CreateFCmpUNO(v, v), top, r);
        }
        return r;
    }

    if (!ptx::is_float(from)) { // integer to float
        bool sign = ptx::is_signed(from);
        auto nearest = [&](llvm::Type* t) { return sign ? b.CreateSIToFP(v, t) : b.CreateUIToFP(v, t); };
        if (to == Type::f32 || to == Type::f64) {
            unsigned exact_bits = to == Type::f32 ? 24 : 53;
            Value* r;
            if (suffix.empty() || ptx::bits(from) <= exact_bits) {
                r = nearest(ty(to));
            } else {
                Value* wide = sign ? b.CreateSExt(v, b.getInt64Ty()) : b.CreateZExt(v, b.getInt64Ty());
                r = call_builtin(std::string("anywarp_b_") + (sign ? "s64" : "u64") + (to == Type::f32 ? "_to_f32" : "_to_f64") +
                                     suffix,
                                 ty(to), {wide});
            }
            return i.has(Modifier::sat) ? saturate(r) : r;
        }
        // To a half: f32 rounded to odd keeps what the second rounding needs.
        Value* wide = sign ? b.CreateSExt(v, b.getInt64Ty()) : b.CreateZExt(v, b.getInt64Ty());
        v = call_builtin(sign ? "anywarp_b_s64_to_f32_odd" : "anywarp_b_u64_to_f32_odd", f32, {wide});
        from = Type::f32;
    }

    // float to float
    bool narrowing_from_double = from == Type::f64 && to != Type::f64;
    if (from == Type::f16 || from == Type::bf16) v = half_to_float(v, from);
    if (i.has(Modifier::ftz) && from == Type::f32 && to != Type::f16) v = flush(v); // to f16 GPUs keep subnormal sources
    v = round_to_integral(v, i);
    switch (to) {
    case Type::f64:
        if (!v->getType()->isDoubleTy()) v = b.CreateFPExt(v, f64);
        return i.has(Modifier::sat) ? saturate(v) : v;
    case Type::f32:
        if (narrowing_from_double)
            v = suffix.empty() || i.has(Modifier::rni) ? b.CreateFPTrunc(v, f32)
                                                       : call_builtin("anywarp_b_f64_to_f32" + suffix, f32, {v});
        return finish(i, v);
    case Type::f16:
    case Type::bf16: {
        if (narrowing_from_double) v = call_builtin("anywarp_b_f64_to_f32_odd", f32, {v});
        if (i.has(Modifier::sat)) v = saturate(v);
        if (i.has(Modifier::relu))
            v = b.CreateSelect(b.CreateFCmpUGT(v, llvm::ConstantFP::get(f32, 0.0)), v, llvm::ConstantFP::get(f32, 0.0));
        Value* h;
        if (suffix.empty())
            h = float_to_half(v, to);
        else
            h = call_builtin((to == Type::f16 ? "anywarp_b_f32_to_f16" : "anywarp_b_f32_to_bf16") + suffix, b.getInt16Ty(), {v});
        if (i.has(Modifier::satfinite)) {
            // An infinity becomes the largest number, a NaN the canonical one.
            uint16_t largest = to == Type::f16 ? 0x7bff : 0x7f7f, infinity = to == Type::f16 ? 0x7c00 : 0x7f80;
            Value *magnitude = b.CreateAnd(h, b.getInt16(0x7fff)), *sign = b.CreateAnd(h, b.getInt16(0x8000));
            h = b.CreateSelect(b.CreateICmpEQ(magnitude, b.getInt16(infinity)), b.CreateOr(sign, b.getInt16(largest)), h);
            h = b.CreateSelect(b.CreateICmpUGT(magnitude, b.getInt16(infinity)), b.getInt16(0x7fff), h);
        }
        return h;
    }
    case Type::tf32:
        if (i.has(Modifier::relu))
            v = b.CreateSelect(b.CreateFCmpUGT(v, llvm::ConstantFP::get(f32, 0.0)), v, llvm::ConstantFP::get(f32, 0.0));
        v = call_builtin(i.has(Modifier::rna)  ? "anywarp_b_f32_to_tf32_rna"
                         : i.has(Modifier::rz) ? "anywarp_b_f32_to_tf32_rz"
                                               : "anywarp_b_f32_to_tf32",
                         b.getInt32Ty(), {v});
        if (i.has(Modifier::satfinite)) { // an infinity becomes the largest number
            Value *magnitude = b.CreateAnd(v, i32(0x7fffffff)), *sign = b.CreateAnd(v, i32(0x80000000));
            v = b.CreateSelect(b.CreateICmpEQ(magnitude, i32(0x7f800000)), b.CreateOr(sign, i32(0x7f7fe000)), v);
        }
        return v;
    default:
        break;
    }
    fail_unsupported(i);
}

void Emitter::cvt(const Instruction& i) {
    Type to = i.type(0), from = i.type(1);
    const Operand& d = i.operands.at(0);
    llvm::Type *i16 = b.getInt16Ty(), *i32t = b.getInt32Ty();
    auto low = [&](Value* v, llvm::Type* t) { return b.CreateTrunc(v, t); };
    auto high = [&](Value* v, unsigned by, llvm::Type* t) { return b.CreateTrunc(b.CreateLShr(v, by), t); };
    bool relu = i.has(Modifier::relu);
    if (to == Type::f16x2 || to == Type::bf16x2) {
        Type e = element_of(to);
        if (from == Type::f32) { // cvt.rn.f16x2.f32 d, a, b: a goes to the upper half
            Value* upper = convert(i, get(i.operands.at(1), Type::f32), e, Type::f32);
            Value* lower = convert(i, get(i.operands.at(2), Type::f32), e, Type::f32);
            return set(d, b.CreateOr(b.CreateShl(b.CreateZExt(upper, i32t), 16), b.CreateZExt(lower, i32t)), Type::b32);
        }
        if (to == Type::f16x2 && (from == Type::e4m3x2 || from == Type::e5m2x2)) {
            Value* v = get(i.operands.at(1), Type::b16);
            const char* name = from == Type::e4m3x2 ? "anywarp_b_e4m3_to_f32" : "anywarp_b_e5m2_to_f32";
            Value* parts[2];
            for (unsigned k = 0; k < 2; ++k) {
                Value* byte = b.CreateZExt(k ? high(v, 8, b.getInt8Ty()) : low(v, b.getInt8Ty()), i32t);
                Value* f = call_builtin(name, b.getFloatTy(), {byte});
                if (relu)
                    f = b.CreateSelect(b.CreateFCmpUGT(f, llvm::ConstantFP::get(b.getFloatTy(), 0.0)), f,
                                       llvm::ConstantFP::get(b.getFloatTy(), 0.0));
                parts[k] = b.CreateZExt(float_to_half(f, Type::f16), i32t);
            }
            return set(d, b.CreateOr(b.CreateShl(parts[1], 16), parts[0]), Type::b32);
        }
        fail_unsupported(i);
    }
    if (to == Type::e4m3x2 || to == Type::e5m2x2) {
        const char* name = to == Type::e4m3x2 ? "anywarp_b_f32_to_e4m3" : "anywarp_b_f32_to_e5m2";
        Value *upper, *lower;
        if (from == Type::f32) {
            upper = get(i.operands.at(1), Type::f32);
            lower = get(i.operands.at(2), Type::f32);
        } else if (from == Type::f16x2 || from == Type::bf16x2) {
            Value* v = get(i.operands.at(1), Type::b32);
            upper = half_to_float(high(v, 16, i16), element_of(from));
            lower = half_to_float(low(v, i16), element_of(from));
        } else {
            fail_unsupported(i);
        }
        Value* relu_flag = i32(relu);
        Value *u = call_builtin(name, i32t, {upper, relu_flag}), *l = call_builtin(name, i32t, {lower, relu_flag});
        return set(d, b.CreateTrunc(b.CreateOr(b.CreateShl(u, 8), l), i16), Type::b16);
    }
    if (ptx::bits(from) == 0) fail_invalid(i, "two types are needed");
    set(d, convert(i, get(i.operands.at(1), from), to, from), to == Type::tf32 ? Type::b32 : to);
}

void Emitter::cvt_pack(const Instruction& i) {
    // cvt.pack.sat.dtype.atype{.b32} d, a, b{, c}: saturate a and b, put them side by side, above them the low part of c.
    Type to = i.type(0), from = i.type(1);
    unsigned n = ptx::bits(to);
    auto saturated = [&](size_t k) {
        Value* v = get(i.operands.at(k), from);
        bool sign = ptx::is_signed(to);
        llvm::APInt least = sign ? llvm::APInt::getSignedMinValue(n).sext(32) : llvm::APInt(32, 0);
        llvm::APInt most = sign ? llvm::APInt::getSignedMaxValue(n).zext(32) : llvm::APInt::getLowBitsSet(32, n);
        v = binary(llvm::Intrinsic::smin, v, llvm::ConstantInt::get(b.getInt32Ty(), most));
        v = binary(llvm::Intrinsic::smax, v, llvm::ConstantInt::get(b.getInt32Ty(), least));
        return b.CreateAnd(v, i32(llvm::APInt::getLowBitsSet(32, n).getZExtValue()));
    };
    Value* packed = b.CreateOr(b.CreateShl(saturated(1), n), saturated(2));
    if (i.operands.size() > 3 && n < 16) packed = b.CreateOr(packed, b.CreateShl(get(i.operands[3], Type::b32), 2 * n));
    set(i.operands.at(0), packed, Type::b32);
}

} // namespace anywarp::simt
