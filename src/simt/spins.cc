// Finds loops that wait for memory to change, and those among them in which lanes of one warp may wait for each other.
//
// A warp in lockstep, and a block on one OS thread, make progress only if whoever is waited for gets to run. So a loop that polls
// must yield to other warps and blocks, and a lock that lanes of one warp fight for needs a warp per lane: the lane that
// holds it would wait at the loop's end for those that spin.
//
// A loop waits when its exit depends on what a polling access brings - a volatile, relaxed, acquire or L2-cached load, a
// compare-and-swap or exchange with loop-invariant operands, an atomic that adds or ors nothing - at an address that doesn't
// change in the loop. A compare-and-swap whose operands come from its own earlier result is an update (atomicAdd by hand), not a
// wait; nor is fetching work with atomicAdd(counter, 1). Lanes may wait for each other when the polling access is a
// compare-and-swap or exchange whose outcome isn't made uniform by a vote, unless a comparison of the thread index lets one lane
// in only. They may also wait for each other at a plain load, when each lane waits for a value of its own (a ticket), or when a
// branch that divides the warp sends other lanes to writes.
//
// All this works on the PTX body's own control-flow graph, because the JIT must know before it chooses the width.
#include "simt/lowering.h"

#include <algorithm>

namespace anywarp::simt {

namespace {

using RegisterSet = std::unordered_set<ptx::RegisterId>;

void registers_of(const Operand& o, std::vector<ptx::RegisterId>& out) {
    if (o.reg != ptx::no_index && o.kind != Operand::Kind::label) out.push_back(o.reg);
    for (const Operand& e : o.elements) registers_of(e, out);
}

bool writes_first_operand(const Instruction& i) {
    switch (i.opcode) {
    case Opcode::st:
    case Opcode::red:
    case Opcode::bra:
    case Opcode::brx_idx:
    case Opcode::ret:
    case Opcode::exit:
    case Opcode::membar:
    case Opcode::fence:
    case Opcode::nanosleep:
    case Opcode::trap:
    case Opcode::bar_warp_sync:
    case Opcode::prefetch:
    case Opcode::cp_async:
        return false;
    case Opcode::bar:
    case Opcode::barrier:
        return i.has(Modifier::red);
    default:
        return true;
    }
}

void definitions(const Instruction& i, std::vector<ptx::RegisterId>& out) {
    if (i.operands.empty()) return;
    if (i.opcode == Opcode::call) {
        if (i.operands[0].kind == Operand::Kind::list) registers_of(i.operands[0], out);
        return;
    }
    if (writes_first_operand(i)) registers_of(i.operands[0], out);
}

void uses(const Instruction& i, std::vector<ptx::RegisterId>& out) {
    size_t first = i.opcode == Opcode::call ? 0 : writes_first_operand(i) ? 1 : 0;
    for (size_t k = first; k < i.operands.size(); ++k) registers_of(i.operands[k], out);
    if (i.guard != ptx::no_index) out.push_back(i.guard);
}

struct Block {
    uint32_t begin = 0, end = 0; // instructions
    std::vector<uint32_t> successors, predecessors;
};

/// Control-flow graph of a body with dominators; small and quadratic where it doesn't matter.
class Graph {
public:
    std::vector<Block> blocks;
    std::vector<uint32_t> block_of;  // per instruction
    std::vector<uint32_t> dominator; // immediate dominator per block; the entry's is itself; no_index where unreachable

    explicit Graph(const ptx::Body& body) {
        uint32_t n = body.instructions.size();
        std::vector<bool> leader(n + 1, false);
        if (n) leader[0] = true;
        for (const auto& label : body.labels)
            if (label.target < n) leader[label.target] = true;
        for (uint32_t k = 0; k < n; ++k)
            if (ends_block(body.instructions[k])) leader[k + 1] = true;
        block_of.resize(n);
        for (uint32_t k = 0; k < n; ++k) {
            if (leader[k]) blocks.push_back({k, k, {}, {}});
            blocks.back().end = k + 1;
            block_of[k] = blocks.size() - 1;
        }
        for (uint32_t b = 0; b < blocks.size(); ++b) {
            const Instruction& last = body.instructions[blocks[b].end - 1];
            auto to_label = [&](ptx::LabelId label) {
                uint32_t target = label < body.labels.size() ? body.labels[label].target : ptx::no_index;
                if (target < n) blocks[b].successors.push_back(block_of[target]);
            };
            if (last.opcode == Opcode::bra && !last.operands.empty()) to_label(last.operands[0].label);
            if (last.opcode == Opcode::brx_idx && last.operands.size() > 1 && last.operands[1].bits < body.branch_targets.size())
                for (ptx::LabelId label : body.branch_targets[last.operands[1].bits].labels) to_label(label);
            bool falls = !ends_block(last) || last.guard != ptx::no_index;
            if (falls && blocks[b].end < n) blocks[b].successors.push_back(block_of[blocks[b].end]);
        }
        for (uint32_t b = 0; b < blocks.size(); ++b)
            for (uint32_t s : blocks[b].successors) blocks[s].predecessors.push_back(b);
        find_dominators();
    }

