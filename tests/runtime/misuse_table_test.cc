// Calls that a program shouldn't make, as a table: the call, and the error that the CUDA runtime API documents for it; after each the
// error is the thread's last one, once. Then the runtime in a forked child.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <functional>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct Row {
    const char* call;
    std::function<cudaError_t()> make;
    cudaError_t answer;
};
#define ROW(answer, call)                                                                                                        \
    Row { #call, [&] { return call; }, answer }

void check(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        cudaGetLastError();
        EXPECT_STREQ(cudaGetErrorName(row.make()), cudaGetErrorName(row.answer)) << row.call;
        EXPECT_STREQ(cudaGetErrorName(cudaGetLastError()), cudaGetErrorName(row.answer)) << row.call << ", last error";
        EXPECT_EQ(cudaGetLastError(), cudaSuccess) << row.call;
    }
}

void nothing(void*) {}
const int not_a_kernel = 0;

TEST(RuntimeMisuse, AnswersWhatIsDocumented) {
    int number = 0;
    unsigned flags = 0;
    size_t size = 0;
    char text[8192];
    void *memory = nullptr, *made = nullptr, *symbol = nullptr;
    cudaStream_t stream = nullptr, gone_stream = nullptr;
    cudaEvent_t event = nullptr, gone_event = nullptr;
    cudaGraph_t graph = nullptr;
    cudaDeviceProp properties;
    cudaPointerAttributes attributes;
    cudaFuncAttributes function;
    cudaArray_t array = nullptr;
    cudaChannelFormatDesc three = cudaCreateChannelDesc(32, 32, 32, 0, cudaChannelFormatKindFloat);
    cudaMemPool_t pool = nullptr;
    ASSERT_EQ(cudaMalloc(&memory, 4096), cudaSuccess);
    ASSERT_EQ(cudaStreamCreate(&gone_stream), cudaSuccess);
    ASSERT_EQ(cudaStreamDestroy(gone_stream), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess); // first, or it might get the other's handle
    ASSERT_EQ(cudaEventCreate(&gone_event), cudaSuccess);
    ASSERT_EQ(cudaEventDestroy(gone_event), cudaSuccess);
    float milliseconds = 0;
    check({
        ROW(cudaErrorInvalidDevice, cudaSetDevice(99)),
        ROW(cudaErrorInvalidDevice, cudaSetDevice(-1)),
        ROW(cudaErrorInvalidValue, cudaGetDevice(nullptr)),
        ROW(cudaErrorInvalidValue, cudaGetDeviceCount(nullptr)),
        ROW(cudaErrorInvalidDevice, cudaGetDeviceProperties(&properties, 99)),
        ROW(cudaErrorInvalidDevice, cudaDeviceGetAttribute(&number, cudaDevAttrWarpSize, 99)),
        ROW(cudaErrorInvalidValue, cudaDeviceGetAttribute(&number, cudaDeviceAttr(9999), 0)),
        ROW(cudaErrorInvalidDevice, cudaDeviceCanAccessPeer(&number, 0, 99)),
        ROW(cudaErrorInvalidDevice, cudaDeviceGetDefaultMemPool(&pool, 99)),
        ROW(cudaErrorInvalidValue, cudaMalloc(nullptr, 16)),
        ROW(cudaErrorMemoryAllocation, cudaMalloc(&made, size_t{1} << 50)),
        ROW(cudaSuccess, cudaFree(nullptr)),
        ROW(cudaErrorInvalidValue, cudaFree(&number)),
        ROW(cudaErrorInvalidValue, cudaFreeHost(&number)),
        ROW(cudaErrorInvalidValue, cudaMallocManaged(&made, 16, 9)),
        ROW(cudaErrorInvalidValue, cudaHostAlloc(&made, 16, 0x100)),
        ROW(cudaErrorInvalidValue, cudaHostRegister(nullptr, 16, 0)),
        ROW(cudaErrorHostMemoryNotRegistered, cudaHostUnregister(&number)),
        ROW(cudaErrorInvalidValue, cudaHostGetDevicePointer(&made, &number, 0)),
        ROW(cudaErrorInvalidValue, cudaHostGetFlags(&flags, &number)),
        ROW(cudaErrorInvalidValue, cudaMemcpy(text, memory, 8192, cudaMemcpyDeviceToHost)),
        ROW(cudaErrorInvalidMemcpyDirection, cudaMemcpy(text, memory, 16, cudaMemcpyKind(9))),
        ROW(cudaErrorInvalidPitchValue, cudaMemcpy2D(text, 8, memory, 64, 32, 2, cudaMemcpyDeviceToHost)),
        ROW(cudaErrorInvalidValue, cudaMemset(memory, 0, 8192)),
        ROW(cudaErrorInvalidSymbol, cudaGetSymbolAddress(&symbol, &not_a_kernel)),
        ROW(cudaErrorInvalidSymbol, cudaGetSymbolSize(&size, &not_a_kernel)),
        ROW(cudaErrorInvalidSymbol, cudaMemcpyToSymbol(&not_a_kernel, text, 4, 0, cudaMemcpyHostToDevice)),
        ROW(cudaErrorInvalidValue, cudaPointerGetAttributes(nullptr, memory)),
        ROW(cudaSuccess, cudaPointerGetAttributes(&attributes, &number)), // memory that CUDA doesn't know is no error
        ROW(cudaErrorInvalidDeviceFunction, cudaFuncGetAttributes(&function, &not_a_kernel)),
        ROW(cudaErrorInvalidDeviceFunction, cudaLaunchKernel(&not_a_kernel, dim3{1, 1, 1}, dim3{1, 1, 1}, nullptr, 0, nullptr)),
        ROW(cudaErrorInvalidDeviceFunction, cudaFuncSetCacheConfig(&not_a_kernel, cudaFuncCachePreferL1)),
        ROW(cudaErrorInvalidValue, cudaStreamCreateWithFlags(&stream, 8)),
        ROW(cudaErrorInvalidResourceHandle, cudaStreamSynchronize(gone_stream)),
        ROW(cudaErrorInvalidResourceHandle, cudaStreamDestroy(gone_stream)),
        ROW(cudaErrorInvalidResourceHandle, cudaStreamGetFlags(gone_stream, &flags)),
        ROW(cudaErrorInvalidValue, cudaLaunchHostFunc(nullptr, nullptr, nullptr)),
        ROW(cudaErrorInvalidResourceHandle, cudaLaunchHostFunc(gone_stream, nothing, nullptr)),
        ROW(cudaErrorIllegalState, cudaStreamEndCapture(cudaStreamPerThread, &graph)),
        ROW(cudaErrorInvalidValue, cudaEventCreateWithFlags(&gone_event, 0x80)),
        ROW(cudaErrorInvalidResourceHandle, cudaEventQuery(gone_event)),
        ROW(cudaErrorInvalidResourceHandle, cudaEventElapsedTime(&milliseconds, event, event)),
        ROW(cudaErrorInvalidValue, cudaGraphCreate(nullptr, 0)),
        ROW(cudaErrorInvalidValue, cudaGraphLaunch(nullptr, nullptr)),
        ROW(cudaErrorInvalidChannelDescriptor, cudaMallocArray(&array, &three, 4, 4, 0)),
        ROW(cudaErrorInvalidResourceHandle, cudaFreeArray(reinterpret_cast<cudaArray_t>(&number))),
    });
    EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
}

TEST(RuntimeMisuse, AForkedChildHasNoRuntime) {
    ASSERT_EQ(cudaFree(nullptr), cudaSuccess);
    pid_t child = fork();
    if (child == 0) {
        void* memory = nullptr;
        cudaStream_t stream = nullptr;
        _exit(cudaMalloc(&memory, 16) == cudaErrorInitializationError && cudaStreamCreate(&stream) == cudaErrorInitializationError &&
                      cudaDeviceSynchronize() == cudaErrorInitializationError
                  ? 0
                  : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace
