// The block scheduler: barriers of all kinds, yields, exits, deadlocks, lanes of one warp.
#include "fake_kernel.h"
#include "machine/block_runner.h"
#include "machine/run_grid.h"

#include <atomic>
#include <gtest/gtest.h>

using namespace anywarp;
using namespace anywarp::machine;
using namespace anywarp::test;

namespace {

struct Log {
    std::vector<uint32_t> order;
    std::vector<uint32_t> results;
    std::atomic<uint32_t> flag{0};
    int failures = 0;
};

template <class Warp> Result<void> run(Log& log, uint32_t width, Dim3 block, Dim3 grid = {1, 1, 1}) {
    const Log* pointer = &log;
    GridArguments arguments;
    arguments.grid = grid;
    arguments.block = block;
    arguments.params = reinterpret_cast<const uint8_t*>(&pointer);
    arguments.workers = 1;
    return run_grid(fake_kernel<Warp>(width), arguments);
}

// Each phase must be complete in all warps before any warp starts the next.
struct Phases : FakeWarp {
    void step() {
        Log& log = param<Log>(context);
        log.order.push_back(static_cast<uint32_t>(at));
        if (at++ == 5) return finish();
        barrier(0, 0, 32);
    }
};

TEST(BlockRunner, WholeBlockBarrier) {
    for (uint32_t width : {1u, 8u, 32u}) {
        Log log;
        ASSERT_TRUE(run<Phases>(log, width, {100, 2, 1}));
        EXPECT_EQ(log.order.size(), (200 + width - 1) / width * 6);
        EXPECT_TRUE(std::is_sorted(log.order.begin(), log.order.end()));
    }
}

// Warps leave one after the other; the rest must still pass their barriers.
struct EarlyExit : FakeWarp {
    void step() {
        Log& log = param<Log>(context);
        log.order.push_back(static_cast<uint32_t>(at));
        if (static_cast<uint32_t>(at++) == warp) return finish();
        barrier(0, 0, 32);
    }
};
TEST(BlockRunner, ExitedWarpsCount) {
    Log log;
    ASSERT_TRUE(run<EarlyExit>(log, 32, {256, 1, 1}));
    EXPECT_EQ(log.order.size(), 36u);
    EXPECT_TRUE(std::is_sorted(log.order.begin(), log.order.end()));
}

// Warps 0 and 1 meet at barrier 1 (64 threads), 2 and 3 at barrier 2; a third pair arrives and waits separately.
struct Named : FakeWarp {
    void step() {
        Log& log = param<Log>(context);
        switch (at++) {
        case 0:
            if (warp < 4) return barrier(1 + warp / 2, 64, 32);
            if (warp == 4) { // producer: arrives, doesn't wait
                log.flag = 1;
                return barrier(3, 64, 32, Suspension::arrive);
            }
            return barrier(3, 64, 32);
        case 1:
            if (warp == 5 && log.flag != 1) log.failures++;
            log.order.push_back(warp);
            return finish();
        }
    }
};
TEST(BlockRunner, NamedBarriers) {
    Log log;
    ASSERT_TRUE(run<Named>(log, 32, {192, 1, 1}));
    EXPECT_EQ(log.order.size(), 6u);
    EXPECT_EQ(log.failures, 0);
}

// A block of 100 threads: the last warp has 4, and counts as 32.
struct Partial : FakeWarp {
    void step() {
        if (at++ == 1) return finish();
        barrier(1, 128, 32);
    }
};
TEST(BlockRunner, PartialWarpCountsWhole) {
    for (uint32_t width : {1u, 4u, 8u, 16u, 32u}) {
        Log log;
        EXPECT_TRUE(run<Partial>(log, width, {100, 1, 1})) << width;
    }
}

struct Reduce : FakeWarp {
    void step() {
        Log& log = param<Log>(context);
        uint32_t trues = warp == 2 ? 5 : 32;
        switch (at++) {
        case 0:
            return reduce(BarrierReduce::popc, trues, 32);
        case 1:
            log.results.push_back(state->result);
            return reduce(BarrierReduce::and_, trues, 32);
        case 2:
            log.results.push_back(state->result);
            return reduce(BarrierReduce::or_, warp == 3 ? 1 : 0, 32);
        case 3:
            log.results.push_back(state->result);
            return reduce(BarrierReduce::and_, 32, 32);
        default:
            log.results.push_back(state->result);
            return finish();
        }
    }
};
TEST(BlockRunner, BarrierReductions) {
    Log log;
    ASSERT_TRUE(run<Reduce>(log, 32, {128, 1, 1}));
    EXPECT_EQ(log.results, (std::vector<uint32_t>{101, 101, 101, 101, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}));
}

// Warp 0 spins until the last warp has set the flag.
struct Spin : FakeWarp {
    void step() {
        Log& log = param<Log>(context);
        if (warp == 0) return log.flag ? finish() : yield();
        if (warp == 3 && at++ == 2) log.flag = 1;
        if (warp != 3 || log.flag) return finish();
        yield();
    }
};
TEST(BlockRunner, Yields) {
    Log log;
    EXPECT_TRUE(run<Spin>(log, 32, {128, 1, 1}));
}

// Half of the warps wait at barrier 1 for everybody, the others at barrier 2.
struct Deadlock : FakeWarp {
    void step() { barrier(1 + warp % 2, 128, 32); }
};
TEST(BlockRunner, DeadlockIsReported) {
    Log log;
    auto result = run<Deadlock>(log, 32, {128, 1, 1}, {3, 1, 1});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::launch_failed);
    EXPECT_NE(result.error().message.find("deadlock at barrier"), std::string::npos) << result.error().message;
}

// Width 1: lanes exchange values through the scheduler; odd lanes form a group of their own, one lane has gone.
struct Lanes : FakeWarp {
    void step() {
        Log& log = param<Log>(context);
        uint32_t lane = warp % 32;
        switch (at++) {
        case 0:
            return sync(WarpOp::shfl_bfly, ~0u, warp, 1, 31);
        case 1:
            if (state->result != (warp ^ 1)) log.failures++;
            if (lane == 31) return finish();
            return sync(WarpOp::vote_ballot, lane % 2 ? 0xaaaaaaaa : 0x55555555, lane < 16);
        case 2:
            if (state->result != (lane % 2 ? 0xaaaau : 0x5555u)) log.failures++;
            return sync(WarpOp::redux_add, ~0u, lane);
        case 3:
            if (state->result != 30 * 31 / 2) log.failures++;
            return barrier(0, 0, 1);
        default:
            log.order.push_back(warp);
            return finish();
        }
    }
};
TEST(BlockRunner, LaneScheduling) {
    Log log;
    ASSERT_TRUE(run<Lanes>(log, 1, {64, 1, 1}));
    EXPECT_EQ(log.failures, 0);
    EXPECT_EQ(log.order.size(), 62u);
}

// Lanes of one warp that fight for a lock: the holder needs two turns.
struct Lock : FakeWarp {
    void step() {
        Log& log = param<Log>(context);
        if (at == 0) {
            uint32_t expected = 0;
            if (!log.flag.compare_exchange_strong(expected, 1)) return yield();
            at = 1;
            return yield();
        }
        log.order.push_back(warp);
        log.flag = 0;
        finish();
    }
};
TEST(BlockRunner, LanesFightForALock) {
    Log log;
    ASSERT_TRUE(run<Lock>(log, 1, {64, 1, 1}));
    EXPECT_EQ(log.order.size(), 64u);
}

} // namespace
