// Warp matrix functions: nvcuda::wmma (CUDA C++ Programming Guide, "Warp Matrix Functions"), over the PTX instructions wmma.load,
// wmma.mma and wmma.store (PTX ISA 9.7.14.4).
//
// A fragment is what one lane holds of a matrix: an array x in the order of the registers of the PTX instruction. Which element of
// the matrix x[i] is, CUDA leaves open. Each combination of shape, types and layouts is an instruction of its own, so each is one
// line at the end of this file; what has no line there doesn't exist, and its fragment is an incomplete type.
#ifndef ANYWARP_MMA_H
#define ANYWARP_MMA_H

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_runtime.h"

#include <cstring>

namespace nvcuda {
namespace wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major, mem_col_major };

namespace precision {
struct tf32;
}
namespace experimental {
namespace precision {
struct u4;
struct s4;
struct b1;
} // namespace precision
enum bmmaBitOp { bmmaBitOpXOR = 1, bmmaBitOpAND = 2 };
enum bmmaAccumulateOp { bmmaAccumulateOpPOPC = 1 };
} // namespace experimental

__device__ inline float __float_to_tf32(float x) {
    float result = x;
#ifdef __CUDA_ARCH__
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    memcpy(&result, &bits, 4);
#endif
    return result;
}

template <class Use, int m, int n, int k, class T, class Layout = void> class fragment;

namespace anywarp {
/// What fragments of all kinds have in common. `packed`: elements in one element of x.
template <class Storage, int count, int packed = 1> struct fragment_storage {
    enum { num_elements = count * packed, num_storage_elements = count };
    typedef Storage element_type;
    typedef Storage storage_element_type;
    Storage x[count];
};
template <class Fragment, class Register> __device__ inline void put(Fragment& f, const Register* registers) {
    memcpy(f.x, registers, sizeof f.x);
}
template <class Fragment, class Register> __device__ inline void get(const Fragment& f, Register* registers) {
    memcpy(registers, f.x, sizeof f.x);
}
} // namespace anywarp

template <class Use, int m, int n, int k, class T, class Layout>
__device__ inline void fill_fragment(fragment<Use, m, n, k, T, Layout>& f,
                                     const typename fragment<Use, m, n, k, T, Layout>::storage_element_type& value) {
    for (int i = 0; i < fragment<Use, m, n, k, T, Layout>::num_storage_elements; ++i) f.x[i] = value;
}

