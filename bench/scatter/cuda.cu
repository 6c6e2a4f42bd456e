// [atomic] Charge of 2^20 particles onto a mesh of 256 x 256 cells, bilinear: four float atomicAdd per particle, random places.
#include "../bench.h"

constexpr int particles = 1 << 20, mesh = 256;

__global__ void clear(float* cells) { cells[blockIdx.x * blockDim.x + threadIdx.x] = 0; }

__global__ void deposit(const float2* position, float* cells) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float2 p = position[i];
    int x = int(p.x), y = int(p.y);
    float fx = p.x - x, fy = p.y - y;
    float* cell = &cells[y * mesh + x];
    atomicAdd(cell, (1 - fx) * (1 - fy));
    atomicAdd(cell + 1, fx * (1 - fy));
    atomicAdd(cell + mesh, (1 - fx) * fy);
    atomicAdd(cell + mesh + 1, fx * fy);
}

int main() {
    std::vector<float2> position(particles);
    for (int i = 0; i < particles; ++i)
        position[i] = make_float2((i * 2654435761u >> 8) * (254.0f / (1 << 24)), (i * 2246822519u >> 8) * (254.0f / (1 << 24)));
    std::vector<float> cells(mesh * mesh);
    float2* device;
    float* device_cells;
    cudaMalloc(&device, particles * sizeof(float2)), cudaMalloc(&device_cells, cells.size() * sizeof(float));
    cudaMemcpy(device, position.data(), particles * sizeof(float2), cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        clear<<<mesh, mesh>>>(device_cells);
        deposit<<<particles / 256, 256>>>(device, device_cells);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(cells.data(), device_cells, cells.size() * sizeof(float), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < mesh * mesh; ++i) checksum += double(cells[i]) * (i % 1009);
    bench::report(seconds, double(particles), checksum);
}
