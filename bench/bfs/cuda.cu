// [irregular] Breadth-first search over a graph of 2^18 vertices and 6 edges each (a ring with long jumps), level by level: a thread
// per vertex of the frontier, compare-and-swap on its neighbours' levels, a launch and a copy of the frontier's size per level.
#include "../bench.h"

#include <numeric>

constexpr int vertices = 1 << 18, degree = 6;

__global__ void expand(const int* offset, const int* edge, int* level, const int* frontier, int size, int* next, int* next_size, int depth) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    int vertex = frontier[i];
    for (int e = offset[vertex]; e < offset[vertex + 1]; ++e)
        if (level[edge[e]] < 0 && atomicCAS(&level[edge[e]], -1, depth) == -1) next[atomicAdd(next_size, 1)] = edge[e];
}

int main() {
    std::vector<int> offset(vertices + 1), edge(vertices * degree), level(vertices);
    for (int v = 0; v < vertices; ++v) {
        offset[v + 1] = (v + 1) * degree;
        for (int k = 0; k < degree; ++k) {
            unsigned h = (v * degree + k) * 2654435761u;
            edge[v * degree + k] = k < 5 ? (v + int(h >> 16) % 4096 - 2048) & (vertices - 1) : (v + 1) & (vertices - 1);
        }
    }
    int *doffset, *dedge, *dlevel, *frontier, *next, *next_size;
    cudaMalloc(&doffset, offset.size() * 4), cudaMalloc(&dedge, edge.size() * 4), cudaMalloc(&dlevel, vertices * 4);
    cudaMalloc(&frontier, vertices * 4), cudaMalloc(&next, vertices * 4), cudaMalloc(&next_size, 4);
    cudaMemcpy(doffset, offset.data(), offset.size() * 4, cudaMemcpyHostToDevice);
    cudaMemcpy(dedge, edge.data(), edge.size() * 4, cudaMemcpyHostToDevice);
    double seconds = bench::median_seconds([&] {
        cudaMemset(dlevel, 0xff, vertices * 4);
        cudaMemset(dlevel, 0, 4), cudaMemset(frontier, 0, 4); // vertex 0, level 0
        for (int size = 1, depth = 1; size > 0; ++depth) {
            cudaMemset(next_size, 0, 4);
            expand<<<(size + 255) / 256, 256>>>(doffset, dedge, dlevel, frontier, size, next, next_size, depth);
            if (cudaMemcpy(&size, next_size, 4, cudaMemcpyDeviceToHost) != cudaSuccess) std::exit(1);
            std::swap(frontier, next);
        }
    });
    cudaMemcpy(level.data(), dlevel, vertices * 4, cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int v = 0; v < vertices; ++v) checksum += double(level[v]) * (v % 1009);
    bench::report(seconds, double(edge.size()), checksum);
}
