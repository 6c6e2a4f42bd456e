// The parser: module index, bodies on demand, scopes, labels, operands, initialisers, printing back.
#include "ptx/ast.h"
#include "ptx/layout.h"

#include <chrono>
#include <gtest/gtest.h>
#include <random>
#include <thread>

using namespace anywarp;
using namespace anywarp::ptx;

namespace {

const std::string header = ".version 8.0\n.target sm_80\n.address_size 64\n";

std::unique_ptr<Module> parse(const std::string& text) {
    auto module = parse_module(header + text, "test");
    EXPECT_TRUE(module) << (module ? "" : module.error().message);
    return module ? std::move(*module) : nullptr;
}

const Body* body_of(const Module& module, std::string_view name) {
    const Function* f = module.find_function(name);
    EXPECT_TRUE(f);
    auto body = module.body(uint32_t(f - module.functions.data()));
    EXPECT_TRUE(body) << (body ? "" : body.error().message);
    return body ? *body : nullptr;
}

const Body* parse_kernel(std::unique_ptr<Module>& module, const std::string& statements) {
    module = parse(".visible .entry k(.param .u64 p) {\n" + statements + "\n}");
    return module ? body_of(*module, "k") : nullptr;
}

std::string message_of(const std::string& text) {
    auto module = parse_module(header + text, "test");
    if (!module) return module.error().message;
    for (uint32_t f = 0; f < (*module)->functions.size(); f++)
        if (!(*module)->functions[f].is_declaration)
            if (auto body = (*module)->body(f); !body) return body.error().message;
    return "";
}

} // namespace

TEST(Parse, Header) {
    auto module = parse_module(".version 12.34\n.target sm_90a, debug\n.address_size 64", "test");
    ASSERT_TRUE(module);
    EXPECT_EQ((*module)->version_major, 12u);
    EXPECT_EQ((*module)->version_minor, 34u);
    EXPECT_EQ((*module)->target, "sm_90a");
    EXPECT_EQ((*module)->target_sm, 90u);
    EXPECT_FALSE(parse_module("", "empty"));
}

TEST(Parse, KernelParameters) {
    auto module = parse(".visible .entry k(.param .u64 .ptr .global .align 16 a, .param .u8 b, .param .align 8 .b8 c[24], .param .f64 d)\n"
                        ".maxntid 256, 2 .minnctapersm 3 .maxnreg 64 { ret; }");
    const Function* k = module->find_function("k");
    ASSERT_EQ(k->parameters.size(), 4u);
    EXPECT_TRUE(k->parameters[0].pointer);
    EXPECT_EQ(k->parameters[0].align, 8u); // .align behind .ptr speaks of the pointee
    EXPECT_EQ(k->max_threads[1], 2u);
    EXPECT_EQ(k->max_threads[2], 1u);
    EXPECT_EQ(k->min_blocks, 3u);
    EXPECT_EQ(k->max_registers, 64u);
    ParameterLayout layout = parameter_layout(*k);
    EXPECT_EQ(layout.offsets, (std::vector<uint32_t>{0, 8, 16, 40}));
    EXPECT_EQ(layout.size, 48u);
}

TEST(Parse, ModifiersInAnyOrder) {
    std::unique_ptr<Module> module;
    const Body* body = parse_kernel(module, ".reg .u32 %r<4>; .reg .u64 %d;\n"
                                            "ld.global.volatile.v2.u32 {%r1, %r2}, [%d+-8];\n"
                                            "cp.async.cg.shared.global.L2::128B [%r1], [%d], 16;\n"
                                            "st.shared::cluster.u32 [%r1], %r2;");
    const Instruction& load = body->instructions[0];
    EXPECT_EQ(load.opcode, Opcode::ld);
    EXPECT_EQ(load.space, StateSpace::global);
    EXPECT_EQ(load.vector, 2);
    EXPECT_TRUE(load.has(Modifier::volatile_));
    EXPECT_EQ(load.operands[1].offset, -8);
    const Instruction& copy = body->instructions[1];
    EXPECT_EQ(copy.opcode, Opcode::cp_async);
    EXPECT_EQ(copy.space, StateSpace::shared);
    EXPECT_EQ(copy.second_space, StateSpace::global);
    EXPECT_TRUE(body->instructions[2].has(Modifier::shared_cluster));
}

