// [shared] Heat on a chip of 1024 x 1024 cells, 16 steps: tiles of 16 x 16 in shared memory make two steps before they write, so that
// 12 x 12 of them are new (a pyramid).
#include "../bench.h"

constexpr int n = 1024, steps = 16, tile = 16, height = 2, inner = tile - 2 * height;

__global__ void advance(const float* power, const float* from, float* to) {
    __shared__ float now[tile][tile];
    int tx = threadIdx.x, ty = threadIdx.y;
    int x = blockIdx.x * inner - height + tx, y = blockIdx.y * inner - height + ty;
    bool valid = x >= 0 && x < n && y >= 0 && y < n;
    int index = y * n + x;
    float heat = 0, value = 0;
    if (valid) now[ty][tx] = value = from[index], heat = power[index];
    __syncthreads();
    int west = x <= 0 ? tx : tx - 1, east = x >= n - 1 ? tx : tx + 1, north = y <= 0 ? ty : ty - 1, south = y >= n - 1 ? ty : ty + 1;
    for (int step = 1; step <= height; ++step) {
        bool inside = valid && tx >= step && tx < tile - step && ty >= step && ty < tile - step;
        if (inside)
            value += 0.1f * (now[north][tx] + now[south][tx] - 2 * value) + 0.1f * (now[ty][west] + now[ty][east] - 2 * value) +
                     0.01f * (80.0f - value) + heat;
        __syncthreads();
        if (inside) now[ty][tx] = value;
        __syncthreads();
    }
    if (valid && tx >= height && tx < tile - height && ty >= height && ty < tile - height) to[index] = value;
}

int main() {
    std::vector<float> temperature(n * n), power(n * n);
    for (int i = 0; i < n * n; ++i) temperature[i] = 60 + (i * 2654435761u >> 20) / 128.0f, power[i] = i % 37 * 0.01f;
    size_t bytes = n * n * sizeof(float);
    float *start, *a, *b, *device_power;
    cudaMalloc(&start, bytes), cudaMalloc(&a, bytes), cudaMalloc(&b, bytes), cudaMalloc(&device_power, bytes);
    cudaMemcpy(start, temperature.data(), bytes, cudaMemcpyHostToDevice);
    cudaMemcpy(device_power, power.data(), bytes, cudaMemcpyHostToDevice);
    dim3 grid((n + inner - 1) / inner, (n + inner - 1) / inner), block(tile, tile);
    double seconds = bench::median_seconds([&] {
        const float* from = start;
        for (int step = 0; step < steps; step += height) {
            float* to = from == a ? b : a;
            advance<<<grid, block>>>(device_power, from, to);
            from = to;
        }
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(temperature.data(), steps / height % 2 ? a : b, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n * n; ++i) checksum += double(temperature[i]) * (i % 1009);
    bench::report(seconds, double(n) * n * steps, checksum);
}
