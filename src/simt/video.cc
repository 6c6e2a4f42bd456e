// Video instructions: scalar (vadd ...), two 16-bit (vadd2 ...) and four 8-bit parts (vadd4 ...) of one 32-bit register.
//
// The SIMD forms are lowered part by part in i32 arithmetic, which is wide enough for every intermediate result; LLVM finds the
// packed instructions of the host where the parts are in their places. The scalar forms pick a byte or half of each operand
// (a.b0, b.h1) and work in i64. Selectors of one part are the operand's component, those of several its `parts`.
//
// Source: PTX ISA 9.0, 9.7.18.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {
namespace {

enum class Operation { add, sub, average, difference, minimum, maximum, set, shift_left, shift_right, mad };

struct Form {
    Operation operation;
    unsigned parts;
};

Form form_of(Opcode opcode) {
    using enum Operation;
    switch (opcode) {
    case Opcode::vadd:
        return {add, 1};
    case Opcode::vsub:
        return {sub, 1};
    case Opcode::vabsdiff:
        return {difference, 1};
    case Opcode::vmin:
        return {minimum, 1};
    case Opcode::vmax:
        return {maximum, 1};
    case Opcode::vshl:
        return {shift_left, 1};
    case Opcode::vshr:
        return {shift_right, 1};
    case Opcode::vset:
        return {set, 1};
    case Opcode::vadd2:
        return {add, 2};
    case Opcode::vsub2:
        return {sub, 2};
    case Opcode::vavrg2:
        return {average, 2};
    case Opcode::vabsdiff2:
        return {difference, 2};
    case Opcode::vmin2:
        return {minimum, 2};
    case Opcode::vmax2:
        return {maximum, 2};
    case Opcode::vset2:
        return {set, 2};
    case Opcode::vadd4:
        return {add, 4};
    case Opcode::vsub4:
        return {sub, 4};
    case Opcode::vavrg4:
        return {average, 4};
    case Opcode::vabsdiff4:
        return {difference, 4};
    case Opcode::vmin4:
        return {minimum, 4};
    case Opcode::vmax4:
        return {maximum, 4};
    case Opcode::vset4:
        return {set, 4};
    default:
        return {mad, 1};
    }
}

Operand whole(Operand o) {
    o.component = -1;
    o.parts = 0;
    return o;
}

Modifier comparison_of(const Instruction& i) {
    for (Modifier m : i.modifiers)
        if (m >= Modifier::eq && m <= Modifier::ge) return m;
    return Modifier::eq;
}

struct Part {
    unsigned at = 0, width = 32;
};
Part part_of(const Operand& o) {
    if (o.component >= 8) return {unsigned(o.component - 8) * 16, 16};
    if (o.component >= 4) return {unsigned(o.component - 4) * 8, 8};
    return {};
}

} // namespace

Value* Emitter::video_value(const Instruction& i, Value* x, Value* y) {
    llvm::Type* t = x->getType(); // wide enough for every sum, signed and unsigned
    switch (form_of(i.opcode).operation) {
    case Operation::add:
        return b.CreateAdd(x, y);
    case Operation::sub:
        return b.CreateSub(x, y);
    case Operation::average: { // halves go up only where the sum isn't negative
        Value* sum = b.CreateAdd(x, y);
        Value* up = b.CreateZExt(b.CreateICmpSGE(sum, llvm::ConstantInt::get(t, 0)), t);
        return b.CreateAShr(b.CreateAdd(sum, up), 1);
    }
    case Operation::difference:
        return b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, b.CreateSub(x, y), b.getFalse());
    case Operation::minimum:
        return binary(llvm::Intrinsic::smin, x, y);
    case Operation::maximum:
        return binary(llvm::Intrinsic::smax, x, y);
    case Operation::shift_left:
    case Operation::shift_right: {
        Value* amount = i.has(Modifier::wrap) ? b.CreateAnd(y, llvm::ConstantInt::get(t, 31))
                                              : binary(llvm::Intrinsic::umin, y, llvm::ConstantInt::get(t, 32));
        if (i.opcode == Opcode::vshr) return b.CreateAShr(x, amount);
        llvm::Type* wider = b.getIntNTy(128); // 2^32 - 1 by 32 doesn't fit a signed i64
        return b.CreateShl(b.CreateSExt(x, wider), b.CreateZExt(amount, wider));
    }
    default: // the parts are exact signed numbers here, whatever their type
        return b.CreateZExt(compare(i, x, y, Type::s64, comparison_of(i)), t);
    }
}

Value* Emitter::clamp_part(Value* v, bool sign, unsigned bits) {
    llvm::Type* t = v->getType();
    Value* most = llvm::ConstantInt::get(t, (1ull << (sign ? bits - 1 : bits)) - 1);
    Value* least = llvm::ConstantInt::get(t, sign ? ~0ull << (bits - 1) : 0, true);
    return binary(llvm::Intrinsic::smax, binary(llvm::Intrinsic::smin, v, most), least);
}

