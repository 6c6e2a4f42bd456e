// exact.h against the host's floating-point unit in all four rounding modes, and against 64-bit integer arithmetic.
#include "oracle/exact.h"

#include <bit>
#include <cfenv>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace anywarp::oracle {
namespace {

struct HostMode {
    Rounding rounding;
    int fenv;
};
const HostMode modes[] = {{Rounding::nearest_even, FE_TONEAREST},
                          {Rounding::zero, FE_TOWARDZERO},
                          {Rounding::down, FE_DOWNWARD},
                          {Rounding::up, FE_UPWARD}};

class WithMode {
public:
    explicit WithMode(int mode) { std::fesetround(mode); }
    ~WithMode() { std::fesetround(FE_TONEAREST); }
};

/// Edge values and a fixed random sequence, some of it with exponents close to each other.
template <class Bits> std::vector<Bits> samples(Format f, int count) {
    std::vector<Bits> v;
    uint64_t sign = 1ull << (f.width() - 1), infinite = infinity(f, false);
    uint64_t smallest = uint64_t(1) << f.mantissa_bits;
    for (uint64_t x : {uint64_t(0), uint64_t(1), uint64_t(2), infinite, infinite - 1, infinite + 1, smallest, smallest - 1,
                       smallest + 1, uint64_t(f.bias()) << f.mantissa_bits, (uint64_t(f.bias()) << f.mantissa_bits) + 1,
                       (uint64_t(f.bias()) << f.mantissa_bits) - 1}) {
        v.push_back(Bits(x));
        v.push_back(Bits(x | sign));
    }
    uint64_t state = 12345;
    for (int i = 0; i < count; ++i) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t bits = state >> 11 ^ state << 20;
        if (i % 2) { // exponent near the bias
            uint64_t exponent = uint64_t(f.bias()) - 30 + bits % 60;
            bits = (bits & sign) | exponent << f.mantissa_bits | (bits >> 7 & ((1ull << f.mantissa_bits) - 1));
        }
        v.push_back(Bits(f.width() == 64 ? bits : bits & ((1ull << f.width()) - 1)));
    }
    return v;
}

template <class Float, class Bits> void compare_with_host(Format f) {
    auto values = samples<Bits>(f, 60);
    for (HostMode mode : modes) {
        WithMode with(mode.fenv);
        for (size_t i = 0; i < values.size(); ++i)
            for (size_t j = 0; j < values.size(); ++j) {
                volatile Float a = std::bit_cast<Float>(values[i]), b = std::bit_cast<Float>(values[j]);
                volatile Float c = std::bit_cast<Float>(values[(i * 3 + j * 5) % values.size()]);
                Exact x = decode(values[i], f), y = decode(values[j], f), z = decode(std::bit_cast<Bits>(Float(c)), f);
                auto check = [&](const char* name, const Exact& r, Float host) {
                    Bits mine = Bits(encode(r, f, mode.rounding)), theirs = std::bit_cast<Bits>(host);
                    if (host != host) {
                        EXPECT_TRUE(is_nan(mine, f)) << name;
                        return;
                    }
                    ASSERT_EQ(mine, theirs) << name << " " << std::hex << values[i] << " " << values[j] << " mode "
                                            << int(mode.rounding);
                };
                volatile Float sum = a + b, product = a * b, quotient = a / b;
                check("add", add(x, y, mode.rounding), sum);
                check("multiply", multiply(x, y), product);
                check("divide", divide(x, y), quotient);
                volatile Float fused = std::fma(Float(a), Float(b), Float(c));
                check("fma", add(multiply(x, y), z, mode.rounding), fused);
                if (j == 0) {
                    volatile Float root = std::sqrt(Float(a));
                    check("sqrt", square_root(x), root);
                    volatile Float integral = std::nearbyint(Float(a));
                    check("integral", to_integral(x, mode.rounding), integral);
                }
                if (!is_nan(values[i], f) && !is_nan(values[j], f)) ASSERT_EQ(compare(x, y), a < b ? -1 : a > b ? 1 : 0);
            }
    }
}

TEST(Exact, f32_like_the_host) { compare_with_host<float, uint32_t>(format_f32); }
TEST(Exact, f64_like_the_host) { compare_with_host<double, uint64_t>(format_f64); }

TEST(Exact, double_to_float_in_every_mode) {
    for (HostMode mode : modes) {
        WithMode with(mode.fenv);
        for (uint64_t bits : samples<uint64_t>(format_f64, 2000)) {
            volatile double d = std::bit_cast<double>(bits);
            volatile float host = float(d);
            uint32_t mine = uint32_t(encode(decode(bits, format_f64), format_f32, mode.rounding));
            if (host != host)
                EXPECT_TRUE(is_nan(mine, format_f32));
            else
                ASSERT_EQ(mine, std::bit_cast<uint32_t>(float(host))) << std::hex << bits;
        }
    }
}

