// See device.h.
#include "machine/device.h"

#include "machine/device_internals.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace anywarp::machine {

// --- streams ---------------------------------------------------------------------------------------------------------------

std::shared_ptr<const QueueList> Device::Internals::ordered_with(const Stream& stream) const {
    static const auto none = std::make_shared<const QueueList>();
    if (stream.kind() == Stream::Kind::non_blocking) return none;
    if (stream.kind() == Stream::Kind::blocking) return legacy_queue;
    std::shared_lock lock(streams_mutex);
    return blocking_queues;
}

Stream* Device::Internals::add_stream(std::unique_ptr<Stream> stream) {
    forget_finished_queues();
    auto queue = stream->last_point().queue;
    queues.push_back(queue);
    if (queue->blocking) {
        QueueList list = *blocking_queues;
        list.push_back(queue);
        blocking_queues = std::make_shared<const QueueList>(std::move(list));
    }
    Stream* raw = stream.get();
    streams.emplace(raw, std::move(stream));
    return raw;
}

void Device::Internals::forget_finished_queues() {
    auto alive = [&](const std::shared_ptr<StreamQueue>& queue) {
        if (queue->legacy) return true;
        for (auto& [key, stream] : streams)
            if (stream->last_point().queue == queue) return true;
        return Dispatcher::instance().submitted(*queue) > queue->completed.load();
    };
    if (queues.size() <= streams.size() + 1) return; // none has been destroyed
    std::erase_if(queues, [&](const auto& queue) { return !alive(queue); });
    QueueList list = *blocking_queues;
    std::erase_if(list, [&](const auto& queue) { return std::find(queues.begin(), queues.end(), queue) == queues.end(); });
    blocking_queues = std::make_shared<const QueueList>(std::move(list));
}

Stream& Device::legacy_stream() { return *internals_->legacy; }

Stream& Device::per_thread_stream() {
    // One per (thread, device); given back when the thread ends. Work that it has queued still finishes.
    struct Mine {
        struct Entry {
            Device* device;
            Stream* stream;
            uint64_t generation;
        };
        std::vector<Entry> entries;
        ~Mine() {
            for (auto& e : entries)
                if (e.generation == e.device->internals_->generation) (void)e.device->destroy_stream(e.stream);
        }
    };
    thread_local Mine mine;
    uint64_t generation = internals_->generation;
    for (auto& e : mine.entries)
        if (e.device == this) {
            if (e.generation != generation) e = {this, create_stream(), generation};
            return *e.stream;
        }
    mine.entries.push_back({this, create_stream(), generation});
    return *mine.entries.back().stream;
}

Stream* Device::create_stream(Stream::Kind kind, int priority) {
    std::lock_guard lock(internals_->streams_mutex);
    return internals_->add_stream(std::make_unique<Stream>(*this, kind, priority));
}

Result<void> Device::destroy_stream(Stream* stream) {
    std::lock_guard lock(internals_->streams_mutex);
    auto it = internals_->streams.find(stream);
    if (it == internals_->streams.end()) return user_error(ErrorCode::invalid_handle, "not a stream of this device");
    internals_->streams.erase(it);
    internals_->forget_finished_queues();
    return {};
}

bool Device::has_stream(const Stream* stream) const {
    if (stream == internals_->legacy.get()) return true;
    std::shared_lock lock(internals_->streams_mutex);
    return internals_->streams.contains(stream);
}

Result<void> Device::synchronize() {
    QueueList all;
    {
        std::shared_lock lock(internals_->streams_mutex);
        all = internals_->queues;
    }
    Dispatcher& dispatcher = Dispatcher::instance();
    for (auto& queue : all) dispatcher.wait(*queue, dispatcher.submitted(*queue));
    internals_->flush_output();
    return status();
}

