// Stream capture: what would be queued becomes nodes of a graph.
//
// A capture begins in one stream and spreads: an event recorded in a capturing stream stands for the nodes that were last
// there, and a stream that waits for it captures into the same graph. Every stream in it keeps the nodes its next one depends
// on. Calls that can't be told as nodes (synchronising, the legacy stream) fail, and the capture with them.
//
// CUDA driver API, "Stream Management": cuStreamBeginCapture and following; CUDA C++ Programming Guide, "Creating a Graph Using
// Stream Capture".
#pragma once

#include "driver/graph.h"

namespace anywarp::driver {

/// True while any stream captures; one load, for the paths that must stay quick.
bool any_capture();

/// The stream's part in a capture; null when it isn't capturing.
class StreamCapture;
StreamCapture* capture_of(machine::Stream& stream);
/// Adds a node behind what the stream has captured so far. stream_capture_invalidated: the capture has failed.
Result<CUgraphNode> capture(StreamCapture& part, Work work);

Result<void> capture_record(StreamCapture& part, CUevent_st& event);
/// A wait for an event that was last recorded while capturing, or in a stream that captures.
Result<void> capture_wait(machine::Stream& stream, CUctx_st& context, std::shared_ptr<CUevent_st> event);

/// A synchronising call on a stream that captures fails, and so does the capture.
Result<void> refuse_while_capturing(machine::Stream& stream);
/// Calls that may synchronise implicitly (allocation and the like): not permitted while this thread, or in global mode any
/// thread, captures. See cuThreadExchangeStreamCaptureMode.
Result<void> refuse_unsafe_call(const char* what);
/// The legacy stream would wait for the blocking streams; one of them is capturing.
Result<void> refuse_legacy_stream(CUctx_st& context, bool invalidate);
Result<void> refuse_context_wait(CUctx_st& context);
/// Query, synchronize and elapsed time of an event that stands for captured nodes.
Result<void> refuse_captured_event(const CUevent_st& event);
/// A stream that goes while it captures must have been waited for; the one in which the capture began takes it along.
void leave_capture(machine::Stream& stream);

} // namespace anywarp::driver
