// sin, cos, tan, their relatives with pi, and the inverse functions in both precisions. Bounds: CUDA C++ Programming Guide,
// "Mathematical Functions": 2 ulp for nearly all of them.
#include "trigonometry.h"

using namespace anywarp_math;

namespace {

INTERNAL void sincos_double(double x, double* s, double* c) {
    const Reduced r = reduce(x);
    double sine, cosine;
    turn(sine_kernel(r.high, r.low), cosine_kernel(r.high, r.low), r.quadrant, &sine, &cosine);
    const bool bad = !(abs(x) < infinity);
    *s = bad ? not_a_number : x == 0 ? x : sine;
    *c = bad ? not_a_number : cosine;
}
INTERNAL void sincos_float(float x, float* s, float* c) {
    const Reduced r = reduce_float((double)x);
    const float f = (float)r.high;
    float sine, cosine;
    turn(sine_kernel(f), cosine_kernel(f), r.quadrant, &sine, &cosine);
    const bool bad = !(abs(x) < infinity_f);
    *s = bad ? not_a_number_f : x == 0 ? x : sine;
    *c = bad ? not_a_number_f : cosine;
}

// x in half turns: the reduction is exact, and zeros of sine keep the argument's sign.
INTERNAL void sincospi_double(double x, double* s, double* c) {
    const double limited = abs(x) < 0x1p53 ? x : 0.0; // an even whole number
    const double n = rint(limited * 2.0);
    const double f = fma(n, -0.5, limited);
    const double r = f * 0x1.921fb54442d18p+1;
    const double low = fma(f, 0x1.921fb54442d18p+1, -r) + f * 0x1.1a62633145c07p-53;
    double sine, cosine;
    turn(sine_kernel(r, low), cosine_kernel(r, low), (int)(i64)n, &sine, &cosine);
    const bool bad = !(abs(x) < infinity);
    const bool whole = rint(limited) == limited;
    *s = bad ? not_a_number : whole ? copysign(0.0, x) : sine;
    *c = bad ? not_a_number : f == 0 && !whole ? 0.0 : cosine;
}
INTERNAL void sincospi_float(float x, float* s, float* c) {
    const float limited = abs(x) < 0x1p24f ? x : 0.0f;
    const float n = rint(limited * 2.0f);
    const float f = fma(n, -0.5f, limited);
    const float r = (float)((double)f * 0x1.921fb54442d18p+1);
    float sine, cosine;
    turn(sine_kernel(r), cosine_kernel(r), (int)n, &sine, &cosine);
    const bool bad = !(abs(x) < infinity_f);
    const bool whole = rint(limited) == limited;
    *s = bad ? not_a_number_f : whole ? copysign(0.0f, x) : sine;
    *c = bad ? not_a_number_f : f == 0 && !whole ? 0.0f : cosine;
}

// atan(n/d) for n, d >= 0, not both 0 and not both infinite, given with the rest of n beyond its double. The quotient is folded
// to |t| <= 2 - sqrt(3) by atan t = k pi/6 + atan((t - c)/(1 + t c)); numerator and denominator are folded instead of the
// quotient, so that there is one division and its operands are nearly exact.
INTERNAL double atan_quotient(double n, double n_low, double d, double d_low) {
    const bool swap = n > d;
    const double a = swap ? d : n, a_low = swap ? d_low : n_low;
    const double b = swap ? n : d, b_low = swap ? n_low : d_low;
    constexpr double sqrt3 = 0x1.bb67ae8584caap+0, sqrt3_low = 0x1.cec95d0b5c1e3p-54;
    const bool fold = a > 0x1.126145e9ecd56p-2 * b;
    // (a sqrt3 - b) / (a + b sqrt3)
    const double p = a * sqrt3, p_low = fma(a, sqrt3, -p) + a * sqrt3_low + a_low * sqrt3;
    const Pair up = exact_sum_any(p, -b);
    const double q = b * sqrt3, q_low = fma(b, sqrt3, -q) + b * sqrt3_low + b_low * sqrt3;
    const Pair down = exact_sum_any(q, a);
    const double u = fold ? up.high : a, u_low = fold ? up.low + p_low - b_low : a_low;
    const double v = fold ? down.high : b, v_low = fold ? down.low + q_low + a_low : b_low;
    const double t = u / v;
    const double t_low = (fma(-t, v, u) + (u_low - t * v_low)) / v;
    const double z = t * t;
    const double tail = horner(z, 1.0 / 33.0, -1.0 / 31.0, 1.0 / 29.0, -1.0 / 27.0, 1.0 / 25.0, -1.0 / 23.0, 1.0 / 21.0, -1.0 / 19.0, 1.0 / 17.0,
                               -1.0 / 15.0, 1.0 / 13.0, -1.0 / 11.0, 1.0 / 9.0, -1.0 / 7.0, 1.0 / 5.0, -1.0 / 3.0);
    const double rest = fma(t * z, tail, t_low);
    // base + sign * (t + rest), base a multiple of pi/6
    const double base = swap ? (fold ? 0x1.0c152382d7366p+0 : half_pi_1) : (fold ? 0x1.0c152382d7366p-1 : 0.0);
    const double base_low = swap ? (fold ? -0x1.ee6913347c2a6p-54 : half_pi_2) : (fold ? -0x1.ee6913347c2a6p-55 : 0.0);
    const double sign = swap ? -1.0 : 1.0;
    const double st = sign * t;
    const Pair sum = exact_sum_any(base, st);
    return sum.high + (sum.low + fma(sign, rest, base_low));
}
// The same to about 2^-40 and without pairs, for single precision.
INTERNAL double atan_quotient_short(double n, double d) {
    const bool swap = n > d;
    const double a = swap ? d : n, b = swap ? n : d;
    constexpr double sqrt3 = 0x1.bb67ae8584caap+0;
    const bool fold = a > 0x1.126145e9ecd56p-2 * b;
    const double u = fold ? fma(a, sqrt3, -b) : a, v = fold ? fma(b, sqrt3, a) : b;
    const double t = u / v;
    const double z = t * t;
    const double tail = horner(z, 1.0 / 21.0, -1.0 / 19.0, 1.0 / 17.0, -1.0 / 15.0, 1.0 / 13.0, -1.0 / 11.0, 1.0 / 9.0, -1.0 / 7.0, 1.0 / 5.0,
                               -1.0 / 3.0);
    const double angle = fma(t * z, tail, t) + (fold ? 0x1.0c152382d7366p-1 : 0.0);
    return swap ? half_pi_1 - angle : angle;
}
INTERNAL double atan2_sign(double angle, double angle_low, double y, double x) {
    if (bits(x) >> 63)
        angle = (0x1.921fb54442d18p+1 - angle) + (0x1.1a62633145c07p-53 - angle_low);
    return copysign(angle, y);
}

} // namespace

