// Textures and surfaces: geometry, types, what the handle may be, and how many elements each vector has.
//
// Coordinate vectors have 1, 2 or 4 elements, at least as many as the geometry needs (surplus ones are ignored); offsets and
// gradients have exactly as many. The same is accepted and refused as by NVIDIA's assembler.
//
// Source: PTX ISA 9.0, 5.3, 9.7.10, 9.7.11.
#include "ptx/verify_texture.h"
#include "ptx/tables.h"
#include "ptx/texture_operands.h"

namespace anywarp::ptx {
namespace {

class TextureVerifier {
public:
    TextureVerifier(const Module& module, const Function& function, const Body& body, const Instruction& in, const Report& report)
        : module_(module), function_(function), body_(body), in_(in), report_(report), t_(texture_operands(body, in)) {}

    void check() {
        if (t_.surplus) return report_(in_.where, name() + " has " + std::to_string(t_.surplus) + " operands too many");
        if (!t_.handle) return report_(in_.where, name() + " needs a texture or surface in brackets");
        switch (in_.opcode) {
        case Opcode::tex:
            return check_tex();
        case Opcode::tld4:
            return check_tld4();
        case Opcode::txq:
        case Opcode::suq:
            return check_query();
        default:
            return check_surface();
        }
    }

private:
    std::string name() const { return "'" + std::string(spelling(in_.opcode)) + "'"; }
    static std::string name(Type type) { return "." + std::string(spelling(type)); }
    bool has(std::initializer_list<Modifier> list) const {
        for (Modifier m : list)
            if (in_.has(m)) return true;
        return false;
    }

    const Variable* variable(const Operand& o) const {
        if (o.symbol.kind == Symbol::Kind::module_variable) return &module_.variables[o.symbol.index];
        if (o.symbol.kind == Symbol::Kind::parameter) return &function_.parameters[o.symbol.index];
        return nullptr;
    }

    // A variable of the right kind or a register that holds a handle.
    void check_handle(const Operand& o, Type wanted) {
        std::string expected = name(wanted) + " or .u64 register expected";
        if (o.offset) return report_(o.where, expected + ", not an address with an offset");
        if (const Variable* v = variable(o)) {
            if (v->type != wanted) report_(o.where, expected + ", '" + v->name + "' is " + name(v->type));
            return;
        }
        if (o.reg == no_index) return report_(o.where, expected);
        const Register& r = body_.registers[o.reg];
        if (r.type != Type::u64 && r.type != Type::b64 && r.type != Type::s64)
            report_(o.where, expected + ", '" + r.name + "' is " + name(r.type));
    }

    static bool agree(Type wanted, Type given) {
        if (given == Type::pred || bits(given) != bits(wanted)) return false;
        if (is_bits(wanted) || is_bits(given)) return true;
        return is_float(wanted) == is_float(given) || (wanted == Type::f16x2 && is_integer(given)) ||
               (wanted == Type::f16 && is_integer(given));
    }

    void check_elements(const Operand& o, unsigned begin, unsigned end, Type wanted) {
        for (unsigned i = begin; i < end && i < elements_of(body_, o); i++) {
            Operand storage;
            check_scalar(element_of(body_, o, i, storage), wanted);
        }
    }

    void check_scalar(const Operand& o, Type wanted) {
        if (o.kind == Operand::Kind::immediate_float && !is_float(wanted) && !is_bits(wanted))
            return report_(o.where, "a float constant where " + name() + " needs " + name(wanted));
        if (o.kind != Operand::Kind::reg) return;
        const Register& r = body_.registers[o.reg];
        if (!agree(wanted, r.type))
            report_(o.where, "'" + r.name + "' is " + name(r.type) + ", " + name() + " needs " + name(wanted));
    }

    bool check_vector(const Operand& o, unsigned least, bool padded, const char* what) {
        unsigned n = elements_of(body_, o);
        bool ok = padded ? n >= least && (n == 1 || n == 2 || n == 4) : n == least;
        if (!ok)
            report_(o.where, std::string("the ") + what + " of " + name() + "." + std::string(spelling(t_.geometry)) + " has " +
                                 std::to_string(least) + " elements, not " + std::to_string(n));
        return ok;
    }

    // {(sample,) (layer,) x, y, z}
    bool check_coordinates(Type type) {
        if (t_.geometry == Modifier::none) return report_(in_.where, name() + " needs a geometry such as .2d"), false;
        if (!t_.coordinates) return report_(in_.where, name() + " needs coordinates behind the handle"), false;
        if (!check_vector(*t_.coordinates, t_.vector, true, "coordinate vector")) return false;
        if (t_.coordinates->kind == Operand::Kind::immediate || t_.coordinates->kind == Operand::Kind::immediate_float)
            return report_(t_.coordinates->where, "coordinates must be a register or a vector"), false;
        bool one_vector_register = t_.coordinates->kind == Operand::Kind::reg;
        if (!one_vector_register) check_elements(*t_.coordinates, 0, t_.first, Type::u32);
        // Geometry and index may come in one vector register of 32-bit elements, whatever it is declared as.
        check_elements(*t_.coordinates, t_.first, t_.first + t_.dimensions, one_vector_register && t_.first ? Type::b32 : type);
        return true;
    }

