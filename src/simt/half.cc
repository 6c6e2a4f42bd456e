// Arithmetic in f16 and bf16, and their packed forms.
//
// A half lives as its 16 bits. One operation widens to f32 (exact), computes and rounds back: f32's 24 bits are more than
// twice f16's 11 (bf16's 8) plus two, so rounding twice gives the same as rounding once, for +, - and for f16's *. Where that
// argument doesn't hold - fma, and bf16 products that fall among the subnormals - the value goes through double with its lowest
// bit made sticky (builtins/half.c).
//
// Source: PTX ISA 9.0, 9.7.4.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

Value* Emitter::half_to_float(Value* v, Type type) {
    if (type == Type::bf16) return b.CreateBitCast(b.CreateShl(b.CreateZExt(v, b.getInt32Ty()), 16), b.getFloatTy());
    return b.CreateFPExt(b.CreateBitCast(v, b.getHalfTy()), b.getFloatTy());
}

Value* Emitter::float_to_half(Value* v, Type type) {
    if (type == Type::bf16) return call_builtin("anywarp_b_float_to_bf16", b.getInt16Ty(), {v});
    // PTX's NaN is 0x7fff; the host would keep sign and payload.
    Value* h = b.CreateBitCast(b.CreateFPTrunc(v, b.getHalfTy()), b.getInt16Ty());
    return b.CreateSelect(b.CreateFCmpUNO(v, v), b.getInt16(0x7fff), h);
}

void Emitter::half_binary(const Instruction& i) {
    Type t = i.type();
    Value* v = each_half(i, t, {get(i.operands.at(1), t), get(i.operands.at(2), t)}, [&](auto a, Type e) -> Value* {
        Value *x = half_to_float(a[0], e), *y = half_to_float(a[1], e);
        if (i.has(Modifier::ftz)) {
            x = call_builtin("anywarp_b_flush_f16", b.getFloatTy(), {x});
            y = call_builtin("anywarp_b_flush_f16", b.getFloatTy(), {y});
        }
        if (i.opcode == Opcode::mul && e == Type::bf16) return call_builtin("anywarp_b_mul_bf16", b.getInt16Ty(), {x, y});
        Value* r = i.opcode == Opcode::add   ? b.CreateFAdd(x, y)
                   : i.opcode == Opcode::sub ? b.CreateFSub(x, y)
                                             : b.CreateFMul(x, y);
        if (i.has(Modifier::sat)) r = saturate(r);
        Value* h = float_to_half(r, e);
        if (i.has(Modifier::ftz)) h = call_builtin("anywarp_b_flush_f16_bits", b.getInt16Ty(), {h});
        return h;
    });
    set(i.operands[0], v, t);
}

void Emitter::half_fma(const Instruction& i) {
    Type t = i.type();
    Value* v = each_half(
        i, t, {get(i.operands.at(1), t), get(i.operands.at(2), t), get(i.operands.at(3), t)}, [&](auto a, Type e) -> Value* {
            Value *x = half_to_float(a[0], e), *y = half_to_float(a[1], e), *z = half_to_float(a[2], e);
            bool ftz = i.has(Modifier::ftz);
            if (ftz)
                for (Value** p : {&x, &y, &z}) *p = call_builtin("anywarp_b_flush_f16", b.getFloatTy(), {*p});
            // The rounded-to-odd f32 sum rounds to the right half; clamping it first doesn't change that.
            Value* r = call_builtin(e == Type::bf16 ? "anywarp_b_fma_odd" : "anywarp_b_fma_odd_f16", b.getFloatTy(), {x, y, z});
            if (i.has(Modifier::sat)) r = saturate(r);
            Value* h = float_to_half(r, e);
            if (ftz) h = call_builtin("anywarp_b_flush_f16_bits", b.getInt16Ty(), {h});
            if (i.has(Modifier::relu)) {
                Value* f = half_to_float(h, e);
                // A NaN stays one; everything negative becomes +0.
                h = b.CreateSelect(b.CreateFCmpUGT(f, llvm::ConstantFP::get(b.getFloatTy(), 0.0)), h, b.getInt16(0));
            }
            return h;
        });
    set(i.operands[0], v, t);
}

void Emitter::half_min_max(const Instruction& i) {
    Type t = i.type();
    bool max = i.opcode == Opcode::max, nan = i.has(Modifier::NaN);
    auto pick = [&](Value* h0, Value* h1, Type e) -> Value* {
        Value *x = half_to_float(h0, e), *y = half_to_float(h1, e);
        if (i.has(Modifier::ftz)) {
            x = call_builtin("anywarp_b_flush_f16", b.getFloatTy(), {x});
            y = call_builtin("anywarp_b_flush_f16", b.getFloatTy(), {y});
        }
        Value* sign = nullptr;
        if (i.has(Modifier::xorsign)) {
            sign = b.CreateXor(h0, h1);
            x = unary(llvm::Intrinsic::fabs, x);
            y = unary(llvm::Intrinsic::fabs, y);
        }
        Value* r = float_to_half(float_minmax(x, y, max, false), e);
        Value* both = b.CreateFCmpUNO(x, y);
        if (!nan) both = b.CreateAnd(b.CreateFCmpUNO(x, x), b.CreateFCmpUNO(y, y));
        r = b.CreateSelect(both, b.getInt16(0x7fff), r);
        if (sign) r = b.CreateOr(b.CreateAnd(r, b.getInt16(0x7fff)), b.CreateAnd(sign, b.getInt16(0x8000)));
        return r;
    };
    llvm::SmallVector<Value*> inputs{get(i.operands.at(1), t), get(i.operands.at(2), t)};
    if (i.operands.size() > 3) inputs.push_back(get(i.operands[3], t));
    Value* v = each_half(i, t, inputs, [&](auto a, Type e) -> Value* {
        Value* r = pick(a[0], a[1], e);
        return a.size() > 2 ? pick(r, a[2], e) : r;
    });
    set(i.operands[0], v, t);
}

void Emitter::half_sign(const Instruction& i) {
    Type t = i.type();
    Value* v = each_half(i, t, {get(i.operands.at(1), t)}, [&](auto a, Type e) -> Value* {
        Value* x = a[0];
        if (i.has(Modifier::ftz)) x = call_builtin("anywarp_b_flush_f16_bits", b.getInt16Ty(), {x});
        return i.opcode == Opcode::abs ? b.CreateAnd(x, b.getInt16(0x7fff)) : b.CreateXor(x, b.getInt16(0x8000));
    });
    set(i.operands[0], v, t);
}

} // namespace anywarp::simt
