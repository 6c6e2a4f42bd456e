// See device_models.h.
#include "machine/device_models.h"

#include "catalogue/catalogue.h"

namespace anywarp::machine {
namespace {

/// "h100, h200, ...": the devices that a program can run on.
std::string usable_devices() {
    auto all = catalogue::all_devices();
    if (!all) return {};
    std::string names;
    for (const auto& device : *all)
        if (device.cuda()) names += (names.empty() ? "" : ", ") + device.id;
    return names;
}

} // namespace

Result<Properties> model_properties(const std::string& name) {
    auto device = catalogue::find_device(name);
    if (!device) return std::unexpected(device.error());
    auto cuda = device->cuda();
    if (!cuda)
        return user_error(ErrorCode::invalid_device, "programs can't run on " + device->name + ": " + cuda.error().message +
                                                         "; they can on " + usable_devices());
    const catalogue::CudaModel& m = *cuda;
    Properties p;
    apply_architecture(p, m.compute_major, m.compute_minor);
    p.name = m.name;
    p.model = device->id;
    p.is_cpu = false;
    p.total_memory = m.total_memory;
    p.physical_memory = std::max(m.nvml_memory, m.total_memory);
    p.multiprocessors = m.multiprocessors;
    p.warp_size = m.warp_size;
    p.max_threads_per_block = m.max_threads_per_block;
    p.max_threads_per_multiprocessor = m.max_threads_per_multiprocessor;
    p.max_blocks_per_multiprocessor = m.max_blocks_per_multiprocessor;
    p.registers_per_block = m.registers_per_block;
    p.registers_per_multiprocessor = m.registers_per_multiprocessor;
    p.shared_per_block = m.shared_per_block;
    p.shared_per_block_optin = m.shared_per_block_optin;
    p.shared_per_multiprocessor = m.shared_per_multiprocessor;
    p.reserved_shared_per_block = m.reserved_shared_per_block;
    p.constant_memory = m.constant_memory;
    p.max_cluster = std::max(m.max_cluster_size, m.max_cluster_size_non_portable);
    p.clock_khz = m.clock_khz;
    p.memory_clock_khz = m.memory_clock_khz;
    p.memory_bus_width = m.memory_bus_bits;
    p.l2_bytes = m.l2_bytes;
    p.persisting_l2 = m.persisting_l2_bytes;
    p.access_window = static_cast<uint64_t>(m.access_policy_window_bytes);
    if (m.single_to_double_ratio) p.fp32_to_fp64 = m.single_to_double_ratio;
    p.async_engines = m.copy_engines;
    p.ecc = m.ecc;
    auto pci = [&](int id) { return id ? static_cast<uint32_t>(id) << 16 | static_cast<uint32_t>(m.pci_vendor_id) : 0; };
    p.pci_id = pci(m.pci_device_id);
    p.pci_subsystem_id = pci(m.pci_subsystem_id);
    p.pcie_generation = m.pcie_generation;
    p.pcie_width = m.pcie_lanes;
    p.nvlinks = m.nvlink_count;
    p.nvlink_version = m.nvlink_version;
    p.nvlink_gbs = m.nvlink_count * m.nvlink_link_gbs;
    p.switched = m.nvlink_switch;
    p.link_domain = m.link_domain;
    p.peer_over_pcie = m.peer_access;
    p.power_limit_watts = static_cast<int>(m.tdp_w);
    p.architecture = m.architecture;
    p.brand = m.brand;
    return p;
}

} // namespace anywarp::machine
