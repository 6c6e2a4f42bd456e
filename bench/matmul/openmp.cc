// C = A B, 1024 x 1024 floats: the plain parallel loop nest, ordered so that the inner loop vectorises.
#include "../bench.h"

constexpr int n = 1024;

int main() {
    std::vector<float> a(n * n), b(n * n), c(n * n);
    for (int i = 0; i < n * n; ++i) a[i] = float(i % 17) * 0.1f, b[i] = float(i % 13) * 0.2f;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int i = 0; i < n; ++i) {
            float* row = &c[i * n];
            for (int j = 0; j < n; ++j) row[j] = 0;
            for (int k = 0; k < n; ++k) {
                float x = a[i * n + k];
                const float* other = &b[k * n];
                for (int j = 0; j < n; ++j) row[j] += x * other[j];
            }
        }
    });
    double checksum = 0;
    for (float value : c) checksum += value;
    bench::report(seconds, 2.0 * n * n * n, checksum);
}
