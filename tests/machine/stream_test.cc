// Order and asynchrony of streams and events, the legacy default stream, sticky errors.
#include "machine/device.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <future>
#include <gtest/gtest.h>
#include <thread>

using namespace anywarp;
using namespace anywarp::machine;
using namespace std::chrono_literals;

namespace {

HostCommand call(std::function<void()> f) {
    return {[f = std::move(f)](ErrorCode) { f(); }, false};
}

class Streams : public testing::Test {
protected:
    void SetUp() override { device = *Device::get(0); }
    void TearDown() override { device->reset(); }
    Device* device = nullptr;
};

TEST_F(Streams, RunInOrder) {
    Stream* stream = device->create_stream();
    std::vector<int> seen;
    for (int i = 0; i < 1000; i++) ASSERT_TRUE(stream->enqueue(call([&seen, i] { seen.push_back(i); })));
    ASSERT_TRUE(stream->synchronize());
    ASSERT_EQ(seen.size(), 1000u);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(Streams, AreAsynchronous) {
    Stream *a = device->create_stream(), *b = device->create_stream();
    std::promise<void> go;
    auto gate = go.get_future().share();
    std::atomic<bool> done{false};
    ASSERT_TRUE(a->enqueue(call([gate] { gate.wait(); })));
    EXPECT_EQ(a->query().error().code, ErrorCode::not_ready);
    ASSERT_TRUE(b->enqueue(call([&] { done = true; })));                      // not held up by a
    for (int i = 0; i < 5000 && !done; i++) std::this_thread::sleep_for(1ms); // nobody synchronises: a runner must do it
    EXPECT_TRUE(done);
    go.set_value();
    ASSERT_TRUE(a->synchronize());
    EXPECT_TRUE(a->query());
}

// A thread that records an event and lets a stream wait for it waits for its own record or for a later one of another thread.
TEST_F(Streams, ThreadsShareAnEvent) {
    Stream* common = device->create_stream();
    Event event;
    std::atomic<int> wrong{0};
    auto turns = [&] {
        Stream* own = device->create_stream();
        for (int i = 0; i < 5000; i++) {
            std::atomic<bool> reached{false};
            bool good = common->enqueue(call([&] { reached = true; })).has_value() && event.record(*common).has_value() &&
                        own->wait(event).has_value() && own->enqueue(call([&] { wrong += !reached; })).has_value() &&
                        own->synchronize().has_value();
            wrong += !good;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++) threads.emplace_back(turns);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

TEST_F(Streams, EventsOrderStreams) {
    Stream *a = device->create_stream(), *b = device->create_stream();
    Event event;
    std::atomic<int> value{0}, seen{-1};
    ASSERT_TRUE(event.query()); // never recorded
    ASSERT_TRUE(a->enqueue(call([&] {
        std::this_thread::sleep_for(20ms);
        value = 1;
    })));
    ASSERT_TRUE(event.record(*a));
    EXPECT_FALSE(event.query());
    ASSERT_TRUE(b->wait(event));
    ASSERT_TRUE(b->enqueue(call([&] { seen = value.load(); })));
    ASSERT_TRUE(b->synchronize());
    EXPECT_EQ(seen, 1);
    EXPECT_TRUE(event.query());
    Event later;
    ASSERT_TRUE(a->enqueue(call([&] { std::this_thread::sleep_for(10ms); })));
    ASSERT_TRUE(later.record(*a));
    EXPECT_EQ(Event::elapsed_ms(event, later).error().code, ErrorCode::not_ready);
    ASSERT_TRUE(later.synchronize());
    auto ms = Event::elapsed_ms(event, later);
    ASSERT_TRUE(ms);
    EXPECT_GE(*ms, 9.f);
    Event untimed(Event::disable_timing);
    ASSERT_TRUE(untimed.record(*a));
    ASSERT_TRUE(untimed.synchronize());
    EXPECT_EQ(Event::elapsed_ms(event, untimed).error().code, ErrorCode::invalid_handle);
}

TEST_F(Streams, LegacyDefaultStream) {
    Stream *a = device->create_stream(), *free = device->create_stream(Stream::Kind::non_blocking);
    Stream& legacy = device->legacy_stream();
    std::promise<void> go;
    auto gate = go.get_future().share();
    std::atomic<int> order{0};
    int first = -1, second = -1, third = -1;
    std::atomic<bool> ran{false};
    ASSERT_TRUE(a->enqueue(call([&, gate] {
        gate.wait();
        first = order++;
    })));
    ASSERT_TRUE(legacy.enqueue(call([&] { second = order++; })));
    ASSERT_TRUE(a->enqueue(call([&] { third = order++; })));
    ASSERT_TRUE(free->enqueue(call([&] { ran = true; })));
    ASSERT_TRUE(free->synchronize());
    EXPECT_TRUE(ran);
    EXPECT_EQ(order, 0);
    go.set_value();
    ASSERT_TRUE(device->synchronize());
    EXPECT_EQ(first, 0);
    EXPECT_EQ(second, 1);
    EXPECT_EQ(third, 2);
}

TEST_F(Streams, PerThreadStreams) {
    Stream* mine = &device->per_thread_stream();
    EXPECT_EQ(mine, &device->per_thread_stream());
    Stream* other = nullptr;
    std::atomic<bool> ran{false};
    std::thread([&] {
        other = &device->per_thread_stream();
        (void)other->enqueue(call([&] { ran = true; }));
    }).join();
    EXPECT_NE(mine, other);
    ASSERT_TRUE(device->synchronize());
    EXPECT_TRUE(ran);
}

TEST_F(Streams, DestroyLetsWorkFinish) {
    Stream* a = device->create_stream();
    std::atomic<bool> ran{false};
    ASSERT_TRUE(a->enqueue(call([&] {
        std::this_thread::sleep_for(20ms);
        ran = true;
    })));
    ASSERT_TRUE(device->destroy_stream(a));
    EXPECT_FALSE(device->has_stream(a));
    EXPECT_EQ(device->destroy_stream(a).error().code, ErrorCode::invalid_handle);
    ASSERT_TRUE(device->synchronize());
    EXPECT_TRUE(ran);
}

TEST_F(Streams, CopiesAndFills) {
    auto memory = device->allocate(1 << 16);
    ASSERT_TRUE(memory);
    Stream& stream = device->legacy_stream();
    ASSERT_TRUE(stream.run(FillCommand{*memory, 0x01020304, 4, 1024}));
    std::vector<uint32_t> host(1024);
    ASSERT_TRUE(stream.run(CopyCommand{host.data(), *memory, 4096}));
    for (auto v : host) ASSERT_EQ(v, 0x01020304u);
    // 2-D: 3 rows of 8 bytes out of a pitch of 32.
    ASSERT_TRUE(stream.run(FillCommand{*memory, 7, 1, 8, 3, 32}));
    uint8_t rows[24];
    CopyCommand copy{rows, *memory, 8, 3};
    copy.destination_pitch = 8;
    copy.source_pitch = 32;
    ASSERT_TRUE(stream.run(copy));
    for (auto v : rows) ASSERT_EQ(v, 7);
}

TEST_F(Streams, LargeCopiesAreShared) {
    constexpr uint64_t bytes = (40 << 20) + 12345;
    auto memory = device->allocate(bytes);
    ASSERT_TRUE(memory);
    std::vector<uint8_t> host(bytes), back(bytes);
    for (uint64_t i = 0; i < bytes; i++) host[i] = static_cast<uint8_t>(i * 2654435761u >> 13);
    Stream& stream = device->legacy_stream();
    ASSERT_TRUE(stream.run(CopyCommand{*memory, host.data(), bytes}));
    ASSERT_TRUE(stream.run(CopyCommand{back.data(), *memory, bytes}));
    EXPECT_EQ(host, back);
    ASSERT_TRUE(stream.run(FillCommand{*memory, 0xab, 1, bytes}));
    EXPECT_EQ((*memory)[0], 0xab);
    EXPECT_EQ((*memory)[bytes - 1], 0xab);
    for (uint32_t element : {2u, 4u}) {
        uint64_t count = bytes / element - 1; // the last element is left alone
        ASSERT_TRUE(stream.run(FillCommand{*memory, 0x01020304 + element, element, count}));
        uint32_t value = 0x01020304 + element;
        uint64_t wrong = 0;
        for (uint64_t i = 0; i < count; i++) wrong += std::memcmp(*memory + i * element, &value, element) != 0;
        EXPECT_EQ(wrong, 0u) << element;
        EXPECT_NE(std::memcmp(*memory + count * element, &value, element), 0) << element;
    }
    EXPECT_EQ(stream.run(CopyCommand{*memory, host.data(), bytes + (1 << 20)}).error().code, ErrorCode::illegal_address);
}

TEST_F(Streams, StickyErrorUntilReset) {
    auto memory = device->allocate(1 << 16);
    ASSERT_TRUE(memory);
    Stream* stream = device->create_stream();
    uint8_t host[8];
    auto bad = stream->run(CopyCommand{host, reinterpret_cast<void*>(64), 8});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, ErrorCode::illegal_address);
    EXPECT_EQ(device->allocate(16).error().code, ErrorCode::illegal_address);
    EXPECT_EQ(stream->query().error().code, ErrorCode::illegal_address);
    EXPECT_EQ(device->synchronize().error().code, ErrorCode::illegal_address);
    device->reset();
    EXPECT_TRUE(device->synchronize());
    EXPECT_FALSE(device->has_stream(stream));
    EXPECT_EQ(device->memory().used(), 0u);
    auto again = device->allocate(1 << 16);
    ASSERT_TRUE(again);
    EXPECT_TRUE(device->legacy_stream().run(FillCommand{*again, 1, 1, 1 << 16}));
}

TEST_F(Streams, ManyThreadsManyStreams) {
    std::vector<std::thread> threads;
    std::atomic<int> count{0}, failures{0};
    for (int t = 0; t < 8; t++)
        threads.emplace_back([&, t] {
            Stream* mine = device->create_stream(t % 2 ? Stream::Kind::blocking : Stream::Kind::non_blocking);
            Event event;
            for (int i = 0; i < 300; i++) {
                if (!mine->enqueue(call([&] { count++; }))) failures++;
                if (i % 7 == 0 && !event.record(*mine)) failures++;
                if (i % 11 == 0 && !device->legacy_stream().wait(event)) failures++;
                if (i % 13 == 0 && !device->legacy_stream().enqueue(call([&] { count++; }))) failures++;
                if (i % 50 == 0 && !mine->synchronize()) failures++;
            }
            if (!mine->synchronize()) failures++;
        });
    for (auto& t : threads) t.join();
    ASSERT_TRUE(device->synchronize());
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(count, 8 * (300 + 24));
}

} // namespace
