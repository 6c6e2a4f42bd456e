// See block_runner.h.
#include "machine/block_runner.h"

#include "machine/warp_exchange.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace anywarp::machine {

BlockRunner::~BlockRunner() { std::free(frames_); }

void BlockRunner::begin(const KernelInfo& info) {
    info_ = &info;
    uint32_t threads = context_.threads;
    warps_ = (threads + info.width - 1) / info.width;
    per_warp_ = 32 / info.width;
    live_ = warps_;
    size_t align = std::max<size_t>(64, info.frame_align);
    frame_stride_ = info.frame_bytes;
    size_t needed = frame_stride_ * warps_;
    if (needed > frames_capacity_ || align > frames_align_) {
        std::free(frames_);
        frames_ = static_cast<uint8_t*>(std::aligned_alloc(align, (needed + align - 1) / align * align));
        if (!frames_) throw std::bad_alloc();
        frames_capacity_ = needed;
        frames_align_ = align;
    }
    context_.frames_low = frames_;
    context_.frames_high = frames_ + needed;
    if (states_.size() < warps_) {
        states_.resize(warps_);
        status_.resize(warps_);
        next_.resize(warps_);
        queue_.resize(warps_);
    }
    fresh_ = true;
}

// What the scheduler needs once warps go different ways: until then none of it is touched.
void BlockRunner::begin_scheduling() {
    status_.assign(warps_, Status::ready);
    head_ = queued_ = 0;
    if (barriers_used_)
        for (Barrier& barrier : barriers_) barrier = {};
    barriers_used_ = false;
    if (info_->width == 1) {
        uint32_t groups = (context_.threads + 31) / 32;
        exchange_arrived_.assign(groups, 0);
        exited_.assign(groups, 0);
        if (context_.threads % 32) exited_.back() = ~0u << context_.threads % 32;
    }
    any_finished_ = false;
}

void BlockRunner::push(uint32_t warp) {
    uint32_t at = head_ + queued_++;
    if (at >= warps_) at -= warps_;
    queue_[at] = warp;
}

uint32_t BlockRunner::pop() {
    uint32_t warp = queue_[head_];
    if (++head_ == warps_) head_ = 0;
    queued_--;
    return warp;
}

void BlockRunner::run(uint32_t warp) {
    info_->run_pieces(&context_, states_.data(), frames_, states_[warp].piece, warp, warp + 1);
}

// Does every warp go on with the same piece?
bool BlockRunner::together() const {
    if (queued_ != warps_) return false;
    for (uint32_t warp = 1; warp < warps_; ++warp)
        if (states_[warp].piece != states_[0].piece) return false;
    return true;
}

// Looks at why a warp has stopped. True: it spins.
bool BlockRunner::settle(uint32_t warp) {
    WarpState& state = states_[warp];
    for (; state.suspension == Suspension::arrive; run(warp)) arrive(warp, false);
    if (state.suspension == Suspension::yield) {
        push(warp);
        return true;
    }
    events_++;
    switch (state.suspension) {
    case Suspension::finished:
        on_exit(warp);
        break;
    case Suspension::block_barrier:
        state.barrier_id = state.barrier_threads = 0;
        state.reduce = BarrierReduce::none;
        state.value = state.contribution = 0;
        arrive(warp, true);
        break;
    case Suspension::barrier:
        arrive(warp, true);
        break;
    default:
        arrive_exchange(warp);
        break;
    }
    return false;
}

BlockProgress BlockRunner::advance() {
    uint32_t yields = 0; // since the last suspension of another kind
    while (fresh_ || queued_) {
        if (fresh_ || (yields == 0 && together())) {
            uint32_t piece = fresh_ ? 0 : states_[0].piece;
            if (info_->run_pieces(&context_, states_.data(), frames_, piece, 0, warps_) == pieces_finished) {
                events_++;
                fresh_ = false;
                live_ = queued_ = 0;
                return BlockProgress::finished;
            }
            if (fresh_) begin_scheduling();
            fresh_ = false;
            head_ = queued_ = 0;
            for (uint32_t warp = 0; warp < warps_; ++warp) yields = settle(warp) ? yields + 1 : 0;
        } else {
            uint32_t warp = pop();
            run(warp);
            yields = settle(warp) ? yields + 1 : 0;
        }
        if (yields && yields >= queued_ * spin_passes) return BlockProgress::spinning;
    }
    return live_ == 0 ? BlockProgress::finished : BlockProgress::deadlock;
}

// Threads that the ended parts of this frame's warp of 32 stand for.
uint32_t BlockRunner::ended_parts(uint32_t warp) const {
    uint32_t first = warp / per_warp_ * per_warp_, ended = 0;
    for (uint32_t i = first; i < first + per_warp_; i++)
        if (i >= warps_ || status_[i] == Status::finished) ended += info_->width;
    return ended;
}

