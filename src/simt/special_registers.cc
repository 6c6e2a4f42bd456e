// What a thread knows about itself: special registers, the function's entry code, and BlockContext's fields.
//
// Everything uniform over a block is a load from the BlockContext, marked invariant; everything that differs between lanes
// comes from anywarp.lane. With a known block shape the thread index is computed so that neighbouring lanes show as
// consecutive: where ntid.x is a multiple of the width, tid.x is "uniform + lane", and tid.y and tid.z are uniform.
//
// Source: PTX ISA 9.0, chapter 10.
#include "simt/lowering.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

namespace anywarp::simt {

Value* Emitter::context_field(unsigned offset, llvm::Type* type) {
    Value* pointer = b.CreateConstInBoundsGEP1_32(b.getInt8Ty(), ctx, offset);
    auto* load = b.CreateAlignedLoad(type, pointer, llvm::Align(type->getScalarSizeInBits() == 32 ? 4 : 8));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context, {}));
    if (type->isPointerTy() && offset != offsetof(BlockContext, grid_barrier))
        load->setMetadata(llvm::LLVMContext::MD_noundef, llvm::MDNode::get(context, {}));
    return load;
}

Value* Emitter::lane() {
    auto* f = p.intrinsic("anywarp.lane", b.getInt32Ty(), {}, Program::pure_lane);
    if (!f->hasRetAttribute(llvm::Attribute::Range))
        f->addRangeRetAttr(llvm::ConstantRange(llvm::APInt(32, 0), llvm::APInt(32, p.options.width)));
    return b.CreateCall(f);
}

Value* Emitter::linear_thread() {
    // Never more than 1023, so it can't wrap; saying so lets the widening see consecutive lanes through extensions.
    return b.CreateAdd(warp_base, lane(), "", true, true);
}

Value* Emitter::block_dim(int dimension) {
    if (p.options.block_dim[dimension]) return i32(p.options.block_dim[dimension]);
    auto* load = llvm::cast<llvm::LoadInst>(context_field(offsetof(BlockContext, ntid) + 4 * dimension, b.getInt32Ty()));
    load->setMetadata(llvm::LLVMContext::MD_range,
                      llvm::MDBuilder(context).createRange(llvm::APInt(32, 1), llvm::APInt(32, 1025)));
    return load;
}

Value* Emitter::thread_index(int dimension) {
    const uint32_t* dim = p.options.block_dim;
    if (p.known_block()) {
        if (dim[dimension] == 1) return i32(0);
        if (dim[1] == 1 && dim[2] == 1) return linear_thread(); // 1-D, and dimension is 0
        if (dim[0] % p.options.width == 0) {
            // A warp lies within one row: its base decides y and z.
            if (dimension == 0) return b.CreateAdd(b.CreateURem(warp_base, i32(dim[0])), lane(), "", true, true);
            Value* row = b.CreateUDiv(warp_base, i32(dim[0]));
            return dimension == 1 ? b.CreateURem(row, i32(dim[1])) : b.CreateUDiv(row, i32(dim[1]));
        }
    }
    Value* linear = linear_thread();
    if (dimension == 0) return b.CreateURem(linear, block_dim(0));
    Value* row = b.CreateUDiv(linear, block_dim(0));
    return dimension == 1 ? b.CreateURem(row, block_dim(1)) : b.CreateUDiv(row, block_dim(1));
}

Value* Emitter::lane_in_warp() {
    if (p.options.width == 32) return lane();
    return b.CreateAnd(linear_thread(), i32(31));
}

