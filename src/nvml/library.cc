// Initialisation, versions, error texts, and the stubs of what isn't implemented. NVML API Reference Guide, "Initialization and
// Cleanup", "Error reporting", "System Queries".
#include "nvml/library.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>

using namespace anywarp;
using namespace anywarp::nvml;

namespace {

// The driver release that CUDA 13.0 came with; a tool compares the number before the dot.
constexpr const char* driver_version = "580.0";
constexpr const char* nvml_version = "13.580.0";
constexpr int cuda_version = 13000;

std::mutex mutex;
std::atomic<int> users{0};

std::vector<nvmlDevice_st>& devices() {
    static auto* all = [] {
        auto* made = new std::vector<nvmlDevice_st>;
        if (const auto& installed = machine::installed_devices())
            for (const machine::Properties& p : *installed) made->push_back({p, static_cast<unsigned>(made->size())});
        return made;
    }();
    return *all;
}

nvmlReturn_t init(unsigned flags) {
    if (flags & ~unsigned{NVML_INIT_FLAG_NO_GPUS | NVML_INIT_FLAG_NO_ATTACH}) return NVML_ERROR_INVALID_ARGUMENT;
    const auto& installed = machine::installed_devices();
    if (!installed) {
        std::fprintf(stderr, "anywarp: %s\n", installed.error().message.c_str());
        return NVML_ERROR_DRIVER_NOT_LOADED;
    }
    std::lock_guard lock(mutex);
    devices();
    users.fetch_add(1);
    return NVML_SUCCESS;
}

} // namespace

namespace anywarp::nvml {

bool initialised() { return users.load(std::memory_order_acquire) > 0; }
unsigned device_count() { return static_cast<unsigned>(devices().size()); }
nvmlDevice_t device_at(unsigned index) { return index < device_count() ? &devices()[index] : nullptr; }

const nvmlDevice_st* device_of(nvmlDevice_t handle) {
    for (const nvmlDevice_st& device : devices())
        if (&device == handle) return &device;
    return nullptr;
}

nvmlReturn_t copy_text(const std::string& text, char* to, unsigned length) {
    if (!to) return NVML_ERROR_INVALID_ARGUMENT;
    if (text.size() + 1 > length) return NVML_ERROR_INSUFFICIENT_SIZE;
    std::memcpy(to, text.c_str(), text.size() + 1);
    return NVML_SUCCESS;
}

} // namespace anywarp::nvml

nvmlReturn_t nvmlInit() { return init(0); }
nvmlReturn_t nvmlInit_v2() { return init(0); }
nvmlReturn_t nvmlInitWithFlags(unsigned flags) { return init(flags); }

nvmlReturn_t nvmlShutdown() {
    std::lock_guard lock(mutex);
    if (users.load() == 0) return NVML_ERROR_UNINITIALIZED;
    users.fetch_sub(1);
    return NVML_SUCCESS;
}

