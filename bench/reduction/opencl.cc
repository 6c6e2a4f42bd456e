// [barrier] Sum of 2^24 integers: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 1 << 24, threads = 256;

int main() {
    bench::OpenCl cl;
    std::vector<int> in(n), sums(64);
    for (int i = 0; i < n; ++i) in[i] = i * 2654435761u >> 25;
    cl_mem data = cl.buffer(in), first = cl.buffer(n / 512 * 4), second = cl.buffer(n / 512 / 512 * 4);
    cl_kernel reduce = cl.kernel("reduce");
    double seconds = bench::median_seconds([&] {
        cl.launch(reduce, {n / 512}, {threads}, data, first);
        cl.launch(reduce, {n / 512 / 512}, {threads}, first, second);
        cl.read(second, sums);
    });
    double checksum = 0;
    for (int s : sums) checksum += s;
    bench::report(seconds, 4.0 * n, checksum);
}
