// See layout.h. Everything here is a pure function of the module: offsets follow the order of declaration, so that objects
// compiled in one process fit the memory laid out in another.
//
// Source: PTX ISA 9.0, 5.1 (state spaces), 5.4.5 (alignment), 7.1 (parameters).
#include "ptx/layout.h"

#include <algorithm>
#include <set>

namespace anywarp::ptx {
namespace {

uint64_t align_up(uint64_t value, uint64_t align) { return align > 1 ? (value + align - 1) / align * align : value; }

template <class Visit> void for_each_symbol(const Operand& operand, const Visit& visit) {
    if (operand.symbol.kind != Symbol::Kind::none) visit(operand.symbol);
    for (const Operand& element : operand.elements) for_each_symbol(element, visit);
}

/// The operand that names what a call calls; the list of results may stand before it.
const Operand* callee(const Instruction& call) {
    for (const Operand& operand : call.operands)
        if (operand.kind != Operand::Kind::list) return &operand;
    return nullptr;
}

void add_taken_in_code(const Module& module, const Body& body, std::set<uint32_t>& taken) {
    for (const Instruction& instruction : body.instructions)
        for (const Operand& operand : instruction.operands) {
            if (instruction.opcode == Opcode::call && &operand == callee(instruction)) continue;
            for_each_symbol(operand, [&](Symbol s) {
                if (s.kind == Symbol::Kind::function) taken.insert(resolve_alias(module, s.index));
            });
        }
    for (const Body::CallTargets& targets : body.call_targets)
        for (Symbol s : targets.functions) taken.insert(resolve_alias(module, s.index));
}

void add_taken_in_initializers(const Module& module, std::set<uint32_t>& taken) {
    for (const Variable& variable : module.variables)
        if (variable.initializer)
            for (const Initializer::Address& address : variable.initializer->addresses)
                if (address.symbol.kind == Symbol::Kind::function) taken.insert(resolve_alias(module, address.symbol.index));
}

std::vector<uint32_t> with_bodies(const Module& module, const std::set<uint32_t>& functions) {
    std::vector<uint32_t> list;
    for (uint32_t f : functions)
        if (!module.functions[f].is_declaration) list.push_back(f);
    return list;
}

} // namespace

uint32_t resolve_alias(const Module& module, uint32_t function) {
    for (int hops = 0; hops < 16 && !module.functions[function].alias_of.empty(); hops++) {
        auto found = module.symbols.find(module.functions[function].alias_of);
        if (found == module.symbols.end() || found->second.kind != Symbol::Kind::function) break;
        function = found->second.index;
    }
    return function;
}

ImageLayout image_layout(const Module& module) {
    ImageLayout layout;
    layout.offsets.assign(module.variables.size(), ~0ull);
    for (StateSpace space : {StateSpace::const_, StateSpace::global}) { // constants first: isspacep tells them by their range
        for (size_t i = 0; i < module.variables.size(); i++) {
            const Variable& v = module.variables[i];
            if (v.space != space || v.linkage == Linkage::extern_) continue;
            layout.align = std::max<uint64_t>(layout.align, v.align);
            layout.offsets[i] = align_up(layout.size, v.align);
            layout.size = layout.offsets[i] + std::max<uint64_t>(v.size, 1); // no two variables share an address
        }
        if (space == StateSpace::const_) layout.constants = layout.size;
    }
    return layout;
}

ParameterLayout parameter_layout(const Function& function) {
    ParameterLayout layout;
    for (const Variable& v : function.parameters) {
        layout.offsets.push_back(uint32_t(align_up(layout.size, v.align)));
        layout.size = uint32_t(layout.offsets.back() + v.size);
    }
    return layout;
}

Result<std::vector<uint32_t>> address_taken_functions(const Module& module, const std::vector<uint32_t>& functions) {
    std::set<uint32_t> taken;
    add_taken_in_initializers(module, taken);
    for (uint32_t f : functions) {
        if (module.functions[f].is_declaration) continue;
        auto body = module.body(f);
        if (!body) return std::unexpected(body.error());
        add_taken_in_code(module, **body, taken);
    }
    return with_bodies(module, taken);
}

Result<std::vector<uint32_t>> reachable_functions(const Module& module, uint32_t function) {
    std::vector<uint32_t> reached;
    std::set<uint32_t> seen;
    bool has_indirect = false;
    auto add = [&](uint32_t f) {
        f = resolve_alias(module, f);
        if (!module.functions[f].is_declaration && seen.insert(f).second) reached.push_back(f);
    };
    add(function);
    for (size_t next = 0; next < reached.size(); next++) {
        auto body = module.body(reached[next]);
        if (!body) return std::unexpected(body.error());
        bool found_indirect = false;
        for (const Instruction& instruction : (*body)->instructions) {
            if (instruction.opcode != Opcode::call) continue;
            const Operand* f = callee(instruction);
            if (f && f->kind == Operand::Kind::symbol) add(f->symbol.index);
            else found_indirect = true;
        }
        if (!found_indirect || has_indirect) continue;
        // A pointer may have been stored by any kernel of the module, so all of its bodies count. Bodies with errors are
        // somebody else's problem: they fail when they are launched.
        has_indirect = true;
        std::set<uint32_t> taken;
        add_taken_in_initializers(module, taken);
        for (uint32_t f = 0; f < module.functions.size(); f++)
            if (!module.functions[f].is_declaration)
                if (auto other = module.body(f)) add_taken_in_code(module, **other, taken);
        for (uint32_t f : taken) add(f);
    }
    return reached;
}

Result<SharedLayout> shared_layout(const Module& module, uint32_t entry_function) {
    auto functions = reachable_functions(module, entry_function);
    if (!functions) return std::unexpected(functions.error());
    SharedLayout layout;
    std::set<uint32_t> statics, dynamics;
    uint32_t dynamic_align = 16;
    auto use = [&](Symbol s) {
        if (s.kind != Symbol::Kind::module_variable) return;
        const Variable& v = module.variables[s.index];
        if (v.space != StateSpace::shared) return;
        bool dynamic = v.linkage == Linkage::extern_ || v.elements == 0;
        (dynamic ? dynamics : statics).insert(s.index);
        layout.align = std::max(layout.align, v.align);
        if (dynamic) dynamic_align = std::max(dynamic_align, v.align);
    };
    for (uint32_t f : *functions)
        for (const Instruction& instruction : (*module.body(f))->instructions)
            for (const Operand& operand : instruction.operands) for_each_symbol(operand, use);
    auto place = [&](const Variable& v) {
        uint64_t offset = align_up(layout.static_size, v.align);
        layout.static_size = offset + v.size;
        layout.align = std::max(layout.align, v.align);
        return offset;
    };
    for (uint32_t i : statics) layout.module_variables[i] = place(module.variables[i]);
    std::vector<uint64_t> local_dynamics;
    for (uint32_t f : *functions) {
        const Body& body = **module.body(f);
        for (uint32_t i = 0; i < body.variables.size(); i++) {
            const Variable& v = body.variables[i];
            if (v.space != StateSpace::shared) continue;
            uint64_t key = uint64_t(f) << 32 | i;
            if (v.elements == 0) {
                local_dynamics.push_back(key);
                dynamic_align = std::max(dynamic_align, v.align);
            } else {
                layout.local_variables[key] = place(v);
            }
        }
    }
    layout.dynamic_offset = align_up(layout.static_size, dynamic_align);
    for (uint32_t i : dynamics) layout.module_variables[i] = layout.dynamic_offset;
    for (uint64_t key : local_dynamics) layout.local_variables[key] = layout.dynamic_offset;
    return layout;
}

} // namespace anywarp::ptx
