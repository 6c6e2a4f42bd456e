// [compute] Black-Scholes prices of 2^21 European options: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 1 << 21;

int main() {
    bench::OpenCl cl;
    std::vector<float> in[3], out[2];
    for (auto& v : in) v.resize(n);
    for (auto& v : out) v.resize(n);
    for (int i = 0; i < n; ++i) in[0][i] = 5 + i % 997 * 0.025f, in[1][i] = 1 + i % 991 * 0.1f, in[2][i] = 0.25f + i % 983 * 0.01f;
    cl_mem a = cl.buffer(in[0]), b = cl.buffer(in[1]), c = cl.buffer(in[2]), call = cl.buffer(out[0]), put = cl.buffer(out[1]);
    cl_kernel price = cl.kernel("price");
    double seconds = bench::median_seconds([&] {
        cl.launch(price, {n / 256}, {256}, a, b, c, call, put, 0.02f, 0.3f, n);
        cl.finish();
    });
    cl.read(call, out[0]), cl.read(put, out[1]);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += (double(out[0][i]) + 2.0 * out[1][i]) * (i % 1009);
    bench::report(seconds, n, checksum);
}
