// libnvidia-ml.so.1: what every call shares. A handle is the address of a Device below, confirmed before it is followed. NVML
// shows all installed devices, whatever CUDA_VISIBLE_DEVICES says, and works beside the driver: it shares no state with
// libcuda.so.1 but the counters of machine/usage.h.
//
// NVML API Reference Guide.
#pragma once

#define ANYWARP_EXACT_NAMES
#pragma GCC visibility push(default)
#include <nvml.h>
#pragma GCC visibility pop

#include "machine/properties.h"

#include <cstdint>
#include <string>

struct nvmlDevice_st {
    anywarp::machine::Properties properties;
    unsigned index = 0;
};

namespace anywarp::nvml {

/// Between an nvmlInit and its nvmlShutdown?
bool initialised();
unsigned device_count();
nvmlDevice_t device_at(unsigned index);
/// Null for what isn't one of ours.
const nvmlDevice_st* device_of(nvmlDevice_t handle);

nvmlReturn_t copy_text(const std::string& text, char* to, unsigned length); // insufficient_size when it doesn't fit

/// Checks that NVML is initialised.
template <class Body> nvmlReturn_t with_library(Body body) { return initialised() ? body() : NVML_ERROR_UNINITIALIZED; }
/// And that the device is one.
template <class Body> nvmlReturn_t with_device(nvmlDevice_t handle, Body body) {
    if (!initialised()) return NVML_ERROR_UNINITIALIZED;
    const nvmlDevice_st* device = device_of(handle);
    return device ? body(*device) : NVML_ERROR_INVALID_ARGUMENT;
}
/// A device's one answer.
template <class Value, class Body> nvmlReturn_t answer(nvmlDevice_t handle, Value* result, Body body) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!result) return NVML_ERROR_INVALID_ARGUMENT;
        *result = body(device.properties);
        return NVML_SUCCESS;
    });
}
/// The same for a figure that is 0 where nobody knows it.
template <class Value, class Body> nvmlReturn_t known_answer(nvmlDevice_t handle, Value* result, Body body) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!result) return NVML_ERROR_INVALID_ARGUMENT;
        auto value = body(device.properties);
        if (!value) return NVML_ERROR_NOT_SUPPORTED;
        *result = static_cast<Value>(value);
        return NVML_SUCCESS;
    });
}

} // namespace anywarp::nvml
