// Roots and lengths: rsqrt, cbrt, rcbrt, hypot, norms and their reciprocals. Lengths scale by a power of two where squares
// would overflow or vanish; single precision computes in double, whose range holds every square of a float.
#include "target.h"

using namespace anywarp_math;

namespace {

// The exponent is divided by three with a magic start (about 5 bits), Halley's steps triple the digits each, and the last
// step works on the exact residual.
INTERNAL double cube_root(double x) {
    const double ax = abs(x);
    const bool subnormal = ax < 0x1p-1022;
    const double y = subnormal ? ax * 0x1p54 : ax;
    double t = from_bits(bits(y) / 3 + 0x2a9f7893782da1ceull);
    for (int i = 0; i < 2; ++i) {
        const double c = t * t * t;
        t = t * ((c + 2.0 * y) / (2.0 * c + y));
    }
    // Cut to 26 bits... the square is then exact, and the residual y - t^3 is exact up to its own last place.
    const double s = from_bits(bits(t) & 0xfffffffff8000000ull);
    const double square = s * s;
    const double residual = fma(-square, s, y);
    const double d = residual / (3.0 * square);
    // Second-order term of the step: - d^2 / s.
    t = s + fma(-d, d / s, d);
    const double result = subnormal ? t * 0x1p-18 : t;
    return x == 0 || ax == infinity || x != x ? x : copysign(result, x);
}
INTERNAL double cube_root_short(double x) {
    const double ax = abs(x);
    double t = from_bits(bits(ax) / 3 + 0x2a9f7893782da1ceull);
    for (int i = 0; i < 2; ++i) {
        const double c = t * t * t;
        t = t * ((c + 2.0 * ax) / (2.0 * c + ax));
    }
    return t;
}

// sqrt of a sum of squares with the sum as a pair, scaled.
struct Length {
    double high, low, unscale;
};
INTERNAL double scale_for(double largest) {
    return largest > 0x1p500 ? 0x1p-600 : largest < 0x1p-450 ? 0x1p600 : 1.0;
}
INTERNAL Pair add_square(Pair sum, double x) {
    const Pair p = exact_product(x, x);
    const Pair s = exact_sum_any(sum.high, p.high);
    return {s.high, s.low + sum.low + p.low};
}
INTERNAL double root_of(Pair sum) {
    const double r = sqrt(sum.high);
    return r > 0 ? r + (fma(-r, r, sum.high) + sum.low) * 0.5 / r : r;
}
INTERNAL double finish(double root, double factor, bool reciprocal) {
    return reciprocal ? 1.0 / root * factor : root / factor;
}
template <class... T> INTERNAL double length(bool reciprocal, T... x) {
    double largest = 0;
    bool infinite = false, nan = false;
    ((largest = maximum(largest, abs(x)), infinite = infinite || abs(x) == infinity, nan = nan || x != x), ...);
    const double factor = scale_for(largest);
    Pair sum = {0, 0};
    ((sum = add_square(sum, x * factor)), ...);
    double result = finish(root_of(sum), factor, reciprocal);
    result = largest == 0 ? (reciprocal ? infinity : 0.0) : result;
    result = nan ? not_a_number : result;
    return infinite ? (reciprocal ? 0.0 : infinity) : result;
}
template <class... T> INTERNAL float length_float(bool reciprocal, T... x) {
    double sum = 0;
    bool infinite = false;
    ((sum = fma((double)x, (double)x, sum), infinite = infinite || abs(x) == infinity_f), ...);
    const double root = sqrt(sum);
    return infinite ? (reciprocal ? 0.0f : infinity_f) : (float)(reciprocal ? 1.0 / root : root);
}
INTERNAL double length_of(int n, const double* x, bool reciprocal) {
    double largest = 0;
    bool nan = false;
    for (int i = 0; i < n; ++i) {
        largest = maximum(largest, abs(x[i]));
        nan = nan || x[i] != x[i];
    }
    if (largest == infinity)
        return reciprocal ? 0.0 : infinity;
    if (nan)
        return not_a_number;
    if (largest == 0)
        return reciprocal ? infinity : 0.0;
    const double factor = scale_for(largest);
    Pair sum = {0, 0};
    for (int i = 0; i < n; ++i)
        sum = add_square(sum, x[i] * factor);
    return finish(root_of(sum), factor, reciprocal);
}
INTERNAL float length_of(int n, const float* x, bool reciprocal) {
    double sum = 0;
    bool infinite = false;
    for (int i = 0; i < n; ++i) {
        sum = fma((double)x[i], (double)x[i], sum);
        infinite = infinite || abs(x[i]) == infinity_f;
    }
    const double root = sqrt(sum);
    return infinite ? (reciprocal ? 0.0f : infinity_f) : (float)(reciprocal ? 1.0 / root : root);
}

} // namespace

DEVICE_FUNCTION double __nv_rsqrt(double x) { return 1.0 / sqrt(x); }
DEVICE_FUNCTION float __nv_rsqrtf(float x) { return 1.0f / sqrt(x); }
DEVICE_FUNCTION double __nv_cbrt(double x) { return cube_root(x); }
DEVICE_FUNCTION float __nv_cbrtf(float x) {
    return x == 0 || abs(x) == infinity_f || x != x ? x : copysign((float)cube_root_short((double)x), x);
}
DEVICE_FUNCTION double __nv_rcbrt(double x) { return 1.0 / cube_root(x); }
DEVICE_FUNCTION float __nv_rcbrtf(float x) {
    return x == 0 || abs(x) == infinity_f || x != x ? 1.0f / x : copysign((float)(1.0 / cube_root_short((double)x)), x);
}
DEVICE_FUNCTION double __nv_hypot(double a, double b) { return length(false, a, b); }
DEVICE_FUNCTION float __nv_hypotf(float a, float b) { return length_float(false, a, b); }
DEVICE_FUNCTION double __nv_rhypot(double a, double b) { return length(true, a, b); }
DEVICE_FUNCTION float __nv_rhypotf(float a, float b) { return length_float(true, a, b); }
DEVICE_FUNCTION double __nv_norm3d(double a, double b, double c) { return length(false, a, b, c); }
DEVICE_FUNCTION float __nv_norm3df(float a, float b, float c) { return length_float(false, a, b, c); }
DEVICE_FUNCTION double __nv_rnorm3d(double a, double b, double c) { return length(true, a, b, c); }
DEVICE_FUNCTION float __nv_rnorm3df(float a, float b, float c) { return length_float(true, a, b, c); }
DEVICE_FUNCTION double __nv_norm4d(double a, double b, double c, double d) { return length(false, a, b, c, d); }
DEVICE_FUNCTION float __nv_norm4df(float a, float b, float c, float d) { return length_float(false, a, b, c, d); }
DEVICE_FUNCTION double __nv_rnorm4d(double a, double b, double c, double d) { return length(true, a, b, c, d); }
DEVICE_FUNCTION float __nv_rnorm4df(float a, float b, float c, float d) { return length_float(true, a, b, c, d); }
DEVICE_FUNCTION double __nv_norm(int n, const double* x) { return length_of(n, x, false); }
DEVICE_FUNCTION float __nv_normf(int n, const float* x) { return length_of(n, x, false); }
DEVICE_FUNCTION double __nv_rnorm(int n, const double* x) { return length_of(n, x, true); }
DEVICE_FUNCTION float __nv_rnormf(int n, const float* x) { return length_of(n, x, true); }
