// Half precision: __half, __half2, conversions, arithmetic and functions on host and device (CUDA Math API, "Half Precision
// Intrinsics"). The types' layouts and the functions' names are CUDA's; a __half is its 16 bits.
#ifndef __CUDA_FP16_H__
#define __CUDA_FP16_H__

#include "cuda_runtime.h"

#include <cstring>

#define ANYWARP_HD static __inline__ __host__ __device__ __attribute__((always_inline))

// Conversions on the bits. clang has _Float16 everywhere; other host compilers get them written out.
#if defined(__clang__)
ANYWARP_HD float anywarp_half_to_float(unsigned short bits) {
    return (float)__builtin_bit_cast(_Float16, bits);
}
ANYWARP_HD unsigned short anywarp_half_from_float(float x) {
    return __builtin_bit_cast(unsigned short, (_Float16)x);
}
ANYWARP_HD unsigned short anywarp_half_from_double(double x) {
#if defined(__CUDA_ARCH__)
    return __builtin_bit_cast(unsigned short, (_Float16)x);
#else
    // Rounded to odd in float, so that the second rounding decides alone; the host's library call for double is not everywhere.
    float f = (float)x;
    unsigned int u;
    memcpy(&u, &f, 4);
    if ((double)f != x && x == x && (u & 0x7fffffffu) < 0x7f800000u) {
        if ((x < 0 ? -x : x) < (double)(f < 0 ? -f : f))
            u -= 1;
        u |= 1;
        memcpy(&f, &u, 4);
    }
    return anywarp_half_from_float(f);
#endif
}
#else
ANYWARP_HD float anywarp_half_to_float(unsigned short bits) {
    unsigned int sign = (unsigned int)(bits & 0x8000u) << 16, e = bits >> 10 & 31, m = bits & 1023, u;
    if (e == 31)
        u = sign | 0x7f800000u | m << 13;
    else if (e != 0)
        u = sign | (e + 112) << 23 | m << 13;
    else {
        float f = (float)m * 0x1p-24f;
        memcpy(&u, &f, 4);
        u |= sign;
    }
    float f;
    memcpy(&f, &u, 4);
    return f;
}
ANYWARP_HD unsigned short anywarp_half_from_double(double x) {
    const bool negative = __builtin_signbit(x);
    const unsigned short sign = negative ? 0x8000 : 0;
    const double a = negative ? -x : x;
    if (a != a)
        return 0x7fff;
    if (a >= 65520.0)
        return sign | 0x7c00;
    int e = 0;
    __builtin_frexp(a, &e);
    e = e < -13 ? -13 : e;                                         // the place of the last bit is 2^(e - 11)
    const double n = __builtin_nearbyint(__builtin_ldexp(a, 11 - e)); // at most 2048, ties to even
    const unsigned int m = (unsigned int)n;
    return sign | (unsigned short)(m + ((unsigned int)(e + 13) << 10)); // the hidden bit carries into the exponent
}
ANYWARP_HD unsigned short anywarp_half_from_float(float x) {
    return anywarp_half_from_double((double)x);
}
#endif

struct __attribute__((aligned(2))) __half_raw {
    unsigned short x;
};
struct __attribute__((aligned(4))) __half2_raw {
    unsigned short x, y;
};

struct __attribute__((aligned(2))) __half {
    unsigned short __x;

    __half() = default;
    __host__ __device__ constexpr __half(const __half_raw& r) : __x(r.x) {}
    __host__ __device__ __half(float v) : __x(anywarp_half_from_float(v)) {}
    __host__ __device__ __half(double v) : __x(anywarp_half_from_double(v)) {}
#define ANYWARP_INTEGER(TYPE)                                                                                                    \
    __host__ __device__ __half(TYPE v) : __x(anywarp_half_from_double((double)v)) {}                                              \
    __host__ __device__ operator TYPE() const { return (TYPE)anywarp_half_to_float(__x); }
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
    __host__ __device__ operator float() const { return anywarp_half_to_float(__x); }
    __host__ __device__ operator bool() const { return (__x & 0x7fff) != 0; }
    __host__ __device__ operator __half_raw() const { return {__x}; }
    template <class T> __host__ __device__ __half& operator=(T v) { return *this = __half(v); }
};

