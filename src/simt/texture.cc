// tex, tld4, txq, istypep, suld, sust, sured, suq.
//
// Sampling and addressing are builtins (builtins/texture.c, surface.c) that read the descriptor behind the handle: what is
// written here is which builtin, with which operands. A surface access itself is an ordinary load, store or atomic at the
// address that the builtin finds; out of range under .zero or .trap it finds 0.
//
// A handle is a register, a kernel parameter, or a .texref, .surfref or .samplerref variable, which holds one
// (ptx/texture_descriptor.h).
//
// Source: PTX ISA 9.0, 9.7.10, 9.7.11.
#include "ptx/texture_descriptor.h"
#include "ptx/texture_operands.h"
#include "simt/lowering.h"

namespace anywarp::simt {

using ptx::TextureOperands;

namespace {

/// The numbers that the query builtins know, in the order of their enum.
unsigned query_number(const Instruction& i) {
    using enum Modifier;
    constexpr Modifier queries[] = {width,
                                    height,
                                    depth,
                                    channel_data_type,
                                    channel_order,
                                    normalized_coords,
                                    array_size,
                                    num_mipmap_levels,
                                    num_samples,
                                    memory_layout,
                                    filter_mode,
                                    addr_mode_0,
                                    addr_mode_1,
                                    addr_mode_2,
                                    force_unnormalized_coords};
    for (unsigned k = 0; k < std::size(queries); ++k)
        if (i.has(queries[k])) return k;
    return 0;
}
constexpr unsigned first_sampler_query = 10; // filter_mode

const char* geometry_suffix(const TextureOperands& t) {
    if (t.cube) return "cube";
    return t.dimensions == 1 ? "1d" : t.dimensions == 2 ? "2d" : "3d";
}

uint32_t magic_of(Type type) {
    return type == Type::texref ? ANYWARP_TEXTURE_MAGIC : type == Type::surfref ? ANYWARP_SURFACE_MAGIC : ANYWARP_SAMPLER_MAGIC;
}

} // namespace

Value* Emitter::texture_handle(const Operand& o) {
    if (o.symbol.kind == ptx::Symbol::Kind::none) {
        Operand handle = o; // [%rd1] of a query is an address operand
        handle.kind = Operand::Kind::reg;
        return get(handle, Type::b64);
    }
    // A kernel's parameter is the handle itself, a variable is a reference that holds it.
    bool is_variable = o.symbol.kind == ptx::Symbol::Kind::module_variable;
    uint64_t align = 8;
    StateSpace space = StateSpace::generic;
    Value* place = symbol_pointer(o.symbol, is_variable ? ANYWARP_REFERENCE_HANDLE_OFFSET : 0, align, space);
    auto* load = b.CreateAlignedLoad(b.getInt64Ty(), place, llvm::Align(8));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context, {}));
    return load;
}

Value* Emitter::vector_element(const Operand& o, unsigned k, Type type) {
    Operand storage;
    return get(ptx::element_of(body, o, k, storage), type);
}

/// A fetch is too much code to repeat at each place: it stays a function, of a whole warp (widen_calls.cc), with four results.
Value* Emitter::vector_call(const std::string& name, llvm::ArrayRef<Value*> arguments) {
    llvm::SmallVector<llvm::Type*> types;
    for (Value* v : arguments) types.push_back(v->getType());
    return b.CreateCall(p.vector_function(name, types), arguments);
}

void Emitter::store_texels(const Instruction& i, const TextureOperands& t, Value* texels) {
    Type type = i.type(0);
    auto result = [&](unsigned k, Type as) { return b.CreateBitCast(b.CreateExtractValue(texels, k), ty(as)); };
    auto half = [&](unsigned k) { return float_to_half(result(k, Type::f32), Type::f16); };
    unsigned count = type == Type::f16x2 ? 2 : 4;
    for (unsigned k = 0; k < count; ++k) {
        Operand storage;
        const Operand& d = ptx::element_of(body, *t.destination, k, storage);
        if (d.kind == Operand::Kind::sink) continue;
        Value* v;
        if (type == Type::f16x2) {
            Value *low = b.CreateZExt(half(2 * k), b.getInt32Ty()), *high = b.CreateZExt(half(2 * k + 1), b.getInt32Ty());
            v = b.CreateOr(low, b.CreateShl(high, 16));
        } else {
            v = type == Type::f16 ? half(k) : result(k, type);
        }
        set(d, v, type);
    }
    if (t.predicate) set(*t.predicate, b.getTrue(), Type::pred); // every texture is resident
}

