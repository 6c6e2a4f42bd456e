// [barrier] Sum of 2^24 integers: a vectorised reduction per thread.
#include "../bench.h"

constexpr int n = 1 << 24;

int main() {
    std::vector<int> in(n);
    for (int i = 0; i < n; ++i) in[i] = i * 2654435761u >> 25;
    int sum = 0;
    double seconds = bench::median_seconds([&] {
        sum = 0;
        const int* __restrict data = in.data();
#pragma omp parallel for simd reduction(+ : sum)
        for (int i = 0; i < n; ++i) sum += data[i];
    });
    bench::report(seconds, 4.0 * n, sum);
}
