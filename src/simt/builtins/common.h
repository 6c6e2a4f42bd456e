// What the builtin sources share: integer names and bit casts.
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
#define INLINE static inline __attribute__((always_inline))

INLINE u32 bits_of(float x) {
    u32 b;
    __builtin_memcpy(&b, &x, 4);
    return b;
}
INLINE float float_of(u32 b) {
    float x;
    __builtin_memcpy(&x, &b, 4);
    return x;
}
INLINE u64 bits_of_double(double x) {
    u64 b;
    __builtin_memcpy(&b, &x, 8);
    return b;
}
INLINE double double_of(u64 b) {
    double x;
    __builtin_memcpy(&x, &b, 8);
    return x;
}
INLINE u16 bits_of_half(_Float16 x) {
    u16 b;
    __builtin_memcpy(&b, &x, 2);
    return b;
}
INLINE _Float16 half_of(u16 b) {
    _Float16 x;
    __builtin_memcpy(&x, &b, 2);
    return x;
}
