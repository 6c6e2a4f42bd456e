// libnvrtc: source to PTX and to what cuModuleLoadData takes for a cubin, headers, options, lowered names, logs, misuse.
#include <cuda.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

// The toolkit's nvrtc.h isn't needed: the functions, as it declares them.
extern "C" {
typedef struct _nvrtcProgram* nvrtcProgram;
int nvrtcVersion(int*, int*);
int nvrtcCreateProgram(nvrtcProgram*, const char*, const char*, int, const char* const*, const char* const*);
int nvrtcDestroyProgram(nvrtcProgram*);
int nvrtcCompileProgram(nvrtcProgram, int, const char* const*);
int nvrtcGetPTXSize(nvrtcProgram, size_t*);
int nvrtcGetPTX(nvrtcProgram, char*);
int nvrtcGetCUBINSize(nvrtcProgram, size_t*);
int nvrtcGetCUBIN(nvrtcProgram, char*);
int nvrtcGetLTOIRSize(nvrtcProgram, size_t*);
int nvrtcGetProgramLogSize(nvrtcProgram, size_t*);
int nvrtcGetProgramLog(nvrtcProgram, char*);
int nvrtcAddNameExpression(nvrtcProgram, const char*);
int nvrtcGetLoweredName(nvrtcProgram, const char*, const char**);
const char* nvrtcGetErrorString(int);
}

namespace {

std::string log_of(nvrtcProgram program) {
    size_t size = 0;
    nvrtcGetProgramLogSize(program, &size);
    std::string text(size, '\0');
    nvrtcGetProgramLog(program, text.data());
    return text;
}

TEST(Nvrtc, CompilesAndRuns) {
    const char* source = R"(#include "factor.h"
template <class T> __global__ void fill(T* to) { to[threadIdx.x] = T(threadIdx.x * FACTOR + EXTRA); assert(FACTOR == 3); }
)";
    const char *header = "#define FACTOR 3\n", *name = "factor.h";
    nvrtcProgram program = nullptr;
    ASSERT_EQ(nvrtcCreateProgram(&program, source, "fill.cu", 1, &header, &name), 0);
    ASSERT_EQ(nvrtcAddNameExpression(program, "fill<float>"), 0);
    ASSERT_EQ(nvrtcAddNameExpression(program, "&fill<int>"), 0);
    const char* lowered = nullptr;
    EXPECT_EQ(nvrtcGetLoweredName(program, "fill<float>", &lowered), 9); // before compilation
    const char* options[] = {"--gpu-architecture=sm_80", "-DEXTRA=5", "--std=c++17", "-default-device"};
    ASSERT_EQ(nvrtcCompileProgram(program, 4, options), 0) << log_of(program);
    EXPECT_EQ(nvrtcAddNameExpression(program, "fill<double>"), 8);
    EXPECT_EQ(nvrtcGetLoweredName(program, "fill<double>", &lowered), 10);
    size_t size = 0;
    ASSERT_EQ(nvrtcGetCUBINSize(program, &size), 0);
    std::string image(size, '\0');
    ASSERT_EQ(nvrtcGetCUBIN(program, image.data()), 0);

    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    CUcontext context = nullptr;
    ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
    CUmodule module = nullptr;
    ASSERT_EQ(cuModuleLoadData(&module, image.data()), CUDA_SUCCESS);
    CUdeviceptr memory = 0;
    ASSERT_EQ(cuMemAlloc(&memory, 256), CUDA_SUCCESS);
    void* parameters[] = {&memory};
    for (const char* expression : {"fill<float>", "&fill<int>"}) {
        ASSERT_EQ(nvrtcGetLoweredName(program, expression, &lowered), 0);
        CUfunction function = nullptr;
        ASSERT_EQ(cuModuleGetFunction(&function, module, lowered), CUDA_SUCCESS) << lowered;
        ASSERT_EQ(cuLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, nullptr, parameters, nullptr), CUDA_SUCCESS);
        float read[64];
        ASSERT_EQ(cuMemcpyDtoH(read, memory, sizeof read), CUDA_SUCCESS);
        if (*expression == 'f')
            EXPECT_EQ(read[63], 194.0f);
        else
            EXPECT_EQ(reinterpret_cast<int*>(read)[63], 194);
    }
    EXPECT_EQ(cuMemFree(memory), CUDA_SUCCESS);
    EXPECT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
    EXPECT_EQ(cuDevicePrimaryCtxRelease(0), CUDA_SUCCESS);
    EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
    EXPECT_EQ(nvrtcDestroyProgram(&program), 4);
}

std::string ptx_of(nvrtcProgram program) {
    size_t size = 0;
    nvrtcGetPTXSize(program, &size);
    std::string text(size, '\0');
    nvrtcGetPTX(program, text.data());
    return text;
}

