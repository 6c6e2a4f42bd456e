// Buffers for the shared memory of blocks, one set per thread that runs blocks.
//
// A buffer ends at an inaccessible page (exactly so for sizes that are a multiple of 128, or of 1 KiB from 4 KiB on), and 4 GiB
// of address space behind the first one are reserved: a shared address is a 32-bit offset, so whatever a wild one hits there
// faults instead of reaching other memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace anywarp::machine {

class SharedMemory {
public:
    SharedMemory() = default;
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    /// Buffer number `slot` with room for `bytes`; null when the system has no memory. Contents are what the last user left.
    uint8_t* get(size_t slot, size_t bytes);

private:
    struct Slot {
        uint8_t* mapping = nullptr;
        size_t mapped = 0;
        uint8_t* end = nullptr; // first inaccessible byte
        size_t capacity = 0;
    };
    std::vector<Slot> slots_;
};

} // namespace anywarp::machine
