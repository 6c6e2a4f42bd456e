// A module, a body or an instruction as PTX text. Parsing the text again gives the same module: the same variables, the same
// instructions, the same initial bytes; printing that gives the same text. Blocks and register ranges are gone (names are unique in a parsed body), and modifiers
// stand in the order of the specification, not in that of the source.
#include "ptx/tables.h"
#include "ptx/texture_descriptor.h"

#include <bit>
#include <cstdio>
#include <cstring>

namespace anywarp::ptx {
namespace {

std::string hex(const char* prefix, uint64_t value, int digits) {
    char buffer[24];
    std::snprintf(buffer, sizeof buffer, "%s%0*llX", prefix, digits, static_cast<unsigned long long>(value));
    return buffer;
}

uint32_t narrow_to_float_bits(uint64_t bits) {
    if ((bits >> 52 & 0x7ff) == 0x7ff && (bits << 12)) return uint32_t(bits >> 63) << 31 | 0x7f800000 | uint32_t(bits >> 29 & 0x7fffff);
    return std::bit_cast<uint32_t>(float(std::bit_cast<double>(bits)));
}

std::string_view linkage_words(Linkage linkage) {
    switch (linkage) {
    case Linkage::visible: return ".visible ";
    case Linkage::extern_: return ".extern ";
    case Linkage::weak: return ".weak ";
    case Linkage::common: return ".common ";
    default: return "";
    }
}

std::string offset_text(int64_t offset) {
    if (offset == 0) return "";
    return "+" + std::to_string(offset); // "+-8" below zero: the form that ptxas takes
}

// --- variables ---------------------------------------------------------------------------------------------------------

std::string declaration(const Variable& v) {
    std::string out = "." + std::string(spelling(v.space));
    if (v.space != StateSpace::reg) out += " .align " + std::to_string(v.align);
    if (v.managed) out += " .attribute(.managed)";
    if (v.vector > 1) out += " .v" + std::to_string(v.vector);
    out += " ." + std::string(spelling(v.type));
    if (v.pointer) out += " .ptr";
    out += " " + (v.name.empty() ? "_" : v.name);
    if (v.is_array) out += v.elements ? "[" + std::to_string(v.elements) + "]" : "[]";
    return out;
}

std::string initial_value(const Module& module, const Variable& v, uint64_t offset, size_t& next_address) {
    const Initializer& init = *v.initializer;
    if (next_address < init.addresses.size() && init.addresses[next_address].offset == offset) {
        const Initializer::Address& a = init.addresses[next_address++];
        std::string name = a.symbol.kind == Symbol::Kind::function          ? module.functions[a.symbol.index].name
                           : a.symbol.kind == Symbol::Kind::module_variable ? module.variables[a.symbol.index].name
                                                                            : "?";
        if (a.generic) name = "generic(" + name + ")";
        if (a.addend) name += offset_text(a.addend);
        if (a.size >= 4 && a.shift == 0) return name;
        uint64_t mask = a.size >= 8 ? ~0ull : (1ull << 8 * a.size) - 1;
        return hex("0x", mask << a.shift, 2) + "(" + name + ")";
    }
    uint64_t value = 0;
    std::memcpy(&value, init.bytes.data() + offset, std::min(bytes(v.type), 8u));
    if (v.type == Type::f32) return hex("0f", value, 8);
    if (v.type == Type::f64) return hex("0d", value, 16);
    return std::to_string(value);
}

/// " = { filter_mode = linear, ... }" of a .texref or .samplerref, or nothing. Elements of an array share one initialiser.
std::string initial_modes(const Variable& v) {
    AnywarpSampler s;
    if (v.initializer->bytes.size() < sizeof(AnywarpReference)) return "";
    std::memcpy(&s, v.initializer->bytes.data() + ANYWARP_REFERENCE_INITIAL_OFFSET, sizeof s);
    if (!s.magic) return "";
    constexpr std::string_view address_modes[] = {"wrap", "clamp_to_edge", "mirror", "clamp_to_border"};
    std::string out = s.filter == ANYWARP_FILTER_LINEAR ? " = { filter_mode = linear" : " = { filter_mode = nearest";
    for (int i = 0; i < 3; i++)
        out += ", addr_mode_" + std::to_string(i) + " = " + std::string(address_modes[s.address_mode[i] & 3]);
    out += v.type == Type::samplerref ? ", force_unnormalized_coords = " + std::to_string(!s.normalized)
                                      : ", normalized_coords = " + std::to_string(s.normalized);
    return out + " }";
}

void print_variable(std::string& out, const Module& module, const Variable& v) {
    out += linkage_words(v.linkage);
    out += declaration(v);
    if (v.initializer && bits(v.type) == 0) {
        out += initial_modes(v);
    } else if (v.initializer) {
        size_t next_address = 0;
        unsigned step = std::max(1u, bytes(v.type));
        bool list = v.is_array || v.vector > 1;
        out += list ? " = {" : " = ";
        for (uint64_t offset = 0; offset + step <= v.initializer->bytes.size(); offset += step) {
            if (offset) out += ", ";
            out += initial_value(module, v, offset, next_address);
        }
        if (list) out += "}";
    }
    out += ";\n";
}

// --- functions ---------------------------------------------------------------------------------------------------------

std::string parameter_list(const std::vector<Variable>& list) {
    std::string out = "(";
    for (const Variable& v : list) out += (out.size() > 1 ? ", " : "") + declaration(v);
    return out + ")";
}

std::string header(const Function& f) {
    std::string out(linkage_words(f.linkage));
    out += f.is_entry ? ".entry " : ".func ";
    if (!f.returns.empty()) out += parameter_list(f.returns) + " ";
    out += f.name + parameter_list(f.parameters);
    auto dimensions = [&](const char* word, const uint32_t (&d)[3]) {
        if (d[0]) out += std::string(" ") + word + " " + std::to_string(d[0]) + ", " + std::to_string(d[1]) + ", " + std::to_string(d[2]);
    };
    dimensions(".maxntid", f.max_threads);
    dimensions(".reqntid", f.required_threads);
    if (f.min_blocks) out += " .minnctapersm " + std::to_string(f.min_blocks);
    if (f.max_registers) out += " .maxnreg " + std::to_string(f.max_registers);
    if (f.noreturn) out += " .noreturn";
    return out;
}

// --- instructions ------------------------------------------------------------------------------------------------------

/// Where a modifier stands: 0 before the state space, 1 behind it, 2 behind the types.
int place(Opcode opcode, Modifier m) {
    std::string_view name = info(opcode).name, word = spelling(m);
    auto is_one_of = [&](std::initializer_list<Modifier> list) {
        for (Modifier other : list)
            if (m == other) return true;
        return false;
    };
    using enum Modifier;
    if (opcode == Opcode::suld || opcode == Opcode::sust || opcode == Opcode::sured) return is_one_of({trap, clamp, zero}) ? 2 : 0;
    if (opcode == Opcode::prmt) return 2;
    if (name[0] == 'v' && opcode != Opcode::vote) return 2;
    if (word.starts_with("L1::") || word.starts_with("L2::") || m == unified || m == L1 || m == L2) return 1;
    switch (opcode) {
    case Opcode::ld:
    case Opcode::ldu:
    case Opcode::st: return is_one_of({ca, cg, cs, lu, cv, wb, wt, nc}) ? 1 : 0;
    case Opcode::atom:
    case Opcode::red:
    case Opcode::multimem_ld_reduce:
    case Opcode::multimem_red: return is_one_of({add, min, max, inc, dec, exch, cas, and_, or_, xor_, noftz, acc_f32, acc_f16}) ? 1 : 0;
    default: break;
    }
    if (name.find("async") != name.npos && opcode != Opcode::cp_async)
        return is_one_of({tex_1d, tex_2d, tex_3d, tex_4d, tex_5d, weak, relaxed, release, cta, cluster, gpu, sys}) ? 0 : 1;
    return 0;
}

bool is_space_refinement(Modifier m) {
    return m == Modifier::shared_cta || m == Modifier::shared_cluster || m == Modifier::param_entry || m == Modifier::param_func;
}

class InstructionPrinter {
public:
    InstructionPrinter(const Module& module, const Function& function, const Body& body)
        : module_(module), function_(function), body_(body) {}

