// The widening of one kernel, step by step, and the entry points around the result (kernel_abi.h).
#include "simd/simd.h"

#include "simd/pieces.h"
#include "simd/regions.h"
#include "simd/shapes.h"
#include "simd/widener.h"

#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/LCSSA.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/LoopUtils.h>

#include <array>
#include <bit>
#include <functional>

namespace anywarp::simd {

using namespace llvm;

namespace {

// Structures: the pairs {i32, i1} that atomics and warp operations make, the four results of a vector function. Phis, freezes and
// selects of them become those of their members, and each member is taken out once, right behind the instruction that makes the
// structure. Later no structure leaves its block.
void split_structures(Function& function) {
    std::vector<PHINode*> joins;
    for (BasicBlock& block : function)
        for (PHINode& phi : block.phis())
            if (phi.getType()->isStructTy()) joins.push_back(&phi);
    DenseMap<PHINode*, SmallVector<PHINode*, 4>> members_of;
    for (PHINode* join : joins)
        for (unsigned k = 0; k < join->getType()->getStructNumElements(); ++k)
            members_of[join].push_back(PHINode::Create(join->getType()->getStructElementType(k), join->getNumIncomingValues(),
                                                       join->getName(), join->getIterator()));
    std::function<Value*(Value*, unsigned)> member = [&](Value* pair, unsigned k) -> Value* {
        if (auto* constant = dyn_cast<Constant>(pair)) return constant->getAggregateElement(k);
        if (auto* phi = dyn_cast<PHINode>(pair)) return members_of[phi][k];
        if (auto* frozen = dyn_cast<FreezeInst>(pair))
            return new FreezeInst(member(frozen->getOperand(0), k), "", frozen->getIterator());
        if (auto* select = dyn_cast<SelectInst>(pair))
            return SelectInst::Create(select->getCondition(), member(select->getTrueValue(), k), member(select->getFalseValue(), k), "",
                                      select->getIterator());
        auto* maker = cast<Instruction>(pair);
        return ExtractValueInst::Create(maker, {k}, "", std::next(maker->getIterator()));
    };
    for (PHINode* join : joins) {
        for (unsigned i = 0; i < join->getNumIncomingValues(); ++i)
            for (unsigned k = 0; k < join->getType()->getStructNumElements(); ++k)
                members_of[join][k]->addIncoming(member(join->getIncomingValue(i), k), join->getIncomingBlock(i));
        for (User* user : make_early_inc_range(join->users()))
            if (auto* extract = dyn_cast<ExtractValueInst>(user)) {
                extract->replaceAllUsesWith(members_of[join][extract->getIndices()[0]]);
                extract->eraseFromParent();
            }
    }
    std::vector<Instruction*> passed_on; // frozen or selected structures
    for (BasicBlock& block : function)
        for (Instruction& instruction : block)
            if (instruction.getType()->isStructTy() && (isa<FreezeInst>(instruction) || isa<SelectInst>(instruction)))
                passed_on.push_back(&instruction);
    for (Instruction* pair : passed_on)
        for (User* user : make_early_inc_range(pair->users()))
            if (auto* extract = dyn_cast<ExtractValueInst>(user)) {
                extract->replaceAllUsesWith(member(pair, extract->getIndices()[0]));
                extract->eraseFromParent();
            }
    for (Instruction* pair : passed_on) pair->replaceAllUsesWith(PoisonValue::get(pair->getType()));
    for (Instruction* pair : passed_on) pair->eraseFromParent();
    for (PHINode* join : joins) join->replaceAllUsesWith(PoisonValue::get(join->getType())); // other joins, gone with it
    for (PHINode* join : joins) join->eraseFromParent();

    std::vector<Instruction*> pairs;
    for (BasicBlock& block : function)
        for (Instruction& instruction : block)
            if (instruction.getType()->isStructTy()) pairs.push_back(&instruction);
    for (Instruction* pair : pairs) {
        SmallVector<ExtractValueInst*, 4> members(pair->getType()->getStructNumElements(), nullptr);
        for (User* user : make_early_inc_range(pair->users())) {
            auto* extract = dyn_cast<ExtractValueInst>(user);
            if (!extract) continue;
            ExtractValueInst*& first = members[extract->getIndices()[0]];
            if (!first) {
                extract->moveBefore(pair->getNextNode());
                first = extract;
            } else {
                extract->replaceAllUsesWith(first);
                extract->eraseFromParent();
            }
        }
    }
}

// The shape of control flow that Regions expects: simple loops whose latch does nothing but go back, values that leave loops
// through phis, structures taken apart where they are made.
void normalize(Function& function, DominatorTree& dominators, LoopInfo& loops) {
    removeUnreachableBlocks(function);
    split_structures(function);
    dominators.recalculate(function);
    loops.releaseMemory();
    loops.analyze(dominators);
    for (Loop* loop : loops) simplifyLoop(loop, &dominators, &loops, nullptr, nullptr, nullptr, false);
    for (Loop* loop : loops.getLoopsInPreorder()) {
        BasicBlock* latch = loop->getLoopLatch();
        if (latch && !latch->getSingleSuccessor()) SplitEdge(latch, loop->getHeader(), &dominators, &loops);
    }
    for (Loop* loop : loops) formLCSSARecursively(*loop, dominators, &loops, nullptr);
    dominators.recalculate(function);
    loops.releaseMemory();
    loops.analyze(dominators);
}

struct Widened { // what widening a function found out
    bool suspends = false;
    uint32_t contiguous = 0, broadcast = 0, strided = 0, gather = 0, atomics = 0;
    std::vector<VectorCall> vector_calls;
};

// Fills the empty function `target` with `source` for a warp; `varying`: arguments that are vectors in the target.
Result<Widened> widen_function(Function& source, Function& target, const WidenOptions& options,
                               const std::vector<const Argument*>& varying, TargetMachine& machine) {
    DominatorTree dominators(source);
    LoopInfo loops;
    normalize(source, dominators, loops);
    for (BasicBlock& block : source)
        if (isa<SwitchInst>(block.getTerminator()) || isa<IndirectBrInst>(block.getTerminator()))
            return internal_error("widening: a switch was left in " + source.getName().str());
    PostDominatorTree post_dominators(source);
    Shapes shapes(source, options.width, dominators, varying);
    Regions regions(source, dominators, post_dominators, loops, [&](BasicBlock& block) { return shapes.divergent_branch(block); });
    shapes.find_strides(regions);
    for (Attribute attribute : source.getAttributes().getFnAttrs())
        if (attribute.isStringAttribute()) target.addFnAttr(attribute);
    target.addFnAttr(Attribute::NoUnwind);
    TargetTransformInfo costs = machine.getTargetTransformInfo(target);
    Widener widener(source, target, options, shapes, regions, loops, costs);
    if (auto result = widener.run(); !result) return std::unexpected(result.error());
    return Widened{widener.suspends, widener.contiguous, widener.broadcast, widener.strided, widener.gather, widener.atomics,
                   std::move(widener.vector_calls)};
}

constexpr uint32_t frame_align = 256; // the widest vector of a warp, <32 x double>

Type* info_type(LLVMContext& context) {
    Type* i32 = Type::getInt32Ty(context);
    Type* ptr = PointerType::getUnqual(context);
    Type* i64 = Type::getInt64Ty(context);
    return StructType::get(context, {i32, i32, i32, i32, ptr, ptr, i64, i32, i32, i32, i32, i32, i32, i32, i32}); // KernelInfo
}

// Runs the warps of a block one after the other.
Function* make_run_block(Module& module, Function& warp, const WidenOptions& options) {
    LLVMContext& context = module.getContext();
    IRBuilder<> b(context);
    auto* type = FunctionType::get(b.getVoidTy(), {b.getPtrTy()}, false);
    auto* function = Function::Create(type, GlobalValue::ExternalLinkage, "anywarp_run_block", module);
    function->copyAttributesFrom(&warp);
    function->removeFnAttr(Attribute::AlwaysInline);
    auto* entry = BasicBlock::Create(context, "entry", function);
    auto* loop = BasicBlock::Create(context, "warps", function);
    auto* done = BasicBlock::Create(context, "done", function);
    b.SetInsertPoint(entry);
    Value* block = function->getArg(0);
    uint32_t known = options.block_dim[0] * options.block_dim[1] * options.block_dim[2];
    Value* threads = known ? static_cast<Value*>(b.getInt32(known))
                           : b.CreateLoad(b.getInt32Ty(), b.CreateConstGEP1_32(b.getInt8Ty(), block, offsetof(BlockContext, threads)));
    b.CreateBr(loop);
    b.SetInsertPoint(loop);
    PHINode* base = b.CreatePHI(b.getInt32Ty(), 2, "warp_base");
    base->addIncoming(b.getInt32(0), entry);
    b.CreateCall(&warp, {block, base, ConstantPointerNull::get(b.getPtrTy())});
    Value* next = b.CreateAdd(base, b.getInt32(options.width), "", true, true);
    base->addIncoming(next, loop);
    b.CreateCondBr(b.CreateICmpULT(next, threads), loop, done);
    b.SetInsertPoint(done);
    b.CreateRetVoid();
    warp.addFnAttr(Attribute::AlwaysInline);
    return function;
}

// A kernel whose recursive functions wait: every lane is a fiber, the machine makes and resumes it (machine/fiber.h).
constexpr uint64_t fiber_stack_bytes = 256 << 10; // of virtual memory; what a lane doesn't use costs nothing

void make_fibers(Module& module, Function& lane, Function& run_pieces, uint64_t frame_bytes) {
    LLVMContext& context = module.getContext();
    IRBuilder<> b(context);
    Type *nothing = b.getVoidTy(), *ptr = b.getPtrTy(), *i32 = b.getInt32Ty(), *i64 = b.getInt64Ty();
    FunctionCallee suspend = module.getOrInsertFunction("anywarp_fiber_suspend", nothing);
    std::vector<CallInst*> suspensions;
    for (BasicBlock& block : lane)
        for (Instruction& instruction : block)
            if (StringRef name = callee_name(&instruction); name == suspend_name || name == wait_for_block_name)
                suspensions.push_back(cast<CallInst>(&instruction));
    for (CallInst* call : suspensions) {
        b.SetInsertPoint(call);
        if (callee_name(call) == wait_for_block_name)
            b.CreateStore(b.getInt32(uint32_t(Suspension::block_barrier)), lane.getArg(2)); // WarpState::suspension is its first member
        b.CreateCall(suspend);
        call->eraseFromParent();
    }
    // Piece 0 makes the fibers, piece 1 goes on with them, wherever each has stopped.
    auto* entry = BasicBlock::Create(context, "entry", &run_pieces);
    auto* loop = BasicBlock::Create(context, "lanes", &run_pieces);
    auto* begin = BasicBlock::Create(context, "begin", &run_pieces);
    auto* resume = BasicBlock::Create(context, "resume", &run_pieces);
    auto* next = BasicBlock::Create(context, "next", &run_pieces);
    auto* done = BasicBlock::Create(context, "done", &run_pieces);
    b.SetInsertPoint(entry);
    b.CreateBr(loop);
    b.SetInsertPoint(loop);
    PHINode* number = b.CreatePHI(i32, 2);
    number->addIncoming(run_pieces.getArg(4), entry);
    auto at = [&](unsigned array, uint64_t bytes) {
        return b.CreateGEP(b.getInt8Ty(), run_pieces.getArg(array), b.CreateMul(b.CreateZExt(number, i64), b.getInt64(bytes)));
    };
    Value *state = at(1, sizeof(WarpState)), *frame = at(2, frame_bytes);
    b.CreateCondBr(b.CreateICmpEQ(run_pieces.getArg(3), b.getInt32(0)), begin, resume);
    b.SetInsertPoint(begin);
    FunctionCallee start = module.getOrInsertFunction("anywarp_fiber_start", nothing, ptr, i32, ptr, ptr, i64, ptr);
    b.CreateCall(start, {run_pieces.getArg(0), number, state, frame, b.getInt64(frame_bytes), &lane});
    b.CreateBr(next);
    b.SetInsertPoint(resume);
    b.CreateCall(module.getOrInsertFunction("anywarp_fiber_resume", nothing, ptr), {frame});
    b.CreateBr(next);
    b.SetInsertPoint(next);
    b.CreateStore(b.getInt32(1), b.CreateConstGEP1_64(b.getInt8Ty(), state, offsetof(WarpState, piece)));
    Value* following = b.CreateAdd(number, b.getInt32(1));
    number->addIncoming(following, next);
    b.CreateCondBr(b.CreateICmpULT(following, run_pieces.getArg(5)), loop, done);
    b.SetInsertPoint(done);
    b.CreateRet(b.getInt32(pieces_mixed));
}

} // namespace

void annotate_lanes(Function& kernel, unsigned width, const uint32_t (&block_dim)[3]) {
    LLVMContext& context = kernel.getContext();
    IRBuilder<> b(&*kernel.getEntryBlock().getFirstInsertionPt());
    if (width > 1) {
        Argument* base = kernel.getArg(1);
        // Below the number of threads, too: compilers write ctaid * 256 | tid.
        uint64_t threads = uint64_t(block_dim[0]) * block_dim[1] * block_dim[2];
        uint64_t below = std::bit_ceil(std::max<uint64_t>(threads ? threads : 1024, width));
        auto* aligned = cast<Instruction>(BinaryOperator::CreateAnd(base, ConstantInt::get(base->getType(), (below - 1) & ~uint64_t(width - 1)), "warp"));
        b.Insert(aligned);
        base->replaceUsesWithIf(aligned, [&](Use& use) { return use.getUser() != aligned; });
    }
    if (Function* lane = kernel.getParent()->getFunction("anywarp.lane"))
        for (User* user : lane->users())
            if (auto* call = dyn_cast<CallInst>(user))
                call->setMetadata(LLVMContext::MD_range, MDBuilder(context).createRange(APInt(32, 0), APInt(32, width)));
}

// Vector functions (simt.h): one thread's function `lanes`, its result stored by each lane, becomes a function of a whole warp for
// each combination of uniform and varying arguments that a call has.
static Result<void> widen_vector_functions(std::vector<VectorCall> calls, const WidenOptions& options, TargetMachine& machine) {
    WidenOptions own = options;
    own.statistics = false; // these have no block context to count in
    for (const VectorCall& call : calls) {
        ValueToValueMapTy map;
        Function* source = CloneFunction(call.lanes, map);
        std::vector<const Argument*> varying;
        for (unsigned i = 0; i < source->arg_size(); ++i)
            if (call.vector->getArg(i)->getType()->isVectorTy()) varying.push_back(source->getArg(i));
        call.vector->setLinkage(GlobalValue::InternalLinkage);
        Result<Widened> widened = widen_function(*source, *call.vector, own, varying, machine);
        source->eraseFromParent();
        if (!widened) return std::unexpected(widened.error());
    }
    return {};
}

Result<void> widen_kernel(Function& function, const WidenOptions& options, TargetMachine& machine) {
    Module& module = *function.getParent();
    LLVMContext& context = module.getContext();
    IRBuilder<> b(context);

    auto* type = FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), b.getPtrTy()}, false);
    auto* warp = Function::Create(type, GlobalValue::InternalLinkage, "anywarp_warp", module);
    Result<Widened> result = widen_function(function, *warp, options, {}, machine);
    if (!result) {
        warp->eraseFromParent();
        return std::unexpected(result.error());
    }
    Widened& widener = *result;
    if (auto made = widen_vector_functions(widener.vector_calls, options, machine); !made) return made;

    Constant* null = ConstantPointerNull::get(b.getPtrTy());
    Constant *run_block = null, *run_pieces = null;
    uint64_t frame_bytes = 0;
    if (widener.suspends || module.getNamedMetadata("anywarp.fibers")) {
        Type *ptr = b.getPtrTy(), *i32 = b.getInt32Ty();
        auto* pieces = Function::Create(FunctionType::get(i32, {ptr, ptr, ptr, i32, i32, i32}, false), GlobalValue::ExternalLinkage, run_pieces_name, module);
        run_pieces = pieces;
        if (module.getNamedMetadata("anywarp.fibers")) {
            frame_bytes = fiber_stack_bytes + alignTo(4 * uint64_t(options.local_bytes), 4096);
            make_fibers(module, *warp, *pieces, frame_bytes);
            widener.suspends = true;
        } else { // cut_into_pieces() does the rest, once the code has been simplified
            warp->addFnAttr(width_attribute, std::to_string(options.width));
            warp->addFnAttr(threads_attribute, std::to_string(options.block_dim[0] * options.block_dim[1] * options.block_dim[2]));
        }
    } else {
        run_block = make_run_block(module, *warp, options);
    }
    function.deleteBody();
    if (function.use_empty()) function.eraseFromParent();
    for (Function& other : make_early_inc_range(module)) // the one-thread forms of vector functions have served
        if (other.getName().starts_with("anywarp_lanes.") || (other.getName().starts_with("anywarp_vector.") && other.use_empty()))
            other.eraseFromParent();

    auto number = [&](uint32_t value) { return b.getInt32(value); };
    auto* info = ConstantStruct::get(cast<StructType>(info_type(context)),
                                     {number(kernel_abi_version), number(options.width), number(widener.suspends), number(frame_align), run_block, run_pieces,
                                      b.getInt64(frame_bytes), number(widener.contiguous), number(widener.broadcast), number(widener.strided),
                                      number(widener.gather), number(widener.atomics), number(options.local_bytes), number(options.spins), number(0)});
    new GlobalVariable(module, info->getType(), true, GlobalValue::ExternalLinkage, info, "anywarp_kernel_info");

    // Recursive device functions run at width 1: the lane is lane 0 of a warp of one.
    if (Function* lane = module.getFunction("anywarp.lane"); lane && lane->isDeclaration() && !lane->use_empty()) {
        for (User* user : make_early_inc_range(lane->users()))
            if (auto* call = dyn_cast<CallInst>(user)) {
                call->replaceAllUsesWith(b.getInt32(0));
                call->eraseFromParent();
            }
    }
    std::string problem;
    raw_string_ostream stream(problem);
    if (verifyModule(module, &stream)) return internal_error("widening made a broken module: " + problem);
    return {};
}

} // namespace anywarp::simd
