// See graph.h.
#include "machine/graph.h"

#include "machine/device.h"
#include "machine/device_internals.h"

#include <atomic>
#include <chrono>

namespace anywarp::machine {
namespace {

uint64_t now_ns() {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

uint32_t read(const GraphCondition& condition) { return std::atomic_ref(*condition.value).load(std::memory_order_acquire); }

Result<void> run_program(const GraphProgram& program, const GraphCommand& launch);

Result<void> run_condition(const GraphCondition& condition, const GraphStep& step, const GraphCommand& launch) {
    auto body = [&](size_t i) -> Result<void> {
        return i < condition.bodies.size() && condition.bodies[i] ? run_program(*condition.bodies[i], launch) : Result<void>{};
    };
    switch (condition.kind) {
    case GraphCondition::Kind::if_: // a second body is the "else"
        return body(read(condition) ? 0 : 1);
    case GraphCondition::Kind::switch_:
        return body(read(condition));
    case GraphCondition::Kind::while_:
        while (read(condition)) {
            auto done = body(0);
            if (!done) return done;
            if (step.device->sticky_error() != ErrorCode::success) return {};
        }
        return {};
    }
    return {};
}

Result<void> run_program(const GraphProgram& program, const GraphCommand& launch) {
    for (const auto& step : program.steps) {
        if (step.records >= 0) {
            launch.records[static_cast<size_t>(step.records)]->time_ns.store(now_ns());
            continue;
        }
        Result<void> done = {};
        if (auto* condition = std::get_if<GraphCondition>(&step.work))
            done = run_condition(*condition, step, launch);
        else
            done = execute(*step.device, std::get<Command>(step.work));
        if (done) continue;
        step.device->set_sticky_error(done.error().code, done.error().message);
        return done;
    }
    return {};
}

} // namespace

Result<void> run_graph(const GraphCommand& command) {
    for (const auto& [value, at_start] : command.program->defaults)
        std::atomic_ref(*value).store(at_start, std::memory_order_release);
    auto done = run_program(*command.program, command);
    // An event in a body that didn't run, or behind an error, is over all the same.
    for (const auto& record : command.records)
        if (record->time_ns.load() == 0) record->time_ns.store(now_ns());
    return done;
}

Result<void> launch_graph(Stream& stream, std::shared_ptr<const GraphProgram> program, StreamPoint& point) {
    if (auto status = stream.device().status(); !status) return status;
    std::vector<std::shared_ptr<EventRecord>> records;
    for (const auto& event : program->events) {
        auto record = std::make_shared<EventRecord>();
        record->timed = !(event->flags() & Event::disable_timing);
        records.push_back(std::move(record));
    }
    point = stream.last_point();
    Dispatcher::instance().enqueue_made(*point.queue, *stream.device().internals().ordered_with(stream), [&](uint64_t position) {
        point.position = position;
        for (size_t i = 0; i < records.size(); i++) {
            records[i]->point = point;
            program->events[i]->set_latest(records[i]);
        }
        return GraphCommand{program, records};
    });
    return {};
}

} // namespace anywarp::machine