void Emitter::tex(const Instruction& i) {
    TextureOperands t = ptx::texture_operands(body, i);
    if (t.geometry == Modifier::none || !t.coordinates || !t.destination || i.types.size() < 2)
        fail_invalid(i, "incomplete instruction");
    bool integer = i.type(1) == Type::s32;
    Type ctype = integer ? Type::b32 : Type::f32;
    Value *handle = texture_handle(*t.handle), *sampler = t.sampler ? texture_handle(*t.sampler) : i64(0);
    // {(sample,) (layer,) x, y, z}
    Value *layer = i32(0), *sample = i32(0);
    unsigned next = 0;
    if (t.multisample) sample = vector_element(*t.coordinates, next++, Type::b32);
    if (t.layered) layer = vector_element(*t.coordinates, next++, Type::b32);
    Value* x[3];
    for (unsigned k = 0; k < 3; ++k)
        x[k] = k < t.dimensions ? vector_element(*t.coordinates, next + k, ctype) : llvm::Constant::getNullValue(ty(ctype));
    Value* offset[3] = {i32(0), i32(0), i32(0)};
    if (t.offset)
        for (unsigned k = 0; k < t.dimensions; ++k) offset[k] = vector_element(*t.offset, k, Type::b32);
    std::string suffix = geometry_suffix(t);
    if (integer) {
        if (t.compare) fail_invalid(i, "a depth comparison needs .f32 coordinates");
        for (unsigned k = 0; k < t.dimensions; ++k) x[k] = b.CreateAdd(x[k], offset[k]);
        Value* level = t.lod ? get(*t.lod, Type::b32) : i32(0);
        Value* texels = t.multisample ? vector_call("tex_fetch_2dms", {handle, sampler, layer, sample, x[0], x[1]})
                                      : vector_call("tex_fetch_" + suffix, {handle, sampler, layer, x[0], x[1], x[2], level});
        return store_texels(i, t, texels);
    }
    Value* compares = i32(t.compare != nullptr);
    Value* reference = t.compare ? get(*t.compare, Type::f32) : llvm::ConstantFP::get(b.getFloatTy(), 0.0);
    llvm::SmallVector<Value*> arguments{handle,    sampler,   layer,     x[0],     x[1],     x[2],
                                        offset[0], offset[1], offset[2], compares, reference};
    Value* lod = t.lod ? get(*t.lod, Type::f32) : nullptr;
    if (t.dx && t.dy) {
        Value* gradients[6];
        for (unsigned k = 0; k < 3; ++k)
            for (unsigned axis = 0; axis < 2; ++axis)
                gradients[3 * axis + k] = k < t.dimensions ? vector_element(axis ? *t.dy : *t.dx, k, Type::f32)
                                                           : llvm::ConstantFP::get(b.getFloatTy(), 0.0);
        llvm::SmallVector<Value*> of_lod{handle};
        if (t.cube)
            of_lod.append(x, x + 3);
        else
            of_lod.append({sampler, i32(t.dimensions)});
        of_lod.append(gradients, gradients + 6);
        lod = call_builtin(t.cube ? "anywarp_b_tex_lod_cube" : "anywarp_b_tex_lod", b.getFloatTy(), of_lod);
    }
    if (lod) arguments.push_back(lod);
    store_texels(i, t, vector_call((lod ? "tex_level_" : "tex_") + suffix, arguments));
}