DEVICE_FUNCTION double __nv_sin(double x) {
    double s, c;
    sincos_double(x, &s, &c);
    return s;
}
DEVICE_FUNCTION double __nv_cos(double x) {
    double s, c;
    sincos_double(x, &s, &c);
    return c;
}
DEVICE_FUNCTION void __nv_sincos(double x, double* sine, double* cosine) {
    sincos_double(x, sine, cosine);
}
DEVICE_FUNCTION double __nv_tan(double x) {
    double s, c;
    sincos_double(x, &s, &c);
    return x == 0 ? x : s / c;
}
DEVICE_FUNCTION float __nv_sinf(float x) {
    float s, c;
    sincos_float(x, &s, &c);
    return s;
}
DEVICE_FUNCTION float __nv_cosf(float x) {
    float s, c;
    sincos_float(x, &s, &c);
    return c;
}
DEVICE_FUNCTION void __nv_sincosf(float x, float* sine, float* cosine) {
    sincos_float(x, sine, cosine);
}
DEVICE_FUNCTION float __nv_tanf(float x) {
    float s, c;
    sincos_float(x, &s, &c);
    return x == 0 ? x : s / c;
}
DEVICE_FUNCTION void __nv_sincospi(double x, double* s, double* c) {
    sincospi_double(x, s, c);
}
DEVICE_FUNCTION void __nv_sincospif(float x, float* s, float* c) {
    sincospi_float(x, s, c);
}
DEVICE_FUNCTION double __nv_sinpi(double x) {
    double s, c;
    sincospi_double(x, &s, &c);
    return s;
}
DEVICE_FUNCTION double __nv_cospi(double x) {
    double s, c;
    sincospi_double(x, &s, &c);
    return c;
}
DEVICE_FUNCTION float __nv_sinpif(float x) {
    float s, c;
    sincospi_float(x, &s, &c);
    return s;
}
DEVICE_FUNCTION float __nv_cospif(float x) {
    float s, c;
    sincospi_float(x, &s, &c);
    return c;
}

