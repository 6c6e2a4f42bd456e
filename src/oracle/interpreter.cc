// The run loop: blocks come in, threads take turns, blocks go out.
//
// A limited number of blocks is resident at a time; all of their threads take turns, so a block may wait for an earlier one
// or for any other resident one. A pass in which nobody could execute anything is a deadlock.
#include "oracle/interpreter.h"

#include <algorithm>

namespace anywarp::oracle {

void Buffer::allocate(uint64_t size) {
    storage_ = std::make_unique<uint8_t[]>(size + 256);
    std::memset(storage_.get(), 0, size + 256);
    data_ = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(storage_.get()) + 127) & ~uintptr_t(127));
    size_ = size;
}

const Code& Grid::code(uint32_t function) {
    auto found = code_of_functions.find(function);
    if (found != code_of_functions.end()) return found->second;
    Result<const Body*> parsed = module.body(function);
    if (!parsed) throw Fault{parsed.error()};
    Code& code = code_of_functions[function];
    code.body = *parsed;
    for (const Instruction& instruction : code.body->instructions) code.handlers.push_back(find_handler(instruction.opcode));
    uint32_t slots = 0;
    for (const ptx::Register& r : code.body->registers) {
        code.slots.push_back(slots);
        slots += r.vector;
    }
    code.slots.push_back(slots);
    return code;
}

std::string describe(Thread& thread, const Instruction& instruction) {
    const Block& b = *thread.block;
    char where[160];
    std::snprintf(where, sizeof where, "line %u, block (%u,%u,%u), thread (%u,%u,%u): ", instruction.where.line, b.ctaid[0],
                  b.ctaid[1], b.ctaid[2], thread.tid[0], thread.tid[1], thread.tid[2]);
    return where + std::string(ptx::spelling(instruction.opcode));
}

void fault(Thread& thread, ErrorCode code, const std::string& what) {
    std::string text = what;
    if (!thread.frames.empty() && thread.frame().pc < thread.frame().body->instructions.size())
        text = describe(thread, thread.frame().body->instructions[thread.frame().pc]) + ": " + what;
    throw Fault{{ErrorKind::user, code, text}};
}

void refuse(Thread& thread, const Instruction& instruction) {
    std::string name(ptx::spelling(instruction.opcode));
    for (Modifier m : instruction.modifiers) name += "." + std::string(ptx::spelling(m));
    for (Type t : instruction.types) name += "." + std::string(ptx::spelling(t));
    throw Fault{{ErrorKind::unsupported, ErrorCode::not_supported,
                 "oracle: line " + std::to_string(instruction.where.line) + ": instruction " + name}};
}

