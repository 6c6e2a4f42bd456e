// Finding the installation, and starting programs: posix_spawn where the command has to wait, exec where it doesn't.
#include "cli/installation.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace anywarp::cli {
namespace {

const char* variable(const char* name) {
    const char* value = std::getenv(name);
    return value && *value ? value : nullptr;
}

std::vector<char*> word_list(const std::string& program, const std::vector<std::string>& arguments) {
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    return words;
}

} // namespace

Result<Installation> find_installation() {
    std::error_code error;
    std::vector<fs::path> homes;
    if (const char* given = variable("ANYWARP_HOME"))
        homes = {given};
    else {
        const fs::path own = fs::canonical("/proc/self/exe", error).parent_path().parent_path();
        homes = {own, own / "lib" / "anywarp"}; // the second: the program was copied to <prefix>/bin, not linked
    }
    for (const fs::path& home : homes)
        if (fs::exists(home / "lib" / "libcuda.so.1", error)) return Installation{home, home / "bin", home / "lib"};
    return user_error(ErrorCode::file_not_found, "libcuda.so.1 isn't in " + (homes.front() / "lib").string() +
                                                     ": the installation is incomplete (ANYWARP_HOME names another one)");
}

fs::path cache_folder() {
    if (const char* own = variable("ANYWARP_CACHE_DIR")) return own;
    if (const char* xdg = variable("XDG_CACHE_HOME"); xdg && *xdg == '/') return fs::path(xdg) / "anywarp";
    if (const char* home = variable("HOME")) return fs::path(home) / ".cache" / "anywarp";
    if (const passwd* user = getpwuid(geteuid()); user && user->pw_dir) return fs::path(user->pw_dir) / ".cache" / "anywarp";
    return {};
}

Error execute(const fs::path& program, const std::vector<std::string>& arguments) {
    const std::string path = program.string();
    execv(path.c_str(), word_list(path, arguments).data());
    return {ErrorKind::user, ErrorCode::file_not_found, "can't run " + path + ": " + std::strerror(errno)};
}

Result<int> run_and_wait(const fs::path& program, const std::vector<std::string>& arguments) {
    const std::string path = program.string();
    pid_t child = 0;
    if (int error = posix_spawn(&child, path.c_str(), nullptr, nullptr, word_list(path, arguments).data(), environ))
        return user_error(ErrorCode::file_not_found, "can't run " + path + ": " + std::strerror(error));
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return internal_error(std::string("waitpid: ") + std::strerror(errno));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string in_front(const fs::path& folder, const char* name) {
    const char* value = variable(name);
    return value ? folder.string() + ":" + value : folder.string();
}

} // namespace anywarp::cli
