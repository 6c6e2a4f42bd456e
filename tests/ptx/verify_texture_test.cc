// What is right and what is wrong about texture and surface instructions. The verdicts are those of NVIDIA's ptxas (13.0, sm_80);
// where a toolkit is installed, tests of whole files compare the two programs.
#include "ptx/ast.h"

#include <gtest/gtest.h>

namespace anywarp::ptx {
namespace {

const char* const accepted[] = {
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6,%f7,%f7}];",
    "tex.1d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}];",
    "tex.1d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6,%f7,%f7}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%r5,%r6}];",
    "tex.2d.v4.f32.f32 {%r1,%r2,%r3,%r4}, [%rd1, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [tex1, smp, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [tex1, %rd1, {%f5,%f6}];",
    "tex.level.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}], %r1;",
    "tex.level.2d.v4.f32.s32 {%f1,%f2,%f3,%f4}, [%rd1, {%r5,%r6}], %r1;",
    "tex.grad.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}], {%f1,%f2}, {%f1,%f2};",
    "tex.a1d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%r1,%f6}];",
    "tex.a2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%r1,%f6,%f7,%f7}];",
    "tex.a2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%r1,%r6,%r7,%f7}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {0f3f800000,%f6}];",
    "tex.1d.v4.f32.s32 {%f1,%f2,%f3,%f4}, [%rd1, {5}];",
    "tex.1d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [tex1, {%f1}];",
    "tex.2d.v4.f32.f32 %v1, [%rd1, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 %v1, [%rd1, %v1];",
    "tex.3d.v4.f32.f32 %v1, [%rd1, %v1];",
    "tex.3d.v4.f32.f32 %v1, [%rd1, %v1], {%r1,%r2,%r3,%r3};",
    "tex.1d.v4.f32.f32 %v1, [%rd1, {%f1}], {%r1};",
    "tex.1d.v4.f32.f32 %v1, [%rd1, {%f1}], %r1;",
    "tex.1d.v4.f32.f32 %v1, [%rd1, {%f1}], 3;",
    "tex.1d.v4.f32.f32 %v1, [%rd1, {%f1}], %f1;",
    "tex.2d.v4.f32.f32 %v1, [%rd1, {%f1,%f2}], {3,9};",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [prm, {%f5,%f6}];",
    "tld4.r.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}], {%r1,%r2};",
    "txq.width.b32 %r1, [%rd1];",
    "txq.filter_mode.b32 %r1, [tex1];",
    "txq.level.width.b32 %r1, [tex1], 1;",
    "txq.array_size.b32 %r1, [tex1];",
    "txq.memory_layout.b32 %r1, [tex1];",
    "suq.array_size.b32 %r1, [surf1];",
    "istypep.texref %p1, %rd1;",
    "suld.b.2d.b32.trap %r1, [%rd1, {%r5,%r6}];",
    "suld.b.2d.b32.trap {%r1}, [%rd1, {%r5,%r6}];",
    "suld.b.2d.b8.trap %r1, [%rd1, {%r5,%r6}];",
    "suld.b.2d.b8.trap %h1, [%rd1, {%r5,%r6}];",
    "suld.b.2d.b16.trap %r1, [%rd1, {%r5,%r6}];",
    "suld.b.2d.ca.b16.trap %h1, [%rd1, {%r5,%r6}];",
    "suld.b.2d.b32.trap %f1, [%rd1, {%r5,%r6}];",
    "sust.b.2d.b32.trap [%rd1, {%r5,%r6}], %r1;",
    "sust.p.2d.b32.trap [%rd1, {%r5,%r6}], %r1;",
    "sust.p.2d.v2.b32.clamp [%rd1, {%r5,%r6}], {%r1,%f2};",
    "sust.p.a2d.v4.b32.trap [%rd1, {%r5,%r6,%r6,%r6}], {%r1,%r2,%r3,%r4};",
    "sured.b.add.2d.u64.trap [%rd1, {%r5,%r6}], %rd1;",
    "sured.b.and.2d.b32.trap [%rd1, {%r5,%r6}], %r1;",
    "sured.b.min.2d.s64.trap [%rd1, {%r5,%r6}], %rd1;",
    "sured.p.add.2d.b32.trap [%rd1, {%r5,%r6}], %r1;",
    "sured.p.min.2d.b64.trap [%rd1, {%r5,%r6}], %rd1;",
    "sured.b.or.3d.b32.zero [%rd1, {%r5,%r6,%r6,%r6}], %r1;",
};