// The registers of an instruction: their names in its text, and as operands of the asm statement.
#define ANYWARP_NAMES_1(p) "%[" #p "0]"
#define ANYWARP_NAMES_2(p) ANYWARP_NAMES_1(p) ", %[" #p "1]"
#define ANYWARP_NAMES_4(p) ANYWARP_NAMES_2(p) ", %[" #p "2], %[" #p "3]"
#define ANYWARP_NAMES_8(p) ANYWARP_NAMES_4(p) ", %[" #p "4], %[" #p "5], %[" #p "6], %[" #p "7]"
#define ANYWARP_OPERANDS_1(p, mode) [p##0] mode(p[0])
#define ANYWARP_OPERANDS_2(p, mode) ANYWARP_OPERANDS_1(p, mode), [p##1] mode(p[1])
#define ANYWARP_OPERANDS_4(p, mode) ANYWARP_OPERANDS_2(p, mode), [p##2] mode(p[2]), [p##3] mode(p[3])
#define ANYWARP_OPERANDS_8(p, mode)                                                                                              \
    ANYWARP_OPERANDS_4(p, mode), [p##4] mode(p[4]), [p##5] mode(p[5]), [p##6] mode(p[6]), [p##7] mode(p[7])

// The register of each PTX element type, and its letter in asm statements.
#define ANYWARP_REGISTER_f16 unsigned
#define ANYWARP_REGISTER_bf16 unsigned
#define ANYWARP_REGISTER_tf32 unsigned
#define ANYWARP_REGISTER_s8 unsigned
#define ANYWARP_REGISTER_u8 unsigned
#define ANYWARP_REGISTER_s4 unsigned
#define ANYWARP_REGISTER_u4 unsigned
#define ANYWARP_REGISTER_b1 unsigned
#define ANYWARP_REGISTER_s32 unsigned
#define ANYWARP_REGISTER_f32 float
#define ANYWARP_REGISTER_f64 double
#define ANYWARP_LETTER_f16 "r"
#define ANYWARP_LETTER_bf16 "r"
#define ANYWARP_LETTER_tf32 "r"
#define ANYWARP_LETTER_s8 "r"
#define ANYWARP_LETTER_u8 "r"
#define ANYWARP_LETTER_s4 "r"
#define ANYWARP_LETTER_u4 "r"
#define ANYWARP_LETTER_b1 "r"
#define ANYWARP_LETTER_s32 "r"
#define ANYWARP_LETTER_f32 "f"
#define ANYWARP_LETTER_f64 "d"

#ifdef __CUDA_ARCH__
#    define ANYWARP_DEVICE_ONLY(...) __VA_ARGS__
#else
#    define ANYWARP_DEVICE_ONLY(...)
#endif

#define ANYWARP_LOAD(part, layout, shape, ptx, count)                                                                            \
    ANYWARP_DEVICE_ONLY(ANYWARP_REGISTER_##ptx r[count];                                                                         \
                        asm volatile("wmma.load." part ".sync.aligned." layout "." shape "." #ptx " {" ANYWARP_NAMES_##count(r)  \
                                     "}, [%[from]], %[stride];"                                                                  \
                                     : ANYWARP_OPERANDS_##count(r, "=" ANYWARP_LETTER_##ptx)                                     \
                                     : [from] "l"(from), [stride] "r"(stride)                                                    \
                                     : "memory");                                                                                \
                        anywarp::put(f, r);)
#define ANYWARP_STORE(layout, shape, ptx, count)                                                                                 \
    ANYWARP_DEVICE_ONLY(ANYWARP_REGISTER_##ptx r[count]; anywarp::get(f, r);                                                     \
                        asm volatile("wmma.store.d.sync.aligned." layout "." shape "." #ptx                                      \
                                     " [%[to]], {" ANYWARP_NAMES_##count(r) "}, %[stride];"                                      \
                                     :                                                                                           \
                                     : ANYWARP_OPERANDS_##count(r, ANYWARP_LETTER_##ptx), [to] "l"(to), [stride] "r"(stride)     \
                                     : "memory");)

/// A or B in one layout: the fragment and its load. `count` registers hold `elements` of `storage`.
#define ANYWARP_FACTOR(use, part, layout, m, n, k, T, memory, storage, ptx, count, elements, packed)                             \
    template <> class fragment<use, m, n, k, T, layout##_major> : public anywarp::fragment_storage<storage, elements, packed> {};\
    __device__ inline void load_matrix_sync(fragment<use, m, n, k, T, layout##_major>& f, const memory* from, unsigned stride) { \
        ANYWARP_LOAD(part, #layout, "m" #m "n" #n "k" #k, ptx, count)                                                            \
    }
#define ANYWARP_FACTORS(m, n, k, T, memory, storage, ptx, a_count, a_elements, b_count, b_elements)                              \
    ANYWARP_FACTOR(matrix_a, "a", row, m, n, k, T, memory, storage, ptx, a_count, a_elements, 1)                                 \
    ANYWARP_FACTOR(matrix_a, "a", col, m, n, k, T, memory, storage, ptx, a_count, a_elements, 1)                                 \
    ANYWARP_FACTOR(matrix_b, "b", row, m, n, k, T, memory, storage, ptx, b_count, b_elements, 1)                                 \
    ANYWARP_FACTOR(matrix_b, "b", col, m, n, k, T, memory, storage, ptx, b_count, b_elements, 1)

#define ANYWARP_ACCUMULATOR(m, n, k, T, ptx, count, elements)                                                                    \
    template <> class fragment<accumulator, m, n, k, T, void> : public anywarp::fragment_storage<T, elements> {};                \
    __device__ inline void load_matrix_sync(fragment<accumulator, m, n, k, T>& f, const T* from, unsigned stride,                \
                                            layout_t layout) {                                                                   \
        if (layout == mem_row_major) {                                                                                           \
            ANYWARP_LOAD("c", "row", "m" #m "n" #n "k" #k, ptx, count)                                                           \
        } else {                                                                                                                 \
            ANYWARP_LOAD("c", "col", "m" #m "n" #n "k" #k, ptx, count)                                                           \
        }                                                                                                                        \
    }                                                                                                                            \
    __device__ inline void store_matrix_sync(T* to, const fragment<accumulator, m, n, k, T>& f, unsigned stride,                 \
                                             layout_t layout) {                                                                  \
        if (layout == mem_row_major) {                                                                                           \
            ANYWARP_STORE("row", "m" #m "n" #n "k" #k, ptx, count)                                                               \
        } else {                                                                                                                 \
            ANYWARP_STORE("col", "m" #m "n" #n "k" #k, ptx, count)                                                               \
        }                                                                                                                        \
    }

#define ANYWARP_PRODUCT(text, ptx_ab, na, nb, ptx_d, nd, ptx_c, nc)                                                              \
    ANYWARP_DEVICE_ONLY(ANYWARP_REGISTER_##ptx_ab a[na]; ANYWARP_REGISTER_##ptx_ab b[nb]; ANYWARP_REGISTER_##ptx_c c[nc];        \
                        ANYWARP_REGISTER_##ptx_d d[nd];                                                                          \
                        anywarp::get(fa, a); anywarp::get(fb, b); anywarp::get(fc, c);                                           \
                        asm volatile(text " {" ANYWARP_NAMES_##nd(d) "}, {" ANYWARP_NAMES_##na(a) "}, {" ANYWARP_NAMES_##nb(b)   \
                                     "}, {" ANYWARP_NAMES_##nc(c) "};"                                                           \
                                     : ANYWARP_OPERANDS_##nd(d, "=" ANYWARP_LETTER_##ptx_d)                                      \
                                     : ANYWARP_OPERANDS_##na(a, ANYWARP_LETTER_##ptx_ab),                                        \
                                       ANYWARP_OPERANDS_##nb(b, ANYWARP_LETTER_##ptx_ab),                                        \
                                       ANYWARP_OPERANDS_##nc(c, ANYWARP_LETTER_##ptx_c));                                        \
                        anywarp::put(fd, d);)

/// mma_sync of one pair of layouts. `types`: how the instruction ends. Integers have one more argument, `saturate`.
#define ANYWARP_MMA(la, lb, m, n, k, T, ptx, na, nb, D, ptx_d, nd, C, ptx_c, nc, types)                                          \
    __device__ inline void mma_sync(                                                                                             \
        fragment<accumulator, m, n, k, D>& fd, const fragment<matrix_a, m, n, k, T, la##_major>& fa,                             \
        const fragment<matrix_b, m, n, k, T, lb##_major>& fb, const fragment<accumulator, m, n, k, C>& fc) {                     \
        ANYWARP_PRODUCT("wmma.mma.sync.aligned." #la "." #lb ".m" #m "n" #n "k" #k types, ptx, na, nb, ptx_d, nd, ptx_c, nc)     \
    }
#define ANYWARP_MMA_INTEGER(la, lb, m, n, k, T, ptx, na, nb, nd)                                                                 \
    __device__ inline void mma_sync(                                                                                             \
        fragment<accumulator, m, n, k, int>& fd, const fragment<matrix_a, m, n, k, T, la##_major>& fa,                           \
        const fragment<matrix_b, m, n, k, T, lb##_major>& fb, const fragment<accumulator, m, n, k, int>& fc,                     \
        bool saturate = false) {                                                                                                 \
        if (saturate) {                                                                                                          \
            ANYWARP_PRODUCT("wmma.mma.sync.aligned." #la "." #lb ".m" #m "n" #n "k" #k ".s32." #ptx "." #ptx ".s32.satfinite",   \
                            ptx, na, nb, s32, nd, s32, nd)                                                                       \
        } else {                                                                                                                 \
            ANYWARP_PRODUCT("wmma.mma.sync.aligned." #la "." #lb ".m" #m "n" #n "k" #k ".s32." #ptx "." #ptx ".s32",             \
                            ptx, na, nb, s32, nd, s32, nd)                                                                       \
        }                                                                                                                        \
    }
#define ANYWARP_ALL_LAYOUTS(macro, ...) macro(row, row, __VA_ARGS__) macro(row, col, __VA_ARGS__) macro(col, row, __VA_ARGS__)   \
    macro(col, col, __VA_ARGS__)

// --- half -------------------------------------------------------------------------------------------------------------------

#define ANYWARP_HALF(m, n, k)                                                                                                    \
    ANYWARP_FACTORS(m, n, k, __half, __half, __half, f16, 8, 16, 8, 16)                                                          \
    ANYWARP_ACCUMULATOR(m, n, k, __half, f16, 4, 8)                                                                              \
    ANYWARP_ACCUMULATOR(m, n, k, float, f32, 8, 8)                                                                               \
    ANYWARP_ALL_LAYOUTS(ANYWARP_MMA, m, n, k, __half, f16, 8, 8, float, f32, 8, float, f32, 8, ".f32.f32")                       \
    ANYWARP_ALL_LAYOUTS(ANYWARP_MMA, m, n, k, __half, f16, 8, 8, float, f32, 8, __half, f16, 4, ".f32.f16")                      \
    ANYWARP_ALL_LAYOUTS(ANYWARP_MMA, m, n, k, __half, f16, 8, 8, __half, f16, 4, float, f32, 8, ".f16.f32")                      \
    ANYWARP_ALL_LAYOUTS(ANYWARP_MMA, m, n, k, __half, f16, 8, 8, __half, f16, 4, __half, f16, 4, ".f16.f16")
ANYWARP_HALF(16, 16, 16)
ANYWARP_HALF(32, 8, 16)
ANYWARP_HALF(8, 32, 16)

// --- bfloat16, tf32, double: the accumulators of bfloat16 are those of half --------------------------------------------------

#define ANYWARP_BFLOAT(m, n, k, na, ea, nb, eb)                                                                                  \
    ANYWARP_FACTORS(m, n, k, __nv_bfloat16, __nv_bfloat16, __nv_bfloat16, bf16, na, ea, nb, eb)                                  \
    ANYWARP_ALL_LAYOUTS(ANYWARP_MMA, m, n, k, __nv_bfloat16, bf16, na, nb, float, f32, 8, float, f32, 8, ".f32.bf16.bf16.f32")
ANYWARP_BFLOAT(16, 16, 16, 4, 8, 4, 8)
ANYWARP_BFLOAT(32, 8, 16, 8, 16, 2, 4)
ANYWARP_BFLOAT(8, 32, 16, 2, 4, 8, 16)

ANYWARP_FACTORS(16, 16, 8, precision::tf32, float, float, tf32, 4, 4, 4, 4)
ANYWARP_ACCUMULATOR(16, 16, 8, float, f32, 8, 8)
ANYWARP_ALL_LAYOUTS(ANYWARP_MMA, 16, 16, 8, precision::tf32, tf32, 4, 4, float, f32, 8, float, f32, 8, ".f32.tf32.tf32.f32")

ANYWARP_FACTORS(8, 8, 4, double, double, double, f64, 1, 1, 1, 1)
ANYWARP_ACCUMULATOR(8, 8, 4, double, f64, 2, 2)
ANYWARP_ALL_LAYOUTS(ANYWARP_MMA, 8, 8, 4, double, f64, 1, 1, double, f64, 2, double, f64, 2, ".f64.f64.f64.f64")

// --- integers ---------------------------------------------------------------------------------------------------------------

#define ANYWARP_BYTE(m, n, k, T, ptx, na, ea, nb, eb)                                                                            \
    ANYWARP_FACTORS(m, n, k, T, T, T, ptx, na, ea, nb, eb)                                                                       \
    ANYWARP_ALL_LAYOUTS(ANYWARP_MMA_INTEGER, m, n, k, T, ptx, na, nb, 8)
#define ANYWARP_BYTES(m, n, k, na, ea, nb, eb)                                                                                   \
    ANYWARP_ACCUMULATOR(m, n, k, int, s32, 8, 8)                                                                                 \
    ANYWARP_BYTE(m, n, k, signed char, s8, na, ea, nb, eb)                                                                       \
    ANYWARP_BYTE(m, n, k, unsigned char, u8, na, ea, nb, eb)
ANYWARP_BYTES(16, 16, 16, 2, 8, 2, 8)
ANYWARP_BYTES(32, 8, 16, 4, 16, 1, 4)
ANYWARP_BYTES(8, 32, 16, 1, 4, 4, 16)

// A by rows, B by columns only; one element of x holds eight elements, or 32 bits.
#define ANYWARP_SUBBYTE(k, T, ptx, storage, packed)                                                                              \
    ANYWARP_FACTOR(matrix_a, "a", row, 8, 8, k, T, void, storage, ptx, 1, 1, packed)                                             \
    ANYWARP_FACTOR(matrix_b, "b", col, 8, 8, k, T, void, storage, ptx, 1, 1, packed)
ANYWARP_ACCUMULATOR(8, 8, 32, int, s32, 2, 2)
ANYWARP_SUBBYTE(32, experimental::precision::s4, s4, int, 8)
ANYWARP_SUBBYTE(32, experimental::precision::u4, u4, unsigned, 8)
ANYWARP_MMA_INTEGER(row, col, 8, 8, 32, experimental::precision::s4, s4, 1, 1, 2)
ANYWARP_MMA_INTEGER(row, col, 8, 8, 32, experimental::precision::u4, u4, 1, 1, 2)

ANYWARP_ACCUMULATOR(8, 8, 128, int, s32, 2, 2)
ANYWARP_SUBBYTE(128, experimental::precision::b1, b1, unsigned, 32)
__device__ inline void bmma_sync(fragment<accumulator, 8, 8, 128, int>& fd,
                                 const fragment<matrix_a, 8, 8, 128, experimental::precision::b1, row_major>& fa,
                                 const fragment<matrix_b, 8, 8, 128, experimental::precision::b1, col_major>& fb,
                                 const fragment<accumulator, 8, 8, 128, int>& fc,
                                 experimental::bmmaBitOp operation = experimental::bmmaBitOpXOR,
                                 experimental::bmmaAccumulateOp = experimental::bmmaAccumulateOpPOPC) {
    if (operation == experimental::bmmaBitOpAND) {
        ANYWARP_PRODUCT("wmma.mma.and.popc.sync.aligned.row.col.m8n8k128.s32.b1.b1.s32", b1, 1, 1, s32, 2, s32, 2)
    } else {
        ANYWARP_PRODUCT("wmma.mma.xor.popc.sync.aligned.row.col.m8n8k128.s32.b1.b1.s32", b1, 1, 1, s32, 2, s32, 2)
    }
}
namespace experimental {
using wmma::bmma_sync;
}

} // namespace wmma
} // namespace nvcuda

#undef ANYWARP_LOAD
#undef ANYWARP_STORE
#undef ANYWARP_FACTOR
#undef ANYWARP_FACTORS
#undef ANYWARP_ACCUMULATOR
#undef ANYWARP_PRODUCT
#undef ANYWARP_MMA
#undef ANYWARP_MMA_INTEGER
#undef ANYWARP_ALL_LAYOUTS
#undef ANYWARP_HALF
#undef ANYWARP_BFLOAT
#undef ANYWARP_BYTE
#undef ANYWARP_BYTES
#undef ANYWARP_SUBBYTE
#undef ANYWARP_DEVICE_ONLY

#endif
