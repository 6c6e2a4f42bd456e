// [irregular] Breadth-first search over a graph of 2^18 vertices and 6 edges each (a ring with long jumps), level by level: a queue
// per thread, copied into the next frontier at one reserved place; one parallel region for all levels.
#include "../bench.h"

#include <cstring>
#include <numeric>
#include <omp.h>

constexpr int vertices = 1 << 18, degree = 6;

int main() {
    std::vector<int> offset(vertices + 1), edge(vertices * degree), level(vertices), frontier(vertices), next(vertices);
    for (int v = 0; v < vertices; ++v) {
        offset[v + 1] = (v + 1) * degree;
        for (int k = 0; k < degree; ++k) {
            unsigned h = (v * degree + k) * 2654435761u;
            edge[v * degree + k] = k < 5 ? (v + int(h >> 16) % 4096 - 2048) & (vertices - 1) : (v + 1) & (vertices - 1);
        }
    }
    double seconds = bench::median_seconds([&] {
        std::memset(level.data(), 0xff, vertices * 4);
        level[0] = 0, frontier[0] = 0;
        int size = 1, next_size = 0;
#pragma omp parallel
        {
            std::vector<int> own(vertices);
            int* now = frontier.data();
            int* then = next.data();
            for (int depth = 1; size > 0; ++depth) {
                int found = 0;
#pragma omp for schedule(static) nowait
                for (int i = 0; i < size; ++i) {
                    int vertex = now[i];
                    for (int e = offset[vertex]; e < offset[vertex + 1]; ++e) {
                        int other = edge[e], unseen = -1;
                        if (__atomic_load_n(&level[other], __ATOMIC_RELAXED) < 0 &&
                            __atomic_compare_exchange_n(&level[other], &unseen, depth, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                            own[found++] = other;
                    }
                }
                int begin = __atomic_fetch_add(&next_size, found, __ATOMIC_RELAXED);
                std::memcpy(then + begin, own.data(), found * sizeof(int));
#pragma omp barrier
#pragma omp single
                size = next_size, next_size = 0;
                std::swap(now, then);
            }
        }
    });
    double checksum = 0;
    for (int v = 0; v < vertices; ++v) checksum += double(level[v]) * (v % 1009);
    bench::report(seconds, double(edge.size()), checksum);
}
