// The widening on hand-written SIMT IR: every kernel runs at each width, as a whole block, and must leave the same memory as the
// same kernel at width 1 (where nothing is vectorised) and what the test computes itself.
#include "jit/passes.h"
#include "simd/simd.h"

#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ThreadSafeModule.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Target/TargetMachine.h>

#include <cstring>
#include <numeric>
#include <vector>

using namespace anywarp;
namespace orc = llvm::orc;

namespace {

const char* prelude = R"(
declare i32 @anywarp.lane() nounwind willreturn memory(none)
declare void @anywarp.barrier(ptr, i32, i32) convergent nounwind
declare {i32, i1} @anywarp.shfl.down(i32, i32, i32, i32) convergent nounwind
declare i32 @anywarp.vote.ballot(i1, i32) convergent nounwind
)";

struct Fault { uint32_t code; };
extern "C" void test_trap(const BlockContext*, uint32_t code) { throw Fault{code}; }

struct Run {
    std::vector<int32_t> memory;
    KernelInfo info{};
    std::string error;
};

/// Runs `threads` threads of one block over a copy of `memory`; the kernel finds its address at params[0].
Run run(const std::string& body, unsigned width, uint32_t threads, std::vector<int32_t> memory, bool known_shape = true, bool optimize = true, bool together = true) {
    static bool once = [] { llvm::InitializeNativeTarget(); llvm::InitializeNativeTargetAsmPrinter(); llvm::InitializeNativeTargetAsmParser(); return true; }();
    (void)once;
    Run result;
    auto context = std::make_unique<llvm::LLVMContext>();
    llvm::SMDiagnostic diagnostic;
    auto module = llvm::parseAssemblyString(prelude + body, diagnostic, *context);
    if (!module) {
        result.error = diagnostic.getMessage().str() + " at line " + std::to_string(diagnostic.getLineNo());
        return result;
    }
    auto builder = llvm::cantFail(orc::JITTargetMachineBuilder::detectHost());
    auto machine = llvm::cantFail(builder.createTargetMachine());
    module->setTargetTriple(machine->getTargetTriple().str());
    module->setDataLayout(machine->createDataLayout());
    llvm::Function* kernel = module->getFunction("k");
    simd::WidenOptions options{.width = width};
    if (known_shape) options.block_dim[0] = threads, options.block_dim[1] = options.block_dim[2] = 1;
    simd::annotate_lanes(*kernel, width, options.block_dim);
    jit::optimize_simt(*module, *machine, optimize);
    if (auto done = simd::widen_kernel(*kernel, options, *machine); !done) {
        result.error = done.error().message;
        return result;
    }
    jit::optimize_simd(*module, *machine, optimize);
    auto jit = llvm::cantFail(orc::LLJITBuilder().setJITTargetMachineBuilder(builder).create());
    orc::SymbolMap symbols;
    symbols[jit->mangleAndIntern("anywarp_trap")] = {orc::ExecutorAddr::fromPtr(&test_trap), llvm::JITSymbolFlags::Exported};
    llvm::cantFail(jit->getMainJITDylib().define(orc::absoluteSymbols(symbols)));
    llvm::cantFail(jit->addIRModule(orc::ThreadSafeModule(std::move(module), std::move(context))));
    auto* info = llvm::cantFail(jit->lookup("anywarp_kernel_info")).toPtr<KernelInfo*>();
    result.info = *info;

    int32_t* data = memory.data();
    BlockContext block{};
    block.ntid[0] = threads, block.ntid[1] = block.ntid[2] = 1;
    block.threads = threads;
    block.params = reinterpret_cast<const uint8_t*>(&data);
    std::vector<uint8_t> shared(65536);
    block.shared = shared.data();
    if (!info->suspends) {
        info->run_block(&block);
    } else {
        uint32_t warps = (threads + width - 1) / width;
        void* frames = std::aligned_alloc(info->frame_align, info->frame_bytes * warps);
        std::vector<WarpState> states(warps);
        if (together && info->run_pieces(&block, states.data(), frames, 0, 0, warps) != pieces_finished)
            result.error = "the warps went different ways";
        for (bool first = true, left = !together; left; first = false) { // a warp at a time; barriers of the whole block only
            left = false;
            for (uint32_t i = 0; i < warps; ++i)
                if (first || states[i].suspension != Suspension::finished)
                    left = true, info->run_pieces(&block, states.data(), frames, states[i].piece, i, i + 1);
        }
        std::free(frames);
    }
    result.memory = std::move(memory);
    return result;
}

void check(const std::string& body, uint32_t threads, const std::vector<int32_t>& memory, const std::vector<int32_t>& expected,
           std::initializer_list<unsigned> widths = {1, 4, 8, 16, 32}) {
    for (unsigned width : widths)
        for (bool known : {true, false})
            for (bool optimize : {true, false})
                for (bool together : {true, false}) {
                    Run result = run(body, width, threads, memory, known, optimize, together);
                    ASSERT_EQ(result.error, "");
                    ASSERT_EQ(result.memory, expected)
                        << "width " << width << " known shape " << known << " optimised " << optimize << " together " << together;
                }
}

std::string kernel(const std::string& body) {
    return "define void @k(ptr %ctx, i32 %warp_base) {\nentry:\n"
           "  %lane = call i32 @anywarp.lane()\n  %tid = add i32 %warp_base, %lane\n"
           "  %pp = getelementptr i8, ptr %ctx, i64 40\n  %params = load ptr, ptr %pp, !invariant.load !0\n"
           "  %mem = load ptr, ptr %params, !invariant.load !0\n"
           "  %np = getelementptr i8, ptr %ctx, i64 36\n  %n = load i32, ptr %np, !invariant.load !0\n"
           "  %in = icmp ult i32 %tid, %n\n  br i1 %in, label %body, label %end\nbody:\n"
           "  %wide = zext i32 %tid to i64\n  %p = getelementptr i32, ptr %mem, i64 %wide\n" +
           body + "\nend:\n  ret void\n}\n!0 = !{}\n";
}

std::vector<int32_t> iota(int n) {
    std::vector<int32_t> v(n);
    std::iota(v.begin(), v.end(), 0);
    return v;
}

} // namespace

TEST(Widen, ContiguousLoadAndStore) {
    std::string k = kernel("  %v = load i32, ptr %p\n  %w = mul i32 %v, 3\n  store i32 %w, ptr %p\n  br label %end");
    std::vector<int32_t> expected = iota(100);
    for (int i = 0; i < 77; ++i) expected[i] *= 3;
    check(k, 77, iota(100), expected);
    EXPECT_EQ(run(k, 16, 64, iota(64)).info.gather, 0u);
    EXPECT_EQ(run(k, 16, 64, iota(64)).info.contiguous, 2u);
}

TEST(Widen, NestedDivergence) {
    std::string k = kernel(R"(  %v = load i32, ptr %p
  %b0 = and i32 %v, 1
  %c0 = icmp eq i32 %b0, 0
  br i1 %c0, label %even, label %odd
even:
  %b1 = and i32 %v, 2
  %c1 = icmp eq i32 %b1, 0
  br i1 %c1, label %four, label %two
four:
  store i32 4, ptr %p
  br label %join
two:
  %t = sdiv i32 100, %v
  store i32 %t, ptr %p
  br label %join
odd:
  br label %join
join:
  %phi = phi i32 [ 1, %four ], [ 2, %two ], [ 3, %odd ]
  %q = getelementptr i32, ptr %mem, i64 200
  %q2 = getelementptr i32, ptr %q, i64 %wide
  store i32 %phi, ptr %q2
  br label %end)");
    std::vector<int32_t> in = iota(400), expected = in;
    for (int i = 0; i < 90; ++i) {
        expected[i] = i % 4 == 0 ? 4 : i % 2 == 0 ? 100 / i : i;
        expected[200 + i] = i % 4 == 0 ? 1 : i % 2 == 0 ? 2 : 3;
    }
    check(k, 90, in, expected);
}

