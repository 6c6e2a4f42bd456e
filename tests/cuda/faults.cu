// Bad kernels leave the host process alive: every fault gives the code that CUDA documents, the error sticks to the context,
// cudaDeviceReset makes the device usable again, and work done afterwards is right. Each fault comes in kernels without and
// with a barrier, at uniform, consecutive, scattered addresses and in single lanes, and the whole list runs three times.
// (CUDA Runtime API, cudaError: 700, 710, 714, 716, 719.)
#include "check.h"

#include <cassert>
#include <cstdint>
#include <fcntl.h>
#include <unistd.h>

enum Place { uniform, consecutive, scattered, one_lane, last_lanes };

template <bool barrier>
__device__ void maybe_wait() {
    if (barrier) __syncthreads();
}

__device__ size_t place_of(Place place, unsigned i) {
    switch (place) {
    case uniform:
        return 0;
    case consecutive:
        return i;
    default:
        return i * 7919 % 1024;
    }
}

__device__ bool takes_part(Place place, unsigned i) {
    return place == one_lane ? i == 5 : place == last_lanes ? i >= 40 : true;
}

// good: what lanes that take no part read and write.
template <bool barrier>
__global__ void reads(const int* bad, int* good, Place place) {
    unsigned i = threadIdx.x;
    int x = good[i];
    maybe_wait<barrier>();
    if (takes_part(place, i)) x += bad[place_of(place, i)];
    maybe_wait<barrier>();
    good[i] = x;
}

template <bool barrier>
__global__ void writes(int* bad, int* good, Place place) {
    unsigned i = threadIdx.x;
    good[i]++;
    maybe_wait<barrier>();
    if (takes_part(place, i)) bad[place_of(place, i)] = i;
    maybe_wait<barrier>();
    good[i]++;
}

template <bool barrier>
__global__ void runs_off(int* data, int* good, size_t step) {
    unsigned i = threadIdx.x;
    maybe_wait<barrier>();
    for (size_t at = i;; at += step) {
        data[at]++;
        if (data[at] == -77) break;
    }
    maybe_wait<barrier>();
    good[i] = 1;
}

template <bool barrier>
__global__ void traps(int* good, Place place) {
    unsigned i = threadIdx.x;
    maybe_wait<barrier>();
    if (takes_part(place, i) && good[i] == 0) __trap();
    maybe_wait<barrier>();
    good[i] = 1;
}

template <bool barrier>
__global__ void asserts(int* good, Place place) {
    unsigned i = threadIdx.x;
    maybe_wait<barrier>();
    if (takes_part(place, i)) assert(good[i] == 1 && "must fail");
    maybe_wait<barrier>();
    good[i] = 2;
}

// Unbounded for whoever cannot know `stop`.
__device__ __noinline__ int deeper(volatile int* stop, int depth) {
    int local[16];
    for (int i = 0; i < 16; i++) local[i] = depth + i * *stop;
    if (*stop == -1) return depth;
    int below = deeper(stop, depth + 1);
    return below + local[below & 15];
}

template <bool barrier>
__global__ void recurses(int* good, Place place) {
    unsigned i = threadIdx.x;
    maybe_wait<barrier>();
    if (takes_part(place, i)) good[i] = deeper(good, 0);
    maybe_wait<barrier>();
}

template <bool barrier>
__global__ void divides(int* out, const int* by, const long long* by_long) {
    unsigned i = threadIdx.x;
    maybe_wait<barrier>();
    int x = 1000 / by[i] + 1000 % by[i];
    unsigned u = 1000u / (unsigned)by[i];
    long long l = (long long)i / by_long[i];
    int least = INT32_MIN / (by[i] - 1);
    maybe_wait<barrier>();
    out[i] = x * 0 + (int)(u * 0) + (int)(l * 0) + least * 0 + 7;
}

template <bool barrier>
__global__ void adds(int* data, int n) {
    __shared__ int tile[128];
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    tile[threadIdx.x] = i < n ? data[i] : 0;
    maybe_wait<barrier>();
    if (i < n) data[i] = (barrier ? tile[threadIdx.x ^ 1] : tile[threadIdx.x]) + 1;
}

constexpr int threads = 64;

