// [memory] y = a x + y over 2^24 floats: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = (1 << 24) - 7;

int main() {
    bench::OpenCl cl;
    std::vector<float> x(n), y(n);
    for (int i = 0; i < n; ++i) x[i] = float(i % 1000) * 0.001f, y[i] = 1;
    cl_mem dx = cl.buffer(x), dy = cl.buffer(y);
    cl_kernel saxpy = cl.kernel("saxpy");
    double seconds = bench::median_seconds([&] {
        cl.launch(saxpy, {(n + 255) / 256}, {256}, 0.5f, dx, dy, n);
        cl.finish();
    });
    // The repetitions add up, and how many there were depends on the machine: the checksum is that of one.
    cl_mem fresh = cl.buffer(y);
    cl.launch(saxpy, {(n + 255) / 256}, {256}, 0.5f, dx, fresh, n);
    cl.read(fresh, y);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(y[i]) * (i % 1009);
    bench::report(seconds, 12.0 * n, checksum);
}
