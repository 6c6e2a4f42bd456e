// What a warp-level matrix instruction multiplies, read from its modifiers and types: shape, element types, layouts.
//
// Shared by the verifier (how many registers of which type), the lowering and the oracle. It says nothing about which lane holds
// which element: the compiler and the oracle know that independently of each other.
//
// Source: PTX ISA 9.0, 9.7.14 (wmma, mma, mma.sp).
#pragma once

#include "ptx/ast.h"

#include <optional>

namespace anywarp::ptx {

enum class Fragment : uint8_t { a, b, c, d };

struct MatrixOperation {
    unsigned m = 0, n = 0, k = 0;
    Type a = Type::none, b = Type::none, c = Type::none, d = Type::none; // element types
    bool a_row = true, b_row = false;                                    // layouts in memory; of m8n8k4 in registers too
    bool wmma = false, sparse = false;                                   // sparse: A holds k / 2 columns
    bool satfinite = false, and_popc = false;

    /// mma.m8n8k4 of halves: four quad pairs with a product each.
    bool quad_pairs() const { return !wmma && m == 8 && k == 4 && a == Type::f16; }
    Type element(Fragment f) const { return f == Fragment::a ? a : f == Fragment::b ? b : f == Fragment::c ? c : d; }
};

/// Of wmma.mma, mma and mma.sp. None where shape or types are missing.
std::optional<MatrixOperation> matrix_operation(const Instruction& instruction);
/// Of wmma.load and wmma.store, which name one fragment.
std::optional<MatrixOperation> fragment_operation(const Instruction& instruction, Fragment& fragment);
/// Registers that a lane holds of a fragment, and how many elements lie in each of them.
unsigned fragment_registers(const MatrixOperation& operation, Fragment fragment);
unsigned elements_per_register(Type element);
/// f64, f32, or b32 for everything else.
Type fragment_register_type(Type element);

} // namespace anywarp::ptx
