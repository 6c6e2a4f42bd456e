// What the parser doesn't look at: operand counts against the instruction table, operand kinds and types, state spaces,
// vectors, barriers and calls. It reports what would make the lowering guess; it accepts what NVIDIA's tools accept.
//
// Types follow PTX ISA 9.4.1: registers of the instruction's size whose kind agrees, .bN agreeing with every type of N bits;
// 9.5: ld, st and cvt take registers wider than the type. Bulk-copy instructions are checked for their operand counts only.
#include "ptx/forms.h"
#include "ptx/tables.h"
#include "ptx/verify_matrix.h"
#include "ptx/verify_texture.h"

#include <algorithm>

namespace anywarp::ptx {
namespace {

struct Arity {
    unsigned least = 0, most = 0;
};

/// Read from the syntax line: operands behind the first space, those in braces optional.
Arity arity(std::string_view syntax) {
    Arity result;
    size_t space = syntax.find(' ');
    if (space == syntax.npos) return result;
    unsigned braces = 0;
    bool in_word = false;
    for (char c : syntax.substr(space)) {
        if (c == '{') braces++, in_word = false;
        else if (c == '}') braces--, in_word = false;
        else if (c == ',' || c == ' ') in_word = false;
        else if (!in_word) {
            in_word = true;
            result.most++;
            if (!braces) result.least++;
        }
    }
    return result;
}

/// verify_texture.cc checks these.
bool is_texture(Opcode opcode) {
    switch (opcode) {
    case Opcode::tex:
    case Opcode::tld4:
    case Opcode::txq:
    case Opcode::suld:
    case Opcode::sust:
    case Opcode::sured:
    case Opcode::suq: return true;
    default: return false;
    }
}

/// Instructions whose optional parts depend on each other in ways that a syntax line doesn't say.
bool has_free_form(const Instruction& in) {
    std::string_view name = info(in.opcode).name;
    return in.opcode == Opcode::call || name.starts_with("tcgen05") || name.starts_with("wgmma") || name.find(".bulk") != name.npos ||
           in.has(Modifier::block_scale) || in.opcode == Opcode::tensormap_replace || is_texture(in.opcode) ||
           in.opcode == Opcode::st_async || in.opcode == Opcode::fence;
}

/// Matrix products of sm_100 and later; has a form of its own for each kind, and no lowering.
bool has_scaled_kind(const Instruction& in) {
    return in.has(Modifier::block_scale) || in.has(Modifier::kind_f8f6f4) || in.has(Modifier::kind_mxf8f6f4) ||
           in.has(Modifier::kind_mxf4) || in.has(Modifier::kind_mxf4nvf4);
}

enum class Kind { integer, floating, bits, predicate };
Kind kind_of(Type type) {
    if (type == Type::pred) return Kind::predicate;
    if (is_bits(type)) return Kind::bits;
    return is_float(type) ? Kind::floating : Kind::integer;
}

class Verifier {
public:
    Verifier(const Module& module, const Function& function, const Body& body)
        : module_(module), function_(function), body_(body) {}

    std::vector<Diagnostic> run() {
        for (const Instruction& in : body_.instructions) check(in);
        return std::move(diagnostics_);
    }

private:
    void report(SourceLocation where, std::string message) {
        if (diagnostics_.size() < 200) diagnostics_.push_back({Diagnostic::Severity::error, where, std::move(message)});
    }
    static std::string name(const Instruction& in) { return "'" + std::string(spelling(in.opcode)) + "'"; }
    static std::string name(Type type) { return "." + std::string(spelling(type)); }
    static std::string name(StateSpace space) { return "." + std::string(spelling(space)); }

    /// The instruction as written, without operands: what a message about its modifiers must show.
    static std::string head(const Instruction& in) {
        std::string text(spelling(in.opcode));
        auto add = [&](std::string_view word) { (text += ".") += word; };
        for (Modifier m : in.modifiers)
            if (spelling(m).find("::") == std::string_view::npos) add(spelling(m));
        if (in.has_space) add(spelling(in.space));
        if (in.second_space != StateSpace::generic) add(spelling(in.second_space));
        if (in.vector > 1) add("v" + std::to_string(in.vector));
        for (Type t : in.types) add(spelling(t));
        return "'" + text + "'";
    }

