// Names of the CUDA Math API that neither the host's <math.h> nor clang's device headers declare: min and max over all pairs
// of arithmetic types on both sides, overloads for float of the functions that only CUDA has, and host versions of those
// functions, since CUDA lets host code call them too (CUDA Math API, chapters "Single" and "Double Precision").
#ifndef ANYWARP_MATH_OVERLOADS_H
#define ANYWARP_MATH_OVERLOADS_H

#include <cmath>

#define ANYWARP_HD static __inline__ __host__ __device__
#define ANYWARP_HOST static __inline__ __host__

#define ANYWARP_MIN_MAX(QUALIFIERS, RESULT, A, B)                                                                                \
    QUALIFIERS RESULT min(A a, B b) { return (RESULT)a < (RESULT)b ? (RESULT)a : (RESULT)b; }                                    \
    QUALIFIERS RESULT max(A a, B b) { return (RESULT)a > (RESULT)b ? (RESULT)a : (RESULT)b; }
#if !(defined(__clang__) && defined(__CUDA__))
ANYWARP_MIN_MAX(ANYWARP_HD, int, int, int)
#else
ANYWARP_MIN_MAX(ANYWARP_HOST, int, int, int) // clang's device header has these for int on the device
#endif
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned int, unsigned int, unsigned int)
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned int, int, unsigned int)
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned int, unsigned int, int)
ANYWARP_MIN_MAX(ANYWARP_HD, long, long, long)
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned long, unsigned long, unsigned long)
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned long, long, unsigned long)
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned long, unsigned long, long)
ANYWARP_MIN_MAX(ANYWARP_HD, long long, long long, long long)
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned long long, unsigned long long, unsigned long long)
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned long long, long long, unsigned long long)
ANYWARP_MIN_MAX(ANYWARP_HD, unsigned long long, unsigned long long, long long)
#undef ANYWARP_MIN_MAX

