// Cholesky factors of 48 x 48 matrices: a work-group of 64 per matrix in local memory, a work-item per column.
#define SIDE 48
#define THREADS 64

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void factor(__global const float* in, __global float* out) {
    __local float a[SIDE][SIDE + 1];
    int t = get_local_id(0);
    in += get_group_id(0) * SIDE * SIDE, out += get_group_id(0) * SIDE * SIDE;
    if (t < SIDE)
        for (int i = 0; i < SIDE; ++i) a[i][t] = in[i * SIDE + t];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k = 0; k < SIDE; ++k) {
        if (t > k && t < SIDE) a[t][k] *= rsqrt(a[k][k]);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (t == k) a[k][k] = sqrt(a[k][k]);
        if (t > k && t < SIDE) {
            float mine = a[t][k];
            for (int i = k + 1; i < SIDE; ++i) a[i][t] -= a[i][k] * mine;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (t < SIDE)
        for (int i = 0; i < SIDE; ++i) out[i * SIDE + t] = t <= i ? a[i][t] : 0.0f;
}
