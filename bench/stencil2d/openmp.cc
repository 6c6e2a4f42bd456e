// [memory] Jacobi iterations of the 5-point stencil on 2048 x 2048 floats, 10 steps: one pass does two steps, in strips of rows: the
// first step's rows of a strip (and one more on either side) stay in L2 until the second step has used them, which halves the traffic.
#include "../bench.h"

#include <cstring>

constexpr int n = 2048, steps = 10, strip = 32;

static inline void row(const float* __restrict in, float* __restrict out) { // one row; in and out point at its first column
    out[0] = in[0], out[n - 1] = in[n - 1];
#pragma omp simd
    for (int x = 1; x < n - 1; ++x) out[x] = 0.2f * (in[x] + in[x - 1] + in[x + 1] + in[x - n] + in[x + n]);
}

static void two_steps(const float* in, float* out) {
#pragma omp parallel
    {
        std::vector<float> between((strip + 2) * n);
#pragma omp for
        for (int y0 = 1; y0 < n - 1; y0 += strip) {
            int end = std::min(y0 + strip, n - 1);
            for (int y = y0 - 1; y <= end; ++y) {
                float* to = &between[(y - y0 + 1) * n];
                if (y == 0 || y == n - 1) std::memcpy(to, in + y * n, n * sizeof(float));
                else row(in + y * n, to);
            }
            for (int y = y0; y < end; ++y) row(&between[(y - y0 + 1) * n], out + y * n);
        }
    }
}

int main() {
    std::vector<float> start(n * n);
    for (int i = 0; i < n * n; ++i) start[i] = (i * 2654435761u >> 16) / 65536.0f;
    std::vector<float> a = start, b = start;
    auto all = [&] {
        for (int s = 0; s < steps; s += 2) two_steps(a.data(), b.data()), std::swap(a, b);
    };
    double seconds = bench::median_seconds(all);
    a = start, b = start;
    all();
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(a[i]) * (i % 1009);
    bench::report(seconds, double(n) * n * steps, checksum);
}
