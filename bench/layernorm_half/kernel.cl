// Layer normalisation of rows of 1024 half-precision numbers, sums in float: a work-group of 128 per row.
#define COLUMNS 1024
#define THREADS 128
#define PAIRS (COLUMNS / 2 / THREADS)

static float group_sum(float value, __local float* partial) {
    int t = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    partial[t] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = THREADS / 2; step > 0; step /= 2) {
        if (t < step) partial[t] += partial[t + step];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return partial[0];
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void normalise(__global const half* in, __global const half* gamma,
                                                                             __global const half* beta, __global half* out) {
    __local float partial[THREADS];
    int t = get_local_id(0);
    in += get_group_id(0) * COLUMNS, out += get_group_id(0) * COLUMNS;
    float2 value[PAIRS];
    float sum = 0, square = 0;
    for (int i = 0; i < PAIRS; ++i) {
        value[i] = vload_half2(i * THREADS + t, in);
        sum += value[i].x + value[i].y;
    }
    float mean = group_sum(sum, partial) / COLUMNS;
    for (int i = 0; i < PAIRS; ++i) {
        value[i] -= mean;
        square += dot(value[i], value[i]);
    }
    float scale = rsqrt(group_sum(square, partial) / COLUMNS + 1e-5f);
    for (int i = 0; i < PAIRS; ++i)
        vstore_half2(value[i] * scale * vload_half2(i * THREADS + t, gamma) + vload_half2(i * THREADS + t, beta), i * THREADS + t, out);
}
