// Hand-written LLVM IR for the tests of the JIT floor: parse, check, make an object of it.
#pragma once

#include "jit/target.h"

#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <vector>

namespace anywarp::jit {

class IrFixture {
public:
    explicit IrFixture(const std::string& text) {
        Result<Target> target = select_target();
        EXPECT_TRUE(target) << target.error().message;
        machine = make_target_machine(*target, true).value();
        llvm::SMDiagnostic problem;
        module = llvm::parseAssemblyString(text, problem, context);
        EXPECT_TRUE(module) << problem.getMessage().str() << " in line " << problem.getLineNo();
        if (module) set_module_target(*module, *machine, *target);
    }
    void verify() {
        std::string problem;
        llvm::raw_string_ostream stream(problem);
        EXPECT_FALSE(llvm::verifyModule(*module, &stream)) << problem << text();
    }
    std::string text() const {
        std::string result;
        llvm::raw_string_ostream stream(result);
        module->print(stream, nullptr);
        return result;
    }
    std::vector<uint8_t> object() {
        llvm::SmallVector<char, 0> bytes;
        llvm::raw_svector_ostream stream(bytes);
        llvm::legacy::PassManager passes;
        EXPECT_FALSE(machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile));
        passes.run(*module);
        return {bytes.begin(), bytes.end()};
    }
    /// Number of instructions of one kind.
    template <class T> unsigned count() const {
        unsigned n = 0;
        for (const llvm::Function& function : *module)
            for (const llvm::BasicBlock& block : function)
                for (const llvm::Instruction& instruction : block) n += llvm::isa<T>(instruction);
        return n;
    }

    llvm::LLVMContext context;
    BorrowedMachine machine;
    std::unique_ptr<llvm::Module> module;
};

/// IR of an anywarp_kernel_info for a straight kernel @run_block.
inline const char* straight_info = R"(
%KernelInfo = type { i32, i32, i32, i32, ptr, ptr, i64, i32, i32, i32, i32, i32, i32, i32, i32 }
@anywarp_kernel_info = constant %KernelInfo { i32 2, i32 16, i32 0, i32 0, ptr @run_block, ptr null, i64 0,
  i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0 }
)";

} // namespace anywarp::jit
