// Directed rounding (.rz, .rm, .rp) of arithmetic and conversions, without touching the rounding mode of the machine.
//
// Each function computes the nearest result and the sign of its error (result minus exact value), then steps one unit in the
// last place where the result lies on the wrong side. f32 errors are found in double, where products are exact and sums have
// an exactly representable error; f64 errors by two-sum and fma.
#include "common.h"

enum { toward_zero, down, up };

// Whether to step down or up, for an error `cmp` = result - exact (any magnitude, exact sign).
INLINE float adjust_f32(float f, double cmp, int mode) {
    u32 b = bits_of(f);
    int negative = b >> 31;
    int lower = cmp > 0 && (mode == down || (mode == toward_zero && !negative));
    int higher = cmp < 0 && (mode == up || (mode == toward_zero && negative));
    u32 below = (b & 0x7fffffff) == 0 ? 0x80000001u : negative ? b + 1 : b - 1;
    u32 above = (b & 0x7fffffff) == 0 ? 0x00000001u : negative ? b - 1 : b + 1;
    return float_of(lower ? below : higher ? above : b);
}
INLINE double adjust_f64(double f, double cmp, int mode) {
    u64 b = bits_of_double(f);
    int negative = (int)(b >> 63);
    int lower = cmp > 0 && (mode == down || (mode == toward_zero && !negative));
    int higher = cmp < 0 && (mode == up || (mode == toward_zero && negative));
    u64 below = (b << 1) == 0 ? 0x8000000000000001ull : negative ? b + 1 : b - 1;
    u64 above = (b << 1) == 0 ? 1ull : negative ? b - 1 : b + 1;
    return double_of(lower ? below : higher ? above : b);
}

INLINE double two_sum_error(double a, double b, double s) {
    double t = s - a;
    return (a - (s - t)) + (b - t);
}

// An exact zero sum of operands with different signs is -0 when rounding down.
INLINE float sum_f32(double a, double b, int mode) {
    double s = a + b, e = two_sum_error(a, b, s);
    float f = (float)s;
    double d = (double)f - s;
    float r = adjust_f32(f, d != 0 ? d : -e, mode);
    int minus_zero = mode == down && s == 0 && (__builtin_signbit(a) | __builtin_signbit(b));
    return minus_zero ? -0.0f : r;
}
INLINE float mul_f32(float a, float b, int mode) {
    double p = (double)a * (double)b;
    float f = (float)p;
    return adjust_f32(f, (double)f - p, mode);
}
INLINE float div_f32(float a, float b, int mode) {
    float q = a / b;
    double back = (double)q * (double)b; // exact: 48 bits
    double over = back - (double)a;
    over = back > (double)a ? 1 : back < (double)a ? -1 : 0;
    return adjust_f32(q, __builtin_signbit(b) ? -over : over, mode);
}
INLINE float sqrt_f32(float a, int mode) {
    float r = __builtin_sqrtf(a);
    double square = (double)r * (double)r;
    return adjust_f32(r, square > (double)a ? 1 : square < (double)a ? -1 : 0, mode);
}

INLINE double finite_overflow(double r, double e, int finite_inputs) {
    // The nearest result overflowed although the inputs are finite: it lies beyond the exact value.
    return finite_inputs && __builtin_fabs(r) == __builtin_inf() ? r : e;
}
INLINE int is_finite(double x) { return __builtin_fabs(x) < __builtin_inf(); }

