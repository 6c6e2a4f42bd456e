// anywarp-ptx: looks at PTX files.
//
//   anywarp-ptx check FILE...          parses, verifies and compiles every kernel, one line each
//   anywarp-ptx show FILE KERNEL       prints a kernel at a stage of the compiler: ptx, simt, simt-opt, simd, simd-opt, asm
//
// The command `anywarp ptx` is this program. Nothing is run and nothing is loaded: a host that can't execute an instruction set
// can still show code for it.
#include "jit/pipeline.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

using namespace anywarp;

namespace {

struct Settings {
    std::vector<std::string> files;
    std::string file, kernel, block, isa, stage = "simd-opt";
    unsigned width = 0;
    bool quiet = false, no_compile = false, no_optimize = false, statistics = false;
};

struct StageName {
    jit::Stage stage;
    std::string jit::Stages::* text;
};
const std::map<std::string, StageName> stages = {
    {"ptx", {jit::Stage::ptx, &jit::Stages::ptx}},
    {"simt", {jit::Stage::simt, &jit::Stages::simt_ir}},
    {"simt-opt", {jit::Stage::simt_optimized, &jit::Stages::simt_ir_optimized}},
    {"simd", {jit::Stage::simd, &jit::Stages::simd_ir}},
    {"simd-opt", {jit::Stage::simd_optimized, &jit::Stages::simd_ir_optimized}},
    {"asm", {jit::Stage::assembly, &jit::Stages::assembly}},
};

int fail(const std::string& message) {
    std::fprintf(stderr, "anywarp-ptx: %s\n", message.c_str());
    return 1;
}

Result<std::string> read_file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return user_error(ErrorCode::file_not_found, "can't open " + path);
    std::ostringstream text;
    text << stream.rdbuf();
    return std::move(text).str();
}

const char* kind_of(const Error& error) {
    switch (error.kind) {
    case ErrorKind::user:
        return "error";
    case ErrorKind::unsupported:
        return "unsupported";
    case ErrorKind::internal:
        return "internal error";
    }
    return "error";
}

/// FILE:LINE:COL: error: message
unsigned print_diagnostics(const std::string& file, const std::vector<ptx::Diagnostic>& diagnostics) {
    unsigned errors = 0;
    for (const ptx::Diagnostic& d : diagnostics) {
        bool error = d.severity == ptx::Diagnostic::Severity::error;
        errors += error;
        std::printf("%s:%u:%u: %s: %s\n", file.c_str(), d.where.line, d.where.column, error ? "error" : "warning",
                    d.message.c_str());
    }
    return errors;
}

bool parse_block(const std::string& text, uint32_t (&block)[3]) {
    if (text.empty()) return true;
    block[1] = block[2] = 1;
    unsigned given[3];
    char rest;
    int count = std::sscanf(text.c_str(), "%u,%u,%u%c", &given[0], &given[1], &given[2], &rest);
    if (count < 1 || count > 3) return false;
    for (int i = 0; i < count; ++i) {
        if (!given[i] || given[i] > 1024) return false;
        block[i] = given[i];
    }
    return true;
}

jit::CompileOptions compile_options(const Settings& settings) {
    jit::CompileOptions options{
        .width = settings.width, .statistics = settings.statistics, .optimize = !settings.no_optimize, .use_cache = false};
    parse_block(settings.block, options.block_dim); // checked before
    return options;
}

/// Compiles one kernel for `check`; true if all is well.
bool check_kernel(const std::string& file, const ptx::Module& module, uint32_t index, const Settings& settings,
                  const jit::Target& target) {
    const ptx::Function& function = module.functions[index];
    std::vector<ptx::Diagnostic> diagnostics;
    Result<const ptx::Body*> body = module.body(index, &diagnostics);
    if (body) {
        std::vector<ptx::Diagnostic> found = ptx::verify(module, function, **body);
        diagnostics.insert(diagnostics.end(), found.begin(), found.end());
    }
    unsigned errors = print_diagnostics(file, diagnostics);
    if (!body && !errors)
        std::printf("%s: %s: %s: %s\n", file.c_str(), function.name.c_str(), kind_of(body.error()), body.error().message.c_str());
    if (!body || errors) return false;
    if (!function.is_entry || settings.no_compile) {
        if (!settings.quiet && function.is_entry) std::printf("%s: %s: ok\n", file.c_str(), function.name.c_str());
        return true;
    }
    jit::StageTimer timer(function.name);
    Result<jit::KernelObject> object = jit::run_pipeline(module, index, compile_options(settings), target, timer);
    if (!object) {
        std::printf("%s: %s: %s: %s\n", file.c_str(), function.name.c_str(), kind_of(object.error()),
                    object.error().message.c_str());
        return false;
    }
    if (!settings.quiet)
        std::printf("%s: %s: ok (width %u, %.1f ms)\n", file.c_str(), function.name.c_str(), object->width,
                    timer.seconds() * 1e3);
    return true;
}

