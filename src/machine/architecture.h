// What a compute capability fixes, whatever the product: limits of a block and of a multiprocessor, the granules in which
// registers and shared memory are allocated, texture sizes, which launch features there are; and from these how many blocks of a
// kernel fit on a multiprocessor.
//
// CUDA C++ Programming Guide, "Compute Capabilities" (tables of feature support and of technical specifications); the rules of
// the CUDA occupancy calculator. tests/machine/occupancy_toolkit_test.cc compares them with an installed toolkit's calculator.
#pragma once

#include <cstdint>

namespace anywarp::machine {

struct Architecture {
    int sm;                   // 10 * major + minor; a row is good for this capability and, unless another row follows, later ones
    int threads_per_sm;       // resident
    int blocks_per_sm;        // resident
    int shared_per_sm_kib;    // the largest share of the on-chip memory that shared memory can have
    int shared_optin_kib;     // most for one block
    int fp32_to_fp64;         // throughput ratio
    int max_cluster;          // 0: no clusters; 8 is the portable size, 16 with the non-portable attribute
    int sync_domains;         // memory synchronisation domains
    bool global_atomics_peer; // native atomics over a link to a peer
    const char* shared_splits; // KiB that the shared memory of a multiprocessor can be set to, besides 0
};

/// The row for a capability; for one that is newer than the table, the newest row.
const Architecture& architecture(int compute_major, int compute_minor);

struct Properties;

/// What a kernel needs, for the occupancy rules.
struct KernelResources {
    uint32_t registers = 0;          // per thread
    uint64_t static_shared = 0;      // bytes per block
    uint64_t max_dynamic_shared = 0; // allowed by the function's attribute
    uint32_t max_threads = 1024;     // per block
    int shared_carveout = -1;        // percent, -1: no preference
};

/// Blocks resident on one multiprocessor; 0: this block can't run at all.
uint32_t resident_blocks(const Properties& device, const KernelResources& kernel, uint32_t threads, uint64_t dynamic_shared);

/// Registers that a block takes (allocation granules included); more than the device's registers per block can't be launched.
uint64_t block_registers(const Properties& device, uint32_t registers_per_thread, uint32_t threads);

/// Bytes of shared memory that a block of `threads` may have for `blocks` of them to be resident; granules and reserve taken off.
uint64_t available_dynamic_shared(const Properties& device, const KernelResources& kernel, uint32_t blocks, uint32_t threads);

} // namespace anywarp::machine
