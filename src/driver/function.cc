// Functions (kernels of a module in a context) and their attributes; the same for CUkernel; occupancy.
// CUDA driver API, "Execution Control", "Occupancy", "Library Management".

#include "driver/api.h"
#include "driver/format.h"

#include <algorithm>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {

Result<std::shared_ptr<CUfunc_st>> function_of(CUfunction handle) {
    if (auto function = objects().functions.find(handle)) return function;
    // CUDA 12 allows a CUkernel wherever a function is expected.
    auto kernel = reinterpret_cast<CUkernel>(handle);
    if (objects().kernels.find(kernel)) {
        ANYWARP_TRY_AS(context, current_context());
        return function_of(kernel, *context->device);
    }
    return invalid_handle("not a function");
}

} // namespace anywarp::driver

namespace {

Result<void> get_attribute(int* value, CUfunction_attribute which, CUfunc_st& function) {
    ANYWARP_REQUIRE(value);
    ANYWARP_TRY_AS(a, function.kernel->attributes());
    switch (which) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        *value = static_cast<int>(a.max_threads);
        return {};
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
        *value = static_cast<int>(a.static_shared);
        return {};
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
        *value = static_cast<int>(a.const_bytes);
        return {};
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
        *value = static_cast<int>(a.local_bytes);
        return {};
    case CU_FUNC_ATTRIBUTE_NUM_REGS:
        *value = static_cast<int>(a.registers);
        return {};
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
        *value = static_cast<int>(a.ptx_version);
        return {};
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
        *value = static_cast<int>(a.binary_version);
        return {};
    case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA:
        *value = 0;
        return {};
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        *value = static_cast<int>(a.max_dynamic_shared);
        return {};
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
        *value = a.shared_carveout;
        return {};
    case CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
    case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
    case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
        *value = 0;
        return {};
    default:
        return invalid_value(format("there is no function attribute {}", static_cast<int>(which)));
    }
}

Result<void> set_attribute(CUfunction_attribute which, int value, CUfunc_st& function) {
    switch (which) {
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        if (value < 0) return invalid_value(format("{} bytes of shared memory", value));
        return function.kernel->set_max_dynamic_shared(static_cast<uint32_t>(value));
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
        if (value < -1 || value > 100) return invalid_value(format("a carveout of {} percent", value));
        function.kernel->set_shared_carveout(value);
        return {};
    case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
    case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
        if (value == 0) return {};
        return unsupported("thread block clusters");
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
        if (value <= 1) return {};
        return unsupported("thread block clusters");
    default:
        return invalid_value(format("function attribute {} can't be set", static_cast<int>(which)));
    }
}

Result<void> parameter_info(CUfunc_st& function, size_t index, size_t* offset, size_t* size) {
    ANYWARP_REQUIRE(offset);
    if (index >= function.kernel->parameter_count())
        return invalid_value(format("parameter {} of {}", index, function.kernel->parameter_count()));
    *offset = function.kernel->parameters().offsets[index];
    if (size) *size = function.kernel->parameter_size(index);
    return {};
}

Result<void> active_blocks(int* blocks, CUfunction handle, int block_size, size_t dynamic_shared) {
    ANYWARP_REQUIRE(blocks);
    if (block_size <= 0) return invalid_value(format("a block of {} threads", block_size));
    ANYWARP_TRY_AS(function, function_of(handle));
    ANYWARP_TRY_AS(count, function->kernel->max_active_blocks(static_cast<uint32_t>(block_size), dynamic_shared));
    *blocks = static_cast<int>(count);
    return {};
}

/// The largest of the sizes that keep most warps resident, in steps of a warp; the grid that fills the device.
Result<void> potential_block_size(CUctx_st& context, int* grid, int* block, CUfunction handle, CUoccupancyB2DSize shared_for,
                                  size_t dynamic_shared, int limit) {
    ANYWARP_REQUIRE(grid);
    ANYWARP_REQUIRE(block);
    ANYWARP_TRY_AS(function, function_of(handle));
    ANYWARP_TRY_AS(attributes, function->kernel->attributes());
    const machine::Properties& p = context.device->properties();
    int largest = std::min<int>(static_cast<int>(attributes.max_threads), p.max_threads_per_block);
    if (limit > 0) largest = std::min(largest, limit);
    int best_threads = 0, best_size = 0, best_blocks = 0;
    for (int size = (largest + p.warp_size - 1) / p.warp_size * p.warp_size; size > 0; size -= p.warp_size) {
        int candidate = std::min(size, largest);
        size_t shared = shared_for ? shared_for(candidate) : dynamic_shared;
        int blocks =
            static_cast<int>(machine::resident_blocks(p, attributes.resources(), static_cast<uint32_t>(candidate), shared));
        int threads = candidate * blocks;
        if (threads > best_threads) best_threads = threads, best_size = candidate, best_blocks = blocks;
        if (best_threads >= p.max_threads_per_multiprocessor) break;
    }
    if (best_size == 0) return user_error(ErrorCode::launch_out_of_resources, "no block size fits");
    *block = best_size;
    *grid = best_blocks * p.multiprocessors;
    return {};
}

