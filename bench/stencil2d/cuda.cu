// [memory] Jacobi iterations of the 5-point stencil on 2048 x 2048 floats, 10 steps: a thread per point, edges stay as they are.
#include "../bench.h"

constexpr int n = 2048, steps = 10;

__global__ void jacobi(const float* in, float* out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x == 0 || y == 0 || x == n - 1 || y == n - 1) return;
    out[y * n + x] = 0.2f * (in[y * n + x] + in[y * n + x - 1] + in[y * n + x + 1] + in[(y - 1) * n + x] + in[(y + 1) * n + x]);
}

int main() {
    std::vector<float> in(n * n);
    for (int i = 0; i < n * n; ++i) in[i] = (i * 2654435761u >> 16) / 65536.0f;
    float* device[2];
    for (float*& d : device) cudaMalloc(&d, in.size() * 4);
    double seconds = bench::median_seconds([&] {
        for (int s = 0; s < steps; ++s) {
            jacobi<<<dim3(n / 32, n / 8), dim3(32, 8)>>>(device[0], device[1]);
            std::swap(device[0], device[1]);
        }
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    for (float* d : device) cudaMemcpy(d, in.data(), in.size() * 4, cudaMemcpyHostToDevice);
    for (int s = 0; s < steps; ++s) jacobi<<<dim3(n / 32, n / 8), dim3(32, 8)>>>(device[s % 2], device[1 - s % 2]);
    cudaMemcpy(in.data(), device[steps % 2], in.size() * 4, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(in[i]) * (i % 1009);
    bench::report(seconds, double(n) * n * steps, checksum);
}
