// Functions that device code calls and that a module only declares: vprintf, malloc, free, __assertfail,
// cudaGraphSetConditional.
//
// CUDA C++ Programming Guide, "Formatted Output", "Dynamic Global Memory Allocation", "Assertion".
#include "oracle/interpreter.h"

#include <bit>
#include <cstdio>

namespace anywarp::oracle {

namespace {

template <class T> T take(const uint8_t* p) {
    T v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

/// The argument buffer holds each value at its natural alignment: int 4 bytes, long long, double and pointers 8.
std::string format_text(const char* format, const uint8_t* arguments) {
    std::string out;
    uint64_t at = 0;
    auto next = [&](unsigned size) {
        at = (at + size - 1) / size * size;
        const uint8_t* p = arguments + at;
        at += size;
        return p;
    };
    char text[512];
    for (const char* p = format; *p; ++p) {
        if (*p != '%') {
            out += *p;
            continue;
        }
        if (p[1] == '%') {
            out += '%';
            ++p;
            continue;
        }
        std::string spec = "%";
        unsigned longs = 0;
        for (++p; *p && std::strchr("-+ #0123456789.*hlLqjzt", *p); ++p) {
            if (*p == '*')
                spec += std::to_string(take<int32_t>(next(4)));
            else if (*p == 'l' || *p == 'q' || *p == 'j' || *p == 'z' || *p == 't')
                ++longs;
            else if (*p != 'L' && *p != 'h')
                spec += *p;
        }
        if (!*p) break;
        switch (*p) {
        case 'd':
        case 'i':
            spec += "lld";
            std::snprintf(text, sizeof text, spec.c_str(), longs ? take<long long>(next(8)) : (long long)take<int32_t>(next(4)));
            break;
        case 'u':
        case 'x':
        case 'X':
        case 'o':
            spec += "ll";
            spec += *p;
            std::snprintf(text, sizeof text, spec.c_str(), longs ? take<long long>(next(8)) : (long long)take<uint32_t>(next(4)));
            break;
        case 'c':
            spec += 'c';
            std::snprintf(text, sizeof text, spec.c_str(), take<int32_t>(next(4)));
            break;
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G':
        case 'a':
        case 'A':
            spec += *p;
            std::snprintf(text, sizeof text, spec.c_str(), take<double>(next(8)));
            break;
        case 's': {
            spec += 's';
            const char* s = take<const char*>(next(8));
            std::snprintf(text, sizeof text, spec.c_str(), s ? s : "(null)");
            break;
        }
        case 'p':
            std::snprintf(text, sizeof text, "%p", take<void*>(next(8)));
            break;
        default:
            text[0] = *p;
            text[1] = 0;
        }
        out += text;
    }
    return out;
}

} // namespace

bool call_builtin(Thread& thread, const std::string& name, const std::vector<uint8_t*>& arguments,
                  const std::vector<uint8_t*>& returns) {
    Grid& grid = thread.grid();
    auto answer = [&](auto value) {
        if (!returns.empty()) std::memcpy(returns[0], &value, sizeof value);
    };
    if (name == "vprintf" && arguments.size() == 2) {
        const char* format = take<const char*>(arguments[0]);
        grid.outcome.output += format_text(format, take<const uint8_t*>(arguments[1]));
        answer(int32_t(1));
        return true;
    }
    if (name == "malloc" && arguments.size() == 1) {
        auto buffer = std::make_unique<Buffer>();
        buffer->allocate(take<uint64_t>(arguments[0]) + 1);
        uint8_t* p = buffer->data();
        grid.heap[p] = std::move(buffer);
        answer(p);
        return true;
    }
    if (name == "free" && arguments.size() == 1) {
        grid.heap.erase(take<uint8_t*>(arguments[0]));
        return true;
    }
    if (name == "cudaGraphSetConditional" && arguments.size() == 2) {
        auto value = take<uint32_t>(arguments[1]);
        std::memcpy(take<uint8_t*>(arguments[0]), &value, sizeof value);
        return true;
    }
    if (name == "__assertfail" && arguments.size() >= 4) {
        char text[1024];
        const uint32_t* b = thread.block->ctaid;
        const uint32_t* t = thread.tid;
        std::snprintf(text, sizeof text, "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.",
                      take<const char*>(arguments[1]), take<uint32_t>(arguments[2]), take<const char*>(arguments[3]), b[0], b[1],
                      b[2], t[0], t[1], t[2], take<const char*>(arguments[0]));
        grid.outcome.output += std::string(text) + "\n";
        fault(thread, ErrorCode::assert_failed, text);
    }
    return false;
}

} // namespace anywarp::oracle
