// Which lane holds which element of a matrix fragment, and the name under which a product travels to the widening.
//
// mma's layouts are the ISA's. All but one follow one scheme: lane 4g + t of a block of 8 rows holds row g and, in a register of P
// elements, columns P t .. P t + P - 1 of 4 P; registers go through the row blocks first. wmma's layouts are ours to choose (PTX
// leaves them open): those of mma's tiles put side by side, which is also what sm_80 does.
//
// Source: PTX ISA 9.0, 9.7.14.5 (matrix fragments of mma), 9.7.14.6 (metadata of mma.sp).
#pragma once

#include "ptx/matrix.h"

#include <optional>
#include <string>
#include <string_view>

namespace anywarp::simt {

struct MatrixPlace {
    unsigned row = 0, column = 0; // of A: row, k; of B: k, column; of single bits k counts words of 32
};

/// Element `element` (register * elements per register + index in it) of `lane`. Quad pairs count as rows and columns of their own.
MatrixPlace matrix_place(const ptx::MatrixOperation& operation, ptx::Fragment fragment, unsigned lane, unsigned element);
/// Elements of a lane that differ from each other: of wmma's halves the second half of A and B repeats the first.
unsigned matrix_elements(const ptx::MatrixOperation& operation, ptx::Fragment fragment);
/// As matrix_place counts them.
unsigned elements_in_register(ptx::Type element);

/// anywarp.mma.16.8.16. ...: everything that the widening must know, `selector` of the sparse metadata included.
std::string matrix_intrinsic(const ptx::MatrixOperation& operation, unsigned selector);
std::optional<ptx::MatrixOperation> matrix_of_intrinsic(std::string_view name, unsigned& selector);

} // namespace anywarp::simt
