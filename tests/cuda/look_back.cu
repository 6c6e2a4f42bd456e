// Decoupled look-back: a scan in one pass, where each block waits for what earlier blocks have published; once polled by thread
// 0, once by a whole warp that votes. (Merrill and Garland, "Single-pass Parallel Prefix Scan with Decoupled Look-back", 2016.)
#include "check.h"

constexpr int threads = 128;
constexpr unsigned long long partial = 1ull << 32, inclusive = 2ull << 32;

__device__ int block_scan(int x, int* shared) {
    int i = threadIdx.x;
    shared[i] = x;
    __syncthreads();
    for (int step = 1; step < threads; step *= 2) {
        int y = i >= step ? shared[i - step] : 0;
        __syncthreads();
        shared[i] += y;
        __syncthreads();
    }
    return shared[i];
}

template <bool whole_warp>
__global__ void scan(const int* in, int* out, int n, volatile unsigned long long* status, unsigned* next_tile) {
    __shared__ int shared[threads];
    __shared__ int tile_shared, before_shared;
    if (threadIdx.x == 0) tile_shared = atomicAdd(next_tile, 1);
    __syncthreads();
    int tile = tile_shared;
    int i = tile * threads + threadIdx.x;
    int sum = block_scan(i < n ? in[i] : 0, shared);
    int total = shared[threads - 1];
    if (threadIdx.x == 0) {
        __threadfence();
        status[tile] = (tile == 0 ? inclusive : partial) | unsigned(total);
    }
    if (!whole_warp && threadIdx.x == 0) {
        int before = 0;
        for (int t = tile - 1; t >= 0; t--) {
            unsigned long long word;
            while ((word = status[t]) == 0);
            before += int(word);
            if (word >= inclusive) break;
        }
        before_shared = before;
    }
    if (whole_warp && threadIdx.x < 32) {
        int before = 0;
        for (int last = tile - 1; last >= 0; last -= 32) {
            int t = last - int(threadIdx.x);
            unsigned long long word;
            do {
                word = t >= 0 ? status[t] : +inclusive; // "+": nvcc finds no constant where an lvalue is asked for
            } while (__any_sync(~0u, word == 0));
            unsigned done = __ballot_sync(~0u, word >= inclusive);
            int stop = done ? __ffs(done) - 1 : 31;
            int part = int(threadIdx.x) <= stop && t >= 0 ? int(word) : 0;
            for (int step = 16; step; step /= 2) part += __shfl_down_sync(~0u, part, step);
            before += __shfl_sync(~0u, part, 0);
            if (done) break;
        }
        if (threadIdx.x == 0) before_shared = before;
    }
    if (threadIdx.x == 0) {
        __threadfence();
        status[tile] = inclusive | unsigned(before_shared + total);
    }
    __syncthreads();
    if (i < n) out[i] = sum + before_shared;
}

template <bool whole_warp>
void test(int n) {
    int tiles = (n + threads - 1) / threads;
    int *in = managed<int>(n), *out = managed<int>(n);
    auto* status = managed<unsigned long long>(tiles);
    auto* next = managed<unsigned>(1);
    for (int i = 0; i < n; i++) in[i] = i % 5;
    scan<whole_warp><<<tiles, threads>>>(in, out, n, status, next);
    CHECK(cudaDeviceSynchronize());
    int sum = 0;
    for (int i = 0; i < n; i++) EXPECT_EQUAL(out[i], sum += in[i], i);
}

int main() {
    for (int n : {1, 128, 1000, 50000}) {
        test<false>(n);
        test<true>(n);
    }
    return summary();
}
