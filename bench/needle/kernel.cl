// One diagonal of tiles of a Needleman-Wunsch alignment: 32 x 32 cells in local memory, a work-group of 32 each.
#define N 2048
#define TILE 32
#define STRIDE (N + 1)
#define PENALTY 3

__kernel __attribute__((reqd_work_group_size(TILE, 1, 1))) void align(__global const char* a, __global const char* b, __global int* score,
                                                                      int diagonal, int first) {
    __local int cell[TILE + 1][TILE + 1];
    __local char row[TILE], column[TILE];
    int t = get_local_id(0), tx = first + get_group_id(0), ty = diagonal - tx;
    __global int* corner = score + ty * TILE * STRIDE + tx * TILE;
    row[t] = a[ty * TILE + t], column[t] = b[tx * TILE + t];
    cell[t + 1][0] = corner[(t + 1) * STRIDE];
    cell[0][t + 1] = corner[t + 1];
    if (t == 0) cell[0][0] = corner[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int d = 0; d < 2 * TILE - 1; ++d) {
        int x = d - t, y = t;
        if (x >= 0 && x < TILE) {
            int match = cell[y][x] + (row[y] == column[x] ? 5 : -4);
            cell[y + 1][x + 1] = max(match, max(cell[y][x + 1], cell[y + 1][x]) - PENALTY);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int y = 0; y < TILE; ++y) corner[(y + 1) * STRIDE + t + 1] = cell[y + 1][t + 1];
}
