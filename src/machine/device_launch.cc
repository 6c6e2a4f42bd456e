// See device_launch.h.
#include "machine/device_launch.h"

#include "machine/device.h"
#include "machine/faults.h"

#include <cstdlib>
#include <new>

namespace anywarp::machine {
namespace {

constexpr uint64_t buffer_magic = 0x414e5957'4c41554eu;
constexpr int success = 0, invalid_value = 1, out_of_memory = 2, launch_max_depth_exceeded = 65, invalid_handle = 400;

void release(ParameterBuffer* buffer) { std::free(buffer); }

} // namespace

/// All that one launch of the host brings about on the device.
class LaunchTree {
public:
    explicit LaunchTree(LaunchNode& root) : root_(std::shared_ptr<void>{}, &root) {}

    void add(const std::shared_ptr<LaunchNode>& node, const std::vector<std::shared_ptr<LaunchNode>>& before) {
        node->self_ = node;
        node->parent_->open_++;
        for (const auto& other : before)
            if (other && !other->complete_) {
                other->next_.push_back(node);
                node->blocked_++;
            }
        if (!node->blocked_) make_ready(node);
    }

    /// Runs what is ready until all is complete; called by the root's thread and by helpers.
    void run() {
        std::unique_lock lock(mutex);
        while (!root_->complete_) {
            if (ready_.empty()) {
                idle_++;
                changed_.wait(lock);
                idle_--;
                continue;
            }
            auto node = std::move(ready_.front());
            ready_.pop_front();
            bool skip = failed_;
            lock.unlock();
            auto result = skip ? Result<void>{} : execute_node(*node);
            lock.lock();
            if (!result && !failed_) {
                failed_ = true;
                error_ = result.error();
            }
            ended(node);
        }
    }

    Result<void> finish(Result<void> own) {
        {
            std::lock_guard lock(mutex);
            if (!own) {
                failed_ = true;
                error_ = own.error();
            }
            started_ = true;
            ended(root_);
        }
        run();
        std::unique_lock lock(mutex);
        changed_.wait(lock, [&] { return helpers_ == 0; });
        if (failed_) return std::unexpected(error_);
        return {};
    }

    std::shared_ptr<LaunchNode> root() const { return root_; }
    std::mutex mutex;
    uint64_t next_handle = first_created_stream; // of streams and events

private:
    Result<void> execute_node(LaunchNode& node) {
        if (!node.launch_) return execute(node.device, node.work_);
        ParameterBuffer& asked = *node.launch_;
        auto kernel = node.module.find_kernel(node.module.ptx().functions.at(asked.function).name);
        if (!kernel) return std::unexpected(kernel.error());
        LaunchConfig config;
        config.grid = asked.grid;
        config.block = asked.block;
        config.dynamic_shared = asked.shared;
        config.params.assign(asked.parameters(), asked.parameters() + asked.bytes);
        auto command = (*kernel)->prepare(config);
        if (!command) return std::unexpected(command.error());
        auto result = run_kernel(node.device, *command, node);
        if (result) return result;
        Error error = result.error();
        error.message = "kernel " + (*kernel)->name() + ", launched from the device: " + error.message;
        return std::unexpected(std::move(error));
    }

    void make_ready(std::shared_ptr<LaunchNode> node) {
        ready_.push_back(std::move(node));
        if (!started_) return;
        if (idle_) return changed_.notify_one();
        // The thread that gets here takes one itself.
        if (ready_.size() > 1 && helpers_ + 1 < root_->device.workers()) {
            helpers_++;
            if (!start_thread(helper_main, this, "anywarp-cdp")) helpers_--;
        }
    }

    static void* helper_main(void* argument) {
        auto& tree = *static_cast<LaunchTree*>(argument);
        tree.run();
        std::lock_guard lock(tree.mutex);
        tree.helpers_--;
        tree.changed_.notify_all();
        return nullptr;
    }

    /// The node's own work is done. What it could still have referred to goes, so that no circle of owners stays.
    void ended(const std::shared_ptr<LaunchNode>& node) {
        node->last_.clear();
        node->events_.clear();
        for (auto [buffer, unused] : node->buffers_) release(const_cast<ParameterBuffer*>(buffer));
        node->buffers_.clear();
        part_complete(node);
    }

    void part_complete(std::shared_ptr<LaunchNode> node) {
        while (node && --node->open_ == 0) {
            if (!node->tails_.empty()) {
                auto tail = std::move(node->tails_.front());
                node->tails_.pop_front();
                add(tail, {});
                return;
            }
            node->complete_ = true;
            for (auto& waiting : node->next_)
                if (--waiting->blocked_ == 0) make_ready(std::move(waiting));
            node->next_.clear();
            auto parent = node->parent_;
            if (!parent) changed_.notify_all(); // the root
            node = std::move(parent);
        }
    }

