// The other file of separate_main.cu.

__device__ int calls;
static __device__ int itself(int x) { return x; }
__device__ __noinline__ int twice(int x) { return itself(x) * 2; }
__global__ void unused(int* out) { *out = twice(21); }

int calls_on_device() {
    int value = -1;
    cudaMemcpyFromSymbol(&value, calls, sizeof value);
    return value;
}