    bool dominates(uint32_t a, uint32_t b) const {
        if (dominator[b] == ptx::no_index) return false;
        while (b != a && dominator[b] != b) b = dominator[b];
        return a == b;
    }

private:
    static bool ends_block(const Instruction& i) {
        return i.opcode == Opcode::bra || i.opcode == Opcode::brx_idx || i.opcode == Opcode::ret || i.opcode == Opcode::exit ||
               i.opcode == Opcode::trap;
    }

    void find_dominators() {
        dominator.assign(blocks.size(), ptx::no_index);
        if (blocks.empty()) return;
        std::vector<uint32_t> order, number(blocks.size(), ptx::no_index); // postorder
        std::vector<std::pair<uint32_t, size_t>> stack{{0, 0}};
        std::vector<bool> seen(blocks.size(), false);
        seen[0] = true;
        while (!stack.empty()) {
            auto& [b, next] = stack.back();
            if (next < blocks[b].successors.size()) {
                uint32_t s = blocks[b].successors[next++];
                if (!seen[s]) {
                    seen[s] = true;
                    stack.push_back({s, 0});
                }
            } else {
                number[b] = order.size();
                order.push_back(b);
                stack.pop_back();
            }
        }
        dominator[0] = 0;
        for (bool changed = true; changed;) {
            changed = false;
            for (auto it = order.rbegin(); it != order.rend(); ++it) {
                uint32_t b = *it, best = ptx::no_index;
                if (b == 0) continue;
                for (uint32_t q : blocks[b].predecessors) {
                    if (dominator[q] == ptx::no_index) continue;
                    if (best == ptx::no_index) {
                        best = q;
                        continue;
                    }
                    uint32_t x = best, y = q;
                    while (x != y) {
                        while (number[x] < number[y]) x = dominator[x];
                        while (number[y] < number[x]) y = dominator[y];
                    }
                    best = x;
                }
                if (dominator[b] != best) {
                    dominator[b] = best;
                    changed = true;
                }
            }
        }
    }
};

/// One natural loop and the questions asked about it.
class Loop {
public:
    Loop(const ptx::Body& body, const Graph& graph, uint32_t header, uint32_t latch)
        : body_(body), graph_(graph), header_(header) {
        inside_.insert(header);
        std::vector<uint32_t> work;
        if (inside_.insert(latch).second) work.push_back(latch);
        while (!work.empty()) {
            uint32_t b = work.back();
            work.pop_back();
            for (uint32_t q : graph.blocks[b].predecessors)
                if (inside_.insert(q).second) work.push_back(q);
        }
        for (uint32_t b : inside_)
            for (uint32_t k = graph.blocks[b].begin; k < graph.blocks[b].end; ++k) {
                std::vector<ptx::RegisterId> defined;
                definitions(body.instructions[k], defined);
                for (auto r : defined) definitions_[r].push_back(k);
            }
    }

    bool contains(uint32_t block) const { return inside_.count(block) != 0; }

    template <class F> void for_each(F f) const {
        for (uint32_t b : inside_)
            for (uint32_t k = graph_.blocks[b].begin; k < graph_.blocks[b].end; ++k) f(k, body_.instructions[k]);
    }

    /// A register keeps its value from one iteration to the next.
    bool invariant(ptx::RegisterId reg, int depth = 0) const {
        auto found = definitions_.find(reg);
        if (found == definitions_.end()) return true;
        if (found->second.size() != 1 || depth > 8) return false;
        const Instruction& i = body_.instructions[found->second[0]];
        if (!is_speculatable(i) && !(i.opcode == Opcode::ld && i.space == StateSpace::param)) return false;
        for (const Operand& o : i.operands)
            if (o.kind == Operand::Kind::special &&
                (o.special == ptx::SpecialRegister::clock || o.special == ptx::SpecialRegister::clock64 ||
                 o.special == ptx::SpecialRegister::globaltimer))
                return false;
        std::vector<ptx::RegisterId> used;
        uses(i, used);
        return std::all_of(used.begin(), used.end(), [&](auto r) { return r != reg && invariant(r, depth + 1); });
    }
    bool invariant(const Operand& o) const {
        std::vector<ptx::RegisterId> used;
        registers_of(o, used);
        return std::all_of(used.begin(), used.end(), [&](auto r) { return invariant(r); });
    }

