// One Jacobi step of the 5-point stencil: a work-item per point.
#define N 2048

__kernel __attribute__((reqd_work_group_size(32, 8, 1))) void jacobi(__global const float* in, __global float* out) {
    int x = get_global_id(0), y = get_global_id(1);
    if (x == 0 || y == 0 || x == N - 1 || y == N - 1) return;
    out[y * N + x] = 0.2f * (in[y * N + x] + in[y * N + x - 1] + in[y * N + x + 1] + in[(y - 1) * N + x] + in[(y + 1) * N + x]);
}
