// Optimising what one thread does, and bringing it into the form that src/simd widens.
//
// LLVM's scalar passes do the work; the list below differs from -O2 where SIMT code differs from CPU code:
//   - no loop or SLP vectoriser (lanes fill the vectors), no loop idioms (a memset per lane is no gain), no switches;
//   - no jump threading: it duplicates joins, where lanes of a warp meet again;
//   - induction variables are not widened to 64 bits: a lane-varying i64 costs two vector registers;
//   - code common to both sides of a branch is hoisted (both sides run), but not sunk (a phi of two addresses turns
//     two plain vector loads into one gather).
// Barriers and warp operations are marked `convergent`, which those passes respect.
#include "jit/drop_lane.h"
#include "jit/equal_phis.h"
#include "jit/pass_runner.h"
#include "jit/passes.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SCCIterator.h>
#include <llvm/Analysis/CallGraph.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/BDCE.h>
#include <llvm/Transforms/Scalar/CorrelatedValuePropagation.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/InferAlignment.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopDeletion.h>
#include <llvm/Transforms/Scalar/LoopInstSimplify.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopSimplifyCFG.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/SCCP.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/Scalarizer.h>
#include <llvm/Transforms/Scalar/SimpleLoopUnswitch.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/BreakCriticalEdges.h>
#include <llvm/Transforms/Utils/FixIrreducible.h>
#include <llvm/Transforms/Utils/LCSSA.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/LowerSwitch.h>
#include <llvm/Transforms/Utils/UnifyFunctionExitNodes.h>

#include <set>

namespace anywarp::jit {
namespace {

using llvm::Function;

/// Tells LLVM what it may assume of the intrinsics that simt.h lists.
void mark_intrinsics(llvm::Module& module) {
    for (Function& function : module) {
        if (!function.isDeclaration()) continue;
        llvm::StringRef name = function.getName();
        if (name.starts_with("anywarp_")) {
            function.setDoesNotThrow();
        } else if (name == "anywarp.lane") {
            function.setDoesNotThrow();
            function.setDoesNotAccessMemory();
            function.setWillReturn();
            function.addFnAttr(llvm::Attribute::NoSync);
            function.addFnAttr(llvm::Attribute::Speculatable);
        } else if (name.starts_with("anywarp.")) {
            function.setDoesNotThrow();
            bool checks = name == "anywarp.check.aligned", ends = name == "anywarp.exit";
            if (ends) function.setDoesNotReturn();
            if (checks || ends) continue;
            function.setConvergent();
            // Values travel between lanes, memory is left alone: loads may move over a shuffle, not over a barrier.
            for (const char* prefix : {"anywarp.shfl.", "anywarp.vote.", "anywarp.match.", "anywarp.redux.", "anywarp.elect", "anywarp.mma."})
                if (name.starts_with(prefix)) {
                    function.setOnlyAccessesInaccessibleMemory();
                    function.setWillReturn();
                }
        }
    }
}

/// Every device function is inlined, except those that can reach themselves.
void mark_for_inlining(llvm::Module& module) {
    llvm::CallGraph graph(module);
    std::set<const Function*> recursive;
    for (auto scc = llvm::scc_begin(&graph); !scc.isAtEnd(); ++scc)
        if (scc.hasCycle())
            for (const llvm::CallGraphNode* node : *scc)
                if (node->getFunction()) recursive.insert(node->getFunction());
    for (Function& function : module) {
        if (function.isDeclaration()) continue;
        function.removeFnAttr(llvm::Attribute::OptimizeNone);
        function.removeFnAttr(llvm::Attribute::UWTable);
        function.setDoesNotThrow();
        // Builtins come from clang with the attributes of its default target; ours is the target machine's.
        for (const char* name : {"target-cpu", "target-features", "tune-cpu", "min-legal-vector-width", "frame-pointer",
                                 "stack-protector-buffer-size"})
            function.removeFnAttr(name);
        if (!function.hasLocalLinkage()) continue;
        // At width 1 vector functions have their body already; they stay functions all the same.
        if (recursive.contains(&function) || function.getName().starts_with("anywarp_vector.")) {
            function.removeFnAttr(llvm::Attribute::AlwaysInline);
            function.addFnAttr(llvm::Attribute::NoInline);
        } else {
            function.removeFnAttr(llvm::Attribute::NoInline);
            function.addFnAttr(llvm::Attribute::AlwaysInline);
        }
    }
}

/// Ends a block at `at` with a plain return.
void return_at(llvm::Instruction& at) {
    llvm::BasicBlock* block = at.getParent();
    Function* function = block->getParent();
    for (llvm::BasicBlock* next : llvm::successors(block)) next->removePredecessor(block);
    while (&block->back() != &at) {
        if (!block->back().use_empty()) block->back().replaceAllUsesWith(llvm::PoisonValue::get(block->back().getType()));
        block->back().eraseFromParent();
    }
    at.eraseFromParent();
    llvm::Type* type = function->getReturnType();
    llvm::ReturnInst::Create(function->getContext(), type->isVoidTy() ? nullptr : llvm::Constant::getNullValue(type), block);
}

/// anywarp.exit of an inlined device function ends the thread: in the kernel that is a return.
void end_threads_at_exit(llvm::Module& module) {
    for (Function& function : module) {
        if (function.isDeclaration() || function.hasLocalLinkage()) continue;
        for (llvm::BasicBlock& block : function)
            for (llvm::Instruction& instruction : block) {
                auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction);
                if (!call || !call->getCalledFunction() || call->getCalledFunction()->getName() != "anywarp.exit") continue;
                return_at(instruction);
                break;
            }
    }
}

/// After a noreturn service the lane never goes on, but other lanes of its warp may not have been there at all: control flow
/// must have somewhere to go, the return.
void return_at_unreachable(llvm::Module& module) {
    for (Function& function : module)
        for (llvm::BasicBlock& block : function)
            if (llvm::isa<llvm::UnreachableInst>(block.getTerminator())) return_at(*block.getTerminator());
}

bool has_vectors(const llvm::Module& module) {
    for (const Function& function : module)
        for (const llvm::BasicBlock& block : function)
            for (const llvm::Instruction& instruction : block) {
                if (instruction.getType()->isVectorTy()) return true;
                for (const llvm::Use& operand : instruction.operands())
                    if (operand->getType()->isVectorTy()) return true;
            }
    return false;
}

llvm::FunctionPassManager clean_up_before_inlining() {
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
    passes.addPass(llvm::EarlyCSEPass());
    passes.addPass(llvm::SimplifyCFGPass());
    return passes;
}

llvm::FunctionPassManager scalar_optimizations() {
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
    passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
    passes.addPass(llvm::CorrelatedValuePropagationPass());
    passes.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::InstCombinePass());

