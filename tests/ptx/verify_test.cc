// Runs tests/verify/*.ptx: files that must fail, with `// ERROR: text` at the end of each offending line. Every expected
// message must appear at its line, and no message may appear anywhere else.
#include "ptx/ast.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

using namespace anywarp::ptx;

TEST(Verify, MustFailFiles) {
    std::filesystem::path folder = std::filesystem::path(__FILE__).parent_path().parent_path() / "verify";
    unsigned files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".ptx") continue;
        files++;
        SCOPED_TRACE(entry.path().filename().string());
        std::ifstream file(entry.path());
        std::stringstream stream;
        stream << file.rdbuf();
        std::string text = stream.str(), line;
        std::multimap<uint32_t, std::string> expected;
        std::istringstream lines(text);
        for (uint32_t number = 1; std::getline(lines, line); number++)
            if (size_t at = line.find("// ERROR: "); at != line.npos) expected.emplace(number, line.substr(at + 10));

        std::vector<Diagnostic> found;
        if (auto module = parse_module(text, entry.path().string(), &found))
            for (uint32_t f = 0; f < (*module)->functions.size(); f++)
                if (!(*module)->functions[f].is_declaration)
                    if (auto body = (*module)->body(f, &found)) {
                        auto more = verify(**module, (*module)->functions[f], **body);
                        found.insert(found.end(), more.begin(), more.end());
                    }
        for (const Diagnostic& d : found) {
            auto [begin, end] = expected.equal_range(d.where.line);
            auto match = std::find_if(begin, end, [&](const auto& e) { return d.message.find(e.second) != d.message.npos; });
            if (match == end) ADD_FAILURE() << "unexpected: " << d.where.line << ":" << d.where.column << ": " << d.message;
            else expected.erase(match);
        }
        for (const auto& [number, message] : expected) ADD_FAILURE() << "missing at line " << number << ": " << message;
    }
    EXPECT_GE(files, 3u);
}
