// How clang is called. The flags below are where nvcc's defaults and clang's differ: device code is optimised unless -G says
// otherwise, fused multiply-add is on, denormals are kept, and the macros a program tests (__NVCC__, __CUDACC_VER_MAJOR__)
// have nvcc 13.0's values.
#include "toolchain/compile.h"
#include "toolchain/fatbin_writer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#ifndef ANYWARP_CLANG
#define ANYWARP_CLANG "clang++-19"
#endif

namespace anywarp::toolchain {

namespace fs = std::filesystem;

Installation find_installation() {
    Installation installation;
    const char* clang = std::getenv("ANYWARP_CLANG");
    installation.clang = clang && *clang ? clang : ANYWARP_CLANG;
    std::error_code ignored;
    const char* home = std::getenv("ANYWARP_HOME");
    const fs::path root = home && *home ? fs::path(home) : fs::canonical("/proc/self/exe", ignored).parent_path().parent_path();
    installation.home = root.string();
    installation.include = (root / "include").string();
    installation.library = (root / "lib").string();
    for (const char* place : {"lib64", "lib/x86_64-linux-gnu", "lib"})
        if (fs::exists(root / place / "libcudart.so"))
            installation.library = (root / place).string();
    installation.device_math = (root / "share/anywarp/libanywarp-device.bc").string();
    return installation;
}

namespace {

/// The newest architecture that clang-19 knows at or below the one asked for.
std::string clang_architecture(const std::string& number) {
    static const std::vector<unsigned> known = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90};
    if (number == "90a")
        return "sm_90a";
    const unsigned wanted = (unsigned)std::atoi(number.c_str());
    unsigned best = 50;
    for (const unsigned candidate : known)
        if (candidate <= wanted)
            best = candidate;
    return "sm_" + std::to_string(best);
}

void append(Command& command, const std::vector<std::string>& words) {
    command.insert(command.end(), words.begin(), words.end());
}

} // namespace

Compilation::Compilation(Options given, Installation found) : options(std::move(given)), installation(std::move(found)) {}

bool Compilation::is_cuda(const std::string& source) const {
    if (options.input_language == "cu")
        return true;
    return options.input_language.empty() && fs::path(source).extension() == ".cu";
}

std::string Compilation::output_for(const std::string& source, const std::string& suffix) const {
    if (!options.output.empty())
        return options.output;
    const fs::path name = fs::path(source).stem().string() + suffix;
    return options.output_directory.empty() ? name.string() : (fs::path(options.output_directory) / name).string();
}

Result<void> Compilation::execute(const Command& command) {
    if (options.verbose || options.dry_run)
        std::fprintf(stderr, "#$ %s\n", shell_line(command).c_str());
    if (options.dry_run)
        return {};
    Result<int> status = run_process(command);
    if (!status)
        return std::unexpected(status.error());
    if (*status != 0) // the compiler has said why
        return user_error(ErrorCode::invalid_source, "");
    return {};
}

