// Device code that separate_main.cu calls: compiled on its own and linked (-rdc=true).
__device__ int table[4] = {10, 11, 12, 13};
__device__ int twice(int x) { return 2 * x; }
