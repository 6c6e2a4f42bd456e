// libnvrtc: CUDA C++ compiled while a program runs. A program's source and headers go into a temporary folder, and anywarp-cc, found
// beside this library, makes PTX of them; its messages are the program's log.
//
// What nvrtcGetCUBIN hands out is that PTX as well: cuModuleLoadData and its like take it as they take a cubin, and nothing else
// here could run one. So is the intermediate code for link-time optimisation, which our libnvJitLink takes. Lowered names are read off variables that are appended to the source, one per name expression, whose
// initialisers the compiler has to spell out. NVRTC User Guide, "User Interface".

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <spawn.h>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace fs = std::filesystem;
using namespace std::string_literals;

extern "C" {
// Values and signatures as nvrtc.h documents them.
typedef enum {
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_OUT_OF_MEMORY = 1,
    NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2,
    NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_PROGRAM = 4,
    NVRTC_ERROR_INVALID_OPTION = 5,
    NVRTC_ERROR_COMPILATION = 6,
    NVRTC_ERROR_BUILTIN_OPERATION_FAILURE = 7,
    NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION = 8,
    NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION = 9,
    NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID = 10,
    NVRTC_ERROR_INTERNAL_ERROR = 11,
    NVRTC_ERROR_NO_PCH_CREATE_ATTEMPTED = 13
} nvrtcResult;
typedef struct _nvrtcProgram* nvrtcProgram;
}

struct _nvrtcProgram {
    std::string source, name;
    std::vector<std::pair<std::string, std::string>> headers; // include name, text
    std::vector<std::string> expressions;
    std::map<std::string, std::string> lowered;
    std::string ptx, log;
    bool compiled = false, for_lto = false;
};

namespace {

constexpr const char* name_prefix = "anywarp_lowered_name_";
constexpr int architectures[] = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90};

/// The folder above the one this library lies in: bin/anywarp-cc and include/ are there.
fs::path home() {
    if (const char* given = std::getenv("ANYWARP_HOME"); given && *given) return given;
    Dl_info info{};
    dladdr(reinterpret_cast<void*>(&home), &info);
    std::error_code error;
    return fs::canonical(info.dli_fname ? info.dli_fname : "", error).parent_path().parent_path();
}

struct Folder {
    std::string path;
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "anywarp-nvrtc-XXXXXX").string();
        if (const char* made = mkdtemp(pattern.data())) path = made;
    }
    ~Folder() {
        std::error_code ignored;
        if (!path.empty()) fs::remove_all(path, ignored);
    }
};

bool write(const fs::path& path, const std::string& text) {
    std::error_code ignored;
    fs::create_directories(path.parent_path(), ignored);
    std::ofstream file(path, std::ios::binary);
    file << text;
    return file.good();
}

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A toolkit's headers stand for ours, which anywarp-cc finds by itself. A program may also have copied some of them.
enum class Headers { own, toolkit, copied };
Headers headers_in(const fs::path& folder) {
    std::error_code ignored;
    if (fs::exists(folder / "cuda_runtime.h", ignored) && fs::exists(folder / "crt", ignored)) return Headers::toolkit;
    for (const char* name : {"cooperative_groups.h", "cuda_fp16.h", "cuda_bf16.h", "cuda_runtime.h", "vector_types.h"})
        if (fs::exists(folder / name, ignored)) return Headers::copied;
    return Headers::own;
}

/// Ours win over copies. A folder can't be searched earlier than its first mention among the system's folders.
void add_include(const std::string& folder, std::vector<std::string>& to) {
    switch (headers_in(folder)) {
    case Headers::own:
        to.push_back("-I" + folder);
        break;
    case Headers::copied:
        to.insert(to.end(), {"-isystem", (home() / "include").string(), "-isystem", folder});
        break;
    case Headers::toolkit:
        break;
    }
}

