// How many registers a kernel takes on a GPU: an estimate, since the code is never compiled for one.
//
// What ptxas assigns depends on its scheduling; what it can't go below is the number of values that are alive at once. That
// number is counted on the PTX itself (32-bit units, predicates apart), which nvcc writes with every use close to its definition.
// The estimate is that plus what addresses and calls need, kept under .maxnreg and under what .maxntid and .minnctapersm leave. A
// launch is refused for it only where the lower bound alone doesn't fit (kernel.cc), so that nothing is refused that a GPU would
// run. Measured against ptxas in tests/machine/registers_test.cc.
//
// PTX ISA 11.4 "Performance-Tuning Directives"; CUDA driver API, CU_FUNC_ATTRIBUTE_NUM_REGS.
#pragma once

#include "ptx/ast.h"

namespace anywarp::machine {

/// Most 32-bit values that are alive at one point of the body.
uint32_t live_registers(const ptx::Body& body);

struct Properties;

struct RegisterNeed {
    uint32_t at_least = 0; // alive at once, less what ptxas may compute again
    uint32_t estimate = 0; // what the function's attribute says
};
/// `live` is the most of the functions that the kernel reaches.
RegisterNeed register_need(const Properties& device, const ptx::Function& kernel, uint32_t live, bool calls);

} // namespace anywarp::machine
