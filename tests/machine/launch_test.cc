// Real PTX through the whole compiler and the machine: modules, launches, shared memory and barriers, faults, printf.
#include "machine/device.h"
#include "machine/kernel.h"

#include <chrono>
#include <cstring>
#include <gtest/gtest.h>

using namespace anywarp;
using namespace anywarp::machine;

namespace {

const char* const source = R"(
.version 7.8
.target sm_80
.address_size 64

.global .align 4 .u32 counter = 40;
.global .align 8 .u64 pointer_to_counter = counter;
.const .align 4 .f32 scale[2] = {2.0, 3.0};

.visible .entry add(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)
{
    .reg .pred %p<2>;
    .reg .b32 %r<6>;
    .reg .f32 %f<6>;
    .reg .b64 %rd<10>;
    ld.param.u64 %rd1, [a];
    ld.param.u64 %rd2, [b];
    ld.param.u64 %rd3, [c];
    ld.param.u32 %r1, [n];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    setp.ge.u32 %p1, %r5, %r1;
    @%p1 bra done;
    cvta.to.global.u64 %rd1, %rd1;
    mul.wide.u32 %rd4, %r5, 4;
    add.s64 %rd5, %rd1, %rd4;
    add.s64 %rd6, %rd2, %rd4;
    add.s64 %rd7, %rd3, %rd4;
    ld.global.f32 %f1, [%rd5];
    ld.global.f32 %f2, [%rd6];
    ld.const.f32 %f4, [scale+4];
    fma.rn.f32 %f3, %f1, %f4, %f2;
    st.global.f32 [%rd7], %f3;
done:
    ret;
}

.visible .entry reverse(.param .u64 data)
{
    .reg .b32 %r<8>;
    .reg .b64 %rd<6>;
    .shared .align 4 .b8 buffer[1024];
    ld.param.u64 %rd1, [data];
    mov.u32 %r1, %tid.x;
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2;
    ld.global.u32 %r2, [%rd3];
    shl.b32 %r3, %r1, 2;
    mov.u32 %r4, buffer;
    add.u32 %r5, %r4, %r3;
    st.shared.u32 [%r5], %r2;
    bar.sync 0;
    mov.u32 %r6, 1020;
    sub.u32 %r6, %r6, %r3;
    add.u32 %r6, %r4, %r6;
    ld.shared.u32 %r7, [%r6];
    st.global.u32 [%rd3], %r7;
    ret;
}

.visible .entry bump()
{
    .reg .b32 %r<3>;
    .reg .b64 %rd<2>;
    ld.global.u64 %rd1, [pointer_to_counter];
    atom.global.add.u32 %r1, [%rd1], 1;
    ret;
}

.visible .entry empty() { ret; }

.visible .entry wild(.param .u64 address)
{
    .reg .b32 %r<2>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [address];
    mov.u32 %r1, 7;
    st.global.u32 [%rd1], %r1;
    ret;
}

.visible .entry misaligned(.param .u64 address)
{
    .reg .b32 %r<2>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [address];
    ld.global.u32 %r1, [%rd1+2];
    st.global.u32 [%rd1], %r1;
    ret;
}

.visible .entry stop() { trap; ret; }
)";

class Launch : public testing::Test {
protected:
    void SetUp() override {
        device = *Device::get(0);
        auto loaded = LoadedModule::load(*device, source, "launch_test");
        ASSERT_TRUE(loaded) << loaded.error().message;
        module = *loaded;
    }
    void TearDown() override {
        module.reset();
        device->reset();
    }
    std::shared_ptr<Kernel> kernel(const char* name) {
        auto k = module->find_kernel(name);
        EXPECT_TRUE(k) << k.error().message;
        return k ? *k : nullptr;
    }
    template <class... Values> Result<void> launch(Kernel& k, Dim3 grid, Dim3 block, Values... values) {
        void* pointers[] = {&values..., nullptr};
        LaunchConfig config{grid, block};
        config.params = k.pack(pointers);
        return k.launch(device->legacy_stream(), config);
    }
    Device* device = nullptr;
    std::shared_ptr<LoadedModule> module;
};

