// C = A B, doubles: work-groups of 256 make 64 x 64 of C, each work-item 4 x 4, from strips of 16 in local memory.
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define N 768
#define TILE 64
#define DEPTH 16
#define EACH 4

__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void multiply(__global const double* a, __global const double* b, __global double* c) {
    __local double strip_a[DEPTH][TILE], strip_b[DEPTH][TILE];
    int t = get_local_id(0), tx = t % 16, ty = t / 16, row = get_group_id(1) * TILE, column = get_group_id(0) * TILE;
    double sum[EACH][EACH] = {{0}};
    for (int k0 = 0; k0 < N; k0 += DEPTH) {
        for (int i = t; i < TILE * DEPTH; i += 256) {
            strip_a[i % DEPTH][i / DEPTH] = a[(row + i / DEPTH) * N + k0 + i % DEPTH];
            strip_b[i / TILE][i % TILE] = b[(k0 + i / TILE) * N + column + i % TILE];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < DEPTH; ++k) {
            double x[EACH], y[EACH];
            for (int i = 0; i < EACH; ++i) x[i] = strip_a[k][ty * EACH + i], y[i] = strip_b[k][tx + i * 16];
            for (int i = 0; i < EACH; ++i)
                for (int j = 0; j < EACH; ++j) sum[i][j] = fma(x[i], y[j], sum[i][j]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < EACH; ++i)
        for (int j = 0; j < EACH; ++j) c[(row + ty * EACH + i) * N + column + tx + j * 16] = sum[i][j];
}
