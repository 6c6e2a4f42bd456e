// What a compiled kernel depends on, as one hash.
#pragma once

#include "jit/compiler.h"
#include "jit/object_cache.h"
#include "jit/target.h"

namespace anywarp::jit {

/// Differs whenever the object may differ: the kernel's text and that of every function it reaches, the module's variables and
/// their places, the options, the instruction set, LLVM's version, the ABI's version and our own build.
Result<CacheKey> cache_key(const ptx::Module& module, uint32_t function, const CompileOptions& options, const Target& target);

/// Identity of the program or shared library that holds this code: its GNU build id, or its file's size and time.
const std::string& build_identity();

} // namespace anywarp::jit
