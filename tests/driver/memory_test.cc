// Allocations, pointer attributes, copies and fills, memory pools; streams and events.

#include "driver_test.h"

#include <atomic>
#include <cstring>
#include <numeric>
#include <vector>

namespace {

using Memory = DriverTest;

TEST_F(Memory, AllocateAndDescribe) {
    CUdeviceptr pointer = 0, base = 0;
    size_t bytes = 0;
    EXPECT_EQ(cuMemAlloc(&pointer, 0), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAlloc(nullptr, 4), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAlloc(&pointer, size_t{1} << 60), CUDA_ERROR_OUT_OF_MEMORY);
    OK(cuMemAlloc(&pointer, 1000));
    EXPECT_EQ(pointer % 256, 0u);
    OK(cuMemGetAddressRange(&base, &bytes, pointer + 10));
    EXPECT_EQ(base, pointer);
    EXPECT_EQ(bytes, 1000u);
    unsigned type = 0;
    int managed = 1;
    OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, pointer));
    EXPECT_EQ(type, CU_MEMORYTYPE_DEVICE);
    managed = 0;
    OK(cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, pointer));
    EXPECT_EQ(managed & 1, 0);
    CUcontext owner;
    OK(cuPointerGetAttribute(&owner, CU_POINTER_ATTRIBUTE_CONTEXT, pointer));
    EXPECT_EQ(owner, context);
    void* host;
    EXPECT_EQ(cuPointerGetAttribute(&host, CU_POINTER_ATTRIBUTE_HOST_POINTER, pointer), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, reinterpret_cast<CUdeviceptr>(&type)),
              CUDA_ERROR_INVALID_VALUE);
    CUpointer_attribute asked[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE};
    void* answers[] = {&type};
    OK(cuPointerGetAttributes(1, asked, answers, reinterpret_cast<CUdeviceptr>(&host)));
    EXPECT_EQ(type, 0u);
    EXPECT_EQ(cuMemFree(pointer + 4), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree(pointer));
    EXPECT_EQ(cuMemFree(pointer), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree(0));
}

