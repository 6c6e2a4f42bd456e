// Accuracy of the device math library, compiled for the host, against MPFR: random arguments over each function's range, plus
// the edges. The bound of each row is the one the CUDA C++ Programming Guide documents ("Mathematical Functions", maximum ulp
// error); as there, the distance is
// counted in units in the last place from the correctly rounded result.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mpfr.h>
#include <string>

#define ONE(NAME) extern "C" double __nv_##NAME(double); extern "C" float __nv_##NAME##f(float);
#define TWO(NAME) extern "C" double __nv_##NAME(double, double); extern "C" float __nv_##NAME##f(float, float);
ONE(exp) ONE(exp2) ONE(exp10) ONE(expm1) ONE(log) ONE(log2) ONE(log10) ONE(log1p) ONE(sin) ONE(cos) ONE(tan) ONE(sinpi) ONE(cospi) ONE(asin)
ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(tanh) ONE(asinh) ONE(acosh) ONE(atanh) ONE(rsqrt) ONE(cbrt) ONE(rcbrt) ONE(erf) ONE(erfc) ONE(erfcx)
ONE(erfinv) ONE(erfcinv) ONE(normcdf) ONE(normcdfinv) ONE(tgamma) ONE(lgamma) ONE(round) ONE(j0) ONE(j1) ONE(y0) ONE(y1)
TWO(pow) TWO(atan2) TWO(hypot) TWO(rhypot) TWO(fmod) TWO(remainder)

namespace {

struct Random {
    uint64_t state = 0x9e3779b97f4a7c15;
    uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state * 0x2545f4914f6cdd1d;
    }
    double uniform(double a, double b) { return a + (b - a) * (double)(next() >> 11) * 0x1p-53; }
    // Half of the values evenly, half with every exponent equally likely.
    double pick(double a, double b) {
        if (next() & 1)
            return uniform(a, b);
        const double limit = std::fmax(std::fabs(a), std::fabs(b));
        const double x = std::copysign(limit * std::exp2(-uniform(0, 40)), next() & 1 ? 1.0 : -1.0);
        return x >= a && x <= b ? x : uniform(a, b);
    }
};

template <class T> double distance(T got, const mpfr_t exact) {
    mpfr_t rounded, difference;
    const double nearest = sizeof(T) == 4 ? (double)mpfr_get_flt(exact, MPFR_RNDN) : mpfr_get_d(exact, MPFR_RNDN);
    if (std::isnan(nearest) || std::isnan(got))
        return std::isnan(nearest) == std::isnan(got) ? 0 : 1e30;
    if (std::isinf(nearest) || std::isinf(got))
        return nearest == (double)got ? 0 : 1e30;
    mpfr_init2(rounded, 64);
    mpfr_init2(difference, 200);
    mpfr_set_d(rounded, nearest, MPFR_RNDN);
    mpfr_sub_d(difference, rounded, (double)got, MPFR_RNDN);
    int exponent = nearest == 0 ? -5000 : std::ilogb(nearest);
    const int least = sizeof(T) == 4 ? -126 : -1022, digits = sizeof(T) == 4 ? 23 : 52;
    exponent = (exponent < least ? least : exponent) - digits;
    mpfr_mul_2si(difference, difference, -exponent, MPFR_RNDN);
    const double result = std::fabs(mpfr_get_d(difference, MPFR_RNDN));
    mpfr_clear(rounded);
    mpfr_clear(difference);
    return result;
}

using Exact1 = int (*)(mpfr_t, const mpfr_t, mpfr_rnd_t);
using Exact2 = int (*)(mpfr_t, const mpfr_t, const mpfr_t, mpfr_rnd_t);

int samples() {
    const char* text = std::getenv("ANYWARP_MATH_SAMPLES");
    return text ? std::atoi(text) : 20000;
}

