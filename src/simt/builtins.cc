// Links the builtin library into a lowered module.
//
// src/simt/builtins/*.c are compiled to LLVM bitcode when Anywarp is built, and the bytes are part of this library. Only the
// functions that were called come along, as internal alwaysinline functions without any target attribute: they must take on
// the target of the code around them, and become vector code when that is widened.
#include "simt/lowering.h"

#include <llvm/Analysis/ValueTracking.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Linker/Linker.h>

extern "C" const char anywarp_builtins_begin[], anywarp_builtins_end[];

namespace anywarp::simt {

// {i32, i32, i32, i32} anywarp_vector.NAME(parameters): at width 1 it is defined here; otherwise the widening makes it, from
// void anywarp_lanes.NAME(parameters, i1 active, ptr results), where lane i of a warp of W lanes stores at i, W + i, 2W + i, 3W +
// i.
llvm::FunctionCallee Program::vector_function(const std::string& name, llvm::ArrayRef<llvm::Type*> parameters) {
    llvm::IRBuilder<> b(context);
    llvm::Type* i32 = b.getInt32Ty();
    auto* four = llvm::StructType::get(context, {i32, i32, i32, i32});
    std::string called = "anywarp_vector." + name;
    if (auto* known = module.getFunction(called)) return known;
    bool scalar = options.width == 1;
    auto* function =
        llvm::Function::Create(llvm::FunctionType::get(four, parameters, false),
                               scalar ? llvm::Function::InternalLinkage : llvm::Function::ExternalLinkage, called, module);
    function->setDoesNotThrow();
    function->setWillReturn();
    function->setOnlyReadsMemory();
    llvm::SmallVector<llvm::Type*> with_results(parameters);
    with_results.push_back(b.getPtrTy());
    llvm::FunctionCallee builtin = this->builtin("anywarp_b_" + name, b.getVoidTy(), with_results);
    llvm::Function* body = function;
    if (!scalar) {
        llvm::SmallVector<llvm::Type*> types(parameters);
        types.append({b.getInt1Ty(), b.getPtrTy()});
        body = llvm::Function::Create(llvm::FunctionType::get(b.getVoidTy(), types, false), llvm::Function::ExternalLinkage,
                                      "anywarp_lanes." + name, module);
        body->setDoesNotThrow();
    }
    auto* entry = llvm::BasicBlock::Create(context, "entry", body);
    b.SetInsertPoint(entry);
    auto* slot = b.CreateAlloca(llvm::ArrayType::get(i32, 4));
    llvm::SmallVector<Value*> arguments;
    for (unsigned k = 0; k < parameters.size(); ++k) arguments.push_back(body->getArg(k));
    arguments.push_back(slot);
    if (scalar) {
        b.CreateCall(builtin, arguments);
        b.CreateRet(b.CreateLoad(four, slot));
        return function;
    }
    auto *run = llvm::BasicBlock::Create(context, "active", body), *done = llvm::BasicBlock::Create(context, "done", body);
    b.CreateCondBr(body->getArg(parameters.size()), run, done);
    b.SetInsertPoint(run);
    b.CreateCall(builtin, arguments);
    Value* lane = b.CreateCall(intrinsic("anywarp.lane", i32, {}, pure_lane));
    Value* own = b.CreateGEP(i32, body->getArg(parameters.size() + 1), b.CreateZExt(lane, b.getInt64Ty()));
    for (unsigned k = 0; k < 4; ++k)
        b.CreateAlignedStore(b.CreateLoad(i32, b.CreateConstGEP1_32(i32, slot, k)),
                             b.CreateConstGEP1_32(i32, own, k * options.width), llvm::Align(4));
    b.CreateBr(done);
    b.SetInsertPoint(done);
    b.CreateRetVoid();
    return function;
}

void Program::link_builtins() {
    if (!uses_builtins) return;
    llvm::StringRef bytes(anywarp_builtins_begin, anywarp_builtins_end - anywarp_builtins_begin);
    auto library = llvm::getLazyBitcodeModule(llvm::MemoryBufferRef(bytes, "builtins"), context);
    if (!library)
        throw Failure{Error{ErrorKind::internal, ErrorCode::unknown,
                            "the builtin library can't be read: " + llvm::toString(library.takeError())}};
    (*library)->setTargetTriple(module.getTargetTriple());
    (*library)->setDataLayout(module.getDataLayout());
    std::set<std::string> before;
    for (llvm::Function& f : module) before.insert(f.getName().str());
    if (llvm::Linker::linkModules(module, std::move(*library), llvm::Linker::LinkOnlyNeeded))
        throw Failure{Error{ErrorKind::internal, ErrorCode::unknown, "linking the builtin library failed"}};
    for (llvm::Function& f : module) {
        if (!f.getName().starts_with("anywarp_b_")) continue;
        if (f.isDeclaration())
            throw Failure{Error{ErrorKind::internal, ErrorCode::unknown, "builtin '" + f.getName().str() + "' is missing"}};
        f.setLinkage(llvm::GlobalValue::InternalLinkage);
        f.setVisibility(llvm::GlobalValue::DefaultVisibility);
        f.setDSOLocal(true);
        f.setAttributes({});
        f.addFnAttr(llvm::Attribute::AlwaysInline);
        f.setDoesNotThrow();
        f.setWillReturn();
        // Textures and surfaces are the only builtins that read memory. What they read doesn't change while a kernel runs:
        // descriptors never, texels only against CUDA's rules.
        bool reads = f.getName().starts_with("anywarp_b_tex_") || f.getName().starts_with("anywarp_b_surf_");
        if (!reads) {
            f.setDoesNotAccessMemory();
            f.addFnAttr(llvm::Attribute::Speculatable);
        }
        for (llvm::BasicBlock& block : f)
            for (llvm::Instruction& instruction : block) {
                instruction.setMetadata(llvm::LLVMContext::MD_tbaa, nullptr); // C's aliasing rules aren't PTX's
                // Descriptors and texels are reached through numbers; what lies on the stack or is the caller's does change.
                if (auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction); load && reads) {
                    const llvm::Value* object = llvm::getUnderlyingObject(load->getPointerOperand());
                    if (!llvm::isa<llvm::AllocaInst>(object) && !llvm::isa<llvm::Argument>(object))
                        load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context, {}));
                }
                if (auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction); call && !call->getCalledFunction()->isIntrinsic())
                    call->setAttributes({});
            }
    }
    // The C compiler's module flags (PIC level, wchar size ...) mean nothing here.
    for (const char* name : {"llvm.module.flags", "llvm.ident"})
        if (auto* node = module.getNamedMetadata(name)) node->eraseFromParent();
}

} // namespace anywarp::simt
