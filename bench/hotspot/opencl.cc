// [shared] Heat on a chip of 1024 x 1024 cells, 16 steps, two per launch: host side of kernel.cl.
#include "../opencl.h"

constexpr int n = 1024, steps = 16, tile = 16, height = 2, inner = tile - 2 * height;

int main() {
    bench::OpenCl cl;
    std::vector<float> temperature(n * n), power(n * n);
    for (int i = 0; i < n * n; ++i) temperature[i] = 60 + (i * 2654435761u >> 20) / 128.0f, power[i] = i % 37 * 0.01f;
    cl_mem start = cl.buffer(temperature), a = cl.buffer(temperature), b = cl.buffer(temperature), device_power = cl.buffer(power);
    cl_kernel advance = cl.kernel("advance");
    constexpr size_t groups = (n + inner - 1) / inner;
    double seconds = bench::median_seconds([&] {
        cl_mem from = start;
        for (int step = 0; step < steps; step += height) {
            cl_mem to = from == a ? b : a;
            cl.launch(advance, {groups, groups}, {tile, tile}, device_power, from, to);
            from = to;
        }
        cl.finish();
    });
    cl.read(steps / height % 2 ? a : b, temperature);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(temperature[i]) * (i % 1009);
    bench::report(seconds, double(n) * n * steps, checksum);
}
