// [compute] Accelerations of 16384 bodies, all pairs: tiles of 256 bodies in shared memory.
#include "../bench.h"

#include <cmath>

constexpr int n = 16384, tile = 256;

__global__ void accelerate(const float4* body, float4* acceleration) {
    __shared__ float4 shared[tile];
    int i = blockIdx.x * tile + threadIdx.x;
    float4 me = body[i];
    float ax = 0, ay = 0, az = 0;
    for (int t = 0; t < n; t += tile) {
        shared[threadIdx.x] = body[t + threadIdx.x];
        __syncthreads();
#pragma unroll 8
        for (int j = 0; j < tile; ++j) {
            float4 other = shared[j];
            float dx = other.x - me.x, dy = other.y - me.y, dz = other.z - me.z;
            float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + 1e-3f);
            float scale = other.w * inverse * inverse * inverse;
            ax += dx * scale, ay += dy * scale, az += dz * scale;
        }
        __syncthreads();
    }
    acceleration[i] = make_float4(ax, ay, az, 0);
}

int main() {
    std::vector<float4> body(n), result(n);
    for (int i = 0; i < n; ++i)
        body[i] = make_float4(float(i * 37 % 101) * 0.01f, float(i * 53 % 103) * 0.01f, float(i * 71 % 107) * 0.01f, 1.0f / n);
    float4 *bodies, *accelerations;
    cudaMalloc(&bodies, n * sizeof(float4)), cudaMalloc(&accelerations, n * sizeof(float4));
    cudaMemcpy(bodies, body.data(), n * sizeof(float4), cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        accelerate<<<n / tile, tile>>>(bodies, accelerations);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(result.data(), accelerations, n * sizeof(float4), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n; ++i)
        checksum += (std::fabs(result[i].x) + 2 * std::fabs(result[i].y) + 3 * std::fabs(result[i].z)) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
