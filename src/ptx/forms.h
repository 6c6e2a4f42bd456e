// The forms of instructions (forms.def): which modifiers, state spaces, vectors and types may follow an opcode, together.
//
// Used by the verifier (an instruction that no form describes is refused), by the support matrix and by the test that counts
// which forms the tests of tests/ptx-run use. Source: PTX ISA 9.0, chapter 9.7.
#pragma once

#include "ptx/ast.h"

#include <span>

namespace anywarp::ptx {

/// One word of a pattern: a type, a state space, a vector size or a modifier.
struct FormWord {
    enum class Kind : uint8_t { type, space, vector, modifier } kind = Kind::modifier;
    uint16_t value = 0;
    bool operator==(const FormWord&) const = default;
};
struct FormGroup {
    bool optional = false;
    std::vector<std::vector<FormWord>> alternatives; // each of one or more words that belong together
};
struct Form {
    Opcode opcode;
    std::string_view pattern, accuracy;
    unsigned ptx_version, sm_version; // 70 is PTX 7.0; 80 is sm_80
    std::vector<FormGroup> groups;
    std::string error; // an unknown word of the pattern: a mistake in forms.def
};

/// All rows, in the order of the table.
std::span<const Form> forms();
/// The rows of one opcode; empty where the table doesn't say.
std::span<const Form> forms(Opcode opcode);
bool matches(const Form& form, const Instruction& instruction);
/// The form of an instruction, the one with the lowest requirements where several fit; null when none does.
const Form* form_of(const Instruction& instruction);
std::string spelling(const FormWord& word);

} // namespace anywarp::ptx
