// anywarp-lower FILE.ptx [KERNEL] [-w WIDTH] [-b X,Y,Z] [-O]: prints the one-thread LLVM IR of the kernels of a PTX file, with -O
// after inlining and the function simplifications that run before widening. For people who work on the compiler.
#include "simt/simt.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <sstream>

using namespace anywarp;

static void optimize(llvm::Module& module) {
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager components;
    llvm::ModuleAnalysisManager modules;
    llvm::PipelineTuningOptions tuning;
    tuning.LoopVectorization = tuning.SLPVectorization = false;
    llvm::PassBuilder builder(nullptr, tuning);
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

int main(int argc, char** argv) {
    std::string file, kernel;
    simt::LowerOptions options;
    bool optimized = false, quiet = false;
    for (int a = 1; a < argc; ++a) {
        if (!strcmp(argv[a], "-O"))
            optimized = true;
        else if (!strcmp(argv[a], "-q"))
            quiet = true;
        else if (!strcmp(argv[a], "-w") && a + 1 < argc)
            options.width = static_cast<unsigned>(atoi(argv[++a]));
        else if (!strcmp(argv[a], "-b") && a + 1 < argc)
            sscanf(argv[++a], "%u,%u,%u", &options.block_dim[0], &options.block_dim[1], &options.block_dim[2]);
        else if (file.empty())
            file = argv[a];
        else
            kernel = argv[a];
    }
    std::ifstream in(file);
    if (file.empty() || !in) {
        fprintf(stderr, "usage: anywarp-lower FILE.ptx [KERNEL] [-w WIDTH] [-b X,Y,Z] [-O] [-q]\n");
        return 2;
    }
    std::stringstream text;
    text << in.rdbuf();
    auto module = ptx::parse_module(text.str(), file);
    if (!module) {
        fprintf(stderr, "%s\n", module.error().message.c_str());
        return 1;
    }
    int failures = 0;
    for (uint32_t f = 0; f < (*module)->functions.size(); ++f) {
        const auto& function = (*module)->functions[f];
        if (!function.is_entry || function.is_declaration || (!kernel.empty() && function.name != kernel)) continue;
        llvm::LLVMContext context;
        auto lowered = simt::lower_kernel(context, **module, f, options);
        if (!lowered) {
            fprintf(stderr, "%s: %s\n", function.name.c_str(), lowered.error().message.c_str());
            ++failures;
            continue;
        }
        if (optimized) optimize(*lowered->module);
        if (quiet) continue;
        printf("; kernel %s: warp operations %d, barriers %d, spins %d, needs lane scheduling %d, local bytes %u\n",
               function.name.c_str(), lowered->uses_warp_operations, lowered->uses_barriers, lowered->spins,
               lowered->needs_lane_scheduling, lowered->local_bytes);
        fflush(stdout);
        lowered->module->print(llvm::outs(), nullptr);
    }
    return failures ? 1 : 0;
}
