// See properties.h. The CPU as a device, the environment, identities, links.
#include "machine/properties.h"

#include "machine/device_models.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace anywarp::machine {
namespace {

uint64_t read_number(const char* path) {
    std::ifstream file(path);
    uint64_t value = 0;
    return file >> value ? value : 0; // "max" in a cgroup file reads as 0
}

/// ANYWARP_MEMORY; 0 without it.
uint64_t wanted_memory() {
    const char* text = std::getenv("ANYWARP_MEMORY");
    if (!text) return 0;
    char* end = nullptr;
    double value = std::strtod(text, &end);
    switch (end ? *end : 0) {
    case 'k':
    case 'K':
        value *= 1024.0;
        break;
    case 'm':
    case 'M':
        value *= 1024.0 * 1024;
        break;
    case 'g':
    case 'G':
        value *= 1024.0 * 1024 * 1024;
        break;
    default:
        break;
    }
    return value >= 1 << 20 ? static_cast<uint64_t>(value) : 0;
}

int environment_number(const char* name, int low, int high, int otherwise) {
    const char* text = std::getenv(name);
    if (!text) return otherwise;
    int value = std::atoi(text);
    return value >= low && value <= high ? value : otherwise;
}

/// Where the slots of an HGX board lie: two processors, four PCIe switches each; bus numbers as such machines show them.
constexpr int hgx_buses[8] = {0x18, 0x2a, 0x3a, 0x5d, 0x9a, 0xab, 0xba, 0xdb};

void place(Properties& p, int ordinal) {
    if (p.is_cpu) {
        p.pci_device = ordinal % 32;
        p.pci_bus = ordinal / 32;
        const char tag[] = "anywarp-cpu-dev";
        std::memcpy(p.uuid.data(), tag, 15);
        p.uuid[15] = static_cast<uint8_t>(ordinal);
        return;
    }
    p.slot = ordinal;
    p.pci_domain = ordinal / 8;
    p.pci_bus = hgx_buses[ordinal % 8];
    p.pci_device = 0;
    // The same device in the same place has the same UUID in every run: FNV-1a of both, marked as version 8 (RFC 9562).
    std::string seed = "anywarp/" + p.model + "/" + std::to_string(ordinal);
    for (int half = 0; half < 2; half++) {
        uint64_t hash = 0xcbf29ce484222325ull + static_cast<uint64_t>(half) * 0x9e3779b97f4a7c15ull;
        for (char c : seed) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
        hash ^= hash >> 29, hash *= 0xbf58476d1ce4e5b9ull, hash ^= hash >> 32;
        std::memcpy(p.uuid.data() + 8 * half, &hash, 8);
    }
    p.uuid[6] = static_cast<uint8_t>((p.uuid[6] & 0x0f) | 0x80);
    p.uuid[8] = static_cast<uint8_t>((p.uuid[8] & 0x3f) | 0x80);
}

Properties cpu_properties() {
    Properties p;
    if (const char* name = std::getenv("ANYWARP_DEVICE_NAME")) p.name = name;
    int sm = environment_number("ANYWARP_SM", 50, 129, 80);
    apply_architecture(p, sm / 10, sm % 10);
    p.total_memory = p.physical_memory = machine_memory();
    p.multiprocessors = static_cast<int>(machine_workers());
    p.fp32_to_fp64 = 2; // of the CPU's vector units
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (cache <= 0) cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (cache > 0) p.l2_bytes = static_cast<uint64_t>(cache);
    if (sm >= 80) { // A hint that may be given, though nothing comes of it: programs give up without it.
        p.persisting_l2 = p.l2_bytes / 4 * 3;
        p.access_window = uint64_t{128} << 20;
    }
    if (uint64_t khz = read_number("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")) p.clock_khz = static_cast<int>(khz);
    return p;
}

std::vector<std::string> words_of(const std::string& list) {
    std::vector<std::string> words;
    for (size_t at = 0; at <= list.size();) {
        size_t end = std::min(list.find(',', at), list.size());
        std::string word = list.substr(at, end - at);
        word.erase(0, word.find_first_not_of(" \t"));
        word.erase(word.find_last_not_of(" \t") + 1);
        words.push_back(word);
        at = end + 1;
    }
    return words;
}

Result<std::vector<Properties>> make_devices() {
    const char* list = std::getenv("ANYWARP_DEVICE");
    std::vector<std::string> names = words_of(list && *list ? list : "cpu");
    int count = environment_number("ANYWARP_DEVICES", 0, max_devices, static_cast<int>(names.size()));
    if (names.size() > 1 && count != static_cast<int>(names.size()))
        return user_error(ErrorCode::invalid_value, "ANYWARP_DEVICE names " + std::to_string(names.size()) +
                                                        " devices and ANYWARP_DEVICES is " + std::to_string(count));
    if (names.size() > max_devices)
        return user_error(ErrorCode::invalid_value, "ANYWARP_DEVICE names " + std::to_string(names.size()) +
                                                        " devices; at most " + std::to_string(max_devices));
    std::vector<Properties> devices;
    for (int i = 0; i < count; i++) {
        const std::string& name = names.size() > 1 ? names[static_cast<size_t>(i)] : names[0];
        if (name == "cpu") {
            devices.push_back(cpu_properties());
        } else {
            auto model = model_properties(name);
            if (!model) return std::unexpected(model.error());
            if (uint64_t bytes = wanted_memory()) model->total_memory = model->physical_memory = bytes;
            devices.push_back(std::move(*model));
        }
        place(devices.back(), i);
    }
    return devices;
}

/// A list ends at the first entry that names no device; a device named twice leaves none (CUDA environment variables).
std::vector<int> chosen_devices(const std::vector<Properties>& all) {
    std::vector<int> chosen;
    const char* list = std::getenv("CUDA_VISIBLE_DEVICES");
    if (!list) {
        for (int i = 0; i < static_cast<int>(all.size()); i++) chosen.push_back(i);
        return chosen;
    }
    for (const std::string& word : words_of(list)) {
        int found = -1;
        if (word.starts_with("GPU-")) { // a UUID's beginning is enough when only one device has it
            int matches = 0;
            for (int i = 0; i < static_cast<int>(all.size()); i++)
                if (all[static_cast<size_t>(i)].uuid_text().starts_with(word)) found = i, matches++;
            if (matches != 1) found = -1;
        } else {
            char* end = nullptr;
            long number = std::strtol(word.c_str(), &end, 10);
            if (end != word.c_str() && number >= 0 && number < static_cast<long>(all.size())) found = static_cast<int>(number);
        }
        if (found < 0) break;
        if (std::find(chosen.begin(), chosen.end(), found) != chosen.end()) return {};
        chosen.push_back(found);
    }
    return chosen;
}

} // namespace