TEST_F(Memory, HostMemory) {
    void* host = nullptr;
    OK(cuMemHostAlloc(&host, 64, CU_MEMHOSTALLOC_PORTABLE));
    CUdeviceptr pointer = 0;
    OK(cuMemHostGetDevicePointer(&pointer, host, 0));
    EXPECT_EQ(pointer, reinterpret_cast<CUdeviceptr>(host));
    unsigned flags = 0;
    OK(cuMemHostGetFlags(&flags, host));
    EXPECT_TRUE(flags & CU_MEMHOSTALLOC_PORTABLE);
    EXPECT_EQ(cuMemFree(pointer), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFreeHost(host));
    std::vector<char> own(8192);
    OK(cuMemHostRegister(own.data(), own.size(), 0));
    EXPECT_EQ(cuMemHostRegister(own.data(), own.size(), 0), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
    OK(cuMemHostUnregister(own.data()));
    EXPECT_EQ(cuMemHostUnregister(own.data()), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
}

TEST_F(Memory, CopiesAndFills) {
    std::vector<unsigned> in(256), out(256);
    std::iota(in.begin(), in.end(), 1u);
    CUdeviceptr a, b;
    OK(cuMemAlloc(&a, 1024));
    OK(cuMemAlloc(&b, 1024));
    OK(cuMemcpyHtoD(a, in.data(), 1024));
    OK(cuMemcpyDtoD(b, a, 1024));
    OK(cuMemcpyDtoH(out.data(), b, 1024));
    EXPECT_EQ(in, out);
    OK(cuMemsetD32(b, 0xabcd1234, 256));
    OK(cuMemsetD16(b + 2, 0x5678, 1));
    OK(cuMemsetD8(b, 1, 1));
    OK(cuMemcpy(reinterpret_cast<CUdeviceptr>(out.data()), b, 8));
    EXPECT_EQ(out[0], 0x56781201u);
    EXPECT_EQ(out[1], 0xabcd1234u);
    EXPECT_EQ(cuMemcpyHtoD(a, in.data(), 1025), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemcpyHtoD(16, in.data(), 4), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemcpyHtoD(a, nullptr, 4), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemsetD32(b + 1, 0, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemsetD8(b, 0, 1025), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemcpyDtoHAsync(out.data(), a, 4, reinterpret_cast<CUstream>(&a)), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Memory, PitchedCopies) {
    CUdeviceptr image;
    size_t pitch = 0;
    OK(cuMemAllocPitch(&image, &pitch, 100, 10, 4));
    EXPECT_GE(pitch, 100u);
    std::vector<uint8_t> in(1000), out(1000, 0);
    std::iota(in.begin(), in.end(), uint8_t{0});
    CUDA_MEMCPY2D copy{};
    copy.srcMemoryType = CU_MEMORYTYPE_HOST;
    copy.srcHost = in.data();
    copy.srcPitch = 100;
    copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    copy.dstDevice = image;
    copy.dstPitch = pitch;
    copy.WidthInBytes = 100;
    copy.Height = 10;
    OK(cuMemcpy2D(&copy));
    CUDA_MEMCPY3D back{};
    back.srcMemoryType = CU_MEMORYTYPE_DEVICE;
    back.srcDevice = image;
    back.srcPitch = pitch;
    back.srcHeight = 5;
    back.dstMemoryType = CU_MEMORYTYPE_HOST;
    back.dstHost = out.data();
    back.dstPitch = 100;
    back.dstHeight = 5;
    back.WidthInBytes = 100;
    back.Height = 5;
    back.Depth = 2;
    OK(cuMemcpy3D(&back));
    EXPECT_EQ(in, out);
    copy.dstPitch = 50;
    EXPECT_EQ(cuMemcpy2D(&copy), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAllocPitch(&image, &pitch, 100, 10, 3), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Memory, Pools) {
    CUmemoryPool pool;
    OK(cuDeviceGetDefaultMemPool(&pool, device));
    CUdeviceptr pointer;
    OK(cuMemAllocAsync(&pointer, 4096, nullptr));
    cuuint64_t used = 0;
    OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
    EXPECT_GE(used, 4096u);
    OK(cuMemsetD8Async(pointer, 1, 4096, nullptr));
    OK(cuMemFreeAsync(pointer, nullptr));
    OK(cuStreamSynchronize(nullptr));
    EXPECT_EQ(cuMemsetD8(pointer, 1, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemPoolDestroy(pool), CUDA_ERROR_INVALID_VALUE);
}

using Stream = DriverTest;

TEST_F(Stream, LifeAndMisuse) {
    CUstream stream;
    EXPECT_EQ(cuStreamCreate(&stream, 77), CUDA_ERROR_INVALID_VALUE);
    OK(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, -100));
    unsigned flags = 0;
    int priority = 0;
    OK(cuStreamGetFlags(stream, &flags));
    EXPECT_EQ(flags, CU_STREAM_NON_BLOCKING);
    OK(cuStreamGetPriority(stream, &priority));
    EXPECT_EQ(priority, -5);
    CUcontext owner;
    OK(cuStreamGetCtx(stream, &owner));
    EXPECT_EQ(owner, context);
    OK(cuStreamQuery(stream));
    std::atomic<int> calls{0};
    OK(cuLaunchHostFunc(stream, [](void* data) { ++*static_cast<std::atomic<int>*>(data); }, &calls));
    OK(cuStreamAddCallback(
        stream,
        [](CUstream, CUresult status, void* data) { *static_cast<std::atomic<int>*>(data) += status == CUDA_SUCCESS ? 10 : 100; },
        &calls, 0));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(calls, 11);
    OK(cuStreamDestroy(stream));
    EXPECT_EQ(cuStreamDestroy(stream), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
    OK(cuStreamSynchronize(CU_STREAM_LEGACY));
    OK(cuStreamSynchronize(CU_STREAM_PER_THREAD));
}

TEST_F(Stream, Events) {
    CUstream stream;
    OK(cuStreamCreate(&stream, 0));
    CUevent begin, end, untimed;
    OK(cuEventCreate(&begin, 0));
    OK(cuEventCreate(&end, 0));
    OK(cuEventCreate(&untimed, CU_EVENT_DISABLE_TIMING));
    EXPECT_EQ(cuEventCreate(&end, 0x100), CUDA_ERROR_INVALID_VALUE);
    float milliseconds = -1;
    EXPECT_EQ(cuEventElapsedTime(&milliseconds, begin, end), CUDA_ERROR_INVALID_HANDLE);
    OK(cuEventQuery(begin)); // never recorded: done
    OK(cuEventRecord(begin, stream));
    OK(cuEventRecord(end, stream));
    OK(cuEventRecord(untimed, stream));
    OK(cuStreamWaitEvent(nullptr, end, 0));
    OK(cuEventSynchronize(end));
    OK(cuEventElapsedTime(&milliseconds, begin, end));
    EXPECT_GE(milliseconds, 0);
    OK(cuEventSynchronize(untimed));
    EXPECT_EQ(cuEventElapsedTime(&milliseconds, begin, untimed), CUDA_ERROR_INVALID_HANDLE);
    OK(cuEventDestroy(begin));
    EXPECT_EQ(cuEventDestroy(begin), CUDA_ERROR_INVALID_HANDLE);
}

} // namespace
