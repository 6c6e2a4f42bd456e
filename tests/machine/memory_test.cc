// Allocation, lookup and guards of device memory.
#include "machine/faults.h"
#include "machine/memory.h"

#include <cstring>
#include <gtest/gtest.h>
#include <set>

using namespace anywarp;
using namespace anywarp::machine;

namespace {
bool readable(const volatile uint8_t* at) {
    Fault fault;
    return run_guarded([&] { (void)*at; }, fault);
}
} // namespace

TEST(Memory, AlignsAndFinds) {
    Memory memory(0, 1ull << 30);
    std::set<uint8_t*> seen;
    for (uint64_t size : {1ull, 511ull, 512ull, 513ull, 5000ull, 65535ull, 65536ull, 1000000ull, 3ull << 20}) {
        auto p = memory.allocate(size);
        ASSERT_TRUE(p);
        EXPECT_EQ(reinterpret_cast<uint64_t>(*p) % 512, 0u);
        EXPECT_TRUE(seen.insert(*p).second);
        std::memset(*p, 1, size);
        auto found = memory.find(*p + size - 1);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->base, *p);
        EXPECT_EQ(found->size, size);
        EXPECT_FALSE(memory.find(*p + size) && memory.find(*p + size)->base == *p);
    }
    EXPECT_TRUE(find_allocation(*seen.begin()));
    for (auto* p : seen) EXPECT_TRUE(memory.free(p));
    EXPECT_EQ(memory.used(), 0u);
    EXPECT_FALSE(memory.free(*seen.begin()));
}

TEST(Memory, LimitsAndErrors) {
    Memory memory(0, 1 << 20);
    EXPECT_EQ(memory.allocate(0).error().code, ErrorCode::invalid_value);
    EXPECT_EQ(memory.allocate(2 << 20).error().code, ErrorCode::out_of_memory);
    auto half = memory.allocate(600 << 10);
    ASSERT_TRUE(half);
    EXPECT_EQ(memory.allocate(600 << 10).error().code, ErrorCode::out_of_memory);
    EXPECT_TRUE(memory.allocate(600 << 10, MemoryKind::pinned)); // host memory doesn't count
    EXPECT_EQ(memory.free(*half + 1).error().code, ErrorCode::invalid_value);
    EXPECT_TRUE(memory.free(*half));
    EXPECT_EQ(memory.available(), memory.total());
    EXPECT_EQ(memory.allocate(~0ull).error().code, ErrorCode::out_of_memory);
}

// As on a GPU, whose pages are larger, a little more than what was asked for is there; what lies further off faults.
TEST(Memory, MarginsThenGuards) {
    Memory memory(0, 1ull << 30);
    for (uint64_t size : {uint64_t(1) << 20, uint64_t(4) << 20}) {
        uint8_t* p = *memory.allocate(size);
        EXPECT_TRUE(readable(p - (64 << 10)));
        EXPECT_TRUE(readable(p + size + (64 << 10) - 1));
        EXPECT_FALSE(readable(p + size + (64 << 10)));
        EXPECT_FALSE(readable(p + size + (127 << 10)));
        EXPECT_FALSE(memory.find(p + size)); // it belongs to nobody all the same
        ASSERT_TRUE(memory.free(p));
        EXPECT_FALSE(readable(p));
        EXPECT_FALSE(readable(p - 1));
    }
}

TEST(Memory, ReusesAddressSpace) {
    Memory memory(0, 4ull << 30);
    for (int round = 0; round < 2000; round++) {
        auto a = memory.allocate(100 << 20), b = memory.allocate(300 << 20);
        ASSERT_TRUE(a && b) << round;
        (*a)[0] = 1;
        ASSERT_TRUE(memory.free(*a));
        ASSERT_TRUE(memory.free(*b));
    }
}

TEST(Memory, RegistersHostMemory) {
    Memory memory(0, 1 << 30);
    std::vector<uint8_t> mine(10000);
    ASSERT_TRUE(memory.register_host(mine.data(), mine.size(), 5));
    EXPECT_EQ(memory.find(mine.data() + 77)->kind, MemoryKind::registered);
    EXPECT_EQ(memory.find(mine.data() + 77)->flags, 5u);
    EXPECT_FALSE(memory.register_host(mine.data() + 100, 10));
    EXPECT_FALSE(memory.free(mine.data()));
    EXPECT_TRUE(memory.unregister_host(mine.data()));
    EXPECT_FALSE(memory.find(mine.data()));
}
