// [memory] y = a x + y over 2^24 floats.
#include "../bench.h"

constexpr int n = (1 << 24) - 7;

int main() {
    std::vector<float> x(n), y(n);
    for (int i = 0; i < n; ++i) x[i] = float(i % 1000) * 0.001f, y[i] = 1;
    auto job = [&] {
#pragma omp parallel for simd
        for (int i = 0; i < n; ++i) y[i] = 0.5f * x[i] + y[i];
    };
    double seconds = bench::median_seconds(job);
    // The repetitions add up, and how many there were depends on the machine: the checksum is that of one.
    std::fill(y.begin(), y.end(), 1.0f);
    job();
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(y[i]) * (i % 1009);
    bench::report(seconds, 12.0 * n, checksum);
}
