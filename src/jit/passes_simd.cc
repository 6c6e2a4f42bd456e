// Optimising the widened kernel.
//
// A kernel that suspends is cut into pieces (simd/pieces.h) on the way: it is simplified once before, so that what needs no place in
// the frame doesn't get one, and once after. LLVM's vectorisers stay off: the vectors are there already.
#include "jit/pass_runner.h"
#include "jit/passes.h"
#include "simd/pieces.h"

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

} // namespace

void optimize_simd(llvm::Module& module, llvm::TargetMachine& machine, bool optimize) {
    PassRunner runner(module, machine);
    // Small functions of the widening's own (recursive functions stay as they are) come in before the kernel is cut.
    llvm::ModulePassManager inlining;
    inlining.addPass(llvm::AlwaysInlinerPass(/*InsertLifetime=*/false));
    runner.run(std::move(inlining));
    if (llvm::Function* warp = module.getFunction(simd::warp_name)) {
        if (optimize) runner.run(light_clean_up());
        simd::cut_into_pieces(module);
    }
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
