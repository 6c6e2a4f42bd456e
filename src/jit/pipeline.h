// PTX -> SIMT IR -> SIMD IR -> object file: the stages in their order. compiler.h is the entrance for the floors above; tools
// that want an object without loading it, or the text of one stage, come here.
#pragma once

#include "jit/compiler.h"
#include "jit/stage_timer.h"
#include "jit/target.h"

#include <cstdint>
#include <vector>

namespace anywarp::jit {

enum class Stage { ptx, simt, simt_optimized, simd, simd_optimized, assembly, object };

struct KernelObject {
    std::vector<uint8_t> bytes; // a relocatable object file
    unsigned width = 0;
};

/// Compiles one kernel up to `last`. With `record` the texts of the stages passed are kept there, those before an error too.
Result<KernelObject> run_pipeline(const ptx::Module& module, uint32_t function, const CompileOptions& options,
                                  const Target& target, StageTimer& timer, Stages* record = nullptr, Stage last = Stage::object);

} // namespace anywarp::jit
