// Child processes and temporary files of the compiler driver. Commands run one after another; with --dryrun they are only
// shown, in nvcc's form ("#$ command"), which build systems read.
#pragma once

#include "ptx/error.h"

#include <string>
#include <vector>

namespace anywarp::toolchain {

using Command = std::vector<std::string>;

/// Runs the command and waits. The result is its exit status; a missing program or a signal is an error.
Result<int> run_process(const Command& command);

/// The command as a shell would take it.
std::string shell_line(const Command& command);

/// A folder that disappears with the object, unless kept.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::string file(const std::string& name) const { return path + "/" + name; }

    std::string path;
};

} // namespace anywarp::toolchain
