// See registers.h. Liveness by the usual backward data flow over basic blocks.
#include "machine/registers.h"

#include "machine/properties.h"
#include "ptx/layout.h"
#include "ptx/tables.h"

#include <algorithm>

namespace anywarp::machine {
namespace {

using ptx::Body;
using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;

// A body beyond this is measured without loops: each register from its first to its last mention.
constexpr size_t largest_flow = size_t(64) << 20; // bits of all blocks' sets

using Set = std::vector<uint64_t>;
bool holds(const Set& set, uint32_t r) { return set[r / 64] >> (r % 64) & 1; }
void insert(Set& set, uint32_t r) { set[r / 64] |= uint64_t(1) << (r % 64); }
void erase(Set& set, uint32_t r) { set[r / 64] &= ~(uint64_t(1) << (r % 64)); }

uint32_t weight(const ptx::Register& r) {
    if (r.type == ptx::Type::pred) return 0;
    return std::max<uint32_t>(1, (ptx::bits(r.type) + 31) / 32) * r.vector;
}

template <class Visit> void registers_of(const Operand& operand, Visit visit) {
    if (operand.reg != ptx::no_index) visit(operand.reg);
    for (const Operand& element : operand.elements) registers_of(element, visit);
}

/// Is the first operand what the instruction writes? Its syntax says so: d, p, d|p, p|q, f.
bool writes_first(const Instruction& instruction) {
    std::string_view syntax = ptx::info(instruction.opcode).syntax;
    size_t space = syntax.find(' ');
    if (space == std::string_view::npos || instruction.operands.empty()) return false;
    std::string_view first = syntax.substr(space + 1);
    first = first.substr(0, first.find_first_of(",{"));
    return (first == "d" || first == "p" || first == "d|p" || first == "p|q" || first == "f") &&
           instruction.operands[0].kind != Operand::Kind::address;
}

template <class Define, class Use> void visit_registers(const Instruction& instruction, Define define, Use use) {
    bool writes = writes_first(instruction);
    // A guarded write or one of a component leaves the rest of the register as it was.
    bool whole = instruction.guard == ptx::no_index;
    for (size_t i = 0; i < instruction.operands.size(); i++) {
        const Operand& operand = instruction.operands[i];
        if (i == 0 && writes)
            registers_of(operand, [&](uint32_t r) { define(r, whole && operand.component < 0); });
        else
            registers_of(operand, use);
    }
    if (instruction.guard != ptx::no_index) use(instruction.guard);
}

bool ends_block(Opcode opcode) {
    return opcode == Opcode::bra || opcode == Opcode::brx_idx || opcode == Opcode::ret || opcode == Opcode::exit;
}

/// Registers written once, by instructions without effect, from constants, parameters and such registers.
std::vector<bool> computable_again(const Body& body) {
    std::vector<uint32_t> writes(body.registers.size(), 0);
    for (const Instruction& instruction : body.instructions)
        visit_registers(instruction, [&](uint32_t r, bool) { writes[r]++; }, [](uint32_t) {});
    std::vector<bool> cheap(body.registers.size(), false);
    for (const Instruction& instruction : body.instructions) { // definitions come before uses in what compilers write
        bool parameter = instruction.opcode == Opcode::ld && instruction.space == ptx::StateSpace::param;
        if (instruction.guard != ptx::no_index || (!parameter && ptx::info(instruction.opcode).effect != ptx::Effect::none))
            continue;
        bool all = true;
        visit_registers(
            instruction, [&](uint32_t r, bool whole) { all = all && whole && writes[r] == 1; },
            [&](uint32_t r) { all = all && cheap[r]; });
        if (all) visit_registers(instruction, [&](uint32_t r, bool) { cheap[r] = true; }, [](uint32_t) {});
    }
    return cheap;
}

uint32_t live_without_loops(const Body& body) {
    std::vector<size_t> first(body.registers.size(), ~size_t(0)), last(body.registers.size(), 0);
    for (size_t i = 0; i < body.instructions.size(); i++) {
        auto seen = [&](uint32_t r) { first[r] = std::min(first[r], i), last[r] = i; };
        visit_registers(body.instructions[i], [&](uint32_t r, bool) { seen(r); }, seen);
    }
    std::vector<int64_t> change(body.instructions.size() + 1);
    for (size_t r = 0; r < first.size(); r++) {
        if (first[r] == ~size_t(0)) continue;
        change[first[r]] += weight(body.registers[r]);
        change[last[r]] -= weight(body.registers[r]);
    }
    int64_t now = 0, most = 0;
    for (int64_t c : change) most = std::max(most, now += c);
    return static_cast<uint32_t>(most);
}

} // namespace

LiveRegisters live_registers(const Body& body) {
    size_t count = body.instructions.size(), words = (body.registers.size() + 63) / 64;
    if (count == 0 || words == 0) return {};
    std::vector<bool> starts(count + 1, false);
    starts[0] = starts[count] = true;
    for (const auto& label : body.labels)
        if (label.target < count) starts[label.target] = true;
    for (size_t i = 0; i < count; i++)
        if (ends_block(body.instructions[i].opcode)) starts[i + 1] = true;
    std::vector<size_t> begin, block_of(count + 1);
    for (size_t i = 0; i <= count; i++) {
        if (starts[i]) begin.push_back(i);
        block_of[i] = begin.size() - 1;
    }
    size_t blocks = begin.size() - 1;
    if (blocks * words * 64 > largest_flow) return {live_without_loops(body), 0};

    std::vector<Set> live_in(blocks, Set(words));
    auto live_out = [&](size_t block) {
        Set out(words);
        auto join = [&](size_t target) {
            if (target >= count) return;
            const Set& in = live_in[block_of[target]];
            for (size_t w = 0; w < words; w++) out[w] |= in[w];
        };
        const Instruction& last = body.instructions[begin[block + 1] - 1];
        bool falls_through = !ends_block(last.opcode) || last.guard != ptx::no_index;
        if (last.opcode == Opcode::bra && !last.operands.empty() && last.operands[0].label < body.labels.size())
            join(body.labels[last.operands[0].label].target);
        if (last.opcode == Opcode::brx_idx)
            for (const auto& targets : body.branch_targets)
                for (ptx::LabelId label : targets.labels)
                    if (label < body.labels.size()) join(body.labels[label].target);
        if (falls_through) join(begin[block + 1]);
        return out;
    };
    auto step = [&](const Instruction& instruction, Set& live) {
        visit_registers(
            instruction,
            [&](uint32_t r, bool whole) {
                if (whole) erase(live, r);
            },
            [](uint32_t) {});
        visit_registers(instruction, [](uint32_t, bool) {}, [&](uint32_t r) { insert(live, r); });
    };
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t block = blocks; block-- > 0;) {
            Set live = live_out(block);
            for (size_t i = begin[block + 1]; i-- > begin[block];) step(body.instructions[i], live);
            if (live != live_in[block]) live_in[block] = std::move(live), changed = true;
        }
    }
    std::vector<bool> loop_header(blocks, false);
    for (size_t block = 0; block < blocks; block++) {
        const Instruction& last = body.instructions[begin[block + 1] - 1];
        if (last.opcode != Opcode::bra || last.operands.empty() || last.operands[0].label >= body.labels.size()) continue;
        uint32_t target = body.labels[last.operands[0].label].target;
        if (target < count && block_of[target] <= block) loop_header[block_of[target]] = true;
    }
    std::vector<bool> cheap = computable_again(body);
    uint32_t most = 0, pinned = 0;
    auto pin = [&](const Set& live) {
        uint32_t now = 0;
        for (uint32_t r = 0; r < body.registers.size(); r++)
            if (holds(live, r) && !cheap[r]) now += weight(body.registers[r]);
        pinned = std::max(pinned, now);
    };
    for (size_t block = 0; block < blocks; block++) {
        if (loop_header[block]) pin(live_in[block]);
        Set live = live_out(block);
        uint32_t now = 0;
        for (uint32_t r = 0; r < body.registers.size(); r++)
            if (holds(live, r)) now += weight(body.registers[r]);
        most = std::max(most, now);
        for (size_t i = begin[block + 1]; i-- > begin[block];) {
            const Instruction& instruction = body.instructions[i];
            if (ptx::info(instruction.opcode).effect == ptx::Effect::barrier) pin(live);
            uint32_t unused = 0; // a result that nobody reads still needs a place
            visit_registers(
                instruction,
                [&](uint32_t r, bool whole) {
                    if (!holds(live, r))
                        unused += weight(body.registers[r]);
                    else if (whole)
                        erase(live, r), now -= weight(body.registers[r]);
                },
                [](uint32_t) {});
            most = std::max(most, now + unused);
            visit_registers(
                instruction, [](uint32_t, bool) {},
                [&](uint32_t r) {
                    if (!holds(live, r)) insert(live, r), now += weight(body.registers[r]);
                });
            most = std::max(most, now);
        }
    }
    // How a fragment of wmma lies in registers is ptxas's own business: it takes far fewer than PTX shows.
    for (const Instruction& instruction : body.instructions)
        if (ptx::info(instruction.opcode).name.starts_with("wmma.")) pinned = 0;
    return {most, pinned};
}

