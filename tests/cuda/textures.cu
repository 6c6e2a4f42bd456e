// Textures and surfaces as a CUDA C++ program uses them: every type through surfaces and point-sampled textures of every
// geometry, boundary modes, address modes, linear filtering, normalised reads, gathers, levels and derivatives, plain memory as a
// texture, resource views, planes. CUDA C++ Programming Guide, "Texture and Surface Memory", "Texture Fetching".
#include "check.h"

#include <cmath>
#include <cstring>
#include <vector>

namespace {

enum Geometry { D1, D2, D3, L1, L2, CUBE, LCUBE };
struct Size {
    int width, height, slices;
};

/// Texels whose bytes tell where they lie.
template <class T> std::vector<T> numbered(size_t count) {
    std::vector<T> texels(count);
    auto* bytes = reinterpret_cast<unsigned char*>(texels.data());
    for (size_t i = 0; i < count * sizeof(T); i++) bytes[i] = (unsigned char)(i * 37 + i / 251);
    // Floats must not be NaNs, whose bits conversions may change.
    if (sizeof(T) % 4 == 0)
        for (size_t i = 3; i < count * sizeof(T); i += 4) bytes[i] = (unsigned char)(0x3f + (i & 64));
    return texels;
}

cudaArray_t make_array(Geometry g, Size s, cudaChannelFormatDesc format, unsigned more = cudaArraySurfaceLoadStore) {
    unsigned flags =
        more | (g == L1 || g == L2 || g == LCUBE ? cudaArrayLayered : 0) | (g == CUBE || g == LCUBE ? cudaArrayCubemap : 0);
    cudaExtent extent = make_cudaExtent(s.width, g == D1 || g == L1 ? 0 : s.height, g == D1 || g == D2 ? 0 : s.slices);
    cudaArray_t array = nullptr;
    CHECK(cudaMalloc3DArray(&array, &format, extent, flags));
    return array;
}

template <class T> void copy(cudaArray_t array, T* memory, Size s, bool to_array) {
    cudaMemcpy3DParms p = {};
    cudaPitchedPtr pointer = make_cudaPitchedPtr(memory, s.width * sizeof(T), s.width, s.height);
    if (to_array) {
        p.srcPtr = pointer;
        p.dstArray = array;
    } else {
        p.srcArray = array;
        p.dstPtr = pointer;
    }
    p.extent = make_cudaExtent(s.width, s.height, s.slices);
    p.kind = to_array ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost;
    CHECK(cudaMemcpy3D(&p));
}

cudaResourceDesc resource_of(cudaArray_t array) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    return resource;
}
cudaTextureObject_t texture_of(const cudaResourceDesc& resource, cudaTextureDesc modes,
                               const cudaResourceViewDesc* view = nullptr) {
    cudaTextureObject_t texture = 0;
    CHECK(cudaCreateTextureObject(&texture, &resource, &modes, view));
    return texture;
}
cudaSurfaceObject_t surface_of(cudaArray_t array) {
    cudaResourceDesc resource = resource_of(array);
    cudaSurfaceObject_t surface = 0;
    CHECK(cudaCreateSurfaceObject(&surface, &resource));
    return surface;
}
cudaTextureDesc modes_of(cudaTextureAddressMode address, cudaTextureFilterMode filter, bool normalized,
                         cudaTextureReadMode read = cudaReadModeElementType) {
    cudaTextureDesc modes = {};
    modes.addressMode[0] = modes.addressMode[1] = modes.addressMode[2] = address;
    modes.filterMode = filter;
    modes.readMode = read;
    modes.normalizedCoords = normalized;
    return modes;
}

// --- every type, every geometry ----------------------------------------------------------------------------------------------

