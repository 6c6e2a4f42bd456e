// See equal_phis.h.
#include "jit/equal_phis.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>

namespace anywarp::jit {

using namespace llvm;

namespace {

constexpr unsigned deepest = 4; // instructions on top of each other

bool movable(const Instruction& instruction) {
    return !isa<PHINode>(instruction) && !instruction.mayReadOrWriteMemory() && !isa<AllocaInst>(instruction) &&
           isSafeToSpeculativelyExecute(&instruction);
}

bool same_value(const Value* a, const Value* b, unsigned depth) {
    if (a == b) return true;
    auto *first = dyn_cast<Instruction>(a), *second = dyn_cast<Instruction>(b);
    if (!first || !second || depth == 0 || !first->isSameOperationAs(second) || !movable(*first)) return false;
    for (unsigned i = 0; i < first->getNumOperands(); ++i)
        if (!same_value(first->getOperand(i), second->getOperand(i), depth - 1)) return false;
    return true;
}

class Maker {
public:
    Maker(BasicBlock& block, DominatorTree& dominators)
        : block_(block), at_(&*block.getFirstInsertionPt()), dominators_(dominators) {}

    bool can_make(const Value* value, unsigned depth) const {
        auto* instruction = dyn_cast<Instruction>(value);
        if (!instruction || dominates(*instruction)) return true;
        if (depth == 0 || !movable(*instruction)) return false;
        for (const Value* operand : instruction->operands())
            if (!can_make(operand, depth - 1)) return false;
        return true;
    }
    Value* make(Value* value) {
        auto* instruction = dyn_cast<Instruction>(value);
        if (!instruction || dominates(*instruction)) return value;
        Instruction* copy = instruction->clone();
        for (Use& operand : copy->operands()) operand.set(make(operand.get()));
        copy->dropPoisonGeneratingFlags(); // the paths' copies may differ in them
        copy->dropUnknownNonDebugMetadata();
        copy->insertBefore(at_);
        return copy;
    }

private:
    bool dominates(const Instruction& instruction) const {
        return instruction.getParent() != &block_ && dominators_.dominates(instruction.getParent(), &block_);
    }
    BasicBlock& block_;
    Instruction* at_;
    DominatorTree& dominators_;
};

} // namespace

PreservedAnalyses EqualPhisPass::run(Function& function, FunctionAnalysisManager& analyses) {
    auto& dominators = analyses.getResult<DominatorTreeAnalysis>(function);
    bool changed = false;
    for (BasicBlock* block : ReversePostOrderTraversal<Function*>(&function)) {
        Maker maker(*block, dominators);
        for (PHINode& phi : make_early_inc_range(block->phis())) {
            Value* first = phi.getIncomingValue(0);
            if (!isa<Instruction>(first) || phi.getNumIncomingValues() < 2) continue;
            bool same = true;
            for (Value* other : drop_begin(phi.incoming_values())) same &= other != &phi && same_value(first, other, deepest);
            if (!same || !maker.can_make(first, deepest)) continue;
            Value* value = maker.make(first);
            phi.replaceAllUsesWith(value);
            phi.eraseFromParent();
            changed = true;
        }
    }
    if (!changed) return PreservedAnalyses::all();
    PreservedAnalyses kept;
    kept.preserveSet<CFGAnalyses>();
    return kept;
}

} // namespace anywarp::jit
