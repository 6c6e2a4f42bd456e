// [atomic] Histogram of 2^25 bytes, 256 bins: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 1 << 25, bins = 256, blocks = 512;

int main() {
    bench::OpenCl cl;
    std::vector<unsigned> in(n / 4), counts(bins);
    for (int i = 0; i < n / 4; ++i) in[i] = (i * 2654435761u ^ i * 40503u) & 0xff3f7fffu;
    cl_mem device_in = cl.buffer(in), device_counts = cl.buffer(counts);
    cl_kernel histogram = cl.kernel("histogram");
    double seconds = bench::median_seconds([&] {
        cl.fill(device_counts, 0, bins * sizeof(unsigned));
        cl.launch(histogram, {blocks}, {bins}, device_in, device_counts);
        cl.finish();
    });
    cl.read(device_counts, counts);
    double checksum = 0;
    for (int i = 0; i < bins; ++i) checksum += double(counts[i]) * (i + 1);
    bench::report(seconds, n, checksum);
}
