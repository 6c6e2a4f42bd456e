// [atomic] Histogram of 2^25 bytes: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 1 << 25, blocks = 256, threads = 256;

int main() {
    bench::OpenCl cl;
    std::vector<unsigned char> data(n);
    for (int i = 0; i < n; ++i) data[i] = (i * 2654435761u >> 24) & (i * 2246822519u >> 20);
    std::vector<unsigned> counts(256);
    cl_mem words = cl.buffer(data), device = cl.buffer(counts);
    cl_kernel histogram = cl.kernel("histogram");
    double seconds = bench::median_seconds([&] {
        cl.fill(device, 0, 1024);
        cl.launch(histogram, {blocks}, {threads}, words, device, n);
        cl.finish();
    });
    cl.read(device, counts);
    double checksum = 0;
    for (int i = 0; i < 256; ++i) checksum += double(counts[i]) * (i + 1);
    bench::report(seconds, n, checksum);
}
