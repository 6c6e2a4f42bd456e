// wmma, mma, mma.sp, ldmatrix, stmatrix, movmatrix: whole matrices, element by element.
//
// When all lanes have come, their fragments are put together into matrices A, B and C, multiplied by plain loops, and each lane
// takes its part of D. Where an element of mma lies follows the formulas of the PTX ISA (groupID, threadID_in_group). PTX leaves
// the layout of wmma fragments open; here they are simply cut row by row, unlike in compiled code, so that nothing can come to
// depend on it. Arithmetic as documented in docs/matrices.md: exact products, sums by fma in f32 with k ascending.
//
// Source: PTX ISA 9.0, 9.7.14.
#include "oracle/interpreter.h"
#include "ptx/matrix.h"

namespace anywarp::oracle {

using ptx::Fragment;
using ptx::MatrixOperation;

namespace {

struct Matrix {
    unsigned columns = 0;
    std::vector<uint64_t> values;
    uint64_t& at(unsigned r, unsigned c) { return values.at(size_t(r) * columns + c); }
};

const Operand& part(const Operand& o, unsigned k) { return o.kind == Operand::Kind::vector ? o.elements.at(k) : o; }
Type register_type(Type element) { return element == Type::f64 ? Type::b64 : Type::b32; }
unsigned count_of(const MatrixOperation& o, Fragment f) {
    return ptx::fragment_registers(o, f) * ptx::elements_per_register(o.element(f));
}

/// Row and column of a lane's element.
std::pair<unsigned, unsigned> place(const MatrixOperation& o, Fragment f, unsigned lane, unsigned i) {
    unsigned rows = f == Fragment::b ? o.k : o.m, columns = f == Fragment::a ? (o.sparse ? o.k / 2 : o.k) : o.n;
    if (o.wmma) {
        unsigned index = (lane * count_of(o, f) + i) % (rows * columns);
        return {index / columns, index % columns};
    }
    if (o.quad_pairs()) { // four products; each is kept in rows (and columns) of its own
        unsigned base = 8 * (lane % 16 / 4), high = lane < 16 ? 0 : 4, own = lane % 4;
        switch (f) {
        case Fragment::a:
            if (o.a_row) return {base + own + high, i};
            return {base + i % 4 + high, own};
        case Fragment::b:
            if (o.b_row) return {own, base + i + high};
            return {i, base + own + high};
        default:
            if (o.element(f) == Type::f16) return {base + own + high, base + i};
            return {base + (lane & 1) + (i & 2) + high, base + (i & 4) + (lane & 2) + (i & 1)};
        }
    }
    unsigned group = lane >> 2, thread = lane % 4, each = ptx::elements_per_register(o.element(f)), reg = i / each, in = i % each;
    if (f == Fragment::a) {
        unsigned half = o.m == 16 ? reg % 2 : 0, block = o.m == 16 ? reg / 2 : reg;
        return {group + 8 * half, thread * each + in + block * 4 * each};
    }
    if (f == Fragment::b) return {thread * each + in + reg * 4 * each, group};
    return {group + (i >= 2 ? 8 : 0), thread * 2 + (i & 1)};
}

Matrix assemble(const MatrixOperation& o, Fragment f, const std::vector<std::vector<uint64_t>>& lanes, size_t first) {
    Matrix m;
    unsigned tiles = o.quad_pairs() ? 4 : 1;
    m.columns = f == Fragment::a ? o.k : tiles * o.n;
    m.values.resize(size_t(m.columns) * (f == Fragment::b ? o.k : tiles * o.m));
    Type t = o.element(f);
    unsigned each = ptx::elements_per_register(t), bits = ptx::bits(t);
    for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned i = 0; i < count_of(o, f); ++i) {
            auto [r, c] = place(o, f, lane, i);
            m.at(r, c) = low_bits(lanes[lane][first + i / each] >> (i % each * bits), bits);
        }
    return m;
}

Format format_of(Type t) {
    switch (t) {
    case Type::f16: return format_f16;
    case Type::bf16: return format_bf16;
    case Type::e4m3: return format_e4m3;
    case Type::e5m2: return format_e5m2;
    default: return format_f32;
    }
}

uint64_t to_f32(uint64_t bits, Type t) {
    if (t == Type::tf32) return bits & 0xffffe000;
    if (t == Type::f32) return bits;
    return encode(decode(bits, format_of(t)), format_f32, Rounding::nearest_even);
}

/// The column of the full A that compressed column `c` of `row` stands for.
unsigned sparse_column(const MatrixOperation& o, const std::vector<std::vector<uint64_t>>& lanes, size_t metadata, unsigned selector,
                       unsigned row, unsigned c) {
    unsigned bits = ptx::bits(o.a), chunk = bits == 32 ? 2 : bits == 4 ? 8 : 4, kept = chunk / 2;
    unsigned number = c / kept, in = c % kept, lane, at;
    if (bits == 16 || bits == 32) { // 16 bits of row g, then 16 of row g + 8
        lane = 4 * (row % 8) + selector * (o.k / chunk / 4) + number / 4;
        at = 16 * (row / 8) + 4 * (number % 4);
    } else { // 32 bits of row g from one lane, of row g + 8 from the next
        lane = 4 * (row % 8) + selector * 2 + 2 * (number / 8) + row / 8;
        at = 4 * (number % 8);
    }
    unsigned nibble = unsigned(lanes[lane][metadata] >> at) & 15;
    if (bits == 32) return number * chunk + ((nibble & 3) >> 1);
    if (bits == 4) return number * chunk + 2 * (nibble >> (in / 2 * 2) & 3) + in % 2;
    return number * chunk + (nibble >> (2 * in) & 3);
}

uint64_t element_of_product(const MatrixOperation& o, const Instruction& instruction, Matrix& a, Matrix& b, Matrix& c, unsigned row,
                            unsigned column, const std::vector<unsigned>& which) {
    unsigned steps = o.sparse ? o.k / 2 : o.k;
    if (o.d == Type::s32) {
        int64_t sum = sign_extend(c.at(row, column), 32);
        for (unsigned k = 0; k < steps; ++k) {
            unsigned from = o.sparse ? which[k] : k;
            if (o.a == Type::b1) sum += o.and_popc ? a.at(row, k) & b.at(k, column) : a.at(row, k) ^ b.at(k, column);
            else sum += int64_t(integer(a.at(row, k), o.a) * integer(b.at(from, column), o.b));
        }
        if (o.satfinite) sum = std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
        return low_bits(uint64_t(sum), 32);
    }
    if (o.d == Type::f64) {
        uint64_t sum = c.at(row, column);
        for (unsigned k = 0; k < steps; ++k) sum = float_fma(a.at(row, k), b.at(k, column), sum, format_f64, rounding_of(instruction));
        return sum;
    }
    uint64_t sum = to_f32(c.at(row, column), o.c);
    for (unsigned k = 0; k < steps; ++k)
        sum = float_fma(to_f32(a.at(row, k), o.a), to_f32(b.at(o.sparse ? which[k] : k, column), o.b), sum, format_f32,
                        Rounding::nearest_even);
    if (is_nan(sum, format_f32)) return o.satfinite ? 0 : canonical_nan(o.d == Type::f16 ? format_f16 : format_f32);
    uint64_t result = o.d == Type::f16 ? encode(decode(sum, format_f32), format_f16, Rounding::nearest_even) : sum;
    if (o.satfinite) { // PTX 6.0 to 6.4: no infinities and no NaN come out
        uint64_t infinity = o.d == Type::f16 ? 0x7c00 : 0x7f800000, sign = o.d == Type::f16 ? 0x8000 : 0x80000000;
        if ((result & ~sign) == infinity) result--; // the largest number lies just below
    }
    return result;
}

/// What each lane brings: the registers of A, B, C and the metadata; an address; the word to be transposed.
std::vector<uint64_t> brought(Thread& thread, const Instruction& in) {
    std::vector<uint64_t> values;
    if (in.opcode == Opcode::ldmatrix || in.opcode == Opcode::stmatrix) {
        StateSpace space = in.space;
        bool stores = in.opcode == Opcode::stmatrix;
        values.push_back(effective_address(thread, in.operands.at(stores ? 0 : 1), &space));
        values.push_back(uint64_t(space));
        return values;
    }
    if (in.opcode == Opcode::movmatrix) return {read(thread, part(in.operands.at(1), 0), Type::b32)};
    std::optional<MatrixOperation> o = ptx::matrix_operation(in);
    if (!o) refuse(thread, in);
    Fragment order[] = {Fragment::d, Fragment::a, Fragment::b, Fragment::c};
    for (unsigned k = 1; k < 4; ++k)
        for (unsigned r = 0; r < ptx::fragment_registers(*o, order[k]); ++r)
            values.push_back(read(thread, part(in.operands.at(k), r), register_type(o->element(order[k]))));
    if (o->sparse) values.push_back(read(thread, in.operands.at(4), Type::b32));
    return values;
}

void finish_product(Thread& thread, const Instruction& in, const std::vector<std::vector<uint64_t>>& lanes) {
    MatrixOperation o = *ptx::matrix_operation(in);
    size_t first_b = ptx::fragment_registers(o, Fragment::a), first_c = first_b + ptx::fragment_registers(o, Fragment::b);
    size_t metadata = first_c + ptx::fragment_registers(o, Fragment::c);
    Matrix a = assemble(o, Fragment::a, lanes, 0), b = assemble(o, Fragment::b, lanes, first_b);
    Matrix c = assemble(o, Fragment::c, lanes, first_c);
    unsigned each = ptx::elements_per_register(o.d), bits = ptx::bits(o.d);
    std::vector<uint64_t> results(ptx::fragment_registers(o, Fragment::d));
    for (unsigned i = 0; i < count_of(o, Fragment::d); ++i) {
        auto [row, column] = place(o, Fragment::d, thread.lane(), i);
        std::vector<unsigned> which;
        for (unsigned k = 0; o.sparse && k < o.k / 2; ++k)
            which.push_back(sparse_column(o, lanes, metadata, unsigned(in.operands.at(5).bits), row, k));
        results[i / each] |= element_of_product(o, in, a, b, c, row, column, which) << (i % each * bits);
    }
    for (size_t r = 0; r < results.size(); ++r) write(thread, part(in.operands[0], unsigned(r)), register_type(o.d), results[r]);
}

void finish_rows(Thread& thread, const Instruction& in, const std::vector<std::vector<uint64_t>>& lanes) {
    if (in.type() != Type::b16 || !in.has(Modifier::m8n8)) refuse(thread, in);
    bool stores = in.opcode == Opcode::stmatrix, transposed = in.has(Modifier::trans);
    unsigned count = in.has(Modifier::x4) ? 4 : in.has(Modifier::x2) ? 2 : 1, lane = thread.lane();
    std::vector<uint64_t> results(count);
    for (unsigned j = 0; j < count; ++j)
        for (unsigned e = 0; e < 2; ++e) {
            unsigned row = lane / 4, column = 2 * (lane % 4) + e;
            if (transposed) std::swap(row, column);
            const auto& holder = lanes[8 * j + row];
            uint8_t* p = locate(thread, StateSpace(holder[1]), holder[0], 16, 16) + 2 * column;
            const Operand& fragment = in.operands.at(stores ? 1 : 0);
            if (stores) {
                uint16_t half = uint16_t(read(thread, part(fragment, j), Type::b32) >> (16 * e));
                std::memcpy(p, &half, 2);
            } else {
                results[j] |= load_bytes(p, 2) << (16 * e);
            }
        }
    for (unsigned j = 0; !stores && j < count; ++j) write(thread, part(in.operands[0], j), Type::b32, results[j]);
}

} // namespace

