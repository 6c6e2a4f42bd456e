// Loading objects and calling them.
#include "jit/loader.h"

#include "ir_fixture.h"
#include "jit/compiler.h"
#include "jit/libcalls.h"
#include "jit/passes.h"

#include <bit>
#include <chrono>
#include <cstring>
#include <thread>

namespace anywarp::jit {
namespace {

std::vector<uint8_t> compile_ir(const std::string& body, bool optimize = true) {
    IrFixture ir(body);
    optimize_simd(*ir.module, *ir.machine, optimize);
    ir.verify();
    return ir.object();
}

const std::string counting = std::string(straight_info) + R"(
define void @run_block(ptr %ctx) {
  %v = load i32, ptr %ctx
  %w = add i32 %v, 1
  store i32 %w, ptr %ctx
  ret void
})";

TEST(Loader, runs_a_straight_kernel) {
    auto code = load_object(compile_ir(counting), "counting");
    ASSERT_TRUE(code) << code.error().message;
    EXPECT_EQ((*code)->info.width, 16u);
    BlockContext context{};
    context.ctaid[0] = 41;
    (*code)->info.run_block(&context);
    EXPECT_EQ(context.ctaid[0], 42u);
}

TEST(Loader, is_fast_and_frees) {
    std::vector<uint8_t> object = compile_ir(counting);
    auto begin = std::chrono::steady_clock::now();
    constexpr int times = 500;
    for (int i = 0; i < times; ++i) ASSERT_TRUE(load_object(object, "counting"));
    double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count() / times;
    RecordProperty("milliseconds_per_load", std::to_string(ms));
    std::printf("%.3f ms per load\n", ms);
    EXPECT_LT(ms, 5.0);
}

TEST(Loader, works_from_several_threads) {
    std::vector<uint8_t> object = compile_ir(counting);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                auto code = load_object(object, "counting");
                ASSERT_TRUE(code);
                BlockContext context{};
                (*code)->info.run_block(&context);
                EXPECT_EQ(context.ctaid[0], 1u);
            }
        });
    for (auto& thread : threads) thread.join();
}

uint32_t last_sleep = 0;
void test_nanosleep(uint32_t time) { last_sleep = time; }

TEST(Loader, finds_services_and_library_calls) {
    std::string body = std::string(straight_info) + R"(
declare void @anywarp_nanosleep(i32)
declare float @fmodf(float, float)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define void @run_block(ptr %ctx) {
  call void @anywarp_nanosleep(i32 17)
  %a = load float, ptr %ctx
  %r = call float @fmodf(float %a, float 3.0)
  store float %r, ptr %ctx
  %n = getelementptr i8, ptr %ctx, i64 4
  %size = load i64, ptr %n
  %to = getelementptr i8, ptr %ctx, i64 64
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %ctx, i64 %size, i1 false)
  ret void
})";
    set_service("anywarp_nanosleep", reinterpret_cast<void*>(&test_nanosleep));
    auto code = load_object(compile_ir(body), "services");
    ASSERT_TRUE(code) << code.error().message;
    alignas(64) uint8_t data[128] = {};
    float seven = 7;
    uint64_t size = 4;
    std::memcpy(data, &seven, 4);
    std::memcpy(data + 4, &size, 8);
    (*code)->info.run_block(reinterpret_cast<BlockContext*>(data));
    float result;
    std::memcpy(&result, data + 64, 4);
    EXPECT_EQ(result, 1.0f);
    EXPECT_EQ(last_sleep, 17u);
}

TEST(Loader, names_what_is_missing) {
    std::string body = std::string(straight_info) + R"(
declare void @anywarp_no_such_service()
define void @run_block(ptr %ctx) {
  call void @anywarp_no_such_service()
  ret void
})";
    auto code = load_object(compile_ir(body), "lost");
    ASSERT_FALSE(code);
    EXPECT_NE(code.error().message.find("anywarp_no_such_service"), std::string::npos) << code.error().message;
}

TEST(Loader, refuses_rubbish) {
    std::vector<uint8_t> rubbish(300, 7), object = compile_ir(counting);
    EXPECT_FALSE(load_object(rubbish, "rubbish"));
    EXPECT_FALSE(load_object(std::span(object).first(100), "cut"));
    EXPECT_FALSE(load_object({}, "empty"));
}

TEST(Loader, half_conversions_round_once) {
    auto f32 = reinterpret_cast<__bf16 (*)(float)>(find_libcall("__truncsfbf2"));
    auto f64 = reinterpret_cast<__bf16 (*)(double)>(find_libcall("__truncdfbf2"));
    if (!f32) GTEST_SKIP() << "bf16 conversions are native on this architecture";
    auto bits = [](__bf16 value) { return std::bit_cast<uint16_t>(value); };
    EXPECT_EQ(bits(f32(1.0f)), 0x3f80);
    EXPECT_EQ(bits(f32(1.00390625f)), 0x3f80);                     // a tie goes to even
    EXPECT_EQ(bits(f32(1.01171875f)), 0x3f82);                     // the other way
    EXPECT_EQ(bits(f64(1.00390625 + 0x1p-40)), 0x3f81);            // would be a tie after rounding to f32
    EXPECT_EQ(bits(f64(-1.00390625 - 0x1p-40)), 0xbf81);
    EXPECT_EQ(bits(f64(1.00390625 - 0x1p-40)), 0x3f80);
    EXPECT_EQ(bits(f32(__builtin_inff())), 0x7f80);
    EXPECT_EQ(bits(f64(1e300)), 0x7f80);
    EXPECT_EQ(bits(f32(std::bit_cast<float>(0x7f800001u))), 0x7fc0);
}

} // namespace
} // namespace anywarp::jit
