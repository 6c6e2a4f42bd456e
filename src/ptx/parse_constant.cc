// Constant expressions, folded as they are read (PTX ISA 4.5.3 - 4.5.5): C's operators and precedences over 64-bit signed and
// unsigned integers and doubles.
#include "ptx/parser.h"

#include <bit>
#include <limits>

namespace anywarp::ptx {
namespace {

unsigned precedence_of(const Token& t) {
    if (t.kind != Token::Kind::punctuation) return 0;
    switch (t.punctuation) {
    case '?': return 1;
    case Token::pair('|', '|'): return 2;
    case Token::pair('&', '&'): return 3;
    case '|': return 4;
    case '^': return 5;
    case '&': return 6;
    case Token::pair('=', '='):
    case Token::pair('!', '='): return 7;
    case '<':
    case '>':
    case Token::pair('<', '='):
    case Token::pair('>', '='): return 8;
    case Token::pair('<', '<'):
    case Token::pair('>', '>'): return 9;
    case '+':
    case '-': return 10;
    case '*':
    case '/':
    case '%': return 11;
    default: return 0;
    }
}

Constant integer(uint64_t bits, bool is_unsigned = false) { return {false, is_unsigned, false, bits}; }
Constant real(double value) { return {true, false, false, std::bit_cast<uint64_t>(value)}; }

/// False when the operation has no value: division by zero, a float operand of an integer operator.
bool fold(uint16_t op, const Constant& a, const Constant& b, Constant& out) {
    if (a.is_float || b.is_float) {
        double x = a.real(), y = b.real();
        switch (op) {
        case '+': out = real(x + y); return true;
        case '-': out = real(x - y); return true;
        case '*': out = real(x * y); return true;
        case '/': out = real(x / y); return true;
        case '<': out = integer(x < y); return true;
        case '>': out = integer(x > y); return true;
        case Token::pair('<', '='): out = integer(x <= y); return true;
        case Token::pair('>', '='): out = integer(x >= y); return true;
        case Token::pair('=', '='): out = integer(x == y); return true;
        case Token::pair('!', '='): out = integer(x != y); return true;
        default: return false;
        }
    }
    bool u = a.is_unsigned || b.is_unsigned;
    uint64_t x = a.bits, y = b.bits;
    int64_t sx = int64_t(x), sy = int64_t(y);
    bool overflow = !u && sx == std::numeric_limits<int64_t>::min() && sy == -1;
    switch (op) {
    case '+': out = integer(x + y, u); return true;
    case '-': out = integer(x - y, u); return true;
    case '*': out = integer(x * y, u); return true;
    case '/':
        if (!y) return false;
        out = integer(u ? x / y : overflow ? x : uint64_t(sx / sy), u);
        return true;
    case '%':
        if (!y) return false;
        out = integer(u ? x % y : overflow ? 0 : uint64_t(sx % sy), u);
        return true;
    case '&': out = integer(x & y, u); return true;
    case '|': out = integer(x | y, u); return true;
    case '^': out = integer(x ^ y, u); return true;
    case Token::pair('<', '<'): out = integer(y < 64 ? x << y : 0, a.is_unsigned); return true;
    case Token::pair('>', '>'): out = integer(a.is_unsigned ? (y < 64 ? x >> y : 0) : uint64_t(sx >> (y < 64 ? y : 63)), a.is_unsigned); return true;
    case '<': out = integer(u ? x < y : sx < sy); return true;
    case '>': out = integer(u ? x > y : sx > sy); return true;
    case Token::pair('<', '='): out = integer(u ? x <= y : sx <= sy); return true;
    case Token::pair('>', '='): out = integer(u ? x >= y : sx >= sy); return true;
    case Token::pair('=', '='): out = integer(x == y); return true;
    case Token::pair('!', '='): out = integer(x != y); return true;
    case Token::pair('&', '&'): out = integer(x && y); return true;
    case Token::pair('|', '|'): out = integer(x || y); return true;
    default: return false;
    }
}

} // namespace

double Constant::real() const {
    if (is_float) return std::bit_cast<double>(bits);
    return is_unsigned ? double(bits) : double(int64_t(bits));
}

bool Parser::parse_primary(Constant& value) {
    Token token = token_;
    if (++depth_ > max_depth) return fail(token.where, "expression is nested too deeply");
    struct Leave {
        unsigned& depth;
        ~Leave() { depth--; }
    } leave{depth_};
    if (token.kind == Token::Kind::integer) {
        value = integer(token.bits, token.is_unsigned);
        advance();
        return true;
    }
    if (token.kind == Token::Kind::real) {
        value = {true, false, token.single, token.bits};
        advance();
        return true;
    }
    if (token.is_identifier() && token.text == "WARP_SZ") {
        value = integer(32);
        advance();
        return true;
    }
    if (accept('-')) {
        if (!parse_primary(value)) return false;
        value.bits = value.is_float ? value.bits ^ 1ull << 63 : 0 - value.bits;
        return true;
    }
    if (accept('+')) return parse_primary(value);
    if (accept('~') || accept('!')) {
        if (!parse_primary(value)) return false;
        if (value.is_float && token.is('~')) return fail(token.where, "'~' needs an integer");
        value = token.is('~') ? integer(~value.bits, value.is_unsigned)
                              : integer(value.is_float ? value.real() == 0 : value.bits == 0);
        return true;
    }
    if (accept('(')) {
        if (token_.is_word(".s64") || token_.is_word(".u64")) { // a cast
            bool to_unsigned = token_.text == ".u64";
            advance();
            if (!expect(')') || !parse_primary(value)) return false;
            if (value.is_float) {
                double v = value.real();
                value = integer(v >= 0 && v < 18446744073709551616.0 ? uint64_t(v)
                                : v < 0 && v >= -9223372036854775808.0 ? uint64_t(int64_t(v))
                                                                       : 0);
            }
            value.is_unsigned = to_unsigned;
            return true;
        }
        return parse_constant(value) && expect(')');
    }
    return fail_here("a constant");
}

bool Parser::parse_constant(Constant& value, unsigned precedence) {
    if (!parse_primary(value)) return false;
    for (;;) {
        Token op = token_;
        unsigned level = precedence_of(op);
        if (level == 0 || level <= precedence) return true;
        if (++depth_ > max_depth) return fail(op.where, "expression is nested too deeply");
        struct Leave {
            unsigned& depth;
            ~Leave() { depth--; }
        } leave{depth_};
        advance();
        Constant right;
        if (op.is('?')) {
            Constant no;
            if (!parse_constant(right) || !expect(':') || !parse_constant(no)) return false;
            bool condition = value.is_float ? value.real() != 0 : value.bits != 0;
            value = condition ? right : no;
            continue;
        }
        if (!parse_constant(right, level)) return false;
        if (!fold(op.punctuation, value, right, value)) return fail(op.where, "constant expression has no value");
    }
}

bool Parser::parse_integer(int64_t& value) {
    Constant constant;
    SourceLocation where = token_.where;
    if (!parse_constant(constant)) return false;
    if (constant.is_float) return fail(where, "expected an integer");
    value = int64_t(constant.bits);
    return true;
}

bool Parser::parse_unsigned(uint32_t& value) {
    if (token_.kind != Token::Kind::integer || token_.bits > 0xffffffff) return fail_here("an unsigned number");
    value = uint32_t(token_.bits);
    advance();
    return true;
}

} // namespace anywarp::ptx
