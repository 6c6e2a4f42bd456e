// Intrinsics of CUDA C++ that clang's CUDA headers lack: cached loads and stores with a hint, address space predicates,
// nanosleep, the integer dot products, and the video-free helpers around them (CUDA C++ Programming Guide, "C++ Language
// Extensions"; CUDA Math API, "Integer Intrinsics"). Each is the one PTX instruction that the guide names.
#ifndef ANYWARP_DEVICE_INTRINSICS_H
#define ANYWARP_DEVICE_INTRINSICS_H

#define ANYWARP_DEVICE static __device__ __inline__ __attribute__((always_inline))

ANYWARP_DEVICE void __nanosleep(unsigned int ns) {
    asm volatile("nanosleep.u32 %0;" ::"r"(ns));
}
// Four- and two-way dot products with accumulation.
ANYWARP_DEVICE int __dp4a(int a, int b, int c) {
    int d;
    asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}
ANYWARP_DEVICE unsigned int __dp4a(unsigned int a, unsigned int b, unsigned int c) {
    unsigned int d;
    asm("dp4a.u32.u32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}
ANYWARP_DEVICE int __dp4a(char4 a, char4 b, int c) {
    return __dp4a(__builtin_bit_cast(int, a), __builtin_bit_cast(int, b), c);
}
ANYWARP_DEVICE unsigned int __dp4a(uchar4 a, uchar4 b, unsigned int c) {
    return __dp4a(__builtin_bit_cast(unsigned int, a), __builtin_bit_cast(unsigned int, b), c);
}
ANYWARP_DEVICE int __dp2a_lo(int a, int b, int c) {
    int d;
    asm("dp2a.lo.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}
ANYWARP_DEVICE unsigned int __dp2a_lo(unsigned int a, unsigned int b, unsigned int c) {
    unsigned int d;
    asm("dp2a.lo.u32.u32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}
ANYWARP_DEVICE int __dp2a_hi(int a, int b, int c) {
    int d;
    asm("dp2a.hi.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}
ANYWARP_DEVICE unsigned int __dp2a_hi(unsigned int a, unsigned int b, unsigned int c) {
    unsigned int d;
    asm("dp2a.hi.u32.u32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}

// Loads and stores with a cache hint. The 8-bit forms go through a 16- or 32-bit register: PTX has no 8-bit one.
#define ANYWARP_HINTED(NAME, HINT, TYPE, PTX, REGISTER, CONSTRAINT)                                                              \
    ANYWARP_DEVICE TYPE NAME(const TYPE* address) {                                                                              \
        REGISTER value;                                                                                                          \
        asm volatile("ld.global" HINT "." PTX " %0, [%1];" : "=" CONSTRAINT(value) : "l"(__nv_cvta_generic_to_global_impl(address)) : "memory"); \
        return (TYPE)value;                                                                                                      \
    }
#define ANYWARP_HINTED2(NAME, HINT, TYPE, PTX, REGISTER, CONSTRAINT)                                                             \
    ANYWARP_DEVICE TYPE NAME(const TYPE* address) {                                                                              \
        REGISTER x, y;                                                                                                           \
        asm volatile("ld.global" HINT ".v2." PTX " {%0, %1}, [%2];"                                                              \
                     : "=" CONSTRAINT(x), "=" CONSTRAINT(y)                                                                      \
                     : "l"(__nv_cvta_generic_to_global_impl(address))                                                            \
                     : "memory");                                                                                                \
        TYPE value;                                                                                                              \
        value.x = x;                                                                                                             \
        value.y = y;                                                                                                             \
        return value;                                                                                                            \
    }
#define ANYWARP_HINTED4(NAME, HINT, TYPE, PTX, REGISTER, CONSTRAINT)                                                             \
    ANYWARP_DEVICE TYPE NAME(const TYPE* address) {                                                                              \
        REGISTER x, y, z, w;                                                                                                     \
        asm volatile("ld.global" HINT ".v4." PTX " {%0, %1, %2, %3}, [%4];"                                                      \
                     : "=" CONSTRAINT(x), "=" CONSTRAINT(y), "=" CONSTRAINT(z), "=" CONSTRAINT(w)                                \
                     : "l"(__nv_cvta_generic_to_global_impl(address))                                                            \
                     : "memory");                                                                                                \
        TYPE value;                                                                                                              \
        value.x = x;                                                                                                             \
        value.y = y;                                                                                                             \
        value.z = z;                                                                                                             \
        value.w = w;                                                                                                             \
        return value;                                                                                                            \
    }
#define ANYWARP_HINTED_LOADS(NAME, HINT)                                                                                         \
    ANYWARP_HINTED(NAME, HINT, char, "s8", unsigned int, "r")                                                                    \
    ANYWARP_HINTED(NAME, HINT, signed char, "s8", unsigned int, "r")                                                             \
    ANYWARP_HINTED(NAME, HINT, unsigned char, "u8", unsigned int, "r")                                                           \
    ANYWARP_HINTED(NAME, HINT, short, "s16", unsigned short, "h")                                                                \
    ANYWARP_HINTED(NAME, HINT, unsigned short, "u16", unsigned short, "h")                                                       \
    ANYWARP_HINTED(NAME, HINT, int, "s32", unsigned int, "r")                                                                    \
    ANYWARP_HINTED(NAME, HINT, unsigned int, "u32", unsigned int, "r")                                                           \
    ANYWARP_HINTED(NAME, HINT, long, "s64", unsigned long long, "l")                                                             \
    ANYWARP_HINTED(NAME, HINT, unsigned long, "u64", unsigned long long, "l")                                                    \
    ANYWARP_HINTED(NAME, HINT, long long, "s64", unsigned long long, "l")                                                        \
    ANYWARP_HINTED(NAME, HINT, unsigned long long, "u64", unsigned long long, "l")                                               \
    ANYWARP_HINTED(NAME, HINT, float, "f32", float, "f")                                                                         \
    ANYWARP_HINTED(NAME, HINT, double, "f64", double, "d")                                                                       \
    ANYWARP_HINTED2(NAME, HINT, int2, "s32", int, "r")                                                                           \
    ANYWARP_HINTED2(NAME, HINT, uint2, "u32", unsigned int, "r")                                                                 \
    ANYWARP_HINTED2(NAME, HINT, float2, "f32", float, "f")                                                                       \
    ANYWARP_HINTED2(NAME, HINT, double2, "f64", double, "d")                                                                     \
    ANYWARP_HINTED2(NAME, HINT, longlong2, "s64", long long, "l")                                                                \
    ANYWARP_HINTED2(NAME, HINT, ulonglong2, "u64", unsigned long long, "l")                                                      \
    ANYWARP_HINTED4(NAME, HINT, int4, "s32", int, "r")                                                                           \
    ANYWARP_HINTED4(NAME, HINT, uint4, "u32", unsigned int, "r")                                                                 \
    ANYWARP_HINTED4(NAME, HINT, float4, "f32", float, "f")
ANYWARP_HINTED_LOADS(__ldcg, ".cg")
ANYWARP_HINTED_LOADS(__ldca, ".ca")
ANYWARP_HINTED_LOADS(__ldcs, ".cs")
ANYWARP_HINTED_LOADS(__ldlu, ".lu")
ANYWARP_HINTED_LOADS(__ldcv, ".cv")

#define ANYWARP_HINTED_STORE(NAME, HINT, TYPE, PTX, REGISTER, CONSTRAINT)                                                        \
    ANYWARP_DEVICE void NAME(TYPE* address, TYPE value) {                                                                        \
        asm volatile("st.global" HINT "." PTX " [%0], %1;" ::"l"(__nv_cvta_generic_to_global_impl(address)), CONSTRAINT((REGISTER)value) \
                     : "memory");                                                                                                \
    }
#define ANYWARP_HINTED_STORE2(NAME, HINT, TYPE, PTX, CONSTRAINT)                                                                 \
    ANYWARP_DEVICE void NAME(TYPE* address, TYPE value) {                                                                        \
        asm volatile("st.global" HINT ".v2." PTX " [%0], {%1, %2};" ::"l"(__nv_cvta_generic_to_global_impl(address)),            \
                     CONSTRAINT(value.x), CONSTRAINT(value.y)                                                                    \
                     : "memory");                                                                                                \
    }
#define ANYWARP_HINTED_STORE4(NAME, HINT, TYPE, PTX, CONSTRAINT)                                                                 \
    ANYWARP_DEVICE void NAME(TYPE* address, TYPE value) {                                                                        \
        asm volatile("st.global" HINT ".v4." PTX " [%0], {%1, %2, %3, %4};" ::"l"(__nv_cvta_generic_to_global_impl(address)),    \
                     CONSTRAINT(value.x), CONSTRAINT(value.y), CONSTRAINT(value.z), CONSTRAINT(value.w)                          \
                     : "memory");                                                                                                \
    }
#define ANYWARP_HINTED_STORES(NAME, HINT)                                                                                        \
    ANYWARP_HINTED_STORE(NAME, HINT, char, "s8", unsigned int, "r")                                                              \
    ANYWARP_HINTED_STORE(NAME, HINT, signed char, "s8", unsigned int, "r")                                                       \
    ANYWARP_HINTED_STORE(NAME, HINT, unsigned char, "u8", unsigned int, "r")                                                     \
    ANYWARP_HINTED_STORE(NAME, HINT, short, "s16", unsigned short, "h")                                                          \
    ANYWARP_HINTED_STORE(NAME, HINT, unsigned short, "u16", unsigned short, "h")                                                 \
    ANYWARP_HINTED_STORE(NAME, HINT, int, "s32", unsigned int, "r")                                                              \
    ANYWARP_HINTED_STORE(NAME, HINT, unsigned int, "u32", unsigned int, "r")                                                     \
    ANYWARP_HINTED_STORE(NAME, HINT, long, "s64", unsigned long long, "l")                                                       \
    ANYWARP_HINTED_STORE(NAME, HINT, unsigned long, "u64", unsigned long long, "l")                                              \
    ANYWARP_HINTED_STORE(NAME, HINT, long long, "s64", unsigned long long, "l")                                                  \
    ANYWARP_HINTED_STORE(NAME, HINT, unsigned long long, "u64", unsigned long long, "l")                                         \
    ANYWARP_HINTED_STORE(NAME, HINT, float, "f32", float, "f")                                                                   \
    ANYWARP_HINTED_STORE(NAME, HINT, double, "f64", double, "d")                                                                 \
    ANYWARP_HINTED_STORE2(NAME, HINT, int2, "s32", "r")                                                                          \
    ANYWARP_HINTED_STORE2(NAME, HINT, uint2, "u32", "r")                                                                         \
    ANYWARP_HINTED_STORE2(NAME, HINT, float2, "f32", "f")                                                                        \
    ANYWARP_HINTED_STORE2(NAME, HINT, double2, "f64", "d")                                                                       \
    ANYWARP_HINTED_STORE4(NAME, HINT, int4, "s32", "r")                                                                          \
    ANYWARP_HINTED_STORE4(NAME, HINT, uint4, "u32", "r")                                                                         \
    ANYWARP_HINTED_STORE4(NAME, HINT, float4, "f32", "f")
ANYWARP_HINTED_STORES(__stcg, ".cg")
ANYWARP_HINTED_STORES(__stcs, ".cs")
ANYWARP_HINTED_STORES(__stwb, ".wb")
ANYWARP_HINTED_STORES(__stwt, ".wt")

#undef ANYWARP_DEVICE

#endif
