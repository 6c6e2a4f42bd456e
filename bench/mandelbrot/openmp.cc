// [divergent] Escape times of 1024 x 768 points, at most 1000 iterations: 32 points of a row at a time in two registers per value (their
// chains of dependent operations overlap); whether all have left is asked every 4 iterations.
#include "../bench.h"

constexpr int width = 1024, height = 768, limit = 1000, lanes = 16, together = 2;
typedef float Floats __attribute__((vector_size(4 * lanes)));
typedef int Ints __attribute__((vector_size(4 * lanes)));

static inline bool any(Ints mask) {
    int all = 0;
    for (int l = 0; l < lanes; ++l) all |= mask[l];
    return all != 0;
}

int main() {
    std::vector<int> out(width * height);
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for schedule(dynamic, 8)
        for (int py = 0; py < height; ++py) {
            float cy = -1.21f + 2.4f * float(py) / height;
            for (int px = 0; px < width; px += together * lanes) {
                Floats x[together] = {}, y[together] = {}, cx[together];
                Ints count[together] = {};
                for (int v = 0; v < together; ++v)
                    for (int l = 0; l < lanes; ++l) cx[v][l] = -2.2f + 3.2f * float(px + v * lanes + l) / width;
                // An escaped point stays where it is: infinities would be undefined under -ffast-math.
                for (int i = 0; i < limit; i += 4) {
                    Ints alive = {};
                    for (int k = 0; k < 4; ++k)
                        for (int v = 0; v < together; ++v) {
                            Floats xx = x[v] * x[v], yy = y[v] * y[v];
                            Ints inside = xx + yy <= 4.0f;
                            Floats next = xx - yy + cx[v], other = 2 * x[v] * y[v] + cy;
                            x[v] = inside ? next : x[v];
                            y[v] = inside ? other : y[v];
                            count[v] -= inside;
                            alive |= inside;
                        }
                    if (!any(alive)) break;
                }
                for (int v = 0; v < together; ++v)
                    for (int l = 0; l < lanes; ++l) out[py * width + px + v * lanes + l] = count[v][l];
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
