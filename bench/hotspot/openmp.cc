// [shared] Heat on a chip of 1024 x 1024 cells, 16 steps: two steps per pass over memory. A thread walks down its rows, keeping the
// rows of the first step that the second still needs in a ring of three; the loops along a row vectorise.
#include "../bench.h"

#include <omp.h>

constexpr int n = 1024, steps = 16, chunk = 64;

static inline void row(const float* __restrict north, const float* __restrict here, const float* __restrict south,
                       const float* __restrict power, float* __restrict to) {
    auto cell = [&](int x, int west, int east) {
        float v = here[x];
        to[x] = v + 0.1f * (north[x] + south[x] - 2 * v) + 0.1f * (here[west] + here[east] - 2 * v) + 0.01f * (80.0f - v) + power[x];
    };
    cell(0, 0, 1);
#pragma omp simd
    for (int x = 1; x < n - 1; ++x) cell(x, x - 1, x + 1);
    cell(n - 1, n - 2, n - 1);
}

int main() {
    std::vector<float> start(n * n), power(n * n), a(n * n), b(n * n);
    for (int i = 0; i < n * n; ++i) start[i] = 60 + (i * 2654435761u >> 20) / 128.0f, power[i] = i % 37 * 0.01f;
    auto clamp = [](int y) { return y < 0 ? 0 : y >= n ? n - 1 : y; };
    const float* result = nullptr;
    double seconds = bench::median_seconds([&] {
        const float* from = start.data();
        for (int step = 0; step < steps; step += 2) {
            float* to = from == a.data() ? b.data() : a.data();
#pragma omp parallel for schedule(static)
            for (int first = 0; first < n; first += chunk) {
                alignas(64) float ring[3][n];
                auto middle = [&](int y) { row(from + clamp(y - 1) * n, from + y * n, from + clamp(y + 1) * n, &power[y * n], ring[y % 3]); };
                if (first > 0) middle(first - 1);
                middle(first);
                for (int y = first; y < first + chunk; ++y) {
                    if (y + 1 < n) middle(y + 1);
                    row(ring[clamp(y - 1) % 3], ring[y % 3], ring[clamp(y + 1) % 3], &power[y * n], to + y * n);
                }
            }
            from = to;
        }
        result = from;
    });
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(result[i]) * (i % 1009);
    bench::report(seconds, double(n) * n * steps, checksum);
}
