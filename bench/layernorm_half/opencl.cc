// [half] Layer normalisation of 8192 rows of 1024 half-precision numbers: host side of kernel.cl.
#include "../opencl.h"

constexpr int rows = 8192, columns = 1024, threads = 128;

int main() {
    bench::OpenCl cl;
    std::vector<_Float16> in(rows * columns), out(rows * columns), gamma(columns), beta(columns);
    for (int i = 0; i < rows * columns; ++i) in[i] = _Float16((i * 2654435761u >> 16) / 16384.0f);
    for (int i = 0; i < columns; ++i) gamma[i] = _Float16(0.5f + i % 7 * 0.1f), beta[i] = _Float16(i % 11 * 0.05f);
    cl_mem din = cl.buffer(in), dout = cl.buffer(out), dgamma = cl.buffer(gamma), dbeta = cl.buffer(beta);
    cl_kernel normalise = cl.kernel("normalise");
    double seconds = bench::median_seconds([&] {
        cl.launch(normalise, {rows}, {threads}, din, dgamma, dbeta, dout);
        cl.finish();
    });
    cl.read(dout, out);
    double checksum = 0;
    for (int i = 0; i < rows * columns; ++i) checksum += double(float(out[i])) * (i % 1009);
    bench::report(seconds, 4.0 * rows * columns, checksum);
}
