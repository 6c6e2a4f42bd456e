// One cooperative kernel on several devices at once. CUDA driver API, "Execution Control", cuLaunchCooperativeKernelMultiDevice
// (deprecated since CUDA 11.3). Each device's grid is a cooperative launch of its own; that a device's work starts only after all
// the streams' earlier work, and that later work waits for every device, is done with events, as the flags ask.
//
// A kernel can't wait for the other devices' grids: that took a device runtime that CUDA 13 no longer has.

#include "driver/api.h"
#include "driver/format.h"

#include <set>

using namespace anywarp;
using namespace anywarp::driver;

CUresult cuLaunchCooperativeKernelMultiDevice(CUDA_LAUNCH_PARAMS* list, unsigned count, unsigned flags) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(list);
        constexpr unsigned known =
            CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_PRE_LAUNCH_SYNC | CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_POST_LAUNCH_SYNC;
        if (flags & ~known) return invalid_value(format("flags {:#x}", flags));
        if (count == 0 || count > static_cast<unsigned>(machine::Device::count()))
            return invalid_value(format("{} launches on {} devices", count, machine::Device::count()));
        struct Part {
            std::shared_ptr<CUfunc_st> function;
            std::shared_ptr<CUstream_st> stream;
            machine::LaunchConfig config;
        };
        std::vector<Part> parts;
        std::set<machine::Device*> devices;
        for (unsigned i = 0; i < count; ++i) {
            const CUDA_LAUNCH_PARAMS& p = list[i];
            Part part;
            ANYWARP_TRY_AS(function, function_of(p.function));
            part.function = std::move(function);
            part.stream = objects().streams.find(p.hStream);
            if (!part.stream) return invalid_handle("every launch needs a stream of its own, not a default one");
            machine::Device& device = part.stream->stream->device();
            if (&part.function->kernel->module().device() != &device)
                return invalid_handle("function and stream are of different devices");
            if (!devices.insert(&device).second) return invalid_value("a device is named twice");
            const CUDA_LAUNCH_PARAMS& first = list[0];
            if (i && part.function->kernel->name() != parts.front().function->kernel->name())
                return invalid_value("the launches are of different kernels");
            if (p.gridDimX != first.gridDimX || p.gridDimY != first.gridDimY || p.gridDimZ != first.gridDimZ ||
                p.blockDimX != first.blockDimX || p.blockDimY != first.blockDimY || p.blockDimZ != first.blockDimZ ||
                p.sharedMemBytes != first.sharedMemBytes)
                return invalid_value("the launches differ in their grid, block or shared memory");
            if (part.function->kernel->parameter_count() && !p.kernelParams) return invalid_value("kernelParams is null");
            part.config.grid = {p.gridDimX, p.gridDimY, p.gridDimZ};
            part.config.block = {p.blockDimX, p.blockDimY, p.blockDimZ};
            part.config.dynamic_shared = p.sharedMemBytes;
            part.config.cooperative = true;
            part.config.params = part.function->kernel->pack(p.kernelParams);
            parts.push_back(std::move(part));
        }
        // Every stream waits for every other one's work so far.
        auto meet = [&]() -> Result<void> {
            std::vector<machine::Event> reached(parts.size());
            for (size_t i = 0; i < parts.size(); ++i) ANYWARP_TRY(reached[i].record(*parts[i].stream->stream));
            for (Part& part : parts)
                for (machine::Event& event : reached) ANYWARP_TRY(part.stream->stream->wait(event));
            return {};
        };
        if (!(flags & CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_PRE_LAUNCH_SYNC)) ANYWARP_TRY(meet());
        for (Part& part : parts) ANYWARP_TRY(part.function->kernel->launch(*part.stream->stream, part.config));
        if (!(flags & CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_POST_LAUNCH_SYNC)) ANYWARP_TRY(meet());
        return {};
    });
}
