// Half precision: rounding to odd, bf16, and the 8-bit and tf32 formats.
//
// Rounding to odd: a value rounded toward zero with its last bit set when anything was lost can be rounded a second time to a
// format at least two bits narrower without error (Boldo & Melquiond, "When double rounding is odd"). That is how results
// with more bits than f32 holds reach f16 and bf16.
#include "common.h"

INLINE float to_odd(double d) {
    float f = (float)d;
    double back = (double)f;
    u32 bits = bits_of(f);
    int nan = d != d;
    int larger = __builtin_fabs(back) > __builtin_fabs(d); // rounded away from zero (or to infinity): step back
    int inexact = back != d;
    bits = bits - (larger ? 1u : 0u);
    bits = inexact && !nan ? bits | 1u : bits;
    return float_of(bits);
}

float anywarp_b_f64_to_f32_odd(double d) { return to_odd(d); }

// a*b is exact in double; the sum's error is found by two-sum and made sticky.
float anywarp_b_fma_odd(float a, float b, float c) {
    double p = (double)a * (double)b, z = (double)c;
    double s = p + z;
    double t = s - p;
    double e = (p - (s - t)) + (z - t);
    u64 bits = bits_of_double(s);
    // Toward zero: where the error has the other sign the sum is too large in magnitude.
    int lost = e != 0 && e == e && __builtin_fabs(s) < __builtin_inf();
    int opposite = (e < 0) != (s < 0);
    bits = lost && opposite ? bits - 1 : bits;
    bits = lost ? bits | 1 : bits;
    return to_odd(double_of(bits));
}

// The same for what were f16: their products are exact in f32, and so is the error of the sum.
float anywarp_b_fma_odd_f16(float a, float b, float c) {
    float p = a * b;
    float s = p + c;
    float t = s - p;
    float e = (p - (s - t)) + (c - t);
    u32 bits = bits_of(s);
    u32 step = (bits_of(e) ^ bits) >> 31 ? 0xffffffffu : 1; // towards the exact sum
    int lost = (e < 0) | (e > 0);
    return float_of(lost && !(bits & 1) ? bits + step : bits);
}

u16 anywarp_b_float_to_bf16(float x) {
    u32 b = bits_of(x);
    u32 rounded = (b + 0x7fff + (b >> 16 & 1)) >> 16;
    return (u16)(x != x ? 0x7fff : rounded);
}
u16 anywarp_b_f32_to_bf16_rz(float x) { return (u16)(x != x ? 0x7fff : bits_of(x) >> 16); }
u16 anywarp_b_f32_to_bf16_rm(float x) {
    u32 b = bits_of(x);
    return (u16)(x != x ? 0x7fff : (b >> 16) + ((b >> 31) && (b & 0xffff) ? 1 : 0));
}
u16 anywarp_b_f32_to_bf16_rp(float x) {
    u32 b = bits_of(x);
    return (u16)(x != x ? 0x7fff : (b >> 16) + (!(b >> 31) && (b & 0xffff) ? 1 : 0));
}
u16 anywarp_b_mul_bf16(float a, float b) { return anywarp_b_float_to_bf16(to_odd((double)a * (double)b)); }

// f16 with directed rounding: truncate to nearest and correct by one unit.
INLINE u16 half_directed(float x, int toward_zero, int up) {
    _Float16 h = (_Float16)x;
    float back = (float)h;
    u16 bits = bits_of_half(h);
    int negative = bits >> 15;
    int above = back > x, below = back < x;
    int want_down = toward_zero ? !negative : !up; // numerically smaller wanted where `above`
    int want_up = toward_zero ? negative : up;
    u16 down = (u16)(bits == 0 ? 0x8001 : negative ? bits + 1 : bits - 1);
    u16 higher = (u16)(bits == 0x8000 ? 0x0001 : negative ? bits - 1 : bits + 1);
    u16 r = x != x ? 0x7fff : above && want_down ? down : below && want_up ? higher : bits;
    return r;
}
u16 anywarp_b_f32_to_f16_rz(float x) { return half_directed(x, 1, 0); }
u16 anywarp_b_f32_to_f16_rm(float x) { return half_directed(x, 0, 0); }
u16 anywarp_b_f32_to_f16_rp(float x) { return half_directed(x, 0, 1); }

// .ftz of f16: subnormal halves are below 2^-14.
float anywarp_b_flush_f16(float x) { return __builtin_fabsf(x) < 0x1p-14f ? __builtin_copysignf(0.0f, x) : x; }
u16 anywarp_b_flush_f16_bits(u16 h) { return (u16)((h & 0x7c00) ? h : h & 0x8000); }

// tf32: f32 with 10 fraction bits, the low 13 bits of the register zero.
u32 anywarp_b_f32_to_tf32_rna(float x) {
    u32 b = bits_of(x), special = (b & 0x7f800000) == 0x7f800000;
    return x != x ? 0x7fffffffu : special ? b : (b + 0x1000) & ~0x1fffu;
}
u32 anywarp_b_f32_to_tf32(float x) {
    u32 b = bits_of(x), special = (b & 0x7f800000) == 0x7f800000;
    return x != x ? 0x7fffffffu : special ? b : (b + 0xfff + (b >> 13 & 1)) & ~0x1fffu;
}
u32 anywarp_b_f32_to_tf32_rz(float x) {
    u32 b = bits_of(x);
    return x != x ? 0x7fffffffu : b & ~0x1fffu;
}

// 8-bit formats, always saturating to the largest finite number (.satfinite). `mantissa` fraction bits, exponent bias `bias`,
// largest magnitude `largest` with the bits `largest_bits`.
INLINE u32 to_small(float x, int relu, int mantissa, int bias, float largest, u32 largest_bits) {
    u32 sign = bits_of(x) >> 31 << 7;
    float m = __builtin_fabsf(x);
    m = m < largest ? m : largest; // rounding can't pass `largest`, which is representable
    // Adding and subtracting a power of two rounds m to the spacing of its binade (or of the subnormals) to nearest even.
    u32 e = bits_of(m) >> 23;
    u32 least = (u32)(127 - bias + 1);
    e = e > least ? e : least;
    float magic = float_of((e + (u32)(23 - mantissa)) << 23);
    float r = (m + magic) - magic;
    u32 rb = bits_of(r);
    u32 normal = (rb >> (23 - mantissa)) - ((u32)(127 - bias) << mantissa);
    u32 sub = (u32)(s32)(r * float_of((u32)(127 + bias - 1 + mantissa) << 23));
    u32 out = (rb >> 23) >= least ? normal : sub;
    out = x != x ? 0x7f : sign | out;
    (void)largest_bits;
    return relu && (sign != 0) && x == x ? 0 : out;
}
u32 anywarp_b_f32_to_e4m3(float x, u32 relu) { return to_small(x, (int)relu, 3, 7, 448.0f, 0x7e); }
u32 anywarp_b_f32_to_e5m2(float x, u32 relu) { return to_small(x, (int)relu, 2, 15, 57344.0f, 0x7b); }
float anywarp_b_e4m3_to_f32(u32 v) {
    u32 magnitude = v & 0x7f, sign = (v & 0x80) << 24;
    float normal = float_of((magnitude << 20) + (120u << 23)), sub = (float)(s32)magnitude * 0x1p-9f;
    float r = magnitude >= 8 ? normal : sub;
    r = magnitude == 0x7f ? float_of(0x7fffffffu) : r;
    return float_of(bits_of(r) | sign);
}
float anywarp_b_e5m2_to_f32(u32 v) { return (float)half_of((u16)(v << 8)); }