// while (x != 1) x = x odd ? 3x+1 : x/2; lanes leave in different iterations, a phi carries the count out.
TEST(Widen, DivergentLoop) {
    std::string k = kernel(R"(  %v0 = load i32, ptr %p
  %start = add i32 %v0, 1
  br label %head
head:
  %x = phi i32 [ %start, %body ], [ %x2, %latch ]
  %count = phi i32 [ 0, %body ], [ %count2, %latch ]
  %done = icmp eq i32 %x, 1
  br i1 %done, label %out, label %work
work:
  %low = and i32 %x, 1
  %odd = icmp ne i32 %low, 0
  br i1 %odd, label %up, label %down
up:
  %x3 = mul i32 %x, 3
  %xu = add i32 %x3, 1
  br label %latch
down:
  %xd = lshr i32 %x, 1
  br label %latch
latch:
  %x2 = phi i32 [ %xu, %up ], [ %xd, %down ]
  %count2 = add i32 %count, 1
  %limit = icmp ugt i32 %count2, 50
  br i1 %limit, label %give_up, label %head
give_up:
  br label %out
out:
  %result = phi i32 [ %count, %head ], [ -1, %give_up ]
  store i32 %result, ptr %p
  br label %end)");
    std::vector<int32_t> in = iota(128), expected = in;
    for (int i = 0; i < 100; ++i) {
        int64_t x = i + 1;
        int steps = 0;
        while (x != 1) {
            x = x % 2 ? 3 * x + 1 : x / 2;
            if (++steps > 50) { steps = -1; break; }
        }
        expected[i] = steps;
    }
    check(k, 100, in, expected);
}

// Uniform loop inside a divergent branch, with a uniform break.
TEST(Widen, UniformLoopUnderDivergence) {
    std::string k = kernel(R"(  %v = load i32, ptr %p
  %b0 = and i32 %v, 3
  %c0 = icmp eq i32 %b0, 1
  br i1 %c0, label %pre, label %join
pre:
  br label %head
head:
  %i = phi i32 [ 0, %pre ], [ %i2, %more ]
  %s = phi i32 [ 0, %pre ], [ %s2, %more ]
  %iw = zext i32 %i to i64
  %q = getelementptr i32, ptr %mem, i64 %iw
  %e = load volatile i32, ptr %q
  %s2 = add i32 %s, %v
  %i2 = add i32 %i, 1
  %five = icmp eq i32 %e, 205
  br i1 %five, label %join, label %more
more:
  %c1 = icmp ult i32 %i2, 10
  br i1 %c1, label %head, label %join
join:
  %r = phi i32 [ %v, %body ], [ %s2, %head ], [ 0, %more ]
  %far = getelementptr i32, ptr %p, i64 100
  store i32 %r, ptr %far
  br label %end)");
    std::vector<int32_t> in = iota(300);
    for (int i = 0; i < 100; ++i) in[i] += 200;
    std::vector<int32_t> expected = in;
    for (int i = 0; i < 60; ++i) expected[100 + i] = in[i] % 4 == 1 ? 6 * in[i] : in[i];
    check(k, 60, in, expected);
}

TEST(Widen, GatherScatterAndStrided) {
    std::string k = kernel(R"(  %v = load i32, ptr %p
  %m = mul i32 %v, 7
  %idx = urem i32 %m, 64
  %iw = zext i32 %idx to i64
  %q = getelementptr i32, ptr %mem, i64 %iw
  %g = load i32, ptr %q
  %twice = mul i64 %wide, 2
  %off = add i64 %twice, 64
  %r = getelementptr i32, ptr %mem, i64 %off
  store i32 %g, ptr %r
  br label %end)");
    std::vector<int32_t> in = iota(256), expected = in;
    for (int i = 0; i < 64; ++i) expected[64 + 2 * i] = i * 7 % 64;
    check(k, 64, in, expected);
}

