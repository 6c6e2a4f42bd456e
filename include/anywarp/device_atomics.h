// Atomic functions of CUDA C++ (CUDA C++ Programming Guide, "Atomic Functions") on top of clang's atomic builtins, which the
// NVPTX backend turns into one atom.* instruction each. A plain name has device scope, _block has .cta and _system has .sys
// scope. Types that no builtin covers (16-bit CAS, half and bfloat16 pairs) use the PTX instruction by name.
#ifndef ANYWARP_DEVICE_ATOMICS_H
#define ANYWARP_DEVICE_ATOMICS_H

#define ANYWARP_ATOMIC static __device__ __inline__ __attribute__((always_inline))

// One operation, for one type, in three scopes. TYPE is what the program sees, BITS what the builtin takes.
#define ANYWARP_ATOMIC_SCOPES(NAME, BUILTIN, SUFFIX, TYPE, BITS)                                                                 \
    ANYWARP_ATOMIC TYPE NAME(TYPE* address, TYPE value) {                                                                        \
        return (TYPE)__nvvm_atom_##BUILTIN##_gen_##SUFFIX((BITS*)address, (BITS)value);                                          \
    }                                                                                                                            \
    ANYWARP_ATOMIC TYPE NAME##_block(TYPE* address, TYPE value) {                                                                \
        return (TYPE)__nvvm_atom_cta_##BUILTIN##_gen_##SUFFIX((BITS*)address, (BITS)value);                                      \
    }                                                                                                                            \
    ANYWARP_ATOMIC TYPE NAME##_system(TYPE* address, TYPE value) {                                                               \
        return (TYPE)__nvvm_atom_sys_##BUILTIN##_gen_##SUFFIX((BITS*)address, (BITS)value);                                      \
    }

#define ANYWARP_ATOMIC_INTEGERS(NAME, BUILTIN)                                                                                   \
    ANYWARP_ATOMIC_SCOPES(NAME, BUILTIN, i, int, int)                                                                            \
    ANYWARP_ATOMIC_SCOPES(NAME, BUILTIN, i, unsigned int, int)                                                                   \
    ANYWARP_ATOMIC_SCOPES(NAME, BUILTIN, ll, unsigned long long, long long)

ANYWARP_ATOMIC_INTEGERS(atomicAdd, add)
ANYWARP_ATOMIC_INTEGERS(atomicExch, xchg)
ANYWARP_ATOMIC_INTEGERS(atomicAnd, and)
ANYWARP_ATOMIC_INTEGERS(atomicOr, or)
ANYWARP_ATOMIC_INTEGERS(atomicXor, xor)
ANYWARP_ATOMIC_SCOPES(atomicAnd, and, ll, long long, long long)
ANYWARP_ATOMIC_SCOPES(atomicOr, or, ll, long long, long long)
ANYWARP_ATOMIC_SCOPES(atomicXor, xor, ll, long long, long long)
ANYWARP_ATOMIC_SCOPES(atomicAdd, add, f, float, float)
ANYWARP_ATOMIC_SCOPES(atomicAdd, add, d, double, double)
ANYWARP_ATOMIC_SCOPES(atomicMin, min, i, int, int)
ANYWARP_ATOMIC_SCOPES(atomicMax, max, i, int, int)
ANYWARP_ATOMIC_SCOPES(atomicMin, min, ll, long long, long long)
ANYWARP_ATOMIC_SCOPES(atomicMax, max, ll, long long, long long)
// clang names the unsigned builtins of the .cta and .sys scopes after the signed ones, so these are the instructions by name.
#define ANYWARP_ATOMIC_BY_NAME(NAME, SCOPE, INSTRUCTION, TYPE, CONSTRAINT)                                                       \
    ANYWARP_ATOMIC TYPE NAME(TYPE* address, TYPE value) {                                                                        \
        TYPE old;                                                                                                                \
        asm volatile("atom" SCOPE "." INSTRUCTION " %0, [%1], %2;"                                                               \
                     : "=" CONSTRAINT(old)                                                                                       \
                     : "l"(address), CONSTRAINT(value)                                                                           \
                     : "memory");                                                                                                \
        return old;                                                                                                              \
    }