std::vector<uint64_t> matrix_registers(Thread& thread, const Instruction& instruction) { return brought(thread, instruction); }

/// Waits for the whole warp, then works on copies of what all lanes brought.
Flow execute_matrix(Thread& thread, const Instruction& instruction) {
    Wait& w = thread.wait;
    if (w.kind != Wait::warp) {
        w = Wait{};
        w.kind = Wait::warp;
        w.instruction = &instruction;
        w.mask = ~0u;
        return Flow::wait;
    }
    if (!w.released) return Flow::wait;
    std::shared_ptr<std::vector<std::vector<uint64_t>>> lanes = w.fragments;
    thread.wait = Wait{};
    if (instruction.opcode == Opcode::movmatrix) {
        uint64_t result = 0;
        for (unsigned e = 0; e < 2; ++e) { // element (row g, column 2t + e) of the transposed matrix
            unsigned row = 2 * (thread.lane() % 4) + e, column = thread.lane() / 4;
            result |= ((*lanes)[row * 4 + column / 2][0] >> (16 * (column % 2)) & 0xffff) << (16 * e);
        }
        write(thread, part(instruction.operands[0], 0), Type::b32, result);
    } else if (instruction.opcode == Opcode::ldmatrix || instruction.opcode == Opcode::stmatrix) {
        finish_rows(thread, instruction, *lanes);
    } else {
        finish_product(thread, instruction, *lanes);
    }
    return Flow::next;
}

