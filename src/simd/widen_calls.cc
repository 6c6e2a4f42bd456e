// Calls of vector functions: what would be too much code to repeat at every place that needs it (texture sampling) stays a
// function, of a whole warp.
//
// One thread calls `{i32, i32, i32, i32} anywarp_vector.NAME(arguments)`. The module also holds `void
// anywarp_lanes.NAME(arguments, i1 active, ptr results)`: the same for one thread, with lane i's results at results[i],
// results[width + i] ... It is widened once for each combination of uniform and varying arguments (widen_vector_functions in
// simd.cc); lanes that aren't active come as a mask, or not at all where all are.
#include "simd/widener.h"

namespace anywarp::simd {

using namespace llvm;

Value* Widener::any_active(Value* vector) {
    Value* lane = mask_ ? b_.CreateBinaryIntrinsic(Intrinsic::cttz, mask_bits(mask_, 32), b_.getTrue())
                        : static_cast<Value*>(b_.getInt32(0));
    return b_.CreateExtractElement(vector, lane);
}

void Widener::emit_vector_call(CallInst& call) {
    Module& module = *source_.getParent();
    StringRef name = call.getCalledFunction()->getName().drop_front(strlen("anywarp_vector."));
    Function* lanes = module.getFunction(("anywarp_lanes." + name).str());
    if (!lanes) {
        error_ = "vector function " + name.str() + " without its form for one thread";
        return;
    }
    std::string key = ("anywarp_warp." + name + ".").str(); // u: uniform, v: varying
    std::vector<Value*> arguments;
    for (Value* argument : call.args()) {
        bool uniform = shape(argument).uniform();
        arguments.push_back(uniform ? scalar(argument) : vector(argument));
        key += uniform ? 'u' : 'v';
    }
    arguments.push_back(mask_ ? mask_ : static_cast<Value*>(b_.getTrue()));
    key += mask_ ? 'v' : 'u';
    auto* result_type = cast<StructType>(call.getType());
    unsigned count = result_type->getNumElements();
    Type* member_type = widened(b_.getInt32Ty());
    AllocaInst* results = make_scratch(ArrayType::get(member_type, count), "results");
    arguments.push_back(results);
    Function* warp = module.getFunction(key);
    if (!warp) {
        std::vector<Type*> types;
        for (Value* argument : arguments) types.push_back(argument->getType());
        warp = Function::Create(FunctionType::get(b_.getVoidTy(), types, false), GlobalValue::ExternalLinkage, key, module);
        warp->setDoesNotThrow();
        warp->addFnAttr(Attribute::NoInline);
        warp->setMemoryEffects(MemoryEffects::readOnly() | MemoryEffects::argMemOnly(ModRefInfo::ModRef));
        vector_calls.push_back({lanes, warp});
    }
    b_.CreateCall(warp, arguments);
    std::vector<Value*>& members = aggregates_[&call];
    members.clear();
    for (unsigned k = 0; k < count; ++k)
        members.push_back(b_.CreateLoad(member_type, b_.CreateConstGEP2_32(results->getAllocatedType(), results, 0, k)));
}

} // namespace anywarp::simd
