// DeviceModel -> what a CUDA program sees. Limits of a compute capability come from devices/tables/compute_capabilities.json
// (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"). What no source gives is assumed from the
// part's marketed figures and listed in CudaModel::assumed: a program needs some number, a reader must see which are ours.
#include "catalogue/catalogue.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace anywarp::catalogue {
namespace {

using Json = nlohmann::json;

const Json& capability_table() {
    static const Json table = Json::parse(embedded_table("compute_capabilities")).at("capabilities");
    return table;
}

} // namespace

std::string_view embedded_table(std::string_view name) {
    for (const EmbeddedFile& file : embedded_files())
        if (file.name == "tables/" + std::string(name) + ".json") return file.text;
    return "{}";
}

double tensor_operations(std::string_view compute_capability) {
    const Json& table = capability_table();
    const std::string key(compute_capability);
    return table.contains(key) ? table[key].value("tensor_fp16_ops", 0.0) : 0;
}

Result<CudaModel> DeviceModel::cuda() const {
    if (kind == Kind::system)
        return user_error(ErrorCode::invalid_device,
                          id + " is a system; name one of its devices" + (parts.empty() ? "" : ", " + parts.front().device));
    if (compute_capability.empty())
        return user_error(ErrorCode::invalid_device, vendor == "NVIDIA"
                                                         ? "nobody publishes the compute capability of " + name
                                                         : name + " runs no CUDA programs: it can be compared, not be run on");
    const Json& table = capability_table();
    if (!table.contains(compute_capability))
        return user_error(ErrorCode::invalid_device, name + " has compute capability " + compute_capability +
                                                         ", which the table of compute capabilities lacks");
    const Json& row = table[compute_capability];

    CudaModel m;
    m.name = cuda_name.empty() ? name : cuda_name;
    if (cuda_name.empty()) m.assumed.push_back("name");
    m.brand = brand.empty() ? "NVIDIA" : brand;
    m.architecture = architecture;
    const size_t dot = compute_capability.find('.');
    m.compute_major = std::atoi(compute_capability.c_str());
    m.compute_minor = dot == std::string::npos ? 0 : std::atoi(compute_capability.c_str() + dot + 1);

    const auto limit = [&](const char* key, int& target) {
        if (row.contains(key)) target = row[key].get<int>();
    };
    limit("cores_per_sm", m.cores_per_multiprocessor);
    limit("max_threads_per_sm", m.max_threads_per_multiprocessor);
    limit("max_blocks_per_sm", m.max_blocks_per_multiprocessor);
    limit("shared_per_sm", m.shared_per_multiprocessor);
    limit("shared_per_block_optin", m.shared_per_block_optin);
    limit("reserved_shared_per_block", m.reserved_shared_per_block);
    limit("single_to_double_ratio", m.single_to_double_ratio);
    limit("max_cluster_size", m.max_cluster_size);
    limit("max_cluster_size_non_portable", m.max_cluster_size_non_portable);
    if (row.value("assumed", false)) m.assumed.push_back("limits of compute capability " + compute_capability);

    /// The figure, or else what `otherwise` answers, which is then named as assumed.
    const auto figure_or = [&](const char* key, const char* field, auto otherwise) -> double {
        if (std::optional<double> value = number(key)) return *value;
        m.assumed.push_back(field);
        return static_cast<double>(otherwise());
    };
    m.multiprocessors = static_cast<int>(figure_or("units", "multiprocessors", [] { return 128; }));
    // What NVIDIA markets as 80 GB is nearly 80 GiB; a two-hundredth goes to the driver.
    const auto capacity = [&] { return std::floor(number("memory.capacity_gb").value_or(16) * 0.995 * 512) * (2 << 20); };
    m.total_memory = static_cast<uint64_t>(figure_or("cuda.total_memory", "total_memory", capacity));
    m.nvml_memory =
        static_cast<uint64_t>(figure_or("cuda.nvml_memory_mib", "nvml_memory",
                                        [&] { return std::ceil(static_cast<double>(m.total_memory) / (1 << 20)) + 480; }))
        << 20;
    m.clock_khz = static_cast<int>(
        figure_or("cuda.clock_khz", "clock_khz", [&] { return number("clock.boost_mhz").value_or(1500) * 1000; }));
    // A stack of HBM holds up to 36 GB behind 1024 bits, from HBM4 on 2048 (JEDEC JESD238, JESD270-4).
    double stacks = std::ceil(number("memory.capacity_gb").value_or(144) / 36);
    double usual_bus = memory_type.starts_with("HBM4") ? 2048 * stacks : memory_type.starts_with("HBM") ? 1024 * stacks : 512;
    m.memory_bus_bits = static_cast<int>(
        figure_or("cuda.memory_bus_bits", "memory_bus_bits", [&] { return number("memory.bus_bits").value_or(usual_bus); }));
    m.memory_clock_khz = static_cast<int>(figure_or("cuda.memory_clock_khz", "memory_clock_khz", [&] {
        return number("memory.bandwidth_gbs").value_or(1000) * 8 / m.memory_bus_bits / 2 * 1e6; // double data rate
    }));
    m.l2_bytes = static_cast<uint64_t>(figure_or("cuda.l2_bytes", "l2_bytes", [&] {
        return number("cache.l2_mb").value_or(m.compute_major >= 10 ? 126 /* the B200 */ : 32) * (1 << 20);
    }));
    // The driver lets five eighths to three quarters persist, on the parts whose figure is known.
    if (m.compute_major >= 8)
        m.persisting_l2_bytes = static_cast<uint64_t>(figure_or("cuda.persisting_l2_bytes", "persisting_l2_bytes",
                                                                [&] { return static_cast<double>(m.l2_bytes) * 0.625; }));
    if (m.compute_major >= 8)
        m.access_policy_window_bytes = static_cast<int>(
            figure_or("cuda.access_policy_window_bytes", "access_policy_window_bytes", [] { return 134213632; }));
    m.copy_engines =
        static_cast<int>(figure_or("cuda.copy_engines", "copy_engines", [&] { return market == Market::data_center ? 3 : 2; }));
    m.ecc = figure_or("cuda.ecc", "ecc", [&] { return market == Market::data_center ? 1 : 0; }) != 0;
    m.pci_device_id = static_cast<int>(figure_or("cuda.pci_device_id", "pci_device_id", [] { return 0; }));
    m.pci_subsystem_id = static_cast<int>(figure_or("cuda.pci_subsystem_id", "pci_subsystem_id", [] { return 0; }));
    m.pcie_generation = static_cast<int>(figure_or("pcie.generation", "pcie_generation", [] { return 5; }));
    m.pcie_lanes = static_cast<int>(figure_or("pcie.lanes", "pcie_lanes", [] { return 16; }));
    m.tdp_w = figure_or("power.tdp_w", "tdp_w", [] { return 300; });

    if (link_name.starts_with("NVLink")) {
        m.nvlink_version = std::max(1, std::atoi(link_name.c_str() + 6));
        m.nvlink_count =
            static_cast<int>(figure_or("link.count", "nvlink_count", [&] { return m.nvlink_version >= 4 ? 18 : 12; }));
        m.nvlink_link_gbs =
            figure_or("link.gbs", "nvlink_link_gbs", [&] { return number("link.total_gbs").value_or(600) / m.nvlink_count; });
        m.link_domain = static_cast<int>(number("link.domain").value_or(2));
        m.nvlink_switch = m.nvlink_version >= 3 && m.link_domain >= 8;
    }
    m.peer_access = market != Market::consumer;
    return m;
}

} // namespace anywarp::catalogue
