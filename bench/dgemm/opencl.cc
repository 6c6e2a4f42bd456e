// [f64] C = A B, 768 x 768 doubles: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 768, tile = 64;

int main() {
    bench::OpenCl cl;
    std::vector<double> a(n * n), b(n * n), c(n * n);
    for (int i = 0; i < n * n; ++i) a[i] = (i % 17) * 0.1, b[i] = (i % 13) * 0.2;
    cl_mem da = cl.buffer(a), db = cl.buffer(b), dc = cl.buffer(c);
    cl_kernel multiply = cl.kernel("multiply");
    double seconds = bench::median_seconds([&] {
        cl.launch(multiply, {n / tile, n / tile}, {256, 1}, da, db, dc);
        cl.finish();
    });
    cl.read(dc, c);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += c[i] * (i % 1009);
    bench::report(seconds, 2.0 * n * n * n, checksum);
}