namespace {

/// One instruction; false when the thread can't go on now.
bool step(Thread& thread) {
    Frame& frame = thread.frame();
    if (frame.pc >= frame.body->instructions.size()) { // a body that ends without ret
        Instruction ret;
        ret.opcode = Opcode::ret;
        return execute_return(thread, ret) == Flow::jumped;
    }
    const Instruction& instruction = frame.body->instructions[frame.pc];
    if (instruction.guard != ptx::no_index) {
        bool guard = frame.registers[frame.code->slots[instruction.guard]] != 0;
        if (guard == instruction.guard_negated) {
            ++frame.pc;
            return true;
        }
    }
    Handler handler = frame.code->handlers[frame.pc];
    if (!handler) refuse(thread, instruction);
    Flow flow;
    try {
        flow = handler(thread, instruction);
    } catch (const std::out_of_range&) {
        throw Fault{{ErrorKind::internal, ErrorCode::unknown, describe(thread, instruction) + ": operand missing"}};
    }
    if (flow == Flow::next) ++frame.pc;
    return flow == Flow::next || flow == Flow::jumped;
}

/// A thread's turn; the number of instructions executed.
uint64_t take_turn(Thread& thread, uint64_t limit) {
    uint64_t executed = 0;
    thread.gives_way = false;
    while (executed < limit && !thread.exited) {
        if (thread.wait.kind != Wait::none && !thread.wait.released) break;
        bool went_on = step(thread);
        if (went_on || thread.exited) ++executed;
        if (!went_on || thread.gives_way) break;
    }
    return executed;
}

std::unique_ptr<Block> make_block(Grid& grid, uint64_t index) {
    const Launch& launch = grid.launch;
    auto block = std::make_unique<Block>();
    block->grid = &grid;
    block->ctaid[0] = uint32_t(index % launch.grid[0]);
    block->ctaid[1] = uint32_t(index / launch.grid[0] % launch.grid[1]);
    block->ctaid[2] = uint32_t(index / launch.grid[0] / launch.grid[1]);
    block->shared.allocate(grid.shared_size);
    uint32_t count = launch.block[0] * launch.block[1] * launch.block[2];
    block->threads.resize(count);
    block->live = count;
    for (uint32_t t = 0; t < count; ++t) {
        Thread& thread = block->threads[t];
        thread.block = block.get();
        thread.linear = t;
        thread.tid[0] = t % launch.block[0];
        thread.tid[1] = t / launch.block[0] % launch.block[1];
        thread.tid[2] = t / launch.block[0] / launch.block[1];
        thread.frames.push_back(make_frame(thread, grid.entry));
    }
    return block;
}

/// Lets every thread of the block take its turn and completes what they waited for; the number of instructions executed.
uint64_t run_block_once(Grid& grid, Block& block) {
    uint64_t executed = 0;
    for (size_t first = 0; first < block.threads.size(); first += 32) {
        size_t end = std::min(first + 32, block.threads.size());
        uint64_t of_warp = 0;
        for (size_t t = first; t < end; ++t)
            if (!block.threads[t].exited) of_warp += take_turn(block.threads[t], grid.launch.turn);
        executed += of_warp;
        grid.outcome.instructions += of_warp;
        complete_warp_operations(block, uint32_t(first / 32), of_warp == 0);
    }
    complete_barriers(block);
    for (const Thread& thread : block.threads)
        if (!thread.exited && thread.wait.released) return executed + 1; // somebody can go on
    return executed;
}

void run(Grid& grid) {
    const Launch& launch = grid.launch;
    uint64_t blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2], next = 0;
    uint64_t threads = uint64_t(launch.block[0]) * launch.block[1] * launch.block[2];
    uint64_t resident_limit = std::max<uint64_t>(1, 16384 / threads);
    std::vector<std::unique_ptr<Block>> resident;
    while (next < blocks || !resident.empty()) {
        while (next < blocks && resident.size() < resident_limit) resident.push_back(make_block(grid, next++));
        uint64_t executed = 0;
        for (auto& block : resident) executed += run_block_once(grid, *block);
        std::erase_if(resident, [](const auto& block) { return block->live == 0; });
        if (grid.outcome.instructions > launch.max_instructions)
            throw Fault{{ErrorKind::user, ErrorCode::launch_timeout,
                         "more than " + std::to_string(launch.max_instructions) + " instructions executed"}};
        if (executed == 0 && !resident.empty())
            for (Thread& thread : resident.front()->threads)
                if (!thread.exited) fault(thread, ErrorCode::launch_timeout, "deadlock: waits for threads that never come");
    }
}

} // namespace

Result<void> run_grid(const ptx::Module& module, uint32_t function, const Launch& launch, Outcome& outcome) {
    outcome = Outcome{};
    if (function >= module.functions.size() || !module.functions[function].is_entry || module.functions[function].is_declaration)
        return user_error(ErrorCode::invalid_value, "function " + std::to_string(function) + " is no kernel");
    for (int i = 0; i < 3; ++i)
        if (launch.grid[i] == 0 || launch.block[i] == 0) return user_error(ErrorCode::invalid_value, "empty grid or block");
    if (uint64_t(launch.block[0]) * launch.block[1] * launch.block[2] > 1024)
        return user_error(ErrorCode::invalid_value, "block of more than 1024 threads");
    Result<ptx::SharedLayout> shared = ptx::shared_layout(module, function);
    if (!shared) return std::unexpected(shared.error());
    Grid grid{module, launch, outcome};
    grid.entry = function;
    grid.image_layout = ptx::image_layout(module);
    grid.parameter_layout = ptx::parameter_layout(module.functions[function]);
    grid.shared_layout = *shared;
    grid.shared_size = std::max(shared->static_size, shared->dynamic_offset + launch.dynamic_shared);
    try {
        run(grid);
    } catch (const Fault& f) {
        return std::unexpected(f.error);
    }
    return {};
}

} // namespace anywarp::oracle
