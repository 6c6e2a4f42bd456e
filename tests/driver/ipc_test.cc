// Memory shared between processes: this program starts itself once more and hands the child a handle in its environment.
#include "driver_test.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

class IpcTest : public DriverTest {};

namespace {

constexpr const char* variable = "ANYWARP_TEST_IPC_HANDLE";

std::string as_text(const CUipcMemHandle& handle) {
    std::string text;
    char two[3];
    for (unsigned char byte : handle.reserved) {
        std::snprintf(two, sizeof two, "%02x", byte);
        text += two;
    }
    return text;
}

CUipcMemHandle from_text(const char* text) {
    CUipcMemHandle handle{};
    for (size_t i = 0; i < sizeof handle; ++i)
        handle.reserved[i] = static_cast<char>(std::stoi(std::string(text + 2 * i, 2), nullptr, 16));
    return handle;
}

/// Runs one of the tests below in a process of its own. CUipcEventHandle and CUmemPoolPtrExportData are of the same size.
template <class Handle> int run_child(const Handle& given, const char* test = "Child") {
    CUipcMemHandle handle;
    static_assert(sizeof handle == sizeof given);
    std::memcpy(&handle, &given, sizeof handle);
    std::string setting = std::string(variable) + "=" + as_text(handle);
    std::vector<char*> environment{setting.data()};
    for (char** at = environ; *at; ++at) environment.push_back(*at);
    environment.push_back(nullptr);
    char name[] = "test_driver";
    std::string filter = std::string("--gtest_filter=IpcTest.") + test;
    char* arguments[] = {name, filter.data(), nullptr};
    pid_t child = fork();
    if (child == 0) {
        execve("/proc/self/exe", arguments, environment.data());
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_F(IpcTest, Child) {
    const char* text = std::getenv(variable);
    if (!text) GTEST_SKIP() << "run by the other tests";
    CUdeviceptr memory = 0, again = 0;
    OK(cuIpcOpenMemHandle(&memory, from_text(text), CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS));
    OK(cuIpcOpenMemHandle(&again, from_text(text), CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS));
    EXPECT_EQ(memory, again);
    OK(cuIpcCloseMemHandle(again));
    unsigned values[64];
    OK(cuMemcpyDtoH(values, memory, sizeof values));
    for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(values[i], 100 + i);
    OK(cuMemsetD32(memory, 7, 32));
    OK(cuIpcCloseMemHandle(memory));
    EXPECT_EQ(cuIpcCloseMemHandle(memory), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(IpcTest, AnotherProcessReadsAndWrites) {
    for (size_t bytes : {size_t{256}, size_t{8} << 20}) {
        CUdeviceptr memory = 0;
        OK(cuMemAlloc(&memory, bytes));
        unsigned values[64];
        for (unsigned i = 0; i < 64; ++i) values[i] = 100 + i;
        OK(cuMemcpyHtoD(memory, values, sizeof values));
        CUipcMemHandle handle;
        OK(cuIpcGetMemHandle(&handle, memory));
        OK(cuMemcpyDtoH(values, memory, sizeof values)); // moved, with its content
        EXPECT_EQ(values[63], 163U);
        EXPECT_EQ(run_child(handle), 0);
        OK(cuMemcpyDtoH(values, memory, sizeof values));
        EXPECT_EQ(values[0], 7U);
        EXPECT_EQ(values[31], 7U);
        EXPECT_EQ(values[32], 132U);
        OK(cuMemFree(memory));
    }
}

TEST_F(IpcTest, Misuse) {
    CUdeviceptr memory = 0, opened = 0;
    CUipcMemHandle handle{};
    OK(cuMemAlloc(&memory, 4096));
    EXPECT_EQ(cuIpcOpenMemHandle(&opened, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_ERROR_INVALID_HANDLE);
    OK(cuIpcGetMemHandle(&handle, memory));
    EXPECT_EQ(cuIpcOpenMemHandle(&opened, handle, 0), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuIpcOpenMemHandle(&opened, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT_EQ(cuIpcGetMemHandle(nullptr, memory), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree(memory));
    EXPECT_EQ(cuIpcGetMemHandle(&handle, memory), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemAllocManaged(&memory, 4096, CU_MEM_ATTACH_GLOBAL));
    EXPECT_EQ(cuIpcGetMemHandle(&handle, memory), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree(memory));
}

TEST_F(IpcTest, EventChild) {
    const char* text = std::getenv(variable);
    if (!text) GTEST_SKIP() << "run by the other tests";
    CUipcMemHandle raw = from_text(text);
    CUipcEventHandle handle;
    std::memcpy(&handle, &raw, sizeof handle);
    CUevent event = nullptr;
    OK(cuIpcOpenEventHandle(&event, handle));
    EXPECT_EQ(cuEventQuery(event), CUDA_ERROR_NOT_READY); // the parent's stream still waits
    CUdeviceptr flag = 0;
    OK(cuMemAllocManaged(&flag, 4, CU_MEM_ATTACH_GLOBAL));
    OK(cuStreamWaitEvent(nullptr, event, 0));
    OK(cuMemsetD32Async(flag, 5, 1, nullptr));
    OK(cuEventSynchronize(event));
    OK(cuStreamSynchronize(nullptr));
    EXPECT_EQ(*reinterpret_cast<unsigned*>(flag), 5U);
    OK(cuEventQuery(event));
    OK(cuMemFree(flag));
    OK(cuEventDestroy(event));
}

TEST_F(IpcTest, AnotherProcessWaitsForAnEvent) {
    CUevent event = nullptr, other = nullptr;
    OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS));
    OK(cuEventCreate(&other, CU_EVENT_DISABLE_TIMING));
    CUipcEventHandle handle{};
    EXPECT_EQ(cuIpcGetEventHandle(&handle, other), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuIpcOpenEventHandle(&other, handle), CUDA_ERROR_INVALID_HANDLE);
    OK(cuIpcGetEventHandle(&handle, event));
    EXPECT_EQ(cuIpcOpenEventHandle(&other, handle), CUDA_ERROR_INVALID_CONTEXT);
    CUstream stream = nullptr;
    OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    auto pause = [](void*) { usleep(1'500'000); }; // longer than the child takes to start
    OK(cuLaunchHostFunc(stream, pause, nullptr));
    OK(cuEventRecord(event, stream));
    EXPECT_EQ(run_child(handle, "EventChild"), 0);
    OK(cuEventQuery(event));
    OK(cuStreamDestroy(stream));
    OK(cuEventDestroy(event));
}

TEST_F(IpcTest, PoolChild) {
    const char* text = std::getenv(variable);
    if (!text) GTEST_SKIP() << "run by the other tests";
    CUipcMemHandle raw = from_text(text);
    CUmemPoolPtrExportData data;
    std::memcpy(&data, &raw, sizeof data);
    CUmemoryPool pool = nullptr;
    constexpr auto type = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    OK(cuMemPoolImportFromShareableHandle(&pool, reinterpret_cast<void*>(intptr_t{200}), type, 0));
    CUdeviceptr pointer = 0, more = 0;
    EXPECT_EQ(cuMemAllocFromPoolAsync(&more, 4096, pool, nullptr), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemPoolImportPointer(&pointer, pool, &data));
    unsigned value = 0;
    OK(cuMemcpyDtoH(&value, pointer, sizeof value));
    EXPECT_EQ(value, 17U);
    OK(cuMemsetD32(pointer, 18, 1));
    OK(cuMemFreeAsync(pointer, nullptr));
    OK(cuStreamSynchronize(nullptr));
    EXPECT_EQ(cuMemFree(pointer), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemPoolDestroy(pool));
}

TEST_F(IpcTest, PoolsAreExported) {
    CUmemPoolProps properties{};
    properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, device};
    CUmemoryPool plain = nullptr, pool = nullptr;
    OK(cuMemPoolCreate(&plain, &properties));
    properties.handleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    OK(cuMemPoolCreate(&pool, &properties));
    int file = -1;
    constexpr auto type = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    EXPECT_EQ(cuMemPoolExportToShareableHandle(&file, plain, type, 0), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemPoolExportToShareableHandle(&file, pool, type, 0));
    CUdeviceptr memory = 0, other = 0;
    OK(cuMemAllocFromPoolAsync(&memory, 1 << 20, pool, nullptr));
    OK(cuMemAllocFromPoolAsync(&other, 1 << 20, plain, nullptr));
    OK(cuMemsetD32(memory, 17, 1));
    CUmemPoolPtrExportData data{};
    EXPECT_EQ(cuMemPoolExportPointer(&data, other), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemPoolExportPointer(&data, memory));
    ASSERT_EQ(dup2(file, 200), 200); // open in the child, too
    EXPECT_EQ(run_child(data, "PoolChild"), 0);
    close(200);
    close(file);
    unsigned value = 0;
    OK(cuMemcpyDtoH(&value, memory, sizeof value));
    EXPECT_EQ(value, 18U);
    OK(cuMemFree(memory));
    OK(cuMemFree(other));
    OK(cuMemPoolDestroy(pool));
    OK(cuMemPoolDestroy(plain));
}
