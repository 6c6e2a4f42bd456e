// SIMD video instructions: scalar (vadd ...), two 16-bit (vadd2 ...) and four 8-bit lanes (vadd4 ...) in one 32-bit register.
//
// The packed forms are lowered here element by element in i32 arithmetic, which is wide enough for every intermediate result.
// The scalar forms pick a byte or half of each operand (a.b0, b.h1), which the parser keeps as the operand's component; they
// aren't lowered yet and report themselves.
//
// Source: PTX ISA 9.0, 9.7.18.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

void Emitter::video(const Instruction& i) {
    unsigned count;
    enum { add, sub, average, difference, minimum, maximum, compare_ } operation;
    switch (i.opcode) {
    case Opcode::vadd2:
        count = 2, operation = add;
        break;
    case Opcode::vsub2:
        count = 2, operation = sub;
        break;
    case Opcode::vavrg2:
        count = 2, operation = average;
        break;
    case Opcode::vabsdiff2:
        count = 2, operation = difference;
        break;
    case Opcode::vmin2:
        count = 2, operation = minimum;
        break;
    case Opcode::vmax2:
        count = 2, operation = maximum;
        break;
    case Opcode::vset2:
        count = 2, operation = compare_;
        break;
    case Opcode::vadd4:
        count = 4, operation = add;
        break;
    case Opcode::vsub4:
        count = 4, operation = sub;
        break;
    case Opcode::vavrg4:
        count = 4, operation = average;
        break;
    case Opcode::vabsdiff4:
        count = 4, operation = difference;
        break;
    case Opcode::vmin4:
        count = 4, operation = minimum;
        break;
    case Opcode::vmax4:
        count = 4, operation = maximum;
        break;
    case Opcode::vset4:
        count = 4, operation = compare_;
        break;
    default:
        fail_unsupported(i);
    }
    bool is_set = operation == compare_;
    for (size_t k = 0; k < 3; ++k)
        if (k < i.operands.size() && i.operands[k].component >= 0) fail_unsupported(i, "lane selectors");
    Type dt = is_set ? Type::u32 : i.type(0), at = i.type(is_set ? 0 : 1), ct = i.type(is_set ? 1 : 2);
    unsigned n = 32 / count;
    Value *a = get(i.operands.at(1), Type::b32), *c = get(i.operands.at(2), Type::b32), *d = get(i.operands.at(3), Type::b32);
    auto element = [&](Value* v, unsigned k, bool sign) {
        Value* top = b.CreateShl(v, 32 - n - n * k);
        return sign ? b.CreateAShr(top, 32 - n) : b.CreateLShr(top, 32 - n);
    };
    Value* packed = i32(0);
    Value* sum = d;
    bool accumulates = i.has(Modifier::add);
    for (unsigned k = 0; k < count; ++k) {
        Value *x = element(a, k, ptx::is_signed(at)), *y = element(c, k, ptx::is_signed(ct)), *r = nullptr;
        switch (operation) {
        case add:
            r = b.CreateAdd(x, y);
            break;
        case sub:
            r = b.CreateSub(x, y);
            break;
        case average:
            r = b.CreateAShr(b.CreateAdd(b.CreateAdd(x, y), i32(1)), 1);
            break;
        case difference:
            r = b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, b.CreateSub(x, y), b.getFalse());
            break;
        case minimum:
            r = binary(llvm::Intrinsic::smin, x, y);
            break;
        case maximum:
            r = binary(llvm::Intrinsic::smax, x, y);
            break;
        case compare_: {
            Modifier op = Modifier::none;
            for (Modifier m : i.modifiers)
                if (m == Modifier::eq || m == Modifier::ne || m == Modifier::lt || m == Modifier::le || m == Modifier::gt ||
                    m == Modifier::ge)
                    op = m;
            r = b.CreateZExt(compare(i, x, y, Type::s32, op),
                             b.getInt32Ty()); // the elements are exact in s32, whatever their sign
            break;
        }
        }
        if (i.has(Modifier::sat)) {
            bool sign = ptx::is_signed(dt);
            Value *least = i32(sign ? ~0u << (n - 1) : 0), *most = i32(sign      ? (1u << (n - 1)) - 1
                                                                       : n == 32 ? ~0u
                                                                                 : (1u << n) - 1);
            r = binary(llvm::Intrinsic::smax, binary(llvm::Intrinsic::smin, r, most), least);
        }
        if (accumulates)
            sum = b.CreateAdd(sum, r);
        else
            packed = b.CreateOr(packed, b.CreateShl(b.CreateAnd(r, i32((1u << n) - 1)), n * k));
    }
    set(i.operands[0], accumulates ? sum : packed, Type::b32);
}

} // namespace anywarp::simt
