// Half precision and bfloat16 on both sides: operators, pairs, conversions, shuffles and atomics.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <class T, class T2> __device__ float use(T a, T b, T2* pairs) {
    T c = a + b * a - T(1.0f);
    c = __hfma(a, b, c);
    T2 p = __hfma2(pairs[0], pairs[1], pairs[2]);
    p += pairs[3];
    c += __shfl_xor_sync(0xffffffffu, c, 1);
    p = __hmax2(p, __shfl_down_sync(0xffffffffu, p, 2));
    atomicAdd(&pairs[4], p);
    if (c > a && !__hisnan(c))
        c = hexp(c);
    return (float)c + (float)p.x + __high2float(p);
}
__global__ void halves(const __half* a, __half2* p, float* out, half2* q) {
    out[threadIdx.x] = use(a[threadIdx.x], __ldg(a), p) + __half2float(__float2half(out[0])) + __half2int_rz(a[1]);
    q[threadIdx.x] = __floats2half2_rn(out[1], out[2]);
    const float2 f = __half22float2(q[3]);
    out[7] = f.x + f.y;
}
__global__ void bfloats(const __nv_bfloat16* a, __nv_bfloat162* p, float* out) {
    out[threadIdx.x] = use(a[threadIdx.x], a[0], p) + __bfloat162float(__float2bfloat16(out[0]));
}
int main() {
    const __half h = __float2half(1.5f), g = h * h;
    const __nv_bfloat16 b = 1.5f;
    return (float)g == 2.25f && (float)(b + b) == 3.0f ? 0 : 1;
}