INLINE double add_f64(double a, double b, int mode) {
    double s = a + b, e = two_sum_error(a, b, s);
    double cmp = finite_overflow(s, -e, is_finite(a) && is_finite(b));
    double r = adjust_f64(s, cmp, mode);
    int minus_zero = mode == down && s == 0 && (__builtin_signbit(a) | __builtin_signbit(b));
    return minus_zero ? -0.0 : r;
}
INLINE double mul_f64(double a, double b, int mode) {
    double p = a * b;
    double e = __builtin_fma(a, b, -p);
    // Tiny products: the error itself would underflow, so it is computed 2^1000 times larger.
    int a_smaller = __builtin_fabs(a) < __builtin_fabs(b);
    double sa = a_smaller ? a * 0x1p1000 : a, sb = a_smaller ? b : b * 0x1p1000;
    double tiny = __builtin_fma(sa, sb, -(p * 0x1p1000));
    e = __builtin_fabs(p) < 0x1p-900 ? tiny : e;
    int vanished = p == 0 && a != 0 && b != 0;
    e = vanished ? (__builtin_signbit(a) != __builtin_signbit(b) ? -1.0 : 1.0) : e;
    return adjust_f64(p, finite_overflow(p, -e, is_finite(a) && is_finite(b)), mode);
}
INLINE double fma_f64(double a, double b, double c, int mode) {
    // Error of an fma: Boldo & Muller, "Exact and approximated error of the FMA". A tiny product would lose its own error to
    // underflow: then everything is scaled by 2^1000, or, where c is so large that the product is only a trace, its sign decides.
    // Where product or sum may overflow on the way to a finite result, everything is scaled by 2^-100.
    double r = __builtin_fma(a, b, c);
    double p = a * b;
    int nonzero = a != 0 && b != 0;
    int tiny = __builtin_fabs(p) < 0x1p-900 && nonzero;
    int huge = __builtin_fabs(p) > 0x1p1000 || __builtin_fabs(c) > 0x1p1000;
    int a_smaller = __builtin_fabs(a) < __builtin_fabs(b);
    int scale_a = a_smaller ? !huge : huge;
    double scale = huge ? 0x1p-100 : tiny ? 0x1p1000 : 1.0;
    double sa = scale_a ? a * scale : a, sb = scale_a ? b : b * scale, sc = c * scale, sr = r * scale;
    int trace = tiny && (__builtin_fabs(c) > 0x1p-10 || __builtin_fabs(sa * sb) < 0x1p-900);
    double u1 = sa * sb, u2 = __builtin_fma(sa, sb, -u1);
    double alpha1 = sc + u2, z = two_sum_error(sc, u2, alpha1);
    double beta1 = u1 + alpha1, beta2 = two_sum_error(u1, alpha1, beta1);
    double gamma = (beta1 - sr) + beta2;
    double e1 = gamma + z, e2 = z - (e1 - gamma);
    int product_sign = __builtin_signbit(a) != __builtin_signbit(b);
    double e = e1 != 0 ? e1 : e2;
    e = huge && e == 0 && sc == 0 ? c : e; // c vanished when it was scaled
    e = trace ? (product_sign ? -1.0 : 1.0) : e;
    int finite = is_finite(a) && is_finite(b) && is_finite(c);
    double cmp = finite_overflow(r, -e, finite);
    double adjusted = adjust_f64(r, finite ? cmp : 0, mode);
    int minus_zero = mode == down && r == 0 && e == 0 && (product_sign | __builtin_signbit(c)) != 0;
    return minus_zero ? -0.0 : adjusted;
}
INLINE double div_f64(double a, double b, int mode) {
    double q = a / b;
    // The rest a - q*b; of tiny numerators 2^1000 times of it, with the smaller factor scaled, which can't overflow.
    int tiny = __builtin_fabs(a) < 0x1p-900;
    double scale = tiny ? 0x1p1000 : 1.0;
    int q_smaller = __builtin_fabs(q) < __builtin_fabs(b);
    double rest = __builtin_fma(-(q_smaller ? q * scale : q), q_smaller ? b : b * scale, a * scale);
    double over = rest > 0 ? -1 : rest < 0 ? 1 : 0;
    over = __builtin_signbit(b) ? -over : over;
    over = q == 0 && a != 0 && is_finite(b) ? (__builtin_signbit(q) ? 1 : -1) : over;
    int overflow = is_finite(a) && is_finite(b) && b != 0 && __builtin_fabs(q) == __builtin_inf();
    return adjust_f64(q, overflow ? q : over, mode);
}
INLINE double sqrt_f64(double a, int mode) {
    double r = __builtin_sqrt(a);
    int tiny = a < 0x1p-800; // the rest of a subnormal would underflow
    double root = tiny ? r * 0x1p200 : r;
    double rest = __builtin_fma(-root, root, tiny ? a * 0x1p400 : a);
    return adjust_f64(r, a < __builtin_inf() ? -rest : 0, mode);
}

