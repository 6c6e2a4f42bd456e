// [compute] Black-Scholes prices of 2^21 European options, call and put: logarithm, exponential, square root, the normal distribution
// as a polynomial; a thread per option.
#include "../bench.h"

constexpr int n = 1 << 21;

__device__ float normal(float d) {
    float k = 1.0f / (1.0f + 0.2316419f * fabsf(d));
    float tail = 0.39894228f * expf(-0.5f * d * d) *
                 (k * (0.31938153f + k * (-0.356563782f + k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f)))));
    return d > 0 ? 1.0f - tail : tail;
}

__global__ void price(const float* spot, const float* strike, const float* years, float* call, float* put, float rate, float volatility) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float s = spot[i], k = strike[i], t = years[i], root = sqrtf(t);
    float d1 = (logf(s / k) + (rate + 0.5f * volatility * volatility) * t) / (volatility * root), d2 = d1 - volatility * root;
    float n1 = normal(d1), n2 = normal(d2), discounted = k * expf(-rate * t);
    call[i] = s * n1 - discounted * n2;
    put[i] = discounted * (1.0f - n2) - s * (1.0f - n1);
}

int main() {
    std::vector<float> in[3], out[2];
    for (auto& v : in) v.resize(n);
    for (auto& v : out) v.resize(n);
    for (int i = 0; i < n; ++i) in[0][i] = 5 + i % 997 * 0.025f, in[1][i] = 1 + i % 991 * 0.1f, in[2][i] = 0.25f + i % 983 * 0.01f;
    float* device[5];
    for (float*& d : device) cudaMalloc(&d, n * sizeof(float));
    for (int k = 0; k < 3; ++k) cudaMemcpy(device[k], in[k].data(), n * sizeof(float), cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        price<<<(n + 255) / 256, 256>>>(device[0], device[1], device[2], device[3], device[4], 0.02f, 0.3f);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    for (int k = 0; k < 2; ++k) cudaMemcpy(out[k].data(), device[3 + k], n * sizeof(float), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += (double(out[0][i]) + 2.0 * out[1][i]) * (i % 1009);
    bench::report(seconds, n, checksum);
}
