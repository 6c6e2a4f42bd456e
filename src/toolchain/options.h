// nvcc's command line, read into a plain structure. Build systems know nvcc's options and nothing else, so every documented
// spelling is taken: long and short names, one dash or two, the value attached with '=', as the next word or (for one-letter
// options) glued on, comma-separated lists, and response files. Options that only steer NVIDIA's own tools (ptxas, nvlink,
// cudafe) are accepted and have no effect. See "NVIDIA CUDA Compiler Driver NVCC", chapter "NVCC Command Options".
#pragma once

#include "ptx/error.h"

#include <string>
#include <vector>

namespace anywarp::toolchain {

/// What the last step produces.
enum class Phase { preprocess, dependencies, ptx, cubin, fatbin, object, device_object, device_link, executable, shared, archive };

struct Options {
    Phase phase = Phase::executable;
    std::vector<std::string> inputs;
    std::string output;
    std::vector<std::string> preprocessor;  // -I, -D, -U, -isystem, -include as clang takes them
    std::vector<std::string> dependencies;  // the -M family as clang takes it
    std::vector<std::string> architectures; // "75", "90a": one PTX each, no doubles
    std::vector<std::string> host_flags;    // -Xcompiler
    std::vector<std::string> link_flags;    // -Xlinker words, -l, -L, in order
    std::string standard;
    std::string optimisation;
    std::string cudart = "shared";
    std::string host_compiler;
    std::string input_language; // -x
    std::string output_directory;
    bool relocatable = false; // -rdc=true
    bool host_debug = false;
    bool device_debug = false;
    bool line_info = false;
    bool flush_denormals = false;
    bool approximate_math = false;
    bool precise_division = true;
    bool precise_sqrt = true;
    bool fuse_multiply_add = true;
    bool no_warnings = false;
    bool warnings_are_errors = false;
    bool verbose = false;
    bool dry_run = false;
    bool keep = false;
    bool show_version = false;
    bool show_help = false;
    bool show_architectures = false;
    bool show_codes = false;
    bool position_independent = false;
    std::string keep_directory;
    std::vector<std::string> notes; // said to the user unless -w
};

/// Reads the words after the program's name. Errors: invalid_value with nvcc's kind of message.
Result<Options> parse_options(const std::vector<std::string>& words);

/// "sm_86" or "compute_86" as the digits and letter behind it; empty where it is neither.
std::string architecture_number(const std::string& name);

} // namespace anywarp::toolchain
