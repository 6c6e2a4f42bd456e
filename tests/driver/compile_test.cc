// Kernels are compiled while the program goes on; here it ends meanwhile, or takes their module away.
#include "driver_test.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace {

std::string many_kernels(int count) {
    std::string text = ".version 7.8\n.target sm_80\n.address_size 64\n";
    for (int i = 0; i < count; ++i) {
        text += ".visible .entry k" + std::to_string(i) +
                "(.param .u64 p) { .reg .b64 %rd<3>; .reg .b32 %r<3>; .reg .f32 %f<4>;\n"
                "ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd1, %rd1, %rd2;\n"
                "ld.global.f32 %f1, [%rd1];\n";
        for (int j = 0; j < 40; ++j) text += "fma.rn.f32 %f1, %f1, %f1, 0f3F800000; sqrt.rn.f32 %f1, %f1;\n";
        text += "st.global.f32 [%rd1], %f1; ret; }\n";
    }
    return text;
}

class CompileTest : public DriverTest {
protected:
    void SetUp() override {
        setenv("ANYWARP_CACHE", "0", 1);
        DriverTest::SetUp();
        OK(cuMemAlloc(&data, 256));
        OK(cuMemsetD32(data, 0, 64));
        OK(cuModuleLoadData(&module, many_kernels(count).c_str()));
    }
    void TearDown() override {
        DriverTest::TearDown();
        unsetenv("ANYWARP_CACHE");
    }
    CUresult launch_all() {
        for (int i = 0; i < count; ++i) {
            CUfunction function;
            if (CUresult result = cuModuleGetFunction(&function, module, ("k" + std::to_string(i)).c_str())) return result;
            void* parameters[] = {&data};
            if (CUresult result = cuLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, nullptr, parameters, nullptr)) return result;
        }
        return CUDA_SUCCESS;
    }
    static constexpr int count = 10;
    CUdeviceptr data = 0;
    CUmodule module = nullptr;
};

TEST_F(CompileTest, AProcessMayEndWhileKernelsAreCompiled) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(std::exit(launch_all() == CUDA_SUCCESS ? 0 : 3), testing::ExitedWithCode(0), "");
}

TEST_F(CompileTest, UnloadingWaitsForKernelsThatWaitForTheirCode) {
    OK(launch_all());
    OK(cuModuleUnload(module));
    float result = -1;
    OK(cuMemcpyDtoH(&result, data, sizeof result));
    EXPECT_GT(result, 0);
}

} // namespace
