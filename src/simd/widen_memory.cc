// Loads, stores and atomics of a warp, and the loop over active lanes that serves everything without a vector form.
//
// By the address's shape: uniform = one scalar access; strided by the element's size = one vector access; everything else =
// gather and scatter. A guarded address has both, chosen at run time. Accesses by inactive lanes never happen.
#include "simd/widener.h"

#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/MDBuilder.h>

namespace anywarp::simd {

using namespace llvm;

// Masked loads of half and bfloat vectors aren't legal everywhere; their bits as i16 are.
Type* Widener::memory_type(Type* type) {
    if (type->isHalfTy() || type->isBFloatTy()) return b_.getInt16Ty();
    if (type->isIntegerTy(1)) return b_.getInt8Ty();
    return type;
}

Value* Widener::to_memory_type(Value* value) {
    Type* element = value->getType()->getScalarType();
    Type* memory = memory_type(element);
    if (memory == element) return value;
    Type* type = value->getType()->isVectorTy() ? widened(memory) : memory;
    return element->isIntegerTy(1) ? b_.CreateZExt(value, type) : b_.CreateBitCast(value, type);
}

void Widener::count(Counter counter, Value* amount) {
    if (!options_.statistics) return;
    Value* context = target_.getArg(0);
    Value* counters = b_.CreateLoad(b_.getPtrTy(), b_.CreateConstGEP1_32(b_.getInt8Ty(), context, offsetof(BlockContext, counters)));
    Value* slot = b_.CreateConstGEP1_32(b_.getInt64Ty(), counters, counter);
    Value* old = b_.CreateLoad(b_.getInt64Ty(), slot);
    b_.CreateStore(b_.CreateAdd(old, amount ? amount : b_.getInt64(1)), slot);
}

void Widener::diamond(Value* condition, Type* type, const std::function<Value*()>& yes, const std::function<Value*()>& no, Value** result) {
    auto* yes_block = BasicBlock::Create(context_, "fast", &target_);
    auto* no_block = BasicBlock::Create(context_, "slow", &target_);
    auto* join = BasicBlock::Create(context_, "join", &target_);
    b_.CreateCondBr(condition, yes_block, no_block, MDBuilder(context_).createBranchWeights(1000, 1));
    b_.SetInsertPoint(yes_block);
    Value* first = yes();
    auto* yes_end = b_.GetInsertBlock();
    b_.CreateBr(join);
    b_.SetInsertPoint(no_block);
    Value* second = no();
    auto* no_end = b_.GetInsertBlock();
    b_.CreateBr(join);
    b_.SetInsertPoint(join);
    if (!result) return;
    PHINode* phi = b_.CreatePHI(type, 2);
    phi->addIncoming(first, yes_end);
    phi->addIncoming(second, no_end);
    *result = phi;
}

// ---- loads -------------------------------------------------------------------------------------------------------------------

static bool element_suits_vectors(Type* type) {
    return type->isPointerTy() || type->isFloatTy() || type->isDoubleTy() || type->isIntegerTy(8) || type->isIntegerTy(16) ||
           type->isIntegerTy(32) || type->isIntegerTy(64);
}

void Widener::emit_load(LoadInst& load) {
    Value* pointer = load.getPointerOperand();
    Shape form = shape(pointer);
    const DataLayout& layout = source_.getParent()->getDataLayout();
    Type* type = load.getType();
    Type* memory = memory_type(type);
    int64_t size = int64_t(layout.getTypeStoreSize(type));
    bool is_private = load.hasMetadata(LLVMContext::MD_invariant_load);
    if (form.uniform()) {
        auto* copy = cast<LoadInst>(load.clone());
        copy->setOperand(0, scalar(pointer));
        copy->dropUnknownNonDebugMetadata({LLVMContext::MD_invariant_load});
        b_.Insert(copy);
        if (!is_private) { ++broadcast; count(counter_broadcast); }
        Lanes lanes;
        (shape(&load).uniform() ? lanes.scalar : lanes.vector) = shape(&load).uniform() ? static_cast<Value*>(copy) : splat(copy);
        return define(load, lanes);
    }
    if (emit_grouped_load(load)) return;
    Value* result = nullptr;
    if (!element_suits_vectors(memory)) { // odd sizes: one by one
        LaneInput address = lane_input(pointer);
        AllocaInst* output = lane_output(type);
        for_each_active_lane([&](Value* lane) {
            set_lane_output(output, type, lane, b_.CreateAlignedLoad(type, lane_value(address, lane), load.getAlign()));
        });
        ++gather, count(counter_gather);
        return define(load, {nullptr, lane_results(output, type), nullptr});
    }
    if (form.strided() && (form.stride == size || form.stride == -size)) {
        Value* base = scalar(pointer);
        int64_t direction = form.stride > 0 ? 1 : -1;
        ++contiguous;
        if (form.certain()) {
            count(counter_contiguous);
            result = load_contiguous(memory, base, load.getAlign(), direction);
        } else {
            Value* pointers = vector(pointer);
            diamond(holds_everywhere(pointer), widened(memory),
                    [&] { count(counter_contiguous); return load_contiguous(memory, base, load.getAlign(), direction); },
                    [&] { count(counter_gather); return load_gather(memory, pointers, load.getAlign()); }, &result);
        }
    } else {
        if (form.strided()) ++strided, count(counter_strided);
        else ++gather, count(counter_gather);
        result = load_gather(memory, vector(pointer), load.getAlign());
    }
    if (memory != type) result = type->isIntegerTy(1) ? b_.CreateTrunc(result, widened(type)) : b_.CreateBitCast(result, widened(type));
    if (load.isAtomic()) b_.CreateFence(AtomicOrdering::Acquire, load.getSyncScopeID());
    define(load, {nullptr, result, nullptr});
}

Value* Widener::load_contiguous(Type* type, Value* pointer, Align align, int64_t direction) {
    Type* vector_type = widened(type);
    const DataLayout& layout = source_.getParent()->getDataLayout();
    int64_t size = int64_t(layout.getTypeStoreSize(type));
    std::vector<int> reversed;
    for (unsigned i = 0; i < width_; ++i) reversed.push_back(int(width_ - 1 - i));
    if (direction < 0) pointer = b_.CreateGEP(b_.getInt8Ty(), pointer, b_.getInt64(uint64_t(-size * int64_t(width_ - 1))));
    Value* mask = mask_;
    if (mask && direction < 0) mask = b_.CreateShuffleVector(mask, reversed);
    Value* result;
    if (!mask) {
        result = b_.CreateAlignedLoad(vector_type, pointer, align);
    } else if (costs_.isLegalMaskedLoad(vector_type, align)) {
        result = b_.CreateMaskedLoad(vector_type, pointer, align, mask, UndefValue::get(vector_type));
    } else {
        diamond(all(mask), vector_type, [&] { return b_.CreateAlignedLoad(vector_type, pointer, align); },
                [&] { return b_.CreateMaskedLoad(vector_type, pointer, align, mask, UndefValue::get(vector_type)); }, &result);
    }
    return direction < 0 ? b_.CreateShuffleVector(result, reversed) : result;
}

Value* Widener::load_gather(Type* type, Value* pointers, Align align) {
    Type* vector_type = widened(type);
    if (costs_.isLegalMaskedGather(vector_type, align))
        return b_.CreateMaskedGather(vector_type, pointers, align, mask_value(mask_), UndefValue::get(vector_type));
    // Bytes and half-words: gather the aligned words that they lie in. A word doesn't reach into another page.
    Type* words = widened(b_.getInt32Ty());
    unsigned bytes = unsigned(type->getPrimitiveSizeInBits() / 8);
    if (type->isIntegerTy() && bytes < 4 && align >= Align(bytes) && costs_.isLegalMaskedGather(words, Align(4))) {
        Value* addresses = b_.CreatePtrToInt(pointers, widened(b_.getInt64Ty()));
        Value* aligned = b_.CreateIntToPtr(b_.CreateAnd(addresses, splat(b_.getInt64(~uint64_t(3)))), pointers->getType());
        Value* word = b_.CreateMaskedGather(words, aligned, Align(4), mask_value(mask_), UndefValue::get(words));
        Value* place = b_.CreateTrunc(b_.CreateAnd(addresses, splat(b_.getInt64(3))), words);
        return b_.CreateTrunc(b_.CreateLShr(word, b_.CreateShl(place, splat(b_.getInt32(3)))), vector_type);
    }
    auto all_lanes = [&] {
        return per_lane(type, [&](unsigned lane) {
            return b_.CreateAlignedLoad(type, b_.CreateExtractElement(pointers, uint64_t(lane)), align);
        });
    };
    if (!mask_) return all_lanes();
    Value* result;
    diamond(all(mask_), vector_type, all_lanes,
            [&]() -> Value* {
                AllocaInst* addresses = lane_output(b_.getPtrTy());
                b_.CreateStore(pointers, addresses);
                AllocaInst* output = lane_output(type);
                for_each_active_lane([&](Value* lane) {
                    Value* address = b_.CreateLoad(b_.getPtrTy(), b_.CreateGEP(b_.getPtrTy(), addresses, lane));
                    set_lane_output(output, type, lane, b_.CreateAlignedLoad(type, address, align));
                });
                return lane_results(output, type);
            },
            &result);
    return result;
}

// ---- stores ------------------------------------------------------------------------------------------------------------------

void Widener::emit_store(StoreInst& store) {
    Value* pointer = store.getPointerOperand();
    Value* value = store.getValueOperand();
    Shape form = shape(pointer);
    const DataLayout& layout = source_.getParent()->getDataLayout();
    Type* type = value->getType();
    Type* memory = memory_type(type);
    int64_t size = int64_t(layout.getTypeStoreSize(type));
    if (store.isAtomic() && !form.uniform()) b_.CreateFence(AtomicOrdering::Release, store.getSyncScopeID());
    if (form.uniform()) {
        Value* last;
        if (shape(value).uniform()) {
            last = scalar(value);
        } else { // all lanes write one place: the last active one wins
            Value* bits = mask_bits(mask_, 32);
            Value* lane = mask_ ? b_.CreateSub(b_.getInt32(31), b_.CreateBinaryIntrinsic(Intrinsic::ctlz, bits, b_.getTrue()))
                                : b_.getInt32(width_ - 1);
            last = b_.CreateExtractElement(vector(value), lane);
        }
        auto* copy = cast<StoreInst>(store.clone());
        copy->setOperand(0, last);
        copy->setOperand(1, scalar(pointer));
        copy->dropUnknownNonDebugMetadata();
        b_.Insert(copy);
        ++broadcast, count(counter_broadcast);
        return;
    }
    if (emit_grouped_store(store)) return;
    if (!element_suits_vectors(memory)) {
        LaneInput address = lane_input(pointer), input = lane_input(value);
        for_each_active_lane([&](Value* lane) { b_.CreateAlignedStore(lane_value(input, lane), lane_value(address, lane), store.getAlign()); });
        ++gather, count(counter_gather);
        return;
    }
    Value* lanes = to_memory_type(vector(value));
    if (form.strided() && (form.stride == size || form.stride == -size)) {
        Value* base = scalar(pointer);
        int64_t direction = form.stride > 0 ? 1 : -1;
        ++contiguous;
        if (form.certain()) {
            count(counter_contiguous);
            store_contiguous(lanes, base, store.getAlign(), direction);
        } else {
            Value* pointers = vector(pointer);
            diamond(holds_everywhere(pointer), nullptr,
                    [&]() -> Value* { count(counter_contiguous); store_contiguous(lanes, base, store.getAlign(), direction); return nullptr; },
                    [&]() -> Value* { count(counter_gather); store_scatter(lanes, pointers, store.getAlign()); return nullptr; }, nullptr);
        }
        return;
    }
    if (form.strided()) ++strided, count(counter_strided);
    else ++gather, count(counter_gather);
    store_scatter(lanes, vector(pointer), store.getAlign());
}

void Widener::store_contiguous(Value* value, Value* pointer, Align align, int64_t direction) {
    Type* type = value->getType()->getScalarType();
    const DataLayout& layout = source_.getParent()->getDataLayout();
    int64_t size = int64_t(layout.getTypeStoreSize(type));
    Value* mask = mask_;
    if (direction < 0) {
        std::vector<int> reversed;
        for (unsigned i = 0; i < width_; ++i) reversed.push_back(int(width_ - 1 - i));
        pointer = b_.CreateGEP(b_.getInt8Ty(), pointer, b_.getInt64(uint64_t(-size * int64_t(width_ - 1))));
        value = b_.CreateShuffleVector(value, reversed);
        if (mask) mask = b_.CreateShuffleVector(mask, reversed);
    }
    if (!mask) {
        b_.CreateAlignedStore(value, pointer, align);
    } else if (costs_.isLegalMaskedStore(value->getType(), align)) {
        b_.CreateMaskedStore(value, pointer, align, mask);
    } else {
        diamond(all(mask), nullptr, [&]() -> Value* { b_.CreateAlignedStore(value, pointer, align); return nullptr; },
                [&]() -> Value* { b_.CreateMaskedStore(value, pointer, align, mask); return nullptr; }, nullptr);
    }
}

void Widener::store_scatter(Value* value, Value* pointers, Align align) {
    Type* type = value->getType()->getScalarType();
    if (costs_.isLegalMaskedScatter(value->getType(), align)) {
        b_.CreateMaskedScatter(value, pointers, align, mask_value(mask_));
        return;
    }
    auto all_lanes = [&]() -> Value* {
        for (unsigned i = 0; i < width_; ++i)
            b_.CreateAlignedStore(b_.CreateExtractElement(value, uint64_t(i)), b_.CreateExtractElement(pointers, uint64_t(i)), align);
        return nullptr;
    };
    if (!mask_) {
        all_lanes();
        return;
    }
    diamond(all(mask_), nullptr, all_lanes,
            [&]() -> Value* {
                AllocaInst* addresses = lane_output(b_.getPtrTy());
                AllocaInst* values = lane_output(type);
                b_.CreateStore(pointers, addresses);
                b_.CreateStore(value, values);
                for_each_active_lane([&](Value* lane) {
                    Value* address = b_.CreateLoad(b_.getPtrTy(), b_.CreateGEP(b_.getPtrTy(), addresses, lane));
                    b_.CreateAlignedStore(b_.CreateLoad(type, b_.CreateGEP(type, values, lane)), address, align);
                });
                return nullptr;
            },
            nullptr);
}

// ---- the loop over active lanes -------------------------------------------------------------------------------------------------

void Widener::for_each_active_lane(const std::function<void(Value* lane)>& body) {
    if (width_ == 1) return body(b_.getInt64(0));
    Value* bits = mask_bits(mask_);
    auto* before = b_.GetInsertBlock();
    auto* loop = BasicBlock::Create(context_, "lanes", &target_);
    auto* after = BasicBlock::Create(context_, "lanes.end", &target_);
    b_.CreateCondBr(b_.CreateICmpNE(bits, b_.getInt64(0)), loop, after);
    b_.SetInsertPoint(loop);
    PHINode* left = b_.CreatePHI(b_.getInt64Ty(), 2, "left");
    left->addIncoming(bits, before);
    body(b_.CreateBinaryIntrinsic(Intrinsic::cttz, left, b_.getTrue()));
    Value* rest = b_.CreateAnd(left, b_.CreateSub(left, b_.getInt64(1)));
    left->addIncoming(rest, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpNE(rest, b_.getInt64(0)), loop, after);
    b_.SetInsertPoint(after);
}

Widener::LaneInput Widener::lane_input(Value* source) {
    LaneInput input;
    input.type = source->getType();
    if (shape(source).uniform()) {
        input.uniform = scalar(source);
        return input;
    }
    input.array = lane_output(input.type);
    b_.CreateStore(to_memory_type(vector(source)), input.array);
    return input;
}

Value* Widener::lane_value(const LaneInput& input, Value* lane) {
    if (input.uniform) return input.uniform;
    Type* memory = memory_type(input.type);
    Value* value = b_.CreateLoad(memory, b_.CreateGEP(memory, input.array, lane));
    if (memory == input.type) return value;
    return input.type->isIntegerTy(1) ? b_.CreateTrunc(value, input.type) : b_.CreateBitCast(value, input.type);
}

AllocaInst* Widener::lane_output(Type* type) { return make_scratch(widened(memory_type(type)), "lanes"); }

void Widener::set_lane_output(AllocaInst* array, Type* type, Value* lane, Value* value) {
    b_.CreateStore(to_memory_type(value), b_.CreateGEP(memory_type(type), array, lane));
}

Value* Widener::lane_results(AllocaInst* array, Type* type) {
    Type* memory = memory_type(type);
    Value* value = b_.CreateLoad(widened(memory), array);
    if (memory == type) return value;
    return type->isIntegerTy(1) ? b_.CreateTrunc(value, widened(type)) : b_.CreateBitCast(value, widened(type));
}

// ---- atomics -----------------------------------------------------------------------------------------------------------------

// The same operation without a lock: for shared memory, which only this OS thread touches.
Value* Widener::plain_atomic(AtomicRMWInst::BinOp operation, Value* old, Value* value) {
    Type* type = old->getType();
    auto pick = [&](CmpInst::Predicate predicate) { return b_.CreateSelect(b_.CreateICmp(predicate, old, value), old, value); };
    switch (operation) {
    case AtomicRMWInst::Xchg: return value;
    case AtomicRMWInst::Add: return b_.CreateAdd(old, value);
    case AtomicRMWInst::Sub: return b_.CreateSub(old, value);
    case AtomicRMWInst::And: return b_.CreateAnd(old, value);
    case AtomicRMWInst::Nand: return b_.CreateNot(b_.CreateAnd(old, value));
    case AtomicRMWInst::Or: return b_.CreateOr(old, value);
    case AtomicRMWInst::Xor: return b_.CreateXor(old, value);
    case AtomicRMWInst::Max: return pick(CmpInst::ICMP_SGT);
    case AtomicRMWInst::Min: return pick(CmpInst::ICMP_SLT);
    case AtomicRMWInst::UMax: return pick(CmpInst::ICMP_UGT);
    case AtomicRMWInst::UMin: return pick(CmpInst::ICMP_ULT);
    case AtomicRMWInst::FAdd: return b_.CreateFAdd(old, value);
    case AtomicRMWInst::FSub: return b_.CreateFSub(old, value);
    case AtomicRMWInst::FMax: return b_.CreateMaxNum(old, value);
    case AtomicRMWInst::FMin: return b_.CreateMinNum(old, value);
    case AtomicRMWInst::UIncWrap:
        return b_.CreateSelect(b_.CreateICmpUGE(old, value), ConstantInt::get(type, 0), b_.CreateAdd(old, ConstantInt::get(type, 1)));
    case AtomicRMWInst::UDecWrap: {
        Value* wraps = b_.CreateOr(b_.CreateICmpEQ(old, ConstantInt::get(type, 0)), b_.CreateICmpUGT(old, value));
        return b_.CreateSelect(wraps, value, b_.CreateSub(old, ConstantInt::get(type, 1)));
    }
    default: error_ = "atomic operation " + AtomicRMWInst::getOperationName(operation).str(); return old;
    }
}

// All lanes add (or, max ...) to one place and nobody asks for the old value: combine the lanes first, then one access.
bool Widener::emit_reduced_atomic(AtomicRMWInst& atomic) {
    if (!atomic.use_empty() || !shape(atomic.getPointerOperand()).uniform() || width_ == 1) return false;
    Type* type = atomic.getValOperand()->getType();
    auto operation = atomic.getOperation();
    Constant* identity = nullptr;
    unsigned bits = type->getScalarSizeInBits();
    switch (operation) {
    case AtomicRMWInst::Add:
    case AtomicRMWInst::Or:
    case AtomicRMWInst::Xor:
    case AtomicRMWInst::UMax: identity = ConstantInt::get(type, 0); break;
    case AtomicRMWInst::And:
    case AtomicRMWInst::UMin: identity = ConstantInt::getAllOnesValue(type); break;
    case AtomicRMWInst::Max: identity = ConstantInt::get(type, APInt::getSignedMinValue(bits)); break;
    case AtomicRMWInst::Min: identity = ConstantInt::get(type, APInt::getSignedMaxValue(bits)); break;
    case AtomicRMWInst::FAdd: identity = ConstantFP::getNegativeZero(type); break;
    default: return false;
    }
    if (!type->isIntegerTy() && !type->isFloatTy() && !type->isDoubleTy()) return false;
    Value* lanes = vector(atomic.getValOperand());
    if (mask_) lanes = b_.CreateSelect(mask_, lanes, ConstantVector::getSplat(ElementCount::getFixed(width_), identity));
    Value* sum = nullptr;
    switch (operation) {
    case AtomicRMWInst::Add: sum = b_.CreateAddReduce(lanes); break;
    case AtomicRMWInst::Or: sum = b_.CreateOrReduce(lanes); break;
    case AtomicRMWInst::Xor: sum = b_.CreateXorReduce(lanes); break;
    case AtomicRMWInst::And: sum = b_.CreateAndReduce(lanes); break;
    case AtomicRMWInst::UMax: sum = b_.CreateIntMaxReduce(lanes, false); break;
    case AtomicRMWInst::UMin: sum = b_.CreateIntMinReduce(lanes, false); break;
    case AtomicRMWInst::Max: sum = b_.CreateIntMaxReduce(lanes, true); break;
    case AtomicRMWInst::Min: sum = b_.CreateIntMinReduce(lanes, true); break;
    case AtomicRMWInst::FAdd: {
        auto* reduce = b_.CreateFAddReduce(identity, lanes);
        reduce->setHasAllowReassoc(true); // the order of atomics is anybody's
        sum = reduce;
        break;
    }
    default: return false;
    }
    Value* pointer = scalar(atomic.getPointerOperand());
    if (atomic.hasMetadata("anywarp.shared")) {
        Value* old = b_.CreateAlignedLoad(type, pointer, atomic.getAlign());
        b_.CreateAlignedStore(plain_atomic(operation, old, sum), pointer, atomic.getAlign());
    } else {
        b_.CreateAtomicRMW(operation, pointer, sum, atomic.getAlign(), atomic.getOrdering(), atomic.getSyncScopeID());
    }
    return true;
}

void Widener::emit_atomic(Instruction& instruction) {
    ++atomics;
    count(counter_atomic);
    auto* rmw = dyn_cast<AtomicRMWInst>(&instruction);
    auto* exchange = dyn_cast<AtomicCmpXchgInst>(&instruction);
    if (rmw && emit_reduced_atomic(*rmw)) return;
    bool is_shared = instruction.hasMetadata("anywarp.shared");
    Value* pointer = rmw ? rmw->getPointerOperand() : exchange->getPointerOperand();
    Type* type = rmw ? rmw->getType() : exchange->getNewValOperand()->getType();
    LaneInput address = lane_input(pointer);
    LaneInput first = lane_input(rmw ? rmw->getValOperand() : exchange->getCompareOperand());
    LaneInput second = exchange ? lane_input(exchange->getNewValOperand()) : LaneInput{};
    AllocaInst* old_values = instruction.use_empty() ? nullptr : lane_output(type);
    AllocaInst* successes = exchange && old_values ? lane_output(b_.getInt1Ty()) : nullptr;
    for_each_active_lane([&](Value* lane) {
        Value* where = lane_value(address, lane);
        Value* operand = lane_value(first, lane);
        Value *old, *success = nullptr;
        if (rmw && is_shared) {
            old = b_.CreateAlignedLoad(type, where, rmw->getAlign());
            b_.CreateAlignedStore(plain_atomic(rmw->getOperation(), old, operand), where, rmw->getAlign());
        } else if (rmw) {
            old = b_.CreateAtomicRMW(rmw->getOperation(), where, operand, rmw->getAlign(), rmw->getOrdering(), rmw->getSyncScopeID());
        } else if (is_shared) {
            old = b_.CreateAlignedLoad(type, where, exchange->getAlign());
            success = b_.CreateICmpEQ(old, operand);
            b_.CreateAlignedStore(b_.CreateSelect(success, lane_value(second, lane), old), where, exchange->getAlign());
        } else {
            Value* pair = b_.CreateAtomicCmpXchg(where, operand, lane_value(second, lane), exchange->getAlign(), exchange->getSuccessOrdering(),
                                                 exchange->getFailureOrdering(), exchange->getSyncScopeID());
            old = b_.CreateExtractValue(pair, 0);
            success = b_.CreateExtractValue(pair, 1);
        }
        if (old_values) set_lane_output(old_values, type, lane, old);
        if (successes) set_lane_output(successes, b_.getInt1Ty(), lane, success);
    });
    if (!old_values) {
        if (!instruction.getType()->isStructTy()) cache_[&instruction] = {};
        return;
    }
    if (!exchange) {
        Lanes lanes;
        Value* results = lane_results(old_values, type);
        if (width_ == 1) lanes.scalar = b_.CreateExtractElement(results, uint64_t(0));
        else lanes.vector = results;
        return define(instruction, lanes);
    }
    Value* old = lane_results(old_values, type);
    Value* success = lane_results(successes, b_.getInt1Ty());
    if (width_ == 1) {
        Value* pair = b_.CreateInsertValue(UndefValue::get(instruction.getType()), b_.CreateExtractElement(old, uint64_t(0)), 0);
        cache_[&instruction] = {b_.CreateInsertValue(pair, b_.CreateExtractElement(success, uint64_t(0)), 1), nullptr, nullptr};
    } else {
        cache_[&instruction] = {old, nullptr, success};
    }
}

// ---- local memory, alignment ---------------------------------------------------------------------------------------------------

void Widener::emit_alloca(AllocaInst& array) {
    if (!isa<Constant>(array.getArraySize()) || !cast<ConstantInt>(array.getArraySize())->isOne()) {
        error_ = "alloca of a size known only at run time";
        return;
    }
    const DataLayout& layout = source_.getParent()->getDataLayout();
    uint64_t size = alignTo(layout.getTypeAllocSize(array.getAllocatedType()), array.getAlign());
    auto* all = make_slot(ArrayType::get(b_.getInt8Ty(), size * width_), array.getName());
    all->setAlignment(std::max(array.getAlign(), Align(64)));
    all->setMetadata("anywarp.local", MDNode::get(context_, {})); // it outlives suspensions
    define(array, {all, nullptr, nullptr});
}

void Widener::trap_if(Value* condition, unsigned code) {
    auto* bad = BasicBlock::Create(context_, "fault", &target_);
    auto* good = BasicBlock::Create(context_, "ok", &target_);
    b_.CreateCondBr(condition, bad, good, MDBuilder(context_).createBranchWeights(1, 100000));
    b_.SetInsertPoint(bad);
    Module& module = *target_.getParent();
    auto trap = module.getOrInsertFunction("anywarp_trap", b_.getVoidTy(), b_.getPtrTy(), b_.getInt32Ty());
    auto* call = b_.CreateCall(trap, {target_.getArg(0), b_.getInt32(code)});
    call->setDoesNotReturn();
    b_.CreateUnreachable();
    b_.SetInsertPoint(good);
}

void Widener::emit_check_aligned(CallInst& call) {
    Value* address = call.getArgOperand(1);
    auto* low = dyn_cast<ConstantInt>(call.getArgOperand(2));
    if (!low || low->isZero()) return;
    Shape form = shape(address);
    Value* bad;
    if (form.uniform() || (form.strided() && form.certain() && (uint64_t(form.stride) & low->getZExtValue()) == 0))
        bad = b_.CreateICmpNE(b_.CreateAnd(scalar(address), low), b_.getInt64(0));
    else if (form.strided() && form.guarded && !form.clamped && (uint64_t(form.stride) & low->getZExtValue()) == 0)
        // Multiples of a power of two stay so when the index wraps: the base tells for all lanes.
        bad = b_.CreateICmpNE(b_.CreateAnd(scalar(address), low), b_.getInt64(0));
    else
        bad = any(mask_and(mask_, b_.CreateICmpNE(b_.CreateAnd(vector(address), splat(low)), splat(b_.getInt64(0)))));
    if (auto* constant = dyn_cast<ConstantInt>(bad); constant && constant->isZero()) return;
    // A uniform address in a block that may run without lanes is never checked: such blocks don't access memory.
    if (mask_ && bad->getType()->isIntegerTy(1) && !regions_.plan(block_).nonempty) bad = b_.CreateAnd(any(mask_), bad);
    trap_if(bad, 716);
}

} // namespace anywarp::simd
