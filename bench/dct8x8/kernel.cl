// Cosine transform of 8 x 8 blocks: a work-item per coefficient, 4 image blocks per work-group.
#define N 2048
#define SIDE 8
#define TOGETHER 4

__kernel __attribute__((reqd_work_group_size(SIDE, SIDE, TOGETHER))) void transform(__constant float* basis, __global const float* in,
                                                                                    __global float* out) {
    __local float pixels[TOGETHER][SIDE][SIDE + 1], half_done[TOGETHER][SIDE][SIDE + 1];
    int x = get_local_id(0), y = get_local_id(1), z = get_local_id(2);
    int at = (get_group_id(1) * SIDE + y) * N + (get_group_id(0) * TOGETHER + z) * SIDE + x;
    pixels[z][y][x] = in[at];
    barrier(CLK_LOCAL_MEM_FENCE);
    float sum = 0;
    for (int k = 0; k < SIDE; ++k) sum += pixels[z][y][k] * basis[x * SIDE + k];
    half_done[z][y][x] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    sum = 0;
    for (int k = 0; k < SIDE; ++k) sum += basis[y * SIDE + k] * half_done[z][k][x];
    out[at] = sum;
}