// Arrays of structures: all four members, two of four, members of three, in and out, with a last warp that isn't full.
TEST(Widen, MembersOfStructures) {
    auto body = [](int members, const std::vector<int>& loads, const std::vector<int>& stores) {
        std::string text = "  %at = mul i64 %wide, " + std::to_string(members) + "\n  %s = getelementptr i32, ptr %mem, i64 %at\n"
                           "  %o = getelementptr i32, ptr %s, i64 600\n";
        std::string sum = "%tid";
        for (int m : loads) {
            std::string n = std::to_string(m);
            text += "  %p" + n + " = getelementptr i32, ptr %s, i64 " + n + "\n  %v" + n + " = load i32, ptr %p" + n + "\n";
        }
        for (int m : loads) {
            std::string n = std::to_string(m);
            text += "  %m" + n + " = mul i32 %v" + n + ", " + std::to_string(m + 2) + "\n  %t" + n + " = add i32 " + sum + ", %m" + n + "\n";
            sum = "%t" + n;
        }
        for (int m : stores) {
            std::string n = std::to_string(m);
            text += "  %q" + n + " = getelementptr i32, ptr %o, i64 " + n + "\n  %w" + n + " = add i32 " + sum + ", " + n + "\n  store i32 %w" + n +
                    ", ptr %q" + n + "\n";
        }
        return text + "  br label %end";
    };
    struct Case { int members; std::vector<int> loads, stores; };
    for (const Case& c : {Case{4, {0, 1, 2, 3}, {0, 1, 2, 3}}, Case{4, {3, 1}, {2, 0}}, Case{3, {0, 1, 2}, {2, 1, 0}}, Case{2, {0, 1}, {0, 1}}, Case{3, {0, 2}, {1, 2}}}) {
        for (uint32_t threads : {64u, 77u}) {
            std::vector<int32_t> in = iota(1200), expected = in;
            for (int i = 0; i < int(threads); ++i) {
                int sum = i;
                for (int m : c.loads) sum += in[i * c.members + m] * (m + 2);
                for (int m : c.stores) expected[600 + i * c.members + m] = sum + m;
            }
            std::string k = kernel(body(c.members, c.loads, c.stores));
            check(k, threads, in, expected);
            EXPECT_EQ(run(k, 16, threads, in).info.gather, 0u);
        }
    }
}

// A value that doesn't fit: index arithmetic in 32 bits that wraps between lanes must not become one vector access.
TEST(Widen, IndexThatWrapsBetweenLanes) {
    std::string k = kernel(R"(  %first = getelementptr i32, ptr %mem, i64 255
  %bias = load i32, ptr %first
  %idx = add i32 %tid, %bias
  %iw = zext i32 %idx to i64
  %hi = icmp ugt i32 %idx, 1000000
  %safe = select i1 %hi, i64 70, i64 %iw
  %q = getelementptr i32, ptr %mem, i64 %safe
  %g = load i32, ptr %q
  %o = getelementptr i32, ptr %p, i64 100
  store i32 %g, ptr %o
  br label %end)");
    for (int32_t bias : {0, 3, -5}) {
        std::vector<int32_t> in = iota(256);
        in[255] = bias;
        std::vector<int32_t> expected = in;
        for (int i = 0; i < 64; ++i) expected[100 + i] = i + bias < 0 ? 70 : i + bias;
        check(k, 64, in, expected);
    }
}

TEST(Widen, AtomicsWithContention) {
    std::string k = kernel(R"(  %v = load i32, ptr %p
  %slot = and i32 %v, 7
  %sw = zext i32 %slot to i64
  %sp = add i64 %sw, 200
  %q = getelementptr i32, ptr %mem, i64 %sp
  %old = atomicrmw add ptr %q, i32 %v monotonic
  %t = getelementptr i32, ptr %mem, i64 220
  %u = atomicrmw add ptr %t, i32 1 monotonic
  %r = getelementptr i32, ptr %mem, i64 221
  %w = atomicrmw max ptr %r, i32 %v monotonic
  br label %end)");
    std::vector<int32_t> in = iota(256), expected = in;
    for (int i = 0; i < 100; ++i) expected[200 + (i & 7)] += i, expected[220] += 1;
    expected[221] = std::max(expected[221], 99);
    check(k, 100, in, expected);
}

TEST(Widen, LocalArrayWithDynamicIndex) {
    std::string body = R"(  %v = load i32, ptr %p
  %i0 = and i32 %v, 7
  %w0 = zext i32 %i0 to i64
  %e = getelementptr i32, ptr %array, i64 %w0
  br label %fill
fill:
  %i = phi i64 [ 0, %body ], [ %i2, %fill ]
  %q = getelementptr i32, ptr %array, i64 %i
  %it = trunc i64 %i to i32
  %val = mul i32 %it, %v
  store i32 %val, ptr %q
  %i2 = add i64 %i, 1
  %c = icmp ult i64 %i2, 8
  br i1 %c, label %fill, label %read
read:
  %g = load i32, ptr %e
  store i32 %g, ptr %p
  br label %end)";
    std::string k = kernel(body);
    k.replace(k.find("entry:\n"), 7, "entry:\n  %array = alloca [8 x i32]\n");
    std::vector<int32_t> in = iota(64), expected = in;
    for (int i = 0; i < 50; ++i) expected[i] = (i & 7) * i;
    check(k, 50, in, expected);
}

