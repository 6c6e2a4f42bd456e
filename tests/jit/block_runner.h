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
    struct Warp {
        WarpState state{};
        std::unique_ptr<uint8_t, decltype(&std::free)> frame{nullptr, std::free};
    };
    std::vector<Warp> warps((context.threads + info.width - 1) / info.width);
    auto align = std::max<size_t>(info.frame_align, 64);
    size_t bytes = (info.frame_bytes() + align - 1) / align * align;
    for (uint32_t w = 0; w < warps.size(); ++w) {
        warps[w].frame.reset(static_cast<uint8_t*>(std::aligned_alloc(align, bytes)));
        info.start(&context, w, &warps[w].state, warps[w].frame.get());
    }
    for (int round = 0; round < 1000; ++round) {
        bool running = false;
        for (Warp& warp : warps) {
            if (warp.state.suspension == Suspension::finished) continue;
            ASSERT_EQ(warp.state.suspension, Suspension::barrier);
            running = true;
            info.resume(warp.frame.get());
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
