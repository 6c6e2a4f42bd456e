// Runs one PTX instruction on the oracle over an array of inputs, for the tests that compare it with arithmetic of their own.
//
// One thread per input. The code finds its operands in ha hb hc (16 bits), ra rb rc (32) and wa wb wc (64), which all hold the
// low bits of the same inputs, and leaves its result in hd, rd or wd, by the width asked for; q, v0, v1 and v2 are free.
#pragma once
#include "oracle/oracle.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace anywarp::oracle {

struct Operands {
    uint64_t a = 0, b = 0, c = 0, d = 0;
};

inline std::vector<uint64_t> run_over(const std::string& code, int width, std::vector<Operands> inputs) {
    const size_t count = inputs.size();
    inputs.resize((count + 127) / 128 * 128);
    std::string text = ".version 8.6\n.target sm_90a\n.address_size 64\n.visible .entry k(.param .u64 in, .param .u64 out)\n{\n"
                       " .reg .b64 p, o, i;\n .reg .b32 t, n, m;\n .reg .pred q;\n .reg .b16 ha, hb, hc, hd;\n"
                       " .reg .b32 ra, rb, rc, rd, v0, v1, v2;\n .reg .b64 wa, wb, wc, wd;\n"
                       " ld.param.u64 p, [in];\n ld.param.u64 o, [out];\n mov.u32 t, %tid.x;\n mov.u32 n, %ctaid.x;\n"
                       " mad.lo.u32 m, n, 128, t;\n mul.wide.u32 i, m, 32;\n add.u64 p, p, i;\n mul.wide.u32 i, m, 8;\n"
                       " add.u64 o, o, i;\n";
    for (int k = 0; k < 3; ++k) {
        const std::string name(1, char('a' + k)), at = ", [p+" + std::to_string(8 * k) + "];\n";
        text += " ld.global.b16 h" + name + at + " ld.global.b32 r" + name + at + " ld.global.b64 w" + name + at;
    }
    text += " " + code + "\n st.global.b" + std::to_string(width) + " [o], " +
            (width == 16   ? "hd"
             : width == 32 ? "rd"
                           : "wd") +
            ";\n ret;\n}\n";
    std::vector<uint64_t> results(inputs.size());
    auto module = ptx::parse_module(text, "test");
    if (!module) {
        ADD_FAILURE() << code << ": " << module.error().message;
        return {};
    }
    const void* params[2] = {inputs.data(), results.data()};
    Launch launch;
    launch.params = reinterpret_cast<const uint8_t*>(params);
    launch.block[0] = 128;
    launch.grid[0] = uint32_t(inputs.size() / 128);
    Outcome outcome;
    auto done = run_grid(**module, 0, launch, outcome);
    if (!done) {
        ADD_FAILURE() << code << ": " << done.error().message;
        return {};
    }
    results.resize(count);
    return results;
}

/// Compares every result with `expected(operands)`; stops at the first that differs.
template <class Expected>
void expect_over(const std::string& code, int width, const std::vector<Operands>& inputs, Expected expected) {
    const auto results = run_over(code, width, inputs);
    const uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
    for (size_t i = 0; i < results.size(); ++i) {
        const uint64_t want = uint64_t(expected(inputs[i])) & mask;
        if (results[i] == want) continue;
        ADD_FAILURE() << code << std::hex << " a=" << inputs[i].a << " b=" << inputs[i].b << " c=" << inputs[i].c << ": got "
                      << results[i] << ", expected " << want;
        return;
    }
}

/// Edge values against each other, then a fixed random sequence.
inline std::vector<Operands> integer_operands() {
    const uint64_t edges[] = {0,
                              1,
                              2,
                              31,
                              32,
                              33,
                              64,
                              0x7fffffff,
                              0x80000000,
                              0xffffffff,
                              0x7fffffffffffffff,
                              0x8000000000000000,
                              ~0ull,
                              0x80807f7f80007fff};
    std::vector<Operands> v;
    uint64_t state = 20240607;
    auto next = [&] {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        return state ^ state >> 29;
    };
    for (uint64_t a : edges)
        for (uint64_t b : edges) v.push_back({a, b, next(), 0});
    for (int i = 0; i < 2000; ++i) v.push_back({next(), next(), next(), 0});
    return v;
}

} // namespace anywarp::oracle
