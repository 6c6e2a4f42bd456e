// The catalogue of devices: real accelerators, and racks made of them, as data.
//
// A device is one JSON file (docs/devices-schema.md): what it is, and figures that each carry a confidence and a source. The
// files of devices/ are compiled in, so that libcuda.so.1 alone knows them; a user's own are found in the folders of
// ANYWARP_DEVICE_PATH (colon-separated) and in ~/.config/anywarp/devices, or named by their path. A user's file wins over ours of
// the same id. A figure that nobody publishes is unknown: it has no value. What a CUDA program must nevertheless be told
// (CudaModel) is then assumed from the rest, and CudaModel::assumed says so.
//
// This floor depends on nothing above it but ptx/error.h, and knows nothing of virtual devices: the machine reads it.
#pragma once

#include "ptx/error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anywarp::catalogue {

/// published: the maker says so. derived: follows from published figures (the note says how). reported: a third party says or
/// measured so. unknown: nobody says; there is no value.
enum class Confidence : uint8_t { published, derived, reported, unknown };
std::string_view name_of(Confidence confidence);

struct Figure {
    std::optional<double> value; // absent when unknown
    Confidence confidence = Confidence::unknown;
    std::string source;   // a key of DeviceModel::sources
    std::string note;     // how it was derived; what is odd about it
    std::string deviates; // why the lint's arithmetic doesn't hold for it; empty: it must hold
};

struct Source {
    std::string title, url;
};

struct Part {           // of a system
    std::string device; // id
    int count = 0;
};

/// What a CUDA program on the device sees. Every field has a value; those that nobody publishes are named in `assumed`.
struct CudaModel {
    std::string name; // "NVIDIA H20"
    int compute_major = 0, compute_minor = 0;
    int multiprocessors = 0;
    int cores_per_multiprocessor = 0;
    uint64_t total_memory = 0; // cudaDeviceProp::totalGlobalMem
    uint64_t nvml_memory = 0;  // what NVML and nvidia-smi call total; a little more
    int clock_khz = 0;
    int memory_clock_khz = 0;
    int memory_bus_bits = 0;
    uint64_t l2_bytes = 0;
    uint64_t persisting_l2_bytes = 0;
    int access_policy_window_bytes = 0;
    int copy_engines = 0;
    bool ecc = false;
    int single_to_double_ratio = 0;
    // Of the compute capability.
    int warp_size = 32;
    int max_threads_per_block = 1024;
    int max_threads_per_multiprocessor = 0;
    int max_blocks_per_multiprocessor = 0;
    int registers_per_multiprocessor = 65536;
    int registers_per_block = 65536;
    int max_registers_per_thread = 255;
    int shared_per_block = 49152;
    int shared_per_block_optin = 0;
    int shared_per_multiprocessor = 0;
    int reserved_shared_per_block = 0;
    int max_cluster_size = 0; // portable; 0: no clusters
    int max_cluster_size_non_portable = 0;
    int constant_memory = 65536;
    // PCI and links.
    int pci_vendor_id = 0x10de, pci_device_id = 0, pci_subsystem_id = 0;
    int pcie_generation = 0, pcie_lanes = 0;
    int nvlink_version = 0;     // 0: no NVLink
    int nvlink_count = 0;       // links of one device
    double nvlink_link_gbs = 0; // one link, both directions, GB/s
    bool nvlink_switch = false; // all devices of the domain reach each other at full rate
    int link_domain = 1;        // devices that the links join
    bool peer_access = false;   // over PCIe or NVLink
    double tdp_w = 0;
    std::string brand;                // NVML: "NVIDIA", "Tesla", "GeForce", "NVIDIA RTX"
    std::string architecture;         // NVML: "Hopper"
    std::vector<std::string> assumed; // fields above that no source gives
};

enum class Kind : uint8_t { gpu, accelerator, system };
enum class Market : uint8_t { data_center, workstation, consumer };

struct DeviceModel {
    std::string id;                   // "h20": the file's name without .json
    std::vector<std::string> aliases; // other short names
    std::string name;                 // "NVIDIA H20"
    std::string vendor, architecture, chip, form, node, memory_type, link_name;
    std::string released;         // YYYY or YYYY-MM or YYYY-MM-DD; empty: not announced
    std::string supplier_country; // where the vendor sits: the export rules ask for it. ISO 3166: "US", "CN"
    Kind kind = Kind::gpu;
    Market market = Market::data_center;
    std::string compute_capability;        // "9.0"; empty: no CUDA device
    std::string cuda_name;                 // as deviceQuery prints it; assumed to be `name` when empty
    std::string brand;                     // of NVML
    std::map<std::string, Figure> figures; // keys of figures.def
    std::map<std::string, Source> sources;
    std::vector<Part> parts; // of a system
    std::vector<std::string> notes;
    std::string origin; // "built in" or the file's path

    const Figure* figure(std::string_view key) const;
    std::optional<double> number(std::string_view key) const;
    /// Error: no CUDA device (a TPU), or a system.
    Result<CudaModel> cuda() const;
};

/// Reads one device. `origin` goes into messages. Refuses unknown keys, figures and confidences; the lint checks the figures.
Result<DeviceModel> read_device(std::string_view json, std::string_view id, std::string_view origin);
Result<DeviceModel> read_device_file(const std::string& path);

/// `name`: an id or alias (any case, "-", "_" and blanks ignored: "H20", "rtx-4090"), or the path of a file (it holds a "/" or
/// ends in ".json"). The error lists near names.
Result<DeviceModel> find_device(std::string_view name);
/// All of them, ours and the user's, by vendor and then release. A file that can't be read is an error.
Result<std::vector<DeviceModel>> all_devices();

/// Matrix fp16 operations per clock and multiprocessor, dense, of a compute capability; 0 when the table doesn't say.
double tensor_operations(std::string_view compute_capability);

/// A data file that was compiled in.
struct EmbeddedFile {
    std::string_view name, text;
};
std::span<const EmbeddedFile> embedded_files(); // generated (embed.cmake)
/// The text of tables/NAME.json.
std::string_view embedded_table(std::string_view name);

} // namespace anywarp::catalogue
