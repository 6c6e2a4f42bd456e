// [irregular] Sparse matrix times vector, CSR, 2^18 rows of 4 to 19 entries near the diagonal and far from it: a thread per row.
#include "../bench.h"

constexpr int rows = 1 << 18, threads = 256;

__global__ void multiply(const int* offset, const int* column, const float* value, const float* x, float* y) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    float sum = 0;
    for (int e = offset[row]; e < offset[row + 1]; ++e) sum += value[e] * x[column[e]];
    y[row] = sum;
}

int main() {
    std::vector<int> offset(rows + 1), column;
    std::vector<float> value, x(rows), y(rows);
    for (int r = 0; r < rows; ++r) {
        unsigned h = r * 2654435761u;
        for (int k = 0; k < 4 + int(h >> 28); ++k) {
            unsigned g = (r * 31u + k) * 2246822519u;
            column.push_back((r + (k % 4 ? int(g >> 20) - 2048 : int(g >> 14))) & (rows - 1));
            value.push_back(1 + k * 0.125f);
        }
        offset[r + 1] = int(column.size()), x[r] = (h >> 16) / 65536.0f;
    }
    int *doffset, *dcolumn;
    float *dvalue, *dx, *dy;
    cudaMalloc(&doffset, offset.size() * 4), cudaMalloc(&dcolumn, column.size() * 4), cudaMalloc(&dvalue, value.size() * 4);
    cudaMalloc(&dx, rows * 4), cudaMalloc(&dy, rows * 4);
    cudaMemcpy(doffset, offset.data(), offset.size() * 4, cudaMemcpyHostToDevice);
    cudaMemcpy(dcolumn, column.data(), column.size() * 4, cudaMemcpyHostToDevice);
    cudaMemcpy(dvalue, value.data(), value.size() * 4, cudaMemcpyHostToDevice);
    cudaMemcpy(dx, x.data(), rows * 4, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        multiply<<<rows / threads, threads>>>(doffset, dcolumn, dvalue, dx, dy);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(y.data(), dy, rows * 4, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int r = 0; r < rows; ++r) checksum += double(y[r]) * (r % 1009);
    bench::report(seconds, 2.0 * double(column.size()), checksum);
}
