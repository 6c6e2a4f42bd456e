// [barrier] Needleman-Wunsch alignment of two sequences of 2048: tiles of 32 x 32 in shared memory, a launch per diagonal of tiles, a
// barrier per diagonal of cells inside a tile.
#include "../bench.h"

constexpr int n = 2048, tile = 32, tiles = n / tile, stride = n + 1, penalty = 3;

__global__ void align(const signed char* a, const signed char* b, int* score, int diagonal, int first) {
    __shared__ int cell[tile + 1][tile + 1];
    __shared__ signed char row[tile], column[tile];
    int t = threadIdx.x, tx = first + blockIdx.x, ty = diagonal - tx;
    int* corner = score + ty * tile * stride + tx * tile;
    row[t] = a[ty * tile + t], column[t] = b[tx * tile + t];
    cell[t + 1][0] = corner[(t + 1) * stride];
    cell[0][t + 1] = corner[t + 1];
    if (t == 0) cell[0][0] = corner[0];
    __syncthreads();
    for (int d = 0; d < 2 * tile - 1; ++d) {
        int x = d - t, y = t;
        if (x >= 0 && x < tile) {
            int match = cell[y][x] + (row[y] == column[x] ? 5 : -4);
            cell[y + 1][x + 1] = max(match, max(cell[y][x + 1], cell[y + 1][x]) - penalty);
        }
        __syncthreads();
    }
    for (int y = 0; y < tile; ++y) corner[(y + 1) * stride + t + 1] = cell[y + 1][t + 1];
}

int main() {
    std::vector<signed char> a(n), b(n);
    for (int i = 0; i < n; ++i) a[i] = (i * 2654435761u >> 13) % 4, b[i] = i % 5 ? a[i] : (i * 2246822519u >> 13) % 4;
    std::vector<int> score(stride * stride);
    for (int i = 0; i < stride; ++i) score[i] = score[i * stride] = -penalty * i;
    signed char *da, *db;
    int* device;
    size_t bytes = score.size() * sizeof(int);
    cudaMalloc(&da, n), cudaMalloc(&db, n), cudaMalloc(&device, bytes);
    cudaMemcpy(da, a.data(), n, cudaMemcpyHostToDevice), cudaMemcpy(db, b.data(), n, cudaMemcpyHostToDevice);
    cudaMemcpy(device, score.data(), bytes, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        for (int diagonal = 0; diagonal < 2 * tiles - 1; ++diagonal) {
            int first = std::max(0, diagonal - tiles + 1), last = std::min(diagonal, tiles - 1);
            align<<<last - first + 1, tile>>>(da, db, device, diagonal, first);
        }
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(score.data(), device, bytes, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < stride * stride; ++i) checksum += double(score[i]) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
