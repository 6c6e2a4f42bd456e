// One use of every family of device function, so that each is declared, defined in the math library, and valid PTX.
#include <cassert>
#include <cuda_runtime.h>
#include <math_constants.h>

__global__ void floats(float* f, double* d, int* i) {
    const int t = threadIdx.x;
    float x = f[t], s, c;
    double y = d[t], sd, cd;
    sincosf(x, &s, &c);
    sincos(y, &sd, &cd);
    x += sinf(x) + cosf(x) + tanf(x) + asinf(x) + acosf(x) + atanf(x) + atan2f(x, s) + sinhf(x) + coshf(x) + tanhf(x) + asinhf(x) + acoshf(x) +
         atanhf(x) + exp2f(x) + exp10f(x) + expm1f(x) + log2f(x) + log10f(x) + log1pf(x) + rsqrtf(x) + cbrtf(x) + rcbrtf(x) + hypotf(x, c) +
         fmodf(x, s) + remainderf(x, s) + rintf(x) + floorf(x) + ceilf(x) + truncf(x) + roundf(x) + fmaf(x, s, c) + fminf(x, s) + fmaxf(x, c) +
         ldexpf(x, 3) + copysignf(x, s) + nextafterf(x, s) + sinpif(x) + cospif(x) + norm3df(x, s, c) + rnorm4df(x, s, c, x) + fdimf(x, s);
    y += sin(y) + cos(y) + tan(y) + asin(y) + acos(y) + atan(y) + atan2(y, sd) + sinh(y) + cosh(y) + tanh(y) + asinh(y) + acosh(y) + atanh(y) +
         exp2(y) + exp10(y) + expm1(y) + log2(y) + log10(y) + log1p(y) + rsqrt(y) + cbrt(y) + hypot(y, cd) + fmod(y, sd) + remainder(y, sd) +
         rint(y) + floor(y) + ceil(y) + trunc(y) + round(y) + fma(y, sd, cd) + fmin(y, sd) + fmax(y, cd) + ldexp(y, 3) + sinpi(y) + cospi(y);
    x += __expf(x) + __logf(x) + __sinf(x) + __cosf(x) + __tanf(x) + __powf(x, s) + __fdividef(x, s) + __saturatef(x) + __frcp_rn(x) +
         __fsqrt_rz(x) + __fadd_ru(x, s) + __fmul_rd(x, s) + __fmaf_rn(x, s, c) + __frsqrt_rn(x) + __int2float_rn(i[t]) + __uint_as_float(i[t]);
    y += __dadd_rn(y, sd) + __ddiv_rz(y, sd) + __drcp_rn(y) + __ll2double_rn(i[t]) + __hiloint2double(i[t], 1);
    int q;
    x += frexpf(x, &q) + modff(x, &s) + std::pow(x, 2.0f) + std::exp(x) + std::abs(x) + sqrt(x) + pow(x, 3) + max(x, 1.0f) + CUDART_PI_F;
    i[t] += q + isnan(x) + isinf(y) + signbit(x) + ilogbf(x) + lroundf(x) + llrint(y) + __float2int_rn(x) + __float2uint_rz(x) + __double2int_rd(y) +
            __float_as_int(x) + __double2hiint(y) + (int)__double_as_longlong(y);
    f[t] = x + s;
    d[t] = y + sd + cd;
}
__global__ void integers(int* a, unsigned* u, unsigned long long* l, long long* sl) {
    const int t = threadIdx.x;
    a[t] += abs(a[t]) + __clz(a[t]) + __ffs(a[t]) + __popc(u[t]) + __mulhi(a[t], 3) + __mul24(a[t], 5) + __sad(a[t], 2, 1u) + __hadd(a[t], 4) +
            min(a[t], 5) + max(a[t], 6) + __popcll(l[t]) + __clzll(sl[t]) + __ffsll(sl[t]) + __dp4a(a[t], 2, 3) + (int)__mul64hi(sl[t], 5);
    u[t] += __brev(u[t]) + __byte_perm(u[t], 3, 0x3210) + __umulhi(u[t], 7) + __usad(u[t], 3, 2) + __funnelshift_l(u[t], 2, 3) + __vadd4(u[t], 3) +
            __activemask() + __ballot_sync(~0u, a[t]) + __any_sync(~0u, a[t]) + __all_sync(~0u, a[t]) + __match_any_sync(~0u, a[t]) +
            __shfl_sync(~0u, u[t], 3) + __shfl_up_sync(~0u, u[t], 3) + __shfl_xor_sync(~0u, (int)u[t], 3, 16) + __syncthreads_count(a[t]) +
            __syncthreads_and(a[t]) + __syncthreads_or(a[t]) + __ldg(&u[9]) + __ldcg(&u[10]) + (unsigned)clock64() + (unsigned)clock();
    l[t] += __brevll(l[t]) + __umul64hi(l[t], 9) + min(l[t], 4ull) + __shfl_down_sync(~0u, l[t], 2);
    __stcg(&u[5], 3u);
    __threadfence();
    __threadfence_block();
    __threadfence_system();
    __syncwarp();
    __nanosleep(20);
}
__global__ void atomics(int* i, unsigned* u, unsigned long long* l, float* f, double* d, unsigned short* h) {
    __shared__ int s;
    atomicAdd(&s, 1);
    atomicAdd(i, 1);
    atomicAdd(u, 1u);
    atomicAdd(l, 1ull);
    atomicAdd(f, 1.0f);
    atomicAdd(d, 1.0);
    atomicAdd_block(i, 1);
    atomicAdd_system(f, 1.0f);
    atomicSub(i, 2);
    atomicMin(u, 3u);
    atomicMax(l, 3ull);
    atomicMin(i, 3);
    atomicAnd(u, 1u);
    atomicOr(l, 1ull);
    atomicXor(i, 1);
    atomicExch(f, 2.0f);
    atomicInc(u, 5u);
    atomicDec(u, 5u);
    *i += atomicCAS(i, 1, 2) + atomicCAS(u, 1u, 2u) + (int)atomicCAS(l, 1ull, 2ull) + atomicCAS(h, (unsigned short)1, (unsigned short)2);
    assert(*i > 3);
}
struct Shape {
    __device__ virtual float area() const { return 0; }
    __device__ virtual ~Shape() {}
};
struct Square : Shape {
    float a = 2;
    __device__ float area() const override { return a * a; }
};
__global__ void memory(float** out, const char* from) {
    Shape* shape = new Square;
    float* p = static_cast<float*>(malloc(16));
    memcpy(p, from, 16);
    memset(p, 0, 4);
    p[0] = shape->area();
    out[threadIdx.x] = p;
    delete shape;
    if (p[0] < 0)
        __trap();
    const dim3 g = gridDim, b = blockDim;
    const uint3 t = threadIdx;
    p[1] = g.x + b.y + t.z + warpSize;
    extern __shared__ float4 dynamic[];
    dynamic[t.x] = make_float4(1, 2, 3, 4);
    __syncthreads();
    free(p);
}
template <class F> __global__ void apply(F f, int* out) {
    out[threadIdx.x] = f(threadIdx.x);
}
__global__ void __launch_bounds__(128, 2) bounded(int* __restrict__ out) {
    out[0] = 1;
}
int main() {
    int k = 3;
    apply<<<1, 32>>>([=] __device__(int i) { return i * k; }, nullptr);
    bounded<<<1, 1>>>(nullptr);
    return min(3, 4) + (int)rsqrtf(4.0f) > 100;
}
