// A program as people write them, built by nvcc with its static runtime: memory of every kind, streams, events, symbols,
// shared memory, a launch that can't work, a kernel that faults, a reset and another launch.

#include <cstdio>

#define CHECK(call)                                                                                                              \
    do {                                                                                                                         \
        cudaError_t error_ = (call);                                                                                             \
        if (error_ != cudaSuccess) {                                                                                             \
            std::printf("line %d: %s\n", __LINE__, cudaGetErrorName(error_));                                                    \
            return 1;                                                                                                            \
        }                                                                                                                        \
    } while (0)
#define EXPECT(condition)                                                                                                        \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            std::printf("line %d: %s\n", __LINE__, #condition);                                                                  \
            return 1;                                                                                                            \
        }                                                                                                                        \
    } while (0)

__device__ int counter;
__constant__ float scale[4];
__managed__ int managed_value = 5;

__global__ void count(int* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        out[i] = i * (int)scale[1];
        atomicAdd(&counter, 1);
    }
    if (i == 0) managed_value += 2;
}

__global__ void reverse(float* out) {
    __shared__ float values[128];
    extern __shared__ float ones[];
    values[threadIdx.x] = threadIdx.x;
    ones[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = values[127 - threadIdx.x] + ones[(threadIdx.x + 1) % 128];
}

__global__ void wild(int* p) { *p = 1; }

int main() {
    cudaDeviceProp properties;
    CHECK(cudaGetDeviceProperties(&properties, 0));
    EXPECT(properties.warpSize == 32);
    int* out;
    CHECK(cudaMallocManaged(&out, 4000));
    float factors[4] = {1, 2, 3, 4};
    CHECK(cudaMemcpyToSymbol(scale, factors, sizeof factors));
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    cudaEvent_t begin, end;
    CHECK(cudaEventCreate(&begin));
    CHECK(cudaEventCreate(&end));
    CHECK(cudaEventRecord(begin, stream));
    count<<<4, 256, 0, stream>>>(out, 1000);
    CHECK(cudaGetLastError());
    CHECK(cudaEventRecord(end, stream));
    CHECK(cudaStreamSynchronize(stream));
    float milliseconds = -1;
    CHECK(cudaEventElapsedTime(&milliseconds, begin, end));
    EXPECT(milliseconds >= 0);
    int counted;
    CHECK(cudaMemcpyFromSymbol(&counted, counter, sizeof counted));
    EXPECT(counted == 1000 && out[999] == 1998 && managed_value == 7);

    float *device, host[128];
    CHECK(cudaMallocAsync(&device, sizeof host, stream));
    reverse<<<1, 128, sizeof host, stream>>>(device);
    CHECK(cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost, stream));
    CHECK(cudaFreeAsync(device, stream));
    CHECK(cudaStreamSynchronize(stream));
    for (int i = 0; i < 128; ++i) EXPECT(host[i] == 128 - i);

    cudaFuncAttributes attributes;
    CHECK(cudaFuncGetAttributes(&attributes, reverse));
    EXPECT(attributes.sharedSizeBytes == 512);
    int blocks = 0;
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, count, 256, 0));
    EXPECT(blocks > 0);

    count<<<1, 2000>>>(out, 1);
    EXPECT(cudaGetLastError() != cudaSuccess);
    wild<<<1, 1>>>((int*)16);
    EXPECT(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    EXPECT(cudaMalloc(&device, 4) == cudaErrorIllegalAddress);
    CHECK(cudaDeviceReset());

    CHECK(cudaMallocManaged(&out, 4000));
    CHECK(cudaMemcpyToSymbol(scale, factors, sizeof factors));
    count<<<4, 256>>>(out, 1000);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpyFromSymbol(&counted, counter, sizeof counted));
    EXPECT(counted == 1000 && out[999] == 1998);
    std::printf("ok\n");
}
