// One test per .ptx file: "Oracle/<family>/<file>" checks the EXPECT lines, "Compiled/<family>/<file>" compares compiled code
// with the oracle at every width, with and without optimisation. ANYWARP_PTX_RUN_FOLDER may be replaced by the environment
// variable of the same name.
#include "run_case.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

namespace anywarp::ptx_run {
namespace {

struct Loaded {
    Case test;
    std::unique_ptr<ptx::Module> module;
    uint32_t function = 0;
    std::string problem;
};

Loaded load(const std::string& path) {
    Loaded l;
    l.test = read_case(path);
    for (const std::string& p : l.test.problems) l.problem += "header: " + p + "\n";
    auto module = ptx::parse_module(l.test.text, path);
    if (!module) {
        l.problem += module.error().message;
        return l;
    }
    l.module = std::move(*module);
    bool found = false;
    for (uint32_t i = 0; i < l.module->functions.size(); ++i) {
        const ptx::Function& f = l.module->functions[i];
        if (!f.is_entry || (!l.test.entry.empty() && f.name != l.test.entry)) continue;
        l.function = i;
        found = true;
        break;
    }
    if (!found) l.problem += "no kernel";
    return l;
}

ErrorCode fault_code(const std::string& name) {
    if (name == "trap") return ErrorCode::launch_failed;
    if (name == "assert") return ErrorCode::assert_failed;
    if (name == "illegal_address") return ErrorCode::illegal_address;
    if (name == "misaligned_address") return ErrorCode::misaligned_address;
    return ErrorCode::unknown;
}

/// Result and fault as the header wants them?
void check_result(const Case& test, const RunResult& run) {
    if (test.fault.empty()) {
        ASSERT_TRUE(run.result) << run.result.error().message;
        return;
    }
    ASSERT_FALSE(run.result) << "expected fault " << test.fault;
    EXPECT_EQ(int(run.result.error().code), int(fault_code(test.fault))) << run.result.error().message;
}

class OracleTest : public testing::Test {
public:
    explicit OracleTest(std::string path) : path_(std::move(path)) {}
    void TestBody() override {
        Loaded l = load(path_);
        ASSERT_EQ(l.problem, "");
        for (const auto& d : ptx::verify(*l.module, l.module->functions[l.function], **l.module->body(l.function)))
            if (d.severity == ptx::Diagnostic::Severity::error) ADD_FAILURE() << "verifier: line " << d.where.line << ": " << d.message;
        RunResult run = run_on_oracle(l.test, *l.module, l.function);
        check_result(l.test, run);
        if (HasFatalFailure()) return;
        if (std::string wrong = check_expectations(l.test, run); !wrong.empty()) ADD_FAILURE() << "\n" << wrong;
        for (const std::string& line : l.test.output) EXPECT_NE(run.output.find(line), std::string::npos) << run.output;
    }

private:
    std::string path_;
};

class CompiledTest : public testing::Test {
public:
    explicit CompiledTest(std::string path) : path_(std::move(path)) {}
    void TestBody() override {
        Loaded l = load(path_);
        ASSERT_EQ(l.problem, "");
        if (!l.test.oracle_only.empty()) GTEST_SKIP() << "oracle only: " << l.test.oracle_only;
        RunResult oracle = run_on_oracle(l.test, *l.module, l.function);
        check_result(l.test, oracle);
        if (HasFatalFailure()) return;
        int different = 0;
        for (unsigned width : l.test.widths)
            for (bool optimize : {true, false}) {
                if (width == 0 && !optimize) continue;
                SCOPED_TRACE("width " + std::to_string(width) + (optimize ? ", optimised" : ", not optimised"));
                RunResult compiled = run_compiled(l.test, *l.module, l.function, width, optimize);
                if (!compiled.result && compiled.result.error().kind == ErrorKind::unsupported && l.test.fault.empty()) {
                    ADD_FAILURE() << "unsupported: " << compiled.result.error().message;
                    return;
                }
                check_result(l.test, compiled);
                if (HasFatalFailure()) return;
                if (!l.test.fault.empty()) continue;
                std::string difference = compare(l.test, oracle, compiled);
                if (difference.empty()) continue;
                ADD_FAILURE() << "\n" << difference;
                if (++different == 2) return; // the other widths would say the same again
            }
    }

private:
    std::string path_;
};

} // namespace
} // namespace anywarp::ptx_run

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    using namespace anywarp::ptx_run;
    if (!host_runs_selected_isa()) {
        std::puts("skipped: this machine can't run ANYWARP_ISA");
        return 77;
    }
    const char* replaced = std::getenv("ANYWARP_PTX_RUN_FOLDER");
    std::filesystem::path folder = replaced ? replaced : ANYWARP_PTX_RUN_FOLDER;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".ptx") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        std::string path = file.string();
        std::string family = file.parent_path().filename().string(), name = family + "/" + file.stem().string();
        testing::RegisterTest("Oracle", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                              [path]() -> testing::Test* { return new OracleTest(path); });
        if (compiled_path_is_available())
            testing::RegisterTest("Compiled", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                                  [path]() -> testing::Test* { return new CompiledTest(path); });
    }
    return RUN_ALL_TESTS();
}
