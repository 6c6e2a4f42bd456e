// Uniformity and strides. See shapes.h.
#include "simd/shapes.h"

#include <llvm/ADT/GenericUniformityImpl.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/Analysis/TargetTransformInfoImpl.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Operator.h>
#include <llvm/Support/KnownBits.h>

#include <algorithm>
#include <map>

namespace anywarp::simd {

using namespace llvm;
using Kind = Shape::Kind;

StringRef callee_name(const Value* value) {
    if (auto* call = dyn_cast<CallInst>(value))
        if (auto* callee = call->getCalledFunction()) return callee->getName();
    return "";
}

namespace {

constexpr unsigned max_align = 40;

// The member mask of a warp operation that is certainly the same in all lanes that run it.
bool constant_mask(const Value* mask) {
    if (isa<Constant>(mask)) return true;
    StringRef name = callee_name(mask);
    return name == "anywarp.activemask" || (name == "anywarp.vote.ballot" && constant_mask(cast<CallInst>(mask)->getArgOperand(1)));
}

/// Tells UniformityAnalysis what differs between lanes: the lane number, what a lane owns, what a lane alone receives.
class LaneSources final : public TargetTransformInfoImplCRTPBase<LaneSources> {
public:
    LaneSources(const DataLayout& layout, unsigned width, const std::vector<const Argument*>& varying,
                const DenseSet<const PHINode*>& joins)
        : TargetTransformInfoImplCRTPBase(layout), width_(width), varying_(varying), joins_(joins) {}

    bool hasBranchDivergence(const Function*) const { return width_ > 1; }

    bool isSourceOfDivergence(const Value* value) const {
        if (width_ == 1) return false;
        if (auto* argument = dyn_cast<Argument>(value)) return is_contained(varying_, argument);
        if (auto* phi = dyn_cast<PHINode>(value); phi && joins_.contains(phi)) return true;
        if (isa<AllocaInst>(value) || isa<AtomicRMWInst>(value) || isa<AtomicCmpXchgInst>(value)) return true;
        StringRef name = callee_name(value);
        if (name == "anywarp.lane" || name == "anywarp.elect" || name == "anywarp_vprintf" || name == "anywarp_malloc" ||
            name == "anywarp_device_runtime") return true;
        if (name.starts_with("anywarp.mma.") || name.starts_with("anywarp.ldmatrix")) return true;
        if (name.starts_with("anywarp.shfl") || name.starts_with("anywarp.match") || name.starts_with("anywarp.vote") ||
            name.starts_with("anywarp.redux"))
            return !isAlwaysUniform(value);
        return false;
    }

