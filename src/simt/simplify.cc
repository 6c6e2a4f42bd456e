// What the lowering does to its own output before handing it over: flatten, make SSA, give addresses their objects back, and
// check each alignment once.
//
// PTX computes addresses in integers. LLVM reasons about pointers: SROA promotes a local array only when every access is a GEP on
// its alloca, and alias analysis wants to see that two accesses lie in different objects. So after inlining and mem2reg every
// inttoptr whose integer is "ptrtoint of a known pointer plus something", through additions, phis and selects, becomes a GEP.
//
// An alignment check looks at the low bits only: terms that are known multiples of the access size drop out of its operand. What
// is left is often one kernel parameter, the same for all accesses and all lanes, and one check dominates the others.
#include "simt/lowering.h"

#include <map>

#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

namespace anywarp::simt {

namespace {

void inline_functions(llvm::Module& module) {
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager components;
    llvm::ModuleAnalysisManager modules;
    llvm::PassBuilder builder;
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    llvm::ModulePassManager passes;
    passes.addPass(llvm::AlwaysInlinerPass(/*InsertLifetime=*/false));
    passes.run(module, modules);
}

void promote_registers(llvm::Function& f) {
    llvm::removeUnreachableBlocks(f);
    for (int round = 0; round < 2; ++round) { // a register's slot may hold what another slot's promotion reveals
        llvm::DominatorTree dominators(f);
        std::vector<llvm::AllocaInst*> slots;
        for (llvm::Instruction& i : f.getEntryBlock())
            if (auto* slot = llvm::dyn_cast<llvm::AllocaInst>(&i); slot && llvm::isAllocaPromotable(slot)) slots.push_back(slot);
        if (slots.empty()) return;
        llvm::PromoteMemToReg(slots, dominators);
    }
}

/// Rewrites integers that are addresses of known objects into pointers.
class PointerRecovery {
public:
    explicit PointerRecovery(llvm::Function& f) : function_(f) {}

    void run() {
        std::vector<llvm::IntToPtrInst*> casts;
        for (llvm::Instruction& i : llvm::instructions(function_))
            if (auto* cast = llvm::dyn_cast<llvm::IntToPtrInst>(&i)) casts.push_back(cast);
        std::vector<llvm::WeakTrackingVH> dead;
        for (auto* cast : casts) {
            Value* integer = cast->getOperand(0);
            std::set<Value*> assumed;
            if (!is_address(integer, assumed, 0)) continue;
            Value* pointer = as_pointer(integer);
            cast->replaceAllUsesWith(pointer);
            dead.push_back(cast);
        }
        for (auto& handle : dead)
            if (handle) llvm::RecursivelyDeleteTriviallyDeadInstructions(handle);
        for (llvm::BasicBlock& block : function_) llvm::DeleteDeadPHIs(&block);
    }

private:
    /// Optimistic about cycles: a phi that leads back to itself is an address if its other inputs are.
    bool is_address(Value* v, std::set<Value*>& assumed, int depth) {
        if (pointers_.count(v)) return true;
        if (depth > 24) return false;
        if (llvm::isa<llvm::PtrToIntInst>(v)) return v->getType()->isIntegerTy(64);
        if (auto* phi = llvm::dyn_cast<llvm::PHINode>(v)) {
            if (!assumed.insert(v).second) return true;
            for (Value* in : phi->incoming_values())
                if (!is_address(in, assumed, depth + 1)) return false;
            return true;
        }
        if (auto* select = llvm::dyn_cast<llvm::SelectInst>(v))
            return is_address(select->getTrueValue(), assumed, depth + 1) &&
                   is_address(select->getFalseValue(), assumed, depth + 1);
        if (auto* op = llvm::dyn_cast<llvm::BinaryOperator>(v)) {
            bool disjoint_or =
                op->getOpcode() == llvm::Instruction::Or && llvm::cast<llvm::PossiblyDisjointInst>(op)->isDisjoint();
            if (op->getOpcode() == llvm::Instruction::Add || disjoint_or) return side(op, assumed, depth) >= 0;
            if (op->getOpcode() == llvm::Instruction::Sub)
                return is_address(op->getOperand(0), assumed, depth + 1) && !is_object_integer(op->getOperand(1));
        }
        return false;
    }

    static bool is_object_integer(Value* v) { return llvm::isa<llvm::PtrToIntInst>(v); }

    /// Which operand of an addition is the address; -1 when neither is.
    int side(llvm::BinaryOperator* op, std::set<Value*>& assumed, int depth) {
        for (int k : {0, 1}) {
            std::set<Value*> trial = assumed;
            if (is_address(op->getOperand(k), trial, depth + 1)) {
                if (is_object_integer(op->getOperand(1 - k))) return -1; // a sum of two addresses is none
                assumed = std::move(trial);
                return k;
            }
        }
        return -1;
    }

