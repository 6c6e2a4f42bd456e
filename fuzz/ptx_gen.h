// Random valid PTX kernels: arithmetic, divergence, loops, barriers, shuffles, atomics. See ptx_gen.cc.
#pragma once

#include <cstdint>
#include <string>

namespace anywarp::fuzz {

/// A .ptx file with the header that tests/ptx-run understands. The same seed gives the same program.
std::string generate(uint64_t seed);

} // namespace anywarp::fuzz
