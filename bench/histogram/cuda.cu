// [atomic] Histogram of 2^25 bytes: a table of 256 counters per block in shared memory, four bytes per load, atomics on both levels.
#include "../bench.h"

constexpr int n = 1 << 25, blocks = 256, threads = 256;

__global__ void histogram(const unsigned* words, unsigned* counts) {
    __shared__ unsigned own[256];
    own[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * threads + threadIdx.x; i < n / 4; i += blocks * threads) {
        unsigned word = words[i];
        atomicAdd(&own[word & 255], 1), atomicAdd(&own[word >> 8 & 255], 1);
        atomicAdd(&own[word >> 16 & 255], 1), atomicAdd(&own[word >> 24], 1);
    }
    __syncthreads();
    atomicAdd(&counts[threadIdx.x], own[threadIdx.x]);
}

int main() {
    std::vector<unsigned char> data(n);
    for (int i = 0; i < n; ++i) data[i] = (i * 2654435761u >> 24) & (i * 2246822519u >> 20);
    std::vector<unsigned> counts(256);
    unsigned *words, *device;
    cudaMalloc(&words, n), cudaMalloc(&device, 1024);
    cudaMemcpy(words, data.data(), n, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        cudaMemset(device, 0, 1024);
        histogram<<<blocks, threads>>>(words, device);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(counts.data(), device, 1024, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < 256; ++i) checksum += double(counts[i]) * (i + 1);
    bench::report(seconds, n, checksum);
}
