// A grid in execution: blocks are handed out in order to whoever takes part.
//
// Straight kernels: chunks of blocks from one atomic counter. Suspending kernels: a participant keeps a block until it has
// ended; when all its resident blocks only spin it starts another one, so that blocks that wait for others (decoupled
// look-back, grid barriers) always get what they wait for, however few the workers are: blocks start in order, and in the end
// every block is resident somewhere. A cooperative launch is the same thing, without hesitation before the next block starts.
#pragma once

#include "machine/faults.h"
#include "machine/run_grid.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

namespace anywarp::machine {

class Grid {
public:
    Grid(const KernelInfo& info, const GridArguments& arguments, unsigned workers);

    /// Runs blocks until none are left to start and all that this thread has started are done. `worker` is %smid.
    void participate(unsigned worker);
    bool exhausted() const { return next_.load(std::memory_order_relaxed) >= total_; }
    uint64_t remaining() const;
    uint64_t total() const { return total_; }
    Result<void> result();

    // Used by the worker pool, under its lock.
    unsigned joined = 0;                // helpers at work
    unsigned wanted = 0;                // helpers at most
    unsigned worker_ids = 0;            // given out so far
    std::vector<unsigned> free_workers; // ids of helpers that have left
    std::atomic<unsigned> inside{0};    // helpers at work, as the one who waits for them sees it
    std::atomic<int> surplus{0};        // helpers that another grid has a right to: they leave between two blocks

    /// Called once by worker 0 when the grid turns out to be worth sharing.
    std::function<void()> share;

private:
    void run_straight(unsigned worker);
    void run_suspending(unsigned worker);
    void fill(BlockContext& context, unsigned worker, uint64_t* counters) const;
    void set_block(BlockContext& context, uint64_t block) const;
    void fail(const Fault& fault, const BlockContext* context);
    void fail(ErrorCode code, std::string message);
    uint32_t shared_bytes() const { return arguments_.static_shared + arguments_.dynamic_shared; }
    bool should_leave(unsigned worker); // a helper only
    bool failed() const { return failed_.load(std::memory_order_relaxed); }

    const KernelInfo& info_;
    const GridArguments& arguments_;
    unsigned workers_;
    uint64_t total_, chunk_, id_;
    uint32_t threads_;
    alignas(64) std::atomic<uint64_t> next_{0};
    alignas(64) std::atomic<bool> failed_{false};
    std::mutex mutex_; // error, counters
    Error error_;
    alignas(128) uint32_t barrier_workspace_[64] = {};
};

} // namespace anywarp::machine