struct __attribute__((aligned(4))) __half2 {
    __half x, y;

    __half2() = default;
    __host__ __device__ __half2(const __half& a, const __half& b) : x(a), y(b) {}
    __host__ __device__ __half2(const __half2_raw& r) : x(__half_raw{r.x}), y(__half_raw{r.y}) {}
    __host__ __device__ operator __half2_raw() const { return {x.__x, y.__x}; }
};

// What half_functions.inc builds on.
ANYWARP_HD unsigned short anywarp_bits(__half a) { return a.__x; }
ANYWARP_HD __half anywarp_from_bits(unsigned short bits, __half) { return __half(__half_raw{bits}); }
ANYWARP_HD float anywarp_float(__half a) { return anywarp_half_to_float(a.__x); }
ANYWARP_HD __half anywarp_small(float x, __half) { return __half(__half_raw{anywarp_half_from_float(x)}); }
ANYWARP_HD __half2 anywarp_pair(__half x, __half y) { return __half2(x, y); }
#if defined(__clang__)
ANYWARP_HD __half anywarp_add(__half a, __half b) {
    return __half_raw{__builtin_bit_cast(unsigned short, (_Float16)(__builtin_bit_cast(_Float16, a.__x) + __builtin_bit_cast(_Float16, b.__x)))};
}
ANYWARP_HD __half anywarp_sub(__half a, __half b) {
    return __half_raw{__builtin_bit_cast(unsigned short, (_Float16)(__builtin_bit_cast(_Float16, a.__x) - __builtin_bit_cast(_Float16, b.__x)))};
}
ANYWARP_HD __half anywarp_mul(__half a, __half b) {
    return __half_raw{__builtin_bit_cast(unsigned short, (_Float16)(__builtin_bit_cast(_Float16, a.__x) * __builtin_bit_cast(_Float16, b.__x)))};
}
#else
ANYWARP_HD __half anywarp_add(__half a, __half b) { return anywarp_small(anywarp_float(a) + anywarp_float(b), a); }
ANYWARP_HD __half anywarp_sub(__half a, __half b) { return anywarp_small(anywarp_float(a) - anywarp_float(b), a); }
ANYWARP_HD __half anywarp_mul(__half a, __half b) { return anywarp_small(anywarp_float(a) * anywarp_float(b), a); }
#endif
ANYWARP_HD __half anywarp_fma(__half a, __half b, __half c) {
#if defined(__CUDA_ARCH__)
    unsigned short d;
    asm("fma.rn.f16 %0, %1, %2, %3;" : "=h"(d) : "h"(a.__x), "h"(b.__x), "h"(c.__x));
    return __half_raw{d};
#else
    // The product is exact in double, and so is the sum: all bits of it lie between 2^-48 and 2^32... and the exponent's range.
    return __half_raw{anywarp_half_from_double((double)anywarp_float(a) * anywarp_float(b) + anywarp_float(c))};
#endif
}

#define ANYWARP_H __half
#define ANYWARP_H2 __half2
#include "anywarp/half_functions.inc"
#undef ANYWARP_H
#undef ANYWARP_H2

