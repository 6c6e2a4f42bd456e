// [byte] Grey values of an image of 4096 x 4096 pixels with 3 bytes each: a thread per pixel, integer weights.
#include "../bench.h"

constexpr int n = 4096 * 4096;

__global__ void gray(const uchar3* in, unsigned char* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    uchar3 p = in[i];
    out[i] = (77 * p.x + 150 * p.y + 29 * p.z + 128) >> 8;
}

int main() {
    std::vector<unsigned char> in(3 * n), out(n);
    for (int i = 0; i < 3 * n; ++i) in[i] = i * 2654435761u >> 24;
    unsigned char *device_in, *device_out;
    cudaMalloc(&device_in, 3 * n), cudaMalloc(&device_out, n);
    cudaMemcpy(device_in, in.data(), 3 * n, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        gray<<<n / 256, 256>>>(reinterpret_cast<uchar3*>(device_in), device_out);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, n, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 4.0 * n, checksum);
}
