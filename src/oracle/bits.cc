// Logic, shifts and bit fields: and or xor not cnot shl shr popc clz bfind fns brev bfe bfi szext bmsk prmt lop3 shf.
//
// PTX ISA 9.0, 9.7.1.14 - 9.7.1.22, 9.7.8, 9.7.9.7. Written bit by bit where that shows what the text says.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

Flow execute_logic(Thread& thread, const Instruction& instruction) {
    Type type = instruction.type();
    const auto& o = instruction.operands;
    if (type == Type::pred) {
        bool a = read_predicate(thread, o.at(1)), b = o.size() > 2 && read_predicate(thread, o[2]), r = false;
        switch (instruction.opcode) {
        case Opcode::and_:
            r = a && b;
            break;
        case Opcode::or_:
            r = a || b;
            break;
        case Opcode::xor_:
            r = a != b;
            break;
        case Opcode::not_:
            r = !a;
            break;
        default:
            refuse(thread, instruction);
        }
        write_predicate(thread, o[0], r);
        return Flow::next;
    }
    unsigned bits = ptx::bits(type);
    uint64_t a = read(thread, o.at(1), type), r = 0;
    bool shifts = instruction.opcode == Opcode::shl || instruction.opcode == Opcode::shr;
    // The shift amount is 32 bits wide whatever the type, and clamps at the width.
    uint64_t b = o.size() > 2 ? read(thread, o[2], shifts ? Type::u32 : type) : 0;
    switch (instruction.opcode) {
    case Opcode::and_:
        r = a & b;
        break;
    case Opcode::or_:
        r = a | b;
        break;
    case Opcode::xor_:
        r = a ^ b;
        break;
    case Opcode::not_:
        r = ~a;
        break;
    case Opcode::cnot:
        r = a == 0;
        break;
    case Opcode::shl:
        r = b >= bits ? 0 : a << b;
        break;
    case Opcode::shr:
        if (ptx::is_signed(type))
            r = uint64_t(sign_extend(a, bits) >> (b >= bits ? bits - 1 : b));
        else
            r = b >= bits ? 0 : a >> b;
        break;
    default:
        refuse(thread, instruction);
    }
    write(thread, o[0], type, low_bits(r, bits));
    return Flow::next;
}

namespace {

uint64_t bit_field_extract(Type type, uint64_t a, uint64_t position, uint64_t length) {
    // ISA 9.7.1.19: bits beyond the field repeat its sign bit (signed types) or are zero.
    unsigned bits = ptx::bits(type), last = bits - 1;
    bool sign = false;
    if (ptx::is_signed(type) && length != 0) {
        uint64_t where = position + length - 1;
        sign = (a >> (where < last ? where : last)) & 1;
    }
    uint64_t r = 0;
    for (unsigned i = 0; i < bits; ++i) {
        bool bit = i < length && position + i <= last ? (a >> (position + i)) & 1 : sign;
        r |= uint64_t(bit) << i;
    }
    return r;
}

uint64_t find_nth_set(uint32_t mask, uint32_t base, int32_t offset) {
    if (base > 31) return 0xffffffff;
    if (offset == 0) return (mask >> base) & 1 ? base : 0xffffffff;
    int step = offset > 0 ? 1 : -1;
    int64_t count = offset > 0 ? int64_t(offset) - 1 : -int64_t(offset) - 1;
    for (int position = int(base); position >= 0 && position < 32; position += step)
        if ((mask >> position) & 1 && count-- == 0) return uint64_t(position);
    return 0xffffffff;
}

uint64_t permute_bytes(const Instruction& instruction, uint32_t a, uint32_t b, uint32_t c) {
    uint64_t source = uint64_t(b) << 32 | a;
    auto byte = [&](unsigned i) { return (source >> (8 * (i & 7))) & 0xff; };
    unsigned n = c & 3;
    unsigned pick[4];
    if (instruction.has(Modifier::f4e))
        for (unsigned i = 0; i < 4; ++i) pick[i] = n + i;
    else if (instruction.has(Modifier::b4e))
        for (unsigned i = 0; i < 4; ++i) pick[i] = (n + 8 - i) & 7;
    else if (instruction.has(Modifier::rc8))
        for (unsigned i = 0; i < 4; ++i) pick[i] = n;
    else if (instruction.has(Modifier::ecl))
        for (unsigned i = 0; i < 4; ++i) pick[i] = i > n ? i : n;
    else if (instruction.has(Modifier::ecr))
        for (unsigned i = 0; i < 4; ++i) pick[i] = i < n ? i : n;
    else if (instruction.has(Modifier::rc16))
        for (unsigned i = 0; i < 4; ++i) pick[i] = (n & 1) * 2 + (i & 1);
    else {
        uint64_t r = 0;
        for (unsigned i = 0; i < 4; ++i) {
            unsigned selector = (c >> (4 * i)) & 0xf;
            uint64_t v = byte(selector);
            if (selector & 8) v = v & 0x80 ? 0xff : 0;
            r |= v << (8 * i);
        }
        return r;
    }
    uint64_t r = 0;
    for (unsigned i = 0; i < 4; ++i) r |= byte(pick[i]) << (8 * i);
    return r;
}

} // namespace

