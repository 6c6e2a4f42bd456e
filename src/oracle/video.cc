// Video instructions: scalar (vadd vsub vabsdiff vmin vmax vset) and SIMD on two or four parts of a register.
//
// Byte and half selectors are read from the operands' component: .b0-.b3 and .h0, .h1 as the parser hands them over, or the
// mask of the destination for the SIMD forms. PTX ISA 9.0, 9.7.18.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

namespace {

s128 clamp(s128 v, Type type, unsigned bits) {
    s128 low = ptx::is_signed(type) ? -(s128(1) << (bits - 1)) : 0;
    s128 high = ptx::is_signed(type) ? (s128(1) << (bits - 1)) - 1 : (s128(1) << bits) - 1;
    return v < low ? low : v > high ? high : v;
}

} // namespace

Flow execute_video(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    unsigned parts = 1;
    enum { add, subtract, difference, average, minimum, maximum } operation;
    switch (instruction.opcode) {
    case Opcode::vadd2:
        parts = 2;
        operation = add;
        break;
    case Opcode::vsub2:
        parts = 2;
        operation = subtract;
        break;
    case Opcode::vabsdiff2:
        parts = 2;
        operation = difference;
        break;
    case Opcode::vavrg2:
        parts = 2;
        operation = average;
        break;
    case Opcode::vmin2:
        parts = 2;
        operation = minimum;
        break;
    case Opcode::vmax2:
        parts = 2;
        operation = maximum;
        break;
    case Opcode::vadd4:
        parts = 4;
        operation = add;
        break;
    case Opcode::vsub4:
        parts = 4;
        operation = subtract;
        break;
    case Opcode::vabsdiff4:
        parts = 4;
        operation = difference;
        break;
    case Opcode::vavrg4:
        parts = 4;
        operation = average;
        break;
    case Opcode::vmin4:
        parts = 4;
        operation = minimum;
        break;
    case Opcode::vmax4:
        parts = 4;
        operation = maximum;
        break;
    default:
        refuse(thread, instruction); // the scalar forms, vset2 and vset4
    }
    // Selectors and masks make these forms rarer still; only whole registers are known here.
    for (const Operand& operand : o)
        if (operand.component >= 0) refuse(thread, instruction);
    Type dt = instruction.type(0), at = instruction.type(1), bt = instruction.type(2);
    unsigned width = 32 / parts;
    uint64_t a = read(thread, o.at(1), Type::b32), b = read(thread, o.at(2), Type::b32), c = read(thread, o.at(3), Type::b32);
    bool accumulates = instruction.has(Modifier::add);
    uint64_t r = 0;
    s128 sum = integer(c, dt);
    for (unsigned i = 0; i < parts; ++i) {
        uint64_t xa = low_bits(a >> (i * width), width), xb = low_bits(b >> (i * width), width);
        s128 x = ptx::is_signed(at) ? s128(sign_extend(xa, width)) : s128(xa);
        s128 y = ptx::is_signed(bt) ? s128(sign_extend(xb, width)) : s128(xb);
        s128 v = 0;
        switch (operation) {
        case add:
            v = x + y;
            break;
        case subtract:
            v = x - y;
            break;
        case difference:
            v = x > y ? x - y : y - x;
            break;
        case average:
            v = (x + y + (x + y >= 0 ? 1 : 0)) >> 1;
            break;
        case minimum:
            v = x < y ? x : y;
            break;
        case maximum:
            v = x > y ? x : y;
            break;
        }
        if (accumulates) {
            sum += v;
        } else {
            if (instruction.has(Modifier::sat)) v = clamp(v, dt, width);
            r |= low_bits(uint64_t(v), width) << (i * width);
        }
    }
    write(thread, o[0], Type::b32, accumulates ? uint32_t(uint64_t(sum)) : r);
    return Flow::next;
}

} // namespace anywarp::oracle
