// Memory of one virtual GPU: allocations, and what an arbitrary pointer points to.
//
// A device address is a host address. The allocator owns one large reserved stretch of address space (PROT_NONE), commits pages
// where allocations lie, and keeps an inaccessible guard behind each: a kernel that runs far past a large allocation faults, as it
// would on a GPU, instead of reading a neighbour. A GPU's pages are of 2 MiB and next to each other, so programs that touch a
// little more than they asked for work there (stencils that read the row before the first: Rodinia's srad does); 64 KiB before
// and behind are accessible here for their sake. Allocations of 64 KiB and more have pages of their own; smaller ones share a
// slab of one size class. Freed large memory becomes inaccessible at once. Pages are zero-cost until touched; blocks of 2 MiB
// and more ask for huge pages.
//
// CUDA driver API, "Memory Management" and "Unified Addressing". Alignment is 512 bytes, as NVIDIA's allocator gives.
#pragma once

#include "ptx/error.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace anywarp::machine {

enum class MemoryKind : uint8_t {
    device,     // cuMemAlloc
    managed,    // cuMemAllocManaged, managed variables
    pinned,     // cuMemAllocHost: page-locked host memory; doesn't count against the device's total
    registered, // cuMemHostRegister: the program's own memory; never freed here
    image,      // the variables of a loaded module
    mapped      // cuMemMap, or another process's (virtual_memory.h); never in a Memory's own table
};

struct Allocation {
    uint8_t* base = nullptr;
    uint64_t size = 0; // as asked for
    MemoryKind kind = MemoryKind::device;
    int device = 0;     // ordinal
    uint32_t flags = 0; // the caller's own (cuMemHostAlloc flags ...)
    uint64_t id = 0;    // unique in the process, never reused (CU_POINTER_ATTRIBUTE_BUFFER_ID)
};

class Memory {
public:
    Memory(int device, uint64_t total_bytes);
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    /// Errors: invalid_value for 0 bytes, out_of_memory.
    Result<uint8_t*> allocate(uint64_t bytes, MemoryKind kind = MemoryKind::device, uint32_t flags = 0);
    /// `base` must be what allocate returned: invalid_value otherwise. The caller has synchronised.
    Result<void> free(void* base);
    /// The allocation that holds `address` (any address inside it).
    std::optional<Allocation> find(const void* address) const;

    /// Makes the program's own memory known. Errors: invalid_value when it overlaps what is known already.
    Result<void> register_host(void* base, uint64_t bytes, uint32_t flags = 0);
    Result<void> unregister_host(void* base);

    /// Memory that lives outside the arena (virtual_memory.h) counts too. out_of_memory.
    Result<void> charge(uint64_t bytes);
    void discharge(uint64_t bytes);

    /// Moves the pages of device memory into a file that another process can open, content and address kept; the caller has
    /// synchronised. A small allocation takes its slab along. invalid_value where `base` isn't device memory's start.
    struct SharedPages {
        int file = -1;       // stays ours
        uint64_t offset = 0; // of the allocation in it
        uint64_t size = 0;   // of the allocation
    };
    Result<SharedPages> share(void* base);

    uint64_t total() const;
    uint64_t used() const;      // device, managed and image memory
    uint64_t available() const; // total - used
    std::vector<Allocation> allocations() const;
    /// Where used() is written whenever it changes.
    void report_to(std::atomic<uint64_t>& counter);
    /// Frees everything but pinned and registered memory when `keep_host`.
    void release_all(bool keep_host = false);

    static constexpr uint64_t alignment = 512;
    static constexpr uint64_t large_allocation = 64 << 10; // own pages and guard from here on

private:
    struct Arena;
    std::unique_ptr<Arena> arena_;
};

/// The allocation that holds `address` on any device of the process.
std::optional<Allocation> find_allocation(const void* address);

} // namespace anywarp::machine
