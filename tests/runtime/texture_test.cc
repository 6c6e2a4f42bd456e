// Arrays, textures and surfaces of the runtime: allocation, description, the copies that see an array as a run of bytes, the
// objects' descriptions, and the documented errors. CUDA Runtime API, "Memory Management", "Texture Object Management", "Surface
// Object Management". What kernels read is tested in tests/cuda/textures.cu.
#include <cuda_runtime_api.h>

#include <cstring>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#define OK(call) ASSERT_EQ(call, cudaSuccess)

namespace {

cudaChannelFormatDesc bytes_of(int channels, int bits = 8, cudaChannelFormatKind kind = cudaChannelFormatKindUnsigned) {
    auto channel = [&](int i) { return i < channels ? bits : 0; };
    return cudaCreateChannelDesc(channel(0), channel(1), channel(2), channel(3), kind);
}

TEST(Arrays, AllocateAndDescribe) {
    cudaArray_t array = nullptr;
    cudaChannelFormatDesc format = bytes_of(4), got{};
    OK(cudaMallocArray(&array, &format, 20, 10, cudaArraySurfaceLoadStore));
    cudaExtent extent{};
    unsigned flags = 0;
    OK(cudaArrayGetInfo(&got, &extent, &flags, array));
    EXPECT_EQ(std::memcmp(&got, &format, sizeof got), 0);
    EXPECT_EQ(extent.width, 20u);
    EXPECT_EQ(extent.height, 10u);
    EXPECT_EQ(extent.depth, 0u);
    EXPECT_EQ(flags, unsigned{cudaArraySurfaceLoadStore});
    OK(cudaGetChannelDesc(&got, array));
    EXPECT_EQ(got.w, 8);
    cudaArray_t plane = nullptr;
    EXPECT_EQ(cudaArrayGetPlane(&plane, array, 0), cudaErrorInvalidValue);
    cudaArraySparseProperties sparse{};
    EXPECT_EQ(cudaArrayGetSparseProperties(&sparse, array), cudaErrorInvalidValue);
    cudaArrayMemoryRequirements needs{};
    EXPECT_EQ(cudaArrayGetMemoryRequirements(&needs, array, 0), cudaErrorInvalidValue);
    OK(cudaFreeArray(array));
    EXPECT_EQ(cudaFreeArray(array), cudaErrorInvalidResourceHandle);
    OK(cudaFreeArray(nullptr));
    format = bytes_of(3);
    EXPECT_EQ(cudaMallocArray(&array, &format, 20, 10, 0), cudaErrorInvalidChannelDescriptor);
    format = cudaCreateChannelDesc(8, 16, 0, 0, cudaChannelFormatKindUnsigned);
    EXPECT_EQ(cudaMallocArray(&array, &format, 20, 10, 0), cudaErrorInvalidChannelDescriptor);
    format = bytes_of(1, 8, cudaChannelFormatKindFloat);
    EXPECT_EQ(cudaMallocArray(&array, &format, 20, 10, 0), cudaErrorInvalidChannelDescriptor);
    format = bytes_of(1);
    EXPECT_EQ(cudaMallocArray(&array, &format, 0, 10, 0), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMallocArray(nullptr, &format, 1, 1, 0), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMalloc3DArray(&array, &format, {8, 9, 6}, cudaArrayCubemap), cudaErrorInvalidValue);
    cudaMipmappedArray_t levels = nullptr;
    OK(cudaMallocMipmappedArray(&levels, &format, {16, 16, 0}, 3, 0));
    OK(cudaGetMipmappedArrayLevel(&plane, levels, 2));
    OK(cudaArrayGetInfo(nullptr, &extent, nullptr, plane));
    EXPECT_EQ(extent.width, 4u);
    EXPECT_EQ(cudaGetMipmappedArrayLevel(&plane, levels, 3), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMipmappedArrayGetSparseProperties(&sparse, levels), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMipmappedArrayGetMemoryRequirements(&needs, levels, 0), cudaErrorInvalidValue);
    OK(cudaFreeMipmappedArray(levels));
    EXPECT_EQ(cudaFreeMipmappedArray(levels), cudaErrorInvalidResourceHandle);
    cudaGetLastError();
}

TEST(Arrays, Copies) {
    constexpr size_t row = 12, rows = 5, count = row * rows;
    std::vector<unsigned char> in(count), out(count, 0);
    std::iota(in.begin(), in.end(), static_cast<unsigned char>(1));
    cudaArray_t a = nullptr, b = nullptr;
    cudaChannelFormatDesc format = bytes_of(1);
    OK(cudaMallocArray(&a, &format, row, rows, 0));
    OK(cudaMallocArray(&b, &format, row, rows, 0));
    OK(cudaMemcpyToArray(a, 0, 0, in.data(), count, cudaMemcpyHostToDevice));
    OK(cudaMemcpyFromArray(out.data(), a, 5, 1, 30, cudaMemcpyDeviceToHost)); // ends within the fourth row
    EXPECT_TRUE(std::equal(out.begin(), out.begin() + 30, in.begin() + row + 5));
    OK(cudaMemcpyArrayToArray(b, 0, 0, a, 0, 0, count, cudaMemcpyDeviceToDevice));
    OK(cudaMemcpyFromArrayAsync(out.data(), b, 0, 0, count, cudaMemcpyDefault, nullptr));
    OK(cudaDeviceSynchronize());
    EXPECT_EQ(in, out);
    OK(cudaMemcpy2DToArray(b, 2, 1, in.data(), row, 4, 3, cudaMemcpyHostToDevice));
    OK(cudaMemcpy2DArrayToArray(a, 0, 0, b, 2, 1, 4, 3, cudaMemcpyDeviceToDevice));
    OK(cudaMemcpy2DFromArray(out.data(), row, a, 0, 0, 4, 3, cudaMemcpyDeviceToHost));
    for (size_t y = 0; y < 3; y++) EXPECT_TRUE(std::equal(in.begin() + y * row, in.begin() + y * row + 4, out.begin() + y * row));
    cudaMemcpy3DPeerParms peer{};
    peer.srcArray = b;
    peer.dstArray = a;
    peer.extent = {row, rows, 1};
    OK(cudaMemcpy3DPeer(&peer));
    OK(cudaMemcpyFromArray(out.data(), a, 2, 1, 4, cudaMemcpyDeviceToHost));
    EXPECT_TRUE(std::equal(out.begin(), out.begin() + 4, in.begin()));
    peer.srcDevice = 1000;
    EXPECT_EQ(cudaMemcpy3DPeer(&peer), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaMemcpyToArray(a, 1, 0, in.data(), count, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpyToArray(a, 0, 0, in.data(), count, cudaMemcpyDeviceToHost), cudaErrorInvalidMemcpyDirection);
    EXPECT_EQ(cudaMemcpy2DToArray(a, 0, 0, in.data(), 3, 4, 3, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
    EXPECT_EQ(cudaMemcpy2DToArray(a, 10, 0, in.data(), row, 4, 3, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    OK(cudaFreeArray(a));
    OK(cudaFreeArray(b));
    EXPECT_EQ(cudaMemcpyToArray(a, 0, 0, in.data(), 1, cudaMemcpyHostToDevice), cudaErrorInvalidResourceHandle);
    cudaGetLastError();
}

TEST(Textures, Objects) {
    cudaArray_t array = nullptr;
    cudaChannelFormatDesc format = bytes_of(2, 16);
    OK(cudaMallocArray(&array, &format, 8, 8, cudaArraySurfaceLoadStore));
    cudaResourceDesc resource{}, got{};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaTextureDesc modes{}, got_modes{};
    modes.addressMode[1] = cudaAddressModeMirror;
    modes.filterMode = cudaFilterModeLinear;
    modes.readMode = cudaReadModeNormalizedFloat;
    modes.normalizedCoords = 1;
    modes.borderColor[2] = 2.5f;
    modes.maxMipmapLevelClamp = 4;
    cudaResourceViewDesc view{}, got_view{};
    view.format = cudaResViewFormatUnsignedShort2;
    view.width = view.height = 8;
    cudaTextureObject_t texture = 0;
    OK(cudaCreateTextureObject(&texture, &resource, &modes, &view));
    OK(cudaGetTextureObjectResourceDesc(&got, texture));
    EXPECT_EQ(got.resType, cudaResourceTypeArray);
    EXPECT_EQ(got.res.array.array, array);
    OK(cudaGetTextureObjectTextureDesc(&got_modes, texture));
    EXPECT_EQ(std::memcmp(&modes, &got_modes, sizeof modes), 0);
    OK(cudaGetTextureObjectResourceViewDesc(&got_view, texture));
    EXPECT_EQ(got_view.width, 8u);
    OK(cudaDestroyTextureObject(texture));
    EXPECT_EQ(cudaDestroyTextureObject(texture), cudaErrorInvalidValue);
    modes.readMode = cudaReadModeElementType;
    EXPECT_EQ(cudaCreateTextureObject(&texture, &resource, &modes, nullptr), cudaErrorInvalidFilterSetting);
    modes.filterMode = cudaFilterModePoint;
    OK(cudaCreateTextureObject(&texture, &resource, &modes, nullptr));
    EXPECT_EQ(cudaGetTextureObjectResourceViewDesc(&got_view, texture), cudaErrorInvalidValue);
    OK(cudaDestroyTextureObject(texture));
    EXPECT_EQ(cudaCreateTextureObject(&texture, nullptr, &modes, nullptr), cudaErrorInvalidValue);

    void* memory = nullptr;
    OK(cudaMalloc(&memory, 4096));
    resource.resType = cudaResourceTypeLinear;
    resource.res.linear.devPtr = memory;
    resource.res.linear.desc = bytes_of(1, 32);
    resource.res.linear.sizeInBytes = 4096;
    modes = {};
    OK(cudaCreateTextureObject(&texture, &resource, &modes, nullptr));
    OK(cudaGetTextureObjectResourceDesc(&got, texture));
    EXPECT_EQ(got.res.linear.devPtr, memory);
    EXPECT_EQ(got.res.linear.desc.x, 32);
    EXPECT_EQ(got.res.linear.sizeInBytes, 4096u);
    OK(cudaDestroyTextureObject(texture));
    modes.readMode = cudaReadModeNormalizedFloat;
    EXPECT_EQ(cudaCreateTextureObject(&texture, &resource, &modes, nullptr), cudaErrorInvalidNormSetting);
    OK(cudaFree(memory));

    cudaSurfaceObject_t surface = 0;
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    OK(cudaCreateSurfaceObject(&surface, &resource));
    OK(cudaGetSurfaceObjectResourceDesc(&got, surface));
    EXPECT_EQ(got.res.array.array, array);
    OK(cudaDestroySurfaceObject(surface));
    EXPECT_EQ(cudaDestroySurfaceObject(surface), cudaErrorInvalidValue);
    OK(cudaFreeArray(array));
    EXPECT_EQ(cudaCreateSurfaceObject(&surface, &resource), cudaErrorInvalidValue);
    cudaGetLastError();
}

} // namespace