#define ASSERT_OK(expression)                                                                                                    \
    do {                                                                                                                         \
        auto result_ = (expression);                                                                                             \
        ASSERT_TRUE(result_) << result_.error().message;                                                                         \
    } while (0)

TEST_F(Launch, Add) {
    constexpr uint32_t n = 100003;
    std::vector<float> a(n), b(n), c(n);
    for (uint32_t i = 0; i < n; i++) a[i] = static_cast<float>(i), b[i] = 0.5f;
    uint8_t* memory[3];
    for (auto& m : memory) m = *device->allocate(n * 4);
    Stream& stream = device->legacy_stream();
    ASSERT_OK(stream.run(CopyCommand{memory[0], a.data(), n * 4}));
    ASSERT_OK(stream.run(CopyCommand{memory[1], b.data(), n * 4}));
    auto k = kernel("add");
    ASSERT_TRUE(k);
    for (uint32_t block : {256u, 100u, 1u, 32u, 33u, 64u, 512u, 1024u, 128u, 48u, 96u}) { // more shapes than are kept
        ASSERT_OK(stream.run(FillCommand{memory[2], 0, 1, n * 4}));
        ASSERT_OK(launch(*k, {(n + block - 1) / block, 1, 1}, {block, 1, 1}, memory[0], memory[1], memory[2], n));
        ASSERT_OK(stream.run(CopyCommand{c.data(), memory[2], n * 4}));
        for (uint32_t i = 0; i < n; i++) ASSERT_EQ(c[i], a[i] * 3 + 0.5f) << i << " at block size " << block;
    }
}

TEST_F(Launch, SharedMemoryAndBarrier) {
    auto k = kernel("reverse");
    ASSERT_TRUE(k);
    EXPECT_EQ(k->attributes()->static_shared, 1024u);
    std::vector<uint32_t> data(256), back(256);
    for (uint32_t i = 0; i < 256; i++) data[i] = i;
    uint8_t* memory = *device->allocate(1024);
    Stream& stream = device->legacy_stream();
    ASSERT_OK(stream.run(CopyCommand{memory, data.data(), 1024}));
    ASSERT_OK(launch(*k, {1, 1, 1}, {256, 1, 1}, memory));
    ASSERT_OK(stream.run(CopyCommand{back.data(), memory, 1024}));
    for (uint32_t i = 0; i < 256; i++) ASSERT_EQ(back[i], 255 - i);
}

TEST_F(Launch, GlobalsAndAtomics) {
    auto k = kernel("bump");
    ASSERT_TRUE(k);
    auto counter = module->find_global("counter");
    ASSERT_TRUE(counter);
    EXPECT_EQ(counter->size, 4u);
    ASSERT_OK(launch(*k, {100, 1, 1}, {96, 1, 1}));
    uint32_t value = 0;
    ASSERT_OK(device->legacy_stream().run(CopyCommand{&value, counter->address, 4}));
    EXPECT_EQ(value, 40u + 9600u);
    EXPECT_EQ(module->find_global("nothing").error().code, ErrorCode::not_found);
    EXPECT_EQ(module->find_kernel("counter").error().code, ErrorCode::not_found);
}

