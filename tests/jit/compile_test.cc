// From PTX text to running code: the whole pipeline, its cache, and its errors. A small block runner stands in for the machine.
#include "jit/cache_key.h"
#include "jit/compiler.h"
#include "jit/pipeline.h"

#include "block_runner.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

namespace anywarp::jit {
namespace {

namespace fs = std::filesystem;

const char* header = ".version 8.0\n.target sm_80\n.address_size 64\n";

const char* saxpy = R"(
.visible .entry saxpy(.param .u32 n, .param .f32 a, .param .u64 x, .param .u64 y)
{
    .reg .pred %p<2>;
    .reg .f32 %f<5>;
    .reg .b32 %r<6>;
    .reg .b64 %rd<6>;
    ld.param.u32 %r1, [n];
    ld.param.f32 %f1, [a];
    ld.param.u64 %rd1, [x];
    ld.param.u64 %rd2, [y];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    setp.ge.s32 %p1, %r5, %r1;
    @%p1 bra $end;
    mul.wide.s32 %rd3, %r5, 4;
    add.s64 %rd4, %rd1, %rd3;
    add.s64 %rd5, %rd2, %rd3;
    ld.global.f32 %f2, [%rd4];
    ld.global.f32 %f3, [%rd5];
    fma.rn.f32 %f4, %f1, %f2, %f3;
    st.global.f32 [%rd5], %f4;
$end:
    ret;
}
)";

// Reverses the block's part of an array through shared memory.
const char* reverse = R"(
.visible .entry reverse(.param .u64 data)
{
    .reg .b32 %r<10>;
    .reg .b64 %rd<6>;
    .shared .align 4 .b8 buffer[4096];
    ld.param.u64 %rd1, [data];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ntid.x;
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2;
    ld.global.u32 %r3, [%rd3];
    shl.b32 %r4, %r1, 2;
    mov.u32 %r5, buffer;
    add.s32 %r6, %r5, %r4;
    st.shared.u32 [%r6], %r3;
    bar.sync 0;
    sub.s32 %r7, %r2, %r1;
    add.s32 %r7, %r7, -1;
    shl.b32 %r8, %r7, 2;
    add.s32 %r8, %r5, %r8;
    ld.shared.u32 %r9, [%r8];
    st.global.u32 [%rd3], %r9;
    ret;
}
)";

// Each lane takes its value from the next one.
const char* rotate = R"(
.visible .entry rotate(.param .u64 data)
{
    .reg .pred %p<2>;
    .reg .b32 %r<6>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [data];
    mov.u32 %r1, %tid.x;
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2;
    ld.global.u32 %r2, [%rd3];
    add.s32 %r3, %r1, 1;
    shfl.sync.idx.b32 %r4|%p1, %r2, %r3, 31, -1;
    st.global.u32 [%rd3], %r4;
    ret;
}
)";

// n! by recursion.
const char* recursion = R"(
.func (.param .b32 out) factorial(.param .b32 in)
{
    .reg .pred %p<2>;
    .reg .b32 %r<6>;
    ld.param.u32 %r1, [in];
    setp.gt.u32 %p1, %r1, 1;
    @%p1 bra $more;
    mov.u32 %r2, 1;
    st.param.b32 [out], %r2;
    ret;
$more:
    sub.u32 %r3, %r1, 1;
    {
    .param .b32 p0;
    .param .b32 r0;
    st.param.b32 [p0], %r3;
    call.uni (r0), factorial, (p0);
    ld.param.b32 %r4, [r0];
    }
    mul.lo.u32 %r5, %r4, %r1;
    st.param.b32 [out], %r5;
    ret;
}
.visible .entry factorials(.param .u64 data)
{
    .reg .b32 %r<4>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [data];
    mov.u32 %r1, %tid.x;
    and.b32 %r3, %r1, 7;
    {
    .param .b32 p0;
    .param .b32 r0;
    st.param.b32 [p0], %r3;
    call.uni (r0), factorial, (p0);
    ld.param.b32 %r2, [r0];
    }
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2;
    st.global.u32 [%rd3], %r2;
    ret;
}
)";

std::unique_ptr<ptx::Module> parse(const std::string& text) {
    auto module = ptx::parse_module(header + text, "test");
    if (!module) ADD_FAILURE() << module.error().message;
    return module ? std::move(*module) : nullptr;
}

uint32_t function_of(const ptx::Module& module, const char* name) { return module.symbols.at(name).index; }

