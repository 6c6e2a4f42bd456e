// Separate compilation: a kernel here calls a device function and counts in a variable of another file.

#include <cstdio>

extern __device__ int twice(int x);
extern __device__ int calls;
int calls_on_device();

__global__ void odd(int* out) {
    out[threadIdx.x] = twice(threadIdx.x) + 1;
    atomicAdd(&calls, 1);
}

int main() {
    int *out, host[32];
    if (cudaMalloc(&out, sizeof host)) return 1;
    odd<<<1, 32>>>(out);
    if (cudaMemcpy(host, out, sizeof host, cudaMemcpyDeviceToHost)) return 2;
    for (int i = 0; i < 32; ++i)
        if (host[i] != 2 * i + 1) return 3;
    if (calls_on_device() != 32) return 4;
    std::printf("ok\n");
}
