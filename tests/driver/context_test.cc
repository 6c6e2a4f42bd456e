// Initialisation, devices, contexts, function lookup, errors' names, fork.

#include "driver_test.h"

#include <cstring>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

TEST(Errors, NamesAndTexts) {
    const char* text = nullptr;
    OK(cuGetErrorName(CUDA_ERROR_INVALID_PTX, &text));
    EXPECT_STREQ(text, "CUDA_ERROR_INVALID_PTX");
    OK(cuGetErrorString(CUDA_ERROR_OUT_OF_MEMORY, &text));
    EXPECT_STREQ(text, "out of memory");
    EXPECT_EQ(cuGetErrorName(static_cast<CUresult>(12345), &text), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(text, nullptr);
}

TEST(Init, RefusesFlags) { EXPECT_EQ(cuInit(1), CUDA_ERROR_INVALID_VALUE); }

using Device = DriverTest;

TEST_F(Device, Properties) {
    int count = 0, value = 0;
    OK(cuDeviceGetCount(&count));
    EXPECT_GE(count, 1);
    CUdevice none;
    EXPECT_EQ(cuDeviceGet(&none, count), CUDA_ERROR_INVALID_DEVICE);
    EXPECT_EQ(cuDeviceGet(nullptr, 0), CUDA_ERROR_INVALID_VALUE);
    OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, device));
    EXPECT_EQ(value, 32);
    for (int which = 1; which < CU_DEVICE_ATTRIBUTE_MAX; ++which)
        EXPECT_EQ(cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(which), device), CUDA_SUCCESS) << which;
    EXPECT_EQ(cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(9999), device), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 99), CUDA_ERROR_INVALID_DEVICE);
    char name[64], bus[32];
    OK(cuDeviceGetName(name, sizeof name, device));
    EXPECT_GT(std::strlen(name), 0u);
    OK(cuDeviceGetPCIBusId(bus, sizeof bus, device));
    CUdevice found = -1;
    OK(cuDeviceGetByPCIBusId(&found, bus));
    EXPECT_EQ(found, device);
    size_t bytes = 0;
    OK(cuDeviceTotalMem(&bytes, device));
    EXPECT_GT(bytes, 0u);
    int version = 0;
    OK(cuDriverGetVersion(&version));
    EXPECT_EQ(version, 13000);
}

