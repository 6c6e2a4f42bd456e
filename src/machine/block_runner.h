// One block of a suspending kernel: the scheduler over its warps.
//
// Each warp (at width 1: each lane) has a frame and the piece of the kernel that it goes on with. advance() runs all warps together
// as long as they do the same (KernelInfo::run_pieces). When they don't, it runs the warps that can run, in turn, until the block
// has ended, until everything that isn't waiting only spins on memory (then the worker should run another block), or until
// all warps wait for each other for ever. Warps that wait at a barrier are not polled: they sit in the barrier's list.
//
// Barriers, PTX ISA 9.7.13.1. Arrivals count by warp, as the ISA says ("the arrival count is incremented by the warp size, not by
// the number of active threads"): a warp of 32 counts as 32 whatever its active lanes; at smaller widths a part of a warp counts
// as its width, and parts that have ended count with the rest of their warp. A barrier for the whole block completes when every
// warp that hasn't ended has arrived.
#pragma once

#include "simt/kernel_abi.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace anywarp::machine {

enum class BlockProgress {
    finished,
    spinning, // some warps only yield: come back after running others
    deadlock  // all warps wait, none can be woken
};

class BlockRunner {
public:
    BlockRunner() = default;
    ~BlockRunner();
    BlockRunner(const BlockRunner&) = delete;
    BlockRunner& operator=(const BlockRunner&) = delete;

    /// The context of the next block; fill it in, then begin(). Memory of an earlier block is used again.
    BlockContext& context() { return context_; }
    void begin(const KernelInfo& info);
    BlockProgress advance();

    /// Counts every suspension that isn't a yield: tells whether the block has got anywhere.
    uint64_t events() const { return events_; }
    /// What the warps wait for, for the message about a deadlock.
    const char* waiting_for() const;
    size_t slot = 0; // the worker's: which shared memory buffer this block uses

private:
    static constexpr uint32_t none = ~0u;
    static constexpr unsigned barrier_count = 16;
    static constexpr unsigned spin_passes = 8; // rounds of nothing but yields before the worker gets control back

    struct Barrier {
        uint32_t arrived = 0;               // threads, counted as said above
        uint32_t warps = 0;                 // warps (frames) that have arrived, waiting or not
        uint32_t expected = 0;              // 0: the whole block
        uint32_t trues = 0;                 // bar.red: lanes whose predicate is true
        uint32_t contributions = 0;         // bar.red: lanes that take part
        uint32_t first = none, last = none; // waiting warps
    };
    enum class Status : uint8_t { ready, at_barrier, at_exchange, finished };

    void run(uint32_t warp);
    void begin_scheduling();
    bool together() const;
    bool settle(uint32_t warp);
    void push(uint32_t warp);
    uint32_t pop();
    void arrive(uint32_t warp, bool wait);
    bool complete(const Barrier& barrier) const;
    void release(Barrier& barrier);
    void on_exit(uint32_t warp);
    void arrive_exchange(uint32_t lane);
    void try_exchange(uint32_t hardware_warp);
    uint32_t ended_parts(uint32_t warp) const;

    BlockContext context_{};
    const KernelInfo* info_ = nullptr;
    uint32_t warps_ = 0, live_ = 0, per_warp_ = 1; // per_warp_: frames in one warp of 32
    uint8_t* frames_ = nullptr;
    size_t frame_stride_ = 0, frames_capacity_ = 0, frames_align_ = 0;
    std::vector<WarpState> states_;
    std::vector<Status> status_;
    std::vector<uint32_t> next_;  // in a barrier's list
    std::vector<uint32_t> queue_; // ring of the warps that can run
    uint32_t head_ = 0, queued_ = 0;
    std::vector<uint32_t> exchange_arrived_; // width 1: per warp of 32, lanes at a warp_sync
    std::vector<uint32_t> exited_;           // width 1: per warp of 32, lanes that have ended (or never existed)
    Barrier barriers_[barrier_count];
    bool barriers_used_ = true; // since they were last reset
    bool any_finished_ = false;
    bool fresh_ = false; // no warp has run yet
    uint64_t events_ = 0;
};

} // namespace anywarp::machine