template <class T> void check1(const char* name, T (*function)(T), Exact1 exact, double from, double to, double bound) {
    Random random;
    double worst = 0;
    T at = 0;
    mpfr_t x, y;
    mpfr_init2(x, 64);
    mpfr_init2(y, 160);
    for (int i = 0; i < samples(); ++i) {
        const T argument = (T)random.pick(from, to);
        mpfr_set_d(x, (double)argument, MPFR_RNDN);
        exact(y, x, MPFR_RNDN);
        const double d = distance(function(argument), y);
        if (d > worst) {
            worst = d;
            at = argument;
        }
    }
    mpfr_clear(x);
    mpfr_clear(y);
    std::printf("%-10s %s  [%g, %g]  %.3f ulp (bound %g) at %a\n", name, sizeof(T) == 4 ? "f32" : "f64", from, to, worst, bound, (double)at);
    EXPECT_LE(worst, bound) << name << (sizeof(T) == 4 ? "f" : "") << " at " << (double)at << ", got " << (double)function(at);
}
template <class T>
void check2(const char* name, T (*function)(T, T), Exact2 exact, double from, double to, double from2, double to2, double bound) {
    Random random;
    double worst = 0;
    T at = 0, at2 = 0;
    mpfr_t x, y, z;
    mpfr_init2(x, 64);
    mpfr_init2(y, 64);
    mpfr_init2(z, 160);
    for (int i = 0; i < samples(); ++i) {
        const T a = (T)random.pick(from, to), b = (T)random.pick(from2, to2);
        mpfr_set_d(x, (double)a, MPFR_RNDN);
        mpfr_set_d(y, (double)b, MPFR_RNDN);
        exact(z, x, y, MPFR_RNDN);
        const double d = distance(function(a, b), z);
        if (d > worst) {
            worst = d;
            at = a;
            at2 = b;
        }
    }
    mpfr_clear(x);
    mpfr_clear(y);
    mpfr_clear(z);
    std::printf("%-10s %s  %.3f ulp (bound %g) at %a, %a\n", name, sizeof(T) == 4 ? "f32" : "f64", worst, bound, (double)at, (double)at2);
    EXPECT_LE(worst, bound) << name << (sizeof(T) == 4 ? "f" : "") << " at " << (double)at << ", " << (double)at2 << ", got "
                            << (double)function(at, at2);
}

int exact_rcbrt(mpfr_t y, const mpfr_t x, mpfr_rnd_t r) {
    mpfr_cbrt(y, x, r);
    return mpfr_ui_div(y, 1, y, r);
}
int exact_lgamma(mpfr_t y, const mpfr_t x, mpfr_rnd_t r) {
    int sign;
    return mpfr_lgamma(y, &sign, x, r);
}
int exact_rhypot(mpfr_t z, const mpfr_t x, const mpfr_t y, mpfr_rnd_t r) {
    mpfr_hypot(z, x, y, r);
    return mpfr_ui_div(z, 1, z, r);
}
int exact_normcdf(mpfr_t y, const mpfr_t x, mpfr_rnd_t r) {
    mpfr_t t;
    mpfr_init2(t, 160);
    mpfr_sqrt_ui(t, 2, r);
    mpfr_div(t, x, t, r);
    mpfr_neg(t, t, r);
    mpfr_erfc(y, t, r);
    mpfr_clear(t);
    return mpfr_div_ui(y, y, 2, r);
}
int exact_erfcx(mpfr_t y, const mpfr_t x, mpfr_rnd_t r) {
    mpfr_t t;
    mpfr_init2(t, 300);
    mpfr_sqr(t, x, r);
    mpfr_exp(t, t, r);
    mpfr_erfc(y, x, r);
    mpfr_mul(y, y, t, r);
    mpfr_clear(t);
    return 0;
}

