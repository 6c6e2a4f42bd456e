// Structure of the lowered IR: what kernels look like, which intrinsics appear, and what kernel_traits finds.
#include "fixture.h"

namespace anywarp::simt::test {
namespace {

using ::testing::Test;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

KernelTraits traits_of(const std::string& text) {
    auto module = parse(text);
    auto traits = kernel_traits(*module, entry_of(*module));
    EXPECT_TRUE(traits.has_value()) << (traits ? "" : traits.error().message);
    return traits ? *traits : KernelTraits{};
}

TEST(SimtLower, KernelSignatureAndGuards) {
    std::string ir =
        ir_of(wrap(".param .u64 p", ".reg .pred %p; .reg .b32 %r<3>; .reg .b64 %rd; ld.param.u64 %rd, [p]; mov.u32 %r0, %tid.x;"
                                    "setp.gt.u32 %p, %r0, 4; @%p st.global.u32 [%rd], %r0; @!%p add.u32 %r0, %r0, 1; ret;"));
    EXPECT_TRUE(contains(ir, "define void @k(ptr noundef nonnull align 8 dereferenceable(" +
                                 std::to_string(sizeof(BlockContext)) + ") %ctx, i32 noundef %warp_base)"))
        << ir;
    EXPECT_TRUE(contains(ir, "@anywarp.lane()"));
    EXPECT_TRUE(contains(ir, "br i1"));
    EXPECT_TRUE(contains(ir, "select i1"));
    EXPECT_TRUE(contains(ir, "@anywarp.check.aligned"));
}

TEST(SimtLower, KnownShapeNeedsNoThreadCheck) {
    LowerOptions options;
    options.width = 16;
    options.block_dim[0] = 32, options.block_dim[1] = 4, options.block_dim[2] = 1;
    std::string text =
        wrap(".param .u64 p", ".reg .b32 %r<4>; mov.u32 %r0, %tid.x; mov.u32 %r1, %tid.y; mov.u32 %r2, %ntid.x; ret;");
    std::string ir = ir_of(text, options);
    EXPECT_FALSE(contains(ir, "icmp ult")) << ir;
    EXPECT_TRUE(contains(ir, "udiv i32 %warp_base, 32"));
    options.block_dim[0] = 20, options.block_dim[1] = 1;
    ir = ir_of(text, options);
    EXPECT_TRUE(contains(ir, "icmp ult")) << ir;
    EXPECT_FALSE(contains(ir, ", 20\n")) << "which lanes have a thread must not be a constant (special_registers.cc)\n" << ir;
}

TEST(SimtLower, WarpOperationsAndBarriers) {
    std::string text = wrap(
        ".param .u64 p", ".reg .b32 %r<4>; .reg .pred %p; mov.u32 %r0, %tid.x; shfl.sync.bfly.b32 %r1|%p, %r0, 1, 31, -1;"
                         "vote.sync.ballot.b32 %r2, %p, -1; bar.sync 0; barrier.sync 1, 64; bar.red.popc.u32 %r3, 0, %p; ret;");
    std::string ir = ir_of(text);
    for (const char* name : {"@anywarp.shfl.bfly", "@anywarp.vote.ballot", "@anywarp.barrier(", "@anywarp.barrier.red"})
        EXPECT_TRUE(contains(ir, name)) << name;
    auto traits = traits_of(text);
    EXPECT_EQ(traits.exchanging_lanes, 32u);
    EXPECT_TRUE(traits.barriers);
    EXPECT_FALSE(traits.spins);
}

TEST(SimtLower, LockNeedsLaneScheduling) {
    auto traits =
        traits_of(wrap(".param .u64 p", ".reg .b32 %r; .reg .b64 %rd; .reg .pred %p; ld.param.u64 %rd, [p];\n"
                                        "L: atom.global.cas.b32 %r, [%rd], 0, 1; setp.ne.s32 %p, %r, 0; @%p bra L; ret;"));
    EXPECT_TRUE(traits.spins);
    EXPECT_TRUE(traits.needs_lane_scheduling);
}

TEST(SimtLower, OneLaneLockStaysInLockstep) {
    std::string text =
        wrap(".param .u64 p", ".reg .b32 %r, %t; .reg .b64 %rd; .reg .pred %p, %q; ld.param.u64 %rd, [p]; mov.u32 %t, %tid.x;\n"
                              "setp.ne.s32 %q, %t, 0; @%q bra DONE;\n"
                              "L: atom.global.cas.b32 %r, [%rd], 0, 1; setp.ne.s32 %p, %r, 0; @%p bra L;\nDONE: ret;");
    auto traits = traits_of(text);
    EXPECT_TRUE(traits.spins);
    EXPECT_FALSE(traits.needs_lane_scheduling);
    EXPECT_TRUE(contains(ir_of(text), "call void @anywarp.yield"));
}

TEST(SimtLower, UpdateLoopIsNoSpin) {
    auto traits = traits_of(
        wrap(".param .u64 p", ".reg .b32 %r<4>; .reg .b64 %rd; .reg .pred %p; ld.param.u64 %rd, [p]; ld.global.u32 %r0, [%rd];\n"
                              "L: add.u32 %r1, %r0, 5; atom.global.cas.b32 %r2, [%rd], %r0, %r1; setp.ne.s32 %p, %r2, %r0;"
                              "mov.u32 %r0, %r2; @%p bra L; ret;"));
    EXPECT_FALSE(traits.spins);
    EXPECT_FALSE(traits.needs_lane_scheduling);
}

TEST(SimtLower, PollingLoadSpins) {
    auto traits = traits_of(wrap(".param .u64 p", ".reg .b32 %r; .reg .b64 %rd; .reg .pred %p; ld.param.u64 %rd, [p];\n"
                                                  "L: ld.volatile.global.u32 %r, [%rd]; setp.eq.s32 %p, %r, 0; @%p bra L; ret;"));
    EXPECT_TRUE(traits.spins);
    EXPECT_FALSE(traits.needs_lane_scheduling);
}

TEST(SimtLower, UnsupportedNamesTheInstruction) {
    llvm::LLVMContext context;
    auto lowered = lower(context, wrap(".param .u64 p", "wgmma.fence.sync.aligned; ret;"));
    ASSERT_FALSE(lowered.has_value());
    EXPECT_EQ(lowered.error().kind, ErrorKind::unsupported);
    EXPECT_TRUE(contains(lowered.error().message, "wgmma.fence")) << lowered.error().message;
}

TEST(SimtLower, MemoryBarrierObjectsWaitInALoop) {
    auto traits = traits_of(wrap(
        ".param .u64 p", ".shared .align 8 .b64 m; .reg .b64 %s; .reg .pred %p; mbarrier.init.shared.b64 [m], 32;\n"
                         "mbarrier.arrive.shared.b64 %s, [m];\nL: mbarrier.try_wait.shared.b64 %p, [m], %s; @!%p bra L; ret;"));
    EXPECT_TRUE(traits.spins);
    EXPECT_FALSE(traits.needs_lane_scheduling);
}

TEST(SimtLower, SharedAtomicsAreMarked) {
    std::string ir =
        ir_of(wrap(".param .u64 p", ".reg .b32 %r; .shared .align 4 .b8 s[64]; atom.shared.add.u32 %r, [s+4], 1; ret;"));
    EXPECT_TRUE(contains(ir, "!anywarp.shared")) << ir;
    EXPECT_FALSE(contains(ir, "check.aligned"));
}

TEST(SimtLower, CallsAndRecursion) {
    std::string text = ".version 8.5\n.target sm_80\n.address_size 64\n"
                       ".func (.param .b32 r) f(.param .b32 n)\n{ .reg .b32 %a<4>; .reg .pred %p; ld.param.u32 %a0, [n]; "
                       "setp.lt.s32 %p, %a0, 2; @%p bra END;\n"
                       "sub.s32 %a1, %a0, 1; { .param .b32 x; .param .b32 y; st.param.b32 [x], %a1; call.uni (y), f, (x); "
                       "ld.param.b32 %a0, [y]; }\n"
                       "END: st.param.b32 [r], %a0; ret; }\n"
                       ".visible .entry k(.param .u64 p)\n{ .reg .b32 %a; { .param .b32 x; .param .b32 y; st.param.b32 [x], 7; "
                       "call.uni (y), f, (x); ld.param.b32 %a, [y]; } ret; }\n";
    std::string ir = ir_of(text);
    EXPECT_TRUE(contains(ir, "define internal i32 @f(ptr noundef nonnull align 8")) << ir;
    EXPECT_TRUE(contains(ir, "noinline"));
    EXPECT_TRUE(traits_of(text).has_recursion);
}

} // namespace
} // namespace anywarp::simt::test
