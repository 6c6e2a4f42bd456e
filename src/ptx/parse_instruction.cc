// Instructions and operands of a body. Modifiers, types and state spaces may come in any order; what an instruction needs is
// the verifier's business, so that the parser stays the same for all of them. Only branches and calls have rules of their own.
//
// Source: PTX ISA 9.0, 6 (operands), 9.7.12 (control flow), 9.7.10 (texture operands).
#include "ptx/parser.h"

namespace anywarp::ptx {

bool BodyParser::parse_instruction(RegisterId guard, bool guard_negated) {
    Instruction instruction;
    instruction.guard = guard;
    instruction.guard_negated = guard_negated;
    instruction.where = token_.where;
    if (!token_.is_identifier()) return fail_here("an instruction");
    if (!parse_opcode(instruction)) return false;
    if (instruction.opcode == Opcode::call) {
        if (!parse_call(instruction)) return false;
    } else if (!token_.is(';') && !token_.is('}')) {
        do {
            Operand& operand = instruction.operands.emplace_back();
            bool is_branch = instruction.opcode == Opcode::bra;
            bool is_table = instruction.opcode == Opcode::brx_idx && instruction.operands.size() == 2;
            if (is_table) {
                if (!parse_table_operand(instruction)) return false;
            } else if (!(is_branch ? parse_label(operand) : parse_operand(operand))) {
                return false;
            }
            // ld.global.u32 %r1, a[2]: an element of an array is an address where the instruction wants one.
            if (operand.kind == Operand::Kind::symbol && operand.bits) {
                bool at_first = instruction.opcode == Opcode::st || instruction.opcode == Opcode::red;
                bool at_second = instruction.opcode == Opcode::ld || instruction.opcode == Opcode::ldu || instruction.opcode == Opcode::atom;
                operand.bits = 0;
                if ((at_first && instruction.operands.size() == 1) || (at_second && instruction.operands.size() == 2))
                    operand.kind = Operand::Kind::address;
            }
        } while (accept(','));
    }
    if (!expect(';')) return false;
    body_.instructions.push_back(std::move(instruction));
    return true;
}

bool BodyParser::parse_opcode(Instruction& instruction) {
    Token name = token_;
    OpcodeMatch match = find_opcode(name.text);
    std::string_view spelled = name.text;
    instruction.opcode = match.opcode;
    advance();
    while (match.longer && token_.kind == Token::Kind::word && token_.text.data() == spelled.data() + spelled.size()) {
        std::string_view longer(spelled.data(), spelled.size() + token_.text.size());
        match = find_opcode(longer);
        if (match.opcode == Opcode::invalid && !match.longer) break;
        spelled = longer;
        instruction.opcode = match.opcode;
        advance();
    }
    if (instruction.opcode == Opcode::invalid) {
        return fail(name.where, "unknown instruction '" + std::string(spelled) + "'");
    }
    for (; token_.kind == Token::Kind::word; advance())
        if (!parse_modifier(instruction, token_.text.substr(1))) return false;
    // mad.f32 of sm_1x names no rounding (9.7.3.6): newer devices run it as fma.rn.ftz.f32, and so it is read.
    if (instruction.opcode == Opcode::mad && module_.target_sm < 20 && instruction.types == std::vector{Type::f32}) {
        bool rounded = instruction.has(Modifier::rn) || instruction.has(Modifier::rz) || instruction.has(Modifier::rm) ||
                       instruction.has(Modifier::rp);
        if (!rounded) instruction.modifiers.push_back(Modifier::rn);
        if (!rounded && !instruction.has(Modifier::ftz)) instruction.modifiers.push_back(Modifier::ftz);
    }
    return true;
}

bool BodyParser::parse_modifier(Instruction& instruction, std::string_view word) {
    if (word.size() == 2 && word[0] == 'v' && (word[1] == '2' || word[1] == '4' || word[1] == '8')) {
        instruction.vector = uint8_t(word[1] - '0');
        return true;
    }
    if (Type type = find_type(word); type != Type::none) {
        instruction.types.push_back(type);
        return true;
    }
    bool qualified = word.find("::") != word.npos;
    Modifier modifier = find_modifier(word);
    if (StateSpace space = find_space(word); space != StateSpace::generic && (!qualified || modifier != Modifier::none)) {
        if (instruction.second_space != StateSpace::generic) return fail(token_.where, "a third state space");
        (instruction.has_space ? instruction.second_space : instruction.space) = space;
        instruction.has_space = true;
        if (qualified) instruction.modifiers.push_back(modifier);
        return true;
    }
    if (modifier == Modifier::none)
        return fail(token_.where,
                    "unknown modifier '." + std::string(word) + "' of '" + std::string(spelling(instruction.opcode)) + "'");
    instruction.modifiers.push_back(modifier);
    return true;
}

// call (ret), callee, (arguments), prototype;   every part but the callee may be missing
bool BodyParser::parse_call(Instruction& instruction) {
    auto list = [&] {
        Operand& operand = instruction.operands.emplace_back();
        operand.kind = Operand::Kind::list;
        operand.where = token_.where;
        advance();
        return parse_list(operand.elements, ')');
    };
    if (token_.is('(') && !(list() && expect(','))) return false;
    if (!token_.is_identifier()) return fail_here("a function");
    Operand& callee = instruction.operands.emplace_back();
    callee.where = token_.where;
    std::string name(token_.text);
    RegisterId reg = find_register(token_.text);
    if (reg != no_index) {
        callee.kind = Operand::Kind::reg;
        callee.reg = reg;
    } else {
        auto found = module_.symbols.find(name);
        if (found == module_.symbols.end() || found->second.kind != Symbol::Kind::function)
            return fail(callee.where, "undefined function '" + name + "'");
        callee.kind = Operand::Kind::symbol;
        callee.symbol = found->second;
    }
    advance();
    while (accept(',')) {
        if (token_.is('(')) {
            if (!list()) return false;
        } else {
            instruction.operands.emplace_back();
            if (!parse_table_operand(instruction)) return false;
        }
    }
    return true;
}

/// The name of a .branchtargets, .callprototype or .calltargets; it may stand before or behind.
bool BodyParser::parse_table_operand(Instruction& instruction) {
    if (!token_.is_identifier()) return fail_here("the name of a table");
    Operand& operand = instruction.operands.back();
    operand.kind = Operand::Kind::label;
    operand.where = token_.where;
    std::string_view name = token_.text;
    SourceLocation where = token_.where;
    advance();
    for (size_t i = scopes_.size(); i-- > 0;) {
        auto found = scopes_[i].tables.find(name);
        if (found == scopes_[i].tables.end()) continue;
        if (!set_table(instruction, operand, found->second)) return fail(where, "'" + std::string(name) + "' is another kind of table");
        return true;
    }
    if (body_.instructions.size() >= no_index || instruction.operands.size() > 0xffff) return fail(where, "too many operands");
    pending_tables_.push_back({uint32_t(body_.instructions.size()), uint16_t(instruction.operands.size() - 1), name, where});
    return true;
}

bool BodyParser::parse_label(Operand& operand) {
    if (!token_.is_identifier()) return fail_here("a label");
    operand.kind = Operand::Kind::label;
    operand.where = token_.where;
    operand.label = refer_label(token_.text, token_.where);
    advance();
    return true;
}

// --- operands ----------------------------------------------------------------------------------------------------------

bool BodyParser::parse_operand(Operand& operand) {
    if (++depth_ > max_depth) {
        depth_--;
        return fail(token_.where, "operand is nested too deeply");
    }
    bool ok = parse_primary_operand(operand);
    if (ok && token_.is('|')) { // p|q
        advance();
        Operand first = std::move(operand), second;
        ok = parse_primary_operand(second);
        operand = Operand{};
        operand.kind = Operand::Kind::pair;
        operand.where = first.where;
        operand.elements.push_back(std::move(first));
        operand.elements.push_back(std::move(second));
    }
    depth_--;
    return ok;
}

bool BodyParser::parse_list(std::vector<Operand>& elements, char close) {
    while (!token_.is(close)) {
        if (!parse_operand(elements.emplace_back())) return false;
        if (!accept(',') && !token_.is(close)) return fail_here(std::string("',' or '") + close + "'");
    }
    advance();
    return true;
}

bool BodyParser::parse_component(Operand& operand) {
    if (token_.kind != Token::Kind::word) return true;
    constexpr std::string_view names[] = {"x", "y", "z", "w", "b0", "b1", "b2", "b3", "h0", "h1", "r", "g", "b", "a"};
    for (size_t i = 0; i < std::size(names); i++)
        if (token_.text.substr(1) == names[i]) {
            operand.component = int8_t(i < 10 ? i : i - 10);
            advance();
            return true;
        }
    // Selectors and masks of the SIMD video instructions: .h10, .b3210, .b20 ...
    std::string_view word = token_.text.substr(1);
    if (word.size() > 2 && word.size() <= (word[0] == 'h' ? 3 : 5) && (word[0] == 'h' || word[0] == 'b')) {
        unsigned last = word[0] == 'h' ? 3 : 7;
        uint16_t parts = 0;
        for (char c : word.substr(1)) parts = c >= '0' && c <= char('0' + last) && (parts || c == word[1]) ? uint16_t(parts << 4 | (c - '0' + 1)) : 0;
        if (parts) {
            operand.parts = parts;
            operand.component = int8_t(word[0] == 'h' ? 8 : 4);
            advance();
            return true;
        }
    }
    return fail(token_.where, "unknown component '" + std::string(token_.text) + "'");
}

/// Is there such a component? Parts of video operands (.b0, .h1) belong to any register.
bool BodyParser::has_component(const Operand& operand, SourceLocation where) {
    if (operand.kind != Operand::Kind::reg || operand.component < 0 || operand.component > 3) return true;
    const Register& r = body_.registers[operand.reg];
    if (r.vector > 1 && operand.component < r.vector) return true;
    return fail(where, "'" + r.name + "' has no component ." + std::string(1, "xyzw"[operand.component]));
}

bool BodyParser::parse_primary_operand(Operand& operand) {
    operand.where = token_.where;
    SourceLocation where = token_.where;
    if (token_.is('!')) {
        advance();
        if (!token_.is_identifier()) return fail_here("a predicate");
        if (!parse_primary_operand(operand)) return false;
        operand.where = where;
        operand.negated = true;
        return true;
    }
    if (token_.is('{')) {
        advance();
        operand.kind = Operand::Kind::vector;
        return parse_list(operand.elements, '}');
    }
    if (token_.is('[')) return parse_address(operand);
    if (token_.is('-')) {
        Lexer ahead = lexer_;
        Token next = ahead.next();
        if (next.is_identifier() && next.text != "WARP_SZ") {
            advance();
            operand.minus = true;
        }
    }
    if (token_.is_identifier() && token_.text != "WARP_SZ") {
        std::string_view name = token_.text;
        if (name == "_") {
            operand.kind = Operand::Kind::sink;
            advance();
            return true;
        }
        if (!resolve(name, token_.where, operand)) return false;
        advance();
        if (!parse_component(operand) || !has_component(operand, where)) return false;
        if (operand.kind == Operand::Kind::reg && token_.is('+')) return parse_register_sum(operand);
        if (operand.kind == Operand::Kind::symbol && token_.is('[')) {
            const Variable* array = nullptr;
            if (operand.symbol.kind == Symbol::Kind::module_variable) array = &module_.variables[operand.symbol.index];
            if (operand.symbol.kind == Symbol::Kind::local_variable) array = &body_.variables[operand.symbol.index];
            if (!array || !array->is_array) return fail_here("an array");
            advance();
            int64_t index;
            if (!parse_integer(index) || !expect(']')) return false;
            operand.offset = int64_t(uint64_t(index) * bytes(array->type) * array->vector);
            operand.bits = 1; // an element, see parse_instruction
        }
        if (operand.kind == Operand::Kind::symbol)
            while (token_.is('+') || token_.is('-')) {
                bool minus = token_.is('-');
                advance();
                Constant value;
                if (!parse_constant(value, 10)) return false;
                operand.offset += int64_t(minus ? 0 - value.bits : value.bits);
            }
        return true;
    }
    Constant value;
    if (!parse_constant(value)) return false;
    operand.kind = value.is_float ? Operand::Kind::immediate_float : Operand::Kind::immediate;
    operand.bits = value.bits;
    operand.float_is_single = value.single;
    return true;
}

/// `st.u64 [%rd1], %rd2 + 8`: ptxas takes a register plus a constant as a source of any instruction. It becomes an add before it.
bool BodyParser::parse_register_sum(Operand& operand) {
    SourceLocation where = token_.where;
    Register reg = body_.registers[operand.reg];
    Type type = bits(reg.type) == 16 ? Type::u16 : bits(reg.type) == 32 ? Type::u32 : bits(reg.type) == 64 ? Type::u64 : Type::none;
    if (type == Type::none || is_float(reg.type) || (reg.vector > 1 && operand.component < 0) || operand.minus)
        return fail(where, "only an integer register can be added to");
    advance();
    Constant value;
    if (!parse_constant(value, 10)) return false;
    if (value.is_float) return fail(where, "only an integer can be added to a register");
    Instruction add;
    add.opcode = Opcode::add;
    add.types = {type};
    add.where = where;
    add.operands.resize(3);
    add.operands[0].kind = Operand::Kind::reg;
    add.operands[0].reg = add_register(reg.name + "$sum", reg.type, 1);
    add.operands[0].where = where;
    add.operands[1] = operand;
    add.operands[2].kind = Operand::Kind::immediate;
    add.operands[2].bits = value.bits;
    add.operands[2].where = where;
    operand = add.operands[0];
    body_.instructions.push_back(std::move(add));
    return true;
}

// [reg], [reg+imm], [symbol+imm], [imm]; with coordinates behind a comma: [texture, {x, y}], [texture, sampler, {x, y}]
bool BodyParser::parse_address(Operand& operand) {
    advance();
    operand.kind = Operand::Kind::address;
    if (token_.is_identifier() && token_.text != "WARP_SZ") {
        Operand base;
        SourceLocation where = token_.where;
        if (!resolve(token_.text, where, base)) return false;
        advance();
        if (!parse_component(base) || !has_component(base, where)) return false;
        if (base.kind == Operand::Kind::reg) {
            operand.address_has_register = true;
            operand.reg = base.reg;
            operand.component = base.component;
        } else if (base.kind == Operand::Kind::symbol) {
            operand.symbol = base.symbol;
        } else {
            return fail(where, "an address cannot begin with a special register");
        }
        while (token_.is('+') || token_.is('-')) {
            bool minus = token_.is('-');
            advance();
            if (token_.is_identifier() && token_.text != "WARP_SZ")
                return fail(token_.where, "an address offset must be a constant, not '" + std::string(token_.text) + "'");
            Constant value;
            if (!parse_constant(value, 10)) return false;
            if (value.is_float) return fail(where, "an address offset must be an integer");
            operand.offset = int64_t(uint64_t(operand.offset) + (minus ? 0 - value.bits : value.bits));
        }
    } else {
        int64_t value;
        if (!parse_integer(value)) return false;
        operand.offset = value;
    }
    if (token_.is(',')) {
        Operand texture;
        texture.kind = Operand::Kind::texture;
        texture.where = operand.where;
        Operand base = std::move(operand);
        if (base.address_has_register || base.symbol.kind != Symbol::Kind::none)
            base.kind = base.address_has_register ? Operand::Kind::reg : Operand::Kind::symbol;
        texture.elements.push_back(std::move(base));
        while (accept(','))
            if (!parse_operand(texture.elements.emplace_back())) return false;
        operand = std::move(texture);
    }
    return expect(']');
}

bool BodyParser::resolve(std::string_view name, SourceLocation where, Operand& operand) {
    if (RegisterId reg = find_register(name); reg != no_index) {
        operand.kind = Operand::Kind::reg;
        operand.reg = reg;
        return true;
    }
    if (name[0] == '%') {
        if (SpecialRegister special = find_special_register(name); special != SpecialRegister::none) {
            operand.kind = Operand::Kind::special;
            operand.special = special;
            return true;
        }
    }
    operand.kind = Operand::Kind::symbol;
    for (size_t i = scopes_.size(); i-- > 0;)
        if (auto found = scopes_[i].names.find(name); found != scopes_[i].names.end()) {
            operand.symbol = {found->second.kind == Name::Kind::module_variable ? Symbol::Kind::module_variable : Symbol::Kind::local_variable,
                              found->second.index};
            return true;
        }
    auto among = [&](const std::vector<Variable>& list, Symbol::Kind kind) {
        for (uint32_t i = 0; i < list.size(); i++)
            if (list[i].name == name) {
                operand.symbol = {kind, i};
                return true;
            }
        return false;
    };
    if (among(function_.parameters, Symbol::Kind::parameter) || among(function_.returns, Symbol::Kind::return_parameter)) return true;
    if (auto found = module_.symbols.find(std::string(name)); found != module_.symbols.end()) {
        operand.symbol = found->second;
        return true;
    }
    return fail(where, (name[0] == '%' ? "undefined register '" : "undefined name '") + std::string(name) + "'");
}

} // namespace anywarp::ptx
