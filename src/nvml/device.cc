// Which devices there are, what they are called, what modes they are in. What a virtual device can't have (power, temperature,
// fans, current clocks) isn't implemented and answers NOT_SUPPORTED. NVML API Reference Guide, "Device Queries".
#include "nvml/library.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sched.h>

using namespace anywarp;
using namespace anywarp::nvml;
using machine::Properties;

namespace {

void fill_pci(nvmlPciInfo_t& pci, const Properties& p) {
    pci.domain = static_cast<unsigned>(p.pci_domain);
    pci.bus = static_cast<unsigned>(p.pci_bus);
    pci.device = static_cast<unsigned>(p.pci_device);
    pci.pciDeviceId = p.pci_id;
    pci.pciSubSystemId = p.pci_subsystem_id;
    std::snprintf(pci.busId, sizeof pci.busId, "%s", p.pci_text().c_str());
    std::snprintf(pci.busIdLegacy, sizeof pci.busIdLegacy, "%04x:%02x:%02x.0", pci.domain & 0xffff, pci.bus & 0xff,
                  pci.device & 0xff);
}

nvmlReturn_t pci_info(nvmlDevice_t handle, nvmlPciInfo_t* pci) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!pci) return NVML_ERROR_INVALID_ARGUMENT;
        fill_pci(*pci, device.properties);
        return NVML_SUCCESS;
    });
}

/// A device for which `fits` holds.
template <class Fits> nvmlReturn_t find(nvmlDevice_t* result, Fits fits) {
    if (!result) return NVML_ERROR_INVALID_ARGUMENT;
    for (unsigned i = 0; i < device_count(); i++)
        if (fits(device_at(i)->properties)) {
            *result = device_at(i);
            return NVML_SUCCESS;
        }
    return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t by_index(unsigned index, nvmlDevice_t* result) {
    return with_library([&] {
        if (!result || !device_at(index)) return NVML_ERROR_INVALID_ARGUMENT;
        *result = device_at(index);
        return NVML_SUCCESS;
    });
}

nvmlReturn_t by_pci(const char* id, nvmlDevice_t* result) {
    return with_library([&] {
        unsigned domain = 0, bus = 0, number = 0;
        if (!id) return NVML_ERROR_INVALID_ARGUMENT;
        if (std::sscanf(id, "%x:%x:%x", &domain, &bus, &number) != 3) {
            domain = 0;
            if (std::sscanf(id, "%x:%x", &bus, &number) != 2) return NVML_ERROR_INVALID_ARGUMENT;
        }
        return find(result, [&](const Properties& p) {
            return static_cast<unsigned>(p.pci_domain) == domain && static_cast<unsigned>(p.pci_bus) == bus &&
                   static_cast<unsigned>(p.pci_device) == number;
        });
    });
}

int cores_per_multiprocessor(const Properties& p) {
    switch (p.compute_major) {
    case 6:
        return p.compute_minor == 0 ? 64 : 128;
    case 7:
        return 64;
    case 8:
        return p.compute_minor == 0 ? 64 : 128;
    default:
        return 128;
    }
}

nvmlDeviceArchitecture_t architecture_of(const Properties& p) {
    if (p.is_cpu) return NVML_DEVICE_ARCH_UNKNOWN;
    if (p.architecture == "Rubin") return NVML_DEVICE_ARCH_RUBIN; // its compute capability is of Blackwell's family
    switch (p.compute_major) {
    case 5:
        return NVML_DEVICE_ARCH_MAXWELL;
    case 6:
        return NVML_DEVICE_ARCH_PASCAL;
    case 7:
        return p.compute_minor == 5 ? NVML_DEVICE_ARCH_TURING : NVML_DEVICE_ARCH_VOLTA;
    case 8:
        return p.compute_minor == 9 ? NVML_DEVICE_ARCH_ADA : NVML_DEVICE_ARCH_AMPERE;
    case 9:
        return NVML_DEVICE_ARCH_HOPPER;
    default:
        return p.compute_major >= 10 ? NVML_DEVICE_ARCH_BLACKWELL : NVML_DEVICE_ARCH_UNKNOWN;
    }
}

nvmlBrandType_t brand_of(const Properties& p) {
    constexpr struct {
        const char* name;
        nvmlBrandType_t brand;
    } brands[] = {{"NVIDIA", NVML_BRAND_NVIDIA},
                  {"Tesla", NVML_BRAND_TESLA},
                  {"GeForce", NVML_BRAND_GEFORCE},
                  {"GeForce RTX", NVML_BRAND_GEFORCE_RTX},
                  {"NVIDIA RTX", NVML_BRAND_NVIDIA_RTX},
                  {"Quadro", NVML_BRAND_QUADRO},
                  {"Titan", NVML_BRAND_TITAN}};
    for (const auto& row : brands)
        if (p.brand == row.name) return row.brand;
    return NVML_BRAND_UNKNOWN;
}

nvmlReturn_t no_errors(nvmlDevice_t handle, bool arguments_fit, unsigned long long* count) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!count || !arguments_fit) return NVML_ERROR_INVALID_ARGUMENT;
        if (!device.properties.ecc) return NVML_ERROR_NOT_SUPPORTED;
        *count = 0;
        return NVML_SUCCESS;
    });
}

