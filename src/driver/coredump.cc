// What a core dump of a faulting GPU would hold and where it would go: settings of the process and of each context, kept and
// given back. No dump of a GPU is written, as its memory is the process's own: the process's core dump holds it.
// The environment presets them, as with NVIDIA's driver (CUDA_ENABLE_COREDUMP_ON_EXCEPTION, CUDA_COREDUMP_FILE ...).
//
// CUDA driver API, "Coredump Attributes Control API".

#include "driver/api.h"
#include "driver/format.h"

#include <cstdlib>
#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

using Values = std::map<int, std::string>; // as bytes

struct Settings {
    std::mutex mutex;
    Values process;
    std::map<unsigned long long, Values> contexts; // by context id
};

bool is_text(int which) { return which == CU_COREDUMP_FILE || which == CU_COREDUMP_PIPE; }
constexpr size_t longest_text = 1023;
size_t size_of(int which) { return which == CU_COREDUMP_GENERATION_FLAGS ? sizeof(int) : sizeof(bool); }

std::string flag(const char* variable, bool preset) {
    const char* value = std::getenv(variable);
    bool on = value ? std::strcmp(value, "0") != 0 : preset;
    return std::string(1, static_cast<char>(on));
}
std::string text(const char* variable) {
    const char* value = std::getenv(variable);
    return value ? value : "";
}

Settings& settings() {
    static Settings& all = *[] {
        auto* made = new Settings;
        made->process = {{CU_COREDUMP_ENABLE_ON_EXCEPTION, flag("CUDA_ENABLE_COREDUMP_ON_EXCEPTION", false)},
                         {CU_COREDUMP_TRIGGER_HOST, flag("CUDA_ENABLE_CPU_COREDUMP_ON_EXCEPTION", true)},
                         {CU_COREDUMP_LIGHTWEIGHT, flag("CUDA_ENABLE_LIGHTWEIGHT_COREDUMP", false)},
                         {CU_COREDUMP_ENABLE_USER_TRIGGER, flag("CUDA_ENABLE_USER_TRIGGERED_COREDUMP", false)},
                         {CU_COREDUMP_FILE, text("CUDA_COREDUMP_FILE")},
                         {CU_COREDUMP_PIPE, text("CUDA_COREDUMP_PIPE")},
                         {CU_COREDUMP_GENERATION_FLAGS, std::string(sizeof(int), '\0')}};
        return made;
    }();
    return all;
}

Result<void> check(CUcoredumpSettings which, const size_t* size) {
    ANYWARP_REQUIRE(size);
    if (which < CU_COREDUMP_ENABLE_ON_EXCEPTION || which >= CU_COREDUMP_MAX)
        return invalid_value(format("there is no core dump attribute {}", static_cast<int>(which)));
    return {};
}

Result<void> get(const std::string& kept, CUcoredumpSettings which, void* value, size_t* size) {
    size_t wanted = is_text(which) ? kept.size() + 1 : size_of(which);
    if (!value) {
        *size = wanted;
        return {};
    }
    if (*size < wanted) return invalid_value(format("{} bytes for a value of {}", *size, wanted));
    std::memcpy(value, kept.c_str(), wanted);
    *size = wanted;
    return {};
}

Result<std::string> taken(CUcoredumpSettings which, const void* value, const size_t* size) {
    ANYWARP_REQUIRE(value);
    if (is_text(which)) {
        if (*size == 0 || *size > longest_text) return invalid_value(format("a name of {} bytes", *size));
        return std::string(static_cast<const char*>(value), strnlen(static_cast<const char*>(value), *size));
    }
    if (*size != size_of(which)) return invalid_value(format("{} bytes for a value of {}", *size, size_of(which)));
    return std::string(static_cast<const char*>(value), *size);
}

} // namespace

CUresult cuCoredumpGetAttributeGlobal(CUcoredumpSettings which, void* value, size_t* size) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY(check(which, size));
        std::lock_guard lock(settings().mutex);
        return get(settings().process[which], which, value, size);
    });
}

CUresult cuCoredumpSetAttributeGlobal(CUcoredumpSettings which, void* value, size_t* size) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY(check(which, size));
        ANYWARP_TRY_AS(bytes, taken(which, value, size));
        std::lock_guard lock(settings().mutex);
        settings().process[which] = bytes;
        return {};
    });
}

CUresult cuCoredumpGetAttribute(CUcoredumpSettings which, void* value, size_t* size) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY(check(which, size));
        std::lock_guard lock(settings().mutex);
        Values& own = settings().contexts[context.id];
        auto found = own.find(which);
        return get(found != own.end() ? found->second : settings().process[which], which, value, size);
    });
}

CUresult cuCoredumpSetAttribute(CUcoredumpSettings which, void* value, size_t* size) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY(check(which, size));
        if (which == CU_COREDUMP_ENABLE_USER_TRIGGER || which == CU_COREDUMP_PIPE)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_NOT_PERMITTED), "the user's trigger is one for the process");
        ANYWARP_TRY_AS(bytes, taken(which, value, size));
        std::lock_guard lock(settings().mutex);
        settings().contexts[context.id][which] = bytes;
        return {};
    });
}
