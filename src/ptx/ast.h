// A PTX module as data: what the parser makes, and what the oracle, the SIMT lowering and the verifier read.
//
// The shape follows the PTX ISA closely, so that a reader of the specification finds each notion under its own name:
// state spaces, types, variables, functions, instructions with a guard, modifiers, types and operands. Names are resolved
// here once (registers, labels, variables, functions become indices); everything behind the parser works with indices.
//
// A module is indexed first and parsed on demand: module-scope declarations are read at once, a function's body only when
// somebody asks for it (a module may hold thousands of kernels).
//
// Source: PTX ISA 9.0, chapters 4 (syntax), 5 (state spaces, types, variables), 6 (operands), 7 (ABI), 9, 10, 11.
#pragma once

#include "ptx/error.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace anywarp::ptx {

struct SourceLocation {
    uint32_t line = 0;   // from 1
    uint32_t column = 0; // from 1
};

struct Diagnostic {
    enum class Severity { error, warning } severity = Severity::error;
    SourceLocation where;
    std::string message;
};

// Fundamental types (PTX ISA 5.2) and the packed and alternate formats that instructions name (5.2.3 ff).
enum class Type : uint8_t {
#define ANYWARP_TYPE(name, spelling, bits) name,
#include "ptx/types.def"
};
std::string_view spelling(Type type);
/// Size of one value in bits; 1 for pred, 0 for none and opaque types.
unsigned bits(Type type);
inline unsigned bytes(Type type) { return (bits(type) + 7) / 8; }
bool is_float(Type type);    // f16, bf16, tf32, f32, f64 and packed forms
bool is_signed(Type type);   // s8 .. s64
bool is_unsigned(Type type); // u8 .. u64
bool is_bits(Type type);     // b8 .. b128
inline bool is_integer(Type t) { return is_signed(t) || is_unsigned(t) || is_bits(t); }

// PTX ISA 5.1. `generic` is the absence of a state space on ld, st, atom ...
enum class StateSpace : uint8_t { generic, reg, sreg, const_, global, local, param, shared, tex };

/// One entry per row of instructions.def, e.g. Opcode::add, Opcode::cp_async, Opcode::mbarrier_init.
enum class Opcode : uint16_t {
    invalid,
#define ANYWARP_INSTRUCTION(id, name, syntax, ptx_version, sm_version, effect, section) id,
#include "ptx/instructions.def"
    count
};

/// Everything that may follow the opcode after a dot and is neither a type nor a state space: rn, ftz, sat, approx, wide,
/// lo, hi, lt, v4, uni, sync, aligned, acquire, gpu, cas, bfly ...; cache hints with a "::" included.
enum class Modifier : uint16_t {
    none,
#define ANYWARP_MODIFIER(id, spelling) id,
#include "ptx/modifiers.def"
    count
};

/// %tid, %ctaid, %laneid, %clock64 ... (PTX ISA 10). Vector registers carry their component in Operand::component.
enum class SpecialRegister : uint16_t {
    none,
#define ANYWARP_SPECIAL_REGISTER(id, spelling, type, section) id,
#include "ptx/special_registers.def"
    count
};

std::string_view spelling(Opcode opcode);
std::string_view spelling(Modifier modifier);
std::string_view spelling(SpecialRegister reg);

using RegisterId = uint32_t; // index into Body::registers
using LabelId = uint32_t;    // index into Body::labels
constexpr uint32_t no_index = ~0u;

struct Register {
    std::string name; // with the leading %, as written; unique within the body after scopes are resolved
    Type type = Type::none;
    uint8_t vector = 1; // .v2 / .v4 registers: number of elements
};

/// What a name in an operand or an initialiser stands for.
struct Symbol {
    enum class Kind : uint8_t { none, module_variable, local_variable, parameter, return_parameter, function };
    Kind kind = Kind::none;
    uint32_t index = no_index; // Module::variables, Body::variables, Function::parameters / returns, Module::functions
};

