// The command `anywarp`.
//
//   anywarp run [OPTIONS] PROGRAM [ARGS...]             starts a CUDA program, or a .cu file, on the CPU
//       --device h20,h100  --devices 8                  ... which sees these devices;  --stats  --trace
//   anywarp cc ARGS...                                  compiles CUDA C++ (anywarp-cc, nvcc's command line)
//   anywarp ptx check|show ...                          looks at PTX files (anywarp-ptx)
//   anywarp devices [NAME...] [--roofline FILE] [--json] [--date DAY] [--lint]   the catalogue: lists, compares, draws, checks
//   anywarp smi | env | cache [--clear]                 devices; lines for a shell; compiled kernels
//
// It links neither LLVM nor the driver: it sets an environment and becomes another program. What stands after PROGRAM (and after
// cc and ptx) is cut off before the options are read, so that it is passed on as it is.
#include "cli/cache.h"
#include "cli/devices.h"
#include "cli/run.h"
#include "cli/smi.h"

#include <CLI/CLI.hpp>

#include <cstdio>

using namespace anywarp;
using namespace anywarp::cli;

namespace {

int fail(const Error& error) {
    std::fprintf(stderr, "anywarp: error: %s\n", error.message.c_str());
    // As a shell does: 127 for what isn't there, 126 for what can't be run.
    return error.code == ErrorCode::file_not_found ? 127 : 126;
}

std::string quoted(const std::string& text) {
    std::string word = "'";
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

int print_environment(const Installation& installation) {
    std::printf("# eval \"$(anywarp env)\" makes this shell use anywarp\n");
    std::printf("export CUDA_PATH=%s\n", quoted(installation.home.string()).c_str());
    std::printf("export PATH=%s\"${PATH:+:$PATH}\"\n", quoted(installation.bin.string()).c_str());
    std::printf("export LD_LIBRARY_PATH=%s\"${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"\n",
                quoted(installation.lib.string()).c_str());
    return 0;
}

/// The words that belong to another program: all after `cc` and `ptx`; from the first word without a dash after `run`.
std::vector<std::string> cut_off_rest(std::vector<std::string>& words) {
    if (words.empty()) return {};
    size_t own = words.size();
    if (words[0] == "cc" || words[0] == "ptx") own = 1;
    if (words[0] == "run")
        for (own = 1; own < words.size() && words[own].starts_with("-") && words[own] != "--";)
            own += words[own] == "--device" || words[own] == "--devices" ? 2 : 1; // those take a value
    own = std::min(own, words.size());
    std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(own), words.end());
    if (words[0] == "run" && !rest.empty() && rest[0] == "--") rest.erase(rest.begin());
    words.resize(own);
    return rest;
}

} // namespace

int main(int count, char** arguments) {
    std::vector<std::string> words(arguments + 1, arguments + count);
    std::vector<std::string> rest = cut_off_rest(words);

    CLI::App app{"Runs CUDA programs on the CPU.", "anywarp"};
    app.set_version_flag("--version", "anywarp " ANYWARP_VERSION " (CUDA 13.0)");
    app.require_subcommand(1);
    RunSettings settings;
    bool clear = false;
    CLI::App* run = app.add_subcommand("run", "start a CUDA program, or compile and start a .cu file");
    run->add_flag("--stats", settings.statistics, "print what every kernel took when the program ends (ANYWARP_STATS=1)");
    run->add_flag("--trace", settings.trace, "print every call to the driver with its result (ANYWARP_TRACE=1)");
    run->add_option("--device", settings.device,
                    "the program sees this device of the catalogue, or these, separated by commas: h20 (ANYWARP_DEVICE)");
    run->add_option("--devices", settings.devices, "how many of them (ANYWARP_DEVICES)")->check(CLI::Range(1, 128));
    CLI::App* cc = app.add_subcommand("cc", "compile CUDA C++; takes nvcc's options (anywarp-cc)");
    CLI::App* ptx = app.add_subcommand("ptx", "check PTX files, show a kernel at a stage of the compiler (anywarp-ptx)");
    DevicesSettings catalogue;
    CLI::App* devices = app.add_subcommand("devices", "list the devices of the catalogue; compare those named");
    devices->add_option("NAME", catalogue.names, "devices, or device files (NAME.json)");
    devices->add_option("--date", catalogue.date, "export class by the rules as they stood on that day, YYYY-MM-DD (today)");
    devices->add_option("--roofline", catalogue.roofline, "write a roofline chart to this SVG file");
    devices->add_option("--precision", catalogue.precisions, "of the chart: fp16, bf16, fp8, fp32, fp64 ...; several with commas")->delimiter(',');
    devices->add_flag("--json", catalogue.json, "everything, for programs");
    devices->add_flag("--lint", catalogue.lint, "check the figures of all devices, or of those named");
    devices->add_flag("--page", catalogue.page, "print docs/devices.md")->group("");
    CLI::App* smi = app.add_subcommand("smi", "show the devices");
    CLI::App* env = app.add_subcommand("env", "print lines for a shell: eval \"$(anywarp env)\"");
    CLI::App* cache = app.add_subcommand("cache", "show where compiled kernels are kept, and how many");
    cache->add_flag("--clear", clear, "remove them");
    try {
        std::ranges::reverse(words); // CLI11 takes them last first
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) ? 2 : 0;
    }

    if (*cache) return show_cache(clear);
    if (*devices) return show_catalogue(std::move(catalogue));
    Result<Installation> installation = find_installation();
    if (!installation) return fail(installation.error());
    if (*smi) return show_devices(*installation);
    if (*env) return print_environment(*installation);
    if (*cc) return fail(execute(installation->tool("anywarp-cc"), rest));
    if (*ptx) return fail(execute(installation->tool("anywarp-ptx"), rest));
    if (*run && rest.empty()) {
        std::fprintf(stderr, "anywarp: error: run needs a program: anywarp run [OPTIONS] PROGRAM [ARGS...]\n");
        return 2;
    }
    settings.program = rest.front();
    settings.arguments.assign(rest.begin() + 1, rest.end());
    return fail(run_program(*installation, settings));
}
