// [shuffle] Inclusive prefix sum of 2^23 unsigned integers: each thread sums its part, then scans it, 16 at a time in a register.
#include "../bench.h"

#include <cstring>
#include <omp.h>

constexpr int n = 1 << 23, lanes = 16;
typedef unsigned Vector __attribute__((vector_size(4 * lanes)));

// Four shifted additions in a register; the carry of the vector before is added last, so that only it is a chain.
static inline Vector scan(Vector v) {
    Vector zero = {};
    v += __builtin_shufflevector(zero, v, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
    v += __builtin_shufflevector(zero, v, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
    v += __builtin_shufflevector(zero, v, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27);
    v += __builtin_shufflevector(zero, v, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
    return v;
}

int main() {
    std::vector<unsigned> in(n), out(n);
    for (int i = 0; i < n; ++i) in[i] = (i * 2654435761u >> 20) % 100;
    std::vector<unsigned> totals(omp_get_max_threads() + 1);
    double seconds = bench::median_seconds([&] {
#pragma omp parallel
        {
            int parts = omp_get_num_threads(), part = omp_get_thread_num();
            int begin = int(long(n / lanes) * part / parts) * lanes, end = int(long(n / lanes) * (part + 1) / parts) * lanes;
            const unsigned* __restrict from = in.data();
            unsigned* __restrict to = out.data();
            unsigned total = 0;
            if (part + 1 < parts) { // nobody needs the last part's sum
#pragma omp simd reduction(+ : total)
                for (int i = begin; i < end; ++i) total += from[i];
            }
            totals[part] = total;
#pragma omp barrier
            unsigned before = 0;
            for (int p = 0; p < part; ++p) before += totals[p];
            Vector carry = before - Vector{};
            for (int i = begin; i < end; i += lanes) {
                Vector v;
                std::memcpy(&v, from + i, sizeof v);
                v = scan(v);
                Vector result = v + carry;
                std::memcpy(to + i, &result, sizeof v);
                carry += __builtin_shufflevector(v, v, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15);
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 8.0 * n, checksum);
}