    bool check_form(const Instruction& in) {
        if (forms(in.opcode).empty() || has_scaled_kind(in)) return true;
        const Form* form = form_of(in);
        if (!form) {
            report(in.where, "no form of " + name(in) + " has these modifiers and types: " + head(in));
            return false;
        }
        // A label too old is no reason to refuse a kernel that works: NVIDIA's assembler does, because of its machine code.
        auto needs = [&](unsigned wanted, unsigned given, const std::string& what) {
            if (given && given < wanted && diagnostics_.size() < 200)
                diagnostics_.push_back({Diagnostic::Severity::warning, in.where, head(in) + " needs " + what + " or later"});
        };
        needs(form->ptx_version, module_.version_major * 10 + module_.version_minor,
              "PTX " + std::to_string(form->ptx_version / 10) + "." + std::to_string(form->ptx_version % 10));
        needs(form->sm_version, module_.target_sm, "sm_" + std::to_string(form->sm_version));
        return true;
    }

    void check(const Instruction& in) {
        if (!check_form(in)) return;
        if (!has_free_form(in)) {
            Arity expected = arity(info(in.opcode).syntax);
            size_t given = in.operands.size();
            if (given < expected.least || given > expected.most) {
                std::string range = std::to_string(expected.least);
                if (expected.most != expected.least) range += " to " + std::to_string(expected.most);
                report(in.where, name(in) + " takes " + range + " operands, not " + std::to_string(given));
                return;
            }
        }
        for (const Operand& operand : in.operands) check_negation(operand);
        if (is_texture(in.opcode) || in.opcode == Opcode::istypep)
            return verify_texture(module_, function_, body_, in,
                                  [this](SourceLocation where, std::string message) { report(where, std::move(message)); });
        if (is_matrix_instruction(in.opcode) && !forms(in.opcode).empty() && form_of(in))
            return verify_matrix(body_, in, [this](SourceLocation where, std::string message) { report(where, std::move(message)); });
        switch (in.opcode) {
        case Opcode::ld:
        case Opcode::ldu:
        case Opcode::st:
        case Opcode::atom:
        case Opcode::red: check_memory(in); break;
        case Opcode::call: check_call(in); break;
        case Opcode::bar:
        case Opcode::barrier: check_barrier(in); break;
        case Opcode::cvta:
            check_types(in, {in.type(), in.type()});
            if (const Operand& from = in.operands[1]; from.kind == Operand::Kind::symbol)
                if (StateSpace space = space_of(from.symbol); space != StateSpace::generic && space != in.space)
                    report(from.where, "'" + symbol_name(from.symbol) + "' lies in " + name(space) + ", not in " + name(in.space));
            break;
        default: check_arithmetic(in); break;
        }
    }

    void check_negation(const Operand& operand) {
        if (operand.kind == Operand::Kind::reg && operand.negated && body_.registers[operand.reg].type != Type::pred)
            report(operand.where, "'!' needs a predicate, '" + body_.registers[operand.reg].name + "' is " +
                                      name(body_.registers[operand.reg].type));
    }

    // --- registers and types ---

    static bool agree(Type wanted, Type given) {
        if (wanted == Type::none || bits(wanted) == 0) return true;
        if ((wanted == Type::pred) != (given == Type::pred)) return false;
        if (bits(wanted) != bits(given)) return false;
        Kind a = kind_of(wanted), b = kind_of(given);
        return a == b || a == Kind::bits || b == Kind::bits;
    }

    /// Registers wider than the type (ld, st, cvt): the kind must agree all the same, and a float's register isn't wider.
    static bool agree_wider(Type wanted, Type given) {
        if (given == Type::pred || bits(given) < bits(wanted)) return false;
        Kind a = kind_of(wanted), b = kind_of(given);
        if (a == Kind::bits || b == Kind::bits) return true;
        return a == b && (b != Kind::floating || bits(given) == bits(wanted));
    }

