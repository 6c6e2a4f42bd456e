// [shuffle] Softmax of 8192 rows of 1024 floats: host side of kernel.cl.
#include "../opencl.h"

constexpr int rows = 8192, columns = 1024, threads = 256;

int main() {
    bench::OpenCl cl;
    std::vector<float> in(rows * columns), out(rows * columns);
    for (int i = 0; i < rows * columns; ++i) in[i] = float(i * 2654435761u >> 16) / 65536.0f * 8.0f;
    cl_mem device_in = cl.buffer(in), device_out = cl.buffer(out);
    cl_kernel softmax = cl.kernel("softmax");
    double seconds = bench::median_seconds([&] {
        cl.launch(softmax, {rows}, {threads}, device_in, device_out);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0;
    for (int i = 0; i < rows * columns; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(rows) * columns, checksum);
}
