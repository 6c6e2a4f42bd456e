// [shared] C = A B, 1024 x 1024 floats: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 1024, tile = 32;

int main() {
    bench::OpenCl cl;
    std::vector<float> a(n * n), b(n * n), c(n * n);
    for (int i = 0; i < n * n; ++i) a[i] = float(i % 17) * 0.1f, b[i] = float(i % 13) * 0.2f;
    cl_mem da = cl.buffer(a), db = cl.buffer(b), dc = cl.buffer(c);
    cl_kernel multiply = cl.kernel("multiply");
    double seconds = bench::median_seconds([&] {
        cl.launch(multiply, {n / tile, n / tile}, {tile, tile}, da, db, dc);
        cl.finish();
    });
    cl.read(dc, c);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(c[i]) * (i % 1009);
    bench::report(seconds, 2.0 * n * n * n, checksum);
}
