// cuGetProcAddress: a function's address from its name without suffix, the CUDA version the caller was written for, and whether
// it wants the forms with a default stream per thread. Of the forms a function has (cuMemAlloc, cuMemAlloc_v2 ...) the caller
// gets the newest that its version knows. CUDA driver API, "Driver Entry Point Access".
//
// The rows of functions.def make the table; names are cut into base name, form and suffix once, at the first call.

#include "driver/api.h"
#include "driver/format.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

using namespace anywarp;
using namespace anywarp::driver;

// The functions by name only: their types are nothing to this file, and abi.h has declared them already.
#define ANYWARP_DRIVER_FUNCTION(name, since, status)                                                                             \
    extern "C" __attribute__((visibility("default"))) void* anywarp_address_of_##name __asm__(#name);
#include "driver/functions.def"
#undef ANYWARP_DRIVER_FUNCTION

namespace {

struct Row {
    const char* name;
    int since;
    void* address;
};

const Row rows[] = {
#define ANYWARP_DRIVER_FUNCTION(name, since, status) {#name, since, &anywarp_address_of_##name},
#include "driver/functions.def"
#undef ANYWARP_DRIVER_FUNCTION
};

struct Form {
    int since = 0;
    bool per_thread = false;
    void* address = nullptr;
};

bool cut_suffix(std::string_view& name, std::string_view suffix) {
    if (!name.ends_with(suffix)) return false;
    name.remove_suffix(suffix.size());
    return true;
}

/// cuMemcpyHtoD_v2_ptds -> cuMemcpyHtoD, per thread.
std::string_view base_name(std::string_view name, bool& per_thread) {
    per_thread = cut_suffix(name, "_ptds") || cut_suffix(name, "_ptsz");
    size_t v = name.rfind("_v");
    if (v != std::string_view::npos && v + 3 == name.size() && name[v + 2] >= '2' && name[v + 2] <= '9') name.remove_suffix(3);
    return name;
}

const std::unordered_map<std::string_view, std::vector<Form>>& forms() {
    static const auto& table = *[] {
        auto* made = new std::unordered_map<std::string_view, std::vector<Form>>;
        for (const Row& row : rows) {
            Form form{row.since, false, row.address};
            std::string_view base = base_name(row.name, form.per_thread);
            (*made)[base].push_back(form);
        }
        return made;
    }();
    return table;
}

struct Answer {
    void* address = nullptr;
    CUdriverProcAddressQueryResult status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
};

Answer look_up(std::string_view name, int version, bool per_thread) {
    auto found = forms().find(name);
    if (found == forms().end()) return {};
    // Where a function has forms per thread, a caller that wants them gets one of those; otherwise the plain ones serve both.
    bool has_per_thread = std::ranges::any_of(found->second, &Form::per_thread);
    const Form* best = nullptr;
    for (const Form& form : found->second) {
        if (form.per_thread != (per_thread && has_per_thread) || form.since > version) continue;
        if (!best || form.since > best->since) best = &form;
    }
    if (!best) return {nullptr, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT};
    return {best->address, CU_GET_PROC_ADDRESS_SUCCESS};
}

Result<void> get(const char* symbol, void** address, int version, cuuint64_t flags, CUdriverProcAddressQueryResult* status) {
    ANYWARP_REQUIRE(symbol);
    ANYWARP_REQUIRE(address);
    constexpr cuuint64_t known = CU_GET_PROC_ADDRESS_LEGACY_STREAM | CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
    if ((flags & ~known) || (flags & known) == known) return invalid_value(format("flags {:#x}", flags));
    // Version 1 of this function knows no status; asked for by name, version decides as for any other.
    Answer answer = look_up(symbol, version, flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM);
    *address = answer.address;
    if (status) *status = answer.status;
    if (tracing() && !answer.address) {
        std::string line = format("anywarp: no {} for version {}\n", symbol, version);
        std::fputs(line.c_str(), stderr);
    }
    if (!answer.address) return user_error(ErrorCode::not_found, format("'{}' for version {}", symbol, version));
    return {};
}

} // namespace

CUresult cuGetProcAddress_v2(const char* symbol, void** address, int version, cuuint64_t flags,
                             CUdriverProcAddressQueryResult* status) {
    // Hundreds of calls at a program's start: no trace of the successful ones.
    Result<void> result = get(symbol, address, version, flags, status);
    if (result) return CUDA_SUCCESS;
    // With somewhere to put the reason, an unknown symbol isn't an error of the call.
    if (result.error().code == ErrorCode::not_found && status) return CUDA_SUCCESS;
    return finish(__func__, result);
}

CUresult cuGetProcAddress(const char* symbol, void** address, int version, cuuint64_t flags) {
    Result<void> result = get(symbol, address, version, flags, nullptr);
    return result ? CUDA_SUCCESS : finish(__func__, result);
}
