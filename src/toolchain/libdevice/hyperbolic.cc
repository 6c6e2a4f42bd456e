// Hyperbolic functions and their inverses in both precisions, over expm1 and log1p, which keep small arguments accurate. The
// single-precision ones compute in double, so their error is the last rounding.
#include "exponential.h"

using namespace anywarp_math;

namespace {

INTERNAL double limit(double x, double bound) {
    return minimum(maximum(x, -bound), bound);
}
// e^x / 2 for x > 1, as e^(x - ln 2) with what the subtraction rounds off put back: it doesn't overflow before the result does.
INTERNAL double half_exp(double x) {
    const double bounded = minimum(maximum(x, 1.0), 800.0);
    const double difference = bounded - ln2_high;
    return exp_core(difference, ((bounded - difference) - ln2_high) - ln2_low);
}

} // namespace

DEVICE_FUNCTION double __nv_sinh(double x) {
    const double ax = abs(x);
    const double t = expm1_core(minimum(ax, 709.0));
    double result = 0.5 * (t + t / (t + 1.0));
    result = ax > 708.0 ? half_exp(ax) : result;
    return x != x || ax < 0x1p-28 ? x : copysign(result, x);
}
DEVICE_FUNCTION double __nv_cosh(double x) {
    const double ax = abs(x);
    const double e = exp_core(minimum(ax, 708.0), 0.0);
    double result = fma(0.5, e, 0.5 / e);
    result = ax > 708.0 ? half_exp(ax) : result;
    return x != x ? x : result;
}
DEVICE_FUNCTION double __nv_tanh(double x) {
    const double ax = abs(x);
    const double t = expm1_core(2.0 * minimum(ax, 25.0));
    const double result = ax > 22.0 ? 1.0 : t / (t + 2.0);
    return x != x || ax < 0x1p-28 ? x : copysign(result, x);
}
DEVICE_FUNCTION float __nv_sinhf(float x) {
    const double t = expm1_short(limit((double)abs(x), 100.0));
    return x != x || x == 0 ? x : copysign((float)(0.5 * (t + t / (t + 1.0))), x);
}
DEVICE_FUNCTION float __nv_coshf(float x) {
    const double e = exp_short(limit((double)abs(x), 100.0));
    return x != x ? x : (float)(0.5 * (e + 1.0 / e));
}
DEVICE_FUNCTION float __nv_tanhf(float x) {
    const double t = expm1_short(2.0 * limit((double)x, 20.0));
    return x != x || x == 0 ? x : (float)(t / (t + 2.0));
}

DEVICE_FUNCTION double __nv_asinh(double x) {
    const double ax = abs(x);
    const double near = minimum(ax, 0x1p28);
    const double square = near * near;
    const double small = log1p_core(near + square / (1.0 + sqrt(1.0 + square)));
    const Split p = split_for_log(ax > 1.0 ? minimum(ax, 0x1.fffffffffffffp+1023) : 1.0);
    const double big = log_core(p.exponent + 1.0, p.fraction, 0.0); // ln(2 x)
    const double result = ax > 0x1p27 ? big : small;
    return x != x || ax == infinity || ax < 0x1p-28 ? x : copysign(result, x);
}
DEVICE_FUNCTION double __nv_acosh(double x) {
    const double t = minimum(x, 0x1p28) - 1.0;
    const double small = log1p_core(t + sqrt(fma(t, t, 2.0 * t)));
    const Split p = split_for_log(x > 1.0 ? minimum(x, 0x1.fffffffffffffp+1023) : 1.0);
    const double big = log_core(p.exponent + 1.0, p.fraction, 0.0);
    const double result = x > 0x1p27 ? big : small;
    return x != x || x < 1.0 ? not_a_number : x == infinity ? x : result;
}
DEVICE_FUNCTION double __nv_atanh(double x) {
    const double ax = abs(x);
    const double inside = ax < 1.0 ? ax : 0.0;
    const double result = 0.5 * log1p_core(2.0 * inside / (1.0 - inside));
    return x != x || ax > 1.0 ? not_a_number : ax == 1.0 ? copysign(infinity, x) : ax < 0x1p-28 ? x : copysign(result, x);
}
DEVICE_FUNCTION float __nv_asinhf(float x) {
    const double d = (double)abs(x);
    const double result = log1p_short(d + d * d / (1.0 + sqrt(1.0 + d * d)));
    return x != x || x == 0 || abs(x) == infinity_f ? x : copysign((float)result, x);
}
DEVICE_FUNCTION float __nv_acoshf(float x) {
    const double t = (double)x - 1.0;
    const double result = log1p_short(t + sqrt(t * (t + 2.0)));
    return x != x || x < 1.0f ? not_a_number_f : x == infinity_f ? x : (float)result;
}
DEVICE_FUNCTION float __nv_atanhf(float x) {
    const double d = (double)abs(x);
    const float result = (float)(0.5 * log1p_short(2.0 * d / (1.0 - d)));
    return x != x || abs(x) > 1.0f ? not_a_number_f : abs(x) == 1.0f ? copysign(infinity_f, x) : x == 0 ? x : copysign(result, x);
}
