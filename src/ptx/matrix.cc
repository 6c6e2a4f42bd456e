// See matrix.h.
#include "ptx/matrix.h"

#include <algorithm>
#include <cstdio>
#include <string>

namespace anywarp::ptx {
namespace {

bool read_shape(const Instruction& in, MatrixOperation& o) {
    for (Modifier m : in.modifiers)
        if (std::sscanf(std::string(spelling(m)).c_str(), "m%un%uk%u", &o.m, &o.n, &o.k) == 3) return true;
    return false;
}

void read_layouts(const Instruction& in, MatrixOperation& o) {
    bool first = true;
    for (Modifier m : in.modifiers) {
        if (m != Modifier::row && m != Modifier::col) continue;
        (first ? o.a_row : o.b_row) = m == Modifier::row;
        first = false;
    }
}

} // namespace

unsigned elements_per_register(Type element) { return element == Type::f64 ? 1 : 32 / bits(element); }

Type fragment_register_type(Type element) {
    return element == Type::f64 || element == Type::f32 ? element : Type::b32;
}

std::optional<MatrixOperation> matrix_operation(const Instruction& in) {
    MatrixOperation o;
    if (!read_shape(in, o)) return {};
    read_layouts(in, o);
    o.wmma = in.opcode == Opcode::wmma_mma;
    o.sparse = in.opcode == Opcode::mma_sp || in.opcode == Opcode::mma_sp_ordered_metadata;
    o.satfinite = in.has(Modifier::satfinite);
    o.and_popc = in.has(Modifier::and_);
    if (in.types.size() == 2) { // wmma of halves names accumulators only
        o.d = in.types[0], o.a = o.b = Type::f16, o.c = in.types[1];
    } else if (in.types.size() == 4) {
        o.d = in.types[0], o.a = in.types[1], o.b = in.types[2], o.c = in.types[3];
    } else {
        return {};
    }
    return o;
}

std::optional<MatrixOperation> fragment_operation(const Instruction& in, Fragment& fragment) {
    MatrixOperation o;
    if (!read_shape(in, o) || in.types.size() != 1) return {};
    o.wmma = true;
    fragment = in.opcode == Opcode::wmma_store      ? Fragment::d
               : in.has(Modifier::component_a) ? Fragment::a
               : in.has(Modifier::component_b) ? Fragment::b
                                               : Fragment::c;
    o.a = o.b = o.c = o.d = in.types[0];
    read_layouts(in, o);
    o.b_row = o.a_row;
    return o;
}

unsigned fragment_registers(const MatrixOperation& o, Fragment f) {
    Type t = o.element(f);
    unsigned rows = f == Fragment::b ? o.k : o.m, columns = f == Fragment::a ? o.k : o.n;
    if (f == Fragment::a && o.sparse) columns /= 2;
    unsigned per_lane = rows * columns / 32;
    if (o.quad_pairs()) per_lane *= 4;
    bool factor = f == Fragment::a || f == Fragment::b;
    if (o.wmma && factor && t == Type::f16) return 8; // each element lies in two lanes, whatever the shape
    return std::max(1u, per_lane / elements_per_register(t));
}

} // namespace anywarp::ptx
