// Heat on a chip: tiles of 16 x 16 in local memory make two steps before they write.
#define N 1024
#define TILE 16
#define PYRAMID 2
#define INNER (TILE - 2 * PYRAMID)

__kernel __attribute__((reqd_work_group_size(TILE, TILE, 1))) void advance(__global const float* power, __global const float* from,
                                                                           __global float* to) {
    __local float now[TILE][TILE];
    int tx = get_local_id(0), ty = get_local_id(1);
    int x = (int)get_group_id(0) * INNER - PYRAMID + tx, y = (int)get_group_id(1) * INNER - PYRAMID + ty;
    bool valid = x >= 0 && x < N && y >= 0 && y < N;
    int index = y * N + x;
    float heat = 0, value = 0;
    if (valid) now[ty][tx] = value = from[index], heat = power[index];
    barrier(CLK_LOCAL_MEM_FENCE);
    int west = x <= 0 ? tx : tx - 1, east = x >= N - 1 ? tx : tx + 1, north = y <= 0 ? ty : ty - 1, south = y >= N - 1 ? ty : ty + 1;
    for (int step = 1; step <= PYRAMID; ++step) {
        bool inside = valid && tx >= step && tx < TILE - step && ty >= step && ty < TILE - step;
        if (inside)
            value += 0.1f * (now[north][tx] + now[south][tx] - 2 * value) + 0.1f * (now[ty][west] + now[ty][east] - 2 * value) +
                     0.01f * (80.0f - value) + heat;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (inside) now[ty][tx] = value;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (valid && tx >= PYRAMID && tx < TILE - PYRAMID && ty >= PYRAMID && ty < TILE - PYRAMID) to[index] = value;
}
