// [byte] Grey values of an image of 4096 x 4096 pixels: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 4096 * 4096;

int main() {
    bench::OpenCl cl;
    std::vector<unsigned char> in(3 * n), out(n);
    for (int i = 0; i < 3 * n; ++i) in[i] = i * 2654435761u >> 24;
    cl_mem device_in = cl.buffer(in), device_out = cl.buffer(out);
    cl_kernel gray = cl.kernel("gray");
    double seconds = bench::median_seconds([&] {
        cl.launch(gray, {n / 256}, {256}, device_in, device_out);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 4.0 * n, checksum);
}
