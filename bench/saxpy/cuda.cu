// [memory] y = a x + y over 2^24 floats: memory-bound, with the usual bounds check.
#include "../bench.h"

constexpr int n = (1 << 24) - 7;

__global__ void saxpy(float a, const float* x, float* y, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) y[i] = a * x[i] + y[i];
}

int main() {
    std::vector<float> x(n), y(n);
    for (int i = 0; i < n; ++i) x[i] = float(i % 1000) * 0.001f, y[i] = 1;
    float *dx, *dy;
    cudaMalloc(&dx, n * sizeof(float)), cudaMalloc(&dy, n * sizeof(float));
    cudaMemcpy(dx, x.data(), n * sizeof(float), cudaMemcpyHostToDevice);
    cudaMemcpy(dy, y.data(), n * sizeof(float), cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        saxpy<<<(n + 255) / 256, 256>>>(0.5f, dx, dy, n);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    // The repetitions add up, and how many there were depends on the machine: the checksum is that of one.
    cudaMemcpy(dy, y.data(), n * sizeof(float), cudaMemcpyHostToDevice);
    saxpy<<<(n + 255) / 256, 256>>>(0.5f, dx, dy, n);
    cudaMemcpy(y.data(), dy, n * sizeof(float), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(y[i]) * (i % 1009);
    bench::report(seconds, 12.0 * n, checksum);
}
