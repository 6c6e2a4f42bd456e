// Sizes, offsets and values that a compiled tool depends on; printed once with our nvml.h and once with NVIDIA's.
#include <cstddef>
#include <cstdio>

#include <nvml.h>

#define SIZE(type) std::printf(#type " %zu %zu\n", sizeof(type), alignof(type));
#define PLACE(type, field) std::printf(#type "::" #field " %zu %zu\n", offsetof(type, field), sizeof(type::field));
#define VALUE(name) std::printf(#name " %lld\n", static_cast<long long>(name));

int main() {
    SIZE(nvmlPciInfo_t)
    PLACE(nvmlPciInfo_t, domain)
    PLACE(nvmlPciInfo_t, pciDeviceId) PLACE(nvmlPciInfo_t, pciSubSystemId) PLACE(nvmlPciInfo_t, busId) SIZE(
        nvmlPciInfoExt_t) PLACE(nvmlPciInfoExt_t, domain) PLACE(nvmlPciInfoExt_t, baseClass) PLACE(nvmlPciInfoExt_t,
                                                                                                   busId) SIZE(nvmlMemory_t)
        PLACE(nvmlMemory_t, total) PLACE(nvmlMemory_t, free) PLACE(nvmlMemory_t, used) SIZE(nvmlMemory_v2_t) PLACE(
            nvmlMemory_v2_t, version) PLACE(nvmlMemory_v2_t, total) PLACE(nvmlMemory_v2_t, reserved) PLACE(nvmlMemory_v2_t, free)
            PLACE(nvmlMemory_v2_t, used) SIZE(nvmlBAR1Memory_t) PLACE(nvmlBAR1Memory_t, bar1Free) PLACE(
                nvmlBAR1Memory_t, bar1Used) SIZE(nvmlUtilization_t) PLACE(nvmlUtilization_t, memory) SIZE(nvmlProcessInfo_v1_t)
                PLACE(nvmlProcessInfo_v1_t, usedGpuMemory) SIZE(nvmlProcessInfo_t) PLACE(nvmlProcessInfo_t, usedGpuMemory) PLACE(
                    nvmlProcessInfo_t, computeInstanceId) SIZE(nvmlProcessUtilizationSample_t)
                    PLACE(nvmlProcessUtilizationSample_t, timeStamp) PLACE(nvmlProcessUtilizationSample_t, decUtil) SIZE(
                        nvmlDeviceAttributes_t) PLACE(nvmlDeviceAttributes_t, memorySizeMB)
                        SIZE(nvmlUUID_t) PLACE(nvmlUUID_t, type) PLACE(nvmlUUID_t, value) SIZE(
                            nvmlSystemDriverBranchInfo_t) PLACE(nvmlSystemDriverBranchInfo_t, branch)
                            SIZE(nvmlHwbcEntry_t) SIZE(nvmlFieldValue_t) PLACE(nvmlFieldValue_t, timestamp) PLACE(
                                nvmlFieldValue_t,
                                latencyUsec) PLACE(nvmlFieldValue_t,
                                                   valueType) PLACE(nvmlFieldValue_t, nvmlReturn)
                                PLACE(nvmlFieldValue_t, value) SIZE(nvmlEventData_t) PLACE(nvmlEventData_t, eventType) PLACE(
                                    nvmlEventData_t, eventData)
                                    PLACE(nvmlEventData_t, computeInstanceId) VALUE(NVML_ERROR_UNINITIALIZED) VALUE(
                                        NVML_ERROR_NOT_SUPPORTED) VALUE(NVML_ERROR_NOT_FOUND)
                                        VALUE(
                                            NVML_ERROR_INSUFFICIENT_SIZE) VALUE(NVML_ERROR_DRIVER_NOT_LOADED)
                                            VALUE(NVML_ERROR_TIMEOUT) VALUE(NVML_ERROR_ARGUMENT_VERSION_MISMATCH) VALUE(
                                                NVML_ERROR_INVALID_STATE)
                                                VALUE(NVML_ERROR_UNKNOWN) VALUE(NVML_BRAND_TESLA) VALUE(NVML_BRAND_GEFORCE) VALUE(
                                                    NVML_BRAND_NVIDIA) VALUE(NVML_BRAND_GEFORCE_RTX) VALUE(NVML_BRAND_NVIDIA_RTX)
                                                    VALUE(NVML_DEVICE_ARCH_AMPERE) VALUE(NVML_DEVICE_ARCH_HOPPER) VALUE(
                                                        NVML_DEVICE_ARCH_BLACKWELL) VALUE(NVML_CLOCK_MEM) VALUE(NVML_CLOCK_VIDEO)
                                                        VALUE(NVML_CLOCK_COUNT)
                                                            VALUE(NVML_PSTATE_UNKNOWN) VALUE(NVML_TOPOLOGY_INTERNAL) VALUE(
                                                                NVML_TOPOLOGY_NODE) VALUE(NVML_TOPOLOGY_SYSTEM)
                                                                VALUE(NVML_P2P_STATUS_NOT_SUPPORTED) VALUE(
                                                                    NVML_P2P_CAPS_INDEX_NVLINK) VALUE(NVML_P2P_CAPS_INDEX_ATOMICS)
                                                                    VALUE(NVML_P2P_CAPS_INDEX_PCI) VALUE(
                                                                        NVML_NVLINK_CAP_P2P_ATOMICS) VALUE(NVML_NVLINK_CAP_VALID)
                                                                        VALUE(NVML_NVLINK_DEVICE_TYPE_SWITCH) VALUE(
                                                                            NVML_NVLINK_ERROR_COUNT) VALUE(NVML_NVLINK_MAX_LINKS)
                                                                            VALUE(NVML_FI_DEV_ECC_CURRENT) VALUE(
                                                                                NVML_FI_DEV_NVLINK_LINK_COUNT)
                                                                                VALUE(NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON) VALUE(
                                                                                    NVML_FI_DEV_NVSWITCH_CONNECTED_LINK_COUNT)
                                                                                    VALUE(NVML_COMPUTEMODE_EXCLUSIVE_PROCESS)
                                                                                        VALUE(NVML_VALUE_TYPE_UNSIGNED_SHORT)
                                                                                            VALUE(NVML_MEMORY_LOCATION_COUNT)
                                                                                                VALUE(nvmlMemory_v2)
                                                                                                    VALUE(nvmlPciInfoExt_v1)
                                                                                                        VALUE(nvmlUUID_v1)
}
