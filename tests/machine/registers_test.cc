// How many values are alive at once; and that the lower bound, for which a launch may be refused, isn't above what ptxas uses,
// where that is installed.
#include "machine/registers.h"

#include "machine/properties.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

using namespace anywarp;

namespace {

std::string kernel(const std::string& body, const std::string& directives = "") {
    return ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k(.param .u64 p)" + directives + "\n{\n" + body +
           "\nret;\n}\n";
}

std::unique_ptr<ptx::Module> parse(const std::string& text) {
    auto module = ptx::parse_module(text, "test");
    EXPECT_TRUE(module) << module.error().message;
    return std::move(*module);
}

uint32_t live(const std::string& body) {
    auto module = parse(kernel(body));
    auto parsed = module->body(0);
    EXPECT_TRUE(parsed) << parsed.error().message;
    return machine::live_registers(**parsed).most;
}

/// `count` values are loaded, and stored in the other order after a barrier.
std::string many(int count) {
    std::string text = ".reg .b64 %a;\n.reg .b32 %r<" + std::to_string(count) + ">;\nld.param.u64 %a, [p];\n";
    for (int i = 0; i < count; i++)
        text += "ld.volatile.global.u32 %r" + std::to_string(i) + ", [%a+" + std::to_string(4 * i) + "];\n";
    text += "bar.sync 0;\n";
    for (int i = 0; i < count; i++)
        text += "st.volatile.global.u32 [%a+" + std::to_string(4 * i) + "], %r" + std::to_string(count - 1 - i) + ";\n";
    return text;
}

int ptxas_registers(const std::string& text) {
    char folder[] = "/tmp/anywarp-registers-XXXXXX";
    if (!mkdtemp(folder)) return -1;
    std::string file = std::string(folder) + "/k.ptx";
    std::ofstream(file) << text;
    std::string command = "{ ptxas -v -arch=sm_90 -o /dev/null " + file +
                          " || /usr/local/cuda/bin/ptxas -v -arch=sm_90 -o /dev/null " + file + "; } 2>&1";
    int registers = -1;
    if (FILE* pipe = popen(command.c_str(), "r")) {
        char line[512];
        while (std::fgets(line, sizeof line, pipe))
            if (const char* used = std::strstr(line, "Used ")) registers = std::atoi(used + 5);
        pclose(pipe);
    }
    std::remove(file.c_str());
    rmdir(folder);
    return registers;
}

} // namespace

TEST(Registers, AliveAtOnce) {
    EXPECT_EQ(live(".reg .b32 %r<4>; mov.u32 %r0, 1; mov.u32 %r1, 2; add.u32 %r2, %r0, %r1; add.u32 %r3, %r2, %r2;"), 2u);
    EXPECT_EQ(live(".reg .b64 %a<2>; .reg .b32 %r; mov.u64 %a0, 1; mov.u64 %a1, 2; add.u64 %a0, %a0, %a1; cvt.u32.u64 %r, %a0;"),
              4u)
        << "64 bits take two";
    EXPECT_EQ(live(".reg .pred %p; .reg .b32 %r; mov.u32 %r, 1; setp.eq.u32 %p, %r, 1; @%p bra L; mov.u32 %r, 2;\nL:"), 1u)
        << "predicates have registers of their own";
    EXPECT_EQ(live(many(40)), 42u) << "40 values and an address";
}

TEST(Registers, AcrossLoopsAndBranches) {
    // %r1 is needed again in the next turn, although its last mention in the text comes before %r3's.
    EXPECT_EQ(live(".reg .pred %p; .reg .b32 %r<4>;\nmov.u32 %r0, 10; mov.u32 %r1, 5; mov.u32 %r2, 0;\n"
                   "L: add.u32 %r2, %r2, %r1; mov.u32 %r3, %r2; sub.u32 %r0, %r0, %r3; setp.ne.u32 %p, %r0, 0;\n@%p bra L;"),
              4u);
    // A guarded write keeps the old value alive.
    EXPECT_EQ(live(".reg .pred %p; .reg .b32 %r<3>; mov.u32 %r0, 1; mov.u32 %r1, 2; setp.eq.u32 %p, %r1, 3;\n"
                   "@%p mov.u32 %r0, %r1; add.u32 %r2, %r0, 1;"),
              2u);
}

TEST(Registers, PinnedByBarriersAndLoops) {
    auto pinned = [](const std::string& body) {
        auto module = parse(kernel(body));
        return machine::live_registers(**module->body(0)).pinned;
    };
    EXPECT_EQ(pinned(many(40)), 40u) << "the address can be read again";
    EXPECT_EQ(pinned(".reg .b32 %r<3>; mov.u32 %r0, 1; mov.u32 %r1, 2; add.u32 %r2, %r0, %r1;"), 0u);
    EXPECT_EQ(pinned(".reg .pred %p; .reg .b32 %r<3>;\nmov.u32 %r0, 10; mov.u32 %r1, 5; mov.u32 %r2, 0;\n"
                     "L: add.u32 %r2, %r2, %r1; sub.u32 %r0, %r0, 1; setp.ne.u32 %p, %r0, 0;\n@%p bra L;"),
              2u)
        << "the counter and the sum; the step is a constant";
}

TEST(Registers, DirectivesCap) {
    machine::Properties device;
    auto need = [&](int values, const char* directives) {
        auto module = parse(kernel(many(values), directives));
        return machine::register_need(device, module->functions[0], machine::live_registers(**module->body(0)), false);
    };
    EXPECT_GE(need(100, "").estimate, 102u);
    EXPECT_EQ(need(100, " .maxnreg 64").estimate, 64u);
    EXPECT_EQ(need(100, " .maxntid 1024, 1, 1").estimate, 64u) << "1024 threads leave 64";
    EXPECT_EQ(need(100, " .maxntid 256, 1, 1 .minnctapersm 4").estimate, 64u);
    EXPECT_LE(need(400, "").estimate, 255u);
}

TEST(Registers, LowerBoundIsBelowPtxas) {
    if (ptxas_registers(kernel("")) < 0) GTEST_SKIP() << "skipped: ptxas isn't installed";
    machine::Properties device;
    for (int values : {4, 20, 60, 120, 200}) {
        std::string text = kernel(many(values));
        auto module = parse(text);
        auto need = machine::register_need(device, module->functions[0], machine::live_registers(**module->body(0)), false);
        int theirs = ptxas_registers(text);
        EXPECT_LE(static_cast<int>(need.at_least), theirs) << values;
        if (values < 200) EXPECT_NEAR(static_cast<int>(need.estimate), theirs, 12) << values; // beyond, ptxas uses all
    }
}
