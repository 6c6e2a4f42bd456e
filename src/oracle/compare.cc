// Comparison and selection: set setp selp slct testp copysign. PTX ISA 9.0, 9.7.6, 9.7.7, 9.7.3.1, 9.7.3.2.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

bool compare_values(Thread& thread, const Instruction& instruction, Type type, uint64_t a, uint64_t b) {
    int order = 0;          // -1, 0, 1
    bool unordered = false; // a NaN among the operands
    if (ptx::is_float(type)) {
        Format format = float_type(type).format;
        if (instruction.has(Modifier::ftz)) {
            a = flush(a, format);
            b = flush(b, format);
        }
        unordered = is_nan(a, format) || is_nan(b, format);
        if (!unordered) order = compare(decode(a, format), decode(b, format));
    } else {
        s128 x = integer(a, type), y = integer(b, type);
        order = x < y ? -1 : x > y ? 1 : 0;
    }
    for (Modifier m : instruction.modifiers) {
        switch (m) {
        case Modifier::eq:
            return !unordered && order == 0;
        case Modifier::ne:
            return !unordered && order != 0;
        case Modifier::lt:
        case Modifier::lo:
            return !unordered && order < 0;
        case Modifier::le:
        case Modifier::ls:
            return !unordered && order <= 0;
        case Modifier::gt:
        case Modifier::hi:
            return !unordered && order > 0;
        case Modifier::ge:
        case Modifier::hs:
            return !unordered && order >= 0;
        case Modifier::equ:
            return unordered || order == 0;
        case Modifier::neu:
            return unordered || order != 0;
        case Modifier::ltu:
            return unordered || order < 0;
        case Modifier::leu:
            return unordered || order <= 0;
        case Modifier::gtu:
            return unordered || order > 0;
        case Modifier::geu:
            return unordered || order >= 0;
        case Modifier::num:
            return !unordered;
        case Modifier::nan:
            return unordered;
        default:
            break;
        }
    }
    refuse(thread, instruction);
}

namespace {

bool combine(const Instruction& instruction, bool compared, bool c) {
    if (instruction.has(Modifier::and_)) return compared && c;
    if (instruction.has(Modifier::or_)) return compared || c;
    if (instruction.has(Modifier::xor_)) return compared != c;
    return compared;
}

Flow execute_set(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    bool to_predicate = instruction.opcode == Opcode::setp;
    Type type = instruction.type(to_predicate ? 0 : 1);
    uint64_t a = read(thread, o.at(1), type), b = read(thread, o.at(2), type);
    bool c = o.size() > 3 && read_predicate(thread, o[3]);
    bool packed = ptx::is_float(type) && float_type(type).lanes == 2;
    unsigned half = ptx::bits(type) / 2;
    bool first = compare_values(thread, instruction, type, packed ? low_bits(a, half) : a, packed ? low_bits(b, half) : b);
    bool second = packed ? compare_values(thread, instruction, type, a >> half, b >> half) : !first;
    first = combine(instruction, first, c);
    second = combine(instruction, second, c);
    if (to_predicate) {
        write_predicate(thread, first_of(o[0]), first);
        if (const Operand* q = second_of(o[0])) write_predicate(thread, *q, second);
        return Flow::next;
    }
    Type result = instruction.type(0);
    unsigned width = packed ? half : ptx::bits(result);
    uint64_t yes = low_bits(~0ull, width);
    if (ptx::is_float(result)) yes = from_double(1.0, float_type(result).format);
    uint64_t value = first ? yes : 0;
    if (packed) value |= (second ? yes : 0) << half;
    write(thread, o[0], packed ? Type::b32 : result, value);
    return Flow::next;
}

} // namespace

Flow execute_compare(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type type = instruction.type();
    switch (instruction.opcode) {
    case Opcode::set:
    case Opcode::setp:
        return execute_set(thread, instruction);
    case Opcode::selp:
        if (ptx::bits(type) == 128)
            write_wide(thread, o[0], read_wide(thread, read_predicate(thread, o.at(3)) ? o[1] : o[2], type));
        else
            write(thread, o[0], type, read(thread, read_predicate(thread, o.at(3)) ? o[1] : o[2], type));
        return Flow::next;
    case Opcode::slct: {
        Type by = instruction.type(1);
        uint64_t c = read(thread, o.at(3), by);
        bool takes_a;
        if (by == Type::f32) { // NaN selects b; -0 counts as zero, and with .ftz so does any subnormal
            if (instruction.has(Modifier::ftz)) c = flush(c, format_f32);
            takes_a = !is_nan(c, format_f32) && (!(c >> 31) || !(c << 33));
        } else {
            takes_a = sign_extend(c, 32) >= 0;
        }
        write(thread, o[0], type, read(thread, takes_a ? o[1] : o[2], type));
        return Flow::next;
    }
    case Opcode::copysign: {
        // The sign of a, the magnitude of b.
        uint64_t sign = 1ull << (ptx::bits(type) - 1);
        write(thread, o[0], type, (read(thread, o.at(1), type) & sign) | (read(thread, o.at(2), type) & ~sign));
        return Flow::next;
    }
    case Opcode::testp: {
        Format format = float_type(type).format;
        uint64_t a = read(thread, o.at(1), type);
        Exact x = decode(a, format);
        bool subnormal = is_subnormal(a, format), r;
        if (instruction.has(Modifier::finite))
            r = x.kind == Exact::zero || x.kind == Exact::finite;
        else if (instruction.has(Modifier::infinite))
            r = x.kind == Exact::infinity;
        else if (instruction.has(Modifier::number))
            r = x.kind != Exact::nan;
        else if (instruction.has(Modifier::notanumber))
            r = x.kind == Exact::nan;
        else if (instruction.has(Modifier::normal))
            r = x.kind == Exact::zero || (x.kind == Exact::finite && !subnormal); // zeros count as normal
        else if (instruction.has(Modifier::subnormal))
            r = subnormal;
        else
            refuse(thread, instruction);
        write_predicate(thread, o[0], r);
        return Flow::next;
    }
    default:
        refuse(thread, instruction);
    }
}

} // namespace anywarp::oracle