Flow execute_bits(Thread& thread, const Instruction& instruction) {
    Type type = instruction.type();
    const auto& o = instruction.operands;
    unsigned bits = ptx::bits(type);
    uint64_t a = read(thread, o.at(1), type), r = 0;
    auto operand32 = [&](size_t i) { return uint32_t(read(thread, o.at(i), Type::b32)); };
    // bfe and bfi: 8 bits of position and length count in 32 bits; all of them in 64, as on GPUs.
    uint32_t field_mask = bits == 32 ? 0xff : ~0u;
    Type result = type;
    switch (instruction.opcode) {
    case Opcode::popc:
        r = uint64_t(__builtin_popcountll(a));
        result = Type::u32;
        break;
    case Opcode::clz:
        while (r < bits && !((a >> (bits - 1 - r)) & 1)) ++r;
        result = Type::u32;
        break;
    case Opcode::bfind: {
        if (ptx::is_signed(type) && sign_extend(a, bits) < 0) a = low_bits(~a, bits);
        r = 0xffffffff;
        for (unsigned i = 0; i < bits; ++i)
            if ((a >> i) & 1) r = i;
        if (instruction.has(Modifier::shiftamt) && r != 0xffffffff) r = bits - 1 - r;
        result = Type::u32;
        break;
    }
    case Opcode::brev:
        for (unsigned i = 0; i < bits; ++i) r |= ((a >> i) & 1) << (bits - 1 - i);
        break;
    case Opcode::bfe:
        r = bit_field_extract(type, a, operand32(2) & field_mask, operand32(3) & field_mask);
        break;
    case Opcode::bfi: {
        uint64_t b = read(thread, o.at(2), type);
        uint64_t position = operand32(3) & field_mask, length = operand32(4) & field_mask;
        r = b;
        for (unsigned i = 0; i < length && position + i < bits; ++i) {
            uint64_t one = 1ull << (position + i);
            r = (a >> i) & 1 ? r | one : r & ~one;
        }
        break;
    }
    case Opcode::fns:
        r = find_nth_set(uint32_t(a), operand32(2), int32_t(operand32(3)));
        break;
    case Opcode::szext: {
        // b: the width of the value in a; wrap takes it modulo 32, clamp at 32.
        uint32_t n = operand32(2);
        n = instruction.has(Modifier::wrap) ? n & 31 : n > 32 ? 32 : n;
        if (n == 0)
            r = 0;
        else
            r = ptx::is_signed(type) ? uint64_t(sign_extend(low_bits(a, n), n)) : low_bits(a, n);
        break;
    }
    case Opcode::bmsk: {
        uint32_t first = uint32_t(a), width = operand32(2);
        if (instruction.has(Modifier::wrap)) {
            first &= 31;
            width &= 31;
        } else {
            first = first > 32 ? 32 : first;
            width = width > 32 ? 32 : width;
        }
        r = first >= 32 ? 0 : uint32_t(((1ull << width) - 1) << first);
        break;
    }
    case Opcode::prmt:
        r = permute_bytes(instruction, uint32_t(a), operand32(2), operand32(3));
        break;
    case Opcode::lop3: {
        uint64_t b = operand32(2), c = operand32(3);
        unsigned table = operand32(4);
        for (unsigned i = 0; i < 32; ++i) {
            unsigned row = ((a >> i) & 1) << 2 | ((b >> i) & 1) << 1 | ((c >> i) & 1);
            r |= uint64_t((table >> row) & 1) << i;
        }
        if (const Operand* p = second_of(o[0])) {
            bool q = read_predicate(thread, o.at(5));
            bool any = r != 0;
            write_predicate(thread, *p, instruction.has(Modifier::and_) ? any && q : any || q);
        }
        write(thread, first_of(o[0]), type, r);
        return Flow::next;
    }
    case Opcode::shf: {
        uint64_t both = uint64_t(operand32(2)) << 32 | uint32_t(a);
        uint32_t n = operand32(3);
        n = instruction.has(Modifier::wrap) ? n & 31 : n > 32 ? 32 : n;
        r = instruction.has(Modifier::l) ? uint32_t((u128(both) << n) >> 32) : uint32_t(both >> n);
        break;
    }
    default:
        refuse(thread, instruction);
    }
    write(thread, o[0], result, low_bits(r, ptx::bits(result)));
    return Flow::next;
}

} // namespace anywarp::oracle
