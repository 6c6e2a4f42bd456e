// Mean of sqrt(x*x + y*y): 512 samples per work-item, doubles from 64-bit xorshift generators; a sum per work-group.
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define SAMPLES 512
#define THREADS 256

static double next(ulong* state) {
    ulong s = *state;
    s ^= s >> 12, s ^= s << 25, s ^= s >> 27;
    *state = s;
    return (double)((s * 0x2545f4914f6cdd1dUL) >> 11) * 0x1p-53;
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void integrate(__global double* sums) {
    __local double partial[THREADS];
    int t = get_local_id(0);
    ulong state = (ulong)(get_global_id(0) + 1) * 0x9e3779b97f4a7c15UL;
    double sum = 0;
    for (int i = 0; i < SAMPLES; ++i) {
        double x = next(&state), y = next(&state);
        sum += sqrt(x * x + y * y);
    }
    partial[t] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = THREADS / 2; step > 0; step /= 2) {
        if (t < step) partial[t] += partial[t + step];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (t == 0) sums[get_group_id(0)] = partial[0];
}
