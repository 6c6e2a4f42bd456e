// [barrier] Sorting 2048 groups of 1024 integers each: host side of kernel.cl.
#include "../opencl.h"

constexpr int groups = 2048, size = 1024;

int main() {
    bench::OpenCl cl;
    std::vector<int> in(groups * size), out(groups * size);
    for (int i = 0; i < groups * size; ++i) in[i] = (i * 2654435761u >> 4) * 2246822519u >> 8;
    cl_mem device_in = cl.buffer(in), device_out = cl.buffer(out);
    cl_kernel sort = cl.kernel("sort");
    double seconds = bench::median_seconds([&] {
        cl.launch(sort, {groups}, {size / 2}, device_in, device_out);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0;
    for (int i = 0; i < groups * size; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(groups) * size, checksum);
}