// 9.7.3.6: mad.f32 of sm_1x has no rounding and runs as fma.rn.ftz.f32; from sm_20 on a rounding must be named.
TEST(Parse, OldMadIsRoundedAndFlushes) {
    auto first = [](const std::string& target) {
        auto module = parse_module(".version 1.4\n.target " + target + "\n.entry k() {\n.reg .f32 a;\nmad.f32 a, a, a, a;\n}", "test");
        EXPECT_TRUE(module);
        return body_of(**module, "k")->instructions.at(0).modifiers;
    };
    EXPECT_EQ(first("sm_10, map_f64_to_f32"), (std::vector{Modifier::rn, Modifier::ftz}));
    EXPECT_TRUE(first("sm_20").empty());
}

TEST(Parse, LongestPrefixNamesTheInstruction) {
    std::unique_ptr<Module> module;
    const Body* body = parse_kernel(module, ".reg .u32 %r<4>; .reg .u64 %d<3>; .reg .pred %p;\n"
                                            "bar.warp.sync -1; bar.sync 0; barrier.cluster.arrive.aligned;\n"
                                            "mbarrier.arrive.expect_tx.shared::cta.b64 %d1, [%r1], 4;\n"
                                            "cp.async.bulk.commit_group; wmma.load.a.sync.aligned.row.m16n16k16.f16 {%r1, %r2}, [%d1];\n");
    Opcode expected[] = {Opcode::bar_warp_sync,   Opcode::bar, Opcode::barrier_cluster_arrive, Opcode::mbarrier_arrive,
                         Opcode::cp_async_bulk_commit_group, Opcode::wmma_load};
    for (size_t i = 0; i < std::size(expected); i++) EXPECT_EQ(body->instructions[i].opcode, expected[i]) << i;
    EXPECT_TRUE(body->instructions[3].has(Modifier::expect_tx));
}

TEST(Parse, ScopesAndLabels) {
    std::unique_ptr<Module> module;
    const Body* body = parse_kernel(module, ".reg .u32 %r<4>; .reg .pred p;\n"
                                            "mov.u32 %r1, 1;\n"
                                            "{ .reg .u64 %r1; mov.u64 %r1, 2; bra L; L: bra OUT; }\n"
                                            "{ .reg .u64 %r1; mov.u64 %r1, 3; L: bra L; }\n"
                                            "OUT: @!p bra L2;\n L2:");
    ASSERT_EQ(body->instructions.size(), 7u);
    EXPECT_EQ(body->registers[body->instructions[0].operands[0].reg].type, Type::u32);
    EXPECT_EQ(body->registers[body->instructions[1].operands[0].reg].type, Type::u64);
    EXPECT_NE(body->instructions[1].operands[0].reg, body->instructions[4].operands[0].reg);
    auto target = [&](size_t i) { return body->labels[body->instructions[i].operands[0].label].target; };
    EXPECT_EQ(target(2), 3u);
    EXPECT_EQ(target(3), 6u);
    EXPECT_EQ(target(5), 5u);
    EXPECT_EQ(target(6), 7u); // at the end
    EXPECT_TRUE(body->instructions[6].guard_negated);
}

TEST(Parse, Constants) {
    std::unique_ptr<Module> module;
    const Body* body = parse_kernel(module, ".reg .u32 %r; .reg .f32 %f; .reg .f64 %d;\n"
                                            "mov.u32 %r, 0x1F; mov.u32 %r, 017; mov.u32 %r, 0b101; mov.u32 %r, (2+3)*4 << 1;\n"
                                            "mov.u32 %r, -1; mov.u32 %r, WARP_SZ; mov.u32 %r, 1 ? 7 : 8; mov.u32 %r, 5U;\n"
                                            "mov.f32 %f, 0f3FC00000; mov.f64 %d, 0d4000000000000000; mov.f64 %d, 1.5e2; mov.f32 %f, 0f7FA00001;");
    uint64_t expected[] = {31, 15, 5, 40, ~0ull, 32, 7, 5};
    for (size_t i = 0; i < std::size(expected); i++) EXPECT_EQ(body->instructions[i].operands[1].bits, expected[i]) << i;
    auto real = [&](size_t i) { return std::bit_cast<double>(body->instructions[i].operands[1].bits); };
    EXPECT_EQ(real(8), 1.5);
    EXPECT_TRUE(body->instructions[8].operands[1].float_is_single);
    EXPECT_EQ(real(9), 2.0);
    EXPECT_EQ(real(10), 150.0);
    EXPECT_NE(print(*module).find("0f7FA00001"), std::string::npos); // a NaN keeps its payload
}

