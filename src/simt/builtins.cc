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
