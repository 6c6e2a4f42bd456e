// libnvJitLink: PTX in, one image out that the driver loads; logs, misuse.
#include <cuda.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

// The toolkit's nvJitLink.h isn't needed: the functions, as it declares them.
extern "C" {
typedef struct nvJitLink* nvJitLinkHandle;
int __nvJitLinkCreate_13_0(nvJitLinkHandle*, unsigned, const char* const*);
int nvJitLinkDestroy(nvJitLinkHandle*);
int nvJitLinkAddData(nvJitLinkHandle, int, const void*, size_t, const char*);
int nvJitLinkAddFile(nvJitLinkHandle, int, const char*);
int nvJitLinkComplete(nvJitLinkHandle);
int nvJitLinkGetLinkedCubinSize(nvJitLinkHandle, size_t*);
int nvJitLinkGetLinkedCubin(nvJitLinkHandle, void*);
int nvJitLinkGetLinkedPtxSize(nvJitLinkHandle, size_t*);
int nvJitLinkGetLinkedPtx(nvJitLinkHandle, char*);
int nvJitLinkGetErrorLogSize(nvJitLinkHandle, size_t*);
int nvJitLinkGetErrorLog(nvJitLinkHandle, char*);
int nvJitLinkVersion(unsigned*, unsigned*);
}

namespace {

enum Input { cubin = 1, ptx = 2, ltoir = 3, fatbin = 4, object = 5, index_file = 7, any = 10 };

const char* const caller = R"(.version 7.0
.target sm_70
.address_size 64
.extern .func (.param .u32 result) twice (.param .u32 value);
.visible .entry kernel(.param .u64 to)
{
    .reg .b32 %r<3>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [to];
    mov.u32 %r1, 21;
    {
        .param .b32 given;
        .param .b32 back;
        st.param.b32 [given], %r1;
        call (back), twice, (given);
        ld.param.b32 %r2, [back];
    }
    st.global.u32 [%rd1], %r2;
    ret;
}
)";
const char* const callee = R"(.version 7.1
.target sm_75
.address_size 64
.visible .func (.param .u32 result) twice (.param .u32 value)
{
    .reg .b32 %r<3>;
    ld.param.u32 %r1, [value];
    add.u32 %r2, %r1, %r1;
    st.param.u32 [result], %r2;
    ret;
}
)";

nvJitLinkHandle create() {
    nvJitLinkHandle link = nullptr;
    const char* options[] = {"-arch=sm_80", "-O3", "-lineinfo"};
    EXPECT_EQ(__nvJitLinkCreate_13_0(&link, 3, options), 0);
    return link;
}

std::string errors_of(nvJitLinkHandle link) {
    size_t size = 0;
    EXPECT_EQ(nvJitLinkGetErrorLogSize(link, &size), 0);
    std::string text(size, '\0');
    EXPECT_EQ(nvJitLinkGetErrorLog(link, text.data()), 0);
    return text;
}

TEST(NvJitLink, LinksAndRuns) {
    nvJitLinkHandle link = create();
    ASSERT_EQ(nvJitLinkAddData(link, ptx, caller, std::strlen(caller) + 1, "caller"), 0) << errors_of(link);
    std::string path = testing::TempDir() + "anywarp_nvjitlink_callee.ptx";
    std::ofstream(path) << callee;
    ASSERT_EQ(nvJitLinkAddFile(link, any, path.c_str()), 0) << errors_of(link);
    std::remove(path.c_str());
    size_t size = 0;
    EXPECT_EQ(nvJitLinkGetLinkedCubinSize(link, &size), 3); // not yet
    ASSERT_EQ(nvJitLinkComplete(link), 0) << errors_of(link);
    ASSERT_EQ(nvJitLinkGetLinkedCubinSize(link, &size), 0);
    std::string image(size, '\0');
    ASSERT_EQ(nvJitLinkGetLinkedCubin(link, image.data()), 0);
    ASSERT_EQ(nvJitLinkGetLinkedPtxSize(link, &size), 0);
    std::string text(size, '\0');
    ASSERT_EQ(nvJitLinkGetLinkedPtx(link, text.data()), 0);
    EXPECT_NE(text.find(".target sm_75"), std::string::npos);
    EXPECT_EQ(nvJitLinkDestroy(&link), 0);
    EXPECT_EQ(link, nullptr);

    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    CUcontext context = nullptr;
    ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
    CUmodule module = nullptr;
    CUfunction kernel = nullptr;
    CUdeviceptr memory = 0;
    unsigned read = 0;
    ASSERT_EQ(cuModuleLoadData(&module, image.data()), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&kernel, module, "kernel"), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc(&memory, 4), CUDA_SUCCESS);
    void* parameters[] = {&memory};
    ASSERT_EQ(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, parameters, nullptr), CUDA_SUCCESS);
    ASSERT_EQ(cuMemcpyDtoH(&read, memory, 4), CUDA_SUCCESS);
    EXPECT_EQ(read, 42u);
    EXPECT_EQ(cuMemFree(memory), CUDA_SUCCESS);
    EXPECT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
    EXPECT_EQ(cuDevicePrimaryCtxRelease(0), CUDA_SUCCESS);
}

