// [byte] Sobel edges of an 8-bit image of 3840 x 2160: |horizontal| + |vertical|, at most 255; the border stays 0. 16-bit lanes; the
// sums and differences of three rows are made once per column.
#include "../bench.h"

constexpr int width = 3840, height = 2160;

int main() {
    std::vector<unsigned char> in(width * height), out(width * height);
    for (int i = 0; i < width * height; ++i) in[i] = i * 2654435761u >> 27;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for schedule(static)
        for (int y = 1; y < height - 1; ++y) {
            const unsigned char* __restrict above = &in[(y - 1) * width];
            const unsigned char* __restrict here = &in[y * width];
            const unsigned char* __restrict below = &in[(y + 1) * width];
            unsigned char* __restrict to = &out[y * width];
            alignas(64) short sum[width], difference[width];
#pragma omp simd
            for (int x = 0; x < width; ++x) {
                sum[x] = above[x] + 2 * here[x] + below[x];
                difference[x] = below[x] - above[x];
            }
#pragma omp simd
            for (int x = 1; x < width - 1; ++x) {
                short horizontal = sum[x + 1] - sum[x - 1];
                short vertical = difference[x - 1] + 2 * difference[x] + difference[x + 1];
                short a = horizontal < 0 ? -horizontal : horizontal, b = vertical < 0 ? -vertical : vertical;
                short edge = a + b;
                to[x] = edge > 255 ? 255 : edge;
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
