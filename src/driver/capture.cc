// See capture.h.

#include "driver/capture.h"

#include "driver/format.h"

#include <algorithm>
#include <thread>
#include <unordered_set>

namespace anywarp::driver {

struct Capture {
    unsigned long long id = 0;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
    std::thread::id thread;
    CUcontext context = nullptr;
    std::shared_ptr<CUgraph_st> graph;
    bool own_graph = true; // not cuStreamBeginCaptureToGraph
    bool invalid = false;
    bool ended = false;
    std::vector<StreamCapture*> parts; // the first is the stream in which the capture began
    std::vector<Edge> left_behind;     // by streams that were destroyed meanwhile: must be joined all the same
};

class StreamCapture : public machine::CommandSink {
public:
    StreamCapture(std::shared_ptr<Capture> capture, machine::Stream& stream) : capture(std::move(capture)), stream(stream) {}
    Result<void> add(machine::Command command) override;

    std::shared_ptr<Capture> capture;
    machine::Stream& stream;
    std::vector<Edge> dependencies;
    std::vector<CUgraphNode> nodes_shown; // what ...GetCaptureInfo has handed out
    std::vector<CUgraphEdgeData> edges_shown;
};

namespace {

std::atomic<int> active{0};

// One lock for all captures: they are rare, and one may touch several streams.
std::recursive_mutex& mutex() {
    static auto& lock = *new std::recursive_mutex;
    return lock;
}
std::vector<std::shared_ptr<Capture>>& captures() {
    static auto& list = *new std::vector<std::shared_ptr<Capture>>;
    return list;
}

thread_local CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

std::unexpected<Error> capture_error(CUresult code, std::string message) {
    return user_error(static_cast<ErrorCode>(code), std::move(message));
}

bool same_edge(const Edge& a, const Edge& b) {
    return a.from == b.from && a.data.from_port == b.data.from_port && a.data.to_port == b.data.to_port &&
           a.data.type == b.data.type;
}

void add_edges(std::vector<Edge>& to, const std::vector<Edge>& from) {
    for (const Edge& edge : from)
        if (std::none_of(to.begin(), to.end(), [&](const Edge& known) { return same_edge(known, edge); })) to.push_back(edge);
}

void join(const std::shared_ptr<Capture>& capture, machine::Stream& stream, std::vector<Edge> dependencies) {
    auto* part = new StreamCapture(capture, stream); // deleted when the capture ends or the stream leaves it
    part->dependencies = std::move(dependencies);
    capture->parts.push_back(part);
    stream.set_sink(part);
}

void end(Capture& capture) {
    for (StreamCapture* part : capture.parts) {
        part->stream.set_sink(nullptr);
        delete part;
    }
    capture.parts.clear();
    capture.ended = true;
    std::erase_if(captures(), [&](const auto& listed) { return listed.get() == &capture; });
    active.fetch_sub(1);
}

/// Whether everything captured in other streams leads into what the first one depends on.
bool joined(const Capture& capture) {
    std::unordered_set<CUgraphNode> behind;
    std::vector<CUgraphNode> open;
    for (const Edge& edge : capture.parts.front()->dependencies) open.push_back(edge.from);
    while (!open.empty()) {
        CUgraphNode node = open.back();
        open.pop_back();
        if (!behind.insert(node).second) continue;
        for (const Edge& edge : node->dependencies) open.push_back(edge.from);
    }
    auto all_in = [&](const std::vector<Edge>& edges) {
        return std::all_of(edges.begin(), edges.end(), [&](const Edge& edge) { return behind.contains(edge.from); });
    };
    return all_in(capture.left_behind) &&
           std::all_of(capture.parts.begin() + 1, capture.parts.end(), [&](auto* part) { return all_in(part->dependencies); });
}

Result<void> begin(CUctx_st& context, CUstream handle, CUstreamCaptureMode mode, std::shared_ptr<CUgraph_st> graph,
                   std::vector<Edge> dependencies) {
    if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL || mode > CU_STREAM_CAPTURE_MODE_RELAXED)
        return invalid_value(format("capture mode {}", static_cast<int>(mode)));
    ANYWARP_TRY_AS(stream, stream_of(handle, context));
    if (stream == &context.device->legacy_stream())
        return capture_error(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the legacy default stream can't be captured");
    std::lock_guard lock(mutex());
    if (stream->sink()) return user_error(ErrorCode::illegal_state, "the stream is capturing already");
    static unsigned long long ids = 0;
    auto capture = std::make_shared<Capture>();
    capture->id = ++ids;
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    capture->context = &context;
    capture->own_graph = graph == nullptr;
    capture->graph = graph ? std::move(graph) : new_graph();
    captures().push_back(capture);
    active.fetch_add(1);
    join(capture, *stream, std::move(dependencies));
    return {};
}

/// `body(StreamCapture*)`, null when the stream isn't capturing, under the lock.
template <class Body> CUresult with_part(const char* call, CUstream handle, Body body) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        std::lock_guard lock(mutex());
        if (handle == CU_STREAM_LEGACY || (handle == nullptr && !PerThreadDefaultStream::active())) {
            ANYWARP_TRY(refuse_legacy_stream(context, false));
            return body(nullptr);
        }
        ANYWARP_TRY_AS(stream, stream_of(handle, context));
        return body(capture_of(*stream));
    });
}

