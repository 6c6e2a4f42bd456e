// The language beyond single instructions: early exits before barriers, odd block shapes, warp operations under divergence,
// memory spaces, addresses in initialisers, function pointers, virtual functions, recursion, device malloc, struct parameters.
#include "check.h"

#include <cooperative_groups.h>
#include <thread>
#include <vector>
namespace cg = cooperative_groups;

__global__ void early_exit(int* out, int n) {
    __shared__ int sum;
    if (threadIdx.x == 0) sum = 0;
    __syncthreads();
    if (threadIdx.x >= n) return;
    atomicAdd(&sum, 1);
    __syncthreads();
    out[threadIdx.x] = sum;
}

__global__ void odd_block(int* out) {
    int flat = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    __shared__ int order[7 * 5 * 3];
    order[flat] = threadIdx.x * 100 + threadIdx.y * 10 + threadIdx.z;
    __syncthreads();
    out[flat] = order[7 * 5 * 3 - 1 - flat];
}

__global__ void warp_level(int* out) {
    int lane = threadIdx.x;
    int* row = out + lane;
    row[0] = __shfl_up_sync(~0u, lane, 3, 8);
    row[32] = __shfl_down_sync(~0u, lane, 2, 16);
    row[64] = __shfl_xor_sync(~0u, lane, 5);
    row[96] = __shfl_sync(~0u, lane, 9, 8);
    if (lane % 3 == 0) {
        row[128] = __ballot_sync(0x49249249, lane > 10);
        row[160] = __shfl_sync(0x49249249, lane * 2, 27);
    } else {
        row[128] = __popc(__activemask());
        row[160] = __match_any_sync(0xb6db6db6, lane / 8);
    }
    auto tile = cg::tiled_partition<8>(cg::this_thread_block());
    int sum = lane;
    for (int step = 4; step; step /= 2) sum += tile.shfl_xor(sum, step);
    row[192] = sum * 100 + tile.thread_rank();
}

__constant__ int table[8] = {1, 2, 4, 8, 16, 32, 64, 128};
__device__ int numbers[4] = {10, 20, 30, 40};
__device__ int* pointer = &numbers[2];
__device__ const char* const names[2] = {"ab", "cd"};
extern __shared__ int dynamic_memory[];

struct Big {
    char letter;
    double value;
    short list[5];
};
struct Shape {
    __device__ virtual int area() const { return 1; }
    __device__ virtual ~Shape() {}
};
struct Square : Shape {
    int side;
    __device__ Square(int side) : side(side) {}
    __device__ int area() const override { return side * side; }
};
__device__ int twice(int x) { return 2 * x; }
__device__ int minus(int x) { return -x; }
typedef int (*Function)(int);
__device__ Function functions[2] = {twice, minus};
__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

__global__ void spaces(int* out, Big big) {
    int i = threadIdx.x;
    dynamic_memory[i] = table[i % 8];
    __syncthreads();
    out[i] = dynamic_memory[i ^ 1] + *pointer + names[i % 2][1] + big.letter + int(big.value) + big.list[i % 5];
}
__global__ void virtual_calls(int* out) {
    int i = threadIdx.x;
    Shape* shape = i % 2 ? new Square(i) : new Shape;
    out[i] = shape->area() + functions[i % 3 == 0](i) * 1000;
    delete shape;
}
__global__ void recursion(int* out) { out[threadIdx.x] = fibonacci(threadIdx.x % 12); }
__global__ void heap(int** out) {
    int* mine = (int*)malloc(40);
    for (int k = 0; k < 10; k++) mine[k] = threadIdx.x * 10 + k;
    out[threadIdx.x] = mine;
}
__global__ void heap_sum(int** in, int* out) {
    int sum = 0;
    for (int k = 0; k < 10; k++) sum += in[threadIdx.x][k];
    free(in[threadIdx.x]);
    out[threadIdx.x] = sum;
}
template <class T> __global__ void add_all(T* out) { atomicAdd(out + threadIdx.x % 2, T(threadIdx.x % 4)); }
__global__ void extremes(int* s, unsigned* u, unsigned long long* l) {
    int x = int(threadIdx.x) - 40;
    atomicMin(s, x), atomicMax(s + 1, x), atomicMin(u, unsigned(x)), atomicMax(u + 1, threadIdx.x);
    atomicOr(u + 2, 1u << threadIdx.x % 32), atomicXor(u + 3, threadIdx.x), atomicInc(u + 4, 6), atomicMax(l, 1ull << threadIdx.x % 50);
}
__global__ void clocks(long long* out) {
    long long begin = clock64();
    for (volatile int k = 0; k < 100; k = k + 1);
    *out = clock64() - begin;
}
__global__ void step(int* data, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) data[i] = data[i] * 3 + 1;
}
template <class T> void test_add() {
    T* out = managed<T>(2);
    add_all<<<3, 100>>>(out);
    CHECK(cudaDeviceSynchronize());
    EXPECT_EQUAL(out[0], T(150), sizeof(T));
    EXPECT_EQUAL(out[1], T(300), sizeof(T));
}

