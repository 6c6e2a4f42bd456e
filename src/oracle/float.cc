// Floating-point add sub mul mad fma div abs neg min max in every type, with .ftz .sat .relu and the rounding modes.
//
// Results come from exact.h and are rounded once. NaN results are canonical; min and max prefer numbers to NaN and order -0
// below +0. PTX ISA 9.0, 9.7.3 and 9.7.4.
#include "oracle/interpreter.h"

#include <bit>
#include <cmath>

namespace anywarp::oracle {

FloatType float_type(Type type) {
    switch (type) {
    case Type::f16:
        return {format_f16, 1};
    case Type::f16x2:
        return {format_f16, 2};
    case Type::bf16:
        return {format_bf16, 1};
    case Type::bf16x2:
        return {format_bf16, 2};
    case Type::f32:
        return {format_f32, 1};
    case Type::f32x2:
        return {format_f32, 2};
    case Type::f64:
        return {format_f64, 1};
    default:
        throw Fault{{ErrorKind::unsupported, ErrorCode::not_supported,
                     "oracle: arithmetic on type ." + std::string(ptx::spelling(type))}};
    }
}

uint64_t flush(uint64_t bits, Format format) { return is_subnormal(bits, format) ? bits & (1ull << (format.width() - 1)) : bits; }

double to_double(uint64_t bits, Format format) {
    return std::bit_cast<double>(encode(decode(bits, format), format_f64, Rounding::nearest_even));
}
uint64_t from_double(double value, Format format) {
    return encode(decode(std::bit_cast<uint64_t>(value), format_f64), format, Rounding::nearest_even);
}

Rounding rounding_of(const Instruction& instruction) {
    for (Modifier m : instruction.modifiers) {
        switch (m) {
        case Modifier::rn:
        case Modifier::rni:
            return Rounding::nearest_even;
        case Modifier::rz:
        case Modifier::rzi:
            return Rounding::zero;
        case Modifier::rm:
        case Modifier::rmi:
            return Rounding::down;
        case Modifier::rp:
        case Modifier::rpi:
            return Rounding::up;
        case Modifier::rna:
            return Rounding::nearest_away;
        default:
            break;
        }
    }
    return Rounding::nearest_even;
}

uint64_t float_binary(FloatOperation operation, uint64_t a, uint64_t b, Format format, Rounding rounding) {
    Exact x = decode(a, format), y = decode(b, format), r;
    switch (operation) {
    case FloatOperation::add:
        r = add(x, y, rounding);
        break;
    case FloatOperation::subtract:
        r = add(x, y.kind == Exact::nan ? y : negate(y), rounding);
        break;
    case FloatOperation::multiply:
        r = multiply(x, y);
        break;
    case FloatOperation::divide:
        r = divide(x, y);
        break;
    }
    return encode(r, format, rounding);
}

uint64_t float_fma(uint64_t a, uint64_t b, uint64_t c, Format format, Rounding rounding) {
    return encode(add(multiply(decode(a, format), decode(b, format)), decode(c, format), rounding), format, rounding);
}

uint64_t float_min_max(uint64_t a, uint64_t b, Format format, bool maximum, bool nan_wins) {
    bool a_nan = is_nan(a, format), b_nan = is_nan(b, format);
    if ((a_nan && b_nan) || (nan_wins && (a_nan || b_nan))) return canonical_nan(format);
    if (a_nan) return b;
    if (b_nan) return a;
    int order = compare(decode(a, format), decode(b, format));
    if (order == 0) { // equal, or zeros of different sign
        bool a_negative = (a >> (format.width() - 1)) & 1;
        return a_negative == maximum ? b : a;
    }
    return (order > 0) == maximum ? a : b;
}

namespace {

uint64_t one_lane(Thread& thread, const Instruction& instruction, Type type, const uint64_t* in, size_t count) {
    Format format = float_type(type).format;
    unsigned width = format.width();
    uint64_t sign = 1ull << (width - 1);
    bool ftz = instruction.has(Modifier::ftz);
    uint64_t v[3] = {0, 0, 0};
    for (size_t i = 0; i < count; ++i) v[i] = ftz ? flush(in[i], format) : in[i];
    Rounding rounding = rounding_of(instruction);
    uint64_t r = 0;
    switch (instruction.opcode) {
    case Opcode::add:
        r = float_binary(FloatOperation::add, v[0], v[1], format, rounding);
        break;
    case Opcode::sub:
        r = float_binary(FloatOperation::subtract, v[0], v[1], format, rounding);
        break;
    case Opcode::mul:
        r = float_binary(FloatOperation::multiply, v[0], v[1], format, rounding);
        break;
    // div.approx and div.full may differ from the rounded quotient by 2 ulp; the rounded quotient is within their bound.
    case Opcode::div:
        r = float_binary(FloatOperation::divide, v[0], v[1], format, rounding);
        // ISA 9.7.3.8: where 2^126 < |b|, div.approx gives NaN for an infinite a, otherwise 0.
        if (instruction.has(Modifier::approx) && !is_nan(v[1], format) && (v[1] & ~sign) > from_double(0x1p126, format))
            r = float_binary(FloatOperation::multiply, v[0], v[1] & sign, format, rounding);
        break;
    case Opcode::mad:
    case Opcode::fma:
        r = float_fma(v[0], v[1], v[2], format, rounding);
        // .oob: 0 where an operand is the out-of-bounds NaN
        if (instruction.has(Modifier::oob)) refuse(thread, instruction);
        break;
    case Opcode::abs:
        return v[0] & ~sign;
    case Opcode::neg:
        return v[0] ^ sign;
    case Opcode::min:
    case Opcode::max: {
        bool maximum = instruction.opcode == Opcode::max, nan_wins = instruction.has(Modifier::NaN);
        if (instruction.has(Modifier::xorsign)) {
            uint64_t s = (v[0] ^ v[1]) & sign;
            r = float_min_max(v[0] & ~sign, v[1] & ~sign, format, maximum, nan_wins);
            return is_nan(r, format) ? r : (r & ~sign) | s;
        }
        r = v[0];
        for (size_t i = 1; i < count; ++i) r = float_min_max(r, v[i], format, maximum, nan_wins);
        break;
    }
    default:
        refuse(thread, instruction);
    }
    if (ftz) r = flush(r, format);
    if (instruction.has(Modifier::sat)) { // to [+0, 1], NaN to +0
        uint64_t one = from_double(1.0, format);
        if (is_nan(r, format) || r & sign)
            r = 0;
        else if (r > one)
            r = one;
    }
    if (instruction.has(Modifier::relu) && !is_nan(r, format) && r & sign) r = 0;
    return r;
}

} // namespace

Flow execute_float(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type type = instruction.type();
    // Mixed forms (fma.rn.f32.f16 and so on) name a second type for the narrow operands.
    if (instruction.types.size() > 1) refuse(thread, instruction);
    FloatType ft = float_type(type);
    unsigned width = ft.format.width();
    size_t count = o.size() - 1;
    if (count > 3) refuse(thread, instruction);
    uint64_t result = 0;
    for (unsigned lane = 0; lane < ft.lanes; ++lane) {
        uint64_t in[3] = {0, 0, 0};
        for (size_t i = 0; i < count; ++i) in[i] = low_bits(read(thread, o[i + 1], type) >> (lane * width), width);
        result |= one_lane(thread, instruction, type, in, count) << (lane * width);
    }
    write(thread, o[0], type, result);
    return Flow::next;
}

} // namespace anywarp::oracle
