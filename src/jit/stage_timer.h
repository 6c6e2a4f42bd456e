// Where compile time goes: ANYWARP_TIMINGS=1 prints one line per kernel to stderr, milliseconds per stage.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace anywarp::jit {

class StageTimer {
public:
    explicit StageTimer(std::string kernel) : kernel_(std::move(kernel)), start_(Clock::now()), last_(start_) {
        static const bool wanted = [] {
            const char* wish = std::getenv("ANYWARP_TIMINGS");
            return wish && *wish && *wish != '0';
        }();
        print_ = wanted;
    }
    StageTimer(const StageTimer&) = delete;
    StageTimer& operator=(const StageTimer&) = delete;
    ~StageTimer() {
        if (print_) std::fprintf(stderr, "anywarp: %s:%s; total %.2f ms\n", kernel_.c_str(), line_.c_str(), seconds() * 1e3);
    }
    /// The time since the last mark belongs to this stage.
    void mark(const char* stage) {
        Clock::time_point now = Clock::now();
        if (print_) {
            char text[96];
            std::snprintf(text, sizeof text, " %s %.2f", stage, milliseconds(last_, now));
            line_ += text;
        }
        last_ = now;
    }
    double seconds() const { return milliseconds(start_, Clock::now()) / 1e3; }

private:
    using Clock = std::chrono::steady_clock;
    static double milliseconds(Clock::time_point a, Clock::time_point b) {
        return std::chrono::duration<double, std::milli>(b - a).count();
    }
    std::string kernel_, line_;
    Clock::time_point start_, last_;
    bool print_ = false;
};

} // namespace anywarp::jit
