// See grid.h.
#include "machine/grid.h"

#include "machine/block_runner.h"
#include "machine/shared_memory.h"

#include <algorithm>
#include <optional>
#include <chrono>
#include <sched.h>

namespace anywarp::machine {
namespace {

uint64_t now_ns() {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

// A lone worker shares the grid with others when the rest is expected to take longer than waking them.
constexpr uint64_t worth_sharing_ns = 15'000;
// How long all resident blocks must have got nowhere before a worker starts one more.
constexpr uint64_t patience_ns = 3'000;

// What a thread keeps from grid to grid. Faults jump over the code that uses it, so it owns everything a block needs.
struct Scratch {
    SharedMemory shared;
    std::vector<std::unique_ptr<BlockRunner>> runners; // all ever made
    std::vector<BlockRunner*> free, resident;
    bool busy = false;
};
Scratch& thread_scratch() {
    thread_local Scratch scratch;
    return scratch;
}

std::atomic<uint64_t> next_grid_id{1};

} // namespace

Grid::Grid(const KernelInfo& info, const GridArguments& arguments, unsigned workers)
    : info_(info), arguments_(arguments), workers_(workers), total_(arguments.grid.volume()),
      id_(next_grid_id.fetch_add(1, std::memory_order_relaxed)), threads_(static_cast<uint32_t>(arguments.block.volume())) {
    chunk_ = std::clamp<uint64_t>(total_ / (uint64_t(workers) * 32), 1, 4096);
    barrier_workspace_[0] = sizeof barrier_workspace_;
}

uint64_t Grid::remaining() const {
    uint64_t next = next_.load(std::memory_order_relaxed);
    return next < total_ ? total_ - next : 0;
}

Result<void> Grid::result() {
    if (!failed()) return {};
    return std::unexpected(error_);
}

void Grid::fill(BlockContext& context, unsigned worker, uint64_t* counters) const {
    context = {};
    const Dim3& grid = arguments_.grid;
    const Dim3& block = arguments_.block;
    context.nctaid[0] = grid.x, context.nctaid[1] = grid.y, context.nctaid[2] = grid.z;
    context.ntid[0] = block.x, context.ntid[1] = block.y, context.ntid[2] = block.z;
    context.threads = threads_;
    context.params = arguments_.params;
    context.image = arguments_.image;
    context.shared_size = shared_bytes();
    context.dynamic_shared_size = arguments_.dynamic_shared;
    context.smid = worker;
    context.nsmid = workers_;
    context.gridid = id_;
    StackBounds stack = stack_bounds();
    context.stack_low = stack.low;
    context.stack_high = stack.high;
    context.counters = counters;
    context.grid_barrier = arguments_.cooperative ? const_cast<uint32_t*>(barrier_workspace_) : nullptr;
    context.machine = arguments_.machine;
    context.grid = arguments_.launches;
}

void Grid::set_block(BlockContext& context, uint64_t block) const {
    uint64_t row = block / arguments_.grid.x;
    context.ctaid[0] = static_cast<uint32_t>(block % arguments_.grid.x);
    context.ctaid[1] = static_cast<uint32_t>(row % arguments_.grid.y);
    context.ctaid[2] = static_cast<uint32_t>(row / arguments_.grid.y);
}

void Grid::fail(ErrorCode code, std::string message) {
    std::lock_guard lock(mutex_);
    if (failed()) return;
    error_ = Error{ErrorKind::user, code, std::move(message)};
    failed_.store(true, std::memory_order_relaxed);
    next_.store(total_, std::memory_order_relaxed);
}

void Grid::fail(const Fault& fault, const BlockContext* context) {
    std::string message = fault.describe();
    if (context)
        message += " in block (" + std::to_string(context->ctaid[0]) + "," + std::to_string(context->ctaid[1]) + "," +
                   std::to_string(context->ctaid[2]) + ")";
    fail(fault.code, std::move(message));
}

bool Grid::should_leave(unsigned worker) {
    if (worker == 0 || surplus.load(std::memory_order_relaxed) <= 0) return false;
    if (surplus.fetch_sub(1, std::memory_order_relaxed) > 0) return true;
    surplus.fetch_add(1, std::memory_order_relaxed);
    return false;
}

void Grid::participate(unsigned worker) {
    if (failed() || exhausted()) return;
    if (info_.suspends)
        run_suspending(worker);
    else
        run_straight(worker);
}

void Grid::run_straight(unsigned worker) {
    uint64_t counters[counter_count] = {};
    Scratch& scratch = thread_scratch();
    BlockContext context;
    fill(context, worker, arguments_.counters ? counters : nullptr);
    context.shared = scratch.shared.get(0, shared_bytes());
    if (!context.shared) return fail(ErrorCode::out_of_memory, "no memory for a block's shared memory");
    Fault fault;
    const Dim3& grid = arguments_.grid;
    uint64_t done = 0, start = now_ns();
    bool watch = worker == 0 && share;
    bool returned = run_guarded(
        [&] {
            for (;;) {
                uint64_t first = next_.fetch_add(chunk_, std::memory_order_relaxed);
                if (first >= total_) break;
                uint64_t last = std::min(first + chunk_, total_);
                set_block(context, first);
                for (uint64_t block = first;;) {
                    info_.run_block(&context);
                    if (++block == last || failed()) break;
                    if (++context.ctaid[0] == grid.x) {
                        context.ctaid[0] = 0;
                        if (++context.ctaid[1] == grid.y) {
                            context.ctaid[1] = 0;
                            context.ctaid[2]++;
                        }
                    }
                }
                done += last - first;
                if (should_leave(worker)) break;
                if (watch && now_ns() - start > worth_sharing_ns) {
                    watch = false;
                    if (!exhausted()) share();
                }
            }
        },
        fault);
    if (!returned) fail(fault, &context);
    if (worker == 0 && done && arguments_.block_nanoseconds)
        arguments_.block_nanoseconds->store((now_ns() - start) / done + 1, std::memory_order_relaxed);
    if (arguments_.counters) {
        std::lock_guard lock(mutex_);
        for (unsigned i = 0; i < counter_count; i++) arguments_.counters[i] += counters[i];
    }
}

void Grid::run_suspending(unsigned worker) {
    uint64_t counters[counter_count] = {};
    Scratch& scratch = thread_scratch();
    Fault fault;
    BlockRunner* running = nullptr;
    const char* problem = nullptr;
    bool deadlock = false;
    uint64_t done = 0, start = now_ns();
    bool watch = worker == 0 && share;
    // A cooperative grid's blocks are spread evenly at first; whoever gets nowhere takes more.
    uint64_t share_of_blocks = (total_ + workers_ - 1) / workers_;
    auto& resident = scratch.resident;

    // A worker takes several blocks at once, as long as none may wait for another that is not yet running.
    uint64_t chunk = info_.spins || arguments_.cooperative ? 1 : chunk_;
    uint64_t mine = 0, mine_end = 0; // taken, not yet started
    auto take_block = [&]() -> std::optional<uint64_t> {
        if (mine == mine_end) {
            mine = next_.fetch_add(chunk, std::memory_order_relaxed);
            if (mine >= total_) return mine = mine_end, std::nullopt;
            mine_end = std::min(mine + chunk, total_);
        }
        return mine++;
    };
    auto start_block = [&]() -> bool {
        std::optional<uint64_t> block = take_block();
        if (!block) return false;
        BlockRunner* runner;
        if (scratch.free.empty()) {
            scratch.runners.push_back(std::make_unique<BlockRunner>());
            runner = scratch.runners.back().get();
            runner->slot = scratch.runners.size() - 1;
        } else {
            runner = scratch.free.back();
            scratch.free.pop_back();
        }
        BlockContext& context = runner->context();
        fill(context, worker, arguments_.counters ? counters : nullptr);
        set_block(context, *block);
        context.shared = scratch.shared.get(runner->slot, shared_bytes());
        resident.push_back(runner);
        if (!context.shared) {
            problem = "no memory for a block's shared memory";
            return false;
        }
        runner->begin(info_);
        return true;
    };
    bool returned = run_guarded(
        [&] {
            size_t turn = 0;
            uint64_t idle_since = 0;
            unsigned idle_rounds = 0;
            while (!failed()) {
                if (resident.empty() && mine == mine_end && should_leave(worker)) break;
                if (resident.empty() && !start_block()) break;
                if (problem) break;
                if (turn >= resident.size()) turn = 0;
                running = resident[turn];
                uint64_t events = running->events();
                BlockProgress progress = running->advance();
                if (progress == BlockProgress::finished) {
                    done++;
                    idle_rounds = 0;
                    // The usual case: one block after the other, with everything but its number left in place.
                    if (resident.size() == 1 && !watch && (mine != mine_end || !should_leave(worker))) {
                        BlockContext& context = running->context();
                        bool next_in_row = mine != mine_end && context.ctaid[0] + 1 < arguments_.grid.x;
                        if (std::optional<uint64_t> block = take_block()) {
                            if (next_in_row)
                                context.ctaid[0]++;
                            else
                                set_block(context, *block);
                            running->begin(info_);
                            continue;
                        }
                    }
                    scratch.free.push_back(running);
                    resident.erase(resident.begin() + static_cast<ptrdiff_t>(turn));
                    if (watch && now_ns() - start > worth_sharing_ns) {
                        watch = false;
                        if (!exhausted()) share();
                    }
                    continue;
                }
                if (progress == BlockProgress::deadlock) {
                    deadlock = true;
                    break;
                }
                turn++;
                if (watch) { // spinning blocks wait for other blocks: the more run, the better
                    watch = false;
                    if (!exhausted()) share();
                }
                if (running->events() != events) {
                    idle_rounds = 0;
                    continue;
                }
                if (++idle_rounds < resident.size()) continue; // not yet once around
                if (idle_rounds == resident.size()) idle_since = now_ns();
                if (mine != mine_end || !exhausted()) {
                    bool eager = arguments_.cooperative && resident.size() < share_of_blocks;
                    if (eager || now_ns() - idle_since > patience_ns) {
                        if (start_block()) {
                            turn = resident.size() - 1;
                            idle_rounds = 0;
                        }
                        continue;
                    }
                }
                if (idle_rounds % (4 * resident.size()) == 0) sched_yield();
            }
        },
        fault);
    if (!returned)
        fail(fault, running ? &running->context() : nullptr);
    else if (deadlock)
        fail(ErrorCode::launch_failed,
             std::string("deadlock at ") + running->waiting_for() + " in block (" + std::to_string(running->context().ctaid[0]) +
                 "," + std::to_string(running->context().ctaid[1]) + "," + std::to_string(running->context().ctaid[2]) +
                 "): every thread that has not ended waits for ever");
    else if (problem)
        fail(ErrorCode::out_of_memory, problem);
    scratch.free.insert(scratch.free.end(), resident.begin(), resident.end());
    resident.clear();
    if (worker == 0 && done && arguments_.block_nanoseconds)
        arguments_.block_nanoseconds->store((now_ns() - start) / done + 1, std::memory_order_relaxed);
    if (arguments_.counters) {
        std::lock_guard lock(mutex_);
        for (unsigned i = 0; i < counter_count; i++) arguments_.counters[i] += counters[i];
    }
}

} // namespace anywarp::machine