void Device::reset() {
    (void)synchronize();
    Internals& in = *internals_;
    {
        std::lock_guard lock(in.streams_mutex);
        in.streams.clear();
        in.generation++;
        in.forget_finished_queues();
    }
    memory_.release_all();
    in.heap_used = 0;
    in.stack_size = 1024;
    in.printf_fifo = 1 << 20;
    in.malloc_heap = 8 << 20;
    std::lock_guard lock(in.error_mutex);
    in.error_message.clear();
    in.error.store(0);
}

// --- errors, limits, memory ------------------------------------------------------------------------------------------------

Result<void> Device::status() const {
    int code = internals_->error.load(std::memory_order_acquire);
    if (code == 0) return {};
    return user_error(static_cast<ErrorCode>(code), sticky_message());
}

void Device::set_sticky_error(ErrorCode code, std::string message) {
    std::lock_guard lock(internals_->error_mutex);
    if (internals_->error.load() != 0) return;
    internals_->error_message = std::move(message);
    internals_->error.store(static_cast<int>(code), std::memory_order_release);
    if (std::getenv("ANYWARP_VERBOSE"))
        std::fprintf(stderr, "anywarp: device %d: %s\n", ordinal_, internals_->error_message.c_str());
}

ErrorCode Device::sticky_error() const { return static_cast<ErrorCode>(internals_->error.load(std::memory_order_acquire)); }

std::string Device::sticky_message() const {
    std::lock_guard lock(internals_->error_mutex);
    return internals_->error_message;
}

uint64_t Device::limit(Limit which) const {
    switch (which) {
    case Limit::stack_size:
        return internals_->stack_size;
    case Limit::printf_fifo_size:
        return internals_->printf_fifo;
    default:
        return internals_->malloc_heap;
    }
}

Result<void> Device::set_limit(Limit which, uint64_t value) {
    switch (which) {
    case Limit::stack_size:
        if (value > 512 << 10) return user_error(ErrorCode::invalid_value, "stack size of " + std::to_string(value) + " bytes");
        internals_->stack_size = value;
        break;
    case Limit::printf_fifo_size:
        internals_->printf_fifo = value;
        break;
    case Limit::malloc_heap_size:
        if (value > memory_.total()) return user_error(ErrorCode::invalid_value, "device heap larger than the memory");
        internals_->malloc_heap = value;
        break;
    }
    return {};
}

Result<uint8_t*> Device::allocate(uint64_t bytes, MemoryKind kind, uint32_t flags) {
    if (auto s = status(); !s) return std::unexpected(s.error());
    return memory_.allocate(bytes, kind, flags);
}

Result<void> Device::free(void* address) {
    if (auto s = synchronize(); !s) return s;
    return memory_.free(address);
}

Device::Device(int ordinal)
    : ordinal_(ordinal),
      properties_(installed_devices()->at(static_cast<size_t>(visible_devices()[static_cast<size_t>(ordinal)]))),
      usage_(usage_of(visible_devices()[static_cast<size_t>(ordinal)])), memory_(ordinal, properties_.total_memory),
      internals_(std::make_unique<Internals>(*this)) {
    memory_.report_to(usage_.used_bytes);
    Internals& in = *internals_;
    in.legacy = std::make_unique<Stream>(*this, Stream::Kind::legacy, 0);
    auto queue = in.legacy->last_point().queue;
    in.queues.push_back(queue);
    in.legacy_queue = std::make_shared<const QueueList>(QueueList{queue});
    in.blocking_queues = std::make_shared<const QueueList>();
}

int Device::count() { return static_cast<int>(visible_devices().size()); }

Result<Device*> Device::get(int ordinal) {
    if (ordinal < 0 || ordinal >= count())
        return user_error(ErrorCode::invalid_device, "device " + std::to_string(ordinal) + " of " + std::to_string(count()));
    static std::mutex mutex;
    static Device* devices[max_devices] = {}; // never destroyed: threads may still use them while the process ends
    std::lock_guard lock(mutex);
    if (!devices[ordinal]) devices[ordinal] = new Device(ordinal);
    return devices[ordinal];
}

} // namespace anywarp::machine
