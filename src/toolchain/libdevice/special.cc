// Error functions, their inverses, the normal distribution and the gamma functions. erfc comes from the scaled function
// erfcx, which is smooth: one polynomial of (x - 3)/(x + 3) serves everything above 0.4, and e^(-x^2) is computed with the
// square's lost bits. The inverses are an elementary guess (Winitzki's) and two of Halley's steps. Single precision goes
// through double. The Bessel functions are not here yet: a program that calls one fails to link its device code by that name.
#include "exponential.h"
#include "special_coefficients.h"

using namespace anywarp_math;

extern "C" double __nv_sinpi(double);

namespace {

constexpr double root_pi = 0x1.c5bf891b4ef6bp+0, pi = 0x1.921fb54442d18p+1;

INTERNAL double erf_small(double x) { // |x| < 1
    const double t = fma(2.0 * x, x, -1.0);
    return x * horner(t, ANYWARP_ERF_SMALL);
}
INTERNAL double erfcx_large(double x) { // x >= 0.4
    const double t = x > 0x1p200 ? 1.0 : (x - 3.0) / (x + 3.0);
    // The fit's interval is t from -0.765 to 1.
    constexpr double low = (0.4 - 3.0) / (0.4 + 3.0);
    const double u = (t - (1.0 + low) / 2) * (2 / (1.0 - low));
    return horner(u, ANYWARP_ERFCX) / fma(2.0, x, 1.0);
}
INTERNAL double exp_of_square(double x, double sign) { // e^(sign x^2)
    const double square = x * x, low = fma(x, x, -square);
    return exp_core(sign * square, abs(x) > 40.0 ? 0.0 : sign * low);
}
// erfc(x + low) for all x.
INTERNAL double erfc_core(double x, double low) {
    const double ax = abs(x);
    const double bounded = minimum(ax, 40.0);
    const double tail = exp_of_square(bounded, -1.0) * erfcx_large(maximum(bounded, 0.9));
    const double small = 1.0 - erf_small(bounded < 1.0 ? x : 0.0);
    double result = ax < 0.95 ? small : x < 0 ? 2.0 - tail : tail;
    // The derivative's relative size is 2x in the tail.
    result = x > 0.95 ? fma(-2.0 * x * low, result, result) : result;
    return x != x ? x : result;
}
INTERNAL double erf_core(double x) {
    const double ax = abs(x);
    const double result = ax < 0.95 ? erf_small(x) : copysign(1.0 - exp_of_square(minimum(ax, 40.0), -1.0) * erfcx_large(minimum(ax, 40.0)), x);
    return x != x ? x : result;
}

// y with erf y = x where `complement` = 1 - |x| is given apart, for |x| near 1. x >= 0.
INTERNAL double erfinv_core(double x, double complement) {
    const double l = complement > 0.5 ? log1p_core(-x * x) : log_double(complement * (1.0 + x));
    constexpr double a = 0.147;
    const double m = 2.0 / (pi * a) + 0.5 * l;
    double y = sqrt(sqrt(fma(m, m, -l / a)) - m);
    for (int i = 0; i < 3; ++i) {
        // Newton's quotient; in the tail relative to erfc, so that nothing cancels or underflows.
        const double near = (erf_small(minimum(y, 0.95)) - x) * (root_pi / 2) * exp_of_square(minimum(y, 0.95), 1.0);
        const double scaled = erfcx_large(maximum(y, 0.9));
        const double ratio = complement / (scaled * exp_of_square(y, -1.0)); // 1 at the solution
        const double far = -(1.0 - ratio) * scaled * (root_pi / 2);
        const double u = y < 0.95 ? near : far;
        y -= u / fma(y, u, 1.0);
    }
    return y;
}
INTERNAL double erfinv_double(double x) {
    const double ax = abs(x);
    const double inside = ax < 1.0 && ax > 1e-300 ? ax : 0.5;
    const double y = copysign(erfinv_core(inside, 1.0 - inside), x);
    return ax > 1.0 || x != x ? not_a_number : ax == 1.0 ? copysign(infinity, x) : ax < 1e-9 ? x * (root_pi / 2) : y;
}
INTERNAL double erfcinv_double(double x) {
    const bool upper = x > 1.0;
    const double c = upper ? 2.0 - x : x;
    const double inside = c > 0 && c < 1.0 ? c : 0.5;
    const double y = inside > 0.99999 ? (1.0 - inside) * (root_pi / 2) : erfinv_core(1.0 - inside, inside);
    const double result = x == 1.0 ? 0.0 : upper ? -y : y;
    return x != x || x < 0 || x > 2.0 ? not_a_number : x == 0 ? infinity : x == 2.0 ? -infinity : result;
}
INTERNAL double normcdf_double(double x) {
    constexpr double r = 0x1.6a09e667f3bcdp-1, r_low = -0x1.bdd3413b26456p-55;
    const double t = minimum(maximum(x, -50.0), 50.0);
    const double h = -t * r, low = fma(-t, r, -h) - t * r_low;
    return x != x ? x : 0.5 * erfc_core(h, low);
}

// Stirling's series for ln gamma without its main term, x >= 8.
INTERNAL double stirling_tail(double x) {
    const double i = 1.0 / x, z = i * i;
    return i * horner(z, -174611.0 / 125400.0, 43867.0 / 244188.0, -3617.0 / 122400.0, 1.0 / 156.0, -691.0 / 360360.0, 1.0 / 1188.0, -1.0 / 1680.0,
                      1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0);
}
INTERNAL double gamma_positive(double x) { // x >= 0.5
    if (x < 12.0) {
        double product = 1.0, y = x;
        for (; y > 2.0; y -= 1.0)
            product *= y - 1.0;
        const double divisor = y < 1.0 ? y : 1.0;
        y = y < 1.0 ? y + 1.0 : y;
        return horner(fma(2.0, y, -3.0), ANYWARP_GAMMA) * product / divisor;
    }
    // sqrt(2 pi) x^(x - 1/2) e^-x e^tail; the exponent as a pair.
    const double bounded = minimum(x, 180.0);
    const Pair ln = log_pair(bounded);
    const Pair power = multiply(ln, {bounded - 0.5, 0.0});
    const Pair sum = exact_sum_any(power.high, -bounded);
    const double low = sum.low + power.low + stirling_tail(bounded);
    // In two halves, since the result may reach the largest number.
    const double e = exp_core(sum.high * 0.5, low * 0.5);
    return x > 172.0 ? infinity : 0x1.40d931ff62706p+1 * e * e;
}
INTERNAL double gamma_double(double x) {
    if (x != x || x == infinity)
        return x;
    if (x == 0)
        return 1.0 / x;
    if (x < 0 && (x == -infinity || rint(x) == x))
        return not_a_number;
    if (x >= 0.5)
        return gamma_positive(x);
    if (abs(x) < 0x1p-60)
        return 1.0 / x;
    if (x > -0.5)
        return gamma_positive(x + 1.0) / x;
    // Reflection about 0, not 1: -x is exact.
    if (x > -170.0)
        return -pi / (x * __nv_sinpi(x) * gamma_positive(-x));
    // The product would overflow before the result vanishes.
    const double s = __nv_sinpi(x);
    if (x < -184.0)
        return copysign(0.0, s);
    const double y = -x; // gamma(y) = (y - 1)...(y - 20) gamma(y - 20)
    double result = -pi / (s * gamma_positive(y - 20.0)) / x;
    for (int i = 1; i <= 20; ++i)
        result /= y - (double)i;
    return result;
}
INTERNAL double lgamma_positive(double x) { // x > 0
    if (x < 0.5)
        return (x * horner(2.0 * x, ANYWARP_LGAMMA_LOW) * (x - 1.0)) - log_double(x); // ln gamma(1 + x) - ln x
    if (x < 1.5)
        return (x - 1.0) * (x - 2.0) * horner(fma(2.0, x, -2.0), ANYWARP_LGAMMA_LOW);
    if (x < 3.0)
        return (x - 1.0) * (x - 2.0) * horner((x - 2.25) * (1.0 / 0.75), ANYWARP_LGAMMA_HIGH);
    if (x < 8.0)
        return log_double(gamma_positive(x));
    const double bounded = minimum(x, 0x1p1000);
    const double ln = log_double(bounded);
    const double result = fma(bounded - 0.5, ln - 1.0, 0x1.acfe390c97d69p-2 + stirling_tail(bounded));
    return x > 2.55634816e305 ? infinity : x > 0x1p60 ? bounded * (ln - 1.0) : result;
}
INTERNAL double lgamma_double(double x) {
    if (x != x)
        return x;
    if (abs(x) == infinity || (x <= 0 && rint(x) == x))
        return infinity;
    if (x > 0)
        return lgamma_positive(x);
    if (x > -0x1p-60)
        return -log_double(-x);
    return log_double(pi / abs(x * __nv_sinpi(x))) - lgamma_positive(-x);
}

} // namespace

