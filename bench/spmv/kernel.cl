// Sparse matrix times vector, CSR: 8 work-items per row, which add up in local memory (OpenCL 1.2 has no shuffles).
#define TEAM 8

__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void multiply(__global const int* offset, __global const int* column,
                                                                        __global const float* value, __global const float* x,
                                                                        __global float* y) {
    __local float part[256];
    int row = get_global_id(0) / TEAM, l = get_local_id(0), lane = l % TEAM;
    float sum = 0;
    for (int e = offset[row] + lane; e < offset[row + 1]; e += TEAM) sum += value[e] * x[column[e]];
    part[l] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane == 0) {
        for (int k = 1; k < TEAM; ++k) sum += part[l + k];
        y[row] = sum;
    }
}
