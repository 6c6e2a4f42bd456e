// Instruction sets by name, and the width of warps.
#include "jit/target.h"

#include "jit/compiler.h"
#include "jit/width.h"
#include "simt/simt.h"

#include <gtest/gtest.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Target/TargetMachine.h>

#include <cstdlib>
#include <vector>

namespace anywarp::jit {
namespace {

class TargetTest : public testing::Test {
protected:
    void TearDown() override {
        unsetenv("ANYWARP_ISA");
        unsetenv("ANYWARP_WIDTH");
        unsetenv("ANYWARP_VECTOR_BITS");
    }
    static unsigned width(const simt::KernelTraits& traits, const CompileOptions& options, const char* isa) {
        Target target;
        target.isa = isa;
        Result<unsigned> chosen = choose_width(traits, options, target);
        return chosen ? *chosen : 0;
    }
};

TEST_F(TargetTest, native_is_the_default) {
    auto target = select_target();
    ASSERT_TRUE(target);
    EXPECT_EQ(target->isa, isa_name());
    setenv("ANYWARP_ISA", "native", 1);
    EXPECT_EQ(select_target()->key(), target->key());
    EXPECT_TRUE(make_target_machine(*target, true));
}

TEST_F(TargetTest, machines_serve_one_compilation_after_the_other) {
    auto target = select_target();
    ASSERT_TRUE(target);
    auto first = make_target_machine(*target, true);
    auto second = make_target_machine(*target, true);
    ASSERT_TRUE(first && second);
    EXPECT_NE(first->get(), second->get()) << "two compilations at a time need two";
    const llvm::TargetMachine* known = first->get();
    first->reset();
    auto plain = make_target_machine(*target, false);
    ASSERT_TRUE(plain);
    EXPECT_NE(plain->get(), known) << "one that optimises isn't one that doesn't";
    std::vector<BorrowedMachine> others; // other tests have left machines, too
    bool seen = false;
    for (int i = 0; i < 20 && !seen; ++i) {
        others.push_back(make_target_machine(*target, true).value());
        seen = others.back().get() == known;
    }
    EXPECT_TRUE(seen);
}

TEST_F(TargetTest, code_generation_is_told_what_to_leave_out) {
    // LLVM's options have names only: a release without them would compile slowly, and silently so.
    auto target = select_target();
    ASSERT_TRUE(target && make_target_machine(*target, true));
    for (const char* name : {"disable-post-ra", "dag-maps-huge-region", "dag-maps-reduction-size"}) {
        auto found = llvm::cl::getRegisteredOptions().find(name);
        ASSERT_NE(found, llvm::cl::getRegisteredOptions().end()) << name;
        EXPECT_EQ(found->second->getNumOccurrences(), 1) << name;
    }
}

TEST_F(TargetTest, names_select_instruction_sets) {
#ifndef __x86_64__
    GTEST_SKIP() << "named sets exist on x86 only";
#endif
    std::string keys;
    for (const char* name : {"sse4", "avx2", "avx512"}) {
        setenv("ANYWARP_ISA", name, 1);
        auto target = select_target(/*must_run=*/false);
        ASSERT_TRUE(target);
        EXPECT_EQ(target->isa, name);
        EXPECT_EQ(keys.find(target->key()), std::string::npos);
        keys += target->key() + "\n";
        EXPECT_TRUE(make_target_machine(*target, true));
    }
    setenv("ANYWARP_ISA", "avx1024", 1);
    auto unknown = select_target();
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().message.find("avx1024"), std::string::npos);
}

TEST_F(TargetTest, width_follows_the_registers) {
    EXPECT_EQ(width({}, {}, "avx512"), 16u);
    EXPECT_EQ(width({}, {}, "avx2"), 8u);
    EXPECT_EQ(width({}, {}, "sse4"), 4u);
    EXPECT_EQ(width({}, {.width = 32}, "sse4"), 32u);
}

TEST_F(TargetTest, warp_operations_need_32_lanes) {
    simt::KernelTraits traits;
    traits.exchanging_lanes = 32;
    EXPECT_EQ(width(traits, {}, "avx2"), 32u);
    EXPECT_EQ(width(traits, {.width = 8}, "avx2"), 32u);
    EXPECT_EQ(width(traits, {.width = 1}, "avx2"), 1u);
    EXPECT_EQ(width(traits, {.block_dim = {4, 1, 1}}, "avx2"), 32u);
    traits.exchanging_lanes = 8; // shuffles in segments of 8
    EXPECT_EQ(width(traits, {}, "avx512"), 8u);
    EXPECT_EQ(width(traits, {.width = 4}, "avx2"), 8u);
    EXPECT_EQ(width(traits, {.width = 32}, "avx2"), 32u);
    traits.exchanging_lanes = 2;
    EXPECT_EQ(width(traits, {}, "sse4"), 4u);
    traits.needs_lane_scheduling = true;
    EXPECT_EQ(width(traits, {}, "avx2"), 1u);
    EXPECT_EQ(width(traits, {.width = 16}, "avx2"), 1u);
}

TEST_F(TargetTest, small_blocks_make_narrow_warps) {
    EXPECT_EQ(width({}, {.block_dim = {1, 1, 1}}, "avx512"), 1u);
    EXPECT_EQ(width({}, {.block_dim = {2, 2, 1}}, "avx512"), 4u);
    EXPECT_EQ(width({}, {.block_dim = {7, 1, 1}}, "avx512"), 8u);
    EXPECT_EQ(width({}, {.block_dim = {9, 1, 1}}, "avx512"), 16u);
    EXPECT_EQ(width({.instructions = 1000}, {.block_dim = {256, 1, 1}}, "avx512"), 16u);
}

TEST_F(TargetTest, small_kernels_fill_two_registers) {
    EXPECT_EQ(width({.instructions = 200}, {.block_dim = {256, 1, 1}}, "avx512"), 32u);
    EXPECT_EQ(width({.instructions = 200}, {.block_dim = {256, 1, 1}}, "avx2"), 8u); // half as many registers
    EXPECT_EQ(width({.instructions = 100}, {.block_dim = {256, 1, 1}}, "avx2"), 16u);
    EXPECT_EQ(width({.mostly_f64 = true, .instructions = 200}, {.block_dim = {256, 1, 1}}, "avx512"), 16u);
    EXPECT_EQ(width({.instructions = 100}, {.block_dim = {16, 16, 1}}, "avx512"), 16u); // rows of 16
    EXPECT_EQ(width({.instructions = 100, .row = 16}, {.block_dim = {256, 1, 1}}, "avx512"), 16u);
}

TEST_F(TargetTest, the_environment_has_the_last_word_on_width) {
    setenv("ANYWARP_WIDTH", "32", 1);
    EXPECT_EQ(width({}, {.width = 8}, "avx2"), 32u);
    setenv("ANYWARP_WIDTH", "5", 1);
    Target target;
    target.isa = "avx2";
    auto chosen = choose_width({}, {}, target);
    ASSERT_FALSE(chosen);
    EXPECT_NE(chosen.error().message.find("width 5"), std::string::npos);
}

} // namespace
} // namespace anywarp::jit