// Found by the sample binomialOptions_nvrtc: the host writes a constant that no code of the program does, and names it plainly.
TEST(Nvrtc, StaticVariablesStayAndKeepTheirNames) {
    const char* source = R"(static __constant__ float factors[4];
extern "C" __global__ void k(float* to) { to[threadIdx.x] = factors[threadIdx.x]; }
)";
    nvrtcProgram program = nullptr;
    ASSERT_EQ(nvrtcCreateProgram(&program, source, nullptr, 0, nullptr, nullptr), 0);
    ASSERT_EQ(nvrtcCompileProgram(program, 0, nullptr), 0) << log_of(program);
    EXPECT_NE(ptx_of(program).find(" factors[16]"), std::string::npos) << ptx_of(program);
    size_t size = 0;
    EXPECT_EQ(nvrtcGetLTOIRSize(program, &size), 4); // wasn't compiled for it
    EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
}

// Found by the samples: headers beside the source are found without an option, and copies of a toolkit's headers give way to ours.
TEST(Nvrtc, FindsHeadersBesideTheSource) {
    namespace fs = std::filesystem;
    const fs::path folder = fs::path(testing::TempDir()) / "anywarp_nvrtc_beside";
    fs::create_directories(folder);
    std::ofstream(folder / "beside.h") << "#define VALUE 42\n";
    std::ofstream(folder / "cooperative_groups.h") << "#error a copy that Clang may not understand\n";
    const char* source = R"(#include "beside.h"
#include <cooperative_groups.h>
extern "C" __global__ void k(int* to) { to[cooperative_groups::this_thread_block().thread_rank()] = VALUE; }
)";
    const std::string name = folder / "k.cu", include = "-I" + folder.string();
    for (int with_option = 0; with_option < 2; with_option++) {
        nvrtcProgram program = nullptr;
        ASSERT_EQ(nvrtcCreateProgram(&program, source, name.c_str(), 0, nullptr, nullptr), 0);
        const char* options[] = {"-dlto", include.c_str()};
        EXPECT_EQ(nvrtcCompileProgram(program, 1 + with_option, options), 0) << log_of(program);
        size_t size = 0;
        EXPECT_EQ(nvrtcGetLTOIRSize(program, &size), 0);
        const char* none[] = {"--no-source-include"};
        if (!with_option) EXPECT_EQ(nvrtcCompileProgram(program, 1, none), 6);
        EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
    }
    fs::remove_all(folder);
}

// Found by cupy, which compiles with -ftz=true: half-precision numbers keep their subnormals. Found by cupyx.jit: tuples are there.
TEST(Nvrtc, FlushesFloatsOnlyAndHasTuples) {
    const char* source = R"(#include <cuda_fp16.h>
extern "C" __global__ void k(__half* to, float* f) {
    to[0] = to[0] * to[1] + to[2];
    f[0] = std::get<0>(std::make_tuple(f[1], 1)) * f[2];
    asm("mul.ftz.f16 %0, %1, %2;" : "=h"(*(short*)&to[3]) : "h"(*(short*)&to[4]), "h"(*(short*)&to[5]));
}
)";
    nvrtcProgram program = nullptr;
    ASSERT_EQ(nvrtcCreateProgram(&program, source, nullptr, 0, nullptr, nullptr), 0);
    const char* options[] = {"-ftz=true", "--gpu-architecture=sm_80"};
    ASSERT_EQ(nvrtcCompileProgram(program, 2, options), 0) << log_of(program);
    std::string ptx = ptx_of(program);
    size_t flushed = ptx.find(".ftz.f16");
    EXPECT_NE(flushed, std::string::npos) << "the program's own assembly";
    EXPECT_EQ(ptx.find(".ftz.f16", flushed + 1), std::string::npos) << ptx;
    EXPECT_NE(ptx.find("mul.ftz.f32"), std::string::npos) << ptx;
    EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
}

TEST(Nvrtc, TellsWhatIsWrong) {
    nvrtcProgram program = nullptr;
    EXPECT_EQ(nvrtcCreateProgram(&program, nullptr, nullptr, 0, nullptr, nullptr), 3);
    ASSERT_EQ(nvrtcCreateProgram(&program, "\n__global__ void k() { nothing(); }", "wrong.cu", 0, nullptr, nullptr), 0);
    const char* unknown = "--no-such-option";
    EXPECT_EQ(nvrtcCompileProgram(program, 1, &unknown), 5);
    EXPECT_EQ(nvrtcCompileProgram(program, 0, nullptr), 6);
    EXPECT_NE(log_of(program).find("wrong.cu:2"), std::string::npos) << log_of(program);
    EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
    EXPECT_STREQ(nvrtcGetErrorString(6), "NVRTC_ERROR_COMPILATION");
}

} // namespace
