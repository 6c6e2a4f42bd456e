// A small program, for measuring start and memory of a whole process: adds two vectors and checks the sum.
#include <cstdio>
#include <vector>

__global__ void add(const float* a, const float* b, float* c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}

int main() {
    constexpr int n = 1000;
    std::vector<float> a(n, 1), b(n, 2), c(n);
    float *da, *db, *dc;
    cudaMalloc(&da, n * 4), cudaMalloc(&db, n * 4), cudaMalloc(&dc, n * 4);
    cudaMemcpy(da, a.data(), n * 4, cudaMemcpyHostToDevice), cudaMemcpy(db, b.data(), n * 4, cudaMemcpyHostToDevice);
    add<<<(n + 255) / 256, 256>>>(da, db, dc, n);
    cudaMemcpy(c.data(), dc, n * 4, cudaMemcpyDeviceToHost);
    for (float v : c)
        if (v != 3) return std::puts("wrong"), 1;
    return 0;
}
