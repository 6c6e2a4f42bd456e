// Peers: may a device read another one's memory, over what, and which contexts have asked for it. CUDA driver API, "Peer Context
// Memory Access"; "Device Management" for the capabilities of atomics.
//
// All devices' memory lies in one address space here, so that enabling a peer changes no mapping. What changes is what the
// calls answer; and where there is no path between two devices (machine/properties.h, link_between) enabling is refused.

#include "driver/api.h"
#include "driver/format.h"

#include <set>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct Peers {
    std::mutex mutex;
    std::set<std::pair<unsigned long long, unsigned long long>> enabled; // ids of contexts: who may read, whose memory
};
Peers& peers() {
    static auto* all = new Peers;
    return *all;
}

Result<CUctx_st*> live_context(CUcontext handle) {
    auto context = objects().contexts.find(handle);
    if (!context) return user_error(ErrorCode::invalid_context, "not a context");
    if (!context->alive) return user_error(ErrorCode::context_is_destroyed, "the context has been destroyed");
    return context.get();
}

Result<machine::Link> link_of(CUdevice from, CUdevice to) {
    ANYWARP_TRY_AS(source, device_of(from));
    ANYWARP_TRY_AS(destination, device_of(to));
    return machine::link_between(source->properties(), destination->properties());
}

/// What kinds of one operation are native over a link that has atomics. Bits of CUatomicOperationCapability.
unsigned capabilities_of(CUatomicOperation operation) {
    constexpr unsigned integers = CU_ATOMIC_CAPABILITY_SIGNED | CU_ATOMIC_CAPABILITY_UNSIGNED | CU_ATOMIC_CAPABILITY_SCALAR_32 |
                                  CU_ATOMIC_CAPABILITY_SCALAR_64;
    constexpr unsigned bits = CU_ATOMIC_CAPABILITY_UNSIGNED | CU_ATOMIC_CAPABILITY_SCALAR_32 | CU_ATOMIC_CAPABILITY_SCALAR_64;
    switch (operation) {
    case CU_ATOMIC_OPERATION_INTEGER_ADD:
    case CU_ATOMIC_OPERATION_INTEGER_MIN:
    case CU_ATOMIC_OPERATION_INTEGER_MAX:
        return integers | CU_ATOMIC_CAPABILITY_REDUCTION;
    case CU_ATOMIC_OPERATION_INTEGER_INCREMENT:
    case CU_ATOMIC_OPERATION_INTEGER_DECREMENT:
        return CU_ATOMIC_CAPABILITY_UNSIGNED | CU_ATOMIC_CAPABILITY_SCALAR_32 | CU_ATOMIC_CAPABILITY_REDUCTION;
    case CU_ATOMIC_OPERATION_AND:
    case CU_ATOMIC_OPERATION_OR:
    case CU_ATOMIC_OPERATION_XOR:
        return bits | CU_ATOMIC_CAPABILITY_REDUCTION;
    case CU_ATOMIC_OPERATION_EXCHANGE:
    case CU_ATOMIC_OPERATION_CAS:
        return bits | CU_ATOMIC_CAPABILITY_SCALAR_128;
    case CU_ATOMIC_OPERATION_FLOAT_ADD:
        return CU_ATOMIC_CAPABILITY_SIGNED | CU_ATOMIC_CAPABILITY_SCALAR_32 | CU_ATOMIC_CAPABILITY_SCALAR_64 |
               CU_ATOMIC_CAPABILITY_REDUCTION;
    default:
        return 0;
    }
}

Result<void> fill_capabilities(unsigned* capabilities, const CUatomicOperation* operations, unsigned count, bool atomics) {
    ANYWARP_REQUIRE(capabilities);
    ANYWARP_REQUIRE(operations);
    for (unsigned i = 0; i < count; ++i) {
        if (operations[i] < 0 || operations[i] >= CU_ATOMIC_OPERATION_MAX)
            return invalid_value(format("there is no atomic operation {}", static_cast<int>(operations[i])));
        capabilities[i] = atomics ? capabilities_of(operations[i]) : 0;
    }
    return {};
}

} // namespace

CUresult cuDeviceCanAccessPeer(int* can, CUdevice from, CUdevice to) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(can);
        ANYWARP_TRY_AS(link, link_of(from, to));
        *can = link.access;
        return {};
    });
}

CUresult cuDeviceGetP2PAttribute(int* value, CUdevice_P2PAttribute which, CUdevice from, CUdevice to) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(link, link_of(from, to));
        if (from == to) return user_error(ErrorCode::invalid_device, "a device is no peer of itself");
        switch (which) {
        case CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK:
            *value = link.rank;
            return {};
        case CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED:
        case CU_DEVICE_P2P_ATTRIBUTE_CUDA_ARRAY_ACCESS_SUPPORTED:
            *value = link.access;
            return {};
        case CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED:
            *value = link.atomics;
            return {};
        case CU_DEVICE_P2P_ATTRIBUTE_ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED:
            *value = 0;
            return {};
        default:
            return invalid_value(format("there is no peer attribute {}", static_cast<int>(which)));
        }
    });
}

CUresult cuDeviceGetP2PAtomicCapabilities(unsigned* capabilities, const CUatomicOperation* operations, unsigned count,
                                          CUdevice from, CUdevice to) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(link, link_of(from, to));
        if (from == to) return user_error(ErrorCode::invalid_device, "a device is no peer of itself");
        return fill_capabilities(capabilities, operations, count, link.atomics);
    });
}

CUresult cuDeviceGetHostAtomicCapabilities(unsigned* capabilities, const CUatomicOperation* operations, unsigned count,
                                           CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(device, device_of(ordinal));
        return fill_capabilities(capabilities, operations, count, device->properties().is_cpu);
    });
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (flags != 0) return invalid_value("flags must be 0");
        ANYWARP_TRY_AS(other, live_context(peer));
        if (other->device == context.device) return user_error(ErrorCode::invalid_context, "a device is no peer of itself");
        if (!machine::link_between(context.device->properties(), other->device->properties()).access)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED),
                              format("{} has no path to the memory of {}", context.device->properties().name,
                                     other->device->properties().name));
        std::lock_guard lock(peers().mutex);
        if (!peers().enabled.emplace(context.id, other->id).second)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED), "it is enabled already");
        return {};
    });
}

CUresult cuCtxDisablePeerAccess(CUcontext peer) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(other, live_context(peer));
        std::lock_guard lock(peers().mutex);
        if (!peers().enabled.erase({context.id, other->id}))
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED), "it wasn't enabled");
        return {};
    });
}

namespace anywarp::driver {
void forget_peers(const CUctx_st& context) {
    std::lock_guard lock(peers().mutex);
    std::erase_if(peers().enabled, [&](const auto& pair) { return pair.first == context.id || pair.second == context.id; });
}
} // namespace anywarp::driver
