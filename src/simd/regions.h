// Which blocks of one thread's control flow become straight line when a warp runs them, and which branches stay.
//
// Partial linearisation (Moll and Hack, "Partial control-flow linearization", PLDI 2018), over the blocks in an order that is
// topological, keeps loops together and, inside a loop, keeps dominator subtrees together. Walking in that order, every block
// has a set of deferred blocks: places where other lanes of the warp still have to go.
//   - a uniform branch stays a branch: each edge goes to the nearest of its target and the deferred blocks;
//   - at a divergent branch both targets and the deferred blocks are pending; the nearest is next, the rest stays deferred;
//   - a block that lanes may reach with no lane active is guarded: "any lane active?" else on to the nearest deferred block.
// If nothing is deferred at a block, some lane must be active there: active and pending lanes together are never none.
//
// A loop is divergent when its lanes may leave it in different iterations. Its exits count as deferred from its header on, and
// its guarded latch leaves it when no lane is left.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/PostDominators.h>
#include <llvm/IR/Dominators.h>

#include <functional>
#include <set>
#include <vector>

namespace anywarp::simd {

struct BlockPlan {
    unsigned index = 0;                         // place in the order
    bool divergent_branch = false;              // its conditional branch depends on the lane
    bool guarded = false;                       // entered only with an active lane, else control goes to `skip`
    bool nonempty = false;                      // some lane is active whenever control is here (after the guard)
    bool plain = false;                         // entered only by its own edges, with all lanes that will be active
    llvm::BasicBlock* skip = nullptr;
    llvm::BasicBlock* next[2] = {nullptr, nullptr}; // where each successor edge goes now (divergent: both the same)
    llvm::BasicBlock* mask_leader = nullptr;    // a dominating block with the same active lanes, or null
};

class Regions {
public:
    /// `divergent` tells of a block whether its terminator's condition depends on the lane.
    Regions(llvm::Function& function, llvm::DominatorTree& dominators, llvm::PostDominatorTree& post_dominators,
            llvm::LoopInfo& loops, const std::function<bool(llvm::BasicBlock&)>& divergent);

    const std::vector<llvm::BasicBlock*>& order() const { return order_; }
    const BlockPlan& plan(const llvm::BasicBlock* block) const { return plans_.find(block)->second; }
    bool divergent_loop(const llvm::Loop* loop) const { return divergent_loops_.contains(loop); }

private:
    void find_order();
    void order_region(llvm::Loop* loop, llvm::BasicBlock* header);
    bool meets_again(llvm::BasicBlock* block, llvm::BasicBlock* from) const;
    void find_divergent_loops();
    void find_mask_leaders();
    void linearize();
    bool may_run_empty(llvm::BasicBlock& block) const;

    llvm::Function& function_;
    llvm::DominatorTree& dominators_;
    llvm::PostDominatorTree& post_dominators_;
    llvm::LoopInfo& loops_;
    std::vector<llvm::BasicBlock*> order_;
    llvm::DenseMap<const llvm::BasicBlock*, BlockPlan> plans_;
    llvm::DenseSet<const llvm::Loop*> divergent_loops_;
};

} // namespace anywarp::simd
