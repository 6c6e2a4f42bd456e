// [f64] C = A B, 768 x 768 doubles: blocks of 256 threads make 64 x 64 of C, each thread 4 x 4, from strips of 16 in shared memory.
#include "../bench.h"

constexpr int n = 768, tile = 64, depth = 16, each = 4;

__global__ void multiply(const double* a, const double* b, double* c) {
    __shared__ double strip_a[depth][tile], strip_b[depth][tile];
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16, row = blockIdx.y * tile, column = blockIdx.x * tile;
    double sum[each][each] = {};
    for (int k0 = 0; k0 < n; k0 += depth) {
        for (int i = threadIdx.x; i < tile * depth; i += 256) {
            strip_a[i % depth][i / depth] = a[(row + i / depth) * n + k0 + i % depth];
            strip_b[i / tile][i % tile] = b[(k0 + i / tile) * n + column + i % tile];
        }
        __syncthreads();
        for (int k = 0; k < depth; ++k) {
            double x[each], y[each];
            for (int i = 0; i < each; ++i) x[i] = strip_a[k][ty * each + i], y[i] = strip_b[k][tx + i * 16];
            for (int i = 0; i < each; ++i)
                for (int j = 0; j < each; ++j) sum[i][j] += x[i] * y[j];
        }
        __syncthreads();
    }
    for (int i = 0; i < each; ++i)
        for (int j = 0; j < each; ++j) c[(row + ty * each + i) * n + column + tx + j * 16] = sum[i][j];
}

int main() {
    std::vector<double> a(n * n), b(n * n), c(n * n);
    for (int i = 0; i < n * n; ++i) a[i] = (i % 17) * 0.1, b[i] = (i % 13) * 0.2;
    double *da, *db, *dc;
    size_t bytes = sizeof(double) * n * n;
    cudaMalloc(&da, bytes), cudaMalloc(&db, bytes), cudaMalloc(&dc, bytes);
    cudaMemcpy(da, a.data(), bytes, cudaMemcpyHostToDevice);
    cudaMemcpy(db, b.data(), bytes, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        multiply<<<dim3(n / tile, n / tile), 256>>>(da, db, dc);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(c.data(), dc, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += c[i] * (i % 1009);
    bench::report(seconds, 2.0 * n * n * n, checksum);
}
