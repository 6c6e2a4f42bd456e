// LoadedModule: parsing, verification, the image; see kernel.h.
#include "machine/device.h"
#include "machine/device_services.h"
#include "machine/kernel_state.h"
#include "machine/ptx_target.h"

#include <algorithm>
#include <cstring>

namespace anywarp::machine {
namespace {

std::string listing(const std::vector<ptx::Diagnostic>& diagnostics) {
    std::string text;
    for (const auto& d : diagnostics) {
        if (d.severity != ptx::Diagnostic::Severity::error) continue;
        if (!text.empty()) text += '\n';
        text += std::to_string(d.where.line) + ":" + std::to_string(d.where.column) + ": " + d.message;
    }
    return text;
}

// Parses and verifies one body; appends what is wrong.
void check_body(const ptx::Module& module, uint32_t function, std::vector<ptx::Diagnostic>& diagnostics) {
    std::vector<ptx::Diagnostic> found;
    auto body = module.body(function, &found);
    if (body) {
        auto more = ptx::verify(module, module.functions[function], **body);
        found.insert(found.end(), more.begin(), more.end());
    } else if (listing(found).empty()) {
        found.push_back({ptx::Diagnostic::Severity::error, module.functions[function].where, body.error().message});
    }
    diagnostics.insert(diagnostics.end(), found.begin(), found.end());
}

} // namespace

LoadedModule::LoadedModule(Device& device, std::unique_ptr<ptx::Module> module)
    : device_(device), ptx_(std::move(module)), layout_(ptx::image_layout(*ptx_)) {}

LoadedModule::~LoadedModule() {
    // After a device reset the address may be somebody else's.
    if (auto found = device_.memory().find(image_); found && found->base == image_ && found->id == image_id_)
        (void)device_.memory().free(image_);
}

Result<std::shared_ptr<LoadedModule>> LoadedModule::load(Device& device, std::string text, std::string name) {
    if (auto status = device.status(); !status) return std::unexpected(status.error());
    register_services();
    auto parsed = ptx::parse_module(std::move(text), std::move(name));
    if (!parsed) return std::unexpected(parsed.error());
    const ptx::Module& ptx = **parsed;
    if (unsigned version = ptx.version_major * 10 + ptx.version_minor; version > newest_ptx_version)
        return user_error(ErrorCode::unsupported_ptx_version, "PTX of version " + std::to_string(ptx.version_major) + "." +
                                                                  std::to_string(ptx.version_minor) +
                                                                  "; the newest known is 9.0");
    // The CPU runs whatever it understands.
    if (const Properties& p = device.properties(); !p.is_cpu && !target_fits(ptx.target, p.sm()))
        return user_error(ErrorCode::invalid_ptx,
                          ".target " + ptx.target + " doesn't run on " + p.name + ", which is sm_" + std::to_string(p.sm()));
    std::shared_ptr<LoadedModule> module(new LoadedModule(device, std::move(*parsed)));
    if (module->ptx().text.size() <= lazy_text_bytes) {
        std::vector<ptx::Diagnostic> diagnostics;
        for (uint32_t i = 0; i < module->ptx().functions.size(); i++)
            if (!module->ptx().functions[i].is_declaration && module->ptx().functions[i].alias_of.empty())
                check_body(module->ptx(), i, diagnostics);
        if (std::string wrong = listing(diagnostics); !wrong.empty()) return user_error(ErrorCode::invalid_ptx, std::move(wrong));
    }
    if (auto made = module->make_image(); !made) return std::unexpected(made.error());
    return module;
}

Result<void> LoadedModule::make_image() {
    bool managed = std::any_of(ptx_->variables.begin(), ptx_->variables.end(), [](auto& v) { return v.managed; });
    auto memory = device_.memory().allocate(std::max<uint64_t>(layout_.size, 1), MemoryKind::image, managed ? 1 : 0);
    if (!memory) return std::unexpected(memory.error());
    image_ = *memory;
    image_id_ = device_.memory().find(image_)->id;
    std::memset(image_, 0, layout_.size);
    for (size_t i = 0; i < ptx_->variables.size(); i++) {
        const ptx::Variable& variable = ptx_->variables[i];
        if (layout_.offsets[i] == ~0ull || !variable.initializer) continue;
        uint8_t* at = image_ + layout_.offsets[i];
        const auto& bytes = variable.initializer->bytes;
        std::memcpy(at, bytes.data(), std::min<uint64_t>(bytes.size(), variable.size));
        for (const auto& address : variable.initializer->addresses) {
            uint64_t value = 0;
            if (address.symbol.kind == ptx::Symbol::Kind::function) {
                value = ptx::function_token(ptx::resolve_alias(*ptx_, address.symbol.index));
            } else if (address.symbol.kind == ptx::Symbol::Kind::module_variable) {
                uint64_t offset = layout_.offsets[address.symbol.index];
                if (offset == ~0ull)
                    return user_error(ErrorCode::invalid_ptx,
                                      std::to_string(variable.where.line) + ":" + std::to_string(variable.where.column) +
                                          ": initialiser of " + variable.name + " takes the address of " +
                                          ptx_->variables[address.symbol.index].name + ", which has no place in memory");
                value = reinterpret_cast<uint64_t>(image_ + offset);
            }
            value += static_cast<uint64_t>(address.addend);
            value >>= address.shift;
            if (address.offset + address.size > variable.size) continue;
            std::memcpy(at + address.offset, &value, std::min<size_t>(address.size, sizeof value));
        }
    }
    return {};
}

Result<std::shared_ptr<Kernel>> LoadedModule::find_kernel(const std::string& name) {
    std::lock_guard lock(mutex_);
    if (auto known = kernels_.find(name); known != kernels_.end())
        if (auto kernel = known->second.lock()) return kernel;
    auto symbol = ptx_->symbols.find(name);
    if (symbol == ptx_->symbols.end() || symbol->second.kind != ptx::Symbol::Kind::function ||
        !ptx_->functions[symbol->second.index].is_entry)
        return user_error(ErrorCode::not_found, "no kernel " + name + " in the module");
    uint32_t function = symbol->second.index;
    if (ptx_->text.size() > lazy_text_bytes) {
        std::vector<ptx::Diagnostic> diagnostics;
        auto reachable = ptx::reachable_functions(*ptx_, function);
        if (!reachable) return std::unexpected(reachable.error());
        for (uint32_t f : *reachable)
            if (!ptx_->functions[f].is_declaration) check_body(*ptx_, f, diagnostics);
        if (std::string wrong = listing(diagnostics); !wrong.empty()) return user_error(ErrorCode::invalid_ptx, std::move(wrong));
    }
    std::shared_ptr<Kernel> kernel(new Kernel(shared_from_this(), function));
    auto shared = ptx::shared_layout(*ptx_, function);
    if (!shared) return std::unexpected(shared.error());
    kernel->state().shared = std::move(*shared);
    kernels_[name] = kernel;
    return kernel;
}

Result<LoadedModule::Global> LoadedModule::find_global(const std::string& name) const {
    auto symbol = ptx_->symbols.find(name);
    if (symbol == ptx_->symbols.end() || symbol->second.kind != ptx::Symbol::Kind::module_variable ||
        layout_.offsets[symbol->second.index] == ~0ull)
        return user_error(ErrorCode::not_found, "no variable " + name + " in the module");
    const ptx::Variable& variable = ptx_->variables[symbol->second.index];
    return Global{image_ + layout_.offsets[symbol->second.index], variable.size, variable.managed};
}

std::vector<std::string> LoadedModule::kernel_names() const {
    std::vector<std::string> names;
    for (const auto& function : ptx_->functions)
        if (function.is_entry) names.push_back(function.name);
    return names;
}

std::vector<std::string> LoadedModule::global_names() const {
    std::vector<std::string> names;
    for (size_t i = 0; i < ptx_->variables.size(); i++)
        if (layout_.offsets[i] != ~0ull) names.push_back(ptx_->variables[i].name);
    return names;
}

} // namespace anywarp::machine
