// [shuffle] Softmax of 8192 rows of 1024 floats: a block per row, maximum and sum by warp shuffles.
#include "../bench.h"

constexpr int rows = 8192, columns = 1024, threads = 256, per_thread = columns / threads;

__device__ float block_max(float value, float* partial) {
    for (int offset = 16; offset > 0; offset /= 2) value = fmaxf(value, __shfl_xor_sync(~0u, value, offset));
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
    __syncthreads();
    value = partial[threadIdx.x % (threads / 32)];
    for (int offset = threads / 64; offset > 0; offset /= 2) value = fmaxf(value, __shfl_xor_sync(~0u, value, offset));
    return value;
}

__device__ float block_sum(float value, float* partial) {
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(~0u, value, offset);
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
    __syncthreads();
    value = partial[threadIdx.x % (threads / 32)];
    for (int offset = threads / 64; offset > 0; offset /= 2) value += __shfl_xor_sync(~0u, value, offset);
    return value;
}

__global__ void softmax(const float* in, float* out) {
    __shared__ float maxima[threads / 32], sums[threads / 32];
    in += size_t(blockIdx.x) * columns, out += size_t(blockIdx.x) * columns;
    float value[per_thread], largest = -INFINITY, sum = 0;
    for (int i = 0; i < per_thread; ++i) {
        value[i] = in[i * threads + threadIdx.x];
        largest = fmaxf(largest, value[i]);
    }
    largest = block_max(largest, maxima);
    for (int i = 0; i < per_thread; ++i) {
        value[i] = __expf(value[i] - largest);
        sum += value[i];
    }
    float scale = 1.0f / block_sum(sum, sums);
    for (int i = 0; i < per_thread; ++i) out[i * threads + threadIdx.x] = value[i] * scale;
}

int main() {
    std::vector<float> in(rows * columns), out(rows * columns);
    for (int i = 0; i < rows * columns; ++i) in[i] = float(i * 2654435761u >> 16) / 65536.0f * 8.0f;
    size_t bytes = in.size() * sizeof(float);
    float *device_in, *device_out;
    cudaMalloc(&device_in, bytes), cudaMalloc(&device_out, bytes);
    cudaMemcpy(device_in, in.data(), bytes, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        softmax<<<rows, threads>>>(device_in, device_out);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < rows * columns; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(rows) * columns, checksum);
}
