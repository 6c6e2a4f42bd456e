// The pipeline behind the lowering: hand-written SIMT IR, optimised, widened, optimised again, loaded and run at every width.
#include "jit/compiler.h"
#include "jit/loader.h"
#include "jit/passes.h"
#include "simd/simd.h"

#include "block_runner.h"
#include "ir_fixture.h"

#include <cstdlib>

namespace anywarp::jit {
namespace {

const char* declarations = R"(
declare i32 @anywarp.lane()
declare void @anywarp.barrier(ptr, i32, i32)
declare void @anywarp.exit()
declare void @anywarp_trap(ptr, i32)
declare { i32, i1 } @anywarp.shfl.idx(i32, i32, i32, i32)
define internal i32 @tid(ptr %ctx, i32 %warp_base) {
  %lane = call i32 @anywarp.lane()
  %tid = add i32 %lane, %warp_base
  ret i32 %tid
}
define internal ptr @params(ptr %ctx) {
  %p = getelementptr i8, ptr %ctx, i64 40
  %params = load ptr, ptr %p, !invariant.load !0
  ret ptr %params
}
define internal i1 @outside(ptr %ctx, i32 %tid) {
  %p = getelementptr i8, ptr %ctx, i64 36
  %threads = load i32, ptr %p, !invariant.load !0
  %out = icmp uge i32 %tid, %threads
  ret i1 %out
}
!0 = !{}
)";

std::unique_ptr<LoadedCode> build(const std::string& body, unsigned width, bool optimize) {
    IrFixture ir(declarations + body);
    optimize_simt(*ir.module, *ir.machine, optimize);
    ir.verify();
    std::string before = ir.text();
    auto widened = simd::widen_kernel(*ir.module->getFunction("k"), {.width = width}, *ir.machine);
    if (!widened) {
        ADD_FAILURE() << widened.error().message << "\n" << before;
        return nullptr;
    }
    ir.verify();
    if (std::getenv("ANYWARP_TEST_PRINT")) std::puts(ir.text().c_str());
    optimize_simd(*ir.module, *ir.machine, optimize);
    ir.verify();
    if (std::getenv("ANYWARP_TEST_PRINT")) std::puts(ir.text().c_str());
    auto code = load_object(ir.object(), "k");
    if (!code) ADD_FAILURE() << code.error().message;
    return code ? std::move(*code) : nullptr;
}

/// Runs one block of `threads` over an array of as many elements (and spare ones), and compares with `expected`.
template <class Expected> void check(const std::string& body, Expected expected, std::vector<unsigned> widths = {1, 4, 8, 16, 32}) {
    for (bool optimize : {true, false})
        for (unsigned width : widths)
            for (uint32_t threads : {1u, 5u, 64u, 100u}) {
                auto code = build(body, width, optimize);
                ASSERT_TRUE(code);
                EXPECT_EQ(code->info.width, width);
                std::vector<uint32_t> data(256);
                for (uint32_t i = 0; i < 256; ++i) data[i] = i;
                uint32_t* params = data.data();
                run_grid(code->info, 1, threads, &params);
                for (uint32_t i = 0; i < 256; ++i)
                    ASSERT_EQ(data[i], i < threads ? expected(i, threads) : i)
                        << "width " << width << " threads " << threads << " thread " << i << " optimize " << optimize;
            }
}

const std::string prologue = R"(
define void @k(ptr %ctx, i32 %warp_base) {
entry:
  %tid = call i32 @tid(ptr %ctx, i32 %warp_base)
  %out = call i1 @outside(ptr %ctx, i32 %tid)
  br i1 %out, label %end, label %start
start:
  %pp = call ptr @params(ptr %ctx)
  %data = load ptr, ptr %pp, !invariant.load !0
  %p = getelementptr i32, ptr %data, i32 %tid
  %v = load i32, ptr %p
)";

TEST(Widen, straight_line) {
    check(prologue + R"(
  %w = mul i32 %v, 3
  %x = add i32 %w, 1
  store i32 %x, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t i, uint32_t) { return 3 * i + 1; });
}

TEST(Widen, divergent_branch) {
    check(prologue + R"(
  %odd = trunc i32 %v to i1
  br i1 %odd, label %a, label %b
a:
  store i32 7, ptr %p
  %a1 = mul i32 %v, 5
  br label %join
b:
  %b1 = add i32 %v, 100
  br label %join
join:
  %r = phi i32 [ %a1, %a ], [ %b1, %b ]
  store i32 %r, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t i, uint32_t) { return i & 1 ? i * 5 : i + 100; });
}