    /// "'add' of ... needs a constant up to 255": an immediate outside of what the instruction can encode.
    void check_range(const Instruction& in, size_t operand, uint64_t last) {
        if (operand >= in.operands.size()) return;
        const Operand& o = in.operands[operand];
        if (o.kind == Operand::Kind::immediate && o.bits > last)
            report(o.where, "operand " + std::to_string(operand) + " of " + name(in) + " is " + std::to_string(int64_t(o.bits)) +
                                ", it must lie in 0 to " + std::to_string(last));
    }
    void check_count(const Instruction& in, size_t wanted) {
        if (in.operands.size() != wanted)
            report(in.where, head(in) + " takes " + std::to_string(wanted) + " operands, not " + std::to_string(in.operands.size()));
    }
    bool is_predicate(const Operand& o) const {
        return o.kind == Operand::Kind::immediate || (o.kind == Operand::Kind::reg && body_.registers[o.reg].type == Type::pred);
    }

    void check_operand(const Instruction& in, const Operand& operand, Type wanted) {
        switch (operand.kind) {
        case Operand::Kind::reg: {
            const Register& r = body_.registers[operand.reg];
            bool part = operand.component >= 4; // .b0 .. .h1 of a video operand
            if (!part && !(r.vector > 1 && operand.component < 0) && !agree(wanted, r.type))
                report(operand.where, "'" + r.name + "' is " + name(r.type) + ", " + name(in) + " needs " + name(wanted));
            break;
        }
        case Operand::Kind::immediate:
            if (wanted == Type::f32 || wanted == Type::f64)
                report(operand.where, "an integer constant where " + name(in) + " needs " + name(wanted));
            break;
        case Operand::Kind::special:
            if (in.opcode != Opcode::mov && in.opcode != Opcode::cvt && !is_bits(wanted) && kind_of(wanted) != Kind::integer)
                report(operand.where, "a special register where " + name(in) + " needs " + name(wanted));
            break;
        case Operand::Kind::vector:
            report(operand.where, "a vector where " + name(in) + " needs " + name(wanted));
            break;
        case Operand::Kind::immediate_float:
            if (kind_of(wanted) == Kind::integer)
                report(operand.where, "a float constant where " + name(in) + " needs " + name(wanted));
            break;
        case Operand::Kind::pair:
            check_operand(in, operand.elements[0], wanted);
            if (in.opcode == Opcode::setp) check_operand(in, operand.elements[1], wanted);
            else check_operand(in, operand.elements[1], Type::pred);
            break;
        case Operand::Kind::address:
        case Operand::Kind::texture: report(operand.where, "an address where " + name(in) + " needs " + name(wanted)); break;
        default: break;
        }
    }

    void check_types(const Instruction& in, std::initializer_list<Type> wanted) {
        if (in.type() == Type::none) return report(in.where, name(in) + " needs a type");
        size_t i = 0;
        for (Type type : wanted) {
            if (i >= in.operands.size()) break;
            check_operand(in, in.operands[i++], type);
        }
        if (!in.operands.empty()) check_destination(in);
    }

    void check_destination(const Instruction& in) {
        Operand::Kind kind = in.operands[0].kind;
        if (kind == Operand::Kind::sink && in.opcode != Opcode::atom && in.opcode != Opcode::ld)
            return report(in.operands[0].where, name(in) + " cannot discard its result");
        if (kind != Operand::Kind::reg && kind != Operand::Kind::pair && kind != Operand::Kind::vector && kind != Operand::Kind::sink)
            report(in.operands[0].where, "the destination of " + name(in) + " must be a register");
    }

    static Type widened(Type type) {
        switch (type) {
        case Type::u16: return Type::u32;
        case Type::s16: return Type::s32;
        case Type::u32: return Type::u64;
        case Type::s32: return Type::s64;
        default: return type;
        }
    }

    static bool has_comparison(const Instruction& in) {
        return std::any_of(in.modifiers.begin(), in.modifiers.end(), [](Modifier m) {
            return (m >= Modifier::eq && m <= Modifier::nan) || m == Modifier::lo || m == Modifier::hi; // lo, hi: unsigned lt, gt
        });
    }

    static bool combines(const Instruction& in) {
        return in.has(Modifier::and_) || in.has(Modifier::or_) || in.has(Modifier::xor_);
    }