#define PAIR_OF_FUNCTIONS(NAME, EXPRESSION)                                                                                      \
    DEVICE_FUNCTION double __nv_##NAME(double x) { return EXPRESSION; }                                                          \
    DEVICE_FUNCTION float __nv_##NAME##f(float single) {                                                                         \
        const double x = (double)single;                                                                                         \
        return (float)(EXPRESSION);                                                                                              \
    }
PAIR_OF_FUNCTIONS(erf, erf_core(x))
PAIR_OF_FUNCTIONS(erfc, erfc_core(x, 0.0))
// Above 0.4 erf is so large that 1 - erf would lose a place.
PAIR_OF_FUNCTIONS(erfcx, x < 0.4 ? exp_of_square(maximum(x, -30.0), 1.0) * erfc_core(maximum(x, -30.0), 0.0) : x != x ? x : erfcx_large(x))
PAIR_OF_FUNCTIONS(erfinv, erfinv_double(x))
PAIR_OF_FUNCTIONS(erfcinv, erfcinv_double(x))
PAIR_OF_FUNCTIONS(normcdf, normcdf_double(x))
PAIR_OF_FUNCTIONS(normcdfinv, -0x1.6a09e667f3bcdp+0 * erfcinv_double(2.0 * x))
PAIR_OF_FUNCTIONS(tgamma, gamma_double(x))
PAIR_OF_FUNCTIONS(lgamma, lgamma_double(x))
