// Warps of one block with different jobs: a producer fills a ring in shared memory, a consumer empties it; once with flags that
// are polled, once with named barriers (bar.arrive and bar.sync, PTX ISA "Parallel Synchronization"), once between blocks.
#include "check.h"

constexpr int slots = 4, items = 50;

__global__ void by_flags(int* out) {
    __shared__ volatile int ring[slots][32];
    __shared__ volatile int produced, consumed;
    if (threadIdx.x == 0) produced = consumed = 0;
    __syncthreads();
    int lane = threadIdx.x % 32;
    if (threadIdx.x / 32 == 0) { // consumer first, so that it has to wait
        for (int k = 0; k < items; k++) {
            while (produced <= k);
            __threadfence_block();
            out[k * 32 + lane] = ring[k % slots][lane] * 2;
            __syncwarp();
            if (lane == 0) consumed = k + 1;
            __syncwarp();
        }
    } else {
        for (int k = 0; k < items; k++) {
            while (k - consumed >= slots);
            ring[k % slots][lane] = k * 32 + lane;
            __threadfence_block();
            __syncwarp();
            if (lane == 0) produced = k + 1;
            __syncwarp();
        }
    }
}

__device__ void wait(int id) { asm volatile("bar.sync %0, 64;" ::"r"(id) : "memory"); }
__device__ void arrive(int id) { asm volatile("bar.arrive %0, 64;" ::"r"(id) : "memory"); }

__global__ void by_barriers(int* out) {
    __shared__ int ring[2][32];
    int lane = threadIdx.x % 32;
    if (threadIdx.x / 32 == 1) {
        arrive(3);
        arrive(4);
        for (int k = 0; k < items; k++) {
            wait(1 + k % 2);
            out[k * 32 + lane] = ring[k % 2][31 - lane];
            arrive(3 + k % 2);
        }
    } else {
        for (int k = 0; k < items; k++) {
            wait(3 + k % 2);
            ring[k % 2][lane] = k * 32 + lane;
            arrive(1 + k % 2);
        }
        wait(3 + items % 2); // the last two arrivals have nobody else
        wait(3 + (items + 1) % 2);
    }
}

// Block 1 produces for block 0, which starts first.
__global__ void by_blocks(volatile int* flag, volatile int* data, int* out) {
    if (blockIdx.x == 1) {
        data[threadIdx.x] = threadIdx.x * 3;
        __threadfence();
        __syncthreads();
        if (threadIdx.x == 0) *flag = 1;
    } else {
        if (threadIdx.x == 0)
            while (*flag == 0);
        __syncthreads();
        out[threadIdx.x] = data[threadIdx.x];
    }
}

int main() {
    int* out = managed<int>(items * 32);
    for (int repeat = 0; repeat < 5; repeat++) {
        by_flags<<<1, 64>>>(out);
        CHECK(cudaDeviceSynchronize());
        for (int i = 0; i < items * 32; i++) EXPECT_EQUAL(out[i], i * 2, i);
        by_barriers<<<1, 64>>>(out);
        CHECK(cudaDeviceSynchronize());
        for (int i = 0; i < items * 32; i++) EXPECT_EQUAL(out[i], i / 32 * 32 + 31 - i % 32, i);
        int *flag = managed<int>(1), *data = managed<int>(128);
        by_blocks<<<2, 128>>>(flag, data, out);
        CHECK(cudaDeviceSynchronize());
        for (int i = 0; i < 128; i++) EXPECT_EQUAL(out[i], i * 3, i);
    }
    return summary();
}