/// Reads `from` texel by texel and writes it to `to`.
template <class T, Geometry g> __global__ void copy_surface(cudaSurfaceObject_t to, cudaSurfaceObject_t from, Size s) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= s.width * s.height * s.slices) return;
    int x = i % s.width * (int)sizeof(T), y = i / s.width % s.height, z = i / (s.width * s.height);
    T value;
    switch (g) {
    case D1:
        surf1Dread(&value, from, x);
        surf1Dwrite(value, to, x);
        break;
    case D2:
        value = surf2Dread<T>(from, x, y);
        surf2Dwrite(value, to, x, y);
        break;
    case D3:
        value = surf3Dread<T>(from, x, y, z, cudaBoundaryModeClamp);
        surf3Dwrite(value, to, x, y, z, cudaBoundaryModeZero);
        break;
    case L1:
        surf1DLayeredread(&value, from, x, z);
        surf1DLayeredwrite(value, to, x, z);
        break;
    case L2:
        value = surf2DLayeredread<T>(from, x, y, z);
        surf2DLayeredwrite(value, to, x, y, z);
        break;
    case CUBE:
        surfCubemapread(&value, from, x, y, z);
        surfCubemapwrite(value, to, x, y, z);
        break;
    case LCUBE:
        value = surfCubemapLayeredread<T>(from, x, y, z);
        surfCubemapLayeredwrite(value, to, x, y, z);
        break;
    }
}

template <class T, Geometry g> __global__ void read_texture(T* out, cudaTextureObject_t from, Size s) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= s.width * s.height * s.slices) return;
    int z = i / (s.width * s.height);
    float x = i % s.width + 0.5f, y = i / s.width % s.height + 0.5f;
    switch (g) {
    case D1:
        tex1D(&out[i], from, x);
        break;
    case D2:
        out[i] = tex2D<T>(from, x, y);
        break;
    case D3:
        out[i] = tex3D<T>(from, x, y, z + 0.5f);
        break;
    case L1:
        out[i] = tex1DLayered<T>(from, x, z);
        break;
    case L2:
        tex2DLayered(&out[i], from, x, y, z);
        break;
    case CUBE:
    case LCUBE: {
        // The direction that leads to a texel of a face (CUDA driver API, "CUarray_cubemap_face").
        float u = 2 * x / s.width - 1, v = 2 * y / s.height - 1;
        float dx[] = {1, -1, u, u, u, -u}, dy[] = {-v, -v, 1, -1, -v, -v}, dz[] = {-u, u, v, -v, 1, -1};
        int face = z % 6;
        if (g == CUBE)
            out[i] = texCubemap<T>(from, dx[face], dy[face], dz[face]);
        else
            out[i] = texCubemapLayered<T>(from, dx[face], dy[face], dz[face], z / 6);
        break;
    }
    }
}

template <class T, Geometry g> void test_surface(Size s, cudaChannelFormatDesc format) {
    size_t count = (size_t)s.width * s.height * s.slices;
    std::vector<T> in = numbered<T>(count), out(count);
    cudaArray_t from = make_array(g, s, format), to = make_array(g, s, format);
    copy(from, in.data(), s, true);
    cudaSurfaceObject_t a = surface_of(from), b = surface_of(to);
    copy_surface<T, g><<<(count + 63) / 64, 64>>>(b, a, s);
    CHECK(cudaGetLastError());
    copy(to, out.data(), s, false);
    EXPECT(std::memcmp(in.data(), out.data(), count * sizeof(T)) == 0);
    CHECK(cudaDestroySurfaceObject(a));
    CHECK(cudaDestroySurfaceObject(b));
    CHECK(cudaFreeArray(from));
    CHECK(cudaFreeArray(to));
}

template <class T, Geometry g> void test_type(Size s) {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<T>();
    test_surface<T, g>(s, format);
    size_t count = (size_t)s.width * s.height * s.slices;
    std::vector<T> in = numbered<T>(count);
    cudaArray_t array = make_array(g, s, format);
    copy(array, in.data(), s, true);
    cudaTextureObject_t texture = texture_of(resource_of(array), modes_of(cudaAddressModeClamp, cudaFilterModePoint, false));
    T* out = managed<T>(count);
    read_texture<T, g><<<(count + 63) / 64, 64>>>(out, texture, s);
    CHECK(cudaDeviceSynchronize());
    EXPECT(std::memcmp(in.data(), out, count * sizeof(T)) == 0);
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(out));
}

template <Geometry g> void test_some_types(Size s) {
    test_type<unsigned char, g>(s);
    test_type<short2, g>(s);
    test_type<float4, g>(s);
}

