// [shared] C = A B, 1024 x 1024 floats: the tiled product of every CUDA course, 32 x 32 tiles in shared memory.
#include "../bench.h"

constexpr int n = 1024, tile = 32;

__global__ void multiply(const float* a, const float* b, float* c) {
    __shared__ float tile_a[tile][tile], tile_b[tile][tile];
    int x = threadIdx.x, y = threadIdx.y, column = blockIdx.x * tile + x, row = blockIdx.y * tile + y;
    float sum = 0;
    for (int t = 0; t < n / tile; ++t) {
        tile_a[y][x] = a[row * n + t * tile + x];
        tile_b[y][x] = b[(t * tile + y) * n + column];
        __syncthreads();
        for (int k = 0; k < tile; ++k) sum += tile_a[y][k] * tile_b[k][x];
        __syncthreads();
    }
    c[row * n + column] = sum;
}

int main() {
    std::vector<float> a(n * n), b(n * n), c(n * n);
    for (int i = 0; i < n * n; ++i) a[i] = float(i % 17) * 0.1f, b[i] = float(i % 13) * 0.2f;
    float *da, *db, *dc;
    size_t bytes = sizeof(float) * n * n;
    cudaMalloc(&da, bytes), cudaMalloc(&db, bytes), cudaMalloc(&dc, bytes);
    cudaMemcpy(da, a.data(), bytes, cudaMemcpyHostToDevice);
    cudaMemcpy(db, b.data(), bytes, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        multiply<<<dim3(n / tile, n / tile), dim3(tile, tile)>>>(da, db, dc);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(c.data(), dc, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(c[i]) * (i % 1009);
    bench::report(seconds, 2.0 * n * n * n, checksum);
}
