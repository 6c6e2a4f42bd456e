// PTX text, however broken: parser, verifier, printer and lowering must not crash, hang or leak, and what the printer writes must
// parse again.
#include "byte_fuzz.h"

#include "ptx/ast.h"
#include "ptx/layout.h"
#include "ptx/tables.h"
#include "simt/simt.h"

#include <cstdio>
#include <cstdlib>
#include <llvm/IR/LLVMContext.h>

namespace anywarp::fuzz {

const std::vector<std::string>& words() {
    static const char* const all[] = { // plain pointers: thousands of strings made by one function take minutes to compile
#define ANYWARP_INSTRUCTION(id, name, syntax, ptx_version, sm_version, effect, section) name,
#include "ptx/instructions.def"
#define ANYWARP_MODIFIER(id, spelling) spelling, "." spelling,
#include "ptx/modifiers.def"
#define ANYWARP_TYPE(name, spelling, bits) spelling, "." spelling,
#include "ptx/types.def"
#define ANYWARP_SPECIAL_REGISTER(id, spelling, type, section) spelling,
#include "ptx/special_registers.def"
        ".reg", ".param", ".shared", ".local", ".global", ".const", ".entry", ".func", ".visible", ".extern", ".weak", ".common", ".align", ".ptr",
        ".version", ".target", ".address_size", ".file", ".loc", ".section", ".pragma", ".branchtargets", ".calltargets", ".callprototype", ".alias",
        ".maxntid", ".reqntid", ".minnctapersm", ".maxnreg", ".noreturn", ".attribute", ".managed", ".texref", ".samplerref", ".surfref", ".tex",
        "{", "}", "(", ")", "[", "]", ";", ",", "<", ">", "|", "!", "@", "@!", "+", "-", "*", "/", "=", ":", "?", "~", "_", "%r", "%r<", "%p", "generic(",
        "0f3F800000", "0d3FF0000000000000", "\"", "//", "/*", "*/", "sm_80", "\\", "$L__BB0_1", "WARP_SZ", ".x", ".b0", ".h1", "::"};
    static const std::vector<std::string> list(std::begin(all), std::end(all));
    return list;
}

} // namespace anywarp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace anywarp;
    if (size > 65536) return 0;
    auto parsed = ptx::parse_module(std::string(reinterpret_cast<const char*>(data), size), "input");
    if (!parsed) return 0;
    const ptx::Module& module = **parsed;
    bool sound = true;
    for (uint32_t f = 0; f < module.functions.size(); ++f) {
        const ptx::Function& function = module.functions[f];
        if (function.is_declaration) continue;
        auto body = module.body(f);
        if (!body) {
            sound = false;
            continue;
        }
        for (const ptx::Diagnostic& d : ptx::verify(module, function, **body)) sound &= d.severity != ptx::Diagnostic::Severity::error;
    }
    (void)ptx::image_layout(module);
    if (!sound) return 0;
    std::string printed = ptx::print(module);
    if (auto again = ptx::parse_module(printed, "printed"); !again) {
        std::fprintf(stderr, "what was printed doesn't parse: %s\n%s\n", again.error().message.c_str(), printed.c_str());
        std::abort();
    }
    for (uint32_t f = 0; f < module.functions.size(); ++f) {
        if (!module.functions[f].is_entry || module.functions[f].is_declaration) continue;
        (void)ptx::parameter_layout(module.functions[f]);
        (void)ptx::shared_layout(module, f);
        if (!simt::kernel_traits(module, f)) continue;
        llvm::LLVMContext context;
        simt::LowerOptions options;
        options.width = 8;
        (void)simt::lower_kernel(context, module, f, options);
    }
    return 0;
}