void test_types() {
    Size s = {13, 7, 1};
    test_type<char, D2>(s), test_type<signed char, D2>(s), test_type<char1, D2>(s), test_type<char2, D2>(s);
    test_type<char4, D2>(s), test_type<unsigned char, D2>(s), test_type<uchar1, D2>(s), test_type<uchar2, D2>(s);
    test_type<uchar4, D2>(s), test_type<short, D2>(s), test_type<short1, D2>(s), test_type<short2, D2>(s);
    test_type<short4, D2>(s), test_type<unsigned short, D2>(s), test_type<ushort1, D2>(s), test_type<ushort2, D2>(s);
    test_type<ushort4, D2>(s), test_type<int, D2>(s), test_type<int1, D2>(s), test_type<int2, D2>(s), test_type<int4, D2>(s);
    test_type<unsigned, D2>(s), test_type<uint1, D2>(s), test_type<uint2, D2>(s), test_type<uint4, D2>(s);
    test_type<float, D2>(s), test_type<float1, D2>(s), test_type<float2, D2>(s), test_type<float4, D2>(s);
    // Surfaces hold 64-bit components in texels of twice as many 32-bit channels.
    test_surface<long long, D2>(s, cudaCreateChannelDesc<int2>());
    test_surface<unsigned long long, D2>(s, cudaCreateChannelDesc<uint2>());
    test_surface<longlong1, D2>(s, cudaCreateChannelDesc<int2>());
    test_surface<longlong2, D2>(s, cudaCreateChannelDesc<int4>());
    test_surface<ulonglong2, D2>(s, cudaCreateChannelDesc<uint4>());
    test_some_types<D1>({97, 1, 1});
    test_some_types<D3>({9, 5, 4});
    test_some_types<L1>({33, 1, 5});
    test_some_types<L2>({11, 6, 3});
    test_some_types<CUBE>({8, 8, 6});
    test_some_types<LCUBE>({4, 4, 18});
}

// --- outside of a surface ----------------------------------------------------------------------------------------------------

__global__ void read_outside(float* out, cudaSurfaceObject_t surface) {
    out[0] = surf2Dread<float>(surface, -4, 0, cudaBoundaryModeZero);
    out[1] = surf2Dread<float>(surface, 4 * 4, 2, cudaBoundaryModeZero);
    out[2] = surf2Dread<float>(surface, -4, -1, cudaBoundaryModeClamp);
    out[3] = surf2Dread<float>(surface, 4 * 100, 100, cudaBoundaryModeClamp);
    surf2Dwrite(99.0f, surface, 4 * 4, 0, cudaBoundaryModeZero);
    surf2Dwrite(77.0f, surface, 4 * 9, 0, cudaBoundaryModeClamp);
}

void test_boundaries() {
    Size s = {4, 3, 1};
    std::vector<float> texels(12), after(12);
    for (int i = 0; i < 12; i++) texels[i] = float(i + 1);
    cudaArray_t array = make_array(D2, s, cudaCreateChannelDesc<float>());
    copy(array, texels.data(), s, true);
    cudaSurfaceObject_t surface = surface_of(array);
    float* out = managed<float>(4);
    read_outside<<<1, 1>>>(out, surface);
    CHECK(cudaDeviceSynchronize());
    EXPECT_EQUAL(out[0], 0.0f, 0);
    EXPECT_EQUAL(out[1], 0.0f, 1);
    EXPECT_EQUAL(out[2], 1.0f, 2);
    EXPECT_EQUAL(out[3], 12.0f, 3);
    copy(array, after.data(), s, false);
    texels[3] = 77;
    for (int i = 0; i < 12; i++) EXPECT_EQUAL(after[i], texels[i], i);
    CHECK(cudaDestroySurfaceObject(surface));
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(out));
}

// --- address modes and filters -----------------------------------------------------------------------------------------------

__global__ void sample(float* out, cudaTextureObject_t texture, const float2* at, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = tex2D<float>(texture, at[i].x, at[i].y);
}

/// The texel at an index that may lie outside.
float texel_at(const std::vector<float>& texels, int width, int height, int x, int y, cudaTextureAddressMode mode) {
    auto place = [&](int i, int n) {
        int period = i >= 0 ? i / n : (i - n + 1) / n, inside = i - period * n;
        if (mode == cudaAddressModeWrap) return inside;
        if (mode == cudaAddressModeMirror) return period & 1 ? n - 1 - inside : inside;
        return i < 0 ? 0 : i >= n ? n - 1 : i;
    };
    if (mode == cudaAddressModeBorder && (x < 0 || y < 0 || x >= width || y >= height)) return -5;
    return texels[place(y, height) * width + place(x, width)];
}

