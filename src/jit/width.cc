// The choice of the warp width.
//
// CUDA fixes 32 only for kernels that can see it: those with shuffles of whole warps, votes and other such instructions. Everything else
// may run at the width that the vector registers like best: one register of f32, two where barriers cut the work into pieces and in
// small kernels, half as many lanes for doubles with barriers and for rows of 8. Lanes that may wait for each other (a spin
// lock taken inside a warp) need a schedule of their own: width 1. So do lanes that recurse, each to its own depth.
#include "jit/width.h"

#include "simt/simt.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace anywarp::jit {
namespace {

Result<unsigned> wished_width(const CompileOptions& options) {
    std::string text = std::to_string(options.width);
    if (const char* wish = std::getenv("ANYWARP_WIDTH"); wish && *wish) text = wish;
    for (unsigned width : {0u, 1u, 4u, 8u, 16u, 32u})
        if (text == std::to_string(width)) return width;
    return user_error(ErrorCode::invalid_value, "warp width " + text + ": expected 1, 4, 8, 16 or 32");
}

unsigned register_width(const Target& target) {
    if (target.isa == "avx512") return 16;
    if (target.isa == "avx2") return 8;
    return 4;
}

} // namespace

Result<unsigned> choose_width(const simt::KernelTraits& traits, const CompileOptions& options, const Target& target) {
    Result<unsigned> wish = wished_width(options);
    if (!wish) return wish;
    if (traits.needs_lane_scheduling || traits.has_recursion || *wish == 1) return 1u;
    // Shuffles within segments (the last argument of __shfl_down_sync) leave narrower warps: 8 threads that share a row of a matrix
    // read it side by side. (Sparse matrix times vector, 8 threads a row: 27 ms at 32 lanes, 5.4 at 8.)
    if (traits.exchanging_lanes > 16) return 32u;
    if (traits.exchanging_lanes) return std::max({traits.exchanging_lanes, *wish, std::min(8u, register_width(target))});
    if (*wish) return *wish;
    unsigned width = register_width(target);
    // Between barriers a warp runs alone: two registers' worth of lanes give the core two independent chains of work, and halve
    // the number of suspensions. (A tiled 1024 x 1024 matrix product took 2.3 times as long at one register's worth.)
    // Not where that would put two rows of a narrower block into one warp: neighbouring lanes then no longer read neighbouring
    // elements, and every load becomes a gather. (64 x 64 tiles by 16 x 16 threads: 14 GFLOP/s at 32, 23 at 16.) Nor where the
    // kernel itself cuts the block into such rows. Doubles fill two registers with as many lanes; blocks of sums held in registers
    // spill at more than one. (64 x 64 tiles of doubles, 4 x 4 a thread: 55 ms at 8 lanes, 72 at 16, 110 at 32.)
    if (traits.barriers && traits.mostly_f64)
        width /= 2;
    else if (traits.barriers && options.block_dim[0] % (2 * width) == 0 && (!traits.row || traits.row >= 2 * width))
        width *= 2;
    // A small kernel is often one chain of operations that wait for each other, or mostly addresses, once per warp: a second register's
    // worth of lanes fills the gaps, and halves the addresses. (Hashes 5.5 ms at 16 lanes, 3.9 at 32; Mandelbrot 19.9 and 17.0;
    // breadth-first search 17 and 12; box blur of bytes 2.4 and 1.7; Black-Scholes 4.2 and 3.3.)
    size_t small = target.isa == "avx512" && !traits.mostly_f64 ? 300 : 150; // as long as the registers suffice
    bool whole_rows = options.block_dim[0] && options.block_dim[0] % (2 * width) == 0 && (!traits.row || traits.row >= 2 * width);
    if (!traits.barriers && traits.instructions <= small && whole_rows)
        width *= 2;
    // A warp of two rows of 8 would gather, too. (8 x 8 cosine transforms by 8 x 8 x 4 threads: 21 ms at 8 lanes, 39 at 16.)
    if (options.block_dim[0] == 8 && width > 8) width = 8;
    uint64_t threads = uint64_t(options.block_dim[0]) * options.block_dim[1] * options.block_dim[2];
    if (threads == 1) return 1u;
    // A block that is one warp never waits at its barriers.
    if (traits.barriers && threads == options.block_dim[0] && threads <= 32) return std::max(4u, std::bit_ceil(unsigned(threads)));
    while (threads && width > 4 && threads <= width / 2) width /= 2;
    return width;
}

} // namespace anywarp::jit
