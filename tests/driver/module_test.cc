// Modules, libraries, functions, launches; what a kernel's fault does to the calls after it.

#include "driver_test.h"

#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using Module = DriverTest;

TEST_F(Module, FunctionsAndVariables) {
    CUmodule module;
    OK(cuModuleLoadData(&module, scale_ptx));
    CUfunction function, again;
    OK(cuModuleGetFunction(&function, module, "scale"));
    OK(cuModuleGetFunction(&again, module, "scale"));
    EXPECT_EQ(function, again);
    EXPECT_EQ(cuModuleGetFunction(&function, module, "nothing"), CUDA_ERROR_NOT_FOUND);
    unsigned count = 0;
    OK(cuModuleGetFunctionCount(&count, module));
    EXPECT_EQ(count, 2u);
    CUdeviceptr pointer;
    size_t bytes = 0;
    OK(cuModuleGetGlobal(&pointer, &bytes, module, "counter"));
    EXPECT_EQ(bytes, 4u);
    unsigned value = 0;
    OK(cuMemcpyDtoH(&value, pointer, 4));
    EXPECT_EQ(value, 7u);
    EXPECT_EQ(cuModuleGetGlobal(&pointer, &bytes, module, "nothing"), CUDA_ERROR_NOT_FOUND);
    int threads = 0;
    OK(cuFuncGetAttribute(&threads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, again));
    EXPECT_GE(threads, 1);
    size_t offset = 99, size = 0;
    OK(cuFuncGetParamInfo(again, 2, &offset, &size));
    EXPECT_EQ(offset, 16u);
    EXPECT_EQ(size, 4u);
    EXPECT_EQ(cuFuncGetParamInfo(again, 4, &offset, &size), CUDA_ERROR_INVALID_VALUE);
    const char* name = nullptr;
    OK(cuFuncGetName(&name, again));
    EXPECT_STREQ(name, "scale");
    OK(cuModuleUnload(module));
    EXPECT_EQ(cuModuleUnload(module), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuFuncGetName(&name, again), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Module, MalformedPtxFillsTheLog) {
    std::string text =
        ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k()\n{\n    add.s32 %r1, %r2, %r3;\n    ret;\n}\n";
    char log[1024] = "untouched";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
    CUmodule module = nullptr;
    EXPECT_EQ(cuModuleLoadDataEx(&module, text.c_str(), 2, options, values), CUDA_ERROR_INVALID_PTX);
    EXPECT_NE(std::string(log).find("6:"), std::string::npos) << log;
    EXPECT_EQ(reinterpret_cast<size_t>(values[1]), std::strlen(log) + 1);
    // A buffer that is too small gets the beginning.
    values[0] = log, values[1] = reinterpret_cast<void*>(size_t{5});
    EXPECT_EQ(cuModuleLoadDataEx(&module, text.c_str(), 2, options, values), CUDA_ERROR_INVALID_PTX);
    EXPECT_EQ(std::strlen(log), 4u);
    EXPECT_EQ(cuModuleLoadDataEx(&module, text.c_str(), 2, nullptr, values), CUDA_ERROR_INVALID_VALUE);
    const uint64_t garbage[4] = {0x0102030405060708, 1, 2, 3};
    EXPECT_EQ(cuModuleLoadData(&module, garbage), CUDA_ERROR_INVALID_IMAGE);
    EXPECT_EQ(cuModuleLoadData(&module, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuModuleLoad(&module, "/nowhere/file.ptx"), CUDA_ERROR_FILE_NOT_FOUND);
}

TEST_F(Module, FromAFile) {
    char path[] = "/tmp/anywarp-module-XXXXXX";
    int file = mkstemp(path);
    ASSERT_GE(file, 0);
    ASSERT_EQ(write(file, scale_ptx, std::strlen(scale_ptx)), static_cast<ssize_t>(std::strlen(scale_ptx)));
    close(file);
    CUmodule module;
    EXPECT_EQ(cuModuleLoad(&module, path), CUDA_SUCCESS);
    std::remove(path);
}

TEST_F(Module, Library) {
    CUlibrary library;
    OK(cuLibraryLoadData(&library, scale_ptx, nullptr, nullptr, 0, nullptr, nullptr, 0));
    CUkernel kernel, all[8];
    OK(cuLibraryGetKernel(&kernel, library, "scale"));
    EXPECT_EQ(cuLibraryGetKernel(&all[0], library, "nothing"), CUDA_ERROR_NOT_FOUND);
    unsigned count = 0;
    OK(cuLibraryGetKernelCount(&count, library));
    EXPECT_EQ(count, 2u);
    OK(cuLibraryEnumerateKernels(all, 8, library));
    CUfunction function;
    OK(cuKernelGetFunction(&function, kernel));
    CUmodule module;
    OK(cuLibraryGetModule(&module, library));
    EXPECT_EQ(cuModuleUnload(module), CUDA_ERROR_NOT_PERMITTED);
    CUdeviceptr pointer;
    size_t bytes;
    OK(cuLibraryGetGlobal(&pointer, &bytes, library, "counter"));
    EXPECT_EQ(bytes, 4u);
    OK(cuLibraryGetManaged(&pointer, &bytes, library, "shared_value"));
    EXPECT_EQ(*reinterpret_cast<uint64_t*>(pointer), 11u);
    EXPECT_EQ(cuLibraryGetManaged(&pointer, &bytes, library, "counter"), CUDA_ERROR_NOT_FOUND);
    int value = 0;
    OK(cuKernelGetAttribute(&value, CU_FUNC_ATTRIBUTE_PTX_VERSION, kernel, device));
    EXPECT_EQ(value, 70);
    OK(cuLibraryUnload(library));
    EXPECT_EQ(cuLibraryUnload(library), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuKernelGetFunction(&function, kernel), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Module, LinkerTakesPtx) {
    CUlinkState link;
    OK(cuLinkCreate(0, nullptr, nullptr, &link));
    OK(cuLinkAddData(link, CU_JIT_INPUT_PTX, const_cast<char*>(scale_ptx), std::strlen(scale_ptx) + 1, "scale.ptx", 0, nullptr,
                     nullptr));
    char cubin[] = "\177ELF";
    EXPECT_EQ(cuLinkAddData(link, CU_JIT_INPUT_CUBIN, cubin, 4, "x", 0, nullptr, nullptr), CUDA_ERROR_NO_BINARY_FOR_GPU);
    void* image = nullptr;
    size_t size = 0;
    OK(cuLinkComplete(link, &image, &size));
    CUmodule module;
    OK(cuModuleLoadData(&module, image));
    OK(cuLinkDestroy(link));
    EXPECT_EQ(cuLinkDestroy(link), CUDA_ERROR_INVALID_HANDLE);
}

class Launch : public DriverTest {
protected:
    void SetUp() override {
        DriverTest::SetUp();
        OK(cuModuleLoadData(&module, scale_ptx));
        OK(cuModuleGetFunction(&scale, module, "scale"));
        OK(cuModuleGetFunction(&wild, module, "wild"));
        OK(cuMemAlloc(&in, sizeof host));
        OK(cuMemAlloc(&out, sizeof host));
        for (int i = 0; i < 1000; ++i) host[i] = static_cast<float>(i);
        OK(cuMemcpyHtoD(in, host, sizeof host));
        OK(cuMemsetD8(out, 0, sizeof host));
    }
    void expect_scaled() {
        OK(cuMemcpyDtoH(host, out, sizeof host));
        for (int i = 0; i < 1000; ++i) ASSERT_EQ(host[i], 2.5f * static_cast<float>(i)) << i;
    }
    CUmodule module;
    CUfunction scale, wild;
    CUdeviceptr in, out;
    float host[1000];
    float factor = 2.5f;
    unsigned n = 1000;
};

TEST_F(Launch, ParametersByPointers) {
    void* parameters[] = {&out, &in, &factor, &n};
    OK(cuLaunchKernel(scale, 8, 1, 1, 128, 1, 1, 0, nullptr, parameters, nullptr));
    expect_scaled();
}

TEST_F(Launch, ParametersInABuffer) {
    struct {
        CUdeviceptr out, in;
        float factor;
        unsigned n;
    } buffer{out, in, factor, n};
    size_t size = sizeof buffer;
    void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &buffer, CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_LAUNCH_PARAM_END};
    OK(cuLaunchKernel(scale, 8, 1, 1, 128, 1, 1, 0, nullptr, nullptr, extra));
    expect_scaled();
    size = 8;
    EXPECT_EQ(cuLaunchKernel(scale, 8, 1, 1, 128, 1, 1, 0, nullptr, nullptr, extra), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Launch, WithAttributesOnAStream) {
    CUstream stream;
    OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CUlaunchAttribute attributes[2]{};
    attributes[0].id = CU_LAUNCH_ATTRIBUTE_PRIORITY;
    attributes[1].id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
    CUlaunchConfig config{};
    config.gridDimX = 8, config.gridDimY = config.gridDimZ = 1;
    config.blockDimX = 128, config.blockDimY = config.blockDimZ = 1;
    config.hStream = stream;
    config.attrs = attributes;
    config.numAttrs = 2;
    void* parameters[] = {&out, &in, &factor, &n};
    OK(cuLaunchKernelEx(&config, scale, parameters, nullptr));
    OK(cuStreamSynchronize(stream));
    expect_scaled();
    attributes[0].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    attributes[0].value.clusterDim.x = 2, attributes[0].value.clusterDim.y = attributes[0].value.clusterDim.z = 1;
    EXPECT_EQ(cuLaunchKernelEx(&config, scale, parameters, nullptr), CUDA_ERROR_NOT_SUPPORTED);
}

TEST_F(Launch, AKernelHandleServesAsFunction) {
    CUlibrary library;
    CUkernel kernel;
    OK(cuLibraryLoadData(&library, scale_ptx, nullptr, nullptr, 0, nullptr, nullptr, 0));
    OK(cuLibraryGetKernel(&kernel, library, "scale"));
    void* parameters[] = {&out, &in, &factor, &n};
    OK(cuLaunchKernel(reinterpret_cast<CUfunction>(kernel), 8, 1, 1, 128, 1, 1, 0, nullptr, parameters, nullptr));
    expect_scaled();
    OK(cuLibraryUnload(library));
}

TEST_F(Launch, Misuse) {
    void* parameters[] = {&out, &in, &factor, &n};
    EXPECT_EQ(cuLaunchKernel(scale, 0, 1, 1, 128, 1, 1, 0, nullptr, parameters, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuLaunchKernel(scale, 1, 1, 1, 2048, 1, 1, 0, nullptr, parameters, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuLaunchKernel(scale, 1, 1, 1, 128, 1, 1, 1 << 24, nullptr, parameters, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuLaunchKernel(scale, 1, 1, 1, 128, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuLaunchKernel(nullptr, 1, 1, 1, 128, 1, 1, 0, nullptr, parameters, nullptr), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuLaunchKernel(scale, 1, 1, 1, 128, 1, 1, 0, reinterpret_cast<CUstream>(&n), parameters, nullptr),
              CUDA_ERROR_INVALID_HANDLE);
    OK(cuCtxSynchronize());
}

TEST_F(Launch, AFaultSticksUntilTheContextIsReset) {
    OK(cuLaunchKernel(wild, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
    EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
    CUdeviceptr pointer;
    EXPECT_EQ(cuMemAlloc(&pointer, 4), CUDA_ERROR_ILLEGAL_ADDRESS);
    void* parameters[] = {&out, &in, &factor, &n};
    EXPECT_EQ(cuLaunchKernel(scale, 8, 1, 1, 128, 1, 1, 0, nullptr, parameters, nullptr), CUDA_ERROR_ILLEGAL_ADDRESS);
    OK(cuDevicePrimaryCtxReset(device));
    OK(cuMemAlloc(&pointer, 4));
    OK(cuMemFree(pointer));
}

TEST_F(Launch, Occupancy) {
    int blocks = 0, grid = 0, block = 0;
    OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, scale, 256, 0));
    EXPECT_GT(blocks, 0);
    OK(cuOccupancyMaxPotentialBlockSize(&grid, &block, scale, nullptr, 0, 0));
    EXPECT_GT(grid, 0);
    EXPECT_EQ(block % 32, 0);
    OK(cuOccupancyMaxPotentialBlockSize(&grid, &block, scale, nullptr, 0, 100));
    EXPECT_LE(block, 100);
    EXPECT_EQ(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, scale, 0, 0), CUDA_ERROR_INVALID_VALUE);
    OK(cuFuncSetAttribute(scale, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 64 << 10));
    EXPECT_NE(cuFuncSetAttribute(scale, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 1 << 24), CUDA_SUCCESS);
    EXPECT_EQ(cuFuncSetAttribute(scale, CU_FUNC_ATTRIBUTE_NUM_REGS, 1), CUDA_ERROR_INVALID_VALUE);
}

} // namespace