TEST(Exact, integers_to_floats_in_every_mode) {
    for (HostMode mode : modes) {
        WithMode with(mode.fenv);
        for (uint64_t bits : samples<uint64_t>(format_f64, 2000)) {
            volatile int64_t s = int64_t(bits);
            volatile uint64_t u = bits;
            volatile float f = float(s);
            volatile double d = double(s), du = double(u);
            ASSERT_EQ(uint32_t(encode(from_integer(s128(int64_t(bits))), format_f32, mode.rounding)),
                      std::bit_cast<uint32_t>(float(f)));
            ASSERT_EQ(encode(from_integer(s128(int64_t(bits))), format_f64, mode.rounding), std::bit_cast<uint64_t>(double(d)));
            // The host converts u64 by way of signed arithmetic, which is exact about the rounding mode only for nearest.
            if (mode.rounding == Rounding::nearest_even) {
                ASSERT_EQ(encode(from_integer(s128(bits)), format_f64, mode.rounding), std::bit_cast<uint64_t>(double(du)));
            }
        }
    }
}

TEST(Exact, floats_to_integers_saturate) {
    auto convert = [](double v, Rounding r) {
        return int64_t(to_integer(decode(std::bit_cast<uint64_t>(v), format_f64), r, INT32_MIN, INT32_MAX));
    };
    EXPECT_EQ(convert(2.5, Rounding::nearest_even), 2);
    EXPECT_EQ(convert(3.5, Rounding::nearest_even), 4);
    EXPECT_EQ(convert(-2.5, Rounding::nearest_even), -2);
    EXPECT_EQ(convert(-2.5, Rounding::zero), -2);
    EXPECT_EQ(convert(-2.5, Rounding::down), -3);
    EXPECT_EQ(convert(-2.5, Rounding::up), -2);
    EXPECT_EQ(convert(0.1, Rounding::up), 1);
    EXPECT_EQ(convert(-0.1, Rounding::down), -1);
    EXPECT_EQ(convert(1e300, Rounding::zero), INT32_MAX);
    EXPECT_EQ(convert(-1e300, Rounding::zero), INT32_MIN);
    EXPECT_EQ(convert(2147483647.5, Rounding::nearest_even), INT32_MAX);
    EXPECT_EQ(convert(INFINITY, Rounding::zero), INT32_MAX);
    EXPECT_EQ(convert(NAN, Rounding::zero), 0);
    EXPECT_EQ(convert(5e-324, Rounding::up), 1);
    EXPECT_EQ(convert(5e-324, Rounding::nearest_even), 0);
}

TEST(Exact, f16_is_rounded_once) {
    // Every f16 survives the way through f64 and back.
    for (uint32_t h = 0; h < 65536; ++h) {
        uint64_t d = encode(decode(h, format_f16), format_f64, Rounding::nearest_even);
        uint64_t back = encode(decode(d, format_f64), format_f16, Rounding::nearest_even);
        if (is_nan(h, format_f16))
            EXPECT_TRUE(is_nan(back, format_f16));
        else
            ASSERT_EQ(back, h);
    }
    // 1 + 2^-11 is a tie (to even, down); a little more goes up, although it vanishes when rounded to f32 first.
    auto round = [](double v) {
        return encode(decode(std::bit_cast<uint64_t>(v), format_f64), format_f16, Rounding::nearest_even);
    };
    EXPECT_EQ(round(1 + 0x1p-11), 0x3c00u);
    EXPECT_EQ(round(1 + 0x1p-11 + 0x1p-40), 0x3c01u);
    EXPECT_EQ(round(65519.999), 0x7bffu);
    EXPECT_EQ(round(65520), 0x7c00u);
    EXPECT_EQ(round(0x1p-25), 0u);
    EXPECT_EQ(round(0x1.8p-25), 1u);
}

TEST(Exact, narrow_formats) {
    auto e4m3 = [](double v) {
        return encode(decode(std::bit_cast<uint64_t>(v), format_f64), format_e4m3, Rounding::nearest_even);
    };
    EXPECT_EQ(e4m3(448), 0x7eu);
    EXPECT_EQ(e4m3(1), 0x38u);
    EXPECT_EQ(e4m3(-0.001953125), 0x81u); // 2^-9, the smallest subnormal
    EXPECT_TRUE(is_nan(0x7f, format_e4m3));
    EXPECT_FALSE(is_nan(0x7e, format_e4m3));
    EXPECT_EQ(encode(decode(0x3f800000, format_f32), format_e5m2, Rounding::nearest_even), 0x3cu);
    EXPECT_EQ(encode(decode(0x3f801000, format_f32), format_tf32, Rounding::nearest_away), (0x3f800000u >> 13) + 1);
    EXPECT_EQ(encode(decode(0x3f801000, format_f32), format_tf32, Rounding::nearest_even), 0x3f800000u >> 13);
}

} // namespace
} // namespace anywarp::oracle
