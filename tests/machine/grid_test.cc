// Grids over the worker pool: every block once, blocks that wait for each other, faults.
#include "fake_kernel.h"
#include "machine/device_services.h"
#include "machine/float_environment.h"
#include "machine/run_grid.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

using namespace anywarp;
using namespace anywarp::machine;
using namespace anywarp::test;

namespace {

struct Shared {
    std::vector<std::atomic<uint32_t>> hits;
    std::atomic<uint32_t> counter{0}, bad{0};
    std::atomic<uint64_t> sum{0};
    explicit Shared(size_t n = 1) : hits(n) {}
};

Result<void> go(const KernelInfo& info, const void* shared, Dim3 grid, Dim3 block = {32, 1, 1}, unsigned workers = 4,
                bool cooperative = false) {
    GridArguments arguments;
    arguments.grid = grid;
    arguments.block = block;
    arguments.dynamic_shared = 1000;
    arguments.static_shared = 24;
    arguments.params = reinterpret_cast<const uint8_t*>(&shared);
    arguments.workers = workers;
    arguments.cooperative = cooperative;
    return run_grid(info, arguments);
}

uint32_t linear(const BlockContext* c) { return c->ctaid[0] + c->nctaid[0] * (c->ctaid[1] + c->nctaid[1] * c->ctaid[2]); }

TEST(Grid, EveryBlockOnce) {
    for (Dim3 grid : {Dim3{1, 1, 1}, Dim3{7, 1, 1}, Dim3{13, 5, 3}, Dim3{100000, 1, 1}, Dim3{3, 70, 41}}) {
        Shared shared(grid.volume());
        auto info = straight_kernel([](const BlockContext* c) {
            auto& s = param<Shared>(c);
            s.hits[linear(c)]++;
            if (reinterpret_cast<uint64_t>(c->shared) % 128 || c->shared_size != 1024) s.bad++;
            c->shared[0] = c->shared[1023] = 1;
        });
        ASSERT_TRUE(go(info, &shared, grid));
        for (auto& hit : shared.hits) ASSERT_EQ(hit, 1u);
        EXPECT_EQ(shared.bad, 0u);
    }
}

// A grid that takes all helpers gives some up when another one begins, and its worker numbers stay below the number of workers.
TEST(Grid, GridsShareTheWorkers) {
    struct Sleepy {
        std::mutex mutex;
        std::set<std::thread::id> threads;
        std::atomic<uint32_t> blocks{0}, bad{0};
    } first, second;
    auto info = straight_kernel([](const BlockContext* c) {
        auto& s = param<Sleepy>(c);
        {
            std::lock_guard lock(s.mutex);
            s.threads.insert(std::this_thread::get_id());
        }
        if (c->smid >= c->nsmid) s.bad++;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        s.blocks++;
    });
    std::thread other([&] { ASSERT_TRUE(go(info, &first, {1000, 1, 1})); });
    while (first.blocks < 100) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(go(info, &second, {200, 1, 1}));
    EXPECT_LT(first.blocks, 1000u) << "the second grid was the shorter one";
    EXPECT_GE(second.threads.size(), 2u) << "its own thread and a helper";
    other.join();
    EXPECT_EQ(first.blocks, 1000u);
    EXPECT_EQ(second.blocks, 200u);
    EXPECT_GE(first.threads.size(), 2u);
    EXPECT_EQ(first.bad + second.bad, 0u);
}

TEST(Grid, SharedMemoryEndsAtAGuard) {
    auto info = straight_kernel([](const BlockContext* c) { static_cast<volatile uint8_t*>(c->shared)[1024] = 1; });
    Shared shared;
    auto result = go(info, &shared, {1, 1, 1});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::illegal_address);
}

// Decoupled look-back: every block waits for the one before it.
struct LookBack : FakeWarp {
    void step() {
        auto& s = param<Shared>(context);
        uint32_t block = linear(context);
        if (block && !s.hits[block - 1]) return yield();
        s.hits[block] = 1;
        finish();
    }
};
TEST(Grid, BlocksWaitForEarlierOnes) {
    for (unsigned workers : {1u, 4u}) {
        Shared shared(5000);
        ASSERT_TRUE(go(fake_kernel<LookBack>(32), &shared, {5000, 1, 1}, {32, 1, 1}, workers));
        for (auto& hit : shared.hits) ASSERT_EQ(hit, 1u);
    }
}

// The other direction: every block waits for a later one, so all must be resident.
struct LookAhead : FakeWarp {
    void step() {
        auto& s = param<Shared>(context);
        uint32_t block = linear(context);
        if (block + 1 < context->nctaid[0] && !s.hits[block + 1]) return yield();
        s.hits[block] = 1;
        finish();
    }
};
TEST(Grid, BlocksWaitForLaterOnes) {
    for (unsigned workers : {1u, 2u}) {
        Shared shared(300);
        ASSERT_TRUE(go(fake_kernel<LookAhead>(32), &shared, {300, 1, 1}, {32, 1, 1}, workers));
    }
}