/// Bilinear filtering with weights of eight fractional bits (CUDA C++ Programming Guide, "Linear Filtering").
float filtered(const std::vector<float>& texels, int width, int height, float x, float y, cudaTextureAddressMode mode,
               bool linear) {
    if (!linear) return texel_at(texels, width, height, (int)std::floor(x), (int)std::floor(y), mode);
    double bx = x - 0.5, by = y - 0.5;
    int i = (int)std::floor(bx), j = (int)std::floor(by);
    double a = std::floor((bx - i) * 256 + 0.5) / 256, b = std::floor((by - j) * 256 + 0.5) / 256;
    auto t = [&](int dx, int dy) { return (double)texel_at(texels, width, height, i + dx, j + dy, mode); };
    return float((1 - a) * (1 - b) * t(0, 0) + a * (1 - b) * t(1, 0) + (1 - a) * b * t(0, 1) + a * b * t(1, 1));
}

void test_filtering() {
    const int width = 16, height = 8, count = 2000;
    std::vector<float> texels(width * height);
    for (int i = 0; i < width * height; i++) texels[i] = float((i * 29) % 64);
    Size s = {width, height, 1};
    cudaArray_t array = make_array(D2, s, cudaCreateChannelDesc<float>());
    copy(array, texels.data(), s, true);
    float2* at = managed<float2>(count);
    float* out = managed<float>(count);
    for (bool normalized : {false, true})
        for (bool linear : {false, true})
            for (auto mode : {cudaAddressModeWrap, cudaAddressModeClamp, cudaAddressModeMirror, cudaAddressModeBorder}) {
                if (!normalized && (mode == cudaAddressModeWrap || mode == cudaAddressModeMirror)) continue;
                cudaTextureDesc modes = modes_of(mode, linear ? cudaFilterModeLinear : cudaFilterModePoint, normalized);
                modes.borderColor[0] = -5;
                cudaTextureObject_t texture = texture_of(resource_of(array), modes);
                // Multiples of 1/64 of a texel, off the boundaries, so that normalising is exact and rounding has no say.
                for (int i = 0; i < count; i++) {
                    at[i].x = ((i * 7919) % (width * 3 * 32) - width * 32) / 32.0f + 1 / 64.0f;
                    at[i].y = ((i * 104729) % (height * 3 * 32) - height * 32) / 32.0f + 1 / 64.0f;
                    if (normalized) at[i].x /= width, at[i].y /= height;
                }
                sample<<<(count + 127) / 128, 128>>>(out, texture, at, count);
                CHECK(cudaDeviceSynchronize());
                for (int i = 0; i < count; i++) {
                    float x = normalized ? at[i].x * width : at[i].x, y = normalized ? at[i].y * height : at[i].y;
                    float expected = filtered(texels, width, height, x, y, mode, linear);
                    EXPECT(std::fabs(out[i] - expected) <= (linear ? 1e-4f * 64 : 0));
                }
                CHECK(cudaDestroyTextureObject(texture));
            }
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(at));
    CHECK(cudaFree(out));
}

// --- normalised reads, gathers -----------------------------------------------------------------------------------------------

__global__ void read_normalized(float4* out, cudaTextureObject_t texture, int count) {
    int i = threadIdx.x;
    if (i < count) out[i] = tex1D<float4>(texture, i + 0.5f);
}
__global__ void gather(int4* out, cudaTextureObject_t texture) {
    out[0] = tex2Dgather<int4>(texture, 2.0f, 2.0f);
    out[1] = tex2Dgather<int4>(texture, 2.0f, 2.0f, 1);
    tex2Dgather(&out[2], texture, 3.0f, 1.0f, 2);
    out[3] = tex2Dgather<int4>(texture, 1.0f, 3.0f, 3);
}

