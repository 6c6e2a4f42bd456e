// The public face of the parser: parse_module, Module::body and look-up by name.
#include "ptx/parser.h"

#include <algorithm>

namespace anywarp::ptx {
namespace {

Error invalid_ptx(std::string_view module, std::vector<Diagnostic>& diagnostics) {
    std::stable_sort(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return a.where.line != b.where.line ? a.where.line < b.where.line : a.where.column < b.where.column;
    });
    std::string message = "invalid PTX in " + std::string(module);
    for (const Diagnostic& d : diagnostics)
        message += "\n" + std::to_string(d.where.line) + ":" + std::to_string(d.where.column) + ": " + d.message;
    return {ErrorKind::user, ErrorCode::invalid_ptx, std::move(message)};
}

} // namespace

Result<std::unique_ptr<Module>> parse_module(std::string text, std::string name, std::vector<Diagnostic>* diagnostics) {
    if (text.size() >= no_index) return user_error(ErrorCode::invalid_ptx, "PTX text of more than 4 GiB");
    auto module = std::make_unique<Module>();
    module->text = std::move(text);
    module->name = std::move(name);
    std::vector<Diagnostic> found;
    ModuleParser(*module, found).parse();
    bool failed = !found.empty();
    Error error;
    if (failed) error = invalid_ptx(module->name, found);
    if (diagnostics) diagnostics->insert(diagnostics->end(), found.begin(), found.end());
    if (failed) return std::unexpected(std::move(error));
    return module;
}

Result<const Body*> Module::body(uint32_t function, std::vector<Diagnostic>* diagnostics) const {
    if (function >= functions.size()) return internal_error("no function number " + std::to_string(function));
    const Function& f = functions[function];
    if (f.is_declaration) return user_error(ErrorCode::invalid_ptx, "function '" + f.name + "' is declared, but has no body");
    {
        std::lock_guard lock(mutex_);
        if (auto found = bodies_.find(function); found != bodies_.end()) return found->second.get();
    }
    // Parsed outside the lock: two threads that ask at once both parse, and the first one's body stays.
    auto body = std::make_unique<Body>();
    std::vector<Diagnostic> found;
    BodyParser(*this, f, *body, found).parse();
    if (!found.empty()) {
        Error error = invalid_ptx(name, found);
        if (diagnostics) diagnostics->insert(diagnostics->end(), found.begin(), found.end());
        return std::unexpected(std::move(error));
    }
    std::lock_guard lock(mutex_);
    return bodies_.try_emplace(function, std::move(body)).first->second.get();
}

const Function* Module::find_function(std::string_view wanted) const {
    auto found = symbols.find(std::string(wanted));
    return found != symbols.end() && found->second.kind == Symbol::Kind::function ? &functions[found->second.index] : nullptr;
}

const Variable* Module::find_variable(std::string_view wanted) const {
    auto found = symbols.find(std::string(wanted));
    return found != symbols.end() && found->second.kind == Symbol::Kind::module_variable ? &variables[found->second.index] : nullptr;
}

} // namespace anywarp::ptx
