// See texture_operands.h.
#include "ptx/texture_operands.h"

namespace anywarp::ptx {
namespace {

void set_geometry(TextureOperands& t, Modifier m) {
    unsigned dimensions = 0, vector = 0;
    bool layered = false, cube = false, multisample = false;
    switch (m) {
    case Modifier::tex_1d:
        dimensions = 1, vector = 1;
        break;
    case Modifier::tex_2d:
        dimensions = 2, vector = 2;
        break;
    case Modifier::tex_3d:
        dimensions = 3, vector = 4;
        break;
    case Modifier::tex_a1d:
        dimensions = 1, vector = 2, layered = true;
        break;
    case Modifier::tex_a2d:
        dimensions = 2, vector = 4, layered = true;
        break;
    case Modifier::tex_cube:
        dimensions = 3, vector = 4, cube = true;
        break;
    case Modifier::tex_acube:
        dimensions = 3, vector = 4, cube = true, layered = true;
        break;
    case Modifier::tex_2dms:
        dimensions = 2, vector = 4, multisample = true;
        break;
    case Modifier::tex_a2dms:
        dimensions = 2, vector = 4, layered = true, multisample = true;
        break;
    default:
        return;
    }
    t.geometry = m;
    t.dimensions = dimensions;
    t.vector = vector;
    t.layered = layered;
    t.cube = cube;
    t.multisample = multisample;
    t.first = unsigned(layered) + unsigned(multisample);
}

bool is_vector(const Body& body, const Operand& o) {
    return o.kind == Operand::Kind::vector ||
           (o.kind == Operand::Kind::reg && o.component < 0 && body.registers[o.reg].vector > 1);
}

bool is_float_scalar(const Body& body, const Operand& o) {
    return o.kind == Operand::Kind::immediate_float || (o.kind == Operand::Kind::reg && body.registers[o.reg].type == Type::f32);
}

} // namespace

unsigned elements_of(const Body& body, const Operand& o) {
    if (o.kind == Operand::Kind::vector) return unsigned(o.elements.size());
    return is_vector(body, o) ? body.registers[o.reg].vector : 1;
}

const Operand& element_of(const Body& body, const Operand& o, unsigned i, Operand& storage) {
    if (o.kind == Operand::Kind::vector) return o.elements.at(i);
    if (!is_vector(body, o)) return o;
    storage = o;
    storage.component = int8_t(i);
    return storage;
}

TextureOperands texture_operands(const Body& body, const Instruction& in) {
    TextureOperands t;
    for (Modifier m : in.modifiers) set_geometry(t, m);
    bool stores = in.opcode == Opcode::sust || in.opcode == Opcode::sured;
    size_t next = 0, count = in.operands.size();
    auto take = [&]() -> const Operand* { return next < count ? &in.operands[next++] : nullptr; };
    if (!stores) {
        t.destination = take();
        if (t.destination && t.destination->kind == Operand::Kind::pair) {
            t.predicate = &t.destination->elements[1];
            t.destination = &t.destination->elements[0];
        }
    }
    if (const Operand* place = take()) {
        if (place->kind == Operand::Kind::texture) {
            const auto& e = place->elements;
            t.handle = &e[0];
            if (e.size() > 2) t.sampler = &e[1];
            t.coordinates = e.size() > 1 ? &e.back() : nullptr;
            t.surplus += unsigned(e.size() > 3);
        } else {
            t.handle = place;
        }
    }
    if (stores) {
        t.value = take();
    } else if (in.opcode == Opcode::txq) {
        if (in.has(Modifier::level)) t.lod = take();
    } else if (in.opcode == Opcode::tex || in.opcode == Opcode::tld4) {
        if (in.has(Modifier::level)) t.lod = take();
        if (in.has(Modifier::grad)) {
            t.dx = take();
            t.dy = take();
        }
        bool may_shift = !t.cube;
        if (next < count && may_shift && (is_vector(body, in.operands[next]) || !is_float_scalar(body, in.operands[next])))
            t.offset = take();
        if (next < count && !is_vector(body, in.operands[next])) t.compare = take();
    }
    t.surplus += unsigned(count - next);
    return t;
}

} // namespace anywarp::ptx
