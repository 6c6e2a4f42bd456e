// Eight host threads, each with its own streams, events, graphs, pool, memory and module, and a stream and an event that all of them
// use: what a race or a leak in the driver needs to show itself. Every result is checked. The program ends with nothing left
// allocated, so that a leak checker has the last word: stress [ROUNDS] [THREADS].
#include <cuda.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

#define OK(call)                                                                                                                 \
    do {                                                                                                                         \
        CUresult result_ = (call);                                                                                               \
        if (result_ != CUDA_SUCCESS) fail(#call, result_, __LINE__);                                                             \
    } while (0)

[[noreturn]] void fail(const char* call, CUresult result, int line) {
    const char* name = "?";
    cuGetErrorName(result, &name);
    std::fprintf(stderr, "line %d: %s: %s\n", line, call, name);
    std::_Exit(1);
}

void expect(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "wrong: %s\n", what);
    std::_Exit(1);
}

/// add(values, n, what) with a barrier and a shared variable, and deepen(values, n, depth), which adds `depth` by way of a recursive
/// function that waits at a barrier: its lanes have stacks of their own. The text differs per thread, so that modules are compiled at
/// the same time.
std::string module_text(int thread) {
    return R"(.version 7.0
.target sm_70
.address_size 64
.visible .global .align 4 .u32 own = )" +
           std::to_string(thread) + R"(;
.visible .entry add(.param .u64 values, .param .u32 n, .param .u32 what)
{
    .reg .pred %p<2>;
    .reg .b32 %r<10>;
    .reg .b64 %rd<5>;
    .shared .align 4 .b32 sum[1];
    ld.param.u64 %rd1, [values];
    ld.param.u32 %r1, [n];
    ld.param.u32 %r2, [what];
    mov.u32 %r3, %ctaid.x;
    mov.u32 %r4, %ntid.x;
    mov.u32 %r5, %tid.x;
    mad.lo.s32 %r6, %r3, %r4, %r5;
    st.shared.u32 [sum], %r2;
    bar.sync 0;
    ld.shared.u32 %r2, [sum];
    setp.ge.u32 %p1, %r6, %r1;
    @%p1 bra done;
    mul.wide.u32 %rd2, %r6, 4;
    add.s64 %rd3, %rd1, %rd2;
    ld.global.u32 %r7, [%rd3];
    add.u32 %r8, %r7, %r2;
    st.global.u32 [%rd3], %r8;
done:
    ret;
}
.func (.param .u32 result) count(.param .u32 depth)
{
    .reg .pred %p<2>;
    .reg .b32 %r<5>;
    ld.param.u32 %r1, [depth];
    mov.u32 %r4, 0;
    setp.eq.u32 %p1, %r1, 0;
    @%p1 bra end;
    bar.sync 0;
    sub.u32 %r2, %r1, 1;
    {
        .param .b32 given;
        .param .b32 back;
        st.param.b32 [given], %r2;
        call.uni (back), count, (given);
        ld.param.b32 %r3, [back];
    }
    add.u32 %r4, %r3, 1;
end:
    st.param.u32 [result], %r4;
    ret;
}
.visible .entry deepen(.param .u64 values, .param .u32 n, .param .u32 depth)
{
    .reg .b32 %r<10>;
    .reg .b64 %rd<5>;
    ld.param.u64 %rd1, [values];
    ld.param.u32 %r2, [depth];
    mov.u32 %r3, %ctaid.x;
    mov.u32 %r4, %ntid.x;
    mov.u32 %r5, %tid.x;
    mad.lo.s32 %r6, %r3, %r4, %r5;
    mul.wide.u32 %rd2, %r6, 4;
    add.s64 %rd3, %rd1, %rd2;
    {
        .param .b32 given;
        .param .b32 back;
        st.param.b32 [given], %r2;
        call.uni (back), count, (given);
        ld.param.b32 %r1, [back];
    }
    ld.global.u32 %r7, [%rd3];
    add.u32 %r8, %r7, %r1;
    st.global.u32 [%rd3], %r8;
    ret;
}
)";
}

struct Shared {
    CUcontext context;
    CUstream stream; // of all threads
    CUevent event;
    std::atomic<int> callbacks{0};
};

constexpr unsigned count = 2048;

void launch(CUfunction function, CUstream stream, CUdeviceptr values, unsigned what) {
    unsigned n = count;
    void* parameters[] = {&values, &n, &what};
    OK(cuLaunchKernel(function, count / 128, 1, 1, 128, 1, 1, 0, stream, parameters, nullptr));
}

void check(CUdeviceptr values, CUstream stream, unsigned wanted, const char* what) {
    std::vector<unsigned> read(count);
    OK(cuMemcpyDtoHAsync(read.data(), values, count * 4, stream));
    OK(cuStreamSynchronize(stream));
    for (unsigned value : read) expect(value == wanted, what);
}

