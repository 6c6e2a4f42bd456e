// Sorting groups of 1024 integers: bitonic network in local memory, 512 work-items a group.
#define SIZE 1024

__kernel __attribute__((reqd_work_group_size(SIZE / 2, 1, 1))) void sort(__global const int* in, __global int* out) {
    __local int keys[SIZE];
    int t = get_local_id(0), base = get_group_id(0) * SIZE;
    keys[t] = in[base + t], keys[t + SIZE / 2] = in[base + t + SIZE / 2];
    for (int length = 2; length <= SIZE; length *= 2)
        for (int step = length / 2; step > 0; step /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            int i = 2 * t - (t & (step - 1)), j = i + step;
            bool up = (i & length) == 0;
            int a = keys[i], b = keys[j];
            if ((a > b) == up) keys[i] = b, keys[j] = a;
        }
    barrier(CLK_LOCAL_MEM_FENCE);
    out[base + t] = keys[t], out[base + t + SIZE / 2] = keys[t + SIZE / 2];
}