    std::string print(const Instruction& in) {
        opcode_ = in.opcode;
        std::string out;
        if (in.guard != no_index) out += (in.guard_negated ? "@!" : "@") + body_.registers[in.guard].name + " ";
        out += spelling(in.opcode);
        auto modifiers = [&](int where) {
            for (Modifier m : in.modifiers)
                if (!is_space_refinement(m) && place(in.opcode, m) == where) out += "." + std::string(spelling(m));
        };
        modifiers(0);
        size_t refinement = 0;
        for (StateSpace space : {in.space, in.second_space}) {
            if (!in.has_space || space == StateSpace::generic) continue;
            std::string word(spelling(space));
            while (refinement < in.modifiers.size() && !is_space_refinement(in.modifiers[refinement])) refinement++;
            if (refinement < in.modifiers.size() && spelling(in.modifiers[refinement]).starts_with(word + "::"))
                word = spelling(in.modifiers[refinement++]);
            out += "." + word;
        }
        modifiers(1);
        if (in.vector > 1) out += ".v" + std::to_string(in.vector);
        for (Type type : in.types) out += "." + std::string(spelling(type));
        modifiers(2);
        for (size_t i = 0; i < in.operands.size(); i++) out += (i ? ", " : " ") + operand(in.operands[i]);
        return out + ";";
    }

private:
    std::string symbol(Symbol s) const {
        switch (s.kind) {
        case Symbol::Kind::module_variable: return module_.variables[s.index].name;
        case Symbol::Kind::local_variable: return body_.variables[s.index].name;
        case Symbol::Kind::parameter: return function_.parameters[s.index].name;
        case Symbol::Kind::return_parameter: return function_.returns[s.index].name;
        case Symbol::Kind::function: return module_.functions[s.index].name;
        default: return "?";
        }
    }
    static std::string component(const Operand& o) {
        constexpr const char* names[] = {".x", ".y", ".z", ".w", ".b0", ".b1", ".b2", ".b3", ".h0", ".h1"};
        if (o.parts) {
            std::string out = o.component >= 8 ? ".h" : ".b";
            for (int shift = 12; shift >= 0; shift -= 4)
                if (unsigned digit = o.parts >> shift & 15) out += char('0' + digit - 1);
            return out;
        }
        return o.component >= 0 && o.component < 10 ? names[o.component] : "";
    }
    std::string elements(const Operand& o, size_t begin = 0) const {
        std::string out;
        for (size_t i = begin; i < o.elements.size(); i++) out += (i > begin ? ", " : "") + operand(o.elements[i]);
        return out;
    }
    std::string operand(const Operand& o) const {
        std::string sign = o.negated && o.kind != Operand::Kind::label ? "!" : o.minus ? "-" : "";
        switch (o.kind) {
        case Operand::Kind::reg: return sign + body_.registers[o.reg].name + component(o);
        case Operand::Kind::immediate: return sign + std::to_string(int64_t(o.bits));
        case Operand::Kind::immediate_float:
            return o.float_is_single ? hex("0f", narrow_to_float_bits(o.bits), 8) : hex("0d", o.bits, 16);
        case Operand::Kind::symbol: return symbol(o.symbol) + offset_text(o.offset);
        case Operand::Kind::address: return "[" + base(o) + "]";
        case Operand::Kind::vector: return "{" + elements(o) + "}";
        case Operand::Kind::pair: return operand(o.elements[0]) + "|" + operand(o.elements[1]);
        case Operand::Kind::special: return sign + std::string(spelling(o.special)) + component(o);
        case Operand::Kind::label:
            if (opcode_ == Opcode::brx_idx) return body_.branch_targets[o.bits].name;
            if (opcode_ == Opcode::call) return o.negated ? body_.call_targets[o.bits].name : body_.prototypes[o.bits].name;
            return body_.labels[o.label].name;
        case Operand::Kind::list: return "(" + elements(o) + ")";
        case Operand::Kind::sink: return "_";
        case Operand::Kind::texture: {
            const Operand& t = o.elements[0];
            std::string name = t.kind == Operand::Kind::symbol ? symbol(t.symbol) + offset_text(t.offset) : base(t);
            return "[" + name + ", " + elements(o, 1) + "]";
        }
        case Operand::Kind::none: break;
        }
        return "?";
    }
    std::string base(const Operand& o) const {
        if (o.address_has_register) return body_.registers[o.reg].name + component(o) + offset_text(o.offset);
        if (o.symbol.kind != Symbol::Kind::none) return symbol(o.symbol) + offset_text(o.offset);
        return std::to_string(o.offset);
    }

