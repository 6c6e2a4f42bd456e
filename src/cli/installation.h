// Where Anywarp lies. An installation (and a build folder) has the shape of a CUDA toolkit: <home>/bin, <home>/lib with
// libcuda.so.1 and libcudart.so.*, <home>/include, <home>/share/anywarp. The command finds <home> from its own path, links
// resolved, so that a tree may be moved and reached through links such as /usr/local/bin/anywarp.
#pragma once

#include "ptx/error.h"

#include <filesystem>
#include <string>
#include <vector>

namespace anywarp::cli {

namespace fs = std::filesystem;

struct Installation {
    fs::path home, bin, lib;
    fs::path tool(const std::string& name) const { return bin / name; }
};

/// An error when the libraries aren't there.
Result<Installation> find_installation();

/// The folder of compiled kernels, as src/jit/object_cache.cc chooses it; empty when there is none.
fs::path cache_folder();

/// Replaces this process; comes back only with the reason why it couldn't.
Error execute(const fs::path& program, const std::vector<std::string>& arguments);
/// Runs a program and waits: its exit status, 128 + n after signal n.
Result<int> run_and_wait(const fs::path& program, const std::vector<std::string>& arguments);

/// folder[:what the variable held], as for LD_LIBRARY_PATH and PATH.
std::string in_front(const fs::path& folder, const char* variable);

} // namespace anywarp::cli
