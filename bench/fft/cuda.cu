// [barrier] 4096 transforms of 1024 complex points: a block of 256 threads each, five radix-4 Stockham steps through shared memory,
// twiddle factors from a table.
#include "../bench.h"

#include <cmath>

constexpr int points = 1024, batch = 4096, threads = points / 4;

__device__ float2 operator+(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }
__device__ float2 operator-(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }
__device__ float2 operator*(float2 a, float2 b) { return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

__global__ void fft(const float2* in, float2* out, const float2* twiddles) {
    __shared__ float2 data[points];
    int t = threadIdx.x;
    in += size_t(blockIdx.x) * points, out += size_t(blockIdx.x) * points;
    float2 v[4];
    for (int r = 0; r < 4; ++r) v[r] = in[t + r * threads];
#pragma unroll
    for (int span = 1; span < points; span *= 4) { // span: points of the sub-transforms that are done
        int k = t % span;
        for (int r = 1; r < 4; ++r) v[r] = v[r] * twiddles[r * k * (points / 4 / span)];
        float2 a = v[0] + v[2], b = v[0] - v[2], c = v[1] + v[3], d = v[1] - v[3];
        d = make_float2(d.y, -d.x); // times -i
        int to = (t - k) * 4 + k;
        if (span * 4 < points) {
            data[to] = a + c, data[to + span] = b + d, data[to + 2 * span] = a - c, data[to + 3 * span] = b - d;
            __syncthreads();
            for (int r = 0; r < 4; ++r) v[r] = data[t + r * threads];
            __syncthreads();
        } else {
            out[to] = a + c, out[to + span] = b + d, out[to + 2 * span] = a - c, out[to + 3 * span] = b - d;
        }
    }
}

int main() {
    std::vector<float2> in(points * batch), out(points * batch), twiddle(points);
    for (int i = 0; i < points * batch; ++i)
        in[i] = make_float2((i * 2654435761u >> 16) / 65536.0f, (i * 2246822519u >> 16) / 65536.0f - 0.5f);
    for (int i = 0; i < points; ++i)
        twiddle[i] = make_float2(float(std::cos(-2 * M_PI * i / points)), float(std::sin(-2 * M_PI * i / points)));
    size_t bytes = in.size() * sizeof(float2);
    float2 *device_in, *device_out, *twiddles;
    cudaMalloc(&device_in, bytes), cudaMalloc(&device_out, bytes), cudaMalloc(&twiddles, points * sizeof(float2));
    cudaMemcpy(device_in, in.data(), bytes, cudaMemcpyHostToDevice);
    cudaMemcpy(twiddles, twiddle.data(), points * sizeof(float2), cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        fft<<<batch, threads>>>(device_in, device_out, twiddles);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(out.data(), device_out, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0; // magnitudes, weighted by place
    for (int i = 0; i < points * batch; ++i) checksum += (std::fabs(out[i].x) + 2.0 * std::fabs(out[i].y)) * (i % 1009);
    bench::report(seconds, 5.0 * points * 10 * batch, checksum);
}