    llvm::LoopPassManager first;
    first.addPass(llvm::LoopInstSimplifyPass());
    first.addPass(llvm::LoopSimplifyCFGPass());
    first.addPass(llvm::LICMPass(llvm::LICMOptions()));
    first.addPass(llvm::LoopRotatePass());
    first.addPass(llvm::LICMPass(llvm::LICMOptions()));
    first.addPass(llvm::SimpleLoopUnswitchPass(/*NonTrivial=*/false));
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(first), /*UseMemorySSA=*/true));
    passes.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::InstCombinePass());
    passes.addPass(DropLanePass());

    llvm::LoopPassManager second;
    second.addPass(llvm::IndVarSimplifyPass(/*WidenIndVars=*/false));
    second.addPass(llvm::LoopDeletionPass());
    second.addPass(llvm::LoopFullUnrollPass(/*OptLevel=*/2));
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(second), /*UseMemorySSA=*/false));

    passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
    passes.addPass(EqualPhisPass());
    // Without PRE, which would make such phis anew.
    passes.addPass(llvm::GVNPass(llvm::GVNOptions().setPRE(false).setLoadPRE(false)));
    passes.addPass(llvm::SCCPPass());
    passes.addPass(llvm::BDCEPass());
    passes.addPass(llvm::InstCombinePass());
    passes.addPass(llvm::DSEPass());
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
    passes.addPass(llvm::ADCEPass());
    passes.addPass(llvm::SimplifyCFGPass(llvm::SimplifyCFGOptions().hoistCommonInsts(true).bonusInstThreshold(2)));
    passes.addPass(llvm::InstCombinePass());
    passes.addPass(DropLanePass());
    passes.addPass(llvm::InferAlignmentPass());
    return passes;
}

// LLVM 19's FixIrreducible loses the condition of a branch to two entries of a loop if it is a phi of one of them, and crashes: there,
// each edge into an entry gets a block of its own.
struct SplitEdgesOfIrreducible : llvm::PassInfoMixin<SplitEdgesOfIrreducible> {
    llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
        llvm::ReversePostOrderTraversal<const llvm::Function*> order(&function);
        using Order = llvm::ReversePostOrderTraversal<const llvm::Function*>;
        if (!llvm::containsIrreducibleCFG<const llvm::BasicBlock*, const Order>(order, analyses.getResult<llvm::LoopAnalysis>(function)))
            return llvm::PreservedAnalyses::all();
        return llvm::BreakCriticalEdgesPass().run(function, analyses);
    }
    static bool isRequired() { return true; }
};

llvm::FunctionPassManager form_for_widening() {
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::UnifyFunctionExitNodesPass());
    passes.addPass(llvm::LowerSwitchPass());
    passes.addPass(SplitEdgesOfIrreducible());
    passes.addPass(llvm::FixIrreduciblePass());
    passes.addPass(llvm::LoopSimplifyPass());
    passes.addPass(llvm::LCSSAPass());
    return passes;
}

} // namespace

void optimize_simt(llvm::Module& module, llvm::TargetMachine& machine, bool optimize) {
    PassRunner runner(module, machine);
    mark_intrinsics(module);
    mark_for_inlining(module);
    if (optimize) runner.run(clean_up_before_inlining());
    llvm::ModulePassManager inlining;
    inlining.addPass(llvm::AlwaysInlinerPass(/*InsertLifetime=*/false));
    inlining.addPass(llvm::GlobalDCEPass());
    runner.run(std::move(inlining));
    end_threads_at_exit(module);

    if (optimize) {
        runner.run(scalar_optimizations());
    } else {
        llvm::FunctionPassManager passes;
        passes.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));
        passes.addPass(llvm::SimplifyCFGPass());
        runner.run(std::move(passes));
    }
    if (has_vectors(module)) { // SROA may have merged neighbouring accesses
        llvm::FunctionPassManager passes;
        llvm::ScalarizerPassOptions options;
        options.ScalarizeLoadStore = true;
        passes.addPass(llvm::ScalarizerPass(options));
        runner.run(std::move(passes));
    }
    return_at_unreachable(module);
    runner.run(form_for_widening());
}

} // namespace anywarp::jit
