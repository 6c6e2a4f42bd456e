// See pieces.h. The steps, for a function whose blocks end behind their suspension:
//   regions    which blocks belong to which piece (some to several: a loop around a barrier belongs to the piece that enters it and
//              to the one that begins behind the barrier)
//   liveness   which values are needed behind which suspension
//   slots      which of those are kept in the frame, and where; the others are computed anew
//   emission   each piece is cloned into its loop; values defined both before and inside a piece get their phis (SSAUpdater)
#include "simd/pieces.h"

#include "simt/kernel_abi.h"

#include <llvm/ADT/BitVector.h>
#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/SSAUpdater.h>

#include <algorithm>
#include <vector>

namespace anywarp::simd {

using namespace llvm;

namespace {

constexpr unsigned never = ~0u; // can't be computed anew
// What computing a value anew may cost, in scalar steps (a step on a vector counts vector_step for each of its registers).
constexpr unsigned vector_step = 4;
constexpr unsigned scalar_limit = 12;     // of a scalar that begins at the warp's number and at parameters
constexpr unsigned scalar_from_kept = 2;  // ... and at values that are kept anyway
constexpr unsigned register_limit = 20;   // of a vector, per register: it takes room, and is often needed on a rare path only
constexpr uint64_t register_bytes = 64, largest_slot_align = 64;

struct SuspensionPoint { // one suspension point
    CallInst* call;
    BasicBlock* block; // ends behind the call
    BasicBlock* after;
    bool whole_block; // at barrier 0, with all threads
};

struct Piece {
    BasicBlock* start;
    std::vector<BasicBlock*> blocks; // in reverse post-order
    DenseSet<const BasicBlock*> region;
    std::vector<unsigned> exits; // suspensions in it
    BitVector live; // values needed at its start
    BitVector kept; // those that lie in the frame
};

class Cutter {
public:
    Cutter(Function& warp, Function& target)
        : warp_(warp), target_(target), module_(*warp.getParent()), layout_(module_.getDataLayout()), b_(warp.getContext()) {}
    void run();

private:
    void find_suspensions();
    void find_regions();
    void find_live_values();
    void choose_slots();
    bool follows_itself(const Piece& piece) const;
    void place_arrays();
    void emit();
    void emit_piece(unsigned number);

    Function& warp_;
    Function& target_;
    Module& module_;
    const DataLayout& layout_;
    IRBuilder<> b_;
    std::vector<SuspensionPoint> suspensions_;
    std::vector<Piece> pieces_; // 0: the warp's start; k + 1: behind suspension k
    std::vector<Instruction*> values_;
    DenseMap<const Value*, unsigned> number_;
    DenseMap<const Value*, unsigned> cost_;
    DenseMap<const Value*, uint64_t> slots_;        // offset in the frame
    MapVector<const AllocaInst*, uint64_t> arrays_; // offset in the frame
    MapVector<const AllocaInst*, AllocaInst*> temporaries_; // of all warps: hold nothing across a suspension
    uint64_t frame_bytes_ = 0;

    unsigned vector_registers(Type* type) const;
    unsigned weight(const Instruction& instruction) const;
    unsigned cost(const Value* value);
    unsigned cost_from_kept(const Value* value, const Piece& piece, unsigned limit);
    bool reads_context(const Value* pointer, int64_t field) const;
    bool is_parameter_load(const LoadInst& load) const;
    Type* slot_type(Type* type) const;
    uint64_t add_slot(uint64_t bytes, uint64_t align);
    Value* load_slot(Value* frame, const Value* value);
    void store_slot(Value* frame, const Value* value, Value* what);
    Value* available(const Value* value, Piece& piece, Value* frame, DenseMap<const Value*, Value*>& known);

