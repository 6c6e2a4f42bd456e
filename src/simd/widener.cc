// Blocks, edges, masks and the forms of values. See widener.h.
#include "simd/widener.h"

#include <llvm/IR/Dominators.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

namespace anywarp::simd {

using namespace llvm;

Widener::Widener(Function& source, Function& target, const WidenOptions& options, const Shapes& shapes, const Regions& regions,
                 LoopInfo& loops, const TargetTransformInfo& costs)
    : source_(source), target_(target), options_(options), shapes_(shapes), regions_(regions), loops_(loops), costs_(costs),
      context_(source.getContext()), b_(context_), width_(options.width) {}

Result<void> Widener::run() {
    make_blocks();
    for (BasicBlock* block : regions_.order()) {
        emit_block(*block);
        if (!error_.empty()) return unsupported(error_);
    }
    DominatorTree dominators(target_);
    std::vector<AllocaInst*> promotable;
    for (Instruction& instruction : *entry_)
        if (auto* slot = dyn_cast<AllocaInst>(&instruction); slot && isAllocaPromotable(slot)) promotable.push_back(slot);
    PromoteMemToReg(promotable, dominators);
    return {};
}

Type* Widener::widened(Type* type) const { return FixedVectorType::get(type, width_); }

AllocaInst* Widener::make_slot(Type* type, const Twine& name) {
    auto* slot = new AllocaInst(type, 0, name, slots_end_->getIterator());
    return slot;
}

// Memory of an operation: each time it is written before it is read.
AllocaInst* Widener::make_scratch(Type* type, const Twine& name) {
    AllocaInst* scratch = make_slot(type, name);
    scratch->setMetadata("anywarp.scratch", MDNode::get(context_, {}));
    return scratch;
}

Value* Widener::load_slot(AllocaInst* slot) { return b_.CreateLoad(slot->getAllocatedType(), slot); }

Shape Widener::shape(Value* value) const {
    if (width_ == 1) return {Shape::Kind::uniform};
    return shapes_.shape(value);
}

bool Widener::used_outside(Instruction& instruction) const {
    for (User* user : instruction.users()) {
        auto* other = cast<Instruction>(user);
        if (isa<PHINode>(other)) {
            auto* phi = cast<PHINode>(other);
            for (unsigned i = 0; i < phi->getNumIncomingValues(); ++i)
                if (phi->getIncomingValue(i) == &instruction && phi->getIncomingBlock(i) != instruction.getParent()) return true;
        } else if (other->getParent() != instruction.getParent()) {
            return true;
        }
    }
    return false;
}

void Widener::make_blocks() {
    entry_ = BasicBlock::Create(context_, "entry", &target_);
    b_.SetInsertPoint(entry_);
    auto* first = BasicBlock::Create(context_, "begin", &target_);
    slots_end_ = b_.CreateBr(first);

    // Masks that are known to be all lanes: the entry's and its followers'.
    for (BasicBlock* block : regions_.order()) {
        const BlockPlan& plan = regions_.plan(block);
        if (width_ == 1 || block == &source_.getEntryBlock() || (plan.mask_leader && full_.contains(plan.mask_leader)))
            full_.insert(block);
    }
    Type* mask_type = widened(b_.getInt1Ty());
    for (BasicBlock* block : regions_.order()) {
        starts_[block] = BasicBlock::Create(context_, block->getName(), &target_);
        const BlockPlan& plan = regions_.plan(block);
        if (full_.contains(block)) continue;
        if (plan.mask_leader) {
            if (!leader_slots_.contains(plan.mask_leader)) leader_slots_[plan.mask_leader] = make_slot(mask_type, plan.mask_leader->getName() + ".mask");
        } else {
            mask_slots_[block] = make_slot(mask_type, block->getName() + ".lanes");
        }
    }
    for (BasicBlock* block : regions_.order())
        for (Instruction& instruction : *block) {
            if (instruction.getType()->isVoidTy()) continue;
            Shape form = shape(&instruction);
            auto slots_for = [&]() {
                Slots slots;
                Type* type = instruction.getType();
                if (form.uniform() || form.strided()) slots.scalar = make_slot(type, instruction.getName());
                if (form.varying() || !form.certain()) slots.vector = make_slot(widened(type), instruction.getName());
                if (form.guarded) slots.guard = make_slot(b_.getInt1Ty(), instruction.getName() + ".guard");
                if (form.clamped) slots.holds = make_slot(mask_type, instruction.getName() + ".holds");
                return slots;
            };
            if (isa<PHINode>(instruction)) phi_slots_[&instruction] = slots_for();
            if (!instruction.getType()->isStructTy() && used_outside(instruction)) value_slots_[&instruction] = slots_for();
        }
    b_.SetInsertPoint(first);
    block_ = nullptr;
    for (auto& [block, slot] : mask_slots_)
        b_.CreateStore(ConstantAggregateZero::get(mask_type), slot);
    b_.CreateBr(starts_[&source_.getEntryBlock()]);
}

// At the head of a loop: the masks that this iteration's edges will collect start empty, and meeting points forget what the
// last iteration left in them.
void Widener::reset_slots(BasicBlock& header) {
    Loop* loop = loops_.getLoopFor(&header);
    for (BasicBlock* block : loop->blocks()) {
        Loop* own = loops_.getLoopFor(block);
        bool resets_here = own == loop ? block != &header : (own->getHeader() == block && own->getParentLoop() == loop);
        if (!resets_here) continue;
        if (auto it = mask_slots_.find(block); it != mask_slots_.end())
            b_.CreateStore(ConstantAggregateZero::get(widened(b_.getInt1Ty())), it->second);
        if (regions_.plan(block).plain) continue;
        for (PHINode& phi : block->phis())
            if (AllocaInst* slot = phi_slots_[&phi].vector) b_.CreateStore(UndefValue::get(slot->getAllocatedType()), slot);
    }
}

void Widener::emit_block(BasicBlock& block) {
    block_ = &block;
    cache_.clear();
    const BlockPlan& plan = regions_.plan(&block);
    b_.SetInsertPoint(starts_[&block]);
    if (full_.contains(&block)) mask_ = nullptr;
    else if (plan.mask_leader) mask_ = load_slot(leader_slots_[plan.mask_leader]);
    else mask_ = load_slot(mask_slots_[&block]);
    if (plan.guarded && mask_) {
        auto* body = BasicBlock::Create(context_, block.getName() + ".active", &target_);
        b_.CreateCondBr(any(mask_), body, starts_[plan.skip]);
        b_.SetInsertPoint(body);
    }
    if (auto it = leader_slots_.find(&block); it != leader_slots_.end()) b_.CreateStore(mask_value(mask_), it->second);

    Loop* loop = loops_.getLoopFor(&block);
    for (PHINode& phi : block.phis()) {
        Slots& slots = phi_slots_[&phi];
        Lanes lanes;
        if (slots.scalar) lanes.scalar = load_slot(slots.scalar);
        if (slots.vector) lanes.vector = load_slot(slots.vector);
        if (slots.guard) lanes.guard = load_slot(slots.guard);
        if (slots.holds) lanes.holds = load_slot(slots.holds);
        define(phi, lanes);
    }
    if (loop && loop->getHeader() == &block && width_ > 1) reset_slots(block);
    if (options_.statistics) {
        count(counter_lane_slots, b_.getInt64(width_));
        count(counter_active_lanes, b_.CreateZExt(active_count(), b_.getInt64Ty()));
    }
    for (Instruction& instruction : block) {
        if (isa<PHINode>(instruction) || instruction.isTerminator()) continue;
        emit(instruction);
        if (!error_.empty()) return;
        if (b_.GetInsertBlock()->getTerminator()) return; // a call that doesn't come back
    }
    emit_terminator(block);
}

// ---- edges ------------------------------------------------------------------------------------------------------------------

void Widener::collect_edge(BasicBlock& from, BasicBlock& to, Value* mask, bool blend, std::vector<PhiStore>& stores) {
    for (PHINode& phi : to.phis()) {
        Value* value = phi.getIncomingValueForBlock(&from);
        Slots& slots = phi_slots_[&phi];
        // Nothing is written for an undefined value: what other lanes brought over another edge must stay, and a uniform value
        // has one place for all lanes.
        if (isa<UndefValue>(value)) continue;
        if (slots.scalar) stores.push_back({slots.scalar, scalar(value), nullptr});
        if (slots.guard) stores.push_back({slots.guard, guard(value), nullptr});
        if (slots.holds) stores.push_back({slots.holds, holds(value), nullptr});
        if (slots.vector) stores.push_back({slots.vector, vector(value), blend ? mask : nullptr});
    }
    auto it = mask_slots_.find(&to);
    if (it == mask_slots_.end()) return;
    bool back_edge = regions_.plan(&to).index <= regions_.plan(&from).index;
    Value* lanes = mask_value(mask);
    stores.push_back({it->second, back_edge ? lanes : b_.CreateOr(load_slot(it->second), lanes), nullptr});
}

void Widener::apply_edge(const std::vector<PhiStore>& stores) {
    for (const PhiStore& store : stores) {
        Value* value = store.value;
        if (store.mask) value = b_.CreateSelect(store.mask, value, load_slot(store.slot));
        b_.CreateStore(value, store.slot);
    }
}

void Widener::emit_terminator(BasicBlock& block) {
    const BlockPlan& plan = regions_.plan(&block);
    Instruction* terminator = block.getTerminator();
    if (isa<ReturnInst>(terminator)) {
        b_.CreateRetVoid();
        return;
    }
    if (isa<UnreachableInst>(terminator)) {
        b_.CreateUnreachable();
        return;
    }
    auto* branch = cast<BranchInst>(terminator);
    auto blend = [&](BasicBlock* to) { return !regions_.plan(to).plain && mask_ != nullptr; };
    if (branch->isUnconditional() || branch->getSuccessor(0) == branch->getSuccessor(1)) {
        std::vector<PhiStore> stores;
        collect_edge(block, *branch->getSuccessor(0), mask_, blend(branch->getSuccessor(0)), stores);
        apply_edge(stores);
        b_.CreateBr(starts_[plan.next[0]]);
        return;
    }
    if (!plan.divergent_branch) {
        Value* condition = scalar(branch->getCondition());
        BasicBlock* edges[2];
        for (unsigned i = 0; i < 2; ++i)
            edges[i] = BasicBlock::Create(context_, block.getName() + (i == 0 ? ".yes" : ".no"), &target_);
        b_.CreateCondBr(condition, edges[0], edges[1]);
        for (unsigned i = 0; i < 2; ++i) {
            b_.SetInsertPoint(edges[i]);
            DenseMap<const Value*, Lanes> saved = cache_; // what is materialised on one edge isn't there on the other
            std::vector<PhiStore> stores;
            collect_edge(block, *branch->getSuccessor(i), mask_, blend(branch->getSuccessor(i)), stores);
            apply_edge(stores);
            b_.CreateBr(starts_[plan.next[i]]);
            cache_ = std::move(saved);
        }
        return;
    }
    Value* condition = vector(branch->getCondition());
    Value* masks[2] = {mask_and(mask_, condition), mask_and(mask_, b_.CreateNot(condition))};
    // Values for both targets before any store: a value of one may be a slot that the other overwrites.
    std::vector<PhiStore> stores;
    for (unsigned i = 0; i < 2; ++i) collect_edge(block, *branch->getSuccessor(i), masks[i], true, stores);
    apply_edge(stores);
    b_.CreateBr(starts_[plan.next[0]]);
}

// ---- forms ------------------------------------------------------------------------------------------------------------------

void Widener::define(Instruction& instruction, Lanes lanes) {
    cache_[&instruction] = lanes;
    auto it = value_slots_.find(&instruction);
    if (it == value_slots_.end()) return;
    Slots& slots = it->second;
    if (slots.scalar) b_.CreateStore(lanes.scalar, slots.scalar);
    if (slots.vector) b_.CreateStore(lanes.vector ? lanes.vector : vector(&instruction), slots.vector);
    if (slots.guard) b_.CreateStore(lanes.guard ? lanes.guard : b_.getTrue(), slots.guard);
    if (slots.holds) b_.CreateStore(mask_value(lanes.holds), slots.holds);
}

Lanes& Widener::forms(Value* value) {
    auto it = cache_.find(value);
    if (it != cache_.end()) return it->second;
    Lanes lanes;
    if (isa<Constant>(value)) {
        lanes.scalar = value;
    } else if (auto* argument = dyn_cast<Argument>(value)) {
        (shape(argument).uniform() ? lanes.scalar : lanes.vector) = target_.getArg(argument->getArgNo());
    } else {
        Slots& slots = value_slots_[value];
        if (slots.scalar) lanes.scalar = load_slot(slots.scalar);
        if (slots.vector) lanes.vector = load_slot(slots.vector);
        if (slots.guard) lanes.guard = load_slot(slots.guard);
        if (slots.holds) lanes.holds = load_slot(slots.holds);
    }
    return cache_[value] = lanes;
}

Value* Widener::scalar(Value* value) {
    Lanes& lanes = forms(value);
    assert(lanes.scalar && "a varying value has no scalar form");
    return lanes.scalar;
}

Value* Widener::guard(Value* value) {
    Lanes& lanes = forms(value);
    return lanes.guard ? lanes.guard : b_.getTrue();
}

Value* Widener::holds(Value* value) { return mask_value(forms(value).holds); }

Value* Widener::holds_everywhere(Value* value) {
    Value* lanes = forms(value).holds;
    if (!lanes) return guard(value);
    // By a select: what a lane that isn't active says may be garbage.
    if (mask_) lanes = b_.CreateSelect(mask_, lanes, mask_value(nullptr));
    return b_.CreateAnd(guard(value), all(lanes));
}

Value* Widener::splat(Value* value) { return b_.CreateVectorSplat(width_, value); }

Value* Widener::lane_numbers(Type* integer, int64_t scale) {
    std::vector<Constant*> numbers;
    for (unsigned i = 0; i < width_; ++i) numbers.push_back(ConstantInt::get(integer, uint64_t(int64_t(i) * scale), true));
    return ConstantVector::get(numbers);
}

Value* Widener::stride_vector(Value* base, int64_t stride) {
    if (base->getType()->isPointerTy())
        return b_.CreateGEP(b_.getInt8Ty(), base, lane_numbers(b_.getInt64Ty(), stride));
    return b_.CreateAdd(splat(base), lane_numbers(base->getType(), stride));
}

Value* Widener::vector(Value* value) {
    if (Lanes& lanes = forms(value); lanes.vector) return lanes.vector;
    Shape form = shape(value);
    Value* base = scalar(value);
    Value* result;
    if (form.strided()) result = stride_vector(base, form.stride);
    else if (isa<UndefValue>(value)) result = UndefValue::get(widened(value->getType()));
    else result = splat(base);
    cache_[value].vector = result;
    return result;
}

// ---- masks ------------------------------------------------------------------------------------------------------------------

// A lane that isn't active may hold garbage in `condition`: the select keeps it from spreading, where an `and` would not.
Value* Widener::mask_and(Value* mask, Value* condition) {
    if (!mask) return condition;
    return b_.CreateSelect(mask, condition, ConstantAggregateZero::get(mask->getType()));
}

Value* Widener::mask_value(Value* mask) {
    return mask ? mask : ConstantVector::getSplat(ElementCount::getFixed(width_), b_.getTrue());
}

Value* Widener::mask_bits(Value* mask, unsigned bits) {
    Value* narrow = b_.CreateBitCast(mask_value(mask), b_.getIntNTy(width_));
    return b_.CreateZExtOrTrunc(narrow, b_.getIntNTy(bits));
}

Value* Widener::any(Value* mask) {
    if (!mask) return b_.getTrue();
    return b_.CreateICmpNE(b_.CreateBitCast(mask, b_.getIntNTy(width_)), b_.getIntN(width_, 0));
}

Value* Widener::all(Value* mask) {
    if (!mask) return b_.getTrue();
    return b_.CreateICmpEQ(b_.CreateBitCast(mask, b_.getIntNTy(width_)), ConstantInt::getSigned(b_.getIntNTy(width_), -1));
}

Value* Widener::active_count() {
    if (!mask_) return b_.getInt32(width_);
    return b_.CreateUnaryIntrinsic(Intrinsic::ctpop, mask_bits(mask_, 32));
}

Value* Widener::warp_threads() {
    uint32_t known = options_.block_dim[0] * options_.block_dim[1] * options_.block_dim[2];
    if (known && known % width_ == 0) return b_.getInt32(width_);
    Value* context = target_.getArg(0);
    Value* threads = b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstGEP1_32(b_.getInt8Ty(), context, offsetof(BlockContext, threads)));
    Value* rest = b_.CreateSub(threads, target_.getArg(1));
    return b_.CreateBinaryIntrinsic(Intrinsic::umin, rest, b_.getInt32(width_));
}

} // namespace anywarp::simd