/// NVRTC's options as anywarp-cc's. Options take their value after '=' or as the next one.
nvrtcResult translate(const std::vector<std::string>& given, std::vector<std::string>& to, std::string& log) {
    for (size_t i = 0; i < given.size(); i++) {
        const std::string& option = given[i];
        auto value = [&](std::initializer_list<const char*> names, std::string& out) {
            for (std::string name : names) {
                if (option == name && i + 1 < given.size()) return out = given[++i], true;
                if (option.starts_with(name + "=")) return out = option.substr(name.size() + 1), true;
                // -Ifolder, -Dname
                if (name.size() == 2 && option.size() > 2 && option.starts_with(name)) return out = option.substr(2), true;
            }
            return false;
        };
        auto one_of = [&](std::initializer_list<const char*> names) {
            return std::ranges::any_of(names, [&](const char* name) { return option == name || option.starts_with(std::string(name) + "="); });
        };
        std::string text;
        if (value({"--gpu-architecture", "-arch"}, text)) {
            size_t digit = text.find_first_of("0123456789");
            if (digit == std::string::npos) return log = "no architecture: " + option + "\n", NVRTC_ERROR_INVALID_OPTION;
            to.push_back("-arch=compute_" + text.substr(digit));
        } else if (value({"--include-path", "-I"}, text)) {
            add_include(text, to);
        } else if (value({"--define-macro", "-D"}, text)) {
            to.push_back("-D" + text);
        } else if (value({"--undefine-macro", "-U"}, text)) {
            to.push_back("-U" + text);
        } else if (value({"--pre-include", "-include"}, text)) {
            to.insert(to.end(), {"-include", text});
        } else if (value({"--std", "-std"}, text)) {
            to.push_back("-std=" + text);
        } else if (one_of({"--use_fast_math", "-use_fast_math", "--fmad", "-fmad", "--ftz", "-ftz", "--prec-div", "-prec-div",
                           "--prec-sqrt", "-prec-sqrt", "--maxrregcount", "-maxrregcount", "--device-debug", "-G",
                           "--generate-line-info", "-lineinfo"})) {
            to.push_back(option == "--device-debug"                                                  ? "-G"
                         : option == "--generate-line-info"                                          ? "-lineinfo"
                         : option.starts_with("--") && option.find('=') == std::string::npos         ? option.substr(1)
                                                                                                     : option);
        } else if (!option.starts_with("-")) {
            return log = "unrecognized option " + option + " found\n", NVRTC_ERROR_INVALID_OPTION;
        }
        // Others choose among things that make no difference to PTX: -rdc, -w, -dopt, -default-device, --split-compile ...
        else if (!one_of({"--relocatable-device-code", "-rdc", "--device-c", "-dc", "--device-w", "-dw", "--disable-warnings", "-w",
                          "--dopt", "-dopt", "--device-as-default-execution-space", "-default-device", "--restrict", "-restrict",
                          "--extra-device-vectorization", "-extra-device-vectorization", "--builtin-move-forward",
                          "--builtin-initializer-list", "--display-error-number", "-err-no", "--no-display-error-number",
                          "-no-err-no", "--diag-error", "--diag-suppress", "--diag-warn", "-diag-suppress", "--brief-diagnostics",
                          "--split-compile", "-split-compile", "--minimal", "-minimal", "--no-source-include",
                          "-no-source-include", "--dlink-time-opt", "-dlto", "--gen-opt-lto", "--ptxas-options", "-Xptxas", "--time", "--version-ident", "--no-cache",
                          "-no-cache", "--fdevice-syntax-only", "--modify-stack-limit", "-modify-stack-limit",
                          "--device-int128", "-device-int128", "--optimization-info", "-opt-info", "--pch", "-pch",
                          "--std-not-set", "--fdevice-time-trace", "--verbose"})) {
            return log = "unrecognized option " + option + " found\n", NVRTC_ERROR_INVALID_OPTION;
        } else if (option == "-Xptxas" || option == "--ptxas-options") {
            ++i;
        }
    }
    return NVRTC_SUCCESS;
}

