// [barrier] Cholesky factors of 2048 matrices of 48 x 48 floats: host side of kernel.cl.
#include "../opencl.h"

#include <cmath>

constexpr int side = 48, batch = 2048, threads = 64;

int main() {
    bench::OpenCl cl;
    std::vector<float> in(side * side * batch), out(in.size());
    for (int b = 0; b < batch; ++b)
        for (int i = 0; i < side; ++i)
            for (int j = 0; j <= i; ++j)
                in[(b * side + i) * side + j] = in[(b * side + j) * side + i] = i == j ? 40.0f + b % 5 : (b + i * 7 + j * 3) % 17 * 0.1f - 0.8f;
    cl_mem device_in = cl.buffer(in), device_out = cl.buffer(out);
    cl_kernel factor = cl.kernel("factor");
    double seconds = bench::median_seconds([&] {
        cl.launch(factor, {batch}, {threads}, device_in, device_out);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0;
    for (size_t i = 0; i < out.size(); ++i) checksum += double(std::fabs(out[i])) * double(i % 1009);
    bench::report(seconds, double(side) * side * side / 3 * batch, checksum);
}
