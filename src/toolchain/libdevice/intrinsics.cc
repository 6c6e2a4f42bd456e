// The functions of the device library that are one PTX instruction each: conversions and arithmetic with a rounding mode,
// integer helpers, bit casts and the fast approximations (CUDA Math API, chapters "Type Casting Intrinsics", "Integer
// Intrinsics", "Single Precision Intrinsics"). NVVM names the rounding modes rn, rz, rm (down) and rp (up).
#include "target.h"

using namespace anywarp_math;

#define ROUNDED(NAME, RESULT, OPERAND, PREFIX, SUFFIX)                                                                           \
    DEVICE_FUNCTION RESULT __nv_##NAME##_rn(OPERAND a) { return (RESULT)__nvvm_##PREFIX##_rn##SUFFIX(a); }                       \
    DEVICE_FUNCTION RESULT __nv_##NAME##_rz(OPERAND a) { return (RESULT)__nvvm_##PREFIX##_rz##SUFFIX(a); }                       \
    DEVICE_FUNCTION RESULT __nv_##NAME##_rd(OPERAND a) { return (RESULT)__nvvm_##PREFIX##_rm##SUFFIX(a); }                       \
    DEVICE_FUNCTION RESULT __nv_##NAME##_ru(OPERAND a) { return (RESULT)__nvvm_##PREFIX##_rp##SUFFIX(a); }
#define ROUNDED2(NAME, TYPE, PREFIX, SUFFIX, B)                                                                                  \
    DEVICE_FUNCTION TYPE __nv_##NAME##_rn(TYPE a, TYPE b) { return __nvvm_##PREFIX##_rn##SUFFIX(a, B); }                         \
    DEVICE_FUNCTION TYPE __nv_##NAME##_rz(TYPE a, TYPE b) { return __nvvm_##PREFIX##_rz##SUFFIX(a, B); }                         \
    DEVICE_FUNCTION TYPE __nv_##NAME##_rd(TYPE a, TYPE b) { return __nvvm_##PREFIX##_rm##SUFFIX(a, B); }                         \
    DEVICE_FUNCTION TYPE __nv_##NAME##_ru(TYPE a, TYPE b) { return __nvvm_##PREFIX##_rp##SUFFIX(a, B); }
#define ROUNDED3(NAME, TYPE, SUFFIX)                                                                                             \
    DEVICE_FUNCTION TYPE __nv_##NAME##_rn(TYPE a, TYPE b, TYPE c) { return __nvvm_fma_rn##SUFFIX(a, b, c); }                     \
    DEVICE_FUNCTION TYPE __nv_##NAME##_rz(TYPE a, TYPE b, TYPE c) { return __nvvm_fma_rz##SUFFIX(a, b, c); }                     \
    DEVICE_FUNCTION TYPE __nv_##NAME##_rd(TYPE a, TYPE b, TYPE c) { return __nvvm_fma_rm##SUFFIX(a, b, c); }                     \
    DEVICE_FUNCTION TYPE __nv_##NAME##_ru(TYPE a, TYPE b, TYPE c) { return __nvvm_fma_rp##SUFFIX(a, b, c); }

ROUNDED(double2float, float, double, d2f, )
ROUNDED(double2int, int, double, d2i, )
ROUNDED(double2uint, unsigned int, double, d2ui, )
ROUNDED(double2ll, long long, double, d2ll, )
ROUNDED(double2ull, unsigned long long, double, d2ull, )
ROUNDED(float2int, int, float, f2i, )
ROUNDED(float2uint, unsigned int, float, f2ui, )
ROUNDED(float2ll, long long, float, f2ll, )
ROUNDED(float2ull, unsigned long long, float, f2ull, )
ROUNDED(int2float, float, int, i2f, )
ROUNDED(uint2float, float, unsigned int, ui2f, )
ROUNDED(ll2float, float, long long, ll2f, )
ROUNDED(ull2float, float, unsigned long long, ull2f, )
ROUNDED(ll2double, double, long long, ll2d, )
ROUNDED(ull2double, double, unsigned long long, ull2d, )
ROUNDED(drcp, double, double, rcp, _d)
ROUNDED(dsqrt, double, double, sqrt, _d)
ROUNDED(frcp, float, float, rcp, _f)
ROUNDED(fsqrt, float, float, sqrt, _f)
ROUNDED2(dadd, double, add, _d, b)
ROUNDED2(dsub, double, add, _d, -b)
ROUNDED2(dmul, double, mul, _d, b)
ROUNDED2(ddiv, double, div, _d, b)
ROUNDED2(fadd, float, add, _f, b)
ROUNDED2(fsub, float, add, _f, -b)
ROUNDED2(fmul, float, mul, _f, b)
ROUNDED2(fdiv, float, div, _f, b)
ROUNDED3(fma, double, _d)
ROUNDED3(fmaf, float, _f)
ROUNDED3(fmaf_ieee, float, _f)