void Emitter::video_scalar(const Instruction& i) {
    const auto& o = i.operands;
    bool is_set = i.opcode == Opcode::vset, is_mad = i.opcode == Opcode::vmad;
    Type dt = is_set ? Type::u32 : i.type(0), at = i.type(is_set ? 0 : 1), ct = i.type(is_set ? 1 : 2);
    llvm::Type* wide = b.getInt64Ty();
    auto operand = [&](const Operand& source, Type type) {
        Part part = part_of(source);
        Operand plain = whole(source);
        plain.minus = false;
        Value* v = b.CreateLShr(get(plain, Type::b32), part.at);
        if (part.width < 32) v = b.CreateTrunc(v, b.getIntNTy(part.width));
        return ptx::is_signed(type) ? b.CreateSExt(v, wide) : b.CreateZExt(v, wide);
    };
    Value *x = operand(o.at(1), at), *y = operand(o.at(2), ct);
    if (is_mad) {
        bool negate_product = o[1].minus != o[2].minus, negate_c = o.at(3).minus;
        bool sign = ptx::is_signed(at) || ptx::is_signed(ct) || negate_product || negate_c;
        // u32 * u32 + u32 + 1 still fits 64 bits; signed ones need one more for -(u32 * u32).
        llvm::Type* t = b.getIntNTy(128);
        x = ptx::is_signed(at) ? b.CreateSExt(x, t) : b.CreateZExt(x, t);
        y = ptx::is_signed(ct) ? b.CreateSExt(y, t) : b.CreateZExt(y, t);
        Value* product = b.CreateMul(x, y);
        Operand plain = whole(o[3]);
        plain.minus = false;
        Value* c = get(plain, Type::b32);
        unsigned lowest = 0;
        if (i.has(Modifier::po)) lowest = 1;
        else if (negate_product) product = b.CreateNeg(product);
        else if (negate_c) c = b.CreateNot(c), lowest = 1;
        Value* r = b.CreateAdd(product, sign ? b.CreateSExt(c, t) : b.CreateZExt(c, t));
        if (lowest) r = b.CreateAdd(r, llvm::ConstantInt::get(t, 1));
        unsigned scale = i.has(Modifier::shr7) ? 7 : i.has(Modifier::shr15) ? 15 : 0;
        if (scale) r = b.CreateAShr(r, scale);
        if (i.has(Modifier::sat)) r = clamp_part(r, sign, 32);
        return set(whole(o[0]), b.CreateTrunc(r, b.getInt32Ty()), Type::b32);
    }
    Value* r = video_value(i, x, y);
    Part d = part_of(o[0]);
    if (i.has(Modifier::sat)) r = clamp_part(r, ptx::is_signed(dt), d.width);
    Value* v = b.CreateTrunc(r, b.getInt32Ty());
    if (o.size() > 3) {
        Value* c = get(whole(o[3]), Type::b32);
        bool sign = ptx::is_signed(dt);
        if (d.width < 32) { // merge into c
            uint32_t mask = ((1u << d.width) - 1) << d.at;
            v = b.CreateOr(b.CreateAnd(c, i32(~mask)), b.CreateAnd(b.CreateShl(v, d.at), i32(mask)));
        } else if (i.has(Modifier::add)) {
            v = b.CreateAdd(v, c);
        } else if (i.has(Modifier::min)) {
            v = binary(sign ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, v, c);
        } else {
            v = binary(sign ? llvm::Intrinsic::smax : llvm::Intrinsic::umax, v, c);
        }
    }
    set(whole(o[0]), v, Type::b32);
}

void Emitter::video(const Instruction& i) {
    auto [operation, count] = form_of(i.opcode);
    if (count == 1) return video_scalar(i);
    const auto& o = i.operands;
    bool is_set = operation == Operation::set, accumulates = i.has(Modifier::add);
    Type dt = is_set ? Type::u32 : i.type(0), at = i.type(is_set ? 0 : 1), ct = i.type(is_set ? 1 : 2);
    unsigned n = 32 / count;
    Value *a = get(whole(o.at(1)), Type::b32), *c = get(whole(o.at(2)), Type::b32), *d = get(whole(o.at(3)), Type::b32);
    auto element = [&](const Operand& from, unsigned first, unsigned k, bool sign) {
        unsigned part = from.parts ? (from.parts >> (4 * k) & 15) - 1 : first + k; // of a and behind it b
        Value* v = part < count ? a : c;
        Value* top = b.CreateShl(v, 32 - n - n * (part % count));
        return sign ? b.CreateAShr(top, 32 - n) : b.CreateLShr(top, 32 - n);
    };
    auto is_masked = [&](unsigned k) {
        if (o[0].component < 0) return true;
        if (!o[0].parts) return unsigned(o[0].component) - (o[0].component >= 8 ? 8 : 4) == k;
        for (unsigned digits = o[0].parts; digits; digits >>= 4)
            if ((digits & 15) - 1 == k) return true;
        return false;
    };
    Value *packed = i32(0), *sum = d;
    for (unsigned k = 0; k < count; ++k) {
        uint32_t mask = ((1u << n) - 1) << (n * k);
        if (!is_masked(k)) {
            packed = b.CreateOr(packed, b.CreateAnd(d, i32(mask)));
            continue;
        }
        Value* r = video_value(i, element(o[1], 0, k, ptx::is_signed(at)), element(o[2], count, k, ptx::is_signed(ct)));
        if (i.has(Modifier::sat)) r = clamp_part(r, ptx::is_signed(dt), n);
        if (accumulates) sum = b.CreateAdd(sum, r);
        else packed = b.CreateOr(packed, b.CreateAnd(b.CreateShl(r, n * k), i32(mask)));
    }
    set(whole(o[0]), accumulates ? sum : packed, Type::b32);
}

} // namespace anywarp::simt
