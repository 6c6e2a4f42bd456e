// The compiler's table of contents: make_warp() and make_machine_code() list the stages, each of which lives elsewhere.
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

/// Everything that a compilation holds between its stages.
class Pipeline final : public WarpCode {
public:
    Pipeline(std::string kernel, const CompileOptions& options, const Target& target, StageTimer& timer, Stages* record,
             Stage last)
        : name_(std::move(kernel)), options_(options), target_(target), timer_(&timer), record_(record), last_(last),
          diagnostics_(context_) {
        context_.setDiscardValueNames(!record);
    }

    /// Stages 1 to 3. `last` may come earlier: then done() is true.
    Result<void> make_warp(const ptx::Module& module, uint32_t function);
    /// Stage 4.
    Result<KernelObject> make_machine_code();
    bool done() const { return done_; }
    void continue_with(StageTimer& timer) { timer_ = &timer; }

private:
    template <class Make> void keep(std::string Stages::* text, Make make) {
        if (record_) record_->*text = make();
    }
    /// Ends a stage; true if it was the last one that is wanted.
    bool over(Stage stage, const char* mark) {
        timer_->mark(mark);
        return done_ = last_ == stage;
    }

    const std::string name_;
    const CompileOptions options_;
    const Target target_;
    StageTimer* timer_;
    Stages* record_;
    Stage last_;
    bool done_ = false;
    llvm::LLVMContext context_;
    Diagnostics diagnostics_;
    BorrowedMachine machine_;
    std::unique_ptr<llvm::Module> ir_; // gone before its context
};

Result<void> Pipeline::make_warp(const ptx::Module& module, uint32_t function) {
    // 1. What kind of kernel is it, and how wide shall its warps be?
    Result<simt::KernelTraits> traits = simt::kernel_traits(module, function);
    if (!traits) return std::unexpected(traits.error());
    Result<unsigned> chosen = choose_width(*traits, options_, target_);
    if (!chosen) return std::unexpected(chosen.error());
    width = *chosen;
    timer_->mark("parse");

    // 2. One thread.
    Result<BorrowedMachine> machine = make_target_machine(target_, options_.optimize);
    if (!machine) return std::unexpected(machine.error());
    machine_ = std::move(*machine);
    Result<simt::LoweredKernel> lowered = simt::lower_kernel(context_, module, function, lower_options(options_, width));
    if (!lowered) return std::unexpected(lowered.error());
    local_bytes = lowered->local_bytes;
    ir_ = std::move(lowered->module);
    set_module_target(*ir_, *machine_, target_);
    keep(&Stages::simt_ir, [&] { return text_of(*ir_); });
    if (Result<void> fine = verify(*ir_, name_, "lowering"); !fine) return fine;
    if (over(Stage::simt, "lower")) return {};

    if (llvm::Function* kernel = ir_->getFunction(lowered->function)) simd::annotate_lanes(*kernel, width, options_.block_dim);
    optimize_simt(*ir_, *machine_, options_.optimize);
    if (Result<void> fine = settle_recursive_functions(*ir_); !fine) return fine;
    keep(&Stages::simt_ir_optimized, [&] { return text_of(*ir_); });
    if (over(Stage::simt_optimized, "optimise-simt")) return {};

    // 3. One warp.
    llvm::Function* kernel = ir_->getFunction(lowered->function);
    if (!kernel || kernel->isDeclaration()) return internal_error("kernel " + name_ + " is missing from its lowered module");
    if (Result<void> fine = simd::widen_kernel(*kernel, widen_options(options_, width, *lowered), *machine_); !fine) return fine;
    set_module_target(*ir_, *machine_, target_);
    keep(&Stages::simd_ir, [&] { return text_of(*ir_); });
    over(Stage::simd, "widen");
    return {};
}

Result<KernelObject> Pipeline::make_machine_code() {
    KernelObject object;
    object.width = width;
    optimize_simd(*ir_, *machine_, options_.optimize);
    keep(&Stages::simd_ir_optimized, [&] { return text_of(*ir_); });
    if (over(Stage::simd_optimized, "optimise-simd")) return object;

    // 4. Machine code.
    bool assembly = last_ == Stage::assembly;
    Result<std::vector<uint8_t>> bytes =
        generate_code(*ir_, *machine_, assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile);
    if (!bytes) return std::unexpected(bytes.error());
    if (!diagnostics_.errors.empty()) return internal_error("kernel " + name_ + ": " + diagnostics_.errors);
    timer_->mark("codegen");
    if (assembly && record_)
        record_->assembly.assign(bytes->begin(), bytes->end());
    else
        object.bytes = std::move(*bytes);
    return object;
}

} // namespace

Result<std::unique_ptr<WarpCode>> make_warp_code(const ptx::Module& module, uint32_t function, const CompileOptions& options,
                                                 const Target& target, StageTimer& timer) {
    auto pipeline = std::make_unique<Pipeline>(module.functions[function].name, options, target, timer, nullptr, Stage::object);
    if (Result<void> made = pipeline->make_warp(module, function); !made) return std::unexpected(made.error());
    return pipeline;
}

Result<KernelObject> make_object(WarpCode& code, StageTimer& timer) {
    auto& pipeline = static_cast<Pipeline&>(code);
    pipeline.continue_with(timer);
    return pipeline.make_machine_code();
}

Result<KernelObject> run_pipeline(const ptx::Module& module, uint32_t function, const CompileOptions& options,
                                  const Target& target, StageTimer& timer, Stages* record, Stage last) {
    if (record) {
        Result<std::string> text = ptx_text(module, function);
        if (!text) return std::unexpected(text.error());
        record->ptx = *text;
    }
    if (last == Stage::ptx) return KernelObject{};
    Pipeline pipeline(module.functions[function].name, options, target, timer, record, last);
    if (Result<void> made = pipeline.make_warp(module, function); !made) return std::unexpected(made.error());
    if (pipeline.done()) {
        KernelObject object;
        object.width = pipeline.width;
        return object;
    }
    return pipeline.make_machine_code();
}

} // namespace anywarp::jit
