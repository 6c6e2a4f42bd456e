// See dispatcher.h.
#include "machine/dispatcher.h"

#include "machine/device.h"
#include "machine/faults.h"
#include "machine/graph.h"
#include "machine/kernel_state.h"

#include <algorithm>
#include <pthread.h>

namespace anywarp::machine {
namespace {

inline void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

constexpr int spins_before_sleep = 300; // of a runner that looks for work, about 10 microseconds
constexpr int spins_before_wait = 600;  // of a host thread that waits for a runner
constexpr size_t stack_for_kernels = 512 << 10;
constexpr uint64_t small_frame = 64 << 10;

Dispatcher* the_dispatcher = nullptr;
std::once_flag dispatcher_once;

} // namespace

bool small_stack(const KernelCommand& launch) {
    return static_cast<const KernelCode&>(*launch.code).local_bytes <= small_frame;
}

namespace {

// Host functions may take locks that the synchronising thread holds, and kernels may need more stack than it has left.
bool may_run_on_host(const Command& command) {
    if (std::holds_alternative<HostCommand>(command)) return false;
    if (auto* launch = std::get_if<KernelCommand>(&command))
        return stack_left() >= stack_for_kernels && small_stack(*launch);
    if (auto* graph = std::get_if<GraphCommand>(&command))
        return stack_left() >= stack_for_kernels && graph->program->may_run_on_host;
    return true;
}

} // namespace

bool StreamPoint::done() const { return !queue || queue->completed.load(std::memory_order_acquire) >= position; }

Dispatcher& Dispatcher::instance() {
    std::call_once(dispatcher_once, [] {
        the_dispatcher = new Dispatcher;
        pthread_atfork(nullptr, nullptr, [] { the_dispatcher = new Dispatcher; });
    });
    return *the_dispatcher;
}

uint64_t Dispatcher::submitted(const StreamQueue& queue) {
    std::lock_guard lock(mutex_);
    return queue.submitted;
}

// The legacy default stream's rules, as waits put in front of the command that is about to be queued. `others`: for the legacy
// stream every blocking queue of its device, for a blocking one the legacy queue.
void Dispatcher::order(StreamQueue& queue, const QueueList& others) {
    for (const auto& other : others) {
        if (other.get() == &queue) continue;
        uint64_t& ordered = queue.legacy ? other->legacy_waits_for : queue.waits_for_legacy;
        if (other->submitted > ordered && other->completed.load(std::memory_order_relaxed) < other->submitted)
            append(queue, WaitCommand{{other, other->submitted}});
        ordered = other->submitted;
    }
}

void Dispatcher::append(StreamQueue& queue, Command command) {
    queue.commands.push_back(std::move(command));
    queue.submitted++;
}

uint64_t Dispatcher::enqueue(StreamQueue& queue, Command command, bool wake, const QueueList& others) {
    std::unique_lock lock(mutex_);
    order(queue, others);
    append(queue, std::move(command));
    uint64_t position = queue.submitted;
    if (wake)
        kick(queue, lock);
    else if (queue.state == StreamQueue::State::idle)
        queue.state = StreamQueue::State::ready; // the caller waits, and so executes it
    return position;
}

void Dispatcher::make_ready(StreamQueue& queue) {
    queue.state = StreamQueue::State::ready;
    ready_.push_back(queue.shared_from_this());
    offers_.fetch_add(1, std::memory_order_release);
}

void Dispatcher::kick(StreamQueue& queue, std::unique_lock<std::mutex>& lock) {
    if (queue.state != StreamQueue::State::idle) return;
    make_ready(queue);
    size_t coming = looking_ + waking_;
    if (coming >= ready_.size()) return;
    if (sleeping_ > waking_) {
        waking_++;
        lock.unlock();
        wake_.notify_one();
    } else if (threads_ < max_threads) {
        threads_++;
        looking_++;
        lock.unlock();
        if (!start_thread(thread_main, this, "anywarp-stream")) {
            lock.lock();
            threads_--;
            looking_--;
        }
    }
}

void Dispatcher::execute_queue(StreamQueue& queue, std::unique_lock<std::mutex>& lock, uint64_t until, bool on_host) {
    auto keep = queue.shared_from_this();
    queue.state = StreamQueue::State::running;
    while (!queue.commands.empty()) {
        if (on_host && queue.completed.load(std::memory_order_relaxed) >= until) break;
        if (auto* wait = std::get_if<WaitCommand>(&queue.commands.front())) {
            if (!wait->point.done()) {
                queue.parked_on = wait->point.queue;
                wait->point.queue->waiters.push_back({wait->point.position, keep});
                queue.state = StreamQueue::State::parked;
                return;
            }
        } else if (on_host && !may_run_on_host(queue.commands.front())) {
            break;
        }
        {
            Command command = std::move(queue.commands.front());
            queue.commands.pop_front();
            lock.unlock();
            if (!std::holds_alternative<WaitCommand>(command)) {
                auto done = execute(queue.device, command);
                if (!done) queue.device.set_sticky_error(done.error().code, done.error().message);
            }
            command = EmptyCommand{}; // drops modules and buffers outside the lock
            lock.lock();
        }
        uint64_t completed = queue.completed.load(std::memory_order_relaxed) + 1;
        queue.completed.store(completed, std::memory_order_release);
        for (size_t i = 0; i < queue.waiters.size();) {
            if (queue.waiters[i].position > completed) {
                i++;
                continue;
            }
            auto waiter = std::move(queue.waiters[i].queue);
            queue.waiters[i] = std::move(queue.waiters.back());
            queue.waiters.pop_back();
            waiter->parked_on.reset();
            waiter->state = StreamQueue::State::idle;
            kick(*waiter, lock);
            if (!lock.owns_lock()) lock.lock();
            if (waiter->host_waiters) done_.notify_all(); // the host thread may want to execute it
        }
        if (queue.host_waiters) done_.notify_all();
    }
    queue.state = StreamQueue::State::idle;
    if (!queue.commands.empty()) {
        kick(queue, lock);
        if (!lock.owns_lock()) lock.lock();
    }
}

// True when something was executed and the caller should look again.
bool Dispatcher::help(StreamQueue& queue, std::unique_lock<std::mutex>& lock, uint64_t position) {
    if (queue.state == StreamQueue::State::parked) {
        std::shared_ptr<StreamQueue> other = queue.parked_on;
        auto* wait = queue.commands.empty() ? nullptr : std::get_if<WaitCommand>(&queue.commands.front());
        return other && wait && help(*other, lock, wait->point.position);
    }
    if (queue.state != StreamQueue::State::ready) return false;
    uint64_t before = queue.completed.load(std::memory_order_relaxed);
    std::erase_if(ready_, [&](const auto& listed) { return listed.get() == &queue; });
    execute_queue(queue, lock, position, true);
    return queue.completed.load(std::memory_order_relaxed) != before || queue.state == StreamQueue::State::parked;
}

void Dispatcher::wait(StreamQueue& queue, uint64_t position) {
    if (queue.completed.load(std::memory_order_acquire) >= position) return;
    std::unique_lock lock(mutex_);
    while (queue.completed.load(std::memory_order_relaxed) < position) {
        if (help(queue, lock, position)) continue;
        lock.unlock();
        bool done = false;
        for (int i = 0; i < spins_before_wait && !done; i++) {
            relax();
            done = queue.completed.load(std::memory_order_acquire) >= position;
        }
        lock.lock();
        if (queue.completed.load(std::memory_order_relaxed) >= position) break;
        if (queue.state == StreamQueue::State::ready && !queue.commands.empty() && may_run_on_host(queue.commands.front()))
            continue;
        queue.host_waiters++;
        done_.wait(lock);
        queue.host_waiters--;
    }
}

void* Dispatcher::thread_main(void* self) {
    static_cast<Dispatcher*>(self)->run();
    return nullptr;
}

void Dispatcher::run() {
    std::unique_lock lock(mutex_); // counted in looking_ by whoever started this thread
    for (;;) {
        while (!ready_.empty()) {
            auto queue = std::move(ready_.front());
            ready_.pop_front();
            if (queue->state != StreamQueue::State::ready) continue; // a host thread took it
            looking_--;
            execute_queue(*queue, lock, ~0ull, false);
            queue.reset();
            looking_++;
        }
        unsigned seen = offers_.load(std::memory_order_relaxed);
        lock.unlock();
        for (int i = 0; i < spins_before_sleep; i++) {
            relax();
            if (offers_.load(std::memory_order_acquire) != seen) break;
        }
        lock.lock();
        if (!ready_.empty()) continue;
        looking_--;
        sleeping_++;
        wake_.wait(lock);
        sleeping_--;
        if (waking_) waking_--;
        looking_++;
    }
}

} // namespace anywarp::machine