TEST(Parse, CallsAndTables) {
    auto module = parse(".extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n.func f();\n"
                        ".entry k(.param .u64 p) {\n.reg .u64 %d; .reg .u32 %r;\n"
                        "{ .param .b64 x; .param .b64 y; .param .b32 z; call.uni (z), vprintf, (x, y); }\n"
                        "call f;\n"
                        "mov.u64 %d, f;\n"
                        "{ .param .b32 q; proto : .callprototype (.param .b32 _) _ (); call (q), %d, (), proto; }\n"
                        "t: .branchtargets A, B;\n brx.idx %r, t;\nA: B: ret; }\n.func f() { ret; }");
    const Body* body = body_of(*module, "k");
    ASSERT_EQ(body->instructions.size(), 6u);
    EXPECT_EQ(body->instructions[0].operands[0].kind, Operand::Kind::list);
    EXPECT_EQ(body->instructions[1].operands[0].symbol.kind, Symbol::Kind::function);
    EXPECT_EQ(body->prototypes[body->instructions[3].operands[3].bits].returns.size(), 1u);
    EXPECT_EQ(body->branch_targets[body->instructions[4].operands[1].bits].labels.size(), 2u);
    auto functions = reachable_functions(*module, module->symbols.at("k").index);
    ASSERT_TRUE(functions);
    EXPECT_EQ(functions->size(), 2u);
    EXPECT_TRUE(verify(*module, *module->find_function("k"), *body).empty());
}

TEST(Parse, Initializers) {
    auto module = parse(".func f();\n.global .align 8 .u64 table[3] = {generic(s)+4, f, x};\n.global .b8 s[] = {104, 105, 0};\n"
                        ".global .u32 x;\n.global .align 4 .b8 bytes[6] = {1, 0xFF(s), 0xFF00(generic(s)+2)};\n"
                        ".global .f32 floats[2][2] = {{1.0}, {0f40000000, 3}};\n.const .v2 .u16 v = {1, 2};\n.func f() { ret; }");
    const Variable& table = *module->find_variable("table");
    ASSERT_EQ(table.initializer->addresses.size(), 3u);
    EXPECT_TRUE(table.initializer->addresses[0].generic);
    EXPECT_EQ(table.initializer->addresses[0].addend, 4);
    EXPECT_EQ(table.initializer->addresses[1].symbol.kind, Symbol::Kind::function);
    EXPECT_EQ(module->find_variable("s")->size, 3u);
    const Variable& b = *module->find_variable("bytes");
    EXPECT_EQ(b.initializer->addresses[1].shift, 8);
    EXPECT_EQ(b.initializer->addresses[1].size, 1);
    EXPECT_EQ(b.initializer->addresses[1].addend, 2);
    const auto& floats = module->find_variable("floats")->initializer->bytes;
    ASSERT_EQ(floats.size(), 16u);
    EXPECT_EQ(reinterpret_cast<const float*>(floats.data())[2], 2.0f);
    EXPECT_EQ(reinterpret_cast<const float*>(floats.data())[3], 3.0f);
    ImageLayout layout = image_layout(*module);
    EXPECT_EQ(layout.constants, 4u); // constants come first
    EXPECT_EQ(layout.offsets[5], 0u);
    EXPECT_EQ(layout.offsets[0], 8u);
    EXPECT_EQ(layout.offsets[1], 32u);
    EXPECT_EQ(layout.offsets[2], 36u);
}

// 32-bit PTX: the user's error, with what to do in its text.
TEST(Parse, ThirtyTwoBits) {
    auto module = parse_module(".version 6.0\n.target sm_50\n.address_size 32\n.visible .entry k() { ret; }\n", "old");
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().kind, anywarp::ErrorKind::user);
    EXPECT_EQ(module.error().code, anywarp::ErrorCode::invalid_ptx);
    for (const char* word : {"3:", ".address_size 32", "not supported", "nvcc -m64", ".address_size 64"})
        EXPECT_NE(module.error().message.find(word), std::string::npos) << word << " in: " << module.error().message;
}

// A vector register's component that isn't there: .z of two, .y of a plain register, in operands, lists and addresses.
TEST(Parse, MissingComponents) {
    for (const char* statement : {"mov.b32 %r, %two.z;", "mov.b32 %r, %r.y;", "mov.b32 %two.w, %r;", "mov.b64 {%r, %two.z}, %d;",
                                  "st.global.u32 [%wide.z], %r;", "add.u32 %r, %r.x, 1;"}) {
        auto module = parse_module(header + ".visible .entry k()\n{\n.reg .b32 %r; .reg .b64 %d; .reg .v2 .u32 %two; .reg .v2 .u64 %wide;\n" +
                                       statement + "\nret;\n}\n", "test");
        ASSERT_TRUE(module) << statement;
        std::vector<Diagnostic> found;
        EXPECT_FALSE((*module)->body(0, &found)) << statement;
        ASSERT_EQ(found.size(), 1u) << statement;
        EXPECT_EQ(found[0].where.line, 7u) << statement;
        EXPECT_NE(found[0].message.find("has no component"), std::string::npos) << found[0].message;
    }
}

