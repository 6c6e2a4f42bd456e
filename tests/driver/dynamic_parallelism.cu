// Kernels that launch kernels: order within streams, events, tail launches, nested launches, copies, errors. Built by nvcc with
// -rdc=true, so that its calls of the device runtime are those of every such program.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                                                              \
    do {                                                                                                                         \
        cudaError_t error = (call);                                                                                              \
        if (error != cudaSuccess) std::printf("%s: %s\n", #call, cudaGetErrorString(error)), std::exit(1);                       \
    } while (0)
#define EXPECT(condition)                                                                                                        \
    if (!(condition)) std::printf("line %d: %s\n", __LINE__, #condition), failures++
static int failures = 0;

__global__ void append(int* list, int* count, int value) { list[atomicAdd(count, 1)] = value; }
__global__ void add(int* values, int n, int what) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) values[i] += what;
}
__global__ void slow(int* value) {
    for (int i = 0; i < 2000; i++) atomicAdd(value, 1);
}
__global__ void read(int* from, int* to) { *to = *from; }

// One stream runs in order; a tail launch comes after everything, a child's child included.
__global__ void in_order(int* list, int* count) {
    append<<<1, 1, 0, cudaStreamTailLaunch>>>(list, count, 100);
    append<<<1, 1, 0, cudaStreamTailLaunch>>>(list, count, 101);
    for (int i = 0; i < 8; i++) append<<<1, 1>>>(list, count, i);
}

__global__ void nest(int* count, int depth) {
    atomicAdd(count, 1);
    if (depth > 0) nest<<<2, 1>>>(count, depth - 1);
}

// The second stream waits for the first.
__global__ void events(int* value, int* seen) {
    cudaStream_t a, b;
    cudaEvent_t event;
    cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    slow<<<4, 32, 0, a>>>(value);
    cudaEventRecord(event, a);
    cudaStreamWaitEvent(b, event, 0);
    read<<<1, 1, 0, b>>>(value, seen);
    cudaEventDestroy(event);
    cudaStreamDestroy(a);
    cudaStreamDestroy(b);
}

__global__ void per_thread(int* values, int n) {
    // Every thread of a warp launches, half of them twice.
    add<<<1, 1>>>(values + threadIdx.x, 1, threadIdx.x + 1);
    if (threadIdx.x % 2) add<<<1, 1, 0, cudaStreamFireAndForget>>>(values + threadIdx.x, 1, 1000);
}

__global__ void copies(int* to, const int* from, int n, int* filled) {
    cudaMemcpyAsync(to, from, n * sizeof(int), cudaMemcpyDeviceToDevice, 0);
    add<<<(n + 63) / 64, 64>>>(to, n, 1); // behind the copy
    cudaMemsetAsync(filled, 0x11, n * sizeof(int), 0);
}

// Rows 1 and 2 and slices 1 and 2 of `from` (4 x 4 x 4 numbers) go to the start of `to`; one slice of `filled` is set.
__global__ void volumes(int* to, int* from, int* filled, cudaFuncAttributes* attributes) {
    cudaMemcpy3DParms copy = {};
    copy.srcPtr = cudaPitchedPtr{from, 16, 4, 4};
    copy.srcPos = cudaPos{4, 1, 1};
    copy.dstPtr = cudaPitchedPtr{to, 12, 3, 2};
    copy.extent = cudaExtent{12, 2, 2};
    copy.kind = cudaMemcpyDeviceToDevice;
    if (cudaMemcpy3DAsync(&copy, 0) != cudaSuccess) to[63] = 1;
    if (cudaMemset3DAsync(cudaPitchedPtr{filled, 16, 4, 4}, 0x22, cudaExtent{8, 1, 2}, 0) != cudaSuccess) to[63] = 2;
    if (cudaFuncGetAttributes(attributes, add) != cudaSuccess) to[63] = 3;
    cudaFuncCache preference = cudaFuncCachePreferL1;
    if (cudaDeviceGetCacheConfig(&preference) != cudaSuccess || preference != cudaFuncCachePreferNone) to[63] = 4;
}

