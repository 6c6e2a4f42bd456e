// [f64] Monte Carlo: mean of sqrt(x*x + y*y) over the unit square, 2^16 generators (64-bit xorshift) of 512 samples each: 32 generators
// at a time in registers.
#include "../bench.h"

#include <cmath>

constexpr int streams = 1 << 16, samples = 512, group = 256, lanes = 32;

int main() {
    std::vector<double> sums(streams / group);
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int g = 0; g < streams / group; ++g) {
            double total = 0;
            for (int first = 0; first < group; first += lanes) {
                unsigned long long state[lanes];
                double sum[lanes] = {};
                for (int l = 0; l < lanes; ++l) state[l] = (unsigned(g * group + first + l) + 1) * 0x9e3779b97f4a7c15ull;
                for (int i = 0; i < samples; ++i) {
#pragma omp simd
                    for (int l = 0; l < lanes; ++l) {
                        unsigned long long s = state[l];
                        s ^= s >> 12, s ^= s << 25, s ^= s >> 27;
                        double x = double((s * 0x2545f4914f6cdd1dull) >> 11) * 0x1p-53;
                        s ^= s >> 12, s ^= s << 25, s ^= s >> 27;
                        double y = double((s * 0x2545f4914f6cdd1dull) >> 11) * 0x1p-53;
                        state[l] = s;
                        sum[l] += std::sqrt(x * x + y * y);
                    }
                }
                for (int l = 0; l < lanes; ++l) total += sum[l];
            }
            sums[g] = total;
        }
    });
    double checksum = 0;
    for (size_t i = 0; i < sums.size(); ++i) checksum += sums[i] * double(i + 1);
    bench::report(seconds, double(streams) * samples, checksum);
}