void Emitter::tld4(const Instruction& i) {
    TextureOperands t = ptx::texture_operands(body, i);
    if (t.geometry == Modifier::none || !t.coordinates || !t.destination) fail_invalid(i, "incomplete instruction");
    unsigned component = i.has(Modifier::component_g)   ? 1
                         : i.has(Modifier::component_b) ? 2
                         : i.has(Modifier::component_a) ? 3
                                                        : 0;
    Value *handle = texture_handle(*t.handle), *sampler = t.sampler ? texture_handle(*t.sampler) : i64(0);
    Value* layer = t.layered ? vector_element(*t.coordinates, 0, Type::b32) : i32(0);
    Value *zero = llvm::ConstantFP::get(b.getFloatTy(), 0.0), *x[3] = {zero, zero, zero}, *offset[2] = {i32(0), i32(0)};
    for (unsigned k = 0; k < t.dimensions; ++k) x[k] = vector_element(*t.coordinates, t.first + k, Type::f32);
    for (unsigned k = 0; t.offset && k < 2; ++k) offset[k] = vector_element(*t.offset, k, Type::b32);
    Value *compares = i32(t.compare != nullptr), *reference = t.compare ? get(*t.compare, Type::f32) : zero;
    store_texels(
        i, t,
        vector_call(t.cube ? "tex_gather_cube" : "tex_gather_2d", {handle, sampler, layer, x[0], x[1], x[2], offset[0], offset[1],
                                                                   i32(0), compares, reference, i32(component)}));
}

void Emitter::txq(const Instruction& i) {
    TextureOperands t = ptx::texture_operands(body, i);
    unsigned query = query_number(i);
    Value* handle = texture_handle(*t.handle);
    Value* v;
    if (query >= first_sampler_query) {
        v = call_builtin("anywarp_b_tex_query_sampler", b.getInt32Ty(), {handle, i32(query)});
    } else {
        Value* level = t.lod ? get(*t.lod, Type::b32) : i32(0);
        v = call_builtin("anywarp_b_tex_query", b.getInt32Ty(), {handle, i32(query), level});
    }
    set(*t.destination, v, Type::b32);
}

void Emitter::istypep(const Instruction& i) {
    Value* v = call_builtin("anywarp_b_tex_is_type", b.getInt32Ty(), {get(i.operands.at(1), Type::b64), i32(magic_of(i.type()))});
    set(i.operands[0], b.CreateICmpNE(v, i32(0)), Type::pred);
}

// --- surfaces
// ---------------------------------------------------------------------------------------------------------------------

/// The address of an access of `bytes` bytes, 0 where it goes nowhere.
Value* Emitter::surface_address(const Instruction& i, const TextureOperands& t, Value* handle, unsigned bytes) {
    if (t.geometry == Modifier::none || !t.coordinates || t.cube || t.multisample) fail_invalid(i, "wrong geometry");
    Value* layer = t.layered ? vector_element(*t.coordinates, 0, Type::b32) : i32(0);
    Value* x[3] = {i32(0), i32(0), i32(0)};
    for (unsigned k = 0; k < t.dimensions; ++k) x[k] = vector_element(*t.coordinates, t.first + k, Type::b32);
    bool clamps = i.has(Modifier::clamp), formatted = i.has(Modifier::p);
    Value* address = call_builtin(
        "anywarp_b_surf_address", b.getInt64Ty(),
        {handle, i32(clamps ? 0 : 1), i32(t.dimensions), i32(t.layered), layer, x[0], x[1], x[2], i32(bytes), i32(formatted)});
    if (i.has(Modifier::trap)) {
        auto *outside = new_block("surface.trap"), *inside = new_block("surface");
        b.CreateCondBr(b.CreateICmpEQ(address, i64(0)), outside, inside);
        b.SetInsertPoint(outside);
        intrinsic_call("anywarp_trap", b.getVoidTy(), {ctx, i32(static_cast<uint32_t>(ErrorCode::launch_failed))},
                       Program::service);
        if (ptx_function.is_entry)
            b.CreateBr(return_block);
        else
            b.CreateUnreachable();
        b.SetInsertPoint(inside);
    }
    return address;
}

/// Runs `access` where the address isn't 0.
void Emitter::where_inside(const Instruction& i, Value* address, llvm::function_ref<void()> access) {
    if (!i.has(Modifier::zero)) return access();
    auto *then = new_block("surface"), *next = new_block("surface.end");
    b.CreateCondBr(b.CreateICmpNE(address, i64(0)), then, next);
    b.SetInsertPoint(then);
    access();
    b.CreateBr(next);
    b.SetInsertPoint(next);
}

