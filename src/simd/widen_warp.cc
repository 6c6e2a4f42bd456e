// Warp operations, barriers and calls of the machine's services. At width 1 each lane is a warp of its own, and warp
// operations become suspensions at which the scheduler exchanges values; at width 32 they are vector operations.
// Source: PTX ISA 9.7.9.6 (shfl.sync), 9.7.13 (barriers, vote, match, activemask, redux, elect).
#include "simd/simd.h"
#include "simd/pieces.h"
#include "simd/widener.h"

#include <llvm/IR/PatternMatch.h>

#include <llvm/IR/IntrinsicInst.h>

namespace anywarp::simd {

using namespace llvm;

bool Widener::emit_call(CallInst& call) {
    Function* callee = call.getCalledFunction();
    StringRef name = callee ? callee->getName() : "";
    if (!name.starts_with("anywarp")) {
        if (width_ == 1 && callee) { // recursive device functions: every lane is a thread of its own
            Instruction* copy = call.clone();
            for (unsigned i = 0; i < call.arg_size(); ++i) copy->setOperand(i, scalar(call.getArgOperand(i)));
            b_.Insert(copy);
            if (!call.getType()->isVoidTy()) define(call, {copy, nullptr, nullptr});
            return true;
        }
        error_ = "call of " + (callee ? name.str() : std::string("a function pointer")) + " that could not be inlined";
        return true;
    }
    if (name.starts_with("anywarp_vector.") && callee->isDeclaration()) return emit_vector_call(call), true;
    if (name == "anywarp.lane") {
        Lanes lanes{b_.getInt32(0), nullptr, nullptr};
        define(call, lanes);
        return true;
    }
    if (name == "anywarp.check.aligned") return emit_check_aligned(call), true;
    if (name == "anywarp.exit") {
        error_ = "exit in a device function that could not be inlined";
        return true;
    }
    if (name == "anywarp.warp.sync") {
        if (width_ == 1) emit_single_lane_operation(call);
        return true; // lanes that are here are together already
    }
    if (name.starts_with("anywarp.barrier") || name == "anywarp.yield") return emit_barrier(call), true;
    bool warp = name.starts_with("anywarp.shfl") || name.starts_with("anywarp.vote") || name.starts_with("anywarp.match") ||
                name.starts_with("anywarp.redux") || name == "anywarp.elect";
    bool rows = name.starts_with("anywarp.ldmatrix") || name.starts_with("anywarp.stmatrix");
    if (rows || name.starts_with("anywarp.mma.")) {
        if (width_ != 1 && width_ != 32) error_ = name.str() + " at a width other than 32 or 1";
        else rows ? emit_matrix_rows(call) : emit_matrix_product(call);
        return true;
    }
    if (name == "anywarp.activemask") {
        Value* bits = width_ == 1 ? b_.CreateShl(b_.getInt32(1), b_.CreateAnd(target_.getArg(1), b_.getInt32(31))) : mask_bits(mask_, 32);
        define(call, {bits, nullptr, nullptr});
        return true;
    }
    if (warp && width_ == 1) return emit_single_lane_operation(call), true;
    auto within_warp = [&] { // a shuffle in segments no longer than the warp
        auto* c = name.starts_with("anywarp.shfl") ? dyn_cast<ConstantInt>(call.getArgOperand(2)) : nullptr;
        return c && ((c->getZExtValue() >> 8) & (32 - width_)) == 32 - width_;
    };
    if (warp && width_ != 32 && !within_warp()) {
        error_ = name.str() + " at a width other than 32 or 1";
        return true;
    }
    if (name.starts_with("anywarp.shfl")) return emit_shuffle(call), true;
    if (name.starts_with("anywarp.vote")) return emit_vote(call), true;
    if (name.starts_with("anywarp.match")) return emit_match(call), true;
    if (name.starts_with("anywarp.redux")) return emit_redux(call), true;
    if (name == "anywarp.elect") { // the lowest lane of the mask
        Value* mask = vector(call.getArgOperand(0));
        Value* lowest = b_.CreateBinaryIntrinsic(Intrinsic::cttz, mask, b_.getFalse());
        define_pair(call, lowest, b_.CreateICmpEQ(lowest, lane_numbers(b_.getInt32Ty())));
        return true;
    }
    emit_service(call);
    return true;
}

// The two members of {i32, i1}, each a vector, side by side; extractvalue (always right behind) picks one.
void Widener::define_pair(CallInst& call, Value* first, Value* second) {
    if (shape(&call).uniform()) {
        auto lane0 = [&](Value* value) {
            if (!value->getType()->isVectorTy()) return value;
            Value* lane = mask_ ? b_.CreateBinaryIntrinsic(Intrinsic::cttz, mask_bits(mask_, 32), b_.getTrue()) : static_cast<Value*>(b_.getInt32(0));
            return b_.CreateExtractElement(value, lane);
        };
        Value* pair = b_.CreateInsertValue(UndefValue::get(call.getType()), lane0(first), 0);
        cache_[&call] = {b_.CreateInsertValue(pair, lane0(second), 1), nullptr, nullptr};
        return;
    }
    cache_[&call] = {first, nullptr, second};
}

// result[i] = vector[lanes[i]]; lanes are 0..31. A constant permutation is a shuffle, everything else goes through the stack.
Value* Widener::permute(Value* vector, Value* lanes) {
    if (auto* constant = dyn_cast<Constant>(lanes)) {
        std::vector<int> order;
        bool known = true;
        for (unsigned i = 0; i < width_ && known; ++i) {
            auto* element = dyn_cast_or_null<ConstantInt>(constant->getAggregateElement(i));
            if (!element) known = false;
            else order.push_back(int(element->getZExtValue()));
        }
        if (known) return b_.CreateShuffleVector(vector, order);
    }
    Type* type = vector->getType()->getScalarType();
    AllocaInst* memory = lane_output(type);
    b_.CreateStore(vector, memory);
    Value* index = b_.CreateZExt(lanes, widened(b_.getInt64Ty()));
    Value* pointers = b_.CreateGEP(type, memory, index);
    Type* result = widened(type);
    if (costs_.isLegalMaskedGather(result, Align(4)))
        return b_.CreateMaskedGather(result, pointers, Align(4), mask_value(nullptr), UndefValue::get(result));
    return per_lane(type, [&](unsigned lane) {
        return b_.CreateAlignedLoad(type, b_.CreateGEP(type, memory, b_.CreateExtractElement(index, uint64_t(lane))), Align(4));
    });
}

void Widener::emit_shuffle(CallInst& call) {
    StringRef mode = call.getCalledFunction()->getName().drop_front(strlen("anywarp.shfl."));
    Type* lane_type = widened(b_.getInt32Ty());
    auto number = [&](uint32_t value) { return ConstantInt::get(lane_type, value); };
    Value* source = vector(call.getArgOperand(0));
    if (shape(&call).uniform()) { // shfl.idx from a constant lane: one value for all
        Value* lane = b_.CreateAnd(scalar(call.getArgOperand(1)), b_.getInt32(31));
        Value* value = b_.CreateExtractElement(source, lane);
        define_pair(call, value, b_.getTrue());
        return;
    }
    Value* b = b_.CreateAnd(vector(call.getArgOperand(1)), number(31));
    Value* c = vector(call.getArgOperand(2));
    Value* clamp = b_.CreateAnd(c, number(31));
    Value* segment = b_.CreateAnd(b_.CreateLShr(c, number(8)), number(31));
    Value* lane = lane_numbers(b_.getInt32Ty());
    Value* min_lane = b_.CreateAnd(lane, segment);
    Value* max_lane = b_.CreateOr(min_lane, b_.CreateAnd(clamp, b_.CreateNot(segment)));
    Value *from, *valid;
    if (mode == "up") {
        from = b_.CreateSub(lane, b);
        valid = b_.CreateICmpSGE(from, max_lane);
    } else if (mode == "down") {
        from = b_.CreateAdd(lane, b);
        valid = b_.CreateICmpSLE(from, max_lane);
    } else if (mode == "bfly") {
        from = b_.CreateXor(lane, b);
        valid = b_.CreateICmpSLE(from, max_lane);
    } else {
        from = b_.CreateOr(min_lane, b_.CreateAnd(b, b_.CreateNot(segment)));
        valid = b_.CreateICmpSLE(from, max_lane);
    }
    from = b_.CreateSelect(valid, from, lane);
    define_pair(call, permute(source, from), valid);
}

void Widener::emit_vote(CallInst& call) {
    StringRef mode = call.getCalledFunction()->getName().drop_front(strlen("anywarp.vote."));
    Value* predicate = vector(call.getArgOperand(0));
    Value* yes = mask_bits(mask_and(mask_, predicate), 32);
    Value* here = mask_bits(mask_, 32);
    bool uniform = shape(call.getArgOperand(1)).uniform();
    Value* members = uniform ? scalar(call.getArgOperand(1)) : vector(call.getArgOperand(1));
    if (!uniform) {
        yes = splat(yes);
        here = splat(here);
    }
    yes = b_.CreateAnd(yes, members);
    here = b_.CreateAnd(here, members);
    Value* zero = Constant::getNullValue(yes->getType());
    Value* result;
    if (mode == "all") result = b_.CreateICmpEQ(yes, here);
    else if (mode == "any") result = b_.CreateICmpNE(yes, zero);
    else if (mode == "uni") result = b_.CreateOr(b_.CreateICmpEQ(yes, here), b_.CreateICmpEQ(yes, zero));
    else result = yes;
    Lanes lanes;
    if (shape(&call).uniform()) lanes.scalar = result;
    else lanes.vector = uniform ? splat(result) : result;
    define(call, lanes);
}

// match: for each lane, which lanes of the mask hold the same value. One round per lane, each a vector comparison.
void Widener::emit_match(CallInst& call) {
    bool is_all = call.getCalledFunction()->getName().starts_with("anywarp.match.all");
    Value* value = vector(call.getArgOperand(0));
    Value* members = vector(call.getArgOperand(1));
    Type* word = widened(b_.getInt32Ty());
    Value* here = b_.CreateAnd(splat(mask_bits(mask_, 32)), members);
    Value* same = Constant::getNullValue(word);
    for (unsigned i = 0; i < width_; ++i) {
        Value* equal = b_.CreateICmpEQ(value, splat(b_.CreateExtractElement(value, uint64_t(i))));
        same = b_.CreateOr(same, b_.CreateSelect(equal, ConstantInt::get(word, 1u << i), Constant::getNullValue(word)));
    }
    same = b_.CreateAnd(same, here);
    if (!is_all) {
        Lanes lanes{nullptr, same, nullptr};
        if (shape(&call).uniform()) lanes = {b_.CreateExtractElement(same, uint64_t(0)), nullptr, nullptr};
        return define(call, lanes);
    }
    Value* all_equal = b_.CreateICmpEQ(same, here);
    define_pair(call, b_.CreateSelect(all_equal, here, Constant::getNullValue(word)), all_equal);
}

void Widener::emit_redux(CallInst& call) {
    StringRef mode = call.getCalledFunction()->getName().drop_front(strlen("anywarp.redux."));
    uint32_t identity = 0;
    if (mode == "and" || mode == "min.u") identity = ~0u;
    else if (mode == "min.s") identity = 0x7fffffffu;
    else if (mode == "max.s") identity = 0x80000000u;
    auto reduce = [&](Value* lanes) -> Value* {
        if (mode == "add") return b_.CreateAddReduce(lanes);
        if (mode == "and") return b_.CreateAndReduce(lanes);
        if (mode == "or") return b_.CreateOrReduce(lanes);
        if (mode == "xor") return b_.CreateXorReduce(lanes);
        if (mode == "min.s") return b_.CreateIntMinReduce(lanes, true);
        if (mode == "max.s") return b_.CreateIntMaxReduce(lanes, true);
        if (mode == "min.u") return b_.CreateIntMinReduce(lanes, false);
        return b_.CreateIntMaxReduce(lanes, false);
    };
    Value* source = vector(call.getArgOperand(0));
    Value* neutral = ConstantInt::get(source->getType(), identity);
    Value* mask_operand = call.getArgOperand(1);
    auto members_as_lanes = [&](Value* members) { return b_.CreateBitCast(members, widened(b_.getInt1Ty())); };
    if (shape(mask_operand).uniform()) {
        Value* chosen = mask_and(mask_, members_as_lanes(scalar(mask_operand)));
        Value* result = reduce(b_.CreateSelect(chosen, source, neutral));
        Lanes lanes;
        if (shape(&call).uniform()) lanes.scalar = result;
        else lanes.vector = splat(result);
        return define(call, lanes);
    }
    // Each group of lanes has a mask of its own: reduce for each lane.
    Value* members = vector(mask_operand);
    Value* result = per_lane(b_.getInt32Ty(), [&](unsigned lane) {
        Value* chosen = mask_and(mask_, members_as_lanes(b_.CreateExtractElement(members, uint64_t(lane))));
        return reduce(b_.CreateSelect(chosen, source, neutral));
    });
    define(call, {nullptr, result, nullptr});
}

// ---- suspension ----------------------------------------------------------------------------------------------------------------

void Widener::store_state(unsigned offset, Value* value) {
    b_.CreateStore(value, b_.CreateConstGEP1_32(b_.getInt8Ty(), target_.getArg(2), offset));
}

void Widener::suspend(bool for_block) {
    suspends = true;
    FunctionCallee callee = target_.getParent()->getOrInsertFunction(for_block ? wait_for_block_name : suspend_name, b_.getVoidTy());
    // Two copies of a barrier would be two places to go on from, and warps that came to different ones couldn't go on together.
    cast<Function>(callee.getCallee())->addFnAttr(Attribute::NoDuplicate);
    b_.CreateCall(callee);
}

// bar.red: the lanes of this warp whose predicate is true. For "and", lanes that have left don't object.
Value* Widener::barrier_trues(CallInst& call, Value* threads) {
    Value* predicate = call.getArgOperand(4);
    if (width_ == 1) return b_.CreateZExt(scalar(predicate), b_.getInt32Ty());
    Value* yes = b_.CreateUnaryIntrinsic(Intrinsic::ctpop, mask_bits(mask_and(mask_, vector(predicate)), 32));
    if (!mask_) return yes;
    Value* absent = b_.CreateSub(threads, active_count());
    Value* is_and = b_.CreateICmpEQ(scalar(call.getArgOperand(3)), b_.getInt32(uint32_t(BarrierReduce::and_)));
    return b_.CreateAdd(yes, b_.CreateSelect(is_and, absent, b_.getInt32(0)));
}

// Is the block known to be a single warp? Then it never waits at a barrier, and isn't cut there.
bool Widener::only_warp() const {
    uint64_t threads = uint64_t(options_.block_dim[0]) * options_.block_dim[1] * options_.block_dim[2];
    return width_ > 1 && threads && threads <= width_;
}

// Does a barrier for so many threads wait for all of the block?
bool Widener::is_whole_block(Value* threads) const {
    auto* count = dyn_cast<ConstantInt>(threads);
    return count && (count->isZero() || count->equalsInt(uint64_t(options_.block_dim[0]) * options_.block_dim[1] * options_.block_dim[2]));
}

// A barrier in a block of one warp: all have arrived as soon as it does. (A barrier that expects more threads than there are
// would wait for ever; such a kernel is broken, and goes on here.)
void Widener::emit_lone_barrier(CallInst& call) {
    if (call.getType()->isVoidTy()) return;
    Value* threads = warp_threads();
    Value* yes = barrier_trues(call, threads);
    Value* kind = scalar(call.getArgOperand(3));
    auto is = [&](BarrierReduce reduce) { return b_.CreateICmpEQ(kind, b_.getInt32(uint32_t(reduce))); };
    Value* either = b_.CreateZExt(b_.CreateICmpNE(yes, b_.getInt32(0)), b_.getInt32Ty());
    Value* all_of = b_.CreateZExt(b_.CreateICmpUGE(yes, threads), b_.getInt32Ty());
    Value* result = b_.CreateSelect(is(BarrierReduce::and_), all_of, b_.CreateSelect(is(BarrierReduce::or_), either, yes));
    define(call, {result, nullptr, nullptr});
}

void Widener::emit_barrier(CallInst& call) {
    StringRef name = call.getCalledFunction()->getName();
    auto kind = [&](Suspension suspension) { store_state(offsetof(WarpState, suspension), b_.getInt32(uint32_t(suspension))); };
    if (name == "anywarp.yield") {
        kind(Suspension::yield);
        suspend();
        return;
    }
    bool arrive = name == "anywarp.barrier.arrive", reduces = name == "anywarp.barrier.red";
    for (unsigned i = 1; i <= 2; ++i)
        if (!shape(call.getArgOperand(i)).uniform()) {
            error_ = "barrier whose number or thread count differs between lanes";
            return;
        }
    if (only_warp()) return emit_lone_barrier(call);
    if (!arrive && !reduces && match(scalar(call.getArgOperand(1)), PatternMatch::m_Zero()) && is_whole_block(scalar(call.getArgOperand(2)))) return suspend(true);
    kind(arrive ? Suspension::arrive : Suspension::barrier);
    store_state(offsetof(WarpState, barrier_id), scalar(call.getArgOperand(1)));
    store_state(offsetof(WarpState, barrier_threads), scalar(call.getArgOperand(2)));
    store_state(offsetof(WarpState, reduce), reduces ? scalar(call.getArgOperand(3)) : b_.getInt32(0));
    // A warp arrives as a whole: lanes that have left the kernel count too.
    Value* threads = width_ == 1 ? static_cast<Value*>(b_.getInt32(1)) : warp_threads();
    store_state(offsetof(WarpState, contribution), threads);
    if (reduces) store_state(offsetof(WarpState, value), barrier_trues(call, threads));
    suspend();
    if (reduces) {
        Value* result = b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstGEP1_32(b_.getInt8Ty(), target_.getArg(2), offsetof(WarpState, result)));
        define(call, {result, nullptr, nullptr});
    }
}

