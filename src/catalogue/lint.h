// Checks a device's figures against each other: a device file with a slipped digit, a sparse peak called dense or a guess without
// a source is worse than none. Every rule has a test with a planted error (tests/catalogue/lint_test.cc).
#pragma once

#include "catalogue/catalogue.h"

namespace anywarp::catalogue {

struct Finding {
    std::string rule;    // "peak"
    std::string message; // "peak.fp16 is 312, but 108 x 1410 MHz x 2048 give 311.9"
};

/// Empty when all is well. The parts of a system are looked up with find_device.
std::vector<Finding> lint(const DeviceModel& model);

struct LintRule {
    std::string_view name, what;
};
std::span<const LintRule> lint_rules();

} // namespace anywarp::catalogue
