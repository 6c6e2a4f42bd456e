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

/// Runs the test `Child` in a process of its own.
int run_child(const CUipcMemHandle& handle) {
    std::string setting = std::string(variable) + "=" + as_text(handle);
    std::vector<char*> environment{setting.data()};
    for (char** at = environ; *at; ++at) environment.push_back(*at);
    environment.push_back(nullptr);
    char name[] = "test_driver", filter[] = "--gtest_filter=IpcTest.Child";
    char* arguments[] = {name, filter, nullptr};
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
