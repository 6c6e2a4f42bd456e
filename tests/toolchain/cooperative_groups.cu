// Cooperative groups: every kind of group, with its barrier, exchange, reduction and scan.
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>

namespace cg = cooperative_groups;

__device__ int sum_of(cg::thread_group g, int* scratch, int value) {
    const int lane = g.thread_rank();
    for (int i = g.size() / 2; i > 0; i /= 2) {
        scratch[lane] = value;
        g.sync();
        if (lane < i)
            value += scratch[lane + i];
        g.sync();
    }
    return value;
}
__global__ void groups(const int* in, int* out, double* d) {
    __shared__ int scratch[256];
    const cg::thread_block block = cg::this_thread_block();
    cg::memcpy_async(block, scratch, in, sizeof(scratch));
    cg::wait(block);
    const auto warp = cg::tiled_partition<32>(block);
    const auto tile = cg::tiled_partition<8>(warp);
    int v = cg::reduce(warp, in[block.thread_rank()], cg::plus<int>());
    d[block.thread_rank()] = cg::reduce(tile, d[block.thread_rank()], cg::greater<double>()) + cg::inclusive_scan(tile, 1.0);
    v += cg::exclusive_scan(tile, v, cg::plus<int>()) + tile.ballot(v > 3) + tile.meta_group_rank();
    if (v & 1) {
        const cg::coalesced_group some = cg::coalesced_threads();
        if (some.thread_rank() == 0)
            atomicAdd(out, (int)some.size());
        v += some.shfl(v, 0) + cg::reduce(some, v, cg::less<int>());
    }
    v += sum_of(block, scratch, v);
    v += sum_of(cg::tiled_partition(block, 16), scratch, v);
    const cg::grid_group grid = cg::this_grid();
    grid.sync();
    out[grid.thread_rank()] = v + cg::labeled_partition(warp, v & 3).size() + cg::binary_partition(warp, v > 0).size();
}
int main() {
    return 0;
}
