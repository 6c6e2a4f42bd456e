// Single instructions on the oracle against plain C++ on the host.
//
// Each test makes a kernel of one thread that loads operands, executes the instruction and stores the result.
#include "oracle/oracle.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace anywarp::oracle {
namespace {

const std::string header = ".version 8.0\n.target sm_90\n.address_size 64\n";

/// Executes `code` with a, b, c in registers of the given register type; the result is what it leaves in d.
uint64_t execute(const std::string& type, const std::string& code, uint64_t a, uint64_t b = 0, uint64_t c = 0) {
    std::string text = header +
                       ".visible .entry k(.param .u64 in, .param .u64 out)\n{\n .reg .b64 %p<3>;\n .reg .pred %q<4>;\n .reg .b32 "
                       "r<8>; .reg .b64 w<8>;\n .reg ." +
                       type + " a, b, c, d;\n ld.param.u64 %p1, [in];\n ld.param.u64 %p2, [out];\n";
    for (const char* r : {"a", "b", "c"})
        text += " ld.global." + type + " " + r + ", [%p1+" + std::to_string((*r - 'a') * 8) + "];\n";
    text += code + "\n st.global." + type + " [%p2], d;\n ret;\n}\n";
    auto module = ptx::parse_module(text, "test");
    if (!module) {
        ADD_FAILURE() << module.error().message;
        return 0;
    }
    alignas(16) uint64_t in[3] = {a, b, c}, out = 0;
    const void* params[2] = {in, &out};
    Launch launch;
    launch.params = reinterpret_cast<const uint8_t*>(params);
    Outcome outcome;
    auto result = run_grid(**module, 0, launch, outcome);
    if (!result) ADD_FAILURE() << code << ": " << result.error().message;
    return out;
}

ErrorCode code_of(const std::string& body, std::string* output = nullptr, uint32_t threads = 1) {
    auto module = ptx::parse_module(
        header + ".visible .entry k()\n{\n .reg .pred p;\n .reg .b32 r<8>;\n .reg .b64 d<8>;\n" + body + "\n ret;\n}\n", "test");
    if (!module) {
        ADD_FAILURE() << module.error().message;
        return ErrorCode::unknown;
    }
    Launch launch;
    launch.block[0] = threads;
    alignas(16) uint8_t params[16] = {};
    launch.params = params;
    Outcome outcome;
    auto result = run_grid(**module, 0, launch, outcome);
    if (output) *output = result ? outcome.output : result.error().message;
    return result ? ErrorCode::success : result.error().code;
}

const uint32_t words[] = {0,          1,          2,          31,         32,       33,         0x7fffffff,
                          0x80000000, 0x80000001, 0xffffffff, 0xfffffffe, 12345678, 0xdeadbeef, 0x5555aaaa};

TEST(Instruction, integers_32) {
    for (uint32_t a : words)
        for (uint32_t b : words) {
            int32_t sa = int32_t(a), sb = int32_t(b);
            EXPECT_EQ(execute("b32", "add.s32 d, a, b;", a, b), a + b);
            EXPECT_EQ(execute("b32", "sub.s32 d, a, b;", a, b), a - b);
            EXPECT_EQ(execute("b32", "mul.lo.s32 d, a, b;", a, b), a * b);
            EXPECT_EQ(execute("b32", "mul.hi.s32 d, a, b;", a, b), uint32_t((int64_t(sa) * sb) >> 32));
            EXPECT_EQ(execute("b32", "mul.hi.u32 d, a, b;", a, b), uint32_t((uint64_t(a) * b) >> 32));
            EXPECT_EQ(execute("b32", "mad.lo.s32 d, a, b, a;", a, b), a * b + a);
            EXPECT_EQ(execute("b32", "min.s32 d, a, b;", a, b), uint32_t(std::min(sa, sb)));
            EXPECT_EQ(execute("b32", "max.u32 d, a, b;", a, b), std::max(a, b));
            if (b) {
                EXPECT_EQ(execute("b32", "div.u32 d, a, b;", a, b), a / b);
                EXPECT_EQ(execute("b32", "rem.u32 d, a, b;", a, b), a % b);
                EXPECT_EQ(execute("b32", "div.s32 d, a, b;", a, b), uint32_t(int64_t(sa) / sb));
                EXPECT_EQ(execute("b32", "rem.s32 d, a, b;", a, b), uint32_t(int64_t(sa) % sb));
            }
            EXPECT_EQ(execute("b32", "shl.b32 d, a, b;", a, b), b > 31 ? 0 : a << b);
            EXPECT_EQ(execute("b32", "shr.u32 d, a, b;", a, b), b > 31 ? 0 : a >> b);
            EXPECT_EQ(execute("b32", "shr.s32 d, a, b;", a, b), uint32_t(sa >> (b > 31 ? 31 : b)));
            EXPECT_EQ(execute("b32", "add.sat.s32 d, a, b;", a, b),
                      uint32_t(std::clamp<int64_t>(int64_t(sa) + sb, INT32_MIN, INT32_MAX)));
            EXPECT_EQ(execute("b32", "setp.lt.s32 %q1, a, b; selp.b32 d, 1, 0, %q1;", a, b), sa < sb);
            EXPECT_EQ(execute("b32", "setp.hi.u32 %q1, a, b; selp.b32 d, 1, 0, %q1;", a, b), a > b);
            uint64_t sum = uint64_t(a) + b;
            EXPECT_EQ(execute("b32", "add.cc.u32 d, a, b; addc.u32 d, 0, 0;", a, b), sum >> 32);
            EXPECT_EQ(execute("b32", "sub.cc.u32 d, a, b; subc.u32 d, 0, 0;", a, b), a < b ? 0xffffffffu : 0);
            EXPECT_EQ(execute("b32", "shf.l.wrap.b32 d, a, b, 5;", a, b), b << 5 | a >> 27);
            EXPECT_EQ(execute("b32", "shf.r.clamp.b32 d, a, b, 40;", a, b), b);
        }
}

TEST(Instruction, bits_32) {
    for (uint32_t a : words) {
        EXPECT_EQ(execute("b32", "popc.b32 d, a;", a), uint32_t(std::popcount(a)));
        EXPECT_EQ(execute("b32", "clz.b32 d, a;", a), uint32_t(std::countl_zero(a)));
        EXPECT_EQ(execute("b32", "bfind.u32 d, a;", a), uint32_t(31 - std::countl_zero(a)));
        EXPECT_EQ(execute("b32", "bfe.u32 d, a, 4, 8;", a), (a >> 4) & 0xff);
        EXPECT_EQ(execute("b32", "bfe.s32 d, a, 4, 8;", a), uint32_t(int32_t(int8_t(a >> 4))));
        EXPECT_EQ(execute("b32", "bfe.s32 d, a, 28, 8;", a), uint32_t(int32_t(a) >> 28));
        EXPECT_EQ(execute("b32", "bfi.b32 d, a, b, 4, 8;", a, 0xffffffff), 0xfffff00fu | ((a & 0xff) << 4));
        EXPECT_EQ(execute("b32", "prmt.b32 d, a, b, 0x0123;", a, 0), __builtin_bswap32(a));
        EXPECT_EQ(execute("b32", "prmt.b32 d, a, b, 0x8888;", a, 0), a & 0x80 ? 0xffffffffu : 0);
        EXPECT_EQ(execute("b32", "lop3.b32 d, a, b, c, 0x96;", a, 0x0f0f0f0f, 0x12345678), a ^ 0x0f0f0f0f ^ 0x12345678);
        EXPECT_EQ(execute("b32", "lop3.b32 d, a, b, c, 0xca;", a, 0x0f0f0f0f, 0x12345678), (a & 0x0f0f0f0f) | (~a & 0x12345678));
    }
    EXPECT_EQ(execute("b32", "fns.b32 d, a, b, 2;", 0b101101, 1), 3u);
    EXPECT_EQ(execute("b32", "fns.b32 d, a, b, -1;", 0b101101, 4), 3u);
    EXPECT_EQ(execute("b32", "bmsk.clamp.b32 d, a, b;", 4, 8), 0xff0u);
    EXPECT_EQ(execute("b32", "bmsk.clamp.b32 d, a, b;", 40, 8), 0u);
    EXPECT_EQ(execute("b32", "dp4a.s32.s32 d, a, b, c;", 0x01ff0203, 0x01010101, 10), 10u + 1 - 1 + 2 + 3);
}

TEST(Instruction, floats_32) {
    const float values[] = {0.f, -0.f, 1.f, -1.f, 3.14159f, 1e-40f, -1e-40f, 1e38f, INFINITY, -INFINITY, NAN, 0.1f, 7e30f};
    for (float x : values)
        for (float y : values) {
            uint32_t a = std::bit_cast<uint32_t>(x), b = std::bit_cast<uint32_t>(y);
            auto same = [&](uint64_t mine, float host) {
                if (std::isnan(host))
                    EXPECT_EQ(mine, 0x7fffffffu);
                else
                    EXPECT_EQ(mine, std::bit_cast<uint32_t>(host)) << x << " " << y;
            };
            same(execute("b32", "add.f32 d, a, b;", a, b), x + y);
            same(execute("b32", "mul.f32 d, a, b;", a, b), x * y);
            same(execute("b32", "div.rn.f32 d, a, b;", a, b), x / y);
            same(execute("b32", "fma.rn.f32 d, a, b, a;", a, b), std::fma(x, y, x));
            EXPECT_EQ(execute("b32", "setp.lt.f32 %q1, a, b; selp.b32 d, 1, 0, %q1;", a, b), x < y);
            EXPECT_EQ(execute("b32", "setp.geu.f32 %q1, a, b; selp.b32 d, 1, 0, %q1;", a, b), !(x < y));
        }
    auto f = [](float v) { return std::bit_cast<uint32_t>(v); };
    EXPECT_EQ(execute("b32", "min.f32 d, a, b;", f(NAN), f(2)), f(2));
    EXPECT_EQ(execute("b32", "min.f32 d, a, b;", f(0.f), f(-0.f)), f(-0.f));
    EXPECT_EQ(execute("b32", "max.f32 d, a, b;", f(-0.f), f(0.f)), f(0.f));
    EXPECT_EQ(execute("b32", "max.NaN.f32 d, a, b;", f(NAN), f(2)), 0x7fffffffu);
    EXPECT_EQ(execute("b32", "add.sat.f32 d, a, b;", f(3), f(2)), f(1));
    EXPECT_EQ(execute("b32", "add.sat.f32 d, a, b;", f(NAN), f(2)), f(0));
    EXPECT_EQ(execute("b32", "add.ftz.f32 d, a, b;", 1, 0x80000000), 0u);
    EXPECT_EQ(execute("b32", "mul.ftz.f32 d, a, b;", f(-1e-30f), f(1e-10f)), 0x80000000u);
}

TEST(Instruction, conversions) {
    auto f = [](float v) { return std::bit_cast<uint32_t>(v); };
    EXPECT_EQ(execute("b32", "cvt.rzi.s32.f32 d, a;", f(3e9f)), 0x7fffffffu);
    EXPECT_EQ(execute("b32", "cvt.rzi.u32.f32 d, a;", f(-5.f)), 0u);
    EXPECT_EQ(execute("b32", "cvt.rzi.s32.f32 d, a;", f(NAN)), 0u);
    EXPECT_EQ(execute("b32", "cvt.rni.s32.f32 d, a;", f(2.5f)), 2u);
    EXPECT_EQ(execute("b64", "cvt.rzi.s64.f64 d, a;", std::bit_cast<uint64_t>(double(NAN))), 0x8000000000000000ull);
    EXPECT_EQ(execute("b64", "cvt.rn.f64.u64 d, a;", ~0ull), std::bit_cast<uint64_t>(0x1p64));
    EXPECT_EQ(execute("b32", "cvt.sat.s8.s32 d, a;", 300), 127u);
    EXPECT_EQ(execute("b32", "cvt.s32.s8 d, a;", 0x80), 0xffffff80u);
    EXPECT_EQ(execute("b32", "cvt.sat.u8.s32 d, a;", uint32_t(-3)), 0u);
    EXPECT_EQ(execute("b32", "cvt.rmi.f32.f32 d, a;", f(-1.5f)), f(-2.f));
    EXPECT_EQ(execute("b32", "cvt.rn.bf16x2.f32 d, a, b;", f(1.f), f(-2.f)), 0x3f80c000u);
    EXPECT_EQ(execute("b32", "cvt.rn.f16x2.f32 d, a, b;", f(1.f), f(70000.f)), 0x3c007c00u);
}

TEST(Instruction, faults) {
    std::string text;
    EXPECT_EQ(code_of("trap;"), ErrorCode::launch_failed);
    EXPECT_EQ(code_of("mov.u64 d1, 0; ld.global.u32 r1, [d1];"), ErrorCode::illegal_address);
    EXPECT_EQ(code_of("mov.u64 d1, 4098; ld.global.u32 r1, [d1];"), ErrorCode::misaligned_address);
    EXPECT_EQ(code_of(".shared .align 4 .b32 s[4]; ld.shared.u32 r1, [s+16];"), ErrorCode::illegal_address);
    EXPECT_EQ(code_of("wgmma.fence.sync.aligned;", &text), ErrorCode::not_supported);
    EXPECT_NE(text.find("wgmma.fence"), std::string::npos) << text;
    // Thread 0 waits at a barrier for two warps of which only one exists: nobody comes.
    EXPECT_EQ(code_of("bar.sync 1, 64;"), ErrorCode::launch_timeout);
}

} // namespace
} // namespace anywarp::oracle
