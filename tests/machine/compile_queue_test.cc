// Code that is made while the program goes on: who makes it, who waits for it, what becomes of errors, and of code that nobody
// wants any more. (A process that ends meanwhile: tests/driver/compile_test.cc.)
#include "machine/compile_queue.h"
#include "machine/device.h"
#include "machine/worker_pool.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <thread>

using namespace anywarp;
using namespace anywarp::machine;

namespace {

struct Outcome {
    std::atomic<int> finished{0};
    std::atomic<std::thread::id> by{};
};

class FakeCompilation : public jit::Compilation {
public:
    FakeCompilation(Outcome& outcome, uint32_t width, std::shared_future<void> gate = {})
        : outcome_(outcome), width_(width), gate_(std::move(gate)) {
        warp_local_bytes = 96;
    }
    Result<std::unique_ptr<jit::CompiledKernel>> finish() override {
        if (gate_.valid()) gate_.wait();
        outcome_.by = std::this_thread::get_id();
        outcome_.finished++;
        if (width_ == 0) return internal_error("no code this time");
        auto kernel = std::make_unique<jit::CompiledKernel>();
        kernel->info.width = width_;
        return kernel;
    }

private:
    Outcome& outcome_;
    uint32_t width_;
    std::shared_future<void> gate_;
};

class CompileQueueTest : public testing::Test {
protected:
    void SetUp() override {
        if (WorkerPool::default_workers() < 2) GTEST_SKIP() << "one worker: code is made in the launch";
    }
    CompileQueue& queue = CompileQueue::instance();
};

TEST_F(CompileQueueTest, CodeIsMadeWhileTheCallerGoesOn) {
    std::promise<void> open;
    std::shared_future<void> gate = open.get_future().share();
    Outcome outcome;
    auto code = std::make_shared<KernelCode>(Dim3{32, 1, 1});
    queue.add(std::make_unique<FakeCompilation>(outcome, 16, gate), code, "k");
    EXPECT_EQ(outcome.finished, 0);
    EXPECT_EQ(code->local_bytes, 96u) << "known before the code is there";
    std::thread waiting([&] {
        EXPECT_TRUE(code->wait());
        EXPECT_EQ(code->info.width, 16u);
    });
    open.set_value();
    EXPECT_TRUE(code->wait());
    EXPECT_EQ(code->info.width, 16u);
    waiting.join();
    EXPECT_EQ(outcome.finished, 1);
}

TEST_F(CompileQueueTest, WhoWaitsHelps) {
    // Every thread of the queue is busy: the one that waits makes the code itself.
    std::promise<void> open;
    std::shared_future<void> gate = open.get_future().share();
    Outcome blocked, helped;
    std::vector<std::shared_ptr<KernelCode>> others;
    for (unsigned i = 0; i < WorkerPool::default_workers(); i++) {
        others.push_back(std::make_shared<KernelCode>(Dim3{32, 1, 1}));
        queue.add(std::make_unique<FakeCompilation>(blocked, 8, gate), others.back(), "blocked");
    }
    auto code = std::make_shared<KernelCode>(Dim3{32, 1, 1});
    queue.add(std::make_unique<FakeCompilation>(helped, 4), code, "helped");
    EXPECT_TRUE(code->wait());
    EXPECT_EQ(code->info.width, 4u);
    EXPECT_EQ(helped.finished, 1);
    open.set_value();
    for (auto& other : others) EXPECT_TRUE(other->wait());
    EXPECT_EQ(blocked.finished, static_cast<int>(others.size()));
}

TEST_F(CompileQueueTest, ErrorsReachWhoWaits) {
    Outcome outcome;
    auto code = std::make_shared<KernelCode>(Dim3{32, 1, 1});
    queue.add(std::make_unique<FakeCompilation>(outcome, 0), code, "k");
    for (int i = 0; i < 2; i++) {
        auto result = code->wait();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().message, "no code this time");
    }
}

