// rcp sqrt rsqrt sin cos lg2 ex2 tanh: exact rounding where the instruction asks for it, the host's double-precision functions
// rounded to the type for the .approx forms. Those are within the bounds that PTX documents; tests compare within the bound.
//
// PTX ISA 9.0, 9.7.3.13 - 9.7.3.22, 9.7.4.9, 9.7.4.10.
#include "oracle/interpreter.h"

#include <bit>
#include <cmath>

namespace anywarp::oracle {

namespace {

double evaluate(Thread& thread, const Instruction& instruction, double x) {
    switch (instruction.opcode) {
    case Opcode::rcp:
        return 1.0 / x;
    case Opcode::sqrt:
        return std::sqrt(x);
    case Opcode::rsqrt:
        return 1.0 / std::sqrt(x);
    case Opcode::sin:
        return std::sin(x);
    case Opcode::cos:
        return std::cos(x);
    case Opcode::lg2:
        return std::log2(x);
    case Opcode::ex2:
        return std::exp2(x);
    case Opcode::tanh:
        return std::tanh(x);
    default:
        refuse(thread, instruction);
    }
}

} // namespace

Flow execute_function(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type type = instruction.type();
    FloatType ft = float_type(type);
    Format format = ft.format;
    unsigned width = format.width();
    uint64_t in = read(thread, o.at(1), type), out = 0;
    bool ftz = instruction.has(Modifier::ftz), approximate = instruction.has(Modifier::approx);
    if (type == Type::f64 && approximate && ftz) { // rcp, rsqrt
        // Works on the upper word only: the lower 32 bits of operand and result are taken as zero, subnormals flushed.
        uint64_t a = flush(in & 0xffffffff00000000ull, format);
        double r = evaluate(thread, instruction, std::bit_cast<double>(a));
        uint64_t bits = std::isnan(r) || is_nan(in, format) ? 0x7fffffff00000000ull : std::bit_cast<uint64_t>(r) & 0xffffffff00000000ull;
        write(thread, o[0], type, ftz ? flush(bits, format) : bits);
        return Flow::next;
    }
    for (unsigned lane = 0; lane < ft.lanes; ++lane) {
        uint64_t a = low_bits(in >> (lane * width), width), r;
        if (ftz) a = flush(a, format);
        if (!approximate && instruction.opcode == Opcode::sqrt) {
            Rounding rounding = rounding_of(instruction);
            r = encode(square_root(decode(a, format)), format, rounding);
        } else if (!approximate && instruction.opcode == Opcode::rcp) {
            Exact one = from_integer(1);
            r = encode(divide(one, decode(a, format)), format, rounding_of(instruction));
        } else {
            r = from_double(evaluate(thread, instruction, to_double(a, format)), format);
        }
        if (ftz) r = flush(r, format);
        out |= r << (lane * width);
    }
    write(thread, o[0], type, out);
    return Flow::next;
}

} // namespace anywarp::oracle
