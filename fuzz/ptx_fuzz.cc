// Runs random programs on the oracle and as compiled code, many inputs each, and writes the programs that differ to files.
//
//   ptx_fuzz [--seed N] [--count N] [--inputs N] [--seconds N] [--executions N] [--state FILE] [--file PTX [--reduce]] [--all]
//            [--verbose] [--print] [--oracle-only]
//
// What an execution is stands in experiment.h. A program gets a few configurations chosen by its seed; --all gives every one of
// them. --inputs: inputs per program (default 300). --state keeps the next seed and the executions so far in a file, so that a
// long run can be stopped and go on. --file runs a program of a file; --reduce drops lines from it while the difference
// stays, and prints what is left. ANYWARP_ISA selects the instruction set. The exit code is 1 when something differed.
#include "experiment.h"
#include "ptx_gen.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace anywarp;
using namespace anywarp::fuzz;

namespace {

struct Options {
    uint64_t seed = 1, count = 100, inputs = 300, executions = ~0ull;
    double seconds = 1e9;
    const char *file = nullptr, *state = nullptr;
    bool all = false, verbose = false, print = false, reduce = false;
    bool oracle_only = !ptx_run::compiled_path_is_available();
};

volatile uint64_t current_seed = 0;
constexpr unsigned hang_seconds = 600; // for compiling a program, or for one of its inputs: compiled code that doesn't end

void hang(int) {
    char text[64];
    int n = std::snprintf(text, sizeof text, "seed %llu: hangs\n", (unsigned long long)current_seed);
    (void)!write(1, text, size_t(n));
    _exit(3);
}

bool parse(int argc, char** argv, Options& o) {
    for (int i = 1; i < argc; ++i) {
        std::string a = argv[i];
        auto number = [&](uint64_t& v) { return i + 1 < argc && (v = std::strtoull(argv[++i], nullptr, 10), true); };
        auto text = [&](const char*& v) { return i + 1 < argc && (v = argv[++i], true); };
        uint64_t seconds;
        bool ok = true;
        if (a == "--seed")
            ok = number(o.seed);
        else if (a == "--count")
            ok = number(o.count);
        else if (a == "--inputs")
            ok = number(o.inputs);
        else if (a == "--executions")
            ok = number(o.executions);
        else if (a == "--seconds")
            ok = number(seconds), o.seconds = double(seconds);
        else if (a == "--file")
            ok = text(o.file), o.count = 1;
        else if (a == "--state")
            ok = text(o.state);
        else if (a == "--all")
            o.all = true;
        else if (a == "--reduce")
            o.reduce = true;
        else if (a == "--verbose")
            o.verbose = true;
        else if (a == "--print")
            o.print = true;
        else if (a == "--oracle-only")
            o.oracle_only = true;
        else
            ok = false;
        if (!ok) return false;
    }
    return !o.reduce || o.file;
}

Choice choice_of(const Options& o) { return {o.oracle_only ? Choice::none : o.all ? Choice::all : Choice::some, {}}; }

/// Whether compiled code and oracle disagree on this text; not when it doesn't parse, or the oracle can't run it.
std::string disagreement(const Options& o, const std::string& text, Choice& choice) {
    alarm(hang_seconds);
    Experiment experiment("reduced", text, o.seed, choice);
    for (uint64_t k = 0; experiment.problem().empty() && k < o.inputs; ++k) experiment.execute(k);
    if (!experiment.culprit()) return "";
    choice = {Choice::single, *experiment.culprit()};
    return experiment.problem();
}

/// Delta debugging over lines: ever smaller pieces are left out while the disagreement stays.
int reduce(const Options& o, std::string text) {
    std::vector<std::string> lines;
    std::stringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    auto joined = [](const std::vector<std::string>& v) {
        std::string s;
        for (const std::string& l : v) s += l + "\n";
        return s;
    };
    Choice choice = choice_of(o);
    std::string problem = disagreement(o, text, choice);
    if (problem.empty()) return std::puts("no difference to reduce"), 2;
    // A line that gives a register its first value carries the mark "// first": without it the register would hold anything.
    auto may_go = [](const std::string& l) {
        return !l.starts_with("//") && !l.starts_with(".") && !l.ends_with("// first") && l.find(".reg") == std::string::npos;
    };
    for (bool shrunk = true; shrunk;) {
        shrunk = false;
        for (size_t piece = std::max<size_t>(1, lines.size() / 4); piece; piece /= 2)
            for (size_t at = 0; at < lines.size();) {
                std::vector<std::string> fewer;
                for (size_t i = 0; i < lines.size(); ++i)
                    if (i < at || i >= at + piece || !may_go(lines[i])) fewer.push_back(lines[i]);
                std::string p = fewer.size() < lines.size() ? disagreement(o, joined(fewer), choice) : "";
                if (p.empty()) {
                    at += piece;
                    continue;
                }
                lines = fewer, problem = p, shrunk = true;
            }
    }
    std::printf("%s// %s\n", joined(lines).c_str(), problem.c_str());
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    Options o;
    if (!parse(argc, argv, o)) {
        std::fprintf(stderr, "usage: ptx_fuzz [--seed N] [--count N] [--inputs N] [--seconds N] [--executions N] [--state FILE] "
                             "[--file PTX [--reduce]] [--all] [--verbose] [--print] [--oracle-only]\n");
        return 2;
    }
    std::signal(SIGALRM, hang);
    if (o.reduce) return reduce(o, ptx_run::read_case(o.file).text);
    uint64_t failed = 0, programs = 0, executions = 0, earlier = 0, instructions = 0;
    if (o.state) std::ifstream(o.state) >> o.seed >> earlier;
    double compiling = 0, interpreting = 0, running = 0;
    auto begin = std::chrono::steady_clock::now();
    auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    auto report = [&] {
        std::printf("%llu programs, %llu failed, %llu executions (%llu with earlier runs), next seed %llu, %.0f s: compiler %.0f, "
                    "oracle %.0f (%.1f ns an instruction), compiled code %.0f\n",
                    (unsigned long long)programs, (unsigned long long)failed, (unsigned long long)executions,
                    (unsigned long long)(earlier + executions), (unsigned long long)(o.seed + programs), elapsed(), compiling,
                    interpreting, instructions ? interpreting * 1e9 / double(instructions) : 0, running);
        std::fflush(stdout);
    };
    double next_report = 60;
    while (programs < o.count && elapsed() < o.seconds && earlier + executions < o.executions) {
        uint64_t s = o.seed + programs;
        current_seed = s;
        std::string text = o.file ? ptx_run::read_case(o.file).text : generate(s);
        if (o.verbose) std::fprintf(stderr, "seed %llu\n", (unsigned long long)s);
        if (o.print) std::fputs(text.c_str(), stdout);
        alarm(hang_seconds);
        Experiment experiment("seed " + std::to_string(s), text, s, choice_of(o));
        for (uint64_t k = 0; experiment.problem().empty() && k < o.inputs; ++k) {
            alarm(hang_seconds);
            experiment.execute(k);
        }
        ++programs;
        executions += experiment.executions();
        instructions += experiment.oracle_instructions();
        compiling += experiment.compile_seconds, interpreting += experiment.oracle_seconds, running += experiment.compiled_seconds;
        if (o.state) std::ofstream(o.state) << o.seed + programs << " " << earlier + executions << "\n";
        if (elapsed() > next_report) report(), next_report = elapsed() + 60;
        if (experiment.problem().empty()) continue;
        ++failed;
        std::string name = o.file ? o.file : "fuzz-" + std::to_string(s) + ".ptx";
        if (!o.file) std::ofstream(name) << text;
        std::printf("seed %llu (%s): %s\n", (unsigned long long)s, name.c_str(), experiment.problem().c_str());
        std::fflush(stdout);
    }
    report();
    return failed ? 1 : 0;
}