DEVICE_FUNCTION double __nv_int2double_rn(int a) { return a; }
DEVICE_FUNCTION double __nv_uint2double_rn(unsigned int a) { return a; }
DEVICE_FUNCTION float __nv_frsqrt_rn(float a) {
    // Correct rounding: the double result is far more accurate than half an ulp of float, and exact ties don't occur.
    return (float)(1.0 / sqrt((double)a));
}
DEVICE_FUNCTION unsigned short __nv_float2half_rn(float a) { return __builtin_bit_cast(unsigned short, (_Float16)a); }
DEVICE_FUNCTION float __nv_half2float(unsigned short a) { return (float)__builtin_bit_cast(_Float16, a); }

DEVICE_FUNCTION unsigned long long __nv_double_as_longlong(double a) { return bits(a); }
DEVICE_FUNCTION double __nv_longlong_as_double(long long a) { return from_bits((u64)a); }
DEVICE_FUNCTION int __nv_double2hiint(double a) { return (int)(bits(a) >> 32); }
DEVICE_FUNCTION int __nv_double2loint(double a) { return (int)bits(a); }
DEVICE_FUNCTION double __nv_hiloint2double(int high, int low) { return from_bits((u64)(u32)high << 32 | (u32)low); }
DEVICE_FUNCTION int __nv_float_as_int(float a) { return (int)bits(a); }
DEVICE_FUNCTION unsigned int __nv_float_as_uint(float a) { return bits(a); }
DEVICE_FUNCTION float __nv_int_as_float(int a) { return from_bits((u32)a); }
DEVICE_FUNCTION float __nv_uint_as_float(unsigned int a) { return from_bits(a); }
DEVICE_FUNCTION double __nv_rcp64h(double a) { return __nvvm_rcp_approx_ftz_d(a); }

