// [shared] Transpose of 4096 x 4096 floats through 32 x 33 tiles in shared memory, 32 x 8 threads a block.
#include "../bench.h"

constexpr int n = 4096, tile = 32, rows = 8;

__global__ void transpose(const float* in, float* out) {
    __shared__ float buffer[tile][tile + 1];
    int x = blockIdx.x * tile + threadIdx.x, y = blockIdx.y * tile + threadIdx.y;
    for (int j = 0; j < tile; j += rows) buffer[threadIdx.y + j][threadIdx.x] = in[(y + j) * n + x];
    __syncthreads();
    x = blockIdx.y * tile + threadIdx.x, y = blockIdx.x * tile + threadIdx.y;
    for (int j = 0; j < tile; j += rows) out[(y + j) * n + x] = buffer[threadIdx.x][threadIdx.y + j];
}

int main() {
    std::vector<float> in(n * n), out(n * n);
    for (int i = 0; i < n * n; ++i) in[i] = i * 2654435761u >> 12;
    float *device_in, *device_out;
    cudaMalloc(&device_in, in.size() * 4), cudaMalloc(&device_out, out.size() * 4);
    cudaMemcpy(device_in, in.data(), in.size() * 4, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        transpose<<<dim3(n / tile, n / tile), dim3(tile, rows)>>>(device_in, device_out);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, out.size() * 4, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 8.0 * n * n, checksum);
}