TEST(Widen, divergent_loop_with_two_exits) {
    // Collatz steps, but no more than 20.
    check(prologue + R"(
  br label %loop
loop:
  %n = phi i32 [ %v, %start ], [ %next, %step ]
  %c = phi i32 [ 0, %start ], [ %c1, %step ]
  %small = icmp ule i32 %n, 1
  br i1 %small, label %leave, label %body
body:
  %much = icmp uge i32 %c, 20
  br i1 %much, label %capped, label %step
step:
  %odd = trunc i32 %n to i1
  %half = lshr i32 %n, 1
  %three = mul i32 %n, 3
  %up = add i32 %three, 1
  %next = select i1 %odd, i32 %up, i32 %half
  %c1 = add i32 %c, 1
  br label %loop
capped:
  store i32 999, ptr %p
  br label %end
leave:
  store i32 %c, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t i, uint32_t) {
              uint32_t n = i, c = 0;
              while (n > 1) {
                  if (c >= 20) return 999u;
                  n = n & 1 ? 3 * n + 1 : n / 2;
                  ++c;
              }
              return c;
          });
}

TEST(Widen, nested_divergent_loops) {
    check(prologue + R"(
  %limit = and i32 %v, 7
  br label %outer
outer:
  %i = phi i32 [ 0, %start ], [ %i1, %latch ]
  %s = phi i32 [ 0, %start ], [ %s2, %latch ]
  br label %inner
inner:
  %j = phi i32 [ 0, %outer ], [ %j1, %inner ]
  %t = phi i32 [ %s, %outer ], [ %t1, %inner ]
  %ij = mul i32 %i, %j
  %t1 = add i32 %t, %ij
  %j1 = add i32 %j, 1
  %mi = icmp ule i32 %j1, %i
  br i1 %mi, label %inner, label %latch
latch:
  %s2 = phi i32 [ %t1, %inner ]
  %i1 = add i32 %i, 1
  %mo = icmp ule i32 %i1, %limit
  br i1 %mo, label %outer, label %done
done:
  store i32 %s2, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t v, uint32_t) {
              uint32_t s = 0;
              for (uint32_t i = 0; i <= (v & 7); ++i)
                  for (uint32_t j = 0; j <= i; ++j) s += i * j;
              return s;
          });
}

TEST(Widen, barrier_and_shared_memory) {
    check(prologue + R"(
  %sp = getelementptr i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %sp, !invariant.load !0
  %np = getelementptr i8, ptr %ctx, i64 36
  %n = load i32, ptr %np, !invariant.load !0
  %mine = getelementptr i32, ptr %shared, i32 %tid
  store i32 %v, ptr %mine
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  %n1 = sub i32 %n, 1
  %other = sub i32 %n1, %tid
  %theirs = getelementptr i32, ptr %shared, i32 %other
  %r = load i32, ptr %theirs
  store i32 %r, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t i, uint32_t threads) { return threads - 1 - i; });
}

TEST(Widen, barrier_in_a_loop) {
    // Each round takes the right neighbour's value: after 3 rounds that of thread i + 3.
    check(prologue + R"(
  %sp = getelementptr i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %sp, !invariant.load !0
  %np = getelementptr i8, ptr %ctx, i64 36
  %n = load i32, ptr %np, !invariant.load !0
  %mine = getelementptr i32, ptr %shared, i32 %tid
  %t1 = add i32 %tid, 1
  %next = urem i32 %t1, %n
  %theirs = getelementptr i32, ptr %shared, i32 %next
  br label %loop
loop:
  %i = phi i32 [ 0, %start ], [ %i1, %loop ]
  %x = phi i32 [ %v, %start ], [ %y, %loop ]
  store i32 %x, ptr %mine
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  %y = load i32, ptr %theirs
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  %i1 = add i32 %i, 1
  %more = icmp ult i32 %i1, 3
  br i1 %more, label %loop, label %done
done:
  store i32 %y, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t i, uint32_t threads) { return (i + 3) % threads; });
}

TEST(Widen, shuffle) {
    check(prologue + R"(
  %src = xor i32 %tid, 1
  %s = call { i32, i1 } @anywarp.shfl.idx(i32 %v, i32 0, i32 31, i32 -1)
  %r = extractvalue { i32, i1 } %s, 0
  store i32 %r, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t i, uint32_t) { return i / 32 * 32; }, {32});
}

TEST(Widen, a_trap_ends_the_kernel_only_if_a_lane_reaches_it) {
    static uint32_t trapped = 0;
    set_service("anywarp_trap", reinterpret_cast<void*>(+[](const BlockContext*, uint32_t code) { trapped = code; }));
    check(prologue + R"(
  %bad = icmp ugt i32 %v, 1000
  br i1 %bad, label %trap, label %go
trap:
  call void @anywarp_trap(ptr %ctx, i32 719) noreturn
  unreachable
go:
  store i32 5, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t, uint32_t) { return 5u; });
    EXPECT_EQ(trapped, 0u);
}

TEST(Widen, local_arrays_differ_between_lanes) {
    check(prologue + R"(
  %a = alloca [8 x i32]
  %i0 = and i32 %v, 7
  %q = getelementptr i32, ptr %a, i32 %i0
  %z0 = getelementptr i32, ptr %a, i32 3
  store i32 11, ptr %z0
  store i32 %v, ptr %q
  %r = load i32, ptr %z0
  store i32 %r, ptr %p
  br label %end
end:
  ret void
})",
          [](uint32_t i, uint32_t) { return (i & 7) == 3 ? i : 11u; });
}

} // namespace
} // namespace anywarp::jit
