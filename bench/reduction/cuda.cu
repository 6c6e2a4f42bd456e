// [barrier] Sum of 2^24 integers: the classic tree in shared memory, 512 elements per block of 256 threads, a barrier per level; the
// partial sums go through the same kernel again.
#include "../bench.h"

constexpr int n = 1 << 24, threads = 256;

__global__ void reduce(const int* in, int* out) {
    __shared__ int sums[threads];
    int t = threadIdx.x, i = blockIdx.x * threads * 2 + t;
    sums[t] = in[i] + in[i + threads];
    __syncthreads();
    for (int step = threads / 2; step > 0; step /= 2) {
        if (t < step) sums[t] += sums[t + step];
        __syncthreads();
    }
    if (t == 0) out[blockIdx.x] = sums[0];
}

int main() {
    std::vector<int> in(n), sums(64);
    for (int i = 0; i < n; ++i) in[i] = i * 2654435761u >> 25;
    int *data, *first, *second;
    cudaMalloc(&data, n * 4), cudaMalloc(&first, n / 512 * 4), cudaMalloc(&second, n / 512 / 512 * 4);
    cudaMemcpy(data, in.data(), n * 4, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        reduce<<<n / 512, threads>>>(data, first);
        reduce<<<n / 512 / 512, threads>>>(first, second);
        if (cudaMemcpy(sums.data(), second, n / 512 / 512 * 4, cudaMemcpyDeviceToHost) != cudaSuccess) std::exit(1);
    });
    double checksum = 0;
    for (int s : sums) checksum += s;
    bench::report(seconds, 4.0 * n, checksum);
}