nvmlReturn_t max_clock(nvmlDevice_t handle, nvmlClockType_t type, unsigned* mhz) {
    if (type < 0 || type >= NVML_CLOCK_COUNT) return initialised() ? NVML_ERROR_INVALID_ARGUMENT : NVML_ERROR_UNINITIALIZED;
    return known_answer(handle, mhz, [&](const Properties& p) {
        if (type == NVML_CLOCK_VIDEO || p.is_cpu) return 0;
        return (type == NVML_CLOCK_MEM ? p.memory_clock_khz : p.clock_khz) / 1000;
    });
}

} // namespace

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned* count) {
    return with_library([&] {
        if (!count) return NVML_ERROR_INVALID_ARGUMENT;
        *count = device_count();
        return NVML_SUCCESS;
    });
}
nvmlReturn_t nvmlDeviceGetCount(unsigned* count) { return nvmlDeviceGetCount_v2(count); }

nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned index, nvmlDevice_t* device) { return by_index(index, device); }
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t* device) { return by_index(index, device); }
nvmlReturn_t nvmlDeviceGetHandleByPciBusId(const char* id, nvmlDevice_t* device) { return by_pci(id, device); }
nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char* id, nvmlDevice_t* device) { return by_pci(id, device); }

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char* uuid, nvmlDevice_t* device) {
    return with_library([&] {
        if (!uuid) return NVML_ERROR_INVALID_ARGUMENT;
        return find(device, [&](const Properties& p) { return p.uuid_text() == uuid; });
    });
}

nvmlReturn_t nvmlDeviceGetHandleByUUIDV(const nvmlUUID_t* uuid, nvmlDevice_t* device) {
    return with_library([&] {
        if (!uuid) return NVML_ERROR_INVALID_ARGUMENT;
        if (uuid->version != nvmlUUID_v1) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        if (uuid->type != NVML_UUID_TYPE_ASCII && uuid->type != NVML_UUID_TYPE_BINARY) return NVML_ERROR_INVALID_ARGUMENT;
        return find(device, [&](const Properties& p) {
            return uuid->type == NVML_UUID_TYPE_BINARY
                       ? std::memcmp(uuid->value.bytes, p.uuid.data(), p.uuid.size()) == 0
                       : p.uuid_text() == std::string(uuid->value.str, strnlen(uuid->value.str, sizeof uuid->value.str));
        });
    });
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t handle, char* name, unsigned length) {
    return with_device(handle, [&](const nvmlDevice_st& d) { return copy_text(d.properties.name, name, length); });
}
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t handle, char* uuid, unsigned length) {
    return with_device(handle, [&](const nvmlDevice_st& d) { return copy_text(d.properties.uuid_text(), uuid, length); });
}
nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t handle, unsigned* index) {
    return answer(handle, index, [](const Properties& p) { return static_cast<unsigned>(p.slot); });
}
nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t handle, unsigned* number) { return nvmlDeviceGetIndex(handle, number); }
nvmlReturn_t nvmlDeviceGetModuleId(nvmlDevice_t handle, unsigned* id) { return nvmlDeviceGetIndex(handle, id); }
nvmlReturn_t nvmlDeviceGetBoardId(nvmlDevice_t handle, unsigned* id) {
    return answer(handle, id,
                  [](const Properties& p) { return static_cast<unsigned>(p.pci_domain << 16 | p.pci_bus << 8 | p.pci_device); });
}
nvmlReturn_t nvmlDeviceGetMultiGpuBoard(nvmlDevice_t handle, unsigned* multi) {
    return answer(handle, multi, [](const Properties&) { return 0u; });
}
nvmlReturn_t nvmlDeviceOnSameBoard(nvmlDevice_t handle, nvmlDevice_t other, int* same) {
    if (initialised() && !device_of(other)) return NVML_ERROR_INVALID_ARGUMENT;
    return answer(handle, same, [&](const Properties&) { return handle == other; });
}
nvmlReturn_t nvmlDeviceGetBrand(nvmlDevice_t handle, nvmlBrandType_t* brand) { return answer(handle, brand, brand_of); }
nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t handle, nvmlDeviceArchitecture_t* architecture) {
    return answer(handle, architecture, architecture_of);
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t handle, int* major, int* minor) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!major || !minor) return NVML_ERROR_INVALID_ARGUMENT;
        *major = device.properties.compute_major;
        *minor = device.properties.compute_minor;
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t handle, nvmlPciInfo_t* pci) { return pci_info(handle, pci); }
nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t handle, nvmlPciInfo_t* pci) { return pci_info(handle, pci); }
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t handle, nvmlPciInfo_t* pci) { return pci_info(handle, pci); }

