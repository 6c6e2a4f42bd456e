// Green contexts: a context with a share of a device's multiprocessors. CUDA driver API, "Green Contexts".
//
// Shares are bookkeeping: they are split by the rules of the device's architecture, given back when asked, and bind streams to
// their context. Blocks run on the machine's cores as always: a share is a promise of isolation on a GPU, not of results.
// Behind each is an ordinary context of the same device (cuCtxFromGreenCtx).

#include "driver/capture.h"
#include "driver/format.h"

#include <algorithm>
#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

struct CUdevResourceDesc_st {
    int device = 0;
    unsigned multiprocessors = 0;
};

struct CUgreenCtx_st {
    machine::Device* device = nullptr;
    CUcontext context = nullptr;
    CUdevResource resource{};
};

namespace {

struct Objects {
    Registry<CUdevResourceDesc_st> descriptions; // live until the process ends, as nothing destroys one
    Registry<CUgreenCtx_st> contexts;
};
Objects& green() {
    static Objects& all = *new Objects;
    return all;
}

/// What we write into a resource's private part, to know our own.
struct Stamp {
    uint32_t magic = 0x57524d53;
    int device = 0;
};

struct Partition {
    unsigned smallest, step;
};
Partition partition_of(const machine::Device& device) {
    int major = device.properties().compute_major;
    if (major >= 9) return {8, 8};
    if (major == 8) return {4, 2};
    return {2, 2};
}

CUdevResource resource(machine::Device& device, unsigned multiprocessors) {
    CUdevResource made;
    std::memset(&made, 0, sizeof made);
    made.type = CU_DEV_RESOURCE_TYPE_SM;
    Stamp stamp{.device = device.ordinal()};
    std::memcpy(made._internal_padding, &stamp, sizeof stamp);
    auto [smallest, step] = partition_of(device);
    made.sm.smCount = multiprocessors;
    made.sm.minSmPartitionSize = smallest;
    made.sm.smCoscheduledAlignment = step;
    return made;
}

Result<machine::Device*> device_of(const CUdevResource& resource) {
    Stamp stamp, ours;
    std::memcpy(&stamp, resource._internal_padding, sizeof stamp);
    if (resource.type != CU_DEV_RESOURCE_TYPE_SM)
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_INVALID_RESOURCE_TYPE), "only multiprocessors can be shared out");
    if (stamp.magic != ours.magic || resource.sm.smCount == 0) return invalid_value("not a resource of this driver's");
    return driver::device_of(stamp.device);
}

Result<void> check_type(CUdevResourceType type) {
    if (type != CU_DEV_RESOURCE_TYPE_SM)
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_INVALID_RESOURCE_TYPE),
                          format("resource type {}", static_cast<int>(type)));
    return {};
}

Result<std::shared_ptr<CUgreenCtx_st>> green_of(CUgreenCtx handle) {
    auto found = green().contexts.find(handle);
    if (!found) return user_error(ErrorCode::invalid_context, "not a green context");
    return found;
}

std::shared_ptr<CUgreenCtx_st> green_of_context(CUcontext context) {
    for (auto& one : green().contexts.all())
        if (one->context == context) return one;
    return nullptr;
}

Result<std::vector<machine::Stream*>> streams_of(CUctx_st& context) {
    std::vector<machine::Stream*> streams;
    std::lock_guard lock(context.mutex);
    for (CUstream handle : context.streams)
        if (auto stream = objects().streams.find(handle)) streams.push_back(stream->stream);
    for (machine::Stream* stream : streams)
        if (stream->sink())
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED), "a stream of it is captured");
    return streams;
}

