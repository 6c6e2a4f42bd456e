// The steps from CUDA C++ to PTX, objects and programs. Both halves of a source are compiled by clang as CUDA: the device half
// to PTX, once per virtual architecture, with our math library linked in as bitcode; the host half to an object that holds the
// fat binary and registers it with the runtime. Nothing of NVIDIA's is read: clang is told of no toolkit, and include/ takes
// the place of the toolkit's headers.
#pragma once

#include "toolchain/options.h"
#include "toolchain/process.h"

#include <string>
#include <vector>

namespace anywarp::toolchain {

/// Where the installation's parts are, found from the running program's own place.
struct Installation {
    std::string clang;       // clang-19's C++ driver
    std::string include;     // CUDA headers
    std::string library;     // libcudart.so
    std::string device_math; // the bitcode of the __nv_* functions
    std::string home;
};
Installation find_installation();

class Compilation {
public:
    Compilation(Options options, Installation installation);
    /// Does what the options ask; the result is the exit status.
    Result<int> run();

private:
    Result<void> execute(const Command& command);
    Result<std::string> read(const std::string& path) const;
    Result<void> write(const std::string& path, const std::string& contents);
    Command device_command(const std::string& source, const std::string& architecture) const;
    Command host_command(const std::string& source) const;
    Result<std::string> compile_ptx(const std::string& source, const std::string& architecture);
    Result<std::string> make_fatbin(const std::string& source);
    Result<void> compile_object(const std::string& source, const std::string& object);
    Result<void> compile_relocatable(const std::string& source, const std::string& object);
    Result<void> link_devices(const std::vector<std::string>& objects, const std::string& object);
    Result<void> link(const std::vector<std::string>& objects);
    std::string output_for(const std::string& source, const std::string& suffix) const;
    bool is_cuda(const std::string& source) const;

    Options options;
    Installation installation;
    TemporaryFolder temporary;
    int next_file = 0;
};

} // namespace anywarp::toolchain