Result<void> info(StreamCapture* part, CUstreamCaptureStatus* status, cuuint64_t* id, CUgraph* graph, const CUgraphNode** nodes,
                  const CUgraphEdgeData** edges, size_t* count) {
    ANYWARP_REQUIRE(status);
    if (!part) {
        *status = CU_STREAM_CAPTURE_STATUS_NONE;
        return {};
    }
    *status = part->capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    if (part->capture->invalid) return {};
    part->nodes_shown.clear();
    part->edges_shown.clear();
    bool plain = true;
    for (const Edge& edge : part->dependencies) {
        part->nodes_shown.push_back(edge.from);
        part->edges_shown.push_back(edge.data);
        plain = plain && edge.data.type == 0 && edge.data.from_port == 0 && edge.data.to_port == 0;
    }
    if (nodes && !edges && !plain)
        return capture_error(CUDA_ERROR_LOSSY_QUERY, "the dependencies have data that this form of the call can't tell");
    if (id) *id = part->capture->id;
    if (graph) *graph = part->capture->graph.get();
    if (nodes) *nodes = part->nodes_shown.data();
    if (edges) *edges = part->edges_shown.data();
    if (count) *count = part->nodes_shown.size();
    return {};
}

Result<void> update_dependencies(StreamCapture* part, CUgraphNode* nodes, const CUgraphEdgeData* data, size_t count,
                                 unsigned flags) {
    if (!part) return user_error(ErrorCode::illegal_state, "the stream isn't capturing");
    if (flags > CU_STREAM_SET_CAPTURE_DEPENDENCIES) return invalid_value(format("flags {:#x}", flags));
    ANYWARP_TRY_AS(edges, edges_of(*part->capture->graph, nodes, data, count));
    if (flags == CU_STREAM_SET_CAPTURE_DEPENDENCIES) part->dependencies.clear();
    add_edges(part->dependencies, edges);
    return {};
}

} // namespace

bool any_capture() { return active.load(std::memory_order_relaxed) != 0; }

StreamCapture* capture_of(machine::Stream& stream) { return static_cast<StreamCapture*>(stream.sink()); }