const char* const refused[] = {
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, tex1, {%f5,%f6};",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6,%f7}];",
    "tex.3d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6,%f7}];",
    "tex.2d.v4.s32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}];",
    "tex.2d.v4.u32.s32 {%r1,%r2,%r3,%r4}, [%rd1, {%f5,%f6}];",
    "tex.2d.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3}, [%rd1, {%f5,%f6}];",
    "tex.2d.v2.f32.f32 {%f1,%f2}, [%rd1, {%f5,%f6}];",
    "tex.cube.v4.f32.s32 {%f1,%f2,%f3,%f4}, [%rd1, {%r5,%r6,%r6,%r6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%r1, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [smp, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [surf1, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [glob, {%f5,%f6}];",
    "tex.level.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}];",
    "tex.level.2d.v4.f32.s32 {%f1,%f2,%f3,%f4}, [%rd1, {%r5,%r6}], %f1;",
    "tex.grad.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}], {%f1,%f2};",
    "tex.grad.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}], {%f1,%f2,%f3,%f3}, {%f1,%f2,%f3,%f3};",
    "tex.grad.1d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5}], %f1, %f2;",
    "tex.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}];",
    "tex.a1d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f1,%f6}];",
    "tex.a2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%r1,%f6,%f7}];",
    "tex.1d.v4.f32.s32 {%f1,%f2,%f3,%f4}, [%rd1, 5];",
    "tex.3d.v4.f32.f32 %v1, [%rd1, %v1], {%r1,%r2,%r3};",
    "tex.3d.v4.f32.f32 %v1, [%rd1, %v1], {%r1,%r2,%r3,%r3}, %f1;",
    "tex.2dms.v4.f32.f32 %v1, [%rd1, {%r1,%f2,%f2,%f2}];",
    "tex.2dms.v4.f32.s32 %v1, [%rd1, {%r1,%r2,%r3}];",
    "tex.2d.v4.f64.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1+8, {%f5,%f6}];",
    "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [t, {%f5,%f6}];",
    "tld4.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}], {%r1,%r2};",
    "tld4.r.3d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}], {%r1,%r2};",
    "tld4.r.2d.v4.f32.s32 {%f1,%f2,%f3,%f4}, [%rd1, {%r5,%r6}];",
    "txq.width.u32 %r1, [%rd1];",
    "txq.width.b32 %r1, [smp];",
    "txq.b32 %r1, [tex1];",
    "txq.width.b32 %r1, [%rd1+8];",
    "txq.force_unnormalized_coords.b32 %r1, [tex1];",
    "txq.level.filter_mode.b32 %r1, [tex1], %r1;",
    "suq.width.b32 %r1, [tex1];",
    "suq.filter_mode.b32 %r1, [surf1];",
    "istypep.texref %p1, tex1;",
    "istypep.u32 %p1, %rd1;",
    "suld.b.2d.b32 %r1, [%rd1, {%r5,%r6}];",
    "suld.b.2d.b32.trap %r1, [%rd1, {%r5}];",
    "suld.b.3d.b32.trap %r1, [%rd1, {%r5,%r5,%r6}];",
    "suld.b.a2d.b32.trap %r1, [%rd1, {%r5,%r5,%r6}];",
    "suld.b.2d.u32.trap %r1, [%rd1, {%r5,%r6}];",
    "suld.b.2d.v4.b64.trap {%rd1,%rd2,%rd3,%rd4}, [%rd1, {%r5,%r6}];",
    "suld.p.2d.v4.b32.trap {%r1,%r2,%r3,%r4}, [%rd1, {%r5,%r6}];",
    "suld.b.2d.b32.trap %r1, [tex1, {%r5,%r6}];",
    "suld.b.cube.b32.trap %r1, [%rd1, {%r5,%r6}];",
    "sust.b.2d.b32.trap [%rd1, {%f5,%f6}], %r1;",
    "sust.b.2d.b32 [%rd1, {%r5,%r6}], %r1;",
    "sust.p.2d.v4.b64.trap [%rd1, {%r5,%r6}], {%rd1,%rd2,%rd3,%rd4};",
    "sured.b.add.2d.s64.trap [%rd1, {%r5,%r6}], %rd1;",
    "sured.b.add.2d.b32.trap [%rd1, {%r5,%r6}], %r1;",
    "sured.b.xor.2d.b32.trap [%rd1, {%r5,%r6}], %r1;",
    "sured.b.add.a2d.u32.trap [%rd1, {%r5,%r6,%r6,%r6}], %r1;",
    "sured.p.add.2d.u32.trap [%rd1, {%r5,%r6}], %r1;",
};

/// What the parser or the verifier says about an instruction in a kernel; empty when it is right.
std::string verdict(const std::string& instruction) {
    bool independent = instruction.find("smp") != std::string::npos;
    std::string text = std::string(".version 8.5\n.target sm_80") + (independent ? ", texmode_independent" : "") + R"(
.address_size 64
.global .texref tex1; .global .surfref surf1; .global .samplerref smp; .global .u32 glob;
.visible .entry k(.param .u64 p, .param .u64 t, .param .texref prm)
{ .reg .b32 %r<20>; .reg .f32 %f<20>; .reg .b64 %rd<10>; .reg .pred %p<4>; .reg .b16 %h<9>; .reg .v4 .f32 %v1;
)" + instruction + "\nret; }\n";
    auto module = parse_module(text, "test");
    if (!module) return module.error().message;
    auto body = (*module)->body(0);
    if (!body) return body.error().message;
    std::string wrong;
    for (const Diagnostic& d : verify(**module, (*module)->functions[0], **body)) wrong += d.message + "\n";
    return wrong;
}

TEST(VerifyTexture, AcceptsWhatPtxasAccepts) {
    for (const char* instruction : accepted) EXPECT_EQ(verdict(instruction), "") << instruction;
}

TEST(VerifyTexture, RefusesWhatPtxasRefuses) {
    for (const char* instruction : refused) EXPECT_NE(verdict(instruction), "") << instruction;
}

TEST(VerifyTexture, SaysWhatIsWrong) {
    EXPECT_NE(verdict("tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5}];").find("coordinate vector"), std::string::npos);
    EXPECT_NE(verdict("suld.b.2d.b32.trap %r1, [tex1, {%r5,%r6}];").find(".surfref"), std::string::npos);
    EXPECT_NE(verdict("tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [surf1, {%f5,%f6}];").find("'surf1' is .surfref"), std::string::npos);
}

} // namespace
} // namespace anywarp::ptx
