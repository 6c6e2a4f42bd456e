// Bfloat16: __nv_bfloat16, __nv_bfloat162, conversions, arithmetic and functions on host and device (CUDA Math API, "Bfloat16
// Precision Intrinsics"). The types' layouts and the functions' names are CUDA's; the value is the upper half of a float.
#ifndef __CUDA_BF16_H__
#define __CUDA_BF16_H__

#include "cuda_runtime.h"

#include <cstring>

#define ANYWARP_HD static __inline__ __host__ __device__ __attribute__((always_inline))

// A bfloat16 is the upper half of a float; rounding to nearest even is an addition on the bits.
ANYWARP_HD float anywarp_bfloat_to_float(unsigned short bits) {
    const unsigned int u = (unsigned int)bits << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
ANYWARP_HD unsigned short anywarp_bfloat_from_float(float x) {
    unsigned int u;
    memcpy(&u, &x, 4);
    return x != x ? (unsigned short)0x7fff : (unsigned short)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}
ANYWARP_HD unsigned short anywarp_bfloat_from_double(double x) {
    // Rounded to odd in float, so that the second rounding decides alone.
    float f = (float)x;
    unsigned int u;
    memcpy(&u, &f, 4);
    if ((double)f != x && x == x && (u & 0x7fffffffu) < 0x7f800000u) {
        if ((x < 0 ? -x : x) < (double)(f < 0 ? -f : f))
            u -= 1;
        u |= 1;
        memcpy(&f, &u, 4);
    }
    return anywarp_bfloat_from_float(f);
}

struct __attribute__((aligned(2))) __nv_bfloat16_raw {
    unsigned short x;
};
struct __attribute__((aligned(4))) __nv_bfloat162_raw {
    unsigned short x, y;
};

struct __attribute__((aligned(2))) __nv_bfloat16 {
    unsigned short __x;

    __nv_bfloat16() = default;
    __host__ __device__ constexpr __nv_bfloat16(const __nv_bfloat16_raw& r) : __x(r.x) {}
    __host__ __device__ __nv_bfloat16(float v) : __x(anywarp_bfloat_from_float(v)) {}
    __host__ __device__ __nv_bfloat16(double v) : __x(anywarp_bfloat_from_double(v)) {}
#define ANYWARP_INTEGER(TYPE)                                                                                                    \
    __host__ __device__ __nv_bfloat16(TYPE v) : __x(anywarp_bfloat_from_double((double)v)) {}                                              \
    __host__ __device__ operator TYPE() const { return (TYPE)anywarp_bfloat_to_float(__x); }
    ANYWARP_INTEGER(short)
    ANYWARP_INTEGER(unsigned short)
    ANYWARP_INTEGER(int)
    ANYWARP_INTEGER(unsigned int)
    ANYWARP_INTEGER(long)
    ANYWARP_INTEGER(unsigned long)
    ANYWARP_INTEGER(long long)
    ANYWARP_INTEGER(unsigned long long)
    ANYWARP_INTEGER(signed char)
    ANYWARP_INTEGER(unsigned char)
    ANYWARP_INTEGER(char)
#undef ANYWARP_INTEGER
    __host__ __device__ operator float() const { return anywarp_bfloat_to_float(__x); }
    __host__ __device__ operator bool() const { return (__x & 0x7fff) != 0; }
    __host__ __device__ operator __nv_bfloat16_raw() const { return {__x}; }
    template <class T> __host__ __device__ __nv_bfloat16& operator=(T v) { return *this = __nv_bfloat16(v); }
};

struct __attribute__((aligned(4))) __nv_bfloat162 {
    __nv_bfloat16 x, y;

    __nv_bfloat162() = default;
    __host__ __device__ __nv_bfloat162(const __nv_bfloat16& a, const __nv_bfloat16& b) : x(a), y(b) {}
    __host__ __device__ __nv_bfloat162(const __nv_bfloat162_raw& r) : x(__nv_bfloat16_raw{r.x}), y(__nv_bfloat16_raw{r.y}) {}
    __host__ __device__ operator __nv_bfloat162_raw() const { return {x.__x, y.__x}; }
};

// What half_functions.inc builds on.
ANYWARP_HD unsigned short anywarp_bits(__nv_bfloat16 a) { return a.__x; }
ANYWARP_HD __nv_bfloat16 anywarp_from_bits(unsigned short bits, __nv_bfloat16) { return __nv_bfloat16(__nv_bfloat16_raw{bits}); }
ANYWARP_HD float anywarp_float(__nv_bfloat16 a) { return anywarp_bfloat_to_float(a.__x); }
ANYWARP_HD __nv_bfloat16 anywarp_small(float x, __nv_bfloat16) { return __nv_bfloat16(__nv_bfloat16_raw{anywarp_bfloat_from_float(x)}); }
ANYWARP_HD __nv_bfloat162 anywarp_pair(__nv_bfloat16 x, __nv_bfloat16 y) { return __nv_bfloat162(x, y); }
ANYWARP_HD __nv_bfloat16 anywarp_add(__nv_bfloat16 a, __nv_bfloat16 b) { return anywarp_small(anywarp_float(a) + anywarp_float(b), a); }
ANYWARP_HD __nv_bfloat16 anywarp_sub(__nv_bfloat16 a, __nv_bfloat16 b) { return anywarp_small(anywarp_float(a) - anywarp_float(b), a); }
ANYWARP_HD __nv_bfloat16 anywarp_mul(__nv_bfloat16 a, __nv_bfloat16 b) { return anywarp_small(anywarp_float(a) * anywarp_float(b), a); }
ANYWARP_HD __nv_bfloat16 anywarp_fma(__nv_bfloat16 a, __nv_bfloat16 b, __nv_bfloat16 c) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    unsigned short d;
    asm("fma.rn.bf16 %0, %1, %2, %3;" : "=h"(d) : "h"(a.__x), "h"(b.__x), "h"(c.__x));
    return __nv_bfloat16_raw{d};
#else
    return __nv_bfloat16_raw{anywarp_bfloat_from_double((double)anywarp_float(a) * anywarp_float(b) + anywarp_float(c))};
#endif
}