    /// Registers that depend on an instruction's result within the loop; votes stop it when `through_votes` is false.
    RegisterSet dependents(const Instruction& source, bool through_votes) const {
        RegisterSet tainted;
        std::vector<ptx::RegisterId> list;
        definitions(source, list);
        tainted.insert(list.begin(), list.end());
        for (bool changed = true; changed;) {
            changed = false;
            for_each([&](uint32_t, const Instruction& i) {
                if (!through_votes && (i.opcode == Opcode::vote || i.opcode == Opcode::shfl || i.opcode == Opcode::redux)) return;
                std::vector<ptx::RegisterId> used, defined;
                uses(i, used);
                if (std::none_of(used.begin(), used.end(), [&](auto r) { return tainted.count(r); })) return;
                definitions(i, defined);
                for (auto r : defined) changed |= tainted.insert(r).second;
            });
        }
        return tainted;
    }

    /// Does a branch that may leave the loop depend on one of these registers? With `any_branch`: any branch in the loop.
    bool exit_depends_on(const RegisterSet& registers, bool any_branch) const {
        for (uint32_t b : inside_) {
            const Block& block = graph_.blocks[b];
            const Instruction& last = body_.instructions[block.end - 1];
            if (last.guard == ptx::no_index || !registers.count(last.guard)) continue;
            bool leaves = last.opcode == Opcode::ret || last.opcode == Opcode::exit;
            for (uint32_t s : block.successors) leaves |= !contains(s);
            if (leaves || any_branch) return true;
        }
        return false;
    }

    /// A lane leaves when what it reads matches something of its own (its ticket, its thread index): it would wait at the loop's
    /// end for lanes of its warp that wait for what it does next.
    bool leaves_lane_by_lane(const RegisterSet& polled) const {
        for (uint32_t b : inside_) {
            const Instruction& last = body_.instructions[graph_.blocks[b].end - 1];
            if (last.guard == ptx::no_index || !polled.count(last.guard)) continue;
            const Instruction* compare = only_definition(last.guard);
            if (!compare || compare->opcode != Opcode::setp) continue;
            for (size_t k = 1; k < compare->operands.size(); ++k) {
                const Operand& o = compare->operands[k];
                bool is_polled = o.kind == Operand::Kind::reg && polled.count(o.reg);
                if (!is_polled && varies_in_warp(o)) return true;
            }
        }
        return false;
    }

    /// A branch that divides the lanes of a warp leads some into this loop and others to writes that this loop may wait for.
    /// Lockstep would run one side to its end before the other.
    bool other_lanes_write() const {
        for (uint32_t b = header_; graph_.dominator[b] != b;) {
            uint32_t inner = b;
            b = graph_.dominator[b];
            if (b == ptx::no_index) return false;
            const Block& block = graph_.blocks[b];
            const Instruction& last = body_.instructions[block.end - 1];
            if (contains(b) || last.opcode != Opcode::bra || last.guard == ptx::no_index || block.successors.size() != 2) continue;
            const Instruction* condition = only_definition(last.guard);
            if (!condition || !varies_in_warp(last.guard, 0)) continue;
            std::vector<bool> after(graph_.blocks.size(), false), other(graph_.blocks.size(), false);
            after[b] = true;
            reach(inner, after);
            for (uint32_t s : block.successors)
                if (!after[s]) reach(s, other);
            for (uint32_t k = 0; k < graph_.blocks.size(); ++k) {
                if (!other[k] || after[k]) continue;
                for (uint32_t n = graph_.blocks[k].begin; n < graph_.blocks[k].end; ++n) {
                    const Instruction& i = body_.instructions[n];
                    bool writes = i.opcode == Opcode::st || i.opcode == Opcode::red || i.opcode == Opcode::atom;
                    if (!writes || i.space == StateSpace::local || i.space == StateSpace::param) continue;
                    // Lanes that write and then come to the loop as well have written before any lane of the warp polls.
                    std::vector<bool> from_here(graph_.blocks.size(), false);
                    reach(k, from_here);
                    if (!from_here[inner]) return true;
                }
            }
        }
        return false;
    }

