// The form that the scalar stage promises the widening, and that it keeps the meaning of barriers and exits.
#include "jit/passes.h"

#include "ir_fixture.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>

namespace anywarp::jit {
namespace {

const char* declarations = R"(
declare i32 @anywarp.lane()
declare void @anywarp.barrier(ptr, i32, i32)
declare void @anywarp.exit()
declare void @anywarp_trap(ptr, i32)
declare { i32, i1 } @anywarp.shfl.down(i32, i32, i32, i32)
)";

struct Scalar : IrFixture {
    Scalar(const std::string& body, bool optimize = true) : IrFixture(declarations + body) {
        optimize_simt(*module, *machine, optimize);
        verify();
    }
    unsigned calls(llvm::StringRef name) const {
        unsigned n = 0;
        for (const llvm::Function& function : *module)
            for (const llvm::BasicBlock& block : function)
                for (const llvm::Instruction& instruction : block)
                    if (auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction))
                        n += call->getCalledFunction() && call->getCalledFunction()->getName() == name;
        return n;
    }
};

TEST(OptimizeSimt, registers_become_ssa) {
    Scalar ir(R"(
define void @k(ptr %ctx, i32 %warp_base) {
  %r = alloca i32
  %lane = call i32 @anywarp.lane()
  store i32 %lane, ptr %r
  %v = load i32, ptr %r
  %p = getelementptr i32, ptr %ctx, i32 %v
  store i32 %v, ptr %p
  ret void
})");
    EXPECT_EQ(ir.count<llvm::AllocaInst>(), 0u);
    EXPECT_EQ(ir.count<llvm::StoreInst>(), 1u);
}

TEST(OptimizeSimt, switches_become_branches) {
    for (bool optimize : {true, false}) {
        Scalar ir(R"(
define void @k(ptr %ctx, i32 %warp_base) {
  %lane = call i32 @anywarp.lane()
  switch i32 %lane, label %d [ i32 0, label %a  i32 7, label %b  i32 9, label %c ]
a:
  store volatile i32 1, ptr %ctx
  br label %d
b:
  store volatile i32 2, ptr %ctx
  br label %d
c:
  store volatile i32 3, ptr %ctx
  ret void
d:
  ret void
})",
                  optimize);
        EXPECT_EQ(ir.count<llvm::SwitchInst>(), 0u) << ir.text();
        EXPECT_EQ(ir.count<llvm::ReturnInst>(), 1u) << ir.text();
        EXPECT_EQ(ir.count<llvm::StoreInst>(), 3u) << ir.text();
    }
}

TEST(OptimizeSimt, device_functions_are_inlined_and_their_exit_is_a_return) {
    for (bool optimize : {true, false}) {
        Scalar ir(R"(
define internal i32 @device(ptr %ctx, i32 %warp_base, i32 %x) noinline {
  %bad = icmp eq i32 %x, 3
  br i1 %bad, label %end, label %go
end:
  call void @anywarp.exit()
  unreachable
go:
  %y = mul i32 %x, %x
  ret i32 %y
}
define void @k(ptr %ctx, i32 %warp_base) {
  %lane = call i32 @anywarp.lane()
  %y = call i32 @device(ptr %ctx, i32 %warp_base, i32 %lane)
  %p = getelementptr i32, ptr %ctx, i32 %lane
  store i32 %y, ptr %p
  ret void
})",
                  optimize);
        EXPECT_FALSE(ir.module->getFunction("device"));
        EXPECT_EQ(ir.calls("anywarp.exit"), 0u) << ir.text();
        EXPECT_EQ(ir.count<llvm::UnreachableInst>(), 0u) << ir.text();
        EXPECT_EQ(ir.count<llvm::ReturnInst>(), 1u) << ir.text();
        EXPECT_EQ(ir.count<llvm::BranchInst>() > 0, true) << ir.text(); // the store must not happen for lane 3
    }
}

TEST(OptimizeSimt, recursive_functions_stay) {
    Scalar ir(R"(
define internal i32 @fib(ptr %ctx, i32 %warp_base, i32 %n) {
  %small = icmp slt i32 %n, 2
  br i1 %small, label %one, label %more
one:
  ret i32 %n
more:
  %a = sub i32 %n, 1
  %b = sub i32 %n, 2
  %x = call i32 @fib(ptr %ctx, i32 %warp_base, i32 %a)
  %y = call i32 @fib(ptr %ctx, i32 %warp_base, i32 %b)
  %s = add i32 %x, %y
  ret i32 %s
}
define void @k(ptr %ctx, i32 %warp_base) {
  %lane = call i32 @anywarp.lane()
  %y = call i32 @fib(ptr %ctx, i32 %warp_base, i32 %lane)
  store i32 %y, ptr %ctx
  ret void
})");
    EXPECT_TRUE(ir.module->getFunction("fib"));
    EXPECT_EQ(ir.calls("fib"), 3u) << ir.text();
}