Result<std::string> Compilation::read(const std::string& path) const {
    if (options.dry_run)
        return std::string();
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return user_error(ErrorCode::file_not_found, "cannot read '" + path + "'");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

Result<void> Compilation::write(const std::string& path, const std::string& contents) {
    if (options.dry_run)
        return {};
    std::ofstream file(path, std::ios::binary);
    file.write(contents.data(), (std::streamsize)contents.size());
    file.close();
    if (!file)
        return user_error(ErrorCode::file_not_found, "cannot write '" + path + "'");
    return {};
}

namespace {

/// Flags that both halves of a CUDA source share: they must see the same language and the same declarations.
Command shared_flags(const Options& options, const Installation& installation) {
    Command command = {installation.clang, "-x", "cuda", "-nocudainc", "-nocudalib", "--cuda-path=" + installation.home,
                       "--no-cuda-version-check", "-Wno-unknown-cuda-version"};
    // Launches through __cudaPushCallConfiguration and cudaLaunchKernel: clang-19 knows toolkits up to 12.x and none is there.
    append(command, {"-Xclang", "-target-sdk-version=12.3"});
    append(command, {"-D__CUDACC__", "-D__NVCC__", "-D__CUDACC_VER_MAJOR__=13", "-D__CUDACC_VER_MINOR__=0", "-D__CUDACC_VER_BUILD__=88",
                     "-D__CUDA_API_VER_MAJOR__=13", "-D__CUDA_API_VER_MINOR__=0", "-D__CUDACC_EXTENDED_LAMBDA__",
                     "-D__CUDACC_RELAXED_CONSTEXPR__", "-D__NVCC_DIAG_PRAGMA_SUPPORT__=1"});
    if (options.relocatable)
        command.push_back("-D__CUDACC_RDC__");
    // nvcc never warned of what these find, and pragmas meant for it are not ours to complain of.
    append(command, {"-Wno-unknown-pragmas", "-Wno-pass-failed", "-Wno-unused-command-line-argument", "-Wno-unknown-attributes"});
    command.push_back("-std=" + (options.standard.empty() ? std::string("gnu++17") : options.standard));
    append(command, options.preprocessor);
    append(command, {"-isystem", installation.include, "-include", "cuda_runtime.h"});
    if (options.no_warnings)
        command.push_back("-w");
    if (options.warnings_are_errors)
        command.push_back("-Werror");
    command.push_back(options.fuse_multiply_add ? "-ffp-contract=fast" : "-ffp-contract=off");
    if (options.flush_denormals)
        command.push_back("-fgpu-flush-denormals-to-zero");
    if (options.approximate_math)
        append(command, {"-fgpu-approx-transcendentals", "-D__USE_FAST_MATH__=1"});
    if (isatty(2))
        command.push_back("-fcolor-diagnostics");
    return command;
}

} // namespace

namespace {

/// -ftz=true concerns float alone, but LLVM flushes half-precision instructions with it. The program's own assembly stays as it is.
std::string keep_half_subnormals(const std::string& ptx) {
    std::string result, line;
    bool assembly = false;
    for (std::stringstream lines(ptx); std::getline(lines, line); result += line + "\n") {
        if (line.contains("// begin inline asm") || line.contains("// end inline asm"))
            assembly = line.contains("begin");
        else if (size_t at = line.find(".ftz.f16"); !assembly && at != std::string::npos)
            line.erase(at, std::string_view(".ftz").size());
    }
    return result;
}

} // namespace

Command Compilation::device_command(const std::string& source, const std::string& architecture) const {
    Command command = shared_flags(options, installation);
    append(command, {"--cuda-device-only", "--cuda-gpu-arch=" + clang_architecture(architecture), "--cuda-feature=+ptx83"});
    const unsigned number = (unsigned)std::atoi(architecture.c_str());
    if (number > 90) // clang-19 has no such target: the newest it has, with the macro the program asked for
        append(command, {"-Wno-builtin-macro-redefined", "-Wno-macro-redefined", "-U__CUDA_ARCH__",
                         "-D__CUDA_ARCH__=" + std::to_string(number * 10)});
    if (options.device_debug)
        append(command, {"-O1", "-gline-directives-only", "-D__CUDACC_DEBUG__"});
    else
        command.push_back("-O3");
    if (options.line_info)
        command.push_back("-gline-directives-only");
    // Whoever asks for PTX reaches its static variables by name, too.
    if (options.phase == Phase::ptx)
        command.push_back("-fkeep-persistent-storage-variables");
    if (!options.precise_division)
        append(command, {"-mllvm", options.approximate_math ? "-nvptx-prec-divf32=0" : "-nvptx-prec-divf32=1"});
    if (!options.precise_sqrt)
        append(command, {"-mllvm", "-nvptx-prec-sqrtf32=0"});
    append(command, {"-Xclang", "-mlink-builtin-bitcode", "-Xclang", installation.device_math});
    command.push_back(source);
    return command;
}

Command Compilation::host_command(const std::string& source) const {
    Command command = shared_flags(options, installation);
    command.push_back("--cuda-host-only");
    if (!options.optimisation.empty())
        command.push_back("-O" + options.optimisation);
    else if (!options.host_debug)
        command.push_back("-O2");
    if (options.host_debug)
        command.push_back("-g");
    std::string list = "-D__CUDA_ARCH_LIST__=";
    for (size_t i = 0; i < options.architectures.size(); ++i)
        list += (i ? "," : "") + std::to_string(std::atoi(options.architectures[i].c_str()) * 10);
    command.push_back(list);
    append(command, options.host_flags);
    command.push_back(source);
    return command;
}

Result<std::string> Compilation::compile_ptx(const std::string& source, const std::string& architecture) {
    const std::string path = temporary.file(std::to_string(next_file++) + ".sm_" + architecture + ".ptx");
    Command command = device_command(source, architecture);
    append(command, {"-S", "-o", path});
    if (Result<void> done = execute(command); !done)
        return std::unexpected(done.error());
    Result<std::string> text = read(path);
    if (text && options.flush_denormals)
        text = keep_half_subnormals(*text);
    // A math function that the library lacks would only fail when the module is loaded: say it now and by name.
    if (text)
        for (size_t at = text->find(".extern .func"); at != std::string::npos; at = text->find(".extern .func", at + 1)) {
            const std::string line = text->substr(at, text->find('\n', at) - at);
            if (const size_t name = line.find("__nv_"); name != std::string::npos)
                return unsupported("device math function " + line.substr(name, line.find_first_of(" \t(", name) - name) + " in '" + source + "'");
        }
    if (text && options.keep)
        if (Result<void> kept = write((fs::path(options.keep_directory) / (fs::path(source).stem().string() + ".sm_" + architecture + ".ptx")), *text); !kept)
            return std::unexpected(kept.error());
    return text;
}

Result<std::string> Compilation::make_fatbin(const std::string& source) {
    std::vector<PtxEntry> entries;
    for (const std::string& architecture : options.architectures) {
        Result<std::string> text = compile_ptx(source, architecture);
        if (!text)
            return text;
        entries.push_back({(unsigned)std::atoi(architecture.c_str()), *text});
    }
    return write_fatbin(entries);
}

Result<void> Compilation::compile_object(const std::string& source, const std::string& object) {
    Command command;
    if (is_cuda(source)) {
        if (options.relocatable)
            return compile_relocatable(source, object);
        Result<std::string> fatbin = make_fatbin(source);
        if (!fatbin)
            return std::unexpected(fatbin.error());
        const std::string path = temporary.file(std::to_string(next_file++) + ".fatbin");
        if (Result<void> done = write(path, *fatbin); !done)
            return done;
        command = host_command(source);
        append(command, {"-Xclang", "-fcuda-include-gpubinary", "-Xclang", path});
    } else {
        const bool is_c = options.input_language == "c" || (options.input_language.empty() && fs::path(source).extension() == ".c");
        command = {!options.host_compiler.empty() && !fs::is_directory(options.host_compiler) ? options.host_compiler : installation.clang};
        if (is_c)
            append(command, {"-x", "c"});
        else if (options.input_language == "c++")
            append(command, {"-x", "c++"});
        if (!options.standard.empty() && !is_c)
            command.push_back("-std=" + options.standard);
        append(command, options.preprocessor);
        append(command, {"-isystem", installation.include});
        if (!options.optimisation.empty())
            command.push_back("-O" + options.optimisation);
        if (options.host_debug)
            command.push_back("-g");
        if (options.no_warnings)
            command.push_back("-w");
        append(command, options.host_flags);
        command.push_back(source);
    }
    if (options.phase == Phase::shared)
        command.push_back("-fPIC");
    append(command, options.dependencies);
    if (!options.dependencies.empty() && std::ranges::find(options.dependencies, "-MF") == options.dependencies.end())
        append(command, {"-MF", fs::path(options.output.empty() ? object : options.output).replace_extension(".d").string()});
    if (!options.dependencies.empty() && std::ranges::find(options.dependencies, "-MT") == options.dependencies.end())
        append(command, {"-MT", options.output.empty() ? object : options.output});
    append(command, {"-c", "-o", object});
    return execute(command);
}

Result<void> Compilation::link(const std::vector<std::string>& objects) {
    Command command = {installation.clang};
    if (options.phase == Phase::shared)
        command.push_back("-shared");
    append(command, options.host_flags);
    append(command, objects);
    append(command, options.link_flags);
    append(command, {"-L" + installation.library, "-Wl,-rpath," + installation.library});
    if (options.cudart != "none") // "static" too: our runtime only comes as a shared library
        command.push_back("-lcudart");
    append(command, {"-lpthread", "-ldl", "-lrt", "-lm", "-o", options.output.empty() ? "a.out" : options.output});
    return execute(command);
}

Result<int> Compilation::run() {
    if (options.inputs.empty())
        return user_error(ErrorCode::invalid_value, "no input files given; use option --help for more information");
    if (options.phase == Phase::cubin)
        return unsupported("-cubin: machine code of a GPU; anywarp runs PTX and makes none, use -ptx or -fatbin");
    if (options.verbose || options.dry_run) // CMake and others read these to find the toolkit
        std::fprintf(stderr, "#$ _NVVM_BRANCH_=nvvm\n#$ TOP=%s\n#$ INCLUDES=\"-I%s\"\n#$ LIBRARIES=\"-L%s\"\n", installation.home.c_str(),
                     installation.include.c_str(), installation.library.c_str());
    const bool many = options.inputs.size() > 1;
    if (many && !options.output.empty() && options.phase != Phase::executable && options.phase != Phase::shared &&
        options.phase != Phase::archive && options.phase != Phase::device_link)
        return user_error(ErrorCode::invalid_value, "only one input file is allowed with -o '" + options.output + "' and no linking");

    std::vector<std::string> objects;
    for (const std::string& input : options.inputs) {
        if (!options.dry_run && !fs::exists(input))
            return user_error(ErrorCode::file_not_found, "source file '" + input + "' not found");
        const std::string extension = fs::path(input).extension().string();
        const bool source = is_cuda(input) || !options.input_language.empty() ||
                            (extension == ".cpp" || extension == ".cc" || extension == ".cxx" || extension == ".c" || extension == ".C" ||
                             extension == ".c++");
        if (!source) {
            objects.push_back(input);
            continue;
        }
        Result<void> done;
        switch (options.phase) {
        case Phase::preprocess:
        case Phase::dependencies: {
            Command command = is_cuda(input) ? host_command(input) : Command{installation.clang, "-isystem", installation.include, input};
            if (!is_cuda(input))
                append(command, options.preprocessor);
            if (options.phase == Phase::preprocess)
                command.push_back("-E");
            append(command, options.dependencies);
            if (!options.output.empty())
                append(command, {"-o", options.output});
            done = execute(command);
            break;
        }
        case Phase::ptx: {
            if (options.architectures.size() > 1)
                return user_error(ErrorCode::invalid_value, "-ptx makes one file: name one architecture, not " +
                                                                std::to_string(options.architectures.size()));
            Result<std::string> text = compile_ptx(input, options.architectures[0]);
            if (!text)
                return std::unexpected(text.error());
            done = write(output_for(input, ".ptx"), *text);
            break;
        }
        case Phase::fatbin: {
            Result<std::string> fatbin = make_fatbin(input);
            if (!fatbin)
                return std::unexpected(fatbin.error());
            done = write(output_for(input, ".fatbin"), *fatbin);
            break;
        }
        case Phase::object:
        case Phase::device_object:
            done = compile_object(input, output_for(input, ".o"));
            break;
        default: {
            const std::string object = temporary.file(std::to_string(next_file++) + "-" + fs::path(input).stem().string() + ".o");
            done = compile_object(input, object);
            objects.push_back(object);
        }
        }
        if (!done)
            return std::unexpected(done.error());
    }
    Result<void> done;
    if (options.phase == Phase::device_link) {
        done = link_devices(objects, options.output.empty() ? "a_dlink.o" : options.output);
    } else if (options.phase == Phase::executable || options.phase == Phase::shared) {
        if (options.relocatable) {
            const std::string linked = temporary.file("device-link.o");
            done = link_devices(objects, linked);
            objects.push_back(linked);
        }
        if (done)
            done = link(objects);
    } else if (options.phase == Phase::archive) {
        Command command = {"ar", "rcs", options.output.empty() ? "a.a" : options.output};
        append(command, objects);
        done = execute(command);
    }
    if (!done)
        return std::unexpected(done.error());
    return 0;
}

} // namespace anywarp::toolchain
