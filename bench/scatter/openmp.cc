// [atomic] Charge of 2^20 particles onto a mesh of 256 x 256 cells, bilinear: a mesh per thread, added up at the end; weights of 64
// particles at a time in vectors.
#include "../bench.h"

#include <cstring>
#include <omp.h>

constexpr int particles = 1 << 20, mesh = 256, together = 64;

struct Position {
    float x, y;
};

int main() {
    std::vector<Position> position(particles);
    for (int i = 0; i < particles; ++i)
        position[i] = {(i * 2654435761u >> 8) * (254.0f / (1 << 24)), (i * 2246822519u >> 8) * (254.0f / (1 << 24))};
    std::vector<float> cells(mesh * mesh), copies(size_t(omp_get_max_threads()) * mesh * mesh);
    double seconds = bench::median_seconds([&] {
#pragma omp parallel
        {
            float* __restrict own = &copies[size_t(omp_get_thread_num()) * mesh * mesh];
            std::memset(own, 0, mesh * mesh * sizeof(float));
#pragma omp for
            for (int first = 0; first < particles; first += together) {
                int cell[together];
                float weight[4][together];
#pragma omp simd
                for (int l = 0; l < together; ++l) {
                    Position p = position[first + l];
                    int x = int(p.x), y = int(p.y);
                    float fx = p.x - x, fy = p.y - y;
                    cell[l] = y * mesh + x;
                    weight[0][l] = (1 - fx) * (1 - fy), weight[1][l] = fx * (1 - fy);
                    weight[2][l] = (1 - fx) * fy, weight[3][l] = fx * fy;
                }
                for (int l = 0; l < together; ++l) {
                    float* __restrict to = own + cell[l];
                    to[0] += weight[0][l], to[1] += weight[1][l], to[mesh] += weight[2][l], to[mesh + 1] += weight[3][l];
                }
            }
            int threads = omp_get_num_threads();
#pragma omp for
            for (int y = 0; y < mesh; ++y) {
                float sum[mesh] = {};
                for (int t = 0; t < threads; ++t)
                    for (int x = 0; x < mesh; ++x) sum[x] += copies[(size_t(t) * mesh + y) * mesh + x];
                std::memcpy(&cells[y * mesh], sum, sizeof sum);
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < mesh * mesh; ++i) checksum += double(cells[i]) * (i % 1009);
    bench::report(seconds, double(particles), checksum);
}