TEST(SettleRecursiveFunctions, resolves_what_a_single_thread_needs) {
    auto text = [](const std::string& extra) {
        return std::string(R"(
declare void @anywarp.check.aligned(ptr, i64, i64)
declare void @anywarp.mma.never(ptr)
define internal i32 @down(ptr %ctx, i32 %warp_base, i64 %n) {
  call void @anywarp.check.aligned(ptr %ctx, i64 %n, i64 3)
  )") + extra + R"(
  %lane = call i32 @anywarp.lane()
  %end = icmp eq i64 %n, 0
  br i1 %end, label %stop, label %more
stop:
  ret i32 %lane
more:
  %m = sub i64 %n, 4
  %r = call i32 @down(ptr %ctx, i32 %warp_base, i64 %m)
  %s = mul i32 %r, 3
  %t = xor i32 %s, 9
  ret i32 %t
}
define void @k(ptr %ctx, i32 %warp_base) {
  %y = call i32 @down(ptr %ctx, i32 %warp_base, i64 40)
  store i32 %y, ptr %ctx
  ret void
})";
    };
    Scalar fine(text(""));
    ASSERT_TRUE(settle_recursive_functions(*fine.module));
    fine.verify();
    EXPECT_EQ(fine.calls("anywarp.lane"), 0u);
    EXPECT_EQ(fine.calls("anywarp.check.aligned"), 0u);
    EXPECT_GE(fine.calls("anywarp_trap"), 1u);
    EXPECT_FALSE(fine.module->getNamedMetadata("anywarp.fibers"));

    Scalar waits(text("call void @anywarp.exit()")); // what suspends a chain of calls needs a fiber
    ASSERT_TRUE(settle_recursive_functions(*waits.module));
    waits.verify();
    EXPECT_EQ(waits.calls("anywarp.exit"), 0u);
    EXPECT_EQ(waits.calls("anywarp_fiber_suspend"), 1u);
    EXPECT_TRUE(waits.module->getNamedMetadata("anywarp.fibers"));

    Scalar bad(text("call void @anywarp.mma.never(ptr %ctx)"));
    auto refused = settle_recursive_functions(*bad.module);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "mma.never in the recursive device function down");
}

TEST(OptimizeSimt, a_trap_leads_to_the_return) {
    Scalar ir(R"(
define void @k(ptr %ctx, i32 %warp_base) {
  %lane = call i32 @anywarp.lane()
  %bad = icmp eq i32 %lane, 3
  br i1 %bad, label %trap, label %go
trap:
  call void @anywarp_trap(ptr %ctx, i32 719) noreturn
  unreachable
go:
  store i32 1, ptr %ctx
  ret void
})");
    EXPECT_EQ(ir.count<llvm::UnreachableInst>(), 0u) << ir.text();
    EXPECT_EQ(ir.calls("anywarp_trap"), 1u) << ir.text();
    EXPECT_EQ(ir.count<llvm::ReturnInst>(), 1u) << ir.text();
}

// A loop with two entries, and a branch to both whose condition is a phi of one of them (found by the fuzzer).
TEST(OptimizeSimt, a_branch_to_both_entries_of_a_loop) {
    for (bool optimize : {true, false}) {
        IrFixture ir(R"(
define void @k(ptr %ctx, i32 %warp_base) {
entry:
  %v = load i32, ptr %ctx
  %c = icmp eq i32 %v, 0
  br i1 %c, label %b, label %a
a:
  %flag = phi i1 [ %odd, %b ], [ %flag, %a ], [ %c, %entry ]
  store i32 1, ptr %ctx
  br i1 %flag, label %a, label %b
b:
  %w = load i32, ptr %ctx
  %odd = trunc i32 %w to i1
  %end = icmp eq i32 %w, 7
  br i1 %end, label %done, label %a
done:
  ret void
})");
        optimize_simt(*ir.module, *ir.machine, optimize);
        ir.verify();
    }
}

