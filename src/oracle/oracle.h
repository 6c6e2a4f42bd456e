// The oracle: a plain interpreter of PTX, one thread at a time. Slow, and meant to be obviously right.
//
// It is the reference that compiled code is tested against, so it shares nothing with the compiler but the parser (src/ptx).
// Floating point is computed with exact integer arithmetic (exact.h); nothing depends on the host's rounding mode.
//
// The threads of a grid take turns: one runs until it must wait for others (a barrier, a warp-level instruction) or has used
// up its turn, so that a thread that spins on memory lets the others go on. Addresses are those of the compiled path
// (a generic address is a host address, a shared address is an offset).
#pragma once

#include "ptx/ast.h"
#include "ptx/layout.h"

#include <string>
#include <vector>

namespace anywarp::oracle {

/// Host memory that a kernel may touch.
struct Range {
    const void* begin = nullptr;
    uint64_t size = 0;
};

struct Launch {
    uint32_t grid[3] = {1, 1, 1};
    uint32_t block[3] = {1, 1, 1};
    uint32_t dynamic_shared = 0;
    const uint8_t* params = nullptr; // laid out by ptx::parameter_layout
    uint8_t* image = nullptr;        // laid out by ptx::image_layout, see initialize_image; may be null for an empty image
    /// When set, an access outside of these ranges and of the kernel's own memory is an illegal_address fault.
    const std::vector<Range>* ranges = nullptr;
    uint64_t turn = 20000;                   // instructions before a thread gives way
    uint64_t max_instructions = 400'000'000; // per grid; more is reported as launch_timeout
};

struct Outcome {
    std::string output;        // what printf and assert wrote
    uint64_t instructions = 0; // executed, all threads together
};

/// Runs the grid to its end. Errors: a fault of the kernel with the code a GPU would give (illegal_address,
/// misaligned_address, launch_failed for trap, assert_failed, launch_timeout for a deadlock), `unsupported` with the name
/// of an instruction that the oracle doesn't know, invalid_ptx for a body that doesn't parse. `outcome` is filled in
/// either case.
Result<void> run_grid(const ptx::Module& module, uint32_t function, const Launch& launch, Outcome& outcome);

/// Writes the initial values of a module's .global and .const variables into its image (zero where none is given).
Result<void> initialize_image(const ptx::Module& module, uint8_t* image);

} // namespace anywarp::oracle
