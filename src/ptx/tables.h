// The rows of instructions.def, modifiers.def, special_registers.def and types.def as data, and the way from a spelling back
// to its row. This is the only place where the parser learns which words exist.
#pragma once

#include "ptx/ast.h"

namespace anywarp::ptx {

enum class Effect : uint8_t { none, reads, writes, reads_writes, control, barrier, sync };

struct InstructionInfo {
    std::string_view id, name, syntax, section;
    unsigned ptx_version, sm_version; // 70 is PTX 7.0; 80 is sm_80
    Effect effect;
};
const InstructionInfo& info(Opcode opcode);

struct OpcodeMatch {
    Opcode opcode = Opcode::invalid;
    bool longer = false; // some row's name begins with this one and goes on
};
/// "cp.async" -> its row; with `longer` because cp.async.bulk exists.
OpcodeMatch find_opcode(std::string_view name);
Modifier find_modifier(std::string_view spelling);              // none when there is no such row
Type find_type(std::string_view spelling);                      // none when there is no such type
SpecialRegister find_special_register(std::string_view spelling); // with the leading %
Type element_type(SpecialRegister reg);
/// .shared, .global ...; generic when the word names no space. "shared::cta" is told by its leading part.
StateSpace find_space(std::string_view spelling);
std::string_view spelling(StateSpace space);

} // namespace anywarp::ptx
