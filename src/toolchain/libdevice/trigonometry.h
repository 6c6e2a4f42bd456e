// Argument reduction for the trigonometric functions. Up to 2^30 quarter turns the multiple of pi/2 is taken away with pi/2 in
// three parts: the first step is exact by fused multiply-add, the others are carried as a pair. Beyond that the argument's
// place value selects 192 bits of 2/pi, so that only what matters of the product is computed (Payne and Hanek).
#pragma once

#include "target.h"

namespace anywarp_math {

constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
constexpr double half_pi_1 = 0x1.921fb54442d18p+0, half_pi_2 = 0x1.1a62633145c07p-54, half_pi_3 = -0x1.f1976b7ed8fbcp-110;

struct Reduced {
    double high, low; // in [-pi/4, pi/4]
    int quadrant;
};

// Bits of 2/pi after the point, 64 at a time.
#ifdef __NVPTX__
__attribute__((address_space(4)))
#endif
static const u64 two_over_pi_bits[20] = {
    0xa2f9836e4e441529ull, 0xfc2757d1f534ddc0ull, 0xdb6295993c439041ull, 0xfe5163abdebbc561ull, 0xb7246e3a424dd2e0ull,
    0x06492eea09d1921cull, 0xfe1deb1cb129a73eull, 0xe88235f52ebb4484ull, 0xe99c7026b45f7e41ull, 0x3991d639835339f4ull,
    0x9c845f8bbdf9283bull, 0x1ff897ffde05980full, 0xef2f118b5a0a6d1full, 0x6d367ecf27cb09b7ull, 0x4f463f669e5fea2dull,
    0x7527bac7ebe5f17bull, 0x3d0739f78a5292eaull, 0x6bfb5fb11f8d5d08ull, 0x56033046fc7b6babull, 0xf0cfbc209af4361dull,
};

INTERNAL u64 multiply_high(u64 a, u64 b) {
    return (u64)((unsigned __int128)a * b >> 64);
}

// Of |x| * 2/pi: the two bits before the point and 126 after it. x = m * 2^e with a 53-bit m; bits of 2/pi whose product with
// m is a multiple of 4 are left out.
SLOW_PATH void reduce_large(double x, double* high, double* low, int* quadrant) {
    const u64 b = bits(x) & 0x7fffffffffffffffull;
    const int e = (int)(b >> 52) - 1075;
    const u64 m = (b & 0xfffffffffffffull) | 0x10000000000000ull;
    // The product m * (2/pi bits) has weight 2^(e - position); the first position that matters is e - 2 - 53 bits back.
    const int first = e > 2 ? e - 2 : 0; // bits of 2/pi before this one give multiples of 4
    const int word = first >> 6, shift = first & 63;
    u64 w[4];
    for (int i = 0; i < 4; ++i) {
        const u64 a = two_over_pi_bits[word + i], next = two_over_pi_bits[word + i + 1];
        w[i] = shift ? a << shift | next >> (64 - shift) : a;
    }
    // P = m * W, W the 256 bits from `first`; value of P: m * W * 2^(e - first - 256). Modulo 2^256 drops whole multiples.
    u64 p[4]; // most significant first
    p[3] = m * w[3];
    u64 carry = multiply_high(m, w[3]);
    for (int i = 2; i >= 0; --i) {
        const u64 low_part = m * w[i];
        p[i] = low_part + carry;
        carry = multiply_high(m, w[i]) + (p[i] < low_part ? 1 : 0);
    }
    // With e - first = 2 the top two bits are the quadrant; with a smaller e the product stands lower.
    const int up = 2 - (e - first); // >= 0
    if (up > 0) { // `first` is 0 here and nothing was dropped: the product starts at weight 2^e with its carry above
        u64 q[5] = {carry, p[0], p[1], p[2], p[3]};
        // Value = q * 2^(e - 256) over 320 bits; shift so that weight 2^1 becomes the top bit of the first word.
        int left = 64 - 2 + e; // bits above weight 4 in q
        while (left >= 64) {
            for (int i = 0; i < 4; ++i)
                q[i] = q[i + 1];
            q[4] = 0;
            left -= 64;
        }
        if (left > 0)
            for (int i = 0; i < 4; ++i)
                p[i] = q[i] << left | q[i + 1] >> (64 - left);
        else
            for (int i = 0; i < 4; ++i)
                p[i] = q[i];
    }
    int n = (int)(p[0] >> 62);
    // The fraction, 64 + 64 bits, signed about the nearest quarter turn.
    u64 f0 = p[0] << 2 | p[1] >> 62, f1 = p[1] << 2 | p[2] >> 62, f2 = p[2] << 2 | p[3] >> 62;
    const bool negative = f0 >> 63;
    if (negative) {
        n += 1;
        f0 = ~f0;
        f1 = ~f1;
        f2 = ~f2;
    }
    int zeros = 0;
    if (f0 == 0) {
        f0 = f1;
        f1 = f2;
        f2 = 0;
        zeros = 64;
    }
    const int lead = f0 == 0 ? 63 : __builtin_clzll(f0);
    if (lead > 0) {
        f0 = f0 << lead | f1 >> (64 - lead);
        f1 = f1 << lead | f2 >> (64 - lead);
    }
    zeros += lead;
    const double a = (double)(f0 >> 11) * power_of_two(-53 - zeros);
    const double a_low = (double)((f0 << 53 | f1 >> 11) >> 11) * power_of_two(-53 - 53 - zeros);
    const Pair r = multiply({a, a_low}, {half_pi_1, half_pi_2});
    const double sign = negative ? -1.0 : 1.0;
    const double whole = x < 0 ? -1.0 : 1.0;
    *high = r.high * sign * whole;
    *low = r.low * sign * whole;
    *quadrant = x < 0 ? -n : n;
}

INTERNAL Reduced reduce(double x) {
    const double n = rint(x * two_over_pi);
    const double r = fma(-n, half_pi_1, x);
    const double w = n * half_pi_2;
    const double w_low = fma(n, half_pi_2, -w);
    const Pair s = exact_sum_any(r, -w);
    const Pair t = exact_sum(s.high, s.low - (w_low + n * half_pi_3));
    Reduced result = {t.high, t.low, (int)(i64)n};
    if (__builtin_expect(abs(x) > 0x1p30, 0))
        reduce_large(x, &result.high, &result.low, &result.quadrant);
    return result;
}
// For single precision: the fraction to about 2^-50.
INTERNAL Reduced reduce_float(double x) {
    const double n = rint(x * two_over_pi);
    const double r = fma(-n, half_pi_2, fma(-n, half_pi_1, x));
    Reduced result = {r, 0.0, (int)(i64)n};
    if (__builtin_expect(abs(x) > 0x1p30, 0))
        reduce_large(x, &result.high, &result.low, &result.quadrant);
    return result;
}

// Taylor's series on |r| <= pi/4, `low` the rest of the argument.
INTERNAL double sine_kernel(double r, double low) {
    const double z = r * r;
    const double tail = horner(z, -1.0 / 121645100408832000.0, 1.0 / 355687428096000.0, -1.0 / 1307674368000.0, 1.0 / 6227020800.0,
                               -1.0 / 39916800.0, 1.0 / 362880.0, -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0);
    return r + fma(r * z, tail, low * fma(z, -0.5, 1.0));
}
INTERNAL double cosine_kernel(double r, double low) {
    const double z = r * r;
    const double tail = horner(z, -1.0 / 6402373705728000.0, 1.0 / 20922789888000.0, -1.0 / 87178291200.0, 1.0 / 479001600.0, -1.0 / 3628800.0,
                               1.0 / 40320.0, -1.0 / 720.0, 1.0 / 24.0);
    const double half = 0.5 * z, head = 1.0 - half;
    return head + (((1.0 - head) - half) + fma(z * z, tail, -r * low));
}
INTERNAL float sine_kernel(float r) {
    const float z = r * r;
    return fma(r * z, horner(z, 1.0f / 362880.0f, -1.0f / 5040.0f, 1.0f / 120.0f, -1.0f / 6.0f), r);
}
INTERNAL float cosine_kernel(float r) {
    const float z = r * r;
    return fma(z, horner(z, -1.0f / 3628800.0f, 1.0f / 40320.0f, -1.0f / 720.0f, 1.0f / 24.0f, -0.5f), 1.0f);
}
// Sine and cosine of a reduced argument, turned by quarter turns.
template <class T> INTERNAL void turn(T s, T c, int quadrant, T* sine, T* cosine) {
    const T a = quadrant & 1 ? c : s, b = quadrant & 1 ? s : c;
    *sine = quadrant & 2 ? -a : a;
    *cosine = (quadrant + 1) & 2 ? -b : b;
}

} // namespace anywarp_math
