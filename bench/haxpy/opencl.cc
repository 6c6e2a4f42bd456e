// [half] z = a x + y over 2^25 half-precision numbers: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 1 << 25;

int main() {
    bench::OpenCl cl;
    std::vector<_Float16> x(n), y(n);
    for (int i = 0; i < n; ++i) x[i] = _Float16((i * 2654435761u >> 22) * 0.001f), y[i] = _Float16(0.5f);
    cl_mem dx = cl.buffer(x), dy = cl.buffer(y), dz = cl.buffer(n * sizeof(_Float16));
    cl_kernel haxpy = cl.kernel("haxpy");
    double seconds = bench::median_seconds([&] {
        cl.launch(haxpy, {n / 2 / 256}, {256}, 0.25f, dx, dy, dz, n / 2);
        cl.finish();
    });
    cl.read(dz, y);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(float(y[i])) * (i % 1009);
    bench::report(seconds, 6.0 * n, checksum);
}
