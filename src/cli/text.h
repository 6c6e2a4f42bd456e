// printf into a std::string. (The standard library of Debian 12 has no <format>.)
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace anywarp::cli {

[[gnu::format(printf, 1, 2)]] inline std::string text(const char* format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    std::string result(static_cast<size_t>(std::vsnprintf(nullptr, 0, format, arguments)), '\0');
    std::vsnprintf(result.data(), result.size() + 1, format, again);
    va_end(again);
    va_end(arguments);
    return result;
}

} // namespace anywarp::cli