void Emitter::entry_code() {
    shared_base = context_field(offsetof(BlockContext, shared), b.getPtrTy());
    image_base = context_field(offsetof(BlockContext, image), b.getPtrTy());
    llvm::cast<llvm::LoadInst>(shared_base)
        ->setMetadata(llvm::LLVMContext::MD_align, llvm::MDNode::get(context, llvm::ConstantAsMetadata::get(b.getInt64(128))));
    llvm::cast<llvm::LoadInst>(image_base)
        ->setMetadata(llvm::LLVMContext::MD_align, llvm::MDNode::get(context, llvm::ConstantAsMetadata::get(b.getInt64(256))));

    auto bind_register = [&](const ptx::Variable& v, Value* value) { // old form: .func f (.reg .u32 a)
        for (size_t r = 0; r < body.registers.size(); ++r)
            if (body.registers[r].name == v.name) {
                llvm::Type* type = ty(body.registers[r].type);
                if (v.vector == 1) b.CreateStore(as_type(value, type, false), slots[r][0]);
                for (unsigned e = 0; v.vector > 1 && e < v.vector; ++e) // a vector comes through memory
                    b.CreateStore(b.CreateLoad(type, byte_offset(value, e * ptx::bytes(v.type))), register_slot(ptx::RegisterId(r), int(e)));
            }
    };
    if (ptx_function.is_entry) {
        params_base = context_field(offsetof(BlockContext, params), b.getPtrTy());
        parameter_offsets = ptx::parameter_layout(ptx_function);
        bool exact = false;
        if (p.known_block()) {
            uint64_t threads = uint64_t(p.options.block_dim[0]) * p.options.block_dim[1] * p.options.block_dim[2];
            exact = threads % p.options.width == 0;
        }
        if (!exact) { // lanes of the last warp that have no thread
            // Never as a constant: a constant mask makes LLVM 19 turn "these lanes, and no others" of a mask into a shuffle with zeros,
            // whose upper half AVX-512 code then keeps as it was (found by the fuzzer: lanes without a thread stored).
            Value* threads = context_field(offsetof(BlockContext, threads), b.getInt32Ty());
            auto* inside = new_block("body");
            b.CreateCondBr(b.CreateICmpULT(linear_thread(), threads), inside, return_block);
            b.SetInsertPoint(inside);
        }
    } else {
        unsigned argument = 2;
        for (const auto& v : ptx_function.parameters) {
            Value* value = function->getArg(argument++);
            if (v.space == StateSpace::reg) {
                bind_register(v, value);
                parameters.push_back(nullptr);
            } else if (passed_as_scalar(v)) {
                auto* slot = b.CreateAlloca(value->getType(), nullptr, v.name);
                slot->setAlignment(llvm::Align(std::max(1u, v.align)));
                b.CreateStore(value, slot);
                parameters.push_back(slot);
            } else {
                parameters.push_back(value);
            }
        }
        bool scalar = ptx_function.returns.size() == 1 && passed_as_scalar(ptx_function.returns[0]);
        for (const auto& v : ptx_function.returns) {
            if (scalar) {
                auto* slot = b.CreateAlloca(scalar_type(context, v), nullptr, v.name);
                slot->setAlignment(llvm::Align(std::max(1u, v.align)));
                returns.push_back(slot);
            } else {
                returns.push_back(function->getArg(argument++));
            }
        }
    }
}

void Emitter::emit_return() {
    if (function->getReturnType()->isVoidTy()) {
        if (!ptx_function.is_entry)
            for (size_t k = 0; k < ptx_function.returns.size(); ++k)
                if (ptx_function.returns[k].space == StateSpace::reg)
                    for (size_t r = 0; r < body.registers.size(); ++r)
                        if (body.registers[r].name == ptx_function.returns[k].name)
                            for (unsigned e = 0; e < body.registers[r].vector; ++e)
                                b.CreateStore(b.CreateLoad(ty(body.registers[r].type), register_slot(ptx::RegisterId(r), int(e))),
                                              byte_offset(returns[k], e * ptx::bytes(body.registers[r].type)));
        b.CreateRetVoid();
        return;
    }
    const ptx::Variable& v = ptx_function.returns[0];
    if (v.space == StateSpace::reg)
        for (size_t r = 0; r < body.registers.size(); ++r)
            if (body.registers[r].name == v.name) {
                b.CreateRet(as_type(b.CreateLoad(ty(body.registers[r].type), slots[r][0]), function->getReturnType(), false));
                return;
            }
    b.CreateRet(b.CreateLoad(function->getReturnType(), returns[0]));
}

