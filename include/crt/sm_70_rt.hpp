// __match_any_sync and __match_all_sync for every type (CUDA C++ Programming Guide, "Warp Match Functions"), over the 32- and
// 64-bit forms that clang's intrinsics header defines just before it includes this file by NVIDIA's name for it.
#ifndef ANYWARP_CRT_SM_70_RT_HPP
#define ANYWARP_CRT_SM_70_RT_HPP

#define ANYWARP_MATCH(TYPE, WIDTH, BITS)                                                                                         \
    static __device__ __inline__ unsigned int __match_any_sync(unsigned int mask, TYPE value) {                                  \
        return __match##WIDTH##_any_sync(mask, BITS);                                                                            \
    }                                                                                                                            \
    static __device__ __inline__ unsigned int __match_all_sync(unsigned int mask, TYPE value, int* pred) {                       \
        return __match##WIDTH##_all_sync(mask, BITS, pred);                                                                      \
    }
ANYWARP_MATCH(int, 32, (unsigned int)value)
ANYWARP_MATCH(unsigned int, 32, value)
ANYWARP_MATCH(long, 64, (unsigned long long)value)
ANYWARP_MATCH(unsigned long, 64, (unsigned long long)value)
ANYWARP_MATCH(long long, 64, (unsigned long long)value)
ANYWARP_MATCH(unsigned long long, 64, value)
ANYWARP_MATCH(float, 32, __float_as_uint(value))
ANYWARP_MATCH(double, 64, (unsigned long long)__double_as_longlong(value))
#undef ANYWARP_MATCH

#endif
