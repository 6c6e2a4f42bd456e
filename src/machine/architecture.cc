// See architecture.h.
#include "machine/architecture.h"

#include "machine/device.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace anywarp::machine {
namespace {

constexpr const char* volta_splits = "8 16 32 64 96";
constexpr const char* turing_splits = "32 64"; // never less than 32
constexpr const char* ampere_splits = "8 16 32 64 100 132 164";
constexpr const char* small_splits = "8 16 32 64 100";
constexpr const char* hopper_splits = "8 16 32 64 100 132 164 196 228";

// Ascending. 10.3 is the newest of the 10.x that is published; what comes later in that family uses its row.
constexpr Architecture architectures[] = {
    // sm, threads, blocks, KiB per SM, opt-in, fp64 ratio, cluster, domains, peer atomics
    {50, 2048, 32, 64, 48, 32, 0, 1, false, ""},
    {52, 2048, 32, 96, 48, 32, 0, 1, false, ""},
    {53, 2048, 32, 64, 48, 32, 0, 1, false, ""},
    {60, 2048, 32, 64, 48, 2, 0, 1, true, ""},
    {61, 2048, 32, 96, 48, 32, 0, 1, true, ""},
    {62, 2048, 32, 64, 48, 32, 0, 1, true, ""},
    {70, 2048, 32, 96, 96, 2, 0, 1, true, volta_splits},
    {75, 1024, 16, 64, 64, 32, 0, 1, true, turing_splits},
    {80, 2048, 32, 164, 163, 2, 0, 1, true, ampere_splits},
    {86, 1536, 16, 100, 99, 64, 0, 1, true, small_splits},
    {87, 1536, 16, 164, 163, 32, 0, 1, true, ampere_splits},
    {89, 1536, 24, 100, 99, 64, 0, 1, true, small_splits},
    {90, 2048, 32, 228, 227, 2, 16, 4, true, hopper_splits},
    {100, 2048, 32, 228, 227, 2, 16, 4, true, hopper_splits},
    {103, 2048, 32, 228, 227, 64, 16, 4, true, hopper_splits},
    {110, 1536, 24, 228, 227, 64, 16, 4, true, hopper_splits},
    {120, 1536, 24, 100, 99, 64, 8, 4, true, small_splits},
};

uint64_t round_up(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }

uint64_t shared_granule(const Properties& p) { return p.compute_major < 8 ? 256 : 128; }
uint64_t sub_partitions(const Properties& p) { return p.compute_major == 6 && p.compute_minor == 0 ? 2 : 4; }
constexpr uint64_t register_granule = 256; // per warp
constexpr uint32_t most_registers = 255;   // per thread

/// The smallest setting of the multiprocessor's shared memory that holds `bytes`.
uint64_t shared_setting(const Properties& p, uint64_t bytes) {
    const char* at = architecture(p.compute_major, p.compute_minor).shared_splits;
    if (!*at) return static_cast<uint64_t>(p.shared_per_multiprocessor);
    if (bytes == 0 && at != turing_splits) return 0;
    while (*at) {
        char* end = nullptr;
        uint64_t size = std::strtoull(at, &end, 10) << 10;
        if (bytes <= size) return size;
        at = end;
    }
    return static_cast<uint64_t>(p.shared_per_multiprocessor);
}

/// What the carveout preference sets aside; everything without one.
uint64_t preferred_shared(const Properties& p, int carveout) {
    auto all = static_cast<uint64_t>(p.shared_per_multiprocessor);
    return carveout < 0 ? all : shared_setting(p, all * static_cast<uint64_t>(carveout) / 100);
}

uint64_t registers_per_warp(uint32_t registers) { return round_up(uint64_t(registers) * 32, register_granule); }

/// Most that one block may allocate, reserve included: the larger limit needs the function's attribute.
uint64_t shared_limit(const Properties& p, const KernelResources& kernel) {
    auto usual = static_cast<uint64_t>(p.shared_per_block), reserve = static_cast<uint64_t>(p.reserved_shared_per_block);
    bool more = kernel.static_shared + reserve + kernel.max_dynamic_shared > usual;
    return (more ? static_cast<uint64_t>(p.shared_per_block_optin) : usual) + reserve;
}

} // namespace

const Architecture& architecture(int compute_major, int compute_minor) {
    int sm = compute_major * 10 + compute_minor;
    const Architecture* best = &architectures[0];
    for (const Architecture& row : architectures)
        if (row.sm <= sm) best = &row;
    return *best;
}

uint64_t block_registers(const Properties& p, uint32_t registers, uint32_t threads) {
    uint64_t warps = (uint64_t(threads) + 31) / 32;
    return registers_per_warp(registers) * round_up(warps, sub_partitions(p));
}

uint32_t resident_blocks(const Properties& p, const KernelResources& kernel, uint32_t threads, uint64_t dynamic_shared) {
    if (threads == 0 || threads > kernel.max_threads || threads > static_cast<uint32_t>(p.max_threads_per_block)) return 0;
    uint64_t warps = (uint64_t(threads) + 31) / 32;
    uint64_t blocks = static_cast<uint64_t>(p.max_blocks_per_multiprocessor);
    blocks = std::min(blocks, static_cast<uint64_t>(p.max_threads_per_multiprocessor) / 32 / warps);

    if (kernel.registers > most_registers ||
        block_registers(p, kernel.registers, threads) > static_cast<uint64_t>(p.registers_per_block))
        return 0;
    if (kernel.registers) {
        uint64_t each = static_cast<uint64_t>(p.registers_per_multiprocessor) / sub_partitions(p);
        blocks = std::min(blocks, each / registers_per_warp(kernel.registers) * sub_partitions(p) / warps);
    }

    if (dynamic_shared > kernel.max_dynamic_shared) return 0;
    uint64_t needed =
        round_up(kernel.static_shared + dynamic_shared + static_cast<uint64_t>(p.reserved_shared_per_block), shared_granule(p));
    if (needed > round_up(shared_limit(p, kernel), shared_granule(p))) return 0;
    if (needed) {
        uint64_t all = preferred_shared(p, kernel.shared_carveout);
        if (all < needed) all = shared_setting(p, needed); // a preference doesn't keep a kernel from running
        blocks = std::min(blocks, all / needed);
    }
    return static_cast<uint32_t>(blocks);
}

uint64_t available_dynamic_shared(const Properties& p, const KernelResources& kernel, uint32_t blocks, uint32_t threads) {
    if (blocks == 0 || resident_blocks(p, kernel, threads, 0) < blocks) return 0;
    auto reserve = static_cast<uint64_t>(p.reserved_shared_per_block);
    uint64_t all = blocks == 1 ? static_cast<uint64_t>(p.shared_per_block_optin) + reserve
                               : std::max(preferred_shared(p, kernel.shared_carveout), shared_setting(p, 1));
    uint64_t each = all / blocks / shared_granule(p) * shared_granule(p);
    each = std::min(each, static_cast<uint64_t>(p.shared_per_block_optin) + reserve);
    uint64_t taken = kernel.static_shared + reserve;
    return std::min(each > taken ? each - taken : 0, kernel.max_dynamic_shared);
}

} // namespace anywarp::machine