/// The event is reached once everything queued in the context's streams so far is done.
Result<void> record(CUctx_st& context, CUevent handle) {
    auto event = objects().events.find(handle);
    if (!event) return invalid_handle("not an event");
    if (event->context->device != context.device) return invalid_handle("event and context are of different devices");
    ANYWARP_TRY_AS(streams, streams_of(context));
    machine::Stream* joined = context.device->create_stream(machine::Stream::Kind::non_blocking);
    Result<void> result;
    for (machine::Stream* stream : streams) {
        machine::Event point(machine::Event::disable_timing);
        if (result = point.record(*stream); result) result = joined->wait(point);
        if (!result) break;
    }
    if (result) {
        machine::Event rest(machine::Event::disable_timing); // the default streams
        if (!context.device->legacy_stream().sink())
            if (result = rest.record(context.device->legacy_stream()); result) result = joined->wait(rest);
    }
    if (result) result = event->event.record(*joined);
    std::ignore = context.device->destroy_stream(joined);
    return result;
}

/// Everything queued in the context's streams from now on waits for the event.
Result<void> wait(CUctx_st& context, CUevent handle) {
    auto event = objects().events.find(handle);
    if (!event) return invalid_handle("not an event");
    ANYWARP_TRY_AS(streams, streams_of(context));
    for (machine::Stream* stream : streams) ANYWARP_TRY(stream->wait(event->event));
    if (!context.device->legacy_stream().sink()) ANYWARP_TRY(context.device->legacy_stream().wait(event->event));
    return {};
}

Result<CUctx_st*> live(CUcontext handle) {
    if (!handle) return current_context();
    auto context = objects().contexts.find(handle);
    if (!context) return user_error(ErrorCode::invalid_context, "not a context");
    if (!context->alive) return user_error(ErrorCode::context_is_destroyed, "the context has been destroyed");
    return context.get();
}

} // namespace

CUresult cuDeviceGetDevResource(CUdevice ordinal, CUdevResource* result, CUdevResourceType type) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(device, driver::device_of(ordinal));
        ANYWARP_TRY(check_type(type));
        *result = resource(*device, static_cast<unsigned>(device->properties().multiprocessors));
        return {};
    });
}

CUresult cuCtxGetDevResource(CUcontext handle, CUdevResource* result, CUdevResourceType type) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(context, live(handle));
        ANYWARP_TRY(check_type(type));
        auto share = green_of_context(context);
        *result = share ? share->resource
                        : resource(*context->device, static_cast<unsigned>(context->device->properties().multiprocessors));
        return {};
    });
}

CUresult cuGreenCtxGetDevResource(CUgreenCtx handle, CUdevResource* result, CUdevResourceType type) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(context, green_of(handle));
        ANYWARP_TRY(check_type(type));
        *result = context->resource;
        return {};
    });
}

CUresult cuDevSmResourceSplitByCount(CUdevResource* result, unsigned* groups, const CUdevResource* input,
                                     CUdevResource* remaining, unsigned flags, unsigned least) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(groups);
        ANYWARP_REQUIRE(input);
        constexpr unsigned known =
            CU_DEV_SM_RESOURCE_SPLIT_IGNORE_SM_COSCHEDULING | CU_DEV_SM_RESOURCE_SPLIT_MAX_POTENTIAL_CLUSTER_SIZE;
        if (flags & ~known) return invalid_value(format("split flags {:#x}", flags));
        ANYWARP_TRY_AS(device, device_of(*input));
        auto [smallest, step] = partition_of(*device);
        if (flags & CU_DEV_SM_RESOURCE_SPLIT_IGNORE_SM_COSCHEDULING) smallest = step = 2;
        unsigned size = std::max(smallest, (least + step - 1) / step * step);
        unsigned available = input->sm.smCount / size;
        if (!result) {
            *groups = available;
            return {};
        }
        if (available == 0)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION),
                              format("{} multiprocessors don't make a group of {}", input->sm.smCount, size));
        unsigned made = std::min(*groups, available);
        for (unsigned i = 0; i < made; ++i) result[i] = resource(*device, size);
        *groups = made;
        if (remaining) {
            *remaining = resource(*device, input->sm.smCount - made * size);
            if (remaining->sm.smCount == 0) remaining->type = CU_DEV_RESOURCE_TYPE_INVALID;
        }
        return {};
    });
}

