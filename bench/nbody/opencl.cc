// [compute] Accelerations of 16384 bodies, all pairs: host side of kernel.cl.
#include "../opencl.h"

#include <cmath>

constexpr int n = 16384, tile = 256;

int main() {
    bench::OpenCl cl;
    std::vector<cl_float4> body(n), result(n);
    for (int i = 0; i < n; ++i)
        body[i] = {{float(i * 37 % 101) * 0.01f, float(i * 53 % 103) * 0.01f, float(i * 71 % 107) * 0.01f, 1.0f / n}};
    cl_mem bodies = cl.buffer(body), accelerations = cl.buffer(result);
    cl_kernel accelerate = cl.kernel("accelerate");
    double seconds = bench::median_seconds([&] {
        cl.launch(accelerate, {n / tile}, {tile}, bodies, accelerations);
        cl.finish();
    });
    cl.read(accelerations, result);
    double checksum = 0;
    for (int i = 0; i < n; ++i)
        checksum += (std::fabs(result[i].s[0]) + 2 * std::fabs(result[i].s[1]) + 3 * std::fabs(result[i].s[2])) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
