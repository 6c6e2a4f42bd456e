// Integer arithmetic: add, sub, mul, mad, div, rem, abs, neg, min, max, sad, dp4a, dp2a and the carry chain.
//
// Results are computed as mathematical integers of 128 bits and cut to the type. PTX ISA 9.0, 9.7.1 and 9.7.2.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

namespace {

s128 clamp_to(Type type, s128 value) {
    unsigned bits = ptx::bits(type);
    s128 low = ptx::is_signed(type) ? -(s128(1) << (bits - 1)) : 0;
    s128 high = ptx::is_signed(type) ? (s128(1) << (bits - 1)) - 1 : (s128(1) << bits) - 1;
    return value < low ? low : value > high ? high : value;
}

/// u16x2 and s16x2: the same operation on each half.
template <class F> uint64_t on_halves(Type type, uint64_t a, uint64_t b, F operation) {
    Type half = type == Type::s16x2 ? Type::s16 : Type::u16;
    uint64_t low = uint16_t(uint64_t(operation(half, integer(a & 0xffff, half), integer(b & 0xffff, half))));
    uint64_t high = uint16_t(uint64_t(operation(half, integer(a >> 16, half), integer(b >> 16, half))));
    return low | high << 16;
}
bool is_packed(Type type) { return type == Type::s16x2 || type == Type::u16x2; }

} // namespace

Flow execute_add(Thread& thread, const Instruction& instruction) {
    Type type = instruction.type();
    if (ptx::is_float(type)) return execute_float(thread, instruction);
    const auto& o = instruction.operands;
    bool subtracts = instruction.opcode == Opcode::sub || instruction.opcode == Opcode::subc;
    bool takes_carry = instruction.opcode == Opcode::addc || instruction.opcode == Opcode::subc;
    uint64_t a = read(thread, o.at(1), type), b = read(thread, o.at(2), type);
    if (is_packed(type)) {
        write(thread, o[0], Type::b32, on_halves(type, a, b, [&](Type, s128 x, s128 y) { return subtracts ? x - y : x + y; }));
        return Flow::next;
    }
    unsigned bits = ptx::bits(type);
    if (takes_carry || instruction.has(Modifier::cc)) {
        // The carry flag is the unsigned carry out of a + b + c, or of a + ~b + c: a GPU's subtraction adds the complement, so
        // that a set flag means no borrow.
        u128 x = low_bits(a, bits), y = low_bits(subtracts ? ~b : b, bits), c = takes_carry ? thread.carry : subtracts;
        u128 sum = x + y + c;
        if (instruction.has(Modifier::cc)) thread.carry = (sum >> bits) & 1;
        write(thread, o[0], type, low_bits(uint64_t(sum), bits));
        return Flow::next;
    }
    s128 x = integer(a, type), y = integer(b, type);
    s128 result = subtracts ? x - y : x + y;
    if (instruction.has(Modifier::sat)) result = clamp_to(type, result);
    write(thread, o[0], type, uint64_t(result));
    return Flow::next;
}

Flow execute_multiply(Thread& thread, const Instruction& instruction) {
    Type type = instruction.type();
    if (ptx::is_float(type)) return execute_float(thread, instruction);
    const auto& o = instruction.operands;
    unsigned bits = ptx::bits(type);
    bool only_24 = instruction.opcode == Opcode::mul24 || instruction.opcode == Opcode::mad24;
    s128 a = integer(read(thread, o.at(1), type), type), b = integer(read(thread, o.at(2), type), type);
    if (only_24) {
        Type full = type;
        auto cut = [&](s128 v) -> s128 {
            return ptx::is_signed(full) ? s128(sign_extend(uint64_t(v), 24)) : s128(uint64_t(v) & 0xffffff);
        };
        a = cut(a);
        b = cut(b);
    }
    u128 product = u128(a) * u128(b); // exact modulo 2^128, and 64 x 64 bits fit
    bool adds = o.size() > 3;
    if (instruction.has(Modifier::wide)) {
        Type wide = bits == 16   ? (ptx::is_signed(type) ? Type::s32 : Type::u32)
                    : bits == 32 ? (ptx::is_signed(type) ? Type::s64 : Type::u64)
                                 : Type::b128;
        if (adds) product += u128(integer(read(thread, o[3], wide), wide));
        if (wide == Type::b128)
            write_wide(thread, o[0], product);
        else
            write(thread, o[0], wide, uint64_t(product));
        return Flow::next;
    }
    unsigned from = !instruction.has(Modifier::hi) ? 0 : only_24 ? 16 : bits;
    uint64_t part = low_bits(uint64_t(product >> from), bits);
    if (!adds) {
        write(thread, o[0], type, part);
        return Flow::next;
    }
    uint64_t c = read(thread, o[3], type);
    if (instruction.opcode == Opcode::madc || instruction.has(Modifier::cc)) {
        u128 sum = u128(part) + c + (instruction.opcode == Opcode::madc && thread.carry);
        if (instruction.has(Modifier::cc)) thread.carry = (sum >> bits) & 1;
        write(thread, o[0], type, low_bits(uint64_t(sum), bits));
        return Flow::next;
    }
    s128 sum = integer(part, type) + integer(c, type);
    if (instruction.has(Modifier::sat)) sum = clamp_to(type, sum);
    write(thread, o[0], type, uint64_t(sum));
    return Flow::next;
}

