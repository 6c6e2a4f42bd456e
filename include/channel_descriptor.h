/* cudaCreateChannelDesc<T>(): the texel format of a texture or array as a C++ type (CUDA Runtime API, "C++ API Routines"). The
 * traits below give each type its bits per component, the number of components and their kind. */
#ifndef __CHANNEL_DESCRIPTOR_H__
#define __CHANNEL_DESCRIPTOR_H__

#ifdef __cplusplus
#    include "cuda_runtime_api.h"

namespace anywarp_texel {
inline cudaChannelFormatDesc describe(int bits, int count, cudaChannelFormatKind kind) {
    cudaChannelFormatDesc desc = {bits, count > 1 ? bits : 0, count > 2 ? bits : 0, count > 3 ? bits : 0, kind};
    return desc;
}
} // namespace anywarp_texel

template <class T> __inline__ __host__ cudaChannelFormatDesc cudaCreateChannelDesc(void) {
    return ::cudaCreateChannelDesc(0, 0, 0, 0, cudaChannelFormatKindNone);
}

static __inline__ __host__ cudaChannelFormatDesc cudaCreateChannelDescHalf(void) {
    return anywarp_texel::describe(16, 1, cudaChannelFormatKindFloat);
}
static __inline__ __host__ cudaChannelFormatDesc cudaCreateChannelDescHalf1(void) {
    return anywarp_texel::describe(16, 1, cudaChannelFormatKindFloat);
}
static __inline__ __host__ cudaChannelFormatDesc cudaCreateChannelDescHalf2(void) {
    return anywarp_texel::describe(16, 2, cudaChannelFormatKindFloat);
}
static __inline__ __host__ cudaChannelFormatDesc cudaCreateChannelDescHalf4(void) {
    return anywarp_texel::describe(16, 4, cudaChannelFormatKindFloat);
}

#    define ANYWARP_TEXEL(type, count, kind)                                                                                     \
        template <> __inline__ __host__ cudaChannelFormatDesc cudaCreateChannelDesc<type>(void) {                                \
            return anywarp_texel::describe((int)sizeof(type) * 8 / count, count, cudaChannelFormatKind##kind);                   \
        }
#    define ANYWARP_TEXELS(scalar, vector, kind)                                                                                 \
        ANYWARP_TEXEL(scalar, 1, kind) ANYWARP_TEXEL(vector##1, 1, kind) ANYWARP_TEXEL(vector##2, 2, kind)                       \
        ANYWARP_TEXEL(vector##4, 4, kind)

template <> __inline__ __host__ cudaChannelFormatDesc cudaCreateChannelDesc<char>(void) {
    return anywarp_texel::describe(8, 1, (char)-1 < 0 ? cudaChannelFormatKindSigned : cudaChannelFormatKindUnsigned);
}
ANYWARP_TEXELS(signed char, char, Signed)
ANYWARP_TEXELS(unsigned char, uchar, Unsigned)
ANYWARP_TEXELS(short, short, Signed)
ANYWARP_TEXELS(unsigned short, ushort, Unsigned)
ANYWARP_TEXELS(int, int, Signed)
ANYWARP_TEXELS(unsigned int, uint, Unsigned)
ANYWARP_TEXELS(float, float, Float)

#    undef ANYWARP_TEXEL
#    undef ANYWARP_TEXELS
#endif

#endif
