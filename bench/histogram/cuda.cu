// [atomic] Histogram of 2^25 bytes, 256 bins: each block counts with atomics in shared memory, then adds its bins to the result.
#include "../bench.h"

constexpr int n = 1 << 25, bins = 256, blocks = 512, threads = 256;

__global__ void histogram(const unsigned* in, unsigned* counts) {
    __shared__ unsigned local[bins];
    local[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * threads + threadIdx.x; i < n / 4; i += blocks * threads) {
        unsigned four = in[i];
        atomicAdd(&local[four & 255], 1u), atomicAdd(&local[four >> 8 & 255], 1u);
        atomicAdd(&local[four >> 16 & 255], 1u), atomicAdd(&local[four >> 24], 1u);
    }
    __syncthreads();
    atomicAdd(&counts[threadIdx.x], local[threadIdx.x]);
}

int main() {
    std::vector<unsigned> in(n / 4), counts(bins);
    for (int i = 0; i < n / 4; ++i) in[i] = (i * 2654435761u ^ i * 40503u) & 0xff3f7fffu;
    unsigned *device_in, *device_counts;
    cudaMalloc(&device_in, n), cudaMalloc(&device_counts, bins * sizeof(unsigned));
    cudaMemcpy(device_in, in.data(), n, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        cudaMemset(device_counts, 0, bins * sizeof(unsigned));
        histogram<<<blocks, threads>>>(device_in, device_counts);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(counts.data(), device_counts, bins * sizeof(unsigned), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < bins; ++i) checksum += double(counts[i]) * (i + 1);
    bench::report(seconds, n, checksum);
}
