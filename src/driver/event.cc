// Events. CUDA driver API, "Event Management".

#include "driver/capture.h"
#include "driver/format.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

Result<std::shared_ptr<CUevent_st>> event_of(CUevent handle) {
    auto event = objects().events.find(handle);
    if (!event) return invalid_handle("not an event");
    return event;
}

CUresult destroy(const char* call, CUevent handle) {
    return with_driver(call, [&]() -> Result<void> {
        // A record that is under way is kept by its stream.
        auto event = objects().events.remove(handle);
        if (!event) return invalid_handle("not an event");
        std::lock_guard lock(event->context->mutex);
        event->context->events.erase(handle);
        return {};
    });
}

CUresult record(const char* call, CUevent handle, CUstream stream_handle, unsigned flags) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        if (flags & ~unsigned{CU_EVENT_RECORD_EXTERNAL}) return invalid_value(format("record flags {:#x}", flags));
        ANYWARP_TRY_AS(event, event_of(handle));
        ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
        if (event->context->device != &stream->device()) return invalid_handle("event and stream are of different devices");
        auto* part = capture_of(*stream);
        if (part && flags & CU_EVENT_RECORD_EXTERNAL) {
            ANYWARP_TRY(capture(*part, EventRecordWork{handle}));
            return {};
        }
        if (part) return capture_record(*part, *event);
        if (event->stands_for_nodes.exchange(false)) {
            event->capture.reset();
            event->captured.clear();
        }
        return event->event.record(*stream);
    });
}

CUresult elapsed(const char* call, float* milliseconds, CUevent start, CUevent end) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_REQUIRE(milliseconds);
        ANYWARP_TRY_AS(first, event_of(start));
        ANYWARP_TRY_AS(second, event_of(end));
        ANYWARP_TRY(refuse_captured_event(*first));
        ANYWARP_TRY(refuse_captured_event(*second));
        ANYWARP_TRY_AS(time, machine::Event::elapsed_ms(first->event, second->event));
        *milliseconds = time;
        return {};
    });
}

} // namespace

CUresult cuEventCreate(CUevent* result, unsigned flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        constexpr unsigned known = CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;
        if (flags & ~known) return invalid_value(format("event flags {:#x}", flags));
        if (flags & CU_EVENT_INTERPROCESS && !(flags & CU_EVENT_DISABLE_TIMING))
            return invalid_value("an interprocess event can't keep time");
        std::shared_ptr<machine::SharedRecords> shared;
        if (flags & CU_EVENT_INTERPROCESS) {
            ANYWARP_TRY_AS(records, machine::SharedRecords::create());
            shared = std::move(records);
        }
        auto event = std::make_shared<CUevent_st>(flags, std::move(shared));
        event->context = &context;
        *result = objects().events.add(std::move(event));
        std::lock_guard lock(context.mutex);
        context.events.insert(*result);
        return {};
    });
}

CUresult cuEventDestroy(CUevent event) { return destroy(__func__, event); }
CUresult cuEventDestroy_v2(CUevent event) { return destroy(__func__, event); }
CUresult cuEventRecord(CUevent event, CUstream stream) { return record(__func__, event, stream, 0); }
CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) { return record(__func__, event, stream, flags); }

CUresult cuEventQuery(CUevent handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(event, event_of(handle));
        ANYWARP_TRY(refuse_captured_event(*event));
        return event->event.query();
    });
}

CUresult cuEventSynchronize(CUevent handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(event, event_of(handle));
        ANYWARP_TRY(refuse_captured_event(*event));
        return event->event.synchronize();
    });
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
    return elapsed(__func__, milliseconds, start, end);
}
CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) {
    return elapsed(__func__, milliseconds, start, end);
}
