// A phi whose incoming values are the same computation, made once on each path, becomes that computation.
//
// LLVM's partial redundancy elimination makes such phis (also in the compilers whose PTX comes here): a computation that one side
// of a branch has and the code behind it needs is repeated on the other side. On a GPU that is right. Here a phi behind a
// divergent branch is a blend of vectors, and an index that was strided over the lanes is no longer known to be, so that its
// accesses become gathers.
#pragma once

#include <llvm/IR/PassManager.h>

namespace anywarp::jit {

struct EqualPhisPass : llvm::PassInfoMixin<EqualPhisPass> {
    llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);
};

} // namespace anywarp::jit
