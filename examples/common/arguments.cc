// Command line of the examples. See arguments.h.
#include "arguments.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace {

[[noreturn]] void refuse(const std::string& program, const std::string& why) {
    std::fprintf(stderr, "%s: %s (--help lists the options)\n", program.c_str(), why.c_str());
    std::exit(1);
}

} // namespace

Arguments::Arguments(int argc, char** argv, std::string about)
    : program_(std::filesystem::path(argc ? argv[0] : "example").filename().string()), about_(std::move(about)) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--help" || word == "-h")
            wants_help_ = true;
        else
            words_.push_back({word});
    }
}

void Arguments::describe(const std::string& usage, const std::string& fallback, const std::string& help) {
    std::string line = "  " + usage;
    line.resize(line.size() < 26 ? 26 : line.size() + 2, ' ');
    help_.push_back(line + help + (fallback.empty() ? "" : " (" + fallback + ")"));
}

bool Arguments::take(const std::string& name, std::string& value) {
    bool found = false;
    for (std::size_t i = 0; i < words_.size(); ++i) {
        const std::string option = "--" + name, word = words_[i].text;
        if (words_[i].used) continue;
        if (word.rfind(option + "=", 0) == 0) {
            value = word.substr(option.size() + 1);
        } else if (word == option) {
            if (i + 1 == words_.size()) refuse(program_, option + " needs a value");
            words_[i + 1].used = true;
            value = words_[i + 1].text;
        } else
            continue;
        words_[i].used = true;
        found = true; // the last one counts
    }
    return found;
}

long long Arguments::integer(const std::string& name, long long fallback, const std::string& help) {
    describe("--" + name + " N", std::to_string(fallback), help);
    std::string value;
    if (!take(name, value)) return fallback;
    char* end = nullptr;
    const long long result = std::strtoll(value.c_str(), &end, 10);
    if (value.empty() || *end) refuse(program_, "--" + name + " " + value + " is no whole number");
    return result;
}

double Arguments::number(const std::string& name, double fallback, const std::string& help) {
    char shown[32];
    std::snprintf(shown, sizeof shown, "%g", fallback);
    describe("--" + name + " X", shown, help);
    std::string value;
    if (!take(name, value)) return fallback;
    char* end = nullptr;
    const double result = std::strtod(value.c_str(), &end);
    if (value.empty() || *end) refuse(program_, "--" + name + " " + value + " is no number");
    return result;
}

std::string Arguments::text(const std::string& name, const std::string& fallback, const std::string& help) {
    describe("--" + name + " TEXT", fallback, help);
    std::string value;
    return take(name, value) ? value : fallback;
}

bool Arguments::flag(const std::string& name, bool fallback, const std::string& help) {
    describe(fallback ? "--no-" + name : "--" + name, "", help);
    bool result = fallback;
    for (Word& word : words_) {
        if (word.used || (word.text != "--" + name && word.text != "--no-" + name)) continue;
        result = word.text == "--" + name;
        word.used = true;
    }
    return result;
}

std::string Arguments::positional(const std::string& name, const std::string& fallback, const std::string& help) {
    describe(name, fallback, help);
    for (Word& word : words_) {
        if (word.used || word.text.rfind("--", 0) == 0) continue;
        word.used = true;
        return word.text;
    }
    return fallback;
}

void Arguments::finish() {
    if (wants_help_) {
        std::printf("%s: %s\n", program_.c_str(), about_.c_str());
        for (const std::string& line : help_) std::printf("%s\n", line.c_str());
        std::exit(0);
    }
    for (const Word& word : words_)
        if (!word.used) refuse(program_, "unknown argument '" + word.text + "'");
}

CommonOptions common_options(Arguments& arguments, const std::string& output) {
    CommonOptions options;
    options.check = arguments.flag("check", true, "leave out the comparison with the host");
    options.quiet = arguments.flag("quiet", false, "print only the result");
    options.output = arguments.text("output", output, "folder for files; --output= writes none");
    if (options.writes_files()) {
        std::error_code error;
        std::filesystem::create_directories(options.output, error);
        if (error) {
            std::fprintf(stderr, "can't make the folder %s: %s\n", options.output.c_str(), error.message().c_str());
            std::exit(1);
        }
    }
    return options;
}
