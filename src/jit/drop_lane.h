// Takes the lane number out of what doesn't depend on it: (base | lane) >> 4 is base >> 4 where the base is a multiple of 16 and
// the lane below 16, and so is a row's number that a kernel takes from its thread's (threadIdx.x / 16, threadIdx.x & ~15).
//
// LLVM finds that by itself only where nothing lies between; here the demanded bits are followed through extensions and shifts.
// What no longer holds the lane is uniform: loads at such an index are broadcasts instead of gathers, branches stay branches.
#pragma once

#include <llvm/IR/PassManager.h>

namespace anywarp::jit {

struct DropLanePass : llvm::PassInfoMixin<DropLanePass> {
    llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);
};

} // namespace anywarp::jit
