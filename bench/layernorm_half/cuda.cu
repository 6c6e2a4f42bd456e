// [half] Layer normalisation of 8192 rows of 1024 half-precision numbers, sums in float: a block of 128 threads per row, half2 loads,
// sums by warp shuffles.
#include "../bench.h"

#include <cuda_fp16.h>

constexpr int rows = 8192, columns = 1024, threads = 128, pairs = columns / 2 / threads;

__device__ float block_sum(float value, float* partial) {
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(~0u, value, offset);
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0;
    for (int i = 0; i < threads / 32; ++i) sum += partial[i];
    return sum;
}

__global__ void normalise(const __half2* in, const __half2* gamma, const __half2* beta, __half2* out) {
    __shared__ float sums[threads / 32], squares[threads / 32];
    in += size_t(blockIdx.x) * (columns / 2), out += size_t(blockIdx.x) * (columns / 2);
    float2 value[pairs];
    float sum = 0, square = 0;
    for (int i = 0; i < pairs; ++i) {
        value[i] = __half22float2(in[i * threads + threadIdx.x]);
        sum += value[i].x + value[i].y;
    }
    float mean = block_sum(sum, sums) / columns;
    for (int i = 0; i < pairs; ++i) {
        value[i].x -= mean, value[i].y -= mean;
        square += value[i].x * value[i].x + value[i].y * value[i].y;
    }
    float scale = rsqrtf(block_sum(square, squares) / columns + 1e-5f);
    for (int i = 0; i < pairs; ++i) {
        float2 g = __half22float2(gamma[i * threads + threadIdx.x]), b = __half22float2(beta[i * threads + threadIdx.x]);
        out[i * threads + threadIdx.x] = __floats2half2_rn(value[i].x * scale * g.x + b.x, value[i].y * scale * g.y + b.y);
    }
}

int main() {
    std::vector<__half> in(rows * columns), out(rows * columns), gamma(columns), beta(columns);
    for (int i = 0; i < rows * columns; ++i) in[i] = __float2half((i * 2654435761u >> 16) / 16384.0f);
    for (int i = 0; i < columns; ++i) gamma[i] = __float2half(0.5f + i % 7 * 0.1f), beta[i] = __float2half(i % 11 * 0.05f);
    __half2 *din, *dout, *dgamma, *dbeta;
    size_t bytes = in.size() * sizeof(__half), side = columns * sizeof(__half);
    cudaMalloc(&din, bytes), cudaMalloc(&dout, bytes), cudaMalloc(&dgamma, side), cudaMalloc(&dbeta, side);
    cudaMemcpy(din, in.data(), bytes, cudaMemcpyHostToDevice);
    cudaMemcpy(dgamma, gamma.data(), side, cudaMemcpyHostToDevice);
    cudaMemcpy(dbeta, beta.data(), side, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        normalise<<<rows, threads>>>(din, dgamma, dbeta, dout);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), dout, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < rows * columns; ++i) checksum += double(__half2float(out[i])) * (i % 1009);
    bench::report(seconds, 4.0 * rows * columns, checksum);
}