    void check_arithmetic(const Instruction& in) {
        Type t = in.type();
        using enum Type;
        switch (in.opcode) {
        case Opcode::mul:
        case Opcode::mad:
        case Opcode::madc:
            if (is_integer(t) && bits(t) >= 16 && t != u16x2 && t != s16x2 && !in.has(Modifier::lo) && !in.has(Modifier::hi) &&
                !in.has(Modifier::wide))
                return report(in.where, name(in) + " of integers needs .lo, .hi or .wide");
            if (in.has(Modifier::wide)) {
                if (bits(t) > 32) return report(in.where, ".wide needs a 16-bit or 32-bit type, not " + name(t));
                return check_types(in, {widened(t), t, t, widened(t)});
            }
            return check_types(in, {t, t, t, t});
        case Opcode::add:
        case Opcode::sub:
        case Opcode::fma: // mixed precision (9.7.5): fma.rn.f32.f16
            if (in.types.size() > 1) return;
            return check_types(in, {t, t, t, t});
        case Opcode::addc:
        case Opcode::subc:
        case Opcode::mul24:
        case Opcode::mad24:
        case Opcode::sad:
        case Opcode::div:
        case Opcode::rem:
        case Opcode::abs:
        case Opcode::neg:
        case Opcode::min:
        case Opcode::max:
        case Opcode::brev:
        case Opcode::copysign:
        case Opcode::rcp:
        case Opcode::sqrt:
        case Opcode::rsqrt:
        case Opcode::sin:
        case Opcode::cos:
        case Opcode::lg2:
        case Opcode::ex2:
        case Opcode::tanh:
        case Opcode::and_:
        case Opcode::or_:
        case Opcode::xor_:
        case Opcode::not_:
        case Opcode::cnot: return check_types(in, {t, t, t, t});
        case Opcode::popc:
        case Opcode::clz:
        case Opcode::bfind: return check_types(in, {u32, t});
        case Opcode::bfe:
            return check_types(in, {t, t, u32, u32});
        case Opcode::bfi:
            return check_types(in, {t, t, t, u32, u32});
        case Opcode::shl:
        case Opcode::shr: return check_types(in, {t, t, u32});
        case Opcode::shf: return check_types(in, {b32, b32, b32, u32});
        case Opcode::setp:
            if (!has_comparison(in)) return report(in.where, "'setp' needs a comparison such as .lt");
            check_count(in, combines(in) ? 4 : 3);
            return check_types(in, {pred, t, t, pred});
        case Opcode::set:
            if (!has_comparison(in)) return report(in.where, "'set' needs a comparison such as .lt");
            check_count(in, combines(in) ? 4 : 3);
            return check_types(in, {t, in.type(1), in.type(1), pred});
        case Opcode::selp: return check_types(in, {t, t, t, pred});
        case Opcode::slct: return check_types(in, {t, t, t, in.type(1)});
        case Opcode::testp: return check_types(in, {pred, t});
        case Opcode::mov: return check_move(in);
        case Opcode::cvt: return check_conversion(in);
        case Opcode::isspacep:
            if (!in.has_space) return report(in.where, "'isspacep' needs a state space");
            return check_operand(in, in.operands[0], pred);
        case Opcode::lop3: {
            size_t table = 4;
            if (in.operands.size() > table && in.operands[table].kind != Operand::Kind::immediate)
                report(in.operands[table].where, "the table of 'lop3' must be a constant");
            return;
        }
        case Opcode::vote:
            if (!is_predicate(in.operands[1])) report(in.operands[1].where, "'vote' needs a predicate");
            return check_operand(in, in.operands[0], in.has(Modifier::ballot) ? b32 : pred);
        case Opcode::match:
            if (in.has(Modifier::any) && in.operands[0].kind == Operand::Kind::pair)
                report(in.operands[0].where, "'match.any' has no predicate result");
            return;
        case Opcode::nanosleep: return check_operand(in, in.operands[0], u32);
        case Opcode::pmevent:
            if (!in.has(Modifier::mask)) check_range(in, 0, 15);
            return;
        case Opcode::cp_async: {
            const Operand& size = in.operands[2];
            bool fits = size.bits == 16 || (in.has(Modifier::ca) && (size.bits == 4 || size.bits == 8));
            if (size.kind != Operand::Kind::immediate || !fits)
                report(size.where, std::string("'cp.async' copies 16 bytes") + (in.has(Modifier::ca) ? ", 8 or 4" : ""));
            return;
        }
        case Opcode::cp_async_wait_group:
            if (in.operands[0].kind != Operand::Kind::immediate) report(in.operands[0].where, "the number of groups must be a constant");
            return;
        case Opcode::mbarrier_init:
        case Opcode::mbarrier_inval:
            if (in.has_space) check_address(in, in.operands[0]);
            return;
        default:
            if (in.opcode >= Opcode::vadd && in.opcode <= Opcode::vset4) check_video(in);
            return;
        }
    }