const char* nvmlErrorString(nvmlReturn_t result) {
    switch (result) {
    case NVML_SUCCESS:
        return "Success";
    case NVML_ERROR_UNINITIALIZED:
        return "Uninitialized";
    case NVML_ERROR_INVALID_ARGUMENT:
        return "Invalid Argument";
    case NVML_ERROR_NOT_SUPPORTED:
        return "Not Supported";
    case NVML_ERROR_NO_PERMISSION:
        return "Insufficient Permissions";
    case NVML_ERROR_ALREADY_INITIALIZED:
        return "Already Initialized";
    case NVML_ERROR_NOT_FOUND:
        return "Not Found";
    case NVML_ERROR_INSUFFICIENT_SIZE:
        return "Insufficient Size";
    case NVML_ERROR_INSUFFICIENT_POWER:
        return "Insufficient External Power";
    case NVML_ERROR_DRIVER_NOT_LOADED:
        return "Driver Not Loaded";
    case NVML_ERROR_TIMEOUT:
        return "Timeout";
    case NVML_ERROR_IRQ_ISSUE:
        return "Interrupt Request Issue";
    case NVML_ERROR_LIBRARY_NOT_FOUND:
        return "NVML Shared Library Not Found";
    case NVML_ERROR_FUNCTION_NOT_FOUND:
        return "Function Not Found";
    case NVML_ERROR_CORRUPTED_INFOROM:
        return "Corrupted infoROM";
    case NVML_ERROR_GPU_IS_LOST:
        return "GPU is lost";
    case NVML_ERROR_RESET_REQUIRED:
        return "GPU requires reset";
    case NVML_ERROR_OPERATING_SYSTEM:
        return "GPU access blocked by the operating system";
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return "Driver/library version mismatch";
    case NVML_ERROR_IN_USE:
        return "In use by another client";
    case NVML_ERROR_MEMORY:
        return "Insufficient Memory";
    case NVML_ERROR_NO_DATA:
        return "No data";
    case NVML_ERROR_INSUFFICIENT_RESOURCES:
        return "Insufficient Resources";
    case NVML_ERROR_FREQ_NOT_SUPPORTED:
        return "Frequency not supported";
    case NVML_ERROR_ARGUMENT_VERSION_MISMATCH:
        return "Argument version mismatch";
    case NVML_ERROR_DEPRECATED:
        return "Deprecated";
    case NVML_ERROR_NOT_READY:
        return "Not ready";
    case NVML_ERROR_GPU_NOT_FOUND:
        return "GPU not found";
    case NVML_ERROR_INVALID_STATE:
        return "Invalid state";
    default:
        return "Unknown Error";
    }
}

nvmlReturn_t nvmlSystemGetDriverVersion(char* version, unsigned length) {
    return with_library([&] { return copy_text(driver_version, version, length); });
}
nvmlReturn_t nvmlSystemGetNVMLVersion(char* version, unsigned length) {
    return with_library([&] { return copy_text(nvml_version, version, length); });
}

// These two answer without nvmlInit, too.
nvmlReturn_t nvmlSystemGetCudaDriverVersion(int* version) {
    if (!version) return NVML_ERROR_INVALID_ARGUMENT;
    *version = cuda_version;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int* version) { return nvmlSystemGetCudaDriverVersion(version); }

nvmlReturn_t nvmlSystemGetDriverBranch(nvmlSystemDriverBranchInfo_t* info, unsigned length) {
    return with_library([&] {
        if (!info) return NVML_ERROR_INVALID_ARGUMENT;
        if (info->version != NVML_STRUCT_VERSION(SystemDriverBranchInfo, 1)) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        return copy_text("r580_00", info->branch, std::min<unsigned>(length, sizeof info->branch));
    });
}

nvmlReturn_t nvmlSystemGetProcessName(unsigned pid, char* name, unsigned length) {
    return with_library([&] {
        if (!name || length == 0) return NVML_ERROR_INVALID_ARGUMENT;
        std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
        std::string text;
        if (!file || !std::getline(file, text, '\0')) return NVML_ERROR_NOT_FOUND;
        std::snprintf(name, length, "%s", text.c_str()); // a name that is too long is cut, as NVML does
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlSystemGetHicVersion(unsigned* count, nvmlHwbcEntry_t*) {
    return with_library([&] {
        if (!count) return NVML_ERROR_INVALID_ARGUMENT;
        *count = 0;
        return NVML_SUCCESS;
    });
}

/// Every device is as near to every processor as to any other.
nvmlReturn_t nvmlSystemGetTopologyGpuSet(unsigned, unsigned* count, nvmlDevice_t* list) {
    return with_library([&] {
        if (!count) return NVML_ERROR_INVALID_ARGUMENT;
        unsigned room = *count;
        *count = device_count();
        if (!list) return NVML_SUCCESS;
        if (room < device_count()) return NVML_ERROR_INSUFFICIENT_SIZE;
        for (unsigned i = 0; i < device_count(); i++) list[i] = device_at(i);
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlUnitGetCount(unsigned* count) {
    return with_library([&] {
        if (!count) return NVML_ERROR_INVALID_ARGUMENT;
        *count = 0; // S-class systems of long ago
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlGetExcludedDeviceCount(unsigned* count) {
    if (!count) return NVML_ERROR_INVALID_ARGUMENT;
    *count = 0;
    return NVML_SUCCESS;
}
