// nvcuda::wmma of <mma.h> against plain loops: shapes, element types, layouts; fill_fragment, work on the elements of fragments,
// strides, matrices in shared memory; mixed accumulators, saturation, single bits. All values are small integers: sums are exact.
#include "check.h"

#include <cstdint>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>
#include <vector>
using namespace nvcuda;

template <class T> T number(int v) { return T(v); }
template <> __half number<__half>(int v) { return __float2half(float(v)); }
template <> __nv_bfloat16 number<__nv_bfloat16>(int v) { return __float2bfloat16(float(v)); }
template <class T> double value(T v) { return double(v); }
template <> double value<__half>(__half v) { return __half2float(v); }

/// D = 2 * A * B + C, A, B and C read with a stride.
template <class T, class Memory, int m, int n, int k, class LA, class LB, class D, class C>
__global__ void multiply(const Memory* a, const Memory* b, const C* c, D* d, int lda, int ldb, int ldc, int ldd) {
    wmma::fragment<wmma::matrix_a, m, n, k, T, LA> fa;
    wmma::fragment<wmma::matrix_b, m, n, k, T, LB> fb;
    wmma::fragment<wmma::accumulator, m, n, k, C> fc;
    wmma::fragment<wmma::accumulator, m, n, k, D> fd;
    wmma::load_matrix_sync(fa, a, lda);
    wmma::load_matrix_sync(fb, b, ldb);
    wmma::load_matrix_sync(fc, c, ldc, wmma::mem_row_major);
    for (int i = 0; i < fa.num_elements; i++) fa.x[i] = fa.x[i] + fa.x[i];
    wmma::mma_sync(fd, fa, fb, fc);
    wmma::store_matrix_sync(d, fd, ldd, wmma::mem_col_major);
}

template <class T, class Memory, int m, int n, int k, class LA, class LB, class D, class C>
void check_one(bool a_row, bool b_row, bool is_signed) {
    const int lda = (a_row ? k : m) + 16, ldb = (b_row ? n : k) + 16, ldc = n + 8, ldd = m + 8;
    Memory* a = managed<Memory>(lda * (a_row ? m : k));
    Memory* b = managed<Memory>(ldb * (b_row ? k : n));
    C* c = managed<C>(ldc * m);
    D* d = managed<D>(ldd * n);
    std::vector<int> va(m * k), vb(k * n), vc(m * n);
    unsigned state = 1;
    auto next = [&] {
        state = state * 1664525u + 1013904223u;
        return int(state >> 24) % 9 - (is_signed ? 4 : 0);
    };
    for (int i = 0; i < m; i++)
        for (int j = 0; j < k; j++) a[a_row ? i * lda + j : j * lda + i] = number<Memory>(va[i * k + j] = next());
    for (int i = 0; i < k; i++)
        for (int j = 0; j < n; j++) b[b_row ? i * ldb + j : j * ldb + i] = number<Memory>(vb[i * n + j] = next());
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) c[i * ldc + j] = number<C>(vc[i * n + j] = next());
    multiply<T, Memory, m, n, k, LA, LB, D, C><<<1, 32>>>(a, b, c, d, lda, ldb, ldc, ldd);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            int sum = vc[i * n + j];
            for (int x = 0; x < k; x++) sum += 2 * va[i * k + x] * vb[x * n + j];
            EXPECT_EQUAL(value(d[j * ldd + i]), double(sum), i * n + j);
        }
    cudaFree(a), cudaFree(b), cudaFree(c), cudaFree(d);
}

template <class T, class Memory, int m, int n, int k, class D, class C> void check(bool is_signed = true) {
    check_one<T, Memory, m, n, k, wmma::row_major, wmma::col_major, D, C>(true, false, is_signed);
    check_one<T, Memory, m, n, k, wmma::col_major, wmma::row_major, D, C>(false, true, is_signed);
}

/// A tile product in shared memory: 32x32x32 of halves by four warps, as programs use it.
__global__ void tiled(const __half* a, const __half* b, float* d) {
    __shared__ __half sa[32][40], sb[32][40];
    for (int i = threadIdx.x; i < 1024; i += blockDim.x) sa[i / 32][i % 32] = a[i], sb[i / 32][i % 32] = b[i];
    __syncthreads();
    const int warp = threadIdx.x / 32, row = warp / 2 * 16, column = warp % 2 * 16;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
    wmma::fill_fragment(sum, 1.0f);
    for (int k = 0; k < 32; k += 16) {
        wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> fa;
        wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::row_major> fb;
        wmma::load_matrix_sync(fa, &sa[row][k], 40);
        wmma::load_matrix_sync(fb, &sb[k][column], 40);
        wmma::mma_sync(sum, fa, fb, sum);
    }
    wmma::store_matrix_sync(d + row * 32 + column, sum, 32, wmma::mem_row_major);
}

__global__ void saturated(int* d) {
    wmma::fragment<wmma::matrix_a, 16, 16, 16, signed char, wmma::row_major> a;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, signed char, wmma::col_major> b;
    wmma::fragment<wmma::accumulator, 16, 16, 16, int> c;
    wmma::fill_fragment(a, (signed char)127);
    wmma::fill_fragment(b, (signed char)127);
    wmma::fill_fragment(c, 0x7fffffff - 5);
    wmma::mma_sync(c, a, b, c, true);
    wmma::store_matrix_sync(d, c, 16, wmma::mem_row_major);
}

