// Executes one command on the calling thread; see command.h.
//
// Copies and fills run guarded as kernels do: a pointer that isn't there becomes illegal_address.
#include "machine/command.h"

#include "jit/compiler.h"
#include "machine/device_internals.h"
#include "machine/device_launch.h"
#include "machine/faults.h"
#include "machine/graph.h"
#include "machine/kernel.h"
#include "machine/kernel_state.h"
#include "machine/run_grid.h"
#include "machine/statistics.h"
#include "machine/usage.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace anywarp::machine {
namespace {

uint64_t now_ns() {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

void copy(const CopyCommand& c) {
    auto* to = static_cast<uint8_t*>(c.destination);
    auto* from = static_cast<const uint8_t*>(c.source);
    for (uint64_t z = 0; z < c.depth; z++)
        for (uint64_t y = 0; y < c.height; y++)
            std::memmove(to + z * c.destination_slice + y * c.destination_pitch, from + z * c.source_slice + y * c.source_pitch,
                         c.width);
}

template <class Element> void fill_row(uint8_t* at, uint64_t count, uint32_t value) {
    auto* to = reinterpret_cast<Element*>(at);
    for (uint64_t i = 0; i < count; i++) to[i] = static_cast<Element>(value);
}

void fill_row(uint8_t* at, uint64_t count, uint32_t value, uint32_t element_bytes) {
    switch (element_bytes) {
    case 1:
        std::memset(at, static_cast<int>(value), count);
        break;
    case 2:
        fill_row<uint16_t>(at, count, value);
        break;
    default:
        fill_row<uint32_t>(at, count, value);
    }
}

void fill(const FillCommand& f) {
    for (uint64_t y = 0; y < f.height; y++)
        fill_row(static_cast<uint8_t*>(f.destination) + y * f.pitch, f.width, f.value, f.element_bytes);
}

// Large 1-D copies and fills are grids of their own, one block per piece: several threads together reach the memory's bandwidth,
// and share the cost of touching fresh pages.
constexpr uint64_t piece_bytes = 1 << 20, shared_from_bytes = 8 << 20;

struct Pieces {
    uint8_t* destination;
    const uint8_t* source; // null: fill with `value`
    uint64_t bytes;
    uint32_t value, element_bytes;
};

void run_piece(const BlockContext* context) {
    const auto& work = *reinterpret_cast<const Pieces*>(context->params);
    uint64_t begin = context->ctaid[0] * piece_bytes, count = std::min(piece_bytes, work.bytes - begin);
    if (work.source)
        std::memcpy(work.destination + begin, work.source + begin, count);
    else
        fill_row(work.destination + begin, count / work.element_bytes, work.value, work.element_bytes);
}

Result<void> run_pieces(Device& device, const Pieces& work, const char* what) {
    KernelInfo info{};
    info.abi_version = kernel_abi_version;
    info.width = 1;
    info.run_block = run_piece;
    GridArguments arguments;
    arguments.grid.x = static_cast<uint32_t>((work.bytes + piece_bytes - 1) / piece_bytes);
    arguments.params = reinterpret_cast<const uint8_t*>(&work);
    arguments.workers = std::min(device.workers(), 16u); // more don't make memory faster
    auto result = run_grid(info, arguments);
    if (!result) return user_error(result.error().code, std::string(what) + ": " + result.error().message);
    return {};
}

template <class Work> Result<void> guarded(const char* what, const Work& work) {
    Fault fault;
    if (run_guarded([&] { work(); }, fault)) return {};
    return user_error(fault.code, std::string(what) + ": " + fault.describe());
}

} // namespace

Result<void> run_kernel(Device& device, const KernelCommand& command, LaunchNode& node) {
    Kernel::State& state = command.kernel->state();
    auto* code = static_cast<const KernelCode*>(command.code.get());
    if (auto there = code->wait(); !there) return there;
    RunningGrid running(device.usage());
    GridArguments arguments;
    arguments.grid = command.grid;
    arguments.block = command.block;
    arguments.dynamic_shared = command.dynamic_shared;
    arguments.static_shared = static_cast<uint32_t>(
        command.dynamic_shared ? std::max(state.shared.static_size, state.shared.dynamic_offset) : state.shared.static_size);
    arguments.params = command.params.data();
    arguments.image = command.kernel->module().image();
    arguments.cooperative = command.cooperative;
    arguments.workers = device.workers();
    arguments.block_nanoseconds = &code->block_nanoseconds;
    arguments.machine = &device;
    arguments.launches = &node;
    if (!statistics_enabled()) return run_grid(code->info, arguments);
    uint64_t counters[counter_count] = {};
    arguments.counters = counters;
    uint64_t start = now_ns();
    auto result = run_grid(code->info, arguments);
    count_launch(command.kernel->name(), code->info, command.grid.volume(), static_cast<double>(now_ns() - start) * 1e-9,
                 counters);
    return result;
}

Result<void> execute(Device& device, const Command& command) {
    bool good = device.sticky_error() == ErrorCode::success;
    if (auto* kernel = std::get_if<KernelCommand>(&command)) {
        if (!good) return {};
        LaunchNode root(device, kernel->kernel->module());
        auto result = run_kernel(device, *kernel, root);
        if (root.used()) result = root.finish(std::move(result));
        if (!result) {
            Error error = result.error();
            error.message = "kernel " + kernel->kernel->name() + ": " + error.message;
            return std::unexpected(std::move(error));
        }
        return {};
    }
    if (auto* c = std::get_if<CopyCommand>(&command)) {
        if (!good) return {};
        auto* to = static_cast<uint8_t*>(c->destination);
        auto* from = static_cast<const uint8_t*>(c->source);
        bool apart = to + c->width <= from || from + c->width <= to;
        if (c->height == 1 && c->depth == 1 && c->width >= shared_from_bytes && from && apart)
            return run_pieces(device, {to, from, c->width, 0, 1}, "copy");
        return guarded("copy", [&] { copy(*c); });
    }
    if (auto* f = std::get_if<FillCommand>(&command)) {
        if (!good) return {};
        uint64_t bytes = f->width * f->element_bytes;
        if (f->height == 1 && bytes >= shared_from_bytes)
            return run_pieces(device, {static_cast<uint8_t*>(f->destination), nullptr, bytes, f->value, f->element_bytes},
                              "memset");
        return guarded("memset", [&] { fill(*f); });
    }
    if (auto* host = std::get_if<HostCommand>(&command)) {
        if (good || host->even_after_error) host->function(device.sticky_error());
        return {};
    }
    if (auto* graph = std::get_if<GraphCommand>(&command)) return run_graph(*graph);
    if (auto* record = std::get_if<RecordCommand>(&command)) record->record->time_ns.store(now_ns());
    return {};
}

} // namespace anywarp::machine
