// How many threads of a block become the lanes of one SIMD warp.
#pragma once

#include "jit/compiler.h"
#include "jit/target.h"

namespace anywarp::simt {
struct KernelTraits;
}

namespace anywarp::jit {

/// 1, 4, 8, 16 or 32. ANYWARP_WIDTH goes before options.width, which goes before the default of the instruction set.
Result<unsigned> choose_width(const simt::KernelTraits& traits, const CompileOptions& options, const Target& target);

} // namespace anywarp::jit
