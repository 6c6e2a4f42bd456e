// Streams: in-order queues of commands that run asynchronously.
//
// Commands of one stream run one after the other, on whichever thread has taken the stream: a thread of the device's runner
// pool, woken when the queue becomes non-empty, or a host thread that synchronises and would only wait otherwise (this is what
// makes launch + synchronise cheap: the woken runner usually comes too late). A stream that waits for an event or for another
// stream is parked and holds no thread.
//
// The legacy default stream waits for everything queued earlier in blocking streams, and they wait for it; non-blocking
// streams don't take part (CUDA driver API, "Stream synchronization behavior"). Both directions are waits inserted when a
// command is queued, so that they cost nothing when the other side is idle.
#pragma once

#include "machine/command.h"

namespace anywarp::machine {

class Device;

/// Where a capturing stream sends its commands instead of its queue.
class CommandSink {
public:
    virtual ~CommandSink() = default;
    virtual Result<void> add(Command command) = 0;
};

class Stream {
public:
    enum class Kind : uint8_t {
        blocking,     // synchronises with the legacy default stream
        non_blocking, // CU_STREAM_NON_BLOCKING
        legacy,       // CU_STREAM_LEGACY, stream 0
    };
    Stream(Device& device, Kind kind, int priority);
    ~Stream(); // queued work still finishes

    /// Queues a command. Errors: the device's sticky error.
    Result<void> enqueue(Command command);
    /// enqueue + synchronize without waking another thread first: synchronous copies and the like.
    Result<void> run(Command command);
    /// Everything queued from now on waits for the record that `event` has now.
    Result<void> wait(Event& event);

    /// success; not_ready (as an error) while work is pending; the sticky error.
    Result<void> query();
    Result<void> synchronize();

    Device& device() const { return device_; }
    Kind kind() const { return kind_; }
    int priority() const { return priority_; }
    uint64_t id() const { return id_; } // unique in the process
    StreamPoint last_point() const;     // the point after everything queued so far

    /// Not null while capturing; event records and waits, which are structure then and not work, never get here. Whoever sets
    /// a sink takes it away before it goes.
    CommandSink* sink() const { return sink_; }
    void set_sink(CommandSink* sink) { sink_ = sink; }

private:
    friend class Device;
    Device& device_;
    Kind kind_;
    int priority_;
    uint64_t id_;
    std::shared_ptr<StreamQueue> queue_;
    CommandSink* sink_ = nullptr;
};

} // namespace anywarp::machine