ANYWARP_HD __half __float2half(float x) { return __half(x); }
ANYWARP_HD __half __float2half_rn(float x) { return __half(x); }
ANYWARP_HD __half __double2half(double x) { return __half(x); }
ANYWARP_HD float __half2float(__half a) { return anywarp_float(a); }
ANYWARP_HD __half2 __float2half2_rn(float x) { return __half2(__half(x), __half(x)); }
ANYWARP_HD __half2 __floats2half2_rn(float x, float y) { return __half2(__half(x), __half(y)); }
ANYWARP_HD __half2 __float22half2_rn(float2 v) { return __half2(__half(v.x), __half(v.y)); }
ANYWARP_HD float __low2float(__half2 a) { return anywarp_float(a.x); }
ANYWARP_HD float __high2float(__half2 a) { return anywarp_float(a.y); }
ANYWARP_HD __half __low2half(__half2 a) { return a.x; }
ANYWARP_HD __half __high2half(__half2 a) { return a.y; }
ANYWARP_HD __half2 __low2half2(__half2 a) { return __half2(a.x, a.x); }
ANYWARP_HD __half2 __high2half2(__half2 a) { return __half2(a.y, a.y); }
ANYWARP_HD __half2 __lowhigh2highlow(__half2 a) { return __half2(a.y, a.x); }
ANYWARP_HD __half2 __lows2half2(__half2 a, __half2 b) { return __half2(a.x, b.x); }
ANYWARP_HD __half2 __highs2half2(__half2 a, __half2 b) { return __half2(a.y, b.y); }
ANYWARP_HD __half2 __half2half2(__half a) { return __half2(a, a); }
ANYWARP_HD __half2 __halves2half2(__half a, __half b) { return __half2(a, b); }
ANYWARP_HD __half2 make_half2(__half a, __half b) { return __half2(a, b); }
ANYWARP_HD unsigned short __half_as_ushort(__half a) { return a.__x; }
ANYWARP_HD short __half_as_short(__half a) { return (short)a.__x; }
ANYWARP_HD __half __ushort_as_half(unsigned short a) { return anywarp_from_bits(a, __half()); }
ANYWARP_HD __half __short_as_half(short a) { return anywarp_from_bits((unsigned short)a, __half()); }
ANYWARP_HD __half __int2half_rn(int x) { return __half(x); }
ANYWARP_HD int __half2int_rn(__half a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (int)0 : x < -0x1p31f ? (-2147483647 - 1) : x >= 0x1p31f ? 2147483647 : (int)x;
}
ANYWARP_HD int __half2int_rz(__half a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (int)0 : x < -0x1p31f ? (-2147483647 - 1) : x >= 0x1p31f ? 2147483647 : (int)x;
}
ANYWARP_HD int __half2int_rd(__half a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (int)0 : x < -0x1p31f ? (-2147483647 - 1) : x >= 0x1p31f ? 2147483647 : (int)x;
}
ANYWARP_HD int __half2int_ru(__half a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (int)0 : x < -0x1p31f ? (-2147483647 - 1) : x >= 0x1p31f ? 2147483647 : (int)x;
}
ANYWARP_HD __half __uint2half_rn(unsigned int x) { return __half(x); }
ANYWARP_HD unsigned int __half2uint_rn(__half a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (unsigned int)0 : x < 0.0f ? 0u : x >= 0x1p32f ? 4294967295u : (unsigned int)x;
}
ANYWARP_HD unsigned int __half2uint_rz(__half a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (unsigned int)0 : x < 0.0f ? 0u : x >= 0x1p32f ? 4294967295u : (unsigned int)x;
}
ANYWARP_HD unsigned int __half2uint_rd(__half a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (unsigned int)0 : x < 0.0f ? 0u : x >= 0x1p32f ? 4294967295u : (unsigned int)x;
}
ANYWARP_HD unsigned int __half2uint_ru(__half a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (unsigned int)0 : x < 0.0f ? 0u : x >= 0x1p32f ? 4294967295u : (unsigned int)x;
}
ANYWARP_HD __half __short2half_rn(short x) { return __half(x); }
ANYWARP_HD short __half2short_rn(__half a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (short)0 : x < -0x1p15f ? (short)-32768 : x >= 0x1p15f ? (short)32767 : (short)x;
}
ANYWARP_HD short __half2short_rz(__half a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (short)0 : x < -0x1p15f ? (short)-32768 : x >= 0x1p15f ? (short)32767 : (short)x;
}
ANYWARP_HD short __half2short_rd(__half a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (short)0 : x < -0x1p15f ? (short)-32768 : x >= 0x1p15f ? (short)32767 : (short)x;
}
ANYWARP_HD short __half2short_ru(__half a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (short)0 : x < -0x1p15f ? (short)-32768 : x >= 0x1p15f ? (short)32767 : (short)x;
}
ANYWARP_HD __half __ushort2half_rn(unsigned short x) { return __half(x); }
ANYWARP_HD unsigned short __half2ushort_rn(__half a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (unsigned short)0 : x < 0.0f ? (unsigned short)0 : x >= 0x1p16f ? (unsigned short)65535 : (unsigned short)x;
}
ANYWARP_HD unsigned short __half2ushort_rz(__half a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (unsigned short)0 : x < 0.0f ? (unsigned short)0 : x >= 0x1p16f ? (unsigned short)65535 : (unsigned short)x;
}
ANYWARP_HD unsigned short __half2ushort_rd(__half a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (unsigned short)0 : x < 0.0f ? (unsigned short)0 : x >= 0x1p16f ? (unsigned short)65535 : (unsigned short)x;
}
ANYWARP_HD unsigned short __half2ushort_ru(__half a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (unsigned short)0 : x < 0.0f ? (unsigned short)0 : x >= 0x1p16f ? (unsigned short)65535 : (unsigned short)x;
}
ANYWARP_HD __half __ll2half_rn(long long x) { return __half(x); }
ANYWARP_HD long long __half2ll_rn(__half a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (long long)0 : x < -0x1p63f ? (-9223372036854775807ll - 1) : x >= 0x1p63f ? 9223372036854775807ll : (long long)x;
}
ANYWARP_HD long long __half2ll_rz(__half a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (long long)0 : x < -0x1p63f ? (-9223372036854775807ll - 1) : x >= 0x1p63f ? 9223372036854775807ll : (long long)x;
}
ANYWARP_HD long long __half2ll_rd(__half a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (long long)0 : x < -0x1p63f ? (-9223372036854775807ll - 1) : x >= 0x1p63f ? 9223372036854775807ll : (long long)x;
}
ANYWARP_HD long long __half2ll_ru(__half a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (long long)0 : x < -0x1p63f ? (-9223372036854775807ll - 1) : x >= 0x1p63f ? 9223372036854775807ll : (long long)x;
}
ANYWARP_HD __half __ull2half_rn(unsigned long long x) { return __half(x); }
ANYWARP_HD unsigned long long __half2ull_rn(__half a) {
    const float x = __builtin_rintf(anywarp_float(a));
    return x != x ? (unsigned long long)0 : x < 0.0f ? 0ull : x >= 0x1p64f ? 18446744073709551615ull : (unsigned long long)x;
}
ANYWARP_HD unsigned long long __half2ull_rz(__half a) {
    const float x = __builtin_truncf(anywarp_float(a));
    return x != x ? (unsigned long long)0 : x < 0.0f ? 0ull : x >= 0x1p64f ? 18446744073709551615ull : (unsigned long long)x;
}
ANYWARP_HD unsigned long long __half2ull_rd(__half a) {
    const float x = __builtin_floorf(anywarp_float(a));
    return x != x ? (unsigned long long)0 : x < 0.0f ? 0ull : x >= 0x1p64f ? 18446744073709551615ull : (unsigned long long)x;
}
ANYWARP_HD unsigned long long __half2ull_ru(__half a) {
    const float x = __builtin_ceilf(anywarp_float(a));
    return x != x ? (unsigned long long)0 : x < 0.0f ? 0ull : x >= 0x1p64f ? 18446744073709551615ull : (unsigned long long)x;
}
ANYWARP_HD float2 __half22float2(__half2 a) { return make_float2(anywarp_float(a.x), anywarp_float(a.y)); }

typedef __half half;
typedef __half2 half2;
typedef __half nv_half;
typedef __half2 nv_half2;

#undef ANYWARP_HD

#endif
