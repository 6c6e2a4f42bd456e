// The Emitter's core: blocks from labels, registers as stack slots, guards, and reading and writing operands.
//
// A register keeps the LLVM type of its declaration (float for .f32, i32 for .b32 ...); an instruction that uses it as
// another type of the same size gets a bit cast, a wider register is truncated on reading and extended on writing, as the
// operand rules of ld, st and cvt want it. A guarded instruction without side effects is evaluated always and its results
// are selected; any other one gets a block of its own.
//
// Source: PTX ISA 9.0, 5.2 (types), 6.4 (operands), 9.3 (predicated execution), 9.4.1 (operand size exceeding type size).
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>

namespace anywarp::simt {

llvm::Type* value_type(llvm::LLVMContext& context, Type type) {
    switch (type) {
    case Type::pred:
    case Type::b1:
        return llvm::Type::getInt1Ty(context);
    case Type::f32:
        return llvm::Type::getFloatTy(context);
    case Type::f64:
        return llvm::Type::getDoubleTy(context);
    case Type::texref:
    case Type::samplerref:
    case Type::surfref:
        return llvm::Type::getInt64Ty(context);
    default:
        return llvm::Type::getIntNTy(context, std::max(8u, ptx::bits(type)));
    }
}

Emitter::Emitter(Program& program, uint32_t index, llvm::Function* function)
    : p(program), context(program.context), ptx_function(program.ptx.functions[index]), function_index(index),
      body(program.body(index)), function(function), b(program.context) {}

std::string Emitter::text_of(const Instruction& i) {
    std::string text(ptx::spelling(i.opcode));
    for (Modifier m : i.modifiers) text += "." + std::string(ptx::spelling(m));
    for (Type t : i.types) text += "." + std::string(ptx::spelling(t));
    return text;
}

void Emitter::fail_unsupported(const Instruction& i, const std::string& detail) {
    std::string message = "instruction '" + text_of(i) + "' at line " + std::to_string(i.where.line) + " isn't supported";
    if (!detail.empty()) message += ": " + detail;
    throw Failure{Error{ErrorKind::unsupported, ErrorCode::not_supported, message}};
}

void Emitter::fail_invalid(const Instruction& i, const std::string& message) {
    throw Failure{
        Error{ErrorKind::user, ErrorCode::invalid_ptx,
              std::to_string(i.where.line) + ":" + std::to_string(i.where.column) + ": " + message + " in '" + text_of(i) + "'"}};
}

Value* Emitter::constant(Type type, uint64_t bits) {
    llvm::Type* t = ty(type);
    if (t->isFloatTy()) return llvm::ConstantFP::get(context, llvm::APFloat(llvm::APFloat::IEEEsingle(), llvm::APInt(32, bits)));
    if (t->isDoubleTy()) return llvm::ConstantFP::get(context, llvm::APFloat(llvm::APFloat::IEEEdouble(), llvm::APInt(64, bits)));
    return llvm::ConstantInt::get(context, llvm::APInt(t->getIntegerBitWidth(), bits, true));
}

Value* Emitter::as_type(Value* value, llvm::Type* type, bool sign) {
    llvm::Type* from = value->getType();
    if (from == type) return value;
    if (from->isPointerTy()) return as_type(b.CreatePtrToInt(value, b.getInt64Ty()), type, sign);
    unsigned from_bits = from->getScalarSizeInBits(), to_bits = type->getScalarSizeInBits();
    if (from_bits == to_bits) return b.CreateBitCast(value, type);
    if (!from->isIntegerTy()) value = b.CreateBitCast(value, b.getIntNTy(from_bits));
    value = sign ? b.CreateSExtOrTrunc(value, b.getIntNTy(to_bits)) : b.CreateZExtOrTrunc(value, b.getIntNTy(to_bits));
    return type->isIntegerTy() ? value : b.CreateBitCast(value, type);
}

Value* Emitter::register_slot(ptx::RegisterId reg, int component) {
    auto& slot = slots.at(reg);
    return slot.at(component < 0 ? 0 : static_cast<size_t>(component));
}

static Value* float_immediate(Emitter&, llvm::LLVMContext& context, Type type, uint64_t bits) {
    // `bits` is an IEEE double; the conversion to a narrower type is the assembler's.
    llvm::APFloat value(llvm::APFloat::IEEEdouble(), llvm::APInt(64, bits));
    bool lost = false;
    auto nearest = llvm::APFloat::rmNearestTiesToEven;
    switch (type) {
    case Type::f64:
    case Type::b64:
        break;
    case Type::f16:
        value.convert(llvm::APFloat::IEEEhalf(), nearest, &lost);
        break;
    case Type::bf16:
        value.convert(llvm::APFloat::BFloat(), nearest, &lost);
        break;
    default: {
        // Keep a NaN's payload as written: 0f7fffffff must stay 0x7fffffff.
        if (value.isNaN()) {
            uint32_t single = uint32_t(bits >> 32 & 0x80000000u) | 0x7f800000u | uint32_t(bits >> 29 & 0x7fffffu);
            value = llvm::APFloat(llvm::APFloat::IEEEsingle(), llvm::APInt(32, single));
        } else {
            value.convert(llvm::APFloat::IEEEsingle(), nearest, &lost);
        }
    }
    }
    llvm::Type* target = value_type(context, type);
    if (target->isFloatingPointTy()) return llvm::ConstantFP::get(context, value);
    llvm::APInt raw = value.bitcastToAPInt();
    return llvm::ConstantInt::get(context, raw.zextOrTrunc(target->getIntegerBitWidth()));
}

Value* Emitter::get(const Operand& o, Type type) {
    llvm::Type* t = ty(type);
    switch (o.kind) {
    case Operand::Kind::reg: {
        const ptx::Register& reg = body.registers.at(o.reg);
        if (reg.vector > 1 && o.component < 0) {
            Value* whole = llvm::ConstantInt::get(t, 0);
            unsigned each = ptx::bits(reg.type);
            for (unsigned k = 0; k < reg.vector; ++k) {
                Value* part = b.CreateLoad(ty(reg.type), register_slot(o.reg, k));
                part = b.CreateZExtOrTrunc(as_type(part, b.getIntNTy(each), false), t);
                whole = b.CreateOr(whole, b.CreateShl(part, llvm::ConstantInt::get(t, each * k)));
            }
            return whole;
        }
        Value* v = b.CreateLoad(ty(reg.type), register_slot(o.reg, o.component));
        if (o.negated && v->getType()->isIntegerTy(1)) v = b.CreateNot(v);
        if (o.minus) v = v->getType()->isIntegerTy() ? b.CreateNeg(v) : b.CreateFNeg(v);
        return as_type(v, t, ptx::is_signed(type));
    }
    case Operand::Kind::immediate: {
        if (type == Type::pred) return b.getInt1((o.bits != 0) != o.negated);
        if (type == Type::f32 || type == Type::f64) {
            // An integer literal where a float is wanted is its bit pattern only for .b types; here it is a number.
            return llvm::ConstantFP::get(t, static_cast<double>(static_cast<int64_t>(o.bits)));
        }
        return constant(type, o.bits);
    }
    case Operand::Kind::immediate_float:
        return float_immediate(*this, context, type, o.bits);
    case Operand::Kind::symbol:
        return as_type(symbol_address(o.symbol, o.offset), t, false);
    case Operand::Kind::special:
        return special(o, type);
    case Operand::Kind::vector: { // mov.b64 d, {a, b}: first element in the low bits
        unsigned total = t->getScalarSizeInBits();
        unsigned each = total / std::max<size_t>(1, o.elements.size());
        llvm::Type* whole_type = b.getIntNTy(total);
        Type each_type = each == 8 ? Type::b8 : each == 16 ? Type::b16 : each == 32 ? Type::b32 : Type::b64;
        Value* whole = llvm::ConstantInt::get(whole_type, 0);
        for (unsigned k = 0; k < o.elements.size(); ++k) {
            Value* part = b.CreateZExt(get(o.elements[k], each_type), whole_type);
            whole = b.CreateOr(whole, b.CreateShl(part, llvm::ConstantInt::get(whole_type, each * k)));
        }
        return as_type(whole, t, false);
    }
    case Operand::Kind::sink:
        return llvm::PoisonValue::get(t);
    default:
        break;
    }
    throw Failure{
        Error{ErrorKind::user, ErrorCode::invalid_ptx,
              std::to_string(o.where.line) + ":" + std::to_string(o.where.column) + ": operand can't be read as a value"}};
}

Value* Emitter::get_predicate(const Operand& o) { return get(o, Type::pred); }

void Emitter::set_register(ptx::RegisterId id, int component, Value* value, Type type) {
    const ptx::Register& reg = body.registers.at(id);
    llvm::Type* t = ty(reg.type);
    Value* slot = register_slot(id, component);
    value = as_type(value, t, ptx::is_signed(type));
    if (guard) value = b.CreateSelect(guard, value, b.CreateLoad(t, slot));
    b.CreateStore(value, slot);
}

void Emitter::set(const Operand& o, Value* value, Type type) {
    switch (o.kind) {
    case Operand::Kind::reg: {
        const ptx::Register& reg = body.registers.at(o.reg);
        if (reg.vector > 1 && o.component < 0) {
            unsigned each = ptx::bits(reg.type), total = value->getType()->getScalarSizeInBits();
            Value* whole = as_type(value, b.getIntNTy(total), false);
            for (unsigned k = 0; k < reg.vector; ++k)
                set_register(o.reg, k, b.CreateTrunc(b.CreateLShr(whole, each * k), b.getIntNTy(each)), Type::b32);
            return;
        }
        set_register(o.reg, o.component, value, type);
        return;
    }
    case Operand::Kind::sink:
        return;
    case Operand::Kind::pair:
        set(o.elements.at(0), value, type);
        return;
    case Operand::Kind::vector: {
        unsigned total = value->getType()->getScalarSizeInBits();
        unsigned each = total / std::max<size_t>(1, o.elements.size());
        Value* whole = as_type(value, b.getIntNTy(total), false);
        for (unsigned k = 0; k < o.elements.size(); ++k) {
            Value* part = b.CreateTrunc(b.CreateLShr(whole, each * k), b.getIntNTy(each));
            set(o.elements[k], part, each == 8 ? Type::b8 : each == 16 ? Type::b16 : each == 32 ? Type::b32 : Type::b64);
        }
        return;
    }
    default:
        break;
    }
    throw Failure{Error{ErrorKind::user, ErrorCode::invalid_ptx,
                        std::to_string(o.where.line) + ":" + std::to_string(o.where.column) + ": operand can't be written"}};
}

Value* Emitter::call_builtin(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<Value*> arguments) {
    llvm::SmallVector<llvm::Type*> types;
    for (Value* v : arguments) types.push_back(v->getType());
    return b.CreateCall(p.builtin(name, result, types), arguments);
}

Value* Emitter::intrinsic_call(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<Value*> arguments,
                               Program::Purity purity) {
    llvm::SmallVector<llvm::Type*> types;
    for (Value* v : arguments) types.push_back(v->getType());
    return b.CreateCall(p.intrinsic(name, result, types, purity), arguments);
}

Value* Emitter::unary(unsigned id, Value* v) { return b.CreateUnaryIntrinsic(id, v); }
Value* Emitter::binary(unsigned id, Value* a, Value* c) { return b.CreateBinaryIntrinsic(id, a, c); }

// --- blocks -------------------------------------------------------------------------------------------------------------

llvm::BasicBlock* Emitter::block_at(uint32_t instruction) {
    if (instruction >= body.instructions.size()) instruction = body.instructions.size();
    auto& block = starts.at(instruction);
    if (!block) block = new_block("L");
    return block;
}

llvm::BasicBlock* Emitter::label_block(ptx::LabelId label) { return block_at(body.labels.at(label).target); }

void Emitter::start_dead_block() {
    // What follows an unconditional jump without a label of its own can't be reached.
    b.SetInsertPoint(new_block("dead"));
}

void Emitter::maybe_yield() {
    if (!spins.back_edges.count(current)) return;
    intrinsic_call("anywarp.yield", b.getVoidTy(), {ctx}, Program::suspends);
}

void Emitter::make_slots() {
    slots.resize(body.registers.size());
    for (size_t r = 0; r < body.registers.size(); ++r)
        for (unsigned k = 0; k < body.registers[r].vector; ++k) slots[r].push_back(b.CreateAlloca(ty(body.registers[r].type)));
    variables.assign(body.variables.size(), nullptr);
    for (size_t v = 0; v < body.variables.size(); ++v) {
        const ptx::Variable& variable = body.variables[v];
        if (variable.space != StateSpace::local && variable.space != StateSpace::param) continue;
        auto* slot =
            b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), std::max<uint64_t>(1, variable.size)), nullptr, variable.name);
        slot->setAlignment(llvm::Align(std::max(1u, variable.align)));
        variables[v] = slot;
        if (variable.space == StateSpace::local) p.result.local_bytes += variable.size;
    }
    bool moves_stack = false;
    for (const Instruction& i : body.instructions) moves_stack |= i.opcode == Opcode::alloca_ || i.opcode == Opcode::stacksave;
    if (!moves_stack) return;
    auto* area = b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), alloca_bytes), nullptr, "stack");
    area->setAlignment(llvm::Align(16));
    stack_area = area;
    stack_top = b.CreateAlloca(b.getInt64Ty(), nullptr, "stack.top");
    b.CreateStore(i64(0), stack_top);
    p.result.local_bytes += alloca_bytes;
}

