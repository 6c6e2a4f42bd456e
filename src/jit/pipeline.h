// PTX -> SIMT IR -> SIMD IR -> object file: the stages in their order. compiler.h is the entrance for the floors above; tools
// that want an object without loading it, or the text of one stage, come here.
#pragma once

#include "jit/compiler.h"
#include "jit/stage_timer.h"
#include "jit/target.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace anywarp::jit {

enum class Stage { ptx, simt, simt_optimized, simd, simd_optimized, assembly, object };

struct KernelObject {
    std::vector<uint8_t> bytes; // a relocatable object file
    unsigned width = 0;
};

/// One thread's code made into one warp's, and the first half of the way: what can go wrong by the user's fault, or because
/// something isn't supported, has gone wrong by now. About a fifth of the time. Whatever comes after doesn't need the PTX module.
class WarpCode {
public:
    virtual ~WarpCode() = default;
    unsigned width = 0;
    uint32_t local_bytes = 0; // per lane
};
Result<std::unique_ptr<WarpCode>> make_warp_code(const ptx::Module& module, uint32_t function, const CompileOptions& options,
                                                 const Target& target, StageTimer& timer);
/// The second half, on any thread: optimises the warp's code and makes an object file of it.
Result<KernelObject> make_object(WarpCode& code, StageTimer& timer);

/// Both halves. Compiles one kernel up to `last`. With `record` the texts of the stages passed are kept there, those before an
/// error too.
Result<KernelObject> run_pipeline(const ptx::Module& module, uint32_t function, const CompileOptions& options,
                                  const Target& target, StageTimer& timer, Stages* record = nullptr, Stage last = Stage::object);

} // namespace anywarp::jit