std::optional<WarpOp> warp_operation(StringRef name) {
    static const std::pair<const char*, WarpOp> operations[] = {
        {"warp.sync", WarpOp::sync}, {"shfl.up", WarpOp::shfl_up}, {"shfl.down", WarpOp::shfl_down}, {"shfl.bfly", WarpOp::shfl_bfly},
        {"shfl.idx", WarpOp::shfl_idx}, {"vote.all", WarpOp::vote_all}, {"vote.any", WarpOp::vote_any}, {"vote.uni", WarpOp::vote_uni},
        {"vote.ballot", WarpOp::vote_ballot}, {"match.any.b32", WarpOp::match_any}, {"match.any.b64", WarpOp::match_any},
        {"match.all.b32", WarpOp::match_all}, {"match.all.b64", WarpOp::match_all}, {"redux.add", WarpOp::redux_add},
        {"redux.min.s", WarpOp::redux_min_s}, {"redux.max.s", WarpOp::redux_max_s}, {"redux.min.u", WarpOp::redux_min_u},
        {"redux.max.u", WarpOp::redux_max_u}, {"redux.and", WarpOp::redux_and}, {"redux.or", WarpOp::redux_or},
        {"redux.xor", WarpOp::redux_xor}, {"elect", WarpOp::elect}};
    for (auto& entry : operations)
        if (name == entry.first) return entry.second;
    return std::nullopt;
}