/// Runs a command with both outputs in a file; its exit status, -1 where it couldn't be started.
int run(const std::vector<std::string>& command, const std::string& output) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    std::vector<char*> environment; // the compiler is no CUDA program: nothing is to be preloaded into it
    for (char** at = environ; *at; ++at)
        if (std::strncmp(*at, "LD_PRELOAD=", 11) != 0) environment.push_back(*at);
    environment.push_back(nullptr);
    pid_t child = 0;
    int error = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    if (error || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Static variables of the global namespace keep their names in NVRTC's PTX; Clang's have `_ZL` and the length in front.
std::string with_plain_names(const std::string& ptx) {
    auto part_of_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; };
    std::string result;
    for (size_t at = 0; at < ptx.size();) {
        size_t end = at;
        while (end < ptx.size() && part_of_name(ptx[end])) ++end;
        if (end == at) {
            result += ptx[at++];
            continue;
        }
        std::string name = ptx.substr(at, end - at);
        if (name.starts_with("_ZL") && name.size() > 4 && std::isdigit(static_cast<unsigned char>(name[3]))) {
            size_t digits = name.find_first_not_of("0123456789", 3);
            if (digits != std::string::npos && name.size() - digits == std::strtoul(&name[3], nullptr, 10)) name.erase(0, digits);
        }
        result += name;
        at = end;
    }
    return result;
}

/// Takes the variables of the name expressions out of the PTX, and what they were initialised with.
void take_names(_nvrtcProgram& program) {
    std::string kept;
    std::stringstream lines(program.ptx);
    for (std::string line; std::getline(lines, line);) {
        size_t at = line.find(name_prefix);
        if (at == std::string::npos) {
            kept += line + "\n"; // comments about them go, too
            continue;
        }
        size_t number = std::strtoul(line.c_str() + at + std::strlen(name_prefix), nullptr, 10);
        size_t value = line.find('=', at);
        if (value == std::string::npos || number >= program.expressions.size()) continue;
        std::string name = line.substr(value + 1);
        if (size_t open = name.find("generic("); open != std::string::npos) name = name.substr(open + 8);
        name.erase(0, name.find_first_not_of(" {"));
        name = name.substr(0, name.find_first_of(" );}+"));
        program.lowered[program.expressions[number]] = name;
    }
    program.ptx = std::move(kept);
}

nvrtcResult give(const std::string& text, size_t* size) {
    if (!size) return NVRTC_ERROR_INVALID_INPUT;
    *size = text.size() + 1;
    return NVRTC_SUCCESS;
}
nvrtcResult give(const std::string& text, char* to) {
    if (!to) return NVRTC_ERROR_INVALID_INPUT;
    std::memcpy(to, text.c_str(), text.size() + 1);
    return NVRTC_SUCCESS;
}

} // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT const char* nvrtcGetErrorString(nvrtcResult result) {
    static const char* const names[] = {"NVRTC_SUCCESS",
                                        "NVRTC_ERROR_OUT_OF_MEMORY",
                                        "NVRTC_ERROR_PROGRAM_CREATION_FAILURE",
                                        "NVRTC_ERROR_INVALID_INPUT",
                                        "NVRTC_ERROR_INVALID_PROGRAM",
                                        "NVRTC_ERROR_INVALID_OPTION",
                                        "NVRTC_ERROR_COMPILATION",
                                        "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE",
                                        "NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION",
                                        "NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION",
                                        "NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID",
                                        "NVRTC_ERROR_INTERNAL_ERROR",
                                        "NVRTC_ERROR_TIME_FILE_WRITE_FAILED",
                                        "NVRTC_ERROR_NO_PCH_CREATE_ATTEMPTED",
                                        "NVRTC_ERROR_PCH_CREATE_HEAP_EXHAUSTED",
                                        "NVRTC_ERROR_PCH_CREATE",
                                        "NVRTC_ERROR_CANCELLED",
                                        "NVRTC_ERROR_TIME_TRACE_FILE_WRITE_FAILED"};
    return result >= 0 && result < std::ssize(names) ? names[result] : "NVRTC_ERROR unknown";
}

