// f32 and f64 functions on the oracle against MPFR (PTX ISA, "Floating Point Instructions").
//
// The correctly rounded forms must match bit for bit; the .approx forms must stay within
// bounds that this test sets (not yet compared with the ISA's table, nor are special values). Skipped without MPFR.
#include "reference_run.h"

#include <bit>
#include <cmath>
#ifdef ANYWARP_HAVE_MPFR
#    include <mpfr.h>
#endif

namespace anywarp::oracle {
namespace {

#ifndef ANYWARP_HAVE_MPFR
TEST(ReferenceMpfr, functions) { GTEST_SKIP() << "MPFR was not found when the tests were configured"; }
#else
using Unary = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);

int reciprocal(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t mode) { return mpfr_ui_div(r, 1, x, mode); }

/// Random values of 2^low .. 2^high, all normal.
std::vector<Operands> floats(int low, int high, bool negative) {
    std::vector<Operands> v;
    uint64_t state = 4711;
    for (int i = 0; i < 4000; ++i) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        const float x = std::ldexp(1 + float(state >> 41) * 0x1p-23f, low + int((state >> 20 & 0xffff) % uint64_t(high - low)));
        v.push_back({std::bit_cast<uint32_t>(negative && state >> 19 & 1 ? -x : x), 0, 0, 0});
    }
    return v;
}

/// In every rounding mode; f32 results stay normal, so that one rounding to 24 bits is the answer.
void rounded(const std::string& name, Unary function, bool negative) {
    const std::pair<const char*, mpfr_rnd_t> modes[] = {
        {"rn", MPFR_RNDN}, {"rz", MPFR_RNDZ}, {"rm", MPFR_RNDD}, {"rp", MPFR_RNDU}};
    for (auto [mode, rounding] : modes) {
        expect_over(name + "." + mode + ".f32 rd, ra;", 32, floats(-100, 100, negative), [&](Operands o) {
            mpfr_t x, r;
            mpfr_init2(x, 24), mpfr_init2(r, 24);
            mpfr_set_flt(x, std::bit_cast<float>(uint32_t(o.a)), MPFR_RNDN);
            function(r, x, rounding);
            const float value = mpfr_get_flt(r, MPFR_RNDN);
            mpfr_clear(x), mpfr_clear(r);
            return std::bit_cast<uint32_t>(value);
        });
        auto doubles = floats(-100, 100, negative);
        for (Operands& o : doubles) o.a = std::bit_cast<uint64_t>(double(std::bit_cast<float>(uint32_t(o.a))) * 1.1);
        expect_over(name + "." + mode + ".f64 wd, wa;", 64, doubles, [&](Operands o) {
            mpfr_t x, r;
            mpfr_init2(x, 53), mpfr_init2(r, 53);
            mpfr_set_d(x, std::bit_cast<double>(o.a), MPFR_RNDN);
            function(r, x, rounding);
            const double value = mpfr_get_d(r, MPFR_RNDN);
            mpfr_clear(x), mpfr_clear(r);
            return std::bit_cast<uint64_t>(value);
        });
    }
}

TEST(ReferenceMpfr, reciprocal_is_rounded) { rounded("rcp", reciprocal, true); }
TEST(ReferenceMpfr, root_is_rounded) { rounded("sqrt", mpfr_sqrt, false); }

void near(const std::string& name, Unary function, const std::vector<Operands>& in, double bound, bool absolute) {
    const auto got = run_over(name + ".approx.f32 rd, ra;", 32, in);
    for (size_t i = 0; i < got.size(); ++i) {
        mpfr_t x, r;
        mpfr_init2(x, 24), mpfr_init2(r, 53);
        mpfr_set_flt(x, std::bit_cast<float>(uint32_t(in[i].a)), MPFR_RNDN);
        function(r, x, MPFR_RNDN);
        const double want = mpfr_get_d(r, MPFR_RNDN);
        mpfr_clear(x), mpfr_clear(r);
        const double error = std::fabs(std::bit_cast<float>(uint32_t(got[i])) - want);
        ASSERT_LE(error, absolute ? bound : bound * std::fabs(want)) << name << std::hex << " a=" << in[i].a;
    }
}

TEST(ReferenceMpfr, approximations) {
    near("sin", mpfr_sin, floats(-20, 2, true), 0x1.6ap-21, true);
    near("cos", mpfr_cos, floats(-20, 2, true), 0x1.6ap-21, true);
    near("ex2", mpfr_exp2, floats(-20, 6, true), 0x1p-22, false);
    near("lg2", mpfr_log2, floats(1, 100, false), 0x1p-22, false);
    near("lg2", mpfr_log2, floats(-1, 1, false), 0x1p-22, true);
    near("rcp", reciprocal, floats(-100, 100, true), 0x1p-23, false);
    near("sqrt", mpfr_sqrt, floats(-100, 100, false), 0x1p-23, false);
    near("rsqrt", mpfr_rec_sqrt, floats(-100, 100, false), 0x1.12p-23, false);
    near("tanh", mpfr_tanh, floats(-20, 5, true), 0x1p-11, false);
}
#endif

} // namespace
} // namespace anywarp::oracle