RegisterNeed register_need(const Properties& device, const ptx::Function& kernel, LiveRegisters live, bool calls) {
    constexpr uint32_t scratch = 6;        // stack pointer, addresses, the scheduler's freedom
    constexpr uint32_t across_a_call = 16; // what the ABI keeps aside
    constexpr uint32_t fewest = 8, most = 255;
    auto volume = [](const uint32_t(&d)[3]) { return d[0] * std::max(d[1], 1u) * std::max(d[2], 1u); };
    uint32_t cap = most;
    if (uint32_t threads = kernel.required_threads[0] ? volume(kernel.required_threads) : volume(kernel.max_threads)) {
        // What leaves room for that many threads, and for the blocks asked for, in granules of 8 per thread.
        uint64_t warps = (uint64_t(threads) + 31) / 32 * std::max(kernel.min_blocks, 1u);
        uint64_t fits = static_cast<uint64_t>(device.registers_per_block) / (warps * 32) / 8 * 8;
        cap = static_cast<uint32_t>(std::clamp<uint64_t>(fits, 16, most));
    }
    if (kernel.max_registers) cap = std::min(cap, std::max(kernel.max_registers, 16u));
    RegisterNeed need;
    need.estimate = std::clamp(live.most + scratch + (calls ? across_a_call : 0), fewest, cap);
    need.at_least = std::min(live.pinned * 3 / 4, need.estimate);
    return need;
}

} // namespace anywarp::machine
