// What the device math library is written against. The same sources compile for NVPTX, where they become the bitcode that
// every CUDA source is linked with, and for the host, where the tests compare them with MPFR. Everything is straight-line
// arithmetic with fused multiply-adds, as little branching as possible and no tables: such code is widened over a warp's
// lanes without gathers. Inlining is forced, so that the compiler sees through calls; only rare slow paths stay out of line.
#pragma once

#define DEVICE_FUNCTION extern "C" __attribute__((always_inline, visibility("default")))
#define INTERNAL static inline __attribute__((always_inline))
#define SLOW_PATH static __attribute__((noinline, cold))

namespace anywarp_math {

using u32 = unsigned int;
using u64 = unsigned long long;
using i64 = long long;

INTERNAL double fma(double a, double b, double c) {
    return __builtin_fma(a, b, c);
}
INTERNAL float fma(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}
INTERNAL u64 bits(double x) {
    return __builtin_bit_cast(u64, x);
}
INTERNAL u32 bits(float x) {
    return __builtin_bit_cast(u32, x);
}
INTERNAL double from_bits(u64 x) {
    return __builtin_bit_cast(double, x);
}
INTERNAL float from_bits(u32 x) {
    return __builtin_bit_cast(float, x);
}
INTERNAL double abs(double x) {
    return __builtin_fabs(x);
}
INTERNAL float abs(float x) {
    return __builtin_fabsf(x);
}
INTERNAL double copysign(double x, double sign) {
    return from_bits((bits(x) & 0x7fffffffffffffffull) | (bits(sign) & 0x8000000000000000ull));
}
INTERNAL float copysign(float x, float sign) {
    return from_bits((bits(x) & 0x7fffffffu) | (bits(sign) & 0x80000000u));
}
INTERNAL double rint(double x) {
    return __builtin_rint(x);
}
INTERNAL float rint(float x) {
    return __builtin_rintf(x);
}
INTERNAL double sqrt(double x) {
    return __builtin_sqrt(x);
}
INTERNAL float sqrt(float x) {
    return __builtin_sqrtf(x);
}
INTERNAL double minimum(double a, double b) {
    return a < b ? a : b;
}
INTERNAL double maximum(double a, double b) {
    return a > b ? a : b;
}

constexpr double infinity = __builtin_inf();
constexpr double not_a_number = __builtin_nan("");
constexpr float infinity_f = __builtin_inff();
constexpr float not_a_number_f = __builtin_nanf("");

// 2^n for n in the range of normal numbers.
INTERNAL double power_of_two(int n) {
    return from_bits((u64)(n + 1023) << 52);
}
INTERNAL float power_of_two_f(int n) {
    return from_bits((u32)(n + 127) << 23);
}
// x * 2^n in two steps, so that a result may be subnormal (one rounding, in the second) or overflow.
INTERNAL double scale(double x, int n) {
    const int half = n >> 1;
    return x * power_of_two(half) * power_of_two(n - half);
}
INTERNAL float scale(float x, int n) {
    const int half = n >> 1;
    return x * power_of_two_f(half) * power_of_two_f(n - half);
}

// Horner's rule, the highest coefficient first.
template <class T> INTERNAL T polynomial(T, T c) {
    return c;
}
template <class T, class... Rest> INTERNAL T horner(T x, T sum, Rest... rest) {
    if constexpr (sizeof...(rest) == 0)
        return sum;
    else {
        T result = sum;
        ((result = fma(result, x, (T)rest)), ...);
        return result;
    }
}

// A number as an unevaluated sum of two, for results that need more than 53 bits on the way.
struct Pair {
    double high, low;
};
INTERNAL Pair exact_sum(double a, double b) { // |a| >= |b|
    const double s = a + b;
    return {s, b - (s - a)};
}
INTERNAL Pair exact_sum_any(double a, double b) {
    const double s = a + b, t = s - a;
    return {s, (a - (s - t)) + (b - t)};
}
INTERNAL Pair exact_product(double a, double b) {
    const double p = a * b;
    return {p, fma(a, b, -p)};
}
INTERNAL Pair multiply(Pair a, Pair b) {
    const Pair p = exact_product(a.high, b.high);
    return exact_sum(p.high, p.low + fma(a.high, b.low, a.low * b.high));
}
INTERNAL Pair add(Pair a, Pair b) { // |a| >= |b|
    const Pair s = exact_sum(a.high, b.high);
    return exact_sum(s.high, s.low + a.low + b.low);
}

} // namespace anywarp_math
