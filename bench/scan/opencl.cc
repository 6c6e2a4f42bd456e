// [shuffle] Inclusive prefix sum of 2^23 unsigned integers: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 1 << 23, threads = 1024, blocks = n / threads;

int main() {
    bench::OpenCl cl;
    std::vector<unsigned> in(n), out(n);
    for (int i = 0; i < n; ++i) in[i] = (i * 2654435761u >> 20) % 100;
    cl_mem device_in = cl.buffer(in), device_out = cl.buffer(out), sums = cl.buffer(blocks * sizeof(unsigned));
    cl_kernel scan_blocks = cl.kernel("scan_blocks"), scan_sums = cl.kernel("scan_sums"), add_sums = cl.kernel("add_sums");
    double seconds = bench::median_seconds([&] {
        cl.launch(scan_blocks, {blocks}, {threads}, device_in, device_out, sums);
        cl.launch(scan_sums, {1}, {threads}, sums, blocks / threads);
        cl.launch(add_sums, {blocks}, {threads}, device_out, sums);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 8.0 * n, checksum);
}