    void check_destination(Type type, unsigned elements) {
        if (!t_.destination) return report_(in_.where, name() + " needs a destination");
        unsigned n = elements_of(body_, *t_.destination);
        if (n != elements)
            return report_(t_.destination->where, "the destination of " + name() + " has " + std::to_string(elements) +
                                                      " elements, not " + std::to_string(n));
        check_elements(*t_.destination, 0, elements, type);
        if (t_.predicate && t_.predicate->kind == Operand::Kind::reg && body_.registers[t_.predicate->reg].type != Type::pred)
            report_(t_.predicate->where, "'" + body_.registers[t_.predicate->reg].name + "' is not a predicate");
    }

    void check_extras() { // offset and depth comparison
        if (t_.offset && check_vector(*t_.offset, t_.dimensions == 3 ? 4 : t_.dimensions, false, "offset"))
            check_elements(*t_.offset, 0, t_.dimensions, Type::b32);
        if (!t_.compare) return;
        if (t_.geometry == Modifier::tex_3d || t_.multisample)
            return report_(t_.compare->where, "." + std::string(spelling(t_.geometry)) + " has no depth comparison");
        check_scalar(*t_.compare, Type::f32);
    }

    void check_tex() {
        Type dtype = in_.type(0), ctype = in_.type(1);
        bool packed = dtype == Type::f16x2;
        if ((dtype != Type::u32 && dtype != Type::s32 && dtype != Type::f32 && dtype != Type::f16 && !packed) ||
            (ctype != Type::s32 && ctype != Type::f32) || in_.types.size() != 2)
            return report_(in_.where, "'tex' has no types " + name(dtype) + name(ctype));
        unsigned elements = packed ? 2 : 4;
        if (in_.vector != elements) return report_(in_.where, "'tex' of " + name(dtype) + " needs .v" + std::to_string(elements));
        if (t_.cube && ctype != Type::f32) return report_(in_.where, "cubes need .f32 coordinates");
        if (t_.multisample && ctype != Type::s32) return report_(in_.where, "multi-sample textures need .s32 coordinates");
        if (t_.multisample && has({Modifier::level, Modifier::grad}))
            return report_(in_.where, "multi-sample textures have no levels");
        if (in_.has(Modifier::grad) && ctype != Type::f32) return report_(in_.where, "'tex.grad' needs .f32 coordinates");
        check_handle(*t_.handle, Type::texref);
        if (t_.sampler) check_handle(*t_.sampler, Type::samplerref);
        if (!check_coordinates(ctype)) return;
        check_destination(dtype, elements);
        if (in_.has(Modifier::level)) {
            if (!t_.lod) return report_(in_.where, "'tex.level' needs a level");
            check_scalar(*t_.lod, ctype);
        }
        if (in_.has(Modifier::grad)) {
            if (!t_.dx || !t_.dy) return report_(in_.where, "'tex.grad' needs two gradient vectors");
            unsigned n = t_.dimensions == 3 ? 4 : t_.dimensions;
            for (const Operand* gradient : {t_.dx, t_.dy}) {
                bool is_vector = gradient->kind == Operand::Kind::vector || elements_of(body_, *gradient) > 1;
                if (!is_vector) return report_(gradient->where, "a gradient must be a vector");
                if (check_vector(*gradient, n, false, "gradient")) check_elements(*gradient, 0, t_.dimensions, Type::f32);
            }
        }
        check_extras();
    }

    void check_tld4() {
        using enum Modifier;
        if (!has({r, component_g, component_b, component_a}))
            return report_(in_.where, "'tld4' needs a component: .r, .g, .b or .a");
        if (t_.geometry != tex_2d && t_.geometry != tex_a2d && t_.geometry != tex_cube && t_.geometry != tex_acube)
            return report_(in_.where, "'tld4' needs a geometry: .2d, .a2d, .cube or .acube");
        Type dtype = in_.type(0);
        if ((dtype != Type::u32 && dtype != Type::s32 && dtype != Type::f32) || in_.type(1) != Type::f32 || in_.types.size() != 2)
            return report_(in_.where, "'tld4' has no types " + name(dtype) + name(in_.type(1)));
        if (in_.vector != 4) return report_(in_.where, "'tld4' needs .v4");
        check_handle(*t_.handle, Type::texref);
        if (t_.sampler) check_handle(*t_.sampler, Type::samplerref);
        if (!check_coordinates(Type::f32)) return;
        check_destination(dtype, 4);
        check_extras();
    }

