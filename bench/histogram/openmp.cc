// [atomic] Histogram of 2^25 bytes: each thread has 8 tables, so that equal neighbours don't wait for each other's counter; 8 bytes a load.
#include "../bench.h"

#include <cstdint>
#include <cstring>

constexpr int n = 1 << 25, tables = 8;

int main() {
    std::vector<unsigned char> data(n);
    for (int i = 0; i < n; ++i) data[i] = (i * 2654435761u >> 24) & (i * 2246822519u >> 20);
    unsigned counts[256];
    double seconds = bench::median_seconds([&] {
        std::memset(counts, 0, sizeof counts);
#pragma omp parallel reduction(+ : counts)
        {
            alignas(64) unsigned own[tables][256] = {};
#pragma omp for nowait
            for (int i = 0; i < n; i += 8) {
                uint64_t word;
                std::memcpy(&word, &data[i], 8);
                ++own[0][word & 255], ++own[1][word >> 8 & 255], ++own[2][word >> 16 & 255], ++own[3][word >> 24 & 255];
                ++own[4][word >> 32 & 255], ++own[5][word >> 40 & 255], ++own[6][word >> 48 & 255], ++own[7][word >> 56];
            }
            for (int t = 0; t < tables; ++t)
                for (int v = 0; v < 256; ++v) counts[v] += own[t][v];
        }
    });
    double checksum = 0;
    for (int i = 0; i < 256; ++i) checksum += double(counts[i]) * (i + 1);
    bench::report(seconds, n, checksum);
}
