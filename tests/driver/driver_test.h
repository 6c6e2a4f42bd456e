// What the driver tests share: a context per test, and PTX that several of them load.
#pragma once

#include <cuda.h>
#include <gtest/gtest.h>

#define OK(call) ASSERT_EQ(call, CUDA_SUCCESS)

/// The device's primary context, current while a test runs.
class DriverTest : public testing::Test {
protected:
    void SetUp() override {
        OK(cuInit(0));
        OK(cuDeviceGet(&device, 0));
        OK(cuDevicePrimaryCtxRetain(&context, device));
        OK(cuCtxSetCurrent(context));
    }
    void TearDown() override {
        cuDevicePrimaryCtxReset(device);
        cuDevicePrimaryCtxRelease(device);
        cuCtxSetCurrent(nullptr);
    }
    CUdevice device = -1;
    CUcontext context = nullptr;
};

/// scale(float* out, const float* in, float factor, unsigned n), a variable `counter`, a managed one, and a kernel that stores to
/// address 16.
inline const char* const scale_ptx = R"(.version 7.0
.target sm_70
.address_size 64

.visible .global .align 4 .u32 counter = 7;
.visible .global .attribute(.managed) .align 8 .u64 shared_value = 11;

.visible .entry scale(.param .u64 out, .param .u64 in, .param .f32 factor, .param .u32 n)
{
    .reg .pred %p<2>;
    .reg .b32 %r<8>;
    .reg .f32 %f<4>;
    .reg .b64 %rd<8>;
    ld.param.u64 %rd1, [out];
    ld.param.u64 %rd2, [in];
    ld.param.f32 %f1, [factor];
    ld.param.u32 %r1, [n];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    setp.ge.u32 %p1, %r5, %r1;
    @%p1 bra done;
    mul.wide.u32 %rd3, %r5, 4;
    add.s64 %rd4, %rd2, %rd3;
    add.s64 %rd5, %rd1, %rd3;
    ld.global.f32 %f2, [%rd4];
    mul.f32 %f3, %f2, %f1;
    st.global.f32 [%rd5], %f3;
done:
    ret;
}

.visible .entry wild()
{
    .reg .b64 %rd<2>;
    .reg .b32 %r<2>;
    mov.u64 %rd1, 16;
    mov.u32 %r1, 1;
    st.global.u32 [%rd1], %r1;
    ret;
}
)";