DEVICE_FUNCTION double __nv_atan(double x) {
    const double ax = abs(x);
    // Huge arguments would overflow in the folding; their arctangent is pi/2 within rounding.
    const double result = copysign(ax > 0x1p60 ? half_pi_1 : atan_quotient(ax, 0.0, 1.0, 0.0), x);
    return x != x || ax < 0x1p-28 ? x : result;
}
DEVICE_FUNCTION float __nv_atanf(float x) {
    const float ax = abs(x);
    const float result = copysign((float)atan_quotient_short(ax > 1e30f ? 1e30 : (double)ax, 1.0), x);
    return x != x || x == 0 ? x : result;
}
DEVICE_FUNCTION double __nv_atan2(double y, double x) {
    double a = abs(y), b = abs(x);
    if (x != x || y != y)
        return not_a_number;
    if (a == infinity && b == infinity)
        a = b = 1.0;
    else if (a == infinity)
        a = 1.0, b = 0.0;
    else if (b == infinity)
        a = 0.0, b = 1.0;
    else if (a == 0 && b == 0)
        b = 1.0;
    // Into the middle of the range, both by the same power of two.
    const double larger = a > b ? a : b;
    const double factor = larger > 0x1p500 ? 0x1p-600 : larger < 0x1p-400 ? 0x1p600 : 1.0;
    const double sa = a * factor, sb = b * factor;
    const double angle = atan_quotient(sa, 0.0, sb, 0.0);
    // A quotient too small for the scaled form is right as it is, and may be subnormal.
    const bool tiny = sa < sb * 0x1p-60;
    return atan2_sign(tiny ? a / b : angle, 0.0, y, x);
}
DEVICE_FUNCTION float __nv_atan2f(float y, float x) {
    double a = (double)abs(y), b = (double)abs(x);
    if (x != x || y != y)
        return not_a_number_f;
    if (a == infinity && b == infinity)
        a = b = 1.0;
    else if (a == infinity)
        a = 1.0, b = 0.0;
    else if (b == infinity)
        a = 0.0, b = 1.0;
    else if (a == 0 && b == 0)
        b = 1.0;
    return (float)atan2_sign(atan_quotient_short(a, b), 0.0, (double)y, (double)x);
}

namespace {
// asin x = atan(x / sqrt(1 - x^2)), the root as a pair.
INTERNAL Pair cosine_from_sine(double x) {
    const double square = x * x, square_low = fma(x, x, -square);
    const Pair d = exact_sum_any(1.0, -square);
    const double d_low = d.low - square_low;
    const double root = sqrt(d.high);
    const double root_low = root > 0 ? (fma(-root, root, d.high) + d_low) * 0.5 / root : 0.0;
    return {root, root_low};
}
} // namespace
DEVICE_FUNCTION double __nv_asin(double x) {
    const double ax = abs(x);
    const Pair c = cosine_from_sine(ax > 1.0 ? 0.0 : ax);
    const double result = copysign(ax == 1.0 ? half_pi_1 : atan_quotient(ax, 0.0, c.high, c.low), x);
    return ax > 1.0 || x != x ? not_a_number : ax < 0x1p-28 ? x : result;
}
DEVICE_FUNCTION double __nv_acos(double x) {
    const double ax = abs(x);
    const Pair c = cosine_from_sine(ax > 1.0 ? 0.0 : ax);
    const double angle = ax == 1.0 ? 0.0 : atan_quotient(c.high, c.low, ax, 0.0);
    const double result = x < 0 ? (0x1.921fb54442d18p+1 - angle) + 0x1.1a62633145c07p-53 : angle;
    return ax > 1.0 || x != x ? not_a_number : result;
}
DEVICE_FUNCTION float __nv_asinf(float x) {
    const double d = (double)abs(x);
    const float result = copysign((float)atan_quotient_short(d, sqrt(fma(-d, d, 1.0))), x);
    return abs(x) > 1.0f || x != x ? not_a_number_f : x == 0 ? x : result;
}
DEVICE_FUNCTION float __nv_acosf(float x) {
    const double d = (double)abs(x);
    const double angle = atan_quotient_short(sqrt(fma(-d, d, 1.0)), d);
    const float result = (float)(x < 0 ? 0x1.921fb54442d18p+1 - angle : angle);
    return abs(x) > 1.0f || x != x ? not_a_number_f : result;
}
