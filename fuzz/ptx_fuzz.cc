// Runs random programs on the oracle and as compiled code at several widths, and writes those that differ to files.
//
//   ptx_fuzz [--seed N] [--count N] [--print] [--oracle-only]
#include "ptx_gen.h"
#include "run_case.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

using namespace anywarp;
using namespace anywarp::ptx_run;

int main(int argc, char** argv) {
    uint64_t seed = 1, count = 100;
    bool print = false, oracle_only = !compiled_path_is_available();
    for (int i = 1; i < argc; ++i) {
        if (!std::strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = std::strtoull(argv[++i], nullptr, 10);
        else if (!std::strcmp(argv[i], "--count") && i + 1 < argc)
            count = std::strtoull(argv[++i], nullptr, 10);
        else if (!std::strcmp(argv[i], "--print"))
            print = true;
        else if (!std::strcmp(argv[i], "--oracle-only"))
            oracle_only = true;
        else {
            std::fprintf(stderr, "usage: ptx_fuzz [--seed N] [--count N] [--print] [--oracle-only]\n");
            return 2;
        }
    }
    uint64_t failed = 0;
    for (uint64_t s = seed; s < seed + count; ++s) {
        std::string text = fuzz::generate(s), problem;
        if (print) std::fputs(text.c_str(), stdout);
        Case test = parse_case("seed " + std::to_string(s), text);
        auto module = ptx::parse_module(text, test.path);
        if (!module)
            problem = "parser: " + module.error().message;
        else {
            RunResult oracle = run_on_oracle(test, **module, 0);
            if (!oracle.result) problem = "oracle: " + oracle.result.error().message;
            for (unsigned width : test.widths)
                for (bool optimize : {true, false}) {
                    if (oracle_only || !problem.empty() || (width == 0 && !optimize)) continue;
                    RunResult compiled = run_compiled(test, **module, 0, width, optimize);
                    std::string how = "width " + std::to_string(width) + (optimize ? ", optimised" : ", not optimised");
                    if (!compiled.result)
                        problem = how + ": " + compiled.result.error().message;
                    else if (std::string d = compare(test, oracle, compiled); !d.empty())
                        problem = how + "\n" + d;
                }
        }
        if (problem.empty()) continue;
        ++failed;
        std::string file = "fuzz-" + std::to_string(s) + ".ptx";
        std::ofstream(file) << text;
        std::printf("seed %llu (%s): %s\n", (unsigned long long)s, file.c_str(), problem.c_str());
        std::fflush(stdout);
    }
    std::printf("%llu programs, %llu failed\n", (unsigned long long)count, (unsigned long long)failed);
    return failed ? 1 : 0;
}
