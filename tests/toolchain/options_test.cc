// nvcc's command line: the spellings that build systems use.
#include "toolchain/options.h"

#include <gtest/gtest.h>

using namespace anywarp::toolchain;

namespace {

Options read(std::vector<std::string> words) {
    auto options = parse_options(words);
    EXPECT_TRUE(options) << (options ? "" : options.error().message);
    return options ? *options : Options{};
}
using Words = std::vector<std::string>;

TEST(NvccOptions, DefaultsAreNvccs) {
    const Options o = read({"x.cu"});
    EXPECT_EQ(o.phase, Phase::executable);
    EXPECT_EQ(o.architectures, Words{"75"});
    EXPECT_EQ(o.inputs, Words{"x.cu"});
    EXPECT_TRUE(o.fuse_multiply_add);
    EXPECT_FALSE(o.relocatable);
}
TEST(NvccOptions, ArchitecturesInEveryForm) {
    EXPECT_EQ(read({"-arch=sm_80"}).architectures, Words{"80"});
    EXPECT_EQ(read({"-arch", "compute_90a"}).architectures, Words{"90a"});
    EXPECT_EQ(read({"--gpu-architecture=sm_86"}).architectures, Words{"86"});
    EXPECT_EQ(read({"-gencode", "arch=compute_80,code=sm_80", "-gencode=arch=compute_90,code=[sm_90,compute_90]"}).architectures,
              (Words{"80", "90"}));
    EXPECT_EQ(read({"--generate-code=arch=compute_75,code=[compute_75,sm_75]"}).architectures, Words{"75"});
    EXPECT_FALSE(parse_options({"-arch=sm_banana"}));
    EXPECT_FALSE(parse_options({"-gencode", "code=sm_80"}));
}
TEST(NvccOptions, ValuesAttachedOrApart) {
    const Options o = read({"-Ia", "-I", "b", "-I=c", "-DX=1", "-D", "Y", "-Lp", "-lcublas", "-o", "out", "-std=c++20", "-O2", "--std", "c++14"});
    EXPECT_EQ(o.preprocessor, (Words{"-Ia", "-Ib", "-Ic", "-DX=1", "-DY"}));
    EXPECT_EQ(o.link_flags, (Words{"-Lp", "-lcublas"}));
    EXPECT_EQ(o.output, "out");
    EXPECT_EQ(o.standard, "c++14");
    EXPECT_EQ(o.optimisation, "2");
}
TEST(NvccOptions, ListsSplitAtCommas) {
    const Options o = read({"-Xcompiler=-fPIC,-Wall", "-Xcompiler", "-O1", "-Xlinker", "-rpath,/x"});
    EXPECT_EQ(o.host_flags, (Words{"-fPIC", "-Wall", "-O1"}));
    EXPECT_EQ(o.link_flags, (Words{"-Xlinker", "-rpath", "-Xlinker", "/x"}));
}
TEST(NvccOptions, Phases) {
    EXPECT_EQ(read({"-c"}).phase, Phase::object);
    EXPECT_EQ(read({"--ptx"}).phase, Phase::ptx);
    EXPECT_EQ(read({"-cubin"}).phase, Phase::cubin);
    EXPECT_EQ(read({"-shared"}).phase, Phase::shared);
    EXPECT_TRUE(read({"-dc"}).relocatable);
    EXPECT_TRUE(read({"-rdc=true"}).relocatable);
}
TEST(NvccOptions, FastMathIsItsParts) {
    const Options o = read({"--use_fast_math"});
    EXPECT_TRUE(o.flush_denormals && o.approximate_math && !o.precise_division && !o.precise_sqrt);
    EXPECT_FALSE(read({"-fmad=false"}).fuse_multiply_add);
    EXPECT_TRUE(read({"--ftz=true"}).flush_denormals);
}
TEST(NvccOptions, WhatOnlyNvidiasToolsNeedIsTaken) {
    read({"-Xptxas", "-v", "-maxrregcount=32", "--expt-relaxed-constexpr", "--extended-lambda", "-diag-suppress", "177", "--threads=4", "-m64",
          "-Wno-deprecated-gpu-targets", "-ccbin", "g++", "-lineinfo"});
}
TEST(NvccOptions, UnknownOptionsAreErrorsUnlessForwarded) {
    auto bad = parse_options({"--no-such-option"});
    ASSERT_FALSE(bad);
    EXPECT_NE(bad.error().message.find("--no-such-option"), std::string::npos);
    EXPECT_EQ(read({"-march=native", "-forward-unknown-to-host-compiler"}).host_flags, Words{"-march=native"});
    EXPECT_FALSE(parse_options({"-o"}));
}

} // namespace