DEVICE_FUNCTION int __nv_abs(int a) { return a < 0 ? (int)(0u - (u32)a) : a; }
DEVICE_FUNCTION long long __nv_llabs(long long a) { return a < 0 ? (i64)(0ull - (u64)a) : a; }
DEVICE_FUNCTION int __nv_brev(int a) { return (int)__builtin_bitreverse32((u32)a); }
DEVICE_FUNCTION long long __nv_brevll(long long a) { return (i64)__builtin_bitreverse64((u64)a); }
DEVICE_FUNCTION int __nv_byte_perm(int a, int b, int c) { return (int)__nvvm_prmt((u32)a, (u32)b, (u32)c & 0x7777); }
DEVICE_FUNCTION int __nv_clz(int a) { return a == 0 ? 32 : __builtin_clz((u32)a); }
DEVICE_FUNCTION int __nv_clzll(long long a) { return a == 0 ? 64 : __builtin_clzll((u64)a); }
DEVICE_FUNCTION int __nv_ffs(int a) { return a == 0 ? 0 : __builtin_ctz((u32)a) + 1; }
DEVICE_FUNCTION int __nv_ffsll(long long a) { return a == 0 ? 0 : __builtin_ctzll((u64)a) + 1; }
DEVICE_FUNCTION int __nv_popc(unsigned int a) { return __builtin_popcount(a); }
DEVICE_FUNCTION int __nv_popcll(unsigned long long a) { return __builtin_popcountll(a); }
DEVICE_FUNCTION int __nv_mulhi(int a, int b) { return (int)((i64)a * b >> 32); }
DEVICE_FUNCTION unsigned int __nv_umulhi(unsigned int a, unsigned int b) { return (u32)((u64)a * b >> 32); }
DEVICE_FUNCTION long long __nv_mul64hi(long long a, long long b) { return __nvvm_mulhi_ll(a, b); }
DEVICE_FUNCTION unsigned long long __nv_umul64hi(unsigned long long a, unsigned long long b) { return __nvvm_mulhi_ull(a, b); }
DEVICE_FUNCTION int __nv_mul24(int a, int b) { return __nvvm_mul24_i(a, b); }
DEVICE_FUNCTION unsigned int __nv_umul24(unsigned int a, unsigned int b) { return __nvvm_mul24_ui(a, b); }
DEVICE_FUNCTION int __nv_sad(int a, int b, int c) { return (int)((a > b ? (u32)a - (u32)b : (u32)b - (u32)a) + (u32)c); }
DEVICE_FUNCTION unsigned int __nv_usad(unsigned int a, unsigned int b, unsigned int c) { return (a > b ? a - b : b - a) + c; }
DEVICE_FUNCTION int __nv_hadd(int a, int b) { return (int)(((i64)a + b) >> 1); }
DEVICE_FUNCTION int __nv_rhadd(int a, int b) { return (int)(((i64)a + b + 1) >> 1); }
DEVICE_FUNCTION int __nv_uhadd(unsigned int a, unsigned int b) { return (int)(((u64)a + b) >> 1); }
DEVICE_FUNCTION unsigned int __nv_urhadd(unsigned int a, unsigned int b) { return (u32)(((u64)a + b + 1) >> 1); }
DEVICE_FUNCTION int __nv_max(int a, int b) { return a > b ? a : b; }
DEVICE_FUNCTION int __nv_min(int a, int b) { return a < b ? a : b; }
DEVICE_FUNCTION unsigned int __nv_umax(unsigned int a, unsigned int b) { return a > b ? a : b; }
DEVICE_FUNCTION unsigned int __nv_umin(unsigned int a, unsigned int b) { return a < b ? a : b; }
DEVICE_FUNCTION long long __nv_llmax(long long a, long long b) { return a > b ? a : b; }
DEVICE_FUNCTION long long __nv_llmin(long long a, long long b) { return a < b ? a : b; }
DEVICE_FUNCTION unsigned long long __nv_ullmax(unsigned long long a, unsigned long long b) { return a > b ? a : b; }
DEVICE_FUNCTION unsigned long long __nv_ullmin(unsigned long long a, unsigned long long b) { return a < b ? a : b; }

// Fast single-precision functions: the approximate instructions and what follows from them.
DEVICE_FUNCTION float __nv_saturatef(float a) { return __nvvm_saturate_f(a); }
DEVICE_FUNCTION float __nv_fast_sinf(float a) { return __nvvm_sin_approx_f(a); }
DEVICE_FUNCTION float __nv_fast_cosf(float a) { return __nvvm_cos_approx_f(a); }
DEVICE_FUNCTION float __nv_fast_tanf(float a) { return __nvvm_div_approx_f(__nvvm_sin_approx_f(a), __nvvm_cos_approx_f(a)); }
DEVICE_FUNCTION void __nv_fast_sincosf(float a, float* s, float* c) {
    *s = __nvvm_sin_approx_f(a);
    *c = __nvvm_cos_approx_f(a);
}
DEVICE_FUNCTION float __nv_fast_expf(float a) { return __nvvm_ex2_approx_f(a * 1.44269504f); }
DEVICE_FUNCTION float __nv_fast_exp10f(float a) { return __nvvm_ex2_approx_f(a * 3.32192809f); }
DEVICE_FUNCTION float __nv_fast_log2f(float a) { return __nvvm_lg2_approx_f(a); }
DEVICE_FUNCTION float __nv_fast_logf(float a) { return __nvvm_lg2_approx_f(a) * 0.693147181f; }
DEVICE_FUNCTION float __nv_fast_log10f(float a) { return __nvvm_lg2_approx_f(a) * 0.301029996f; }
DEVICE_FUNCTION float __nv_fast_powf(float a, float b) { return __nvvm_ex2_approx_f(b * __nvvm_lg2_approx_f(a)); }
DEVICE_FUNCTION float __nv_fast_fdividef(float a, float b) { return __nvvm_div_approx_f(a, b); }
