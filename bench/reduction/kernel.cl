// Sum of integers: a tree in local memory, 512 elements per work-group.
#define THREADS 256

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void reduce(__global const int* in, __global int* out) {
    __local int sums[THREADS];
    int t = get_local_id(0), i = get_group_id(0) * THREADS * 2 + t;
    sums[t] = in[i] + in[i + THREADS];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = THREADS / 2; step > 0; step /= 2) {
        if (t < step) sums[t] += sums[t + step];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (t == 0) out[get_group_id(0)] = sums[0];
}
