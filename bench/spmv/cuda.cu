// [irregular] Sparse matrix times vector, CSR, 2^17 rows of 4 to 260 entries by a power law: 8 threads per row, which add up by
// shuffles.
#include "../bench.h"
#include "matrix.h"

constexpr int rows = Matrix::rows, team = 8;

__global__ void multiply(const int* offset, const int* column, const float* value, const float* x, float* y) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / team, lane = threadIdx.x % team;
    float sum = 0;
    for (int e = offset[row] + lane; e < offset[row + 1]; e += team) sum += value[e] * x[column[e]];
    for (int step = team / 2; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffff, sum, step, team);
    if (lane == 0) y[row] = sum;
}

int main() {
    Matrix m;
    std::vector<float> result(rows);
    int *offset, *column;
    float *value, *x, *y;
    cudaMalloc(&offset, m.offset.size() * 4), cudaMalloc(&column, m.column.size() * 4), cudaMalloc(&value, m.value.size() * 4);
    cudaMalloc(&x, rows * 4), cudaMalloc(&y, rows * 4);
    cudaMemcpy(offset, m.offset.data(), m.offset.size() * 4, cudaMemcpyHostToDevice);
    cudaMemcpy(column, m.column.data(), m.column.size() * 4, cudaMemcpyHostToDevice);
    cudaMemcpy(value, m.value.data(), m.value.size() * 4, cudaMemcpyHostToDevice);
    cudaMemcpy(x, m.x.data(), rows * 4, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        for (int i = 0; i < 4; ++i) multiply<<<rows * team / 256, 256>>>(offset, column, value, x, y);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(result.data(), y, rows * 4, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < rows; ++i) checksum += double(result[i]) * (i % 1009);
    bench::report(seconds, 8.0 * m.value.size(), checksum);
}
