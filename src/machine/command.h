// What a stream can be asked to do, as plain values: a command can be queued now, or kept in a graph and queued many times.
#pragma once

#include "machine/event.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace anywarp::jit {
class CompiledKernel;
}

namespace anywarp::machine {

struct Dim3 {
    uint32_t x = 1, y = 1, z = 1;
    uint64_t volume() const { return uint64_t(x) * y * z; }
    bool operator==(const Dim3&) const = default;
};

class Kernel;

/// A kernel launch that has passed its checks and has its code (Kernel::prepare).
struct KernelCommand {
    std::shared_ptr<const Kernel> kernel; // keeps the module and its image alive
    std::shared_ptr<const jit::CompiledKernel> code;
    Dim3 grid, block;
    uint32_t dynamic_shared = 0;
    bool cooperative = false;
    std::vector<uint8_t> params; // parameter buffer (ptx::parameter_layout)
};

/// 1-D to 3-D copy between any two host-addressable places; a 1-D copy has height == depth == 1.
struct CopyCommand {
    void* destination = nullptr;
    const void* source = nullptr;
    uint64_t width = 0; // bytes
    uint64_t height = 1, depth = 1;
    uint64_t destination_pitch = 0, source_pitch = 0; // bytes from row to row
    uint64_t destination_slice = 0, source_slice = 0; // bytes from slice to slice
};

/// cuMemsetD8/D16/D32, 1-D and 2-D.
struct FillCommand {
    void* destination = nullptr;
    uint32_t value = 0;
    uint32_t element_bytes = 1; // 1, 2 or 4
    uint64_t width = 0;         // elements
    uint64_t height = 1;
    uint64_t pitch = 0; // bytes
};

/// A host function. `status` is the device's sticky error; without `even_after_error` it isn't called once there is one.
struct HostCommand {
    std::function<void(ErrorCode status)> function;
    bool even_after_error = false;
};

struct RecordCommand { // event record
    std::shared_ptr<EventRecord> record;
};
struct WaitCommand { // go on once the point is done; the stream is parked, no thread blocks
    StreamPoint point;
};
struct EmptyCommand {};

struct GraphProgram;
struct GraphCommand { // one run of a graph; see graph.h
    std::shared_ptr<const GraphProgram> program;
    std::vector<std::shared_ptr<EventRecord>> records; // of this run, one per event of the program
};

using Command =
    std::variant<EmptyCommand, KernelCommand, CopyCommand, FillCommand, HostCommand, RecordCommand, WaitCommand, GraphCommand>;

/// Executes a command at once on the calling thread (not Wait). Faults become errors; see faults.h.
class Device;
Result<void> execute(Device& device, const Command& command);

} // namespace anywarp::machine
