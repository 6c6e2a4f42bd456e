// [barrier] 4096 transforms of 1024 complex points: host side of kernel.cl.
#include "../opencl.h"

#include <cmath>

constexpr int points = 1024, batch = 4096, threads = points / 4;

struct Complex {
    float x, y;
};

int main() {
    bench::OpenCl cl;
    std::vector<Complex> in(points * batch), out(points * batch), twiddle(points);
    for (int i = 0; i < points * batch; ++i) in[i] = {(i * 2654435761u >> 16) / 65536.0f, (i * 2246822519u >> 16) / 65536.0f - 0.5f};
    for (int i = 0; i < points; ++i) twiddle[i] = {float(std::cos(-2 * M_PI * i / points)), float(std::sin(-2 * M_PI * i / points))};
    cl_mem device_in = cl.buffer(in), device_out = cl.buffer(out), twiddles = cl.buffer(twiddle);
    cl_kernel fft = cl.kernel("fft");
    double seconds = bench::median_seconds([&] {
        cl.launch(fft, {batch}, {threads}, device_in, device_out, twiddles);
        cl.finish();
    });
    cl.read(device_out, out);
    double checksum = 0; // magnitudes, weighted by place
    for (int i = 0; i < points * batch; ++i) checksum += (std::fabs(out[i].x) + 2.0 * std::fabs(out[i].y)) * (i % 1009);
    bench::report(seconds, 5.0 * points * 10 * batch, checksum);
}