__global__ void mistakes(int* errors) {
    append<<<1, 2048>>>(nullptr, nullptr, 0); // too many threads
    errors[0] = cudaPeekAtLastError();
    errors[1] = cudaGetLastError();
    errors[2] = cudaGetLastError();
    cudaStream_t stream;
    errors[3] = cudaStreamCreateWithFlags(&stream, 0); // must be non-blocking
    errors[4] = cudaGetDeviceCount(&errors[5]);
}

__global__ void wild() { *(volatile int*)16 = 1; }
__global__ void launches_wild() { wild<<<1, 1>>>(); }

int main() {
    int *list, *count, *values;
    constexpr int n = 1000;
    CHECK(cudaMallocManaged(&list, n * sizeof(int)));
    CHECK(cudaMallocManaged(&count, sizeof(int)));
    CHECK(cudaMallocManaged(&values, n * sizeof(int)));

    *count = 0;
    in_order<<<1, 1>>>(list, count);
    CHECK(cudaDeviceSynchronize());
    EXPECT(*count == 10);
    for (int i = 0; i < 8; i++) EXPECT(list[i] == i);
    EXPECT(list[8] == 100 && list[9] == 101);

    *count = 0;
    nest<<<1, 1>>>(count, 5);
    CHECK(cudaDeviceSynchronize());
    EXPECT(*count == 63);

    values[0] = 0, values[1] = -1;
    events<<<1, 1>>>(values, values + 1);
    CHECK(cudaDeviceSynchronize());
    EXPECT(values[1] == 4 * 32 * 2000);

    for (int i = 0; i < 64; i++) values[i] = 0;
    per_thread<<<1, 64>>>(values, 64);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 64; i++) EXPECT(values[i] == i + 1 + (i % 2 ? 1000 : 0));

    for (int i = 0; i < n; i++) list[i] = i;
    int* filled;
    CHECK(cudaMallocManaged(&filled, n * sizeof(int)));
    copies<<<1, 1>>>(values, list, n, filled);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < n; i++) EXPECT(values[i] == i + 1 && filled[i] == 0x11111111);

    for (int i = 0; i < 64; i++) list[i] = i, values[i] = 0, filled[i] = 0;
    cudaFuncAttributes *attributes, on_host;
    CHECK(cudaMallocManaged(&attributes, sizeof *attributes));
    CHECK(cudaFuncGetAttributes(&on_host, add));
    volumes<<<1, 1>>>(values, list, filled, attributes);
    CHECK(cudaDeviceSynchronize());
    EXPECT(values[63] == 0);
    for (int z = 0; z < 2; z++)
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 3; x++) EXPECT(values[(z * 2 + y) * 3 + x] == ((z + 1) * 4 + y + 1) * 4 + x + 1);
    EXPECT(filled[0] == 0x22222222 && filled[1] == 0x22222222 && filled[2] == 0 && filled[4] == 0 && filled[16] == 0x22222222 && filled[32] == 0);
    EXPECT(attributes->maxThreadsPerBlock == on_host.maxThreadsPerBlock && attributes->numRegs == on_host.numRegs &&
           attributes->maxDynamicSharedSizeBytes == on_host.maxDynamicSharedSizeBytes && attributes->ptxVersion == on_host.ptxVersion);

    mistakes<<<1, 1>>>(list);
    CHECK(cudaDeviceSynchronize());
    EXPECT(list[0] == cudaErrorInvalidConfiguration && list[1] == cudaErrorInvalidConfiguration && list[2] == cudaSuccess);
    EXPECT(list[3] == cudaErrorInvalidValue && list[4] == cudaSuccess && list[5] >= 1);

    launches_wild<<<1, 1>>>();
    EXPECT(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    std::printf(failures ? "%d failures\n" : "passed\n", failures);
    return failures != 0;
}
