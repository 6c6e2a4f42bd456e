// atom and red, all operations and types. One thread runs at a time, so a read and a write are atomic.
//
// PTX ISA 9.0, 9.7.13.5 and 9.7.13.6.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

namespace {

uint64_t float_update(const Instruction& instruction, Type type, uint64_t old, uint64_t b) {
    FloatType ft = float_type(type);
    unsigned width = ft.format.width();
    uint64_t result = 0;
    for (unsigned lane = 0; lane < ft.lanes; ++lane) {
        uint64_t x = low_bits(old >> (lane * width), width), y = low_bits(b >> (lane * width), width), r;
        if (instruction.has(Modifier::add))
            r = float_binary(FloatOperation::add, x, y, ft.format, Rounding::nearest_even);
        else
            r = float_min_max(x, y, ft.format, instruction.has(Modifier::max), false);
        result |= r << (lane * width);
    }
    return result;
}

} // namespace

Flow execute_atomic(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type type = instruction.type();
    bool returns = instruction.opcode == Opcode::atom;
    size_t at = returns ? 1 : 0;
    StateSpace space = instruction.space;
    uint64_t address = effective_address(thread, o.at(at), &space);
    unsigned size = ptx::bytes(type), n = instruction.vector;
    uint8_t* p = locate(thread, space, address, uint64_t(size) * n, uint64_t(size) * n);
    u128 olds[8] = {};
    for (unsigned i = 0; i < n; ++i) {
        const Operand& source = n > 1 ? o.at(at + 1).elements.at(i) : o.at(at + 1);
        u128 old = 0;
        std::memcpy(&old, p + i * size, size);
        olds[i] = old;
        u128 b = read_wide(thread, source, type), r;
        uint64_t old64 = uint64_t(old), b64 = uint64_t(b);
        if (instruction.has(Modifier::exch))
            r = b;
        else if (instruction.has(Modifier::cas))
            r = old == b ? read_wide(thread, o.at(at + 2), type) : old;
        else if (instruction.has(Modifier::and_))
            r = old & b;
        else if (instruction.has(Modifier::or_))
            r = old | b;
        else if (instruction.has(Modifier::xor_))
            r = old ^ b;
        else if (instruction.has(Modifier::inc))
            r = old64 >= b64 ? 0 : old64 + 1;
        else if (instruction.has(Modifier::dec))
            r = old64 == 0 || old64 > b64 ? b64 : old64 - 1;
        else if (ptx::is_float(type))
            r = float_update(instruction, type, old64, b64);
        else if (instruction.has(Modifier::add))
            r = old64 + b64;
        else if (instruction.has(Modifier::min))
            r = integer(old64, type) < integer(b64, type) ? old64 : b64;
        else if (instruction.has(Modifier::max))
            r = integer(old64, type) > integer(b64, type) ? old64 : b64;
        else
            refuse(thread, instruction);
        std::memcpy(p + i * size, &r, size);
    }
    if (returns)
        for (unsigned i = 0; i < n; ++i) {
            const Operand& d = n > 1 ? o[0].elements.at(i) : o[0];
            if (size == 16)
                write_wide(thread, d, olds[i]);
            else
                write(thread, d, type, uint64_t(olds[i]));
        }
    return Flow::next;
}

} // namespace anywarp::oracle