TEST(NvJitLink, CubinAndLtoirOfOurCompilerArePtx) {
    nvJitLinkHandle link = create();
    EXPECT_EQ(nvJitLinkAddData(link, cubin, caller, std::strlen(caller), "caller"), 0);
    EXPECT_EQ(nvJitLinkAddData(link, ltoir, callee, std::strlen(callee), "callee"), 0);
    EXPECT_EQ(nvJitLinkComplete(link), 0) << errors_of(link);
    EXPECT_EQ(nvJitLinkDestroy(&link), 0);
}

TEST(NvJitLink, TellsWhatIsWrong) {
    nvJitLinkHandle link = nullptr;
    const char *none[] = {"-lto"}, *wrong[] = {"-arch=sm_80", "-no-such-option"}, *no_number[] = {"-arch=sm_x"};
    EXPECT_EQ(__nvJitLinkCreate_13_0(nullptr, 0, nullptr), 10);
    EXPECT_EQ(__nvJitLinkCreate_13_0(&link, 1, none), 2);
    EXPECT_EQ(__nvJitLinkCreate_13_0(&link, 2, wrong), 1);
    EXPECT_EQ(__nvJitLinkCreate_13_0(&link, 1, no_number), 16);
    EXPECT_EQ(nvJitLinkDestroy(&link), 10);
    EXPECT_EQ(nvJitLinkComplete(nullptr), 10);
    link = create();
    EXPECT_EQ(nvJitLinkComplete(link), 3); // nothing to link
    EXPECT_EQ(nvJitLinkAddData(link, ptx, nullptr, 0, nullptr), 10);
    EXPECT_EQ(nvJitLinkAddFile(link, ptx, "/no/such/file"), 3);
    EXPECT_EQ(nvJitLinkAddData(link, 9, caller, 10, nullptr), 3);
    EXPECT_EQ(nvJitLinkAddData(link, index_file, caller, 10, nullptr), 8);
    EXPECT_EQ(nvJitLinkAddData(link, object, caller, std::strlen(caller), nullptr), 12);
    EXPECT_EQ(nvJitLinkAddData(link, fatbin, "abc", 4, "a.fatbin"), 8);
    const char* damaged = ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k( {";
    EXPECT_EQ(nvJitLinkAddData(link, ptx, damaged, std::strlen(damaged), "damaged.ptx"), 4);
    EXPECT_NE(errors_of(link).find("damaged.ptx"), std::string::npos) << errors_of(link);
    EXPECT_EQ(nvJitLinkAddData(link, ptx, callee, std::strlen(callee), "one"), 0);
    EXPECT_EQ(nvJitLinkAddData(link, ptx, callee, std::strlen(callee), "another"), 0);
    EXPECT_EQ(nvJitLinkComplete(link), 9); // defined twice
    EXPECT_NE(errors_of(link).find("twice"), std::string::npos) << errors_of(link);
    EXPECT_EQ(nvJitLinkDestroy(&link), 0);
    unsigned major = 0, minor = 0;
    EXPECT_EQ(nvJitLinkVersion(&major, &minor), 0);
    EXPECT_LT(major * 100 + minor, 1203u); // numba would hand over NVIDIA's LTO-IR
}

} // namespace
