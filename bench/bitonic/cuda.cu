// [barrier] Sorting 2048 groups of 1024 integers each: bitonic network in shared memory, 512 threads a block, a barrier per step.
#include "../bench.h"

constexpr int groups = 2048, size = 1024;

__global__ void sort(const int* in, int* out) {
    __shared__ int keys[size];
    int t = threadIdx.x, base = blockIdx.x * size;
    keys[t] = in[base + t], keys[t + size / 2] = in[base + t + size / 2];
    for (int length = 2; length <= size; length *= 2)
        for (int step = length / 2; step > 0; step /= 2) {
            __syncthreads();
            int i = 2 * t - (t & (step - 1)), j = i + step;
            bool up = (i & length) == 0;
            int a = keys[i], b = keys[j];
            if ((a > b) == up) keys[i] = b, keys[j] = a;
        }
    __syncthreads();
    out[base + t] = keys[t], out[base + t + size / 2] = keys[t + size / 2];
}

int main() {
    std::vector<int> in(groups * size), out(groups * size);
    for (int i = 0; i < groups * size; ++i) in[i] = (i * 2654435761u >> 4) * 2246822519u >> 8;
    int *device_in, *device_out;
    cudaMalloc(&device_in, in.size() * 4), cudaMalloc(&device_out, in.size() * 4);
    cudaMemcpy(device_in, in.data(), in.size() * 4, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        sort<<<groups, size / 2>>>(device_in, device_out);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, out.size() * 4, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < groups * size; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, double(groups) * size, checksum);
}
