// [byte] Mean of 3 x 3 pixels of an 8-bit image of 3840 x 2160, edges repeated: sums of three rows in 16 bits, then of three columns;
// division by 9 as a multiplication. Everything stays in 16-bit lanes.
#include "../bench.h"

constexpr int width = 3840, height = 2160;

int main() {
    std::vector<unsigned char> in(width * height), out(width * height);
    for (int i = 0; i < width * height; ++i) in[i] = i * 2654435761u >> 23;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for schedule(static)
        for (int y = 0; y < height; ++y) {
            const unsigned char* __restrict above = &in[(y > 0 ? y - 1 : 0) * width];
            const unsigned char* __restrict here = &in[y * width];
            const unsigned char* __restrict below = &in[(y < height - 1 ? y + 1 : y) * width];
            unsigned char* __restrict to = &out[y * width];
            alignas(64) unsigned short sums[width + 64];
            unsigned short* column = sums + 32;
#pragma omp simd
            for (int x = 0; x < width; ++x) column[x] = above[x] + here[x] + below[x];
            column[-1] = column[0], column[width] = column[width - 1];
#pragma omp simd
            for (int x = 0; x < width; ++x) {
                unsigned short sum = column[x - 1] + column[x] + column[x + 1];
                to[x] = unsigned(sum) * 7282 >> 16; // exact for sums to 9 * 255
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
