// Stands in for the machine: runs the blocks of a grid one after the other, barriers of all threads only.
#pragma once

#include "simt/kernel_abi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

namespace anywarp::jit {

inline void run_block(const KernelInfo& info, const BlockContext& context) {
    if (!info.suspends) {
        info.run_block(&context);
        return;
    }
    uint32_t warps = (context.threads + info.width - 1) / info.width;
    std::vector<WarpState> states(warps);
    std::unique_ptr<void, decltype(&std::free)> frames{std::aligned_alloc(info.frame_align, info.frame_bytes * warps), std::free};
    for (int round = 0; round < 1000; ++round) { // a warp at a time
        bool running = false;
        for (uint32_t w = 0; w < warps; ++w) {
            if (round && states[w].suspension == Suspension::finished) continue;
            running = true;
            info.run_pieces(&context, states.data(), frames.get(), states[w].piece, w, w + 1);
            if (states[w].suspension == Suspension::finished) continue;
            ASSERT_TRUE(states[w].suspension == Suspension::barrier || states[w].suspension == Suspension::block_barrier);
        }
        if (!running) return;
    }
    FAIL() << "the block doesn't end";
}

inline void run_grid(const KernelInfo& info, uint32_t blocks, uint32_t threads, const void* params) {
    alignas(128) static thread_local uint8_t shared[49152];
    for (uint32_t block = 0; block < blocks; ++block) {
        BlockContext context{};
        context.ctaid[0] = block;
        context.nctaid[0] = blocks;
        context.nctaid[1] = context.nctaid[2] = context.ntid[1] = context.ntid[2] = 1;
        context.ntid[0] = context.threads = threads;
        context.params = static_cast<const uint8_t*>(params);
        context.shared = shared;
        context.shared_size = sizeof shared;
        run_block(info, context);
    }
}

} // namespace anywarp::jit
