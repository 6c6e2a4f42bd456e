// Recursive device functions.
//
// The widening works on one function, the kernel, with everything inlined. What recurses can't be inlined; kernels that need it run at
// width 1, where a warp is a thread and its functions are plain functions. Here their lane number becomes 0 and alignment checks
// become branches.
//
// A function that waits (barriers, shuffles and votes, loops that spin) or ends its thread suspends a whole chain of calls. A
// frame can't; a stack can: such a module gets the mark "anywarp.fibers", every lane becomes a fiber (machine/fiber.h), and what
// waits leaves its operands in the lane's letterbox, as the widening does at width 1, and calls the scheduler.
#include "jit/passes.h"
#include "simd/simd.h"
#include "simt/kernel_abi.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include <optional>
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

using Builder = llvm::IRBuilder<>;

llvm::FunctionCallee service(llvm::Module& module, const char* name, llvm::Type* result) { return module.getOrInsertFunction(name, result); }

/// One suspension: the letterbox, fields put into it, the switch to the scheduler, fields taken out of it.
class Wait {
public:
    Wait(Builder& b, llvm::Module& module, Suspension suspension) : b_(b), module_(module) {
        state_ = b.CreateCall(service(module, "anywarp_fiber_state", b.getPtrTy()));
        put(offsetof(WarpState, suspension), b.getInt32(uint32_t(suspension)));
    }
    void put(unsigned offset, llvm::Value* value) { b_.CreateStore(value, field(offset)); }
    void suspend() { b_.CreateCall(service(module_, "anywarp_fiber_suspend", b_.getVoidTy())); }
    llvm::Value* take(unsigned offset) { return b_.CreateLoad(b_.getInt32Ty(), field(offset)); }

private:
    llvm::Value* field(unsigned offset) { return b_.CreateConstGEP1_32(b_.getInt8Ty(), state_, offset); }
    Builder& b_;
    llvm::Module& module_;
    llvm::Value* state_;
};

void wait_at_barrier(llvm::CallInst& call, llvm::StringRef name) {
    Builder b(&call);
    bool arrive = name == "barrier.arrive", reduces = name == "barrier.red";
    Wait wait(b, *call.getModule(), arrive ? Suspension::arrive : Suspension::barrier);
    wait.put(offsetof(WarpState, barrier_id), call.getArgOperand(1));
    wait.put(offsetof(WarpState, barrier_threads), call.getArgOperand(2));
    wait.put(offsetof(WarpState, reduce), reduces ? call.getArgOperand(3) : b.getInt32(0));
    wait.put(offsetof(WarpState, contribution), b.getInt32(1));
    wait.put(offsetof(WarpState, value), reduces ? b.CreateZExt(call.getArgOperand(4), b.getInt32Ty()) : b.getInt32(0));
    wait.suspend();
    if (reduces) call.replaceAllUsesWith(wait.take(offsetof(WarpState, result)));
}

/// Operands as simt.h lists them: value, b, c for shuffles; the mask comes last.
void exchange(llvm::CallInst& call, WarpOp operation) {
    Builder b(&call);
    Wait wait(b, *call.getModule(), Suspension::warp_sync);
    wait.put(offsetof(WarpState, op), b.getInt32(uint32_t(operation)));
    unsigned last = call.arg_size() - 1;
    wait.put(offsetof(WarpState, mask), call.getArgOperand(last));
    if (last > 0) {
        llvm::Value* wide = b.CreateZExt(call.getArgOperand(0), b.getInt64Ty());
        wait.put(offsetof(WarpState, value), b.CreateTrunc(wide, b.getInt32Ty()));
        wait.put(offsetof(WarpState, value_high), b.CreateTrunc(b.CreateLShr(wide, b.getInt64(32)), b.getInt32Ty()));
    }
    if (last == 3) {
        wait.put(offsetof(WarpState, operand_b), call.getArgOperand(1));
        wait.put(offsetof(WarpState, operand_c), call.getArgOperand(2));
    }
    wait.suspend();
    if (call.getType()->isVoidTy()) return;
    llvm::Value* result = wait.take(offsetof(WarpState, result));
    if (call.getType()->isStructTy()) {
        llvm::Value* predicate = b.CreateICmpNE(wait.take(offsetof(WarpState, result_predicate)), b.getInt32(0));
        result = b.CreateInsertValue(b.CreateInsertValue(llvm::UndefValue::get(call.getType()), result, 0), predicate, 1);
    } else if (call.getType()->isIntegerTy(1)) {
        result = b.CreateICmpNE(result, b.getInt32(0));
    }
    call.replaceAllUsesWith(result);
}

/// Rewrites what waits; false: the module holds something that can't.
bool wait_on_fiber(llvm::CallInst& call, llvm::StringRef name) {
    Builder b(&call);
    if (name.starts_with("barrier")) {
        wait_at_barrier(call, name);
    } else if (name == "yield" || name == "exit") { // an ended thread is never resumed
        Wait(b, *call.getModule(), name == "exit" ? Suspension::finished : Suspension::yield).suspend();
    } else if (name == "activemask") {
        llvm::Value* lane = b.CreateAnd(call.getFunction()->getArg(1), b.getInt32(31));
        call.replaceAllUsesWith(b.CreateShl(b.getInt32(1), lane));
    } else if (std::optional<WarpOp> operation = simd::warp_operation(name)) {
        exchange(call, *operation);
    } else {
        return false;
    }
    call.eraseFromParent();
    return true;
}

} // namespace

Result<void> settle_recursive_functions(llvm::Module& module) {
    bool fibers = false;
    std::vector<llvm::Function*> functions;
    for (llvm::Function& function : module) {
        if (function.isDeclaration() || !function.hasLocalLinkage()) continue;
        if (!function.getName().starts_with("anywarp")) functions.push_back(&function);
        std::vector<llvm::CallInst*> calls;
        for (llvm::BasicBlock& block : function)
            for (llvm::Instruction& instruction : block)
                if (auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction))
                    if (call->getCalledFunction() && call->getCalledFunction()->getName().starts_with("anywarp."))
                        calls.push_back(call);
        for (llvm::CallInst* call : calls) {
            std::string name = call->getCalledFunction()->getName().str();
            if (name == "anywarp.lane") {
                call->replaceAllUsesWith(llvm::ConstantInt::get(call->getType(), 0));
                call->eraseFromParent();
            } else if (name == "anywarp.check.aligned") {
                check_alignment(*call);
            } else if (wait_on_fiber(*call, llvm::StringRef(name).drop_front(8))) {
                fibers = true;
            } else {
                return unsupported(name.substr(8) + " in the recursive device function " + function.getName().str());
            }
        }
    }
    if (!fibers) return {};
    module.getOrInsertNamedMetadata("anywarp.fibers");
    for (llvm::Function* function : functions) { // asking for the letterbox also looks at how much of the stack is left
        Builder b(&*function->getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
        b.CreateCall(service(module, "anywarp_fiber_state", b.getPtrTy()));
    }
    return {};
}

} // namespace anywarp::jit