// Width 1: leave operands in the letterbox, suspend, read the answer.
void Widener::emit_single_lane_operation(CallInst& call) {
    StringRef name = call.getCalledFunction()->getName().drop_front(strlen("anywarp."));
    std::optional<WarpOp> operation = warp_operation(name);
    if (!operation) {
        error_ = "warp operation " + name.str() + " at width 1";
        return;
    }
    bool is_shuffle = name.starts_with("shfl");
    unsigned last = call.arg_size() - 1;
    store_state(offsetof(WarpState, suspension), b_.getInt32(uint32_t(Suspension::warp_sync)));
    store_state(offsetof(WarpState, op), b_.getInt32(uint32_t(*operation)));
    store_state(offsetof(WarpState, mask), scalar(call.getArgOperand(last)));
    if (last > 0) {
        Value* value = scalar(call.getArgOperand(0));
        Value* wide = b_.CreateZExt(value, b_.getInt64Ty());
        store_state(offsetof(WarpState, value), b_.CreateTrunc(wide, b_.getInt32Ty()));
        store_state(offsetof(WarpState, value_high), b_.CreateTrunc(b_.CreateLShr(wide, b_.getInt64(32)), b_.getInt32Ty()));
    }
    if (is_shuffle) {
        store_state(offsetof(WarpState, operand_b), scalar(call.getArgOperand(1)));
        store_state(offsetof(WarpState, operand_c), scalar(call.getArgOperand(2)));
    }
    suspend();
    if (call.getType()->isVoidTy()) return;
    auto answer = [&](unsigned offset) {
        return b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstGEP1_32(b_.getInt8Ty(), target_.getArg(2), offset));
    };
    Value* result = answer(offsetof(WarpState, result));
    if (call.getType()->isStructTy()) {
        Value* predicate = b_.CreateICmpNE(answer(offsetof(WarpState, result_predicate)), b_.getInt32(0));
        Value* pair = b_.CreateInsertValue(UndefValue::get(call.getType()), result, 0);
        cache_[&call] = {b_.CreateInsertValue(pair, predicate, 1), nullptr, nullptr};
    } else if (call.getType()->isIntegerTy(1)) {
        define(call, {b_.CreateICmpNE(result, b_.getInt32(0)), nullptr, nullptr});
    } else {
        define(call, {result, nullptr, nullptr});
    }
}

