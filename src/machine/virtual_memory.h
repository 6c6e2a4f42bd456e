// Address space and physical memory apart from each other: what cuMemAddressReserve, cuMemCreate and cuMemMap ask for, and memory
// that several processes share.
//
// Physical memory is an anonymous file (memfd); mapping it is mmap. A reservation is address space without access, so that a
// kernel that touches an unmapped part of it faults. Mappings of one reservation that lie side by side and may be accessed are
// one range to find_mapped, as a copy may run across them. Behind the memory's bytes the file holds a trailer that says what it
// is: a process that gets the file by its descriptor knows the size and the device from it.
//
// CUDA driver API, "Virtual Memory Management", "Interprocess communication".
#pragma once

#include "machine/memory.h"

#include <map>

namespace anywarp::machine {

/// A piece of physical memory; it lives as long as a handle or a mapping of it.
class PhysicalMemory {
public:
    static constexpr uint64_t granularity = 2 << 20;

    /// `bytes` a multiple of the page size. out_of_memory when the device hasn't got them.
    static Result<std::shared_ptr<PhysicalMemory>> create(Memory& memory, int device, uint64_t bytes);
    /// From a file that another process, or this one, made by create. invalid_value for any other file. Takes the descriptor.
    static Result<std::shared_ptr<PhysicalMemory>> open(int file);
    /// Any file of at least so many bytes, which then count as the device's. Takes the descriptor.
    static Result<std::shared_ptr<PhysicalMemory>> of_file(int file, int device, uint64_t bytes);
    ~PhysicalMemory();

    int device() const { return device_; }
    uint64_t size() const { return size_; }
    int file() const { return file_; }

private:
    PhysicalMemory() = default;
    Memory* charged_ = nullptr; // null: another process counts it
    int file_ = -1, device_ = 0;
    uint64_t size_ = 0;
};

/// An anonymous file of `bytes` bytes with the trailer behind them; -1 without one.
int make_shared_file(uint64_t bytes, int device);

/// Address space without access; `wanted` is a wish. out_of_memory.
Result<uint8_t*> reserve_addresses(uint64_t bytes, uint64_t alignment, void* wanted);
/// invalid_value: not a whole reservation, or something is mapped in it.
Result<void> free_addresses(void* base, uint64_t bytes);

/// Without access at first. invalid_value: not in a reservation, over another mapping, longer than the memory.
Result<void> map_memory(void* at, uint64_t bytes, std::shared_ptr<PhysicalMemory> memory);
/// Whole mappings. invalid_value.
Result<void> unmap_memory(void* at, uint64_t bytes);

enum class Access : uint8_t { none = 0, read = 1, read_write = 3 };
/// For whole mappings that leave no gap. A device is an ordinal.
Result<void> set_access(void* at, uint64_t bytes, int device, Access access);
Result<Access> access_of(const void* at, int device);

struct Mapping {
    uint8_t* base = nullptr;
    uint64_t size = 0;
    std::shared_ptr<PhysicalMemory> memory;
    std::map<int, Access> access;
    uint64_t id = 0;
};
std::optional<Mapping> find_mapping(const void* address);
/// The range of accessible mappings around the address, as an allocation.
std::optional<Allocation> find_mapped(const void* address);

/// Reserves, maps and opens at once: memory that came from another process.
Result<uint8_t*> map_shared(std::shared_ptr<PhysicalMemory> memory);
Result<void> unmap_shared(void* base);

} // namespace anywarp::machine
