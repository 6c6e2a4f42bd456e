// [irregular] Breadth-first search over a graph of 2^18 vertices and 6 edges each: host side of kernel.cl.
#include "../opencl.h"

#include <utility>

constexpr int vertices = 1 << 18, degree = 6;

int main() {
    bench::OpenCl cl;
    std::vector<int> offset(vertices + 1), edge(vertices * degree), level(vertices);
    for (int v = 0; v < vertices; ++v) {
        offset[v + 1] = (v + 1) * degree;
        for (int k = 0; k < degree; ++k) {
            unsigned h = (v * degree + k) * 2654435761u;
            edge[v * degree + k] = k < 5 ? (v + int(h >> 16) % 4096 - 2048) & (vertices - 1) : (v + 1) & (vertices - 1);
        }
    }
    cl_mem doffset = cl.buffer(offset), dedge = cl.buffer(edge), dlevel = cl.buffer(level);
    cl_mem frontier = cl.buffer(vertices * 4), next = cl.buffer(vertices * 4), next_size = cl.buffer(4);
    cl_kernel expand = cl.kernel("expand");
    double seconds = bench::median_seconds([&] {
        cl.fill(dlevel, -1, vertices * 4);
        cl.fill(dlevel, 0, 4), cl.fill(frontier, 0, 4); // vertex 0, level 0
        for (int size = 1, depth = 1; size > 0; ++depth) {
            cl.fill(next_size, 0, 4);
            cl.launch(expand, {size_t(size + 255) / 256}, {256}, doffset, dedge, dlevel, frontier, size, next, next_size, depth);
            cl.read(next_size, &size, 4);
            std::swap(frontier, next);
        }
    });
    cl.read(dlevel, level);
    double checksum = 0;
    for (int v = 0; v < vertices; ++v) checksum += double(level[v]) * (v % 1009);
    bench::report(seconds, double(edge.size()), checksum);
}
