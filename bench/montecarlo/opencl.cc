// [f64] Monte Carlo: mean of sqrt(x*x + y*y) over the unit square: host side of kernel.cl.
#include "../opencl.h"

constexpr int streams = 1 << 16, samples = 512, threads = 256;

int main() {
    bench::OpenCl cl;
    std::vector<double> sums(streams / threads);
    cl_mem device = cl.buffer(sums);
    cl_kernel integrate = cl.kernel("integrate");
    double seconds = bench::median_seconds([&] {
        cl.launch(integrate, {streams / threads}, {threads}, device);
        cl.finish();
    });
    cl.read(device, sums);
    double checksum = 0;
    for (size_t i = 0; i < sums.size(); ++i) checksum += sums[i] * double(i + 1);
    bench::report(seconds, double(streams) * samples, checksum);
}
