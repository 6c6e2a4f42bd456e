// [byte] Sobel edges of an 8-bit image of 3840 x 2160: |horizontal| + |vertical|, at most 255; the border stays 0.
#include "../bench.h"

constexpr int width = 3840, height = 2160;

__global__ void sobel(const unsigned char* in, unsigned char* out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < 1 || y < 1 || x >= width - 1 || y >= height - 1) return;
    const unsigned char* p = in + y * width + x;
    int horizontal = p[1 - width] + 2 * p[1] + p[1 + width] - p[-1 - width] - 2 * p[-1] - p[-1 + width];
    int vertical = p[width - 1] + 2 * p[width] + p[width + 1] - p[-width - 1] - 2 * p[-width] - p[-width + 1];
    out[y * width + x] = min(abs(horizontal) + abs(vertical), 255);
}

int main() {
    std::vector<unsigned char> in(width * height), out(width * height);
    for (int i = 0; i < width * height; ++i) in[i] = i * 2654435761u >> 27;
    unsigned char *device_in, *device_out;
    cudaMalloc(&device_in, in.size()), cudaMalloc(&device_out, out.size());
    cudaMemcpy(device_in, in.data(), in.size(), cudaMemcpyHostToDevice);
    cudaMemset(device_out, 0, out.size());
    double seconds = bench::median_seconds([&] {
        sobel<<<dim3(width / 32, height / 8), dim3(32, 8)>>>(device_in, device_out);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, out.size(), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
