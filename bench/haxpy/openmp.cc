// [half] z = a x + y over 2^25 half-precision numbers: as floats in registers.
#include "../bench.h"
#include "../half_lanes.h"

constexpr int n = 1 << 25, lanes = 16;

int main() {
    std::vector<_Float16> x(n), y(n), z(n);
    for (int i = 0; i < n; ++i) x[i] = _Float16((i * 2654435761u >> 22) * 0.001f), y[i] = _Float16(0.5f);
    double seconds = bench::median_seconds([&] {
        const _Float16* __restrict from = x.data();
        const _Float16* __restrict other = y.data();
        _Float16* __restrict to = z.data();
#pragma omp parallel for
        for (int i = 0; i < n; i += lanes) bench::store_half(to + i, 0.25f * bench::load_half(from + i) + bench::load_half(other + i));
    });
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(float(z[i])) * (i % 1009);
    bench::report(seconds, 6.0 * n, checksum);
}
