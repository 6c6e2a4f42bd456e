// [shared] Cosine transform of 8 x 8 blocks of a 2048 x 2048 float image: host side of kernel.cl.
#include "../opencl.h"

#include <cmath>

constexpr int n = 2048, side = 8, together = 4;

int main() {
    bench::OpenCl cl;
    std::vector<float> in(n * n), out(n * n), table(side * side);
    for (int i = 0; i < n * n; ++i) in[i] = (i * 2654435761u >> 24) - 128.0f;
    for (int k = 0; k < side; ++k)
        for (int x = 0; x < side; ++x) table[k * side + x] = float(std::cos((2 * x + 1) * k * M_PI / 16) * (k ? 0.5 : std::sqrt(0.125)));
    cl_mem basis = cl.buffer(table), device_in = cl.buffer(in), device_out = cl.buffer(out);
    cl_kernel transform = cl.kernel("transform");
    double seconds = bench::median_seconds([&] {
        cl.launch(transform, {n / side / together, n / side, 1}, {side, side, together}, basis, device_in, device_out);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(std::fabs(out[i])) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
