// Initialisation, version, devices and their attributes (device_attributes.def); peers are in peer.cc. CUDA driver API,
// "Initialization", "Version Management", "Device Management".

#include "driver/api.h"
#include "driver/format.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string_view>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr int driver_version = 13000;

/// Whether the driver implements a function, by its name in functions.def.
constexpr bool has(std::string_view function) {
    enum Status { implemented, not_supported };
    struct Row {
        std::string_view name;
        Status status;
    };
    constexpr Row rows[] = {
#define ANYWARP_DRIVER_FUNCTION(name, since, status) {#name, status},
#include "driver/functions.def"
#undef ANYWARP_DRIVER_FUNCTION
    };
    for (const Row& row : rows)
        if (row.name == function) return row.status == implemented;
    return false;
}

/// Nothing for a number that is no attribute.
std::optional<int> attribute(const machine::Properties& p, int which) {
    auto value_of = [](auto value) { // larger values are cut, as the driver does
        return static_cast<int>(std::min<int64_t>(static_cast<int64_t>(value), 0x7fffffff));
    };
    switch (which) {
#define ANYWARP_DEVICE_ATTRIBUTE(name, value)                                                                                    \
    case CU_DEVICE_ATTRIBUTE_##name:                                                                                             \
        return value_of(value);
#include "driver/device_attributes.def"
#undef ANYWARP_DEVICE_ATTRIBUTE
    default:
        return std::nullopt;
    }
}

CUresult get_uuid(const char* call, CUuuid* uuid, CUdevice ordinal) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_REQUIRE(uuid);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        static_assert(sizeof(uuid->bytes) == sizeof(machine::Properties::uuid));
        std::memcpy(uuid->bytes, device->properties().uuid.data(), sizeof uuid->bytes);
        return {};
    });
}

} // namespace

CUresult cuInit(unsigned flags) {
    return without_init(__func__, [&]() -> Result<void> {
        if (flags != 0) return invalid_value(format("flags are {}, must be 0", flags));
        initialize_process();
        if (ErrorCode state = process_state(); state != ErrorCode::success)
            return user_error(state, "the process has forked or is exiting");
        if (!machine::installed_devices()) {
            // The caller sees "no device"; the person at the keyboard needs to know that a name was wrong.
            const std::string& message = machine::installed_devices().error().message;
            static std::once_flag once;
            std::call_once(once, [&] { std::fprintf(stderr, "anywarp: %s\n", message.c_str()); });
            return user_error(ErrorCode::no_device, message);
        }
        if (machine::Device::count() == 0)
            return user_error(ErrorCode::no_device, "ANYWARP_DEVICES is 0 or CUDA_VISIBLE_DEVICES names none");
        return {};
    });
}

CUresult cuDriverGetVersion(int* version) {
    return without_init(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(version);
        *version = driver_version;
        return {};
    });
}

CUresult cuDeviceGetCount(int* count) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(count);
        *count = machine::Device::count();
        return {};
    });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(device);
        ANYWARP_TRY(device_of(ordinal));
        *device = ordinal;
        return {};
    });
}

CUresult cuDeviceGetName(char* name, int length, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(name);
        if (length <= 0) return invalid_value(format("room for {} characters", length));
        ANYWARP_TRY_AS(device, device_of(ordinal));
        std::snprintf(name, static_cast<size_t>(length), "%s", device->properties().name.c_str());
        return {};
    });
}

CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) { return get_uuid(__func__, uuid, device); }
CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) { return get_uuid(__func__, uuid, device); }

CUresult cuDeviceGetLuid(char*, unsigned*, CUdevice) {
    return with_driver(__func__,
                       []() -> Result<void> { return user_error(ErrorCode::not_supported, "LUIDs are a notion of Windows"); });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(bytes);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        *bytes = device->properties().total_memory;
        return {};
    });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute which, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        auto found = attribute(device->properties(), which);
        if (!found) return invalid_value(format("there is no device attribute {}", static_cast<int>(which)));
        *value = *found;
        return {};
    });
}

CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(major);
        ANYWARP_REQUIRE(minor);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        *major = device->properties().compute_major;
        *minor = device->properties().compute_minor;
        return {};
    });
}

CUresult cuDeviceGetProperties(CUdevprop* properties, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(properties);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        const machine::Properties& p = device->properties();
        *properties = {};
        properties->maxThreadsPerBlock = p.max_threads_per_block;
        for (int i = 0; i < 3; ++i) {
            properties->maxThreadsDim[i] = p.max_block_dim[i];
            properties->maxGridSize[i] = p.max_grid_dim[i];
        }
        properties->sharedMemPerBlock = p.shared_per_block;
        properties->totalConstantMemory = p.constant_memory;
        properties->SIMDWidth = p.warp_size;
        properties->memPitch = static_cast<int>(std::min<uint64_t>(p.max_pitch, 0x7fffffff));
        properties->regsPerBlock = p.registers_per_block;
        properties->clockRate = p.clock_khz;
        properties->textureAlign = p.texture_alignment;
        return {};
    });
}

CUresult cuDeviceGetPCIBusId(char* id, int length, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(id);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        std::string name = device->properties().pci_text();
        if (length <= 0) return invalid_value(format("room for {} characters", length));
        std::snprintf(id, static_cast<size_t>(length), "%s", name.c_str());
        return {};
    });
}

CUresult cuDeviceGetByPCIBusId(CUdevice* device, const char* id) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(device);
        ANYWARP_REQUIRE(id);
        // [domain]:[bus]:[device].[function], with domain and function optional.
        int domain = 0, bus = 0, number = 0;
        if (std::sscanf(id, "%x:%x:%x", &domain, &bus, &number) != 3) {
            domain = 0;
            if (std::sscanf(id, "%x:%x", &bus, &number) != 2) return invalid_value(format("'{}' is no PCI address", id));
        }
        for (int i = 0; i < machine::Device::count(); ++i) {
            ANYWARP_TRY_AS(candidate, machine::Device::get(i));
            const machine::Properties& p = candidate->properties();
            if (p.pci_domain == domain && p.pci_bus == bus && p.pci_device == number) {
                *device = i;
                return {};
            }
        }
        return user_error(ErrorCode::invalid_device, format("no device at {}", id));
    });
}

CUresult cuDeviceGetExecAffinitySupport(int* supported, CUexecAffinityType, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(supported);
        ANYWARP_TRY(device_of(ordinal));
        *supported = 0;
        return {};
    });
}

CUresult cuProfilerInitialize(const char*, const char*, CUoutput_mode) {
    return with_driver(__func__, []() -> Result<void> { return user_error(ErrorCode::not_supported, "retired with CUDA 11"); });
}
CUresult cuProfilerStart() {
    return with_context(__func__, [](CUctx_st&) -> Result<void> { return {}; });
}
CUresult cuProfilerStop() {
    return with_context(__func__, [](CUctx_st&) -> Result<void> { return {}; });
}