void test_normalized_and_gather() {
    const int count = 64;
    std::vector<uchar4> bytes(count);
    std::vector<short4> shorts(count);
    for (int i = 0; i < count; i++) {
        bytes[i] = make_uchar4(i * 4, 255 - i, i ? 1 : 255, i * 3);
        shorts[i] = make_short4(i * 1000 - 32768, i ? i : 32767, -i, i - 32768);
    }
    float4* out = managed<float4>(count);
    Size s = {count, 1, 1};
    cudaArray_t array = make_array(D1, s, cudaCreateChannelDesc<uchar4>());
    copy(array, bytes.data(), s, true);
    auto modes = modes_of(cudaAddressModeClamp, cudaFilterModePoint, false, cudaReadModeNormalizedFloat);
    cudaTextureObject_t texture = texture_of(resource_of(array), modes);
    read_normalized<<<1, count>>>(out, texture, count);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < count; i++) {
        EXPECT(std::fabs(out[i].x - bytes[i].x / 255.0f) < 1e-6f);
        EXPECT(std::fabs(out[i].y - bytes[i].y / 255.0f) < 1e-6f);
        EXPECT(std::fabs(out[i].w - bytes[i].w / 255.0f) < 1e-6f);
    }
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    array = make_array(D1, s, cudaCreateChannelDesc<short4>());
    copy(array, shorts.data(), s, true);
    texture = texture_of(resource_of(array), modes);
    read_normalized<<<1, count>>>(out, texture, count);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < count; i++) {
        EXPECT(std::fabs(out[i].x - std::fmax(shorts[i].x / 32767.0f, -1.0f)) < 1e-6f);
        EXPECT(std::fabs(out[i].w - std::fmax(shorts[i].w / 32767.0f, -1.0f)) < 1e-6f);
    }
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(out));

    std::vector<int4> texels(16);
    for (int i = 0; i < 16; i++) texels[i] = make_int4(i, 100 + i, 200 + i, 300 + i);
    s = {4, 4, 1};
    array = make_array(D2, s, cudaCreateChannelDesc<int4>(), cudaArrayTextureGather);
    copy(array, texels.data(), s, true);
    texture = texture_of(resource_of(array), modes_of(cudaAddressModeClamp, cudaFilterModePoint, false));
    int4* gathered = managed<int4>(4);
    gather<<<1, 1>>>(gathered, texture);
    CHECK(cudaDeviceSynchronize());
    // Counter-clockwise from the lower left: (0,1), (1,1), (1,0), (0,0) of the four around the point.
    int corner[] = {5, 5, 2, 8};
    for (int k = 0; k < 4; k++) {
        int base = 100 * k + corner[k];
        EXPECT_EQUAL(gathered[k].x, base + 4, k);
        EXPECT_EQUAL(gathered[k].y, base + 5, k);
        EXPECT_EQUAL(gathered[k].z, base + 1, k);
        EXPECT_EQUAL(gathered[k].w, base, k);
    }
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(gathered));
}

// --- levels ------------------------------------------------------------------------------------------------------------------

__global__ void read_levels(float* out, cudaTextureObject_t texture) {
    for (int level = 0; level < 4; level++) out[level] = tex2DLod<float>(texture, 0.5f, 0.5f, level);
    out[4] = tex2DLod<float>(texture, 0.5f, 0.5f, 1.5f);
    // Two texels of level 0 per pixel: level 1.
    out[5] = tex2DGrad<float>(texture, 0.5f, 0.5f, make_float2(2 / 16.0f, 0), make_float2(0, 2 / 16.0f));
    out[6] = tex2D<float>(texture, 0.5f, 0.5f);
    tex2DLod(&out[7], texture, 0.5f, 0.5f, 100.0f);
}