    /// A branch before the loop lets in only the lane whose index equals something.
    bool entered_by_one_lane() const {
        for (uint32_t b = graph_.dominator[header_];; b = graph_.dominator[b]) {
            const Block& block = graph_.blocks[b];
            const Instruction& last = body_.instructions[block.end - 1];
            if (last.opcode == Opcode::bra && last.guard != ptx::no_index && block.successors.size() == 2 && !contains(b)) {
                int equal_taken = selects_one_lane(last.guard);
                if (equal_taken >= 0) {
                    bool taken = (equal_taken == 1) != last.guard_negated; // the branch is taken by the one lane
                    uint32_t side = block.successors[taken ? 0 : 1];
                    bool only_from_here = true; // apart from back edges
                    for (uint32_t q : graph_.blocks[side].predecessors) only_from_here &= q == b || graph_.dominates(side, q);
                    if (only_from_here && block.successors[0] != block.successors[1] && graph_.dominates(side, header_))
                        return true;
                }
            }
            if (graph_.dominator[b] == b) return false;
        }
    }

private:
    const Instruction* only_definition(ptx::RegisterId reg) const {
        const Instruction* found = nullptr;
        for (const Instruction& i : body_.instructions) {
            std::vector<ptx::RegisterId> defined;
            definitions(i, defined);
            if (std::find(defined.begin(), defined.end(), reg) == defined.end()) continue;
            if (found) return nullptr;
            found = &i;
        }
        return found;
    }

    /// 1: the predicate is true for one lane only, 0: false for one lane only, -1: neither.
    int selects_one_lane(ptx::RegisterId predicate) const {
        const Instruction* i = only_definition(predicate);
        if (!i) return -1;
        if (i->opcode == Opcode::elect) return 1;
        if (i->opcode == Opcode::setp && i->operands.size() == 3 && (i->has(Modifier::eq) || i->has(Modifier::ne)) &&
            (identifies_thread(i->operands[1]) || identifies_thread(i->operands[2])))
            return i->has(Modifier::eq) ? 1 : 0;
        return -1;
    }

    void reach(uint32_t from, std::vector<bool>& seen) const {
        std::vector<uint32_t> work{from};
        seen[from] = true;
        while (!work.empty()) {
            uint32_t b = work.back();
            work.pop_back();
            for (uint32_t s : graph_.blocks[b].successors)
                if (!seen[s]) {
                    seen[s] = true;
                    work.push_back(s);
                }
        }
    }

    /// The value visibly differs between the lanes of a warp: it comes from tid.x or an atomic's answer. (The warp's number,
    /// tid.x / 32, doesn't; loaded values are taken for uniform.)
    bool varies_in_warp(ptx::RegisterId reg, int depth) const {
        if (depth > 8) return false;
        const Instruction* i = only_definition(reg);
        if (!i) return false;
        switch (i->opcode) {
        case Opcode::atom:
            return true;
        case Opcode::ld:
        case Opcode::vote:
        case Opcode::shfl:
        case Opcode::redux:
        case Opcode::call:
            return false;
        case Opcode::shr:
            if (i->operands[2].kind == Operand::Kind::immediate && i->operands[2].bits >= 5) return false;
            break;
        case Opcode::setp: // tid < 32 divides no warp
            if (!i->has(Modifier::eq) && !i->has(Modifier::ne) && i->operands.size() == 3 &&
                i->operands[2].kind == Operand::Kind::immediate) {
                uint64_t bound = i->operands[2].bits;
                bool inclusive = i->has(Modifier::gt) || i->has(Modifier::hi) || i->has(Modifier::le) || i->has(Modifier::ls);
                if ((bound + inclusive) % 32 == 0) return false;
            }
            break;
        default:
            break;
        }
        for (size_t k = 1; k < i->operands.size(); ++k)
            if (varies_in_warp(i->operands[k], depth + 1)) return true;
        return false;
    }
    bool varies_in_warp(const Operand& o, int depth = 0) const {
        if (o.kind == Operand::Kind::special)
            return (o.special == ptx::SpecialRegister::tid && o.component <= 0) || o.special == ptx::SpecialRegister::laneid;
        return o.kind == Operand::Kind::reg && varies_in_warp(o.reg, depth);
    }

