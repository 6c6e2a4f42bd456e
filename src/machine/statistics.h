// Statistics per kernel, collected when ANYWARP_STATS=1 and printed to stderr as a table when the process ends (`anywarp run
// --stats`).
#pragma once

#include "simt/kernel_abi.h"

#include <string>

namespace anywarp::machine {

bool statistics_enabled();
void count_compile(const std::string& kernel, const KernelInfo& info, double seconds, bool from_cache);
void count_launch(const std::string& kernel, const KernelInfo& info, uint64_t blocks, double seconds, const uint64_t* counters);
/// The table as it stands.
std::string statistics_table();

} // namespace anywarp::machine
