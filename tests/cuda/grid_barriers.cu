// Blocks that wait for each other: barriers over the whole grid written by hand, with more blocks than workers, and cooperative
// groups' grid.sync() in a loop. (CUDA C++ Programming Guide, "Grid Synchronization".)
#include "check.h"

#include <cooperative_groups.h>
namespace cg = cooperative_groups;

__device__ unsigned arrived, sense, generation;

// Sense-reversing, thread 0 spins on a volatile load.
__device__ void barrier_volatile(unsigned& mine) {
    __syncthreads();
    if (threadIdx.x == 0) {
        mine ^= 1;
        __threadfence();
        if (atomicAdd(&arrived, 1) == gridDim.x - 1) {
            arrived = 0;
            __threadfence();
            *(volatile unsigned*)&sense = mine;
        } else {
            while (*(volatile unsigned*)&sense != mine);
        }
        __threadfence();
    }
    __syncthreads();
}

// Counts up for ever, thread 0 spins on atomicAdd(p, 0).
__device__ void barrier_atomic(unsigned goal) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(&generation, 1);
        while (atomicAdd(&generation, 0) < goal);
    }
    __syncthreads();
}

constexpr int rounds = 10;

// Each round block b reads what block b+1 wrote in the round before.
template <int kind>
__global__ void __launch_bounds__(64) ring(int* data) {
    unsigned mine = 0;
    unsigned next = (blockIdx.x + 1) % gridDim.x;
    int* now = data;
    int* then = data + gridDim.x * blockDim.x;
    for (int round = 0; round < rounds; round++) {
        then[blockIdx.x * blockDim.x + threadIdx.x] = *(volatile int*)&now[next * blockDim.x + threadIdx.x] + 1;
        if (kind == 0) barrier_volatile(mine);
        if (kind == 1) barrier_atomic((round + 1) * gridDim.x);
        if (kind == 2) cg::this_grid().sync();
        int* swap = now;
        now = then;
        then = swap;
    }
}

template <int kind>
void test(int blocks) {
    const int threads = 64, n = blocks * threads;
    int* data = managed<int>(2 * n);
    for (int i = 0; i < n; i++) data[i] = i / threads;
    void* arguments[] = {&data};
    unsigned zero = 0;
    CHECK(cudaMemcpyToSymbol(generation, &zero, sizeof zero));
    CHECK(cudaMemcpyToSymbol(sense, &zero, sizeof zero));
    if (kind == 2)
        CHECK(cudaLaunchCooperativeKernel((const void*)ring<kind>, dim3(blocks), dim3(threads), arguments, 0, nullptr));
    else
        ring<kind><<<blocks, threads>>>(data);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < n; i++) EXPECT_EQUAL(data[i], (i / threads + rounds) % blocks + rounds, i + kind * 100000);
    CHECK(cudaFree(data));
}

int main() {
    for (int repeat = 0; repeat < 3; repeat++) {
        test<0>(64);
        test<1>(64);
        test<2>(32);
        test<2>(1);
    }
    return summary();
}
