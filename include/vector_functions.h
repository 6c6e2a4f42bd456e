/* make_int4(x, y, z, w) and its like: one constructor function per built-in vector type (CUDA C++ Programming Guide, section
 * "Built-in Vector Types"), for host and device code alike. */
#ifndef __VECTOR_FUNCTIONS_H__
#define __VECTOR_FUNCTIONS_H__

#include "host_defines.h"
#include "vector_types.h"

#define ANYWARP_MAKE(vector) static __inline__ __host__ __device__ vector make_##vector
#define ANYWARP_MAKE123(name, type)                                                                                              \
    ANYWARP_MAKE(name##1)(type x) { name##1 v; v.x = x; return v; }                                                              \
    ANYWARP_MAKE(name##2)(type x, type y) { name##2 v; v.x = x; v.y = y; return v; }                                             \
    ANYWARP_MAKE(name##3)(type x, type y, type z) { name##3 v; v.x = x; v.y = y; v.z = z; return v; }
#define ANYWARP_MAKE4(vector, type)                                                                                              \
    ANYWARP_MAKE(vector)(type x, type y, type z, type w) { vector v; v.x = x; v.y = y; v.z = z; v.w = w; return v; }
#define ANYWARP_MAKE_ALL(name, type) ANYWARP_MAKE123(name, type) ANYWARP_MAKE4(name##4, type)
#define ANYWARP_MAKE_WIDE(name, type)                                                                                            \
    ANYWARP_MAKE_ALL(name, type) ANYWARP_MAKE4(name##4_16a, type) ANYWARP_MAKE4(name##4_32a, type)

ANYWARP_MAKE_ALL(char, signed char)
ANYWARP_MAKE_ALL(uchar, unsigned char)
ANYWARP_MAKE_ALL(short, short)
ANYWARP_MAKE_ALL(ushort, unsigned short)
ANYWARP_MAKE_ALL(int, int)
ANYWARP_MAKE_ALL(uint, unsigned int)
ANYWARP_MAKE_WIDE(long, long int)
ANYWARP_MAKE_WIDE(ulong, unsigned long int)
ANYWARP_MAKE_WIDE(longlong, long long int)
ANYWARP_MAKE_WIDE(ulonglong, unsigned long long int)
ANYWARP_MAKE_ALL(float, float)
ANYWARP_MAKE_WIDE(double, double)

#undef ANYWARP_MAKE
#undef ANYWARP_MAKE123
#undef ANYWARP_MAKE4
#undef ANYWARP_MAKE_ALL
#undef ANYWARP_MAKE_WIDE

#endif
