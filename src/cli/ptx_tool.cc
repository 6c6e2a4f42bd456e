// anywarp-ptx: looks at PTX files.
//
//   anywarp-ptx check FILE...          parses, verifies and compiles every kernel on all cores, one line each
//   anywarp-ptx show FILE KERNEL       prints a kernel at a stage of the compiler: ptx, simt, simt-opt, simd, simd-opt, asm
//
// The command `anywarp ptx` is this program. Nothing is run and nothing is loaded: a host that can't execute an instruction set
// can still show code for it.
#include "jit/pipeline.h"
#include "ptx/forms.h"
#include "ptx/tables.h"
#include "simt/simt.h"

#include <CLI/CLI.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

using namespace anywarp;

namespace {

struct Settings {
    std::vector<std::string> files;
    std::string file, kernel, block, isa, stage = "all";
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
unsigned add_diagnostics(std::string& text, const std::string& file, const std::vector<ptx::Diagnostic>& diagnostics) {
    unsigned errors = 0;
    for (const ptx::Diagnostic& d : diagnostics) {
        bool error = d.severity == ptx::Diagnostic::Severity::error;
        errors += error;
        text += file + ":" + std::to_string(d.where.line) + ":" + std::to_string(d.where.column) +
                (error ? ": error: " : ": warning: ") + d.message + "\n";
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

struct Verdict {
    bool well = true;
    std::string text;
};

/// One function of a file for `check`.
Verdict check_function(const std::string& file, const ptx::Module& module, uint32_t index, const Settings& settings,
                       const jit::Target& target) {
    const ptx::Function& function = module.functions[index];
    Verdict verdict;
    auto refuse = [&](const Error& error) {
        verdict.text += file + ": " + function.name + ": " + kind_of(error) + ": " + error.message + "\n";
        verdict.well = false;
        return verdict;
    };
    std::vector<ptx::Diagnostic> diagnostics;
    Result<const ptx::Body*> body = module.body(index, &diagnostics);
    if (body) {
        std::vector<ptx::Diagnostic> found = ptx::verify(module, function, **body);
        diagnostics.insert(diagnostics.end(), found.begin(), found.end());
    }
    if (add_diagnostics(verdict.text, file, diagnostics)) {
        verdict.well = false;
        return verdict;
    }
    if (!body) return refuse(body.error());
    if (!function.is_entry) return verdict;
    if (settings.no_compile) {
        if (!settings.quiet) verdict.text += file + ": " + function.name + ": ok\n";
        return verdict;
    }
    jit::StageTimer timer(function.name);
    Result<jit::KernelObject> object = jit::run_pipeline(module, index, compile_options(settings), target, timer);
    if (!object) return refuse(object.error());
    if (!settings.quiet) {
        char details[64];
        std::snprintf(details, sizeof details, ": ok (width %u, %.1f ms)\n", object->width, timer.seconds() * 1e3);
        verdict.text += file + ": " + function.name + details;
    }
    return verdict;
}

Result<std::unique_ptr<ptx::Module>> read_module(const std::string& file, std::vector<ptx::Diagnostic>& diagnostics) {
    Result<std::string> text = read_file(file);
    if (!text) return std::unexpected(text.error());
    return ptx::parse_module(std::move(*text), file, &diagnostics);
}

/// The functions of all files, on all cores; what is found is printed in the order of the files.
int check(const Settings& settings) {
    Result<jit::Target> target = jit::select_target(false);
    if (!target) return fail(target.error().message);
    std::vector<std::packaged_task<Verdict()>> tasks;
    for (const std::string& file : settings.files) {
        std::vector<ptx::Diagnostic> diagnostics;
        Result<std::unique_ptr<ptx::Module>> read = read_module(file, diagnostics);
        Verdict of_file;
        unsigned errors = add_diagnostics(of_file.text, file, diagnostics);
        if (!read) {
            if (!errors) of_file.text += file + ": " + kind_of(read.error()) + ": " + read.error().message + "\n";
            of_file.well = false;
        }
        tasks.emplace_back([of_file] { return of_file; });
        if (!read) continue;
        std::shared_ptr<ptx::Module> module = std::move(*read);
        for (uint32_t i = 0; i < module->functions.size(); ++i)
            if (!module->functions[i].is_declaration)
                tasks.emplace_back([=, &file, &settings, &target] { return check_function(file, *module, i, settings, *target); });
    }
    std::vector<std::future<Verdict>> verdicts;
    for (auto& task : tasks) verdicts.push_back(task.get_future());
    std::atomic<size_t> next = 0;
    std::vector<std::jthread> workers;
    for (unsigned k = 0; k < std::max(1u, std::thread::hardware_concurrency()); ++k)
        workers.emplace_back([&] {
            for (size_t mine; (mine = next++) < tasks.size();) {
                tasks[mine]();
                tasks[mine] = {}; // the last function of a module takes it along
            }
        });
    bool all_well = true;
    for (auto& verdict : verdicts) {
        Verdict one = verdict.get();
        std::fputs(one.text.c_str(), stdout);
        std::fflush(stdout);
        all_well &= one.well;
    }
    return all_well ? 0 : 1;
}

void print_stages(const jit::Stages& texts, const std::string& stage) {
    if (stage != "all") {
        std::fputs((texts.*stages.at(stage).text).c_str(), stdout);
        return;
    }
    const std::pair<const char*, const std::string*> in_order[] = {{"PTX", &texts.ptx},
                                                                   {"SIMT IR: one thread", &texts.simt_ir_optimized},
                                                                   {"SIMD IR: one warp", &texts.simd_ir_optimized},
                                                                   {"assembly", &texts.assembly}};
    for (auto& [title, text] : in_order)
        if (!text->empty()) std::printf("==== %s ====\n\n%s\n", title, text->c_str());
}

// docs/ptx.md: one line per row of the instruction table.
int table() {
    std::printf("# PTX instructions\n\n"
                "Generated from the instruction table (src/ptx/instructions.def) and the compiler's own list of handlers by\n"
                "`anywarp-ptx table`; build the target `coverage_ptx` after a change. Every instruction listed is parsed and verified.\n"
                "\"compiles\" says whether kernels may use it. A form of a supported instruction that isn't (a type, a tensor shape)\n"
                "is refused by name when its kernel is compiled, with CUDA_ERROR_NOT_SUPPORTED.\n\n"
                "| instruction | syntax | since PTX | since sm | section | compiles |\n|---|---|---|---|---|---|\n");
    unsigned compiled = 0, all = 0;
    for (unsigned i = 1; i < unsigned(ptx::Opcode::count); ++i) {
        auto opcode = static_cast<ptx::Opcode>(i);
        const ptx::InstructionInfo& row = ptx::info(opcode);
        bool known = simt::has_lowering(opcode);
        compiled += known;
        ++all;
        std::string syntax(row.syntax);
        for (size_t at = 0; (at = syntax.find('|', at)) != std::string::npos; at += 2) syntax.insert(at, "\\");
        std::printf("| %s | `%s` | %u.%u | %u | %s | %s |\n", std::string(row.name).c_str(), syntax.c_str(), row.ptx_version / 10,
                    row.ptx_version % 10, row.sm_version, std::string(row.section).c_str(), known ? "yes" : "no");
    }
    std::printf("\n%u of %u instructions compile.\n", compiled, all);
    std::printf("\n## Forms\n\n"
                "What may follow an instruction's name (src/ptx/forms.def): `.x` stands there, `(.x .y)` one of them, `{.x .y}` one of\n"
                "them or none; modifiers in any order. All of these compile where the instruction does. Results are exact, or rounded as\n"
                "the instruction says, bit for bit, unless an accuracy is given: then they lie within that bound.\n\n"
                "| instruction | form | since PTX | since sm | accuracy |\n|---|---|---|---|---|\n");
    for (const ptx::Form& form : ptx::forms())
        std::printf("| %s | `%s` | %u.%u | %u | %s |\n", std::string(ptx::spelling(form.opcode)).c_str(),
                    form.pattern.empty() ? " " : std::string(form.pattern).c_str(), form.ptx_version / 10, form.ptx_version % 10,
                    form.sm_version, std::string(form.accuracy).c_str());
    std::printf("\n## Directives\n\n"
                "All of them are read (src/ptx/directives.def); those of clusters too. Each has a test of its effect.\n\n"
                "| directive | since PTX | here |\n|---|---|---|\n");
#define ANYWARP_DIRECTIVE(name, spelling, version, effect) std::printf("| `%s` | %u.%u | %s |\n", spelling, version / 10, version % 10, effect);
#include "ptx/directives.def"
    return 0;
}

int show(const Settings& settings) {
    jit::Stage wanted = settings.stage == "all" ? jit::Stage::assembly : stages.at(settings.stage).stage;
    const std::string& file = settings.file;
    std::vector<ptx::Diagnostic> diagnostics;
    Result<std::unique_ptr<ptx::Module>> module = read_module(file, diagnostics);
    if (!module) return fail(file + ": " + module.error().message);
    for (uint32_t i = 0; i < (*module)->functions.size(); ++i) {
        const ptx::Function& function = (*module)->functions[i];
        if (function.name != settings.kernel || function.is_declaration) continue;
        if (!function.is_entry && wanted != jit::Stage::ptx)
            return fail(settings.kernel + " is a device function, not a kernel");
        Result<jit::Target> target = jit::select_target(false);
        if (!target) return fail(target.error().message);
        jit::StageTimer timer(function.name);
        jit::Stages texts;
        Result<jit::KernelObject> done =
            jit::run_pipeline(**module, i, compile_options(settings), *target, timer, &texts, wanted);
        print_stages(texts, settings.stage); // broken IR is shown too, before its error
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
    CLI::App* show_command = app.add_subcommand("show", "print a kernel at the stages of the compiler");
    show_command->add_option("FILE", settings.file, "PTX file")->required();
    show_command->add_option("KERNEL", settings.kernel, "name of the kernel")->required();
    show_command->add_option("--stage", settings.stage, "all, or one of ptx, simt, simt-opt, simd, simd-opt, asm")
        ->capture_default_str()
        ->check([](const std::string& text) {
            return text == "all" || stages.contains(text) ? std::string() : "expected all, ptx, simt, simt-opt, simd, simd-opt or asm";
        });
    shared_options(show_command);
    CLI::App* table_command = app.add_subcommand("table", "print the support matrix of PTX instructions");
    CLI11_PARSE(app, argc, argv);
    if (table_command->parsed()) return table();
    if (!settings.isa.empty()) setenv("ANYWARP_ISA", settings.isa.c_str(), 1);
    return show_command->parsed() ? show(settings) : check(settings);
}