Value* Emitter::special(const Operand& o, Type type) {
    using SR = ptx::SpecialRegister;
    int c = o.component < 0 ? 0 : o.component;
    auto field32 = [&](unsigned offset) { return context_field(offset, b.getInt32Ty()); };
    Value* v = nullptr;
    switch (o.special) {
    case SR::tid:
        v = c < 3 ? thread_index(c) : i32(0);
        break;
    case SR::ntid:
        v = c < 3 ? block_dim(c) : i32(1);
        break;
    case SR::ctaid:
        v = c < 3 ? field32(offsetof(BlockContext, ctaid) + 4 * c) : i32(0);
        break;
    case SR::nctaid:
        v = c < 3 ? field32(offsetof(BlockContext, nctaid) + 4 * c) : i32(1);
        break;
    case SR::laneid:
        v = lane_in_warp();
        break;
    case SR::warpid:
        v = b.CreateLShr(p.options.width == 32 ? warp_base : linear_thread(), 5);
        break;
    case SR::nwarpid:
        v = b.CreateLShr(b.CreateAdd(field32(offsetof(BlockContext, threads)), i32(31)), 5);
        break;
    case SR::smid:
        v = field32(offsetof(BlockContext, smid));
        break;
    case SR::nsmid:
        v = field32(offsetof(BlockContext, nsmid));
        break;
    case SR::gridid:
        v = context_field(offsetof(BlockContext, gridid), b.getInt64Ty());
        break;
    // A block is a cluster of its own.
    case SR::clusterid:
        v = c < 3 ? field32(offsetof(BlockContext, ctaid) + 4 * c) : i32(0);
        break;
    case SR::nclusterid:
        v = c < 3 ? field32(offsetof(BlockContext, nctaid) + 4 * c) : i32(1);
        break;
    case SR::is_explicit_cluster:
        v = b.getInt1(false);
        break;
    case SR::cluster_ctaid:
    case SR::cluster_ctarank:
        v = i32(0);
        break;
    case SR::cluster_nctaid:
    case SR::cluster_nctarank:
        v = i32(1);
        break;
    case SR::lanemask_eq:
        v = b.CreateShl(i32(1), lane_in_warp());
        break;
    case SR::lanemask_lt:
        v = b.CreateSub(b.CreateShl(i32(1), lane_in_warp()), i32(1));
        break;
    case SR::lanemask_le:
        v = b.CreateSub(b.CreateShl(i32(2), lane_in_warp()), i32(1));
        break;
    case SR::lanemask_ge:
        v = b.CreateShl(i32(~0u), lane_in_warp());
        break;
    case SR::lanemask_gt:
        v = b.CreateShl(i32(~1u), lane_in_warp());
        break;
    case SR::clock:
    case SR::clock_hi:
    case SR::clock64:
        v = b.CreateIntrinsic(b.getInt64Ty(), llvm::Intrinsic::readcyclecounter, {});
        if (o.special == SR::clock) v = b.CreateTrunc(v, b.getInt32Ty());
        if (o.special == SR::clock_hi) v = b.CreateTrunc(b.CreateLShr(v, 32), b.getInt32Ty());
        break;
    case SR::globaltimer:
    case SR::globaltimer_lo:
    case SR::globaltimer_hi:
        v = intrinsic_call("anywarp_globaltimer", b.getInt64Ty(), {}, Program::service);
        if (o.special == SR::globaltimer_lo) v = b.CreateTrunc(v, b.getInt32Ty());
        if (o.special == SR::globaltimer_hi) v = b.CreateTrunc(b.CreateLShr(v, 32), b.getInt32Ty());
        break;
    case SR::envreg1:
    case SR::envreg2:
        // The workspace that cooperative groups finds its grid barrier in: two registers hold one address, %envreg1 its high half.
        v = context_field(offsetof(BlockContext, grid_barrier), b.getInt64Ty());
        if (o.special == SR::envreg1) v = b.CreateLShr(v, 32);
        v = b.CreateTrunc(v, b.getInt32Ty());
        break;
    case SR::total_smem_size:
    case SR::aggr_smem_size:
        v = field32(offsetof(BlockContext, shared_size));
        break;
    case SR::dynamic_smem_size:
        v = field32(offsetof(BlockContext, dynamic_shared_size));
        break;
    default: // %pm, other %envreg, %reserved_smem_*: read as zero
        v = i32(0);
        break;
    }
    if (ty(type)->isFloatingPointTy()) return as_type(v, ty(type), false);
    return v->getType()->isIntegerTy(1) ? as_type(v, ty(type), false) : b.CreateZExtOrTrunc(v, ty(type));
}

} // namespace anywarp::simt
