// Optimising the widened kernel.
//
// The widening emits suspending kernels as switched-resume coroutines (llvm.coro.*, LLVM "Coroutines"); here they are split into
// start and resume functions. The code is simplified once before the split, so that what needs no place in the frame doesn't
// get one, and once after it. LLVM's vectorisers stay off: the vectors are there already.
#include "jit/pass_runner.h"
#include "jit/passes.h"

#include <llvm/ADT/DepthFirstIterator.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Coroutines/CoroCleanup.h>
#include <llvm/Transforms/Coroutines/CoroEarly.h>
#include <llvm/Transforms/Coroutines/CoroSplit.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/BDCE.h>
#include <llvm/Transforms/Scalar/CorrelatedValuePropagation.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/InferAlignment.h>
#include <llvm/Transforms/Scalar/JumpThreading.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/SCCP.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Vectorize/VectorCombine.h>

namespace anywarp::jit {
namespace {

bool has_coroutines(const llvm::Module& module) {
    for (const llvm::Function& function : module)
        if (function.isPresplitCoroutine()) return true;
    return false;
}

llvm::FunctionPassManager light_clean_up() {
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
    passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
    passes.addPass(llvm::InstCombinePass());
    // InstCombine sinks what has one use next to it, into loops as well.
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
    passes.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::ADCEPass());
    return passes;
}

llvm::FunctionPassManager vector_optimizations() {
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
    passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
    passes.addPass(llvm::CorrelatedValuePropagationPass());
    passes.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::InstCombinePass());
    llvm::LoopPassManager loops;
    loops.addPass(llvm::LoopRotatePass());
    loops.addPass(llvm::LICMPass(llvm::LICMOptions()));
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops), /*UseMemorySSA=*/true));
    passes.addPass(llvm::SimplifyCFGPass());
    // Branches here are uniform. Accesses guarded by the same test (consecutive addresses, all lanes active) fall into line:
    // one fast path with all of them, one slow path.
    passes.addPass(llvm::JumpThreadingPass());
    passes.addPass(llvm::GVNPass());
    passes.addPass(llvm::SCCPPass());
    passes.addPass(llvm::BDCEPass());
    passes.addPass(llvm::InstCombinePass());
    passes.addPass(llvm::DSEPass());
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
    passes.addPass(llvm::VectorCombinePass());
    passes.addPass(llvm::ADCEPass());
    passes.addPass(llvm::SimplifyCFGPass(
        llvm::SimplifyCFGOptions().hoistCommonInsts(true).sinkCommonInsts(true).convertSwitchToLookupTable(true)));
    passes.addPass(llvm::InstCombinePass());
    passes.addPass(llvm::InferAlignmentPass());
    return passes;
}

// LLVM computes a value anew behind a suspension rather than keeping it in the frame, if it comes of arithmetic: a division, or a
// long chain of indices, is then repeated in every piece of the kernel. What is dear, or some steps from anything that is kept
// anyway, is frozen here: that value goes into the frame. (Vectors may be further off: they take room, and addresses for a
// gather are seldom needed where there is a plain access, too.) Of a splat, the frame keeps the scalar.
bool recomputed(const llvm::Instruction& instruction) { // llvm::coro::defaultMaterializable
    return llvm::isa<llvm::CastInst, llvm::GetElementPtrInst, llvm::BinaryOperator, llvm::CmpInst, llvm::SelectInst>(instruction);
}

bool dear(const llvm::Instruction& instruction) {
    using llvm::Instruction;
    switch (instruction.getOpcode()) {
    case Instruction::FDiv: case Instruction::UDiv: case Instruction::SDiv: case Instruction::URem: case Instruction::SRem: return true;
    default: return false;
    }
}

using Blocks = llvm::DenseSet<const llvm::BasicBlock*>;

