// Histogram of bytes, 256 bins: each work-group counts with atomics in local memory, then adds its bins to the result.
#define WORDS (1 << 23)
#define BINS 256

__kernel __attribute__((reqd_work_group_size(BINS, 1, 1))) void histogram(__global const uint* in, __global uint* counts) {
    __local uint local_counts[BINS];
    int t = get_local_id(0);
    local_counts[t] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = get_global_id(0); i < WORDS; i += get_global_size(0)) {
        uint four = in[i];
        atomic_inc(&local_counts[four & 255]), atomic_inc(&local_counts[four >> 8 & 255]);
        atomic_inc(&local_counts[four >> 16 & 255]), atomic_inc(&local_counts[four >> 24]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    atomic_add(&counts[t], local_counts[t]);
}
