// `anywarp run FILE.cu`: the executable is kept in the cache folder under run/, one folder per source file, and made anew when
// the source, a header that it includes or the compiler has changed. The compiler lists the headers itself (-MD); beside the
// executable lies the list of these files with size and time as they were when it was made.
#include "cli/run.h"
#include "cli/text.h"

#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace anywarp::cli {
namespace {

/// Size and time of a file in one line; empty when it isn't there.
std::string state_of(const fs::path& file) {
    struct stat s;
    if (stat(file.c_str(), &s) != 0) return {};
    return text("%jd %jd.%09ld %s", static_cast<intmax_t>(s.st_size), static_cast<intmax_t>(s.st_mtim.tv_sec), s.st_mtim.tv_nsec,
                file.c_str());
}

std::string read_text(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream all;
    all << stream.rdbuf();
    return std::move(all).str();
}

/// What stands in the list still holds.
bool up_to_date(const fs::path& list) {
    std::ifstream stream(list);
    std::string line;
    bool any = false;
    while (std::getline(stream, line)) {
        const size_t first = line.find(' '), second = first == std::string::npos ? first : line.find(' ', first + 1);
        if (second == std::string::npos || state_of(line.substr(second + 1)) != line) return false;
        any = true;
    }
    return any;
}

/// The files of a make rule: "target: file file \<newline> file", spaces in names escaped by a backslash.
std::set<std::string> files_of_rule(const std::string& rule) {
    std::set<std::string> files;
    std::string word;
    const auto done = [&] {
        if (!word.empty() && !word.ends_with(':')) files.insert(fs::absolute(word).lexically_normal().string());
        word.clear();
    };
    for (size_t i = 0; i < rule.size(); ++i) {
        const char c = rule[i], next = i + 1 < rule.size() ? rule[i + 1] : '\0';
        if (c == '\\' && next == '\n')
            done(), ++i;
        else if (c == '\\' && (next == ' ' || next == '#'))
            word += next, ++i;
        else if (c == '$' && next == '$')
            word += '$', ++i;
        else if (c == ' ' || c == '\n' || c == '\t')
            done();
        else
            word += c;
    }
    done();
    return files;
}

/// A name for a source file's folder: FNV-1a over its path (a name, not a proof: the path is in the list too).
std::string folder_name(const fs::path& source) {
    uint64_t hash = 14695981039346656037u;
    for (const char c : source.string()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return text("%s-%016jx", source.stem().c_str(), static_cast<uintmax_t>(hash));
}

} // namespace

Result<fs::path> compile_and_cache(const Installation& installation, const fs::path& given) {
    std::error_code error;
    const fs::path source = fs::canonical(given, error);
    if (error) return user_error(ErrorCode::file_not_found, "can't read " + given.string());
    const fs::path cache = cache_folder();
    if (cache.empty()) return user_error(ErrorCode::file_not_found, "no folder to keep programs in: set ANYWARP_CACHE_DIR");
    const fs::path folder = cache / "run" / folder_name(source);
    const fs::path program = folder / source.stem(), list = folder / "inputs";
    if (fs::exists(program, error) && up_to_date(list)) return program;

    fs::create_directories(folder, error);
    if (error) return user_error(ErrorCode::file_not_found, "can't make " + folder.string() + ": " + error.message());
    // Two runs at once may compile at once: each into names of its own, the last one to finish stays.
    const std::string own = text(".%d", getpid());
    const fs::path fresh = program.string() + own, rule = list.string() + own + ".d", fresh_list = list.string() + own;
    const std::vector<std::string> words = {source.string(), "-o", fresh.string(), "-MD", "-MF", rule.string(), "-MT", "program"};
    Result<int> status = run_and_wait(installation.tool("anywarp-cc"), words);
    if (!status) return std::unexpected(status.error());
    if (*status != 0) {
        fs::remove(fresh, error), fs::remove(rule, error);
        return user_error(ErrorCode::invalid_source, given.string() + " doesn't compile");
    }
    std::set<std::string> inputs = files_of_rule(read_text(rule));
    inputs.insert(source.string());
    for (const fs::path& part : {installation.tool("anywarp-cc"), installation.home / "share/anywarp/libanywarp-device.bc"})
        inputs.insert(part.string());
    {
        std::ofstream stream(fresh_list);
        for (const std::string& file : inputs)
            if (std::string state = state_of(file); !state.empty()) stream << state << '\n';
    }
    fs::remove(rule, error);
    fs::remove(list, error); // never an old list beside a new program or the other way round
    fs::rename(fresh, program, error);
    if (!error) fs::rename(fresh_list, list, error);
    if (error) return user_error(ErrorCode::file_not_found, "can't write " + program.string() + ": " + error.message());
    return program;
}

} // namespace anywarp::cli
