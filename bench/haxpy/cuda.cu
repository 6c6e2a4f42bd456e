// [half] z = a x + y over 2^25 half-precision numbers, two in a word (half2): memory-bound.
#include "../bench.h"

#include <cuda_fp16.h>

constexpr int n = 1 << 25;

__global__ void haxpy(__half2 a, const __half2* x, const __half2* y, __half2* z, int pairs) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < pairs) z[i] = __hfma2(a, x[i], y[i]);
}

int main() {
    std::vector<__half> x(n), y(n);
    for (int i = 0; i < n; ++i) x[i] = __float2half((i * 2654435761u >> 22) * 0.001f), y[i] = __float2half(0.5f);
    __half2 *dx, *dy, *dz;
    size_t bytes = n * sizeof(__half);
    cudaMalloc(&dx, bytes), cudaMalloc(&dy, bytes), cudaMalloc(&dz, bytes);
    cudaMemcpy(dx, x.data(), bytes, cudaMemcpyHostToDevice);
    cudaMemcpy(dy, y.data(), bytes, cudaMemcpyHostToDevice);
    __half2 a = __half2{__float2half(0.25f), __float2half(0.25f)};
    double seconds = bench::median_seconds([&] {
        haxpy<<<n / 2 / 256, 256>>>(a, dx, dy, dz, n / 2);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(y.data(), dz, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(__half2float(y[i])) * (i % 1009);
    bench::report(seconds, 6.0 * n, checksum);
}
