// Transpose of 4096 x 4096 floats through tiles in local memory.
#define N 4096
#define TILE 32
#define ROWS 8

__kernel __attribute__((reqd_work_group_size(TILE, ROWS, 1))) void transpose(__global const float* in, __global float* out) {
    __local float buffer[TILE][TILE + 1];
    int lx = get_local_id(0), ly = get_local_id(1);
    int x = get_group_id(0) * TILE + lx, y = get_group_id(1) * TILE + ly;
    for (int j = 0; j < TILE; j += ROWS) buffer[ly + j][lx] = in[(y + j) * N + x];
    barrier(CLK_LOCAL_MEM_FENCE);
    x = get_group_id(1) * TILE + lx, y = get_group_id(0) * TILE + ly;
    for (int j = 0; j < TILE; j += ROWS) out[(y + j) * N + x] = buffer[lx][ly + j];
}
