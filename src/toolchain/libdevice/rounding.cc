// Rounding to integers, parts of numbers, remainders, minimum and maximum, classification (CUDA Math API; the results are
// exact, as C's <math.h> defines them).
#include "target.h"

using namespace anywarp_math;

#define BOTH(NAME, EXPRESSION_D, EXPRESSION_F)                                                                                   \
    DEVICE_FUNCTION double __nv_##NAME(double x) { return EXPRESSION_D; }                                                        \
    DEVICE_FUNCTION float __nv_##NAME##f(float x) { return EXPRESSION_F; }
BOTH(floor, __builtin_floor(x), __builtin_floorf(x))
BOTH(ceil, __builtin_ceil(x), __builtin_ceilf(x))
BOTH(trunc, __builtin_trunc(x), __builtin_truncf(x))
BOTH(rint, __builtin_rint(x), __builtin_rintf(x))
BOTH(nearbyint, __builtin_rint(x), __builtin_rintf(x))
BOTH(fabs, __builtin_fabs(x), __builtin_fabsf(x))
BOTH(sqrt, __builtin_sqrt(x), __builtin_sqrtf(x))

namespace {
// Halves away from zero: truncate, then look at what was cut off, which is exact.
INTERNAL double round_half_away(double x) {
    const double t = __builtin_trunc(x);
    return copysign(t + (abs(x - t) >= 0.5 ? copysign(1.0, x) : 0.0), x);
}
INTERNAL float round_half_away(float x) {
    const float t = __builtin_truncf(x);
    return copysign(t + (abs(x - t) >= 0.5f ? copysign(1.0f, x) : 0.0f), x);
}
} // namespace
BOTH(round, round_half_away(x), round_half_away(x))

#ifdef __NVPTX__
DEVICE_FUNCTION long long __nv_llrint(double x) { return __nvvm_d2ll_rn(x); }
DEVICE_FUNCTION long long __nv_llrintf(float x) { return __nvvm_f2ll_rn(x); }
DEVICE_FUNCTION long long __nv_llround(double x) { return __nvvm_d2ll_rz(round_half_away(x)); }
DEVICE_FUNCTION long long __nv_llroundf(float x) { return __nvvm_f2ll_rz(round_half_away(x)); }
#endif

DEVICE_FUNCTION double __nv_copysign(double x, double y) { return copysign(x, y); }
DEVICE_FUNCTION float __nv_copysignf(float x, float y) { return copysign(x, y); }
DEVICE_FUNCTION double __nv_fma(double a, double b, double c) { return fma(a, b, c); }
DEVICE_FUNCTION float __nv_fmaf(float a, float b, float c) { return fma(a, b, c); }
DEVICE_FUNCTION double __nv_fmax(double a, double b) { return __builtin_fmax(a, b); }
DEVICE_FUNCTION float __nv_fmaxf(float a, float b) { return __builtin_fmaxf(a, b); }
DEVICE_FUNCTION double __nv_fmin(double a, double b) { return __builtin_fmin(a, b); }
DEVICE_FUNCTION float __nv_fminf(float a, float b) { return __builtin_fminf(a, b); }
DEVICE_FUNCTION double __nv_fdim(double a, double b) { return a <= b ? 0.0 : a - b; }
DEVICE_FUNCTION float __nv_fdimf(float a, float b) { return a <= b ? 0.0f : a - b; }

DEVICE_FUNCTION int __nv_signbitd(double x) { return (int)(bits(x) >> 63); }
DEVICE_FUNCTION int __nv_signbitf(float x) { return (int)(bits(x) >> 31); }
DEVICE_FUNCTION int __nv_isnand(double x) { return x != x; }
DEVICE_FUNCTION int __nv_isnanf(float x) { return x != x; }
DEVICE_FUNCTION int __nv_isinfd(double x) { return abs(x) == infinity; }
DEVICE_FUNCTION int __nv_isinff(float x) { return abs(x) == infinity_f; }
DEVICE_FUNCTION int __nv_isfinited(double x) { return abs(x) < infinity; }
DEVICE_FUNCTION int __nv_finitef(float x) { return abs(x) < infinity_f; }

