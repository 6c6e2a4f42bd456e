// anywarp-cc: compiles CUDA C++ with nvcc's command line. Also reached as `nvcc` through a link and as `anywarp cc`.
#include "toolchain/compile.h"
#include "toolchain/options.h"

#include <cstdio>

using namespace anywarp;
using namespace anywarp::toolchain;

namespace {

// The words that build systems look for: CMake reads "release X.Y" and "VX.Y.Z".
constexpr const char* version_text = "nvcc: NVIDIA (R) Cuda compiler driver\n"
                                     "(this is anywarp-cc, which takes nvcc's place; it contains nothing of NVIDIA's)\n"
                                     "Cuda compilation tools, release 13.0, V13.0.88\n"
                                     "Build anywarp_0.1.0\n";

constexpr const char* help_text = "Usage: anywarp-cc [options] <inputfile>...\n"
                                  "Compiles CUDA C++ for anywarp with nvcc's command line.\n\n"
                                  "  -o FILE                   output file\n"
                                  "  -c | -ptx | -fatbin | -E | -M | -dc | -dlink | -shared | -lib\n"
                                  "                            stop at an object, PTX, fat binary, ...; default: link a program\n"
                                  "  -arch=sm_XX | -gencode arch=compute_XX,code=[..]\n"
                                  "                            virtual architectures to make PTX for (default sm_75)\n"
                                  "  -I -isystem -include -D -U -L -l -std -O -g -w\n"
                                  "                            as a C++ compiler takes them\n"
                                  "  -use_fast_math -ftz= -prec-div= -prec-sqrt= -fmad=\n"
                                  "                            arithmetic of device code\n"
                                  "  -Xcompiler A,B -Xlinker A,B\n"
                                  "                            passed to the host compiler and the linker\n"
                                  "  -lineinfo -G              line numbers in PTX; -G also optimises less\n"
                                  "  -v --dryrun -keep --version --list-gpu-arch\n";

int report(const Error& error) {
    if (!error.message.empty())
        std::fprintf(stderr, "anywarp-cc: error: %s%s\n", error.kind == ErrorKind::unsupported ? "not supported: " : "",
                     error.message.c_str());
    return 1;
}

} // namespace

int main(int count, char** words) {
    Result<Options> options = parse_options(std::vector<std::string>(words + 1, words + count));
    if (!options)
        return report(options.error());
    if (options->show_version) {
        std::fputs(version_text, stdout);
        return 0;
    }
    if (options->show_help) {
        std::fputs(help_text, stdout);
        return 0;
    }
    if (options->show_architectures || options->show_codes) {
        for (const char* number : {"75", "80", "86", "87", "89", "90"})
            std::printf("%s_%s\n", options->show_architectures ? "compute" : "sm", number);
        return 0;
    }
    Compilation compilation(std::move(*options), find_installation());
    Result<int> status = compilation.run();
    return status ? *status : report(status.error());
}
