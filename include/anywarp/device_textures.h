// Texture functions on the device (CUDA C++ Programming Guide, "Texture Functions", "Texture Object API"). Surfaces are in
// device_surfaces.h.
//
// Each function is one PTX instruction (PTX ISA, "tex", "tld4"). An instruction returns four 32-bit values: floats for types made
// of floats, signed or unsigned integers for others; the C++ type takes those it has room for. Whether an integer texture is read
// as integers or as normalised floats is the texture object's, so that a program asks for the type that goes with it.
#ifndef ANYWARP_DEVICE_TEXTURES_H
#define ANYWARP_DEVICE_TEXTURES_H

#include "texture_types.h"

#define ANYWARP_DEVICE static __device__ __inline__ __attribute__((always_inline))

namespace anywarp_texture {

struct f32 {};
struct s32 {};
struct u32 {};

template <class Scalar> struct Fetched { Scalar x, y, z, w; };

/// What an instruction has to return for a type, and the type's components.
template <class T> struct Texel;
#define ANYWARP_TEXEL(type, component_type, fetched, components)                                                                 \
    template <> struct Texel<type> {                                                                                             \
        typedef component_type component;                                                                                        \
        typedef fetched fetch;                                                                                                   \
        enum { count = components };                                                                                             \
    };
#define ANYWARP_TEXELS(scalar, vector, fetched)                                                                                  \
    ANYWARP_TEXEL(scalar, scalar, fetched, 1)                                                                                    \
    ANYWARP_TEXEL(vector##1, scalar, fetched, 1)                                                                                 \
    ANYWARP_TEXEL(vector##2, scalar, fetched, 2)                                                                                 \
    ANYWARP_TEXEL(vector##4, scalar, fetched, 4)
ANYWARP_TEXEL(char, char, s32, 1)
ANYWARP_TEXELS(signed char, char, s32)
ANYWARP_TEXELS(unsigned char, uchar, u32)
ANYWARP_TEXELS(short, short, s32)
ANYWARP_TEXELS(unsigned short, ushort, u32)
ANYWARP_TEXELS(int, int, s32)
ANYWARP_TEXELS(unsigned int, uint, u32)
ANYWARP_TEXELS(float, float, f32)
#undef ANYWARP_TEXELS
#undef ANYWARP_TEXEL

template <class T, int count = Texel<T>::count> struct Make;
template <class T> struct Make<T, 1> {
    template <class V> static __device__ __inline__ T from(V v) {
        T result = {static_cast<typename Texel<T>::component>(v.x)};
        return result;
    }
};
template <class T> struct Make<T, 2> {
    template <class V> static __device__ __inline__ T from(V v) {
        typedef typename Texel<T>::component C;
        T result = {static_cast<C>(v.x), static_cast<C>(v.y)};
        return result;
    }
};
template <class T> struct Make<T, 4> {
    template <class V> static __device__ __inline__ T from(V v) {
        typedef typename Texel<T>::component C;
        T result = {static_cast<C>(v.x), static_cast<C>(v.y), static_cast<C>(v.z), static_cast<C>(v.w)};
        return result;
    }
};

} // namespace anywarp_texture

#define ANYWARP_UNPACK(...) __VA_ARGS__

/// One instruction with one type of result.
#define ANYWARP_FETCH(name, instruction, coordinate, result, scalar, constraint, parameters, operands, inputs)                   \
    ANYWARP_DEVICE Fetched<scalar> name(result, cudaTextureObject_t texture, ANYWARP_UNPACK parameters) {                        \
        Fetched<scalar> v;                                                                                                       \
        asm(instruction ".v4." #result "." coordinate " {%0, %1, %2, %3}, " operands ";"                                         \
            : constraint(v.x), constraint(v.y), constraint(v.z), constraint(v.w)                                                 \
            : [t] "l"(texture), ANYWARP_UNPACK inputs);                                                                          \
        return v;                                                                                                                \
    }
#define ANYWARP_FETCHES(name, instruction, coordinate, parameters, operands, inputs)                                             \
    namespace anywarp_texture {                                                                                                  \
    ANYWARP_FETCH(name, instruction, coordinate, f32, float, "=f", parameters, operands, inputs)                                 \
    ANYWARP_FETCH(name, instruction, coordinate, s32, int, "=r", parameters, operands, inputs)                                   \
    ANYWARP_FETCH(name, instruction, coordinate, u32, unsigned int, "=r", parameters, operands, inputs)                          \
    }

/// The two forms that a program calls: one returns the value, the other stores it.
#define ANYWARP_TEXTURE(name, instruction, coordinate, parameters, arguments, operands, inputs)                                  \
    ANYWARP_FETCHES(name, instruction, coordinate, parameters, operands, inputs)                                                 \
    template <class T> ANYWARP_DEVICE T name(cudaTextureObject_t texture, ANYWARP_UNPACK parameters) {                           \
        return anywarp_texture::Make<T>::from(                                                                                   \
            anywarp_texture::name(typename anywarp_texture::Texel<T>::fetch(), texture, ANYWARP_UNPACK arguments));              \
    }                                                                                                                            \
    template <class T> ANYWARP_DEVICE void name(T* result, cudaTextureObject_t texture, ANYWARP_UNPACK parameters) {             \
        *result = name<T>(texture, ANYWARP_UNPACK arguments);                                                                    \
    }

/// ... and the forms that also tell whether a texel of a sparse array has memory. There are no sparse arrays: it always has.
#define ANYWARP_SPARSE_TEXTURE(name, instruction, coordinate, parameters, arguments, operands, inputs)                           \
    ANYWARP_TEXTURE(name, instruction, coordinate, parameters, arguments, operands, inputs)                                      \
    template <class T> ANYWARP_DEVICE T name(cudaTextureObject_t texture, ANYWARP_UNPACK parameters, bool* isResident) {         \
        *isResident = true;                                                                                                      \
        return name<T>(texture, ANYWARP_UNPACK arguments);                                                                       \
    }                                                                                                                            \
    template <class T>                                                                                                           \
    ANYWARP_DEVICE void name(T* result, cudaTextureObject_t texture, ANYWARP_UNPACK parameters, bool* isResident) {              \
        *isResident = true;                                                                                                      \
        *result = name<T>(texture, ANYWARP_UNPACK arguments);                                                                    \
    }

// Plain fetches. Three coordinates travel in a vector of four, whose last element doesn't count.
ANYWARP_TEXTURE(tex1Dfetch, "tex.1d", "s32", (int x), (x), "[%[t], {%[x]}]", ([x] "r"(x)))
ANYWARP_TEXTURE(tex1D, "tex.1d", "f32", (float x), (x), "[%[t], {%[x]}]", ([x] "f"(x)))
ANYWARP_SPARSE_TEXTURE(tex2D, "tex.2d", "f32", (float x, float y), (x, y), "[%[t], {%[x], %[y]}]", ([x] "f"(x), [y] "f"(y)))
ANYWARP_SPARSE_TEXTURE(tex3D, "tex.3d", "f32", (float x, float y, float z), (x, y, z), "[%[t], {%[x], %[y], %[z], %[z]}]",
                       ([x] "f"(x), [y] "f"(y), [z] "f"(z)))
ANYWARP_TEXTURE(tex1DLayered, "tex.a1d", "f32", (float x, int layer), (x, layer), "[%[t], {%[layer], %[x]}]",
                ([x] "f"(x), [layer] "r"(layer)))
ANYWARP_SPARSE_TEXTURE(tex2DLayered, "tex.a2d", "f32", (float x, float y, int layer), (x, y, layer),
                       "[%[t], {%[layer], %[x], %[y], %[y]}]", ([x] "f"(x), [y] "f"(y), [layer] "r"(layer)))
ANYWARP_TEXTURE(texCubemap, "tex.cube", "f32", (float x, float y, float z), (x, y, z), "[%[t], {%[x], %[y], %[z], %[z]}]",
                ([x] "f"(x), [y] "f"(y), [z] "f"(z)))
ANYWARP_TEXTURE(texCubemapLayered, "tex.acube", "f32", (float x, float y, float z, int layer), (x, y, z, layer),
                "[%[t], {%[layer], %[x], %[y], %[z]}]", ([x] "f"(x), [y] "f"(y), [z] "f"(z), [layer] "r"(layer)))

// With the level of detail given.
ANYWARP_TEXTURE(tex1DLod, "tex.level.1d", "f32", (float x, float level), (x, level), "[%[t], {%[x]}], %[level]",
                ([x] "f"(x), [level] "f"(level)))
ANYWARP_SPARSE_TEXTURE(tex2DLod, "tex.level.2d", "f32", (float x, float y, float level), (x, y, level),
                       "[%[t], {%[x], %[y]}], %[level]", ([x] "f"(x), [y] "f"(y), [level] "f"(level)))
ANYWARP_SPARSE_TEXTURE(tex3DLod, "tex.level.3d", "f32", (float x, float y, float z, float level), (x, y, z, level),
                       "[%[t], {%[x], %[y], %[z], %[z]}], %[level]", ([x] "f"(x), [y] "f"(y), [z] "f"(z), [level] "f"(level)))
ANYWARP_TEXTURE(tex1DLayeredLod, "tex.level.a1d", "f32", (float x, int layer, float level), (x, layer, level),
                "[%[t], {%[layer], %[x]}], %[level]", ([x] "f"(x), [layer] "r"(layer), [level] "f"(level)))
ANYWARP_SPARSE_TEXTURE(tex2DLayeredLod, "tex.level.a2d", "f32", (float x, float y, int layer, float level), (x, y, layer, level),
                       "[%[t], {%[layer], %[x], %[y], %[y]}], %[level]",
                       ([x] "f"(x), [y] "f"(y), [layer] "r"(layer), [level] "f"(level)))
ANYWARP_TEXTURE(texCubemapLod, "tex.level.cube", "f32", (float x, float y, float z, float level), (x, y, z, level),
                "[%[t], {%[x], %[y], %[z], %[z]}], %[level]", ([x] "f"(x), [y] "f"(y), [z] "f"(z), [level] "f"(level)))
ANYWARP_TEXTURE(texCubemapLayeredLod, "tex.level.acube", "f32", (float x, float y, float z, int layer, float level),
                (x, y, z, layer, level), "[%[t], {%[layer], %[x], %[y], %[z]}], %[level]",
                ([x] "f"(x), [y] "f"(y), [z] "f"(z), [layer] "r"(layer), [level] "f"(level)))

// With the derivatives from which the level of detail follows.
ANYWARP_TEXTURE(tex1DGrad, "tex.grad.1d", "f32", (float x, float dPdx, float dPdy), (x, dPdx, dPdy),
                "[%[t], {%[x]}], {%[dx]}, {%[dy]}", ([x] "f"(x), [dx] "f"(dPdx), [dy] "f"(dPdy)))
ANYWARP_SPARSE_TEXTURE(tex2DGrad, "tex.grad.2d", "f32", (float x, float y, float2 dPdx, float2 dPdy), (x, y, dPdx, dPdy),
                       "[%[t], {%[x], %[y]}], {%[dxx], %[dxy]}, {%[dyx], %[dyy]}",
                       ([x] "f"(x), [y] "f"(y), [dxx] "f"(dPdx.x), [dxy] "f"(dPdx.y), [dyx] "f"(dPdy.x), [dyy] "f"(dPdy.y)))
ANYWARP_SPARSE_TEXTURE(tex3DGrad, "tex.grad.3d", "f32", (float x, float y, float z, float4 dPdx, float4 dPdy),
                       (x, y, z, dPdx, dPdy),
                       "[%[t], {%[x], %[y], %[z], %[z]}], {%[dxx], %[dxy], %[dxz], %[dxz]}, {%[dyx], %[dyy], %[dyz], %[dyz]}",
                       ([x] "f"(x), [y] "f"(y), [z] "f"(z), [dxx] "f"(dPdx.x), [dxy] "f"(dPdx.y), [dxz] "f"(dPdx.z),
                        [dyx] "f"(dPdy.x), [dyy] "f"(dPdy.y), [dyz] "f"(dPdy.z)))
ANYWARP_TEXTURE(tex1DLayeredGrad, "tex.grad.a1d", "f32", (float x, int layer, float dPdx, float dPdy), (x, layer, dPdx, dPdy),
                "[%[t], {%[layer], %[x]}], {%[dx]}, {%[dy]}", ([x] "f"(x), [layer] "r"(layer), [dx] "f"(dPdx), [dy] "f"(dPdy)))
ANYWARP_SPARSE_TEXTURE(
    tex2DLayeredGrad, "tex.grad.a2d", "f32", (float x, float y, int layer, float2 dPdx, float2 dPdy), (x, y, layer, dPdx, dPdy),
    "[%[t], {%[layer], %[x], %[y], %[y]}], {%[dxx], %[dxy]}, {%[dyx], %[dyy]}",
    ([x] "f"(x), [y] "f"(y), [layer] "r"(layer), [dxx] "f"(dPdx.x), [dxy] "f"(dPdx.y), [dyx] "f"(dPdy.x), [dyy] "f"(dPdy.y)))
ANYWARP_TEXTURE(texCubemapGrad, "tex.grad.cube", "f32", (float x, float y, float z, float4 dPdx, float4 dPdy),
                (x, y, z, dPdx, dPdy),
                "[%[t], {%[x], %[y], %[z], %[z]}], {%[dxx], %[dxy], %[dxz], %[dxz]}, {%[dyx], %[dyy], %[dyz], %[dyz]}",
                ([x] "f"(x), [y] "f"(y), [z] "f"(z), [dxx] "f"(dPdx.x), [dxy] "f"(dPdx.y), [dxz] "f"(dPdx.z), [dyx] "f"(dPdy.x),
                 [dyy] "f"(dPdy.y), [dyz] "f"(dPdy.z)))
ANYWARP_TEXTURE(texCubemapLayeredGrad, "tex.grad.acube", "f32", (float x, float y, float z, int layer, float4 dPdx, float4 dPdy),
                (x, y, z, layer, dPdx, dPdy),
                "[%[t], {%[layer], %[x], %[y], %[z]}], {%[dxx], %[dxy], %[dxz], %[dxz]}, {%[dyx], %[dyy], %[dyz], %[dyz]}",
                ([x] "f"(x), [y] "f"(y), [z] "f"(z), [layer] "r"(layer), [dxx] "f"(dPdx.x), [dxy] "f"(dPdx.y), [dxz] "f"(dPdx.z),
                 [dyx] "f"(dPdy.x), [dyy] "f"(dPdy.y), [dyz] "f"(dPdy.z)))

// One component of the four texels that bilinear filtering would mix.
#define ANYWARP_GATHER(component)                                                                                                \
    ANYWARP_FETCHES(gather_##component, "tld4." #component ".2d", "f32", (float x, float y), "[%[t], {%[x], %[y]}]",             \
                    ([x] "f"(x), [y] "f"(y)))
ANYWARP_GATHER(r)
ANYWARP_GATHER(g)
ANYWARP_GATHER(b)
ANYWARP_GATHER(a)
#undef ANYWARP_GATHER
template <class T> ANYWARP_DEVICE T tex2Dgather(cudaTextureObject_t texture, float x, float y, int comp = 0) {
    typename anywarp_texture::Texel<T>::fetch fetch;
    switch (comp) {
    case 1:
        return anywarp_texture::Make<T>::from(anywarp_texture::gather_g(fetch, texture, x, y));
    case 2:
        return anywarp_texture::Make<T>::from(anywarp_texture::gather_b(fetch, texture, x, y));
    case 3:
        return anywarp_texture::Make<T>::from(anywarp_texture::gather_a(fetch, texture, x, y));
    default:
        return anywarp_texture::Make<T>::from(anywarp_texture::gather_r(fetch, texture, x, y));
    }
}
template <class T> ANYWARP_DEVICE void tex2Dgather(T* result, cudaTextureObject_t texture, float x, float y, int comp = 0) {
    *result = tex2Dgather<T>(texture, x, y, comp);
}
template <class T> ANYWARP_DEVICE T tex2Dgather(cudaTextureObject_t texture, float x, float y, bool* isResident, int comp = 0) {
    *isResident = true;
    return tex2Dgather<T>(texture, x, y, comp);
}

#undef ANYWARP_SPARSE_TEXTURE
#undef ANYWARP_TEXTURE
#undef ANYWARP_FETCHES
#undef ANYWARP_FETCH

#include "anywarp/device_surfaces.h"

#undef ANYWARP_UNPACK
#undef ANYWARP_DEVICE

#endif