TEST(Parse, SharedLayout) {
    auto module = parse(".shared .align 16 .b8 a[20]; .shared .b8 unused[100]; .extern .shared .align 32 .b8 dyn[];\n"
                        ".func g() { .shared .u64 in_g; .reg .u32 %r; st.shared.u64 [in_g], 1; ret; }\n"
                        ".entry k() { .reg .u32 %r; mov.u32 %r, a; mov.u32 %r, dyn; call g; ret; }");
    auto layout = shared_layout(*module, module->symbols.at("k").index);
    ASSERT_TRUE(layout);
    EXPECT_EQ(layout->static_size, 32u);
    EXPECT_EQ(layout->dynamic_offset, 32u);
    EXPECT_EQ(layout->align, 32u);
    EXPECT_EQ(layout->module_variables.size(), 2u);
}

TEST(Parse, PrintsTheSameModule) {
    const std::string text = R"(
.extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);
.visible .global .align 8 .u64 t[2] = {generic(s)+1, 0};
.global .align 1 .b8 s[4] = {0xFF(t), 2, 3};
.global .texref tex0 = { filter_mode = linear, addr_mode_0 = wrap, normalized_coords = 1 };
.global .texref tex1;
.global .samplerref sampler0;
.global .samplerref sampler1[2] = { filter_mode = linear, force_unnormalized_coords = 1, addr_mode_2 = mirror };
.global .surfref surf0;
.visible .func (.param .b32 ret0) twice(.param .b32 a) { .reg .b32 %r<3>; ld.param.u32 %r1, [a]; add.s32 %r2, %r1, %r1; st.param.b32 [ret0+0], %r2; ret; }
.visible .entry k(.param .u64 p, .param .align 4 .b8 q[12]) .maxntid 32, 1, 1 {
.reg .pred %p<3>; .reg .b32 %r<20>; .reg .b64 %rd<5>; .reg .f32 %f<9>; .local .align 8 .b8 depot[24];
.loc 1 2 3, function_name $L__info0, inlined_at 1 4 5
ld.param.u64 %rd1, [p]; cvta.to.global.u64 %rd2, %rd1; mov.u32 %r1, %tid.x; mad.lo.s32 %r2, %r1, 4, -7;
setp.lt.and.s32 %p1|%p2, %r1, %r2, !%p1; @!%p1 ld.global.nc.v4.f32 {%f1, %f2, %f3, _}, [%rd2+16];
shfl.sync.bfly.b32 %r3|%p1, %r1, 16, 31, -1; atom.global.gpu.relaxed.add.u32 %r4, [%rd2+-4], 1;
tex.2d.v4.f32.s32 {%f1, %f2, %f3, %f4}, [tex0, {%r1, %r2}]; suld.b.2d.b32.trap %r5, [surf0, {%r1, %r2}];
mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1,%f2,%f3,%f4}, {%r1,%r2}, {%r3}, {%f5,%f6,%f7,%f8};
cvt.rn.f32.s32 %f1, %r1; cvt.rzi.s32.f32 %r1, %f1; fma.rn.ftz.f32 %f1, %f2, 0f3F800000, %f3; vadd.s32.s32.s32.sat %r1, %r2.b0, %r3.h1;
{ .param .b32 a0; .param .b32 r0; st.param.b32 [a0+0], %r1; call.uni (r0), twice, (a0); ld.param.b32 %r6, [r0+0]; }
$L1: bar.sync 0; @%p1 bra $L1; prmt.b32.f4e %r1, %r2, %r3, 3; ret; }
)";
    auto first = parse(text);
    std::string once = print(*first);
    auto second = parse_module(once, "printed");
    ASSERT_TRUE(second) << second.error().message << "\n" << once;
    EXPECT_EQ(print(**second), once);
    const Body *a = body_of(*first, "k"), *b = body_of(**second, "k");
    ASSERT_EQ(a->instructions.size(), b->instructions.size());
    for (size_t i = 0; i < a->instructions.size(); i++) {
        EXPECT_EQ(a->instructions[i].opcode, b->instructions[i].opcode);
        EXPECT_EQ(a->instructions[i].types, b->instructions[i].types);
    }
    for (const Diagnostic& d : verify(*first, *first->find_function("k"), *a)) ADD_FAILURE() << d.where.line << ": " << d.message;
}