__global__ void read_levels_of(float* out, cudaTextureObject_t t, Geometry g, float level) {
    float4 d = make_float4(0, 0, 0, 0);
    float2 d2 = make_float2(0, 0);
    switch (g) {
    case D1:
        out[0] = tex1DLod<float>(t, 0.5f, level);
        out[1] = tex1DGrad<float>(t, 0.5f, 0, 0);
        break;
    case D2:
        out[0] = tex2DLod<float>(t, 0.5f, 0.5f, level);
        out[1] = tex2DGrad<float>(t, 0.5f, 0.5f, d2, d2);
        break;
    case D3:
        out[0] = tex3DLod<float>(t, 0.5f, 0.5f, 0.5f, level);
        out[1] = tex3DGrad<float>(t, 0.5f, 0.5f, 0.5f, d, d);
        break;
    case L1:
        out[0] = tex1DLayeredLod<float>(t, 0.5f, 1, level);
        out[1] = tex1DLayeredGrad<float>(t, 0.5f, 1, 0, 0);
        break;
    case L2:
        out[0] = tex2DLayeredLod<float>(t, 0.5f, 0.5f, 1, level);
        out[1] = tex2DLayeredGrad<float>(t, 0.5f, 0.5f, 1, d2, d2);
        break;
    case CUBE:
        out[0] = texCubemapLod<float>(t, 1, 0, 0, level);
        out[1] = texCubemapGrad<float>(t, 1, 0, 0, d, d);
        break;
    case LCUBE:
        out[0] = texCubemapLayeredLod<float>(t, 1, 0, 0, 1, level);
        out[1] = texCubemapLayeredGrad<float>(t, 1, 0, 0, 1, d, d);
        break;
    }
}

cudaMipmappedArray_t make_levels(Geometry g, Size s, int levels) {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
    unsigned flags = (g == L1 || g == L2 || g == LCUBE ? cudaArrayLayered : 0) | (g == CUBE || g == LCUBE ? cudaArrayCubemap : 0);
    cudaExtent extent = make_cudaExtent(s.width, g == D1 || g == L1 ? 0 : s.height, g == D1 || g == D2 ? 0 : s.slices);
    cudaMipmappedArray_t array = nullptr;
    CHECK(cudaMallocMipmappedArray(&array, &format, extent, levels, flags));
    // Each level holds its own number, plus ten times its layer's.
    for (int level = 0; level < levels; level++) {
        cudaArray_t part = nullptr;
        CHECK(cudaGetMipmappedArrayLevel(&part, array, level));
        cudaExtent got = {};
        CHECK(cudaArrayGetInfo(nullptr, &got, nullptr, part));
        Size size = {(int)got.width, got.height ? (int)got.height : 1, got.depth ? (int)got.depth : 1};
        EXPECT_EQUAL(size.width, s.width >> level, level);
        std::vector<float> texels((size_t)size.width * size.height * size.slices);
        int per_slice = size.width * size.height, per_layer = g == LCUBE ? 6 : 1;
        for (size_t i = 0; i < texels.size(); i++)
            texels[i] = float(level + (g == L1 || g == L2 || g == LCUBE ? 10 * (i / per_slice / per_layer) : 0));
        copy(part, texels.data(), size, true);
    }
    return array;
}

void test_levels() {
    float* out = managed<float>(8);
    cudaMipmappedArray_t array = make_levels(D2, {16, 16, 1}, 4);
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeMipmappedArray;
    resource.res.mipmap.mipmap = array;
    cudaTextureDesc modes = modes_of(cudaAddressModeClamp, cudaFilterModeLinear, true);
    modes.mipmapFilterMode = cudaFilterModeLinear;
    modes.maxMipmapLevelClamp = 10;
    cudaTextureObject_t texture = texture_of(resource, modes);
    read_levels<<<1, 1>>>(out, texture);
    CHECK(cudaDeviceSynchronize());
    float expected[] = {0, 1, 2, 3, 1.5f, 1, 0, 3};
    for (int i = 0; i < 8; i++) EXPECT_EQUAL(out[i], expected[i], i);
    CHECK(cudaDestroyTextureObject(texture));
    // A view that begins at level 2.
    cudaResourceViewDesc view = {};
    view.format = cudaResViewFormatFloat1;
    view.width = view.height = 16;
    view.firstMipmapLevel = 2;
    view.lastMipmapLevel = 3;
    texture = texture_of(resource, modes, &view);
    read_levels<<<1, 1>>>(out, texture);
    CHECK(cudaDeviceSynchronize());
    EXPECT_EQUAL(out[0], 2.0f, 0);
    EXPECT_EQUAL(out[3], 3.0f, 3);
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeMipmappedArray(array));

    struct {
        Geometry geometry;
        Size size;
        float base;
    } all[] = {{D1, {32, 1, 1}, 0},   {D2, {32, 16, 1}, 0},   {D3, {16, 16, 16}, 0},    {L1, {32, 1, 3}, 10},
               {L2, {16, 32, 3}, 10}, {CUBE, {16, 16, 6}, 0}, {LCUBE, {16, 16, 12}, 10}};
    for (auto& one : all) {
        array = make_levels(one.geometry, one.size, 4);
        resource.res.mipmap.mipmap = array;
        texture = texture_of(resource, modes);
        for (int level = 0; level < 4; level++) {
            read_levels_of<<<1, 1>>>(out, texture, one.geometry, (float)level);
            CHECK(cudaDeviceSynchronize());
            EXPECT_EQUAL(out[0], one.base + level, one.geometry);
            EXPECT_EQUAL(out[1], one.base, one.geometry);
        }
        CHECK(cudaDestroyTextureObject(texture));
        CHECK(cudaFreeMipmappedArray(array));
    }
    CHECK(cudaFree(out));
}