void unexpected_trap(const BlockContext*, uint32_t code) {
    std::fprintf(stderr, "the kernel trapped with error %u\n", code);
    std::abort();
}

class CompileTest : public testing::Test {
protected:
    void SetUp() override {
        set_service("anywarp_trap", reinterpret_cast<void*>(&unexpected_trap));
        std::string pattern = (fs::temp_directory_path() / "anywarp-compile-XXXXXX").string();
        ASSERT_TRUE(mkdtemp(pattern.data()));
        directory = pattern;
        setenv("ANYWARP_CACHE_DIR", directory.c_str(), 1);
    }
    void TearDown() override {
        unsetenv("ANYWARP_CACHE_DIR");
        fs::remove_all(directory);
    }
    std::unique_ptr<CompiledKernel> build(const std::string& text, const char* name, CompileOptions options = {}) {
        auto module = parse(text);
        if (!module) return nullptr;
        auto kernel = compile(*module, function_of(*module, name), options);
        if (!kernel) ADD_FAILURE() << name << ": " << kernel.error().message;
        return kernel ? std::move(*kernel) : nullptr;
    }
    void check_saxpy(const CompiledKernel& kernel, uint32_t threads) {
        constexpr uint32_t n = 1000;
        std::vector<float> x(n), y(n);
        for (uint32_t i = 0; i < n; ++i) x[i] = float(i), y[i] = 1;
        struct {
            uint32_t n = 1000;
            float a = 3;
            float *x, *y;
        } params;
        params.x = x.data();
        params.y = y.data();
        run_grid(kernel.info, (n + threads - 1) / threads, threads, &params);
        for (uint32_t i = 0; i < n; ++i) ASSERT_EQ(y[i], 3 * float(i) + 1) << i;
    }
    fs::path directory;
};

TEST_F(CompileTest, saxpy_at_every_width) {
    for (bool optimize : {true, false})
        for (unsigned width : {1u, 4u, 8u, 16u, 32u})
            for (uint32_t known : {0u, 96u, 100u}) {
                CompileOptions options{.width = width, .optimize = optimize, .use_cache = false};
                if (known) options.block_dim[0] = known, options.block_dim[1] = options.block_dim[2] = 1;
                auto kernel = build(saxpy, "saxpy", options);
                ASSERT_TRUE(kernel);
                EXPECT_EQ(kernel->info.width, width);
                EXPECT_FALSE(kernel->from_cache);
                check_saxpy(*kernel, known ? known : 100);
            }
}

TEST_F(CompileTest, barriers_suspend) {
    for (unsigned width : {1u, 4u, 8u, 16u, 32u})
        for (uint32_t threads : {256u, 90u, 1u}) {
            auto kernel = build(reverse, "reverse", {.width = width, .use_cache = false});
            ASSERT_TRUE(kernel);
            EXPECT_EQ(kernel->info.suspends, 1u);
            std::vector<uint32_t> data(threads);
            for (uint32_t i = 0; i < threads; ++i) data[i] = i;
            uint32_t* params = data.data();
            run_grid(kernel->info, 1, threads, &params);
            for (uint32_t i = 0; i < threads; ++i) ASSERT_EQ(data[i], threads - 1 - i) << "width " << width << " thread " << i;
        }
}

TEST_F(CompileTest, warp_operations_force_32_lanes) {
    auto kernel = build(rotate, "rotate", {.width = 8, .use_cache = false});
    ASSERT_TRUE(kernel);
    EXPECT_EQ(kernel->info.width, 32u);
    std::vector<uint32_t> data(64);
    for (uint32_t i = 0; i < 64; ++i) data[i] = i;
    uint32_t* params = data.data();
    run_grid(kernel->info, 1, 64, &params);
    for (uint32_t i = 0; i < 64; ++i) EXPECT_EQ(data[i], i / 32 * 32 + (i + 1) % 32);
}

TEST_F(CompileTest, recursion) {
    auto kernel = build(recursion, "factorials", {.use_cache = false});
    ASSERT_TRUE(kernel);
    std::vector<uint32_t> data(40);
    uint32_t* params = data.data();
    run_grid(kernel->info, 1, 40, &params);
    uint32_t factorial[8] = {1, 1, 2, 6, 24, 120, 720, 5040};
    for (uint32_t i = 0; i < 40; ++i) EXPECT_EQ(data[i], factorial[i % 8]) << i;
}

