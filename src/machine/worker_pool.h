// The workers of the process: OS threads that help with grids.
//
// Whoever has a grid to run (a stream's runner, a host thread that synchronises, a test) runs blocks itself and is worker 0 of
// that grid; the pool's threads, one less than the machine has hardware threads, join it. They are created at the first grid
// worth sharing. Grids that run at the same time, of one device or of several, get equal numbers of them: a free thread goes to
// the grid with the fewest, and when a grid begins those with more than their share let threads go between two blocks.
// A thread that was woken wakes the next two, so that waking many costs the caller no more than waking one.
// Nothing here is ever destroyed: threads may be at work while the process ends.
#pragma once

#include "machine/grid.h"

#include <condition_variable>
#include <mutex>
#include <vector>

namespace anywarp::machine {

class WorkerPool {
public:
    static WorkerPool& instance();
    /// Hardware threads, or ANYWARP_WORKERS.
    static unsigned default_workers();

    /// Returns when every block of the grid is done.
    void run(Grid& grid, unsigned workers, uint64_t expected_ns);

private:
    WorkerPool() = default;
    static void* thread_main(void* self);
    void work();
    void publish(Grid& grid);
    void share_out(); // under the mutex

    std::mutex mutex_;
    std::condition_variable wake_, left_;
    std::vector<Grid*> grids_; // that may take more helpers
    unsigned threads_ = 0, sleeping_ = 0;
    std::atomic<unsigned> offers_{0}; // counts publish(): what a spinning thread looks at
};

} // namespace anywarp::machine
