// Warp-level instructions: calls of the anywarp.* intrinsics that the widening replaces by vector code.
//
// The forms without .sync mean "the lanes that happen to be active"; the member mask is then all ones and the widening looks at
// the active lanes anyhow.
//
// Source: PTX ISA 9.0, 9.7.9.6 (shfl), 9.7.13.2, 9.7.13.9 to 9.7.13.14.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

/// Both results of an intrinsic that returns {i32, i1}, into `d` or `d|p`.
static void both(llvm::IRBuilder<>& b, Value* pair, Value*& value, Value*& predicate) {
    value = b.CreateExtractValue(pair, 0);
    predicate = b.CreateExtractValue(pair, 1);
}

void Emitter::shfl(const Instruction& i) {
    const char* name = i.has(Modifier::up)     ? "anywarp.shfl.up"
                       : i.has(Modifier::down) ? "anywarp.shfl.down"
                       : i.has(Modifier::bfly) ? "anywarp.shfl.bfly"
                                               : "anywarp.shfl.idx";
    Value* mask = i.operands.size() > 4 ? get(i.operands[4], Type::b32) : i32(~0u);
    auto* type = llvm::StructType::get(b.getInt32Ty(), b.getInt1Ty());
    Value* pair = intrinsic_call(
        name, type, {get(i.operands.at(1), Type::b32), get(i.operands.at(2), Type::b32), get(i.operands.at(3), Type::b32), mask},
        Program::pure_convergent);
    Value *v, *predicate;
    both(b, pair, v, predicate);
    const Operand& d = i.operands[0];
    set(d, v, Type::b32); // writes d of d|p
    if (d.kind == Operand::Kind::pair) set(d.elements.at(1), predicate, Type::pred);
}

void Emitter::vote(const Instruction& i) {
    Value* predicate = get_predicate(i.operands.at(1));
    Value* mask = i.operands.size() > 2 ? get(i.operands[2], Type::b32) : i32(~0u);
    if (i.has(Modifier::ballot))
        return set(i.operands[0],
                   intrinsic_call("anywarp.vote.ballot", b.getInt32Ty(), {predicate, mask}, Program::pure_convergent), Type::b32);
    const char* name = i.has(Modifier::all) ? "anywarp.vote.all" : i.has(Modifier::any) ? "anywarp.vote.any" : "anywarp.vote.uni";
    set(i.operands[0], intrinsic_call(name, b.getInt1Ty(), {predicate, mask}, Program::pure_convergent), Type::pred);
}

void Emitter::activemask(const Instruction& i) {
    set(i.operands.at(0), intrinsic_call("anywarp.activemask", b.getInt32Ty(), {}, Program::pure_convergent), Type::b32);
}

void Emitter::match(const Instruction& i) {
    Type t = i.type();
    bool wide = ptx::bits(t) == 64;
    Value *v = get(i.operands.at(1), t), *mask = get(i.operands.at(2), Type::b32);
    const Operand& d = i.operands[0];
    if (i.has(Modifier::any))
        return set(d,
                   intrinsic_call(wide ? "anywarp.match.any.b64" : "anywarp.match.any.b32", b.getInt32Ty(), {v, mask},
                                  Program::pure_convergent),
                   Type::b32);
    auto* type = llvm::StructType::get(b.getInt32Ty(), b.getInt1Ty());
    Value* pair =
        intrinsic_call(wide ? "anywarp.match.all.b64" : "anywarp.match.all.b32", type, {v, mask}, Program::pure_convergent);
    Value *r, *predicate;
    both(b, pair, r, predicate);
    set(d, r, Type::b32);
    if (d.kind == Operand::Kind::pair) set(d.elements.at(1), predicate, Type::pred);
}

void Emitter::redux(const Instruction& i) {
    Type t = i.type();
    Value* v = get(i.operands.at(1), ptx::is_float(t) ? Type::b32 : t);
    Value* mask = get(i.operands.at(2), Type::b32);
    bool sign = ptx::is_signed(t);
    const char* name = nullptr;
    if (i.has(Modifier::add))
        name = "anywarp.redux.add";
    else if (i.has(Modifier::and_))
        name = "anywarp.redux.and";
    else if (i.has(Modifier::or_))
        name = "anywarp.redux.or";
    else if (i.has(Modifier::xor_))
        name = "anywarp.redux.xor";
    else if (i.has(Modifier::min))
        name = sign || ptx::is_float(t) ? "anywarp.redux.min.s" : "anywarp.redux.min.u";
    else if (i.has(Modifier::max))
        name = sign || ptx::is_float(t) ? "anywarp.redux.max.s" : "anywarp.redux.max.u";
    if (!name) fail_unsupported(i);
    if (!ptx::is_float(t))
        return set(i.operands[0], intrinsic_call(name, b.getInt32Ty(), {v, mask}, Program::pure_convergent), t);
    // f32: order the bits as signed integers (negative ones have their magnitude inverted) and reduce those. A NaN must lose,
    // unless .NaN is given, where it must win.
    bool max = i.has(Modifier::max);
    Value* bits = v;
    if (i.has(Modifier::abs)) bits = b.CreateAnd(bits, i32(0x7fffffff));
    Value* magnitude = b.CreateAnd(bits, i32(0x7fffffff));
    Value* is_nan = b.CreateICmpUGT(magnitude, i32(0x7f800000));
    auto ordered = [&](Value* x) { return b.CreateXor(x, b.CreateLShr(b.CreateAShr(x, 31), 1)); };
    Value* key = ordered(bits);
    if (i.has(Modifier::NaN))
        key = b.CreateSelect(is_nan, i32(max ? 0x7fffffff : 0x80000000), key);
    else
        key = b.CreateSelect(is_nan, i32(max ? 0x80000000 : 0x7fffffff), key);
    Value* r = intrinsic_call(name, b.getInt32Ty(), {key, mask}, Program::pure_convergent);
    Value* nan_key = b.CreateOr(b.CreateICmpEQ(r, i32(0x7fffffff)), b.CreateICmpEQ(r, i32(0x80000000)));
    set(i.operands[0], b.CreateSelect(nan_key, i32(0x7fffffff), ordered(r)), Type::b32);
}

void Emitter::elect(const Instruction& i) {
    auto* type = llvm::StructType::get(b.getInt32Ty(), b.getInt1Ty());
    Value* pair = intrinsic_call("anywarp.elect", type, {get(i.operands.at(1), Type::b32)}, Program::pure_convergent);
    Value *v, *predicate;
    both(b, pair, v, predicate);
    const Operand& d = i.operands[0];
    if (d.kind == Operand::Kind::pair) {
        set(d.elements.at(0), v, Type::b32);
        set(d.elements.at(1), predicate, Type::pred);
    } else {
        set(d, v, Type::b32);
    }
}

} // namespace anywarp::simt
