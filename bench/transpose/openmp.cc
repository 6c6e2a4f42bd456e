// [shared] Transpose of 4096 x 4096 floats: blocks of 16 x 16 in registers (four rounds of two-register permutations), walked so that
// 64 rows of both matrices stay in L1 and in the TLB.
#include "../bench.h"

#include <cstring>

constexpr int n = 4096, block = 64;
typedef float Vector __attribute__((vector_size(64)));

static inline void transpose16(const float* __restrict in, float* __restrict out) {
    Vector v[16], t[16];
    for (int i = 0; i < 16; ++i) std::memcpy(&v[i], in + i * n, 64);
    for (int i = 0; i < 16; i += 2) {
        t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
    for (int i = 0; i < 16; i += 4)
        for (int k = 0; k < 2; ++k) {
            v[i + 2 * k] = __builtin_shufflevector(t[i + k], t[i + k + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
            v[i + 2 * k + 1] = __builtin_shufflevector(t[i + k], t[i + k + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
        }
    for (int i = 0; i < 4; ++i) // quarters: of rows 0..3 and 4..7, of 8..11 and 12..15
        for (int h = 0; h < 2; ++h) {
            t[h * 8 + i] = __builtin_shufflevector(v[h * 8 + i], v[h * 8 + 4 + i], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
            t[h * 8 + 4 + i] = __builtin_shufflevector(v[h * 8 + i], v[h * 8 + 4 + i], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
        }
    for (int i = 0; i < 4; ++i) {
        Vector a = t[i], b = t[8 + i], c = t[4 + i], d = t[12 + i];
        Vector r0 = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
        Vector r8 = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
        Vector r4 = __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
        Vector r12 = __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
        std::memcpy(out + i * n, &r0, 64), std::memcpy(out + (4 + i) * n, &r4, 64);
        std::memcpy(out + (8 + i) * n, &r8, 64), std::memcpy(out + (12 + i) * n, &r12, 64);
    }
}

int main() {
    std::vector<float> in(n * n), out(n * n);
    for (int i = 0; i < n * n; ++i) in[i] = i * 2654435761u >> 12;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int y0 = 0; y0 < n; y0 += block)
            for (int x0 = 0; x0 < n; x0 += block)
                for (int x = x0; x < x0 + block; x += 16)
                    for (int y = y0; y < y0 + block; y += 16) transpose16(&in[y * n + x], &out[x * n + y]);
    });
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 8.0 * n * n, checksum);
}
