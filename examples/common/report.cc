// Progress, comparison and verdict of the examples. See report.h.
#include "report.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

ProgressBar::ProgressBar(std::string label, std::size_t total, bool quiet)
    : label_(std::move(label)), total_(total), visible_(!quiet && total > 0 && isatty(STDERR_FILENO)) {
    draw();
}

ProgressBar::~ProgressBar() {
    if (visible_) std::fprintf(stderr, "\r\033[K");
}

void ProgressBar::step(std::size_t count) {
    done_ += count;
    draw();
}

void ProgressBar::draw() {
    if (!visible_) return;
    const int percent = int(100 * (done_ < total_ ? done_ : total_) / total_);
    if (percent == drawn_) return;
    drawn_ = percent;
    const int width = 40, full = percent * width / 100;
    std::string bar(std::size_t(full), '#');
    bar.resize(width, '.');
    std::fprintf(stderr, "\r%s [%s] %3d%%", label_.c_str(), bar.c_str(), percent);
    std::fflush(stderr);
}

void Comparison::add(double got, double expected) {
    const double difference = std::fabs(got - expected), tolerance = absolute_ + relative_ * std::fabs(expected);
    const bool same = got == expected || difference <= tolerance; // infinities of one sign are equal, NaN never is
    if (got != expected) {
        if (!(difference <= largest_difference_)) largest_difference_ = difference;
        const double units = tolerance > 0 ? difference / tolerance : INFINITY;
        if (!(units <= worst_)) worst_ = units;
    }
    if (!same && mismatches_++ == 0) {
        first_bad_ = count_;
        bad_got_ = got;
        bad_expected_ = expected;
    }
    ++count_;
}

bool Comparison::report(std::size_t allowed) const {
    const bool fine = passed(allowed);
    std::printf("  %s %s: %zu values, largest difference %.3g (%.3g of the tolerance)", fine ? "ok " : "BAD", name_.c_str(),
                count_, largest_difference_, worst_);
    if (mismatches_)
        std::printf(", %zu outside, %zu allowed; first: number %zu is %.9g, expected %.9g", mismatches_, allowed, first_bad_,
                    bad_got_, bad_expected_);
    std::printf("\n");
    return fine;
}

bool expect(bool condition, const std::string& what) {
    std::printf("  %s %s\n", condition ? "ok " : "BAD", what.c_str());
    return condition;
}

int verdict(const std::string& name, bool checked, bool passed) {
    std::printf("%s: %s\n", name.c_str(), !checked ? "done, not checked" : passed ? "PASS" : "FAIL");
    return !checked || passed ? 0 : 1;
}
