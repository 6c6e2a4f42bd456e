// Floating-point numbers as exact integers times powers of two, and their rounding into any format.
//
// Every arithmetic result is first computed exactly (or exactly with a sticky flag for "a little more than this") and then
// rounded once, by the instruction's own mode, into the destination format. So f16, bf16, f32 and f64 share one piece of code,
// fma rounds once by construction, and neither the host's MXCSR nor its libm plays a part.
//
// PTX ISA 9.0, 5.2.3 (alternate formats), 6.5.2 (rounding modifiers); IEEE 754-2008.
#pragma once

#include <cstdint>

namespace anywarp::oracle {

using u128 = unsigned __int128;
using s128 = __int128;

/// A binary format with sign, exponent and mantissa fields. `finite_only`: no infinities, one NaN with all bits set (e4m3).
struct Format {
    unsigned exponent_bits, mantissa_bits;
    bool finite_only = false;
    unsigned width() const { return 1 + exponent_bits + mantissa_bits; }
    int bias() const { return (1 << (exponent_bits - 1)) - 1; }
};
constexpr Format format_f16{5, 10}, format_bf16{8, 7}, format_f32{8, 23}, format_f64{11, 52}, format_tf32{8, 10},
    format_e5m2{5, 2}, format_e4m3{4, 3, true};

enum class Rounding { nearest_even, zero, down, up, nearest_away };

/// significand * 2^exponent, plus something above 0 and below 2^exponent when `sticky`.
struct Exact {
    enum Kind { zero, finite, infinity, nan } kind = zero;
    bool negative = false;
    bool sticky = false;
    int exponent = 0;
    u128 significand = 0;
};

Exact decode(uint64_t bits, Format format);
/// NaN becomes the quiet NaN with all mantissa bits set for formats up to 32 bits, 0x7ff8000000000000 for f64.
uint64_t encode(const Exact& value, Format format, Rounding rounding);
Exact from_integer(s128 value);
/// Rounded to an integer and clamped to [low, high]; NaN gives 0.
s128 to_integer(const Exact& value, Rounding rounding, s128 low, s128 high);
/// Rounded to an integral value that stays a floating-point number (cvt.rni.f32.f32); keeps the sign of zero.
Exact to_integral(const Exact& value, Rounding rounding);

Exact negate(Exact value);
/// The rounding mode only decides the sign of an exact zero sum.
Exact add(const Exact& a, const Exact& b, Rounding rounding);
Exact multiply(const Exact& a, const Exact& b);
Exact divide(const Exact& a, const Exact& b);
Exact square_root(const Exact& a);
/// -1, 0, 1; neither may be NaN.
int compare(const Exact& a, const Exact& b);

bool is_nan(uint64_t bits, Format format);
bool is_subnormal(uint64_t bits, Format format);
uint64_t canonical_nan(Format format);
uint64_t infinity(Format format, bool negative);
uint64_t largest(Format format, bool negative);

} // namespace anywarp::oracle