    /// 9.7.18: a selected destination merges into c, and then there is no second operation; masks name their parts downwards.
    void check_video(const Instruction& in) {
        bool scalar = in.opcode <= Opcode::vset;
        const Operand& d = in.operands[0];
        for (const Operand& operand : in.operands)
            if (operand.kind == Operand::Kind::reg && !agree(Type::b32, body_.registers[operand.reg].type))
                report(operand.where, "'" + body_.registers[operand.reg].name + "' is " + name(body_.registers[operand.reg].type) + ", " +
                                          name(in) + " needs .b32");
            else if (operand.kind == Operand::Kind::reg && is_float(body_.registers[operand.reg].type))
                report(operand.where, "'" + body_.registers[operand.reg].name + "' is a float, " + name(in) + " works on integers");
        if (in.opcode == Opcode::vmad) {
            if (in.operands.size() == 4 && (in.operands[1].minus != in.operands[2].minus) && in.operands[3].minus)
                report(in.where, "'vmad' negates the product or c, not both");
            return;
        }
        if (scalar && d.component >= 0) {
            if (in.has(Modifier::add) || in.has(Modifier::min) || in.has(Modifier::max))
                report(d.where, name(in) + " selects a part of its destination and has a second operation as well");
            else if (in.operands.size() < 4)
                report(d.where, name(in) + " with a selected destination needs a fourth operand");
        }
        for (unsigned last = 0, digits = d.parts; !scalar && digits; digits >>= 4) {
            if ((digits & 15) <= last) return report(d.where, "the parts of a mask must stand from the highest to the lowest");
            last = digits & 15;
        }
    }

    void check_move(const Instruction& in) {
        Type t = in.type();
        if (t == Type::none) return report(in.where, "'mov' needs a type");
        const Operand& source = in.operands[1];
        if (source.kind == Operand::Kind::special) {
            using SR = SpecialRegister;
            bool is_vector = source.special == SR::tid || source.special == SR::ntid || source.special == SR::ctaid ||
                             source.special == SR::nctaid;
            if (is_vector && source.component < 0 && in.vector == 1)
                return report(source.where, "'" + std::string(spelling(source.special)) + "' is a vector");
            // %gridid was 32 bits wide once
            if (source.special != SR::gridid && bits(element_type(source.special)) != bits(t))
                return report(source.where, "'" + std::string(spelling(source.special)) + "' is " +
                                                name(element_type(source.special)) + ", " + name(in) + " needs " + name(t));
        }
        bool packs = false;
        for (const Operand& operand : in.operands) packs |= operand.kind == Operand::Kind::vector;
        if (!packs && in.vector == 1) return check_types(in, {t, t});
        if (packs && in.vector == 1 && !is_bits(t))
            return report(in.where, "'mov' packs and unpacks vectors of .b types, not of " + name(t));
        for (const Operand& operand : in.operands) {
            if (operand.kind != Operand::Kind::vector) {
                if (in.vector == 1) check_operand(in, operand, t);
                continue;
            }
            unsigned total = 0;
            bool known = true;
            for (const Operand& element : operand.elements) {
                if (element.kind == Operand::Kind::reg) total += bits(body_.registers[element.reg].type);
                else known = false;
            }
            unsigned wanted = bits(t) * in.vector;
            if (known && total != wanted)
                report(operand.where, "a vector of " + std::to_string(total) + " bits where " + name(in) + " moves " + std::to_string(wanted));
        }
    }

    void check_conversion(const Instruction& in) {
        if (in.types.size() < 2) return report(in.where, "'cvt' needs two types");
        // Registers may be wider than the type (9.5); packed sources and destinations come in registers of the packed size.
        for (size_t i = 0; i < 2; i++) {
            const Operand& operand = in.operands[i];
            if (operand.kind != Operand::Kind::reg) continue;
            const Register& r = body_.registers[operand.reg];
            Type type = in.type(i);
            bool fits = agree_wider(type, r.type);
            if (fits && (type == Type::f32 || type == Type::f64)) fits = agree(type, r.type);
            if (!fits) report(operand.where, "'" + r.name + "' is " + name(r.type) + ", 'cvt' needs " + name(type));
        }
        check_destination(in);
    }

