// [shared] Cosine transform of 8 x 8 blocks of a 2048 x 2048 float image. Down the columns: sums and differences of opposite rows halve
// the multiplications, and a vector is as wide as two blocks. Along the rows: a row of the result is a combination of the rows of the
// basis, one broadcast and one multiply-add each.
#include "../bench.h"

#include <cmath>
#include <cstring>

constexpr int n = 2048, side = 8, lanes = 16;
typedef float Vector __attribute__((vector_size(4 * lanes)));

int main() {
    std::vector<float> in(n * n), out(n * n);
    float table[side][side]; // [frequency][place]
    for (int i = 0; i < n * n; ++i) in[i] = (i * 2654435761u >> 24) - 128.0f;
    for (int k = 0; k < side; ++k)
        for (int x = 0; x < side; ++x) table[k][x] = float(std::cos((2 * x + 1) * k * M_PI / 16) * (k ? 0.5 : std::sqrt(0.125)));
    Vector across[side]; // [place][frequency], for two blocks side by side
    for (int x = 0; x < side; ++x)
        for (int l = 0; l < lanes; ++l) across[x][l] = table[l % side][x];
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int y = 0; y < n; y += side)
            for (int x = 0; x < n; x += lanes) {
                Vector even[4], odd[4];
                for (int k = 0; k < 4; ++k) {
                    Vector a, b;
                    std::memcpy(&a, &in[(y + k) * n + x], sizeof a), std::memcpy(&b, &in[(y + 7 - k) * n + x], sizeof b);
                    even[k] = a + b, odd[k] = a - b;
                }
                for (int f = 0; f < side; ++f) {
                    const Vector* part = f % 2 ? odd : even;
                    Vector v = part[0] * table[f][0] + part[1] * table[f][1] + part[2] * table[f][2] + part[3] * table[f][3];
                    Vector sum = __builtin_shufflevector(v, v, 0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 8, 8, 8, 8, 8, 8) * across[0];
                    sum += __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9, 9, 9) * across[1];
                    sum += __builtin_shufflevector(v, v, 2, 2, 2, 2, 2, 2, 2, 2, 10, 10, 10, 10, 10, 10, 10, 10) * across[2];
                    sum += __builtin_shufflevector(v, v, 3, 3, 3, 3, 3, 3, 3, 3, 11, 11, 11, 11, 11, 11, 11, 11) * across[3];
                    sum += __builtin_shufflevector(v, v, 4, 4, 4, 4, 4, 4, 4, 4, 12, 12, 12, 12, 12, 12, 12, 12) * across[4];
                    sum += __builtin_shufflevector(v, v, 5, 5, 5, 5, 5, 5, 5, 5, 13, 13, 13, 13, 13, 13, 13, 13) * across[5];
                    sum += __builtin_shufflevector(v, v, 6, 6, 6, 6, 6, 6, 6, 6, 14, 14, 14, 14, 14, 14, 14, 14) * across[6];
                    sum += __builtin_shufflevector(v, v, 7, 7, 7, 7, 7, 7, 7, 7, 15, 15, 15, 15, 15, 15, 15, 15) * across[7];
                    std::memcpy(&out[(y + f) * n + x], &sum, sizeof sum);
                }
            }
    });
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(std::fabs(out[i])) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