template <class Body> CUresult with_function(const char* call, CUfunction handle, Body body) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(function, function_of(handle));
        return body(*function);
    });
}

template <class Body> CUresult with_kernel(const char* call, CUkernel handle, CUdevice ordinal, Body body) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(device, device_of(ordinal));
        ANYWARP_TRY_AS(function, function_of(handle, *device));
        return body(*function);
    });
}

} // namespace

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute which, CUfunction function) {
    return with_function(__func__, function, [&](CUfunc_st& f) { return get_attribute(value, which, f); });
}
CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute which, int value) {
    return with_function(__func__, function, [&](CUfunc_st& f) { return set_attribute(which, value, f); });
}
CUresult cuKernelGetAttribute(int* value, CUfunction_attribute which, CUkernel kernel, CUdevice device) {
    return with_kernel(__func__, kernel, device, [&](CUfunc_st& f) { return get_attribute(value, which, f); });
}
CUresult cuKernelSetAttribute(CUfunction_attribute which, int value, CUkernel kernel, CUdevice device) {
    return with_kernel(__func__, kernel, device, [&](CUfunc_st& f) { return set_attribute(which, value, f); });
}

/// A wish that nothing here could grant; only what isn't one is told.
static Result<void> check_cache(CUfunc_cache wish) {
    if (wish < CU_FUNC_CACHE_PREFER_NONE || wish > CU_FUNC_CACHE_PREFER_EQUAL)
        return invalid_value(format("there is no cache preference {}", static_cast<int>(wish)));
    return {};
}
CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache wish) {
    return with_function(__func__, function, [&](CUfunc_st&) -> Result<void> { return check_cache(wish); });
}
CUresult cuKernelSetCacheConfig(CUkernel kernel, CUfunc_cache wish, CUdevice device) {
    return with_kernel(__func__, kernel, device, [&](CUfunc_st&) -> Result<void> { return check_cache(wish); });
}
CUresult cuFuncSetSharedMemConfig(CUfunction function, CUsharedconfig) {
    return with_function(__func__, function, [](CUfunc_st&) -> Result<void> { return {}; });
}

CUresult cuFuncGetModule(CUmodule* module, CUfunction function) {
    return with_function(__func__, function, [&](CUfunc_st& f) -> Result<void> {
        ANYWARP_REQUIRE(module);
        *module = f.module;
        return {};
    });
}

CUresult cuFuncGetName(const char** name, CUfunction function) {
    return with_function(__func__, function, [&](CUfunc_st& f) -> Result<void> {
        ANYWARP_REQUIRE(name);
        *name = f.kernel->name().c_str();
        return {};
    });
}

CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* size) {
    return with_function(__func__, function, [&](CUfunc_st& f) { return parameter_info(f, index, offset, size); });
}

CUresult cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t* offset, size_t* size) {
    return with_driver(__func__, [&]() -> Result<void> {
        CUdevice ordinal = 0;
        if (auto context = current_context()) ordinal = (*context)->device->ordinal();
        ANYWARP_TRY_AS(device, device_of(ordinal));
        ANYWARP_TRY_AS(function, function_of(kernel, *device));
        return parameter_info(*function, index, offset, size);
    });
}

CUresult cuFuncIsLoaded(CUfunctionLoadingState* state, CUfunction function) {
    return with_function(__func__, function, [&](CUfunc_st&) -> Result<void> {
        ANYWARP_REQUIRE(state);
        *state = CU_FUNCTION_LOADING_STATE_LOADED;
        return {};
    });
}

CUresult cuFuncLoad(CUfunction function) {
    return with_function(__func__, function, [](CUfunc_st& f) -> Result<void> {
        ANYWARP_TRY(f.kernel->attributes()); // reads and checks the body
        return {};
    });
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int block_size, size_t dynamic_shared) {
    return with_context(__func__, [&](CUctx_st&) { return active_blocks(blocks, function, block_size, dynamic_shared); });
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, CUfunction function, int block_size,
                                                              size_t dynamic_shared, unsigned flags) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        if (flags & ~unsigned{CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE})
            return invalid_value(format("occupancy flags {:#x}", flags));
        return active_blocks(blocks, function, block_size, dynamic_shared);
    });
}

