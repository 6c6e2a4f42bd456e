// Accelerations of 16384 bodies, all pairs: tiles of 256 bodies in local memory.
#define N 16384
#define TILE 256

__kernel __attribute__((reqd_work_group_size(TILE, 1, 1))) void accelerate(__global const float4* body, __global float4* acceleration) {
    __local float4 shared[TILE];
    int i = get_global_id(0);
    float4 me = body[i];
    float ax = 0, ay = 0, az = 0;
    for (int t = 0; t < N; t += TILE) {
        shared[get_local_id(0)] = body[t + get_local_id(0)];
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll 8
        for (int j = 0; j < TILE; ++j) {
            float4 other = shared[j];
            float dx = other.x - me.x, dy = other.y - me.y, dz = other.z - me.z;
            float inverse = rsqrt(dx * dx + dy * dy + dz * dz + 1e-3f);
            float scale = other.w * inverse * inverse * inverse;
            ax += dx * scale, ay += dy * scale, az += dz * scale;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    acceleration[i] = (float4)(ax, ay, az, 0);
}
