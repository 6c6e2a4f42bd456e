// See stream.h; the queues themselves are the dispatcher's.
#include "machine/stream.h"

#include "machine/device.h"
#include "machine/device_internals.h"
#include "machine/dispatcher.h"

namespace anywarp::machine {
namespace {
std::atomic<uint64_t> next_stream_id{1};
}

Stream::Stream(Device& device, Kind kind, int priority)
    : device_(device), kind_(kind), priority_(priority), id_(next_stream_id.fetch_add(1)),
      queue_(std::make_shared<StreamQueue>(device, kind != Kind::non_blocking, kind == Kind::legacy)) {}

Stream::~Stream() = default;

StreamPoint Stream::last_point() const { return {queue_, Dispatcher::instance().submitted(*queue_)}; }

Result<void> Stream::enqueue(Command command) {
    if (sink_) return sink_->add(std::move(command));
    if (auto status = device_.status(); !status) return status;
    Dispatcher::instance().enqueue(*queue_, std::move(command), true, *device_.internals().ordered_with(*this));
    return {};
}

Result<void> Stream::run(Command command) {
    if (sink_) return user_error(ErrorCode::illegal_state, "synchronous operation on a stream that is being captured");
    if (auto status = device_.status(); !status) return status;
    Dispatcher& dispatcher = Dispatcher::instance();
    uint64_t position = dispatcher.enqueue(*queue_, std::move(command), false, *device_.internals().ordered_with(*this));
    dispatcher.wait(*queue_, position);
    return device_.status();
}

Result<void> Stream::wait(Event& event) {
    if (const auto& shared = event.shared()) {
        uint64_t ticket = shared->latest();
        if (shared->done(ticket)) return device_.status();
        return enqueue(HostCommand{[shared, ticket](ErrorCode) { shared->wait(ticket); }});
    }
    auto record = event.latest();
    if (!record || record->point.done()) return device_.status();
    return enqueue(WaitCommand{record->point});
}

Result<void> Stream::query() {
    if (auto status = device_.status(); !status) return status;
    if (last_point().done()) return {};
    return user_error(ErrorCode::not_ready, "work is pending in the stream");
}

Result<void> Stream::synchronize() {
    Dispatcher& dispatcher = Dispatcher::instance();
    // The legacy stream answers for the blocking streams too: its next command would wait for them.
    if (kind_ == Kind::legacy) {
        auto others = device_.internals().ordered_with(*this);
        for (const auto& other : *others) dispatcher.wait(*other, dispatcher.submitted(*other));
    }
    dispatcher.wait(*queue_, dispatcher.submitted(*queue_));
    device_.internals().flush_output();
    return device_.status();
}

Result<void> Event::record(Stream& stream) {
    if (auto status = stream.device().status(); !status) return status;
    StreamPoint point = stream.last_point();
    auto enqueue = [&](auto make) {
        Dispatcher::instance().enqueue_made(*point.queue, *stream.device().internals().ordered_with(stream), make);
    };
    // Under the queues' lock, so that of two records of one event at the same time the one that is queued later is the latest.
    if (shared_) {
        enqueue([&](uint64_t) {
            // Reached even after an error: other processes wait for it.
            return HostCommand{[shared = shared_, ticket = shared_->begin()](ErrorCode) { shared->complete(ticket); }, true};
        });
        return {};
    }
    auto record = std::make_shared<EventRecord>();
    record->timed = !(flags_ & disable_timing);
    enqueue([&](uint64_t position) {
        record->point = {point.queue, position};
        set_latest(record);
        return RecordCommand{record};
    });
    return {};
}

std::shared_ptr<EventRecord> Event::latest() const {
    std::lock_guard lock(mutex_);
    return latest_;
}

void Event::set_latest(std::shared_ptr<EventRecord> record) {
    std::lock_guard lock(mutex_);
    latest_ = std::move(record);
}

Result<void> Event::query() const {
    if (shared_) {
        if (shared_->done(shared_->latest())) return {};
        return user_error(ErrorCode::not_ready, "the event has not been reached");
    }
    auto record = latest();
    if (!record || record->point.done()) return {};
    return user_error(ErrorCode::not_ready, "the event has not been reached");
}

Result<void> Event::synchronize() const {
    if (shared_) {
        shared_->wait(shared_->latest());
        return {};
    }
    auto record = latest();
    if (!record) return {};
    if (record->point.queue) {
        Dispatcher::instance().wait(*record->point.queue, record->point.position);
        record->point.queue->device.internals().flush_output();
        return record->point.queue->device.status();
    }
    return {};
}

Result<float> Event::elapsed_ms(const Event& start, const Event& end) {
    auto first = start.latest(), last = end.latest();
    if (!first || !last || !first->timed || !last->timed)
        return user_error(ErrorCode::invalid_handle, "elapsed time of an event that was not recorded, or without timing");
    if (!first->point.done() || !last->point.done()) return user_error(ErrorCode::not_ready, "the event has not been reached");
    auto difference = static_cast<int64_t>(last->time_ns.load() - first->time_ns.load());
    return static_cast<float>(static_cast<double>(difference) * 1e-6);
}

} // namespace anywarp::machine
