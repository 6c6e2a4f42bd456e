// See matrix_layout.h.
#include "simt/matrix_layout.h"

#include <charconv>
#include <vector>

namespace anywarp::simt {

using ptx::Fragment;
using ptx::MatrixOperation;
using ptx::Type;

unsigned elements_in_register(Type element) { return element == Type::b1 ? 1 : ptx::elements_per_register(element); }

unsigned matrix_elements(const MatrixOperation& o, Fragment f) {
    unsigned registers = ptx::fragment_registers(o, f), each = elements_in_register(o.element(f));
    bool factor = f == Fragment::a || f == Fragment::b;
    if (!o.wmma || !factor || o.element(f) != Type::f16) return registers * each;
    return (f == Fragment::a ? o.m : o.n) * o.k / 32;
}

// mma.m8n8k4 of halves: lanes 4q .. 4q+3 and 16 above work on product q.
static MatrixPlace quad_pair_place(const MatrixOperation& o, Fragment f, unsigned lane, unsigned i) {
    unsigned quad = lane % 16 / 4, t = lane % 4, upper = lane / 16 * 4, base = quad * 8;
    if (f == Fragment::a) return o.a_row ? MatrixPlace{base + upper + t, i} : MatrixPlace{base + upper + i, t};
    if (f == Fragment::b) return o.b_row ? MatrixPlace{t, base + upper + i} : MatrixPlace{i, base + upper + t};
    if (o.element(f) == Type::f16) return {base + upper + t, base + i};
    return {base + upper + (lane & 1) + (i & 2), base + (i & 4) + (lane & 2) + (i & 1)};
}

MatrixPlace matrix_place(const MatrixOperation& o, Fragment f, unsigned lane, unsigned i) {
    if (o.quad_pairs()) return quad_pair_place(o, f, lane, i);
    unsigned g = lane / 4, t = lane % 4;
    if (f == Fragment::a || f == Fragment::b) {
        unsigned each = elements_in_register(o.element(f)), distinct = matrix_elements(o, f) / each;
        unsigned r = i / each % distinct, e = i % each;
        if (f == Fragment::a) {
            unsigned blocks = o.m / 8;
            return {r % blocks * 8 + g, r / blocks * 4 * each + each * t + e};
        }
        unsigned in_k = distinct / (o.n / 8);
        return {r % in_k * 4 * each + each * t + e, r / in_k * 8 + g};
    }
    unsigned blocks = o.m / 8, tile = i / (2 * blocks);
    return {i / 2 % blocks * 8 + g, tile * 8 + 2 * t + i % 2};
}

std::string matrix_intrinsic(const MatrixOperation& o, unsigned selector) {
    std::string name = "anywarp.mma";
    unsigned flags = o.a_row | o.b_row << 1 | o.wmma << 2 | o.sparse << 3 | o.satfinite << 4 | o.and_popc << 5;
    for (unsigned field : {o.m, o.n, o.k, unsigned(o.d), unsigned(o.a), unsigned(o.b), unsigned(o.c), flags, selector})
        name += "." + std::to_string(field);
    return name;
}

std::optional<MatrixOperation> matrix_of_intrinsic(std::string_view name, unsigned& selector) {
    constexpr std::string_view prefix = "anywarp.mma.";
    if (!name.starts_with(prefix)) return {};
    std::vector<unsigned> fields;
    for (const char *at = name.data() + prefix.size(), *end = name.data() + name.size(); at < end; ++at) {
        unsigned field = 0;
        auto [next, error] = std::from_chars(at, end, field);
        if (error != std::errc()) return {};
        fields.push_back(field);
        at = next;
    }
    if (fields.size() != 9) return {};
    MatrixOperation o;
    o.m = fields[0], o.n = fields[1], o.k = fields[2];
    o.d = Type(fields[3]), o.a = Type(fields[4]), o.b = Type(fields[5]), o.c = Type(fields[6]);
    o.a_row = fields[7] & 1, o.b_row = fields[7] & 2, o.wmma = fields[7] & 4, o.sparse = fields[7] & 8;
    o.satfinite = fields[7] & 16, o.and_popc = fields[7] & 32;
    selector = fields[8];
    return o;
}

} // namespace anywarp::simt