/// wmma.load, wmma.store: each lane moves its own elements.
Flow execute_fragment(Thread& thread, const Instruction& in) {
    Fragment f = Fragment::d;
    std::optional<MatrixOperation> o = ptx::fragment_operation(in, f);
    if (!o) refuse(thread, in);
    bool stores = in.opcode == Opcode::wmma_store, rows = o->a_row;
    StateSpace space = in.space;
    uint64_t base = effective_address(thread, in.operands.at(stores ? 0 : 1), &space);
    const Operand& fragment = in.operands.at(stores ? 1 : 0);
    Type t = o->element(f);
    unsigned bits = ptx::bits(t), each = ptx::elements_per_register(t);
    unsigned height = f == Fragment::b ? o->k : o->m, width = f == Fragment::a ? o->k : o->n;
    uint64_t stride = in.operands.size() > 2 ? read(thread, in.operands[2], Type::b32) : rows ? width : height;
    std::vector<uint64_t> registers(ptx::fragment_registers(*o, f));
    for (size_t r = 0; stores && r < registers.size(); ++r) registers[r] = read(thread, part(fragment, unsigned(r)), register_type(t));
    for (unsigned i = 0; i < count_of(*o, f); ++i) {
        auto [r, c] = place(*o, f, thread.lane(), i);
        uint64_t bit = (rows ? r * stride + c : c * stride + r) * bits;
        uint8_t* p = locate(thread, space, base + bit / 8, std::max(1u, bits / 8), std::max(1u, bits / 8));
        if (stores) {
            uint64_t v = registers[i / each] >> (i % each * bits);
            std::memcpy(p, &v, bits / 8);
        } else {
            registers[i / each] |= low_bits(load_bytes(p, std::max(1u, bits / 8)) >> bit % 8, bits) << (i % each * bits);
        }
    }
    for (size_t r = 0; !stores && r < registers.size(); ++r) write(thread, part(fragment, unsigned(r)), register_type(t), registers[r]);
    return Flow::next;
}

} // namespace anywarp::oracle
