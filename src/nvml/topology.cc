// How devices are joined: PCIe, NVLink, what one may do with another's memory (machine/properties.h, link_between); fields asked
// for by number; events, of which a virtual device has none. NVML API Reference Guide, "Device Queries", "NvLink Methods", "Field
// Value Queries", "Event Handling Methods".
#include "nvml/library.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <thread>

using namespace anywarp;
using namespace anywarp::nvml;
using machine::Link;
using machine::Properties;

namespace {

/// A data centre machine: the slots of one processor share a host bridge; two processors are one system; further eight slots are
/// another machine's, reached over the links alone.
nvmlGpuTopologyLevel_t level_between(const Properties& a, const Properties& b) {
    if (a.slot == b.slot) return NVML_TOPOLOGY_INTERNAL;
    if (a.is_cpu || b.is_cpu) return NVML_TOPOLOGY_NODE; // the host itself
    return a.slot / 4 == b.slot / 4 ? NVML_TOPOLOGY_NODE : NVML_TOPOLOGY_SYSTEM;
}

template <class Body> nvmlReturn_t with_link(nvmlDevice_t handle, unsigned link, Body body) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (link >= NVML_NVLINK_MAX_LINKS) return NVML_ERROR_INVALID_ARGUMENT;
        if (device.properties.nvlinks == 0) return NVML_ERROR_NOT_SUPPORTED;
        return body(device.properties);
    });
}

/// Without a switch a link leads to one other device: they are dealt out in order. Null where it leads nowhere.
const nvmlDevice_st* other_end(const Properties& p, unsigned link) {
    std::vector<const nvmlDevice_st*> others;
    for (unsigned i = 0; i < device_count(); i++)
        if (machine::link_between(p, device_at(i)->properties).kind == Link::Kind::nvlink) others.push_back(device_at(i));
    if (others.empty() || link >= static_cast<unsigned>(p.nvlinks)) return nullptr;
    size_t at = link / std::max<unsigned>(1, static_cast<unsigned>(machine::link_between(p, others[0]->properties).nvlinks));
    return at < others.size() ? others[at] : nullptr;
}

/// A link is up when something is at its other end: a switch always is.
bool active(const Properties& p, unsigned link) {
    return link < static_cast<unsigned>(p.nvlinks) && (p.switched || other_end(p, link));
}

nvmlReturn_t remote_pci(nvmlDevice_t handle, unsigned link, nvmlPciInfo_t* pci) {
    return with_link(handle, link, [&](const Properties& p) {
        if (!pci) return NVML_ERROR_INVALID_ARGUMENT;
        if (!active(p, link)) return NVML_ERROR_NOT_SUPPORTED;
        if (!p.switched) return nvmlDeviceGetPciInfo_v3(device_at(other_end(p, link)->index), pci);
        // The switches of a board: four, on buses of their own, the links spread over them.
        *pci = {};
        pci->domain = static_cast<unsigned>(p.pci_domain);
        pci->bus = 0x05 + link % 4;
        std::snprintf(pci->busId, sizeof pci->busId, "%08x:%02x:00.0", pci->domain, pci->bus);
        std::snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%04x:%02x:00.0", pci->domain & 0xffff, pci->bus & 0xff);
        return NVML_SUCCESS;
    });
}

template <class Figure> nvmlReturn_t pcie(nvmlDevice_t handle, unsigned* result, Figure Properties::* figure) {
    return known_answer(handle, result, [&](const Properties& p) { return p.*figure; });
}

void answer_field(nvmlFieldValue_t& field, const Properties& p) {
    auto number = [&](unsigned value) {
        field.valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
        field.value.uiVal = value;
        field.nvmlReturn = NVML_SUCCESS;
    };
    field.nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
    switch (field.fieldId) {
    case NVML_FI_DEV_ECC_CURRENT:
    case NVML_FI_DEV_ECC_PENDING:
        if (!p.is_cpu) number(p.ecc);
        break;
    case NVML_FI_DEV_NVLINK_LINK_COUNT:
        if (p.nvlinks) number(static_cast<unsigned>(p.nvlinks));
        break;
    case NVML_FI_DEV_NVSWITCH_CONNECTED_LINK_COUNT:
        if (p.nvlinks) number(p.switched ? static_cast<unsigned>(p.nvlinks) : 0);
        break;
    case NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON: // of one link, one direction
        if (p.nvlinks && p.nvlink_gbs > 0) number(static_cast<unsigned>(p.nvlink_gbs * 1000 / p.nvlinks / 2));
        break;
    default:
        break;
    }
}

} // namespace

