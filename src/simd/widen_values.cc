// Arithmetic, comparison, conversion, selection, addresses: one instruction of a thread becomes one of a warp.
#include "simd/widener.h"

#include <llvm/Analysis/ValueTracking.h>
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/GetElementPtrTypeIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Support/KnownBits.h>

#include <cmath>

namespace anywarp::simd {

using namespace llvm;

void Widener::emit(Instruction& instruction) {
    if (auto* call = dyn_cast<CallInst>(&instruction)) {
        if (auto* intrinsic = dyn_cast<IntrinsicInst>(call)) {
            switch (intrinsic->getIntrinsicID()) {
            case Intrinsic::lifetime_start:
            case Intrinsic::lifetime_end:
            case Intrinsic::assume:
            case Intrinsic::experimental_noalias_scope_decl:
            case Intrinsic::dbg_value:
            case Intrinsic::dbg_declare:
            case Intrinsic::dbg_label: return;
            default: break;
            }
        } else if (emit_call(*call)) {
            return;
        }
    }
    if (auto* load = dyn_cast<LoadInst>(&instruction)) return emit_load(*load);
    if (auto* store = dyn_cast<StoreInst>(&instruction)) return emit_store(*store);
    if (auto* array = dyn_cast<AllocaInst>(&instruction)) return emit_alloca(*array);
    if (isa<AtomicRMWInst>(instruction) || isa<AtomicCmpXchgInst>(instruction)) return emit_atomic(instruction);
    if (isa<FenceInst>(instruction)) {
        b_.Insert(instruction.clone());
        return;
    }
    if (auto* extract = dyn_cast<ExtractValueInst>(&instruction))
        if (auto it = aggregates_.find(extract->getAggregateOperand()); it != aggregates_.end()) {
            Value* member = it->second[extract->getIndices()[0]];
            if (shape(&instruction).uniform()) return define(instruction, {any_active(member), nullptr, nullptr});
            return define(instruction, {nullptr, member, nullptr});
        }
    if (auto* extract = dyn_cast<ExtractValueInst>(&instruction); extract && !shape(&instruction).uniform()) {
        // The pair's members were kept side by side: {first} in scalar, {second} in guard (see define_pair).
        Lanes& pair = forms(extract->getAggregateOperand());
        define(instruction, {nullptr, extract->getIndices()[0] == 0 ? pair.scalar : pair.guard, nullptr});
        return;
    }
    Shape form = shape(&instruction);
    if (instruction.getType()->isVoidTy()) {
        if (auto* intrinsic = dyn_cast<IntrinsicInst>(&instruction)) return emit_service(*intrinsic);
        error_ = std::string("instruction in a kernel: ") + instruction.getOpcodeName();
        return;
    }
    if (form.uniform()) return emit_uniform(instruction);
    if (form.strided()) return emit_strided(instruction);
    Value* result = emit_vector(instruction);
    if (!result) return;
    if (auto* intrinsic = dyn_cast<IntrinsicInst>(&instruction); intrinsic && instruction.getType()->isStructTy()) {
        define_pair(*intrinsic, b_.CreateExtractValue(result, 0), b_.CreateExtractValue(result, 1));
        return;
    }
    define(instruction, {nullptr, result, nullptr});
}

void Widener::emit_uniform(Instruction& instruction) {
    if (auto* gep = dyn_cast<GetElementPtrInst>(&instruction)) return define(instruction, {emit_gep_scalar(*gep), nullptr, nullptr});
    Instruction* copy = instruction.clone();
    for (unsigned i = 0; i < copy->getNumOperands(); ++i) {
        Value* operand = instruction.getOperand(i);
        if (isa<Function>(operand) || isa<MetadataAsValue>(operand)) continue;
        if (operand->getType()->isStructTy() && !isa<Constant>(operand)) copy->setOperand(i, forms(operand).scalar);
        else copy->setOperand(i, scalar(operand));
    }
    b_.Insert(copy, instruction.getName());
    define(instruction, {copy, nullptr, nullptr});
}

// Lane 0 may be inactive, so nothing that was promised about its value (nsw, inbounds ...) may be kept for the base.
void Widener::emit_strided(Instruction& instruction) {
    Lanes lanes;
    Value* operand = nullptr;
    if (shape(&instruction).clamped) operand = clamped_operand(instruction, [&](const Value* value) { return shape(const_cast<Value*>(value)); });
    if (operand) return emit_clamped(instruction, operand);
    if (auto* gep = dyn_cast<GetElementPtrInst>(&instruction)) {
        lanes.scalar = emit_gep_scalar(*gep);
    } else {
        Instruction* copy = instruction.clone();
        for (unsigned i = 0; i < copy->getNumOperands(); ++i) copy->setOperand(i, scalar(instruction.getOperand(i)));
        copy->dropPoisonGeneratingFlags();
        b_.Insert(copy, instruction.getName());
        lanes.scalar = copy;
        if (isa<SExtInst>(instruction) || isa<ZExtInst>(instruction)) {
            // A number known not to be negative is so in active lanes only: lane 0's, going up, may lie below zero, and going
            // down above the largest signed number.
            Value* from = instruction.getOperand(0);
            if (computeKnownBits(from, source_.getParent()->getDataLayout()).isNonNegative()) {
                bool up = shape(from).stride > 0;
                lanes.scalar = up ? b_.CreateSExt(scalar(from), instruction.getType()) : b_.CreateZExt(scalar(from), instruction.getType());
            }
        } else if (instruction.getOpcode() == Instruction::Or) { // disjoint in active lanes; lane 0's bits may overlap
            lanes.scalar = b_.CreateAdd(scalar(instruction.getOperand(0)), scalar(instruction.getOperand(1)), instruction.getName());
        }
    }
    Shape form = shape(&instruction);
    if (form.guarded) {
        Value* holds = b_.getTrue();
        for (Value* operand : instruction.operands())
            if (shape(operand).guarded) holds = b_.CreateAnd(holds, guard(operand));
        Shape from = shape(instruction.getOperand(0));
        if ((isa<SExtInst>(instruction) || isa<ZExtInst>(instruction)) && !from.guarded) {
            // base + (width - 1) * stride must widen to the same number: then no lane in between wraps.
            Value* base = scalar(instruction.getOperand(0));
            int64_t span = int64_t(width_ - 1) * from.stride;
            Value* last = b_.CreateAdd(base, ConstantInt::getSigned(base->getType(), span));
            Value* wide_last = isa<SExtInst>(instruction) ? b_.CreateSExt(last, instruction.getType()) : b_.CreateZExt(last, instruction.getType());
            Value* expected = b_.CreateAdd(lanes.scalar, ConstantInt::getSigned(instruction.getType(), span));
            holds = b_.CreateAnd(holds, b_.CreateICmpEQ(wide_last, expected));
        }
        lanes.guard = holds;
    }
    if (form.clamped)
        for (Value* operand : instruction.operands())
            if (shape(operand).clamped) lanes.holds = lanes.holds ? b_.CreateAnd(lanes.holds, holds(operand)) : holds(operand);
    if (!form.certain()) lanes.vector = emit_vector(instruction);
    define(instruction, lanes);
}

// A select, minimum or maximum of something strided (`operand`) and something uniform: the strided one's base, and the lanes in
// which it is the one chosen. Or a condition added to it: what it is where that is true.
void Widener::emit_clamped(Instruction& instruction, Value* operand) {
    Lanes lanes;
    lanes.scalar = scalar(operand);
    if (shape(operand).guarded) lanes.guard = guard(operand);
    if (auto* select = dyn_cast<SelectInst>(&instruction)) {
        Value* condition = vector(select->getCondition());
        lanes.holds = operand == select->getTrueValue() ? condition : b_.CreateNot(condition);
    } else if (instruction.getOpcode() == Instruction::Add) {
        Value* added = instruction.getOperand(operand == instruction.getOperand(0) ? 1 : 0);
        Value* one = ConstantInt::getSigned(instruction.getType(), isa<SExtInst>(added) ? -1 : 1);
        lanes.scalar = b_.CreateAdd(lanes.scalar, one);
        lanes.holds = vector(added_condition(added));
    } else {
        auto& extremum = cast<MinMaxIntrinsic>(instruction);
        Value* other = operand == extremum.getLHS() ? extremum.getRHS() : extremum.getLHS();
        auto predicate = CmpInst::getNonStrictPredicate(extremum.getPredicate());
        lanes.holds = b_.CreateICmp(predicate, vector(operand), vector(other));
    }
    if (shape(operand).clamped) lanes.holds = b_.CreateAnd(lanes.holds, holds(operand));
    lanes.vector = emit_vector(instruction);
    define(instruction, lanes);
}

Value* Widener::emit_gep_scalar(GetElementPtrInst& gep) {
    if (shapes_.interleaved(gep.getPointerOperand()) == 0 || width_ == 1) {
        std::vector<Value*> indices;
        for (Value* index : gep.indices()) indices.push_back(scalar(index));
        return b_.CreateGEP(gep.getSourceElementType(), scalar(gep.getPointerOperand()), indices);
    }
    // Elements of interleaved local arrays lie `width` times as far apart.
    std::vector<Value*> indices;
    for (Value* index : gep.indices()) indices.push_back(scalar(index));
    Value* zero = ConstantPointerNull::get(b_.getPtrTy());
    Value* offset = b_.CreatePtrToInt(b_.CreateGEP(gep.getSourceElementType(), zero, indices), b_.getInt64Ty());
    return b_.CreateGEP(b_.getInt8Ty(), scalar(gep.getPointerOperand()), b_.CreateMul(offset, b_.getInt64(width_)));
}

Value* Widener::emit_gep_vector(GetElementPtrInst& gep) {
    Value* pointer = gep.getPointerOperand();
    bool interleaved = shapes_.interleaved(pointer) != 0;
    // Keep a uniform base scalar: gathers with one base and an index vector are cheaper.
    Value* base = shape(pointer).uniform() && !interleaved ? scalar(pointer) : vector(pointer);
    std::vector<Value*> indices;
    bool any_vector = base->getType()->isVectorTy();
    for (Value* index : gep.indices()) {
        Value* lanes = shape(index).uniform() ? scalar(index) : vector(index);
        any_vector |= lanes->getType()->isVectorTy();
        indices.push_back(lanes);
    }
    if (!interleaved) {
        Value* result = b_.CreateGEP(gep.getSourceElementType(), base, indices);
        return any_vector ? result : splat(result);
    }
    Value* zero = ConstantPointerNull::get(b_.getPtrTy());
    Value* offset = b_.CreateGEP(gep.getSourceElementType(), zero, indices);
    Type* integer = offset->getType()->isVectorTy() ? widened(b_.getInt64Ty()) : b_.getInt64Ty();
    offset = b_.CreateMul(b_.CreatePtrToInt(offset, integer), ConstantInt::get(integer, width_));
    return b_.CreateGEP(b_.getInt8Ty(), base, offset);
}

Value* Widener::emit_vector(Instruction& instruction) {
    if (auto* gep = dyn_cast<GetElementPtrInst>(&instruction)) return emit_gep_vector(*gep);
    if (auto* intrinsic = dyn_cast<IntrinsicInst>(&instruction)) return emit_intrinsic_vector(*intrinsic);
    if (auto* binary = dyn_cast<BinaryOperator>(&instruction)) {
        switch (binary->getOpcode()) {
        case Instruction::UDiv:
        case Instruction::SDiv:
        case Instruction::URem:
        case Instruction::SRem: return emit_division(*binary);
        default: return b_.CreateBinOp(binary->getOpcode(), vector(binary->getOperand(0)), vector(binary->getOperand(1)));
        }
    }
    if (auto* compare = dyn_cast<CmpInst>(&instruction))
        return b_.CreateCmp(compare->getPredicate(), vector(compare->getOperand(0)), vector(compare->getOperand(1)));
    if (auto* select = dyn_cast<SelectInst>(&instruction)) {
        Value* condition = shape(select->getCondition()).uniform() ? scalar(select->getCondition()) : vector(select->getCondition());
        return b_.CreateSelect(condition, vector(select->getTrueValue()), vector(select->getFalseValue()));
    }
    if (auto* cast = dyn_cast<CastInst>(&instruction)) {
        if (cast->getOpcode() == Instruction::IntToPtr) {
            // base + varying offset: as a GEP on the scalar base, which gathers understand.
            auto* sum = dyn_cast<BinaryOperator>(cast->getOperand(0));
            if (sum && sum->getOpcode() == Instruction::Add)
                for (unsigned i = 0; i < 2; ++i)
                    if (shape(sum->getOperand(i)).uniform() && !shape(sum->getOperand(1 - i)).uniform() && !isa<Constant>(sum->getOperand(i)) &&
                        (cache_.contains(sum->getOperand(0)) || value_slots_.contains(sum->getOperand(0)) || isa<Argument>(sum->getOperand(0))) &&
                        (cache_.contains(sum->getOperand(1)) || value_slots_.contains(sum->getOperand(1)) || isa<Argument>(sum->getOperand(1)))) {
                        Value* base = b_.CreateIntToPtr(scalar(sum->getOperand(i)), b_.getPtrTy());
                        return b_.CreateGEP(b_.getInt8Ty(), base, vector(sum->getOperand(1 - i)));
                    }
        }
        return b_.CreateCast(cast->getOpcode(), vector(cast->getOperand(0)), widened(cast->getType()));
    }
    if (auto* unary = dyn_cast<UnaryOperator>(&instruction)) return b_.CreateUnOp(unary->getOpcode(), vector(unary->getOperand(0)));
    if (isa<FreezeInst>(instruction)) return b_.CreateFreeze(vector(instruction.getOperand(0)));
    error_ = std::string("instruction in a kernel: ") + instruction.getOpcodeName();
    return nullptr;
}

// Inactive lanes may hold a zero divisor, which traps on the host: give them 1.
Value* Widener::emit_division(BinaryOperator& division) {
    Value* divisor = vector(division.getOperand(1));
    if (mask_ && !isa<Constant>(division.getOperand(1)))
        divisor = b_.CreateSelect(mask_, divisor, ConstantInt::get(divisor->getType(), 1));
    return b_.CreateBinOp(division.getOpcode(), vector(division.getOperand(0)), divisor);
}

Value* Widener::per_lane(Type* type, const std::function<Value*(unsigned)>& body) {
    Value* result = UndefValue::get(widened(type));
    for (unsigned i = 0; i < width_; ++i) result = b_.CreateInsertElement(result, body(i), uint64_t(i));
    return result;
}

// fptosi.sat and fptoui.sat, which LLVM 19 takes apart lane by lane: convert what fits, choose the bound for what doesn't. NaN gives 0.
Value* Widener::emit_saturating_conversion(IntrinsicInst& call) {
    bool is_signed = call.getIntrinsicID() == Intrinsic::fptosi_sat;
    Value* x = vector(call.getArgOperand(0));
    unsigned bits = call.getType()->getIntegerBitWidth();
    APInt least = is_signed ? APInt::getSignedMinValue(bits) : APInt(bits, 0);
    APInt most = is_signed ? APInt::getSignedMaxValue(bits) : APInt::getMaxValue(bits);
    // Both bounds are powers of two, or zero, and exact.
    Value* low = ConstantFP::get(x->getType(), is_signed ? -std::ldexp(1.0, int(bits) - 1) : 0.0);
    Value* high = ConstantFP::get(x->getType(), std::ldexp(1.0, int(bits) - is_signed));
    Value* above = b_.CreateFCmpOGE(x, high);
    Value* below = b_.CreateFCmpOLT(x, low);
    Value* fits = b_.CreateAnd(b_.CreateFCmpOGE(x, low), b_.CreateFCmpOLT(x, high));
    Value* safe = b_.CreateSelect(fits, x, ConstantFP::getZero(x->getType()));
    Type* type = widened(call.getType());
    Value* whole = is_signed ? b_.CreateFPToSI(safe, type) : b_.CreateFPToUI(safe, type);
    return b_.CreateSelect(above, ConstantInt::get(type, most), b_.CreateSelect(below, ConstantInt::get(type, least), whole));
}

Value* Widener::emit_intrinsic_vector(IntrinsicInst& call) {
    Intrinsic::ID id = call.getIntrinsicID();
    if ((id == Intrinsic::fptosi_sat || id == Intrinsic::fptoui_sat) && width_ > 1 &&
        (call.getArgOperand(0)->getType()->isFloatTy() || call.getArgOperand(0)->getType()->isDoubleTy()))
        return emit_saturating_conversion(call);
    bool with_overflow = isa<WithOverflowInst>(call);
    if (isTriviallyVectorizable(id) || with_overflow || id == Intrinsic::is_fpclass) {
        std::vector<Value*> arguments;
        std::vector<Type*> types;
        if (!with_overflow && isVectorIntrinsicWithOverloadTypeAtArg(id, -1)) types.push_back(widened(call.getType()));
        for (unsigned i = 0; i < call.arg_size(); ++i) {
            Value* argument = call.getArgOperand(i);
            bool scalar_operand = isVectorIntrinsicWithScalarOpAtArg(id, i) || (id == Intrinsic::is_fpclass && i == 1);
            if (scalar_operand && !shape(argument).uniform()) break;
            arguments.push_back(scalar_operand ? scalar(argument) : vector(argument));
            if (with_overflow ? i == 0 : id == Intrinsic::is_fpclass ? i == 0 : isVectorIntrinsicWithOverloadTypeAtArg(id, i))
                types.push_back(arguments.back()->getType());
        }
        if (arguments.size() == call.arg_size()) {
            CallInst* result = b_.CreateIntrinsic(id, types, arguments);
            if (isa<FPMathOperator>(call)) result->copyFastMathFlags(&call);
            return result;
        }
    }
    if (call.getType()->isStructTy()) {
        error_ = "intrinsic in a kernel: " + call.getCalledFunction()->getName().str();
        return nullptr;
    }
    std::vector<Value*> arguments;
    for (Value* argument : call.args()) arguments.push_back(isa<Constant>(argument) ? argument : vector(argument));
    return per_lane(call.getType(), [&](unsigned lane) -> Value* {
        std::vector<Value*> own;
        for (Value* argument : arguments)
            own.push_back(argument->getType()->isVectorTy() ? b_.CreateExtractElement(argument, uint64_t(lane)) : argument);
        return b_.CreateCall(call.getCalledFunction(), own);
    });
}

} // namespace anywarp::simd
