// Dynamic parallelism: what a grid launches from the device.
//
// A grid that the host launches is the root of a tree: each launch on the device adds a child to the grid whose thread launched.
// A grid is complete when its blocks have ended, then all its children are complete, then its tail launches, one after the other;
// what the host waits for is the root. Children are queued while their parent runs and start once the root's blocks have ended,
// since nothing promises that they run at the same time; from then on several threads take what is ready.
//
// Order: launches into one stream of a grid, or into the NULL stream of one block, run one after the other. An event is the last
// node of its stream at the time of the record. Fire-and-forget launches wait for nothing.
//
// Calls from device code come in guarded (faults.h): nothing of the program's is read or written while a lock is held.
// CUDA C++ Programming Guide, "CUDA Dynamic Parallelism", "Execution Environment and Memory Model", "Device-Side Kernel Launch".
#pragma once

#include "machine/kernel.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

namespace anywarp::machine {

class LaunchTree;

/// What a launch on the device asks for, until it is launched; the kernel's parameters follow behind it in memory.
struct alignas(64) ParameterBuffer {
    uint64_t magic = 0;
    uint32_t function = 0; // index into ptx::Module::functions; ~0: not known yet (the first form of the API)
    Dim3 grid, block;
    uint32_t shared = 0;
    uint32_t bytes = 0; // of the parameters
    uint8_t* parameters() { return reinterpret_cast<uint8_t*>(this + 1); }
};

/// One grid, or one copy, fill or event wait, of the tree. The root's lives on the stack of the thread that runs the launch.
class LaunchNode {
public:
    /// The root: `device` and `module` are those of the kernel that the host launched.
    LaunchNode(Device& device, LoadedModule& module) : device(device), module(module) {}
    LaunchNode(std::shared_ptr<LaunchNode> over, Command work);
    LaunchNode(const LaunchNode&) = delete;
    ~LaunchNode();

    /// Root only: has anything been launched, or prepared?
    bool used() const { return tree_.load(std::memory_order_acquire) != nullptr; }
    /// Root only, after its blocks have ended with `own`: runs everything that was launched. The first error, `own` before others.
    Result<void> finish(Result<void> own);

    // The device runtime, on behalf of one thread of this grid. `block` is the number of the caller's block.
    ParameterBuffer* new_buffer(uint32_t bytes);
    bool owns(const ParameterBuffer* buffer);
    int launch(ParameterBuffer* buffer, uint64_t block, uint64_t stream); // a cudaError_t; the buffer is gone afterwards
    int queue(Command work, uint64_t block, uint64_t stream);
    uint64_t new_stream();
    uint64_t new_event();
    int record(uint64_t event, uint64_t block, uint64_t stream);
    int wait(uint64_t event, uint64_t block, uint64_t stream);
    unsigned depth() const { return depth_; }

    Device& device;
    LoadedModule& module;

private:
    friend class LaunchTree;
    using Key = std::pair<uint64_t, uint64_t>; // block, 0 for the block's own stream; ~0, handle for a created one
    static Key key(uint64_t block, uint64_t stream);
    LaunchTree& tree();
    std::shared_ptr<LaunchNode> self();

    std::atomic<LaunchTree*> tree_{nullptr}; // the root owns it
    std::shared_ptr<LaunchNode> parent_;     // null: the root
    unsigned depth_ = 0;
    Command work_;
    ParameterBuffer* launch_ = nullptr; // a grid's; work_ is empty then

    // Under the tree's lock.
    unsigned blocked_ = 0; // nodes that must be complete before this one starts
    unsigned open_ = 1;    // itself, and children that aren't complete
    bool complete_ = false;
    std::vector<std::shared_ptr<LaunchNode>> next_; // wait for this one
    std::deque<std::shared_ptr<LaunchNode>> tails_;
    std::map<Key, std::shared_ptr<LaunchNode>> last_; // of each stream
    std::map<uint64_t, std::shared_ptr<LaunchNode>> events_;
    std::map<const ParameterBuffer*, int> buffers_; // not launched yet
    std::weak_ptr<LaunchNode> self_;
};

/// Streams with a meaning of their own (cuda_device_runtime_api.h).
constexpr uint64_t tail_launch_stream = 3, fire_and_forget_stream = 4, first_created_stream = 0x1000;
constexpr unsigned deepest_launch = 24;

/// Runs one kernel on the calling thread; `node` gets what it launches (command.cc).
Result<void> run_kernel(Device& device, const KernelCommand& command, LaunchNode& node);

/// What the driver tells the device runtime: an attribute of a device (cudaDeviceAttr), as a cudaError_t.
using DeviceAttribute = int (*)(int* value, int attribute, int device);
void set_device_attribute(DeviceAttribute function);

} // namespace anywarp::machine