template <class T, int sign> __global__ void nibbles(const void* a, const void* b, int* d) {
    wmma::fragment<wmma::matrix_a, 8, 8, 32, T, wmma::row_major> fa;
    wmma::fragment<wmma::matrix_b, 8, 8, 32, T, wmma::col_major> fb;
    wmma::fragment<wmma::accumulator, 8, 8, 32, int> fc;
    wmma::load_matrix_sync(fa, a, 32);
    wmma::load_matrix_sync(fb, b, 32);
    wmma::fill_fragment(fc, sign);
    wmma::mma_sync(fc, fa, fb, fc);
    wmma::store_matrix_sync(d, fc, 8, wmma::mem_row_major);
}

__global__ void bits(const void* a, const void* b, int* d) {
    wmma::fragment<wmma::matrix_a, 8, 8, 128, wmma::experimental::precision::b1, wmma::row_major> fa;
    wmma::fragment<wmma::matrix_b, 8, 8, 128, wmma::experimental::precision::b1, wmma::col_major> fb;
    wmma::fragment<wmma::accumulator, 8, 8, 128, int> fc, fd;
    wmma::load_matrix_sync(fa, a, 128);
    wmma::load_matrix_sync(fb, b, 128);
    wmma::fill_fragment(fc, 0);
    wmma::bmma_sync(fd, fa, fb, fc);
    wmma::store_matrix_sync(d, fd, 8, wmma::mem_row_major);
    wmma::bmma_sync(fd, fa, fb, fc, wmma::experimental::bmmaBitOpAND);
    wmma::store_matrix_sync(d + 64, fd, 8, wmma::mem_row_major);
}

static void check_small_elements() {
    uint32_t* a = managed<uint32_t>(32);
    uint32_t* b = managed<uint32_t>(32);
    int* d = managed<int>(128);
    unsigned state = 7;
    for (int i = 0; i < 32; i++) {
        a[i] = state = state * 1664525u + 1013904223u;
        b[i] = state = state * 1664525u + 1013904223u;
        a[i] ^= a[i] >> 15, b[i] ^= b[i] >> 15;
    }
    auto nibble = [](const uint32_t* p, int i) { return int(p[i / 8] >> (i % 8 * 4) & 15); };
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        if (is_signed) nibbles<wmma::experimental::precision::s4, -1><<<1, 32>>>(a, b, d);
        else nibbles<wmma::experimental::precision::u4, 1><<<1, 32>>>(a, b, d);
        CHECK(cudaDeviceSynchronize());
        for (int i = 0; i < 64; i++) {
            int sum = is_signed ? -1 : 1;
            for (int k = 0; k < 32; k++) {
                int x = nibble(a, i / 8 * 32 + k), y = nibble(b, i % 8 * 32 + k);
                if (is_signed) x = x >= 8 ? x - 16 : x, y = y >= 8 ? y - 16 : y;
                sum += x * y;
            }
            EXPECT_EQUAL(d[i], sum, i);
        }
    }
    bits<<<1, 32>>>(a, b, d);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 64; i++) {
        int different = 0, both = 0;
        for (int w = 0; w < 4; w++) {
            different += __builtin_popcount(a[i / 8 * 4 + w] ^ b[i % 8 * 4 + w]);
            both += __builtin_popcount(a[i / 8 * 4 + w] & b[i % 8 * 4 + w]);
        }
        EXPECT_EQUAL(d[i], different, i);
        EXPECT_EQUAL(d[64 + i], both, i);
    }
}

__global__ void round_to_tf32(float* x) { x[threadIdx.x] = wmma::__float_to_tf32(x[threadIdx.x]); }

int main() {
    check<__half, __half, 16, 16, 16, float, float>();
    check<__half, __half, 16, 16, 16, __half, __half>();
    check<__half, __half, 16, 16, 16, float, __half>();
    check<__half, __half, 32, 8, 16, float, float>();
    check<__half, __half, 8, 32, 16, __half, float>();
    check<__nv_bfloat16, __nv_bfloat16, 16, 16, 16, float, float>();
    check<__nv_bfloat16, __nv_bfloat16, 8, 32, 16, float, float>();
    check<wmma::precision::tf32, float, 16, 16, 8, float, float>();
    check<double, double, 8, 8, 4, double, double>();
    check<signed char, signed char, 16, 16, 16, int, int>();
    check<unsigned char, unsigned char, 32, 8, 16, int, int>(false);
    check_small_elements();

    int* d = managed<int>(256);
    saturated<<<1, 32>>>(d);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 256; i++) EXPECT_EQUAL(d[i], 0x7fffffff, i);

    __half* a = managed<__half>(1024);
    __half* b = managed<__half>(1024);
    float* sums = managed<float>(1024);
    for (int i = 0; i < 1024; i++) a[i] = __float2half(float(i * 7 % 13 - 6)), b[i] = __float2half(float(i * 5 % 11 - 5));
    tiled<<<1, 128>>>(a, b, sums);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 32; i++)
        for (int j = 0; j < 32; j++) {
            float sum = 1;
            for (int k = 0; k < 32; k++) sum += __half2float(a[i * 32 + k]) * __half2float(b[k * 32 + j]);
            EXPECT_EQUAL(sums[i * 32 + j], sum, i * 32 + j);
        }

    float* x = managed<float>(32);
    x[0] = 1.00048828125f, x[1] = 1.00048816204f, x[2] = -3.0f; // halfway is rounded away from zero
    round_to_tf32<<<1, 32>>>(x);
    CHECK(cudaDeviceSynchronize());
    EXPECT_EQUAL(x[0], 1.0009765625f, 0);
    EXPECT_EQUAL(x[1], 1.0f, 1);
    EXPECT_EQUAL(x[2], -3.0f, 2);
    return summary();
}
