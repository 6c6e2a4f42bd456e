// The approximate functions of PTX ISA 9.7.3.18 ff (sin, cos, lg2, ex2, tanh), at or below the documented error.
//
// Straight-line polynomials (Taylor coefficients on a reduced range; one or two terms more than a minimax fit would need) with
// selects for the special cases, so that they turn into good vector code. Rounding to an integer uses the "add 1.5 * 2^23"
// trick, which needs no rounding instruction and leaves the integer in the low bits. Contraction is allowed here and only here:
// the results are approximations anyway, and an fma halves the work where the machine has one.
#include "common.h"
#pragma STDC FP_CONTRACT ON

#define SHIFTER 0x1.8p23f

// 2^x: 2^n * 2^f with |f| <= 1/2; the power of two is applied in two steps, so that subnormal results are right.
float anywarp_b_ex2(float x) {
    float c = x > 200.0f ? 200.0f : x;
    c = c < -200.0f ? -200.0f : c;
    float t = c + SHIFTER;
    float f = c - (t - SHIFTER);
    s32 n = (s32)(bits_of(t) - 0x4b400000u);
    float p = 1.5252733804e-5f;
    p = p * f + 1.5403530394e-4f;
    p = p * f + 1.3333558146e-3f;
    p = p * f + 9.6181291076e-3f;
    p = p * f + 5.5504108665e-2f;
    p = p * f + 2.4022650696e-1f;
    p = p * f + 6.9314718056e-1f;
    p = p * f + 1.0f;
    s32 half = n >> 1;
    return p * float_of((u32)(half + 127) << 23) * float_of((u32)(n - half + 127) << 23);
}

// log2(x) = e + log2(m), m in [sqrt(1/2), sqrt(2)); log2(m) = 2/ln2 * atanh(s), s = (m-1)/(m+1).
float anywarp_b_lg2(float x) {
    int tiny = x < 0x1p-126f;
    float y = tiny ? x * 0x1p24f : x;
    u32 b = bits_of(y);
    u32 shifted = b - 0x3f3504f3u; // sqrt(1/2): the exponent of the difference is e
    s32 e = (s32)shifted >> 23;
    float m = float_of(b - ((u32)e << 23));
    float ef = (float)e - (tiny ? 24.0f : 0.0f);
    float s = (m - 1.0f) / (m + 1.0f);
    float z = s * s;
    float p = 3.2059890e-1f;
    p = p * z + 4.1219859e-1f;
    p = p * z + 5.7707802e-1f;
    p = p * z + 9.6179670e-1f;
    p = p * z + 2.8853901f;
    float r = p * s + ef;
    r = x == 0.0f ? -__builtin_inff() : r;
    r = x == __builtin_inff() ? x : r;
    return x < 0.0f || x != x ? __builtin_nanf("") : r;
}

// x = n * pi/2 + r; the three parts of pi/2 have few bits each, so that their products with n are exact up to |x| ~ 1e5.
INLINE float reduce(float x, u32* quadrant) {
    float t = x * 6.36619772e-1f + SHIFTER;
    float n = t - SHIFTER;
    *quadrant = bits_of(t) & 3;
    float r = x - n * 1.5703125f;
    r = r - n * 4.83751296997e-4f;
    r = r - n * 7.54978995489e-8f;
    // Far outside of that range nothing is left of x; stay where the polynomials do. An infinity has become a NaN.
    r = r > 0.9f ? 0.9f : r;
    r = r < -0.9f ? -0.9f : r;
    return r;
}
INLINE float sin_part(float r) {
    float z = r * r;
    float p = 2.7557319e-6f;
    p = p * z - 1.9841270e-4f;
    p = p * z + 8.3333333e-3f;
    p = p * z - 1.6666667e-1f;
    return r + r * (z * p);
}
INLINE float cos_part(float r) {
    float z = r * r;
    float p = -2.7557319e-7f;
    p = p * z + 2.4801587e-5f;
    p = p * z - 1.3888889e-3f;
    p = p * z + 4.1666667e-2f;
    p = p * z - 0.5f;
    return 1.0f + z * p;
}
float anywarp_b_sin(float x) {
    u32 q;
    float r = reduce(x, &q);
    float s = sin_part(r), c = cos_part(r);
    float v = (q & 1) ? c : s;
    v = x == 0.0f ? x : v; // keeps -0
    return float_of(bits_of(v) ^ (q & 2) << 30);
}
float anywarp_b_cos(float x) {
    u32 q;
    float r = reduce(x, &q);
    float s = sin_part(r), c = cos_part(r);
    float v = (q & 1) ? s : c;
    return float_of(bits_of(v) ^ ((q + 1) & 2) << 30);
}

// tanh(x) = 1 - 2 / (e^2x + 1); near zero its series, because the difference would cancel.
float anywarp_b_tanh(float x) {
    float m = __builtin_fabsf(x);
    float c = m > 12.0f ? 12.0f : m;
    float e = anywarp_b_ex2(c * 2.88539008f);
    float big = 1.0f - 2.0f / (e + 1.0f);
    float z = c * c;
    float small = c + c * z * (z * (z * -5.3968254e-2f + 1.3333333e-1f) - 3.3333333e-1f);
    float r = m < 0.25f ? small : big;
    return __builtin_copysignf(r, x);
}
