// Video instructions: scalar ones, which pick a byte or half of each operand, and SIMD ones on two or four parts of a register.
//
// Selectors are read from the operands: a single .b0-.b3, .h0, .h1 is the component, several parts (.h10, .b7654) or a mask of
// the destination lie in Operand::parts. Everything is computed on integers of any size and cut at the end.
// PTX ISA 9.0, 9.7.18.
#include "oracle/interpreter.h"

#include <algorithm>
#include <array>

namespace anywarp::oracle {

namespace {

enum class Operation { add, subtract, difference, average, minimum, maximum, set, left, right };

Operation operation_of(Opcode opcode) {
    switch (opcode) {
    case Opcode::vadd:
    case Opcode::vadd2:
    case Opcode::vadd4:
        return Operation::add;
    case Opcode::vsub:
    case Opcode::vsub2:
    case Opcode::vsub4:
        return Operation::subtract;
    case Opcode::vabsdiff:
    case Opcode::vabsdiff2:
    case Opcode::vabsdiff4:
        return Operation::difference;
    case Opcode::vavrg2:
    case Opcode::vavrg4:
        return Operation::average;
    case Opcode::vmin:
    case Opcode::vmin2:
    case Opcode::vmin4:
        return Operation::minimum;
    case Opcode::vmax:
    case Opcode::vmax2:
    case Opcode::vmax4:
        return Operation::maximum;
    case Opcode::vset:
    case Opcode::vset2:
    case Opcode::vset4:
        return Operation::set;
    case Opcode::vshl:
        return Operation::left;
    default:
        return Operation::right;
    }
}

unsigned parts_of(Opcode opcode) {
    switch (opcode) {
    case Opcode::vadd2:
    case Opcode::vsub2:
    case Opcode::vabsdiff2:
    case Opcode::vavrg2:
    case Opcode::vmin2:
    case Opcode::vmax2:
    case Opcode::vset2:
        return 2;
    case Opcode::vadd4:
    case Opcode::vsub4:
    case Opcode::vabsdiff4:
    case Opcode::vavrg4:
    case Opcode::vmin4:
    case Opcode::vmax4:
    case Opcode::vset4:
        return 4;
    default:
        return 1;
    }
}

s128 clamp(s128 v, bool is_signed, unsigned bits) {
    s128 low = is_signed ? -(s128(1) << (bits - 1)) : 0;
    s128 high = is_signed ? (s128(1) << (bits - 1)) - 1 : (s128(1) << bits) - 1;
    return v < low ? low : v > high ? high : v;
}

s128 apply(Operation operation, const Instruction& instruction, s128 x, s128 y) {
    switch (operation) {
    case Operation::add:
        return x + y;
    case Operation::subtract:
        return x - y;
    case Operation::difference:
        return x > y ? x - y : y - x;
    case Operation::average: // rounds away from zero's negative side: halves go up only where the sum isn't negative
        return (x + y >= 0 ? x + y + 1 : x + y) >> 1;
    case Operation::minimum:
        return std::min(x, y);
    case Operation::maximum:
        return std::max(x, y);
    case Operation::left:
    case Operation::right: {
        s128 amount = instruction.has(Modifier::wrap) ? y & 31 : y > 32 ? 32 : y;
        return operation == Operation::left ? x << unsigned(amount) : x >> unsigned(amount);
    }
    case Operation::set:
        break;
    }
    bool r = instruction.has(Modifier::eq)   ? x == y
             : instruction.has(Modifier::ne) ? x != y
             : instruction.has(Modifier::lt) ? x < y
             : instruction.has(Modifier::le) ? x <= y
             : instruction.has(Modifier::gt) ? x > y
                                             : x >= y;
    return r;
}

uint64_t whole(Thread& thread, Operand operand) {
    operand.component = -1;
    operand.minus = false;
    return read(thread, operand, Type::b32);
}

/// Where a scalar form's operand lies in its register: first bit and width.
struct Part {
    unsigned at = 0, width = 32;
};
Part part_of(const Operand& operand) {
    if (operand.component >= 8) return {unsigned(operand.component - 8) * 16, 16};
    if (operand.component >= 4) return {unsigned(operand.component - 4) * 8, 8};
    return {};
}

s128 extend(uint64_t value, unsigned at, unsigned width, Type type) {
    uint64_t v = low_bits(value >> at, width);
    return ptx::is_signed(type) ? s128(sign_extend(v, width)) : s128(v);
}

void write_whole(Thread& thread, Operand operand, uint64_t value) {
    operand.component = -1;
    write(thread, operand, Type::b32, low_bits(value, 32));
}

Flow execute_mad(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type at = instruction.type(1), bt = instruction.type(2);
    Part a = part_of(o.at(1)), b = part_of(o.at(2));
    bool negate_product = o[1].minus != o[2].minus, negate_c = o.at(3).minus;
    bool is_signed = ptx::is_signed(at) || ptx::is_signed(bt) || negate_product || negate_c;
    s128 product = extend(whole(thread, o[1]), a.at, a.width, at) * extend(whole(thread, o[2]), b.at, b.width, bt);
    uint64_t c = whole(thread, o[3]);
    s128 lowest = 0;
    if (instruction.has(Modifier::po)) {
        lowest = 1;
    } else if (negate_product) {
        product = -product;
    } else if (negate_c) {
        c = low_bits(~c, 32);
        lowest = 1;
    }
    s128 r = product + (is_signed ? s128(sign_extend(c, 32)) : s128(c)) + lowest;
    r >>= instruction.has(Modifier::shr7) ? 7 : instruction.has(Modifier::shr15) ? 15 : 0;
    if (instruction.has(Modifier::sat)) r = clamp(r, is_signed, 32);
    write_whole(thread, o[0], uint64_t(r));
    return Flow::next;
}

Flow execute_scalar(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Operation operation = operation_of(instruction.opcode);
    bool is_set = operation == Operation::set;
    Type dt = is_set ? Type::u32 : instruction.type(0), at = instruction.type(is_set ? 0 : 1), bt = instruction.type(is_set ? 1 : 2);
    Part a = part_of(o.at(1)), b = part_of(o.at(2)), d = part_of(o[0]);
    s128 r = apply(operation, instruction, extend(whole(thread, o[1]), a.at, a.width, at),
                   extend(whole(thread, o[2]), b.at, b.width, bt));
    if (instruction.has(Modifier::sat)) r = clamp(r, ptx::is_signed(dt), d.width);
    if (o.size() > 3) {
        uint64_t c = whole(thread, o[3]);
        if (d.width < 32) { // merge into c
            uint64_t mask = low_bits(~0ull, d.width) << d.at;
            r = s128((c & ~mask) | ((uint64_t(r) << d.at) & mask));
        } else {
            // The secondary operation sees the 32-bit result.
            s128 x = extend(uint64_t(r), 0, 32, dt), y = extend(c, 0, 32, dt);
            r = instruction.has(Modifier::add) ? x + y : instruction.has(Modifier::min) ? std::min(x, y) : std::max(x, y);
        }
    }
    write_whole(thread, o[0], uint64_t(r));
    return Flow::next;
}

} // namespace

Flow execute_video(Thread& thread, const Instruction& instruction) {
    if (instruction.opcode == Opcode::vmad) return execute_mad(thread, instruction);
    unsigned parts = parts_of(instruction.opcode), width = 32 / parts;
    if (parts == 1) return execute_scalar(thread, instruction);
    const auto& o = instruction.operands;
    Operation operation = operation_of(instruction.opcode);
    bool is_set = operation == Operation::set, accumulates = instruction.has(Modifier::add);
    Type dt = is_set ? Type::u32 : instruction.type(0), at = instruction.type(is_set ? 0 : 1), bt = instruction.type(is_set ? 1 : 2);
    // a's parts are 0 .. parts-1, b's the following ones; a selector may take any of them for either operand.
    uint64_t both = whole(thread, o.at(1)) | whole(thread, o.at(2)) << 32, c = whole(thread, o.at(3));
    auto select = [&](const Operand& operand, unsigned first, unsigned i) {
        return operand.parts ? (operand.parts >> (4 * i) & 15) - 1u : first + i;
    };
    std::array<bool, 4> masked{};
    for (unsigned i = 0; i < parts; ++i) masked[i] = o[0].component < 0;
    if (o[0].parts)
        for (unsigned i = 0; i < 4 && o[0].parts >> (4 * i); ++i) masked.at((o[0].parts >> (4 * i) & 15) - 1u) = true;
    else if (o[0].component >= 4)
        masked.at(unsigned(o[0].component) - (o[0].component >= 8 ? 8 : 4)) = true;
    uint64_t merged = 0;
    s128 sum = s128(c);
    for (unsigned i = 0; i < parts; ++i) {
        s128 v = apply(operation, instruction, extend(both, select(o[1], 0, i) * width, width, at),
                       extend(both, select(o[2], parts, i) * width, width, bt));
        if (instruction.has(Modifier::sat)) v = clamp(v, ptx::is_signed(dt), width);
        if (masked[i]) sum += v;
        merged |= low_bits(masked[i] ? uint64_t(v) : c >> (i * width), width) << (i * width);
    }
    write_whole(thread, o[0], accumulates ? uint64_t(sum) : merged);
    return Flow::next;
}

} // namespace anywarp::oracle