Flow execute_integer(Thread& thread, const Instruction& instruction) {
    Type type = instruction.type();
    const auto& o = instruction.operands;
    if (instruction.opcode == Opcode::dp4a || instruction.opcode == Opcode::dp2a) {
        Type at = instruction.type(0), bt = instruction.type(1);
        uint64_t a = read(thread, o.at(1), Type::b32), b = read(thread, o.at(2), Type::b32);
        s128 sum = sign_extend(read(thread, o.at(3), Type::b32), 32);
        bool four = instruction.opcode == Opcode::dp4a;
        unsigned high = instruction.has(Modifier::hi) ? 2 : 0;
        for (unsigned k = 0; k < (four ? 4u : 2u); ++k) {
            unsigned aw = four ? 8 : 16;
            uint64_t x = (a >> (aw * k)) & ((1u << aw) - 1), y = (b >> (8 * (four ? k : k + high))) & 0xff;
            s128 xs = at == Type::s32 ? s128(sign_extend(x, aw)) : s128(x);
            s128 ys = bt == Type::s32 ? s128(sign_extend(y, 8)) : s128(y);
            sum += xs * ys;
        }
        write(thread, o[0], Type::b32, uint32_t(uint64_t(sum)));
        return Flow::next;
    }
    if (ptx::is_float(type)) return execute_float(thread, instruction);
    uint64_t ra = read(thread, o.at(1), type), rb = o.size() > 2 ? read(thread, o[2], type) : 0;
    if (is_packed(type)) {
        bool maximum = instruction.opcode == Opcode::max, relu = instruction.has(Modifier::relu);
        uint64_t result = on_halves(type, ra, rb, [&](Type, s128 x, s128 y) -> s128 {
            if (instruction.opcode == Opcode::neg) return -x;
            if (instruction.opcode == Opcode::abs) return x < 0 ? -x : x;
            s128 r = maximum ? (x > y ? x : y) : (x < y ? x : y);
            return relu && r < 0 ? 0 : r;
        });
        write(thread, o[0], Type::b32, result);
        return Flow::next;
    }
    unsigned bits = ptx::bits(type);
    s128 a = integer(ra, type), b = integer(rb, type), result = 0;
    switch (instruction.opcode) {
    case Opcode::div: // by zero: unspecified by PTX, but no trap; GPUs give all ones
        result = b == 0 ? s128(-1) : a / b;
        break;
    case Opcode::rem: // by zero: GPUs give the dividend
        result = b == 0 ? a : a % b;
        break;
    case Opcode::abs:
        result = a < 0 ? -a : a;
        break;
    case Opcode::neg:
        result = -a;
        break;
    case Opcode::min:
        result = a < b ? a : b;
        break;
    case Opcode::max:
        result = a > b ? a : b;
        break;
    case Opcode::sad:
        result = integer(read(thread, o.at(3), type), type) + (a < b ? b - a : a - b);
        break;
    default:
        refuse(thread, instruction);
    }
    if (instruction.has(Modifier::relu) && result < 0) result = 0;
    write(thread, o[0], type, low_bits(uint64_t(result), bits));
    return Flow::next;
}

} // namespace anywarp::oracle
