// What a Device keeps for the machine's own files.
#pragma once

#include "machine/device.h"
#include "machine/dispatcher.h"

#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>

namespace anywarp::machine {

struct Device::Internals {
    explicit Internals(Device& owner) : device(owner) {}

    Device& device;

    mutable std::shared_mutex streams_mutex;
    std::map<const Stream*, std::unique_ptr<Stream>> streams; // all but the legacy one
    // Lists are replaced, not changed: a command being queued reads the list it has got without a lock.
    QueueList queues;                                 // of live streams and of destroyed ones with work left
    std::shared_ptr<const QueueList> blocking_queues; // the blocking ones among them, without the legacy one
    std::shared_ptr<const QueueList> legacy_queue;    // just that one
    std::unique_ptr<Stream> legacy;
    uint64_t generation = 0; // counts resets: a thread's own default stream of an earlier life is gone

    mutable std::mutex error_mutex;
    std::atomic<int> error{0};
    std::string error_message;

    std::atomic<uint64_t> stack_size{1024}, printf_fifo{1 << 20}, malloc_heap{8 << 20};

    // Device printf: text of finished calls, not yet written out.
    std::mutex output_mutex;
    std::string output;
    std::atomic<bool> has_output{false};
    void print(std::string_view text);
    void flush_output();

    // Device malloc: memory in use by kernels.
    std::atomic<uint64_t> heap_used{0};

    /// Queues that a command of `stream` must be ordered with (legacy default stream semantics).
    std::shared_ptr<const QueueList> ordered_with(const Stream& stream) const;
    Stream* add_stream(std::unique_ptr<Stream> stream); // under streams_mutex
    void forget_finished_queues();                      // of destroyed streams; under streams_mutex
};

} // namespace anywarp::machine