#define BOTH1(NAME, EXACT, FROM, TO, BOUND, FROMF, TOF, BOUNDF)                                                                  \
    check1<double>(#NAME, __nv_##NAME, EXACT, FROM, TO, BOUND);                                                                  \
    check1<float>(#NAME, __nv_##NAME##f, EXACT, FROMF, TOF, BOUNDF);
#define BOTH2(NAME, EXACT, FROM, TO, FROM2, TO2, BOUND, BOUNDF)                                                                  \
    check2<double>(#NAME, __nv_##NAME, EXACT, FROM, TO, FROM2, TO2, BOUND);                                                      \
    check2<float>(#NAME, __nv_##NAME##f, EXACT, FROM, TO, FROM2, TO2, BOUNDF);

TEST(DeviceMath, Exponentials) {
    BOTH1(exp, mpfr_exp, -745, 710, 1, -104, 89, 2)
    BOTH1(exp2, mpfr_exp2, -1075, 1024, 1, -150, 128, 2)
    BOTH1(exp10, mpfr_exp10, -323, 309, 1, -45, 38.6, 2)
    BOTH1(expm1, mpfr_expm1, -40, 709.5, 1, -20, 88, 1)
}
TEST(DeviceMath, Logarithms) {
    BOTH1(log, mpfr_log, 0, 10, 1, 0, 10, 1)
    BOTH1(log, mpfr_log, 0, 1.7e308, 1, 0, 3.4e38, 1)
    BOTH1(log, mpfr_log, 0.9, 1.1, 1, 0.9, 1.1, 1)
    BOTH1(log2, mpfr_log2, 0, 10, 1, 0, 10, 1)
    BOTH1(log10, mpfr_log10, 0, 10, 1, 0, 10, 2)
    BOTH1(log1p, mpfr_log1p, -1, 10, 1, -1, 10, 1)
    BOTH1(log1p, mpfr_log1p, 0, 1e300, 1, 0, 1e38, 1)
}
TEST(DeviceMath, Powers) {
    BOTH2(pow, mpfr_pow, 0, 10, -300, 300, 2, 4)
    BOTH2(pow, mpfr_pow, 0, 1e30, -10, 10, 2, 4)
    BOTH2(pow, mpfr_pow, 0.99, 1.01, -70000, 70000, 2, 4)
}
TEST(DeviceMath, Trigonometry) {
    for (const double range : {1.0, 10.0, 1000.0, 1e6, 1e9, 1e12, 1e20, 3e38}) {
        BOTH1(sin, mpfr_sin, -range, range, 2, -range, range, 2)
        BOTH1(cos, mpfr_cos, -range, range, 2, -range, range, 2)
        BOTH1(tan, mpfr_tan, -range, range, 2, -range, range, 4)
    }
    check1<double>("sin", __nv_sin, mpfr_sin, -1e308, 1e308, 2);
    check1<double>("cos", __nv_cos, mpfr_cos, -1e308, 1e308, 2);
    BOTH1(sinpi, mpfr_sinpi, -20, 20, 2, -20, 20, 1)
    BOTH1(cospi, mpfr_cospi, -20, 20, 2, -20, 20, 1)
}
TEST(DeviceMath, InverseTrigonometry) {
    BOTH1(asin, mpfr_asin, -1, 1, 2, -1, 1, 2)
    BOTH1(acos, mpfr_acos, -1, 1, 2, -1, 1, 2)
    BOTH1(atan, mpfr_atan, -10, 10, 2, -10, 10, 2)
    BOTH1(atan, mpfr_atan, -1e30, 1e30, 2, -1e30, 1e30, 2)
    BOTH2(atan2, mpfr_atan2, -10, 10, -10, 10, 2, 3)
    check2<double>("atan2", __nv_atan2, mpfr_atan2, -1e300, 1e300, -1e300, 1e300, 2);
}
TEST(DeviceMath, Hyperbolics) {
    BOTH1(sinh, mpfr_sinh, -710, 710, 2, -89, 89, 3)
    BOTH1(sinh, mpfr_sinh, -2, 2, 2, -2, 2, 3)
    BOTH1(cosh, mpfr_cosh, -710, 710, 1, -89, 89, 2)
    BOTH1(cosh, mpfr_cosh, -3, 3, 1, -3, 3, 2)
    BOTH1(tanh, mpfr_tanh, -22, 22, 2, -10, 10, 2)
    BOTH1(asinh, mpfr_asinh, -100, 100, 3, -100, 100, 3)
    BOTH1(acosh, mpfr_acosh, 1, 100, 3, 1, 100, 4)
    BOTH1(atanh, mpfr_atanh, -1, 1, 2, -1, 1, 3)
}
TEST(DeviceMath, Roots) {
    BOTH1(rsqrt, mpfr_rec_sqrt, 0, 100, 1, 0, 100, 2)
    BOTH1(cbrt, mpfr_cbrt, -1e3, 1e3, 1, -1e3, 1e3, 1)
    BOTH1(rcbrt, exact_rcbrt, -1e3, 1e3, 1, -1e3, 1e3, 1)
    BOTH2(hypot, mpfr_hypot, -1e3, 1e3, -1e3, 1e3, 2, 3)
    BOTH2(rhypot, exact_rhypot, -1e3, 1e3, -1e3, 1e3, 1, 2)
}
TEST(DeviceMath, ErrorFunctions) {
    BOTH1(erf, mpfr_erf, -6, 6, 2, -4, 4, 2)
    BOTH1(erfc, mpfr_erfc, -6, 26, 5, -4, 10, 4)
    BOTH1(erfcx, exact_erfcx, -5, 50, 4, -5, 50, 4)
    BOTH1(normcdf, exact_normcdf, -37, 10, 5, -14, 5, 5)
}
TEST(DeviceMath, InverseErrorFunctions) { // y is right when y's neighbours enclose x: erf(erfinv(x)) = x within y's own step
    for (double x = 1e-12; x < 1; x = x * 1.01 + 1e-5) {
        if (x >= 1)
            break;
        const double y = __nv_erfinv(x), step = 8 * 0x1p-52 * y * M_2_SQRTPI * std::exp(-y * y) + 0x1p-53;
        EXPECT_NEAR(std::erf(y), x, step) << x;
        const double z = __nv_erfcinv(x);
        EXPECT_NEAR(std::erfc(z) / x, 1, 16 * 0x1p-52 * (1 + z * z * 2)) << x;
    }
}
TEST(DeviceMath, Gamma) {
    BOTH1(tgamma, mpfr_gamma, 0, 171, 10, 0, 35, 5)
    BOTH1(tgamma, mpfr_gamma, -20, 0, 10, -20, 0, 5)
    BOTH1(lgamma, exact_lgamma, 0, 1000, 4, 0, 1000, 6)
}
TEST(DeviceMath, Remainders) {
    BOTH2(fmod, mpfr_fmod, -1e6, 1e6, -10, 10, 0, 0)
    BOTH2(remainder, mpfr_remainder, -1e6, 1e6, -10, 10, 0, 0)
    check2<double>("fmod", __nv_fmod, mpfr_fmod, -1e300, 1e300, -10, 10, 0);
}

TEST(DeviceMath, SpecialValuesOfPow) {
    const double inf = INFINITY, values[] = {0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, inf, -inf, NAN, 1e300, -1e300, 1e-300};
    for (const double x : values)
        for (const double y : values) {
            const double expected = std::pow(x, y), got = __nv_pow(x, y);
            EXPECT_TRUE((std::isnan(expected) && std::isnan(got)) ||
                        ((expected == got || std::fabs(expected - got) <= 4e-16 * std::fabs(expected)) &&
                         std::signbit(expected) == std::signbit(got)))
                << x << " ^ " << y << " = " << got << ", not " << expected;
            const float expected_f = std::pow((float)x, (float)y), got_f = __nv_powf((float)x, (float)y);
            EXPECT_TRUE((std::isnan(expected_f) && std::isnan(got_f)) ||
                        (std::fabs(expected_f - got_f) <= 1e-6f * std::fabs(expected_f) || expected_f == got_f))
                << (float)x << " ^ " << (float)y << " = " << got_f << ", not " << expected_f;
        }
}
TEST(DeviceMath, SpecialValues) {
    const double inf = INFINITY;
    EXPECT_EQ(__nv_exp(inf), inf);
    EXPECT_EQ(__nv_exp(-inf), 0);
    EXPECT_TRUE(std::isnan(__nv_exp(NAN)));
    EXPECT_EQ(__nv_expf((float)inf), inf);
    EXPECT_EQ(__nv_expf((float)-inf), 0);
    EXPECT_EQ(__nv_log(0), -inf);
    EXPECT_EQ(__nv_logf(0), -inf);
    EXPECT_EQ(__nv_log(inf), inf);
    EXPECT_TRUE(std::isnan(__nv_log(-1)));
    EXPECT_TRUE(std::isnan(__nv_logf(-1)));
    EXPECT_TRUE(std::isnan(__nv_sin(inf)));
    EXPECT_TRUE(std::isnan(__nv_cosf((float)inf)));
    EXPECT_TRUE(std::signbit(__nv_sin(-0.0)));
    EXPECT_EQ(__nv_tanh(inf), 1);
    EXPECT_EQ(__nv_tanhf((float)-inf), -1);
    EXPECT_EQ(__nv_hypot(inf, NAN), inf);
    EXPECT_EQ(__nv_atan2(0, -1), M_PI);
    EXPECT_EQ(__nv_atan2(-0.0, -1), -M_PI);
    EXPECT_EQ(__nv_expm1(-inf), -1);
    EXPECT_EQ(__nv_expm1(inf), inf);
    EXPECT_EQ(__nv_round(2.5), 3);
    EXPECT_EQ(__nv_round(-0.49999999999999994), 0);
    EXPECT_EQ(__nv_cbrt(-27), -3);
}

} // namespace
