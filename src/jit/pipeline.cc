// The compiler's table of contents: run_pipeline() at the end of this file lists the stages, each of which lives elsewhere.
//
// One LLVMContext per compilation, so that several threads compile at the same time. The IR is verified after the lowering and
// (by widen_kernel) after the widening: our own code, not between LLVM's passes.
#include "jit/pipeline.h"

#include "jit/passes.h"
#include "jit/width.h"
#include "simd/simd.h"
#include "simt/simt.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <cstring>

namespace anywarp::jit {
namespace {

std::string text_of(const llvm::Module& module) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module.print(stream, nullptr);
    return text;
}

/// Keeps LLVM from printing its diagnostics and ending the process.
class Diagnostics {
public:
    explicit Diagnostics(llvm::LLVMContext& context) {
        context.setDiagnosticHandlerCallBack(
            [](const llvm::DiagnosticInfo* info, void* self) {
                if (info->getSeverity() != llvm::DS_Error) return;
                std::string& errors = static_cast<Diagnostics*>(self)->errors;
                llvm::raw_string_ostream stream(errors);
                if (!errors.empty()) stream << "; ";
                llvm::DiagnosticPrinterRawOStream printer(stream);
                info->print(printer);
            },
            this);
    }
    std::string errors;
};

Result<void> verify(const llvm::Module& module, const std::string& kernel, const char* stage) {
    std::string problem;
    llvm::raw_string_ostream stream(problem);
    if (llvm::verifyModule(module, &stream))
        return internal_error("kernel " + kernel + ": broken IR after " + stage + ": " + problem);
    return {};
}

Result<std::vector<uint8_t>> generate_code(llvm::Module& module, llvm::TargetMachine& machine, llvm::CodeGenFileType type) {
    llvm::SmallVector<char, 0> bytes;
    llvm::raw_svector_ostream stream(bytes);
    llvm::legacy::PassManager passes;
    if (machine.addPassesToEmitFile(passes, stream, nullptr, type, /*DisableVerify=*/true))
        return internal_error("LLVM can't emit code for " + machine.getTargetTriple().str());
    passes.run(module);
    return std::vector<uint8_t>(bytes.begin(), bytes.end());
}

Result<std::string> ptx_text(const ptx::Module& module, uint32_t function) {
    Result<const ptx::Body*> body = module.body(function);
    if (!body) return std::unexpected(body.error());
    return ptx::print(module, module.functions[function], **body);
}

simt::LowerOptions lower_options(const CompileOptions& options, unsigned width) {
    simt::LowerOptions result{.width = width};
    std::memcpy(result.block_dim, options.block_dim, sizeof result.block_dim);
    return result;
}

simd::WidenOptions widen_options(const CompileOptions& options, unsigned width, const simt::LoweredKernel& lowered) {
    simd::WidenOptions result{
        .width = width, .statistics = options.statistics, .spins = lowered.spins, .local_bytes = lowered.local_bytes};
    std::memcpy(result.block_dim, options.block_dim, sizeof result.block_dim);
    return result;
}

} // namespace

Result<KernelObject> run_pipeline(const ptx::Module& module, uint32_t function, const CompileOptions& options,
                                  const Target& target, StageTimer& timer, Stages* record, Stage last) {
    KernelObject object;
    const std::string& name = module.functions[function].name;
    auto keep = [&](std::string Stages::* text, auto make) {
        if (record) record->*text = make();
    };

    if (record) {
        Result<std::string> text = ptx_text(module, function);
        if (!text) return std::unexpected(text.error());
        record->ptx = *text;
    }
    if (last == Stage::ptx) return object;

    // 1. What kind of kernel is it, and how wide shall its warps be?
    Result<simt::KernelTraits> traits = simt::kernel_traits(module, function);
    if (!traits) return std::unexpected(traits.error());
    Result<unsigned> width = choose_width(*traits, options, target);
    if (!width) return std::unexpected(width.error());
    object.width = *width;
    timer.mark("parse");

    // 2. One thread.
    llvm::LLVMContext context;
    context.setDiscardValueNames(!record);
    Diagnostics diagnostics(context);
    Result<BorrowedMachine> machine = make_target_machine(target, options.optimize);
    if (!machine) return std::unexpected(machine.error());
    Result<simt::LoweredKernel> lowered = simt::lower_kernel(context, module, function, lower_options(options, *width));
    if (!lowered) return std::unexpected(lowered.error());
    llvm::Module& ir = *lowered->module;
    set_module_target(ir, **machine, target);
    keep(&Stages::simt_ir, [&] { return text_of(ir); });
    if (Result<void> fine = verify(ir, name, "lowering"); !fine) return std::unexpected(fine.error());
    timer.mark("lower");
    if (last == Stage::simt) return object;

    if (llvm::Function* kernel = ir.getFunction(lowered->function)) simd::annotate_lanes(*kernel, *width);
    optimize_simt(ir, **machine, options.optimize);
    if (Result<void> fine = settle_recursive_functions(ir); !fine) return std::unexpected(fine.error());
    keep(&Stages::simt_ir_optimized, [&] { return text_of(ir); });
    timer.mark("optimise-simt");
    if (last == Stage::simt_optimized) return object;

    // 3. One warp.
    llvm::Function* kernel = ir.getFunction(lowered->function);
    if (!kernel || kernel->isDeclaration()) return internal_error("kernel " + name + " is missing from its lowered module");
    if (Result<void> fine = simd::widen_kernel(*kernel, widen_options(options, *width, *lowered), **machine); !fine)
        return std::unexpected(fine.error());
    set_module_target(ir, **machine, target);
    keep(&Stages::simd_ir, [&] { return text_of(ir); });
    timer.mark("widen");
    if (last == Stage::simd) return object;

    optimize_simd(ir, **machine, options.optimize);
    keep(&Stages::simd_ir_optimized, [&] { return text_of(ir); });
    timer.mark("optimise-simd");
    if (last == Stage::simd_optimized) return object;

    // 4. Machine code.
    bool assembly = last == Stage::assembly;
    Result<std::vector<uint8_t>> bytes =
        generate_code(ir, **machine, assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile);
    if (!bytes) return std::unexpected(bytes.error());
    if (!diagnostics.errors.empty()) return internal_error("kernel " + name + ": " + diagnostics.errors);
    timer.mark("codegen");
    if (assembly && record)
        record->assembly.assign(bytes->begin(), bytes->end());
    else
        object.bytes = std::move(*bytes);
    return object;
}

} // namespace anywarp::jit
