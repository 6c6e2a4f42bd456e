// cvt between all integer and floating-point types, and cvt.pack.
//
// A value is decoded exactly, rounded once by the instruction's mode, and saturated or cut to the destination.
// PTX ISA 9.0, 9.7.9.21 and 9.7.9.22, 5.2.3 for the narrow formats.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

namespace {

bool narrow_format(Type type, Format& format, unsigned& lanes) {
    switch (type) {
    case Type::f16:
        format = format_f16;
        lanes = 1;
        return true;
    case Type::f16x2:
        format = format_f16;
        lanes = 2;
        return true;
    case Type::bf16:
        format = format_bf16;
        lanes = 1;
        return true;
    case Type::bf16x2:
        format = format_bf16;
        lanes = 2;
        return true;
    case Type::f32:
        format = format_f32;
        lanes = 1;
        return true;
    case Type::tf32:
        format = format_tf32;
        lanes = 1;
        return true;
    case Type::f64:
        format = format_f64;
        lanes = 1;
        return true;
    case Type::e4m3:
        format = format_e4m3;
        lanes = 1;
        return true;
    case Type::e4m3x2:
        format = format_e4m3;
        lanes = 2;
        return true;
    case Type::e5m2:
        format = format_e5m2;
        lanes = 1;
        return true;
    case Type::e5m2x2:
        format = format_e5m2;
        lanes = 2;
        return true;
    default:
        return false;
    }
}

s128 lowest(Type type) { return ptx::is_signed(type) ? -(s128(1) << (ptx::bits(type) - 1)) : 0; }
s128 highest(Type type) {
    return ptx::is_signed(type) ? (s128(1) << (ptx::bits(type) - 1)) - 1 : (s128(1) << ptx::bits(type)) - 1;
}

/// One element between two floating-point formats.
uint64_t float_to_float(const Instruction& instruction, uint64_t bits, Format from, Format to) {
    bool ftz = instruction.has(Modifier::ftz);
    // cvt.ftz.f16.f32 flushes nothing on GPUs: a subnormal source rounded up or down gives the least f16.
    bool to_f16 = to.exponent_bits == 5 && to.mantissa_bits == 10;
    if (ftz && !to_f16 && from.exponent_bits == 8 && from.mantissa_bits == 23) bits = flush(bits, from);
    Exact x = decode(bits, from);
    Rounding rounding = rounding_of(instruction);
    bool to_integral_value = false;
    for (Modifier m : {Modifier::rni, Modifier::rzi, Modifier::rmi, Modifier::rpi}) to_integral_value |= instruction.has(m);
    if (to_integral_value) x = to_integral(x, rounding);
    if (instruction.has(Modifier::relu) && x.kind != Exact::nan && x.negative) x = Exact{};
    bool finite_source = x.kind != Exact::infinity;
    uint64_t r = encode(x, to, rounding);
    bool saturates = instruction.has(Modifier::satfinite) || to.width() == 8;
    // .satfinite: whatever is beyond the largest value becomes the largest value; NaN stays NaN.
    if (saturates && x.kind != Exact::nan) {
        Exact limit = decode(largest(to, false), to), magnitude = x;
        magnitude.negative = false;
        if (!finite_source || compare(magnitude, limit) > 0) r = largest(to, x.negative);
    }
    if (ftz && to.exponent_bits == 8 && to.mantissa_bits == 23) r = flush(r, to);
    if (instruction.has(Modifier::sat)) {
        uint64_t one = from_double(1.0, to), sign = 1ull << (to.width() - 1);
        if (is_nan(r, to) || r & sign)
            r = 0;
        else if (r > one)
            r = one;
    }
    return r;
}

} // namespace

Flow execute_convert(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type to = instruction.type(0), from = instruction.type(1);
    if (instruction.has(Modifier::rs) || instruction.has(Modifier::scaled)) refuse(thread, instruction);
    Format to_format{0, 0}, from_format{0, 0};
    unsigned to_lanes = 1, from_lanes = 1;
    bool to_float = narrow_format(to, to_format, to_lanes), from_float = narrow_format(from, from_format, from_lanes);
    if ((!to_float && !ptx::is_integer(to)) || (!from_float && !ptx::is_integer(from))) refuse(thread, instruction);
    if (to_lanes == 2) {
        unsigned w = to_format.width();
        uint64_t low, high;
        if (from_lanes == 2) { // cvt.rn.f16x2.e4m3x2
            uint64_t v = read(thread, o.at(1), from);
            low = low_bits(v, from_format.width());
            high = low_bits(v >> from_format.width(), from_format.width());
        } else { // d, a, b: a becomes the upper half
            high = read(thread, o.at(1), from);
            low = read(thread, o.at(2), from);
        }
        uint64_t r = float_to_float(instruction, low, from_format, to_format) |
                     float_to_float(instruction, high, from_format, to_format) << w;
        write(thread, o[0], to, r);
        return Flow::next;
    }
    uint64_t a = read(thread, o.at(1), from);
    if (from == Type::tf32) a = low_bits(a >> 13, format_tf32.width());
    if (from_float && to_float) {
        uint64_t r = float_to_float(instruction, a, from_format, to_format);
        // A tf32 NaN is the canonical f32 NaN, low bits included.
        if (to == Type::tf32) r = is_nan(r, format_tf32) ? canonical_nan(format_f32) : r << 13;
        write(thread, o[0], to, r);
        return Flow::next;
    }
    Rounding rounding = rounding_of(instruction);
    if (from_float) {
        if (instruction.has(Modifier::ftz)) a = flush(a, from_format);
        Exact x = decode(a, from_format);
        uint64_t r = uint64_t(to_integer(x, rounding, lowest(to), highest(to)));
        // ISA 9.7.9.21: NaN becomes zero, but the highest bit alone where the source is f64 or the destination 64 bits wide.
        if (x.kind == Exact::nan && (from == Type::f64 || ptx::bits(to) == 64)) r = 1ull << (ptx::bits(to) - 1);
        write(thread, o[0], to, low_bits(r, ptx::bits(to)));
        return Flow::next;
    }
    s128 value = integer(a, from);
    if (to_float) {
        uint64_t r = encode(from_integer(value), to_format, rounding);
        if (instruction.has(Modifier::sat)) {
            if (value < 0)
                r = 0;
            else if (value > 1)
                r = from_double(1.0, to_format);
        }
        write(thread, o[0], to, r);
        return Flow::next;
    }
    if (instruction.has(Modifier::sat)) value = value < lowest(to) ? lowest(to) : value > highest(to) ? highest(to) : value;
    write(thread, o[0], to, low_bits(uint64_t(value), ptx::bits(to)));
    return Flow::next;
}

Flow execute_cvt_pack(Thread& thread, const Instruction& instruction) {
    // cvt.pack.sat.convertType.abType d, a, b and, for narrow types, ...convertType.abType.cType d, a, b, c.
    const auto& o = instruction.operands;
    Type to = instruction.type(0), from = instruction.type(1);
    auto saturate = [&](const Operand& operand) {
        s128 v = integer(read(thread, operand, from), from);
        v = v < lowest(to) ? lowest(to) : v > highest(to) ? highest(to) : v;
        return low_bits(uint64_t(v), ptx::bits(to));
    };
    unsigned width = ptx::bits(to);
    uint64_t r = saturate(o.at(1)) << width | saturate(o.at(2));
    if (o.size() > 3) r |= read(thread, o[3], Type::b32) << (2 * width);
    write(thread, o[0], Type::b32, low_bits(r, 32));
    return Flow::next;
}

} // namespace anywarp::oracle
