// [shuffle] Inclusive prefix sum of 2^23 unsigned integers: blocks of 1024 scan by shuffles, one block scans their sums, all add.
#include "../bench.h"

constexpr int n = 1 << 23, threads = 1024, blocks = n / threads;

__device__ unsigned block_scan(unsigned value, unsigned* warp_sums) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int offset = 1; offset < 32; offset *= 2) {
        unsigned other = __shfl_up_sync(~0u, value, offset);
        if (lane >= offset) value += other;
    }
    if (lane == 31) warp_sums[warp] = value;
    __syncthreads();
    if (warp == 0) {
        unsigned sum = warp_sums[lane];
        for (int offset = 1; offset < 32; offset *= 2) {
            unsigned other = __shfl_up_sync(~0u, sum, offset);
            if (lane >= offset) sum += other;
        }
        warp_sums[lane] = sum;
    }
    __syncthreads();
    return value + (warp > 0 ? warp_sums[warp - 1] : 0);
}

__global__ void scan_blocks(const unsigned* in, unsigned* out, unsigned* sums) {
    __shared__ unsigned warp_sums[32];
    int i = blockIdx.x * threads + threadIdx.x;
    unsigned value = block_scan(in[i], warp_sums);
    out[i] = value;
    if (threadIdx.x == threads - 1) sums[blockIdx.x] = value;
}

__global__ void scan_sums(unsigned* sums) {
    __shared__ unsigned warp_sums[32];
    constexpr int per_thread = blocks / threads;
    unsigned value[per_thread], total = 0;
    for (int k = 0; k < per_thread; ++k) {
        total += sums[threadIdx.x * per_thread + k];
        value[k] = total;
    }
    unsigned before = block_scan(total, warp_sums) - total;
    for (int k = 0; k < per_thread; ++k) sums[threadIdx.x * per_thread + k] = before + value[k];
}

__global__ void add_sums(unsigned* out, const unsigned* sums) {
    if (blockIdx.x > 0) out[blockIdx.x * threads + threadIdx.x] += sums[blockIdx.x - 1];
}

int main() {
    std::vector<unsigned> in(n), out(n);
    for (int i = 0; i < n; ++i) in[i] = (i * 2654435761u >> 20) % 100;
    unsigned *device_in, *device_out, *sums;
    cudaMalloc(&device_in, n * sizeof(unsigned)), cudaMalloc(&device_out, n * sizeof(unsigned));
    cudaMalloc(&sums, blocks * sizeof(unsigned));
    cudaMemcpy(device_in, in.data(), n * sizeof(unsigned), cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        scan_blocks<<<blocks, threads>>>(device_in, device_out, sums);
        scan_sums<<<1, threads>>>(sums);
        add_sums<<<blocks, threads>>>(device_out, sums);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, n * sizeof(unsigned), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 8.0 * n, checksum);
}
