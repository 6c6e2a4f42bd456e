// Streams. CUDA driver API, "Stream Management", "Stream synchronization behavior".

#include "driver/capture.h"
#include "driver/format.h"
#include "driver/stream_attributes.h"

#include <algorithm>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {

Result<machine::Stream*> stream_of(CUstream handle, CUctx_st& context) {
    if (handle == nullptr && PerThreadDefaultStream::active()) return &context.device->per_thread_stream();
    if (handle == nullptr || handle == CU_STREAM_LEGACY) {
        ANYWARP_TRY(refuse_legacy_stream(context, true));
        return &context.device->legacy_stream();
    }
    if (handle == CU_STREAM_PER_THREAD) return &context.device->per_thread_stream();
    auto stream = objects().streams.find(handle);
    if (!stream) return invalid_handle("not a stream");
    return stream->stream;
}

} // namespace anywarp::driver

namespace {

constexpr int greatest_priority = -5;

CUresult create(const char* call, CUstream* result, unsigned flags, int priority) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags & ~unsigned{CU_STREAM_NON_BLOCKING}) return invalid_value(format("stream flags {:#x}", flags));
        ANYWARP_TRY(context.device->status());
        priority = std::clamp(priority, greatest_priority, 0);
        using Kind = machine::Stream::Kind;
        auto stream = std::make_shared<CUstream_st>();
        stream->stream =
            context.device->create_stream(flags & CU_STREAM_NON_BLOCKING ? Kind::non_blocking : Kind::blocking, priority);
        stream->context = &context;
        stream->flags = flags;
        *result = objects().streams.add(std::move(stream));
        std::lock_guard lock(context.mutex);
        context.streams.insert(*result);
        return {};
    });
}

CUresult destroy(const char* call, CUstream handle) {
    return with_driver(call, [&]() -> Result<void> {
        auto stream = objects().streams.remove(handle);
        if (!stream) return invalid_handle("not a stream, or a default one");
        {
            std::lock_guard lock(stream->context->mutex);
            stream->context->streams.erase(handle);
        }
        leave_capture(*stream->stream);
        forget_stream_attributes(stream->stream->id());
        return stream->context->device->destroy_stream(stream->stream);
    });
}

/// The context a stream belongs to: the current one for the default streams.
Result<CUctx_st*> context_of(CUstream handle) {
    if (handle == nullptr || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD) return current_context();
    auto stream = objects().streams.find(handle);
    if (!stream) return invalid_handle("not a stream");
    return stream->context;
}

/// Most calls on a stream: find it, hand it on.
template <class Body> CUresult with_stream(const char* call, CUstream handle, Body body) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, context_of(handle));
        ANYWARP_TRY_AS(stream, stream_of(handle, *context));
        return body(*stream, *context);
    });
}

} // namespace

CUresult cuStreamCreate(CUstream* stream, unsigned flags) { return create(__func__, stream, flags, 0); }
CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int priority) {
    return create(__func__, stream, flags, priority);
}
CUresult cuStreamDestroy(CUstream stream) { return destroy(__func__, stream); }
CUresult cuStreamDestroy_v2(CUstream stream) { return destroy(__func__, stream); }

CUresult cuStreamQuery(CUstream handle) {
    return with_stream(__func__, handle, [](machine::Stream& stream, CUctx_st&) -> Result<void> {
        ANYWARP_TRY(refuse_while_capturing(stream));
        return stream.query();
    });
}

CUresult cuStreamSynchronize(CUstream handle) {
    return with_stream(__func__, handle, [](machine::Stream& stream, CUctx_st&) -> Result<void> {
        ANYWARP_TRY(refuse_while_capturing(stream));
        return stream.synchronize();
    });
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event_handle, unsigned flags) {
    return with_stream(__func__, handle, [&](machine::Stream& stream, CUctx_st& context) -> Result<void> {
        if (flags & ~unsigned{CU_EVENT_WAIT_EXTERNAL}) return invalid_value(format("wait flags {:#x}", flags));
        auto event = objects().events.find(event_handle);
        if (!event) return invalid_handle("not an event");
        auto* part = capture_of(stream);
        if (part && flags & CU_EVENT_WAIT_EXTERNAL) {
            ANYWARP_TRY(capture(*part, EventWaitWork{event_handle}));
            return {};
        }
        if (part || event->stands_for_nodes.load()) return capture_wait(stream, context, std::move(event));
        return stream.wait(event->event);
    });
}

CUresult cuStreamAddCallback(CUstream handle, CUstreamCallback callback, void* data, unsigned flags) {
    return with_stream(__func__, handle, [&](machine::Stream& stream, CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(callback);
        if (flags != 0) return invalid_value("flags must be 0");
        ANYWARP_TRY(refuse_while_capturing(stream));
        machine::HostCommand command;
        command.function = [callback, handle, data](ErrorCode status) { callback(handle, static_cast<CUresult>(status), data); };
        command.even_after_error = true;
        return stream.enqueue(std::move(command));
    });
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void* data) {
    return with_stream(__func__, handle, [&](machine::Stream& stream, CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(function);
        if (auto* part = capture_of(stream)) {
            ANYWARP_TRY(capture(*part, HostWork{{function, data}}));
            return {};
        }
        machine::HostCommand command;
        command.function = [function, data](ErrorCode) { function(data); };
        return stream.enqueue(std::move(command));
    });
}

CUresult cuStreamGetCtx(CUstream handle, CUcontext* result) {
    return with_stream(__func__, handle, [&](machine::Stream&, CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        *result = &context;
        return {};
    });
}

CUresult cuStreamGetCtx_v2(CUstream handle, CUcontext* result, CUgreenCtx* green) {
    return with_stream(__func__, handle, [&](machine::Stream&, CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        *result = &context;
        if (green) *green = nullptr;
        return {};
    });
}

CUresult cuStreamGetDevice(CUstream handle, CUdevice* device) {
    return with_stream(__func__, handle, [&](machine::Stream& stream, CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(device);
        *device = stream.device().ordinal();
        return {};
    });
}

CUresult cuStreamGetFlags(CUstream handle, unsigned* flags) {
    return with_stream(__func__, handle, [&](machine::Stream& stream, CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(flags);
        *flags = stream.kind() == machine::Stream::Kind::non_blocking ? CU_STREAM_NON_BLOCKING : CU_STREAM_DEFAULT;
        return {};
    });
}

CUresult cuStreamGetPriority(CUstream handle, int* priority) {
    return with_stream(__func__, handle, [&](machine::Stream& stream, CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(priority);
        *priority = stream.priority();
        return {};
    });
}

CUresult cuStreamGetId(CUstream handle, unsigned long long* id) {
    return with_stream(__func__, handle, [&](machine::Stream& stream, CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(id);
        *id = stream.id();
        return {};
    });
}

CUresult cuStreamAttachMemAsync(CUstream handle, CUdeviceptr pointer, size_t, unsigned flags) {
    return with_stream(__func__, handle, [&](machine::Stream&, CUctx_st&) -> Result<void> {
        // Managed memory is visible to host and device at any time here, so there is nothing to attach.
        if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST && flags != CU_MEM_ATTACH_SINGLE)
            return invalid_value(format("attach flags {:#x}", flags));
        if (!machine::find_allocation(reinterpret_cast<void*>(pointer))) return invalid_value("not an allocation");
        return {};
    });
}