namespace {
INTERNAL int exponent_of(double x) { // of a finite number other than zero
    const bool subnormal = abs(x) < 0x1p-1022;
    const double y = subnormal ? x * 0x1p54 : x;
    return (int)(bits(y) >> 52 & 0x7ff) - 1023 - (subnormal ? 54 : 0);
}
INTERNAL int clamp_exponent(int n, int limit) {
    return n > limit ? limit : n < -limit ? -limit : n;
}
// x * 2^n for any n. The significand is first brought to [1, 2), so that only the last of the two steps can round.
INTERNAL double load_exponent(double x, int n) {
    n = clamp_exponent(n, 2200);
    int e = 0;
    double m = x;
    if (x != 0 && abs(x) < infinity) {
        e = exponent_of(x);
        m = abs(x) < 0x1p-1022 ? x * 0x1p54 : x;
        m = from_bits((bits(m) & 0x800fffffffffffffull) | 0x3ff0000000000000ull);
    } else {
        n = 0;
    }
    const int total = clamp_exponent(n + e, 1100);
    const int last = total < -1022 ? -1000 : total > 1023 ? 1000 : 0;
    return m * power_of_two(total - last) * power_of_two(last);
}
} // namespace
DEVICE_FUNCTION double __nv_ldexp(double x, int n) { return load_exponent(x, n); }
DEVICE_FUNCTION float __nv_ldexpf(float x, int n) {
    // Every float times 2^n is a double (exactly, within the clamp), and the conversion rounds once.
    return (float)((double)x * power_of_two(clamp_exponent(n, 400)));
}
DEVICE_FUNCTION double __nv_scalbn(double x, int n) { return load_exponent(x, n); }
DEVICE_FUNCTION float __nv_scalbnf(float x, int n) { return __nv_ldexpf(x, n); }

DEVICE_FUNCTION double __nv_frexp(double x, int* exponent) {
    if (x == 0 || !(abs(x) < infinity)) {
        *exponent = 0;
        return x + x;
    }
    *exponent = exponent_of(x) + 1;
    const double y = abs(x) < 0x1p-1022 ? x * 0x1p54 : x;
    return from_bits((bits(y) & 0x800fffffffffffffull) | 0x3fe0000000000000ull);
}
DEVICE_FUNCTION float __nv_frexpf(float x, int* exponent) { return (float)__nv_frexp(x, exponent); }
DEVICE_FUNCTION double __nv_modf(double x, double* whole) {
    const double t = __builtin_trunc(x);
    *whole = t;
    return copysign(abs(x) == infinity ? 0.0 : x - t, x);
}
DEVICE_FUNCTION float __nv_modff(float x, float* whole) {
    const float t = __builtin_truncf(x);
    *whole = t;
    return copysign(abs(x) == infinity_f ? 0.0f : x - t, x);
}
DEVICE_FUNCTION double __nv_logb(double x) {
    return x == 0 ? -infinity : x != x ? x : abs(x) == infinity ? infinity : (double)exponent_of(x);
}
DEVICE_FUNCTION float __nv_logbf(float x) { return (float)__nv_logb(x); }
DEVICE_FUNCTION int __nv_ilogb(double x) {
    return x == 0 || x != x ? (int)0x80000000 : abs(x) == infinity ? 0x7fffffff : exponent_of(x);
}
DEVICE_FUNCTION int __nv_ilogbf(float x) { return __nv_ilogb(x); }
DEVICE_FUNCTION double __nv_nextafter(double x, double y) {
    if (x != x || y != y)
        return x + y;
    if (x == y)
        return y;
    if (x == 0)
        return copysign(0x1p-1074, y);
    const bool outward = (x < y) == (x > 0);
    return from_bits(bits(x) + (outward ? 1 : ~0ull));
}
DEVICE_FUNCTION float __nv_nextafterf(float x, float y) {
    if (x != x || y != y)
        return x + y;
    if (x == y)
        return y;
    if (x == 0)
        return copysign(0x1p-149f, y);
    const bool outward = (x < y) == (x > 0);
    return from_bits(bits(x) + (outward ? 1u : ~0u));
}
DEVICE_FUNCTION double __nv_nan(const signed char*) { return not_a_number; }
DEVICE_FUNCTION float __nv_nanf(const signed char*) { return not_a_number_f; }

