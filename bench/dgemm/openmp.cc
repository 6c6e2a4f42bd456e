// [f64] C = A B, 768 x 768 doubles: as BLAS does it. B is packed into panels of 16 columns, a block of A stays in L2, and the inner
// kernel keeps 8 x 16 sums in registers.
#include "../bench.h"

#include <cstring>

constexpr int n = 768, block_rows = 96, block_depth = 256, rows = 8, columns = 16;
typedef double Vector __attribute__((vector_size(64)));

// c[8][16] += a[8][depth] b[depth][16]
static inline void kernel(const double* __restrict a, const double* __restrict b, double* __restrict c, int depth) {
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
    std::vector<double> a(n * n), b(n * n), c(n * n), packed(n * n);
    for (int i = 0; i < n * n; ++i) a[i] = (i % 17) * 0.1, b[i] = (i % 13) * 0.2;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel
        {
            std::vector<double> strip(block_rows * block_depth);
#pragma omp for
            for (int panel = 0; panel < n / columns; ++panel) // panel p holds B[k][16 p ...] at [k][16]
                for (int k = 0; k < n; ++k)
                    std::memcpy(&packed[(panel * n + k) * columns], &b[k * n + panel * columns], columns * sizeof(double));
#pragma omp for schedule(dynamic)
            for (int i0 = 0; i0 < n; i0 += block_rows) {
                std::memset(&c[i0 * n], 0, block_rows * n * sizeof(double));
                for (int k0 = 0; k0 < n; k0 += block_depth) {
                    for (int i = 0; i < block_rows; ++i)
                        std::memcpy(&strip[i * block_depth], &a[(i0 + i) * n + k0], block_depth * sizeof(double));
                    for (int panel = 0; panel < n / columns; ++panel)
                        for (int i = 0; i < block_rows; i += rows)
                            kernel(&strip[i * block_depth], &packed[(panel * n + k0) * columns], &c[(i0 + i) * n + panel * columns],
                                   block_depth);
                }
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += c[i] * (i % 1009);
    bench::report(seconds, 2.0 * n * n * n, checksum);
}
