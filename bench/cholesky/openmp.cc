// [barrier] Cholesky factors of 2048 matrices of 48 x 48 floats: threads over matrices; a matrix lies in L1 by columns of the factor, so
// that the update of the columns to the right runs along contiguous numbers.
#include "../bench.h"

#include <cmath>

constexpr int side = 48, batch = 2048;

int main() {
    std::vector<float> in(side * side * batch), out(in.size());
    for (int b = 0; b < batch; ++b)
        for (int i = 0; i < side; ++i)
            for (int j = 0; j <= i; ++j)
                in[(b * side + i) * side + j] = in[(b * side + j) * side + i] = i == j ? 40.0f + b % 5 : (b + i * 7 + j * 3) % 17 * 0.1f - 0.8f;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int b = 0; b < batch; ++b) {
            alignas(64) float a[side][side]; // the upper triangle: row k is column k of the factor; the matrix is symmetric
            const float* __restrict from = &in[size_t(b) * side * side];
            float* __restrict to = &out[size_t(b) * side * side];
            for (int i = 0; i < side; ++i)
                for (int j = 0; j < side; ++j) a[i][j] = from[i * side + j];
            for (int k = 0; k < side; ++k) {
                float* row = a[k];
                int from_vector = k & ~15; // whole vectors: what lies left of the diagonal is never read
                // left-looking: row k takes all rows above at once and stays in registers
                float sum[side];
                for (int j = 0; j < side; ++j) sum[j] = row[j];
                for (int p = 0; p < k; ++p) {
                    float factor = a[p][k];
#pragma omp simd
                    for (int j = from_vector; j < side; ++j) sum[j] -= factor * a[p][j];
                }
                float scale = 1.0f / std::sqrt(sum[k]);
#pragma omp simd
                for (int j = from_vector; j < side; ++j) row[j] = sum[j] * scale;
            }
            for (int i = 0; i < side; ++i)
                for (int j = 0; j < side; ++j) to[i * side + j] = j <= i ? a[j][i] : 0.0f;
        }
    });
    double checksum = 0;
    for (size_t i = 0; i < out.size(); ++i) checksum += double(std::fabs(out[i])) * double(i % 1009);
    bench::report(seconds, double(side) * side * side / 3 * batch, checksum);
}