#define ANYWARP_ATOMIC_NAMED_SCOPES(NAME, INSTRUCTION, TYPE, CONSTRAINT)                                                         \
    ANYWARP_ATOMIC_BY_NAME(NAME, "", INSTRUCTION, TYPE, CONSTRAINT)                                                              \
    ANYWARP_ATOMIC_BY_NAME(NAME##_block, ".cta", INSTRUCTION, TYPE, CONSTRAINT)                                                  \
    ANYWARP_ATOMIC_BY_NAME(NAME##_system, ".sys", INSTRUCTION, TYPE, CONSTRAINT)
ANYWARP_ATOMIC_NAMED_SCOPES(atomicMin, "min.u32", unsigned int, "r")
ANYWARP_ATOMIC_NAMED_SCOPES(atomicMax, "max.u32", unsigned int, "r")
ANYWARP_ATOMIC_NAMED_SCOPES(atomicMin, "min.u64", unsigned long long, "l")
ANYWARP_ATOMIC_NAMED_SCOPES(atomicMax, "max.u64", unsigned long long, "l")
ANYWARP_ATOMIC_NAMED_SCOPES(atomicInc, "inc.u32", unsigned int, "r")
ANYWARP_ATOMIC_NAMED_SCOPES(atomicDec, "dec.u32", unsigned int, "r")

// Subtraction is the addition of the negated value, which is exact in two's complement.
#define ANYWARP_ATOMIC_SUB(SCOPE)                                                                                                \
    ANYWARP_ATOMIC int atomicSub##SCOPE(int* address, int value) { return atomicAdd##SCOPE(address, (int)(0u - (unsigned)value)); } \
    ANYWARP_ATOMIC unsigned int atomicSub##SCOPE(unsigned int* address, unsigned int value) {                                    \
        return atomicAdd##SCOPE(address, 0u - value);                                                                            \
    }
ANYWARP_ATOMIC_SUB()
ANYWARP_ATOMIC_SUB(_block)
ANYWARP_ATOMIC_SUB(_system)

#define ANYWARP_ATOMIC_FLOAT_EXCHANGE(SCOPE)                                                                                     \
    ANYWARP_ATOMIC float atomicExch##SCOPE(float* address, float value) {                                                        \
        return __int_as_float(atomicExch##SCOPE((int*)address, __float_as_int(value)));                                          \
    }
ANYWARP_ATOMIC_FLOAT_EXCHANGE()
ANYWARP_ATOMIC_FLOAT_EXCHANGE(_block)
ANYWARP_ATOMIC_FLOAT_EXCHANGE(_system)

#define ANYWARP_ATOMIC_CAS(NAME, SCOPE, BITS, TYPE, CONSTRAINT)                                                                  \
    ANYWARP_ATOMIC TYPE NAME(TYPE* address, TYPE compare, TYPE value) {                                                          \
        TYPE old;                                                                                                                \
        asm volatile("atom" SCOPE ".cas." BITS " %0, [%1], %2, %3;"                                                              \
                     : "=" CONSTRAINT(old)                                                                                       \
                     : "l"(address), CONSTRAINT(compare), CONSTRAINT(value)                                                      \
                     : "memory");                                                                                                \
        return old;                                                                                                              \
    }
#define ANYWARP_ATOMIC_CAS_SCOPES(BITS, TYPE, CONSTRAINT)                                                                        \
    ANYWARP_ATOMIC_CAS(atomicCAS, "", BITS, TYPE, CONSTRAINT)                                                                    \
    ANYWARP_ATOMIC_CAS(atomicCAS_block, ".cta", BITS, TYPE, CONSTRAINT)                                                          \
    ANYWARP_ATOMIC_CAS(atomicCAS_system, ".sys", BITS, TYPE, CONSTRAINT)
ANYWARP_ATOMIC_CAS_SCOPES("b32", int, "r")
ANYWARP_ATOMIC_CAS_SCOPES("b32", unsigned int, "r")
ANYWARP_ATOMIC_CAS_SCOPES("b64", unsigned long long, "l")
ANYWARP_ATOMIC_CAS_SCOPES("b64", long long, "l")
ANYWARP_ATOMIC_CAS_SCOPES("b16", unsigned short, "h")

#endif
