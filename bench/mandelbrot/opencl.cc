// [divergent] Escape times of 1024 x 768 points: host side of kernel.cl.
#include "../opencl.h"

constexpr int width = 1024, height = 768;

int main() {
    bench::OpenCl cl;
    std::vector<int> out(width * height);
    cl_mem device = cl.buffer(out);
    cl_kernel mandelbrot = cl.kernel("mandelbrot");
    double seconds = bench::median_seconds([&] {
        cl.launch(mandelbrot, {width / 32, height / 8}, {32, 8}, device);
        cl.finish();
    });
    cl.read(device, out);
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