void round(Shared& shared, int thread, int turn) {
    CUmodule module = nullptr;
    CUfunction add = nullptr, deepen = nullptr;
    std::string text = module_text(thread);
    OK(cuModuleLoadData(&module, text.c_str()));
    OK(cuModuleGetFunction(&add, module, "add"));
    OK(cuModuleGetFunction(&deepen, module, "deepen"));
    CUdeviceptr own = 0;
    size_t own_bytes = 0;
    OK(cuModuleGetGlobal(&own, &own_bytes, module, "own"));

    CUstream first = nullptr, second = nullptr;
    CUevent event = nullptr, end = nullptr;
    OK(cuStreamCreate(&first, turn % 2 ? CU_STREAM_NON_BLOCKING : CU_STREAM_DEFAULT));
    OK(cuStreamCreateWithPriority(&second, CU_STREAM_NON_BLOCKING, turn % 3 - 1));
    OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    OK(cuEventCreate(&end, CU_EVENT_DEFAULT));

    // Two streams and an event between them, memory of a pool, a host function.
    CUmemPoolProps properties{};
    properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
    CUmemoryPool pool = nullptr;
    OK(cuMemPoolCreate(&pool, &properties));
    CUdeviceptr values = 0;
    OK(cuMemAllocFromPoolAsync(&values, count * 4, pool, first));
    OK(cuMemsetD32Async(values, 5, count, first));
    launch(add, first, values, 3);
    OK(cuEventRecord(event, first));
    OK(cuStreamWaitEvent(second, event, 0));
    launch(add, second, values, 4);
    OK(cuLaunchHostFunc(second, [](void* data) { ++*static_cast<std::atomic<int>*>(data); }, &shared.callbacks));
    OK(cuEventRecord(end, second));
    check(values, second, 12, "two streams");
    OK(cuEventQuery(end));
    unsigned is = 0;
    OK(cuMemcpyDtoH(&is, own, sizeof is));
    expect(is == unsigned(thread), "a module's variable");

    // The stream and the event of all threads.
    CUdeviceptr other = 0;
    OK(cuMemAlloc(&other, count * 4));
    OK(cuMemsetD32Async(other, 1, count, shared.stream));
    launch(add, shared.stream, other, 1);
    OK(cuEventRecord(shared.event, shared.stream));
    OK(cuStreamWaitEvent(first, shared.event, 0));
    check(other, first, 2, "the common stream");

    // A captured graph, launched thrice.
    CUgraph graph = nullptr;
    CUgraphExec exec = nullptr;
    OK(cuStreamBeginCapture(second, CU_STREAM_CAPTURE_MODE_RELAXED));
    launch(add, second, other, 10);
    launch(add, second, other, 20);
    OK(cuStreamEndCapture(second, &graph));
    OK(cuGraphInstantiate(&exec, graph, 0));
    for (int i = 0; i < 3; i++) OK(cuGraphLaunch(exec, second));
    check(other, second, 92, "a graph");
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));

    launch(deepen, second, other, 3);
    check(other, second, 95, "recursion that waits");

    // Managed and page-locked memory, the legacy stream.
    CUdeviceptr managed = 0;
    void* host = nullptr;
    OK(cuMemAllocManaged(&managed, count * 4, CU_MEM_ATTACH_GLOBAL));
    OK(cuMemHostAlloc(&host, count * 4, 0));
    OK(cuMemsetD32(managed, unsigned(turn), count));
    OK(cuMemcpyDtoHAsync(host, managed, count * 4, nullptr));
    OK(cuStreamSynchronize(nullptr));
    expect(static_cast<unsigned*>(host)[count - 1] == unsigned(turn), "the legacy stream");
    OK(cuMemFreeHost(host));
    OK(cuMemFree(managed));

    // The module goes while a kernel of it may be queued.
    launch(add, first, values, 1);
    OK(cuMemFreeAsync(values, first));
    OK(cuModuleUnload(module));
    OK(cuMemFree(other));
    OK(cuStreamSynchronize(first));
    OK(cuEventDestroy(event));
    OK(cuEventDestroy(end));
    OK(cuStreamDestroy(first));
    OK(cuStreamDestroy(second));
    OK(cuMemPoolDestroy(pool));
}

} // namespace

int main(int argc, char** argv) {
    int rounds = argc > 1 ? std::atoi(argv[1]) : 20, threads = argc > 2 ? std::atoi(argv[2]) : 8;
    CUdevice device = 0;
    Shared shared{};
    OK(cuInit(0));
    OK(cuDeviceGet(&device, 0));
    OK(cuDevicePrimaryCtxRetain(&shared.context, device));
    OK(cuCtxSetCurrent(shared.context));
    OK(cuStreamCreate(&shared.stream, CU_STREAM_NON_BLOCKING));
    OK(cuEventCreate(&shared.event, CU_EVENT_DISABLE_TIMING));
    size_t before = 0, total = 0, after = 0;
    OK(cuMemGetInfo(&before, &total));
    std::vector<std::thread> running;
    for (int t = 0; t < threads; t++)
        running.emplace_back([&, t] {
            OK(cuCtxSetCurrent(shared.context));
            for (int turn = 0; turn < rounds; turn++) round(shared, t, turn);
        });
    for (auto& thread : running) thread.join();
    OK(cuCtxSynchronize());
    OK(cuMemGetInfo(&after, &total));
    expect(after == before, "memory is left");
    expect(shared.callbacks == rounds * threads, "host functions");
    OK(cuEventDestroy(shared.event));
    OK(cuStreamDestroy(shared.stream));
    OK(cuDevicePrimaryCtxRelease(device));
    std::printf("%d rounds on %d threads\n", rounds, threads);
    return 0;
}