    bool isAlwaysUniform(const Value* value) const {
        if (width_ == 1) return true;
        StringRef name = callee_name(value);
        if (name.empty()) return false;
        auto* call = cast<CallInst>(value);
        if (name == "anywarp.activemask" || name == "anywarp.barrier.red") return true;
        if (name.starts_with("anywarp.vote") || name.starts_with("anywarp.redux")) return constant_mask(call->getArgOperand(1));
        if (name == "anywarp.shfl.idx") {
            auto* clamp = dyn_cast<ConstantInt>(call->getArgOperand(2));
            return isa<Constant>(call->getArgOperand(1)) && clamp && clamp->getZExtValue() == 31;
        }
        return false;
    }

private:
    unsigned width_;
    std::vector<const Argument*> varying_;
    DenseSet<const PHINode*> joins_;
};

// LLVM's analysis (19) misses some blocks where the paths of a divergent branch meet: behind a loop on one of the paths that also
// leaves the region. What a phi brings together there differs between lanes, even if each of its values is uniform. This finds
// them anew: every path gets the name of the block where it began, and a block where two names meet begins a new one.
bool find_joins(Function& function, UniformityInfo& uniformity, DenseSet<const PHINode*>& joins) {
    std::vector<BasicBlock*> order;
    DenseMap<const BasicBlock*, unsigned> index;
    for (BasicBlock* block : ReversePostOrderTraversal<Function*>(&function)) {
        index[block] = unsigned(order.size());
        order.push_back(block);
    }
    bool found = false;
    for (unsigned at = 0; at < order.size(); ++at) {
        if (!uniformity.hasDivergentTerminator(*order[at])) continue;
        std::map<unsigned, unsigned> names; // of blocks that paths have come to and not gone on from
        auto come = [&](BasicBlock* to, unsigned from, unsigned name) {
            unsigned i = index[to];
            if (i <= from) return; // round the loop: they meet again at its latch, or they have left it
            auto [place, is_new] = names.try_emplace(i, name);
            if (is_new || place->second == name) return;
            place->second = i;
            for (const PHINode& phi : to->phis())
                if (!phi.hasConstantOrUndefValue() && !uniformity.isDivergent(static_cast<const Value*>(&phi)))
                    found |= joins.insert(&phi).second;
        };
        for (BasicBlock* next : successors(order[at])) come(next, at, index[next]);
        while (names.size() > 1) { // with one block left, all paths have met in it
            auto [i, name] = *names.begin();
            names.erase(names.begin());
            for (BasicBlock* next : successors(order[i])) come(next, i, name);
        }
    }
    return found;
}

} // namespace

Shapes::Shapes(Function& function, unsigned width, DominatorTree& dominators, const std::vector<const Argument*>& varying)
    : function_(function), width_(width) {
    cycles_ = std::make_unique<CycleInfo>();
    cycles_->compute(function);
    DenseSet<const PHINode*> joins;
    do {
        uniformity_.reset();
        lanes_ = std::make_unique<TargetTransformInfo>(LaneSources(function.getParent()->getDataLayout(), width, varying, joins));
        uniformity_ = std::make_unique<UniformityInfo>(dominators, *cycles_, lanes_.get());
        uniformity_->compute();
    } while (width > 1 && find_joins(function, *uniformity_, joins));
    find_interleaved();
}

Shapes::~Shapes() = default;

bool Shapes::divergent(const Value* value) const {
    if (width_ == 1 || isa<Constant>(value)) return false;
    if (auto* argument = dyn_cast<Argument>(value)) return uniformity_->isDivergent(argument);
    if (auto* instruction = dyn_cast<Instruction>(value)) return uniformity_->isDivergent(static_cast<const Value*>(instruction));
    return false;
}

bool Shapes::divergent_branch(BasicBlock& block) const { return width_ > 1 && uniformity_->hasDivergentTerminator(block); }

unsigned Shapes::interleaved(const Value* pointer) const {
    auto it = interleaved_.find(pointer);
    return it == interleaved_.end() ? 0 : it->second;
}

// A local array whose every use is a load or store of one element size through constant-base GEPs is laid out interleaved, so
// that lanes that touch the same element touch neighbouring memory.
void Shapes::find_interleaved() {
    if (width_ == 1) return;
    const DataLayout& layout = function_.getParent()->getDataLayout();
    for (Instruction& instruction : function_.getEntryBlock()) {
        auto* array = dyn_cast<AllocaInst>(&instruction);
        if (!array) continue;
        unsigned element = 0;
        bool suits = array->isStaticAlloca();
        std::vector<Value*> pointers{array};
        for (size_t i = 0; i < pointers.size() && suits; ++i) {
            for (User* user : pointers[i]->users()) {
                uint64_t size = 0;
                if (auto* load = dyn_cast<LoadInst>(user)) size = layout.getTypeStoreSize(load->getType());
                else if (auto* store = dyn_cast<StoreInst>(user); store && store->getPointerOperand() == pointers[i] && store->getValueOperand() != pointers[i])
                    size = layout.getTypeStoreSize(store->getValueOperand()->getType());
                else if (auto* gep = dyn_cast<GetElementPtrInst>(user)) { pointers.push_back(gep); continue; }
                else if (auto* intrinsic = dyn_cast<IntrinsicInst>(user); intrinsic && intrinsic->isLifetimeStartOrEnd()) continue;
                else { suits = false; break; }
                if (element == 0) element = unsigned(size);
                if (size != element || (size & (size - 1)) || size > 8) { suits = false; break; }
            }
        }
        if (!suits || element == 0) continue;
        // Every offset must be a multiple of the element: known for GEPs from their scale and constant parts.
        for (size_t i = 1; i < pointers.size() && suits; ++i) {
            auto* gep = cast<GEPOperator>(pointers[i]);
            MapVector<Value*, APInt> scaled;
            APInt constant(64, 0);
            if (!gep->collectOffset(layout, 64, scaled, constant) || constant.urem(element) != 0) { suits = false; break; }
            for (auto& [index, scale] : scaled) {
                KnownBits bits = computeKnownBits(index, layout);
                if (bits.countMinTrailingZeros() + scale.countTrailingZeros() < Log2_64(element)) suits = false;
            }
        }
        if (suits)
            for (Value* pointer : pointers) interleaved_[pointer] = element;
    }
}

// ---- strides ----------------------------------------------------------------------------------------------------------------

Shape Shapes::shape(const Value* value) const {
    if (auto it = shapes_.find(value); it != shapes_.end()) return it->second;
    if (divergent(value)) return isa<Argument>(value) ? Shape{Kind::varying} : Shape{};
    Shape result{Kind::uniform};
    Type* type = value->getType();
    if (isa<UndefValue>(value)) result.align = max_align;
    else if (type->isIntegerTy() && type->getIntegerBitWidth() > 1) {
        KnownBits bits = computeKnownBits(value, function_.getParent()->getDataLayout());
        result.align = std::min(bits.countMinTrailingZeros(), max_align);
    }
    return result;
}

void Shapes::find_strides(const Regions& regions) {
    bool changed = true;
    for (unsigned round = 0; changed && round < 20; ++round) {
        changed = false;
        for (BasicBlock* block : regions.order())
            for (Instruction& instruction : *block) {
                if (instruction.getType()->isVoidTy() || !divergent(&instruction)) continue;
                Shape next = round < 18 ? transfer(instruction, regions) : Shape{Kind::varying};
                Shape& now = shapes_[&instruction];
                if (next == now) continue;
                if (now.varying()) continue; // only ever downwards
                if (now.strided() && next.strided() && next.align > now.align) next.align = now.align;
                if (next == now) continue;
                now = next;
                changed = true;
            }
    }
    for (BasicBlock* block : regions.order())
        for (Instruction& instruction : *block)
            if (!instruction.getType()->isVoidTy() && divergent(&instruction)) {
                Shape& now = shapes_[&instruction];
                if (now.kind == Kind::undefined) now.kind = Kind::varying;
            }
}

Shape Shapes::extend(Instruction& cast) const {
    Value* operand = cast.getOperand(0);
    Shape from = shape(operand);
    if (!from.strided()) return from.uniform() ? Shape{Kind::varying} : from;
    unsigned width = operand->getType()->getIntegerBitWidth();
    if (width < 8) return {Kind::varying};
    uint64_t span = uint64_t(width_ - 1) * uint64_t(std::abs(from.stride));
    if (width < 64 && span >= (uint64_t(1) << (width - 1))) return {Kind::varying};
    Shape result = from;
    if (from.stride > 0 && from.align < 63 && (uint64_t(1) << from.align) > span) return result;
    if (computeKnownBits(operand, function_.getParent()->getDataLayout()).isNonNegative()) return result;
    result.guarded = true;
    return result;
}

Value* added_condition(const Value* value) {
    auto* cast = dyn_cast<CastInst>(value);
    if (!cast || !(isa<ZExtInst>(cast) || isa<SExtInst>(cast)) || !cast->getOperand(0)->getType()->isIntegerTy(1)) return nullptr;
    return cast->getOperand(0);
}

Value* clamped_operand(const Instruction& instruction, const std::function<Shape(const Value*)>& shape) {
    Value *first, *second;
    if (isa<SelectInst>(instruction)) {
        if (shape(instruction.getOperand(0)).uniform()) return nullptr;
        first = instruction.getOperand(1), second = instruction.getOperand(2);
    } else if (auto* extremum = dyn_cast<MinMaxIntrinsic>(&instruction)) {
        first = extremum->getLHS(), second = extremum->getRHS();
    } else if (instruction.getOpcode() == Instruction::Add) {
        for (unsigned i = 0; i < 2; ++i)
            if (Value* condition = added_condition(instruction.getOperand(1 - i));
                condition && shape(condition).varying() && shape(instruction.getOperand(i)).strided())
                return instruction.getOperand(i);
        return nullptr;
    } else {
        return nullptr;
    }
    Shape a = shape(first), b = shape(second);
    if (a.strided() && b.uniform()) return first;
    if (b.strided() && a.uniform()) return second;
    return nullptr;
}

// Is the value used, directly or as part of an index, as an address? Other values gain nothing from being clamped.
static bool leads_to_address(const Instruction& start) {
    bool adds_condition = start.getOpcode() == Instruction::Add && (added_condition(start.getOperand(0)) || added_condition(start.getOperand(1)));
    if (!isa<SelectInst>(start) && !isa<MinMaxIntrinsic>(start) && !adds_condition) return false;
    if (!start.getType()->isIntegerTy() && !start.getType()->isPointerTy()) return false;
    SmallVector<const Instruction*, 16> found{&start};
    for (size_t i = 0; i < found.size(); ++i)
        for (const User* user : found[i]->users()) {
            auto* next = cast<Instruction>(user);
            if (getLoadStorePointerOperand(next) == found[i]) return true;
            bool passes_on = isa<CastInst>(next) || isa<GetElementPtrInst>(next) || isa<SelectInst>(next) || isa<MinMaxIntrinsic>(next) ||
                             isa<PHINode>(next) || next->getOpcode() == Instruction::Add || next->getOpcode() == Instruction::Sub ||
                             next->getOpcode() == Instruction::Mul || next->getOpcode() == Instruction::Shl ||
                             next->getOpcode() == Instruction::Or;
            if (passes_on && !is_contained(found, next) && found.size() < 16) found.push_back(next);
        }
    return false;
}

Shape Shapes::transfer(Instruction& instruction, const Regions& regions) const {
    const Shape varying{Kind::varying};
    const DataLayout& layout = function_.getParent()->getDataLayout();

    if (auto* phi = dyn_cast<PHINode>(&instruction)) {
        if (!regions.plan(phi->getParent()).plain) return varying;
        Shape result;
        for (Value* value : phi->incoming_values()) {
            if (isa<UndefValue>(value)) continue;
            Shape shape = this->shape(value);
            if (shape.kind == Kind::undefined) continue;
            if (!shape.strided()) return varying;
            if (result.kind == Kind::undefined) { result = shape; continue; }
            if (shape.stride != result.stride) return varying;
            result.guarded |= shape.guarded;
            result.clamped |= shape.clamped;
            result.align = std::min(result.align, shape.align);
        }
        return result;
    }
    if (isa<AllocaInst>(instruction)) {
        auto& array = cast<AllocaInst>(instruction);
        Shape result{Kind::strided};
        result.align = 4;
        unsigned element = interleaved(&array);
        result.stride = element ? element : int64_t(alignTo(layout.getTypeAllocSize(array.getAllocatedType()), array.getAlign()));
        return result;
    }
    if (callee_name(&instruction) == "anywarp.lane") {
        Shape result{Kind::strided};
        result.stride = 1;
        result.align = max_align;
        return result;
    }

    if (leads_to_address(instruction))
        if (Value* operand = clamped_operand(instruction, [&](const Value* value) { return shape(value); })) {
            Shape result = shape(operand);
            result.clamped = true;
            return result;
        }

    // Everything else: look at the operands.
    SmallVector<Shape, 3> in;
    for (Value* operand : instruction.operands()) {
        in.push_back(shape(operand));
        if (in.back().kind == Kind::undefined) return {};
    }
    bool guarded = std::any_of(in.begin(), in.end(), [](const Shape& s) { return s.guarded; });
    bool clamped = std::any_of(in.begin(), in.end(), [](const Shape& s) { return s.clamped; });
    bool any_varying = std::any_of(in.begin(), in.end(), [](const Shape& s) { return s.varying(); });
    auto strided = [&](int64_t stride, unsigned align) {
        if (stride == 0) return varying;
        Shape result{Kind::strided};
        result.stride = stride;
        result.align = std::min(align, max_align);
        result.guarded = guarded;
        result.clamped = clamped;
        return result;
    };
    auto stride_of = [](const Shape& s) { return s.strided() ? s.stride : 0; };
    if (any_varying) return varying;

    switch (instruction.getOpcode()) {
    case Instruction::Add: return strided(stride_of(in[0]) + stride_of(in[1]), std::min(in[0].align, in[1].align));
    case Instruction::Sub: return strided(stride_of(in[0]) - stride_of(in[1]), std::min(in[0].align, in[1].align));
    case Instruction::Or:
        if (!cast<PossiblyDisjointInst>(instruction).isDisjoint()) return varying;
        return strided(stride_of(in[0]) + stride_of(in[1]), std::min(in[0].align, in[1].align));
    case Instruction::Mul:
    case Instruction::Shl: {
        auto* constant = dyn_cast<ConstantInt>(instruction.getOperand(1));
        if (!constant || constant->getBitWidth() > 64 || !in[0].strided()) return varying;
        bool is_shift = instruction.getOpcode() == Instruction::Shl;
        if (is_shift && constant->getZExtValue() > 31) return varying;
        int64_t factor = is_shift ? int64_t(1) << constant->getZExtValue() : constant->getSExtValue();
        if (factor == 0 || std::abs(factor) > (int64_t(1) << 31)) return varying;
        if (std::abs(in[0].stride) > (int64_t(1) << 24)) return varying;
        return strided(in[0].stride * factor, in[0].align + unsigned(countr_zero(uint64_t(std::abs(factor)))));
    }
    case Instruction::And: { // the low bits of an aligned base with small lane offsets
        auto* constant = dyn_cast<ConstantInt>(instruction.getOperand(1));
        if (!constant || constant->getBitWidth() > 64 || !in[0].strided() || in[0].stride < 0) return varying;
        uint64_t mask = constant->getZExtValue();
        uint64_t span = uint64_t(width_ - 1) * uint64_t(in[0].stride);
        unsigned low = unsigned(countr_one(mask));
        if (low >= 63 || span >= (uint64_t(1) << low) || span >= (uint64_t(1) << std::min(in[0].align, 62u))) return varying;
        return strided(in[0].stride, in[0].align);
    }
    case Instruction::Trunc:
        if (instruction.getType()->getIntegerBitWidth() < 8) return varying;
        return in[0];
    case Instruction::SExt:
    case Instruction::ZExt: return extend(instruction);
    case Instruction::PtrToInt:
    case Instruction::IntToPtr:
        if (layout.getTypeSizeInBits(instruction.getType()) != layout.getTypeSizeInBits(instruction.getOperand(0)->getType())) return varying;
        return in[0];
    case Instruction::BitCast:
        if (!instruction.getType()->isIntegerTy() || !instruction.getOperand(0)->getType()->isIntegerTy()) return varying;
        return in[0];
    case Instruction::Freeze: return in[0];
    case Instruction::Select:
        if (!in[0].uniform() || !in[1].strided() || !in[2].strided() || in[1].stride != in[2].stride) return varying;
        return strided(in[1].stride, std::min(in[1].align, in[2].align));
    case Instruction::GetElementPtr: {
        auto& gep = cast<GetElementPtrInst>(instruction);
        int64_t stride = stride_of(in[0]);
        unsigned scale_up = interleaved(gep.getPointerOperand()) ? width_ : 1;
        auto type = gep_type_begin(gep);
        for (unsigned i = 1; i < gep.getNumOperands(); ++i, ++type) {
            if (!in[i].strided()) continue;
            if (type.isStruct()) return varying;
            if (gep.getOperand(i)->getType()->getIntegerBitWidth() != 64) return varying;
            uint64_t size = layout.getTypeAllocSize(type.getIndexedType());
            if (size > (1u << 24) || std::abs(in[i].stride) > (int64_t(1) << 32)) return varying;
            stride += in[i].stride * int64_t(size) * scale_up;
        }
        return strided(stride, 0);
    }
    default: return varying;
    }
}

} // namespace anywarp::simd
