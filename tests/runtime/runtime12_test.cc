// What differs in libcudart.so.12: structures that are shorter, calls whose parameters changed under the same name.
#include "runtime/device_properties_12.h"

#include <cstring>
#include <gtest/gtest.h>

using anywarp::runtime::cudaDeviceProp12;

extern "C" {
cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp12*, int);
cudaError_t get_properties_11(void*, int) asm("cudaGetDeviceProperties");
cudaError_t prefetch_12(const void*, size_t, int, cudaStream_t) asm("cudaMemPrefetchAsync");
cudaError_t advise_12(const void*, size_t, cudaMemoryAdvise, int) asm("cudaMemAdvise");
cudaError_t capture_info_12(cudaStream_t, cudaStreamCaptureStatus*, unsigned long long*) asm("cudaStreamGetCaptureInfo");
cudaError_t cudaThreadSynchronize();
}

namespace {

TEST(Runtime12, FillsItsOwnDeviceProperties) {
    struct {
        cudaDeviceProp12 properties;
        char behind = 77;
    } guarded;
    ASSERT_EQ(cudaGetDeviceProperties_v2(&guarded.properties, 0), cudaSuccess);
    EXPECT_EQ(guarded.behind, 77);
    EXPECT_EQ(guarded.properties.warpSize, 32);
    EXPECT_GT(guarded.properties.clockRate, 0);
    unsigned char older[sizeof(cudaDeviceProp12)];
    memset(older, 0xab, sizeof older);
    ASSERT_EQ(get_properties_11(older, 0), cudaSuccess);
    EXPECT_EQ(older[offsetof(cudaDeviceProp12, hostRegisterSupported)], 0xab);
}

TEST(Runtime12, WritesItsOwnPointerAttributes) {
    cudaPointerAttributes attributes;
    memset(&attributes, 0xab, sizeof attributes);
    int local = 0;
    ASSERT_EQ(cudaPointerGetAttributes(&attributes, &local), cudaSuccess);
    unsigned char behind = 0;
    memcpy(&behind, attributes.reserved, 1);
    EXPECT_EQ(behind, 0xab);
}

TEST(Runtime12, TakesDevicesWhereThirteenTakesLocations) {
    void* managed = nullptr;
    ASSERT_EQ(cudaMallocManaged(&managed, 4096, cudaMemAttachGlobal), cudaSuccess);
    EXPECT_EQ(prefetch_12(managed, 4096, 0, nullptr), cudaSuccess);
    EXPECT_EQ(prefetch_12(managed, 4096, cudaCpuDeviceId, nullptr), cudaSuccess);
    EXPECT_EQ(advise_12(managed, 4096, cudaMemAdviseSetPreferredLocation, 0), cudaSuccess);
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
    EXPECT_EQ(capture_info_12(cudaStreamPerThread, &status, nullptr), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusNone);
    EXPECT_EQ(cudaThreadSynchronize(), cudaSuccess);
    EXPECT_EQ(cudaFree(managed), cudaSuccess);
    int version = 0;
    EXPECT_EQ(cudaRuntimeGetVersion(&version), cudaSuccess);
    EXPECT_EQ(version / 1000, 12);
}

} // namespace