// A block-wide reversal through shared memory, in a loop of barriers.
TEST(Widen, BarriersInALoop) {
    std::string k = kernel(R"(  %sp = getelementptr i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %sp, !invariant.load !0
  %mine = getelementptr i32, ptr %shared, i64 %wide
  %last = sub i32 %n, 1
  %rev = sub i32 %last, %tid
  %rw = zext i32 %rev to i64
  %other = getelementptr i32, ptr %shared, i64 %rw
  br label %head
head:
  %i = phi i32 [ 0, %body ], [ %i2, %head ]
  %v = load i32, ptr %p
  store i32 %v, ptr %mine
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  %g = load i32, ptr %other
  %g1 = add i32 %g, %i
  store i32 %g1, ptr %p
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  %i2 = add i32 %i, 1
  %c = icmp ult i32 %i2, 3
  br i1 %c, label %head, label %end)");
    std::vector<int32_t> in = iota(96), expected = in;
    for (int r = 0; r < 3; ++r) {
        std::vector<int32_t> before = expected;
        for (int i = 0; i < 70; ++i) expected[i] = before[69 - i] + r;
    }
    check(k, 70, in, expected);
}

// Behind the first barrier %w follows from %v, which is kept; behind the second only %w is needed, and must have been kept by then
// (found by the fuzzer).
TEST(Widen, AValueComputedAnewIsKeptLater) {
    std::string k = kernel(R"(  %sp = getelementptr i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %sp, !invariant.load !0
  %mine = getelementptr i32, ptr %shared, i64 %wide
  %last = sub i32 %n, 1
  %rev = sub i32 %last, %tid
  %rw = zext i32 %rev to i64
  %other = getelementptr i32, ptr %shared, i64 %rw
  %v = load i32, ptr %p
  %w = add i32 %v, 1000
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  store i32 %v, ptr %mine
  call void @anywarp.barrier(ptr %ctx, i32 0, i32 0)
  %g = load i32, ptr %other
  %sum = add i32 %g, %w
  store i32 %sum, ptr %p
  br label %end)");
    std::vector<int32_t> expected(70);
    for (int i = 0; i < 70; ++i) expected[i] = (69 - i) + i + 1000;
    check(k, 70, iota(70), expected);
}

TEST(Widen, ShuffleReductionAndBallot) {
    std::string k = kernel(R"(  %v = load i32, ptr %p
  %r1 = call {i32, i1} @anywarp.shfl.down(i32 %v, i32 16, i32 31, i32 -1)
  %a1 = extractvalue {i32, i1} %r1, 0
  %s1 = add i32 %v, %a1
  %r2 = call {i32, i1} @anywarp.shfl.down(i32 %s1, i32 8, i32 31, i32 -1)
  %a2 = extractvalue {i32, i1} %r2, 0
  %ok = extractvalue {i32, i1} %r2, 1
  %s2 = add i32 %s1, %a2
  %b = and i32 %v, 1
  %odd = icmp ne i32 %b, 0
  %ballot = call i32 @anywarp.vote.ballot(i1 %odd, i32 -1)
  %okw = zext i1 %ok to i32
  %x = xor i32 %ballot, %s2
  %y = add i32 %x, %okw
  store i32 %y, ptr %p
  br label %end)");
    std::vector<int32_t> in = iota(64), expected = in;
    for (int i = 0; i < 64; ++i) {
        auto at = [&](int lane) { return lane < 32 ? (i / 32) * 32 + lane : i; };
        auto s1 = [&](int t) { int lane = t % 32; return t + (lane + 16 < 32 ? t + 16 : t); };
        int lane = i % 32;
        int s2 = s1(i) + (lane + 8 < 32 ? s1(at(lane + 8)) : s1(i));
        expected[i] = int32_t((0xaaaaaaaau ^ uint32_t(s2)) + (lane + 8 < 32));
    }
    check(k, 64, in, expected, {32});
}
