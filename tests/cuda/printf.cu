// Device printf: every kind of argument, in the order of one thread, complete at a synchronisation; the output is compared.
#include "check.h"

__global__ void formats(float f) {
    printf("%d %5d|%-5d|%05d %+d\n", 1, -2, 3, 4, 5);
    printf("%u %x %X %#o %c %s %%\n", 4000000000u, 255, 255, 8, 'z', "text");
    printf("%lld %llu %ld %hd\n", -5000000000ll, 18000000000000000000ull, -7l, short(9));
    printf("%f %.3f %10.2e %g %g\n", f, f * 2, 12345.678, 0.0001, double(f));
    printf("no arguments\n");
    printf("%*d|%.*f|%s\n", 6, 42, 2, 3.14159, f > 1 ? "yes" : "no");
}
__global__ void guarded() {
    __shared__ int count;
    if (threadIdx.x == 0) count = 0;
    __syncthreads();
    if (threadIdx.x % 40 == 7) printf("thread %d of block %d\n", threadIdx.x, blockIdx.x), atomicAdd(&count, 1);
    __syncthreads();
    if (threadIdx.x == 0) printf("%d threads\n", count);
}

int main() {
    formats<<<1, 1>>>(1.5f);
    CHECK(cudaDeviceSynchronize());
    guarded<<<1, 128>>>();
    CHECK(cudaDeviceSynchronize());
    return summary();
}
