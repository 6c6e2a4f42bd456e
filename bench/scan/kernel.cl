// Inclusive prefix sum: work-groups of 1024 scan in local memory, one work-group scans their sums, all add.
#define THREADS 1024

static uint group_scan(uint value, __local uint* data) {
    int t = get_local_id(0);
    data[t] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = 1; offset < THREADS; offset *= 2) {
        uint other = t >= offset ? data[t - offset] : 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        data[t] = value += other;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return value;
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void scan_blocks(__global const uint* in, __global uint* out, __global uint* sums) {
    __local uint data[THREADS];
    int i = get_global_id(0);
    uint value = group_scan(in[i], data);
    out[i] = value;
    if (get_local_id(0) == THREADS - 1) sums[get_group_id(0)] = value;
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void scan_sums(__global uint* sums, int each) {
    __local uint data[THREADS];
    int t = get_local_id(0);
    uint total = 0;
    for (int k = 0; k < each; ++k) total += sums[t * each + k];
    uint before = group_scan(total, data) - total;
    for (int k = 0; k < each; ++k) sums[t * each + k] = before += sums[t * each + k];
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void add_sums(__global uint* out, __global const uint* sums) {
    if (get_group_id(0) > 0) out[get_global_id(0)] += sums[get_group_id(0) - 1];
}