Result<std::unique_ptr<ptx::Module>> read_module(const std::string& file, std::vector<ptx::Diagnostic>& diagnostics) {
    Result<std::string> text = read_file(file);
    if (!text) return std::unexpected(text.error());
    return ptx::parse_module(std::move(*text), file, &diagnostics);
}

int check(const Settings& settings) {
    Result<jit::Target> target = jit::select_target(false);
    if (!target) return fail(target.error().message);
    bool all_well = true;
    for (const std::string& file : settings.files) {
        std::vector<ptx::Diagnostic> diagnostics;
        Result<std::unique_ptr<ptx::Module>> module = read_module(file, diagnostics);
        unsigned errors = print_diagnostics(file, diagnostics);
        if (!module) {
            if (!errors) std::printf("%s: %s: %s\n", file.c_str(), kind_of(module.error()), module.error().message.c_str());
            all_well = false;
            continue;
        }
        for (uint32_t i = 0; i < (*module)->functions.size(); ++i) {
            if ((*module)->functions[i].is_declaration) continue;
            all_well &= check_kernel(file, **module, i, settings, *target);
            std::fflush(stdout);
        }
    }
    return all_well ? 0 : 1;
}

int show(const Settings& settings) {
    const StageName& wanted = stages.at(settings.stage);
    const std::string& file = settings.file;
    std::vector<ptx::Diagnostic> diagnostics;
    Result<std::unique_ptr<ptx::Module>> module = read_module(file, diagnostics);
    if (!module) return fail(file + ": " + module.error().message);
    for (uint32_t i = 0; i < (*module)->functions.size(); ++i) {
        const ptx::Function& function = (*module)->functions[i];
        if (function.name != settings.kernel || function.is_declaration) continue;
        if (!function.is_entry && wanted.stage != jit::Stage::ptx)
            return fail(settings.kernel + " is a device function, not a kernel");
        Result<jit::Target> target = jit::select_target(false);
        if (!target) return fail(target.error().message);
        jit::StageTimer timer(function.name);
        jit::Stages texts;
        Result<jit::KernelObject> done =
            jit::run_pipeline(**module, i, compile_options(settings), *target, timer, &texts, wanted.stage);
        std::fputs((texts.*wanted.text).c_str(), stdout); // broken IR is shown too, before its error
        std::fflush(stdout);
        return done ? 0 : fail(std::string(kind_of(done.error())) + ": " + done.error().message);
    }
    std::string names;
    for (const ptx::Function& function : (*module)->functions)
        if (function.is_entry) names += " " + function.name;
    return fail("no kernel " + settings.kernel + " in " + file + "; it has:" + names);
}

} // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app{"Looks at PTX files: checks them, or shows a kernel at each stage of the compiler.", "anywarp-ptx"};
    app.require_subcommand(1);
    auto shared_options = [&](CLI::App* command) {
        command->add_option("--block", settings.block, "block dimensions X,Y,Z known when compiling")
            ->check([](const std::string& text) {
                uint32_t block[3];
                return parse_block(text, block) ? std::string() : "expected X[,Y[,Z]], each 1 to 1024";
            });
        command->add_option("--width", settings.width, "lanes per warp")->check(CLI::IsMember({1, 4, 8, 16, 32}));
        command->add_option("--isa", settings.isa, "instruction set")->check(CLI::IsMember({"native", "avx512", "avx2", "sse4"}));
        command->add_flag("--no-optimize", settings.no_optimize, "no LLVM optimisations");
        command->add_flag("--statistics", settings.statistics, "with run-time counters");
    };
    CLI::App* check_command = app.add_subcommand("check", "parse, verify and compile every kernel of the files");
    check_command->add_option("FILE", settings.files, "PTX files")->required();
    check_command->add_flag("-q,--quiet", settings.quiet, "print errors only");
    check_command->add_flag("--no-compile", settings.no_compile, "parse and verify only");
    shared_options(check_command);
    CLI::App* show_command = app.add_subcommand("show", "print a kernel at one stage of the compiler");
    show_command->add_option("FILE", settings.file, "PTX file")->required();
    show_command->add_option("KERNEL", settings.kernel, "name of the kernel")->required();
    show_command->add_option("--stage", settings.stage, "ptx, simt, simt-opt, simd, simd-opt or asm")
        ->capture_default_str()
        ->check([](const std::string& text) {
            return stages.contains(text) ? std::string() : "expected ptx, simt, simt-opt, simd, simd-opt or asm";
        });
    shared_options(show_command);
    CLI11_PARSE(app, argc, argv);
    if (!settings.isa.empty()) setenv("ANYWARP_ISA", settings.isa.c_str(), 1);
    return show_command->parsed() ? show(settings) : check(settings);
}
