// See run_grid.h.
#include "machine/run_grid.h"

#include "machine/worker_pool.h"

namespace anywarp::machine {

Result<void> run_grid(const KernelInfo& info, const GridArguments& arguments) {
    if (info.abi_version != kernel_abi_version)
        return internal_error("kernel code has ABI version " + std::to_string(info.abi_version) + ", the machine " +
                              std::to_string(kernel_abi_version));
    if (arguments.grid.volume() == 0 || arguments.block.volume() == 0)
        return user_error(ErrorCode::invalid_value, "grid or block with a dimension of zero");
    unsigned workers = arguments.workers ? arguments.workers : WorkerPool::default_workers();
    Grid grid(info, arguments, workers);
    uint64_t per_block = arguments.block_nanoseconds ? arguments.block_nanoseconds->load(std::memory_order_relaxed) : 0;
    WorkerPool::instance().run(grid, workers, per_block * grid.total());
    return grid.result();
}

Result<void> run_grid(const KernelInfo& info, Dim3 grid, Dim3 block, uint32_t dynamic_shared, uint32_t static_shared,
                      const uint8_t* params, uint8_t* image) {
    GridArguments arguments;
    arguments.grid = grid;
    arguments.block = block;
    arguments.dynamic_shared = dynamic_shared;
    arguments.static_shared = static_shared;
    arguments.params = params;
    arguments.image = image;
    return run_grid(info, arguments);
}

} // namespace anywarp::machine
