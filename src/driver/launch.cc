// Kernel launches. CUDA driver API, "Execution Control".
//
// Parameters come as an array of pointers to their values, or as one buffer laid out as the kernel expects (`extra`). The
// machine checks the launch configuration and compiles; what is left here is finding the objects and the parameter buffer.

#include "driver/capture.h"
#include "driver/format.h"

#include <algorithm>
#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {

Result<std::vector<uint8_t>> kernel_parameters(const machine::Kernel& kernel, void** pointers, void** extra) {
    if (pointers && extra) return invalid_value("parameters are given twice");
    if (extra) {
        const uint8_t* buffer = nullptr;
        size_t size = 0;
        for (void** at = extra; *at != CU_LAUNCH_PARAM_END; at += 2) {
            if (*at == CU_LAUNCH_PARAM_BUFFER_POINTER)
                buffer = static_cast<const uint8_t*>(at[1]);
            else if (*at == CU_LAUNCH_PARAM_BUFFER_SIZE)
                size = at[1] ? *static_cast<size_t*>(at[1]) : 0;
            else
                return invalid_value("an unknown entry in extra");
        }
        size_t wanted = kernel.parameters().size;
        if (wanted && (!buffer || size < wanted))
            return invalid_value(format("{} bytes of parameters, {} are needed", size, wanted));
        return std::vector<uint8_t>(buffer, buffer + wanted);
    }
    if (kernel.parameter_count() == 0) return std::vector<uint8_t>(kernel.parameters().size);
    if (!pointers) return invalid_value(format("{} parameters are needed, none given", kernel.parameter_count()));
    for (size_t i = 0; i < kernel.parameter_count(); ++i)
        if (!pointers[i]) return invalid_value(format("the pointer to parameter {} is null", i));
    return kernel.pack(pointers);
}

/// An attribute either changes what is computed, and is obeyed or refused, or it is advice about where and when, and isn't
/// needed.
Result<void> apply_launch_attribute(const CUlaunchAttribute& attribute, machine::LaunchConfig& config) {
    switch (attribute.id) {
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
        config.cooperative = attribute.value.cooperative != 0;
        return {};
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION: {
        auto& cluster = attribute.value.clusterDim;
        uint64_t size = uint64_t{cluster.x} * cluster.y * cluster.z;
        if (size <= 1) return {};
        ANYWARP_TRY_AS(context, current_context());
        const machine::Properties& device = context->device->properties();
        // Eight blocks are portable; more need a function attribute.
        uint64_t most = std::min<uint64_t>(8, static_cast<uint64_t>(device.max_cluster));
        if (!device.is_cpu && size > most)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_INVALID_CLUSTER_SIZE),
                              format("clusters of {} blocks; {} allows {}", size, device.name, most));
        if (config.grid.x % cluster.x || config.grid.y % cluster.y || config.grid.z % cluster.z)
            return invalid_value("the grid isn't made of whole clusters");
        return unsupported(format("thread block clusters of {} x {} x {}", cluster.x, cluster.y, cluster.z));
    }
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
    case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
        return unsupported("events recorded by a launch attribute");
    case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE:
        if (attribute.value.deviceUpdatableKernelNode.deviceUpdatable) return unsupported("graph nodes that kernels update");
        return {};
    case CU_LAUNCH_ATTRIBUTE_IGNORE:
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION: // allows overlap, doesn't demand it
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    case CU_LAUNCH_ATTRIBUTE_NVLINK_UTIL_CENTRIC_SCHEDULING:
        return {};
    default:
        return invalid_value(format("there is no launch attribute {}", static_cast<int>(attribute.id)));
    }
}

} // namespace anywarp::driver

namespace {

Result<void> launch(CUctx_st& context, CUfunction handle, machine::LaunchConfig config, CUstream stream_handle, void** pointers,
                    void** extra) {
    ANYWARP_TRY_AS(function, function_of(handle));
    ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
    if (&function->kernel->module().device() != &stream->device())
        return invalid_handle("function and stream are of different devices");
    ANYWARP_TRY_AS(params, kernel_parameters(*function->kernel, pointers, extra));
    config.params = std::move(params);
    if (auto* part = capture_of(*stream)) {
        ANYWARP_TRY_AS(work, kernel_work(handle, std::move(config), &context));
        ANYWARP_TRY(capture(*part, std::move(work)));
        return {};
    }
    return function->kernel->launch(*stream, config);
}

} // namespace

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                        unsigned block_y, unsigned block_z, unsigned shared, CUstream stream, void** pointers, void** extra) {
    return with_context(__func__, [&](CUctx_st& context) {
        machine::LaunchConfig config;
        config.grid = {grid_x, grid_y, grid_z};
        config.block = {block_x, block_y, block_z};
        config.dynamic_shared = shared;
        return launch(context, function, std::move(config), stream, pointers, extra);
    });
}

CUresult cuLaunchKernelEx(const CUlaunchConfig* c, CUfunction function, void** pointers, void** extra) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(c);
        if (c->numAttrs && !c->attrs) return invalid_value("attributes without an array");
        machine::LaunchConfig config;
        config.grid = {c->gridDimX, c->gridDimY, c->gridDimZ};
        config.block = {c->blockDimX, c->blockDimY, c->blockDimZ};
        config.dynamic_shared = c->sharedMemBytes;
        for (unsigned i = 0; i < c->numAttrs; ++i) ANYWARP_TRY(apply_launch_attribute(c->attrs[i], config));
        return launch(context, function, std::move(config), c->hStream, pointers, extra);
    });
}

CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                                   unsigned block_y, unsigned block_z, unsigned shared, CUstream stream, void** pointers) {
    return with_context(__func__, [&](CUctx_st& context) {
        machine::LaunchConfig config;
        config.grid = {grid_x, grid_y, grid_z};
        config.block = {block_x, block_y, block_z};
        config.dynamic_shared = shared;
        config.cooperative = true;
        return launch(context, function, std::move(config), stream, pointers, nullptr);
    });
}
