// [half] Layer normalisation of 8192 rows of 1024 half-precision numbers: a row becomes floats in L1 once, sums in four vectors.
#include "../bench.h"
#include "../half_lanes.h"

#include <cmath>

constexpr int rows = 8192, columns = 1024, lanes = 16, vectors = columns / lanes;
using bench::Floats16;

static inline float total(Floats16 v) {
    float sum = 0;
    for (int l = 0; l < lanes; ++l) sum += v[l];
    return sum;
}

int main() {
    std::vector<_Float16> in(rows * columns), out(rows * columns), gamma(columns), beta(columns);
    for (int i = 0; i < rows * columns; ++i) in[i] = _Float16((i * 2654435761u >> 16) / 16384.0f);
    for (int i = 0; i < columns; ++i) gamma[i] = _Float16(0.5f + i % 7 * 0.1f), beta[i] = _Float16(i % 11 * 0.05f);
    double seconds = bench::median_seconds([&] {
#pragma omp parallel
        {
            Floats16 g[vectors], b[vectors], value[vectors];
            for (int i = 0; i < vectors; ++i) g[i] = bench::load_half(&gamma[i * lanes]), b[i] = bench::load_half(&beta[i * lanes]);
#pragma omp for
            for (int row = 0; row < rows; ++row) {
                const _Float16* from = &in[size_t(row) * columns];
                _Float16* to = &out[size_t(row) * columns];
                Floats16 sum[4] = {}, square[4] = {};
                for (int i = 0; i < vectors; i += 4)
                    for (int k = 0; k < 4; ++k) value[i + k] = bench::load_half(from + (i + k) * lanes), sum[k] += value[i + k];
                float mean = total(sum[0] + sum[1] + sum[2] + sum[3]) / columns;
                for (int i = 0; i < vectors; i += 4)
                    for (int k = 0; k < 4; ++k) {
                        Floats16 v = value[i + k] - mean;
                        value[i + k] = v, square[k] += v * v;
                    }
                float scale = 1.0f / std::sqrt(total(square[0] + square[1] + square[2] + square[3]) / columns + 1e-5f);
                for (int i = 0; i < vectors; ++i) bench::store_half(to + i * lanes, value[i] * scale * g[i] + b[i]);
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < rows * columns; ++i) checksum += double(float(out[i])) * (i % 1009);
    bench::report(seconds, 4.0 * rows * columns, checksum);
}
