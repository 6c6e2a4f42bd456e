// [barrier] Needleman-Wunsch alignment of two sequences of 2048: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 2048, tile = 32, tiles = n / tile, stride = n + 1, penalty = 3;

int main() {
    bench::OpenCl cl;
    std::vector<signed char> a(n), b(n);
    for (int i = 0; i < n; ++i) a[i] = (i * 2654435761u >> 13) % 4, b[i] = i % 5 ? a[i] : (i * 2246822519u >> 13) % 4;
    std::vector<int> score(stride * stride);
    for (int i = 0; i < stride; ++i) score[i] = score[i * stride] = -penalty * i;
    cl_mem da = cl.buffer(a), db = cl.buffer(b), device = cl.buffer(score);
    cl_kernel align = cl.kernel("align");
    double seconds = bench::median_seconds([&] {
        for (int diagonal = 0; diagonal < 2 * tiles - 1; ++diagonal) {
            int first = std::max(0, diagonal - tiles + 1), last = std::min(diagonal, tiles - 1);
            cl.launch(align, {size_t(last - first + 1)}, {tile}, da, db, device, diagonal, first);
        }
        cl.finish();
    });
    cl.read(device, score);
    double checksum = 0;
    for (int i = 0; i < stride * stride; ++i) checksum += double(score[i]) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