Result<CUgraphNode> capture(StreamCapture& part, Work work) {
    std::lock_guard lock(mutex());
    if (part.capture->invalid) return capture_error(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture has failed before");
    ANYWARP_TRY_AS(node, add_node(*part.capture->graph, std::move(work), part.dependencies));
    part.dependencies = {Edge{node, {}}};
    return node;
}

// Copies and fills come here as the machine's commands; their nodes show the addresses that were copied between.
Result<void> StreamCapture::add(machine::Command command) {
    if (auto* copy = std::get_if<machine::CopyCommand>(&command)) {
        CopyWork work;
        work.context = capture->context;
        auto type = [](const void* at) { return machine::find_allocation(at) ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST; };
        CUDA_MEMCPY3D& c = work.copy;
        c.srcMemoryType = type(copy->source);
        c.srcHost = copy->source;
        c.srcDevice = reinterpret_cast<CUdeviceptr>(copy->source);
        c.dstMemoryType = type(copy->destination);
        c.dstHost = copy->destination;
        c.dstDevice = reinterpret_cast<CUdeviceptr>(copy->destination);
        c.srcPitch = copy->source_pitch ? copy->source_pitch : copy->width;
        c.dstPitch = copy->destination_pitch ? copy->destination_pitch : copy->width;
        c.srcHeight = copy->source_slice ? copy->source_slice / c.srcPitch : copy->height;
        c.dstHeight = copy->destination_slice ? copy->destination_slice / c.dstPitch : copy->height;
        c.WidthInBytes = copy->width;
        c.Height = copy->height;
        c.Depth = copy->depth;
        ANYWARP_TRY(driver::capture(*this, std::move(work)));
        return {};
    }
    if (auto* fill = std::get_if<machine::FillCommand>(&command)) {
        FillWork work;
        work.context = capture->context;
        work.fill.dst = reinterpret_cast<CUdeviceptr>(fill->destination);
        work.fill.pitch = fill->pitch;
        work.fill.value = fill->value;
        work.fill.elementSize = fill->element_bytes;
        work.fill.width = fill->width;
        work.fill.height = fill->height;
        ANYWARP_TRY(driver::capture(*this, std::move(work)));
        return {};
    }
    return refuse_while_capturing(stream);
}

Result<void> capture_record(StreamCapture& part, CUevent_st& event) {
    std::lock_guard lock(mutex());
    if (part.capture->invalid) return capture_error(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture has failed before");
    event.capture = part.capture;
    event.stands_for_nodes = true;
    event.captured.clear();
    for (const Edge& edge : part.dependencies) event.captured.push_back(edge.from);
    return {};
}

Result<void> capture_wait(machine::Stream& stream, CUctx_st& context, std::shared_ptr<CUevent_st> event) {
    std::lock_guard lock(mutex());
    StreamCapture* part = capture_of(stream);
    if (part && part->capture->invalid)
        return capture_error(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture has failed before");
    if (!event->capture) {
        if (!event->event.latest()) return {}; // never recorded: nothing to wait for
        part->capture->invalid = true;
        return capture_error(CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
                             "a stream that captures can't wait for an event recorded outside of the capture");
    }
    if (event->capture->ended) return refuse_captured_event(*event);
    std::vector<Edge> edges;
    for (CUgraphNode node : event->captured) edges.push_back({node, {}});
    if (!part) {
        if (&stream == &context.device->legacy_stream()) {
            event->capture->invalid = true;
            return capture_error(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the legacy default stream can't join a capture");
        }
        join(event->capture, stream, std::move(edges));
        return {};
    }
    if (part->capture != event->capture) {
        part->capture->invalid = event->capture->invalid = true;
        return capture_error(CUDA_ERROR_STREAM_CAPTURE_MERGE, "the event belongs to another capture");
    }
    add_edges(part->dependencies, edges);
    return {};
}

Result<void> refuse_while_capturing(machine::Stream& stream) {
    std::lock_guard lock(mutex());
    StreamCapture* part = capture_of(stream);
    if (!part) return {};
    part->capture->invalid = true;
    return capture_error(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "not permitted while the stream is capturing");
}

Result<void> refuse_unsafe_call(const char* what) {
    if (!any_capture() || thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return {};
    std::lock_guard lock(mutex());
    bool refuse = false;
    for (const auto& capture : captures()) {
        bool mine = capture->thread == std::this_thread::get_id() && capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED;
        bool others = thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL && capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
        if (!mine && !others) continue;
        capture->invalid = true;
        refuse = true;
    }
    if (!refuse) return {};
    return capture_error(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, format("{} while a stream is capturing", what));
}

Result<void> refuse_legacy_stream(CUctx_st& context, bool invalidate) {
    if (!any_capture()) return {};
    std::lock_guard lock(mutex());
    bool refuse = false;
    for (const auto& capture : captures())
        for (StreamCapture* part : capture->parts) {
            if (&part->stream.device() != context.device || part->stream.kind() != machine::Stream::Kind::blocking) continue;
            if (invalidate) capture->invalid = true;
            refuse = true;
        }
    if (!refuse) return {};
    return capture_error(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
                         "the legacy default stream would wait for a blocking stream that is capturing");
}

Result<void> refuse_context_wait(CUctx_st& context) {
    if (!any_capture()) return {};
    std::lock_guard lock(mutex());
    bool refuse = false;
    for (const auto& capture : captures()) {
        if (capture->context->device != context.device) continue;
        capture->invalid = true;
        refuse = true;
    }
    if (!refuse) return {};
    return capture_error(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "waiting for the context while one of its streams is capturing");
}

Result<void> refuse_captured_event(const CUevent_st& event) {
    if (!event.stands_for_nodes.load()) return {};
    return capture_error(CUDA_ERROR_CAPTURED_EVENT, "the event was last recorded in a stream that was capturing");
}

void leave_capture(machine::Stream& stream) {
    std::lock_guard lock(mutex());
    StreamCapture* part = capture_of(stream);
    if (!part) return;
    auto capture = part->capture;
    if (capture->parts.front() == part) {
        capture->invalid = true;
        end(*capture);
        return;
    }
    add_edges(capture->left_behind, part->dependencies);
    stream.set_sink(nullptr);
    std::erase(capture->parts, part);
    delete part;
}

} // namespace anywarp::driver

using namespace anywarp;
using namespace anywarp::driver;

CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
    return with_context(__func__, [&](CUctx_st& context) { return begin(context, stream, mode, nullptr, {}); });
}

CUresult cuStreamBeginCapture(CUstream stream) {
    return with_context(__func__,
                        [&](CUctx_st& context) { return begin(context, stream, CU_STREAM_CAPTURE_MODE_GLOBAL, nullptr, {}); });
}

CUresult cuStreamBeginCaptureToGraph(CUstream stream, CUgraph handle, const CUgraphNode* nodes, const CUgraphEdgeData* data,
                                     size_t count, CUstreamCaptureMode mode) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(graph, graph_of(handle));
        ANYWARP_TRY_AS(edges, edges_of(*graph, nodes, data, count));
        return begin(context, stream, mode, graph, std::move(edges));
    });
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph* result) {
    return with_part(__func__, handle, [&](StreamCapture* part) -> Result<void> {
        // A capture into a graph of the caller's has nothing to hand out.
        if (!result && !(part && !part->capture->own_graph)) return invalid_value("result is null");
        if (result) *result = nullptr;
        if (!part) return user_error(ErrorCode::illegal_state, "the stream isn't capturing");
        auto capture = part->capture;
        if (capture->parts.front() != part) {
            capture->invalid = true;
            return capture_error(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the capture began in another stream");
        }
        if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != std::this_thread::get_id())
            return capture_error(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "the capture began in another thread");
        bool unjoined = !joined(*capture);
        end(*capture);
        if (capture->invalid || unjoined) {
            if (capture->own_graph) forget_graph(*capture->graph);
            if (capture->invalid) return capture_error(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture has failed before");
            return capture_error(CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
                                 "a stream that joined the capture wasn't waited for by the one in which it began");
        }
        if (result) *result = capture->graph.get();
        return {};
    });
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus* status) {
    return with_part(__func__, handle,
                     [&](StreamCapture* part) { return info(part, status, nullptr, nullptr, nullptr, nullptr, nullptr); });
}

CUresult cuStreamGetCaptureInfo(CUstream handle, CUstreamCaptureStatus* status, cuuint64_t* id) {
    return with_part(__func__, handle,
                     [&](StreamCapture* part) { return info(part, status, id, nullptr, nullptr, nullptr, nullptr); });
}

CUresult cuStreamGetCaptureInfo_v2(CUstream handle, CUstreamCaptureStatus* status, cuuint64_t* id, CUgraph* graph,
                                   const CUgraphNode** nodes, size_t* count) {
    return with_part(__func__, handle, [&](StreamCapture* part) { return info(part, status, id, graph, nodes, nullptr, count); });
}

CUresult cuStreamGetCaptureInfo_v3(CUstream handle, CUstreamCaptureStatus* status, cuuint64_t* id, CUgraph* graph,
                                   const CUgraphNode** nodes, const CUgraphEdgeData** edges, size_t* count) {
    return with_part(__func__, handle, [&](StreamCapture* part) { return info(part, status, id, graph, nodes, edges, count); });
}

CUresult cuStreamUpdateCaptureDependencies(CUstream handle, CUgraphNode* nodes, size_t count, unsigned flags) {
    return with_part(__func__, handle,
                     [&](StreamCapture* part) { return update_dependencies(part, nodes, nullptr, count, flags); });
}

CUresult cuStreamUpdateCaptureDependencies_v2(CUstream handle, CUgraphNode* nodes, const CUgraphEdgeData* data, size_t count,
                                              unsigned flags) {
    return with_part(__func__, handle, [&](StreamCapture* part) { return update_dependencies(part, nodes, data, count, flags); });
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(mode);
        if (*mode < CU_STREAM_CAPTURE_MODE_GLOBAL || *mode > CU_STREAM_CAPTURE_MODE_RELAXED)
            return invalid_value(format("capture mode {}", static_cast<int>(*mode)));
        std::swap(thread_mode, *mode);
        return {};
    });
}
