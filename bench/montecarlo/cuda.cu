// [f64] Monte Carlo: mean of sqrt(x*x + y*y) over the unit square, 2^16 threads of 512 samples each, doubles from 64-bit xorshift
// generators; a sum per block.
#include "../bench.h"

constexpr int streams = 1 << 16, samples = 512, threads = 256;

__device__ double next(unsigned long long& state) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return double((state * 0x2545f4914f6cdd1dull) >> 11) * 0x1p-53;
}

__global__ void integrate(double* sums) {
    __shared__ double partial[threads];
    unsigned long long state = (blockIdx.x * blockDim.x + threadIdx.x + 1) * 0x9e3779b97f4a7c15ull;
    double sum = 0;
    for (int i = 0; i < samples; ++i) {
        double x = next(state), y = next(state);
        sum += sqrt(x * x + y * y);
    }
    partial[threadIdx.x] = sum;
    __syncthreads();
    for (int half = threads / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
}

int main() {
    std::vector<double> sums(streams / threads);
    double* device;
    cudaMalloc(&device, sums.size() * sizeof(double));
    double seconds = bench::median_seconds([&] {
        integrate<<<streams / threads, threads>>>(device);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(sums.data(), device, sums.size() * sizeof(double), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (size_t i = 0; i < sums.size(); ++i) checksum += sums[i] * double(i + 1);
    bench::report(seconds, double(streams) * samples, checksum);
}
