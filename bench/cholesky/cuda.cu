// [barrier] Cholesky factors of 2048 matrices of 48 x 48 floats: a block of 64 threads per matrix in shared memory, a thread per column,
// two barriers per step.
#include "../bench.h"

#include <cmath>

constexpr int side = 48, batch = 2048, threads = 64;

__global__ void factor(const float* in, float* out) {
    __shared__ float a[side][side + 1];
    int t = threadIdx.x;
    in += size_t(blockIdx.x) * side * side, out += size_t(blockIdx.x) * side * side;
    if (t < side)
        for (int i = 0; i < side; ++i) a[i][t] = in[i * side + t];
    __syncthreads();
    for (int k = 0; k < side; ++k) {
        if (t > k && t < side) a[t][k] *= rsqrtf(a[k][k]);
        __syncthreads();
        if (t == k) a[k][k] = sqrtf(a[k][k]);
        if (t > k && t < side) {
            float mine = a[t][k];
            for (int i = k + 1; i < side; ++i) a[i][t] -= a[i][k] * mine; // above the diagonal too: nobody reads that
        }
        __syncthreads();
    }
    if (t < side)
        for (int i = 0; i < side; ++i) out[i * side + t] = t <= i ? a[i][t] : 0.0f;
}

int main() {
    std::vector<float> in(side * side * batch), out(in.size());
    for (int b = 0; b < batch; ++b)
        for (int i = 0; i < side; ++i)
            for (int j = 0; j <= i; ++j)
                in[(b * side + i) * side + j] = in[(b * side + j) * side + i] = i == j ? 40.0f + b % 5 : (b + i * 7 + j * 3) % 17 * 0.1f - 0.8f;
    size_t bytes = in.size() * sizeof(float);
    float *device_in, *device_out;
    cudaMalloc(&device_in, bytes), cudaMalloc(&device_out, bytes);
    cudaMemcpy(device_in, in.data(), bytes, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        factor<<<batch, threads>>>(device_in, device_out);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (size_t i = 0; i < out.size(); ++i) checksum += double(std::fabs(out[i])) * double(i % 1009);
    bench::report(seconds, double(side) * side * side / 3 * batch, checksum);
}
