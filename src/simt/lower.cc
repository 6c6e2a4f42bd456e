// Entrance of the floor: lower_kernel and kernel_traits, and the Program that holds one kernel's module.
//
// A kernel is lowered together with every function it reaches. Device functions are internal; the ones that don't recurse are
// marked alwaysinline, because the widening wants one flat function. Functions of the builtin library (src/simt/builtins, C
// compiled to bitcode) are linked in at the end, only those that were used.
#include "simt/lowering.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <unordered_set>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

namespace anywarp::simt {

namespace {

template <class T> T take(Result<T> result) {
    if (!result) throw Failure{result.error()};
    return std::move(*result);
}

/// Direct callees of a body.
void for_each_callee(const ptx::Module& module, const ptx::Body& body, llvm::function_ref<void(uint32_t)> f) {
    for (const Instruction& i : body.instructions) {
        if (i.opcode != Opcode::call) continue;
        for (const Operand& o : i.operands)
            if (o.kind == Operand::Kind::symbol && o.symbol.kind == ptx::Symbol::Kind::function)
                f(ptx::resolve_alias(module, o.symbol.index));
    }
}

/// Functions that can call themselves, directly or around a circle; an indirect call may reach any address-taken function.
std::unordered_set<uint32_t> recursive_functions(const ptx::Module& module, const std::vector<uint32_t>& reachable,
                                                 const std::vector<uint32_t>& address_taken) {
    std::unordered_map<uint32_t, std::set<uint32_t>> calls;
    for (uint32_t f : reachable) {
        if (module.functions[f].is_declaration) continue;
        const ptx::Body* body = take(module.body(f));
        for_each_callee(module, *body, [&](uint32_t callee) { calls[f].insert(callee); });
        for (const Instruction& i : body->instructions)
            if (i.opcode == Opcode::call)
                for (const Operand& o : i.operands)
                    if (o.kind == Operand::Kind::reg) {
                        calls[f].insert(address_taken.begin(), address_taken.end());
                        break;
                    }
    }
    std::unordered_set<uint32_t> result;
    for (uint32_t f : reachable) {
        std::set<uint32_t> seen;
        std::vector<uint32_t> work(calls[f].begin(), calls[f].end());
        while (!work.empty()) {
            uint32_t g = work.back();
            work.pop_back();
            if (g == f) {
                result.insert(f);
                break;
            }
            if (!seen.insert(g).second) continue;
            work.insert(work.end(), calls[g].begin(), calls[g].end());
        }
    }
    return result;
}

bool has_indirect_call(const ptx::Body& body) {
    for (const Instruction& i : body.instructions)
        if (i.opcode == Opcode::call) {
            bool direct = false;
            for (const Operand& o : i.operands)
                direct |= o.kind == Operand::Kind::symbol && o.symbol.kind == ptx::Symbol::Kind::function;
            if (!direct) return true;
        }
    return false;
}

bool is_warp_operation(const Instruction& i) {
    switch (i.opcode) {
    case Opcode::shfl:
    case Opcode::vote:
    case Opcode::match:
    case Opcode::redux:
    case Opcode::activemask:
    case Opcode::elect:
    case Opcode::bar_warp_sync:
    case Opcode::wmma_load:
    case Opcode::wmma_store:
    case Opcode::wmma_mma:
    case Opcode::mma:
    case Opcode::mma_sp:
    case Opcode::mma_sp_ordered_metadata:
    case Opcode::ldmatrix:
    case Opcode::stmatrix:
    case Opcode::movmatrix:
        return true;
    default:
        break;
    }
    for (const Operand& o : i.operands)
        if (o.kind == Operand::Kind::special) switch (o.special) {
            case ptx::SpecialRegister::laneid:
            case ptx::SpecialRegister::lanemask_eq:
            case ptx::SpecialRegister::lanemask_le:
            case ptx::SpecialRegister::lanemask_lt:
            case ptx::SpecialRegister::lanemask_ge:
            case ptx::SpecialRegister::lanemask_gt:
                break; // plain values, right at any width
            default:
                break;
            }
    return false;
}

// How many neighbouring lanes the instruction brings together: 32, or a power of two for shuffles within segments (the mask in the
// third operand holds the bits of the lane number that stay as they are). 0: none.
unsigned exchanging_lanes(const Instruction& i) {
    if (!is_warp_operation(i)) return 0;
    if (i.opcode != Opcode::shfl || i.operands.size() < 4 || i.operands[3].kind != Operand::Kind::immediate) return 32;
    unsigned fixed = (i.operands[3].bits >> 8) & 31, lanes = 32;
    for (unsigned bit = 16; bit && (fixed & bit); bit /= 2) lanes /= 2;
    return lanes;
}

// Into rows of how many threads does the code cut a one-dimensional block?
unsigned row_of(const ptx::Body& body) {
    std::unordered_set<uint32_t> tid;
    unsigned row = 0;
    for (const Instruction& i : body.instructions) {
        if (i.operands.size() < 2 || i.operands[0].kind != Operand::Kind::reg) continue;
        const Operand& from = i.operands[1];
        if (from.kind == Operand::Kind::special && from.special == ptx::SpecialRegister::tid && from.component <= 0) tid.insert(i.operands[0].reg);
        if (from.kind != Operand::Kind::reg || !tid.contains(from.reg)) continue;
        if (i.opcode == Opcode::mov || i.opcode == Opcode::cvt) tid.insert(i.operands[0].reg);
        if (i.operands.size() < 3 || i.operands[2].kind != Operand::Kind::immediate) continue;
        uint64_t number = i.operands[2].bits, size = 0;
        if (i.opcode == Opcode::and_ && number < 1024 && std::has_single_bit(number + 1)) size = number + 1;
        if (i.opcode == Opcode::shr && number < 10) size = uint64_t(1) << number;
        if (size > 1 && (!row || size < row)) row = unsigned(size);
    }
    return row;
}

bool is_barrier(Opcode opcode) {
    return opcode == Opcode::bar || opcode == Opcode::barrier || opcode == Opcode::barrier_cluster_arrive ||
           opcode == Opcode::barrier_cluster_wait;
}

} // namespace

Result<KernelTraits> kernel_traits(const ptx::Module& module, uint32_t function) {
    try {
        KernelTraits traits;
        std::vector<uint32_t> reachable = take(ptx::reachable_functions(module, function));
        bool indirect = false;
        unsigned singles = 0, doubles = 0;
        for (uint32_t f : reachable) {
            if (module.functions[f].is_declaration) continue;
            const ptx::Body* body = take(module.body(f));
            indirect |= has_indirect_call(*body);
            for (const Instruction& i : body->instructions) {
                traits.exchanging_lanes = std::max(traits.exchanging_lanes, exchanging_lanes(i));
                traits.barriers |= is_barrier(i.opcode);
                for (Type t : i.types) singles += t == Type::f32, doubles += t == Type::f64;
            }
            traits.instructions += body->instructions.size();
            if (unsigned row = row_of(*body); row && (!traits.row || row < traits.row)) traits.row = row;
            SpinReport spins = find_spins(*body);
            traits.spins |= !spins.back_edges.empty();
            traits.needs_lane_scheduling |= spins.needs_lane_scheduling;
        }
        traits.mostly_f64 = doubles > singles;
        std::vector<uint32_t> taken;
        if (indirect) taken = take(ptx::address_taken_functions(module, reachable));
        traits.has_recursion = !recursive_functions(module, reachable, taken).empty();
        return traits;
    } catch (const Failure& failure) {
        return std::unexpected(failure.error);
    }
}

Result<LoweredKernel> lower_kernel(llvm::LLVMContext& context, const ptx::Module& module, uint32_t function,
                                   const LowerOptions& options) {
    try {
        LoweredKernel result;
        result.function = module.functions.at(function).name;
        result.module = std::make_unique<llvm::Module>(result.function, context);
        Program program(context, *result.module, module, options, result);
        program.prepare(function);
        program.function(function);
        while (!program.pending.empty()) {
            uint32_t next = program.pending.back();
            program.pending.pop_back();
            Emitter(program, next, program.functions.at(next)).run();
        }
        program.link_builtins();
        program.simplify();
        std::string complaint;
        llvm::raw_string_ostream stream(complaint);
        if (llvm::verifyModule(*result.module, &stream))
            return internal_error("lowering of kernel '" + result.function + "' made invalid IR: " + stream.str());
        return result;
    } catch (const Failure& failure) {
        return std::unexpected(failure.error);
    } catch (const std::out_of_range&) { // PTX that the verifier lets pass: an operand or a component that isn't there
        return user_error(ErrorCode::invalid_ptx, "kernel '" + module.functions.at(function).name + "': an operand is missing");
    }
}

void Program::prepare(uint32_t entry) {
    image = ptx::image_layout(ptx);
    shared = take(ptx::shared_layout(ptx, entry));
    reachable = take(ptx::reachable_functions(ptx, entry));
    bool indirect = false;
    for (uint32_t f : reachable) {
        if (ptx.functions[f].is_declaration) continue;
        const ptx::Body& code = body(f);
        indirect |= has_indirect_call(code);
        for (const Instruction& i : code.instructions) {
            result.uses_warp_operations |= is_warp_operation(i);
            result.uses_barriers |= is_barrier(i.opcode);
        }
    }
    if (indirect) address_taken = take(ptx::address_taken_functions(ptx, reachable));
    recursive = recursive_functions(ptx, reachable, address_taken);
}

const ptx::Body& Program::body(uint32_t index) { return *take(ptx.body(index)); }

bool passed_as_scalar(const ptx::Variable& v) { return !v.is_array && v.vector == 1; }

llvm::Type* scalar_type(llvm::LLVMContext& context, const ptx::Variable& v) { return value_type(context, v.type); }

llvm::Function* Program::function(uint32_t index) {
    auto found = functions.find(index);
    if (found != functions.end()) return found->second;
    const ptx::Function& f = ptx.functions.at(index);
    llvm::Type* pointer = llvm::PointerType::get(context, 0);
    std::vector<llvm::Type*> types{pointer, llvm::Type::getInt32Ty(context)};
    llvm::Type* return_type = llvm::Type::getVoidTy(context);
    if (!f.is_entry) {
        for (const auto& parameter : f.parameters)
            types.push_back(passed_as_scalar(parameter) ? scalar_type(context, parameter) : pointer);
        if (f.returns.size() == 1 && passed_as_scalar(f.returns[0]))
            return_type = scalar_type(context, f.returns[0]);
        else
            for (size_t k = 0; k < f.returns.size(); ++k) types.push_back(pointer);
    }
    auto* type = llvm::FunctionType::get(return_type, types, false);
    auto linkage = f.is_entry ? llvm::Function::ExternalLinkage : llvm::Function::InternalLinkage;
    auto* made = llvm::Function::Create(type, linkage, f.name, module);
    made->getArg(0)->setName("ctx");
    made->getArg(1)->setName("warp_base");
    llvm::AttrBuilder pointer_attributes(context);
    pointer_attributes.addAttribute(llvm::Attribute::NoUndef);
    pointer_attributes.addAttribute(llvm::Attribute::NonNull);
    pointer_attributes.addAlignmentAttr(8);
    pointer_attributes.addDereferenceableAttr(sizeof(BlockContext));
    made->addParamAttrs(0, pointer_attributes);
    made->addParamAttr(1, llvm::Attribute::NoUndef);
    made->setDoesNotThrow();
    made->setConvergent();
    if (!f.is_entry && !recursive.count(index)) made->addFnAttr(llvm::Attribute::AlwaysInline);
    if (!f.is_entry && recursive.count(index)) made->addFnAttr(llvm::Attribute::NoInline);
    functions[index] = made;
    pending.push_back(index);
    return made;
}

llvm::Function* Program::intrinsic(llvm::StringRef name, llvm::Type* return_type, llvm::ArrayRef<llvm::Type*> parameters,
                                   Purity purity) {
    if (auto* existing = module.getFunction(name)) return existing;
    auto* type = llvm::FunctionType::get(return_type, parameters, false);
    auto* made = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, module);
    made->setDoesNotThrow();
    switch (purity) {
    case pure_lane:
        made->setDoesNotAccessMemory();
        made->addFnAttr(llvm::Attribute::Speculatable);
        made->setWillReturn();
        break;
    case pure_convergent:
        // Exchanges registers between lanes, never memory, but must not move across branches.
        made->setDoesNotAccessMemory();
        made->setConvergent();
        made->setWillReturn();
        break;
    case suspends:
        made->setConvergent();
        break;
    case service:
        break;
    }
    return made;
}

llvm::FunctionCallee Program::builtin(llvm::StringRef name, llvm::Type* return_type, llvm::ArrayRef<llvm::Type*> parameters) {
    uses_builtins = true;
    return module.getOrInsertFunction(name, llvm::FunctionType::get(return_type, parameters, false));
}

} // namespace anywarp::simt