    // While pieces are emitted.
    BasicBlock* entry_ = nullptr;
    std::vector<BasicBlock*> before_; // per piece: what leads to its loop
    std::vector<BasicBlock*> dispatch_; // per piece: behind its loop
    Value* whole_ = nullptr;
    uint32_t width_ = 0;
};

// ---- where the warp suspends ------------------------------------------------------------------------------------------------

void Cutter::find_suspensions() {
    std::vector<CallInst*> calls;
    for (BasicBlock& block : warp_)
        for (Instruction& instruction : block)
            if (auto* call = dyn_cast<CallInst>(&instruction); call && call->getCalledFunction())
                if (StringRef name = call->getCalledFunction()->getName(); name == suspend_name || name == wait_for_block_name)
                    calls.push_back(call);
    for (CallInst* call : calls) {
        BasicBlock* block = call->getParent();
        BasicBlock* after = block->splitBasicBlock(std::next(call->getIterator()), "resumed");
        suspensions_.push_back({call, block, after, call->getCalledFunction()->getName() == wait_for_block_name});
    }
    // A block may have been split again behind its first call.
    for (SuspensionPoint& suspension : suspensions_) suspension.block = suspension.call->getParent();
}

void Cutter::find_regions() {
    DenseMap<const BasicBlock*, unsigned> ends_at; // block -> its suspension
    for (unsigned k = 0; k < suspensions_.size(); ++k) ends_at[suspensions_[k].block] = k;
    auto add = [&](BasicBlock* start) {
        Piece& piece = pieces_.emplace_back();
        piece.start = start;
        // Post-order, iteratively.
        std::vector<std::pair<BasicBlock*, unsigned>> stack{{start, 0}};
        piece.region.insert(start);
        while (!stack.empty()) {
            auto& [block, next] = stack.back();
            Instruction* end = block->getTerminator();
            if (!ends_at.contains(block) && next < end->getNumSuccessors()) {
                BasicBlock* target = end->getSuccessor(next++);
                if (piece.region.insert(target).second) stack.push_back({target, 0});
                continue;
            }
            if (auto at = ends_at.find(block); at != ends_at.end()) piece.exits.push_back(at->second);
            piece.blocks.push_back(block);
            stack.pop_back();
        }
        std::reverse(piece.blocks.begin(), piece.blocks.end());
    };
    pieces_.reserve(suspensions_.size() + 1);
    add(&warp_.getEntryBlock());
    for (const SuspensionPoint& suspension : suspensions_) add(suspension.after);
}

// ---- what is needed behind a suspension ---------------------------------------------------------------------------------------

void Cutter::find_live_values() {
    for (BasicBlock& block : warp_)
        for (Instruction& instruction : block) {
            bool leaves = false;
            for (const User* user : instruction.users()) leaves |= cast<Instruction>(user)->getParent() != &block || isa<PHINode>(user);
            if (!leaves) continue;
            number_[&instruction] = unsigned(values_.size());
            values_.push_back(&instruction);
        }
    unsigned count = unsigned(values_.size());
    struct Sets { BitVector used, defined, in; }; // used: before it is defined in the block
    DenseMap<const BasicBlock*, Sets> sets;
    for (BasicBlock& block : warp_) {
        Sets& s = sets[&block];
        s.used.resize(count), s.defined.resize(count);
        for (Instruction& instruction : block) {
            if (!isa<PHINode>(instruction))
                for (Value* operand : instruction.operands())
                    if (auto at = number_.find(operand); at != number_.end() && !s.defined[at->second]) s.used.set(at->second);
            if (auto at = number_.find(&instruction); at != number_.end()) s.defined.set(at->second);
        }
        s.in = s.used;
    }
    std::vector<BasicBlock*> order;
    for (BasicBlock* block : post_order(&warp_)) order.push_back(block);
    for (bool changed = true; changed;) {
        changed = false;
        for (BasicBlock* block : order) {
            BitVector out(count);
            for (BasicBlock* next : successors(block)) {
                BitVector needed = sets[next].in; // a phi is defined in its block, so it isn't in here
                for (PHINode& phi : next->phis())
                    if (auto at = number_.find(phi.getIncomingValueForBlock(block)); at != number_.end()) needed.set(at->second);
                out |= needed;
            }
            Sets& s = sets[block];
            out.reset(s.defined);
            out |= s.used;
            if (out != s.in) s.in = out, changed = true;
        }
    }
    for (Piece& piece : pieces_) piece.live = sets[piece.start].in;
}

// ---- what is computed anew ----------------------------------------------------------------------------------------------------

/// Is this the address of the field at `field` of the context (-1: of any)?
bool Cutter::reads_context(const Value* pointer, int64_t field) const {
    APInt offset(64, 0);
    const Value* base = pointer->stripAndAccumulateConstantOffsets(layout_, offset, true);
    return base == warp_.getArg(0) && (field < 0 || offset == uint64_t(field));
}

/// Loads of the context's fields and of parameters: the same whenever they are made.
bool Cutter::is_parameter_load(const LoadInst& load) const {
    if (!load.hasMetadata(LLVMContext::MD_invariant_load) || load.isVolatile()) return false;
    if (reads_context(load.getPointerOperand(), -1)) return true;
    APInt offset(64, 0);
    auto* base = dyn_cast<LoadInst>(load.getPointerOperand()->stripAndAccumulateConstantOffsets(layout_, offset, true));
    return base && base->hasMetadata(LLVMContext::MD_invariant_load) && reads_context(base->getPointerOperand(), offsetof(BlockContext, params));
}

/// 0: no vector.
unsigned Cutter::vector_registers(Type* type) const {
    return type->isVectorTy() ? unsigned(std::max<uint64_t>(1, layout_.getTypeAllocSize(type).getFixedValue() / register_bytes)) : 0;
}

unsigned Cutter::weight(const Instruction& instruction) const {
    unsigned wide = vector_registers(instruction.getType()), one = wide ? vector_step * wide : 1;
    for (const Value* operand : instruction.operands()) one = std::max(one, vector_step * vector_registers(operand->getType()));
    switch (instruction.getOpcode()) {
    case Instruction::GetElementPtr:
    case Instruction::ICmp: case Instruction::FCmp: case Instruction::Select:
    case Instruction::ExtractElement:
        return one;
    case Instruction::InsertElement: return isa<UndefValue>(instruction.getOperand(0)) ? 1 : one; // (poison, too) part of a splat
    case Instruction::ShuffleVector: return getSplatValue(&instruction) ? 1 : 2 * one;
    case Instruction::UDiv: case Instruction::SDiv: case Instruction::URem: case Instruction::SRem: {
        auto* divisor = dyn_cast<Constant>(instruction.getOperand(1));
        return divisor && !wide && isSafeToSpeculativelyExecute(&instruction) ? 5 : never;
    }
    case Instruction::FDiv: return never;
    default: break;
    }
    if (isa<CastInst>(instruction) || isa<BinaryOperator>(instruction)) return one;
    if (auto* call = dyn_cast<IntrinsicInst>(&instruction))
        switch (call->getIntrinsicID()) {
        case Intrinsic::umin: case Intrinsic::umax: case Intrinsic::smin: case Intrinsic::smax: case Intrinsic::fabs: case Intrinsic::fshl:
        case Intrinsic::fshr:
            return one;
        default: break;
        }
    return never;
}

/// What computing the value from the warp's number, the context and parameters costs; `never` where it isn't so made.
unsigned Cutter::cost(const Value* value) {
    if (isa<Constant>(value) || isa<Argument>(value) || isa<MetadataAsValue>(value)) return 0;
    auto* instruction = dyn_cast<Instruction>(value);
    if (!instruction) return never;
    if (isa<AllocaInst>(instruction)) return 0;
    if (auto at = cost_.find(value); at != cost_.end()) return at->second;
    cost_[value] = never; // while it is being looked at
    unsigned registers = vector_registers(value->getType());
    unsigned limit = registers ? registers * register_limit : scalar_limit;
    unsigned total = 0;
    if (auto* load = dyn_cast<LoadInst>(instruction)) {
        total = is_parameter_load(*load) ? 1 : never;
    } else {
        total = weight(*instruction);
        for (const Value* operand : instruction->operands()) {
            if (total > limit) break;
            unsigned more = cost(operand);
            total = more == never ? never : total + more;
        }
    }
    return cost_[value] = total > limit ? never : total;
}

/// The same where values that are kept for this piece cost nothing.
unsigned Cutter::cost_from_kept(const Value* value, const Piece& piece, unsigned limit) {
    if (cost(value) != never) return cost(value);
    if (auto at = number_.find(value); at != number_.end() && piece.kept[at->second]) return 0;
    auto* instruction = dyn_cast<Instruction>(value);
    if (!instruction || isa<LoadInst>(instruction)) return never;
    unsigned total = weight(*instruction);
    for (const Value* operand : instruction->operands()) {
        if (total > limit) return never;
        unsigned more = cost_from_kept(operand, piece, limit - total);
        if (more == never) return never;
        total += more;
    }
    return total > limit ? never : total;
}

// ---- the frame ----------------------------------------------------------------------------------------------------------------

uint64_t Cutter::add_slot(uint64_t bytes, uint64_t align) {
    frame_bytes_ = alignTo(frame_bytes_, align);
    uint64_t offset = frame_bytes_;
    frame_bytes_ += bytes;
    return offset;
}

/// Masks are kept as whole bytes.
Type* Cutter::slot_type(Type* type) const {
    if (type->isIntegerTy(1)) return Type::getInt8Ty(type->getContext());
    if (auto* vector = dyn_cast<FixedVectorType>(type); vector && vector->getElementType()->isIntegerTy(1))
        return Type::getIntNTy(type->getContext(), std::max(8u, vector->getNumElements()));
    return type;
}

void Cutter::choose_slots() {
    unsigned count = unsigned(values_.size());
    auto size_of = [&](unsigned v) { return layout_.getTypeAllocSize(slot_type(values_[v]->getType())).getFixedValue(); };
    BitVector anywhere(count);
    for (unsigned k = 1; k < pieces_.size(); ++k) {
        Piece& piece = pieces_[k];
        piece.kept.resize(count);
        for (unsigned v : piece.live.set_bits())
            if (cost(values_[v]) == never) piece.kept.set(v);
        // In the order of definition: a value may follow from one that is kept, or from one that is itself computed anew.
        for (unsigned v : piece.live.set_bits()) {
            if (!piece.kept[v]) continue;
            piece.kept.reset(v);
            unsigned registers = vector_registers(values_[v]->getType());
            unsigned limit = registers ? registers * register_limit : scalar_from_kept;
            if (cost_from_kept(values_[v], piece, limit) == never) piece.kept.set(v);
        }
        anywhere |= piece.kept;
    }
    pieces_[0].kept.resize(count);
    // The widest first: no room is lost between them.
    std::vector<unsigned> kept(anywhere.set_bits_begin(), anywhere.set_bits_end());
    std::sort(kept.begin(), kept.end(), [&](unsigned a, unsigned b) { return size_of(a) != size_of(b) ? size_of(a) > size_of(b) : a < b; });
    for (unsigned v : kept) slots_[values_[v]] = add_slot(size_of(v), std::min<uint64_t>(largest_slot_align, PowerOf2Ceil(size_of(v))));
}

bool Cutter::follows_itself(const Piece& piece) const {
    BitVector seen(unsigned(pieces_.size()));
    SmallVector<const Piece*, 16> work{&piece};
    while (!work.empty())
        for (unsigned exit : work.pop_back_val()->exits) {
            if (&pieces_[exit + 1] == &piece) return true;
            if (seen[exit + 1]) continue;
            seen.set(exit + 1);
            work.push_back(&pieces_[exit + 1]);
        }
    return false;
}

// Arrays of the warp, and temporaries of the widening: in the frame, if they may hold something across a suspension.
void Cutter::place_arrays() {
    for (Instruction& instruction : warp_.getEntryBlock()) {
        auto* array = dyn_cast<AllocaInst>(&instruction);
        if (!array) continue;
        // All its uses in one piece, and in no other, which doesn't follow itself (or each operation writes it first): it holds nothing
        // across a suspension.
        bool scratch = array->hasMetadata("anywarp.scratch");
        SmallPtrSet<const BasicBlock*, 8> places;
        bool escapes = array->hasMetadata("anywarp.local");
        SmallVector<const Instruction*, 16> work{array};
        SmallPtrSet<const Instruction*, 16> seen;
        while (!work.empty() && !escapes) {
            const Instruction* pointer = work.pop_back_val();
            for (const Use& use : pointer->uses()) {
                auto* user = cast<Instruction>(use.getUser());
                places.insert(user->getParent());
                if (isa<GetElementPtrInst>(user)) {
                    if (seen.insert(user).second) work.push_back(user);
                } else if (auto* store = dyn_cast<StoreInst>(user)) {
                    escapes |= store->getValueOperand() == pointer;
                } else if (!isa<LoadInst>(user)) {
                    escapes |= !scratch || !isa<CallInst>(user);
                }
            }
        }
        const Piece* only = nullptr;
        for (const Piece& piece : pieces_)
            if (any_of(places, [&](const BasicBlock* place) { return piece.region.contains(place); })) {
                escapes |= only != nullptr || (!scratch && follows_itself(piece));
                only = &piece;
            }
        if (escapes) arrays_[array] = add_slot(layout_.getTypeAllocSize(array->getAllocatedType()), array->getAlign().value());
        else temporaries_[array] = nullptr;
    }
}

Value* Cutter::load_slot(Value* frame, const Value* value) {
    uint64_t offset = slots_.at(value);
    Type *type = value->getType(), *kept = slot_type(type);
    Value* address = b_.CreateConstGEP1_64(b_.getInt8Ty(), frame, offset);
    Align align = commonAlignment(Align(largest_slot_align), offset);
    Value* what = b_.CreateAlignedLoad(kept, address, align);
    if (kept == type) return what;
    if (!type->isVectorTy()) return b_.CreateTrunc(what, type);
    unsigned lanes = cast<FixedVectorType>(type)->getNumElements();
    return b_.CreateBitCast(b_.CreateTrunc(what, b_.getIntNTy(lanes)), type);
}

void Cutter::store_slot(Value* frame, const Value* value, Value* what) {
    uint64_t offset = slots_.at(value);
    Type *type = value->getType(), *kept = slot_type(type);
    if (kept != type) {
        if (type->isVectorTy()) what = b_.CreateBitCast(what, b_.getIntNTy(cast<FixedVectorType>(type)->getNumElements()));
        what = b_.CreateZExt(what, kept);
    }
    b_.CreateAlignedStore(what, b_.CreateConstGEP1_64(b_.getInt8Ty(), frame, offset), commonAlignment(Align(largest_slot_align), offset));
}

// ---- emission -----------------------------------------------------------------------------------------------------------------

/// The value at the start of a piece: from the frame, or computed anew.
Value* Cutter::available(const Value* value, Piece& piece, Value* frame, DenseMap<const Value*, Value*>& known) {
    if (isa<Constant>(value) || isa<MetadataAsValue>(value)) return const_cast<Value*>(value);
    if (auto at = known.find(value); at != known.end()) return at->second;
    Value* result;
    auto number = number_.find(value);
    if (auto* array = dyn_cast<AllocaInst>(value)) {
        auto at = arrays_.find(array);
        result = at != arrays_.end() ? b_.CreateConstGEP1_64(b_.getInt8Ty(), frame, at->second) : temporaries_.lookup(array);
    } else if (number != number_.end() && piece.kept[number->second]) {
        result = load_slot(frame, value);
    } else {
        auto* instruction = cast<Instruction>(value);
        SmallVector<Value*, 4> operands;
        for (Value* operand : instruction->operands()) operands.push_back(available(operand, piece, frame, known));
        Instruction* copy = instruction->clone();
        for (unsigned i = 0; i < operands.size(); ++i) copy->setOperand(i, operands[i]);
        result = b_.Insert(copy);
    }
    known[value] = result;
    return result;
}

void Cutter::emit_piece(unsigned number) {
    Piece& piece = pieces_[number];
    LLVMContext& context = warp_.getContext();
    auto* loop = BasicBlock::Create(context, "piece", &target_);
    Argument *block = target_.getArg(0), *states = target_.getArg(1), *frames = target_.getArg(2), *first = target_.getArg(4), *end = target_.getArg(5);

    b_.SetInsertPoint(before_[number]);
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    PHINode* warp = b_.CreatePHI(b_.getInt32Ty(), 2, "warp");
    warp->addIncoming(first, before_[number]);
    Value* wide = b_.CreateZExt(warp, b_.getInt64Ty());
    Value* frame = b_.CreateGEP(b_.getInt8Ty(), frames, b_.CreateMul(wide, b_.getInt64(frame_bytes_), "", true, true), "frame");
    Value* state = b_.CreateGEP(b_.getInt8Ty(), states, b_.CreateMul(wide, b_.getInt64(sizeof(WarpState)), "", true, true), "state");
    Value* base = b_.CreateMul(warp, b_.getInt32(width_), "warp_base", true, true);

    DenseMap<const Value*, Value*> known{{warp_.getArg(0), block}, {warp_.getArg(1), base}, {warp_.getArg(2), state}};
    for (auto& [array, offset] : arrays_) available(array, piece, frame, known);
    for (auto& [array, copy] : temporaries_) known[array] = copy;
    for (unsigned v : piece.live.set_bits()) available(values_[v], piece, frame, known);
    BasicBlock* entered = b_.GetInsertBlock();

    ValueToValueMapTy map;
    for (auto& [value, copy] : known) map[value] = copy;
    auto* latch = BasicBlock::Create(context, "next", &target_);
    for (BasicBlock* original : piece.blocks) {
        auto* copy = BasicBlock::Create(context, original->getName(), &target_, latch);
        map[original] = copy;
        for (Instruction& instruction : *original) {
            if (auto* array = dyn_cast<AllocaInst>(&instruction); array && (arrays_.contains(array) || temporaries_.contains(array))) continue;
            Instruction* twin = instruction.clone();
            if (instruction.hasName()) twin->setName(instruction.getName());
            twin->insertInto(copy, copy->end());
            map[&instruction] = twin; // a value that was known at the start gets this one where it is computed again
        }
    }
    b_.SetInsertPoint(loop);
    b_.CreateBr(cast<BasicBlock>(map[piece.start]));
    auto in_region = [&](const BasicBlock* original) { return piece.region.contains(original); };
    for (BasicBlock* original : piece.blocks) {
        auto* copy = cast<BasicBlock>(map[original]);
        for (PHINode& phi : original->phis()) {
            auto* twin = cast<PHINode>(map[&phi]);
            for (unsigned i = phi.getNumIncomingValues(); i-- > 0;)
                if (!in_region(phi.getIncomingBlock(i))) twin->removeIncomingValue(i, /*DeletePHIIfEmpty=*/false);
        }
        for (Instruction& instruction : *copy) RemapInstruction(&instruction, map, RF_NoModuleLevelChanges | RF_IgnoreMissingLocals);
    }

    // Where the piece ends.
    PHINode* code = PHINode::Create(b_.getInt32Ty(), 2, "exit", latch);
    SmallVector<uint32_t, 4> codes;
    auto leave = [&](uint32_t value, BasicBlock* from) {
        code->addIncoming(b_.getInt32(value), from);
        if (!is_contained(codes, value)) codes.push_back(value);
        b_.CreateBr(latch);
    };
    for (unsigned k : piece.exits) {
        const SuspensionPoint& suspension = suspensions_[k];
        auto* copy = cast<BasicBlock>(map[suspension.block]);
        copy->getTerminator()->eraseFromParent();
        cast<Instruction>(map[suspension.call])->eraseFromParent();
        b_.SetInsertPoint(copy);
        if (suspension.whole_block) {
            uint64_t both = uint64_t(Suspension::block_barrier) | uint64_t(k + 1) << 32;
            b_.CreateAlignedStore(b_.getInt64(both), state, Align(8));
        } else {
            b_.CreateStore(b_.getInt32(k + 1), b_.CreateConstGEP1_64(b_.getInt8Ty(), state, offsetof(WarpState, piece)));
        }
        leave(suspension.whole_block ? k + 1 : pieces_mixed, copy);
    }
    for (BasicBlock* original : piece.blocks)
        if (isa<ReturnInst>(original->getTerminator())) {
            auto* copy = cast<BasicBlock>(map[original]);
            copy->getTerminator()->eraseFromParent();
            b_.SetInsertPoint(copy);
            b_.CreateAlignedStore(b_.getInt32(uint32_t(Suspension::finished)), state, Align(8));
            leave(pieces_finished, copy);
        }

    if (codes.empty()) { // never ends
        code->replaceAllUsesWith(PoisonValue::get(code->getType()));
        code->eraseFromParent();
    }

    // A value that is there at the start and computed again: each use gets the one that reaches it. So do the slots.
    DenseMap<const Value*, std::unique_ptr<SSAUpdater>> updaters;
    for (unsigned v : piece.live.set_bits()) {
        Instruction* value = values_[v];
        if (!in_region(value->getParent()) || isa<AllocaInst>(value)) continue;
        auto* again = cast<Instruction>(map[value]);
        auto updater = std::make_unique<SSAUpdater>();
        updater->Initialize(value->getType(), value->getName());
        updater->AddAvailableValue(entered, known[value]);
        updater->AddAvailableValue(again->getParent(), again);
        SmallVector<Use*, 8> uses;
        for (Use& use : again->uses()) {
            auto* user = cast<Instruction>(use.getUser());
            if (isa<PHINode>(user) || user->getParent() != again->getParent()) uses.push_back(&use);
        }
        for (Use* use : uses) updater->RewriteUse(*use);
        updaters[value] = std::move(updater);
    }
    for (unsigned k : piece.exits) {
        auto* copy = cast<BasicBlock>(map[suspensions_[k].block]);
        const Piece& next = pieces_[k + 1];
        for (unsigned v : next.kept.set_bits()) {
            Instruction* value = values_[v];
            if (!in_region(value->getParent()) && piece.kept[v]) continue; // as it was
            auto updater = updaters.find(value);
            Value* what = updater == updaters.end() ? static_cast<Value*>(map[value]) : updater->second->GetValueAtEndOfBlock(copy);
            b_.SetInsertPoint(copy->getTerminator());
            store_slot(frame, value, what);
        }
    }

    // The next warp; or, if all have come to the same end, what follows there.
    b_.SetInsertPoint(latch);
    Value* following = b_.CreateAdd(warp, b_.getInt32(1), "", true, true);
    Value *all_of = nullptr, *any_of = nullptr;
    if (codes.size() > 1) {
        auto *ands = PHINode::Create(b_.getInt32Ty(), 2, "", warp->getIterator()), *ors = PHINode::Create(b_.getInt32Ty(), 2, "", warp->getIterator());
        ands->addIncoming(b_.getInt32(~0u), before_[number]);
        ors->addIncoming(b_.getInt32(0), before_[number]);
        all_of = b_.CreateAnd(ands, code);
        any_of = b_.CreateOr(ors, code);
        ands->addIncoming(all_of, latch);
        ors->addIncoming(any_of, latch);
    }
    warp->addIncoming(following, latch);
    b_.CreateCondBr(b_.CreateICmpULT(following, end), loop, dispatch_[number]);
    b_.SetInsertPoint(dispatch_[number]);
    auto* mixed = BasicBlock::Create(context, "mixed", &target_);
    Value* together = whole_;
    if (any_of) together = b_.CreateAnd(together, b_.CreateICmpEQ(all_of, any_of));
    auto* choose = BasicBlock::Create(context, "together", &target_);
    b_.CreateCondBr(together, choose, mixed);
    b_.SetInsertPoint(choose);
    SwitchInst* choice = b_.CreateSwitch(any_of ? any_of : b_.getInt32(codes.empty() ? pieces_mixed : codes[0]), mixed);
    for (uint32_t value : codes) {
        if (value == pieces_mixed) continue;
        if (value == pieces_finished) {
            auto* finished = BasicBlock::Create(context, "finished", &target_);
            choice->addCase(b_.getInt32(value), finished);
            ReturnInst::Create(context, b_.getInt32(pieces_finished), finished);
        } else {
            choice->addCase(b_.getInt32(value), before_[value]);
        }
    }
    ReturnInst::Create(context, b_.getInt32(pieces_mixed), mixed);
}

void Cutter::emit() {
    LLVMContext& context = warp_.getContext();
    for (Attribute attribute : warp_.getAttributes().getFnAttrs()) target_.addFnAttr(attribute);
    for (unsigned i : {1u, 2u}) target_.addParamAttr(i, Attribute::NoAlias);
    entry_ = BasicBlock::Create(context, "entry", &target_);
    b_.SetInsertPoint(entry_);
    for (auto& [array, copy] : temporaries_) {
        copy = cast<AllocaInst>(array->clone());
        b_.Insert(copy);
    }
    unsigned known_threads = 0;
    warp_.getFnAttribute(threads_attribute).getValueAsString().getAsInteger(10, known_threads);
    Value* threads = known_threads ? static_cast<Value*>(b_.getInt32(known_threads))
                                   : b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstGEP1_32(b_.getInt8Ty(), target_.getArg(0), offsetof(BlockContext, threads)));
    Value* warps = b_.CreateUDiv(b_.CreateAdd(threads, b_.getInt32(width_ - 1)), b_.getInt32(width_));
    whole_ = b_.CreateICmpEQ(b_.CreateSub(target_.getArg(5), target_.getArg(4)), warps, "whole");
    auto* nowhere = BasicBlock::Create(context, "nowhere", &target_);
    SwitchInst* choice = b_.CreateSwitch(target_.getArg(3), nowhere, unsigned(pieces_.size()));
    new UnreachableInst(context, nowhere);
    for (unsigned k = 0; k < pieces_.size(); ++k) {
        before_.push_back(BasicBlock::Create(context, "before", &target_));
        dispatch_.push_back(BasicBlock::Create(context, "behind", &target_));
        choice->addCase(b_.getInt32(k), before_[k]);
    }
    for (unsigned k = 0; k < pieces_.size(); ++k) emit_piece(k);
}

void Cutter::run() {
    warp_.getFnAttribute(width_attribute).getValueAsString().getAsInteger(10, width_);
    removeUnreachableBlocks(warp_);
    find_suspensions();
    find_regions();
    find_live_values();
    choose_slots();
    place_arrays();
    // Frames a multiple of 4 KiB apart would all fall into the same cache sets.
    frame_bytes_ = std::max<uint64_t>(alignTo(frame_bytes_, largest_slot_align), largest_slot_align);
    uint64_t align = largest_slot_align;
    for (auto& [array, offset] : arrays_) align = std::max(align, array->getAlign().value());
    frame_bytes_ = alignTo(frame_bytes_, align);
    if (frame_bytes_ % 4096 == 0) frame_bytes_ += align;
    emit();

    GlobalVariable* info = module_.getNamedGlobal("anywarp_kernel_info");
    auto* old = cast<ConstantStruct>(info->getInitializer());
    SmallVector<Constant*, 16> members;
    for (unsigned i = 0; i < old->getNumOperands(); ++i) members.push_back(old->getOperand(i));
    members[3] = b_.getInt32(uint32_t(align)); // KernelInfo::frame_align, frame_bytes
    members[6] = b_.getInt64(frame_bytes_);
    info->setInitializer(ConstantStruct::get(old->getType(), members));
}

} // namespace

void cut_into_pieces(Module& module) {
    Function *warp = module.getFunction(warp_name), *target = module.getFunction(run_pieces_name);
    if (!warp || !target || !target->isDeclaration()) return;
    Cutter(*warp, *target).run();
    warp->eraseFromParent();
}

} // namespace anywarp::simd
