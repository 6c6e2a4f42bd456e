// Integer instructions on the oracle against plain loops and 128-bit arithmetic (PTX ISA, "Integer Arithmetic Instructions",
// "Extended-Precision Integer Arithmetic", "Logic and Shift Instructions"). Nothing here uses the oracle's own helpers.
#include "reference_run.h"

#include <algorithm>
#include <cstdlib>

namespace anywarp::oracle {
namespace {

using u128 = unsigned __int128;
using i128 = __int128;

TEST(ReferenceInteger, products) {
    const auto in = integer_operands();
    auto s24 = [](uint64_t v) { return int64_t(v << 40) >> 40; };
    auto u24 = [](uint64_t v) { return int64_t(v & 0xffffff); };
    expect_over("mul.hi.u64 wd, wa, wb;", 64, in, [](Operands o) { return uint64_t(u128(o.a) * o.b >> 64); });
    expect_over("mul.hi.s64 wd, wa, wb;", 64, in, [](Operands o) { return uint64_t(i128(int64_t(o.a)) * int64_t(o.b) >> 64); });
    expect_over("mad.hi.s64 wd, wa, wb, wc;", 64, in,
                [](Operands o) { return uint64_t(i128(int64_t(o.a)) * int64_t(o.b) >> 64) + o.c; });
    expect_over("mul.wide.u32 wd, ra, rb;", 64, in, [](Operands o) { return uint64_t(uint32_t(o.a)) * uint32_t(o.b); });
    expect_over("mul.wide.s32 wd, ra, rb;", 64, in, [](Operands o) { return int64_t(int32_t(o.a)) * int32_t(o.b); });
    expect_over("mul24.lo.s32 rd, ra, rb;", 32, in, [&](Operands o) { return s24(o.a) * s24(o.b); });
    expect_over("mul24.hi.s32 rd, ra, rb;", 32, in, [&](Operands o) { return s24(o.a) * s24(o.b) >> 16; });
    expect_over("mul24.lo.u32 rd, ra, rb;", 32, in, [&](Operands o) { return u24(o.a) * u24(o.b); });
    expect_over("mul24.hi.u32 rd, ra, rb;", 32, in, [&](Operands o) { return u24(o.a) * u24(o.b) >> 16; });
    expect_over("mad24.lo.u32 rd, ra, rb, rc;", 32, in, [&](Operands o) { return u24(o.a) * u24(o.b) + int64_t(uint32_t(o.c)); });
    expect_over("dp4a.s32.u32 rd, ra, rb, rc;", 32, in, [](Operands o) {
        int64_t sum = int32_t(o.c);
        for (int k = 0; k < 32; k += 8) sum += int64_t(int8_t(o.a >> k)) * uint8_t(o.b >> k);
        return sum;
    });
    expect_over("dp2a.hi.s32.s32 rd, ra, rb, rc;", 32, in, [](Operands o) {
        int64_t sum = int32_t(o.c);
        for (int k = 0; k < 2; ++k) sum += int64_t(int16_t(o.a >> 16 * k)) * int8_t(o.b >> (16 + 8 * k));
        return sum;
    });
}

TEST(ReferenceInteger, carry_chains) {
    const auto in = integer_operands();
    // The high half of c:a + a:b and of c:a - a:b.
    expect_over("add.cc.u64 wd, wa, wb; addc.u64 wd, wc, wa;", 64, in,
                [](Operands o) { return uint64_t(((u128(o.c) << 64 | o.a) + (u128(o.a) << 64 | o.b)) >> 64); });
    expect_over("sub.cc.u64 wd, wa, wb; subc.u64 wd, wc, wa;", 64, in,
                [](Operands o) { return uint64_t(((u128(o.c) << 64 | o.a) - (u128(o.a) << 64 | o.b)) >> 64); });
    expect_over("mad.lo.cc.u32 rd, ra, rb, rc; madc.hi.u32 rd, ra, rb, rc;", 32, in, [](Operands o) {
        const uint64_t c = uint32_t(o.c);
        return (u128(uint64_t(uint32_t(o.a)) * uint32_t(o.b)) + (c << 32 | c)) >> 32;
    });
}

TEST(ReferenceInteger, bits) {
    const auto in = integer_operands();
    expect_over("popc.b64 rd, wa;", 32, in, [](Operands o) {
        int n = 0;
        for (int k = 0; k < 64; ++k) n += int(o.a >> k & 1);
        return n;
    });
    expect_over("clz.b64 rd, wa;", 32, in, [](Operands o) {
        int n = 0;
        while (n < 64 && !(o.a >> (63 - n) & 1)) ++n;
        return n;
    });
    expect_over("brev.b64 wd, wa;", 64, in, [](Operands o) {
        uint64_t r = 0;
        for (int k = 0; k < 64; ++k) r |= (o.a >> k & 1) << (63 - k);
        return r;
    });
    expect_over("bfe.s32 rd, ra, rb, rc;", 32, in, [](Operands o) {
        const int from = int(o.b & 255), length = int(o.c & 255);
        const int last = std::min(from + length - 1, 31);
        const uint64_t sign = length == 0 ? 0 : o.a >> last & 1;
        uint64_t r = 0;
        for (int k = 0; k < 32; ++k) r |= (k < length && from + k < 32 ? o.a >> (from + k) & 1 : sign) << k;
        return r;
    });
    expect_over("bfi.b32 rd, ra, rb, rc, 9;", 32, in, [](Operands o) {
        uint64_t r = o.b;
        const int from = int(o.c & 255);
        for (int k = 0; k < 9 && from + k < 32; ++k) r = (r & ~(1ull << (from + k))) | (o.a >> k & 1) << (from + k);
        return r;
    });
    expect_over("bfind.s32 rd, ra;", 32, in, [](Operands o) {
        const uint32_t v = int32_t(o.a) < 0 ? ~uint32_t(o.a) : uint32_t(o.a);
        for (int k = 31; k >= 0; --k)
            if (v >> k & 1) return k;
        return -1;
    });
    expect_over("lop3.b32 rd, ra, rb, rc, 0x6a;", 32, in, [](Operands o) {
        uint64_t r = 0;
        for (int k = 0; k < 32; ++k) r |= uint64_t(0x6a >> ((o.a >> k & 1) * 4 + (o.b >> k & 1) * 2 + (o.c >> k & 1)) & 1) << k;
        return r;
    });
    expect_over("prmt.b32 rd, ra, rb, rc;", 32, in, [](Operands o) {
        const uint64_t both = o.b << 32 | uint32_t(o.a);
        uint64_t r = 0;
        for (int k = 0; k < 4; ++k) {
            const int s = int(o.c >> 4 * k & 15);
            const uint64_t byte = both >> 8 * (s & 7) & 255;
            r |= (s & 8 ? (byte & 128 ? 255 : 0) : byte) << 8 * k;
        }
        return r;
    });
    expect_over("shf.l.clamp.b32 rd, ra, rb, rc;", 32, in,
                [](Operands o) { return (o.b << 32 | uint32_t(o.a)) << std::min<uint32_t>(uint32_t(o.c), 32) >> 32; });
    expect_over("shf.r.wrap.b32 rd, ra, rb, rc;", 32, in, [](Operands o) { return (o.b << 32 | uint32_t(o.a)) >> (o.c & 31); });
    expect_over("sad.s32 rd, ra, rb, rc;", 32, in, [](Operands o) {
        const int64_t d = int64_t(int32_t(o.a)) - int32_t(o.b);
        return uint64_t(d < 0 ? -d : d) + o.c;
    });
}

TEST(ReferenceInteger, packing_and_video) {
    const auto in = integer_operands();
    expect_over("cvt.pack.sat.s16.s32 rd, ra, rb;", 32, in, [](Operands o) {
        auto clamp = [](uint64_t v) { return uint16_t(std::min(std::max(int32_t(v), -32768), 32767)); };
        return uint32_t(clamp(o.a)) << 16 | clamp(o.b);
    });
    expect_over("vadd.s32.s32.s32.sat rd, ra, rb;", 32, in, [](Operands o) {
        const int64_t sum = int64_t(int32_t(o.a)) + int32_t(o.b);
        return std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
    });
    expect_over("vadd4.s32.s32.s32.sat rd, ra, rb, rc;", 32, in, [](Operands o) {
        uint64_t r = 0;
        for (int k = 0; k < 32; k += 8)
            r |= uint64_t(uint8_t(std::min(std::max(int8_t(o.a >> k) + int8_t(o.b >> k), -128), 127))) << k;
        return r;
    });
    expect_over("vabsdiff4.u32.u32.u32.add rd, ra, rb, rc;", 32, in, [](Operands o) {
        uint64_t sum = o.c;
        for (int k = 0; k < 32; k += 8) sum += uint64_t(std::abs(int(uint8_t(o.a >> k)) - int(uint8_t(o.b >> k))));
        return sum;
    });
}

} // namespace
} // namespace anywarp::oracle