    // --- memory ---

    StateSpace space_of(Symbol s) const {
        switch (s.kind) {
        case Symbol::Kind::module_variable: return module_.variables[s.index].space;
        case Symbol::Kind::local_variable: return body_.variables[s.index].space;
        case Symbol::Kind::parameter:
        case Symbol::Kind::return_parameter: return StateSpace::param;
        default: return StateSpace::generic;
        }
    }
    std::string symbol_name(Symbol s) const {
        switch (s.kind) {
        case Symbol::Kind::module_variable: return module_.variables[s.index].name;
        case Symbol::Kind::local_variable: return body_.variables[s.index].name;
        case Symbol::Kind::parameter: return function_.parameters[s.index].name;
        case Symbol::Kind::return_parameter: return function_.returns[s.index].name;
        default: return "?";
        }
    }

    void check_address(const Instruction& in, const Operand& address) {
        if (address.kind != Operand::Kind::address) return report(address.where, name(in) + " needs an address in brackets");
        if (address.address_has_register) {
            const Register& r = body_.registers[address.reg];
            if (bits(r.type) < 16 || bits(r.type) > 64 || is_float(r.type))
                report(address.where, "'" + r.name + "' is " + name(r.type) + ", an address needs an integer");
        } else if (address.symbol.kind == Symbol::Kind::function) {
            report(address.where, "'" + module_.functions[address.symbol.index].name + "' is a function, not a variable");
        } else if (StateSpace space = space_of(address.symbol); in.has_space && space != StateSpace::generic && space != in.space) {
            report(address.where, "'" + symbol_name(address.symbol) + "' lies in " + name(space) + ", not in " + name(in.space));
        }
    }

    void check_memory(const Instruction& in) {
        if (in.type() == Type::none) return report(in.where, name(in) + " needs a type");
        bool loads = in.opcode == Opcode::ld || in.opcode == Opcode::ldu, stores = in.opcode == Opcode::st;
        bool address_first = stores || in.opcode == Opcode::red;
        check_address(in, in.operands[address_first ? 0 : 1]);
        bool writes = !loads;
        if (stores && function_.is_entry && in.operands[0].symbol.kind == Symbol::Kind::parameter)
            report(in.operands[0].where, "kernel parameter '" + symbol_name(in.operands[0].symbol) + "' cannot be written");
        if (!loads && !stores)
            check_count(in, 2 + (in.opcode == Opcode::atom) + in.has(Modifier::cas) + in.has(Modifier::L2_cache_hint));
        if (in.operands.size() < (address_first ? 2u : 3u) && !loads && !stores) return;
        if (writes && in.space == StateSpace::const_) report(in.where, name(in) + " cannot write to .const");
        if (!loads && !stores && (in.space == StateSpace::param || in.space == StateSpace::local))
            report(in.where, name(in) + " cannot work on " + name(in.space));
        if (!address_first) check_destination(in);
        const Operand& value = in.operands[address_first ? 1 : 0];
        if (in.vector > 1) {
            if (value.kind == Operand::Kind::reg && body_.registers[value.reg].vector == in.vector) {
                const Register& r = body_.registers[value.reg];
                if (!agree_wider(in.type(), r.type)) report(value.where, "'" + r.name + "' is " + name(r.type) + ", " + name(in) + " needs " + name(in.type()));
                return;
            }
            if (value.kind != Operand::Kind::vector || value.elements.size() != in.vector)
                return report(value.where, name(in) + " needs a vector of " + std::to_string(in.vector) + " elements");
            for (const Operand& element : value.elements) check_value(in, element, !loads && !stores);
        } else if (value.kind == Operand::Kind::vector && value.elements.size() > 1) {
            report(value.where, name(in) + " has a vector operand, but no .v" + std::to_string(value.elements.size()));
        } else {
            check_value(in, value, !loads && !stores);
        }
    }

