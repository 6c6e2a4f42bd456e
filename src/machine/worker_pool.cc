// See worker_pool.h.
#include "machine/worker_pool.h"

#include "machine/properties.h"

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

constexpr uint64_t small_grid_ns = 15'000; // shorter grids stay on the calling thread
constexpr int spins_before_sleep = 3000;   // about 100 microseconds of looking for the next grid: waking up takes half of that
                                           // and may put two workers on one core
constexpr int spins_before_wait = 2000;    // for helpers to finish their last block

WorkerPool* the_pool = nullptr;
std::once_flag pool_once;

} // namespace

WorkerPool& WorkerPool::instance() {
    std::call_once(pool_once, [] {
        the_pool = new WorkerPool;
        // A forked child has none of the threads: it starts with an empty pool.
        pthread_atfork(nullptr, nullptr, [] { the_pool = new WorkerPool; });
    });
    return *the_pool;
}

unsigned WorkerPool::default_workers() { return machine_workers(); }

void* WorkerPool::thread_main(void* self) {
    static_cast<WorkerPool*>(self)->work();
    return nullptr;
}

void WorkerPool::publish(Grid& grid) {
    std::lock_guard lock(mutex_);
    grid.wanted = static_cast<unsigned>(std::min<uint64_t>(grid.wanted, grid.remaining()));
    if (grid.wanted == 0) return;
    grids_.push_back(&grid);
    offers_.fetch_add(1, std::memory_order_release);
    while (threads_ < grid.wanted) {
        if (!start_thread(thread_main, this, "anywarp-worker")) break;
        threads_++;
    }
    if (sleeping_) wake_.notify_one();
    share_out();
}

void WorkerPool::share_out() {
    if (grids_.size() == 1) grids_[0]->surplus.store(0);
    if (grids_.size() < 2) return;
    unsigned fair = threads_ / static_cast<unsigned>(grids_.size());
    for (Grid* grid : grids_) grid->surplus.store(static_cast<int>(grid->joined) - static_cast<int>(std::max(fair, 1u)));
}

void WorkerPool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        Grid* grid = nullptr; // the one with the fewest helpers
        for (Grid* candidate : grids_)
            if (candidate->joined < candidate->wanted && !candidate->exhausted() && (!grid || candidate->joined < grid->joined))
                grid = candidate;
        if (grid) {
            unsigned worker;
            if (grid->free_workers.empty()) {
                worker = ++grid->worker_ids;
            } else {
                worker = grid->free_workers.back();
                grid->free_workers.pop_back();
            }
            grid->joined++;
            grid->inside.fetch_add(1, std::memory_order_relaxed);
            bool more = grid->joined < grid->wanted && sleeping_;
            lock.unlock();
            if (more) {
                wake_.notify_one();
                wake_.notify_one();
            }
            grid->participate(worker);
            lock.lock();
            grid->joined--;
            grid->free_workers.push_back(worker);
            if (grid->inside.fetch_sub(1, std::memory_order_release) == 1) left_.notify_all();
            continue;
        }
        unsigned seen = offers_.load(std::memory_order_relaxed);
        lock.unlock();
        bool offered = false;
        for (int i = 0; i < spins_before_sleep && !offered; i++) {
            relax();
            offered = offers_.load(std::memory_order_acquire) != seen;
        }
        lock.lock();
        if (offers_.load(std::memory_order_relaxed) != seen) continue;
        sleeping_++;
        wake_.wait(lock);
        sleeping_--;
    }
}

void WorkerPool::run(Grid& grid, unsigned workers, uint64_t expected_ns) {
    grid.wanted = workers > 1 && grid.total() > 1 ? static_cast<unsigned>(std::min<uint64_t>(workers, grid.total()) - 1) : 0;
    if (grid.wanted == 0) return grid.participate(0);
    bool shared = false;
    if (expected_ns && expected_ns < small_grid_ns) {
        grid.share = [&] {
            shared = true;
            publish(grid);
        };
    } else {
        shared = true;
        publish(grid);
    }
    grid.participate(0);
    if (!shared) return;
    {
        std::lock_guard lock(mutex_);
        std::erase(grids_, &grid); // nobody joins any more
        share_out();
    }
    for (int i = 0; i < spins_before_wait; i++) {
        if (grid.inside.load(std::memory_order_acquire) == 0) break;
        relax();
    }
    // The lock also makes sure that the last helper is done with the grid, not only with its count.
    std::unique_lock lock(mutex_);
    left_.wait(lock, [&] { return grid.inside.load(std::memory_order_acquire) == 0; });
}

} // namespace anywarp::machine
