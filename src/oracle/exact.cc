// Exact floating-point arithmetic on 128-bit integers; see exact.h. Significands are kept below 2^126 so that sums fit.
#include "oracle/exact.h"

namespace anywarp::oracle {

namespace {

constexpr int top_bit = 125; // where normalised significands have their highest bit

int highest_bit(u128 v) {
    uint64_t high = uint64_t(v >> 64);
    return high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll(uint64_t(v));
}

void normalize(Exact& x) {
    int shift = top_bit - highest_bit(x.significand);
    x.significand <<= shift; // never negative: see the file comment
    x.exponent -= shift;
}

/// Shift right, remembering lost bits.
void shift_right(Exact& x, int n) {
    if (n <= 0) return;
    if (n >= 128) {
        x.sticky |= x.significand != 0;
        x.significand = 0;
    } else {
        x.sticky |= (x.significand & ((u128(1) << n) - 1)) != 0;
        x.significand >>= n;
    }
    x.exponent += n;
}

/// Whether to add one in the last place after cutting off `rest` of `half`*2 (compare with half), `more` below that.
bool rounds_up(Rounding rounding, bool negative, bool odd, u128 rest, u128 half, bool more) {
    bool inexact = rest != 0 || more;
    switch (rounding) {
    case Rounding::nearest_even:
        return rest > half || (rest == half && (more || odd));
    case Rounding::nearest_away:
        return rest >= half && half != 0;
    case Rounding::zero:
        return false;
    case Rounding::down:
        return negative && inexact;
    case Rounding::up:
        return !negative && inexact;
    }
    return false;
}

/// Cut at 2^position: the integer part of x / 2^position, rounded.
u128 round_at(const Exact& x, int position, Rounding rounding) {
    int drop = position - x.exponent;
    if (drop <= 0) return x.significand << -drop; // the caller knows that this fits
    if (drop > 127) return rounds_up(rounding, x.negative, false, 0, 1, true) ? 1 : 0;
    u128 kept = x.significand >> drop;
    u128 rest = x.significand & ((u128(1) << drop) - 1);
    return kept + (rounds_up(rounding, x.negative, kept & 1, rest, u128(1) << (drop - 1), x.sticky) ? 1 : 0);
}

} // namespace

uint64_t canonical_nan(Format f) {
    if (f.mantissa_bits == 52) return 0x7ff8000000000000ull;
    return (1ull << (f.exponent_bits + f.mantissa_bits)) - 1;
}
uint64_t infinity(Format f, bool negative) {
    if (f.finite_only) return canonical_nan(f) | (uint64_t(negative) << (f.width() - 1));
    return (((1ull << f.exponent_bits) - 1) << f.mantissa_bits) | (uint64_t(negative) << (f.width() - 1));
}
uint64_t largest(Format f, bool negative) {
    uint64_t magnitude = f.finite_only ? canonical_nan(f) - 1 : infinity(f, false) - 1;
    return magnitude | (uint64_t(negative) << (f.width() - 1));
}

Exact decode(uint64_t bits, Format f) {
    Exact x;
    x.negative = (bits >> (f.width() - 1)) & 1;
    uint64_t mantissa = bits & ((1ull << f.mantissa_bits) - 1);
    uint64_t field = (bits >> f.mantissa_bits) & ((1ull << f.exponent_bits) - 1);
    bool all_ones = field == (1ull << f.exponent_bits) - 1;
    if (f.finite_only ? (all_ones && mantissa == (1ull << f.mantissa_bits) - 1) : (all_ones && mantissa)) {
        x.kind = Exact::nan;
    } else if (all_ones && !f.finite_only) {
        x.kind = Exact::infinity;
    } else if (field == 0 && mantissa == 0) {
        x.kind = Exact::zero;
    } else {
        x.kind = Exact::finite;
        x.significand = field ? mantissa | (1ull << f.mantissa_bits) : mantissa;
        x.exponent = int(field ? field : 1) - f.bias() - int(f.mantissa_bits);
    }
    return x;
}

uint64_t encode(const Exact& x, Format f, Rounding rounding) {
    uint64_t sign = uint64_t(x.negative) << (f.width() - 1);
    if (x.kind == Exact::nan) return canonical_nan(f);
    if (x.kind == Exact::infinity) return infinity(f, x.negative);
    if (x.kind == Exact::zero) return sign;
    Exact n = x;
    normalize(n);
    int leading = n.exponent + top_bit; // exponent of the highest bit
    int least = 1 - f.bias() - int(f.mantissa_bits);
    int position = leading - int(f.mantissa_bits);
    if (position < least) position = least;
    uint64_t kept = uint64_t(round_at(n, position, rounding));
    // kept is below 2^(mantissa_bits+1), or equal to it when rounding carried over; adding it to the exponent field as a
    // number does the right thing in both cases, and for subnormals too.
    uint64_t field = position == least ? 0 : uint64_t(position - least);
    uint64_t magnitude = (field << f.mantissa_bits) + kept;
    uint64_t limit = largest(f, false);
    if (magnitude > limit || position - least > (1 << f.exponent_bits)) {
        bool to_infinity = rounding == Rounding::nearest_even || rounding == Rounding::nearest_away ||
                           (rounding == Rounding::up && !x.negative) || (rounding == Rounding::down && x.negative);
        return to_infinity ? infinity(f, x.negative) : largest(f, x.negative);
    }
    return sign | magnitude;
}

Exact from_integer(s128 value) {
    Exact x;
    if (value == 0) return x;
    x.kind = Exact::finite;
    x.negative = value < 0;
    x.significand = x.negative ? u128(-value) : u128(value);
    return x;
}

s128 to_integer(const Exact& x, Rounding rounding, s128 low, s128 high) {
    if (x.kind == Exact::nan || x.kind == Exact::zero) return 0;
    if (x.kind == Exact::infinity) return x.negative ? low : high;
    if (x.exponent + highest_bit(x.significand) > 70) return x.negative ? low : high;
    s128 magnitude = s128(round_at(x, 0, rounding));
    s128 value = x.negative ? -magnitude : magnitude;
    return value < low ? low : value > high ? high : value;
}

Exact to_integral(const Exact& x, Rounding rounding) {
    if (x.kind != Exact::finite || x.exponent >= 0) return x;
    Exact r = from_integer(s128(round_at(x, 0, rounding)));
    r.negative = x.negative;
    return r;
}

Exact negate(Exact x) {
    x.negative = !x.negative;
    return x;
}

Exact add(const Exact& a, const Exact& b, Rounding rounding) {
    Exact not_a_number;
    not_a_number.kind = Exact::nan;
    if (a.kind == Exact::nan || b.kind == Exact::nan) return not_a_number;
    if (a.kind == Exact::infinity) return b.kind == Exact::infinity && a.negative != b.negative ? not_a_number : a;
    if (b.kind == Exact::infinity) return b;
    Exact nothing; // an exact zero sum of unlike signs is +0, but -0 when rounding down
    nothing.negative = rounding == Rounding::down;
    if (a.kind == Exact::zero && b.kind == Exact::zero) return a.negative == b.negative ? a : nothing;
    if (a.kind == Exact::zero) return b;
    if (b.kind == Exact::zero) return a;
    Exact x = a, y = b;
    normalize(x);
    normalize(y);
    if (x.exponent < y.exponent || (x.exponent == y.exponent && x.significand < y.significand)) {
        Exact t = x;
        x = y;
        y = t;
    }
    shift_right(y, x.exponent - y.exponent);
    if (x.negative == y.negative) {
        x.significand += y.significand;
        x.sticky |= y.sticky;
    } else {
        // x - (y + a bit) is (x - y - 1) + the rest of that bit.
        x.significand -= y.significand + (y.sticky ? 1 : 0);
        x.sticky |= y.sticky;
        if (x.significand == 0 && !x.sticky) return nothing;
    }
    if (x.significand >> (top_bit + 1)) shift_right(x, 1);
    return x;
}

Exact multiply(const Exact& a, const Exact& b) {
    Exact r;
    r.negative = a.negative != b.negative;
    if (a.kind == Exact::nan || b.kind == Exact::nan)
        r.kind = Exact::nan;
    else if (a.kind == Exact::infinity || b.kind == Exact::infinity)
        r.kind = a.kind == Exact::zero || b.kind == Exact::zero ? Exact::nan : Exact::infinity;
    else if (a.kind == Exact::zero || b.kind == Exact::zero)
        r.kind = Exact::zero;
    else {
        r.kind = Exact::finite;
        r.significand = a.significand * b.significand; // at most 53 bits each
        r.exponent = a.exponent + b.exponent;
    }
    return r;
}

Exact divide(const Exact& a, const Exact& b) {
    Exact r;
    r.negative = a.negative != b.negative;
    if (a.kind == Exact::nan || b.kind == Exact::nan)
        r.kind = Exact::nan;
    else if (a.kind == Exact::infinity)
        r.kind = b.kind == Exact::infinity ? Exact::nan : Exact::infinity;
    else if (b.kind == Exact::infinity)
        r.kind = Exact::zero;
    else if (b.kind == Exact::zero)
        r.kind = a.kind == Exact::zero ? Exact::nan : Exact::infinity;
    else if (a.kind == Exact::zero)
        r.kind = Exact::zero;
    else {
        Exact x = a;
        normalize(x); // 126 bits by at most 53: a quotient of at least 72 bits
        r.kind = Exact::finite;
        r.significand = x.significand / b.significand;
        r.sticky = x.significand % b.significand != 0;
        r.exponent = x.exponent - b.exponent;
    }
    return r;
}

Exact square_root(const Exact& a) {
    if (a.kind == Exact::nan || a.kind == Exact::zero) return a;
    Exact r;
    if (a.negative) {
        r.kind = Exact::nan;
        return r;
    }
    if (a.kind == Exact::infinity) return a;
    Exact x = a;
    normalize(x);
    if (x.exponent & 1) shift_right(x, 1); // nothing is lost: the low bits of a normalised significand are zero
    u128 root = 0;
    for (int bit = 62; bit >= 0; --bit) {
        u128 trial = root | (u128(1) << bit);
        if (trial * trial <= x.significand) root = trial;
    }
    r.kind = Exact::finite;
    r.significand = root;
    r.sticky = root * root != x.significand;
    r.exponent = x.exponent / 2;
    return r;
}

int compare(const Exact& a, const Exact& b) {
    Exact difference = add(a, negate(b), Rounding::nearest_even);
    if (difference.kind == Exact::nan) return 0; // inf - inf of the same sign
    if (difference.kind == Exact::zero) return 0;
    return difference.negative ? -1 : 1;
}

bool is_nan(uint64_t bits, Format f) { return decode(bits, f).kind == Exact::nan; }
bool is_subnormal(uint64_t bits, Format f) {
    uint64_t magnitude = bits & ((1ull << (f.width() - 1)) - 1);
    return magnitude != 0 && magnitude < (1ull << f.mantissa_bits);
}

} // namespace anywarp::oracle
