// See format.h.

#include "driver/format.h"

namespace anywarp::driver {
namespace {

std::string hexadecimal(uint64_t value) {
    std::string digits;
    do digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
    while (value >>= 4);
    return digits;
}

/// `spec` is what stands behind the colon: [#][0width][x].
std::string print(const FormatArgument& argument, std::string_view spec) {
    if (argument.kind == FormatArgument::Kind::text) return std::string(argument.text);
    if (!spec.ends_with('x'))
        return argument.kind == FormatArgument::Kind::signed_number ? std::to_string(static_cast<int64_t>(argument.bits))
                                                                    : std::to_string(argument.bits);
    std::string prefix;
    if (spec.starts_with('#')) prefix = "0x", spec.remove_prefix(1);
    size_t width = 0;
    for (char c : spec)
        if (c >= '0' && c <= '9') width = 10 * width + static_cast<size_t>(c - '0');
    std::string digits = hexadecimal(argument.bits);
    while (digits.size() + prefix.size() < width) digits.insert(digits.begin(), '0');
    return prefix + digits;
}

} // namespace

std::string format_arguments(std::string_view pattern, std::initializer_list<FormatArgument> arguments) {
    std::string text;
    auto next = arguments.begin();
    for (size_t i = 0; i < pattern.size(); ++i) {
        size_t end = pattern[i] == '{' ? pattern.find('}', i) : std::string_view::npos;
        if (end == std::string_view::npos || next == arguments.end()) {
            text += pattern[i];
            continue;
        }
        std::string_view spec = pattern.substr(i + 1, end - i - 1);
        if (spec.starts_with(':')) spec.remove_prefix(1);
        text += print(*next++, spec);
        i = end;
    }
    return text;
}

} // namespace anywarp::driver
