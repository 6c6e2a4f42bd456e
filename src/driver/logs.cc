// The driver's log of errors: the last hundred failed calls as text, and callbacks that get each as it happens.
// CUDA driver API, "Error Log Management Functions".
//
// An iterator is the number of the next entry to be read; entries that have been pushed out are skipped.

#include "driver/logs.h"
#include "driver/api.h"
#include "driver/format.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <deque>
#include <unistd.h>

using namespace anywarp;
using namespace anywarp::driver;

struct CUlogsCallbackEntry_st {
    CUlogsCallback function = nullptr;
    void* data = nullptr;
};

namespace {

constexpr size_t most_entries = 100;
constexpr size_t largest_dump = 25600; // what cuLogsDumpToMemory may fill, as documented

struct Log {
    std::mutex mutex;
    std::deque<std::string> entries;
    CUlogIterator next = 0; // number of the entry after the last
    Registry<CUlogsCallbackEntry_st> callbacks;
    std::atomic<bool> has_callbacks{false};
};
Log& the_log() {
    static Log& log = *new Log;
    return log;
}

/// The text from an iterator on, oldest first; the iterator moves behind it.
std::string text_from(Log& log, CUlogIterator* iterator) {
    CUlogIterator first = log.next - static_cast<CUlogIterator>(log.entries.size());
    CUlogIterator from = iterator ? std::max(*iterator, first) : first;
    std::string text;
    for (CUlogIterator at = from; at < log.next; ++at) text += log.entries[at - first];
    if (iterator) *iterator = log.next;
    return text;
}

} // namespace

void anywarp::driver::log_error(const char* call, const char* error, const std::string& message) {
    char when[32];
    time_t now = time(nullptr);
    tm local{};
    localtime_r(&now, &local);
    std::strftime(when, sizeof when, "%F %T", &local);
    std::string line = format("[{}][{}][CUDA][E] {}: {}{}{}\n", when, static_cast<int>(gettid()), call, error,
                              message.empty() ? "" : ": ", message);
    Log& log = the_log();
    {
        std::lock_guard lock(log.mutex);
        if (log.entries.size() == most_entries) log.entries.pop_front();
        log.entries.push_back(line);
        ++log.next;
    }
    if (!log.has_callbacks) return;
    static thread_local bool inside = false; // a callback's own failing calls aren't told to it
    if (inside) return;
    inside = true;
    for (const auto& callback : log.callbacks.all())
        callback->function(callback->data, CU_LOG_LEVEL_ERROR, line.data(), line.size());
    inside = false;
}

CUresult cuLogsRegisterCallback(CUlogsCallback function, void* data, CUlogsCallbackHandle* handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(function);
        auto entry = std::make_shared<CUlogsCallbackEntry_st>();
        entry->function = function;
        entry->data = data;
        CUlogsCallbackHandle made = the_log().callbacks.add(std::move(entry));
        the_log().has_callbacks = true;
        if (handle) *handle = made;
        return {};
    });
}

CUresult cuLogsUnregisterCallback(CUlogsCallbackHandle handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        if (!the_log().callbacks.remove(handle)) return invalid_value("not a registered callback");
        the_log().has_callbacks = !the_log().callbacks.all().empty();
        return {};
    });
}

CUresult cuLogsCurrent(CUlogIterator* iterator, unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(iterator);
        if (flags != 0) return invalid_value("flags must be 0");
        std::lock_guard lock(the_log().mutex);
        *iterator = the_log().next;
        return {};
    });
}

CUresult cuLogsDumpToFile(CUlogIterator* iterator, const char* path, unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(path);
        if (flags != 0) return invalid_value("flags must be 0");
        FILE* file = std::fopen(path, "we");
        if (!file) return invalid_value(format("{} can't be written: {}", path, std::strerror(errno)));
        std::string text;
        {
            std::lock_guard lock(the_log().mutex);
            text = text_from(the_log(), iterator);
        }
        bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
        written &= std::fclose(file) == 0;
        if (!written) return invalid_value(format("{} can't be written: {}", path, std::strerror(errno)));
        return {};
    });
}

CUresult cuLogsDumpToMemory(CUlogIterator* iterator, char* buffer, size_t* size, unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(buffer);
        ANYWARP_REQUIRE(size);
        if (flags != 0) return invalid_value("flags must be 0");
        if (*size == 0) return invalid_value("a buffer of 0 bytes");
        std::lock_guard lock(the_log().mutex);
        std::string text = text_from(the_log(), iterator);
        size_t room = std::min(*size, largest_dump) - 1;           // the closing zero
        if (text.size() > room) text.erase(0, text.size() - room); // the newest are kept
        std::memcpy(buffer, text.c_str(), text.size() + 1);
        *size = text.size();
        return {};
    });
}
