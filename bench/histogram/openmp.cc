// [atomic] Histogram of 2^25 bytes, 256 bins: eight tables per thread, a byte of every eight each, so that equal bytes in a row don't
// wait for each other's counter; added up at the end.
#include "../bench.h"

#include <cstdint>
#include <cstring>

constexpr int n = 1 << 25, bins = 256, tables = 8;

int main() {
    std::vector<unsigned> in(n / 4), counts(bins);
    for (int i = 0; i < n / 4; ++i) in[i] = (i * 2654435761u ^ i * 40503u) & 0xff3f7fffu;
    double seconds = bench::median_seconds([&] {
        unsigned* result = counts.data();
        std::memset(result, 0, bins * sizeof(unsigned));
#pragma omp parallel
        {
            alignas(64) unsigned own[tables][bins] = {};
            const unsigned* __restrict from = in.data();
#pragma omp for nowait
            for (int i = 0; i < n / 4; i += 2) {
                std::uint64_t eight;
                std::memcpy(&eight, from + i, sizeof eight);
                for (int t = 0; t < tables; ++t) ++own[t][eight >> 8 * t & 255];
            }
#pragma omp critical
            for (int b = 0; b < bins; ++b)
                for (int t = 0; t < tables; ++t) result[b] += own[t][b];
        }
    });
    double checksum = 0;
    for (int i = 0; i < bins; ++i) checksum += double(counts[i]) * (i + 1);
    bench::report(seconds, n, checksum);
}
