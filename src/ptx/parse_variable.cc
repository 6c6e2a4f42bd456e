// Variable declarations and initialisers (PTX ISA 5.4), function parameters (7.1), kernel pointer attributes (5.1.6).
//
// An initialiser becomes flat bytes plus the addresses to be written into them. Names in it are resolved at the end of the
// module, because a table of functions or strings may stand before what it points to.
#include "ptx/parser.h"
#include "ptx/texture_descriptor.h"

#include <bit>
#include <cstring>

namespace anywarp::ptx {
namespace {

bool is_opaque(Type type) { return type == Type::texref || type == Type::samplerref || type == Type::surfref; }
uint64_t element_bytes(const Variable& v) {
    if (is_opaque(v.type)) return v.space == StateSpace::param ? 8 : sizeof(AnywarpReference); // a parameter is just the handle
    return uint64_t(bytes(v.type)) * v.vector;
}

constexpr uint64_t max_variable_bytes = 1ull << 40;
constexpr uint64_t max_initialised_bytes = 1ull << 28;

} // namespace

std::string Parser::inner_name(const std::string& function, const Variable& variable) {
    return function + "$" + variable.name + "$" + std::to_string(variable.where.line);
}

bool Parser::parse_declaration_words(Declaration& d) {
    Variable& v = d.variable;
    d.where = token_.where;
    uint32_t align = 0;
    bool pointee = false; // behind .ptr, a space and an alignment speak of what the pointer points to
    while (token_.kind == Token::Kind::word) {
        Token word = token_;
        std::string_view name = word.text.substr(1);
        advance();
        if (Type type = find_type(name); type != Type::none) {
            if (d.has_type) return fail(word.where, "a second type '" + std::string(word.text) + "'");
            v.type = type;
            d.has_type = true;
        } else if (StateSpace space = find_space(name); space != StateSpace::generic) {
            if (pointee) continue;
            if (d.has_space) return fail(word.where, "a second state space '" + std::string(word.text) + "'");
            v.space = space;
            d.has_space = true;
            if (space == StateSpace::const_ && accept('[')) { // .const[2], the banks of sm_1x
                uint32_t bank;
                if (!parse_unsigned(bank) || !expect(']')) return false;
            }
        } else if (name == "v2" || name == "v4" || name == "v8") {
            v.vector = uint8_t(name[1] - '0');
        } else if (name == "align") {
            uint32_t value;
            SourceLocation where = token_.where;
            if (!parse_unsigned(value)) return false;
            if (!std::has_single_bit(value)) return fail(where, "alignment " + std::to_string(value) + " is not a power of two");
            if (!pointee) align = value;
        } else if (name == "ptr") {
            v.pointer = pointee = true;
        } else if (name == "attribute") {
            if (!expect('(')) return false;
            while (!token_.is(')')) {
                if (token_.is_word(".managed")) v.managed = true;
                else if (token_.kind == Token::Kind::word && !token_.is_word(".unified")) return fail_here("an attribute");
                if (token_.kind == Token::Kind::end || token_.is(';') || token_.is('{')) return fail_here("')'");
                if (token_.is('(')) { // .unified(uuid1, uuid2)
                    while (!token_.is(')') && token_.kind != Token::Kind::end) advance();
                }
                advance();
            }
            advance();
        } else {
            return fail(word.where, "unknown word '" + std::string(word.text) + "' in a declaration");
        }
    }
    v.align = align;
    return true;
}

bool Parser::parse_declarator(Variable& v, std::vector<PendingAddress>* pending) {
    if (!token_.is_identifier()) return fail_here("a name");
    v.where = token_.where;
    std::string_view name = token_.text;
    v.name = token_.text;
    advance();
    std::vector<uint64_t> dims;
    bool unsized = false;
    while (accept('[')) {
        v.is_array = true;
        int64_t dim = 0;
        if (token_.is(']')) {
            if (!dims.empty()) return fail_here("a dimension");
            unsized = true;
        } else {
            SourceLocation where = token_.where;
            if (!parse_integer(dim)) return false;
            if (dim < 0 || uint64_t(dim) > max_variable_bytes) return fail(where, "dimension " + std::to_string(dim) + " is out of range");
        }
        dims.push_back(uint64_t(dim));
        if (dims.size() > 16) return fail(v.where, "more than 16 dimensions");
        if (!expect(']')) return false;
    }
    v.elements = 1;
    for (uint64_t dim : dims) {
        v.elements *= dim;
        if (v.elements > max_variable_bytes) return fail(v.where, "'" + v.name + "' is too large");
    }
    if (is_opaque(v.type)) v.align = v.space == StateSpace::param ? 8 : 64;
    if (!v.align) v.align = std::max<uint32_t>(1, uint32_t(element_bytes(v)));
    if (is_opaque(v.type) && pending && v.space == StateSpace::global) {
        if (!parse_opaque_initializer(v, name, pending)) return false;
    } else if (token_.is('=')) {
        if (!pending) return fail_here("no initialiser here");
        advance();
        if (!parse_initializer(v, dims, pending)) return false;
    } else if (unsized) {
        v.elements = 0;
    }
    v.size = v.elements * element_bytes(v);
    if (v.size > max_variable_bytes) return fail(v.where, "'" + v.name + "' is too large");
    return true;
}

bool Parser::parse_initializer(Variable& v, std::vector<uint64_t>& dims, std::vector<PendingAddress>* pending) {
    v.initializer.emplace();
    if (v.vector > 1) dims.push_back(v.vector);
    if (!token_.is('{')) {
        if (!dims.empty()) return fail_here("'{'");
        v.initializer->bytes.resize(bytes(v.type));
        return parse_initializer_value(v, 0, pending);
    }
    if (dims.empty()) { // a scalar in braces
        advance();
        v.initializer->bytes.resize(bytes(v.type));
        return parse_initializer_value(v, 0, pending) && expect('}');
    }
    uint64_t count = 0;
    if (!parse_initializer_list(v, dims, 0, 0, pending, count)) return false;
    if (v.is_array && dims[0] == 0) {
        v.elements = count;
        for (size_t i = 1; i < dims.size() - (v.vector > 1); i++) v.elements *= dims[i];
    }
    if (v.initializer->bytes.size() > v.elements * element_bytes(v))
        return fail(v.where, "too many initial values for '" + v.name + "'");
    return true;
}

bool Parser::parse_initializer_list(Variable& v, const std::vector<uint64_t>& dims, size_t level, uint64_t begin,
                                    std::vector<PendingAddress>* pending, uint64_t& count) {
    uint64_t size = bytes(v.type), stride = size;
    for (size_t i = level + 1; i < dims.size(); i++) stride *= dims[i];
    uint64_t cursor = begin;
    bool plain_integers = !is_float(v.type) && size && size <= 8;
    advance(); // {
    while (!token_.is('}')) {
        // Tables of a million plain numbers are common (generators, fonts, weights): no detours for them.
        if (plain_integers && token_.kind == Token::Kind::integer) {
            Token number = token_;
            Lexer here = lexer_;
            advance();
            if (token_.is(',') || token_.is('}')) {
                if (cursor + size > max_initialised_bytes) return fail(number.where, "initialiser is too large");
                if (v.initializer->bytes.size() < cursor + size) v.initializer->bytes.resize(cursor + size);
                std::memcpy(v.initializer->bytes.data() + cursor, &number.bits, size);
                cursor += size;
                accept(',');
                continue;
            }
            lexer_ = here;
            token_ = number;
        }
        if (token_.is('{') && level + 1 < dims.size() && stride) {
            cursor = begin + (cursor - begin + stride - 1) / stride * stride;
            uint64_t unused;
            if (!parse_initializer_list(v, dims, level + 1, cursor, pending, unused)) return false;
            cursor += stride;
        } else {
            if (cursor + size > max_initialised_bytes) return fail(token_.where, "initialiser is too large");
            if (v.initializer->bytes.size() < cursor + size) v.initializer->bytes.resize(cursor + size);
            if (!parse_initializer_value(v, cursor, pending)) return false;
            cursor += size;
        }
        if (!accept(',') && !token_.is('}')) return fail_here("',' or '}'");
    }
    advance();
    count = stride ? (cursor - begin + stride - 1) / stride : 0;
    return true;
}

bool Parser::parse_initializer_value(Variable& v, uint64_t offset, std::vector<PendingAddress>* pending) {
    std::vector<uint8_t>& out = v.initializer->bytes;
    unsigned size = bytes(v.type);
    if (size == 0) return fail_here("the name of a member, as for every texture, sampler or surface,"); // ptxas, too
    Token first = token_;
    uint64_t mask = 0;
    bool masked = false;
    if (first.kind == Token::Kind::integer) {
        advance();
        if (token_.is('(')) {
            mask = first.bits;
            masked = true;
            advance();
        } else if ((token_.is(',') || token_.is('}') || token_.is(';')) && !is_float(v.type)) {
            std::memcpy(out.data() + offset, &first.bits, std::min(size, 8u));
            return true;
        } else { // an expression: read it again from its beginning
            lexer_ = Lexer(text_, first.begin, text_.size(), first.where);
            advance();
        }
    }
    if (masked || token_.is_identifier()) {
        Initializer::Address address;
        address.offset = offset;
        address.size = uint8_t(size);
        if (masked) {
            if (!mask) return fail(first.where, "mask is zero");
            address.shift = uint8_t(std::countr_zero(mask));
        }
        unsigned parentheses = masked ? 1 : 0;
        if (token_.is_identifier() && token_.text == "generic") {
            address.generic = true;
            advance();
            if (!expect('(')) return false;
            parentheses++;
        }
        if (!token_.is_identifier()) return fail_here("a name");
        PendingAddress name{v.initializer->addresses.size(), token_.text, token_.where};
        advance();
        for (;;) {
            if (token_.is('+') || token_.is('-')) {
                bool minus = token_.is('-');
                advance();
                Constant addend;
                if (!parse_constant(addend, 10)) return false;
                address.addend += int64_t(minus ? 0 - addend.bits : addend.bits);
            } else if (parentheses) {
                if (!expect(')')) return false;
                parentheses--;
            } else {
                break;
            }
        }
        v.initializer->addresses.push_back(address);
        pending->push_back(name);
        return true;
    }
    Constant value;
    if (!parse_constant(value)) return false;
    uint64_t raw = value.bits;
    if (v.type == Type::f64) raw = std::bit_cast<uint64_t>(value.real());
    else if (v.type == Type::f32 || (value.is_float && size == 4)) raw = std::bit_cast<uint32_t>(float(value.real()));
    else if (value.is_float && size != 8) return fail(first.where, "a float cannot initialise ." + std::string(spelling(v.type)));
    std::memcpy(out.data() + offset, &raw, std::min(size, 8u));
    return true;
}

bool Parser::parse_parameters(std::vector<Variable>& parameters) {
    if (!expect('(')) return false;
    while (!token_.is(')')) {
        Declaration d;
        if (!parse_declaration_words(d)) return false;
        if (!d.has_space || (d.variable.space != StateSpace::param && d.variable.space != StateSpace::reg))
            return fail(d.where, "expected .param or .reg");
        if (!d.has_type) return fail_here("a type");
        if (token_.is(',') || token_.is(')')) { // a prototype may leave the name out
            if (!d.variable.align) d.variable.align = std::max(1u, bytes(d.variable.type) * d.variable.vector);
            d.variable.size = element_bytes(d.variable);
        } else if (!parse_declarator(d.variable, nullptr)) {
            return false;
        }
        for (const Variable& other : parameters)
            if (!other.name.empty() && other.name != "_" && other.name == d.variable.name)
                return fail(d.variable.where, "'" + other.name + "' is declared twice");
        parameters.push_back(std::move(d.variable));
        if (!accept(',') && !token_.is(')')) return fail_here("',' or ')'");
    }
    advance();
    return true;
}

} // namespace anywarp::ptx
