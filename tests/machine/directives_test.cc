// What each directive of PTX does, by its effect: on the module, on launches, on what kernels compute. One function check_NAME per
// row of src/ptx/directives.def; a row without one doesn't link. Source: PTX ISA 9.0, chapter 11.
#include "machine/device.h"
#include "machine/kernel.h"
#include "machine/registers.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace anywarp;
using namespace anywarp::machine;

#define ANYWARP_DIRECTIVE(name, spelling, version, effect)                                                                       \
    void check_##name();                                                                                                         \
    TEST(Directive, name) { check_##name(); }
#include "ptx/directives.def"

namespace {

const std::string header = ".version 8.3\n.target sm_80\n.address_size 64\n";
// A kernel k(out) that stores %r at out.
std::string kernel(const std::string& body, const std::string& directives = "", const std::string& parameters = ".param .u64 out") {
    return ".visible .entry k(" + parameters + ")" + directives +
           "\n{\n.reg .pred %p; .reg .b32 %r, %i, %j; .reg .b64 %o, %d;\nld.param.u64 %o, [out];\n" + body +
           "\nst.global.u32 [%o], %r;\nret;\n}\n";
}

Device& gpu() { return **Device::get(0); }

Result<std::shared_ptr<LoadedModule>> load(const std::string& text) { return LoadedModule::load(gpu(), text, "directives"); }

Result<void> launch(LoadedModule& module, Dim3 block, void* out, uint32_t shared = 0) {
    auto k = module.find_kernel("k");
    if (!k) return std::unexpected(k.error());
    void* pointers[] = {&out, nullptr};
    LaunchConfig config{{1, 1, 1}, block, shared};
    config.params = (*k)->pack(pointers);
    Stream& stream = gpu().legacy_stream();
    if (auto launched = (*k)->launch(stream, config); !launched) return launched;
    return gpu().synchronize();
}

/// What the kernel k of the text stores.
uint32_t result_of(const std::string& text, Dim3 block = {1, 1, 1}, uint32_t shared = 0) {
    auto module = load(text);
    EXPECT_TRUE(module) << module.error().message;
    if (!module) return ~0u;
    uint8_t* out = *gpu().allocate(256);
    auto run = launch(**module, block, out, shared);
    EXPECT_TRUE(run) << run.error().message;
    uint32_t value = ~0u;
    EXPECT_TRUE(gpu().legacy_stream().run(CopyCommand{&value, out, 4}));
    EXPECT_TRUE(gpu().synchronize());
    return value;
}

void expect_refused(const std::string& text, const std::string& word, ErrorCode code = ErrorCode::invalid_ptx) {
    auto module = load(text);
    ASSERT_FALSE(module) << text;
    EXPECT_EQ(module.error().code, code);
    EXPECT_NE(module.error().message.find(word), std::string::npos) << module.error().message;
}

uint32_t estimated_registers(const std::string& directives) {
    std::string body = ".reg .b32 %v<64>;\n";
    for (int i = 0; i < 60; i++) body += "ld.volatile.global.u32 %v" + std::to_string(i) + ", [%o];\n";
    for (int i = 0; i < 60; i++) body += "st.volatile.global.u32 [%o], %v" + std::to_string(i) + ";\n";
    auto module = load(header + kernel(body + "mov.u32 %r, 0;", directives));
    EXPECT_TRUE(module) << module.error().message;
    return (*(*module)->find_kernel("k"))->attributes()->registers;
}

} // namespace

void check_version() {
    for (const char* version : {"1.4", "4.1", "6.7", "9.0"})
        EXPECT_EQ(result_of(std::string(".version ") + version + "\n.target sm_30\n.address_size 64\n" + kernel("mov.u32 %r, 7;")), 7u);
    expect_refused(".version 12.34\n.target sm_80\n.address_size 64\n" + kernel("mov.u32 %r, 7;"), "12.34", ErrorCode::unsupported_ptx_version);
    expect_refused(".target sm_80\n.address_size 64\n" + kernel("mov.u32 %r, 7;"), ".version");
}

void check_target() {
    EXPECT_EQ(result_of(".version 8.3\n.target sm_30, texmode_independent, debug\n.address_size 64\n" + kernel("mov.u32 %r, 7;")), 7u);
    expect_refused(".version 8.3\n.address_size 64\n" + kernel("mov.u32 %r, 7;"), ".target");
    EXPECT_FALSE(load(".version 9.9\n.target sm_990\n.address_size 64\n" + kernel("mov.u32 %r, 7;")));
}

void check_address_size() {
    EXPECT_EQ(result_of(".version 8.3\n.target sm_80\n" + kernel("mov.u32 %r, 7;")), 7u);
    expect_refused(".version 6.0\n.target sm_50\n.address_size 32\n" + kernel("mov.u32 %r, 7;"), ".address_size 32");
}

void check_entry() {
    auto module = load(header + kernel("mov.u32 %r, 7;") + ".entry second() { ret; }\n.func third() { ret; }\n");
    ASSERT_TRUE(module);
    EXPECT_EQ((*module)->kernel_names(), (std::vector<std::string>{"k", "second"}));
    EXPECT_FALSE((*module)->find_kernel("third"));
}

void check_func() {
    EXPECT_EQ(result_of(header + ".func (.param .b32 r) twice(.param .b32 a) { .reg .b32 %a; ld.param.b32 %a, [a]; add.u32 %a, %a, %a; "
                                 "st.param.b32 [r], %a; ret; }\n" +
                        kernel("call (%r), twice, (21);")),
              42u);
}

// By name, by address in code, by address in a table; the alias stands before its target.
void check_alias() {
    std::string functions = ".visible .func (.param .b32 r) other(.param .b32 a);\n"
                            ".func (.param .b32 r) plus(.param .b32 a) { .reg .b32 %a; ld.param.b32 %a, [a]; add.u32 %a, %a, 5; "
                            "st.param.b32 [r], %a; ret; }\n.alias other, plus;\n.global .u64 table[1] = {other};\n";
    EXPECT_EQ(result_of(header + functions + kernel("call (%r), other, (2);")), 7u);
    std::string prototype = "P: .callprototype (.param .b32 _) _ (.param .b32 _);\ncall (%r), %d, (3), P;";
    EXPECT_EQ(result_of(header + functions + kernel("mov.u64 %d, other;\n" + prototype)), 8u);
    EXPECT_EQ(result_of(header + functions + kernel("ld.global.u64 %d, [table];\n" + prototype)), 8u);
}

void check_extern_() {
    EXPECT_EQ(result_of(header + ".extern .global .u32 v;\n" + kernel("ld.global.u32 %r, [v];") + ".visible .global .u32 v = 9;\n"), 9u);
    EXPECT_EQ(result_of(header + ".extern .shared .align 4 .b8 room[];\n" +
                            kernel("mov.u32 %i, 77; st.shared.u32 [room+96], %i; ld.shared.u32 %r, [room+96];"),
                        {1, 1, 1}, 100),
              77u);
}

void check_visible() {
    auto module = load(header + ".visible .global .u32 v[3] = {1, 2, 3};\n" + kernel("mov.u32 %r, 0;"));
    ASSERT_TRUE(module);
    auto v = (*module)->find_global("v");
    ASSERT_TRUE(v);
    EXPECT_EQ(v->size, 12u);
    EXPECT_EQ(reinterpret_cast<const uint32_t*>(v->address)[2], 3u);
}

void check_weak() {
    EXPECT_EQ(result_of(header + ".weak .global .u32 v;\n.weak .global .u32 v = 6;\n.weak .func (.param .b32 r) f() { st.param.b32 [r], 4; ret; }\n" +
                        kernel("call (%r), f, (); ld.global.u32 %i, [v]; add.u32 %r, %r, %i;")),
              10u);
}

void check_common() {
    EXPECT_EQ(result_of(header + ".common .global .u32 v;\n.common .global .u32 v;\n" +
                        kernel("mov.u32 %i, 3; st.global.u32 [v], %i; ld.global.u32 %r, [v];")),
              3u);
}

void check_align() {
    EXPECT_EQ(result_of(header + ".global .b8 one;\n.global .align 128 .b8 v[4];\n.shared .b8 s;\n.shared .align 64 .b8 w[4];\n" +
                        kernel("mov.u64 %d, v; cvt.u32.u64 %r, %d; and.b32 %r, %r, 127; mov.u32 %i, w; and.b32 %i, %i, 63; "
                               "or.b32 %r, %r, %i; mov.u32 %j, s; st.shared.u8 [s], 1; st.global.u8 [one], 1;")),
              0u);
    auto module = load(header + ".visible .entry k(.param .u8 a, .param .align 16 .b8 b[16], .param .u64 out) { ret; }\n");
    ASSERT_TRUE(module);
    EXPECT_EQ((*(*module)->find_kernel("k"))->parameters().offsets[1], 16u);
    expect_refused(header + ".global .align 3 .u32 v;\n", "power of two");
}

void check_managed() {
    auto module = load(header + ".global .attribute(.managed) .u32 v = 5;\n.global .u32 w;\n" + kernel("mov.u32 %r, 0;"));
    ASSERT_TRUE(module);
    EXPECT_TRUE((*module)->find_global("v")->managed);
    EXPECT_FALSE((*module)->find_global("w")->managed);
    expect_refused(header + ".const .attribute(.managed) .u32 v;\n", "managed");
}

void check_unified() {
    EXPECT_EQ(result_of(".version 9.0\n.target sm_90\n.address_size 64\n.global .attribute(.unified(19,95)) .u32 v = 5;\n" +
                        kernel("ld.global.u32 %r, [v];")),
              5u);
}

// The promised alignment isn't relied on: a pointer that breaks it works as long as the access itself is aligned.
void check_ptr() {
    auto module = load(header + kernel("mov.u32 %r, 7;", "", ".param .u64 .ptr .global .align 16 out"));
    ASSERT_TRUE(module) << module.error().message;
    uint8_t* out = *gpu().allocate(64);
    ASSERT_TRUE(launch(**module, {1, 1, 1}, out + 4));
    uint32_t value = 0;
    ASSERT_TRUE(gpu().legacy_stream().run(CopyCommand{&value, out + 4, 4}));
    EXPECT_EQ(value, 7u);
}

void check_maxntid() {
    auto module = load(header + kernel("mov.u32 %r, 7;", " .maxntid 8, 4"));
    ASSERT_TRUE(module);
    EXPECT_EQ((*(*module)->find_kernel("k"))->attributes()->max_threads, 32u);
    uint8_t* out = *gpu().allocate(64);
    EXPECT_TRUE(launch(**module, {32, 1, 1}, out));
    EXPECT_EQ(launch(**module, {33, 1, 1}, out).error().code, ErrorCode::invalid_value);
    EXPECT_LE(estimated_registers(" .maxntid 1024"), 64u);
}

void check_reqntid() {
    auto module = load(header + kernel("mov.u32 %r, 7;", " .reqntid 8, 4"));
    ASSERT_TRUE(module);
    uint8_t* out = *gpu().allocate(64);
    EXPECT_TRUE(launch(**module, {8, 4, 1}, out));
    EXPECT_EQ(launch(**module, {32, 1, 1}, out).error().code, ErrorCode::invalid_value);
}

void check_minnctapersm() { EXPECT_LE(estimated_registers(" .maxntid 512 .minnctapersm 4"), 32u); }

void check_maxnctapersm() { EXPECT_EQ(estimated_registers(" .maxntid 128 .maxnctapersm 2"), estimated_registers(" .maxntid 128")); }

void check_maxnreg() {
    EXPECT_GT(estimated_registers(""), 32u);
    EXPECT_EQ(estimated_registers(" .maxnreg 32"), 32u);
}

// What follows the call is never reached.
void check_noreturn() {
    EXPECT_EQ(result_of(header + ".func stop(.param .b64 o) .noreturn { .reg .b64 %o; ld.param.b64 %o, [o]; st.global.u32 [%o], 3; exit; }\n" +
                        kernel("call stop, (%o); mov.u32 %r, 4;")),
              3u);
    auto module = ptx::parse_module(header + ".func f() .noreturn { exit; }\n.func g() { ret; }\n", "test");
    ASSERT_TRUE(module);
    EXPECT_TRUE((*module)->find_function("f")->noreturn);
    EXPECT_FALSE((*module)->find_function("g")->noreturn);
}

void check_pragma() {
    EXPECT_EQ(result_of(header + ".pragma \"nounroll\";\n" +
                        kernel("mov.u32 %r, 0;\nL: .pragma \"nounroll\";\nadd.u32 %r, %r, 1; setp.lt.u32 %p, %r, 9; @%p bra L;",
                               " .pragma \"enable_smem_spilling\";")),
              9u);
    expect_refused(header + ".pragma nounroll;\n", "nounroll");
}

void check_abi_preserve() {
    EXPECT_EQ(result_of(".version 9.0\n.target sm_80\n.address_size 64\n.func (.param .b32 r) f() .abi_preserve 6 { st.param.b32 [r], 4; ret; }\n" +
                        kernel("call (%r), f, ();")),
              4u);
}

void check_abi_preserve_control() {
    EXPECT_EQ(result_of(".version 9.0\n.target sm_80\n.address_size 64\n.func (.param .b32 r) f() .abi_preserve_control 2 { st.param.b32 [r], 4; "
                        "ret; }\n" + kernel("call (%r), f, ();")),
              4u);
}

void check_branchtargets() {
    for (uint32_t i = 0; i < 3; i++)
        EXPECT_EQ(result_of(header + kernel("mov.u32 %i, " + std::to_string(i) + ";\nT: .branchtargets A, B, A;\nbrx.idx %i, T;\n"
                                            "A: mov.u32 %r, 10; bra E;\nB: mov.u32 %r, 20;\nE:")),
                  i == 1 ? 20u : 10u);
}

void check_calltargets() {
    EXPECT_EQ(result_of(header + ".func (.param .b32 r) f() { st.param.b32 [r], 4; ret; }\n.func (.param .b32 r) g() { st.param.b32 [r], 5; ret; }\n" +
                        kernel("T: .calltargets f, g;\nmov.u64 %d, g;\ncall (%r), %d, (), T;")),
              5u);
}

void check_callprototype() {
    std::string f = ".func (.param .b32 r) f(.param .b32 a) { .reg .b32 %a; ld.param.b32 %a, [a]; add.u32 %a, %a, 1; st.param.b32 [r], %a; ret; }\n";
    EXPECT_EQ(result_of(header + f + kernel("P: .callprototype (.param .b32 _) _ (.param .b32 _);\nmov.u64 %d, f;\ncall (%r), %d, (8), P;")), 9u);
    expect_refused(header + f + kernel("mov.u64 %d, f;\ncall (%r), %d, (8), P;"), "P");
}

void check_file() {
    auto module = ptx::parse_module(header + ".file 1 \"a.cu\"\n.file 2 \"b.h\", 1600000000, 1234\n", "test");
    ASSERT_TRUE(module);
    EXPECT_EQ((*module)->files, (std::vector<std::string>{"a.cu", "b.h"}));
}

// No code comes of it, and errors keep the lines of the PTX text.
void check_loc() {
    EXPECT_EQ(result_of(header + ".file 1 \"a.cu\"\n" +
                        kernel(".loc 1 3 5\nmov.u32 %r, 1;\n.loc 1 9 2, function_name $L__info, inlined_at 1 3 5\nadd.u32 %r, %r, 1;\n"
                               ".loc 1 9 2, function_name $L__info+4, inlined_at 1 3 5\nadd.u32 %r, %r, 1;") +
                        ".section .debug_str {\n$L__info:\n.b8 102,0\n}\n"),
              3u);
    expect_refused(header + ".file 1 \"a.cu\"\n.visible .entry k() {\n.loc 1 3 5\nnonsense.u32;\nret; }\n", "7:");
}

void check_section() {
    EXPECT_EQ(result_of(header + kernel("mov.u32 %r, 7;") +
                        ".section .debug_abbrev {\n.b8 1, 17\n.b8 0\n}\n.section .debug_info {\n.b32 16\nL1:\n.b64 .debug_abbrev\n.b32 L1+4\n}\n"),
              7u);
}

void check_dwarf() {
    EXPECT_EQ(result_of(".version 3.0\n.target sm_30\n.address_size 64\n@@DWARF .section .debug_info, \"\", @progbits\n@@DWARF .byte 0x2b\n" +
                        kernel("@@DWARF .4byte 0x10\nmov.u32 %r, 7;")),
              7u);
}
