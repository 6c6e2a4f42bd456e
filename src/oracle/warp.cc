// Warp-level instructions: shfl vote match redux elect activemask bar.warp.sync.
//
// A lane brings its operand and waits; when every member named in the mask (that hasn't exited) has come, each gets a copy of
// all operands and works out its own result from them. Instructions without a member mask (activemask, the old shfl and vote)
// wait until no thread of the warp can run, and then take those at the same instruction as the active ones.
// PTX ISA 9.0, 9.7.9.6, 9.7.13.2, 9.7.13.9 - 9.7.13.14.
#include "oracle/interpreter.h"

#include <algorithm>

namespace anywarp::oracle {

namespace {

bool has_member_mask(const Instruction& instruction) {
    return instruction.opcode != Opcode::activemask && (instruction.has(Modifier::sync) || instruction.opcode == Opcode::elect ||
                                                        instruction.opcode == Opcode::bar_warp_sync);
}

uint64_t brought(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    switch (instruction.opcode) {
    case Opcode::shfl:
        return read(thread, o.at(1), Type::b32);
    case Opcode::vote:
        return read_predicate(thread, o.at(1));
    case Opcode::match:
    case Opcode::redux:
        return read(thread, o.at(1), instruction.type());
    default:
        return 0;
    }
}

void finish_shuffle(Thread& thread, const Instruction& instruction, const Wait& w) {
    const auto& o = instruction.operands;
    int b = int(read(thread, o.at(2), Type::b32) & 31);
    uint32_t c = uint32_t(read(thread, o.at(3), Type::b32));
    int lane = int(thread.lane()), clamp = int(c & 31), segment = int((c >> 8) & 31);
    int highest = (lane & segment) | (clamp & ~segment), lowest = lane & segment, from = lane;
    bool in_range = false;
    if (instruction.has(Modifier::up)) {
        from = lane - b;
        in_range = from >= highest; // for .up the clamp is the lowest lane of the segment
    } else if (instruction.has(Modifier::down)) {
        from = lane + b;
        in_range = from <= highest;
    } else if (instruction.has(Modifier::bfly)) {
        from = lane ^ b;
        in_range = from <= highest;
    } else {
        from = lowest | (b & ~segment);
        in_range = from <= highest;
    }
    if (!in_range) from = lane;
    // From a lane that takes no part the value is undefined; the oracle gives the own value.
    uint64_t value = (w.arrived >> (from & 31)) & 1 ? w.values[size_t(from & 31)] : w.values[size_t(lane)];
    write(thread, first_of(o[0]), Type::b32, value);
    if (const Operand* p = second_of(o[0])) write_predicate(thread, *p, in_range);
}

void finish_vote(Thread& thread, const Instruction& instruction, const Wait& w) {
    uint32_t yes = 0;
    for (unsigned i = 0; i < 32; ++i)
        if ((w.arrived >> i) & 1 && w.values[i]) yes |= 1u << i;
    const Operand& d = instruction.operands[0];
    if (instruction.has(Modifier::ballot))
        write(thread, d, Type::b32, yes);
    else if (instruction.has(Modifier::all))
        write_predicate(thread, d, yes == w.arrived);
    else if (instruction.has(Modifier::any))
        write_predicate(thread, d, yes != 0);
    else if (instruction.has(Modifier::uni))
        write_predicate(thread, d, yes == 0 || yes == w.arrived);
    else
        refuse(thread, instruction);
}

void finish_match(Thread& thread, const Instruction& instruction, const Wait& w) {
    uint32_t same = 0;
    for (unsigned i = 0; i < 32; ++i)
        if ((w.arrived >> i) & 1 && w.values[i] == w.value) same |= 1u << i;
    const Operand& d = instruction.operands[0];
    if (instruction.has(Modifier::any)) {
        write(thread, d, Type::b32, same);
        return;
    }
    bool all = same == w.arrived;
    write(thread, first_of(d), Type::b32, all ? same : 0);
    if (const Operand* p = second_of(d)) write_predicate(thread, *p, all);
}

void finish_reduction(Thread& thread, const Instruction& instruction, const Wait& w) {
    Type type = instruction.type();
    bool is_float = ptx::is_float(type), first = true;
    uint64_t r = 0;
    for (unsigned i = 0; i < 32; ++i) {
        if (!((w.arrived >> i) & 1)) continue;
        uint64_t v = w.values[i];
        if (is_float && instruction.has(Modifier::abs)) v &= 0x7fffffff;
        if (first)
            r = v;
        else if (instruction.has(Modifier::and_))
            r &= v;
        else if (instruction.has(Modifier::or_))
            r |= v;
        else if (instruction.has(Modifier::xor_))
            r ^= v;
        else if (instruction.has(Modifier::add))
            r = uint32_t(r + v);
        else if (is_float)
            r = float_min_max(r, v, format_f32, instruction.has(Modifier::max), instruction.has(Modifier::NaN));
        else if (instruction.has(Modifier::min))
            r = integer(v, type) < integer(r, type) ? v : r;
        else if (instruction.has(Modifier::max))
            r = integer(v, type) > integer(r, type) ? v : r;
        else
            refuse(thread, instruction);
        first = false;
    }
    write(thread, instruction.operands[0], type, r);
}

bool is_matrix(Opcode opcode) { return find_handler(opcode) == execute_matrix; }

void release(Block& block, uint32_t warp, uint32_t members) {
    std::array<uint64_t, 32> values{};
    std::shared_ptr<std::vector<std::vector<uint64_t>>> fragments;
    const Instruction& first = *block.threads[warp * 32 + uint32_t(__builtin_ctz(members))].wait.instruction;
    if (is_matrix(first.opcode)) {
        fragments = std::make_shared<std::vector<std::vector<uint64_t>>>(32, std::vector<uint64_t>(64));
        for (unsigned i = 0; i < 32; ++i)
            if ((members >> i) & 1) (*fragments)[i] = matrix_registers(block.threads[warp * 32 + i], first);
    }
    for (unsigned i = 0; i < 32; ++i)
        if ((members >> i) & 1) values[i] = block.threads[warp * 32 + i].wait.value;
    for (unsigned i = 0; i < 32; ++i)
        if ((members >> i) & 1) {
            Wait& w = block.threads[warp * 32 + i].wait;
            w.values = values;
            w.fragments = fragments;
            w.arrived = members;
            w.released = true;
        }
}

/// Which comes first in the program: deeper calls before their caller, then the smaller pc.
bool earlier(const Thread& a, const Thread& b) {
    if (a.frames.size() != b.frames.size()) return a.frames.size() > b.frames.size();
    return a.frames.back()->pc < b.frames.back()->pc;
}

} // namespace

void complete_warp_operations(Block& block, uint32_t warp, bool idle) {
    uint32_t begin = warp * 32, end = std::min<uint32_t>(begin + 32, uint32_t(block.threads.size()));
    auto waits = [&](uint32_t t) {
        const Thread& thread = block.threads[t];
        return !thread.exited && thread.wait.kind == Wait::warp && !thread.wait.released;
    };
    for (uint32_t t = begin; t < end; ++t) {
        if (!waits(t) || block.threads[t].wait.converged) continue;
        const Wait& w = block.threads[t].wait;
        uint32_t members = 0;
        bool complete = true;
        for (uint32_t u = begin; u < end; ++u) {
            if (!((w.mask >> (u - begin)) & 1) || block.threads[u].exited) continue;
            const Wait& other = block.threads[u].wait;
            if (waits(u) && !other.converged && other.mask == w.mask && other.instruction->opcode == w.instruction->opcode)
                members |= 1u << (u - begin);
            else
                complete = false;
        }
        if (complete) release(block, warp, members);
    }
    const Thread* first = nullptr;
    for (uint32_t t = begin; t < end; ++t) {
        const Thread& thread = block.threads[t];
        if (thread.exited) continue;
        if (thread.wait.kind == Wait::none || thread.wait.released) {
            if (!idle) return; // somebody may still come
            continue;
        }
        if (waits(t) && thread.wait.converged && (!first || earlier(thread, *first))) first = &thread;
    }
    if (!first) return;
    uint32_t members = 0;
    for (uint32_t t = begin; t < end; ++t)
        if (waits(t) && block.threads[t].wait.instruction == first->wait.instruction &&
            block.threads[t].frames.size() == first->frames.size())
            members |= 1u << (t - begin);
    release(block, warp, members);
}

Flow execute_warp(Thread& thread, const Instruction& instruction) {
    if (thread.wait.kind != Wait::warp) {
        Wait& w = thread.wait;
        w = Wait{};
        w.kind = Wait::warp;
        w.instruction = &instruction;
        w.converged = !has_member_mask(instruction);
        w.value = brought(thread, instruction);
        w.mask = w.converged ? 0 : uint32_t(read(thread, instruction.operands.back(), Type::b32)) | 1u << thread.lane();
        return Flow::wait;
    }
    if (!thread.wait.released) return Flow::wait;
    Wait w = thread.wait;
    thread.wait = Wait{};
    switch (instruction.opcode) {
    case Opcode::shfl:
        finish_shuffle(thread, instruction, w);
        break;
    case Opcode::vote:
        finish_vote(thread, instruction, w);
        break;
    case Opcode::match:
        finish_match(thread, instruction, w);
        break;
    case Opcode::redux:
        finish_reduction(thread, instruction, w);
        break;
    case Opcode::activemask:
        write(thread, instruction.operands[0], Type::b32, w.arrived);
        break;
    case Opcode::elect: {
        // The lowest member leads.
        uint32_t leader = uint32_t(__builtin_ctz(w.mask));
        write(thread, first_of(instruction.operands[0]), Type::b32, leader);
        if (const Operand* p = second_of(instruction.operands[0])) write_predicate(thread, *p, leader == thread.lane());
        break;
    }
    case Opcode::bar_warp_sync:
        break;
    default:
        refuse(thread, instruction);
    }
    return Flow::next;
}

} // namespace anywarp::oracle
