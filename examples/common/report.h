// What an example tells its user: a progress bar, the comparison of a result with the one expected, and the last line with the
// program's exit status.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

/// Wall clock since construction.
class Stopwatch {
public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// A bar on stderr, drawn only on a terminal and only when it isn't quiet; gone once it is full or destroyed.
class ProgressBar {
public:
    ProgressBar(std::string label, std::size_t total, bool quiet);
    ~ProgressBar();
    void step(std::size_t count = 1);

private:
    void draw();
    std::string label_;
    std::size_t total_, done_ = 0;
    int drawn_ = -1;
    bool visible_;
};

/// Counts how many of the values given differ from those expected by more than absolute + relative * |expected|. A NaN
/// is different from everything, so a result of NaNs can't pass.
class Comparison {
public:
    Comparison(std::string name, double relative, double absolute = 0)
        : name_(std::move(name)), relative_(relative), absolute_(absolute) {}

    void add(double got, double expected);
    std::size_t count() const { return count_; }
    std::size_t mismatches() const { return mismatches_; }
    /// Largest difference, in units of the tolerance: up to 1 is within it.
    double worst() const { return worst_; }
    /// True where there were values and at most `allowed` of them differ.
    bool passed(std::size_t allowed = 0) const { return count_ > 0 && mismatches_ <= allowed; }
    /// Prints one line and returns passed(allowed).
    bool report(std::size_t allowed = 0) const;

private:
    std::string name_;
    double relative_, absolute_;
    std::size_t count_ = 0, mismatches_ = 0, first_bad_ = 0;
    double worst_ = 0, largest_difference_ = 0, bad_got_ = 0, bad_expected_ = 0;
};

/// A condition with its name: prints one line, returns it.
bool expect(bool condition, const std::string& what);

/// The last line, "NAME: PASS", "NAME: FAIL" or, without a check, "NAME: done, not checked"; returns the exit status.
int verdict(const std::string& name, bool checked, bool passed);
