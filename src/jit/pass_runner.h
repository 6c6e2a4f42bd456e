// LLVM's new pass manager with all its analysis managers, set up the way both optimisation stages need it. (Included by the
// passes_*.cc files only: it drags LLVM in.)
#pragma once

#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>

namespace anywarp::jit {

class PassRunner {
public:
    PassRunner(llvm::Module& module, llvm::TargetMachine& machine)
        : module_(module), library_(llvm::Triple(module.getTargetTriple())), builder_(&machine, tuning()) {
        // Kernels call no C library: a function named "sin" in a PTX module is the program's own.
        library_.disableAllFunctions();
        functions_.registerPass([&] { return llvm::TargetLibraryAnalysis(library_); });
        builder_.registerModuleAnalyses(modules_);
        builder_.registerCGSCCAnalyses(sccs_);
        builder_.registerFunctionAnalyses(functions_);
        builder_.registerLoopAnalyses(loops_);
        builder_.crossRegisterProxies(loops_, functions_, sccs_, modules_);
    }
    /// Analyses don't outlive a run: between two runs the stages change the module by hand.
    void run(llvm::ModulePassManager passes) {
        passes.run(module_, modules_);
        modules_.clear();
        sccs_.clear();
        functions_.clear();
        loops_.clear();
    }
    void run(llvm::FunctionPassManager passes) {
        llvm::ModulePassManager all;
        all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(passes)));
        run(std::move(all));
    }

private:
    static llvm::PipelineTuningOptions tuning() {
        llvm::PipelineTuningOptions options;
        options.LoopVectorization = options.SLPVectorization = options.LoopInterleaving = false;
        return options;
    }
    llvm::Module& module_;
    llvm::TargetLibraryInfoImpl library_;
    llvm::LoopAnalysisManager loops_;
    llvm::FunctionAnalysisManager functions_;
    llvm::CGSCCAnalysisManager sccs_;
    llvm::ModuleAnalysisManager modules_;
    llvm::PassBuilder builder_;
};

} // namespace anywarp::jit
