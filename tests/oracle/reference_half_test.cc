// f16 and bf16 on the oracle against exact integer arithmetic (PTX ISA, "Half Precision Floating Point Instructions", "cvt").
//
// A number is sign * m * 2^e with m in 128 bits; it is rounded once by looking at the bits cut off. Nothing here uses the
// oracle's own helpers or the host's floating-point unit.
#include "reference_run.h"

#include <algorithm>
#include <utility>

namespace anywarp::oracle {
namespace {

using u128 = unsigned __int128;

struct Layout {
    int fraction, exponent; // bits
    int width() const { return 1 + fraction + exponent; }
    int bias() const { return (1 << (exponent - 1)) - 1; }
    uint64_t infinite() const { return ((1ull << exponent) - 1) << fraction; }
};
const Layout f16{10, 5}, bf16{7, 8}, f32{23, 8}, f64{52, 11};

struct Number {
    enum Kind { finite, infinite, nan } kind = finite;
    bool negative = false;
    u128 m = 0;
    int e = 0;
};

Number read(uint64_t bits, Layout f) {
    Number n;
    n.negative = bits >> (f.width() - 1) & 1;
    const uint64_t fraction = bits & ((1ull << f.fraction) - 1);
    const int exponent = int(bits >> f.fraction & ((1ull << f.exponent) - 1));
    if (exponent == (1 << f.exponent) - 1) {
        n.kind = fraction ? Number::nan : Number::infinite;
        return n;
    }
    n.m = exponent ? fraction | 1ull << f.fraction : fraction;
    n.e = std::max(exponent, 1) - f.bias() - f.fraction;
    return n;
}

/// mode: n (nearest even), z, m (down), p (up).
uint64_t round(Number n, Layout f, char mode) {
    const uint64_t sign = uint64_t(n.negative) << (f.width() - 1);
    if (n.kind == Number::nan) return f.infinite() | ((1ull << f.fraction) - 1);
    if (n.kind == Number::infinite) return sign | f.infinite();
    if (n.m == 0) return sign;
    int top = 127;
    while (!(n.m >> top & 1)) --top;
    const int lowest = 1 - f.bias() - f.fraction; // exponent of the smallest subnormal
    const int unit = std::max(n.e + top - f.fraction, lowest);
    const int cut = unit - n.e;
    u128 kept = cut <= 0 ? n.m << -cut : cut > 127 ? 0 : n.m >> cut;
    if (cut > 0) {
        const bool half = cut <= 128 && (n.m >> (cut - 1) & 1);
        const u128 rest_mask = cut > 128 ? ~u128(0) : (u128(1) << (cut - 1)) - 1;
        const bool rest = n.m & rest_mask;
        const bool up = mode == 'n'   ? half && (rest || (kept & 1))
                        : mode == 'p' ? !n.negative && (half || rest)
                        : mode == 'm' ? n.negative && (half || rest)
                                      : false;
        kept += up;
    }
    // The hidden bit carries into the exponent by itself.
    const uint64_t bits = uint64_t(kept) + (uint64_t(unit - lowest) << f.fraction);
    if (bits < f.infinite()) return sign | bits;
    const bool to_infinity = mode == 'n' || (mode == 'p' && !n.negative) || (mode == 'm' && n.negative);
    return sign | (to_infinity ? f.infinite() : f.infinite() - 1);
}

Number times(Number a, Number b) {
    Number n;
    n.negative = a.negative != b.negative;
    const bool zero = (a.kind == Number::finite && a.m == 0) || (b.kind == Number::finite && b.m == 0);
    if (a.kind == Number::nan || b.kind == Number::nan)
        n.kind = Number::nan;
    else if (a.kind == Number::infinite || b.kind == Number::infinite)
        n.kind = zero ? Number::nan : Number::infinite;
    n.m = a.m * b.m;
    n.e = a.e + b.e;
    return n;
}

/// Exact, but for a far smaller operand, of which one bit below everything that rounding looks at stays.
Number plus(Number a, Number b) {
    if (a.kind == Number::nan || b.kind == Number::nan) return {Number::nan};
    if (a.kind == Number::infinite) return b.kind == Number::infinite && a.negative != b.negative ? Number{Number::nan} : a;
    if (b.kind == Number::infinite) return b;
    if (a.m == 0 && b.m == 0) return a.negative == b.negative ? a : Number{};
    if (a.m == 0) return b;
    if (b.m == 0) return a;
    if (a.e < b.e) std::swap(a, b);
    if (a.e - b.e > 80) b.m = 1, b.e = a.e - 80;
    a.m <<= a.e - b.e;
    a.e = b.e;
    if (a.negative == b.negative)
        a.m += b.m;
    else if (a.m >= b.m)
        a.m -= b.m;
    else
        a.m = b.m - a.m, a.negative = b.negative;
    if (a.m == 0) a.negative = false;
    return a;
}

std::vector<Operands> pairs(Layout f) {
    std::vector<Operands> v;
    const uint64_t one = uint64_t(f.bias()) << f.fraction, least = 1ull << f.fraction, inf = f.infinite();
    std::vector<uint64_t> edges;
    for (uint64_t e :
         {uint64_t(0), uint64_t(1), uint64_t(2), least - 1, least, least + 1, one - 1, one, one + 1, inf - 1, inf, inf + 1})
        edges.insert(edges.end(), {e, e | 0x8000});
    uint64_t state = 77;
    auto next = [&] { return state = state * 6364136223846793005ull + 1442695040888963407ull, state >> 33 & 0xffff; };
    for (uint64_t a : edges)
        for (uint64_t b : edges)
            for (uint64_t c : edges) v.push_back({a, b, c, 0});
    for (int i = 0; i < 30000; ++i) v.push_back({next(), next(), next(), 0});
    return v;
}

/// Both zeros are one for .sat and .relu, which do not say which they give.
void expect_numbers(const std::string& code, Layout f, const std::vector<Operands>& in, auto expected, bool zeros_equal = false) {
    const auto got = run_over(code, 16, in);
    const uint64_t sign = 0x8000;
    for (size_t i = 0; i < got.size(); ++i) {
        const uint64_t want = expected(in[i]);
        const bool nan = (want & ~sign) > f.infinite();
        if (nan ? (got[i] & ~sign) > f.infinite() : got[i] == want) continue;
        if (zeros_equal && ((got[i] | want) & ~sign) == 0) continue;
        ADD_FAILURE() << code << std::hex << " a=" << in[i].a << " b=" << in[i].b << " c=" << in[i].c << ": got " << got[i]
                      << ", expected " << want;
        return;
    }
}

void arithmetic(const std::string& type, Layout f) {
    const auto in = pairs(f);
    auto fused = [f](Operands o) { return round(plus(times(read(o.a, f), read(o.b, f)), read(o.c, f)), f, 'n'); };
    expect_numbers("add.rn." + type + " hd, ha, hb;", f, in,
                   [f](Operands o) { return round(plus(read(o.a, f), read(o.b, f)), f, 'n'); });
    expect_numbers("sub.rn." + type + " hd, ha, hb;", f, in,
                   [f](Operands o) { return round(plus(read(o.a, f), read(o.b ^ 0x8000, f)), f, 'n'); });
    expect_numbers("mul.rn." + type + " hd, ha, hb;", f, in,
                   [f](Operands o) { return round(times(read(o.a, f), read(o.b, f)), f, 'n'); });
    expect_numbers("fma.rn." + type + " hd, ha, hb, hc;", f, in, fused);
    expect_numbers(
        "fma.rn.relu." + type + " hd, ha, hb, hc;", f, in,
        [&](Operands o) {
            const uint64_t r = fused(o);
            return (r & 0x7fff) > f.infinite() || !(r & 0x8000) ? r : 0;
        },
        true);
}

TEST(ReferenceHalf, f16_arithmetic) { arithmetic("f16", f16); }
TEST(ReferenceHalf, bf16_arithmetic) { arithmetic("bf16", bf16); }

TEST(ReferenceHalf, f16_saturates) {
    expect_numbers(
        "fma.rn.sat.f16 hd, ha, hb, hc;", f16, pairs(f16),
        [](Operands o) -> uint64_t {
            const uint64_t r = round(plus(times(read(o.a, f16), read(o.b, f16)), read(o.c, f16)), f16, 'n');
            if ((r & 0x7fff) > f16.infinite() || r & 0x8000) return 0;
            return std::min<uint64_t>(r, 0x3c00);
        },
        true);
}

TEST(ReferenceHalf, f16_flushes_subnormal_operands) {
    auto flush = [](uint64_t v) { return v & 0x7c00 ? v : v & 0x8000; };
    expect_numbers("add.rn.ftz.f16 hd, ha, hb;", f16, pairs(f16),
                   [&](Operands o) { return flush(round(plus(read(flush(o.a), f16), read(flush(o.b), f16)), f16, 'n')); });
}

std::vector<Operands> wide(Layout f) {
    std::vector<Operands> v;
    uint64_t state = 99;
    for (int i = 0; i < 40000; ++i) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        // Exponents about the range of f16, and results half way between two of its neighbours.
        uint64_t bits = (state >> 63) << (f.width() - 1) | uint64_t(f.bias() - 28 + int(state >> 40 & 63)) << f.fraction |
                        ((state ^ state >> 31) & ((1ull << f.fraction) - 1));
        if (i % 3 == 0) bits &= ~((1ull << (f.fraction - 11)) - 1);
        v.push_back({bits, 0, 0, 0});
    }
    for (uint64_t e : {uint64_t(0), uint64_t(1), f.infinite() - 1, f.infinite(), f.infinite() + 1})
        for (uint64_t s : {0, 1}) v.push_back({e | s << (f.width() - 1), 0, 0, 0});
    return v;
}

TEST(ReferenceHalf, narrowing) {
    for (char mode : {'n', 'z'}) {
        const std::string r = std::string(".r") + mode;
        auto to = [mode](Layout from, Layout f) { return [=](Operands o) { return round(read(o.a, from), f, mode); }; };
        expect_numbers("cvt" + r + ".f16.f32 hd, ra;", f16, wide(f32), to(f32, f16));
        expect_numbers("cvt" + r + ".bf16.f32 hd, ra;", bf16, wide(f32), to(f32, bf16));
    }
    for (char mode : {'n', 'z', 'm', 'p'})
        expect_numbers(std::string("cvt.r") + mode + ".f16.f64 hd, wa;", f16, wide(f64),
                       [mode](Operands o) { return round(read(o.a, f64), f16, mode); });
}

TEST(ReferenceHalf, from_integers_in_every_mode) {
    for (char mode : {'n', 'z', 'm', 'p'})
        expect_numbers(std::string("cvt.r") + mode + ".f16.s32 hd, ra;", f16, integer_operands(), [mode](Operands o) {
            const int64_t v = int32_t(o.a);
            return round({Number::finite, v < 0, u128(v < 0 ? -v : v), 0}, f16, mode);
        });
}

TEST(ReferenceHalf, every_f16_widens_exactly) {
    std::vector<Operands> all;
    for (uint64_t v = 0; v < 0x10000; ++v)
        if ((v & 0x7fff) <= f16.infinite()) all.push_back({v, 0, 0, 0});
    expect_over("cvt.f32.f16 rd, ha;", 32, all, [](Operands o) { return round(read(o.a, f16), f32, 'n'); });
    expect_over("cvt.f64.f16 wd, ha;", 64, all, [](Operands o) { return round(read(o.a, f16), f64, 'n'); });
}

} // namespace
} // namespace anywarp::oracle
