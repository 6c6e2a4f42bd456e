// How a program is started. LD_LIBRARY_PATH with our folder in front is enough for most: it is searched for the libraries that
// a program was linked with and for those that it opens itself (NVIDIA's static runtime opens libcuda.so.1). A program with
// DT_RPATH (not DT_RUNPATH) searches there first; where that would find another copy, ours is loaded ahead of everything by
// LD_PRELOAD, since the dynamic linker then takes it for every later request of the same soname. Only then: what is in LD_PRELOAD
// is loaded into every child process too. A few lines are always there, for programs that open a library by its full name
// (redirect_dlopen.c).
#include "cli/run.h"
#include "cli/elf_file.h"
#include "machine/properties.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace anywarp::cli {
namespace {

Error problem(std::string message) { return {ErrorKind::user, ErrorCode::file_not_found, std::move(message)}; }

Error unsuitable(std::string message) { return {ErrorKind::user, ErrorCode::invalid_image, std::move(message)}; }

/// As a shell finds it: a name with a slash is a path, any other is looked up in PATH.
Result<fs::path> find_program(const std::string& name) {
    std::error_code error;
    if (name.contains('/')) {
        if (fs::exists(name, error)) return fs::path(name);
        return std::unexpected(problem("no such program: " + name));
    }
    const char* path = std::getenv("PATH");
    std::string list = path ? path : "/usr/local/bin:/usr/bin:/bin";
    for (size_t at = 0; at <= list.size();) {
        size_t end = std::min(list.find(':', at), list.size());
        const fs::path file = fs::path(end > at ? list.substr(at, end - at) : ".") / name;
        if (fs::is_regular_file(file, error) && access(file.c_str(), X_OK) == 0) return file;
        at = end + 1;
    }
    if (!fs::exists(name, error))
        return std::unexpected(problem("no such program: " + name + " (neither a file here nor in PATH)"));
    // In the current folder: a source file may be named without ./, a program as the user most likely meant it.
    return fs::path(".") / name;
}

/// What the file is, if it isn't something that can be run.
Result<std::optional<ElfFile>> check_runnable(const fs::path& program) {
    const std::string name = program.string();
    std::error_code error;
    if (fs::is_directory(program, error)) return std::unexpected(unsuitable(name + " is a folder, not a program"));
    std::ifstream stream(program, std::ios::binary);
    if (!stream && access(program.c_str(), X_OK) != 0) return std::unexpected(unsuitable("can't read " + name));
    char start[2] = {};
    stream.read(start, 2);
    const bool script = start[0] == '#' && start[1] == '!';
    Result<std::optional<ElfFile>> elf = read_elf(program);
    if (!elf) return elf;
    if (!*elf && !script) {
        const std::string extension = program.extension().string();
        std::string advice = extension == ".ptx"                         ? ": use anywarp ptx check or anywarp ptx show"
                             : extension == ".cpp" || extension == ".cc" ? ": compile it with anywarp cc first"
                             : extension == ".py"                        ? ": run it as anywarp run python3 " + name
                                                                         : " (neither ELF nor a script with #!)";
        return std::unexpected(unsuitable(name + " is not a program" + advice));
    }
    if (*elf) {
        if ((*elf)->kind == ElfFile::Kind::object) return std::unexpected(unsuitable(name + " is an object file: link it first"));
        if ((*elf)->kind == ElfFile::Kind::library)
            return std::unexpected(unsuitable(name + " is a shared library, not a program"));
        if (!(*elf)->is_native)
            return std::unexpected(
                unsuitable(name + ((*elf)->is_64_bit ? " is a program for another processor" : " is a 32-bit program")));
    }
    if (access(program.c_str(), X_OK) != 0)
        return std::unexpected(unsuitable(name + " is not executable (chmod +x " + name + ")"));
    return elf;
}

/// The libraries that the program would find elsewhere before ours.
std::vector<fs::path> to_preload(const fs::path& program, const ElfFile& elf, const fs::path& lib) {
    const LibraryNeeds needs = library_needs(program, elf, lib);
    std::vector<fs::path> ours;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(lib, error)) {
        const std::string name = entry.path().filename().string();
        // Sonames only: libcuda.so.1, libcudart.so.13. Two are asked for by name at run time too.
        bool opened_late = name == "libcuda.so.1" || name == "libnvidia-ml.so.1";
        if (!name.contains(".so.") || !(needs.needed.contains(name) || opened_late)) continue;
        for (const fs::path& folder : needs.rpath_folders)
            if (fs::exists(folder / name, error) && !fs::equivalent(folder / name, entry.path(), error)) {
                ours.push_back(entry.path());
                break;
            }
    }
    for (const std::string& name : needs.needed)
        if (name.starts_with("libcudart.so.") && !fs::exists(lib / name, error))
            std::fprintf(stderr,
                         "anywarp: warning: %s needs %s, which anywarp doesn't replace (it has those of CUDA 12 and 13)\n",
                         program.c_str(), name.c_str());
    std::ranges::sort(ours);
    return ours;
}

} // namespace

Error run_program(const Installation& installation, const RunSettings& settings) {
    if (!settings.device.empty()) setenv("ANYWARP_DEVICE", settings.device.c_str(), 1);
    // A number left over from the environment would contradict a list given here.
    if (settings.devices)
        setenv("ANYWARP_DEVICES", std::to_string(*settings.devices).c_str(), 1);
    else if (!settings.device.empty())
        unsetenv("ANYWARP_DEVICES");
    if (const auto& devices = machine::installed_devices(); !devices) return devices.error();
    Result<fs::path> program = find_program(settings.program);
    if (!program) return program.error();
    if (program->extension() == ".cu") {
        program = compile_and_cache(installation, *program);
        if (!program) return program.error();
    }
    Result<std::optional<ElfFile>> elf = check_runnable(*program);
    if (!elf) return elf.error();

    if (*elf && !(*elf)->dynamic)
        std::fprintf(stderr, "anywarp: warning: %s is statically linked: no library of it can be replaced\n", program->c_str());
    std::string preload;
    std::error_code ignored;
    if (const fs::path redirect = installation.lib / "libanywarp-dlopen.so"; fs::exists(redirect, ignored)) preload = redirect.string();
    if (*elf)
        for (const fs::path& library : to_preload(*program, **elf, installation.lib))
            preload += (preload.empty() ? "" : ":") + library.string();
    if (!preload.empty()) {
        if (const char* before = std::getenv("LD_PRELOAD"); before && *before) preload += std::string(":") + before;
        setenv("LD_PRELOAD", preload.c_str(), 1);
    }
    setenv("LD_LIBRARY_PATH", in_front(installation.lib, "LD_LIBRARY_PATH").c_str(), 1);
    if (settings.statistics) setenv("ANYWARP_STATS", "1", 1);
    if (settings.trace) setenv("ANYWARP_TRACE", "1", 1);
    return execute(*program, settings.arguments);
}

} // namespace anywarp::cli