// 64-bit integers: cut the magnitude to `keep` bits, which converts exactly, and step up where the direction asks for it.
INLINE float u64_to_f32(u64 m, int away, int odd) {
    int zeros = m ? __builtin_clzll(m) : 63;
    u64 lost = zeros < 40 ? m & ((1ull << (40 - zeros)) - 1) : 0;
    float f = (float)(m - lost);
    u32 b = bits_of(f);
    b = lost && away ? b + 1 : b;
    b = lost && odd ? b | 1 : b;
    return float_of(b);
}
INLINE double u64_to_f64(u64 m, int away) {
    int zeros = m ? __builtin_clzll(m) : 63;
    u64 lost = zeros < 11 ? m & ((1ull << (11 - zeros)) - 1) : 0;
    double f = (double)(m - lost);
    return double_of(bits_of_double(f) + (lost && away ? 1 : 0));
}
INLINE float s64_to_f32(s64 v, int mode, int odd) {
    int negative = v < 0;
    float f = u64_to_f32(negative ? 0 - (u64)v : (u64)v, mode == (negative ? down : up), odd);
    return negative ? -f : f;
}
INLINE double s64_to_f64(s64 v, int mode) {
    int negative = v < 0;
    double f = u64_to_f64(negative ? 0 - (u64)v : (u64)v, mode == (negative ? down : up));
    return negative ? -f : f;
}
float anywarp_b_u64_to_f32_odd(u64 v) { return u64_to_f32(v, 0, 1); }
float anywarp_b_s64_to_f32_odd(s64 v) { return s64_to_f32(v, toward_zero, 1); }

#define FOR_EACH_MODE(m, mode)                                                                                                             \
    float anywarp_b_add_f32_##m(float a, float b) { return sum_f32(a, b, mode); }                                                           \
    float anywarp_b_sub_f32_##m(float a, float b) { return sum_f32(a, -b, mode); }                                                          \
    float anywarp_b_mul_f32_##m(float a, float b) { return mul_f32(a, b, mode); }                                                           \
    float anywarp_b_div_f32_##m(float a, float b) { return div_f32(a, b, mode); }                                                           \
    float anywarp_b_sqrt_f32_##m(float a) { return sqrt_f32(a, mode); }                                                                     \
    float anywarp_b_fma_f32_##m(float a, float b, float c) { return sum_f32((double)a * (double)b, c, mode); }                              \
    double anywarp_b_add_f64_##m(double a, double b) { return add_f64(a, b, mode); }                                                        \
    double anywarp_b_sub_f64_##m(double a, double b) { return add_f64(a, -b, mode); }                                                       \
    double anywarp_b_mul_f64_##m(double a, double b) { return mul_f64(a, b, mode); }                                                        \
    double anywarp_b_div_f64_##m(double a, double b) { return div_f64(a, b, mode); }                                                        \
    double anywarp_b_sqrt_f64_##m(double a) { return sqrt_f64(a, mode); }                                                                   \
    double anywarp_b_fma_f64_##m(double a, double b, double c) { return fma_f64(a, b, c, mode); }                                           \
    float anywarp_b_f64_to_f32_##m(double a) { float f = (float)a; return adjust_f32(f, (double)f - a, mode); }                             \
    float anywarp_b_u64_to_f32_##m(u64 v) { return u64_to_f32(v, mode == up, 0); }                                                          \
    float anywarp_b_s64_to_f32_##m(s64 v) { return s64_to_f32(v, mode, 0); }                                                                \
    double anywarp_b_u64_to_f64_##m(u64 v) { return u64_to_f64(v, mode == up); }                                                            \
    double anywarp_b_s64_to_f64_##m(s64 v) { return s64_to_f64(v, mode); }
FOR_EACH_MODE(rz, toward_zero)
FOR_EACH_MODE(rm, down)
FOR_EACH_MODE(rp, up)
