// [divergent] Escape times of 1024 x 768 points, at most 1000 iterations: lanes leave the loop at different times.
#include "../bench.h"

constexpr int width = 1024, height = 768, limit = 1000;

__global__ void mandelbrot(int* out) {
    int px = blockIdx.x * blockDim.x + threadIdx.x, py = blockIdx.y * blockDim.y + threadIdx.y;
    float cx = -2.2f + 3.2f * float(px) / width, cy = -1.21f + 2.4f * float(py) / height;
    float x = 0, y = 0;
    int i = 0;
    while (i < limit && x * x + y * y <= 4.0f) {
        float next = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = next;
        ++i;
    }
    out[py * width + px] = i;
}

int main() {
    std::vector<int> out(width * height);
    int* device;
    cudaMalloc(&device, out.size() * sizeof(int));
    double seconds = bench::median_seconds([&] {
        mandelbrot<<<dim3(width / 32, height / 8), dim3(32, 8)>>>(device);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device, out.size() * sizeof(int), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