// After a reset: allocation, copies, kernels of both kinds, a stream.
void expect_device_works() {
    CHECK(cudaGetLastError());
    const int n = 1024;
    int host[n], *data;
    CHECK(cudaMalloc(&data, sizeof host));
    for (int i = 0; i < n; i++) host[i] = i;
    CHECK(cudaMemcpy(data, host, sizeof host, cudaMemcpyHostToDevice));
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    adds<false><<<8, 128, 0, stream>>>(data, n);
    adds<true><<<8, 128, 0, stream>>>(data, n);
    CHECK(cudaStreamSynchronize(stream));
    CHECK(cudaStreamDestroy(stream));
    CHECK(cudaMemcpy(host, data, sizeof host, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) EXPECT_EQUAL(host[i], (i ^ 1) + 2, i);
    CHECK(cudaFree(data));
}

int* good() {
    int* memory;
    CHECK(cudaMalloc(&memory, 4096));
    CHECK(cudaMemset(memory, 0, 4096));
    return memory;
}

// After a launch: the code arrives, sticks, and goes away with a reset.
void expect_fault(cudaError_t expected, const char* what, int variant) {
    cudaError_t launched = cudaGetLastError();
    if (launched != cudaSuccess && launched != expected) std::printf("%s %d: launch: %s\n", what, variant, cudaGetErrorName(launched));
    cudaError_t first = cudaDeviceSynchronize();
    if (first != expected) {
        failures++;
        std::printf("%s %d: %s instead of %s\n", what, variant, cudaGetErrorName(first), cudaGetErrorName(expected));
    }
    // Sticky: cudaGetLastError doesn't clear it, later calls meet it again.
    void* memory = nullptr;
    cudaGetLastError();
    cudaError_t second = cudaMalloc(&memory, 16);
    cudaError_t third = cudaDeviceSynchronize();
    if (second != expected || third != expected) {
        failures++;
        std::printf("%s %d: not sticky: %s, %s\n", what, variant, cudaGetErrorName(second), cudaGetErrorName(third));
    }
    CHECK(cudaDeviceReset());
    cudaGetLastError();
}

template <bool barrier>
void all_faults(int round) {
    int variant = round * 10 + barrier;
    auto* low = reinterpret_cast<int*>(uintptr_t(0));
    auto* wild = reinterpret_cast<int*>(uintptr_t(0x7123456789000000ull)); // not canonical on x86: the handler sees no address
    for (Place place : {uniform, consecutive, scattered, one_lane, last_lanes}) {
        reads<barrier><<<1, threads>>>(low, good(), place);
        expect_fault(cudaErrorIllegalAddress, "read at 0", variant * 10 + place);
        writes<barrier><<<2, threads>>>(low, good(), place);
        expect_fault(cudaErrorIllegalAddress, "write at 0", variant * 10 + place);
        writes<barrier><<<1, threads>>>(wild, good(), place);
        expect_fault(cudaErrorIllegalAddress, "wild write", variant * 10 + place);
        int* data = good();
        reads<barrier><<<1, threads>>>(reinterpret_cast<int*>(reinterpret_cast<char*>(data) + 2), good(), place);
        expect_fault(cudaErrorMisalignedAddress, "misaligned read", variant * 10 + place);
        data = good();
        writes<barrier><<<1, threads>>>(reinterpret_cast<int*>(reinterpret_cast<char*>(data) + 1), good(), place);
        expect_fault(cudaErrorMisalignedAddress, "misaligned write", variant * 10 + place);
        traps<barrier><<<1, threads>>>(good(), place);
        expect_fault(cudaErrorLaunchFailure, "trap", variant * 10 + place);
        asserts<barrier><<<1, threads>>>(good(), place);
        expect_fault(cudaErrorAssert, "assert", variant * 10 + place);
    }
    expect_device_works();
    for (size_t step : {size_t(64), size_t(1) << 16, size_t(1) << 26}) {
        int* data = good();
        runs_off<barrier><<<1, threads>>>(data, good(), step);
        expect_fault(cudaErrorIllegalAddress, "runs off", variant);
    }
    expect_device_works();
    for (Place place : {uniform, one_lane}) {
        recurses<barrier><<<1, threads>>>(good(), place);
        cudaError_t error = cudaDeviceSynchronize();
        // A GPU answers with either, depending on whether the guard or unmapped memory is met.
        EXPECT(error == cudaErrorHardwareStackError || error == cudaErrorIllegalAddress);
        expect_fault(error, "stack overflow", variant);
    }
    expect_device_works();
    int* by = good(); // all zero
    auto* by_long = reinterpret_cast<long long*>(good());
    int* out = good();
    divides<barrier><<<1, threads>>>(out, by, by_long);
    CHECK(cudaDeviceSynchronize());
    int host[threads];
    CHECK(cudaMemcpy(host, out, sizeof host, cudaMemcpyDeviceToHost));
    for (int x : host) EXPECT_EQUAL(x, 7, 0);
    expect_device_works();
}

int main() {
    // Failed asserts print one line per thread; the test needs none of them.
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 2);
    for (int round = 0; round < 3; round++) {
        all_faults<false>(round);
        all_faults<true>(round);
    }
    return summary();
}
