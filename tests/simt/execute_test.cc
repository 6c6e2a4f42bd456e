// Runs lowered instructions as scalar code and compares with expected values: division, shifts, conversions, directed rounding,
// half precision, and the approximate functions against long double.
#include "fixture.h"

#include <cfenv>
#include <cmath>
#include <random>

namespace anywarp::simt::test {
namespace {

std::vector<uint32_t> edge_u32() {
    std::vector<uint32_t> v{0,   1,     2,     3,          5,          7,          10,         31,         32,        33,
                            255, 65535, 65536, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    std::mt19937 random(1);
    for (int k = 0; k < 40; ++k) v.push_back(random() >> random() % 32);
    return v;
}
template <class T> void pairs(const std::vector<T>& values, std::vector<T>& a, std::vector<T>& b) {
    for (T x : values)
        for (T y : values) {
            a.push_back(x);
            b.push_back(y);
        }
}
float bits_to_float(uint32_t b) {
    float f;
    memcpy(&f, &b, 4);
    return f;
}
uint32_t float_bits(float f) {
    uint32_t b;
    memcpy(&b, &f, 4);
    return b;
}
std::vector<float> edge_f32(int extra = 200) {
    std::vector<float> v;
    for (uint32_t b : {0u, 1u, 0x7fffffu, 0x800000u, 0x3f800000u, 0x3f800001u, 0x3f7fffffu, 0x7f7fffffu, 0x7f800000u, 0x40000000u,
                       0x33800000u, 0x4b800001u, 0x5f000000u})
        for (uint32_t s : {0u, 0x80000000u}) v.push_back(bits_to_float(b | s));
    std::mt19937 random(2);
    for (int k = 0; k < extra; ++k) {
        uint32_t b = random();
        if ((b & 0x7f800000) != 0x7f800000) v.push_back(bits_to_float(b));
        v.push_back(std::ldexp(float(random()) / float(1u << 31) - 1, int(random() % 20) - 10));
    }
    return v;
}

TEST(SimtExecute, IntegerDivision) {
    std::vector<uint32_t> a, b;
    pairs(edge_u32(), a, b);
    for (int k = 0; k < 2000; ++k) { // quotients next to integers
        uint64_t divisor = 1 + uint32_t(k) * 2654435761u % 100000, quotient = 0xffffffffu / divisor - k % 3;
        a.push_back(uint32_t(divisor * quotient - 1));
        b.push_back(uint32_t(divisor));
    }
    auto u = apply<uint32_t>("div.u32 %d, %a, %b;", "b32", "b32", a, "b32", b);
    auto r = apply<uint32_t>("rem.u32 %d, %a, %b;", "b32", "b32", a, "b32", b);
    auto s = apply<uint32_t>("div.s32 %d, %a, %b;", "b32", "b32", a, "b32", b);
    auto m = apply<uint32_t>("rem.s32 %d, %a, %b;", "b32", "b32", a, "b32", b);
    for (size_t k = 0; k < a.size(); ++k) {
        EXPECT_EQ(u[k], b[k] ? a[k] / b[k] : 0xffffffffu) << a[k] << " / " << b[k];
        EXPECT_EQ(r[k], b[k] ? a[k] % b[k] : a[k]) << a[k] << " % " << b[k];
        int64_t x = int32_t(a[k]), y = int32_t(b[k]);
        EXPECT_EQ(s[k], y ? uint32_t(x / y) : 0xffffffffu) << x << " / " << y;
        EXPECT_EQ(m[k], y ? uint32_t(x % y) : a[k]) << x << " % " << y;
    }
}

TEST(SimtExecute, Division64) {
    std::vector<uint64_t> a{7, 7, 1ull << 63, 1ull << 63, ~0ull, 0}, b{0, 2, ~0ull, 1, 10, 3};
    auto u = apply<uint64_t>("div.u64 %d, %a, %b;", "b64", "b64", a, "b64", b);
    auto s = apply<uint64_t>("div.s64 %d, %a, %b;", "b64", "b64", a, "b64", b);
    auto m = apply<uint64_t>("rem.s64 %d, %a, %b;", "b64", "b64", a, "b64", b);
    EXPECT_EQ(u[0], ~0ull);
    EXPECT_EQ(u[4], ~0ull / 10);
    EXPECT_EQ(s[2], 1ull << 63);
    EXPECT_EQ(m[2], 0u);
    EXPECT_EQ(m[0], 7u);
}

TEST(SimtExecute, ShiftsClamp) {
    std::vector<uint32_t> a, b;
    pairs(edge_u32(), a, b);
    auto l = apply<uint32_t>("shl.b32 %d, %a, %b;", "b32", "b32", a, "b32", b);
    auto r = apply<uint32_t>("shr.u32 %d, %a, %b;", "b32", "b32", a, "b32", b);
    auto s = apply<uint32_t>("shr.s32 %d, %a, %b;", "b32", "b32", a, "b32", b);
    for (size_t k = 0; k < a.size(); ++k) {
        EXPECT_EQ(l[k], b[k] > 31 ? 0 : a[k] << b[k]);
        EXPECT_EQ(r[k], b[k] > 31 ? 0 : a[k] >> b[k]);
        EXPECT_EQ(s[k], uint32_t(int32_t(a[k]) >> std::min(b[k], 31u)));
    }
}

TEST(SimtExecute, BitFields) {
    std::vector<uint32_t> a(64, 0xdeadbeef), b, c;
    for (uint32_t k = 0; k < 64; ++k) {
        b.push_back(k);
        c.push_back(k * 7 % 37);
    }
    auto u = apply<uint32_t>("bfe.u32 %d, %a, %b, %c;", "b32", "b32", a, "b32", b, "b32", c);
    auto s = apply<uint32_t>("bfe.s32 %d, %a, %b, %c;", "b32", "b32", a, "b32", b, "b32", c);
    for (size_t k = 0; k < a.size(); ++k) {
        uint32_t expected = 0, signed_expected = 0;
        uint32_t sign_bit = c[k] ? a[k] >> std::min(31u, b[k] + c[k] - 1) & 1 : 0;
        for (uint32_t n = 0; n < 32; ++n) {
            bool in = n < c[k] && b[k] + n < 32;
            expected |= (in ? a[k] >> (b[k] + n) & 1 : 0) << n;
            signed_expected |= (in ? a[k] >> (b[k] + n) & 1 : sign_bit) << n;
        }
        EXPECT_EQ(u[k], expected);
        EXPECT_EQ(s[k], signed_expected) << b[k] << " " << c[k];
    }
    auto p = apply<uint32_t>("prmt.b32 %d, %a, 0x01234567, 0x9d40;", "b32", "b32", std::vector<uint32_t>{0x8899aabb});
    EXPECT_EQ(p[0], 0xff0067bbu);
    auto l = apply<uint32_t>("lop3.b32 %d, %a, %b, %c, 0x96;", "b32", "b32", a, "b32", b, "b32", c);
    EXPECT_EQ(l[5], a[5] ^ b[5] ^ c[5]);
}

TEST(SimtExecute, AllLookUpTables) {
    for (int table = 0; table < 256; table += 5) {
        auto l = apply<uint32_t>("lop3.b32 %d, 0xf0, 0xcc, 0xaa, " + std::to_string(table) + ";", "b32", "b32",
                                 std::vector<uint32_t>{0});
        EXPECT_EQ(l[0] & 0xff, uint32_t(table));
    }
}

TEST(SimtExecute, FloatToInteger) {
    auto a = edge_f32();
    a.push_back(NAN);
    a.push_back(2.5f);
    a.push_back(-2.5f);
    auto z = apply<int32_t>("cvt.rzi.s32.f32 %d, %a;", "b32", "f32", a);
    auto n = apply<uint32_t>("cvt.rni.u32.f32 %d, %a;", "b32", "f32", a);
    for (size_t k = 0; k < a.size(); ++k) {
        double t = std::trunc(double(a[k])), r = std::nearbyint(double(a[k]));
        EXPECT_EQ(z[k], std::isnan(t) ? 0 : t < -2147483648.0 ? INT32_MIN : t > 2147483647.0 ? INT32_MAX : int32_t(t)) << a[k];
        EXPECT_EQ(n[k], std::isnan(r) || r < 0 ? 0 : r > 4294967295.0 ? UINT32_MAX : uint32_t(r)) << a[k];
    }
}

TEST(SimtExecute, DirectedRounding) {
    std::vector<float> a, b;
    pairs(edge_f32(30), a, b);
    struct {
        const char* suffix;
        int mode;
    } modes[] = {{"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};
    for (auto& [suffix, mode] : modes)
        for (const char* op : {"add", "mul", "div.", "sub", "fma"}) {
            std::string name = op[3] ? "div" : op;
            std::string operands = name == "fma" ? " %d, %a, %b, %a;" : " %d, %a, %b;";
            auto r = apply<float>(name + "." + suffix + ".f32" + operands, "f32", "f32", a, "f32", b);
            std::fesetround(mode);
            for (size_t k = 0; k < a.size(); ++k) {
                volatile float x = a[k], y = b[k];
                volatile float e = name == "add"   ? x + y
                                   : name == "mul" ? x * y
                                   : name == "sub" ? x - y
                                   : name == "fma" ? std::fma(x, y, x)
                                                   : x / y;
                if (!std::isnan(float(e)) && float_bits(r[k]) != float_bits(e)) {
                    std::fesetround(FE_TONEAREST);
                    ADD_FAILURE() << name << "." << suffix << " " << std::hexfloat << a[k] << ", " << b[k] << ": " << r[k]
                                  << " instead of " << float(e);
                    std::fesetround(mode);
                    break;
                }
            }
            std::fesetround(FE_TONEAREST);
        }
}

TEST(SimtExecute, DirectedRounding64) {
    std::vector<double> a, b,
        values{0.0, -0.0, 1.0, -1.0, 0.1, 1e308, -1e308, 5e-324, 1e-300, 3.0, 1.0 / 3, 2e-308, 7e-160, INFINITY};
    std::mt19937_64 random(3);
    for (int k = 0; k < 30; ++k) values.push_back(std::ldexp(double(random()) / 1e18 - 9, int(random() % 80) - 40));
    pairs(values, a, b);
    struct {
        const char* suffix;
        int mode;
    } modes[] = {{"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};
    for (auto& [suffix, mode] : modes)
        for (std::string name : {"add", "mul", "div", "fma"}) {
            std::string operands = name == "fma" ? " %d, %a, %b, %a;" : " %d, %a, %b;";
            auto r = apply<double>(name + "." + suffix + ".f64" + operands, "f64", "f64", a, "f64", b);
            std::fesetround(mode);
            for (size_t k = 0; k < a.size(); ++k) {
                volatile double x = a[k], y = b[k];
                volatile double e = name == "add" ? x + y : name == "mul" ? x * y : name == "fma" ? std::fma(x, y, x) : x / y;
                double expected = e;
                if (!std::isnan(expected) && memcmp(&r[k], &expected, 8)) {
                    std::fesetround(FE_TONEAREST);
                    ADD_FAILURE() << name << "." << suffix << " " << std::hexfloat << a[k] << ", " << b[k] << ": " << r[k]
                                  << " instead of " << expected;
                    std::fesetround(mode);
                    break;
                }
            }
            std::fesetround(FE_TONEAREST);
        }
}

TEST(SimtExecute, IntegerToFloatDirected) {
    std::vector<uint64_t> a{
        0, 1, 0xffffff, 0x1000001, 0x7fffffffffffffffull, ~0ull, 1ull << 63, 0x8000000000000001ull, 123456789012345678ull};
    std::fesetround(FE_UPWARD);
    std::vector<float> up;
    for (auto v : a) {
        volatile int64_t s = int64_t(v);
        up.push_back(float(s));
    }
    std::fesetround(FE_TONEAREST);
    auto r = apply<float>("cvt.rp.f32.s64 %d, %a;", "f32", "b64", a);
    for (size_t k = 0; k < a.size(); ++k) EXPECT_EQ(r[k], up[k]) << a[k];
}

TEST(SimtExecute, MinMax) {
    std::vector<float> a{0.0f, -0.0f, NAN, 1.0f, NAN}, b{-0.0f, 0.0f, 2.0f, NAN, NAN};
    auto low = apply<float>("min.f32 %d, %a, %b;", "f32", "f32", a, "f32", b);
    auto high = apply<float>("max.f32 %d, %a, %b;", "f32", "f32", a, "f32", b);
    for (int k : {0, 1}) {
        EXPECT_TRUE(std::signbit(low[k]));
        EXPECT_FALSE(std::signbit(high[k]));
    }
    EXPECT_EQ(low[2], 2.0f);
    EXPECT_EQ(high[3], 1.0f);
    EXPECT_TRUE(std::isnan(low[4]));
    auto relu = apply<float>("max.f32 %d, %a, 0f00000000;", "f32", "f32", a);
    EXPECT_EQ(float_bits(relu[1]), 0u);
    EXPECT_EQ(relu[2], 0.0f);
    auto nan = apply<float>("max.NaN.f32 %d, %a, %b;", "f32", "f32", a, "f32", b);
    EXPECT_TRUE(std::isnan(nan[2]));
}

TEST(SimtExecute, FlushAndSaturate) {
    std::vector<float> a{1e-40f, -1e-40f, 1.5f, -3.0f, NAN, 0.25f};
    auto f = apply<float>("mul.ftz.f32 %d, %a, 0f3F800000;", "f32", "f32", a);
    EXPECT_EQ(float_bits(f[0]), 0u);
    EXPECT_EQ(float_bits(f[1]), 0x80000000u);
    auto s = apply<float>("add.sat.f32 %d, %a, 0f00000000;", "f32", "f32", a);
    EXPECT_EQ(s[2], 1.0f);
    EXPECT_EQ(s[3], 0.0f);
    EXPECT_EQ(s[4], 0.0f);
    EXPECT_EQ(s[5], 0.25f);
}

double error_of(const char* instruction, const std::vector<float>& a, double (*exact)(double), bool relative) {
    auto r = apply<float>(std::string(instruction) + " %d, %a;", "f32", "f32", a);
    double worst = 0;
    for (size_t k = 0; k < a.size(); ++k) {
        double e = exact(a[k]), d = std::fabs(r[k] - e);
        if (relative) d /= std::max(std::fabs(e), 1.2e-38);
        worst = std::max(worst, d);
    }
    return worst;
}

TEST(SimtExecute, ApproximateFunctions) {
    std::vector<float> pi, exponent, logarithm, near_one, hyperbolic;
    for (int k = -20000; k <= 20000; ++k) {
        pi.push_back(float(k * M_PI / 20000));
        exponent.push_back(float(k * 0.00629));
        near_one.push_back(float(1.25 + k * 0.75 / 20000));
        logarithm.push_back(std::ldexp(1.0f + float(k + 20000) / 40001.0f, k % 120));
        hyperbolic.push_back(float(k * 0.0005));
    }
    EXPECT_LT(error_of("sin.approx.f32", pi, [](double x) { return std::sin(x); }, false), std::ldexp(1.0, -20));
    EXPECT_LT(error_of("sin.approx.f32", pi, [](double x) { return std::sin(x); }, false), std::exp2(-20.9));
    EXPECT_LT(error_of("cos.approx.f32", pi, [](double x) { return std::cos(x); }, false), std::exp2(-20.9));
    EXPECT_LT(error_of("ex2.approx.f32", exponent, [](double x) { return std::exp2(x); }, true), std::exp2(-22.0));
    EXPECT_LT(error_of("lg2.approx.f32", near_one, [](double x) { return std::log2(x); }, false), std::exp2(-22.0));
    EXPECT_LT(error_of("lg2.approx.f32", logarithm, [](double x) { return std::log2(x); }, false), 127 * std::exp2(-22.0));
    EXPECT_LT(error_of("tanh.approx.f32", hyperbolic, [](double x) { return std::tanh(x); }, true), std::exp2(-11.0));
    EXPECT_LT(error_of("rsqrt.approx.f32", logarithm, [](double x) { return 1 / std::sqrt(x); }, true), std::exp2(-22.9));
    EXPECT_LT(error_of("rcp.approx.f32", logarithm, [](double x) { return 1 / x; }, true), std::exp2(-23.0));
    auto special =
        apply<float>("ex2.approx.f32 %d, %a;", "f32", "f32", std::vector<float>{INFINITY, -INFINITY, NAN, 128.0f, -149.0f, 0.0f});
    EXPECT_EQ(special[0], INFINITY);
    EXPECT_EQ(special[1], 0.0f);
    EXPECT_TRUE(std::isnan(special[2]));
    EXPECT_EQ(special[3], INFINITY);
    EXPECT_EQ(special[4], 0x1p-149f);
    EXPECT_EQ(special[5], 1.0f);
    auto logs =
        apply<float>("lg2.approx.f32 %d, %a;", "f32", "f32", std::vector<float>{0.0f, -0.0f, -1.0f, INFINITY, 1.0f, 0x1p-140f});
    EXPECT_EQ(logs[0], -INFINITY);
    EXPECT_EQ(logs[1], -INFINITY);
    EXPECT_TRUE(std::isnan(logs[2]));
    EXPECT_EQ(logs[3], INFINITY);
    EXPECT_EQ(logs[4], 0.0f);
    EXPECT_EQ(logs[5], -140.0f);
}

TEST(SimtExecute, HalfArithmetic) {
    // fma in f16 against a long double reference rounded once.
    std::vector<uint16_t> a, b, c;
    std::mt19937 random(5);
    for (int k = 0; k < 3000; ++k) {
        a.push_back(random() & 0xffff);
        b.push_back(random() & 0xffff);
        c.push_back(random() & 0xffff);
    }
    auto value = [](uint16_t h) { return (long double)std::bit_cast<_Float16>(h); };
    auto r = apply<uint16_t>("fma.rn.f16 %d, %a, %b, %c;", "b16", "b16", a, "b16", b, "b16", c);
    for (size_t k = 0; k < a.size(); ++k) {
        long double exact = value(a[k]) * value(b[k]) + value(c[k]); // at most 22 + ... bits: may round in 64 bits only far below
        if (exact != exact) continue;
        float f = float(exact);
        _Float16 best = _Float16(f);
        // Compare by distance: no half may lie closer.
        long double d = fabsl((long double)std::bit_cast<_Float16>(r[k]) - exact), e = fabsl((long double)best - exact);
        if (std::isinf(float(best))) continue;
        EXPECT_LE(d, e) << k;
    }
    auto bf =
        apply<uint16_t>("cvt.rn.bf16.f32 %d, %a;", "b16", "f32", std::vector<float>{1.0f, 1.00390625f, 1.01171875f, -INFINITY});
    EXPECT_EQ(bf[0], 0x3f80);
    EXPECT_EQ(bf[1], 0x3f80); // tie to even
    EXPECT_EQ(bf[2], 0x3f82);
    EXPECT_EQ(bf[3], 0xff80);
    auto packed =
        apply<uint32_t>("cvt.rn.f16x2.f32 %d, %a, %b;", "b32", "f32", std::vector<float>{1.0f}, "f32", std::vector<float>{2.0f});
    EXPECT_EQ(packed[0], 0x3c004000u);
}

TEST(SimtExecute, CarryChain) {
    std::vector<uint64_t> a{0xffffffffull, ~0ull, 5}, b{1, 1, 7};
    auto r = apply<uint64_t>(".reg .b32 %x<4>, %y<4>, %z<4>; mov.b64 {%x0, %x1}, %a; mov.b64 {%y0, %y1}, %b;"
                             "add.cc.u32 %z0, %x0, %y0; addc.u32 %z1, %x1, %y1; mov.b64 %d, {%z0, %z1};",
                             "b64", "b64", a, "b64", b);
    auto s = apply<uint64_t>(".reg .b32 %x<4>, %y<4>, %z<4>; mov.b64 {%x0, %x1}, %a; mov.b64 {%y0, %y1}, %b;"
                             "sub.cc.u32 %z0, %x0, %y0; subc.u32 %z1, %x1, %y1; mov.b64 %d, {%z0, %z1};",
                             "b64", "b64", a, "b64", b);
    for (size_t k = 0; k < a.size(); ++k) {
        EXPECT_EQ(r[k], a[k] + b[k]);
        EXPECT_EQ(s[k], a[k] - b[k]);
    }
}

} // namespace
} // namespace anywarp::simt::test