// A NaN loses against a number, as in fmin and fmax.
#define ANYWARP_FLOAT_MIN_MAX(RESULT, SUFFIX, A, B)                                                                              \
    ANYWARP_HD RESULT min(A a, B b) { return ::fmin##SUFFIX((RESULT)a, (RESULT)b); }                                             \
    ANYWARP_HD RESULT max(A a, B b) { return ::fmax##SUFFIX((RESULT)a, (RESULT)b); }
ANYWARP_FLOAT_MIN_MAX(float, f, float, float)
ANYWARP_FLOAT_MIN_MAX(double, , double, double)
ANYWARP_FLOAT_MIN_MAX(double, , float, double)
ANYWARP_FLOAT_MIN_MAX(double, , double, float)
#undef ANYWARP_FLOAT_MIN_MAX

// The host's versions. They need not be fast; they follow from <cmath> by identities that keep the documented error bounds.
#define ANYWARP_HOST_PAIR(NAME, EXPRESSION)                                                                                      \
    ANYWARP_HOST double NAME(double x) { return EXPRESSION; }                                                                    \
    ANYWARP_HOST float NAME##f(float x_) {                                                                                       \
        const double x = x_;                                                                                                     \
        return (float)(EXPRESSION);                                                                                              \
    }
ANYWARP_HOST double anywarp_sinpi(double x) {
    if (!std::isfinite(x))
        return x - x;
    const double r = std::fmod(x, 2.0);
    const double n = std::nearbyint(r * 2.0), f = (r - n * 0.5) * 3.14159265358979323846;
    switch ((int)n & 3) {
    case 0: return r == n * 0.5 ? std::copysign(0.0, x) : std::sin(f);
    case 1: return std::cos(f);
    case 2: return r == n * 0.5 ? std::copysign(0.0, x) : -std::sin(f);
    default: return -std::cos(f);
    }
}
ANYWARP_HOST double anywarp_cospi(double x) {
    if (!std::isfinite(x))
        return x - x;
    const double r = std::fmod(std::fabs(x), 2.0);
    const double n = std::nearbyint(r * 2.0), f = (r - n * 0.5) * 3.14159265358979323846;
    switch ((int)n & 3) {
    case 0: return std::cos(f);
    case 1: return r == n * 0.5 ? 0.0 : -std::sin(f);
    case 2: return -std::cos(f);
    default: return r == n * 0.5 ? 0.0 : std::sin(f);
    }
}
ANYWARP_HOST_PAIR(rsqrt, 1.0 / std::sqrt(x))
ANYWARP_HOST_PAIR(rcbrt, 1.0 / std::cbrt(x))
ANYWARP_HOST_PAIR(sinpi, anywarp_sinpi(x))
ANYWARP_HOST_PAIR(cospi, anywarp_cospi(x))
ANYWARP_HOST_PAIR(normcdf, 0.5 * std::erfc(-x * 0.70710678118654752440))
#undef ANYWARP_HOST_PAIR
ANYWARP_HOST void sincospi(double x, double* s, double* c) {
    *s = anywarp_sinpi(x);
    *c = anywarp_cospi(x);
}
ANYWARP_HOST void sincospif(float x, float* s, float* c) {
    *s = (float)anywarp_sinpi(x);
    *c = (float)anywarp_cospi(x);
}
ANYWARP_HOST double norm3d(double a, double b, double c) {
    return std::hypot(std::hypot(a, b), c);
}
ANYWARP_HOST double norm4d(double a, double b, double c, double d) {
    return std::hypot(std::hypot(a, b), std::hypot(c, d));
}
ANYWARP_HOST float norm3df(float a, float b, float c) {
    return (float)norm3d(a, b, c);
}
ANYWARP_HOST float norm4df(float a, float b, float c, float d) {
    return (float)norm4d(a, b, c, d);
}
ANYWARP_HOST double rhypot(double a, double b) {
    return 1.0 / std::hypot(a, b);
}
ANYWARP_HOST float rhypotf(float a, float b) {
    return (float)(1.0 / std::hypot((double)a, (double)b));
}
ANYWARP_HOST double rnorm3d(double a, double b, double c) {
    return 1.0 / norm3d(a, b, c);
}
ANYWARP_HOST float rnorm3df(float a, float b, float c) {
    return (float)(1.0 / norm3d(a, b, c));
}
ANYWARP_HOST double fdivide(double a, double b) {
    return a / b;
}
ANYWARP_HOST float fdividef(float a, float b) {
    return a / b;
}
ANYWARP_HOST unsigned int umin(unsigned int a, unsigned int b) {
    return a < b ? a : b;
}
ANYWARP_HOST unsigned int umax(unsigned int a, unsigned int b) {
    return a > b ? a : b;
}
ANYWARP_HOST long long llmin(long long a, long long b) {
    return a < b ? a : b;
}
ANYWARP_HOST long long llmax(long long a, long long b) {
    return a > b ? a : b;
}
ANYWARP_HOST unsigned long long ullmin(unsigned long long a, unsigned long long b) {
    return a < b ? a : b;
}
ANYWARP_HOST unsigned long long ullmax(unsigned long long a, unsigned long long b) {
    return a > b ? a : b;
}

ANYWARP_HD float rsqrt(float x) {
    return ::rsqrtf(x);
}
ANYWARP_HD float rcbrt(float x) {
    return ::rcbrtf(x);
}
ANYWARP_HD float sinpi(float x) {
    return ::sinpif(x);
}
ANYWARP_HD float cospi(float x) {
    return ::cospif(x);
}
ANYWARP_HD void sincospi(float x, float* s, float* c) {
    ::sincospif(x, s, c);
}
ANYWARP_HD float normcdf(float x) {
    return ::normcdff(x);
}
#if defined(__clang__) && defined(__CUDA__)
static __inline__ __device__ float erfinv(float x) {
    return ::erfinvf(x);
}
static __inline__ __device__ float erfcinv(float x) {
    return ::erfcinvf(x);
}
static __inline__ __device__ float erfcx(float x) {
    return ::erfcxf(x);
}
static __inline__ __device__ float normcdfinv(float x) {
    return ::normcdfinvf(x);
}
static __inline__ __device__ float exp10(float x) {
    return ::exp10f(x);
}
static __inline__ __device__ void sincos(float x, float* s, float* c) {
    ::sincosf(x, s, c);
}
static __inline__ __device__ float rhypot(float a, float b) {
    return ::rhypotf(a, b);
}
#endif

#undef ANYWARP_HD
#undef ANYWARP_HOST

#endif
