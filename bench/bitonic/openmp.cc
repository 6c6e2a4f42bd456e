// [barrier] Sorting 2048 groups of 1024 integers each: 16 groups at a time, one per SIMD lane (transposed in and out), by the
// odd-even merge network of Batcher, whose comparisons are a minimum and a maximum of whole vectors.
#include "../bench.h"

#include <cstring>

constexpr int groups = 2048, size = 1024, lanes = 16;
typedef int Vector __attribute__((vector_size(4 * lanes)));

static void sort(Vector* __restrict keys) {
    for (int p = 1; p < size; p *= 2)
        for (int k = p; k > 0; k /= 2)
            for (int j = k % p; j + k < size; j += 2 * k)
                for (int i = 0; i < std::min(k, size - j - k); ++i)
                    if ((i + j) / (2 * p) == (i + j + k) / (2 * p)) {
                        Vector a = keys[i + j], b = keys[i + j + k];
                        keys[i + j] = a < b ? a : b, keys[i + j + k] = a < b ? b : a;
                    }
}

int main() {
    std::vector<int> in(groups * size), out(groups * size);
    for (int i = 0; i < groups * size; ++i) in[i] = (i * 2654435761u >> 4) * 2246822519u >> 8;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel
        {
            std::vector<Vector> keys(size);
#pragma omp for
            for (int first = 0; first < groups; first += lanes) {
                for (int i = 0; i < size; ++i)
                    for (int l = 0; l < lanes; ++l) keys[i][l] = in[(first + l) * size + i];
                sort(keys.data());
                for (int l = 0; l < lanes; ++l)
                    for (int i = 0; i < size; ++i) out[(first + l) * size + i] = keys[i][l];
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < groups * size; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(groups) * size, checksum);
}
