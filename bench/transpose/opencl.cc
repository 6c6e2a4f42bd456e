// [shared] Transpose of 4096 x 4096 floats: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 4096, tile = 32, rows = 8;

int main() {
    bench::OpenCl cl;
    std::vector<float> in(n * n), out(n * n);
    for (int i = 0; i < n * n; ++i) in[i] = i * 2654435761u >> 12;
    cl_mem device_in = cl.buffer(in), device_out = cl.buffer(out);
    cl_kernel transpose = cl.kernel("transpose");
    double seconds = bench::median_seconds([&] {
        cl.launch(transpose, {n / tile, n / tile}, {tile, rows}, device_in, device_out);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 8.0 * n * n, checksum);
}
