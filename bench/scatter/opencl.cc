// [atomic] Charge of 2^20 particles onto a mesh of 256 x 256 cells, bilinear: host side of kernel.cl.
#include "../opencl.h"

constexpr int particles = 1 << 20, mesh = 256;

int main() {
    bench::OpenCl cl;
    std::vector<float> position(2 * particles), cells(mesh * mesh);
    for (int i = 0; i < particles; ++i)
        position[2 * i] = (i * 2654435761u >> 8) * (254.0f / (1 << 24)), position[2 * i + 1] = (i * 2246822519u >> 8) * (254.0f / (1 << 24));
    cl_mem device = cl.buffer(position), device_cells = cl.buffer(cells);
    cl_kernel clear = cl.kernel("clear"), deposit = cl.kernel("deposit");
    double seconds = bench::median_seconds([&] {
        cl.launch(clear, {mesh}, {mesh}, device_cells);
        cl.launch(deposit, {particles / 256}, {256}, device, device_cells);
        cl.finish();
    });
    cl.read(device_cells, cells);
    double checksum = 0;
    for (int i = 0; i < mesh * mesh; ++i) checksum += double(cells[i]) * (i % 1009);
    bench::report(seconds, double(particles), checksum);
}
