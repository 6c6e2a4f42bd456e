// [divergent] Escape times of 1024 x 768 points, at most 1000 iterations: 16 points of a row at a time, as one would write it for SIMD.
#include "../bench.h"

constexpr int width = 1024, height = 768, limit = 1000, lanes = 16;

int main() {
    std::vector<int> out(width * height);
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for schedule(dynamic, 8)
        for (int py = 0; py < height; ++py) {
            float cy = -1.21f + 2.4f * float(py) / height;
            for (int px = 0; px < width; px += lanes) {
                float x[lanes] = {}, y[lanes] = {}, cx[lanes];
                int count[lanes] = {};
                for (int l = 0; l < lanes; ++l) cx[l] = -2.2f + 3.2f * float(px + l) / width;
                for (int i = 0; i < limit; ++i) {
                    int alive = 0;
#pragma omp simd reduction(+ : alive)
                    for (int l = 0; l < lanes; ++l) {
                        bool inside = x[l] * x[l] + y[l] * y[l] <= 4.0f;
                        float next = x[l] * x[l] - y[l] * y[l] + cx[l];
                        float other = 2 * x[l] * y[l] + cy;
                        x[l] = inside ? next : x[l];
                        y[l] = inside ? other : y[l];
                        count[l] += inside;
                        alive += inside;
                    }
                    if (!alive) break;
                }
                for (int l = 0; l < lanes; ++l) out[py * width + px + l] = count[l];
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
