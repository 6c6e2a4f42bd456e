// Executable graphs: the commands of a graph in an order that respects its edges, run as one command of a stream.
//
// The steps run one after the other on one thread. Nodes that could run side by side gain nothing from it here, as every
// kernel already spreads over all workers, and a list costs no scheduling: launching a graph is what makes many small kernels
// cheap. A program is immutable, so that a launch that is still queued isn't changed by an update of its graph.
//
// CUDA driver API, "Graph Management".
#pragma once

#include "machine/command.h"

namespace anywarp::machine {

class Device;
class Event;

/// A conditional node: its bodies run while, or if, or where `value` says so (CUgraphConditionalNodeType).
struct GraphCondition {
    enum class Kind : uint8_t { if_, while_, switch_ };
    Kind kind = Kind::if_;
    std::shared_ptr<uint32_t> value; // read when the node is reached, and before each turn of a loop; kernels write it
    std::vector<std::shared_ptr<const GraphProgram>> bodies;
};

struct GraphStep {
    Device* device = nullptr;
    std::variant<Command, GraphCondition> work;
    /// Not null: an event record node, whose `work` is empty; the event of this position in GraphProgram::events.
    int records = -1;
};

struct GraphProgram {
    std::vector<GraphStep> steps;
    std::vector<std::shared_ptr<Event>> events; // recorded by this program, its bodies included
    /// Conditional values that each launch sets first.
    std::vector<std::pair<std::shared_ptr<uint32_t>, uint32_t>> defaults;
    bool may_run_on_host = true; // no step calls a host function or waits
};

/// Whether a host thread that waits may execute the launch itself: its lanes' local memory needs little stack.
bool small_stack(const KernelCommand& launch);

/// Queues one run of the program; its events count as recorded from now on. `point`: where the stream will have executed it.
Result<void> launch_graph(Stream& stream, std::shared_ptr<const GraphProgram> program, StreamPoint& point);

/// Runs the steps on the calling thread; stops at the first error, which is also made the device's sticky one.
Result<void> run_graph(const GraphCommand& command);

} // namespace anywarp::machine