    std::shared_ptr<LaunchNode> root_; // not owned
    std::deque<std::shared_ptr<LaunchNode>> ready_;
    std::condition_variable changed_;
    unsigned idle_ = 0, helpers_ = 0;
    bool started_ = false, failed_ = false;
    Error error_;
};

LaunchNode::LaunchNode(std::shared_ptr<LaunchNode> over, Command work)
    : device(over->device), module(over->module), tree_(over->tree_.load()), parent_(std::move(over)),
      depth_(parent_->depth_ + 1), work_(std::move(work)) {}

LaunchNode::~LaunchNode() {
    if (launch_) release(launch_);
    if (!parent_) delete tree_.load();
}

LaunchTree& LaunchNode::tree() {
    LaunchTree* known = tree_.load(std::memory_order_acquire);
    if (known) return *known;
    auto* made = new LaunchTree(*this);
    if (tree_.compare_exchange_strong(known, made, std::memory_order_acq_rel)) return *made;
    delete made;
    return *known;
}

std::shared_ptr<LaunchNode> LaunchNode::self() { return parent_ ? self_.lock() : tree().root(); }

Result<void> LaunchNode::finish(Result<void> own) { return tree().finish(std::move(own)); }

LaunchNode::Key LaunchNode::key(uint64_t block, uint64_t stream) {
    return stream < first_created_stream ? Key{block, 0} : Key{~uint64_t{0}, stream};
}

ParameterBuffer* LaunchNode::new_buffer(uint32_t bytes) {
    size_t size = (sizeof(ParameterBuffer) + bytes + 63) / 64 * 64;
    void* memory = std::aligned_alloc(64, size);
    if (!memory) return nullptr;
    auto* buffer = new (memory) ParameterBuffer;
    buffer->magic = buffer_magic;
    buffer->bytes = bytes;
    std::lock_guard lock(tree().mutex);
    buffers_.emplace(buffer, 0);
    return buffer;
}

bool LaunchNode::owns(const ParameterBuffer* buffer) {
    std::lock_guard lock(tree().mutex);
    return buffers_.contains(buffer);
}

int LaunchNode::launch(ParameterBuffer* buffer, uint64_t block, uint64_t stream) {
    if (depth_ >= deepest_launch) return launch_max_depth_exceeded;
    std::shared_ptr<LaunchNode> me = self();
    auto node = std::make_shared<LaunchNode>(me, EmptyCommand{});
    LaunchTree& all = tree();
    std::lock_guard lock(all.mutex);
    if (!buffers_.erase(buffer)) return invalid_value;
    node->launch_ = buffer;
    if (stream == tail_launch_stream) {
        tails_.push_back(std::move(node));
    } else if (stream == fire_and_forget_stream) {
        all.add(node, {});
    } else {
        auto& last = last_[key(block, stream)];
        all.add(node, {last});
        last = std::move(node);
    }
    return success;
}

int LaunchNode::queue(Command work, uint64_t block, uint64_t stream) {
    auto node = std::make_shared<LaunchNode>(self(), std::move(work));
    LaunchTree& all = tree();
    std::lock_guard lock(all.mutex);
    if (stream == tail_launch_stream) {
        tails_.push_back(std::move(node));
        return success;
    }
    auto& last = last_[key(block, stream)];
    all.add(node, {last});
    last = std::move(node);
    return success;
}

uint64_t LaunchNode::new_stream() {
    LaunchTree& all = tree();
    std::lock_guard lock(all.mutex);
    return all.next_handle++;
}

uint64_t LaunchNode::new_event() {
    LaunchTree& all = tree();
    std::lock_guard lock(all.mutex);
    events_[all.next_handle] = nullptr;
    return all.next_handle++;
}

int LaunchNode::record(uint64_t event, uint64_t block, uint64_t stream) {
    std::lock_guard lock(tree().mutex);
    auto found = events_.find(event);
    if (found == events_.end()) return invalid_handle;
    auto last = last_.find(key(block, stream));
    found->second = last == last_.end() ? nullptr : last->second;
    return success;
}

int LaunchNode::wait(uint64_t event, uint64_t block, uint64_t stream) {
    auto node = std::make_shared<LaunchNode>(self(), EmptyCommand{});
    LaunchTree& all = tree();
    std::lock_guard lock(all.mutex);
    auto found = events_.find(event);
    if (found == events_.end()) return invalid_handle;
    auto& last = last_[key(block, stream)];
    all.add(node, {last, found->second});
    last = std::move(node);
    return success;
}

} // namespace anywarp::machine
