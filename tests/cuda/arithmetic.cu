// Arithmetic on edge values, device against host: what both define must be the same bit by bit; where C++ leaves the result open
// (shifts, conversions out of range, NaN), what CUDA documents.
#include "check.h"

#include <climits>
#include <cmath>
#include <cuda_fp16.h>
#include <cstring>

constexpr int kinds = 12;
template <class T> __host__ __device__ void combine(T a, T b, T* out) {
    out[0] = a + b, out[1] = a - b, out[2] = a * b, out[3] = a / b, out[4] = sqrt(fabs(a));
    out[5] = fma(a, b, a), out[6] = fmin(a, b), out[7] = fmax(a, b), out[8] = floor(a), out[9] = rint(b);
    out[10] = trunc(a), out[11] = copysign(a, b);
}
template <class T> __global__ void floats(const T* values, T* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n * n) combine(values[i / n], values[i % n], out + i * kinds);
}
template <class T> bool same(T a, T b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }
template <class T> void test(T least, T most) {
    const T list[] = {T(0), T(-0.0), 1, -1, T(1.5), T(-2.5), T(0.1), most, -most, least, T(INFINITY), T(-INFINITY), T(NAN), T(3e7), T(1e-7)};
    const int n = sizeof list / sizeof *list;
    T *values = managed<T>(n), *out = managed<T>(n * n * kinds);
    for (int i = 0; i < n; i++) values[i] = list[i];
    floats<<<(n * n + 63) / 64, 64>>>(values, out, n);
    CHECK(cudaGetLastError());
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < n * n; i++) {
        T host[kinds], a = list[i / n], b = list[i % n];
        combine(a, b, host);
        for (int k = 0; k < kinds; k++) {
            if ((k == 6 || k == 7) && a == b) continue; // min and max of zeros: the host's sign is open
            if (!same(out[i * kinds + k], host[k])) EXPECT_EQUAL(out[i * kinds + k], host[k], i * 100 + k);
        }
    }
}
__global__ void conversions(const float* f, int* s, unsigned* u, long long* l, float* h) {
    int i = threadIdx.x;
    s[i] = __float2int_rz(f[i]);
    u[i] = __float2uint_rz(f[i]);
    l[i] = __float2ll_rz(f[i]);
    h[i] = __half2float(__float2half(f[i]));
}
__global__ void integers(const int* v, int* out) {
    int i = threadIdx.x;
    int a = v[i];
    unsigned u = a;
    out[i * 8] = __clz(a), out[i * 8 + 1] = __popc(a), out[i * 8 + 2] = __ffs(a), out[i * 8 + 3] = __brev(u);
    out[i * 8 + 4] = __mulhi(a, a), out[i * 8 + 5] = __byte_perm(u, ~u, 0x3715), out[i * 8 + 6] = __funnelshift_l(u, ~u, 40);
    out[i * 8 + 7] = __sad(a, 5, 1);
}

int main() {
    test<float>(1e-45f, 3.4028235e38f);
    test<double>(5e-324, 1.7976931348623157e308);
    const float list[] = {0, -1.5f, 2.75f, 3e9f, -3e9f, 5e9f, 1e20f, -1e20f, INFINITY, NAN, 65504, 65520, 6e-8f, 0.1f, 2049, -7};
    float *f = managed<float>(16), *h = managed<float>(16);
    for (int i = 0; i < 16; i++) f[i] = list[i];
    int* s = managed<int>(16);
    auto* u = managed<unsigned>(16);
    auto* l = managed<long long>(16);
    conversions<<<1, 16>>>(f, s, u, l, h);
    CHECK(cudaGetLastError());
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 16; i++) {
        double x = list[i];
        EXPECT_EQUAL(s[i], std::isnan(x) ? 0 : x >= 2147483648. ? INT_MAX : x < -2147483648. ? INT_MIN : int(x), i);
        EXPECT_EQUAL(u[i], std::isnan(x) || x <= -1 ? 0u : x >= 4294967296. ? UINT_MAX : unsigned(x), i);
        if (std::fabs(x) < 9e18) EXPECT_EQUAL(l[i], (long long)x, i);
    }
    EXPECT(h[10] == 65504 && std::isinf(h[11]) && h[12] == 5.9604644775390625e-08f && h[13] == 0.0999755859375f && h[14] == 2048);
    const int words[] = {0, 1, -1, INT_MIN, INT_MAX, 0x12345678, -77, 1 << 20};
    int *v = managed<int>(8), *out = managed<int>(64);
    for (int i = 0; i < 8; i++) v[i] = words[i];
    integers<<<1, 8>>>(v, out);
    CHECK(cudaGetLastError());
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 8; i++) {
        int a = words[i];
        unsigned x = a, reversed = 0;
        for (int k = 0; k < 32; k++) reversed |= (x >> k & 1) << (31 - k);
        unsigned long long both = (unsigned long long)~x << 32 | x;
        auto byte = [&](int k) { return unsigned(both >> 8 * k & 255); };
        EXPECT_EQUAL(out[i * 8], x ? __builtin_clz(x) : 32, i);
        EXPECT_EQUAL(out[i * 8 + 1], __builtin_popcount(x), i);
        EXPECT_EQUAL(out[i * 8 + 2], __builtin_ffs(a), i);
        EXPECT_EQUAL(unsigned(out[i * 8 + 3]), reversed, i);
        EXPECT_EQUAL(out[i * 8 + 4], int((long long)a * a >> 32), i);
        EXPECT_EQUAL(unsigned(out[i * 8 + 5]), byte(3) << 24 | byte(7) << 16 | byte(1) << 8 | byte(5), i);
        EXPECT_EQUAL(unsigned(out[i * 8 + 6]), unsigned((both << 8) >> 32), i);
        long long difference = (long long)a - 5;
        EXPECT_EQUAL(unsigned(out[i * 8 + 7]), unsigned(difference < 0 ? -difference : difference) + 1u, i);
    }
    return summary();
}
