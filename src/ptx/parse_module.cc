// Module scope: what the module declares, without reading a single body (a module may hold thousands of kernels).
//
// A function's body is stepped over by its braces; its place in the text is kept and BodyParser reads it when somebody asks.
// Names may be declared several times (a prototype, later the definition; .extern, later the variable itself): they share one
// index, and the definition wins.
//
// Source: PTX ISA 9.0, 4.2 (statements), 5.4 (variables), 7.1 (functions), 11 (directives).
#include "ptx/parser.h"

#include <algorithm>

namespace anywarp::ptx {

namespace {

/// What tells two declarations of a function apart; empty: nothing.
std::string differences(const Function& a, const Function& b) {
    if (a.is_entry != b.is_entry) return "one is a kernel";
    for (auto list : {&Function::parameters, &Function::returns}) {
        const char* what = list == &Function::parameters ? "parameter" : "result";
        if ((a.*list).size() != (b.*list).size()) return std::string("the number of ") + what + "s";
        for (size_t i = 0; i < (a.*list).size(); i++)
            if ((a.*list)[i].type != (b.*list)[i].type || (a.*list)[i].size != (b.*list)[i].size || (a.*list)[i].vector != (b.*list)[i].vector)
                return std::string("the type of ") + what + " " + std::to_string(i);
    }
    return {};
}

} // namespace

ModuleParser::ModuleParser(Module& module, std::vector<Diagnostic>& diagnostics)
    : Parser(module.text, 0, module.text.size(), {1, 1}, diagnostics), module_(module) {}

void ModuleParser::parse() {
    while (token_.kind != Token::Kind::end && !too_many_errors()) {
        check_header();
        size_t begin = token_.begin;
        if (parse_statement()) continue;
        recover(true);
        if (token_.kind != Token::Kind::end && token_.begin == begin) advance();
        accept('}');
    }
    if (lexer_.open_comment().line) fail(lexer_.open_comment(), "a comment has no end");
    check_header();
    resolve_initializers();
}

/// A module begins with .version, then .target; the error stands where something else does.
void ModuleParser::check_header() {
    if (header_checked_ || (token_.kind != Token::Kind::word && token_.kind != Token::Kind::end)) return;
    bool has_version = module_.version_major != 0, has_target = !module_.target.empty();
    bool may_follow = has_version ? has_target || token_.is_word(".target")
                                  : !has_target && (token_.is_word(".version") || token_.is_word(".target"));
    header_checked_ = !may_follow || (has_version && has_target);
    if (!may_follow && no_errors()) fail(token_.where, has_version ? "missing .target directive" : "missing .version directive");
}

bool ModuleParser::parse_statement() {
    if (accept(';')) return true;
    if (token_.is('@')) { // @@DWARF lines of old compilers
        lexer_.skip_line();
        advance();
        return true;
    }
    if (token_.is('#')) { // a preprocessor's line marker
        lexer_.skip_line();
        advance();
        return true;
    }
    if (token_.kind != Token::Kind::word) return fail_here("a directive");
    if (token_.is_word(".loc")) return skip_location();
    if (token_.is_word(".file")) {
        Lexer ahead = lexer_;
        ahead.next();
        Token name = ahead.next();
        if (name.kind == Token::Kind::string) module_.files.emplace_back(name.text);
        return skip_location();
    }
    if (token_.is_word(".section")) { // debug information
        while (!token_.is('{') && token_.kind != Token::Kind::end) advance();
        if (!lexer_.skip_braces()) {
            advance();
            return fail_here("'}'");
        }
        advance();
        return true;
    }
    if (accept_word(".pragma")) {
        while (token_.kind == Token::Kind::string) {
            advance();
            accept(',');
        }
        return expect(';');
    }
    if (token_.is_word(".version") || token_.is_word(".target") || token_.is_word(".address_size")) return parse_header_word();
    if (accept_word(".alias")) return parse_alias();

    Linkage linkage = Linkage::internal;
    for (;; advance()) {
        if (token_.is_word(".visible")) linkage = Linkage::visible;
        else if (token_.is_word(".extern")) linkage = Linkage::extern_;
        else if (token_.is_word(".weak")) linkage = Linkage::weak;
        else if (token_.is_word(".common")) linkage = Linkage::common;
        else break;
    }
    if (accept_word(".entry")) return parse_function(linkage, true);
    if (accept_word(".func")) return parse_function(linkage, false);

    Declaration d;
    d.variable.linkage = linkage;
    if (!parse_declaration_words(d)) return false;
    if (!d.has_space) return fail(d.where, "expected a state space");
    switch (d.variable.space) {
    case StateSpace::const_:
    case StateSpace::global:
    case StateSpace::shared:
    case StateSpace::local:
    case StateSpace::tex: break;
    default: return fail(d.where, "." + std::string(spelling(d.variable.space)) + " variable at module scope");
    }
    if (!d.has_type) return fail_here("a type");
    if (d.variable.type == Type::pred) return fail(d.where, "a predicate in memory");
    if (linkage == Linkage::common && d.variable.space != StateSpace::global) return fail(d.where, "a .common variable that isn't .global");
    if (d.variable.managed && d.variable.space != StateSpace::global) return fail(d.where, "a managed variable that isn't .global");
    if (d.variable.pointer) return fail(d.where, ".ptr of a variable");
    if (d.variable.space == StateSpace::tex) { // PTX 1.x: .tex .u32 name
        d.variable.space = StateSpace::global;
        d.variable.type = Type::texref;
        d.variable.vector = 1;
    }
    for (;;) {
        Variable variable = d.variable;
        std::vector<PendingAddress> pending;
        if (!parse_declarator(variable, &pending)) return false;
        bool can_begin = linkage != Linkage::extern_ && (variable.space == StateSpace::global || variable.space == StateSpace::const_);
        if (variable.initializer && !can_begin) return fail(variable.where, "'" + variable.name + "' can't have an initial value");
        bool open = variable.is_array && variable.size == 0 && !variable.initializer;
        if (open && linkage != Linkage::extern_) return fail(variable.where, "array '" + variable.name + "' has no size");
        declare_variable(std::move(variable), std::move(pending));
        if (!accept(',')) break;
    }
    return expect(';');
}

bool ModuleParser::parse_header_word() {
    Token word = token_;
    advance();
    if (word.text == ".version") {
        // "8.0" reaches us as one real number; its digits count, not its value.
        if (token_.kind != Token::Kind::real && token_.kind != Token::Kind::integer) return fail_here("a version number");
        unsigned numbers[2] = {0, 0};
        bool known = module_.version_major != 0;
        size_t part = 0;
        for (char c : token_.text) {
            if (c == '.' && part == 0) part = 1;
            else if (c >= '0' && c <= '9' && numbers[part] < 100000) numbers[part] = numbers[part] * 10 + unsigned(c - '0');
            else return fail_here("a version number");
        }
        module_.version_major = numbers[0];
        module_.version_minor = numbers[1];
        if (!numbers[0]) return fail_here("a version number");
        if (known) return fail(word.where, "a second .version directive");
        advance();
        return true;
    }
    if (word.text == ".address_size") {
        uint32_t size;
        SourceLocation where = token_.where;
        if (!parse_unsigned(size)) return false;
        if (size != 32 && size != 64) return fail(where, "address size " + std::to_string(size) + " is neither 32 nor 64");
        if (size == 32)
            return fail(where, "32-bit PTX (.address_size 32) is not supported: compile the program for 64 bits (nvcc -m64), or, if the "
                               "code doesn't depend on the size of pointers, say .address_size 64");
        module_.address_size = size;
        return true;
    }
    do { // .target sm_90a, texmode_independent, debug
        if (!token_.is_identifier()) return fail_here("a target");
        std::string_view target = token_.text;
        if (target.starts_with("sm_") || target.starts_with("compute_")) {
            module_.target = target;
            unsigned number = 0;
            for (char c : target.substr(target.find('_') + 1)) {
                if (c < '0' || c > '9' || number > 100000) break;
                number = number * 10 + unsigned(c - '0');
            }
            module_.target_sm = number;
        } else if (target != "texmode_unified" && target != "texmode_independent" && target != "debug" && target != "map_f64_to_f32") {
            return fail_here("a target");
        }
        advance();
    } while (accept(','));
    return true;
}

bool ModuleParser::parse_alias() { // .alias name, aliasee;
    if (!token_.is_identifier()) return fail_here("a function name");
    Token name = token_;
    advance();
    if (!expect(',')) return false;
    if (!token_.is_identifier()) return fail_here("a function name");
    Token of = token_;
    advance();
    auto found = module_.symbols.find(std::string(name.text)), target = module_.symbols.find(std::string(of.text));
    if (target == module_.symbols.end() || target->second.kind != Symbol::Kind::function)
        return fail(of.where, "undefined function '" + std::string(of.text) + "'");
    if (module_.functions[target->second.index].is_entry)
        return fail(of.where, "kernel '" + std::string(of.text) + "' can't have an alias");
    if (found == module_.symbols.end()) {
        Function function = module_.functions[target->second.index];
        function.name = name.text;
        function.is_declaration = true;
        function.body_begin = function.body_end = 0;
        function.where = name.where;
        found = module_.symbols.emplace(function.name, Symbol{Symbol::Kind::function, uint32_t(module_.functions.size())}).first;
        module_.functions.push_back(std::move(function));
    } else if (found->second.kind != Symbol::Kind::function) {
        return fail(name.where, "'" + std::string(name.text) + "' is not a function");
    } else if (std::string difference = differences(module_.functions[found->second.index], module_.functions[target->second.index]);
               !difference.empty()) {
        return fail(name.where, "alias '" + std::string(name.text) + "' of '" + std::string(of.text) + "': " + difference);
    }
    module_.functions[found->second.index].alias_of = of.text;
    return expect(';');
}

bool ModuleParser::parse_function(Linkage linkage, bool is_entry) {
    Function function;
    function.linkage = linkage;
    function.is_entry = is_entry;
    if (token_.is_word(".attribute")) { // .func .attribute(.unified(..)) name
        Declaration d;
        if (!parse_declaration_words(d)) return false;
    }
    if (!is_entry && token_.is_word(".noreturn")) function.noreturn = true, advance();
    if (token_.is('(')) {
        if (is_entry) return fail_here("a kernel name");
        if (!parse_parameters(function.returns)) return false;
    }
    if (!token_.is_identifier()) return fail_here(is_entry ? "a kernel name" : "a function name");
    function.name = token_.text;
    function.where = token_.where;
    advance();
    if (token_.is('(') && !parse_parameters(function.parameters)) return false;
    if (!parse_function_directives(function)) return false;
    if (token_.is('{')) {
        function.body_begin = token_.begin;
        function.body_where = token_.where;
        if (!lexer_.skip_braces()) {
            advance();
            return fail(token_.where, "the body of '" + function.name + "', begun in line " + std::to_string(function.body_where.line) +
                                          ", has no end");
        }
        function.body_end = lexer_.position();
        find_inner_variables(function);
        advance();
    } else {
        if (!expect(';')) return false;
        function.is_declaration = true;
    }

    auto [found, added] =
        module_.symbols.emplace(function.name, Symbol{Symbol::Kind::function, uint32_t(module_.functions.size())});
    if (added) {
        module_.functions.push_back(std::move(function));
        return true;
    }
    if (found->second.kind != Symbol::Kind::function)
        return fail(function.where, "'" + function.name + "' was a variable before"), true;
    Function& known = module_.functions[found->second.index];
    if (std::string difference = differences(known, function); !difference.empty())
        return fail(function.where, "'" + function.name + "' was declared before, and differs: " + difference), true;
    if (function.is_declaration) return true;
    if (!known.is_declaration) return fail(function.where, "a second body for '" + function.name + "'"), true;
    if (function.linkage == Linkage::internal && known.linkage != Linkage::extern_) function.linkage = known.linkage;
    function.noreturn |= known.noreturn;
    known = std::move(function);
    return true;
}

/// .global and .const variables that a body declares belong to the module: they have a place in its image. A statement begins
/// a line or stands behind ; { } or :, which tells them from the state space of an instruction.
void ModuleParser::find_inner_variables(const Function& function) {
    Lexer after = lexer_;
    Token token_after = token_;
    std::string_view body = text_.substr(function.body_begin, function.body_end - function.body_begin);
    for (std::string_view word : {".global", ".const"})
        for (size_t at = body.find(word); at != body.npos; at = body.find(word, at + 1)) {
            size_t before = body.find_last_not_of(" \t\r\f\v", at ? at - 1 : 0);
            if (at == 0 || before == body.npos || !std::string_view(";{}:\n").contains(body[before])) continue;
            uint32_t line = function.body_where.line + uint32_t(std::count(body.begin(), body.begin() + at, '\n'));
            size_t line_begin = body.rfind('\n', at);
            uint32_t column = line_begin == body.npos ? function.body_where.column + uint32_t(at) : uint32_t(at - line_begin);
            lexer_ = Lexer(text_, function.body_begin + at, function.body_end, {line, column});
            advance();
            Declaration d;
            if (!parse_declaration_words(d) || !d.has_type) continue; // the body's own parse reports it
            do {
                Variable variable = d.variable;
                std::vector<PendingAddress> pending;
                if (!parse_declarator(variable, &pending)) break;
                variable.name = inner_name(function.name, variable);
                declare_variable(std::move(variable), std::move(pending));
            } while (accept(','));
        }
    lexer_ = after;
    token_ = token_after;
}

bool ModuleParser::parse_function_directives(Function& f) {
    auto dimensions = [&](uint32_t (&out)[3]) {
        out[0] = out[1] = out[2] = 1;
        for (uint32_t& value : out) {
            if (!parse_unsigned(value)) return false;
            if (!accept(',')) break;
        }
        return true;
    };
    while (token_.kind == Token::Kind::word) {
        Token word = token_;
        advance();
        uint32_t ignored[3];
        bool ok = true;
        for (const char* of_kernels : {".maxntid", ".reqntid", ".minnctapersm", ".maxnctapersm"})
            if (word.text == of_kernels && !f.is_entry) return fail(word.where, std::string(of_kernels) + " of a function that isn't a kernel");
        if (word.text == ".maxntid") ok = dimensions(f.max_threads);
        else if (word.text == ".reqntid") ok = dimensions(f.required_threads);
        else if (word.text == ".minnctapersm") ok = parse_unsigned(f.min_blocks);
        else if (word.text == ".maxnctapersm") ok = parse_unsigned(ignored[0]);
        else if (word.text == ".maxnreg") ok = parse_unsigned(f.max_registers);
        else if (word.text == ".reqnctapercluster" || word.text == ".maxclusterrank") ok = dimensions(ignored);
        else if (word.text == ".explicitcluster" || word.text == ".blocksareclusters") continue;
        else if (word.text == ".noreturn") f.noreturn = true;
        else if (word.text == ".abi_preserve" || word.text == ".abi_preserve_control" || word.text == ".minnreg") ok = parse_unsigned(ignored[0]);
        else if (word.text == ".language" || word.text == ".debug") continue;
        else if (word.text == ".unified") {
            while (!token_.is(')') && !token_.is(';') && !token_.is('{') && token_.kind != Token::Kind::end) advance();
            ok = expect(')');
        } else if (word.text == ".attribute") {
            for (unsigned depth = 0; token_.kind != Token::Kind::end && !token_.is(';') && !token_.is('{');) {
                if (token_.is('(')) depth++;
                bool last = token_.is(')') && --depth == 0;
                advance();
                if (last) break;
            }
        } else if (word.text == ".pragma") {
            while (token_.kind == Token::Kind::string) {
                advance();
                accept(',');
            }
            ok = expect(';');
        } else {
            return fail(word.where, "unknown directive '" + std::string(word.text) + "' of a function");
        }
        if (!ok) return false;
        if (f.max_threads[0] && f.required_threads[0]) return fail(word.where, ".maxntid and .reqntid of the same kernel");
        if (word.text == ".reqntid" && (!f.required_threads[0] || !f.required_threads[1] || !f.required_threads[2]))
            return fail(word.where, ".reqntid with a dimension of 0");
    }
    return true;
}

void ModuleParser::declare_variable(Variable variable, std::vector<PendingAddress> pending) {
    auto [found, added] =
        module_.symbols.emplace(variable.name, Symbol{Symbol::Kind::module_variable, uint32_t(module_.variables.size())});
    uint32_t index = found->second.index;
    if (added) {
        module_.variables.push_back(std::move(variable));
    } else {
        if (found->second.kind != Symbol::Kind::module_variable) {
            fail(variable.where, "'" + variable.name + "' was a function before");
            return;
        }
        Variable& known = module_.variables[index];
        bool merges = variable.linkage == Linkage::extern_ || known.linkage == Linkage::extern_ ||
                      variable.linkage == Linkage::common || known.linkage == Linkage::common ||
                      (variable.linkage == Linkage::weak && known.linkage == Linkage::weak);
        bool sized = variable.size && known.size;
        if (merges && (variable.type != known.type || variable.vector != known.vector || variable.space != known.space ||
                       (sized && variable.size != known.size))) {
            fail(variable.where, "'" + variable.name + "' was declared before, and differs in type, size or state space");
            return;
        }
        if (!merges) {
            fail(variable.where, "a second variable '" + variable.name + "'");
            return;
        }
        bool replaces = known.linkage == Linkage::extern_ ? variable.linkage != Linkage::extern_ || variable.size > known.size
                                                          : !known.initializer && variable.initializer.has_value();
        if (!replaces) return;
        known = std::move(variable);
    }
    if (!pending.empty()) pending_[index] = std::move(pending);
    else pending_.erase(index);
}

void ModuleParser::resolve_initializers() {
    for (auto& [index, names] : pending_) {
        Variable& variable = module_.variables[index];
        for (const PendingAddress& name : names) {
            auto found = module_.symbols.find(std::string(name.name));
            if (found == module_.symbols.end()) fail(name.where, "undefined name '" + std::string(name.name) + "'");
            else variable.initializer->addresses[name.address].symbol = found->second;
        }
    }
}

} // namespace anywarp::ptx