void Emitter::emit(const Instruction& i) {
    Handler handler = handler_of(i.opcode);
    if (!handler) fail_unsupported(i);
    if (i.guard == ptx::no_index) {
        (this->*handler)(i);
        return;
    }
    Value* condition = b.CreateLoad(b.getInt1Ty(), register_slot(i.guard, -1));
    if (i.guard_negated) condition = b.CreateNot(condition);
    if (i.opcode == Opcode::bra) { // one conditional branch instead of a branch around a branch
        auto* next = new_block("next");
        llvm::BasicBlock* target = label_block(i.operands.at(0).label);
        if (spins.back_edges.count(current)) {
            auto* edge = new_block("spin");
            b.CreateCondBr(condition, edge, next);
            b.SetInsertPoint(edge);
            maybe_yield();
            b.CreateBr(target);
        } else {
            b.CreateCondBr(condition, target, next);
        }
        b.SetInsertPoint(next);
        return;
    }
    if (is_speculatable(i)) {
        guard = condition;
        (this->*handler)(i);
        guard = nullptr;
        return;
    }
    auto* then = new_block("then");
    auto* next = new_block("next");
    b.CreateCondBr(condition, then, next);
    b.SetInsertPoint(then);
    (this->*handler)(i);
    if (!b.GetInsertBlock()->getTerminator()) b.CreateBr(next);
    b.SetInsertPoint(next);
}

