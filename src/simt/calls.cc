// Calls: direct, through function pointers, and to the services of the machine.
//
// A device function takes each scalar parameter as an LLVM scalar and each aggregate as a pointer to the caller's .param
// variable, which lives for this one call and thus is the callee's copy. One scalar result is the LLVM result; anything else
// is written through pointers that follow the parameters. A function pointer is a token (ptx::function_token): an indirect call
// is a switch over the tokens of the address-taken functions whose signature fits the prototype.
//
// Source: PTX ISA 9.0, chapter 7, 9.7.12.5; CUDA C++ Programming Guide, "Formatted output", "Assertion", "Dynamic allocation".
#include "simt/lowering.h"

#include <optional>

namespace anywarp::simt {

using SymbolKind = ptx::Symbol::Kind;

Value* Emitter::argument_pointer(const Instruction& i, const Operand& o) {
    uint64_t align;
    StateSpace space = StateSpace::generic;
    if (o.symbol.kind == SymbolKind::none) fail_invalid(i, "a .param variable is needed for an aggregate");
    return symbol_pointer(o.symbol, o.offset, align, space);
}

Value* Emitter::argument_scalar(const Instruction& i, const Operand& o, llvm::Type* type, Type ptx_type) {
    if (o.kind == Operand::Kind::symbol && o.symbol.kind != SymbolKind::function &&
        o.symbol.kind != SymbolKind::module_variable) {
        Value* pointer = argument_pointer(i, o);
        return b.CreateAlignedLoad(type, pointer, llvm::Align(std::max(1u, unsigned(type->getScalarSizeInBits() / 8))));
    }
    return as_type(get(o, ptx_type), type, false);
}

void Emitter::store_return(const Operand& o, Value* v, Type type) {
    if (o.kind == Operand::Kind::sink) return;
    if (o.kind == Operand::Kind::symbol) {
        uint64_t align;
        StateSpace space = StateSpace::generic;
        Value* pointer = symbol_pointer(o.symbol, o.offset, align, space);
        b.CreateAlignedStore(v, pointer, llvm::Align(std::max(1u, unsigned(v->getType()->getScalarSizeInBits() / 8))));
        return;
    }
    set(o, v, type);
}

void Emitter::call_direct(const Instruction& i, uint32_t index, llvm::ArrayRef<Operand> arguments,
                          llvm::ArrayRef<Operand> returns_) {
    index = ptx::resolve_alias(p.ptx, index);
    const ptx::Function& callee = p.ptx.functions.at(index);
    if (callee.is_declaration) {
        if (call_service(i, callee, arguments, returns_)) return;
        throw Failure{Error{ErrorKind::user, ErrorCode::invalid_ptx,
                            std::to_string(i.where.line) + ":" + std::to_string(i.where.column) + ": undefined symbol '" +
                                callee.name + "'"}};
    }
    if (arguments.size() != callee.parameters.size() || returns_.size() != callee.returns.size())
        fail_invalid(i, "call of '" + callee.name + "' with " + std::to_string(arguments.size()) + " arguments and " +
                            std::to_string(returns_.size()) + " results, declared with " +
                            std::to_string(callee.parameters.size()) + " and " + std::to_string(callee.returns.size()));
    llvm::Function* target = p.function(index);
    llvm::SmallVector<Value*> values{ctx, warp_base};
    // Element k of a vector register or of {a, b}; such vectors travel through a slot of our own.
    auto element = [&](const Operand& o, unsigned k) {
        if (o.kind == Operand::Kind::vector) return o.elements.at(k);
        Operand part = o;
        part.component = static_cast<int8_t>(k);
        return part;
    };
    auto own_slot = [&](const ptx::Variable& v) {
        llvm::IRBuilder<> at_entry(entry, entry->begin());
        return at_entry.CreateAlloca(llvm::ArrayType::get(scalar_type(context, v), v.vector));
    };
    for (size_t k = 0; k < arguments.size(); ++k) {
        const ptx::Variable& v = callee.parameters[k];
        if (passed_as_scalar(v)) {
            values.push_back(argument_scalar(i, arguments[k], scalar_type(context, v), v.type));
        } else if (v.vector > 1 && (arguments[k].kind == Operand::Kind::reg || arguments[k].kind == Operand::Kind::vector)) {
            Value* slot = own_slot(v);
            for (unsigned e = 0; e < v.vector; ++e)
                b.CreateStore(get(element(arguments[k], e), v.type), byte_offset(slot, e * ptx::bytes(v.type)));
            values.push_back(slot);
        } else {
            values.push_back(argument_pointer(i, arguments[k]));
        }
    }
    bool scalar = callee.returns.size() == 1 && passed_as_scalar(callee.returns[0]);
    llvm::SmallVector<std::pair<Value*, size_t>> copies;
    if (!scalar)
        for (size_t k = 0; k < returns_.size(); ++k) {
            if (returns_[k].kind == Operand::Kind::symbol) {
                values.push_back(argument_pointer(i, returns_[k]));
            } else { // a register receives it: through a slot of our own
                Value* slot = own_slot(callee.returns[k]);
                values.push_back(slot);
                copies.push_back({slot, k});
            }
        }
    auto* result = b.CreateCall(target, values);
    result->setConvergent();
    result->setDoesNotThrow();
    if (scalar && !returns_.empty()) store_return(returns_[0], result, callee.returns[0].type);
    for (auto [slot, k] : copies) {
        const ptx::Variable& v = callee.returns[k];
        for (unsigned e = 0; e < v.vector; ++e)
            store_return(v.vector > 1 ? element(returns_[k], e) : returns_[k],
                         b.CreateLoad(scalar_type(context, v), byte_offset(slot, e * ptx::bytes(v.type))), v.type);
    }
}

namespace {

struct DeviceRuntimeFunction {
    DeviceRuntimeCall call;
    unsigned arguments;
};

std::optional<DeviceRuntimeFunction> device_runtime_call(std::string_view name) {
    if (name.starts_with("__cudaCDP2"))
        name.remove_prefix(10);
    else if (name.starts_with("cuda"))
        name.remove_prefix(4);
    else
        return {};
    if (name.ends_with("_ptsz")) name.remove_suffix(5);
#define ANYWARP_DEVICE_RUNTIME(function, count)                                                                                  \
    if (name == #function) return DeviceRuntimeFunction{DeviceRuntimeCall::function, count};
#include "simt/device_runtime.def"
#undef ANYWARP_DEVICE_RUNTIME
    return {};
}

} // namespace

bool Emitter::call_service(const Instruction& i, const ptx::Function& callee, llvm::ArrayRef<Operand> arguments,
                           llvm::ArrayRef<Operand> returns_) {
    llvm::Type *i64t = b.getInt64Ty(), *i32t = b.getInt32Ty(), *pointer = b.getPtrTy();
    auto wide = [&](size_t k) { return argument_scalar(i, arguments[k], i64t, Type::b64); };
    auto as_pointer = [&](size_t k) { return b.CreateIntToPtr(wide(k), pointer); };
    auto result = [&](Value* v, Type t) {
        if (!returns_.empty()) store_return(returns_[0], v, t);
    };
    if (callee.name == "vprintf" && arguments.size() == 2) {
        result(intrinsic_call("anywarp_vprintf", i32t, {ctx, as_pointer(0), as_pointer(1)}, Program::service), Type::b32);
        return true;
    }
    if (callee.name == "malloc" && arguments.size() == 1) {
        Value* v = intrinsic_call("anywarp_malloc", pointer, {ctx, wide(0)}, Program::service);
        result(b.CreatePtrToInt(v, i64t), Type::b64);
        return true;
    }
    if (callee.name == "free" && arguments.size() == 1) {
        intrinsic_call("anywarp_free", b.getVoidTy(), {ctx, as_pointer(0)}, Program::service);
        return true;
    }
    // The handle is the address of the value that the graph's conditional node reads.
    if (callee.name == "cudaGraphSetConditional" && arguments.size() == 2) {
        b.CreateAlignedStore(argument_scalar(i, arguments[1], i32t, Type::b32), as_pointer(0), llvm::Align(4));
        return true;
    }
    auto thread_id = [&] {
        llvm::IRBuilder<> at_entry(entry, entry->begin());
        auto* ids = at_entry.CreateAlloca(llvm::ArrayType::get(i32t, 3));
        for (int d = 0; d < 3; ++d) b.CreateAlignedStore(thread_index(d), byte_offset(ids, 4 * d), llvm::Align(4));
        return ids;
    };
    if (auto call = device_runtime_call(callee.name); call && arguments.size() == call->arguments) {
        llvm::IRBuilder<> at_entry(entry, entry->begin());
        auto* words = at_entry.CreateAlloca(llvm::ArrayType::get(i64t, std::max(1u, call->arguments)));
        for (unsigned k = 0; k < arguments.size(); ++k) {
            const ptx::Variable& v = callee.parameters.at(k);
            Value* word = passed_as_scalar(v) ? b.CreateZExtOrTrunc(argument_scalar(i, arguments[k], scalar_type(context, v), v.type), i64t)
                                              : b.CreatePtrToInt(argument_pointer(i, arguments[k]), i64t);
            b.CreateAlignedStore(word, byte_offset(words, 8 * k), llvm::Align(8));
        }
        Value* v = intrinsic_call("anywarp_device_runtime", i64t, {ctx, i32(static_cast<uint32_t>(call->call)), words, thread_id()},
                                  Program::service);
        if (!callee.returns.empty()) {
            Type type = callee.returns[0].type;
            result(b.CreateZExtOrTrunc(v, scalar_type(context, callee.returns[0])), type);
        }
        return true;
    }
    if (callee.name == "__assertfail" && arguments.size() >= 4) {
        auto* ids = thread_id();
        Value* line = argument_scalar(i, arguments[2], i32t, Type::b32);
        intrinsic_call("anywarp_assertfail", b.getVoidTy(), {ctx, as_pointer(0), as_pointer(1), line, as_pointer(3), ids},
                       Program::service);
        // Never comes back; what follows is usually a trap. The widening wants an ordinary end, so the entry returns.
        if (ptx_function.is_entry)
            b.CreateBr(return_block);
        else
            b.CreateUnreachable();
        start_dead_block();
        return true;
    }
    return false;
}

static bool same_shape(const ptx::Variable& a, const ptx::Variable& c) {
    return passed_as_scalar(a) == passed_as_scalar(c) && a.size == c.size;
}

void Emitter::call(const Instruction& i) {
    // call (returns), target, (arguments), prototype; all but the target may be missing.
    size_t at = 0;
    llvm::ArrayRef<Operand> returns_, arguments;
    const auto& ops = i.operands;
    if (at < ops.size() && ops[at].kind == Operand::Kind::list) returns_ = ops[at++].elements;
    if (at >= ops.size()) fail_invalid(i, "call without a target");
    const Operand& target = ops[at++];
    if (at < ops.size() && ops[at].kind == Operand::Kind::list) arguments = ops[at++].elements;
    if (target.kind == Operand::Kind::symbol && target.symbol.kind == SymbolKind::function)
        return call_direct(i, target.symbol.index, arguments, returns_);
    if (target.kind != Operand::Kind::reg) fail_invalid(i, "call target must be a function or a register");

    std::vector<uint32_t> candidates;
    if (at < ops.size() && ops[at].kind == Operand::Kind::label && ops[at].negated) {
        for (const ptx::Symbol& s : body.call_targets.at(ops[at].bits).functions) candidates.push_back(s.index);
    } else {
        const ptx::Body::Prototype* prototype =
            at < ops.size() && ops[at].kind == Operand::Kind::label ? &body.prototypes.at(ops[at].bits) : nullptr;
        for (uint32_t f : p.address_taken) {
            const ptx::Function& callee = p.ptx.functions.at(f);
            if (callee.is_entry || callee.is_declaration) continue;
            bool fits = callee.parameters.size() == arguments.size() && callee.returns.size() == returns_.size();
            if (fits && prototype) {
                for (size_t k = 0; k < arguments.size() && k < prototype->parameters.size(); ++k)
                    fits &= same_shape(callee.parameters[k], prototype->parameters[k]);
                for (size_t k = 0; k < returns_.size() && k < prototype->returns.size(); ++k)
                    fits &= same_shape(callee.returns[k], prototype->returns[k]);
            }
            if (fits) candidates.push_back(f);
        }
    }
    Value* token = get(target, Type::b64);
    auto *wrong = new_block("no.function"), *done = new_block("called");
    auto* choose = b.CreateSwitch(token, wrong, candidates.size());
    for (uint32_t f : candidates) {
        auto* block = new_block("candidate");
        choose->addCase(b.getInt64(ptx::function_token(f)), block);
        b.SetInsertPoint(block);
        call_direct(i, f, arguments, returns_);
        b.CreateBr(done);
    }
    b.SetInsertPoint(wrong); // jumping to a wild address
    intrinsic_call("anywarp_trap", b.getVoidTy(), {ctx, i32(static_cast<uint32_t>(ErrorCode::invalid_pc))}, Program::service);
    if (ptx_function.is_entry)
        b.CreateBr(return_block);
    else
        b.CreateUnreachable();
    b.SetInsertPoint(done);
}

} // namespace anywarp::simt
