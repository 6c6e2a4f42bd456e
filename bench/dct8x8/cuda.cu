// [shared] Cosine transform of 8 x 8 blocks of a 2048 x 2048 float image: a thread per coefficient, 4 image blocks per thread block, the
// block between its two passes in shared memory.
#include "../bench.h"

#include <cmath>

constexpr int n = 2048, side = 8, together = 4;

__constant__ float basis[side][side]; // [frequency][place]

__global__ void transform(const float* in, float* out) {
    __shared__ float pixels[together][side][side + 1], half[together][side][side + 1];
    int x = threadIdx.x, y = threadIdx.y, z = threadIdx.z;
    int at = (blockIdx.y * side + y) * n + (blockIdx.x * together + z) * side + x;
    pixels[z][y][x] = in[at];
    __syncthreads();
    float sum = 0;
    for (int k = 0; k < side; ++k) sum += pixels[z][y][k] * basis[x][k];
    half[z][y][x] = sum;
    __syncthreads();
    sum = 0;
    for (int k = 0; k < side; ++k) sum += basis[y][k] * half[z][k][x];
    out[at] = sum;
}

int main() {
    std::vector<float> in(n * n), out(n * n), table(side * side);
    for (int i = 0; i < n * n; ++i) in[i] = (i * 2654435761u >> 24) - 128.0f;
    for (int k = 0; k < side; ++k)
        for (int x = 0; x < side; ++x) table[k * side + x] = float(std::cos((2 * x + 1) * k * M_PI / 16) * (k ? 0.5 : std::sqrt(0.125)));
    cudaMemcpyToSymbol(basis, table.data(), table.size() * sizeof(float));
    float *device_in, *device_out;
    size_t bytes = in.size() * sizeof(float);
    cudaMalloc(&device_in, bytes), cudaMalloc(&device_out, bytes);
    cudaMemcpy(device_in, in.data(), bytes, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        transform<<<dim3(n / side / together, n / side), dim3(side, side, together)>>>(device_in, device_out);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(std::fabs(out[i])) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
