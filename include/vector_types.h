/* char1 ... double4 and dim3, with the alignment that lets a GPU, or a vector register, move one at a time. Four lanes of 8 bytes
 * come in two forms since CUDA 13: aligned to 16 bytes (and the plain name, as ever) and to 32.
 * CUDA C++ Programming Guide, section "Built-in Vector Types", table of alignments. */
#ifndef __VECTOR_TYPES_H__
#define __VECTOR_TYPES_H__

#include "host_defines.h"

#define ANYWARP_VECTOR1(name, type) struct name##1 { type x; }; typedef struct name##1 name##1;
#define ANYWARP_VECTOR2(name, type, bytes) struct __align__(bytes) name##2 { type x, y; }; typedef struct name##2 name##2;
#define ANYWARP_VECTOR3(name, type) struct name##3 { type x, y, z; }; typedef struct name##3 name##3;
#define ANYWARP_VECTOR4(name, type, bytes) struct __align__(bytes) name { type x, y, z, w; }; typedef struct name name;
#define ANYWARP_VECTORS(name, type, bytes2, bytes4)                                                                              \
    ANYWARP_VECTOR1(name, type) ANYWARP_VECTOR2(name, type, bytes2) ANYWARP_VECTOR3(name, type) ANYWARP_VECTOR4(name##4, type, bytes4)

ANYWARP_VECTORS(char, signed char, 2, 4)
ANYWARP_VECTORS(uchar, unsigned char, 2, 4)
ANYWARP_VECTORS(short, short, 4, 8)
ANYWARP_VECTORS(ushort, unsigned short, 4, 8)
ANYWARP_VECTORS(int, int, 8, 16)
ANYWARP_VECTORS(uint, unsigned int, 8, 16)
ANYWARP_VECTORS(long, long int, 16, 16)
ANYWARP_VECTORS(ulong, unsigned long int, 16, 16)
ANYWARP_VECTORS(longlong, long long int, 16, 16)
ANYWARP_VECTORS(ulonglong, unsigned long long int, 16, 16)
ANYWARP_VECTORS(float, float, 8, 16)
ANYWARP_VECTORS(double, double, 16, 16)

#define ANYWARP_VECTOR4_BOTH(name, type) ANYWARP_VECTOR4(name##4_16a, type, 16) ANYWARP_VECTOR4(name##4_32a, type, 32)
ANYWARP_VECTOR4_BOTH(long, long int)
ANYWARP_VECTOR4_BOTH(ulong, unsigned long int)
ANYWARP_VECTOR4_BOTH(longlong, long long int)
ANYWARP_VECTOR4_BOTH(ulonglong, unsigned long long int)
ANYWARP_VECTOR4_BOTH(double, double)

#undef ANYWARP_VECTOR1
#undef ANYWARP_VECTOR2
#undef ANYWARP_VECTOR3
#undef ANYWARP_VECTOR4
#undef ANYWARP_VECTORS
#undef ANYWARP_VECTOR4_BOTH

/* A grid's or a block's shape; a shape that leaves out a dimension is 1 there. */
struct dim3 {
    unsigned int x, y, z;
#if defined(__cplusplus)
#    if __cplusplus >= 201103L
    __host__ __device__ constexpr dim3(unsigned int vx = 1, unsigned int vy = 1, unsigned int vz = 1) : x(vx), y(vy), z(vz) {}
    __host__ __device__ constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    __host__ __device__ constexpr operator uint3() const { return uint3{x, y, z}; }
#    else
    __host__ __device__ dim3(unsigned int vx = 1, unsigned int vy = 1, unsigned int vz = 1) : x(vx), y(vy), z(vz) {}
    __host__ __device__ dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    __host__ __device__ operator uint3() const {
        uint3 v = {x, y, z};
        return v;
    }
#    endif
#endif
};
typedef struct dim3 dim3;

#endif
