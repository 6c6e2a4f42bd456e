// Transforms of 1024 complex points: a work-group of 256 each, five radix-4 Stockham steps through local memory.
#define POINTS 1024
#define THREADS (POINTS / 4)

static float2 times(float2 a, float2 b) { return (float2)(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void fft(__global const float2* in, __global float2* out,
                                                                       __global const float2* twiddles) {
    __local float2 data[POINTS];
    int t = get_local_id(0);
    in += get_group_id(0) * POINTS, out += get_group_id(0) * POINTS;
    float2 v[4];
    for (int r = 0; r < 4; ++r) v[r] = in[t + r * THREADS];
    for (int span = 1; span < POINTS; span *= 4) {
        int k = t % span;
        for (int r = 1; r < 4; ++r) v[r] = times(v[r], twiddles[r * k * (POINTS / 4 / span)]);
        float2 a = v[0] + v[2], b = v[0] - v[2], c = v[1] + v[3], d = v[1] - v[3];
        d = (float2)(d.y, -d.x);
        int to = (t - k) * 4 + k;
        if (span * 4 < POINTS) {
            data[to] = a + c, data[to + span] = b + d, data[to + 2 * span] = a - c, data[to + 3 * span] = b - d;
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int r = 0; r < 4; ++r) v[r] = data[t + r * THREADS];
            barrier(CLK_LOCAL_MEM_FENCE);
        } else {
            out[to] = a + c, out[to + span] = b + d, out[to + 2 * span] = a - c, out[to + 3 * span] = b - d;
        }
    }
}
