// A case as compiled code, through jit::compile and machine::run_grid. Empty where these floors aren't built.
#include "run_case.h"

#ifdef ANYWARP_PTX_RUN_COMPILED
#    include "jit/compiler.h"
#    include "jit/target.h"
#    include "machine/device_services.h"
#    include "machine/run_grid.h"
#    include "ptx/layout.h"
#endif

#include <algorithm>

namespace anywarp::ptx_run {

#ifdef ANYWARP_PTX_RUN_COMPILED

bool compiled_path_is_available() { return true; }
bool host_runs_selected_isa() { return jit::select_target(true).has_value(); }

RunResult run_compiled(const Case& test, const ptx::Module& module, uint32_t function, unsigned width, bool optimize) {
    RunResult run;
    auto memory = make_memory(test, module, function);
    if (!memory) {
        run.result = std::unexpected(memory.error());
        return run;
    }
    run.memory = std::move(*memory);
    auto shared = ptx::shared_layout(module, function);
    if (!shared) {
        run.result = std::unexpected(shared.error());
        return run;
    }
    machine::register_services();
    jit::CompileOptions options;
    std::copy_n(test.block, 3, options.block_dim);
    options.width = width;
    options.optimize = optimize;
    options.use_cache = false;
    auto kernel = jit::compile(module, function, options);
    if (!kernel) {
        run.result = std::unexpected(kernel.error());
        return run;
    }
    machine::GridArguments arguments;
    arguments.grid = {test.grid[0], test.grid[1], test.grid[2]};
    arguments.block = {test.block[0], test.block[1], test.block[2]};
    arguments.dynamic_shared = test.shared;
    // Dynamic memory starts at dynamic_offset, which may lie behind the last static byte.
    arguments.static_shared = uint32_t(std::max(shared->static_size, shared->dynamic_offset));
    arguments.params = run.memory.params;
    arguments.image = run.memory.image;
    run.result = machine::run_grid((*kernel)->info, arguments);
    return run;
}

#else

bool compiled_path_is_available() { return false; }
bool host_runs_selected_isa() { return true; }
RunResult run_compiled(const Case&, const ptx::Module&, uint32_t, unsigned, bool) {
    RunResult run;
    run.result = unsupported("this build has no compiler");
    return run;
}

#endif

} // namespace anywarp::ptx_run
