// Runs random programs on the oracle and as compiled code at several widths, and writes those that differ to files.
//
//   ptx_fuzz [--seed N] [--count N] [--file PTX] [--one] [--seconds N] [--verbose] [--print] [--oracle-only]
//
// --file runs a program of a file instead of made ones; the seed still chooses what --one chooses. --verbose names each seed first.
// --one compiles each program for one width only, with or without optimisation, chosen by its seed: more programs in the same
// time. --seconds stops earlier. ANYWARP_ISA selects the instruction set.
#include "ptx_gen.h"
#include "run_case.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

using namespace anywarp;
using namespace anywarp::ptx_run;

int main(int argc, char** argv) {
    uint64_t seed = 1, count = 100;
    double seconds = 1e9;
    const char* file = nullptr;
    bool one = false, verbose = false, print = false, oracle_only = !compiled_path_is_available();
    for (int i = 1; i < argc; ++i) {
        if (!std::strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = std::strtoull(argv[++i], nullptr, 10);
        else if (!std::strcmp(argv[i], "--count") && i + 1 < argc)
            count = std::strtoull(argv[++i], nullptr, 10);
        else if (!std::strcmp(argv[i], "--seconds") && i + 1 < argc)
            seconds = std::strtod(argv[++i], nullptr);
        else if (!std::strcmp(argv[i], "--file") && i + 1 < argc)
            file = argv[++i], count = 1;
        else if (!std::strcmp(argv[i], "--one"))
            one = true;
        else if (!std::strcmp(argv[i], "--verbose"))
            verbose = true;
        else if (!std::strcmp(argv[i], "--print"))
            print = true;
        else if (!std::strcmp(argv[i], "--oracle-only"))
            oracle_only = true;
        else {
            std::fprintf(stderr, "usage: ptx_fuzz [--seed N] [--count N] [--file PTX] [--one] [--seconds N] [--verbose] [--print] [--oracle-only]\n");
            return 2;
        }
    }
    uint64_t failed = 0, done = 0;
    auto begin = std::chrono::steady_clock::now();
    auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    for (uint64_t s = seed; s < seed + count && elapsed() < seconds; ++s, ++done) {
        std::string text = file ? read_case(file).text : fuzz::generate(s), problem;
        if (verbose) std::fprintf(stderr, "seed %llu\n", (unsigned long long)s);
        if (print) std::fputs(text.c_str(), stdout);
        Case test = parse_case("seed " + std::to_string(s), text);
        auto module = ptx::parse_module(text, test.path);
        if (!module)
            problem = "parser: " + module.error().message;
        else {
            uint32_t kernel = 0;
            while (!(*module)->functions[kernel].is_entry) ++kernel;
            RunResult oracle = run_on_oracle(test, **module, kernel);
            if (!oracle.result) problem = "oracle: " + oracle.result.error().message;
            std::vector<unsigned> widths = test.widths;
            if (one) widths = {widths[1 + s % (widths.size() - 1)]};
            for (unsigned width : widths)
                for (bool optimize : {true, false}) {
                    if (oracle_only || !problem.empty() || (width == 0 && !optimize) || (one && optimize != (s / 4 % 4 != 0))) continue;
                    RunResult compiled = run_compiled(test, **module, kernel, width, optimize);
                    std::string how = "width " + std::to_string(width) + (optimize ? ", optimised" : ", not optimised");
                    if (!compiled.result)
                        problem = how + ": " + compiled.result.error().message;
                    else if (std::string d = compare(test, oracle, compiled); !d.empty())
                        problem = how + "\n" + d;
                }
        }
        if (problem.empty()) continue;
        ++failed;
        std::string name = file ? file : "fuzz-" + std::to_string(s) + ".ptx";
        if (!file) std::ofstream(name) << text;
        std::printf("seed %llu (%s): %s\n", (unsigned long long)s, name.c_str(), problem.c_str());
        std::fflush(stdout);
    }
    std::printf("%llu programs, %llu failed, %.0f s\n", (unsigned long long)done, (unsigned long long)failed, elapsed());
    return failed ? 1 : 0;
}
