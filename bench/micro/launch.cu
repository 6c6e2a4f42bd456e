// Single measurements of the platform, not of kernels: launches, graphs, copies, events. Every line is `MICRO name value unit`; a value
// is the median of many repetitions. micro.py prints them as a table.
#include "../bench.h"

#include <cstring>
#include <cuda.h>

__global__ void nothing() {}
__global__ void increment(int* counter) { ++*counter; }

static void check(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "%s failed\n", what);
    std::exit(1);
}

static void show(const char* name, double value, const char* unit) { std::printf("MICRO\t%s\t%.4g\t%s\n", name, value, unit); }

static void launches() {
    constexpr int burst = 1000, kernels = 100;
    auto sync = [] { check(cudaDeviceSynchronize() == cudaSuccess, "cudaDeviceSynchronize"); };
    show("empty kernel, launch and synchronise", 1e6 * bench::median_seconds([&] {
             for (int i = 0; i < 200; ++i) nothing<<<1, 32>>>(), sync();
         }, 21) / 200, "us");
    show("empty kernel of 1024 blocks, launch and synchronise", 1e6 * bench::median_seconds([&] {
             for (int i = 0; i < 50; ++i) nothing<<<1024, 256>>>(), sync();
         }, 21) / 50, "us");
    show("1000 launches, then one synchronise: each", 1e6 * bench::median_seconds([&] {
             for (int i = 0; i < burst; ++i) nothing<<<1, 32>>>();
             sync();
         }, 21) / burst, "us");
    int *counter, count = 0;
    cudaMalloc(&counter, 4), cudaMemset(counter, 0, 4);
    double seconds = bench::median_seconds([&] {
        for (int i = 0; i < burst; ++i) increment<<<1, 1>>>(counter);
        sync();
    }, 10);
    cudaMemcpy(&count, counter, 4, cudaMemcpyDeviceToHost);
    check(count == 11 * burst, "counting launches");
    show("1000 launches with an argument: each", 1e6 * seconds / burst, "us");
    cudaFunction_t function;
    check(cudaGetFuncBySymbol(&function, reinterpret_cast<const void*>(nothing)) == cudaSuccess, "cudaGetFuncBySymbol");
    show("1000 launches through the driver API: each", 1e6 * bench::median_seconds([&] {
             for (int i = 0; i < burst; ++i) cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr);
             sync();
         }, 21) / burst, "us");
    cudaStream_t stream;
    cudaStreamCreate(&stream);
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    cudaMemset(counter, 0, 4);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
    for (int i = 0; i < kernels; ++i) increment<<<1, 1, 0, stream>>>(counter);
    check(cudaStreamEndCapture(stream, &graph) == cudaSuccess, "cudaStreamEndCapture");
    check(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess, "cudaGraphInstantiate");
    show("captured graph of 100 kernels, launch and synchronise", 1e6 * bench::median_seconds([&] {
             cudaGraphLaunch(exec, stream), cudaStreamSynchronize(stream);
         }, 100), "us");
    cudaMemcpy(&count, counter, 4, cudaMemcpyDeviceToHost);
    check(count == 101 * kernels, "counting the graph's kernels");
    cudaEvent_t event;
    cudaEventCreate(&event);
    show("event record: each of 1000", 1e6 * bench::median_seconds([&] {
             for (int i = 0; i < burst; ++i) cudaEventRecord(event, stream);
             cudaStreamSynchronize(stream);
         }, 21) / burst, "us");
}

static void copies() {
    constexpr size_t size = 64 << 20;
    std::vector<char> from(size, 1), to(size, 2);
    char *a, *b;
    cudaMalloc(&a, size), cudaMalloc(&b, size);
    cudaMemset(a, 3, size), cudaMemset(b, 4, size);
    // Twice each in turn; bench::median_seconds runs each once before.
    auto rate = [&](auto job) { return size / bench::median_seconds(job, 9) * 1e-9; };
    show("memcpy of the C library, 64 MiB", rate([&] { std::memcpy(to.data(), from.data(), size); }), "GB/s");
    show("cudaMemcpy host to device", rate([&] { cudaMemcpy(a, from.data(), size, cudaMemcpyHostToDevice); }), "GB/s");
    show("cudaMemcpy device to host", rate([&] { cudaMemcpy(to.data(), a, size, cudaMemcpyDeviceToHost); }), "GB/s");
    show("cudaMemcpy device to device", rate([&] { cudaMemcpy(b, a, size, cudaMemcpyDeviceToDevice), cudaDeviceSynchronize(); }), "GB/s");
    cudaMemcpy(to.data(), b, size, cudaMemcpyDeviceToHost);
    check(to == from, "copying");
    show("cudaMemcpy of 4 bytes, device to host", 1e6 * bench::median_seconds([&] {
             for (int i = 0; i < 1000; ++i) cudaMemcpy(to.data(), a, 4, cudaMemcpyDeviceToHost);
         }, 21) / 1000, "us");
}

int main() {
    bench::median_seconds([] {}, 1);
    launches();
    copies();
}
