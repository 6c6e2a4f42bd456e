// [divergent] Steps of the Collatz sequence of 2^19 odd starting values around 2^40, 64-bit integers: 32 numbers at a time, in vectors
// that go on while one of them is above 1. 3 v + 1 is even, so that an odd number takes two steps at once.
#include "../bench.h"

constexpr int count = 1 << 19, lanes = 32;
constexpr unsigned long long first = (1ull << 40) + 1;

int main() {
    std::vector<int> steps(count);
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for schedule(dynamic, 64)
        for (int i = 0; i < count; i += lanes) {
            unsigned long long value[lanes], taken[lanes] = {};
            for (int l = 0; l < lanes; ++l) value[l] = first + 2ull * (i + l);
            for (unsigned long long left = 1; left;) {
                left = 0;
#pragma omp simd reduction(| : left)
                for (int l = 0; l < lanes; ++l) {
                    unsigned long long v = value[l], odd = v & 1, half = v >> 1, more = v != 1;
                    unsigned long long next = odd ? v + half + 1 : half; // (3 v + 1) / 2 = v + v / 2 + 1 where v is odd
                    value[l] = more ? next : v;
                    taken[l] += more ? 1 + odd : 0;
                    left |= more;
                }
            }
            for (int l = 0; l < lanes; ++l) steps[i + l] = int(taken[l]);
        }
    });
    double checksum = 0, work = 0;
    for (int i = 0; i < count; ++i) checksum += double(steps[i]) * (i % 1009), work += steps[i];
    bench::report(seconds, work, checksum);
}
