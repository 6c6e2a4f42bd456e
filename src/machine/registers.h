// How many registers a kernel takes on a GPU: an estimate, since the code is never compiled for one.
//
// What ptxas assigns depends on its scheduling. Counted on the PTX itself (32-bit units, predicates apart) are the most values
// that are alive at one point, which gives the estimate, together with what addresses and calls need, kept under .maxnreg and
// under what .maxntid and .minnctapersm leave; and the most that are alive where no scheduling helps, at barriers and where loops
// begin, without those that can be computed again from parameters and constants. A launch is refused for the latter only
// (kernel.cc), so that nothing is refused that a GPU would run. tests/machine/registers_test.cc compares with ptxas.
//
// PTX ISA 11.4 "Performance-Tuning Directives"; CUDA driver API, CU_FUNC_ATTRIBUTE_NUM_REGS.
#pragma once

#include "ptx/ast.h"

namespace anywarp::machine {

struct LiveRegisters {
    uint32_t most = 0;   // 32-bit values that are alive at one point of the body
    uint32_t pinned = 0; // the same, where they can be neither moved nor computed again
};
LiveRegisters live_registers(const ptx::Body& body);

struct Properties;

struct RegisterNeed {
    uint32_t at_least = 0; // what is pinned, less a quarter for ptxas's uniform registers and packing
    uint32_t estimate = 0; // what the function's attribute says
};
/// `live` is the most of the functions that the kernel reaches.
RegisterNeed register_need(const Properties& device, const ptx::Function& kernel, LiveRegisters live, bool calls);

} // namespace anywarp::machine
