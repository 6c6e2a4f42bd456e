// [compute] Black-Scholes prices of 2^21 European options, call and put: `omp simd` over options; logarithm and exponential as
// polynomials of our own (relative error below 3e-7), faster than the C library's vector functions, whose widest is 8 floats here.
#include "../bench.h"

#include <bit>
#include <cmath>

constexpr int n = 1 << 21;

#pragma omp declare simd
static inline float exponential(float x) { // for -87 < x <= 0
    float scaled = x * 1.44269504f;
    scaled = scaled < -125.0f ? -125.0f : scaled;
    int whole = int(scaled - 0.5f);
    float f = scaled - float(whole);
    float p = 1.5403530e-4f;
    p = p * f + 1.3333558e-3f, p = p * f + 9.6181291e-3f, p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f, p = p * f + 6.9314718e-1f, p = p * f + 1.0f;
    return std::bit_cast<float>((whole + 127) << 23) * p;
}

#pragma omp declare simd
static inline float logarithm(float x) { // 2 atanh((m - 1) / (m + 1)) with m in [0.7, 1.4], plus the exponent
    int bits = std::bit_cast<int>(x), exponent = (bits - 0x3f3504f3) >> 23;
    float m = std::bit_cast<float>(bits - (exponent << 23));
    float q = (m - 1.0f) / (m + 1.0f), s = q * q;
    float series = 2.0f + s * (0.66666667f + s * (0.4f + s * (0.28571429f + s * 0.22222222f)));
    return float(exponent) * 0.69314718f + q * series;
}

#pragma omp declare simd
static inline float normal(float d) {
    float k = 1.0f / (1.0f + 0.2316419f * std::fabs(d));
    float tail = 0.39894228f * exponential(-0.5f * d * d) *
                 (k * (0.31938153f + k * (-0.356563782f + k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f)))));
    return d > 0 ? 1.0f - tail : tail;
}

int main() {
    std::vector<float> in[3], out[2];
    for (auto& v : in) v.resize(n);
    for (auto& v : out) v.resize(n);
    for (int i = 0; i < n; ++i) in[0][i] = 5 + i % 997 * 0.025f, in[1][i] = 1 + i % 991 * 0.1f, in[2][i] = 0.25f + i % 983 * 0.01f;
    const float rate = 0.02f, volatility = 0.3f;
    double seconds = bench::median_seconds([&] {
        const float *__restrict spot = in[0].data(), *__restrict strike = in[1].data(), *__restrict years = in[2].data();
        float *__restrict call = out[0].data(), *__restrict put = out[1].data();
#pragma omp parallel for simd
        for (int i = 0; i < n; ++i) {
            float s = spot[i], k = strike[i], t = years[i], root = std::sqrt(t);
            float d1 = (logarithm(s / k) + (rate + 0.5f * volatility * volatility) * t) / (volatility * root), d2 = d1 - volatility * root;
            float n1 = normal(d1), n2 = normal(d2), discounted = k * exponential(-rate * t);
            call[i] = s * n1 - discounted * n2;
            put[i] = discounted * (1.0f - n2) - s * (1.0f - n1);
        }
    });
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += (double(out[0][i]) + 2.0 * out[1][i]) * (i % 1009);
    bench::report(seconds, n, checksum);
}