void apply_architecture(Properties& p, int major, int minor) {
    const Architecture& row = architecture(major, minor);
    p.compute_major = major;
    p.compute_minor = minor;
    p.max_threads_per_multiprocessor = row.threads_per_sm;
    p.max_blocks_per_multiprocessor = row.blocks_per_sm;
    p.shared_per_multiprocessor = row.shared_per_sm_kib << 10;
    p.shared_per_block_optin = row.shared_optin_kib << 10;
    p.reserved_shared_per_block = major >= 8 ? 1 << 10 : 0; // the system's
    if (row.sm == 53 || row.sm == 62) p.registers_per_block = 32768;
    p.max_cluster = row.max_cluster;
    p.fp32_to_fp64 = row.fp32_to_fp64;
    p.sync_domains = row.sync_domains;
}

uint64_t machine_memory() {
    if (uint64_t bytes = wanted_memory()) return bytes;
    uint64_t total = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
        if (uint64_t limit = read_number(path); limit && limit < total) total = limit;
    return total;
}

unsigned machine_workers() {
    static const unsigned workers = [] {
        if (const char* text = std::getenv("ANYWARP_WORKERS")) {
            long n = std::strtol(text, nullptr, 10);
            if (n >= 1 && n <= 4096) return static_cast<unsigned>(n);
        }
        // hardware_concurrency follows the affinity mask, so containers and taskset are respected.
        return std::max(1u, std::thread::hardware_concurrency());
    }();
    return workers;
}

std::string Properties::uuid_text() const {
    std::string text = "GPU-";
    for (size_t i = 0; i < uuid.size(); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        char byte[3];
        std::snprintf(byte, sizeof byte, "%02x", uuid[i]);
        text += byte;
    }
    return text;
}

std::string Properties::pci_text() const {
    char text[32];
    std::snprintf(text, sizeof text, "%08x:%02x:%02x.0", static_cast<unsigned>(pci_domain), static_cast<unsigned>(pci_bus),
                  static_cast<unsigned>(pci_device));
    return text;
}

const Result<std::vector<Properties>>& installed_devices() {
    static const auto* devices = new Result<std::vector<Properties>>(make_devices()); // used while the process ends, too
    return *devices;
}

const std::vector<int>& visible_devices() {
    static const auto* chosen =
        new std::vector<int>(installed_devices() ? chosen_devices(*installed_devices()) : std::vector<int>());
    return *chosen;
}

Link link_between(const Properties& from, const Properties& to) {
    Link link;
    if (from.uuid == to.uuid) {
        link.kind = Link::Kind::self;
        return link;
    }
    if (from.is_cpu && to.is_cpu) { // the same memory
        link.kind = Link::Kind::memory;
        link.access = link.atomics = true;
        return link;
    }
    if (from.is_cpu || to.is_cpu) return link;
    // Boards, bridges and racks join devices of one kind, as many as their domain holds: neighbours in the list of devices.
    if (from.nvlinks && from.model == to.model && from.slot / from.link_domain == to.slot / to.link_domain) {
        link.kind = Link::Kind::nvlink;
        // Behind a switch all links lead to every other device; without one they are shared out among the others.
        link.nvlinks = from.switched ? from.nvlinks : std::max(1, from.nvlinks / std::max(1, from.link_domain - 1));
        link.access = true;
        link.atomics = architecture(from.compute_major, from.compute_minor).global_atomics_peer;
        return link;
    }
    link.kind = Link::Kind::pcie;
    link.access = from.peer_over_pcie && to.peer_over_pcie;
    link.rank = link.access ? 1 : 0;
    return link;
}

} // namespace anywarp::machine
