// exp, exp2, exp10, expm1, log, log2, log10, log1p and pow in both precisions. Bounds: CUDA C++ Programming Guide, "Mathematical
// Functions", which allows 1 ulp for exp and log, 2 for pow and 1 or 2 for their single-precision relatives.
#include "exponential.h"

using namespace anywarp_math;

namespace {

// A double as a float, where the double is beyond float's range on purpose: conversion overflows to infinity by itself.
INTERNAL float to_float(double x) {
    return (float)x;
}

INTERNAL float exp_float(float x) {
    const float limited = x < -110.0f ? -110.0f : x > 100.0f ? 100.0f : x;
    const float n = rint(limited * 1.44269504f);
    float r = fma(-n, 0x1.62e430p-1f, limited);
    r = fma(-n, -0x1.05c610p-29f, r);
    const float p = horner(r, 1.0f / 5040.0f, 1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f);
    const float result = scale(1.0f + fma(r * r, p, r), (int)n);
    return x != x ? x : result;
}

INTERNAL float log_float(float x) {
    const bool subnormal = x < 0x1p-126f;
    const u32 b = bits(subnormal ? x * 0x1p24f : x);
    const u32 shifted = b + (0x3f800000u - 0x3f3504f3u);
    const float e = (float)((int)(shifted >> 23) - 127 - (subnormal ? 24 : 0));
    const float f = from_bits((shifted & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    const float s = f / (2.0f + f);
    const float z = s * s;
    const float tail = z * horner(z, 2.0f / 11.0f, 2.0f / 9.0f, 2.0f / 7.0f, 2.0f / 5.0f, 2.0f / 3.0f);
    const float correction = fma(e, 0x1.7f7d1cp-20f, s * (tail - f));
    const float high = e * 0x1.62e400p-1f; // 15 bits times 8: exact
    const float sum = high + f;
    const float lost = (high - sum) + f;
    float result = sum + (correction + lost);
    result = x == infinity_f ? infinity_f : result;
    result = x == 0 ? -infinity_f : result;
    return x < 0 || x != x ? not_a_number_f : result;
}

INTERNAL float special_log_float(float x, double result) {
    float r = (float)result;
    r = x == infinity_f ? infinity_f : r;
    r = x == 0 ? -infinity_f : r;
    return x < 0 || x != x ? not_a_number_f : r;
}

// What C99's annex F says of pow where the general formula fails. `magnitude` is |x|^y for a positive finite |x|.
template <class T> INTERNAL T pow_special(T x, T y, T magnitude, bool y_is_integer, bool y_is_odd, T inf, T nan) {
    const T ax = x < 0 ? -x : x, ay = y < 0 ? -y : y;
    T result = magnitude;
    result = ax == 0 ? (y < 0 ? inf : (T)0) : result;
    result = ax == inf ? (y < 0 ? (T)0 : inf) : result;
    result = ay == inf ? (ax == 1 ? (T)1 : (ax > 1) == (y > 0) ? inf : (T)0) : result;
    const bool negative = __builtin_copysign((double)1, (double)x) < 0;
    result = negative && y_is_odd ? -result : result;
    result = x < 0 && ax != inf && !y_is_integer && ay != inf ? nan : result;
    result = x != x || y != y ? nan : result;
    return x == 1 || y == 0 ? (T)1 : result;
}

} // namespace

DEVICE_FUNCTION double __nv_exp(double x) {
    const double result = exp_core(x, 0.0);
    return x != x ? x : result;
}
DEVICE_FUNCTION float __nv_expf(float x) {
    return exp_float(x);
}
DEVICE_FUNCTION double __nv_exp2(double x) {
    const double limited = minimum(maximum(x, -1100.0), 1100.0);
    const double n = rint(limited);
    const double f = limited - n; // exact
    const double r = f * ln2_high;
    const double low = fma(f, ln2_high, -r) + f * ln2_low;
    const double p = fma(r * r, exp_tail(r), r) + low;
    const double result = scale(1.0 + p, (int)n);
    return x != x ? x : result;
}
DEVICE_FUNCTION float __nv_exp2f(float x) {
    const float limited = x < -160.0f ? -160.0f : x > 140.0f ? 140.0f : x;
    const float n = rint(limited);
    const float f = limited - n;
    // ln(2)^k / k!
    const float p = horner(f, 0x1.ffcbfcp-17f, 0x1.430912p-13f, 0x1.5d87fep-10f, 0x1.3b2ab6p-7f, 0x1.c6b08ep-5f, 0x1.ebfbe0p-3f, 0x1.62e430p-1f);
    const float result = scale(fma(f, p, 1.0f), (int)n);
    return x != x ? x : result;
}
DEVICE_FUNCTION double __nv_exp10(double x) {
    const double limited = minimum(maximum(x, -350.0), 350.0);
    const double n = rint(limited * 0x1.a934f0979a371p+1); // log2(10)
    double f = fma(-n, 0x1.34413509f79ffp-2, limited);     // log10(2)
    const double f_low = n * -0x1.9dc1da994fd21p-59;
    f -= f_low;
    constexpr double ln10 = 0x1.26bb1bbb55516p+1, ln10_low = -0x1.f48ad494ea3e9p-53;
    const double r = f * ln10;
    const double low = fma(f, ln10, -r) + f * ln10_low;
    const double p = fma(r * r, exp_tail(r), r) + low;
    const double result = scale(1.0 + p, (int)n);
    return x != x ? x : result;
}
DEVICE_FUNCTION float __nv_exp10f(float x) {
    const float limited = x < -60.0f ? -60.0f : x > 50.0f ? 50.0f : x;
    const float result = to_float(exp_short((double)limited * 0x1.26bb1bbb55516p+1));
    return x != x ? x : result;
}
DEVICE_FUNCTION double __nv_expm1(double x) {
    double result = expm1_core(x);
    result = x == 0 ? x : result;
    result = x > 709.9 ? infinity : result;
    return x != x ? x : result;
}
DEVICE_FUNCTION float __nv_expm1f(float x) {
    const float limited = x < -60.0f ? -60.0f : x > 100.0f ? 100.0f : x;
    const float result = to_float(expm1_short((double)limited));
    return x != x || x == 0 ? x : result;
}

DEVICE_FUNCTION double __nv_log(double x) {
    return log_double(x);
}
DEVICE_FUNCTION float __nv_logf(float x) {
    return log_float(x);
}
DEVICE_FUNCTION double __nv_log2(double x) {
    const Pair ln = log_pair(x);
    const Pair r = multiply(ln, {0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56});
    return log_special(x, r.high + r.low);
}
DEVICE_FUNCTION float __nv_log2f(float x) {
    return special_log_float(x, log_short((double)x) * 0x1.71547652b82fep+0);
}
DEVICE_FUNCTION double __nv_log10(double x) {
    const Pair ln = log_pair(x);
    const Pair r = multiply(ln, {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57});
    return log_special(x, r.high + r.low);
}
DEVICE_FUNCTION float __nv_log10f(float x) {
    return special_log_float(x, log_short((double)x) * 0x1.bcb7b1526e50ep-2);
}
DEVICE_FUNCTION double __nv_log1p(double x) {
    const double result = log1p_core(x);
    return x < -1.0 || x != x ? not_a_number : x == -1.0 ? -infinity : x == 0 ? x : result;
}
DEVICE_FUNCTION float __nv_log1pf(float x) {
    const float result = (float)log1p_short((double)x);
    return x < -1.0f || x != x ? not_a_number_f : x == -1.0f ? -infinity_f : x == infinity_f || x == 0 ? x : result;
}

DEVICE_FUNCTION double __nv_pow(double x, double y) {
    const Pair ln = log_pair(abs(x));
    // Beyond this range of y every power but 1's is 0, 1 or infinity, and the products below would overflow.
    const double limited = minimum(maximum(y, -0x1p68), 0x1p68);
    const Pair product = exact_product(ln.high, limited);
    const double low = fma(ln.low, limited, product.low);
    const Pair t = exact_sum(product.high, low);
    const double magnitude = exp_core(t.high, abs(t.high) > 800.0 ? 0.0 : t.low);
    const double ay = abs(y);
    const bool integer = ay >= 0x1p52 || rint(y) == y;
    const bool odd = ay < 0x1p53 && integer && ((i64)minimum(ay, 0x1p53) & 1);
    return pow_special<double>(x, y, magnitude, integer, odd, infinity, not_a_number);
}
DEVICE_FUNCTION float __nv_powf(float x, float y) {
    const double ln = log_short(abs((double)x));
    const double t = minimum(maximum(ln * (double)y, -200.0), 200.0);
    const float magnitude = to_float(exp_short(t));
    const float ay = abs(y);
    const bool integer = ay >= 0x1p23f || rint(y) == y;
    const bool odd = ay < 0x1p24f && integer && ((int)(ay < 0x1p24f ? ay : 0.0f) & 1);
    return pow_special<float>(x, y, magnitude, integer, odd, infinity_f, not_a_number_f);
}
DEVICE_FUNCTION double __nv_powi(double x, int n) {
    return __nv_pow(x, (double)n);
}
DEVICE_FUNCTION float __nv_powif(float x, int n) {
    // Not powf: an int has more digits than a float.
    const double ln = log_short(abs((double)x));
    const double t = minimum(maximum(ln * (double)n, -200.0), 200.0);
    return pow_special<float>(x, (float)n, to_float(exp_short(t)), true, (n & 1) != 0, infinity_f, not_a_number_f);
}