struct Operand {
    enum class Kind : uint8_t {
        none,
        reg,              // %r1, !%p1 (negated), %v.x (component)
        immediate,        // integer: value in bits, sign-extended to 64
        immediate_float,  // 0f..., 0d..., 1.5: `bits` holds an IEEE double; `float_is_single` tells 0f (exact f32 value)
        symbol,           // the address of a variable or function: `mov.u64 %rd1, name+4`; offset in `offset`
        address,          // [base + offset]; base is a register, a symbol or an absolute immediate (then only offset)
        vector,           // {a, b, c, d}; also tensor-core fragments and texture coordinates
        pair,             // p|q of setp, d|p of shfl, match, elect
        special,          // %tid.x
        label,            // branch target, .branchtargets or .callprototype name
        list,             // (a, b) of call
        sink,             // _
        texture           // [tex, {x, y}] and [tex, sampler, {x, y}]: elements hold texture, (sampler), coordinates
    };
    Kind kind = Kind::none;
    bool negated = false;         // !%p
    bool minus = false;           // address base or operand written with unary minus (rare)
    bool float_is_single = false; // 0f form
    bool address_has_register = false;
    int8_t component = -1;   // .x .y .z .w (or .r .g .b .a) as 0..3; video selectors .b0 .. .b3 as 4..7, .h0 .h1 as 8, 9
    uint16_t parts = 0; // selector of several parts, %r1.h10 or .b7654: a nibble per part, its number + 1, lowest part lowest
    RegisterId reg = no_index;
    uint64_t bits = 0;
    int64_t offset = 0;
    Symbol symbol;
    SpecialRegister special = SpecialRegister::none;
    LabelId label = no_index; // Kind::label: Body::labels; for tables see Body::branch_targets / prototypes
    std::vector<Operand> elements;
    SourceLocation where;
};

struct Instruction {
    Opcode opcode = Opcode::invalid;
    StateSpace space = StateSpace::generic;        // first state space named (.global of ld.global)
    StateSpace second_space = StateSpace::generic; // second one (cp.async.shared.global, cvta.to.X uses `space`)
    bool has_space = false;
    uint8_t vector = 1;           // .v2 .v4 .v8
    RegisterId guard = no_index;  // @p
    bool guard_negated = false;   // @!p
    std::vector<Modifier> modifiers; // in the order written
    std::vector<Type> types;         // in the order written: cvt.rn.f32.s32 -> {f32, s32}
    std::vector<Operand> operands;   // in the order written
    SourceLocation where;

    bool has(Modifier modifier) const {
        for (Modifier m : modifiers)
            if (m == modifier) return true;
        return false;
    }
    Type type(size_t i = 0) const { return i < types.size() ? types[i] : Type::none; }
};

struct Initializer {
    // Flat bytes of the initialised part, and the addresses to be written into it once the module has a place in memory.
    struct Address {
        uint64_t offset = 0;   // where in the variable
        Symbol symbol;         // of what
        int64_t addend = 0;
        bool generic = false;  // generic(name): the generic address; otherwise the address within its state space
        uint8_t size = 8;      // bytes written
        uint8_t shift = 0;     // mask() forms such as 0xFF(name): right shift before truncation to `size`
    };
    std::vector<uint8_t> bytes;
    std::vector<Address> addresses;
};

enum class Linkage : uint8_t { internal, visible, extern_, weak, common };

struct Variable {
    std::string name;
    StateSpace space = StateSpace::global;
    Type type = Type::none;
    uint8_t vector = 1;                // .v2 / .v4 element
    uint64_t elements = 1;             // product of the dimensions; 0 for an unsized `[]`
    bool is_array = false;
    uint32_t align = 1;                // bytes; natural alignment where none is written
    uint64_t size = 0;                 // bytes; 0 for an unsized array
    Linkage linkage = Linkage::internal;
    bool managed = false;              // .attribute(.managed)
    bool pointer = false;              // .ptr on a kernel parameter
    std::optional<Initializer> initializer;
    SourceLocation where;
};

