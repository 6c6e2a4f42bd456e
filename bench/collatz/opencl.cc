// [divergent] Steps of the Collatz sequence of 2^19 odd starting values above 2^40: host side of kernel.cl.
#include "../opencl.h"

constexpr int count = 1 << 19;

int main() {
    bench::OpenCl cl;
    std::vector<int> steps(count);
    cl_mem device = cl.buffer(steps);
    cl_kernel collatz = cl.kernel("collatz");
    double seconds = bench::median_seconds([&] {
        cl.launch(collatz, {count / 256}, {256}, device);
        cl.finish();
    });
    cl.read(device, steps);
    double checksum = 0, work = 0;
    for (int i = 0; i < count; ++i) checksum += double(steps[i]) * (i % 1009), work += steps[i];
    bench::report(seconds, work, checksum);
}