CUresult cuOccupancyMaxPotentialBlockSize(int* grid, int* block, CUfunction function, CUoccupancyB2DSize shared_for,
                                          size_t dynamic_shared, int limit) {
    return with_context(__func__, [&](CUctx_st& context) {
        return potential_block_size(context, grid, block, function, shared_for, dynamic_shared, limit);
    });
}

CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int* grid, int* block, CUfunction function, CUoccupancyB2DSize shared_for,
                                                   size_t dynamic_shared, int limit, unsigned flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (flags & ~unsigned{CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE})
            return invalid_value(format("occupancy flags {:#x}", flags));
        return potential_block_size(context, grid, block, function, shared_for, dynamic_shared, limit);
    });
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, CUfunction handle, int blocks, int block_size) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(bytes);
        if (blocks <= 0 || block_size <= 0) return invalid_value(format("{} blocks of {} threads", blocks, block_size));
        ANYWARP_TRY_AS(function, function_of(handle));
        ANYWARP_TRY_AS(attributes, function->kernel->attributes());
        const machine::Properties& p = context.device->properties();
        machine::KernelResources needs = attributes.resources();
        if (machine::resident_blocks(p, needs, static_cast<uint32_t>(block_size), 0) < static_cast<uint32_t>(blocks))
            return invalid_value(format("{} blocks of {} threads are never resident together", blocks, block_size));
        *bytes = machine::available_dynamic_shared(p, needs, static_cast<uint32_t>(blocks), static_cast<uint32_t>(block_size));
        return {};
    });
}

// Clusters: what would fit, by the device's limits; launching them isn't implemented (launch.cc). A cluster stays within one GPC,
// which has 16 multiprocessors or a few more on the parts that know clusters; those left over are not counted.

namespace {

constexpr int portable_cluster = 8, multiprocessors_per_gpc = 16;

/// Clusters of `size` blocks that are resident together.
Result<int> active_clusters(const CUctx_st& context, CUfunction handle, const CUlaunchConfig& config, int size) {
    ANYWARP_TRY_AS(function, function_of(handle));
    ANYWARP_TRY_AS(attributes, function->kernel->attributes());
    const machine::Properties& p = context.device->properties();
    uint32_t threads = config.blockDimX * config.blockDimY * config.blockDimZ;
    auto blocks = static_cast<int>(machine::resident_blocks(p, attributes.resources(), threads, config.sharedMemBytes));
    int gpcs = std::max(1, p.multiprocessors / multiprocessors_per_gpc);
    return std::min(p.multiprocessors, multiprocessors_per_gpc) * blocks / size * gpcs;
}

int cluster_size_of(const CUlaunchConfig& config) {
    for (unsigned i = 0; i < config.numAttrs; ++i)
        if (config.attrs[i].id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
            auto& d = config.attrs[i].value.clusterDim;
            return static_cast<int>(d.x * d.y * d.z);
        }
    return 1;
}

Result<void> need_clusters(const CUctx_st& context) {
    if (context.device->properties().max_cluster) return {};
    return user_error(ErrorCode::not_supported, format("{} has no thread block clusters", context.device->properties().name));
}

} // namespace

CUresult cuOccupancyMaxPotentialClusterSize(int* size, CUfunction function, const CUlaunchConfig* config) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(size);
        ANYWARP_REQUIRE(config);
        ANYWARP_TRY(need_clusters(context));
        for (*size = std::min(portable_cluster, context.device->properties().max_cluster); *size > 1; --*size) {
            ANYWARP_TRY_AS(count, active_clusters(context, function, *config, *size));
            if (count > 0) break;
        }
        return {};
    });
}

CUresult cuOccupancyMaxActiveClusters(int* clusters, CUfunction function, const CUlaunchConfig* config) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(clusters);
        ANYWARP_REQUIRE(config);
        ANYWARP_TRY(need_clusters(context));
        int size = cluster_size_of(*config);
        if (size < 1 || size > context.device->properties().max_cluster)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_INVALID_CLUSTER_SIZE), format("clusters of {} blocks", size));
        ANYWARP_TRY_AS(count, active_clusters(context, function, *config, size));
        *clusters = count;
        return {};
    });
}
