// Cores of the exponential and logarithm family. exp: x = n ln 2 + r with |r| <= ln 2 / 2, then the Taylor series of e^r; log:
// x = 2^n m with m between sqrt(1/2) and sqrt(2), then the series of the inverse hyperbolic tangent in s = (m - 1)/(m + 1).
// On such short intervals Taylor's coefficients cost one or two terms more than a fitted polynomial and need no fitting. The
// "short" cores stop at about 2^-45, which is plenty for a result in single precision.
#pragma once

#include "target.h"

namespace anywarp_math {

constexpr double log2_e = 0x1.71547652b82fep+0;
constexpr double ln2_high = 0x1.62e42fefa39efp-1, ln2_low = 0x1.abc9e3b39803fp-56;
// ln 2 with 21 zero bits at its end: times an exponent it is exact.
constexpr double ln2_short = 0x1.62e42fee00000p-1, ln2_rest = 0x1.a39ef35793c76p-33;

// (e^r - 1 - r) / r^2 for |r| <= 0.35.
INTERNAL double exp_tail(double r) {
    return horner(r, 1.0 / 87178291200.0, 1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0,
                  1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5);
}
INTERNAL double exp_tail_short(double r) {
    return horner(r, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5);
}

// e^(x + low) for any x; low is small against x's last place or a correction of it.
INTERNAL double exp_core(double x, double low) {
    const double limited = minimum(maximum(x, -800.0), 800.0);
    const double n = rint(limited * log2_e);
    double r = fma(-n, ln2_high, limited);
    r = fma(-n, ln2_low, r) + low;
    const double p = fma(r * r, exp_tail(r), r);
    return scale(1.0 + p, (int)n);
}
INTERNAL double exp_short(double x) { // for |x| < 700
    const double n = rint(x * log2_e);
    double r = fma(-n, ln2_high, x);
    r = fma(-n, ln2_low, r);
    return fma(fma(r, exp_tail_short(r), 1.0), r, 1.0) * power_of_two((int)n);
}
INTERNAL double expm1_core(double x) {
    const double limited = minimum(maximum(x, -60.0), 720.0);
    const double n = rint(limited * log2_e);
    double r = fma(-n, ln2_high, limited);
    const double correction = n * ln2_low;
    const double whole = r - correction;
    const double lost = (r - whole) - correction;
    const double p = fma(whole * whole, exp_tail(whole), whole);
    const double t = power_of_two((int)n - 1); // half of 2^n, which may be 2^1024
    const double base = t - 0.5;
    const double sum = base + t * p;
    const double rest = fma(t, p, base - sum) + t * lost;
    return n == 0.0 ? p : 2.0 * (sum + rest);
}
INTERNAL double expm1_short(double x) { // for |x| < 700
    const double n = rint(x * log2_e);
    double r = fma(-n, ln2_high, x);
    r = fma(-n, ln2_low, r);
    const double p = fma(r * r, exp_tail_short(r), r);
    const double t = power_of_two((int)n);
    return fma(t, p, t - 1.0);
}

// x = 2^exponent * (1 + fraction) with 1 + fraction in [sqrt(1/2), sqrt(2)); x positive and finite.
struct Split {
    double exponent, fraction;
};
INTERNAL Split split_for_log(double x) {
    const bool subnormal = x < 0x1p-1022;
    const u64 b = bits(subnormal ? x * 0x1p54 : x);
    // Adding the distance from sqrt(1/2) to 1 carries into the exponent exactly where the significand is above sqrt(2).
    const u64 shifted = b + (0x3ff0000000000000ull - 0x3fe6a09e667f3bcdull);
    const int e = (int)(shifted >> 52) - 1023;
    const double m = from_bits((shifted & 0xfffffffffffffull) + 0x3fe6a09e667f3bcdull);
    return {(double)(e - (subnormal ? 54 : 0)), m - 1.0};
}
// atanh(s)/s's series without its first term, times 2: 2/3 z + 2/5 z^2 + ...
INTERNAL double atanh_tail(double z) {
    return z * horner(z, 2.0 / 25.0, 2.0 / 23.0, 2.0 / 21.0, 2.0 / 19.0, 2.0 / 17.0, 2.0 / 15.0, 2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0,
                      2.0 / 5.0, 2.0 / 3.0);
}
INTERNAL double atanh_tail_short(double z) {
    return z * horner(z, 2.0 / 17.0, 2.0 / 15.0, 2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0);
}
// e ln 2 + ln(1 + f) + c. ln(1 + f) = f - s(f - R) keeps f exact and rounds only a small correction.
INTERNAL double log_core(double e, double f, double c) {
    const double s = f / (2.0 + f);
    const double tail = atanh_tail(s * s);
    const double correction = s * (f - tail) - (fma(e, ln2_rest, c));
    const double high = fma(e, ln2_short, f);
    const double lost = (e * ln2_short - high) + f; // |e ln2| > |f| or e = 0
    return high - (correction - lost);
}
INTERNAL double log_special(double x, double result) {
    result = x == infinity ? infinity : result;
    result = x == 0 ? -infinity : result;
    return x < 0 || x != x ? not_a_number : result;
}
INTERNAL double log_double(double x) {
    const Split p = split_for_log(x);
    return log_special(x, log_core(p.exponent, p.fraction, 0.0));
}
INTERNAL double log_short(double x) { // a positive normal number; relative error about 2^-45
    const Split p = split_for_log(x);
    const double f = p.fraction;
    const double s = f / (2.0 + f);
    return fma(p.exponent, ln2_high, f - s * (f - atanh_tail_short(s * s)));
}
INTERNAL double log1p_core(double x) { // x > -1
    const double u = 1.0 + x;
    const double lost = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    const Split p = split_for_log(u);
    const bool small = p.exponent == 0;
    const double f = small ? x : p.fraction;
    const double c = small ? 0.0 : lost / u;
    const double result = log_core(p.exponent, f, c);
    return x == infinity ? infinity : abs(x) < 0x1p-54 ? x : result;
}
INTERNAL double log1p_short(double x) { // x > -1, relative error about 2^-45
    const double u = 1.0 + x;
    const Split p = split_for_log(u);
    const double f = p.exponent == 0 ? x : p.fraction;
    const double s = f / (2.0 + f);
    return fma(p.exponent, ln2_high, f - s * (f - atanh_tail_short(s * s)));
}

// ln x as a pair, relative error about 2^-65. The series' first correction, 2/3 s^3, is taken in double length as well.
INTERNAL Pair log_pair(double x) {
    const Split p = split_for_log(x);
    const double f = p.fraction, g = 2.0 + f;
    const double g_low = f - (g - 2.0);
    const double s = f / g;
    const double s_low = (fma(-s, g, f) - s * g_low) / g;
    const Pair z = multiply({s, s_low}, {s, s_low});
    const double tail = z.high * z.high *
                        horner(z.high, 2.0 / 25.0, 2.0 / 23.0, 2.0 / 21.0, 2.0 / 19.0, 2.0 / 17.0, 2.0 / 15.0, 2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0,
                               2.0 / 7.0, 2.0 / 5.0);
    const Pair third = multiply(z, {0x1.5555555555555p-1, 0x1.5555555555555p-55});
    const Pair bracket = add(third, {tail, 0.0});
    const Pair product = multiply({s, s_low}, bracket);
    const Pair ln = add({2.0 * s, 2.0 * s_low}, product);
    const Pair whole = exact_product(p.exponent, ln2_high);
    const Pair sum = exact_sum_any(whole.high, ln.high);
    return exact_sum(sum.high, sum.low + (whole.low + fma(p.exponent, ln2_low, ln.low)));
}

} // namespace anywarp_math