void Emitter::suld(const Instruction& i) {
    TextureOperands t = ptx::texture_operands(body, i);
    Type type = i.type();
    unsigned count = std::max<unsigned>(1, i.vector), each = ptx::bytes(type);
    Value *handle = texture_handle(*t.handle), *address = surface_address(i, t, handle, each * count);
    auto element = [&](unsigned k, Operand& storage) -> const Operand& {
        return ptx::element_of(body, *t.destination, k, storage);
    };
    Operand storage;
    if (i.has(Modifier::zero))
        for (unsigned k = 0; k < count; ++k) set(element(k, storage), llvm::Constant::getNullValue(ty(type)), type);
    where_inside(i, address, [&] {
        Value* place = b.CreateIntToPtr(address, b.getPtrTy());
        llvm::SmallVector<Value*> values;
        for (unsigned k = 0; k < count; ++k)
            values.push_back(b.CreateAlignedLoad(ty(type), byte_offset(place, each * k), llvm::Align(std::min(each, 4u))));
        for (unsigned k = 0; k < count; ++k) set(element(k, storage), values[k], type);
    });
}

void Emitter::sust(const Instruction& i) {
    TextureOperands t = ptx::texture_operands(body, i);
    Type type = i.type();
    unsigned count = std::max<unsigned>(1, i.vector), each = ptx::bytes(type);
    Value *handle = texture_handle(*t.handle), *address = surface_address(i, t, handle, each * count);
    where_inside(i, address, [&] {
        if (i.has(Modifier::p)) {
            Value* v[4] = {i32(0), i32(0), i32(0), i32(0)};
            for (unsigned k = 0; k < count; ++k) v[k] = vector_element(*t.value, k, Type::b32);
            call_builtin("anywarp_b_surf_store", b.getVoidTy(), {handle, address, v[0], v[1], v[2], v[3]});
            return;
        }
        Value* place = b.CreateIntToPtr(address, b.getPtrTy());
        for (unsigned k = 0; k < count; ++k)
            b.CreateAlignedStore(vector_element(*t.value, k, type), byte_offset(place, each * k),
                                 llvm::Align(std::min(each, 4u)));
    });
}

void Emitter::sured(const Instruction& i) {
    using RMW = llvm::AtomicRMWInst;
    TextureOperands t = ptx::texture_operands(body, i);
    Type type = i.type();
    unsigned bytes = ptx::bytes(type);
    Value *handle = texture_handle(*t.handle), *address = surface_address(i, t, handle, bytes);
    Value* v = vector_element(*t.value, 0, type);
    where_inside(i, address, [&] {
        Value* place = b.CreateIntToPtr(address, b.getPtrTy());
        auto reduce = [&](RMW::BinOp op) {
            b.CreateAtomicRMW(op, place, v, llvm::Align(bytes), llvm::AtomicOrdering::Monotonic);
        };
        bool min = i.has(Modifier::min);
        if (i.has(Modifier::and_)) return reduce(RMW::And);
        if (i.has(Modifier::or_)) return reduce(RMW::Or);
        if (i.has(Modifier::add)) return reduce(RMW::Add);
        if (!i.has(Modifier::p))
            return reduce(ptx::is_signed(type) ? (min ? RMW::Min : RMW::Max) : (min ? RMW::UMin : RMW::UMax));
        // Formatted: the surface says whether its numbers have a sign.
        auto *with_sign = new_block("signed"), *without = new_block("unsigned"), *next = new_block("reduced");
        Value* sign = call_builtin("anywarp_b_surf_is_signed", b.getInt32Ty(), {handle});
        b.CreateCondBr(b.CreateICmpNE(sign, i32(0)), with_sign, without);
        b.SetInsertPoint(with_sign);
        reduce(min ? RMW::Min : RMW::Max);
        b.CreateBr(next);
        b.SetInsertPoint(without);
        reduce(min ? RMW::UMin : RMW::UMax);
        b.CreateBr(next);
        b.SetInsertPoint(next);
    });
}

} // namespace anywarp::simt
