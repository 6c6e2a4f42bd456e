// y = a x + y: a work-item per element.
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void saxpy(float a, __global const float* x, __global float* y, int count) {
    int i = get_global_id(0);
    if (i < count) y[i] = a * x[i] + y[i];
}
