// Recursive device functions.
//
// The widening works on one function, the kernel, with everything inlined. What recurses can't be inlined; kernels that need it run at
// width 1, where a warp is a thread and its functions are plain functions. Here their lane number becomes 0 and alignment checks
// become branches. A barrier in there would have to suspend a whole call stack; that is not supported.
#include "jit/passes.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include <vector>

namespace anywarp::jit {
namespace {

void check_alignment(llvm::CallInst& call) {
    llvm::IRBuilder<> b(&call);
    llvm::Value* rest = b.CreateAnd(call.getArgOperand(1), call.getArgOperand(2));
    llvm::Value* bad = b.CreateICmpNE(rest, llvm::ConstantInt::get(rest->getType(), 0));
    llvm::Instruction* fault = llvm::SplitBlockAndInsertIfThen(bad, call.getIterator(), /*Unreachable=*/true);
    b.SetInsertPoint(fault);
    llvm::FunctionCallee trap =
        call.getModule()->getOrInsertFunction("anywarp_trap", b.getVoidTy(), b.getPtrTy(), b.getInt32Ty());
    b.CreateCall(trap, {call.getArgOperand(0), b.getInt32(static_cast<uint32_t>(ErrorCode::misaligned_address))});
    call.eraseFromParent();
}

} // namespace

Result<void> settle_recursive_functions(llvm::Module& module) {
    for (llvm::Function& function : module) {
        if (function.isDeclaration() || !function.hasLocalLinkage()) continue;
        std::vector<llvm::CallInst*> calls;
        for (llvm::BasicBlock& block : function)
            for (llvm::Instruction& instruction : block)
                if (auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction))
                    if (call->getCalledFunction() && call->getCalledFunction()->getName().starts_with("anywarp."))
                        calls.push_back(call);
        for (llvm::CallInst* call : calls) {
            llvm::StringRef name = call->getCalledFunction()->getName();
            if (name == "anywarp.lane") {
                call->replaceAllUsesWith(llvm::ConstantInt::get(call->getType(), 0));
                call->eraseFromParent();
            } else if (name == "anywarp.check.aligned") {
                check_alignment(*call);
            } else {
                return unsupported(name.substr(8).str() + " in the recursive device function " + function.getName().str());
            }
        }
    }
    return {};
}

} // namespace anywarp::jit
