// [byte] Mean of 3 x 3 pixels of an 8-bit image of 3840 x 2160, edges repeated: a thread per pixel.
#include "../bench.h"

constexpr int width = 3840, height = 2160;

__global__ void blur(const unsigned char* in, unsigned char* out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    int sum = 0;
    for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
            int column = min(max(x + dx, 0), width - 1), row = min(max(y + dy, 0), height - 1);
            sum += in[row * width + column];
        }
    out[y * width + x] = sum / 9;
}

int main() {
    std::vector<unsigned char> in(width * height), out(width * height);
    for (int i = 0; i < width * height; ++i) in[i] = i * 2654435761u >> 23;
    unsigned char *device_in, *device_out;
    cudaMalloc(&device_in, in.size()), cudaMalloc(&device_out, out.size());
    cudaMemcpy(device_in, in.data(), in.size(), cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        blur<<<dim3(width / 32, height / 8), dim3(32, 8)>>>(device_in, device_out);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, out.size(), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(width) * height, checksum);
}
