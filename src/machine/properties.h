// What the devices of this process are: the CPU itself, or accelerators from the catalogue (`anywarp run --device`).
//
// Everything a program can ask about a device, and every limit that a launch is held to, comes from here; the driver, the
// runtime and NVML only translate it. No LLVM, no threads: libnvidia-ml links this file and no machine.
//
// Environment: ANYWARP_DEVICE (names from the catalogue, or cpu, separated by commas; default cpu); ANYWARP_DEVICES (how many: a
// single name is repeated, a list must match; default 1 or the list's length); CUDA_VISIBLE_DEVICES (which of them the driver
// shows: ordinals or UUIDs); for the CPU device also ANYWARP_SM (80), ANYWARP_WORKERS, ANYWARP_DEVICE_NAME. ANYWARP_MEMORY
// (bytes, suffix K M G) replaces the memory of every device.
//
// CUDA C++ Programming Guide, "Compute Capabilities"; CUDA environment variables: "CUDA_VISIBLE_DEVICES".
#pragma once

#include "machine/architecture.h"
#include "ptx/error.h"

#include <array>
#include <string>
#include <vector>

namespace anywarp::machine {

struct Properties {
    std::string name = "Anywarp CPU";
    std::string model = "cpu"; // name in the catalogue
    bool is_cpu = true;        // this machine itself: its memory is the host's
    int compute_major = 8, compute_minor = 0;
    uint64_t total_memory = 0;    // what CUDA reports and grants
    uint64_t physical_memory = 0; // with what a driver keeps for itself: NVML's total
    int multiprocessors = 1;
    int warp_size = 32;
    int max_threads_per_block = 1024;
    int max_block_dim[3] = {1024, 1024, 64};
    int max_grid_dim[3] = {0x7fffffff, 65535, 65535};
    int max_threads_per_multiprocessor = 2048;
    int max_blocks_per_multiprocessor = 32;
    int shared_per_block = 48 << 10;
    int shared_per_block_optin = 163 << 10;
    int shared_per_multiprocessor = 164 << 10;
    int reserved_shared_per_block = 1 << 10;
    int registers_per_block = 65536;
    int registers_per_multiprocessor = 65536;
    int constant_memory = 64 << 10;
    int max_cluster = 0; // blocks, with the non-portable attribute
    int clock_khz = 1000000;
    int memory_clock_khz = 1000000;
    int memory_bus_width = 64;   // bits
    uint64_t l2_bytes = 4 << 20; // of the CPU: the last-level cache
    uint64_t persisting_l2 = 0;  // most of it that can be set aside
    uint64_t access_window = 0;  // largest access policy window
    int fp32_to_fp64 = 2;
    int sync_domains = 1;
    uint64_t max_pitch = 0x7fffffff;
    int texture_alignment = 512;
    int texture_pitch_alignment = 32;
    int async_engines = 1;
    bool ecc = false;
    int slot = 0; // place in the list of devices
    int pci_domain = 0, pci_bus = 0, pci_device = 0;
    uint32_t pci_id = 0; // device << 16 | vendor; 0: not known
    uint32_t pci_subsystem_id = 0;
    int pcie_generation = 0, pcie_width = 0; // 0: not known
    int nvlinks = 0;                         // links that leave the device
    int nvlink_version = 0;
    double nvlink_gbs = 0;           // of all links together, both directions
    bool peer_over_pcie = false;     // reads a peer's memory over PCIe, as data centre parts do
    bool switched = false;           // its links end in a switch: every other device of the domain is reached by all of them
    int link_domain = 1;             // devices that the links join
    int power_limit_watts = 0;       // 0: not known
    std::string architecture, brand; // NVML: "Hopper", "NVIDIA"
    std::array<uint8_t, 16> uuid{};

    std::string uuid_text() const; // GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx
    std::string pci_text() const;  // 00000000:18:00.0
    int sm() const { return compute_major * 10 + compute_minor; }
};

constexpr int max_devices = 128;

/// All devices of the machine that the environment asks for, whatever CUDA_VISIBLE_DEVICES says: what NVML shows. A name that
/// isn't in the catalogue, or a device that doesn't run PTX, is the error: it names the devices that do.
const Result<std::vector<Properties>>& installed_devices();
/// Indices into installed_devices() of those that the driver shows. Empty when installed_devices() is an error.
const std::vector<int>& visible_devices();

/// Hardware threads that this process may use, or ANYWARP_WORKERS.
unsigned machine_workers();
/// This machine's memory, or ANYWARP_MEMORY.
uint64_t machine_memory();

/// How a device reaches another one's memory.
struct Link {
    enum class Kind : uint8_t { self, memory, nvlink, pcie, none };
    Kind kind = Kind::none;
    int nvlinks = 0;     // that join the two
    bool access = false; // loads and stores
    bool atomics = false;
    int rank = 0; // CUDA's performance rank: 0 is the best there is
};
Link link_between(const Properties& from, const Properties& to);

} // namespace anywarp::machine
