// Shared by the tests of the lowering: parse PTX text, lower a kernel, run it as scalar code one thread at a time.
#pragma once

#include "simt/kernel_abi.h"
#include "simt/simt.h"

#include <cstring>
#include <gtest/gtest.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <string>
#include <vector>

namespace anywarp::simt::test {

inline std::string wrap(const std::string& parameters, const std::string& body) {
    return ".version 8.5\n.target sm_90\n.address_size 64\n.visible .entry k(" + parameters + ")\n{\n" + body + "\n}\n";
}

inline std::unique_ptr<ptx::Module> parse(const std::string& text) {
    auto module = ptx::parse_module(text, "<test>");
    EXPECT_TRUE(module.has_value()) << (module ? "" : module.error().message);
    return module ? std::move(*module) : nullptr;
}

inline uint32_t entry_of(const ptx::Module& module, const std::string& name = "k") {
    for (uint32_t f = 0; f < module.functions.size(); ++f)
        if (module.functions[f].name == name) return f;
    ADD_FAILURE() << "no kernel " << name;
    return 0;
}

inline Result<LoweredKernel> lower(llvm::LLVMContext& context, const std::string& text, LowerOptions options = {}) {
    auto module = parse(text);
    if (!module) return internal_error("parse");
    return lower_kernel(context, *module, entry_of(*module), options);
}

inline std::string ir_of(const std::string& text, LowerOptions options = {}) {
    llvm::LLVMContext context;
    auto lowered = lower(context, text, options);
    EXPECT_TRUE(lowered.has_value()) << (lowered ? "" : lowered.error().message);
    if (!lowered) return {};
    std::string ir;
    llvm::raw_string_ostream stream(ir);
    lowered->module->print(stream, nullptr);
    return ir;
}

/// The scalar code of a kernel, loaded; anywarp.lane is always 0, so that warp_base is the thread index.
class ScalarKernel {
public:
    explicit ScalarKernel(const std::string& text) {
        llvm::InitializeNativeTarget();
        llvm::InitializeNativeTargetAsmPrinter();
        auto context = std::make_unique<llvm::LLVMContext>();
        LowerOptions options;
        options.width = 1;
        options.check_alignment = false;
        auto lowered = lower(*context, text, options);
        EXPECT_TRUE(lowered.has_value()) << (lowered ? "" : lowered.error().message);
        if (!lowered) return;
        jit_ = llvm::cantFail(llvm::orc::LLJITBuilder().create());
        auto& library = jit_->getMainJITDylib();
        library.addGenerator(llvm::cantFail(
            llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(jit_->getDataLayout().getGlobalPrefix())));
        llvm::orc::SymbolMap symbols;
        symbols[jit_->mangleAndIntern("anywarp.lane")] = {llvm::orc::ExecutorAddr::fromPtr(&lane),
                                                          llvm::JITSymbolFlags::Exported};
        llvm::cantFail(library.define(llvm::orc::absoluteSymbols(symbols)));
        lowered->module->setDataLayout(jit_->getDataLayout());
        for (llvm::Function& f : *lowered->module) f.addFnAttr("target-features", "+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt,+popcnt");
        llvm::cantFail(jit_->addIRModule(llvm::orc::ThreadSafeModule(std::move(lowered->module), std::move(context))));
        function_ = llvm::cantFail(jit_->lookup("k")).toPtr<void (*)(const BlockContext*, uint32_t)>();
    }

    void run(const void* parameters, uint32_t threads = 1) {
        ASSERT_NE(function_, nullptr);
        BlockContext context{};
        context.ntid[0] = threads;
        context.ntid[1] = context.ntid[2] = 1;
        context.nctaid[0] = context.nctaid[1] = context.nctaid[2] = 1;
        context.threads = threads;
        context.params = static_cast<const uint8_t*>(parameters);
        std::vector<uint8_t> shared(4096 + 128);
        context.shared = shared.data() + (128 - reinterpret_cast<uintptr_t>(shared.data()) % 128);
        context.shared_size = 4096;
        for (uint32_t t = 0; t < threads; ++t) function_(&context, t);
    }

private:
    static uint32_t lane() { return 0; }
    std::unique_ptr<llvm::orc::LLJIT> jit_;
    void (*function_)(const BlockContext*, uint32_t) = nullptr;
};

/// out[t] = instruction(a[t], b[t], c[t]): a kernel around one instruction. Register classes: "b32", "f32", "b64" ...
template <class Out, class A, class B = A, class C = A>
std::vector<Out> apply(const std::string& instruction, const std::string& out_type, const std::string& a_type,
                       const std::vector<A>& a, const std::string& b_type = "", const std::vector<B>& b = {},
                       const std::string& c_type = "", const std::vector<C>& c = {}) {
    std::string body = ".reg .b64 %rd<10>; .reg .b32 %i; .reg ." + out_type + " %d; .reg ." + a_type + " %a;\n";
    auto load = [&](const char* name, const std::string& type, int parameter) {
        std::string p = std::to_string(parameter),
                    size = std::to_string(type == "b64" || type == "f64" || type == "u64" || type == "s64" ? 8
                                          : type[1] == '1'                                                 ? 2
                                                                                                           : 4);
        body += "ld.param.u64 %rd1, [p" + p + "]; mad.wide.u32 %rd2, %i, " + size + ", %rd1; ld.global." + type + " %" + name +
                ", [%rd2];\n";
    };
    body += "mov.u32 %i, %tid.x;\n";
    load("a", a_type, 1);
    if (!b_type.empty()) {
        body += ".reg ." + b_type + " %b;\n";
        load("b", b_type, 2);
    }
    if (!c_type.empty()) {
        body += ".reg ." + c_type + " %c;\n";
        load("c", c_type, 3);
    }
    body += instruction + "\n";
    body += "ld.param.u64 %rd1, [p0]; mad.wide.u32 %rd2, %i, " + std::to_string(sizeof(Out)) + ", %rd1; st.global." + out_type +
            " [%rd2], %d; ret;";
    ScalarKernel kernel(wrap(".param .u64 p0, .param .u64 p1, .param .u64 p2, .param .u64 p3", body));
    std::vector<Out> out(a.size());
    const void* parameters[4] = {out.data(), a.data(), b.data(), c.data()};
    kernel.run(parameters, static_cast<uint32_t>(a.size()));
    return out;
}

} // namespace anywarp::simt::test
