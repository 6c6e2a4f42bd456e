// Block order, divergent loops, mask leaders and the partial linearisation itself. See regions.h.
#include "simd/regions.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

#include <algorithm>
#include <cassert>

namespace anywarp::simd {

using llvm::BasicBlock;
using llvm::Loop;

Regions::Regions(llvm::Function& function, llvm::DominatorTree& dominators, llvm::PostDominatorTree& post_dominators,
                 llvm::LoopInfo& loops, const std::function<bool(BasicBlock&)>& divergent)
    : function_(function), dominators_(dominators), post_dominators_(post_dominators), loops_(loops) {
    find_order();
    for (unsigned i = 0; i < order_.size(); ++i) {
        BlockPlan& plan = plans_[order_[i]];
        plan.index = i;
        auto* branch = llvm::dyn_cast<llvm::BranchInst>(order_[i]->getTerminator());
        plan.divergent_branch = branch && branch->isConditional() && divergent(*order_[i]);
    }
    find_divergent_loops();
    find_mask_leaders();
    linearize();
}

// ---- order ---------------------------------------------------------------------------------------------------------------

void Regions::find_order() { order_region(nullptr, &function_.getEntryBlock()); }

// Orders the blocks of one loop (or of the function outside all loops), inner loops collapsed to one node each: dominator
// subtrees of the collapsed graph one after the other, children by reverse post-order. Inner loops are expanded in place.
void Regions::order_region(Loop* loop, BasicBlock* header) {
    // The node that stands for a block here: the block itself or the header of the inner loop it lies in; null outside.
    auto node_of = [&](BasicBlock* block) -> BasicBlock* {
        if (loop && !loop->contains(block)) return nullptr;
        Loop* inner = loops_.getLoopFor(block);
        if (inner == loop) return block;
        while (inner->getParentLoop() != loop) inner = inner->getParentLoop();
        return inner->getHeader();
    };
    auto is_inner_loop = [&](BasicBlock* node) { return loops_.getLoopFor(node) != loop; };
    auto inner_loop = [&](BasicBlock* node) {
        Loop* inner = loops_.getLoopFor(node);
        while (inner->getParentLoop() != loop) inner = inner->getParentLoop();
        return inner;
    };
    auto successors_of = [&](BasicBlock* node) {
        llvm::SmallVector<BasicBlock*, 4> result;
        auto add = [&](BasicBlock* target) {
            BasicBlock* to = node_of(target);
            if (to && to != header && to != node && !llvm::is_contained(result, to)) result.push_back(to);
        };
        if (is_inner_loop(node)) {
            llvm::SmallVector<BasicBlock*, 4> exits;
            inner_loop(node)->getExitBlocks(exits);
            for (BasicBlock* exit : exits) add(exit);
        } else {
            for (BasicBlock* target : llvm::successors(node)) add(target);
        }
        return result;
    };

    // Reverse post-order of the collapsed graph, iteratively.
    std::vector<BasicBlock*> post;
    llvm::DenseSet<BasicBlock*> seen{header};
    struct Frame { BasicBlock* node; llvm::SmallVector<BasicBlock*, 4> targets; size_t next; };
    std::vector<Frame> stack;
    stack.push_back({header, successors_of(header), 0});
    while (!stack.empty()) {
        Frame& top = stack.back();
        if (top.next < top.targets.size()) {
            BasicBlock* target = top.targets[top.next++];
            if (seen.insert(target).second) stack.push_back({target, successors_of(target), 0});
        } else {
            post.push_back(top.node);
            stack.pop_back();
        }
    }
    std::vector<BasicBlock*> reverse_post(post.rbegin(), post.rend());
    llvm::DenseMap<BasicBlock*, unsigned> number;
    for (unsigned i = 0; i < reverse_post.size(); ++i) number[reverse_post[i]] = i;

    // Immediate dominators of the collapsed graph (acyclic, so one pass in reverse post-order is enough).
    std::vector<llvm::SmallVector<unsigned, 4>> predecessors(reverse_post.size());
    for (unsigned i = 0; i < reverse_post.size(); ++i)
        for (BasicBlock* target : successors_of(reverse_post[i])) predecessors[number[target]].push_back(i);
    std::vector<unsigned> idom(reverse_post.size(), 0);
    std::vector<std::vector<unsigned>> children(reverse_post.size());
    for (unsigned i = 1; i < reverse_post.size(); ++i) {
        unsigned common = predecessors[i].empty() ? 0 : predecessors[i][0];
        for (unsigned other : predecessors[i])
            while (common != other) {
                if (common > other) common = idom[common];
                else other = idom[other];
            }
        idom[i] = common;
        children[common].push_back(i); // ascending: i grows
    }
    std::vector<unsigned> walk{0};
    while (!walk.empty()) {
        unsigned node = walk.back();
        walk.pop_back();
        BasicBlock* block = reverse_post[node];
        if (is_inner_loop(block)) order_region(inner_loop(block), block);
        else order_.push_back(block);
        for (auto it = children[node].rbegin(); it != children[node].rend(); ++it) walk.push_back(*it);
    }
}

// Does every lane that is active in `from` come to `block` in the same iteration of their loop? Post-dominance alone doesn't say
// so: a path may leave the loop, go round an outer one and come back.
bool Regions::meets_again(BasicBlock* block, BasicBlock* from) const {
    if (!post_dominators_.dominates(block, from)) return false;
    Loop* loop = loops_.getLoopFor(block);
    if (!loop) return true;
    llvm::DenseSet<BasicBlock*> seen{from};
    std::vector<BasicBlock*> work{from};
    while (!work.empty()) {
        BasicBlock* at = work.back();
        work.pop_back();
        for (BasicBlock* next : llvm::successors(at)) {
            if (next == block) continue;
            if (!loop->contains(next) || next == loop->getHeader()) return false;
            if (seen.insert(next).second) work.push_back(next);
        }
    }
    return true;
}

// ---- divergent loops -----------------------------------------------------------------------------------------------------

// A block of a loop is "full" when, whenever it runs, all lanes that are active in this iteration are active in it. A loop is
// uniform when every block that leaves it is full and leaves by a uniform branch.
void Regions::find_divergent_loops() {
    auto loops = loops_.getLoopsInPreorder();
    for (auto it = loops.rbegin(); it != loops.rend(); ++it) { // innermost first
        Loop* loop = *it;
        BasicBlock* header = loop->getHeader();
        llvm::DenseSet<BasicBlock*> full{header};
        auto in_divergent_inner = [&](BasicBlock* block) {
            for (Loop* inner = loops_.getLoopFor(block); inner != loop; inner = inner->getParentLoop())
                if (divergent_loops_.contains(inner)) return true;
            return false;
        };
        for (BasicBlock* block : order_) {
            if (!loop->contains(block) || block == header) continue;
            Loop* own = loops_.getLoopFor(block);
            bool header_of_inner = own != loop && own->getHeader() == block;
            bool all = true;
            for (BasicBlock* pred : llvm::predecessors(block)) {
                if (header_of_inner && own->contains(pred)) continue;
                if (!full.contains(pred) || plans_[pred].divergent_branch || in_divergent_inner(pred)) all = false;
            }
            if (!all) { // where the paths of a full dominator meet again
                auto* node = dominators_.getNode(block)->getIDom();
                while (node && loop->contains(node->getBlock()) && loops_.getLoopFor(node->getBlock()) != own) node = node->getIDom();
                if (node && loop->contains(node->getBlock()) && full.contains(node->getBlock()) && own == loop &&
                    meets_again(block, node->getBlock()))
                    all = true;
            }
            if (all && !(own != loop && !header_of_inner && in_divergent_inner(block))) full.insert(block);
        }
        llvm::SmallVector<BasicBlock*, 8> exiting;
        loop->getExitingBlocks(exiting);
        for (BasicBlock* block : exiting)
            if (!full.contains(block) || plans_[block].divergent_branch || in_divergent_inner(block)) divergent_loops_.insert(loop);
    }
}

// ---- masks that are equal -------------------------------------------------------------------------------------------------

void Regions::find_mask_leaders() {
    for (BasicBlock* block : order_) {
        if (block == &function_.getEntryBlock()) continue;
        Loop* loop = loops_.getLoopFor(block);
        if (loop && loop->getHeader() == block) { // a uniform loop's header keeps the lanes that entered
            BasicBlock* entering = loop->getLoopPredecessor();
            if (!divergent_loops_.contains(loop) && entering && entering->getSingleSuccessor()) plans_[block].mask_leader = entering;
            continue;
        }
        auto* node = dominators_.getNode(block)->getIDom();
        while (node && loops_.getLoopFor(node->getBlock()) != loop) {
            if (loop && !loop->contains(node->getBlock())) node = nullptr;
            else node = node->getIDom();
        }
        if (!node) continue;
        if (meets_again(block, node->getBlock())) plans_[block].mask_leader = node->getBlock();
    }
}

// ---- linearisation ---------------------------------------------------------------------------------------------------------

// Straight code without effects may run with no lane active: cheaper than a test. Anything that reads or writes through a
// uniform address, has other effects, or decides control flow may not.
bool Regions::may_run_empty(BasicBlock& block) const {
    auto* branch = llvm::dyn_cast<llvm::BranchInst>(block.getTerminator());
    if (!branch || branch->isConditional()) return false;
    for (BasicBlock* target : llvm::successors(&block))
        if (plan(target).index <= plan(&block).index) return false;
    unsigned count = 0;
    for (llvm::Instruction& instruction : block) {
        if (llvm::isa<llvm::BranchInst>(instruction) || llvm::isa<llvm::PHINode>(instruction)) continue;
        if (instruction.mayReadOrWriteMemory() || instruction.mayHaveSideEffects()) return false;
        unsigned opcode = instruction.getOpcode();
        if (opcode == llvm::Instruction::UDiv || opcode == llvm::Instruction::SDiv || opcode == llvm::Instruction::URem ||
            opcode == llvm::Instruction::SRem || llvm::isa<llvm::CallBase>(instruction))
            return false;
        if (++count > 8) return false;
    }
    return true;
}

void Regions::linearize() {
    struct ByIndex {
        const Regions* regions;
        bool operator()(BasicBlock* a, BasicBlock* b) const { return regions->plan(a).index < regions->plan(b).index; }
    };
    using Deferred = std::set<BasicBlock*, ByIndex>;
    ByIndex by_index{this};
    std::vector<Deferred> deferred(order_.size(), Deferred(by_index));
    struct NewEdge { BasicBlock* from; BasicBlock* original; bool uniform; };
    std::vector<std::vector<NewEdge>> incoming(order_.size());

    for (BasicBlock* block : order_) {
        BlockPlan& plan = plans_[block];
        Deferred& pending = deferred[plan.index];
        Loop* loop = loops_.getLoopFor(block);
        bool is_header = loop && loop->getHeader() == block;
        if (is_header && divergent_loops_.contains(loop)) {
            llvm::SmallVector<BasicBlock*, 8> exits;
            loop->getExitBlocks(exits);
            pending.insert(exits.begin(), exits.end());
        }

        // Is some lane certainly active here?
        if (block == &function_.getEntryBlock()) plan.nonempty = true;
        else if (plan.mask_leader) plan.nonempty = plans_[plan.mask_leader].nonempty;
        if (!plan.nonempty) {
            bool all = !incoming[plan.index].empty();
            for (const NewEdge& edge : incoming[plan.index])
                all = all && edge.uniform && edge.original == block && plans_[edge.from].nonempty;
            plan.nonempty = all || pending.empty();
        }
        auto move_on = [&](BasicBlock* target, BasicBlock* from, bool uniform) {
            if (target && plans_[target].index <= plans_[from].index) { // back edge
                return target;
            }
            Deferred all = deferred[plans_[from].index];
            if (target) all.insert(target);
            BasicBlock* next = *all.begin();
            all.erase(all.begin());
            unsigned index = plans_[next].index;
            deferred[index].insert(all.begin(), all.end());
            incoming[index].push_back({from, target, uniform});
            return next;
        };
        if (!plan.nonempty && !may_run_empty(*block)) {
            plan.guarded = true;
            plan.nonempty = true;
            plan.skip = move_on(nullptr, block, false);
        }

        auto* branch = llvm::dyn_cast<llvm::BranchInst>(block->getTerminator());
        if (!branch) continue; // return, unreachable
        if (branch->isUnconditional() || branch->getSuccessor(0) == branch->getSuccessor(1)) {
            plan.next[0] = plan.next[1] = move_on(branch->getSuccessor(0), block, true);
        } else if (!plan.divergent_branch) {
            for (unsigned i = 0; i < 2; ++i) plan.next[i] = move_on(branch->getSuccessor(i), block, true);
        } else {
            BasicBlock* first = branch->getSuccessor(0);
            BasicBlock* second = branch->getSuccessor(1);
            if (plans_[second].index < plans_[first].index) std::swap(first, second);
            assert(plans_[first].index > plan.index && "a divergent latch must have been split");
            pending.insert(second);
            plan.next[0] = plan.next[1] = move_on(first, block, false);
        }
    }

    for (BasicBlock* block : order_) {
        BlockPlan& plan = plans_[block];
        plan.plain = true;
        unsigned own = 0;
        for (const NewEdge& edge : incoming[plan.index]) {
            if (!edge.uniform || edge.original != block) plan.plain = false;
            ++own;
        }
        if (block != &function_.getEntryBlock() && own == 0) plan.plain = false;
        // An original edge that was deferred on its way here makes the block a meeting point too.
        for (BasicBlock* pred : llvm::predecessors(block)) {
            const BlockPlan& from = plans_[pred];
            if (from.divergent_branch) plan.plain = false;
            auto* branch = llvm::cast<llvm::BranchInst>(pred->getTerminator());
            for (unsigned i = 0; i < branch->getNumSuccessors(); ++i)
                if (branch->getSuccessor(i) == block && from.next[i] != block) plan.plain = false;
        }
    }
}

} // namespace anywarp::simd