// ---- services --------------------------------------------------------------------------------------------------------------------

// printf, malloc, memory intrinsics ...: called once for each active lane; once in all when nothing differs between lanes and
// calling it again would change nothing.
void Widener::emit_service(CallInst& call) {
    Function* callee = call.getCalledFunction();
    StringRef name = callee->getName();
    bool noreturn = call.doesNotReturn() || name == "anywarp_trap" || name == "anywarp_assertfail";
    bool uniform_operands = true;
    for (Value* argument : call.args()) uniform_operands &= shape(argument).uniform();
    bool once = name == "anywarp_globaltimer" || name == "anywarp_nanosleep" || name == "anywarp_trap" ||
                (isa<IntrinsicInst>(call) && uniform_operands);
    if (once || width_ == 1) {
        std::vector<Value*> arguments;
        for (Value* argument : call.args())
            arguments.push_back(shape(argument).uniform() ? scalar(argument) : b_.CreateExtractElement(vector(argument), uint64_t(0)));
        CallInst* copy = b_.CreateCall(callee, arguments);
        copy->setAttributes(call.getAttributes());
        if (!call.getType()->isVoidTy()) {
            Lanes lanes;
            (shape(&call).uniform() ? lanes.scalar : lanes.vector) = shape(&call).uniform() ? static_cast<Value*>(copy) : splat(copy);
            define(call, lanes);
        }
        return;
    }
    std::vector<LaneInput> inputs;
    for (Value* argument : call.args()) inputs.push_back(lane_input(argument));
    AllocaInst* output = call.getType()->isVoidTy() ? nullptr : lane_output(call.getType());
    for_each_active_lane([&](Value* lane) {
        std::vector<Value*> arguments;
        for (const LaneInput& input : inputs) arguments.push_back(lane_value(input, lane));
        CallInst* copy = b_.CreateCall(callee, arguments);
        copy->setAttributes(call.getAttributes());
        if (noreturn) copy->removeFnAttr(Attribute::NoReturn); // the loop goes on, as far as the compiler can see
        if (output) set_lane_output(output, call.getType(), lane, copy);
    });
    if (output) define(call, {nullptr, lane_results(output, call.getType()), nullptr});
}

} // namespace anywarp::simd