bool BlockRunner::complete(const Barrier& barrier) const {
    if (barrier.warps == 0) return false;
    if (barrier.expected == 0) return barrier.warps >= live_;
    uint32_t arrived = barrier.arrived;
    // Ended parts count with those of their warp that wait here. (Parts that arrived without waiting have had their share
    // when they arrived.)
    if ((any_finished_ || warps_ % per_warp_) && arrived < barrier.expected) {
        uint32_t last_group = none;
        for (uint32_t warp = barrier.first; warp != none; warp = next_[warp]) {
            if (warp / per_warp_ == last_group) continue;
            last_group = warp / per_warp_;
            arrived += ended_parts(warp);
        }
    }
    return arrived >= barrier.expected;
}

void BlockRunner::arrive(uint32_t warp, bool wait) {
    WarpState& state = states_[warp];
    Barrier& barrier = barriers_[state.barrier_id % barrier_count];
    barriers_used_ = true;
    barrier.arrived += info_->width;
    barrier.warps++;
    barrier.trues += state.value;
    barrier.contributions += state.contribution;
    if (state.barrier_threads) barrier.expected = state.barrier_threads;
    if (wait) {
        status_[warp] = Status::at_barrier;
        next_[warp] = none;
        if (barrier.last == none)
            barrier.first = warp;
        else
            next_[barrier.last] = warp;
        barrier.last = warp;
    }
    if (complete(barrier)) release(barrier);
}

void BlockRunner::release(Barrier& barrier) {
    for (uint32_t warp = barrier.first; warp != none; warp = next_[warp]) {
        WarpState& state = states_[warp];
        switch (state.reduce) {
        case BarrierReduce::and_:
            state.result = barrier.trues >= barrier.contributions;
            break;
        case BarrierReduce::or_:
            state.result = barrier.trues != 0;
            break;
        default:
            state.result = barrier.trues;
        }
        status_[warp] = Status::ready;
        push(warp);
    }
    barrier = {};
    events_++;
}

void BlockRunner::on_exit(uint32_t warp) {
    status_[warp] = Status::finished;
    live_--;
    any_finished_ = true;
    if (barriers_used_)
        for (Barrier& barrier : barriers_)
            if (barrier.first != none && complete(barrier)) release(barrier);
    if (info_->width == 1) {
        exited_[warp / 32] |= 1u << warp % 32;
        if (exchange_arrived_[warp / 32]) try_exchange(warp / 32);
    }
}

void BlockRunner::arrive_exchange(uint32_t lane) {
    if (info_->width != 1) { // a wider warp exchanges its lanes by itself: nothing to wait for
        push(lane);
        return;
    }
    status_[lane] = Status::at_exchange;
    exchange_arrived_[lane / 32] |= 1u << lane % 32;
    uint32_t needed = states_[lane].mask & ~exited_[lane / 32];
    if ((exchange_arrived_[lane / 32] & needed) == needed) try_exchange(lane / 32);
}

// Lets every group of lanes go that has come together: same instruction, same member mask, all living members there.
void BlockRunner::try_exchange(uint32_t hardware_warp) {
    uint32_t base = hardware_warp * 32, pending = exchange_arrived_[hardware_warp], exited = exited_[hardware_warp];
    WarpState* lanes[32] = {};
    for (uint32_t i = 0; i < 32 && base + i < warps_; i++) lanes[i] = &states_[base + i];
    while (pending) {
        auto first = static_cast<uint32_t>(__builtin_ctz(pending));
        const WarpState& leader = *lanes[first];
        uint32_t group = 0;
        for (uint32_t rest = pending; rest; rest &= rest - 1) {
            auto i = static_cast<uint32_t>(__builtin_ctz(rest));
            if (lanes[i]->op == leader.op && lanes[i]->mask == leader.mask) group |= 1u << i;
        }
        pending &= ~group;
        uint32_t needed = leader.mask & ~exited;
        if ((group & needed) != needed) continue;
        exchange(leader.op, group, lanes);
        exchange_arrived_[hardware_warp] &= ~group;
        for (uint32_t rest = group; rest; rest &= rest - 1) {
            uint32_t lane = base + static_cast<uint32_t>(__builtin_ctz(rest));
            status_[lane] = Status::ready;
            push(lane);
        }
        events_++;
    }
}

const char* BlockRunner::waiting_for() const {
    bool barrier = false, exchange = false;
    for (uint32_t i = 0; i < warps_; i++) {
        barrier |= status_[i] == Status::at_barrier;
        exchange |= status_[i] == Status::at_exchange;
    }
    return barrier && exchange ? "barrier and warp synchronisation" : exchange ? "warp synchronisation" : "barrier";
}

} // namespace anywarp::machine
