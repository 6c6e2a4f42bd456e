// Our verifier beside ptxas, where a toolkit is installed: the statements of tests/verify/statements.txt, valid and broken, get
// the same verdict at the same line. Where we accept what ptxas refuses, the list says so, with the reason; the other way round
// doesn't happen. The same for whole modules, those of tests/verify/modules.txt. One difference is of a general kind and isn't in the list: an instruction that is newer than the module's
// .version or .target is a warning here, because a kernel that works isn't refused for its label.
#include "ptx/ast.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <unistd.h>

using namespace anywarp::ptx;

namespace {

struct Statement {
    std::string text, reason; // reason: accepted on purpose
    bool alone = false;       // ptxas stops at it
};

std::vector<Statement> read_statements() {
    std::ifstream file(std::filesystem::path(__FILE__).parent_path().parent_path() / "verify" / "statements.txt");
    std::vector<Statement> result;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line[0] == '#') continue;
        Statement s{line, "", false};
        if (line.starts_with("! ")) s.alone = true, s.text = line.substr(2);
        if (s.text.starts_with("~ ")) {
            size_t end = s.text.find(" ~ ", 2);
            s.reason = s.text.substr(2, end - 2);
            s.text = s.text.substr(end + 3);
        }
        result.push_back(s);
    }
    return result;
}

/// A module with each statement in a kernel of its own; `lines` tells which statement stands at which line.
std::string module_of(const std::vector<const Statement*>& statements, std::map<unsigned, const Statement*>& lines) {
    std::string text = ".version 8.3\n.target sm_80\n.address_size 64\n.global .align 16 .b8 gm[256];\n.const .align 16 .b8 cm[256];\n"
                       ".shared .align 16 .b8 sm[256];\n.func (.param .b32 r) fn(.param .b32 a) { ret; }\n";
    unsigned line = 8;
    for (size_t i = 0; i < statements.size(); i++) {
        text += ".entry k" + std::to_string(i) +
                "(.param .u64 pa, .param .u32 pb) { .reg .pred %p<9>; .reg .b16 %h<9>; .reg .u16 %uh<9>; .reg .f16 %fh<9>; "
                ".reg .b32 %r<19>; .reg .u32 %u<9>; .reg .s32 %s<9>; .reg .b64 %d<19>; .reg .f32 %f<19>; .reg .f64 %g<9>; "
                ".reg .b128 %x<5>; .reg .v2 .f32 %vf; .reg .v4 .u32 %vu; .local .align 16 .b8 lm[64];\n";
        text += statements[i]->text + "\nL: ret; }\n";
        lines[line + 1] = statements[i];
        line += 3;
    }
    return text;
}

std::set<unsigned> our_errors(const std::string& text) {
    std::vector<Diagnostic> found;
    if (auto module = parse_module(text, "statements", &found))
        for (uint32_t f = 0; f < (*module)->functions.size(); f++) {
            if ((*module)->functions[f].is_declaration) continue;
            if (auto body = (*module)->body(f, &found)) {
                auto more = verify(**module, (*module)->functions[f], **body);
                found.insert(found.end(), more.begin(), more.end());
            }
        }
    std::set<unsigned> lines;
    for (const Diagnostic& d : found)
        if (d.severity == Diagnostic::Severity::error) lines.insert(d.where.line);
    return lines;
}

std::string find_ptxas() {
    for (const char* command : {"command -v ptxas 2>/dev/null", "ls /usr/local/cuda/bin/ptxas 2>/dev/null"}) {
        char path[1024] = {};
        FILE* pipe = popen(command, "r");
        if (!pipe) continue;
        bool found = std::fgets(path, sizeof path, pipe) != nullptr;
        pclose(pipe);
        if (found) return std::string(path).substr(0, std::string(path).find('\n'));
    }
    return {};
}

