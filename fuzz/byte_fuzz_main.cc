// Runs a byte-level fuzzer without libFuzzer:   X_fuzz [--seed N] [--count N] [--seconds N] FILE_OR_FOLDER...
//
// Input number N is a file chosen by N with a few changes made by N, so that a number is all it takes to see a crash again; the
// number is written when the process dies.
#include "byte_fuzz.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace {

volatile uint64_t current = 0;
constexpr unsigned hang_seconds = 60;

void died(int signal) {
    char text[80];
    int n = std::snprintf(text, sizeof text, "input %llu: signal %d%s\n", (unsigned long long)current, signal,
                          signal == SIGALRM ? " (hangs)" : "");
    (void)!write(2, text, size_t(n));
    std::signal(signal, SIG_DFL);
    raise(signal);
}

} // namespace

int main(int argc, char** argv) {
    uint64_t seed = 1, count = 1000;
    double seconds = 1e9;
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        std::string a = argv[i];
        if (a == "--seed" && i + 1 < argc)
            seed = std::strtoull(argv[++i], nullptr, 10);
        else if (a == "--count" && i + 1 < argc)
            count = std::strtoull(argv[++i], nullptr, 10);
        else if (a == "--seconds" && i + 1 < argc)
            seconds = std::strtod(argv[++i], nullptr);
        else if (std::filesystem::is_directory(a)) {
            for (const auto& entry : std::filesystem::recursive_directory_iterator(a))
                if (entry.is_regular_file() && entry.file_size() < 65536 && (entry.path().extension() == ".ptx" || entry.path().extension() == ".bin"))
                    files.push_back(entry.path());
        } else
            files.push_back(a);
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> corpus;
    for (const auto& path : files) {
        std::ifstream file(path, std::ios::binary);
        std::stringstream text;
        text << file.rdbuf();
        corpus.push_back(std::move(text).str());
    }
    if (corpus.empty()) return std::fprintf(stderr, "usage: %s [--seed N] [--count N] [--seconds N] FILE_OR_FOLDER...\n", argv[0]), 2;
    for (int s : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(s, died);
    auto begin = std::chrono::steady_clock::now();
    uint64_t done = 0;
    for (; done < count; ++done) {
        if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > seconds) break;
        current = seed + done;
        anywarp::fuzz::Random random{seed + done};
        std::string text = corpus[random.below(corpus.size())];
        for (size_t n = random.below(6); n--;) anywarp::fuzz::mutate(text, random);
        alarm(hang_seconds);
        LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    }
    std::printf("%llu inputs from %zu files, no crash\n", (unsigned long long)done, corpus.size());
    return 0;
}
