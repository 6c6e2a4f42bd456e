// bar and barrier: sync, arrive, red, with ids and thread counts.
//
// A barrier completes when as many threads as it expects have arrived; without a count, when every thread of the block that
// hasn't exited has. Counts are in whole warps: a warp whose live threads have all arrived counts 32.
// PTX ISA 9.0, 9.7.13.1.
#include "oracle/interpreter.h"

#include <algorithm>

namespace anywarp::oracle {

namespace {

bool is_complete(const Block& block, const Barrier& barrier) {
    uint32_t arrived = 0, counted = 0;
    for (uint32_t warp = 0; warp * 32 < block.threads.size(); ++warp) {
        uint32_t here = 0, live = 0;
        for (uint32_t t = warp * 32; t < warp * 32 + 32 && t < block.threads.size(); ++t) {
            here += barrier.arrived[t];
            live += !block.threads[t].exited || barrier.arrived[t];
        }
        arrived += here;
        counted += here != 0 && here == live ? 32 : here;
    }
    if (arrived == 0) return false;
    if (barrier.expected) return counted >= barrier.expected;
    for (const Thread& thread : block.threads)
        if (!thread.exited && !barrier.arrived[thread.linear]) return false;
    return true;
}

} // namespace

void complete_barriers(Block& block) {
    for (uint32_t id = 0; id < block.barriers.size(); ++id) {
        Barrier& barrier = block.barriers[id];
        if (barrier.arrived.empty() || !is_complete(block, barrier)) continue;
        uint32_t count = 0;
        for (size_t t = 0; t < block.threads.size(); ++t) count += barrier.arrived[t] && barrier.predicate[t];
        for (Thread& thread : block.threads)
            if (thread.wait.kind == Wait::barrier && thread.wait.barrier_id == id && !thread.wait.released) {
                thread.wait.released = true;
                thread.wait.result = count;
                thread.wait.arrived = uint32_t(std::count(barrier.arrived.begin(), barrier.arrived.end(), 1));
            }
        barrier = Barrier{};
    }
}

Flow execute_barrier(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    bool reduces = instruction.has(Modifier::red), arrives = instruction.has(Modifier::arrive);
    size_t at = reduces ? 1 : 0;
    if (thread.wait.kind == Wait::barrier && thread.wait.released) {
        uint32_t count = thread.wait.result, arrived = thread.wait.arrived;
        thread.wait = Wait{};
        if (reduces) {
            if (instruction.has(Modifier::popc))
                write(thread, o[0], Type::u32, count);
            else
                write_predicate(thread, o[0], instruction.has(Modifier::and_) ? count == arrived : count != 0);
        }
        return Flow::next;
    }
    uint32_t id = uint32_t(read(thread, o.at(at), Type::u32));
    if (id >= 16) fault(thread, ErrorCode::illegal_instruction, "barrier " + std::to_string(id));
    bool has_count = o.size() > at + (reduces ? 2 : 1);
    Block& block = *thread.block;
    Barrier& barrier = block.barriers[id];
    if (barrier.arrived.empty()) {
        barrier.arrived.assign(block.threads.size(), 0);
        barrier.predicate.assign(block.threads.size(), 0);
        barrier.expected = has_count ? uint32_t(read(thread, o[at + 1], Type::u32)) : 0;
    }
    if (barrier.arrived[thread.linear]) return Flow::wait; // the phase before hasn't ended: come back
    barrier.arrived[thread.linear] = 1;
    if (reduces) barrier.predicate[thread.linear] = read_predicate(thread, o.back());
    if (arrives) {
        complete_barriers(block);
        return Flow::next;
    }
    thread.wait = Wait{};
    thread.wait.kind = Wait::barrier;
    thread.wait.barrier_id = id;
    return Flow::wait;
}

} // namespace anywarp::oracle