int main() {
    int* out = managed<int>(1024);
    for (int n : {1, 31, 33, 50}) {
        early_exit<<<1, 70>>>(out, n);
        CHECK(cudaDeviceSynchronize());
        for (int i = 0; i < n; i++) EXPECT_EQUAL(out[i], n, i);
    }
    odd_block<<<2, dim3(7, 5, 3)>>>(out);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 105; i++) EXPECT_EQUAL(out[104 - i], i % 7 * 100 + i / 7 % 5 * 10 + i / 35, i);
    warp_level<<<1, 32>>>(out);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 32; i++) {
        EXPECT_EQUAL(out[i], i % 8 < 3 ? i : i - 3, i);
        EXPECT_EQUAL(out[32 + i], i % 16 + 2 > 15 ? i : i + 2, i);
        EXPECT_EQUAL(out[64 + i], i ^ 5, i);
        EXPECT_EQUAL(out[96 + i], i / 8 * 8 + 1, i);
        if (i % 3 == 0) {
            EXPECT_EQUAL(unsigned(out[128 + i]), 0x49249249u & ~0x7ffu, i);
            EXPECT_EQUAL(out[160 + i], 54, i);
        } else {
            EXPECT(out[128 + i] >= 1 && out[128 + i] <= 21);
            EXPECT_EQUAL(unsigned(out[160 + i]), 0xb6db6db6u & 0xffu << i / 8 * 8, i);
        }
        EXPECT_EQUAL(out[192 + i], (i / 8 * 64 + 28) * 100 + i % 8, i);
    }
    Big big{3, 1000.5, {1, 2, 3, 4, 5}};
    spaces<<<1, 100, 400>>>(out, big);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 100; i++) EXPECT_EQUAL(out[i], (1 << (i ^ 1) % 8) + 30 + "bd"[i % 2] + 3 + 1000 + i % 5 + 1, i);
    virtual_calls<<<1, 70>>>(out);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 70; i++) EXPECT_EQUAL(out[i], (i % 2 ? i * i : 1) + (i % 3 == 0 ? -i : 2 * i) * 1000, i);
    recursion<<<1, 48>>>(out);
    CHECK(cudaDeviceSynchronize());
    const int expected[] = {0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89};
    for (int i = 0; i < 48; i++) EXPECT_EQUAL(out[i], expected[i % 12], i);
    int** pointers = managed<int*>(64);
    heap<<<1, 64>>>(pointers);
    heap_sum<<<1, 64>>>(pointers, out);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 64; i++) EXPECT_EQUAL(out[i], i * 100 + 45, i);
    test_add<int>(), test_add<unsigned>(), test_add<unsigned long long>(), test_add<float>(), test_add<double>();
    int* s = managed<int>(2);
    auto* u = managed<unsigned>(5);
    auto* l = managed<unsigned long long>(1);
    u[0] = ~0u;
    extremes<<<1, 100>>>(s, u, l);
    CHECK(cudaDeviceSynchronize());
    EXPECT(s[0] == -40 && s[1] == 59 && u[0] == 0 && u[1] == 99 && u[2] == ~0u && u[3] == 0 && u[4] == 100 % 7 && l[0] == 1ull << 49);
    auto* time = managed<long long>(1);
    clocks<<<1, 1>>>(time);
    CHECK(cudaDeviceSynchronize());
    EXPECT(*time > 0);

    std::vector<std::thread> hosts; // several host threads, a stream each, ordered across two streams by an event
    for (int t = 0; t < 4; t++)
        hosts.emplace_back([t] {
            const int n = 1000;
            int *data, host[n];
            cudaStream_t a, b;
            cudaEvent_t event;
            CHECK(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
            CHECK(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
            CHECK(cudaEventCreate(&event));
            CHECK(cudaMalloc(&data, sizeof host));
            for (int repeat = 0; repeat < 20; repeat++) {
                CHECK(cudaMemsetAsync(data, 0, sizeof host, a));
                step<<<8, 128, 0, a>>>(data, n);
                CHECK(cudaEventRecord(event, a));
                CHECK(cudaStreamWaitEvent(b, event, 0));
                step<<<8, 128, 0, b>>>(data, n);
                step<<<8, 128, 0, b>>>(data, n);
                CHECK(cudaMemcpyAsync(host, data, sizeof host, cudaMemcpyDeviceToHost, b));
                CHECK(cudaStreamSynchronize(b));
                for (int i = 0; i < n; i++) EXPECT_EQUAL(host[i], 13, t);
            }
        });
    for (auto& host : hosts) host.join();
    return summary();
}
