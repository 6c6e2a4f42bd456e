// Malformed PTX: CUDA_ERROR_INVALID_PTX, and the JIT error log names the place. The context lives on.
// (CUDA Driver API, cuModuleLoadDataEx, CU_JIT_ERROR_LOG_BUFFER.)
#include "check.h"

#include <cstring>
#include <cuda.h>

void expect_refused(const char* what, const char* ptx, const char* word) {
    char log[1024] = "";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
    CUmodule module;
    CUresult result = cuModuleLoadDataEx(&module, ptx, 2, options, values);
    if (result != CUDA_ERROR_INVALID_PTX) {
        failures++;
        std::printf("%s: result %d\n", what, int(result));
    }
    if (!std::strstr(log, word)) {
        failures++;
        std::printf("%s: log without '%s': '%s'\n", what, word, log);
    }
    EXPECT(cuModuleLoadData(&module, ptx) == CUDA_ERROR_INVALID_PTX);
}

#define HEAD ".version 7.0\n.target sm_80\n.address_size 64\n"

int main() {
    CHECK(cudaFree(nullptr));
    expect_refused("unknown instruction", HEAD ".visible .entry k()\n{\n    frobnicate.s32 %r1;\n    ret;\n}\n", "6");
    expect_refused("undeclared register", HEAD ".visible .entry k()\n{\n    mov.u32 %r1, 5;\n    ret;\n}\n", "6");
    expect_refused("brace missing", HEAD ".visible .entry k()\n{\n    ret;\n", "");
    expect_refused("not PTX after the header", HEAD "hello world\n", "4");
    expect_refused("no semicolon", HEAD ".visible .entry k()\n{\n    .reg .u32 %r1;\n    mov.u32 %r1, 5\n    ret;\n}\n", "8");
    expect_refused("label missing", HEAD ".visible .entry k()\n{\n    bra nowhere;\n    ret;\n}\n", "nowhere");
    expect_refused("wrong type", HEAD ".visible .entry k()\n{\n    .reg .f32 %f1;\n    .reg .u32 %r1;\n    add.f32 %f1, %f1, %r1;\n}\n", "8");

    CUmodule module;
    CUfunction function;
    EXPECT(cuModuleLoadData(&module, HEAD ".visible .entry k(.param .u64 p)\n{\n .reg .u64 %a;\n ld.param.u64 %a, [p];\n"
                                          " cvta.to.global.u64 %a, %a;\n st.global.u32 [%a], 42;\n ret;\n}\n") == CUDA_SUCCESS);
    EXPECT(cuModuleGetFunction(&function, module, "k") == CUDA_SUCCESS);
    int* out = managed<int>(1);
    void* arguments[] = {&out};
    EXPECT(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr) == CUDA_SUCCESS);
    CHECK(cudaDeviceSynchronize());
    EXPECT_EQUAL(*out, 42, 0);
    return summary();
}