    Value* as_pointer(Value* v) {
        auto found = pointers_.find(v);
        if (found != pointers_.end()) return found->second;
        Value* made = nullptr;
        if (auto* cast = llvm::dyn_cast<llvm::PtrToIntInst>(v)) {
            made = cast->getOperand(0);
        } else if (auto* phi = llvm::dyn_cast<llvm::PHINode>(v)) {
            llvm::IRBuilder<> b(phi);
            auto* pointer = b.CreatePHI(b.getPtrTy(), phi->getNumIncomingValues());
            pointers_[v] = pointer;
            for (unsigned k = 0; k < phi->getNumIncomingValues(); ++k)
                pointer->addIncoming(as_pointer(phi->getIncomingValue(k)), phi->getIncomingBlock(k));
            return pointer;
        } else if (auto* select = llvm::dyn_cast<llvm::SelectInst>(v)) {
            Value *t = as_pointer(select->getTrueValue()), *f = as_pointer(select->getFalseValue());
            made = llvm::IRBuilder<>(select).CreateSelect(select->getCondition(), t, f);
        } else {
            auto* op = llvm::cast<llvm::BinaryOperator>(v);
            int k = 0;
            if (op->getOpcode() != llvm::Instruction::Sub) {
                std::set<Value*> assumed;
                k = std::max(0, side(op, assumed, 0));
            }
            Value* base = as_pointer(op->getOperand(k));
            llvm::IRBuilder<> b(op);
            Value* offset = op->getOperand(1 - k);
            if (op->getOpcode() == llvm::Instruction::Sub) offset = b.CreateNeg(offset);
            made = b.CreateGEP(b.getInt8Ty(), base, offset);
        }
        pointers_[v] = made;
        return made;
    }

    llvm::Function& function_;
    std::unordered_map<Value*, Value*> pointers_;
};

/// The operand without the terms that can't change the bits under `mask`; null when nothing is left.
Value* unaligned_part(Value* v, uint64_t mask, const llvm::DataLayout& layout) {
    for (int depth = 0; depth < 16; ++depth) {
        if (llvm::computeKnownBits(v, layout).countMinTrailingZeros() >= static_cast<unsigned>(llvm::popcount(mask)))
            return nullptr;
        auto* op = llvm::dyn_cast<llvm::BinaryOperator>(v);
        if (!op || op->getOpcode() != llvm::Instruction::Add) return v;
        int kept = -1;
        for (int k : {0, 1})
            if (llvm::computeKnownBits(op->getOperand(k), layout).countMinTrailingZeros() >=
                static_cast<unsigned>(llvm::popcount(mask)))
                kept = 1 - k;
        if (kept < 0) return v;
        v = op->getOperand(kept);
    }
    return v;
}

void reduce_alignment_checks(llvm::Function& f) {
    llvm::DominatorTree dominators(f);
    const llvm::DataLayout& layout = f.getParent()->getDataLayout();
    std::map<Value*, std::vector<llvm::CallInst*>> kept;
    std::vector<llvm::CallInst*> calls;
    // Reverse post order: a dominating block comes first.
    for (llvm::BasicBlock& block : f)
        for (llvm::Instruction& i : block)
            if (auto* call = llvm::dyn_cast<llvm::CallInst>(&i);
                call && call->getCalledFunction() && call->getCalledFunction()->getName() == "anywarp.check.aligned")
                calls.push_back(call);
    for (auto* call : calls) {
        uint64_t mask = llvm::cast<llvm::ConstantInt>(call->getArgOperand(2))->getZExtValue();
        Value* rest = unaligned_part(call->getArgOperand(1), mask, layout);
        if (!rest) {
            call->eraseFromParent();
            continue;
        }
        call->setArgOperand(1, rest);
        kept[rest].push_back(call);
    }
    for (auto& [address, list] : kept)
        for (size_t k = 0; k < list.size(); ++k)
            for (size_t j = 0; j < list.size(); ++j) {
                if (j == k || !list[j] || !list[k]) continue;
                uint64_t mask_j = llvm::cast<llvm::ConstantInt>(list[j]->getArgOperand(2))->getZExtValue();
                uint64_t mask_k = llvm::cast<llvm::ConstantInt>(list[k]->getArgOperand(2))->getZExtValue();
                if ((mask_j & mask_k) == mask_k && dominators.dominates(list[j], list[k])) {
                    list[k]->eraseFromParent();
                    list[k] = nullptr;
                }
            }
}

} // namespace

void Program::simplify() {
    inline_functions(module);
    for (llvm::Function& f : module) {
        if (f.isDeclaration()) continue;
        promote_registers(f);
        PointerRecovery(f).run();
        promote_registers(f);
        reduce_alignment_checks(f);
    }
}

} // namespace anywarp::simt
