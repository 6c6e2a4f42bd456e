// One function's body: scopes, registers, labels, instructions. Names become indices here, and what lies behind the parser never
// sees a scope: registers, variables and labels of inner { } blocks that repeat a name get a name of their own.
//
// A label may be used before it is defined, and an inner block may define a label that an outer one has too. So each block keeps
// its own table; what it used but didn't define is handed to the block around it when it closes.
//
// Source: PTX ISA 9.0, 4.2 (statements), 5.4.1 (registers), 7.1 (calls), 9.3 (guards), 11.3 (control flow directives).
#include "ptx/parser.h"

#include <charconv>

namespace anywarp::ptx {

BodyParser::BodyParser(const Module& module, const Function& function, Body& body, std::vector<Diagnostic>& diagnostics)
    : Parser(module.text, function.body_begin, function.body_end, function.body_where, diagnostics), module_(module),
      function_(function), body_(body) {
    scopes_.emplace_back();
    for (const auto* list : {&function.parameters, &function.returns})
        for (const Variable& v : *list)
            if (v.space == StateSpace::reg) {
                RegisterId id = add_register(v.name, v.type, v.vector);
                scopes_.back().names[v.name] = {Name::Kind::reg, id};
            }
}

void BodyParser::parse() {
    if (!expect('{')) return;
    while (!too_many_errors()) {
        if (token_.kind == Token::Kind::end) {
            fail_here("'}'");
            break;
        }
        if (token_.is('}')) {
            advance();
            if (scopes_.size() == 1) break;
            close_scope();
            continue;
        }
        if (token_.is('{')) {
            if (scopes_.size() >= max_depth) {
                fail(token_.where, "blocks are nested too deeply");
                break;
            }
            advance();
            scopes_.emplace_back();
            continue;
        }
        size_t begin = token_.begin;
        if (parse_statement()) continue;
        recover();
        if (token_.begin == begin && !token_.is('}') && token_.kind != Token::Kind::end) advance();
    }
    while (scopes_.size() > 1) close_scope();
    for (const PendingTable& use : pending_tables_) fail(use.where, "undefined name '" + std::string(use.name) + "'");
    finish_labels();
}

bool BodyParser::parse_statement() {
    if (accept(';')) return true;
    if (token_.kind == Token::Kind::word) {
        if (accept_word(".reg")) return parse_registers();
        if (token_.is_word(".loc") || token_.is_word(".file")) return skip_location();
        if (accept_word(".pragma")) {
            while (token_.kind == Token::Kind::string) {
                advance();
                accept(',');
            }
            return expect(';');
        }
        Declaration d;
        if (token_.is_word(".extern")) d.variable.linkage = Linkage::extern_, advance();
        if (!parse_declaration_words(d)) return false;
        return parse_local_variables(d);
    }
    if (token_.is('@')) {
        Lexer ahead = lexer_;
        if (ahead.next().is('@')) { // @@DWARF
            lexer_.skip_line();
            advance();
            return true;
        }
        RegisterId guard;
        bool negated;
        return parse_guard(guard, negated) && parse_instruction(guard, negated);
    }
    if (token_.is('#')) {
        lexer_.skip_line();
        advance();
        return true;
    }
    if (!token_.is_identifier()) return fail_here("a statement");
    Lexer ahead = lexer_;
    if (ahead.next().is(':')) {
        Token name = token_;
        advance();
        advance();
        return parse_label_or_table(name);
    }
    return parse_instruction(no_index, false);
}

bool BodyParser::parse_guard(RegisterId& guard, bool& negated) {
    advance(); // @
    negated = accept('!');
    if (!token_.is_identifier()) return fail_here("a predicate");
    guard = find_register(token_.text);
    if (guard == no_index) return fail(token_.where, "undefined register '" + std::string(token_.text) + "'");
    if (body_.registers[guard].type != Type::pred)
        return fail(token_.where, "guard '" + std::string(token_.text) + "' is not a predicate");
    advance();
    return true;
}

bool BodyParser::parse_registers() {
    Type type = Type::none;
    uint8_t vector = 1;
    while (token_.kind == Token::Kind::word) {
        std::string_view name = token_.text.substr(1);
        if (name == "v2" || name == "v4" || name == "v8") vector = uint8_t(name[1] - '0');
        else if (Type t = find_type(name); t != Type::none) type = t;
        else return fail_here("a register type");
        advance();
    }
    if (type == Type::none) return fail_here("a register type");
    do {
        if (!token_.is_identifier()) return fail_here("a register name");
        Token name = token_;
        advance();
        Scope& scope = scopes_.back();
        if (accept('<')) {
            uint32_t count;
            if (!parse_unsigned(count) || !expect('>')) return false;
            total_registers_ += count;
            if (total_registers_ > 1u << 24) return fail(name.where, "more than 16777216 registers");
            auto [range, added] = scope.ranges.try_emplace(name.text, Range{type, vector, {}});
            if (!added && (range->second.type != type || range->second.vector != vector))
                return fail(name.where, "'" + std::string(name.text) + "' is declared twice");
            if (range->second.ids.size() < count) range->second.ids.resize(count, no_index);
        } else {
            if (scope.names.contains(name.text)) return fail(name.where, "'" + std::string(name.text) + "' is declared twice");
            scope.names[name.text] = {Name::Kind::reg, add_register(name.text, type, vector)};
        }
    } while (accept(','));
    return expect(';');
}

bool BodyParser::parse_local_variables(Declaration& d) {
    if (!d.has_space) return fail(d.where, "expected a state space");
    if (!d.has_type) return fail_here("a type");
    StateSpace space = d.variable.space;
    if (space == StateSpace::global || space == StateSpace::const_) { // ModuleParser has declared it
        do {
            std::string_view name = token_.text;
            Variable v = d.variable;
            std::vector<PendingAddress> addresses;
            if (!parse_declarator(v, &addresses)) return false;
            auto found = module_.symbols.find(inner_name(function_.name, v));
            if (found == module_.symbols.end() || found->second.kind != Symbol::Kind::module_variable)
                return fail(v.where, "variable '" + v.name + "' stands where the module's index doesn't see it");
            if (!scopes_.back().names.emplace(name, Name{Name::Kind::module_variable, found->second.index}).second)
                return fail(v.where, "'" + v.name + "' is declared twice");
        } while (accept(','));
        return expect(';');
    }
    if (space != StateSpace::local && space != StateSpace::shared && space != StateSpace::param)
        return fail(d.where, "a ." + std::string(spelling(space)) + " variable inside a function is not supported");
    do {
        std::string_view name = token_.text;
        Variable v = d.variable;
        if (!parse_declarator(v, nullptr)) return false;
        Name entry{Name::Kind::variable, uint32_t(body_.variables.size())};
        if (!scopes_.back().names.emplace(name, entry).second) return fail(v.where, "'" + v.name + "' is declared twice");
        v.name = unique(name);
        body_.variables.push_back(std::move(v));
    } while (accept(','));
    return expect(';');
}

bool BodyParser::parse_label_or_table(const Token& name) {
    if (token_.kind != Token::Kind::word ||
        (token_.text != ".branchtargets" && token_.text != ".callprototype" && token_.text != ".calltargets")) {
        define_label(name);
        return true;
    }
    std::string_view directive = token_.text;
    advance();
    uint32_t index;
    if (directive == ".branchtargets") {
        Body::BranchTargets targets{unique(name.text), {}};
        do {
            if (!token_.is_identifier()) return fail_here("a label");
            targets.labels.push_back(refer_label(token_.text, token_.where));
            advance();
        } while (accept(','));
        index = uint32_t(body_.branch_targets.size()) | table_branch_targets;
        body_.branch_targets.push_back(std::move(targets));
    } else if (directive == ".calltargets") {
        Body::CallTargets targets{unique(name.text), {}};
        do {
            if (!token_.is_identifier()) return fail_here("a function name");
            auto found = module_.symbols.find(std::string(token_.text));
            if (found == module_.symbols.end() || found->second.kind != Symbol::Kind::function)
                return fail(token_.where, "undefined function '" + std::string(token_.text) + "'");
            targets.functions.push_back(found->second);
            advance();
        } while (accept(','));
        index = uint32_t(body_.call_targets.size()) | table_call_targets;
        body_.call_targets.push_back(std::move(targets));
    } else {
        Body::Prototype prototype;
        prototype.name = unique(name.text);
        if (token_.is('(') && !parse_parameters(prototype.returns)) return false;
        if (!token_.is_identifier()) return fail_here("'_'");
        advance();
        if (token_.is('(') && !parse_parameters(prototype.parameters)) return false;
        while (token_.kind == Token::Kind::word) {
            if (token_.is_word(".noreturn")) prototype.noreturn = true;
            advance();
            if (token_.kind == Token::Kind::integer) advance(); // .abi_preserve 4
        }
        index = uint32_t(body_.prototypes.size());
        body_.prototypes.push_back(std::move(prototype));
    }
    if (!scopes_.back().tables.emplace(name.text, index).second)
        fail(name.where, "'" + std::string(name.text) + "' is defined twice");
    std::erase_if(pending_tables_, [&](const PendingTable& use) {
        if (use.name != name.text) return false;
        Instruction& instruction = body_.instructions[use.instruction];
        return set_table(instruction, instruction.operands[use.operand], index);
    });
    return expect(';');
}

/// Point a brx.idx or call at a table; false when the table is of another kind.
bool BodyParser::set_table(const Instruction& instruction, Operand& operand, uint32_t table) {
    if ((instruction.opcode == Opcode::brx_idx) != ((table & table_branch_targets) != 0)) return false;
    operand.bits = table & ~(table_branch_targets | table_call_targets);
    operand.negated = (table & table_call_targets) != 0;
    return true;
}

// --- names -------------------------------------------------------------------------------------------------------------

std::string BodyParser::unique(std::string_view name) {
    std::string candidate(name);
    for (unsigned n = 1; !used_names_.insert(candidate).second; n++) candidate = std::string(name) + "$" + std::to_string(n);
    return candidate;
}

RegisterId BodyParser::add_register(std::string_view name, Type type, uint8_t vector) {
    body_.registers.push_back({unique(name), type, vector});
    return RegisterId(body_.registers.size() - 1);
}

RegisterId BodyParser::find_register(std::string_view name) {
    for (size_t i = scopes_.size(); i-- > 0;) {
        Scope& scope = scopes_[i];
        if (auto found = scope.names.find(name); found != scope.names.end())
            return found->second.kind == Name::Kind::reg ? found->second.index : no_index;
        if (scope.ranges.empty()) continue;
        // %r12 may be number 12 of %r<100> or number 2 of %r1<5>.
        for (size_t digits = name.size(); digits > 1 && name[digits - 1] >= '0' && name[digits - 1] <= '9';) {
            digits--;
            if (name[digits] == '0' && digits + 1 < name.size()) continue; // no leading zeros
            auto range = scope.ranges.find(name.substr(0, digits));
            if (range == scope.ranges.end()) continue;
            uint32_t number = 0;
            if (std::from_chars(name.data() + digits, name.data() + name.size(), number).ec != std::errc()) continue;
            if (number >= range->second.ids.size()) continue;
            RegisterId& id = range->second.ids[number];
            if (id == no_index) id = add_register(name, range->second.type, range->second.vector);
            return id;
        }
    }
    return no_index;
}

LabelId BodyParser::refer_label(std::string_view name, SourceLocation where) {
    auto [found, added] = scopes_.back().labels.try_emplace(name, LabelId(body_.labels.size()));
    if (added) {
        body_.labels.push_back({std::string(name), no_index});
        label_states_.push_back({where});
    }
    return found->second;
}

void BodyParser::define_label(const Token& name) {
    LabelId id = refer_label(name.text, name.where);
    if (body_.labels[id].target != no_index) fail(name.where, "label '" + std::string(name.text) + "' is defined twice");
    else defined_labels_.push_back(id);
    body_.labels[id].target = uint32_t(body_.instructions.size());
}

void BodyParser::close_scope() {
    auto labels = std::move(scopes_.back().labels);
    scopes_.pop_back();
    for (auto [name, id] : labels) {
        if (body_.labels[id].target != no_index) continue;
        auto [outer, added] = scopes_.back().labels.try_emplace(name, id);
        if (!added) label_states_[id].same_as = outer->second;
    }
}

void BodyParser::finish_labels() {
    // Drop the placeholders that turned out to be labels of an outer block; number the rest in the order of the text.
    std::vector<Body::Label> kept;
    std::vector<LabelId> number(body_.labels.size(), no_index);
    for (LabelId id = 0; id < body_.labels.size(); id++)
        if (label_states_[id].same_as == no_index && body_.labels[id].target == no_index)
            fail(label_states_[id].first_use, "undefined label '" + body_.labels[id].name + "'");
    for (LabelId id : defined_labels_) {
        number[id] = LabelId(kept.size());
        kept.push_back({unique(body_.labels[id].name), body_.labels[id].target});
    }
    auto final_id = [&](LabelId id) {
        while (label_states_[id].same_as != no_index) id = label_states_[id].same_as;
        return number[id];
    };
    for (Instruction& instruction : body_.instructions)
        for (Operand& operand : instruction.operands)
            if (operand.kind == Operand::Kind::label && operand.label != no_index) operand.label = final_id(operand.label);
    for (Body::BranchTargets& targets : body_.branch_targets)
        for (LabelId& label : targets.labels) label = final_id(label);
    body_.labels = std::move(kept);
}

} // namespace anywarp::ptx
