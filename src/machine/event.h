// Events: points in a stream's queue, with the time at which they were reached.
//
// An event remembers its latest record: (stream, position, time). A stream that waits on an event waits for the record that
// was latest when the wait was queued; recording again later doesn't change that (CUDA driver API, "Event Management").
#pragma once

#include "machine/shared_records.h"
#include "ptx/error.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace anywarp::machine {

class Stream;
struct StreamQueue;

/// A position in a stream's queue; done when everything up to and including it has been executed.
struct StreamPoint {
    std::shared_ptr<StreamQueue> queue; // null: always done
    uint64_t position = 0;
    bool done() const;
};

/// One cuEventRecord.
struct EventRecord {
    StreamPoint point;
    std::atomic<uint64_t> time_ns{0}; // 0: not reached yet
    bool timed = true;
};

class Event {
public:
    enum Flags : uint32_t { blocking_sync = 1, disable_timing = 2, interprocess = 4 }; // CU_EVENT_*
    explicit Event(uint32_t flags = 0) : flags_(flags) {}
    /// An interprocess event, which keeps its records where other processes see them.
    Event(uint32_t flags, std::shared_ptr<SharedRecords> shared) : flags_(flags), shared_(std::move(shared)) {}

    Result<void> record(Stream& stream);
    /// success; not_ready (as an error) while the record hasn't been reached. An event never recorded is done.
    Result<void> query() const;
    Result<void> synchronize() const;
    /// Milliseconds from `start` to `end`. invalid_handle: never recorded, or timing disabled; not_ready: not reached.
    static Result<float> elapsed_ms(const Event& start, const Event& end);

    uint32_t flags() const { return flags_; }
    const std::shared_ptr<SharedRecords>& shared() const { return shared_; }
    /// The latest record; null when never recorded, and for an interprocess event.
    std::shared_ptr<EventRecord> latest() const;
    void set_latest(std::shared_ptr<EventRecord> record); // for graphs

private:
    uint32_t flags_;
    std::shared_ptr<SharedRecords> shared_; // null: of this process only
    mutable std::mutex mutex_;
    std::shared_ptr<EventRecord> latest_;
};

} // namespace anywarp::machine
