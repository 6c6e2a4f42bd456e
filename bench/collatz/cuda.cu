// [divergent] Steps of the Collatz sequence of 2^19 odd starting values around 2^40, 64-bit integers: every thread loops as long as its own number takes.
#include "../bench.h"

constexpr int count = 1 << 19;
constexpr unsigned long long first = (1ull << 40) + 1;

__global__ void collatz(int* steps) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, taken = 0;
    for (unsigned long long value = first + 2 * i; value != 1; ++taken) value = value % 2 ? 3 * value + 1 : value / 2;
    steps[i] = taken;
}

int main() {
    std::vector<int> steps(count);
    int* device;
    cudaMalloc(&device, count * sizeof(int));
    double seconds = bench::median_seconds([&] {
        collatz<<<count / 256, 256>>>(device);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(steps.data(), device, count * sizeof(int), cudaMemcpyDeviceToHost);
    double checksum = 0, work = 0;
    for (int i = 0; i < count; ++i) checksum += double(steps[i]) * (i % 1009), work += steps[i];
    bench::report(seconds, work, checksum);
}
