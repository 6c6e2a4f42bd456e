// Messages with values in them. The C++ library this has to build with (GCC 12's) has no <format> yet; this holds as much of it
// as messages need: "{}" for text and numbers, and {:x} with "#" and zero-padded widths.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace anywarp::driver {

struct FormatArgument {
    std::string_view text;
    uint64_t bits = 0;
    enum class Kind : uint8_t { text, signed_number, unsigned_number } kind = Kind::text;

    FormatArgument(const char* value) : text(value ? value : "(null)") {}
    FormatArgument(std::string_view value) : text(value) {}
    FormatArgument(const std::string& value) : text(value) {}
    template <std::integral T>
    FormatArgument(T value)
        : bits(static_cast<uint64_t>(value)), kind(std::signed_integral<T> ? Kind::signed_number : Kind::unsigned_number) {}
};

std::string format_arguments(std::string_view pattern, std::initializer_list<FormatArgument> arguments);

template <class... Arguments> std::string format(std::string_view pattern, const Arguments&... arguments) {
    return format_arguments(pattern, {FormatArgument(arguments)...});
}

} // namespace anywarp::driver
