// [byte] Sobel edges of an 8-bit image of 3840 x 2160: host side of kernel.cl.
#include "../opencl.h"

constexpr int width = 3840, height = 2160;

int main() {
    bench::OpenCl cl;
    std::vector<unsigned char> in(width * height), out(width * height);
    for (int i = 0; i < width * height; ++i) in[i] = i * 2654435761u >> 27;
    cl_mem device_in = cl.buffer(in), device_out = cl.buffer(out);
    cl_kernel sobel = cl.kernel("sobel");
    double seconds = bench::median_seconds([&] {
        cl.launch(sobel, {width / 32, height / 8}, {32, 8}, device_in, device_out);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