// A hand-written grid barrier, several times, with block barriers around it.
struct GridBarrier : FakeWarp {
    uint32_t phase = 0;
    void step() {
        auto& s = param<Shared>(context);
        uint32_t blocks = context->nctaid[0];
        for (;;) switch (at) {
            case 0:
                at = 1;
                return barrier(0, 0, 32);
            case 1:
                if (warp == 0) s.counter++;
                at = 2;
                break;
            case 2:
                if (warp == 0 && s.counter < blocks * (phase + 1)) return yield();
                at = 3;
                return barrier(0, 0, 32);
            case 3:
                if (s.counter < blocks * (phase + 1)) s.bad++;
                if (++phase == 5) return finish();
                at = 0;
                break;
            }
    }
};
TEST(Grid, GridBarrierWithMoreBlocksThanWorkers) {
    for (bool cooperative : {false, true})
        for (unsigned workers : {1u, 3u}) {
            Shared shared;
            ASSERT_TRUE(go(fake_kernel<GridBarrier>(32), &shared, {64, 1, 1}, {128, 1, 1}, workers, cooperative));
            EXPECT_EQ(shared.counter, 320u);
            EXPECT_EQ(shared.bad, 0u);
        }
}

TEST(Grid, CooperativeWorkspace) {
    Shared shared;
    auto info = straight_kernel([](const BlockContext* c) {
        auto* workspace = static_cast<uint32_t*>(c->grid_barrier);
        if (!workspace || workspace[0] < 8 || workspace[1] != 0) param<Shared>(c).bad++;
    });
    ASSERT_TRUE(go(info, &shared, {4, 1, 1}, {32, 1, 1}, 2, true));
    EXPECT_EQ(shared.bad, 0u);
}

TEST(Faults, NullDereference) {
    auto info = straight_kernel([](const BlockContext* c) {
        if (linear(c) == 77) *reinterpret_cast<volatile int*>(uintptr_t(c->params[8]) * 0 + 8) = 1;
    });
    struct {
        const void* a;
        uint64_t zero;
    } params{nullptr, 0};
    GridArguments arguments;
    arguments.grid = {1000, 1, 1};
    arguments.block = {32, 1, 1};
    arguments.params = reinterpret_cast<const uint8_t*>(&params);
    arguments.workers = 4;
    for (int round = 0; round < 20; round++) {
        auto result = run_grid(info, arguments);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::illegal_address);
        EXPECT_NE(result.error().message.find("0x8 in block (77,0,0)"), std::string::npos) << result.error().message;
    }
    Shared shared(100);
    ASSERT_TRUE(go(straight_kernel([](const BlockContext* c) { param<Shared>(c).hits[linear(c)]++; }), &shared, {100, 1, 1}));
    for (auto& hit : shared.hits) ASSERT_EQ(hit, 1u);
}

struct FaultInWarp : FakeWarp {
    void step() {
        if (warp == 2 && at == 3) anywarp_trap(context, 716);
        if (at++ == 5) return finish();
        barrier(0, 0, 32);
    }
};
TEST(Faults, TrapInASuspendingKernel) {
    Shared shared;
    auto result = go(fake_kernel<FaultInWarp>(32), &shared, {50, 1, 1}, {128, 1, 1});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::misaligned_address);
    EXPECT_TRUE(go(fake_kernel<GridBarrier>(32), &shared, {8, 1, 1}, {128, 1, 1}));
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) uint64_t recurse(volatile uint8_t* outer) {
    volatile uint8_t mine[2000];
    mine[0] = outer[0];
    return recurse(mine) + mine[0];
}
#pragma clang diagnostic pop
TEST(Faults, StackOverflow) {
    Shared shared;
    auto info = straight_kernel([](const BlockContext* c) {
        volatile uint8_t start = 1;
        param<Shared>(c).sum += recurse(&start);
    });
    for (unsigned workers : {1u, 2u}) {
        auto result = go(info, &shared, {4, 1, 1}, {32, 1, 1}, workers);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::hardware_stack_error) << result.error().message;
    }
}

TEST(Faults, Assert) {
    Shared shared;
    auto info = straight_kernel([](const BlockContext* c) {
        uint32_t thread[3] = {3, 0, 0};
        anywarp_assertfail(c, "x > 0", "file.cu", 12, "kernel", thread);
    });
    testing::internal::CaptureStderr();
    auto result = go(info, &shared, {1, 1, 1});
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "file.cu:12: kernel: block: [0,0,0], thread: [3,0,0] Assertion `x > 0` failed.\n");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::assert_failed);
}

TEST(Faults, FloatStateStaysApart) {
    Shared shared;
    auto info = straight_kernel([](const BlockContext* c) {
        if (CleanFloatEnvironment::read() != CleanFloatEnvironment::clean) param<Shared>(c).bad++;
        CleanFloatEnvironment::write(CleanFloatEnvironment::clean | (3u << 13));
        anywarp_trap(c, 719);
    });
    uint64_t mine = CleanFloatEnvironment::read();
    CleanFloatEnvironment::write(mine | 1u << 15);
    uint64_t before = CleanFloatEnvironment::read();
    EXPECT_FALSE(go(info, &shared, {1, 1, 1}));
    EXPECT_EQ(CleanFloatEnvironment::read(), before);
    CleanFloatEnvironment::write(mine);
    EXPECT_EQ(shared.bad, 0u);
}

TEST(Grid, SeveralHostThreads) {
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int t = 0; t < 6; t++)
        threads.emplace_back([&] {
            for (int round = 0; round < 200; round++) {
                Shared shared(64);
                auto info = straight_kernel([](const BlockContext* c) { param<Shared>(c).hits[linear(c)]++; });
                if (!go(info, &shared, {64, 1, 1})) failures++;
                for (auto& hit : shared.hits)
                    if (hit != 1) failures++;
            }
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(failures, 0);
}

} // namespace
