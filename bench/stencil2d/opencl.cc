// [memory] Jacobi iterations of the 5-point stencil on 2048 x 2048 floats, 10 steps: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 2048, steps = 10;

int main() {
    bench::OpenCl cl;
    std::vector<float> in(n * n);
    for (int i = 0; i < n * n; ++i) in[i] = (i * 2654435761u >> 16) / 65536.0f;
    cl_mem device[2] = {cl.buffer(in), cl.buffer(in)};
    cl_kernel jacobi = cl.kernel("jacobi");
    auto all = [&] {
        for (int s = 0; s < steps; ++s) cl.launch(jacobi, {n / 32, n / 8}, {32, 8}, device[s % 2], device[1 - s % 2]);
        cl.finish();
    };
    double seconds = bench::median_seconds(all);
    for (cl_mem d : device) cl.write(d, in.data(), in.size() * 4);
    all();
    cl.read(device[steps % 2], in);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(in[i]) * (i % 1009);
    bench::report(seconds, double(n) * n * steps, checksum);
}
