// Sparse matrix times vector, CSR: a work-item per row.
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void multiply(__global const int* offset, __global const int* column,
                                                                        __global const float* value, __global const float* x,
                                                                        __global float* y, int rows) {
    int row = get_global_id(0);
    if (row >= rows) return;
    float sum = 0;
    for (int e = offset[row]; e < offset[row + 1]; ++e) sum += value[e] * x[column[e]];
    y[row] = sum;
}
