// What nvcc's registration code hands over: kernels, device, constant and managed variables; attributes and occupancy by host
// address; configuration errors; errors that stick until a reset; initial values after a reset.
#include <cstdio>
#include <cstdlib>

__device__ int counter = 5;
__constant__ float scale[2];
__managed__ int shared_value = 7;

__global__ void add(const float* a, float* b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) b[i] = a[i] * scale[0] + 1;
    if (i == 0) {
        counter += 1;
        shared_value *= 2;
    }
}

template <int n> __global__ void fill(int* p) { p[threadIdx.x] = n; }

#define EXPECT(condition)                                                                                                        \
    do {                                                                                                                         \
        if (!(condition)) fprintf(stderr, "line %d: %s (last error %s)\n", __LINE__, #condition,                                 \
                                  cudaGetErrorName(cudaPeekAtLastError())), exit(1);                                             \
    } while (0)
#define OK(call) EXPECT((call) == cudaSuccess)

int main() {
    constexpr int n = 1000;
    float host[n], *a, *b;
    for (int i = 0; i < n; i++) host[i] = i;
    EXPECT(shared_value == 7);
    OK(cudaMalloc(&a, sizeof host));
    OK(cudaMalloc(&b, sizeof host));
    OK(cudaMemcpy(a, host, sizeof host, cudaMemcpyHostToDevice));
    float scales[2] = {3, 4};
    OK(cudaMemcpyToSymbol(scale, scales, sizeof scales));
    add<<<4, 256>>>(a, b, n);
    OK(cudaGetLastError());
    OK(cudaDeviceSynchronize());
    OK(cudaMemcpy(host, b, sizeof host, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) EXPECT(host[i] == 3.0f * i + 1);
    int count = 0;
    OK(cudaMemcpyFromSymbol(&count, counter, sizeof count));
    EXPECT(count == 6 && shared_value == 14);
    EXPECT(cudaMemcpyToSymbol(counter, &count, 4, 1) == cudaErrorInvalidValue);
    EXPECT(cudaGetLastError() == cudaErrorInvalidValue && cudaGetLastError() == cudaSuccess);

    void* address = nullptr;
    size_t size = 0;
    OK(cudaGetSymbolAddress(&address, scale));
    OK(cudaGetSymbolSize(&size, scale));
    EXPECT(address && size == 8);
    OK(cudaMemcpyToSymbol(shared_value, &count, sizeof count));
    EXPECT(shared_value == 6);

    cudaFuncAttributes attributes;
    OK(cudaFuncGetAttributes(&attributes, add));
    EXPECT(attributes.maxThreadsPerBlock > 0);
    int grid = 0, block = 0;
    OK(cudaOccupancyMaxPotentialBlockSize(&grid, &block, add));
    EXPECT(grid > 0 && block > 0 && block % 32 == 0);

    int* numbers;
    OK(cudaMallocManaged(&numbers, 64 * sizeof(int)));
    fill<3><<<1, 32>>>(numbers);
    fill<4><<<1, 32>>>(numbers + 32);
    cudaLaunchConfig_t config = {};
    config.gridDim = 1;
    config.blockDim = 16;
    OK(cudaLaunchKernelEx(&config, fill<5>, numbers));
    OK(cudaDeviceSynchronize());
    EXPECT(numbers[0] == 5 && numbers[15] == 5 && numbers[16] == 3 && numbers[32] == 4 && numbers[63] == 4);

    add<<<1, 2048>>>(a, b, n);
    EXPECT(cudaGetLastError() == cudaErrorInvalidConfiguration);
    add<<<0, 32>>>(a, b, n);
    EXPECT(cudaGetLastError() == cudaErrorInvalidConfiguration);
    EXPECT(cudaFuncGetAttributes(&attributes, (const void*)&count) == cudaErrorInvalidDeviceFunction);
    cudaGetLastError();

    OK(cudaDeviceReset());
    add<<<1, 32>>>(nullptr, nullptr, 0);
    OK(cudaDeviceSynchronize());
    OK(cudaMemcpyFromSymbol(&count, counter, sizeof count));
    EXPECT(count == 6); // its initial 5, and one launch

    add<<<1, 32>>>((float*)16, (float*)16, 10);
    EXPECT(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    EXPECT(cudaGetLastError() == cudaErrorIllegalAddress);
    EXPECT(cudaMalloc(&a, 16) == cudaErrorIllegalAddress);
    OK(cudaDeviceReset());
    OK(cudaDeviceSynchronize());
    printf("ok\n");
}