TEST(OptimizeSimt, barriers_and_shuffles_are_neither_merged_nor_moved) {
    Scalar ir(R"(
define void @k(ptr %ctx, i32 %warp_base, i1 %c) {
  %lane = call i32 @anywarp.lane()
  br i1 %c, label %a, label %b
a:
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  store volatile i32 1, ptr %ctx
  br label %join
b:
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  store volatile i32 2, ptr %ctx
  br label %join
join:
  %s1 = call { i32, i1 } @anywarp.shfl.down(i32 %lane, i32 1, i32 31, i32 -1)
  %v1 = extractvalue { i32, i1 } %s1, 0
  %pick = icmp eq i32 %lane, 5
  br i1 %pick, label %use, label %done
use:
  store volatile i32 %v1, ptr %ctx
  br label %done
done:
  ret void
})");
    EXPECT_EQ(ir.calls("anywarp.barrier"), 2u) << ir.text();
    EXPECT_EQ(ir.calls("anywarp.shfl.down"), 1u) << ir.text();
    for (const llvm::BasicBlock& block : *ir.module->getFunction("k"))
        for (const llvm::Instruction& instruction : block)
            if (auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction))
                if (call->getCalledFunction()->getName() == "anywarp.shfl.down")
                    EXPECT_NE(block.getTerminator()->getNumSuccessors(), 1u) << "sunk into the branch\n" << ir.text();
}

TEST(OptimizeSimt, stores_are_visible_at_barriers) {
    Scalar ir(R"(
define void @k(ptr %ctx, i32 %warp_base, ptr %s) {
  store i32 1, ptr %s
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  store i32 2, ptr %s
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  %v = load i32, ptr %s
  store i32 %v, ptr %ctx
  ret void
})");
    EXPECT_EQ(ir.count<llvm::StoreInst>(), 3u) << ir.text();
    EXPECT_EQ(ir.count<llvm::LoadInst>(), 1u) << ir.text();
}

TEST(OptimizeSimt, irreducible_loops_are_made_reducible_and_loops_are_simple) {
    for (bool optimize : {true, false}) {
        Scalar ir(R"(
define void @k(ptr %ctx, i32 %warp_base, i32 %n) {
  %lane = call i32 @anywarp.lane()
  %c = icmp eq i32 %lane, 0
  br i1 %c, label %a, label %b
a:
  %i = phi i32 [ 0, %0 ], [ %j2, %b ]
  %i2 = add i32 %i, 1
  store volatile i32 %i2, ptr %ctx
  %x = icmp slt i32 %i2, %n
  br i1 %x, label %b, label %end
b:
  %j = phi i32 [ 5, %0 ], [ %i2, %a ]
  %j2 = add i32 %j, 3
  store volatile i32 %j2, ptr %ctx
  %y = icmp slt i32 %j2, %n
  br i1 %y, label %a, label %end
end:
  ret void
})",
                  optimize);
        llvm::Function& function = *ir.module->getFunction("k");
        llvm::DominatorTree tree(function);
        llvm::LoopInfo loops(tree);
        ASSERT_FALSE(loops.empty()) << ir.text();
        for (llvm::Loop* loop : loops.getLoopsInPreorder()) {
            EXPECT_TRUE(loop->isLoopSimplifyForm()) << ir.text();
            EXPECT_TRUE(loop->isLCSSAForm(tree)) << ir.text();
        }
        for (llvm::BasicBlock& block : function) // every back edge goes to a dominator
            for (llvm::BasicBlock* next : llvm::successors(&block))
                if (loops.getLoopFor(next) && loops.getLoopFor(next)->contains(&block) && next == loops.getLoopFor(next)->getHeader())
                    EXPECT_TRUE(tree.dominates(next, &block));
        EXPECT_EQ(ir.count<llvm::SwitchInst>(), 0u);
    }
}

TEST(OptimizeSimt, short_loops_are_unrolled_and_nothing_is_vectorised) {
    Scalar ir(R"(
define void @k(ptr noalias %ctx, i32 %warp_base, ptr noalias %in) {
entry:
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %next, %loop ]
  %p = getelementptr float, ptr %in, i32 %i
  %v = load float, ptr %p
  %w = fadd float %v, 1.0
  %q = getelementptr float, ptr %ctx, i32 %i
  store float %w, ptr %q
  %next = add i32 %i, 1
  %more = icmp slt i32 %next, 4
  br i1 %more, label %loop, label %end
end:
  ret void
})");
    EXPECT_EQ(ir.count<llvm::StoreInst>(), 4u) << ir.text();
    EXPECT_EQ(ir.text().find("<4 x"), std::string::npos) << ir.text();
}

TEST(OptimizeSimt, vector_values_are_split) {
    Scalar ir(R"(
define void @k(ptr %ctx, i32 %warp_base) {
  %v = load <4 x float>, ptr %ctx, align 16
  %w = fadd <4 x float> %v, <float 1.0, float 2.0, float 3.0, float 4.0>
  %q = getelementptr i8, ptr %ctx, i64 64
  store <4 x float> %w, ptr %q, align 16
  ret void
})");
    EXPECT_EQ(ir.text().find("<4 x"), std::string::npos) << ir.text();
}

} // namespace
} // namespace anywarp::jit
