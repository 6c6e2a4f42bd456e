// Who executes the commands of streams, and when.
//
// One dispatcher for the process: its mutex guards every stream queue, so that "queue this after everything queued so far" is
// simple and right across streams, devices and host threads (it is held for some tens of nanoseconds per command, never while
// a command runs). Runner threads take queues that have something to do; a host thread that waits takes its queue itself when
// no runner has it yet. A queue whose next command waits for another queue is parked in that queue's list of waiters.
#pragma once

#include "machine/command.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

namespace anywarp::machine {

class Device;

struct StreamQueue : std::enable_shared_from_this<StreamQueue> {
    enum class State : uint8_t {
        idle,    // nothing queued
        ready,   // something to do, nobody does it
        running, // a thread executes its commands
        parked   // the next command waits for another queue
    };
    StreamQueue(Device& d, bool takes_part, bool is_legacy) : device(d), blocking(takes_part), legacy(is_legacy) {}

    Device& device;
    const bool blocking; // takes part in the legacy default stream's synchronisation
    const bool legacy;
    State state = State::idle;
    std::deque<Command> commands;
    uint64_t submitted = 0;             // position of the last command queued
    std::atomic<uint64_t> completed{0}; // position of the last command executed
    uint64_t waits_for_legacy = 0;      // how much of the legacy stream this queue waits for already
    uint64_t legacy_waits_for = 0;      // how much of this queue the legacy stream waits for already
    struct Waiter {
        uint64_t position;
        std::shared_ptr<StreamQueue> queue;
    };
    std::vector<Waiter> waiters; // queues parked until `completed` reaches a position
    std::shared_ptr<StreamQueue> parked_on;
    unsigned host_waiters = 0; // host threads asleep for it
};

using QueueList = std::vector<std::shared_ptr<StreamQueue>>;

class Dispatcher {
public:
    static Dispatcher& instance();

    /// Appends a command; returns its position. `wake`: see that somebody executes it, even if nobody waits.
    uint64_t enqueue(StreamQueue& queue, Command command, bool wake, const QueueList& others);
    /// Appends a command made under the lock for the position it will have (event records).
    template <class Make> void enqueue_made(StreamQueue& queue, const QueueList& others, Make make) {
        std::unique_lock lock(mutex_);
        order(queue, others);
        append(queue, make(queue.submitted + 1));
        kick(queue, lock);
    }
    /// Returns when the position has been executed; executes commands itself where it can.
    void wait(StreamQueue& queue, uint64_t position);
    bool done(const StreamQueue& queue) const { return queue.completed.load(std::memory_order_acquire) >= queue.submitted; }
    uint64_t submitted(const StreamQueue& queue);

private:
    void order(StreamQueue& queue, const QueueList& others);
    void append(StreamQueue& queue, Command command);
    void kick(StreamQueue& queue, std::unique_lock<std::mutex>& lock);
    void make_ready(StreamQueue& queue);
    /// Executes commands until the queue is empty or parked, or `until` is reached, or (on a host thread) one comes that only a
    /// runner may execute.
    void execute_queue(StreamQueue& queue, std::unique_lock<std::mutex>& lock, uint64_t until, bool on_host);
    bool help(StreamQueue& queue, std::unique_lock<std::mutex>& lock, uint64_t position);
    static void* thread_main(void* self);
    void run();

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::deque<std::shared_ptr<StreamQueue>> ready_; // may hold queues that somebody has taken since
    std::atomic<unsigned> offers_{0};
    unsigned sleeping_ = 0, waking_ = 0, looking_ = 0, threads_ = 0;
    static constexpr unsigned max_threads = 512;
};

} // namespace anywarp::machine
