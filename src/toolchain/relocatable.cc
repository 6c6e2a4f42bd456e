// Separate compilation of device code (nvcc's -rdc=true, -dc and -dlink). Not done yet with symbols that cross files: each
// object carries the PTX of its own file and registers it on its own, so kernels may be launched from any file, but a device
// function or variable must be in the file that uses it.
#include "toolchain/compile.h"

namespace anywarp::toolchain {

Result<void> Compilation::compile_relocatable(const std::string& source, const std::string& object) {
    options.relocatable = false;
    Result<void> done = compile_object(source, object);
    options.relocatable = true;
    return done;
}

Result<void> Compilation::link_devices(const std::vector<std::string>&, const std::string& object) {
    const std::string empty = temporary.file("empty.c");
    if (Result<void> done = write(empty, "typedef int anywarp_device_link_is_empty;\n"); !done)
        return done;
    return execute({installation.clang, "-x", "c", "-fPIC", "-c", empty, "-o", object});
}

} // namespace anywarp::toolchain