    void check_query() {
        using enum Modifier;
        bool surface = in_.opcode == Opcode::suq;
        bool of_both = has({width, height, depth, channel_data_type, channel_order, array_size, memory_layout});
        bool of_sampler = has({filter_mode, addr_mode_0, addr_mode_1, addr_mode_2}), forces = in_.has(force_unnormalized_coords);
        if (!of_both && (surface || !(of_sampler || forces || has({normalized_coords, num_mipmap_levels, num_samples}))))
            return report_(in_.where, name() + " needs what to ask for, such as .width");
        if (in_.types.size() != 1 || in_.type() != Type::b32) return report_(in_.where, name() + " needs the type .b32");
        if (in_.has(level)) {
            if (!has({width, height, depth})) return report_(in_.where, "'txq.level' asks for .width, .height or .depth");
            if (!t_.lod) return report_(in_.where, "'txq.level' needs a level");
            check_scalar(*t_.lod, Type::b32);
        }
        const Variable* v = variable(*t_.handle);
        bool sampler = !surface && v && v->type == Type::samplerref;
        if (surface)
            check_handle(*t_.handle, Type::surfref);
        else if (forces || (sampler && of_sampler))
            check_handle(*t_.handle, Type::samplerref);
        else
            check_handle(*t_.handle, Type::texref);
        if (forces && !v) report_(t_.handle->where, ".samplerref expected");
        if (t_.destination) check_scalar(*t_.destination, Type::b32);
    }

    void check_surface() {
        using enum Modifier;
        bool loads = in_.opcode == Opcode::suld, reduces = in_.opcode == Opcode::sured, formatted = in_.has(p);
        if (!formatted && !in_.has(component_b)) return report_(in_.where, name() + " needs .b or .p");
        if (formatted && loads) return report_(in_.where, "'suld' has no formatted form");
        if (t_.cube || t_.multisample || (reduces && t_.layered))
            return report_(in_.where, "." + std::string(spelling(t_.geometry)) + " is no geometry of " + name());
        if (!has({trap, clamp, zero})) return report_(in_.where, name() + " needs .trap, .clamp or .zero");
        Type type = in_.type();
        if (in_.types.size() != 1) return report_(in_.where, name() + " needs one type");
        if (reduces) {
            bool logic = has({and_, or_});
            if (!logic && !has({add, min, max})) return report_(in_.where, "'sured' needs .add, .min, .max, .and or .or");
            bool fits = formatted      ? type == Type::b32 || type == Type::b64
                        : logic        ? type == Type::b32
                        : in_.has(add) ? type == Type::u32 || type == Type::s32 || type == Type::u64
                                       : type == Type::u32 || type == Type::s32 || type == Type::u64 || type == Type::s64;
            if (!fits) return report_(in_.where, "'sured' of " + name(type) + " doesn't exist for this operation");
        } else {
            if (formatted ? type != Type::b32 : type != Type::b8 && type != Type::b16 && type != Type::b32 && type != Type::b64)
                return report_(in_.where, name() + " has no type " + name(type));
            if (bytes(type) * in_.vector > 16)
                return report_(in_.where, name() + " moves 128 bits at most, not " + std::to_string(bits(type) * in_.vector));
        }
        check_handle(*t_.handle, Type::surfref);
        if (!check_coordinates(Type::s32)) return;
        const Operand* data = loads ? t_.destination : t_.value;
        if (!data) return report_(in_.where, name() + " needs data");
        unsigned n = elements_of(body_, *data), wanted = reduces ? 1 : in_.vector;
        if (n != wanted)
            return report_(data->where,
                           "the data of " + name() + " has " + std::to_string(wanted) + " elements, not " + std::to_string(n));
        for (unsigned i = 0; i < n; i++) { // registers may be wider than the type
            Operand storage;
            const Operand& o = element_of(body_, *data, i, storage);
            if (o.kind != Operand::Kind::reg) continue;
            const Register& reg = body_.registers[o.reg];
            if (reg.type == Type::pred || bits(reg.type) < bits(type) || (reduces && !agree(type, reg.type)))
                report_(o.where, "'" + reg.name + "' is " + name(reg.type) + ", " + name() + " needs " + name(type));
        }
    }

    const Module& module_;
    const Function& function_;
    const Body& body_;
    const Instruction& in_;
    const Report& report_;
    TextureOperands t_;
};

} // namespace

void verify_texture(const Module& module, const Function& function, const Body& body, const Instruction& instruction,
                    const Report& report) {
    if (instruction.opcode == Opcode::istypep) {
        Type t = instruction.type();
        if (t != Type::texref && t != Type::samplerref && t != Type::surfref)
            return report(instruction.where, "'istypep' needs .texref, .samplerref or .surfref");
        const Operand& a = instruction.operands.at(1);
        if (a.kind != Operand::Kind::reg || bits(body.registers[a.reg].type) != 64)
            report(a.where, "'istypep' needs a .u64 register");
        return;
    }
    TextureVerifier(module, function, body, instruction, report).check();
}

} // namespace anywarp::ptx