EXPORT nvrtcResult nvrtcVersion(int* major, int* minor) {
    if (!major || !minor) return NVRTC_ERROR_INVALID_INPUT;
    *major = ANYWARP_NVRTC_MAJOR;
    *minor = ANYWARP_NVRTC_MAJOR == 12 ? 9 : 0;
    return NVRTC_SUCCESS;
}
EXPORT nvrtcResult nvrtcGetNumSupportedArchs(int* count) {
    if (!count) return NVRTC_ERROR_INVALID_INPUT;
    *count = static_cast<int>(std::size(architectures));
    return NVRTC_SUCCESS;
}
EXPORT nvrtcResult nvrtcGetSupportedArchs(int* list) {
    if (!list) return NVRTC_ERROR_INVALID_INPUT;
    std::ranges::copy(architectures, list);
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char* source, const char* name, int count,
                                      const char* const* headers, const char* const* include_names) {
    if (!program || !source || count < 0 || (count && (!headers || !include_names))) return NVRTC_ERROR_INVALID_INPUT;
    auto made = new (std::nothrow) _nvrtcProgram;
    if (!made) return NVRTC_ERROR_OUT_OF_MEMORY;
    made->source = source;
    made->name = name && *name ? name : "default_program";
    for (int i = 0; i < count; i++) made->headers.emplace_back(include_names[i], headers[i]);
    *program = made;
    return NVRTC_SUCCESS;
}
EXPORT nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
    if (!program || !*program) return NVRTC_ERROR_INVALID_PROGRAM;
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcAddNameExpression(nvrtcProgram program, const char* expression) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!expression) return NVRTC_ERROR_INVALID_INPUT;
    if (program->compiled) return NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION;
    program->expressions.push_back(expression);
    return NVRTC_SUCCESS;
}
EXPORT nvrtcResult nvrtcGetLoweredName(nvrtcProgram program, const char* expression, const char** lowered) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!expression || !lowered) return NVRTC_ERROR_INVALID_INPUT;
    if (!program->compiled) return NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION;
    auto found = program->lowered.find(expression);
    if (found == program->lowered.end()) return NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID;
    *lowered = found->second.c_str();
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int count, const char* const* options) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (count < 0 || (count && !options)) return NVRTC_ERROR_INVALID_INPUT;
    try {
        Folder folder;
        if (folder.path.empty()) return NVRTC_ERROR_INTERNAL_ERROR;
        const fs::path root = folder.path;
        const std::string compiler = (home() / "bin" / "anywarp-cc").string();
        std::vector<std::string> command{compiler, "-ptx", "-I" + root.string()};
        program->log.clear();
        std::vector<std::string> given(options, options + count);
        if (nvrtcResult result = translate(given, command, program->log); result != NVRTC_SUCCESS) return result;
        program->for_lto = std::ranges::any_of(given, [](auto& option) { return option == "-dlto" || option == "--dlink-time-opt"; });
        // The folder of the source is searched last.
        if (std::ranges::none_of(given, [](const std::string& option) { return option.ends_with("-no-source-include"); })) {
            const fs::path beside = fs::path(program->name).parent_path();
            add_include(beside.empty() ? "." : beside.string(), command);
        }
        for (const auto& [name, text] : program->headers)
            if (!write(root / fs::path(name).relative_path(), text)) return NVRTC_ERROR_PROGRAM_CREATION_FAILURE;
        // A libcu++ that the program brings asks whether these headers are there, and might find a toolkit's in the system.
        for (const char* type : {"fp8", "fp6", "fp4"})
            if (!fs::exists(home() / "include" / ("cuda_"s + type + ".h"))) {
                std::string macro = "-DCCCL_DISABLE_NV"s + type + "_SUPPORT";
                std::ranges::transform(macro, macro.begin(), [](unsigned char c) { return std::toupper(c); });
                command.push_back(macro);
            }
        // assert and tuples are there without a header. The line directive makes messages say the program's own name.
        std::string source = "#include <cassert>\n#include <tuple>\n#line 1 \"" + program->name + "\"\n" + program->source + "\n";
        for (size_t i = 0; i < program->expressions.size(); i++)
            source += "extern \"C\" { extern __device__ const void* const " + (name_prefix + std::to_string(i)) +
                      "; __device__ __attribute__((used)) const void* const " + (name_prefix + std::to_string(i)) + " = (const void*)(" +
                      program->expressions[i] + "); }\n";
        fs::path file = root / "source" / "program.cu", ptx = root / "program.ptx", log = root / "log";
        if (!write(file, source)) return NVRTC_ERROR_PROGRAM_CREATION_FAILURE;
        command.insert(command.end(), {file.string(), "-o", ptx.string()});
        int status = run(command, log.string());
        program->log = read(log);
        if (status < 0) {
            program->log = compiler + " can't be started\n";
            return NVRTC_ERROR_INTERNAL_ERROR;
        }
        if (status != 0) return NVRTC_ERROR_COMPILATION;
        program->ptx = with_plain_names(read(ptx));
        take_names(*program);
        program->compiled = true;
        return NVRTC_SUCCESS;
    } catch (const std::bad_alloc&) {
        return NVRTC_ERROR_OUT_OF_MEMORY;
    } catch (...) {
        return NVRTC_ERROR_INTERNAL_ERROR;
    }
}