void keep_in_frame(llvm::Function& function) {
    constexpr unsigned scalar_steps = 2, vector_steps = 4;
    std::vector<std::pair<Blocks, Blocks>> suspensions; // per suspension: the blocks it is reached from, and those it leads to
    for (llvm::BasicBlock& block : function)
        for (llvm::Instruction& instruction : block)
            if (auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction); call && call->getIntrinsicID() == llvm::Intrinsic::coro_suspend) {
                auto& [before, behind] = suspensions.emplace_back();
                before.insert(&block);
                for (const llvm::BasicBlock* other : llvm::inverse_depth_first(&block)) before.insert(other);
                for (llvm::BasicBlock* next : llvm::successors(&block))
                    for (const llvm::BasicBlock* other : llvm::depth_first(next)) behind.insert(other);
            }
    if (suspensions.size() > 64) return; // too many to look at each
    auto crosses = [&](const llvm::Instruction& value, const llvm::User* user) {
        auto* use = llvm::cast<llvm::Instruction>(user);
        if (use->getParent() == value.getParent()) return false;
        for (auto& [before, behind] : suspensions)
            if (before.contains(value.getParent()) && behind.contains(use->getParent())) return true;
        return false;
    };
    llvm::DenseMap<const llvm::Value*, unsigned> steps; // 0: kept, or not an instruction
    for (llvm::BasicBlock* block : llvm::ReversePostOrderTraversal<llvm::Function*>(&function))
        for (llvm::Instruction& value : llvm::make_early_inc_range(*block)) {
            bool is_splat = llvm::isa<llvm::ShuffleVectorInst>(value) && llvm::getSplatValue(&value);
            if (!recomputed(value) && !is_splat) continue;
            unsigned longest = 0;
            for (llvm::Value* operand : value.operands()) longest = std::max(longest, steps.lookup(operand));
            steps[&value] = longest + 1;
            if (!is_splat && longest < (value.getType()->isVectorTy() ? vector_steps : scalar_steps) && !dear(value)) continue;
            llvm::SmallVector<llvm::Use*, 8> uses;
            for (llvm::Use& use : value.uses())
                if (crosses(value, use.getUser())) uses.push_back(&use);
            if (uses.empty()) continue;
            if (is_splat) {
                for (llvm::Use* use : uses) {
                    auto* user = llvm::cast<llvm::Instruction>(use->getUser());
                    auto* phi = llvm::dyn_cast<llvm::PHINode>(user);
                    llvm::IRBuilder<> b(phi ? phi->getIncomingBlock(*use)->getTerminator() : user);
                    auto lanes = llvm::cast<llvm::VectorType>(value.getType())->getElementCount();
                    use->set(b.CreateVectorSplat(lanes, llvm::getSplatValue(&value)));
                }
                continue;
            }
            auto* kept = new llvm::FreezeInst(&value, "", std::next(value.getIterator()));
            for (llvm::Use* use : uses) use->set(kept);
        }
}

void split_coroutines(llvm::Module& module, PassRunner& runner, bool optimize) {
    llvm::ModulePassManager early;
    early.addPass(llvm::CoroEarlyPass());
    runner.run(std::move(early));
    if (optimize) {
        runner.run(light_clean_up());
        for (llvm::Function& function : module)
            if (function.isPresplitCoroutine()) keep_in_frame(function);
    }
    llvm::ModulePassManager split;
    split.addPass(llvm::createModuleToPostOrderCGSCCPassAdaptor(llvm::CoroSplitPass(/*OptimizeFrame=*/optimize)));
    split.addPass(llvm::CoroCleanupPass());
    runner.run(std::move(split));
}

} // namespace

void optimize_simd(llvm::Module& module, llvm::TargetMachine& machine, bool optimize) {
    PassRunner runner(module, machine);
    // Small functions of the widening's own (recursive functions stay as they are) come in before coroutines are split.
    llvm::ModulePassManager inlining;
    inlining.addPass(llvm::AlwaysInlinerPass(/*InsertLifetime=*/false));
    runner.run(std::move(inlining));
    if (has_coroutines(module)) split_coroutines(module, runner, optimize);
    if (optimize) {
        llvm::ModulePassManager passes;
        passes.addPass(llvm::GlobalDCEPass());
        passes.addPass(llvm::createModuleToFunctionPassAdaptor(vector_optimizations()));
        passes.addPass(llvm::AlwaysInlinerPass(/*InsertLifetime=*/false));
        passes.addPass(llvm::GlobalDCEPass());
        runner.run(std::move(passes));
    }
}

} // namespace anywarp::jit