TEST_F(CompileQueueTest, CodeThatNobodyWantsIsntMade) {
    std::promise<void> open;
    std::shared_future<void> gate = open.get_future().share();
    Outcome blocked, unwanted;
    std::vector<std::shared_ptr<KernelCode>> others;
    for (unsigned i = 0; i < WorkerPool::default_workers(); i++) {
        others.push_back(std::make_shared<KernelCode>(Dim3{32, 1, 1}));
        queue.add(std::make_unique<FakeCompilation>(blocked, 8, gate), others.back(), "blocked");
    }
    queue.add(std::make_unique<FakeCompilation>(unwanted, 8), std::make_shared<KernelCode>(Dim3{32, 1, 1}), "unwanted");
    Outcome last;
    auto code = std::make_shared<KernelCode>(Dim3{32, 1, 1});
    std::promise<void> second;
    queue.add(std::make_unique<FakeCompilation>(last, 8, second.get_future().share()), code, "last");
    open.set_value();
    second.set_value();
    for (auto& other : others) EXPECT_TRUE(other->wait());
    EXPECT_TRUE(code->wait());
    EXPECT_EQ(unwanted.finished, 0);
}

TEST_F(CompileQueueTest, QuickCompilationsAreDoneAtOnce) {
    Outcome outcome;
    auto code = std::make_shared<KernelCode>(Dim3{32, 1, 1});
    auto compilation = std::make_unique<FakeCompilation>(outcome, 16);
    compilation->quick = true;
    queue.add(std::move(compilation), code, "k");
    EXPECT_EQ(outcome.finished, 1);
    EXPECT_EQ(outcome.by.load(), std::this_thread::get_id());
}

// Real kernels, not in any cache.
class ColdLaunch : public testing::Test {
protected:
    static std::string module(int kernels) {
        std::string text = ".version 7.8\n.target sm_80\n.address_size 64\n";
        for (int i = 0; i < kernels; i++)
            text += ".visible .entry k" + std::to_string(i) +
                    "(.param .u64 p) { .reg .b64 %rd<3>; .reg .b32 %r<4>; ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x;"
                    " mul.wide.u32 %rd2, %r1, 4; add.s64 %rd1, %rd1, %rd2; ld.global.u32 %r2, [%rd1];"
                    " mad.lo.u32 %r2, %r2, 3, " +
                    std::to_string(i) + "; st.global.u32 [%rd1], %r2; ret; }\n";
        return text;
    }
    void SetUp() override {
        setenv("ANYWARP_CACHE", "0", 1);
        device = *Device::get(0);
    }
    void TearDown() override { unsetenv("ANYWARP_CACHE"); }
    Result<void> launch(LoadedModule& loaded, const std::string& name, uint64_t argument) {
        auto kernel = loaded.find_kernel(name);
        if (!kernel) return std::unexpected(kernel.error());
        void* pointers[] = {&argument};
        return (*kernel)->launch(device->legacy_stream(), {{1, 1, 1}, {64, 1, 1}, 0, false, (*kernel)->pack(pointers)});
    }
    Device* device = nullptr;
};

TEST_F(ColdLaunch, StreamOrderHoldsAndKernelsMayBeDroppedAtOnce) {
    constexpr int kernels = 12;
    auto* data = reinterpret_cast<uint32_t*>(*device->allocate(64 * 4));
    std::fill_n(data, 64, 1u);
    {
        auto loaded = LoadedModule::load(*device, module(kernels), "cold");
        ASSERT_TRUE(loaded);
        for (int i = 0; i < kernels; i++)
            ASSERT_TRUE(launch(**loaded, "k" + std::to_string(i), reinterpret_cast<uint64_t>(data)));
    } // the module goes while its kernels wait for their code
    ASSERT_TRUE(device->synchronize());
    uint32_t expected = 1;
    for (uint32_t i = 0; i < kernels; i++) expected = expected * 3 + i;
    for (int i = 0; i < 64; i++) ASSERT_EQ(data[i], expected) << i;
    ASSERT_TRUE(device->free(data));
}

} // namespace