/// A parsed function body.
struct Body {
    struct Label {
        std::string name;
        uint32_t target = no_index; // index into instructions; instructions.size() when it stands at the end
    };
    struct BranchTargets { // .branchtargets, used by brx.idx
        std::string name;
        std::vector<LabelId> labels;
    };
    struct Prototype { // .callprototype, used by indirect call
        std::string name;
        std::vector<Variable> returns, parameters;
        bool noreturn = false;
    };
    struct CallTargets { // .calltargets
        std::string name;
        std::vector<Symbol> functions;
    };
    std::vector<Register> registers;
    std::vector<Variable> variables; // .local, .shared, .param declared in the body
    std::vector<Label> labels;
    std::vector<BranchTargets> branch_targets; // an operand of kind label names one of these by `bits` when the
    std::vector<Prototype> prototypes;         // opcode is brx_idx (branch_targets) or call (prototypes,
    std::vector<CallTargets> call_targets;     // or call_targets with Operand::negated == true)
    std::vector<Instruction> instructions;
};

struct Function {
    std::string name;
    bool is_entry = false;
    bool is_declaration = false; // no body: extern .func, vprintf, malloc ...
    bool noreturn = false;
    Linkage linkage = Linkage::internal;
    std::vector<Variable> parameters; // space == param (or reg for old .func forms)
    std::vector<Variable> returns;
    // Performance-tuning directives (PTX ISA 11.4); 0 where absent.
    uint32_t max_threads[3] = {0, 0, 0};
    uint32_t required_threads[3] = {0, 0, 0};
    uint32_t min_blocks = 0, max_registers = 0;
    std::string alias_of; // .alias
    SourceLocation where;
    size_t body_begin = 0, body_end = 0; // byte range of the body in Module::text, braces included
    SourceLocation body_where;           // of the opening brace
    /// Bytes of the parameter buffer of an entry: each parameter at its own alignment, in order (see layout.h).
};

/// A module: module-scope declarations parsed, bodies parsed on demand and kept. Safe for concurrent readers.
class Module {
public:
    std::string text;
    std::string name; // for messages: a file name or "<image>"
    unsigned version_major = 0, version_minor = 0;
    std::string target;       // "sm_80"
    unsigned target_sm = 0;   // 80
    unsigned address_size = 64;
    std::vector<Variable> variables;
    std::vector<Function> functions;
    std::vector<std::string> files; // .file table
    std::unordered_map<std::string, Symbol> symbols; // every module-scope name

    const Function* find_function(std::string_view name) const;
    const Variable* find_variable(std::string_view name) const;

    /// The parsed body of a function (index into `functions`); parsed at the first call, kept afterwards.
    /// Error: user / invalid_ptx with the first diagnostic's text; all of them through `diagnostics`.
    Result<const Body*> body(uint32_t function, std::vector<Diagnostic>* diagnostics = nullptr) const;

private:
    mutable std::mutex mutex_;
    mutable std::unordered_map<uint32_t, std::unique_ptr<Body>> bodies_;
};

/// Index a module's text. Errors at module scope are collected, not stopped at.
/// On failure: user error invalid_ptx whose message lists "line:column: message" lines; `diagnostics` gets all of them.
Result<std::unique_ptr<Module>> parse_module(std::string text, std::string name,
                                             std::vector<Diagnostic>* diagnostics = nullptr);

/// Types, operand counts, address spaces, barriers and calls of one parsed body against the instruction table.
std::vector<Diagnostic> verify(const Module& module, const Function& function, const Body& body);

/// PTX text of a module, a body, an instruction; parsing it again gives the same module.
std::string print(const Module& module);
std::string print(const Module& module, const Function& function, const Body& body);
std::string print(const Module& module, const Function& function, const Body& body, const Instruction& instruction);

} // namespace anywarp::ptx