nvmlReturn_t nvmlDeviceGetPciInfoExt(nvmlDevice_t handle, nvmlPciInfoExt_t* pci) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!pci) return NVML_ERROR_INVALID_ARGUMENT;
        if (pci->version != nvmlPciInfoExt_v1) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        nvmlPciInfo_t plain{};
        fill_pci(plain, device.properties);
        pci->domain = plain.domain, pci->bus = plain.bus, pci->device = plain.device;
        pci->pciDeviceId = plain.pciDeviceId, pci->pciSubSystemId = plain.pciSubSystemId;
        pci->baseClass = 3, pci->subClass = 2; // display controller, 3D controller
        std::memcpy(pci->busId, plain.busId, sizeof pci->busId);
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetBusType(nvmlDevice_t handle, nvmlBusType_t* type) {
    return answer(handle, type, [](const Properties& p) { return p.is_cpu ? NVML_BUS_TYPE_UNKNOWN : NVML_BUS_TYPE_PCIE; });
}
nvmlReturn_t nvmlDeviceGetNumGpuCores(nvmlDevice_t handle, unsigned* cores) {
    return answer(handle, cores,
                  [](const Properties& p) { return static_cast<unsigned>(p.multiprocessors * cores_per_multiprocessor(p)); });
}
nvmlReturn_t nvmlDeviceGetMemoryBusWidth(nvmlDevice_t handle, unsigned* bits) {
    return known_answer(handle, bits, [](const Properties& p) { return p.is_cpu ? 0 : p.memory_bus_width; });
}
nvmlReturn_t nvmlDeviceGetVirtualizationMode(nvmlDevice_t handle, nvmlGpuVirtualizationMode_t* mode) {
    return answer(handle, mode, [](const Properties&) { return NVML_GPU_VIRTUALIZATION_MODE_NONE; });
}

nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t handle, nvmlDeviceAttributes_t* attributes) {
    return answer(handle, attributes, [](const Properties& p) {
        nvmlDeviceAttributes_t a{};
        a.multiprocessorCount = static_cast<unsigned>(p.multiprocessors);
        a.sharedCopyEngineCount = static_cast<unsigned>(p.async_engines);
        a.memorySizeMB = p.physical_memory >> 20;
        return a;
    });
}
nvmlReturn_t nvmlDeviceGetAttributes(nvmlDevice_t handle, nvmlDeviceAttributes_t* attributes) {
    return nvmlDeviceGetAttributes_v2(handle, attributes);
}

// Modes

nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t handle, nvmlComputeMode_t* mode) {
    return answer(handle, mode, [](const Properties&) { return NVML_COMPUTEMODE_DEFAULT; });
}
nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t handle, nvmlEnableState_t* mode) {
    return answer(handle, mode, [](const Properties&) { return NVML_FEATURE_ENABLED; }); // nothing has to be loaded first
}
nvmlReturn_t nvmlDeviceGetDisplayMode(nvmlDevice_t handle, nvmlEnableState_t* display) {
    return answer(handle, display, [](const Properties&) { return NVML_FEATURE_DISABLED; });
}
nvmlReturn_t nvmlDeviceGetDisplayActive(nvmlDevice_t handle, nvmlEnableState_t* active) {
    return nvmlDeviceGetDisplayMode(handle, active);
}
nvmlReturn_t nvmlDeviceGetAccountingMode(nvmlDevice_t handle, nvmlEnableState_t* mode) {
    return nvmlDeviceGetDisplayMode(handle, mode);
}

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t handle, nvmlEnableState_t* current, nvmlEnableState_t* pending) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!current || !pending) return NVML_ERROR_INVALID_ARGUMENT;
        if (device.properties.is_cpu) return NVML_ERROR_NOT_SUPPORTED; // the machine's memory may have it; nobody here knows
        *current = *pending = device.properties.ecc ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
        return NVML_SUCCESS;
    });
}
nvmlReturn_t nvmlDeviceGetDefaultEccMode(nvmlDevice_t handle, nvmlEnableState_t* mode) {
    nvmlEnableState_t pending;
    return nvmlDeviceGetEccMode(handle, mode, &pending);
}
nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t handle, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter,
                                         unsigned long long* count) {
    return no_errors(handle, type < NVML_MEMORY_ERROR_TYPE_COUNT && counter < NVML_ECC_COUNTER_TYPE_COUNT, count);
}
nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t handle, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter,
                                             nvmlMemoryLocation_t location, unsigned long long* count) {
    return no_errors(handle,
                     type < NVML_MEMORY_ERROR_TYPE_COUNT && counter < NVML_ECC_COUNTER_TYPE_COUNT &&
                         location < NVML_MEMORY_LOCATION_COUNT,
                     count);
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t handle, unsigned* current, unsigned* pending) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!current || !pending) return NVML_ERROR_INVALID_ARGUMENT;
        // Parts that could be divided say "disabled", the others that they can't.
        const Properties& p = device.properties;
        bool divisible = !p.is_cpu && ((p.compute_major == 8 && p.compute_minor == 0) || (p.compute_major >= 9 && p.switched));
        if (!divisible) return NVML_ERROR_NOT_SUPPORTED;
        *current = *pending = 0;
        return NVML_SUCCESS;
    });
}
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t handle, unsigned* count) {
    return answer(handle, count, [](const Properties&) { return 0u; });
}
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t handle, unsigned, nvmlDevice_t* instance) {
    return with_device(handle,
                       [&](const nvmlDevice_st&) { return instance ? NVML_ERROR_NOT_FOUND : NVML_ERROR_INVALID_ARGUMENT; });
}
nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t handle, unsigned* is) {
    return answer(handle, is, [](const Properties&) { return 0u; });
}

// Clocks and power: what the device is made for. How it fares at the moment a virtual device can't say.

nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t handle, nvmlPstates_t* state) {
    return answer(handle, state, [](const Properties&) { return NVML_PSTATE_0; });
}
nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t handle, nvmlClockType_t type, unsigned* mhz) {
    return max_clock(handle, type, mhz);
}
nvmlReturn_t nvmlDeviceGetMaxCustomerBoostClock(nvmlDevice_t handle, nvmlClockType_t type, unsigned* mhz) {
    return max_clock(handle, type, mhz);
}
nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t handle, unsigned* milliwatts) {
    return known_answer(handle, milliwatts, [](const Properties& p) { return p.power_limit_watts * 1000; });
}
nvmlReturn_t nvmlDeviceGetNumFans(nvmlDevice_t handle, unsigned* fans) {
    return answer(handle, fans, [](const Properties&) { return 0u; });
}
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t handle, unsigned long long* reasons) {
    return answer(handle, reasons, [](const Properties&) { return 0ull; });
}
nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t handle, unsigned long long* reasons) {
    return nvmlDeviceGetCurrentClocksEventReasons(handle, reasons);
}
nvmlReturn_t nvmlDeviceGetSupportedClocksEventReasons(nvmlDevice_t handle, unsigned long long* reasons) {
    return nvmlDeviceGetCurrentClocksEventReasons(handle, reasons);
}
nvmlReturn_t nvmlDeviceGetSupportedClocksThrottleReasons(nvmlDevice_t handle, unsigned long long* reasons) {
    return nvmlDeviceGetCurrentClocksEventReasons(handle, reasons);
}

/// The processors that run the device's blocks are those that this process may use.
nvmlReturn_t nvmlDeviceGetCpuAffinity(nvmlDevice_t handle, unsigned words, unsigned long* set) {
    return with_device(handle, [&](const nvmlDevice_st&) {
        if (!set || words == 0) return NVML_ERROR_INVALID_ARGUMENT;
        cpu_set_t mine;
        CPU_ZERO(&mine);
        if (sched_getaffinity(0, sizeof mine, &mine) != 0) return NVML_ERROR_OPERATING_SYSTEM;
        constexpr unsigned bits = 8 * sizeof(unsigned long);
        std::fill_n(set, words, 0ul);
        for (unsigned cpu = 0; cpu < std::min<unsigned>(words * bits, CPU_SETSIZE); cpu++)
            if (CPU_ISSET(cpu, &mine)) set[cpu / bits] |= 1ul << (cpu % bits);
        return NVML_SUCCESS;
    });
}
