// See compile_queue.h.
#include "machine/compile_queue.h"

#include "machine/faults.h"
#include "machine/statistics.h"
#include "machine/worker_pool.h"

#include <algorithm>
#include <cstdlib>
#include <pthread.h>

namespace anywarp::machine {
namespace {

CompileQueue* the_queue = nullptr;
std::once_flag queue_once;

} // namespace

CompileQueue& CompileQueue::instance() {
    std::call_once(queue_once, [] {
        the_queue = new CompileQueue; // never destroyed, as the other pools
        pthread_atfork(nullptr, nullptr, [] { the_queue = new CompileQueue; });
        std::atexit([] { the_queue->close(); });
    });
    return *the_queue;
}

void CompileQueue::finish(Entry entry) {
    auto compiled = entry.compilation->finish();
    entry.compilation.reset(); // its memory, before anybody goes on
    if (compiled && statistics_enabled())
        count_compile(entry.kernel, (*compiled)->info, (*compiled)->compile_seconds, (*compiled)->from_cache);
    entry.code->set(std::move(compiled));
}

void CompileQueue::add(std::unique_ptr<jit::Compilation> compilation, std::shared_ptr<KernelCode> code, std::string kernel) {
    Entry entry{std::move(compilation), std::move(code), std::move(kernel)};
    entry.code->local_bytes = entry.compilation->warp_local_bytes;
    unsigned most = WorkerPool::default_workers();
    if (!entry.compilation->quick && most > 1) {
        std::unique_lock lock(mutex_);
        bool served = !closed_;
        if (served && idle_ <= entries_.size() && threads_ < most) {
            if (start_thread(thread_main, this, "anywarp-jit"))
                threads_++;
            else
                served = threads_ > 0;
        }
        if (served) {
            entries_.push_back(std::move(entry));
            lock.unlock();
            wake_.notify_one();
            return;
        }
    }
    finish(std::move(entry));
}

void* CompileQueue::thread_main(void* self) {
    static_cast<CompileQueue*>(self)->work();
    return nullptr;
}

void CompileQueue::run(std::deque<Entry>::iterator place, std::unique_lock<std::mutex>& lock) {
    Entry entry = std::move(*place);
    entries_.erase(place);
    busy_++;
    lock.unlock();
    if (entry.code.use_count() > 1) // otherwise the kernel is gone, and all its launches
        finish(std::move(entry));
    else
        entry = {};
    lock.lock();
    if (--busy_ == 0) left_.notify_all();
}

void CompileQueue::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        idle_++;
        wake_.wait(lock, [&] { return !entries_.empty(); });
        idle_--;
        run(entries_.begin(), lock);
    }
}

void CompileQueue::help(const KernelCode& code) {
    std::unique_lock lock(mutex_);
    auto place = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.code.get() == &code; });
    if (place != entries_.end()) run(place, lock);
}

void CompileQueue::close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    auto dropped = std::move(entries_);
    entries_.clear();
    for (Entry& entry : dropped)
        entry.code->set(user_error(ErrorCode::deinitialized, "kernel " + entry.kernel + ": the process is exiting"));
    left_.wait(lock, [&] { return busy_ == 0; });
}

} // namespace anywarp::machine