TEST_F(Device, PrimaryContextIsCounted) {
    unsigned flags;
    int active = 0;
    OK(cuDevicePrimaryCtxGetState(device, &flags, &active));
    EXPECT_EQ(active, 1);
    CUcontext again;
    OK(cuDevicePrimaryCtxRetain(&again, device));
    EXPECT_EQ(again, context);
    OK(cuDevicePrimaryCtxRelease(device));
    OK(cuDevicePrimaryCtxRelease(device));
    OK(cuDevicePrimaryCtxGetState(device, &flags, &active));
    EXPECT_EQ(active, 0);
    CUdeviceptr pointer;
    EXPECT_EQ(cuMemAlloc(&pointer, 4), CUDA_ERROR_CONTEXT_IS_DESTROYED);
    EXPECT_EQ(cuDevicePrimaryCtxRelease(device), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT_EQ(cuCtxDestroy(context), CUDA_ERROR_CONTEXT_IS_DESTROYED);
}

TEST_F(Device, ContextStack) {
    CUcontext made, current;
    OK(cuCtxCreate(&made, nullptr, 0, device));
    OK(cuCtxGetCurrent(&current));
    EXPECT_EQ(current, made);
    unsigned long long first, second;
    OK(cuCtxGetId(made, &first));
    OK(cuCtxGetId(context, &second));
    EXPECT_NE(first, second);
    OK(cuCtxPopCurrent(&current));
    EXPECT_EQ(current, made);
    OK(cuCtxGetCurrent(&current));
    EXPECT_EQ(current, context);
    OK(cuCtxPushCurrent(made));
    OK(cuCtxDestroy(made)); // and it is no longer current
    OK(cuCtxGetCurrent(&current));
    EXPECT_EQ(current, context);
    EXPECT_EQ(cuCtxPushCurrent(made), CUDA_ERROR_CONTEXT_IS_DESTROYED);
    EXPECT_EQ(cuCtxPushCurrent(reinterpret_cast<CUcontext>(&made)), CUDA_ERROR_INVALID_CONTEXT);
    std::thread([] {
        CUcontext other = reinterpret_cast<CUcontext>(1);
        EXPECT_EQ(cuCtxGetCurrent(&other), CUDA_SUCCESS);
        EXPECT_EQ(other, nullptr);
        CUdeviceptr pointer;
        EXPECT_EQ(cuMemAlloc(&pointer, 4), CUDA_ERROR_INVALID_CONTEXT);
    }).join();
    EXPECT_EQ(cuCtxCreate(&made, nullptr, 0x10000, device), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Device, Limits) {
    size_t value = 0;
    OK(cuCtxSetLimit(CU_LIMIT_STACK_SIZE, 4096));
    OK(cuCtxGetLimit(&value, CU_LIMIT_STACK_SIZE));
    EXPECT_GE(value, 4096u);
    EXPECT_EQ(cuCtxGetLimit(&value, CU_LIMIT_MAX), CUDA_ERROR_INVALID_VALUE);
    size_t launches = 0, depth = 0; // what kernels launch, kept and given back; their waiting went with compute capability 9.0
    OK(cuCtxGetLimit(&launches, CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT));
    EXPECT_EQ(launches, 2048U);
    OK(cuCtxSetLimit(CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH, 3));
    OK(cuCtxGetLimit(&depth, CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH));
    EXPECT_EQ(depth, 3U);
}

TEST(ProcAddress, PicksTheForm) {
    void* address = nullptr;
    CUdriverProcAddressQueryResult status;
    OK(cuGetProcAddress("cuMemAlloc", &address, 12000, 0, &status));
    EXPECT_EQ(address, reinterpret_cast<void*>(&cuMemAlloc_v2));
    OK(cuGetProcAddress("cuMemAlloc", &address, 3010, 0, &status));
    EXPECT_NE(address, reinterpret_cast<void*>(&cuMemAlloc_v2));
    EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SUCCESS);
    OK(cuGetProcAddress("cuMemcpyHtoD", &address, 12000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &status));
    EXPECT_EQ(address, reinterpret_cast<void*>(&cuMemcpyHtoD_v2_ptds));
    OK(cuGetProcAddress("cuLaunchKernel", &address, 12000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &status));
    EXPECT_EQ(address, reinterpret_cast<void*>(&cuLaunchKernel_ptsz));
    OK(cuGetProcAddress("cuInit", &address, 12000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &status));
    EXPECT_EQ(address, reinterpret_cast<void*>(&cuInit));
    OK(cuGetProcAddress("cuLibraryLoadData", &address, 11000, 0, &status));
    EXPECT_EQ(status, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
    EXPECT_EQ(address, nullptr);
    OK(cuGetProcAddress("cuNothing", &address, 12000, 0, &status));
    EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
    EXPECT_EQ(cuGetProcAddress("cuNothing", &address, 12000, 0, nullptr), CUDA_ERROR_NOT_FOUND);
    EXPECT_EQ(cuGetProcAddress(nullptr, &address, 12000, 0, &status), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuGetProcAddress("cuInit", &address, 12000, 3, &status), CUDA_ERROR_INVALID_VALUE);
}

TEST(NotImplemented, SaysSo) {
    OK(cuInit(0));
    EXPECT_EQ(cuMulticastUnbind(0, 0, 0, 0), CUDA_ERROR_NOT_SUPPORTED);
}

TEST_F(Device, AForkedChildHasNoDriver) {
    pid_t child = fork();
    if (child == 0) {
        int count;
        _exit(cuDeviceGetCount(&count) == CUDA_ERROR_NOT_INITIALIZED && cuInit(0) == CUDA_ERROR_NOT_INITIALIZED ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

} // namespace