CUresult cuDevResourceGenerateDesc(CUdevResourceDesc* result, CUdevResource* resources, unsigned count) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(resources);
        if (count == 0) return invalid_value("no resources");
        auto description = std::make_shared<CUdevResourceDesc_st>();
        for (unsigned i = 0; i < count; ++i) {
            ANYWARP_TRY_AS(device, device_of(resources[i]));
            if (i && device->ordinal() != description->device) return invalid_value("resources of different devices");
            description->device = device->ordinal();
            description->multiprocessors += resources[i].sm.smCount;
        }
        *result = green().descriptions.add(std::move(description));
        return {};
    });
}

CUresult cuGreenCtxCreate(CUgreenCtx* result, CUdevResourceDesc handle, CUdevice ordinal, unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags != CU_GREEN_CTX_DEFAULT_STREAM) return invalid_value("the flags must ask for a default stream");
        auto description = green().descriptions.find(handle);
        if (!description) return invalid_value("not a resource descriptor");
        ANYWARP_TRY_AS(device, driver::device_of(ordinal));
        if (description->device != ordinal) return user_error(ErrorCode::invalid_device, "the descriptor is another device's");
        auto made = std::make_shared<CUgreenCtx_st>();
        made->device = device;
        made->resource = resource(*device, description->multiprocessors);
        CUcontext primary = nullptr;
        cuDevicePrimaryCtxRetain(&primary, ordinal);
        if (CUresult error = cuCtxCreate_v2(&made->context, 0, ordinal)) {
            cuDevicePrimaryCtxRelease_v2(ordinal);
            return user_error(static_cast<ErrorCode>(error), "no context for it");
        }
        pop_context();
        *result = green().contexts.add(std::move(made));
        return {};
    });
}

CUresult cuGreenCtxDestroy(CUgreenCtx handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        auto context = green().contexts.remove(handle);
        if (!context) return user_error(ErrorCode::invalid_context, "not a green context");
        CUresult destroyed = cuCtxDestroy_v2(context->context);
        cuDevicePrimaryCtxRelease_v2(context->device->ordinal());
        if (destroyed != CUDA_SUCCESS) return user_error(static_cast<ErrorCode>(destroyed), "its context");
        return {};
    });
}

CUresult cuCtxFromGreenCtx(CUcontext* result, CUgreenCtx handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(context, green_of(handle));
        *result = context->context;
        return {};
    });
}

CUresult cuGreenCtxGetId(CUgreenCtx handle, unsigned long long* id) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(id);
        ANYWARP_TRY_AS(context, green_of(handle));
        *id = context->context->id;
        return {};
    });
}

CUresult cuGreenCtxStreamCreate(CUstream* stream, CUgreenCtx handle, unsigned flags, int priority) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(stream);
        if (flags != CU_STREAM_NON_BLOCKING) return invalid_value("streams of a green context must be non-blocking");
        ANYWARP_TRY_AS(context, green_of(handle));
        push_context(context->context);
        CUresult made = cuStreamCreateWithPriority(stream, flags, priority);
        pop_context();
        if (made != CUDA_SUCCESS) return user_error(static_cast<ErrorCode>(made), "no stream for it");
        return {};
    });
}

CUresult cuStreamGetGreenCtx(CUstream handle, CUgreenCtx* result) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        CUcontext context = nullptr;
        if (CUresult error = cuStreamGetCtx(handle, &context)) return user_error(static_cast<ErrorCode>(error), "the stream");
        auto share = green_of_context(context);
        *result = share.get();
        return {};
    });
}

CUresult cuGreenCtxRecordEvent(CUgreenCtx handle, CUevent event) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, green_of(handle));
        return record(*context->context, event);
    });
}
CUresult cuGreenCtxWaitEvent(CUgreenCtx handle, CUevent event) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, green_of(handle));
        return wait(*context->context, event);
    });
}
CUresult cuCtxRecordEvent(CUcontext handle, CUevent event) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, live(handle));
        return record(*context, event);
    });
}
CUresult cuCtxWaitEvent(CUcontext handle, CUevent event) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, live(handle));
        return wait(*context, event);
    });
}
