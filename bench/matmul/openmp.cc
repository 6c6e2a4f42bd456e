// [shared] C = A B, 1024 x 1024 floats: as BLAS does it. B is packed into panels of 32 columns, a block of A stays in L2, and the inner
// kernel keeps 8 x 32 sums in registers.
#include "../bench.h"

#include <cstring>

constexpr int n = 1024, block_rows = 128, block_depth = 256, rows = 8, columns = 32;
typedef float Vector __attribute__((vector_size(64)));

// c[8][32] += a[8][depth] b[depth][32]
static inline void kernel(const float* __restrict a, const float* __restrict b, float* __restrict c, int depth) {
    Vector sum[rows][2];
    for (int i = 0; i < rows; ++i) std::memcpy(sum[i], c + i * n, sizeof sum[i]);
    for (int k = 0; k < depth; ++k) {
        Vector y[2];
        std::memcpy(y, b + k * columns, sizeof y);
        for (int i = 0; i < rows; ++i) sum[i][0] += a[i * depth + k] * y[0], sum[i][1] += a[i * depth + k] * y[1];
    }
    for (int i = 0; i < rows; ++i) std::memcpy(c + i * n, sum[i], sizeof sum[i]);
}

int main() {
    std::vector<float> a(n * n), b(n * n), c(n * n), packed(n * n);
    for (int i = 0; i < n * n; ++i) a[i] = float(i % 17) * 0.1f, b[i] = float(i % 13) * 0.2f;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel
        {
            std::vector<float> strip(block_rows * block_depth);
#pragma omp for
            for (int panel = 0; panel < n / columns; ++panel)
                for (int k = 0; k < n; ++k)
                    std::memcpy(&packed[(panel * n + k) * columns], &b[k * n + panel * columns], columns * sizeof(float));
#pragma omp for schedule(dynamic)
            for (int i0 = 0; i0 < n; i0 += block_rows) {
                std::memset(&c[i0 * n], 0, block_rows * n * sizeof(float));
                for (int k0 = 0; k0 < n; k0 += block_depth) {
                    for (int i = 0; i < block_rows; ++i)
                        std::memcpy(&strip[i * block_depth], &a[(i0 + i) * n + k0], block_depth * sizeof(float));
                    for (int panel = 0; panel < n / columns; ++panel)
                        for (int i = 0; i < block_rows; i += rows)
                            kernel(&strip[i * block_depth], &packed[(panel * n + k0) * columns], &c[(i0 + i) * n + panel * columns],
                                   block_depth);
                }
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(c[i]) * (i % 1009);
    bench::report(seconds, 2.0 * n * n * n, checksum);
}