// --- plain memory, views -----------------------------------------------------------------------------------------------------

template <class T> __global__ void fetch(T* out, cudaTextureObject_t texture, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = tex1Dfetch<T>(texture, i);
}

void test_memory() {
    const int count = 1000, width = 30, height = 20;
    std::vector<ushort2> texels = numbered<ushort2>(count);
    ushort2 *memory, *out = managed<ushort2>(count);
    CHECK(cudaMalloc(&memory, count * sizeof(ushort2)));
    CHECK(cudaMemcpy(memory, texels.data(), count * sizeof(ushort2), cudaMemcpyHostToDevice));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeLinear;
    resource.res.linear.devPtr = memory;
    resource.res.linear.desc = cudaCreateChannelDesc<ushort2>();
    resource.res.linear.sizeInBytes = count * sizeof(ushort2);
    cudaTextureDesc modes = {};
    cudaTextureObject_t texture = texture_of(resource, modes);
    fetch<<<8, 128>>>(out, texture, count);
    CHECK(cudaDeviceSynchronize());
    EXPECT(std::memcmp(out, texels.data(), count * sizeof(ushort2)) == 0);
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFree(memory));
    CHECK(cudaFree(out));

    std::vector<float> image = numbered<float>(width * height);
    float *pitched, *read = managed<float>(width * height);
    size_t pitch = 0;
    CHECK(cudaMallocPitch(&pitched, &pitch, width * 4, height));
    CHECK(cudaMemcpy2D(pitched, pitch, image.data(), width * 4, width * 4, height, cudaMemcpyHostToDevice));
    resource.resType = cudaResourceTypePitch2D;
    resource.res.pitch2D.devPtr = pitched;
    resource.res.pitch2D.desc = cudaCreateChannelDesc<float>();
    resource.res.pitch2D.width = width;
    resource.res.pitch2D.height = height;
    resource.res.pitch2D.pitchInBytes = pitch;
    texture = texture_of(resource, modes_of(cudaAddressModeClamp, cudaFilterModePoint, false));
    read_texture<float, D2><<<(width * height + 63) / 64, 64>>>(read, texture, Size{width, height, 1});
    CHECK(cudaDeviceSynchronize());
    EXPECT(std::memcmp(read, image.data(), width * height * 4) == 0);
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFree(pitched));
    CHECK(cudaFree(read));

    // Floats seen as unsigned integers.
    Size s = {width, height, 1};
    cudaArray_t array = make_array(D2, s, cudaCreateChannelDesc<float>());
    copy(array, image.data(), s, true);
    cudaResourceViewDesc view = {};
    view.format = cudaResViewFormatUnsignedInt1;
    view.width = width;
    view.height = height;
    texture = texture_of(resource_of(array), modes_of(cudaAddressModeClamp, cudaFilterModePoint, false), &view);
    unsigned* bits = managed<unsigned>(width * height);
    read_texture<unsigned, D2><<<(width * height + 63) / 64, 64>>>(bits, texture, s);
    CHECK(cudaDeviceSynchronize());
    EXPECT(std::memcmp(bits, image.data(), width * height * 4) == 0);
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(bits));
}

} // namespace

int main() {
    test_types();
    test_boundaries();
    test_filtering();
    test_normalized_and_gather();
    test_levels();
    test_memory();
    return summary();
}
