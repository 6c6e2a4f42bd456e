// One program, compiled for several configurations and executed many times, each time on fresh inputs.
//
// An execution is one launch of one compiled configuration (a width, optimised or not, for this block shape or for any), on
// buffers, by-value parameters and a grid size drawn for this execution; afterwards every byte of its memory (buffers, padding
// between them, module image) must equal what the oracle left when it ran on the same inputs at the same addresses. The oracle
// runs once per input, so n configurations give n executions.
#pragma once

#include "run_case.h"

#ifdef ANYWARP_PTX_RUN_COMPILED
#    include "jit/compiler.h"
#endif

namespace anywarp::fuzz {

struct Configuration {
    unsigned width = 0;
    bool optimize = true;
    bool any_block = false; // compiled without knowing the block's shape
    std::string describe() const;
};

/// Configurations that make sense for a program; `seed` chooses a few of them.
std::vector<Configuration> all_configurations(const ptx_run::Case& test);
std::vector<Configuration> some_configurations(const ptx_run::Case& test, uint64_t seed);

/// Which configurations an experiment compiles: a few chosen by the seed, every one, none, or this one.
struct Choice {
    enum Kind { some, all, none, single } kind = some;
    Configuration configuration;
};

class Experiment {
public:
    /// Parses, and compiles for each configuration. `problem()` says what went wrong.
    Experiment(std::string name, std::string text, uint64_t seed, const Choice& choice);
    /// Runs the inputs of one number on the oracle and on all configurations; false when something differs (see `problem`).
    /// Input 0 is what the header's fills say.
    bool execute(uint64_t input);

    const std::string& problem() const { return problem_; }
    /// The configuration that the oracle disagreed with.
    const Configuration* culprit() const { return culprit_ < 0 ? nullptr : &configurations_[size_t(culprit_)]; }
    uint64_t executions() const { return executions_; }
    uint64_t oracle_instructions() const { return instructions_; }
    double compile_seconds = 0, oracle_seconds = 0, compiled_seconds = 0;

private:
    void fill(uint64_t input);
    std::string difference(const uint8_t* want, const uint8_t* have) const;

    ptx_run::Case test_;
    std::string problem_;
    int culprit_ = -1;
    uint64_t seed_, executions_ = 0, instructions_ = 0;
    std::unique_ptr<ptx::Module> module_;
    uint32_t kernel_ = 0, static_shared_ = 0;
    uint32_t grid_[3] = {1, 1, 1};
    // All memory of a launch in one piece: each buffer, the image; the parameters, which nobody writes, apart from it.
    std::unique_ptr<uint8_t[]> storage_;
    uint8_t* memory_ = nullptr;
    uint64_t size_ = 0;
    std::vector<uint64_t> places_; // of the buffers, then of the image
    std::vector<uint8_t> params_, fresh_, image_, inputs_, expected_;
    std::vector<Configuration> configurations_;
#ifdef ANYWARP_PTX_RUN_COMPILED
    std::vector<std::unique_ptr<jit::CompiledKernel>> compiled_;
#endif
};

} // namespace anywarp::fuzz
