// `anywarp run`: starts a program so that it finds our libcuda.so.1 and libcudart.so.* instead of NVIDIA's.
#pragma once

#include "cli/installation.h"

#include <optional>

namespace anywarp::cli {

struct RunSettings {
    bool statistics = false, trace = false;
    std::string device;         // names from the catalogue, separated by commas; empty: as the environment says
    std::optional<int> devices; // how many
    std::string program;
    std::vector<std::string> arguments;
};

/// Comes back only when the program couldn't be started; a program's exit code is passed on by becoming it.
Error run_program(const Installation& installation, const RunSettings& settings);

/// A CUDA source file, compiled by anywarp-cc into an executable in the cache: its path.
Result<fs::path> compile_and_cache(const Installation& installation, const fs::path& source);

} // namespace anywarp::cli