TEST(Parse, AllErrorsWithLineAndColumn) {
    std::string text = ".entry k() {\n  .reg .u32 %r;\n  add.u32 %r, %q, 1;\n  foo.u32 %r, 1;\n  bra NOWHERE;\n  mov.u32 %r, 1;\n  ret\n}";
    auto module = parse(text);
    std::vector<Diagnostic> found;
    EXPECT_FALSE(module->body(0, &found));
    ASSERT_EQ(found.size(), 4u);
    EXPECT_EQ(found[0].where.line, 6u);
    EXPECT_EQ(found[0].where.column, 15u);
    EXPECT_EQ(found[0].message, "undefined register '%q'");
    EXPECT_EQ(found[1].message, "unknown instruction 'foo'");
    EXPECT_EQ(found[2].where.line, 8u);
    EXPECT_EQ(found[2].message, "undefined label 'NOWHERE'");
    EXPECT_EQ(found[3].message, "expected ';' before '}'");
}

TEST(Parse, RejectsRegisterOffset) {
    EXPECT_NE(message_of(".entry k() { .reg .u64 %a, %b; .reg .u32 %r; ld.u32 %r, [%a+%b]; }").find("offset must be a constant"),
              std::string::npos);
}

TEST(Parse, BodiesAreParsedOnDemand) {
    auto module = parse(".entry good() { ret; }\n.entry bad() { nonsense; }\n");
    EXPECT_TRUE(module->body(0));
    EXPECT_FALSE(module->body(1));
    std::vector<std::thread> threads;
    const Body* seen[4];
    for (int i = 0; i < 4; i++) threads.emplace_back([&, i] { seen[i] = *module->body(0); });
    for (auto& t : threads) t.join();
    for (const Body* body : seen) EXPECT_EQ(body, seen[0]);
}

TEST(Parse, DeepNestingIsAnError) {
    EXPECT_NE(message_of(".entry k() { .reg .u32 %r; mov.u32 %r, " + std::string(100000, '(') + "; }"), "");
    EXPECT_NE(message_of(".entry k() { .reg .u32 %r; mov.u32 %r, " + std::string(100000, '-') + "1; }"), "");
    EXPECT_NE(message_of(".entry k() { .reg .u32 %r; mov.u32 " + std::string(100000, '{') + "; }"), "");
    EXPECT_NE(message_of(".entry k() " + std::string(100000, '{')), "");
}

TEST(Parse, GarbageNeverCrashes) {
    std::mt19937 random(1);
    const std::string seed = header + ".global .u32 x[2] = {1, generic(x)};\n.entry k(.param .u64 p) { .reg .b32 %r<10>; .reg .pred p;\n"
                                      "@p ld.global.u32 %r1, [%r2+4]; L: bra L; call f, (%r1); { mov.b64 {%r1,%r2}, 1+2*(3-4); } }\n";
    for (int round = 0; round < 20000; round++) {
        std::string text = seed;
        for (int edits = 1 + int(random() % 6); edits > 0 && !text.empty(); edits--) {
            size_t at = random() % text.size();
            switch (random() % 4) {
            case 0: text[at] = char(random()); break;
            case 1: text.erase(at, random() % 8); break;
            case 2: text.insert(at, 1, "{}()[];:,.\"/*|@!%<>0f"[random() % 21]); break;
            default: text.insert(at, text.substr(random() % text.size(), random() % 20)); break;
            }
        }
        auto module = parse_module(text, "garbage");
        if (!module) continue;
        for (uint32_t f = 0; f < (*module)->functions.size(); f++)
            if (auto body = (*module)->body(f)) {
                verify(**module, (*module)->functions[f], **body);
                print(**module);
            }
    }
}

TEST(Parse, IndexesLargeModulesQuickly) {
    std::string text;
    for (int k = 0; text.size() < 5'000'000; k++) {
        text += ".visible .entry k" + std::to_string(k) + "(.param .u64 p) {\n.reg .b32 %r<100>;\n";
        for (int i = 0; i < 100; i++) text += "    add.s32 %r" + std::to_string(i % 90) + ", %r1, %r2; // a comment\n";
        text += "}\n";
    }
    auto begin = std::chrono::steady_clock::now();
    auto module = parse(text);
    double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    RecordProperty("milliseconds", std::to_string(ms));
    EXPECT_LT(ms, 300) << "about 20 ms on an idle machine"; // generous: the machine may be busy
}
