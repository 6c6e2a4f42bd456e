// Launches as CUDA 1 to 3 had them: the block's shape, the dynamic shared memory and the parameters are set on the function, one
// by one, and cuLaunchGrid starts it. Kept per function until the function goes; parameters are laid out by the caller.
//
// CUDA driver API, "Execution Control [DEPRECATED]".

#include "driver/api.h"
#include "driver/format.h"

#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct Settings {
    std::weak_ptr<CUfunc_st> function; // a handle of a new function may have an old one's address
    unsigned block[3] = {0, 0, 0};
    unsigned shared = 0;
    std::vector<uint8_t> parameters;
};

struct Table {
    std::mutex mutex;
    std::unordered_map<CUfunc_st*, Settings> functions;
};
Table& table() {
    static Table& all = *new Table;
    return all;
}

/// change(settings, function) under the table's lock.
template <class Change> CUresult with_settings(const char* call, CUfunction handle, Change change) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_TRY_AS(function, function_of(handle));
        std::lock_guard lock(table().mutex);
        Settings& settings = table().functions[function.get()];
        if (settings.function.lock() != function) {
            std::erase_if(table().functions,
                          [&](auto& entry) { return entry.first != function.get() && entry.second.function.expired(); });
            Settings& fresh = table().functions[function.get()];
            fresh = {.function = function};
            return change(fresh, *function);
        }
        return change(settings, *function);
    });
}

CUresult set_bytes(const char* call, CUfunction handle, int offset, const void* bytes, unsigned count) {
    return with_settings(call, handle, [&](Settings& settings, CUfunc_st& function) -> Result<void> {
        if (!bytes && count) return invalid_value("the value is null");
        size_t room = function.kernel->parameters().size;
        if (offset < 0 || static_cast<size_t>(offset) > room || count > room - static_cast<size_t>(offset))
            return invalid_value(format("{} bytes at {} of {} bytes of parameters", count, offset, room));
        size_t end = static_cast<size_t>(offset) + count;
        if (settings.parameters.size() < end) settings.parameters.resize(end);
        if (count) std::memcpy(settings.parameters.data() + offset, bytes, count);
        return {};
    });
}

CUresult launch_grid(const char* call, CUfunction handle, int width, int height, CUstream stream) {
    Settings settings;
    CUresult found = with_settings(call, handle, [&](Settings& kept, CUfunc_st& function) -> Result<void> {
        if (width <= 0 || height <= 0) return invalid_value(format("a grid of {} x {} blocks", width, height));
        if (kept.block[0] == 0) return invalid_value("cuFuncSetBlockShape hasn't been called");
        if (kept.parameters.size() < function.kernel->parameters().size)
            return invalid_value(
                format("{} of {} bytes of parameters are set", kept.parameters.size(), function.kernel->parameters().size));
        settings = kept;
        return {};
    });
    if (found != CUDA_SUCCESS) return found;
    size_t size = settings.parameters.size();
    void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, settings.parameters.data(), CU_LAUNCH_PARAM_BUFFER_SIZE, &size,
                     CU_LAUNCH_PARAM_END};
    return cuLaunchKernel(handle, static_cast<unsigned>(width), static_cast<unsigned>(height), 1, settings.block[0],
                          settings.block[1], settings.block[2], settings.shared, stream, nullptr, extra);
}

} // namespace

CUresult cuFuncSetBlockShape(CUfunction function, int x, int y, int z) {
    return with_settings(__func__, function, [&](Settings& settings, CUfunc_st&) -> Result<void> {
        if (x <= 0 || y <= 0 || z <= 0) return invalid_value(format("a block of {} x {} x {} threads", x, y, z));
        settings.block[0] = static_cast<unsigned>(x);
        settings.block[1] = static_cast<unsigned>(y);
        settings.block[2] = static_cast<unsigned>(z);
        return {};
    });
}

CUresult cuFuncSetSharedSize(CUfunction function, unsigned bytes) {
    return with_settings(__func__, function, [&](Settings& settings, CUfunc_st&) -> Result<void> {
        settings.shared = bytes;
        return {};
    });
}

CUresult cuParamSetSize(CUfunction handle, unsigned bytes) {
    return with_settings(__func__, handle, [&](Settings& settings, CUfunc_st& function) -> Result<void> {
        if (bytes > function.kernel->parameters().size)
            return invalid_value(format("{} bytes of parameters, the kernel has {}", bytes, function.kernel->parameters().size));
        settings.parameters.resize(bytes);
        return {};
    });
}

CUresult cuParamSeti(CUfunction function, int offset, unsigned value) {
    return set_bytes(__func__, function, offset, &value, sizeof value);
}
CUresult cuParamSetf(CUfunction function, int offset, float value) {
    return set_bytes(__func__, function, offset, &value, sizeof value);
}
CUresult cuParamSetv(CUfunction function, int offset, void* bytes, unsigned count) {
    return set_bytes(__func__, function, offset, bytes, count);
}

CUresult cuLaunch(CUfunction function) { return launch_grid(__func__, function, 1, 1, nullptr); }
CUresult cuLaunchGrid(CUfunction function, int width, int height) {
    return launch_grid(__func__, function, width, height, nullptr);
}
CUresult cuLaunchGridAsync(CUfunction function, int width, int height, CUstream stream) {
    return launch_grid(__func__, function, width, height, stream);
}