void Emitter::run() {
    spins = find_spins(body);
    if (!spins.back_edges.empty()) p.result.spins = true;
    if (spins.needs_lane_scheduling) p.result.needs_lane_scheduling = true;
    entry = new_block("entry");
    return_block = new_block("return");
    b.SetInsertPoint(entry);
    ctx = function->getArg(0);
    warp_base = function->getArg(1);
    make_slots();
    entry_code();

    starts.assign(body.instructions.size() + 1, nullptr);
    for (const auto& label : body.labels)
        if (label.target != ptx::no_index) block_at(label.target);
    for (current = 0; current < body.instructions.size(); ++current) {
        if (starts[current]) {
            if (!b.GetInsertBlock()->getTerminator()) b.CreateBr(starts[current]);
            b.SetInsertPoint(starts[current]);
        }
        const Instruction& i = body.instructions[current];
        emit(i);
        // A back edge that falls through: the branch, if there is one, goes elsewhere.
        if (spins.back_edges.count(current) && i.opcode != Opcode::bra && i.opcode != Opcode::brx_idx) maybe_yield();
    }
    if (auto* end = starts.back()) {
        if (!b.GetInsertBlock()->getTerminator()) b.CreateBr(end);
        b.SetInsertPoint(end);
    }
    if (!b.GetInsertBlock()->getTerminator()) b.CreateBr(return_block);
    b.SetInsertPoint(return_block);
    emit_return();
    // Dead blocks hold nothing anybody can reach; the verifier still wants them terminated.
    for (llvm::BasicBlock& block : *function)
        if (!block.getTerminator()) {
            b.SetInsertPoint(&block);
            b.CreateUnreachable();
        }
}

} // namespace anywarp::simt
