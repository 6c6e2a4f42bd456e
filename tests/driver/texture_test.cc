// Arrays, mipmapped arrays, copies from and to them, texture and surface objects and references: what succeeds, and the errors
// that CUDA documents for misuse. CUDA driver API, "Memory Management", "Texture Object Management", "Surface Object Management",
// "Texture Reference Management", "Surface Reference Management". What kernels read is tested in tests/cuda/textures.cu.

#include "driver_test.h"

#include <cstring>
#include <numeric>
#include <vector>

namespace {

CUDA_ARRAY3D_DESCRIPTOR describe(size_t width, size_t height, size_t depth, unsigned flags = 0,
                                 CUarray_format format = CU_AD_FORMAT_FLOAT, unsigned channels = 1) {
    return {.Width = width, .Height = height, .Depth = depth, .Format = format, .NumChannels = channels, .Flags = flags};
}

std::vector<uint8_t> numbered(size_t count) {
    std::vector<uint8_t> bytes(count);
    std::iota(bytes.begin(), bytes.end(), uint8_t{1});
    return bytes;
}

using Array = DriverTest;

TEST_F(Array, CreateAndDescribe) {
    CUarray array = nullptr;
    CUDA_ARRAY_DESCRIPTOR flat{.Width = 20, .Height = 10, .Format = CU_AD_FORMAT_UNSIGNED_INT16, .NumChannels = 2}, got{};
    OK(cuArrayCreate(&array, &flat));
    OK(cuArrayGetDescriptor(&got, array));
    EXPECT_EQ(std::memcmp(&flat, &got, sizeof got), 0);
    CUDA_ARRAY3D_DESCRIPTOR all{};
    OK(cuArray3DGetDescriptor(&all, array));
    EXPECT_EQ(all.Width, 20u);
    EXPECT_EQ(all.Depth, 0u);
    EXPECT_EQ(all.Flags, 0u);
    EXPECT_EQ(cuArrayGetDescriptor(nullptr, array), CUDA_ERROR_INVALID_VALUE);
    CUarray plane;
    EXPECT_EQ(cuArrayGetPlane(&plane, array, 0), CUDA_ERROR_INVALID_VALUE);
    CUDA_ARRAY_SPARSE_PROPERTIES sparse;
    CUDA_ARRAY_MEMORY_REQUIREMENTS needs;
    EXPECT_EQ(cuArrayGetSparseProperties(&sparse, array), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuArrayGetMemoryRequirements(&needs, array, device), CUDA_ERROR_INVALID_VALUE);
    OK(cuArrayDestroy(array));
    EXPECT_EQ(cuArrayDestroy(array), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuArrayGetDescriptor(&got, array), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuArrayDestroy(nullptr), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Array, Shapes) {
    CUarray array = nullptr;
    auto create = [&](const CUDA_ARRAY3D_DESCRIPTOR& d) {
        CUresult result = cuArray3DCreate(&array, &d);
        if (result == CUDA_SUCCESS) EXPECT_EQ(cuArrayDestroy(array), CUDA_SUCCESS);
        return result;
    };
    EXPECT_EQ(create(describe(5, 0, 0)), CUDA_SUCCESS);
    EXPECT_EQ(create(describe(5, 6, 7)), CUDA_SUCCESS);
    EXPECT_EQ(create(describe(5, 0, 7, CUDA_ARRAY3D_LAYERED)), CUDA_SUCCESS);
    EXPECT_EQ(create(describe(5, 6, 7, CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_SURFACE_LDST)), CUDA_SUCCESS);
    EXPECT_EQ(create(describe(8, 8, 6, CUDA_ARRAY3D_CUBEMAP)), CUDA_SUCCESS);
    EXPECT_EQ(create(describe(8, 8, 12, CUDA_ARRAY3D_CUBEMAP | CUDA_ARRAY3D_LAYERED)), CUDA_SUCCESS);
    EXPECT_EQ(create(describe(8, 8, 0, CUDA_ARRAY3D_TEXTURE_GATHER)), CUDA_SUCCESS);
    EXPECT_EQ(create(describe(0, 0, 0)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(5, 0, 7)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(5, 5, 0, CUDA_ARRAY3D_LAYERED)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(8, 9, 6, CUDA_ARRAY3D_CUBEMAP)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(8, 8, 12, CUDA_ARRAY3D_CUBEMAP)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(8, 8, 8, CUDA_ARRAY3D_TEXTURE_GATHER)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(8, 8, 0, 0x4000)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(8, 8, 0, 0, CU_AD_FORMAT_FLOAT, 3)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(8, 8, 0, 0, CUarray_format(0x77))), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(1 << 20, 8, 0)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(create(describe(8, 8, 0, CUDA_ARRAY3D_SPARSE)), CUDA_ERROR_NOT_SUPPORTED);
    EXPECT_EQ(create(describe(8, 8, 0, 0, CU_AD_FORMAT_BC1_UNORM, 4)), CUDA_ERROR_NOT_SUPPORTED);
    CUDA_ARRAY3D_DESCRIPTOR d = describe(8, 8, 0);
    EXPECT_EQ(cuArray3DCreate(nullptr, &d), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuArray3DCreate(&array, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Array, Mipmapped) {
    CUmipmappedArray array = nullptr;
    CUDA_ARRAY3D_DESCRIPTOR d = describe(40, 10, 3, CUDA_ARRAY3D_LAYERED), got{};
    OK(cuMipmappedArrayCreate(&array, &d, 100)); // clamped to the six that there can be
    CUarray level = nullptr, last = nullptr;
    OK(cuMipmappedArrayGetLevel(&level, array, 2));
    OK(cuMipmappedArrayGetLevel(&last, array, 5));
    EXPECT_EQ(cuMipmappedArrayGetLevel(&last, array, 6), CUDA_ERROR_INVALID_VALUE);
    OK(cuArray3DGetDescriptor(&got, level));
    EXPECT_EQ(got.Width, 10u);
    EXPECT_EQ(got.Height, 2u);
    EXPECT_EQ(got.Depth, 3u);
    EXPECT_EQ(cuArrayDestroy(level), CUDA_ERROR_INVALID_HANDLE); // it goes with the array
    CUDA_ARRAY_SPARSE_PROPERTIES sparse;
    CUDA_ARRAY_MEMORY_REQUIREMENTS needs;
    EXPECT_EQ(cuMipmappedArrayGetSparseProperties(&sparse, array), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMipmappedArrayGetMemoryRequirements(&needs, array, device), CUDA_ERROR_INVALID_VALUE);
    OK(cuMipmappedArrayDestroy(array));
    EXPECT_EQ(cuMipmappedArrayDestroy(array), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuArray3DGetDescriptor(&got, level), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Array, Planes) {
    CUarray array = nullptr, y = nullptr, uv = nullptr;
    CUDA_ARRAY3D_DESCRIPTOR d = describe(16, 8, 0, 0, CU_AD_FORMAT_NV12, 3), got{};
    OK(cuArray3DCreate(&array, &d));
    OK(cuArrayGetPlane(&y, array, 0));
    OK(cuArrayGetPlane(&uv, array, 1));
    EXPECT_EQ(cuArrayGetPlane(&uv, array, 2), CUDA_ERROR_INVALID_VALUE);
    OK(cuArray3DGetDescriptor(&got, uv));
    EXPECT_EQ(got.Width, 8u);
    EXPECT_EQ(got.Height, 4u);
    EXPECT_EQ(got.NumChannels, 2u);
    EXPECT_EQ(got.Format, CU_AD_FORMAT_UNSIGNED_INT8);
    OK(cuArrayDestroy(array));
    EXPECT_EQ(cuArray3DGetDescriptor(&got, y), CUDA_ERROR_INVALID_HANDLE);
    d.NumChannels = 1;
    EXPECT_EQ(cuArray3DCreate(&array, &d), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Array, BoxCopies) {
    constexpr size_t width = 12, height = 7, depth = 3, texel = 4;
    CUarray a, b;
    CUDA_ARRAY3D_DESCRIPTOR d = describe(width, height, depth, 0, CU_AD_FORMAT_UNSIGNED_INT8, 4);
    OK(cuArray3DCreate(&a, &d));
    OK(cuArray3DCreate(&b, &d));
    std::vector<uint8_t> in = numbered(width * height * depth * texel), out(in.size(), 0);
    CUDA_MEMCPY3D copy{};
    copy.srcMemoryType = CU_MEMORYTYPE_HOST;
    copy.srcHost = in.data();
    copy.srcPitch = width * texel;
    copy.srcHeight = height;
    copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    copy.dstArray = a;
    copy.WidthInBytes = width * texel;
    copy.Height = height;
    copy.Depth = depth;
    OK(cuMemcpy3D(&copy));
    CUDA_MEMCPY3D between{};
    between.srcMemoryType = between.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    between.srcArray = a;
    between.dstArray = b;
    between.WidthInBytes = width * texel;
    between.Height = height;
    between.Depth = depth;
    OK(cuMemcpy3DAsync(&between, nullptr));
    CUDA_MEMCPY3D back{}; // one texel column further, one row less, the last two slices
    back.srcMemoryType = CU_MEMORYTYPE_ARRAY;
    back.srcArray = b;
    back.srcXInBytes = texel;
    back.srcY = 1;
    back.srcZ = 1;
    back.dstMemoryType = CU_MEMORYTYPE_HOST;
    back.dstHost = out.data();
    back.dstPitch = width * texel;
    back.dstHeight = height;
    back.WidthInBytes = (width - 1) * texel;
    back.Height = height - 1;
    back.Depth = 2;
    OK(cuMemcpy3D(&back));
    for (size_t z = 0; z < 2; z++)
        for (size_t y = 0; y + 1 < height; y++)
            for (size_t x = 0; x < (width - 1) * texel; x++)
                ASSERT_EQ(out[(z * height + y) * width * texel + x], in[((z + 1) * height + y + 1) * width * texel + x + texel]);
    back.WidthInBytes = width * texel;
    EXPECT_EQ(cuMemcpy3D(&back), CUDA_ERROR_INVALID_VALUE); // past the row's end
    back.srcXInBytes = 2;
    back.WidthInBytes = texel;
    EXPECT_EQ(cuMemcpy3D(&back), CUDA_ERROR_INVALID_VALUE); // through a texel
    back.srcXInBytes = 0;
    back.Depth = 3;
    EXPECT_EQ(cuMemcpy3D(&back), CUDA_ERROR_INVALID_VALUE); // past the last slice
    back.Depth = 1;
    back.srcLOD = 1;
    EXPECT_EQ(cuMemcpy3D(&back), CUDA_ERROR_INVALID_VALUE);
    back.srcLOD = 0;
    back.srcArray = nullptr;
    EXPECT_EQ(cuMemcpy3D(&back), CUDA_ERROR_INVALID_HANDLE);
    OK(cuArrayDestroy(a));
    OK(cuArrayDestroy(b));
}

TEST_F(Array, LinearCopies) {
    constexpr size_t row = 10, rows = 6, bytes = row * rows;
    CUarray a, narrow;
    CUDA_ARRAY_DESCRIPTOR d{.Width = row, .Height = rows, .Format = CU_AD_FORMAT_UNSIGNED_INT8, .NumChannels = 1};
    OK(cuArrayCreate(&a, &d));
    d.Width = 4;
    d.Height = 15;
    OK(cuArrayCreate(&narrow, &d));
    std::vector<uint8_t> in = numbered(bytes), out(bytes, 0);
    OK(cuMemcpyHtoA(a, 0, in.data(), bytes));
    OK(cuMemcpyHtoA(a, 7, in.data(), 36)); // part of a row, whole rows, part of a row
    std::vector<uint8_t> expected = numbered(bytes);
    std::copy_n(numbered(36).begin(), 36, expected.begin() + 7);
    OK(cuMemcpyAtoA(narrow, 0, a, 0, bytes)); // rows of different lengths
    OK(cuMemcpyAtoH(out.data(), narrow, 0, bytes));
    EXPECT_EQ(out, expected);
    CUdeviceptr memory;
    OK(cuMemAlloc(&memory, bytes));
    OK(cuMemcpyAtoD(memory, a, 5, 50));
    OK(cuMemcpyDtoA(narrow, 3, memory, 50));
    OK(cuMemcpyAtoHAsync(out.data(), narrow, 3, 50, nullptr));
    OK(cuStreamSynchronize(nullptr));
    EXPECT_TRUE(std::equal(out.begin(), out.begin() + 50, expected.begin() + 5));
    OK(cuMemcpyHtoAAsync(a, 0, out.data(), 3, nullptr));
    OK(cuMemcpyAtoH(out.data() + 50, a, 0, 3));
    EXPECT_TRUE(std::equal(out.begin(), out.begin() + 3, out.begin() + 50));
    EXPECT_EQ(cuMemcpyAtoH(out.data(), a, 1, bytes), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemcpyAtoH(nullptr, a, 0, 4), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemcpyHtoA(nullptr, 0, in.data(), 4), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuMemcpyAtoD(16, a, 0, 4), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree(memory));
    OK(cuArrayDestroy(a));
    OK(cuArrayDestroy(narrow));
}

TEST_F(Array, NotWhileCapturing) {
    CUstream stream;
    CUgraph graph = nullptr;
    CUarray array = nullptr;
    CUmipmappedArray levels = nullptr;
    CUDA_ARRAY3D_DESCRIPTOR d = describe(4, 4, 0);
    OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    EXPECT_EQ(cuArray3DCreate(&array, &d), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    EXPECT_EQ(cuMipmappedArrayCreate(&levels, &d, 2), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    cuStreamEndCapture(stream, &graph);
    if (graph) OK(cuGraphDestroy(graph));
    OK(cuStreamDestroy(stream));
}

TEST_F(Array, GoesWithItsContext) {
    CUcontext own;
    CUarray array;
    CUDA_ARRAY3D_DESCRIPTOR d = describe(64, 64, 0), got{};
    size_t before = 0, after = 0, total = 0;
    OK(cuMemGetInfo(&before, &total));
    OK(cuCtxCreate(&own, nullptr, 0, device));
    OK(cuArray3DCreate(&array, &d));
    OK(cuCtxDestroy(own));
    OK(cuCtxSetCurrent(context));
    OK(cuMemGetInfo(&after, &total));
    EXPECT_EQ(before, after);
    EXPECT_EQ(cuArray3DGetDescriptor(&got, array), CUDA_ERROR_INVALID_HANDLE);
}

using Texture = DriverTest;

TEST_F(Texture, Objects) {
    CUarray array;
    CUDA_ARRAY3D_DESCRIPTOR d = describe(32, 16, 0, 0, CU_AD_FORMAT_UNSIGNED_INT8, 4);
    OK(cuArray3DCreate(&array, &d));
    CUDA_RESOURCE_DESC resource{}, got{};
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = array;
    CUDA_TEXTURE_DESC modes{}, got_modes{};
    modes.addressMode[0] = CU_TR_ADDRESS_MODE_BORDER;
    modes.filterMode = CU_TR_FILTER_MODE_LINEAR;
    modes.flags = CU_TRSF_NORMALIZED_COORDINATES;
    CUDA_RESOURCE_VIEW_DESC view{}, got_view{};
    view.format = CU_RES_VIEW_FORMAT_UINT_1X32;
    view.width = 32;
    view.height = 16;
    CUtexObject texture = 0;
    OK(cuTexObjectCreate(&texture, &resource, &modes, &view));
    OK(cuTexObjectGetResourceDesc(&got, texture));
    EXPECT_EQ(got.res.array.hArray, array);
    OK(cuTexObjectGetTextureDesc(&got_modes, texture));
    EXPECT_EQ(std::memcmp(&modes, &got_modes, sizeof modes), 0);
    OK(cuTexObjectGetResourceViewDesc(&got_view, texture));
    EXPECT_EQ(got_view.format, view.format);
    OK(cuTexObjectDestroy(texture));
    EXPECT_EQ(cuTexObjectDestroy(texture), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuTexObjectGetTextureDesc(&got_modes, texture), CUDA_ERROR_INVALID_VALUE);

    OK(cuTexObjectCreate(&texture, &resource, &modes, nullptr));
    EXPECT_EQ(cuTexObjectGetResourceViewDesc(&got_view, texture), CUDA_ERROR_INVALID_VALUE);
    OK(cuTexObjectDestroy(texture));

    view.format = CU_RES_VIEW_FORMAT_UINT_4X16; // of another size
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, &view), CUDA_ERROR_INVALID_VALUE);
    view.format = CU_RES_VIEW_FORMAT_NONE;
    view.width = 31;
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, &view), CUDA_ERROR_INVALID_VALUE);
    view.width = 32;
    view.lastLayer = 1;
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, &view), CUDA_ERROR_INVALID_VALUE);
    modes.filterMode = CUfilter_mode(7);
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    modes.filterMode = CU_TR_FILTER_MODE_POINT;
    modes.flags = 0x800;
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    modes.flags = 0;
    EXPECT_EQ(cuTexObjectCreate(nullptr, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuTexObjectCreate(&texture, nullptr, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
    resource.flags = 1;
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    resource.flags = 0;
    resource.res.array.hArray = nullptr;
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    OK(cuArrayDestroy(array));
}

TEST_F(Texture, PlainMemory) {
    CUdeviceptr memory;
    OK(cuMemAlloc(&memory, 64 * 64 * 4));
    CUDA_RESOURCE_DESC resource{};
    resource.resType = CU_RESOURCE_TYPE_LINEAR;
    resource.res.linear = {.devPtr = memory, .format = CU_AD_FORMAT_FLOAT, .numChannels = 1, .sizeInBytes = 64 * 64 * 4};
    CUDA_TEXTURE_DESC modes{};
    CUtexObject texture = 0;
    OK(cuTexObjectCreate(&texture, &resource, &modes, nullptr));
    OK(cuTexObjectDestroy(texture));
    CUDA_RESOURCE_VIEW_DESC view{};
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, &view), CUDA_ERROR_INVALID_VALUE);
    resource.res.linear.devPtr = memory + 4;
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE); // alignment
    resource.res.linear.devPtr = memory;
    resource.res.linear.sizeInBytes *= 2;
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    resource.resType = CU_RESOURCE_TYPE_PITCH2D;
    resource.res.pitch2D = {
        .devPtr = memory, .format = CU_AD_FORMAT_FLOAT, .numChannels = 1, .width = 60, .height = 64, .pitchInBytes = 256};
    OK(cuTexObjectCreate(&texture, &resource, &modes, nullptr));
    OK(cuTexObjectDestroy(texture));
    resource.res.pitch2D.pitchInBytes = 244; // not a multiple of the device's pitch alignment
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    resource.res.pitch2D.pitchInBytes = 128; // shorter than a row
    EXPECT_EQ(cuTexObjectCreate(&texture, &resource, &modes, nullptr), CUDA_ERROR_INVALID_VALUE);
    size_t width = 0;
    OK(cuDeviceGetTexture1DLinearMaxWidth(&width, CU_AD_FORMAT_FLOAT, 1, device));
    EXPECT_GE(width, size_t{1} << 27);
    EXPECT_EQ(cuDeviceGetTexture1DLinearMaxWidth(&width, CU_AD_FORMAT_FLOAT, 3, device), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree(memory));
}

TEST_F(Texture, Surfaces) {
    CUarray plain, array;
    CUDA_ARRAY3D_DESCRIPTOR d = describe(8, 8, 0);
    OK(cuArray3DCreate(&plain, &d));
    d.Flags = CUDA_ARRAY3D_SURFACE_LDST;
    OK(cuArray3DCreate(&array, &d));
    CUDA_RESOURCE_DESC resource{}, got{};
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = array;
    CUsurfObject surface = 0;
    OK(cuSurfObjectCreate(&surface, &resource));
    OK(cuSurfObjectGetResourceDesc(&got, surface));
    EXPECT_EQ(got.res.array.hArray, array);
    EXPECT_EQ(cuTexObjectDestroy(surface), CUDA_ERROR_INVALID_VALUE);
    OK(cuSurfObjectDestroy(surface));
    EXPECT_EQ(cuSurfObjectDestroy(surface), CUDA_ERROR_INVALID_VALUE);
    resource.res.array.hArray = plain;
    EXPECT_EQ(cuSurfObjectCreate(&surface, &resource), CUDA_ERROR_INVALID_VALUE);
    resource.resType = CU_RESOURCE_TYPE_LINEAR;
    EXPECT_EQ(cuSurfObjectCreate(&surface, &resource), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuSurfObjectCreate(&surface, nullptr), CUDA_ERROR_INVALID_VALUE);
    OK(cuArrayDestroy(plain));
    OK(cuArrayDestroy(array));
}

/// Reads texel (tid.x, 0) of `image` to out[tid.x] and writes twice its value to the surface `target`.
const char* const reference_ptx = R"(.version 7.0
.target sm_70
.address_size 64
.global .texref image;
.global .surfref target;
.global .align 4 .u32 other;

.visible .entry double(.param .u64 out)
{
    .reg .b32 %r<4>;
    .reg .f32 %f<8>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [out];
    mov.u32 %r1, %tid.x;
    cvt.rn.f32.u32 %f1, %r1;
    add.f32 %f1, %f1, 0f3F000000;
    tex.2d.v4.f32.f32 {%f2, %f3, %f4, %f5}, [image, {%f1, %f1}];
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2;
    st.global.f32 [%rd3], %f2;
    add.f32 %f6, %f2, %f2;
    mov.b32 %r2, %f6;
    shl.b32 %r3, %r1, 2;
    sust.b.1d.b32.trap [target, {%r3}], {%r2};
    ret;
}
)";

TEST_F(Texture, References) {
    CUmodule module;
    OK(cuModuleLoadData(&module, reference_ptx));
    CUtexref image, again;
    CUsurfref target;
    OK(cuModuleGetTexRef(&image, module, "image"));
    OK(cuModuleGetTexRef(&again, module, "image"));
    EXPECT_EQ(image, again);
    EXPECT_EQ(cuModuleGetTexRef(&again, module, "target"), CUDA_ERROR_NOT_FOUND);
    EXPECT_EQ(cuModuleGetTexRef(&again, module, "other"), CUDA_ERROR_NOT_FOUND);
    EXPECT_EQ(cuModuleGetTexRef(&again, module, "missing"), CUDA_ERROR_NOT_FOUND);
    EXPECT_EQ(cuModuleGetTexRef(nullptr, module, "image"), CUDA_ERROR_INVALID_VALUE);
    OK(cuModuleGetSurfRef(&target, module, "target"));
    EXPECT_EQ(cuModuleGetSurfRef(&target, module, "image"), CUDA_ERROR_NOT_FOUND);

    CUarray array = nullptr, bound = nullptr, line = nullptr;
    EXPECT_EQ(cuTexRefGetArray(&bound, image), CUDA_ERROR_INVALID_VALUE); // not bound yet
    EXPECT_EQ(cuSurfRefGetArray(&bound, target), CUDA_ERROR_INVALID_VALUE);
    CUDA_ARRAY3D_DESCRIPTOR d = describe(4, 4, 0);
    OK(cuArray3DCreate(&array, &d));
    float texels[16];
    std::iota(texels, texels + 16, 0.0f);
    OK(cuMemcpyHtoA(array, 0, texels, sizeof texels));
    EXPECT_EQ(cuTexRefSetArray(image, array, 0), CUDA_ERROR_INVALID_VALUE);
    OK(cuTexRefSetFilterMode(image, CU_TR_FILTER_MODE_POINT));
    OK(cuTexRefSetAddressMode(image, 0, CU_TR_ADDRESS_MODE_CLAMP));
    OK(cuTexRefSetAddressMode(image, 1, CU_TR_ADDRESS_MODE_CLAMP));
    EXPECT_EQ(cuTexRefSetAddressMode(image, 3, CU_TR_ADDRESS_MODE_CLAMP), CUDA_ERROR_INVALID_VALUE);
    OK(cuTexRefSetArray(image, array, CU_TRSA_OVERRIDE_FORMAT));
    OK(cuTexRefGetArray(&bound, image));
    EXPECT_EQ(bound, array);
    CUdeviceptr address = 0;
    EXPECT_EQ(cuTexRefGetAddress(&address, image), CUDA_ERROR_INVALID_VALUE);
    d = describe(4, 0, 0, CUDA_ARRAY3D_SURFACE_LDST);
    OK(cuArray3DCreate(&line, &d));
    EXPECT_EQ(cuSurfRefSetArray(target, array, 0), CUDA_ERROR_INVALID_VALUE); // not made for surfaces
    EXPECT_EQ(cuSurfRefSetArray(target, line, 1), CUDA_ERROR_INVALID_VALUE);
    OK(cuSurfRefSetArray(target, line, 0));
    OK(cuSurfRefGetArray(&bound, target));
    EXPECT_EQ(bound, line);

    CUfunction function;
    CUdeviceptr out;
    OK(cuModuleGetFunction(&function, module, "double"));
    OK(cuParamSetTexRef(function, CU_PARAM_TR_DEFAULT, image));
    EXPECT_EQ(cuParamSetTexRef(function, 0, image), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemAlloc(&out, 16));
    void* arguments[] = {&out};
    float got[4], stored[4];
    auto launch = [&] {
        OK(cuLaunchKernel(function, 1, 1, 1, 4, 1, 1, 0, nullptr, arguments, nullptr));
        OK(cuMemcpyDtoH(got, out, 16));
        OK(cuMemcpyAtoH(stored, line, 0, 16));
    };
    launch();
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(got[i], 5.0f * i); // the diagonal
        EXPECT_EQ(stored[i], 10.0f * i);
    }

    // Bound to plain memory instead.
    CUdeviceptr memory;
    OK(cuMemAlloc(&memory, 4 * 512));
    OK(cuMemsetD32(memory, 0x41200000, 512)); // 10.0f
    CUDA_ARRAY_DESCRIPTOR flat{.Width = 4, .Height = 4, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
    EXPECT_EQ(cuTexRefSetAddress2D(image, &flat, memory, 20), CUDA_ERROR_INVALID_VALUE); // a pitch that isn't aligned
    OK(cuTexRefSetAddress2D(image, &flat, memory, 512));
    OK(cuTexRefGetAddress(&address, image));
    EXPECT_EQ(address, memory);
    launch();
    EXPECT_EQ(got[3], 10.0f);
    size_t offset = 99;
    OK(cuTexRefSetFormat(image, CU_AD_FORMAT_FLOAT, 1));
    OK(cuTexRefSetAddress(&offset, image, memory + 64, 64));
    EXPECT_EQ(offset, 64u);
    EXPECT_EQ(cuTexRefSetAddress(nullptr, image, memory + 64, 64), CUDA_ERROR_INVALID_VALUE);

    OK(cuModuleUnload(module));
    EXPECT_EQ(cuTexRefGetArray(&bound, image), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuSurfRefGetArray(&bound, target), CUDA_ERROR_INVALID_VALUE);
    OK(cuArrayDestroy(array));
    OK(cuArrayDestroy(line));
    OK(cuMemFree(memory));
    OK(cuMemFree(out));
}

TEST_F(Texture, ReferenceModes) {
    CUtexref reference;
    OK(cuTexRefCreate(&reference));
    OK(cuTexRefSetAddressMode(reference, 2, CU_TR_ADDRESS_MODE_MIRROR));
    CUaddress_mode address_mode{};
    OK(cuTexRefGetAddressMode(&address_mode, reference, 2));
    EXPECT_EQ(address_mode, CU_TR_ADDRESS_MODE_MIRROR);
    EXPECT_EQ(cuTexRefGetAddressMode(&address_mode, reference, 3), CUDA_ERROR_INVALID_VALUE);
    CUfilter_mode filter{};
    OK(cuTexRefSetFilterMode(reference, CU_TR_FILTER_MODE_LINEAR));
    OK(cuTexRefGetFilterMode(&filter, reference));
    EXPECT_EQ(filter, CU_TR_FILTER_MODE_LINEAR);
    EXPECT_EQ(cuTexRefSetFilterMode(reference, CUfilter_mode(9)), CUDA_ERROR_INVALID_VALUE);
    OK(cuTexRefSetMipmapFilterMode(reference, CU_TR_FILTER_MODE_LINEAR));
    OK(cuTexRefGetMipmapFilterMode(&filter, reference));
    EXPECT_EQ(filter, CU_TR_FILTER_MODE_LINEAR);
    float bias = 0, low = 0, high = 0, color[4] = {1, 2, 3, 4}, got_color[4] = {};
    OK(cuTexRefSetMipmapLevelBias(reference, 0.5f));
    OK(cuTexRefGetMipmapLevelBias(&bias, reference));
    EXPECT_EQ(bias, 0.5f);
    OK(cuTexRefSetMipmapLevelClamp(reference, 1, 3));
    OK(cuTexRefGetMipmapLevelClamp(&low, &high, reference));
    EXPECT_EQ(low, 1.0f);
    EXPECT_EQ(high, 3.0f);
    OK(cuTexRefSetBorderColor(reference, color));
    OK(cuTexRefGetBorderColor(got_color, reference));
    EXPECT_EQ(got_color[3], 4.0f);
    int anisotropy = 0, channels = 0;
    OK(cuTexRefSetMaxAnisotropy(reference, 8));
    OK(cuTexRefGetMaxAnisotropy(&anisotropy, reference));
    EXPECT_EQ(anisotropy, 8);
    unsigned flags = 0;
    OK(cuTexRefSetFlags(reference, CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES));
    OK(cuTexRefGetFlags(&flags, reference));
    EXPECT_EQ(flags, unsigned{CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES});
    EXPECT_EQ(cuTexRefSetFlags(reference, 0x8000), CUDA_ERROR_INVALID_VALUE);
    CUarray_format format{};
    OK(cuTexRefSetFormat(reference, CU_AD_FORMAT_SIGNED_INT16, 2));
    OK(cuTexRefGetFormat(&format, &channels, reference));
    EXPECT_EQ(format, CU_AD_FORMAT_SIGNED_INT16);
    EXPECT_EQ(channels, 2);
    EXPECT_EQ(cuTexRefSetFormat(reference, CU_AD_FORMAT_SIGNED_INT16, 3), CUDA_ERROR_INVALID_VALUE);
    CUmipmappedArray mipmapped;
    CUDA_ARRAY3D_DESCRIPTOR d = describe(16, 16, 0);
    EXPECT_EQ(cuTexRefGetMipmappedArray(&mipmapped, reference), CUDA_ERROR_INVALID_VALUE);
    OK(cuMipmappedArrayCreate(&mipmapped, &d, 3));
    OK(cuTexRefSetMipmappedArray(reference, mipmapped, CU_TRSA_OVERRIDE_FORMAT));
    CUmipmappedArray bound = nullptr;
    OK(cuTexRefGetMipmappedArray(&bound, reference));
    EXPECT_EQ(bound, mipmapped);
    OK(cuTexRefDestroy(reference));
    EXPECT_EQ(cuTexRefDestroy(reference), CUDA_ERROR_INVALID_VALUE);
    OK(cuMipmappedArrayDestroy(mipmapped));
}

} // namespace
