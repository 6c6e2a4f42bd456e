// posix_spawn instead of fork: the driver may be called from a large build process, and nothing is shared with the child.
#include "toolchain/process.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>

extern char** environ;

namespace anywarp::toolchain {

Result<int> run_process(const Command& command) {
    std::vector<char*> words;
    for (const std::string& word : command)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_t child = 0;
    if (const int error = posix_spawnp(&child, words[0], nullptr, nullptr, words.data(), environ); error != 0)
        return user_error(ErrorCode::file_not_found, "cannot run '" + command[0] + "': " + std::strerror(error));
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return internal_error(std::string("waitpid: ") + std::strerror(errno));
    if (WIFSIGNALED(status))
        return internal_error("'" + command[0] + "' died with signal " + std::to_string(WTERMSIG(status)));
    return WEXITSTATUS(status);
}

std::string shell_line(const Command& command) {
    std::string line;
    for (const std::string& word : command) {
        if (!line.empty())
            line += ' ';
        if (!word.empty() && word.find_first_of(" \t\"'\\$`;&|<>()*?[]{}!#~") == std::string::npos) {
            line += word;
            continue;
        }
        line += '\'';
        for (const char c : word)
            line += c == '\'' ? std::string("'\\''") : std::string(1, c);
        line += '\'';
    }
    return line;
}

TemporaryFolder::TemporaryFolder() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base && *base ? base : "/tmp") + "/anywarp-cc-XXXXXX";
    if (char* made = mkdtemp(pattern.data()))
        path = made;
    else
        path = ".";
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    if (path != ".")
        std::filesystem::remove_all(path, ignored);
}

} // namespace anywarp::toolchain
