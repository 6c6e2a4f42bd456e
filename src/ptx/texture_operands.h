// The operands of texture and surface instructions by name: which are given, and how the coordinates are built.
//
// tex d|p, [a, {b,} c] {, lod | dPdx, dPdy} {, e} {, f} lists optional operands one after the other; which is which follows from
// the modifiers and from whether an operand is a vector or a float. Verifier, oracle and lowering share this reading of the
// syntax, and nothing of its meaning.
//
// Source: PTX ISA 9.0, 9.7.10 (textures), 9.7.11 (surfaces).
#pragma once

#include "ptx/ast.h"

namespace anywarp::ptx {

struct TextureOperands {
    // Geometry. A coordinate vector is {(sample,) (layer,) x, y, z}: `first` elements stand before x.
    Modifier geometry = Modifier::none; // tex_1d ... tex_a2dms; none where the instruction names none
    unsigned dimensions = 0;            // 1, 2 or 3 coordinates; 3 for cubes
    bool layered = false, cube = false, multisample = false;
    unsigned first = 0;
    unsigned vector = 0; // elements that the coordinate vector must have at least: 1, 2 or 4

    // Operands; null where there is none.
    const Operand* destination = nullptr;
    const Operand* predicate = nullptr; // d|p
    const Operand* handle = nullptr;    // [a]
    const Operand* sampler = nullptr;
    const Operand* coordinates = nullptr;
    const Operand* lod = nullptr;
    const Operand *dx = nullptr, *dy = nullptr;
    const Operand* offset = nullptr;
    const Operand* compare = nullptr;
    const Operand* value = nullptr; // of sust and sured
    unsigned surplus = 0;           // operands that fit nowhere
};

/// Reads an instruction of the families tex, tld4, txq, suld, sust, sured, suq as far as it is well formed.
TextureOperands texture_operands(const Body& body, const Instruction& instruction);

/// Element i of an operand that is a vector, a vector register or, for i = 0, a scalar. `storage` holds a made-up one.
const Operand& element_of(const Body& body, const Operand& operand, unsigned i, Operand& storage);
/// How many elements it has.
unsigned elements_of(const Body& body, const Operand& operand);

} // namespace anywarp::ptx
