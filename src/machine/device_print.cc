// See device_print.h.
#include "machine/device_print.h"

#include <cstdio>
#include <cstring>
#include <vector>

namespace anywarp::machine {
namespace {

class Arguments {
public:
    explicit Arguments(const uint8_t* at) : at_(at) {}
    template <class Value> Value take() {
        offset_ = (offset_ + sizeof(Value) - 1) / sizeof(Value) * sizeof(Value);
        Value value;
        std::memcpy(&value, at_ + offset_, sizeof value);
        offset_ += sizeof value;
        return value;
    }

private:
    const uint8_t* at_;
    size_t offset_ = 0;
};

template <class Value> void append(std::string& out, const std::string& specification, Value value) {
    char small[128];
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
    int length = std::snprintf(small, sizeof small, specification.c_str(), value);
    if (length < 0) return;
    if (static_cast<size_t>(length) < sizeof small) {
        out.append(small, static_cast<size_t>(length));
        return;
    }
    std::vector<char> large(static_cast<size_t>(length) + 1);
    std::snprintf(large.data(), large.size(), specification.c_str(), value);
#pragma clang diagnostic pop
    out.append(large.data(), static_cast<size_t>(length));
}

} // namespace

std::string format_device_print(const char* format, const uint8_t* buffer, int32_t& count) {
    std::string out;
    Arguments arguments(buffer);
    count = 0;
    for (const char* at = format; *at;) {
        if (*at != '%') {
            out += *at++;
            continue;
        }
        const char* begin = at++;
        if (*at == '%') {
            out += '%';
            at++;
            continue;
        }
        std::string specification = "%";
        while (*at && std::strchr("-+ #0", *at)) specification += *at++;
        auto number = [&] {
            if (*at == '*') {
                at++;
                count++;
                specification += std::to_string(arguments.take<int32_t>());
            } else {
                while (*at >= '0' && *at <= '9') specification += *at++;
            }
        };
        number();
        if (*at == '.') {
            specification += *at++;
            number();
        }
        std::string length;
        while (*at && std::strchr("hljztLq", *at)) length += *at++;
        bool wide = length == "l" || length == "ll" || length == "j" || length == "z" || length == "t" || length == "q";
        char conversion = *at;
        if (conversion) at++;
        switch (conversion) {
        case 'd':
        case 'i':
            count++;
            if (wide)
                append(out, specification + "lld", static_cast<long long>(arguments.take<int64_t>()));
            else
                append(out, specification + (length.empty() ? "" : length) + "d", arguments.take<int32_t>());
            break;
        case 'u':
        case 'x':
        case 'X':
        case 'o':
            count++;
            if (wide)
                append(out, specification + "ll" + conversion, static_cast<unsigned long long>(arguments.take<uint64_t>()));
            else
                append(out, specification + (length.empty() ? "" : length) + conversion, arguments.take<uint32_t>());
            break;
        case 'f':
        case 'F':
        case 'e':
        case 'E':
        case 'g':
        case 'G':
        case 'a':
        case 'A':
            count++;
            append(out, specification + conversion, arguments.take<double>());
            break;
        case 'c':
            count++;
            append(out, specification + "c", arguments.take<int32_t>());
            break;
        case 's': {
            count++;
            auto* text = reinterpret_cast<const char*>(arguments.take<uint64_t>());
            append(out, specification + "s", text ? text : "(null)");
            break;
        }
        case 'p':
            count++;
            append(out, specification + "p", reinterpret_cast<void*>(arguments.take<uint64_t>()));
            break;
        default: // not a conversion: as written
            out.append(begin, static_cast<size_t>(at - begin));
        }
    }
    return out;
}

} // namespace anywarp::machine