    /// The value tells the lanes of a warp apart: the thread index, or sums and unions of its parts.
    bool identifies_thread(const Operand& o, int depth = 0) const {
        if (depth > 6) return false;
        using SR = ptx::SpecialRegister;
        if (o.kind == Operand::Kind::special) return (o.special == SR::tid && o.component <= 0) || o.special == SR::laneid;
        if (o.kind != Operand::Kind::reg) return false;
        const Instruction* i = only_definition(o.reg);
        if (!i) return false;
        switch (i->opcode) {
        case Opcode::mov:
        case Opcode::cvt:
            return i->operands.size() > 1 && identifies_thread(i->operands[1], depth + 1);
        case Opcode::and_: // tid & 31
            for (int k : {1, 2})
                if (i->operands[k].kind == Operand::Kind::immediate && (i->operands[k].bits & 31) == 31)
                    return identifies_thread(i->operands[3 - k], depth + 1);
            return false;
        case Opcode::or_:
        case Opcode::add:
        case Opcode::mad:
            for (size_t k = 1; k < i->operands.size(); ++k)
                if (identifies_thread(i->operands[k], depth + 1)) return true;
            return false;
        default:
            return false;
        }
    }

    const ptx::Body& body_;
    const Graph& graph_;
    uint32_t header_;
    std::set<uint32_t> inside_;
    std::unordered_map<ptx::RegisterId, std::vector<uint32_t>> definitions_;
};

enum class Poll { none, load, lock };

bool is_zero(const Operand& o) { return o.kind == Operand::Kind::immediate && o.bits == 0; }

/// Whether an instruction looks at memory in the way one waits for something.
Poll polling_access(const Loop& loop, const Instruction& i) {
    if (i.opcode == Opcode::mbarrier_try_wait || i.opcode == Opcode::mbarrier_test_wait) return Poll::load;
    bool space = i.space == StateSpace::generic || i.space == StateSpace::global || i.space == StateSpace::shared;
    if (!space || i.operands.size() < 2) return Poll::none;
    if (i.opcode == Opcode::ld) {
        bool fresh = i.has(Modifier::volatile_) || i.has(Modifier::relaxed) || i.has(Modifier::acquire) ||
                     i.has(Modifier::mmio) || i.has(Modifier::cv) || i.has(Modifier::cg);
        return fresh && loop.invariant(i.operands[1]) ? Poll::load : Poll::none;
    }
    if (i.opcode != Opcode::atom || !loop.invariant(i.operands[1])) return Poll::none;
    if (i.has(Modifier::cas) && i.operands.size() > 3)
        return loop.invariant(i.operands[2]) && loop.invariant(i.operands[3]) ? Poll::lock : Poll::none;
    if (i.has(Modifier::exch) && i.operands.size() > 2) return loop.invariant(i.operands[2]) ? Poll::lock : Poll::none;
    if ((i.has(Modifier::add) || i.has(Modifier::or_) || i.has(Modifier::xor_)) && i.operands.size() > 2)
        return is_zero(i.operands[2]) ? Poll::load : Poll::none;
    return Poll::none;
}

} // namespace

SpinReport find_spins(const ptx::Body& body) {
    SpinReport report;
    bool possible = false;
    for (const Instruction& i : body.instructions)
        possible |= i.opcode == Opcode::atom || i.opcode == Opcode::mbarrier_try_wait || i.opcode == Opcode::mbarrier_test_wait ||
                    (i.opcode == Opcode::ld && !i.modifiers.empty());
    if (!possible) return report;
    Graph graph(body);
    for (uint32_t latch = 0; latch < graph.blocks.size(); ++latch)
        for (uint32_t header : graph.blocks[latch].successors) {
            if (!graph.dominates(header, latch)) continue;
            Loop loop(body, graph, header, latch);
            bool waits = false;
            loop.for_each([&](uint32_t, const Instruction& i) {
                Poll poll = polling_access(loop, i);
                if (poll == Poll::none) return;
                // "while (!done) if (atomicCAS(...) == 0) { ...; done = true; }": the exit depends on it through a branch.
                if (!loop.exit_depends_on(loop.dependents(i, true), poll == Poll::lock)) return;
                waits = true;
                if (poll == Poll::lock && loop.exit_depends_on(loop.dependents(i, false), true) && !loop.entered_by_one_lane())
                    report.needs_lane_scheduling = true;
                // mbarriers belong to kernels whose warps, not lanes, have different jobs.
                bool word = i.opcode == Opcode::ld || i.opcode == Opcode::atom;
                if (poll == Poll::load && word) {
                    RegisterSet polled = loop.dependents(i, false);
                    if (loop.exit_depends_on(polled, false) && (loop.leaves_lane_by_lane(polled) || loop.other_lanes_write()))
                        report.needs_lane_scheduling = true;
                }
            });
            if (waits) report.back_edges.insert(graph.blocks[latch].end - 1);
        }
    return report;
}

} // namespace anywarp::simt