#define RESULT(Name, member, there)                                                                                              \
    EXPORT nvrtcResult nvrtcGet##Name##Size(nvrtcProgram program, size_t* size) {                                                \
        return program && (there) ? give(program->member, size) : NVRTC_ERROR_INVALID_PROGRAM;                                   \
    }                                                                                                                            \
    EXPORT nvrtcResult nvrtcGet##Name(nvrtcProgram program, char* to) {                                                          \
        return program && (there) ? give(program->member, to) : NVRTC_ERROR_INVALID_PROGRAM;                                     \
    }
RESULT(PTX, ptx, true)
RESULT(CUBIN, ptx, true)
RESULT(LTOIR, ptx, program->for_lto)
RESULT(ProgramLog, log, true)

// Intermediate code for OptiX, and the older kind for linking: nothing here makes or takes it.
#define NO_RESULT(Name)                                                                                                          \
    EXPORT nvrtcResult nvrtcGet##Name##Size(nvrtcProgram, size_t*) { return NVRTC_ERROR_INVALID_PROGRAM; }                       \
    EXPORT nvrtcResult nvrtcGet##Name(nvrtcProgram, char*) { return NVRTC_ERROR_INVALID_PROGRAM; }
NO_RESULT(OptiXIR)
NO_RESULT(NVVM)

// Precompiled headers aren't made; a program works without.
EXPORT nvrtcResult nvrtcGetPCHHeapSize(size_t* size) {
    if (!size) return NVRTC_ERROR_INVALID_INPUT;
    *size = 0;
    return NVRTC_SUCCESS;
}
EXPORT nvrtcResult nvrtcSetPCHHeapSize(size_t) { return NVRTC_SUCCESS; }
EXPORT nvrtcResult nvrtcGetPCHCreateStatus(nvrtcProgram program) {
    return program ? NVRTC_ERROR_NO_PCH_CREATE_ATTEMPTED : NVRTC_ERROR_INVALID_PROGRAM;
}
EXPORT nvrtcResult nvrtcGetPCHHeapSizeRequired(nvrtcProgram, size_t*) { return NVRTC_ERROR_INVALID_INPUT; }
EXPORT nvrtcResult nvrtcSetFlowCallback(nvrtcProgram program, int (*)(void*, void*), void*) {
    return program ? NVRTC_SUCCESS : NVRTC_ERROR_INVALID_PROGRAM;
}
