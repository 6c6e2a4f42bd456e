// [compute] Accelerations of 16384 bodies, all pairs: structure of arrays, parallel over bodies, the inner sum vectorised by `omp simd`.
#include "../bench.h"

#include <cmath>

constexpr int n = 16384;

int main() {
    std::vector<float> x(n), y(n), z(n), w(n), ax(n), ay(n), az(n);
    for (int i = 0; i < n; ++i)
        x[i] = float(i * 37 % 101) * 0.01f, y[i] = float(i * 53 % 103) * 0.01f, z[i] = float(i * 71 % 107) * 0.01f, w[i] = 1.0f / n;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int i = 0; i < n; ++i) {
            float sx = 0, sy = 0, sz = 0;
#pragma omp simd reduction(+ : sx, sy, sz)
            for (int j = 0; j < n; ++j) {
                float dx = x[j] - x[i], dy = y[j] - y[i], dz = z[j] - z[i];
                float inverse = 1.0f / std::sqrt(dx * dx + dy * dy + dz * dz + 1e-3f);
                float scale = w[j] * inverse * inverse * inverse;
                sx += dx * scale, sy += dy * scale, sz += dz * scale;
            }
            ax[i] = sx, ay[i] = sy, az[i] = sz;
        }
    });
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += (std::fabs(ax[i]) + 2 * std::fabs(ay[i]) + 3 * std::fabs(az[i])) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
