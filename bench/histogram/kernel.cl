// Histogram of bytes: a table of counters per work-group in local memory.
#define BLOCKS 256
#define THREADS 256

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void histogram(__global const uint* words, __global uint* counts, int n) {
    __local uint own[256];
    int l = get_local_id(0);
    own[l] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = get_global_id(0); i < n / 4; i += BLOCKS * THREADS) {
        uint word = words[i];
        atomic_add(&own[word & 255], 1), atomic_add(&own[word >> 8 & 255], 1);
        atomic_add(&own[word >> 16 & 255], 1), atomic_add(&own[word >> 24], 1);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    atomic_add(&counts[l], own[l]);
}
