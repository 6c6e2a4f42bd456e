// mbarrier: a barrier object in shared memory, with phases, pending arrivals and transaction counts.
//
// The 64-bit object is opaque to programs. Here: bits 0-19 expected arrivals, 20-39 pending arrivals, 40-62 pending
// transactions (modulo 2^23), 63 phase. A state token is the object's value before the arrival.
// PTX ISA 9.0, 9.7.13.15.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

namespace {

constexpr uint64_t count_mask = (1u << 20) - 1, transaction_mask = (1u << 23) - 1;

struct MBarrier {
    uint64_t expected, pending, transactions, phase;
    explicit MBarrier(uint64_t word)
        : expected(word & count_mask), pending((word >> 20) & count_mask), transactions((word >> 40) & transaction_mask),
          phase(word >> 63) {}
    uint64_t word() const {
        return (expected & count_mask) | (pending & count_mask) << 20 | (transactions & transaction_mask) << 40 | phase << 63;
    }
    void complete_if_done() {
        if ((pending & count_mask) || (transactions & transaction_mask)) return;
        phase ^= 1;
        pending = expected;
    }
};

} // namespace

Flow execute_mbarrier(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    if (instruction.opcode == Opcode::mbarrier_pending_count) {
        write(thread, o[0], Type::u32, MBarrier(read(thread, o.at(1), Type::b64)).pending);
        return Flow::next;
    }
    size_t at = 0;
    while (at < o.size() && o[at].kind != Operand::Kind::address) ++at;
    StateSpace space = instruction.space;
    uint8_t* p = locate(thread, space, effective_address(thread, o.at(at), &space), 8, 8);
    MBarrier barrier(load_bytes(p, 8));
    uint64_t before = barrier.word();
    auto argument = [&](uint64_t otherwise) { return o.size() > at + 1 ? read(thread, o[at + 1], Type::u32) : otherwise; };
    switch (instruction.opcode) {
    case Opcode::mbarrier_init:
        barrier = MBarrier(0);
        barrier.expected = barrier.pending = argument(1);
        break;
    case Opcode::mbarrier_inval:
        barrier = MBarrier(0);
        break;
    case Opcode::mbarrier_expect_tx:
        barrier.transactions += argument(0);
        break;
    case Opcode::mbarrier_complete_tx:
        barrier.transactions -= argument(0);
        barrier.complete_if_done();
        break;
    case Opcode::mbarrier_arrive:
    case Opcode::mbarrier_arrive_drop: {
        uint64_t count = argument(1);
        if (instruction.has(Modifier::expect_tx)) {
            barrier.transactions += count;
            count = 1;
        }
        barrier.pending -= count;
        if (instruction.opcode == Opcode::mbarrier_arrive_drop) barrier.expected -= count;
        barrier.complete_if_done();
        if (at > 0) write(thread, o[0], Type::b64, before);
        break;
    }
    case Opcode::cp_async_mbarrier_arrive:
        // The copies are done already. Without .noinc the arrival is balanced by an increment of the pending count.
        if (instruction.has(Modifier::noinc)) {
            barrier.pending -= 1;
            barrier.complete_if_done();
        }
        break;
    case Opcode::mbarrier_test_wait:
    case Opcode::mbarrier_try_wait: {
        // With a parity: has the phase of that parity ended? The current phase's parity is `phase`.
        uint64_t phase = instruction.has(Modifier::parity) ? read(thread, o.at(at + 1), Type::u32) & 1
                                                           : read(thread, o.at(at + 1), Type::b64) >> 63;
        bool done = barrier.phase != phase;
        write_predicate(thread, o[0], done);
        if (!done) thread.gives_way = true;
        return Flow::next;
    }
    default:
        refuse(thread, instruction);
    }
    uint64_t word = barrier.word();
    std::memcpy(p, &word, 8);
    return Flow::next;
}

} // namespace anywarp::oracle
