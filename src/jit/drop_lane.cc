// See drop_lane.h.
#include "jit/drop_lane.h"

#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Support/KnownBits.h>

namespace anywarp::jit {

using namespace llvm;
using namespace llvm::PatternMatch;

namespace {

constexpr unsigned deepest = 5;

bool is_lane(const Value* value) { // the lane's number, perhaps extended or shifted
    for (unsigned i = 0; i < deepest; ++i) {
        if (auto* call = dyn_cast<CallInst>(value)) return call->getCalledFunction() && call->getCalledFunction()->getName() == "anywarp.lane";
        auto* instruction = dyn_cast<Instruction>(value);
        if (!instruction || !(isa<CastInst>(instruction) || instruction->isShift())) return false;
        value = instruction->getOperand(0);
    }
    return false;
}

// A value that equals `value` in the demanded bits and holds no lane number, or null.
Value* without_lane(Value* value, const APInt& demanded, IRBuilder<>& b, const DataLayout& layout, unsigned depth) {
    Value *x, *y;
    const APInt* constant;
    unsigned bits = value->getType()->getScalarSizeInBits();
    if (depth == 0) return nullptr;
    if (match(value, m_DisjointOr(m_Value(x), m_Value(y)))) {
        if (is_lane(x)) std::swap(x, y);
        if (!is_lane(y) || computeKnownBits(y, layout).getMaxValue().intersects(demanded)) return nullptr;
        return x;
    }
    if (match(value, m_ZExt(m_Value(x)))) {
        unsigned narrow = x->getType()->getScalarSizeInBits();
        Value* left = without_lane(x, demanded.trunc(narrow), b, layout, depth - 1);
        return left ? b.CreateZExt(left, value->getType()) : nullptr;
    }
    if (match(value, m_Shl(m_Value(x), m_APInt(constant))) && constant->ult(bits)) {
        Value* left = without_lane(x, demanded.lshr(*constant), b, layout, depth - 1);
        return left ? b.CreateShl(left, *constant) : nullptr;
    }
    if (match(value, m_LShr(m_Value(x), m_APInt(constant))) && constant->ult(bits)) {
        Value* left = without_lane(x, demanded.shl(*constant), b, layout, depth - 1);
        return left ? b.CreateLShr(left, *constant) : nullptr;
    }
    if (match(value, m_And(m_Value(x), m_APInt(constant)))) {
        Value* left = without_lane(x, demanded & *constant, b, layout, depth - 1);
        return left ? b.CreateAnd(left, *constant) : nullptr;
    }
    if (match(value, m_Or(m_Value(x), m_APInt(constant)))) {
        Value* left = without_lane(x, demanded & ~*constant, b, layout, depth - 1);
        return left ? b.CreateOr(left, *constant) : nullptr;
    }
    return nullptr;
}

} // namespace

PreservedAnalyses DropLanePass::run(Function& function, FunctionAnalysisManager&) {
    const DataLayout& layout = function.getParent()->getDataLayout();
    bool changed = false;
    for (BasicBlock& block : function)
        for (Instruction& instruction : block) {
            Value* x;
            const APInt* constant;
            if (!match(&instruction, m_LShr(m_Value(x), m_APInt(constant))) && !match(&instruction, m_And(m_Value(x), m_APInt(constant))) &&
                !match(&instruction, m_Or(m_Value(x), m_APInt(constant))))
                continue;
            IRBuilder<> b(&instruction);
            if (Value* value = without_lane(&instruction, APInt::getAllOnes(instruction.getType()->getScalarSizeInBits()), b, layout, deepest)) {
                instruction.replaceAllUsesWith(value);
                changed = true;
            }
        }
    if (!changed) return PreservedAnalyses::all();
    PreservedAnalyses kept;
    kept.preserveSet<CFGAnalyses>();
    return kept;
}

} // namespace anywarp::jit
