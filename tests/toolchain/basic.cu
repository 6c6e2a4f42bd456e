// The first programs anyone writes: vector addition, a tiled matrix product, a shuffle reduction, math and printf.
#include <cstdio>
#include <vector>
#include <cuda_runtime.h>
__global__ void vector_add(const float* a, const float* b, float* c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}
constexpr int tile = 16;
__global__ void matmul(const float* a, const float* b, float* c, int n) {
    __shared__ float as[tile][tile], bs[tile][tile];
    int row = blockIdx.y * tile + threadIdx.y, col = blockIdx.x * tile + threadIdx.x;
    float sum = 0;
    for (int t = 0; t < n / tile; ++t) {
        as[threadIdx.y][threadIdx.x] = a[row * n + t * tile + threadIdx.x];
        bs[threadIdx.y][threadIdx.x] = b[(t * tile + threadIdx.y) * n + col];
        __syncthreads();
        #pragma unroll
        for (int k = 0; k < tile; ++k) sum += as[threadIdx.y][k] * bs[k][threadIdx.x];
        __syncthreads();
    }
    c[row * n + col] = sum;
}
__global__ void reduce(const float* in, float* out, int n) {
    float v = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) v += in[i];
    for (int o = 16; o > 0; o >>= 1) v += __shfl_down_sync(0xffffffff, v, o);
    if ((threadIdx.x & 31) == 0) atomicAdd(out, v);
}
__global__ void mathk(double* d, float* f, int* q) {
    int i = threadIdx.x;
    d[i] = exp(d[i]) + pow(d[i], 3.1) + log(d[i]); f[i] = expf(f[i]) + powf(f[i], 2.f) + __expf(f[i]) + sqrtf(f[i]) / f[i+1];
    if (f[i] > 3) printf("big %f %d\n", f[i], i);
    q[i] = max(q[i], 3) + min(f[i], 3.0f) + __popc(q[i]) + __clz(q[i]) + fmod(d[i], 2.0);
    if (__match_any_sync(0xffffffffu, q[i]) == 3) q[i] = __ballot_sync(0xffffffffu, q[i]);
}
__device__ float device_value = 2;
__constant__ int table[4] = {1,2,3,4};
int main() {
    float *a, *b, *c; int n = 1 << 16;
    cudaMallocManaged(&a, n * 4); cudaMallocManaged(&b, n * 4); cudaMallocManaged(&c, n * 4);
    for (int i = 0; i < n; ++i) { a[i] = i % 7; b[i] = i % 5; }
    vector_add<<<n / 256, 256>>>(a, b, c, n);
    cudaDeviceSynchronize();
    int bad = 0; for (int i = 0; i < n; ++i) bad += c[i] != a[i] + b[i];
    matmul<<<dim3(4, 4), dim3(16, 16)>>>(a, b, c, 64);
    reduce<<<4, 256>>>(a, c, n);
    printf("bad %d %s\n", bad, cudaGetErrorString(cudaGetLastError()));
    return bad;
}
