// [shuffle] Softmax of 8192 rows of 1024 floats: threads over rows; a row stays in L1 through its three vectorised loops. The
// exponential is a polynomial of our own (relative error below 2e-7), so that no vector library decides the result.
#include "../bench.h"

#include <bit>

constexpr int rows = 8192, columns = 1024;

#pragma omp declare simd
static inline float exponential(float x) {
    float scaled = x * 1.44269504f;
    scaled = scaled < -126.0f ? -126.0f : scaled;
    int whole = int(scaled - 0.5f); // x <= 0: truncation after - 0.5 is rounding to nearest
    float f = scaled - float(whole);
    float p = 1.5403530e-4f;
    p = p * f + 1.3333558e-3f, p = p * f + 9.6181291e-3f, p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f, p = p * f + 6.9314718e-1f, p = p * f + 1.0f;
    return std::bit_cast<float>((whole + 127) << 23) * p;
}

int main() {
    std::vector<float> in(rows * columns), out(rows * columns);
    for (int i = 0; i < rows * columns; ++i) in[i] = float(i * 2654435761u >> 16) / 65536.0f * 8.0f;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int row = 0; row < rows; ++row) {
            const float* __restrict x = &in[size_t(row) * columns];
            float* __restrict y = &out[size_t(row) * columns];
            float most[64], largest = x[0], sum = 0; // 64 maxima side by side: without -ffast-math a single one doesn't vectorise
            for (int l = 0; l < 64; ++l) most[l] = x[l];
            for (int i = 64; i < columns; i += 64)
                for (int l = 0; l < 64; ++l) most[l] = x[i + l] > most[l] ? x[i + l] : most[l];
            for (int l = 0; l < 64; ++l) largest = most[l] > largest ? most[l] : largest;
#pragma omp simd reduction(+ : sum)
            for (int i = 0; i < columns; ++i) {
                y[i] = exponential(x[i] - largest);
                sum += y[i];
            }
            float scale = 1.0f / sum;
#pragma omp simd
            for (int i = 0; i < columns; ++i) y[i] *= scale;
        }
    });
    double checksum = 0;
    for (int i = 0; i < rows * columns; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(rows) * columns, checksum);
}