TEST_F(CompileTest, the_second_time_comes_from_the_cache) {
    auto first = build(saxpy, "saxpy");
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->from_cache);
    auto second = build(saxpy, "saxpy");
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->from_cache);
    std::printf("compiled in %.2f ms, from the cache in %.3f ms\n", first->compile_seconds * 1e3, second->compile_seconds * 1e3);
    EXPECT_EQ(second->info.width, first->info.width);
    check_saxpy(*second, 64);
    for (const auto& entry : fs::directory_iterator(directory)) // damaged: built again
        if (entry.path().extension() == ".obj") fs::resize_file(entry.path(), 100);
    auto third = build(saxpy, "saxpy");
    ASSERT_TRUE(third);
    EXPECT_FALSE(third->from_cache);
    check_saxpy(*third, 64);
    EXPECT_FALSE(build(saxpy, "saxpy", {.use_cache = false})->from_cache);
}

TEST_F(CompileTest, the_key_knows_what_matters) {
    auto key = [&](const std::string& text, const char* name, CompileOptions options = {}) {
        auto module = parse(text);
        Target target = select_target().value();
        return cache_key(*module, function_of(*module, name), options, target).value();
    };
    CacheKey base = key(saxpy, "saxpy");
    EXPECT_EQ(base, key(saxpy, "saxpy"));
    std::string changed = saxpy;
    changed.replace(changed.find("setp.ge"), 7, "setp.gt");
    EXPECT_NE(base, key(changed, "saxpy"));
    EXPECT_NE(base, key(saxpy, "saxpy", {.block_dim = {32, 1, 1}}));
    EXPECT_NE(base, key(saxpy, "saxpy", {.width = 4}));
    EXPECT_NE(base, key(saxpy, "saxpy", {.statistics = true}));
    EXPECT_NE(base, key(saxpy, "saxpy", {.optimize = false}));
    EXPECT_NE(base, key(std::string(".global .u32 g;\n") + saxpy, "saxpy"));
    EXPECT_EQ(base, key(std::string(saxpy) + reverse, "saxpy")) << "a kernel it doesn't reach";
    setenv("ANYWARP_ISA", "sse4", 1);
    EXPECT_NE(base, key(saxpy, "saxpy"));
    unsetenv("ANYWARP_ISA");

    CacheKey with_callee = key(recursion, "factorials");
    std::string callee_changed = recursion;
    callee_changed.replace(callee_changed.find("mul.lo.u32 %r5"), 10, "add.u32   ");
    EXPECT_NE(with_callee, key(callee_changed, "factorials"));
    EXPECT_FALSE(build_identity().empty());
}

TEST_F(CompileTest, several_threads_at_once) {
    auto module = parse(std::string(saxpy) + reverse + rotate);
    ASSERT_TRUE(module);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (const char* name : {"saxpy", "reverse", "rotate"}) {
                auto kernel = compile(*module, function_of(*module, name), {.use_cache = t % 2 == 0});
                EXPECT_TRUE(kernel) << kernel.error().message;
            }
        });
    for (auto& thread : threads) thread.join();
}

TEST_F(CompileTest, every_stage_can_be_shown) {
    auto module = parse(saxpy);
    auto stages = show_stages(*module, 0, {});
    ASSERT_TRUE(stages) << stages.error().message;
    EXPECT_NE(stages->ptx.find("fma.rn.f32"), std::string::npos);
    EXPECT_NE(stages->simt_ir.find("anywarp.lane"), std::string::npos);
    EXPECT_NE(stages->simt_ir_optimized.find("anywarp.lane"), std::string::npos);
    EXPECT_NE(stages->simd_ir.find("anywarp_kernel_info"), std::string::npos);
    EXPECT_NE(stages->simd_ir_optimized.find("x float>"), std::string::npos);
    EXPECT_NE(stages->assembly.find("anywarp_kernel_info"), std::string::npos);
}

TEST_F(CompileTest, errors_say_what_is_wrong) {
    auto module = parse(".visible .entry bad() { .reg .u32 %r<2>; add.u32 %r1, %r7; ret; }");
    if (module) {
        auto kernel = compile(*module, 0, {});
        ASSERT_FALSE(kernel);
        EXPECT_EQ(kernel.error().code, ErrorCode::invalid_ptx);
    }
    auto fine = parse(saxpy);
    EXPECT_FALSE(compile(*fine, 99, {}));
    setenv("ANYWARP_ISA", "nonsense", 1);
    EXPECT_FALSE(compile(*fine, 0, {}));
    unsetenv("ANYWARP_ISA");
}

} // namespace
} // namespace anywarp::jit