namespace {
// Long division of the significands, one quotient bit a step, as exact remainders need. `quotient` gets the low bits of the
// truncated quotient.
SLOW_PATH double long_remainder(double x, double y, u32* quotient) { // x, y > 0, finite, x >= y
    int ex = exponent_of(x), ey = exponent_of(y);
    const double sx = abs(x) < 0x1p-1022 ? x * 0x1p54 : x, sy = abs(y) < 0x1p-1022 ? y * 0x1p54 : y;
    u64 mx = (bits(sx) & 0xfffffffffffffull) | 0x10000000000000ull;
    const u64 my = (bits(sy) & 0xfffffffffffffull) | 0x10000000000000ull;
    u32 q = 0;
    for (; ex >= ey; --ex) {
        q <<= 1;
        if (mx >= my) {
            mx -= my;
            q |= 1;
        }
        mx <<= 1;
    }
    *quotient = q;
    if (mx == 0)
        return 0.0;
    // mx stands one place too high: the value is mx * 2^(ex - 52).
    return load_exponent((double)mx, ex - 52);
}
INTERNAL double truncated_remainder(double x, double y, u32* quotient) {
    const double ax = abs(x), ay = abs(y);
    *quotient = 0;
    if (x != x || y != y || ax == infinity || y == 0)
        return (x * y) / (x * y);
    if (ax < ay)
        return x;
    if (ax < ay * 0x1p50) { // the quotient is exact to within one, and the fused remainder has no rounding
        double q = __builtin_trunc(ax / ay);
        double r = fma(-q, ay, ax);
        if (r < 0) {
            r += ay;
            q -= 1;
        }
        if (r >= ay) {
            r -= ay;
            q += 1;
        }
        *quotient = (u32)(u64)q;
        if (ay > 0x1p-900)
            return copysign(r, x);
    }
    return copysign(long_remainder(ax, ay, quotient), x);
}
INTERNAL double nearest_remainder(double x, double y, int* signed_quotient) {
    u32 q = 0;
    if (x == x && y == y && abs(x) < infinity && abs(y) == infinity) {
        *signed_quotient = 0;
        return x;
    }
    double r = truncated_remainder(x, y, &q);
    const double ar = abs(r), ay = abs(y);
    // To nearest, ties to the even quotient. 2*r may overflow where y - r can't.
    if (ar > ay - ar || (ar == ay - ar && (q & 1))) {
        r = copysign(ay - ar, -r);
        q += 1;
    }
    if (r == 0)
        r = copysign(0.0, x);
    const int low = (int)(q & 0x7fffffff);
    *signed_quotient = (bits(x) ^ bits(y)) >> 63 ? -low : low;
    return r;
}
} // namespace
DEVICE_FUNCTION double __nv_fmod(double x, double y) {
    u32 q;
    return truncated_remainder(x, y, &q);
}
DEVICE_FUNCTION float __nv_fmodf(float x, float y) {
    u32 q;
    return (float)truncated_remainder(x, y, &q);
}
DEVICE_FUNCTION double __nv_remainder(double x, double y) {
    int q;
    return nearest_remainder(x, y, &q);
}
DEVICE_FUNCTION float __nv_remainderf(float x, float y) {
    int q;
    return (float)nearest_remainder(x, y, &q);
}
DEVICE_FUNCTION double __nv_remquo(double x, double y, int* q) { return nearest_remainder(x, y, q); }
DEVICE_FUNCTION float __nv_remquof(float x, float y, int* q) { return (float)nearest_remainder(x, y, q); }