TEST_F(Launch, Checks) {
    auto k = kernel("empty");
    ASSERT_TRUE(k);
    EXPECT_EQ(launch(*k, {0, 1, 1}, {32, 1, 1}).error().code, ErrorCode::invalid_value);
    EXPECT_EQ(launch(*k, {1, 1, 1}, {1025, 1, 1}).error().code, ErrorCode::invalid_value);
    EXPECT_EQ(launch(*k, {1, 1, 1}, {1, 1, 65}).error().code, ErrorCode::invalid_value);
    EXPECT_EQ(launch(*k, {1, 70000, 1}, {32, 1, 1}).error().code, ErrorCode::invalid_value);
    LaunchConfig config{{1, 1, 1}, {32, 1, 1}, 100 << 10};
    Stream& stream = device->legacy_stream();
    EXPECT_EQ(k->launch(stream, config).error().code, ErrorCode::invalid_value);
    ASSERT_OK(k->set_max_dynamic_shared(100 << 10));
    ASSERT_OK(k->launch(stream, config));
    EXPECT_EQ(k->set_max_dynamic_shared(200 << 10).error().code, ErrorCode::invalid_value);
    config = {{1000000, 1, 1}, {32, 1, 1}, 0, true};
    EXPECT_EQ(k->launch(stream, config).error().code, ErrorCode::cooperative_launch_too_large);
    ASSERT_OK(device->synchronize());
}

TEST_F(Launch, FaultsAreSticky) {
    struct Case {
        const char* kernel;
        uint64_t address;
        ErrorCode code;
    };
    uint8_t* memory = *device->allocate(1 << 20);
    for (Case c : {Case{"wild", 16, ErrorCode::illegal_address},
                   // behind the allocation and its margin (memory.h)
                   Case{"wild", reinterpret_cast<uint64_t>(memory) + (1 << 20) + (64 << 10), ErrorCode::illegal_address},
                   Case{"misaligned", reinterpret_cast<uint64_t>(memory), ErrorCode::misaligned_address},
                   Case{"stop", 0, ErrorCode::launch_failed}}) {
        auto k = kernel(c.kernel);
        ASSERT_TRUE(k);
        ASSERT_OK(launch(*k, {4, 1, 1}, {64, 1, 1}, c.address));
        auto result = device->synchronize();
        ASSERT_FALSE(result) << c.kernel;
        EXPECT_EQ(result.error().code, c.code) << result.error().message;
        EXPECT_EQ(launch(*k, {4, 1, 1}, {64, 1, 1}, c.address).error().code, c.code);
        k.reset();
        TearDown();
        SetUp();
        memory = *device->allocate(1 << 20);
    }
}

TEST_F(Launch, BadPtx) {
    auto loaded =
        LoadedModule::load(*device, ".version 7.8\n.target sm_80\n.address_size 64\n.entry k() {\n  nonsense.u32;\n}\n", "bad");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::invalid_ptx);
    EXPECT_NE(loaded.error().message.find("5:"), std::string::npos) << loaded.error().message;
}

TEST_F(Launch, UnloadWhileQueued) {
    Stream* stream = device->create_stream();
    auto k = kernel("bump");
    ASSERT_TRUE(k);
    for (int i = 0; i < 100; i++) ASSERT_OK(k->launch(*stream, {{10, 1, 1}, {32, 1, 1}}));
    k.reset();
    module.reset();
    ASSERT_OK(stream->synchronize());
}

TEST_F(Launch, LatencyOfAnEmptyLaunch) {
    auto k = kernel("empty");
    ASSERT_TRUE(k);
    LaunchConfig config{{1, 1, 1}, {32, 1, 1}};
    Stream& stream = device->legacy_stream();
    auto measure = [&](int rounds, int per_sync) {
        auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < rounds; i++) {
            for (int j = 0; j < per_sync; j++) (void)k->launch(stream, config);
            (void)stream.synchronize();
        }
        std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
        return time.count() / rounds / per_sync;
    };
    measure(10, 1);
    double alone = measure(2000, 1), queued = measure(100, 100);
    RecordProperty("launch_and_sync_us", std::to_string(alone));
    std::printf("empty launch and synchronise: %.2f us; queued launches: %.2f us each\n", alone, queued);
    EXPECT_LT(alone, 1000); // a hang or a sleep would show; the figure itself depends on the machine
}

} // namespace
