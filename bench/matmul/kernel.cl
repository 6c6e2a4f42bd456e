// C = A B, 1024 x 1024 floats: 32 x 32 tiles in local memory.
#define N 1024
#define TILE 32

__kernel __attribute__((reqd_work_group_size(TILE, TILE, 1))) void multiply(__global const float* a, __global const float* b,
                                                                            __global float* c) {
    __local float tile_a[TILE][TILE], tile_b[TILE][TILE];
    int x = get_local_id(0), y = get_local_id(1), column = get_group_id(0) * TILE + x, row = get_group_id(1) * TILE + y;
    float sum = 0;
    for (int t = 0; t < N / TILE; ++t) {
        tile_a[y][x] = a[row * N + t * TILE + x];
        tile_b[y][x] = b[(t * TILE + y) * N + column];
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < TILE; ++k) sum += tile_a[y][k] * tile_b[k][x];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    c[row * N + column] = sum;
}
