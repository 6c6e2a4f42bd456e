// The recursive-descent parser, inside this floor only. Parser holds what module scope and bodies share (tokens, errors,
// constant expressions, variable declarations); ModuleParser indexes a module, BodyParser reads one body.
//
// A rule returns false after it has reported an error; whoever parses a list of statements then skips to the next `;` or `}`
// and goes on, so that one run reports all errors. Recursion is bounded by `depth_`: no input can exhaust the stack.
//
// Source: PTX ISA 9.0, chapters 4, 5, 7, 11.
#pragma once

#include "ptx/lexer.h"
#include "ptx/tables.h"

#include <unordered_set>

namespace anywarp::ptx {

/// A constant expression's value (4.5): 64-bit integers, signed or unsigned, or a double.
struct Constant {
    bool is_float = false, is_unsigned = false;
    bool single = false; // 0f form, untouched by arithmetic
    uint64_t bits = 0;
    double real() const;
};

/// A name in an initialiser, resolved once the whole module is indexed.
struct PendingAddress {
    size_t address; // index into Initializer::addresses
    std::string_view name;
    SourceLocation where;
};

class Parser {
protected:
    Parser(std::string_view text, size_t begin, size_t end, SourceLocation at, std::vector<Diagnostic>& diagnostics)
        : text_(text), lexer_(text, begin, end, at), diagnostics_(diagnostics) {
        advance();
    }

    void advance() { token_ = lexer_.next(); }
    bool fail(SourceLocation where, std::string message);
    bool fail_here(std::string_view expected); // "expected X before 'token'"
    bool expect(char c);
    bool accept(char c);
    bool accept_word(std::string_view word);
    bool no_errors() const { return diagnostics_.empty(); }
    bool too_many_errors() const { return diagnostics_.size() >= 200; }
    /// Behind the next `;`, or in front of a `}` or the end of the text. At module scope a block in braces ends it as well.
    void recover(bool block_ends = false);

    // parse_constant.cc
    bool parse_constant(Constant& value, unsigned precedence = 0);
    bool parse_integer(int64_t& value);
    bool parse_unsigned(uint32_t& value); // a plain literal, e.g. of .maxntid

    // parse_variable.cc
    struct Declaration { // what stands before the names: linkage, space, alignment, type, attributes
        Variable variable;
        bool has_space = false, has_type = false;
        SourceLocation where;
    };
    bool parse_declaration_words(Declaration& declaration);
    /// name[dims] = initialiser
    bool parse_declarator(Variable& variable, std::vector<PendingAddress>* pending);
    bool parse_parameters(std::vector<Variable>& parameters);
    /// The module-scope name of a .global or .const variable that is declared inside a function's body.
    static std::string inner_name(const std::string& function, const Variable& variable);
    bool skip_location(); // .loc, .file, @@DWARF lines

    std::string_view text_;
    Lexer lexer_;
    Token token_;
    unsigned depth_ = 0;
    static constexpr unsigned max_depth = 200;

private:
    bool parse_primary(Constant& value);
    bool parse_initializer(Variable& variable, std::vector<uint64_t>& dims, std::vector<PendingAddress>* pending);
    bool parse_initializer_list(Variable& variable, const std::vector<uint64_t>& dims, size_t level, uint64_t begin,
                                std::vector<PendingAddress>* pending, uint64_t& elements);
    bool parse_initializer_value(Variable& variable, uint64_t offset, std::vector<PendingAddress>* pending);
    bool parse_opaque_initializer(Variable& variable, std::string_view name, std::vector<PendingAddress>* pending);
    bool parse_sampler_member(std::string_view member, Type type, void* sampler);

    std::vector<Diagnostic>& diagnostics_;
};

class ModuleParser : Parser {
public:
    ModuleParser(Module& module, std::vector<Diagnostic>& diagnostics);
    void parse();

private:
    bool parse_statement();
    bool parse_header_word();
    bool parse_function(Linkage linkage, bool is_entry);
    bool parse_function_directives(Function& function);
    bool parse_alias();
    void declare_variable(Variable variable, std::vector<PendingAddress> pending);
    void find_inner_variables(const Function& function);
    void resolve_initializers();
    void check_header();

    bool header_checked_ = false;

    Module& module_;
    std::unordered_map<uint32_t, std::vector<PendingAddress>> pending_; // by variable
};

class BodyParser : Parser {
public:
    BodyParser(const Module& module, const Function& function, Body& body, std::vector<Diagnostic>& diagnostics);
    void parse();

private:
    struct Range { // .reg .b32 %r<100>: registers appear in Body::registers at their first use
        Type type;
        uint8_t vector;
        std::vector<RegisterId> ids;
    };
    struct Name {
        enum class Kind : uint8_t { reg, variable, module_variable } kind; // the last: .global and .const inside a body
        uint32_t index;
    };
    struct Scope {
        std::unordered_map<std::string_view, Name> names;
        std::unordered_map<std::string_view, Range> ranges;
        std::unordered_map<std::string_view, LabelId> labels;
        std::unordered_map<std::string_view, uint32_t> tables; // .branchtargets, .callprototype, .calltargets
    };
    struct LabelState {
        SourceLocation first_use;
        LabelId same_as = no_index; // merged into a label of an enclosing scope
    };
    struct PendingTable { // a table's name used before its definition
        uint32_t instruction;
        uint16_t operand;
        std::string_view name;
        SourceLocation where;
    };

    bool parse_statement();
    bool parse_registers();
    bool parse_local_variables(Declaration& declaration);
    bool parse_label_or_table(const Token& name);
    bool parse_instruction(RegisterId guard, bool guard_negated);
    bool parse_register_sum(Operand& operand);
    bool parse_opcode(Instruction& instruction);
    bool parse_modifier(Instruction& instruction, std::string_view word);
    bool parse_call(Instruction& instruction);
    bool parse_guard(RegisterId& guard, bool& negated);

    // parse_operand.cc
    bool parse_operand(Operand& operand);
    bool parse_primary_operand(Operand& operand);
    bool parse_list(std::vector<Operand>& elements, char close);
    bool parse_label(Operand& operand);
    bool parse_component(Operand& operand);
    bool has_component(const Operand& operand, SourceLocation where);
    bool parse_address(Operand& operand);
    bool parse_table_operand(Instruction& instruction);
    static bool set_table(const Instruction& instruction, Operand& operand, uint32_t table);
    bool resolve(std::string_view name, SourceLocation where, Operand& operand);

    RegisterId find_register(std::string_view name);
    RegisterId add_register(std::string_view name, Type type, uint8_t vector);
    std::string unique(std::string_view name);
    LabelId refer_label(std::string_view name, SourceLocation where);
    void define_label(const Token& name);
    void close_scope();
    void finish_labels();

    const Module& module_;
    const Function& function_;
    Body& body_;
    std::vector<Scope> scopes_;
    std::vector<LabelState> label_states_;
    std::vector<LabelId> defined_labels_; // in the order of their definitions
    std::unordered_set<std::string> used_names_;
    std::vector<PendingTable> pending_tables_;
    uint64_t total_registers_ = 0;
    // Scope::tables holds an index and, in its upper bits, what kind of table it is (neither: .callprototype).
    static constexpr uint32_t table_call_targets = 1u << 31, table_branch_targets = 1u << 30;
};

} // namespace anywarp::ptx