/// Lines with errors; 0 for one that names no line.
std::set<unsigned> their_errors(const std::string& ptxas, const std::string& text) {
    auto path = std::filesystem::temp_directory_path() / ("anywarp_leniency_" + std::to_string(getpid()) + ".ptx");
    std::ofstream(path) << text;
    FILE* pipe = popen((ptxas + " -arch sm_80 -O0 -o /dev/null " + path.string() + " 2>&1").c_str(), "r");
    std::set<unsigned> lines;
    if (pipe) {
        char line[4096];
        while (std::fgets(line, sizeof line, pipe)) { // ptxas FILE, line N; error   : ...
            std::string message = line;
            size_t at = message.find(", line ");
            if (at != message.npos && (message.find("; error") != message.npos || message.find("; fatal") != message.npos))
                lines.insert(unsigned(std::atoi(message.c_str() + at + 7)));
            else if (at = message.find(" on line "); at != message.npos && message.starts_with("ptxas fatal"))
                lines.insert(unsigned(std::atoi(message.c_str() + at + 9)));
        }
        if (pclose(pipe) != 0 && lines.empty()) lines.insert(0);
    }
    std::filesystem::remove(path);
    return lines;
}

} // namespace

TEST(Leniency, SameVerdictsAsPtxas) {
    std::string ptxas = find_ptxas();
    if (ptxas.empty()) GTEST_SKIP() << "no ptxas on this machine";
    std::vector<Statement> statements = read_statements();
    ASSERT_GE(statements.size(), 150u);
    std::vector<std::vector<const Statement*>> files(1), single;
    for (const Statement& s : statements) {
        if (s.alone) single.push_back({&s});
        else files.back().push_back(&s);
        if (files.back().size() == 50) files.emplace_back(); // ptxas gives up after some hundred errors
    }
    files.insert(files.end(), single.begin(), single.end());
    unsigned refused = 0;
    for (const auto& file : files) {
        std::map<unsigned, const Statement*> lines;
        std::string text = module_of(file, lines);
        std::set<unsigned> ours = our_errors(text), theirs = their_errors(ptxas, text);
        for (const auto& [line, statement] : lines) {
            bool we = ours.contains(line), they = theirs.contains(line);
            refused += they;
            if (!statement->reason.empty()) EXPECT_TRUE(they && !we) << "no longer a difference: " << statement->text;
            else EXPECT_EQ(we, they) << statement->text << (they ? ": ptxas refuses it" : ": ptxas accepts it");
        }
    }
    EXPECT_GE(refused, 80u);
}

TEST(Leniency, SameVerdictsAsPtxasOnModules) {
    std::ifstream file(std::filesystem::path(__FILE__).parent_path().parent_path() / "verify" / "modules.txt");
    struct Case {
        std::string name, text;
    };
    std::vector<Case> cases;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("---")) cases.push_back({line.substr(3), ""});
        else if (!cases.empty()) cases.back().text += (line == "H" ? ".version 8.3 .target sm_80 .address_size 64" : line) + "\n";
    }
    ASSERT_GE(cases.size(), 100u);
    std::string ptxas = find_ptxas();
    unsigned refused = 0;
    for (const Case& c : cases) { // without ptxas: nothing here ends the process, and what the file calls accepted is
        std::set<unsigned> ours = our_errors(c.text);
        bool on_purpose = c.name.starts_with(" ~ ");
        if (on_purpose) EXPECT_TRUE(ours.empty()) << c.name;
        if (ptxas.empty()) continue;
        std::set<unsigned> theirs = their_errors(ptxas, c.text);
        refused += !theirs.empty();
        if (on_purpose) EXPECT_FALSE(theirs.empty()) << "no longer a difference:" << c.name;
        else if (theirs.contains(0)) EXPECT_FALSE(ours.empty()) << c.name;
        else EXPECT_EQ(ours, theirs) << c.name;
    }
    if (ptxas.empty()) GTEST_SKIP() << "no ptxas on this machine";
    EXPECT_GE(refused, 50u);
}
