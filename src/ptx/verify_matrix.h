// What the table of forms doesn't say about matrix instructions: registers per fragment, their types, metadata and strides.
//
// Source: PTX ISA 9.0, 9.7.14.
#pragma once

#include "ptx/ast.h"
#include "ptx/verify_texture.h" // Report

namespace anywarp::ptx {

bool is_matrix_instruction(Opcode opcode);
void verify_matrix(const Body& body, const Instruction& instruction, const Report& report);

} // namespace anywarp::ptx
