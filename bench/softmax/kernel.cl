// Softmax of rows of 1024 floats: a work-group of 256 per row; maximum and sum through local memory.
#define COLUMNS 1024
#define THREADS 256
#define EACH (COLUMNS / THREADS)

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void softmax(__global const float* in, __global float* out) {
    __local float partial[THREADS];
    int t = get_local_id(0);
    in += get_group_id(0) * COLUMNS, out += get_group_id(0) * COLUMNS;
    float value[EACH], largest = -INFINITY, sum = 0;
    for (int i = 0; i < EACH; ++i) {
        value[i] = in[i * THREADS + t];
        largest = fmax(largest, value[i]);
    }
    partial[t] = largest;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = THREADS / 2; step > 0; step /= 2) {
        if (t < step) partial[t] = fmax(partial[t], partial[t + step]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    largest = partial[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < EACH; ++i) {
        value[i] = native_exp(value[i] - largest);
        sum += value[i];
    }
    partial[t] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = THREADS / 2; step > 0; step /= 2) {
        if (t < step) partial[t] += partial[t + step];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    float scale = 1.0f / partial[0];
    for (int i = 0; i < EACH; ++i) out[i * THREADS + t] = value[i] * scale;
}