    void check_value(const Instruction& in, const Operand& value, bool exact) {
        Type type = in.type();
        if (value.kind == Operand::Kind::immediate && (type == Type::f32 || type == Type::f64))
            return report(value.where, "an integer constant where " + name(in) + " needs " + name(type));
        if (value.kind == Operand::Kind::immediate_float && kind_of(type) != Kind::floating)
            return report(value.where, "a float constant where " + name(in) + " needs " + name(type));
        if (value.kind != Operand::Kind::reg) return;
        const Register& r = body_.registers[value.reg];
        if (r.vector == 1 && bits(r.type) >= bits(type) && !agree_wider(type, r.type) && r.type != Type::pred)
            return report(value.where, "'" + r.name + "' is " + name(r.type) + ", " + name(in) + " needs " + name(type));
        bool fits = exact ? bits(r.type) == bits(type) : bits(r.type) >= bits(type);
        if (r.type == Type::pred || !fits)
            report(value.where, "'" + r.name + "' is " + name(r.type) + ", too " + (bits(r.type) < bits(type) ? "narrow" : "wide") + " for " +
                                    name(in) + " of " + name(type));
    }

    // --- control and barriers ---

    void check_call(const Instruction& in) {
        size_t next = 0;
        const Operand *returns = nullptr, *arguments = nullptr, *callee = nullptr, *table = nullptr;
        if (in.operands[next].kind == Operand::Kind::list) returns = &in.operands[next++];
        if (next < in.operands.size()) callee = &in.operands[next++];
        if (next < in.operands.size() && in.operands[next].kind == Operand::Kind::list) arguments = &in.operands[next++];
        if (next < in.operands.size()) table = &in.operands[next++];
        if (!callee) return report(in.where, "'call' needs a function");
        const std::vector<Variable>*wanted_returns = nullptr, *wanted_arguments = nullptr;
        std::string who;
        if (callee->kind == Operand::Kind::symbol) {
            const Function& f = module_.functions[callee->symbol.index];
            if (f.is_entry) return report(callee->where, "'" + f.name + "' is a kernel and cannot be called");
            wanted_returns = &f.returns;
            wanted_arguments = &f.parameters;
            who = f.name;
        } else {
            if (!table) return report(in.where, "an indirect call needs a .callprototype or .calltargets");
            if (table->negated) return;
            wanted_returns = &body_.prototypes[table->bits].returns;
            wanted_arguments = &body_.prototypes[table->bits].parameters;
            who = body_.prototypes[table->bits].name;
        }
        auto count = [](const Operand* list) { return list ? list->elements.size() : 0; };
        if (count(arguments) != wanted_arguments->size())
            report(in.where, "'" + who + "' takes " + std::to_string(wanted_arguments->size()) + " arguments, not " +
                                 std::to_string(count(arguments)));
        if (count(returns) != wanted_returns->size())
            report(in.where, "'" + who + "' returns " + std::to_string(wanted_returns->size()) + " values, not " +
                                 std::to_string(count(returns)));
    }

    void check_barrier(const Instruction& in) {
        bool reduces = in.has(Modifier::red), arrives = in.has(Modifier::arrive);
        if (!reduces && !arrives && !in.has(Modifier::sync)) return report(in.where, name(in) + " needs .sync, .arrive or .red");
        size_t least = reduces ? 3 : arrives ? 2 : 1, most = reduces ? 4 : 2;
        if (in.operands.size() < least || in.operands.size() > most)
            return report(in.where, name(in) + " has " + std::to_string(in.operands.size()) + " operands in this form");
        if (reduces) check_operand(in, in.operands[0], in.has(Modifier::popc) ? Type::u32 : Type::pred);
        if (in.operands.size() > (reduces ? 3u : 1u)) {
            const Operand& threads = in.operands[reduces ? 2 : 1];
            if (threads.kind == Operand::Kind::immediate && threads.bits % 32)
                report(threads.where, "a barrier of " + std::to_string(int64_t(threads.bits)) + " threads, which isn't a multiple of 32");
        }
        const Operand& id = in.operands[reduces ? 1 : 0];
        if (id.kind == Operand::Kind::immediate && id.bits >= 16)
            report(id.where, "barrier " + std::to_string(int64_t(id.bits)) + " does not exist, there are 16");
    }

    const Module& module_;
    const Function& function_;
    const Body& body_;
    std::vector<Diagnostic> diagnostics_;
};

} // namespace

std::vector<Diagnostic> verify(const Module& module, const Function& function, const Body& body) {
    return Verifier(module, function, body).run();
}

} // namespace anywarp::ptx