    const Module& module_;
    const Function& function_;
    const Body& body_;
    Opcode opcode_ = Opcode::invalid;
};

void print_tables(std::string& out, const Module& module, const Body& body) {
    for (const Body::BranchTargets& t : body.branch_targets) {
        out += t.name + ": .branchtargets ";
        for (size_t i = 0; i < t.labels.size(); i++) out += (i ? ", " : "") + body.labels[t.labels[i]].name;
        out += ";\n";
    }
    for (const Body::CallTargets& t : body.call_targets) {
        out += t.name + ": .calltargets ";
        for (size_t i = 0; i < t.functions.size(); i++) out += (i ? ", " : "") + module.functions[t.functions[i].index].name;
        out += ";\n";
    }
    for (const Body::Prototype& p : body.prototypes) {
        out += p.name + ": .callprototype ";
        if (!p.returns.empty()) out += parameter_list(p.returns) + " ";
        out += "_ " + parameter_list(p.parameters) + (p.noreturn ? " .noreturn" : "") + ";\n";
    }
}

} // namespace

std::string print(const Module& module, const Function& function, const Body& body, const Instruction& instruction) {
    return InstructionPrinter(module, function, body).print(instruction);
}

std::string print(const Module& module, const Function& function, const Body& body) {
    std::string out = header(function) + "\n{\n";
    size_t parameters_in_registers = 0;
    for (const auto* list : {&function.parameters, &function.returns})
        for (const Variable& v : *list) parameters_in_registers += v.space == StateSpace::reg;
    for (size_t i = parameters_in_registers; i < body.registers.size(); i++) {
        const Register& r = body.registers[i];
        out += "    .reg " + (r.vector > 1 ? ".v" + std::to_string(r.vector) + " " : "") + "." + std::string(spelling(r.type)) + " " +
               r.name + ";\n";
    }
    for (const Variable& v : body.variables) out += "    " + std::string(linkage_words(v.linkage)) + declaration(v) + ";\n";
    print_tables(out, module, body);
    InstructionPrinter printer(module, function, body);
    std::vector<std::vector<LabelId>> labels_at(body.instructions.size() + 1);
    for (LabelId id = 0; id < body.labels.size(); id++)
        if (body.labels[id].target < labels_at.size()) labels_at[body.labels[id].target].push_back(id);
    for (size_t i = 0; i <= body.instructions.size(); i++) {
        for (LabelId id : labels_at[i]) out += body.labels[id].name + ":\n";
        if (i < body.instructions.size()) out += "    " + printer.print(body.instructions[i]) + "\n";
    }
    return out + "}\n";
}

std::string print(const Module& module) {
    std::string out = ".version " + std::to_string(module.version_major) + "." + std::to_string(module.version_minor) + "\n.target " +
                      module.target + "\n.address_size " + std::to_string(module.address_size) + "\n\n";
    // Prototypes first: initialisers and bodies may name any function. A kernel has none (ptxas refuses them), so that kernels
    // come behind the functions in the new text's order.
    for (const Function& f : module.functions)
        if (!f.is_entry) out += header(f) + ";\n";
    for (const Function& f : module.functions)
        if (!f.alias_of.empty()) out += ".alias " + f.name + ", " + f.alias_of + ";\n";
    out += "\n";
    for (const Variable& v : module.variables) print_variable(out, module, v);
    for (bool entries : {false, true})
        for (uint32_t i = 0; i < module.functions.size(); i++) {
            const Function& f = module.functions[i];
            if (f.is_declaration || f.is_entry != entries) continue;
            out += "\n";
            if (auto body = module.body(i)) out += print(module, f, **body);
            else out += header(f) + "\n" + module.text.substr(f.body_begin, f.body_end - f.body_begin) + "\n"; // errors: as it is
        }
    return out;
}

} // namespace anywarp::ptx
