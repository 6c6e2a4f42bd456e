// One compiled kernel over a grid, synchronously: for tests and tools that need no device, stream or module around it.
//
// The blocks are shared between the calling thread and the process's worker pool, exactly as a launch through a stream would
// be. A fault, trap or deadlock of the kernel comes back as the error; nothing is sticky.
#pragma once

#include "machine/command.h"
#include "simt/kernel_abi.h"

#include <atomic>

namespace anywarp::machine {

struct GridArguments {
    Dim3 grid, block;
    uint32_t dynamic_shared = 0;
    uint32_t static_shared = 0;      // ptx::SharedLayout::static_size (dynamic memory begins at its dynamic_offset)
    const uint8_t* params = nullptr; // parameter buffer
    uint8_t* image = nullptr;        // module image
    bool cooperative = false;        // gives the blocks a grid barrier workspace
    unsigned workers = 0;            // 0: as many as the machine has; 1: on the calling thread only
    uint64_t* counters = nullptr;    // counter_count values that statistics are added to; may be null
    // Nanoseconds that one block took in earlier launches (0: not known), kept up to date: small grids then stay on the
    // calling thread. May be null.
    std::atomic<uint64_t>* block_nanoseconds = nullptr;
    void* machine = nullptr;  // BlockContext::machine
    void* launches = nullptr; // BlockContext::grid
};

Result<void> run_grid(const KernelInfo& info, const GridArguments& arguments);
/// The same, in the form tests use most.
Result<void> run_grid(const KernelInfo& info, Dim3 grid, Dim3 block, uint32_t dynamic_shared, uint32_t static_shared,
                      const uint8_t* params, uint8_t* image);

} // namespace anywarp::machine