struct nvmlEventSet_st {
    unsigned long long types = 0;
};

namespace {
std::mutex set_mutex;
std::set<nvmlEventSet_t>& event_sets() {
    static auto* all = new std::set<nvmlEventSet_t>;
    return *all;
}
} // namespace

nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nvmlDevice_t handle, unsigned* generation) {
    return pcie(handle, generation, &Properties::pcie_generation);
}
nvmlReturn_t nvmlDeviceGetGpuMaxPcieLinkGeneration(nvmlDevice_t handle, unsigned* generation) {
    return pcie(handle, generation, &Properties::pcie_generation);
}
nvmlReturn_t nvmlDeviceGetCurrPcieLinkGeneration(nvmlDevice_t handle, unsigned* generation) {
    return pcie(handle, generation, &Properties::pcie_generation);
}
nvmlReturn_t nvmlDeviceGetMaxPcieLinkWidth(nvmlDevice_t handle, unsigned* width) {
    return pcie(handle, width, &Properties::pcie_width);
}
nvmlReturn_t nvmlDeviceGetCurrPcieLinkWidth(nvmlDevice_t handle, unsigned* width) {
    return pcie(handle, width, &Properties::pcie_width);
}

nvmlReturn_t nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t handle, nvmlDevice_t other, nvmlGpuTopologyLevel_t* level) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        const nvmlDevice_st* peer = device_of(other);
        if (!peer || !level) return NVML_ERROR_INVALID_ARGUMENT;
        *level = level_between(device.properties, peer->properties);
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetTopologyNearestGpus(nvmlDevice_t handle, nvmlGpuTopologyLevel_t level, unsigned* count,
                                              nvmlDevice_t* devices) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!count) return NVML_ERROR_INVALID_ARGUMENT;
        std::vector<nvmlDevice_t> near;
        for (unsigned i = 0; i < device_count(); i++)
            if (i != device.index && level_between(device.properties, device_at(i)->properties) <= level)
                near.push_back(device_at(i));
        unsigned room = *count;
        *count = static_cast<unsigned>(near.size());
        if (room == 0 || near.empty()) return NVML_SUCCESS;
        if (!devices) return NVML_ERROR_INVALID_ARGUMENT;
        *count = std::min<unsigned>(room, *count);
        std::copy_n(near.begin(), *count, devices);
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetP2PStatus(nvmlDevice_t handle, nvmlDevice_t other, nvmlGpuP2PCapsIndex_t index,
                                    nvmlGpuP2PStatus_t* status) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        const nvmlDevice_st* peer = device_of(other);
        if (!peer || !status) return NVML_ERROR_INVALID_ARGUMENT;
        Link link = machine::link_between(device.properties, peer->properties);
        bool yes = false;
        switch (index) {
        case NVML_P2P_CAPS_INDEX_READ:
        case NVML_P2P_CAPS_INDEX_WRITE:
            yes = link.access;
            break;
        case NVML_P2P_CAPS_INDEX_NVLINK:
            yes = link.kind == Link::Kind::nvlink;
            break;
        case NVML_P2P_CAPS_INDEX_ATOMICS:
            yes = link.atomics;
            break;
        case NVML_P2P_CAPS_INDEX_PCI:
            yes = link.kind == Link::Kind::pcie && link.access;
            break;
        default:
            return NVML_ERROR_INVALID_ARGUMENT;
        }
        *status = yes ? NVML_P2P_STATUS_OK : NVML_P2P_STATUS_NOT_SUPPORTED;
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t handle, unsigned link, nvmlEnableState_t* state) {
    return with_link(handle, link, [&](const Properties& p) {
        if (!state || link >= static_cast<unsigned>(p.nvlinks)) return NVML_ERROR_INVALID_ARGUMENT;
        *state = active(p, link) ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetNvLinkVersion(nvmlDevice_t handle, unsigned link, unsigned* version) {
    return with_link(handle, link, [&](const Properties& p) {
        if (!version || link >= static_cast<unsigned>(p.nvlinks)) return NVML_ERROR_INVALID_ARGUMENT;
        if (!p.nvlink_version) return NVML_ERROR_NOT_SUPPORTED;
        *version = static_cast<unsigned>(p.nvlink_version);
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetNvLinkCapability(nvmlDevice_t handle, unsigned link, nvmlNvLinkCapability_t capability, unsigned* has) {
    return with_link(handle, link, [&](const Properties& p) {
        if (!has || link >= static_cast<unsigned>(p.nvlinks) || capability < 0 || capability >= NVML_NVLINK_CAP_COUNT)
            return NVML_ERROR_INVALID_ARGUMENT;
        *has = capability == NVML_NVLINK_CAP_P2P_SUPPORTED || capability == NVML_NVLINK_CAP_P2P_ATOMICS ||
               capability == NVML_NVLINK_CAP_VALID;
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo(nvmlDevice_t handle, unsigned link, nvmlPciInfo_t* pci) {
    return remote_pci(handle, link, pci);
}
nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo_v2(nvmlDevice_t handle, unsigned link, nvmlPciInfo_t* pci) {
    return remote_pci(handle, link, pci);
}

nvmlReturn_t nvmlDeviceGetNvLinkRemoteDeviceType(nvmlDevice_t handle, unsigned link, nvmlIntNvLinkDeviceType_t* type) {
    return with_link(handle, link, [&](const Properties& p) {
        if (!type || link >= static_cast<unsigned>(p.nvlinks)) return NVML_ERROR_INVALID_ARGUMENT;
        if (!active(p, link)) return NVML_ERROR_NOT_SUPPORTED;
        *type = p.switched ? NVML_NVLINK_DEVICE_TYPE_SWITCH : NVML_NVLINK_DEVICE_TYPE_GPU;
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetNvLinkErrorCounter(nvmlDevice_t handle, unsigned link, nvmlNvLinkErrorCounter_t counter,
                                             unsigned long long* count) {
    return with_link(handle, link, [&](const Properties& p) {
        if (!count || link >= static_cast<unsigned>(p.nvlinks) || counter < 0 || counter >= NVML_NVLINK_ERROR_COUNT)
            return NVML_ERROR_INVALID_ARGUMENT;
        *count = 0;
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t handle, int count, nvmlFieldValue_t* values) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!values || count <= 0) return NVML_ERROR_INVALID_ARGUMENT;
        auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
        for (int i = 0; i < count; i++) {
            values[i].timestamp = now.count();
            values[i].latencyUsec = 0;
            answer_field(values[i], device.properties);
        }
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t handle, unsigned long long* types) {
    return answer(handle, types, [](const Properties&) { return 0ull; });
}

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t* set) {
    return with_library([&] {
        if (!set) return NVML_ERROR_INVALID_ARGUMENT;
        std::lock_guard lock(set_mutex);
        *set = *event_sets().insert(new nvmlEventSet_st).first;
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t handle, unsigned long long types, nvmlEventSet_t set) {
    return with_device(handle, [&](const nvmlDevice_st&) {
        std::lock_guard lock(set_mutex);
        if (!event_sets().contains(set)) return NVML_ERROR_INVALID_ARGUMENT;
        return types ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS; // no type of event ever comes
    });
}

nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t* data, unsigned milliseconds) {
    return with_library([&] {
        {
            std::lock_guard lock(set_mutex);
            if (!event_sets().contains(set) || !data) return NVML_ERROR_INVALID_ARGUMENT;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
        return NVML_ERROR_TIMEOUT;
    });
}
nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t* data, unsigned milliseconds) {
    return nvmlEventSetWait_v2(set, data, milliseconds);
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
    return with_library([&] {
        std::lock_guard lock(set_mutex);
        if (!event_sets().erase(set)) return NVML_ERROR_INVALID_ARGUMENT;
        delete set;
        return NVML_SUCCESS;
    });
}
