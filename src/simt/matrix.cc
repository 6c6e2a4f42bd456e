// Matrices of a warp: wmma, mma, mma.sp, ldmatrix, stmatrix, movmatrix.
//
// Products and 8x8 transposes become one anywarp.* intrinsic each, which the widening replaces by vector code over the 32 lanes
// (src/simd/widen_matrix.cc). wmma's loads and stores need no exchange: each lane knows the places of its elements. Products of
// f64 with a directed rounding are rare and have no vector instruction: they are shuffles and the scalar builtins.
//
// Source: PTX ISA 9.0, 9.7.14.
#include "simt/lowering.h"
#include "simt/matrix_layout.h"

namespace anywarp::simt {

using ptx::Fragment;
using ptx::MatrixOperation;

static Type register_type(Type element) { return element == Type::f64 ? Type::b64 : Type::b32; }

static const Operand& part_of(const Operand& vector, unsigned k) {
    return vector.kind == Operand::Kind::vector ? vector.elements.at(k) : vector;
}

void Emitter::matrix_product(const Instruction& i) {
    std::optional<MatrixOperation> o = ptx::matrix_operation(i);
    if (!o || i.has(Modifier::block_scale)) fail_unsupported(i);
    for (Modifier m : i.modifiers)
        if (ptx::spelling(m).starts_with("kind::")) fail_unsupported(i, std::string(ptx::spelling(m)));
    const char* rounding = i.has(Modifier::rz) ? "_rz" : i.has(Modifier::rm) ? "_rm" : i.has(Modifier::rp) ? "_rp" : nullptr;
    if (o->a == Type::f64 && rounding) return directed_product(i, *o, rounding);
    llvm::SmallVector<Value*> arguments;
    Fragment order[] = {Fragment::d, Fragment::a, Fragment::b, Fragment::c};
    for (unsigned k = 1; k < 4; ++k) {
        Type type = register_type(o->element(order[k]));
        for (unsigned r = 0; r < ptx::fragment_registers(*o, order[k]); ++r)
            arguments.push_back(get(part_of(i.operands.at(k), r), type));
    }
    unsigned selector = 0;
    if (o->sparse) {
        arguments.push_back(get(i.operands.at(4), Type::b32));
        selector = unsigned(i.operands.at(5).bits);
    }
    Type type = register_type(o->d);
    unsigned results = ptx::fragment_registers(*o, Fragment::d);
    auto* result = llvm::StructType::get(context, llvm::SmallVector<llvm::Type*>(results, ty(type)));
    Value* d = intrinsic_call(matrix_intrinsic(*o, selector), result, arguments, Program::pure_convergent);
    llvm::SmallVector<Value*> values;
    for (unsigned r = 0; r < results; ++r) values.push_back(b.CreateExtractValue(d, r));
    for (unsigned r = 0; r < results; ++r) set(part_of(i.operands[0], r), values[r], type);
}

/// The value of another lane: two shuffles for 64 bits.
Value* Emitter::from_lane(Value* v, Value* source) {
    auto* pair = llvm::StructType::get(b.getInt32Ty(), b.getInt1Ty());
    auto one = [&](Value* x) {
        return b.CreateExtractValue(
            intrinsic_call("anywarp.shfl.idx", pair, {x, source, i32(31), i32(~0u)}, Program::pure_convergent), 0);
    };
    if (v->getType()->isIntegerTy(32)) return one(v);
    Value *low = one(b.CreateTrunc(v, b.getInt32Ty())), *high = one(b.CreateTrunc(b.CreateLShr(v, 32), b.getInt32Ty()));
    return b.CreateOr(b.CreateZExt(low, b.getInt64Ty()), b.CreateShl(b.CreateZExt(high, b.getInt64Ty()), 32));
}

void Emitter::directed_product(const Instruction& i, const MatrixOperation& o, const char* rounding) {
    Value *group = b.CreateAnd(lane_in_warp(), i32(~3u)), *twice = b.CreateShl(b.CreateAnd(lane_in_warp(), i32(3)), 1);
    auto number = [&](Value* v) { return b.CreateBitCast(v, b.getDoubleTy()); };
    llvm::SmallVector<Value*> a, factors, results;
    for (unsigned r = 0; r < ptx::fragment_registers(o, Fragment::a); ++r) a.push_back(get(part_of(i.operands.at(1), r), Type::b64));
    for (unsigned r = 0; r < ptx::fragment_registers(o, Fragment::b); ++r)
        factors.push_back(get(part_of(i.operands.at(2), r), Type::b64));
    for (unsigned r = 0; r < ptx::fragment_registers(o, Fragment::d); ++r) {
        Value* sum = number(get(part_of(i.operands.at(3), r), Type::b64));
        for (unsigned k = 0; k < o.k; ++k) {
            Value* x = from_lane(a[k / 4 * (o.m / 8) + r / 2], b.CreateOr(group, i32(k % 4)));
            Value* y = from_lane(factors[k / 4], b.CreateOr(b.CreateShl(b.CreateOr(twice, i32(r % 2)), 2), i32(k % 4)));
            sum = call_builtin(std::string("anywarp_b_fma_f64") + rounding, b.getDoubleTy(), {number(x), number(y), sum});
        }
        results.push_back(b.CreateBitCast(sum, b.getInt64Ty()));
    }
    for (unsigned r = 0; r < results.size(); ++r) set(part_of(i.operands[0], r), results[r], Type::b64);
}

// --- wmma.load, wmma.store --------------------------------------------------------------------------------------------------------

// Neighbouring elements of a register are read together where they are neighbours in memory too, which they are in the layout that
// products prefer. The matrix lies on a multiple of its row's natural alignment, so that such words are aligned.
void Emitter::matrix_fragment(const Instruction& i) {
    Fragment f;
    std::optional<MatrixOperation> o = ptx::fragment_operation(i, f);
    if (!o) fail_invalid(i, "a fragment needs a shape and a type");
    bool stores = i.opcode == Opcode::wmma_store;
    const Operand& fragment = i.operands.at(stores ? 1 : 0);
    Type element = o->element(f);
    unsigned bits = element == Type::b1 ? 32 : ptx::bits(element), each = elements_in_register(element);
    Address at = address(i.operands.at(stores ? 0 : 1), i.has_space ? i.space : StateSpace::generic, i);
    check_aligned(at, std::min(32u, std::max(8u, bits)) / 8);
    bool rows = o->a_row; // of this fragment
    unsigned leading = rows ? (f == Fragment::a ? o->k : o->n) : (f == Fragment::b ? o->k : o->m);
    Value* stride = i.operands.size() > 2 ? get(i.operands[2], Type::u32) : i32(leading);
    stride = b.CreateZExt(stride, b.getInt64Ty());
    if (element == Type::b1) stride = b.CreateLShr(stride, 5);
    Value* lane = b.CreateZExt(lane_in_warp(), b.getInt64Ty());
    Value *g = b.CreateLShr(lane, 2), *t = b.CreateAnd(lane, i64(3));
    // Place of (lane, element): that of lane 0 plus g and t by the directions of the fragment.
    bool g_is_row = f != Fragment::b;
    unsigned t_step = f == Fragment::a || f == Fragment::b ? each : 2;
    auto offset = [&](unsigned k) { // in elements
        MatrixPlace first = matrix_place(*o, f, 0, k);
        Value* row = b.CreateAdd(g_is_row ? g : b.CreateMul(t, i64(t_step)), i64(first.row));
        Value* column = b.CreateAdd(g_is_row ? b.CreateMul(t, i64(t_step)) : g, i64(first.column));
        return rows ? b.CreateAdd(b.CreateMul(row, stride), column) : b.CreateAdd(b.CreateMul(column, stride), row);
    };
    auto pointer = [&](unsigned k) {
        Value* bytes = bits >= 8 ? b.CreateMul(offset(k), i64(bits / 8)) : b.CreateLShr(offset(k), 1);
        return b.CreateGEP(b.getInt8Ty(), at.pointer, bytes);
    };
    unsigned registers = ptx::fragment_registers(*o, f), distinct = matrix_elements(*o, f) / each;
    Type type = register_type(element);
    llvm::Type* one = b.getIntNTy(std::max(bits, 8u));
    bool factor = f == Fragment::a || f == Fragment::b;
    bool together = each == 1 || (factor ? rows == (f == Fragment::a) : rows); // a register's elements are neighbours
    llvm::Align align(std::max(1u, std::min(bits, 64u) / 8));
    llvm::SmallVector<Value*> values;
    for (unsigned r = 0; r < registers; ++r) {
        if (stores) {
            Value* v = get(part_of(fragment, r), type);
            for (unsigned e = 0; e < (together ? 1 : each); ++e) {
                Value* part = together ? v : b.CreateTrunc(b.CreateLShr(v, e * bits), one);
                b.CreateAlignedStore(part, pointer(r * each + e), align);
            }
        } else if (r >= distinct) {
            values.push_back(values[r % distinct]);
        } else if (together) {
            values.push_back(b.CreateAlignedLoad(ty(type), pointer(r * each), align));
        } else {
            Value* v = i32(0);
            for (unsigned e = 0; e < each; ++e) {
                Value* part = b.CreateZExt(b.CreateAlignedLoad(one, pointer(r * each + e), align), b.getInt32Ty());
                v = b.CreateOr(v, b.CreateShl(part, e * bits));
            }
            values.push_back(v);
        }
    }
    for (unsigned r = 0; r < values.size(); ++r) set(part_of(fragment, r), values[r], type);
}

// --- ldmatrix, stmatrix, movmatrix ------------------------------------------------------------------------------------------------

// Lane l holds the address of row l % 8 of matrix l / 8, and gets elements 2t, 2t+1 of row g of each (transposed: of column g).
void Emitter::matrix_rows(const Instruction& i) {
    if (i.type() != Type::b16 || !i.has(Modifier::m8n8)) fail_unsupported(i);
    bool stores = i.opcode == Opcode::stmatrix;
    unsigned count = i.has(Modifier::x4) ? 4 : i.has(Modifier::x2) ? 2 : 1;
    const Operand& fragment = i.operands.at(stores ? 1 : 0);
    Address at = address(i.operands.at(stores ? 0 : 1), i.has_space ? i.space : StateSpace::generic, i);
    Value* lane = lane_in_warp();
    if (p.options.check_alignment) { // only of lanes whose address counts
        Address counts = at;
        Value* number = at.number ? at.number : b.CreatePtrToInt(at.pointer, b.getInt64Ty());
        counts.number = b.CreateSelect(b.CreateICmpULT(lane, i32(8 * count)), number, i64(0));
        counts.known_align = 1;
        check_aligned(counts, 16);
    }
    Value* rows = b.CreatePtrToInt(at.pointer, b.getInt64Ty());
    bool transposed = i.has(Modifier::trans);
    auto kind = [&](const char* what) { return std::string("anywarp.") + what + (transposed ? ".trans." : ".") + std::to_string(count); };
    if (stores) {
        llvm::SmallVector<Value*> arguments{rows};
        for (unsigned r = 0; r < count; ++r) arguments.push_back(get(part_of(fragment, r), Type::b32));
        intrinsic_call(kind("stmatrix"), b.getVoidTy(), arguments, Program::suspends);
        return;
    }
    auto* result = llvm::StructType::get(context, llvm::SmallVector<llvm::Type*>(count, b.getInt32Ty()));
    Value* d = intrinsic_call(kind("ldmatrix"), result, {rows}, Program::suspends);
    llvm::SmallVector<Value*> values;
    for (unsigned r = 0; r < count; ++r) values.push_back(b.CreateExtractValue(d, r));
    for (unsigned r = 0; r < count; ++r) set(part_of(fragment, r), values[r], Type::b32);
}

// Row g, columns 2t and 2t+1 become column g, rows 2t and 2t+1.
void Emitter::movmatrix(const Instruction& i) {
    Value *v = get(part_of(i.operands.at(1), 0), Type::b32), *lane = lane_in_warp();
    Value *g = b.CreateLShr(lane, 2), *t = b.CreateAnd(lane, i32(3)), *half = b.CreateShl(b.CreateAnd(g, i32(1)), 4);
    Value* halves[2];
    for (unsigned e = 0; e < 2; ++e) {
        Value* source = b.CreateOr(b.CreateShl(b.CreateOr(b.CreateShl(t, 1), i32(e)), 2), b.CreateLShr(g, 1));
        halves[e] = b.CreateAnd(b.CreateLShr(from_lane(v, source), half), i32(0xffff));
    }
    set(part_of(i.operands[0], 0), b.CreateOr(halves[0], b.CreateShl(halves[1], 16)), Type::b32);
}

} // namespace anywarp::simt