#define ANYWARP_H __nv_bfloat16
#define ANYWARP_H2 __nv_bfloat162
#include "anywarp/half_functions.inc"
#undef ANYWARP_H
#undef ANYWARP_H2

ANYWARP_HD __nv_bfloat16 __float2bfloat16(float x) { return __nv_bfloat16(x); }
ANYWARP_HD __nv_bfloat16 __float2bfloat16_rn(float x) { return __nv_bfloat16(x); }
ANYWARP_HD __nv_bfloat16 __double2bfloat16(double x) { return __nv_bfloat16(x); }
ANYWARP_HD float __bfloat162float(__nv_bfloat16 a) { return anywarp_float(a); }
ANYWARP_HD __nv_bfloat162 __float2bfloat162_rn(float x) { return __nv_bfloat162(__nv_bfloat16(x), __nv_bfloat16(x)); }
ANYWARP_HD __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return __nv_bfloat162(__nv_bfloat16(x), __nv_bfloat16(y)); }
ANYWARP_HD __nv_bfloat162 __float22bfloat162_rn(float2 v) { return __nv_bfloat162(__nv_bfloat16(v.x), __nv_bfloat16(v.y)); }
ANYWARP_HD float __low2float(__nv_bfloat162 a) { return anywarp_float(a.x); }
ANYWARP_HD float __high2float(__nv_bfloat162 a) { return anywarp_float(a.y); }
ANYWARP_HD __nv_bfloat16 __low2bfloat16(__nv_bfloat162 a) { return a.x; }
ANYWARP_HD __nv_bfloat16 __high2bfloat16(__nv_bfloat162 a) { return a.y; }
ANYWARP_HD __nv_bfloat162 __low2bfloat162(__nv_bfloat162 a) { return __nv_bfloat162(a.x, a.x); }
ANYWARP_HD __nv_bfloat162 __high2bfloat162(__nv_bfloat162 a) { return __nv_bfloat162(a.y, a.y); }
ANYWARP_HD __nv_bfloat162 __lowhigh2highlow(__nv_bfloat162 a) { return __nv_bfloat162(a.y, a.x); }
ANYWARP_HD __nv_bfloat162 __lows2bfloat162(__nv_bfloat162 a, __nv_bfloat162 b) { return __nv_bfloat162(a.x, b.x); }
ANYWARP_HD __nv_bfloat162 __highs2bfloat162(__nv_bfloat162 a, __nv_bfloat162 b) { return __nv_bfloat162(a.y, b.y); }
ANYWARP_HD __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 a, __nv_bfloat16 b) { return __nv_bfloat162(a, b); }
ANYWARP_HD __nv_bfloat162 make_bfloat162(__nv_bfloat16 a, __nv_bfloat16 b) { return __nv_bfloat162(a, b); }
ANYWARP_HD unsigned short __bfloat16_as_ushort(__nv_bfloat16 a) { return a.__x; }
ANYWARP_HD short __bfloat16_as_short(__nv_bfloat16 a) { return (short)a.__x; }
ANYWARP_HD __nv_bfloat16 __ushort_as_bfloat16(unsigned short a) { return anywarp_from_bits(a, __nv_bfloat16()); }
ANYWARP_HD __nv_bfloat16 __short_as_bfloat16(short a) { return anywarp_from_bits((unsigned short)a, __nv_bfloat16()); }
ANYWARP_HD __nv_bfloat16 __int2bfloat16_rn(int x) { return __nv_bfloat16(x); }
ANYWARP_HD int __bfloat162int_rn(__nv_bfloat16 a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (int)0 : x < -0x1p31f ? (-2147483647 - 1) : x >= 0x1p31f ? 2147483647 : (int)x;
}
ANYWARP_HD int __bfloat162int_rz(__nv_bfloat16 a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (int)0 : x < -0x1p31f ? (-2147483647 - 1) : x >= 0x1p31f ? 2147483647 : (int)x;
}
ANYWARP_HD int __bfloat162int_rd(__nv_bfloat16 a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (int)0 : x < -0x1p31f ? (-2147483647 - 1) : x >= 0x1p31f ? 2147483647 : (int)x;
}
ANYWARP_HD int __bfloat162int_ru(__nv_bfloat16 a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (int)0 : x < -0x1p31f ? (-2147483647 - 1) : x >= 0x1p31f ? 2147483647 : (int)x;
}
ANYWARP_HD __nv_bfloat16 __uint2bfloat16_rn(unsigned int x) { return __nv_bfloat16(x); }
ANYWARP_HD unsigned int __bfloat162uint_rn(__nv_bfloat16 a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (unsigned int)0 : x < 0.0f ? 0u : x >= 0x1p32f ? 4294967295u : (unsigned int)x;
}
ANYWARP_HD unsigned int __bfloat162uint_rz(__nv_bfloat16 a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (unsigned int)0 : x < 0.0f ? 0u : x >= 0x1p32f ? 4294967295u : (unsigned int)x;
}
ANYWARP_HD unsigned int __bfloat162uint_rd(__nv_bfloat16 a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (unsigned int)0 : x < 0.0f ? 0u : x >= 0x1p32f ? 4294967295u : (unsigned int)x;
}
ANYWARP_HD unsigned int __bfloat162uint_ru(__nv_bfloat16 a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (unsigned int)0 : x < 0.0f ? 0u : x >= 0x1p32f ? 4294967295u : (unsigned int)x;
}
ANYWARP_HD __nv_bfloat16 __short2bfloat16_rn(short x) { return __nv_bfloat16(x); }
ANYWARP_HD short __bfloat162short_rn(__nv_bfloat16 a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (short)0 : x < -0x1p15f ? (short)-32768 : x >= 0x1p15f ? (short)32767 : (short)x;
}
ANYWARP_HD short __bfloat162short_rz(__nv_bfloat16 a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (short)0 : x < -0x1p15f ? (short)-32768 : x >= 0x1p15f ? (short)32767 : (short)x;
}
ANYWARP_HD short __bfloat162short_rd(__nv_bfloat16 a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (short)0 : x < -0x1p15f ? (short)-32768 : x >= 0x1p15f ? (short)32767 : (short)x;
}
ANYWARP_HD short __bfloat162short_ru(__nv_bfloat16 a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (short)0 : x < -0x1p15f ? (short)-32768 : x >= 0x1p15f ? (short)32767 : (short)x;
}
ANYWARP_HD __nv_bfloat16 __ushort2bfloat16_rn(unsigned short x) { return __nv_bfloat16(x); }
ANYWARP_HD unsigned short __bfloat162ushort_rn(__nv_bfloat16 a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (unsigned short)0 : x < 0.0f ? (unsigned short)0 : x >= 0x1p16f ? (unsigned short)65535 : (unsigned short)x;
}
ANYWARP_HD unsigned short __bfloat162ushort_rz(__nv_bfloat16 a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (unsigned short)0 : x < 0.0f ? (unsigned short)0 : x >= 0x1p16f ? (unsigned short)65535 : (unsigned short)x;
}
ANYWARP_HD unsigned short __bfloat162ushort_rd(__nv_bfloat16 a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (unsigned short)0 : x < 0.0f ? (unsigned short)0 : x >= 0x1p16f ? (unsigned short)65535 : (unsigned short)x;
}
ANYWARP_HD unsigned short __bfloat162ushort_ru(__nv_bfloat16 a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (unsigned short)0 : x < 0.0f ? (unsigned short)0 : x >= 0x1p16f ? (unsigned short)65535 : (unsigned short)x;
}
ANYWARP_HD __nv_bfloat16 __ll2bfloat16_rn(long long x) { return __nv_bfloat16(x); }
ANYWARP_HD long long __bfloat162ll_rn(__nv_bfloat16 a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (long long)0 : x < -0x1p63f ? (-9223372036854775807ll - 1) : x >= 0x1p63f ? 9223372036854775807ll : (long long)x;
}
ANYWARP_HD long long __bfloat162ll_rz(__nv_bfloat16 a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (long long)0 : x < -0x1p63f ? (-9223372036854775807ll - 1) : x >= 0x1p63f ? 9223372036854775807ll : (long long)x;
}
ANYWARP_HD long long __bfloat162ll_rd(__nv_bfloat16 a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (long long)0 : x < -0x1p63f ? (-9223372036854775807ll - 1) : x >= 0x1p63f ? 9223372036854775807ll : (long long)x;
}
ANYWARP_HD long long __bfloat162ll_ru(__nv_bfloat16 a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (long long)0 : x < -0x1p63f ? (-9223372036854775807ll - 1) : x >= 0x1p63f ? 9223372036854775807ll : (long long)x;
}
ANYWARP_HD __nv_bfloat16 __ull2bfloat16_rn(unsigned long long x) { return __nv_bfloat16(x); }
ANYWARP_HD unsigned long long __bfloat162ull_rn(__nv_bfloat16 a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (unsigned long long)0 : x < 0.0f ? 0ull : x >= 0x1p64f ? 18446744073709551615ull : (unsigned long long)x;
}
ANYWARP_HD unsigned long long __bfloat162ull_rz(__nv_bfloat16 a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (unsigned long long)0 : x < 0.0f ? 0ull : x >= 0x1p64f ? 18446744073709551615ull : (unsigned long long)x;
}
ANYWARP_HD unsigned long long __bfloat162ull_rd(__nv_bfloat16 a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (unsigned long long)0 : x < 0.0f ? 0ull : x >= 0x1p64f ? 18446744073709551615ull : (unsigned long long)x;
}
ANYWARP_HD unsigned long long __bfloat162ull_ru(__nv_bfloat16 a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (unsigned long long)0 : x < 0.0f ? 0ull : x >= 0x1p64f ? 18446744073709551615ull : (unsigned long long)x;
}
ANYWARP_HD float2 __bfloat1622float2(__nv_bfloat162 a) { return make_float2(anywarp_float(a.x), anywarp_float(a.y)); }
ANYWARP_HD __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 a) { return __nv_bfloat162(a, a); }

typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

#undef ANYWARP_HD

#endif
