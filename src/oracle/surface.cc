// suld, sust, sured, suq: surfaces, byte by byte.
//
// PTX ISA 9.0, 9.7.11. .b counts x in bytes and moves data as they are; .p counts texels and converts to the surface's format.
// The faces of a cube count as layers.
#include "oracle/texture.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

namespace anywarp::oracle {

namespace {

using ptx::TextureOperands;

/// Where an access of `size` bytes begins; nothing where .zero drops it. Out of range under .trap is a fault.
std::optional<uint64_t> surface_address(Thread& thread, const Instruction& instruction, const TextureOperands& o,
                                        const AnywarpTexture& t, unsigned size) {
    if (!o.coordinates || o.cube || o.multisample) refuse(thread, instruction);
    bool formatted = instruction.has(Modifier::p), clamps = instruction.has(Modifier::clamp);
    bool cube = t.geometry == ANYWARP_GEOMETRY_CUBE || t.geometry == ANYWARP_GEOMETRY_CUBE_LAYERED;
    int64_t slices = cube ? int64_t(t.layers) * 6 : t.layers;
    if (formatted) size = t.texel_bytes;
    auto coordinate = [&](unsigned a) { return int64_t(int32_t(read_element(thread, *o.coordinates, o.first + a, Type::b32))); };
    int64_t x = coordinate(0) * (formatted ? t.texel_bytes : 1), y = o.dimensions > 1 ? coordinate(1) : 0;
    int64_t z = o.dimensions > 2 ? coordinate(2) : 0;
    int64_t layer = o.layered ? int64_t(uint32_t(read_element(thread, *o.coordinates, 0, Type::u32))) : 0;
    struct Range {
        int64_t& value;
        int64_t last;
    } ranges[] = {{x, int64_t(t.width) * t.texel_bytes - size},
                  {y, o.dimensions > 1 ? int64_t(t.height) - 1 : 0},
                  {z, o.dimensions > 2 ? int64_t(t.depth) - 1 : 0},
                  {layer, o.layered ? slices - 1 : 0}};
    for (Range& r : ranges) {
        bool outside = r.value < 0 || r.value > r.last;
        if (outside && instruction.has(Modifier::zero)) return {};
        if (outside && !clamps) fault(thread, ErrorCode::launch_failed, "surface access out of range");
        r.value = std::clamp<int64_t>(r.value, 0, std::max<int64_t>(r.last, 0));
    }
    if (!formatted) x -= x % size; // addresses are aligned by dropping low bits
    const AnywarpLevel& level = t.levels[0];
    return level.data + uint64_t(o.layered ? layer : z) * level.slice_pitch + uint64_t(y) * level.row_pitch + uint64_t(x);
}

/// A channel of a formatted store: saturated integers, or numbers to the nearest of what the format can hold.
uint32_t convert_channel(const AnywarpTexture& t, uint32_t value) {
    unsigned bits = t.texel_bytes / t.channels * 8;
    bool sign = t.format == ANYWARP_FORMAT_S8 || t.format == ANYWARP_FORMAT_S16 || t.format == ANYWARP_FORMAT_S32;
    if (t.format == ANYWARP_FORMAT_F32 || t.format == ANYWARP_FORMAT_F16) {
        if (bits == 32) return value;
        return uint32_t(from_double(std::bit_cast<float>(value), format_f16));
    }
    if (bits == 32) return value;
    int64_t most = sign ? (1ll << (bits - 1)) - 1 : (1ll << bits) - 1, least = sign ? -most - 1 : 0;
    if (!t.read_float) return uint32_t(std::clamp<int64_t>(sign ? int64_t(int32_t(value)) : int64_t(value), least, most));
    float f = std::bit_cast<float>(value);
    if (std::isnan(f)) return 0;
    f = std::clamp(f, sign ? -1.0f : 0.0f, 1.0f);
    return uint32_t(int32_t(std::nearbyint(f * float(most))));
}

uint64_t reduced(const Instruction& instruction, uint64_t old, uint64_t value, Type type, bool sign) {
    using enum Modifier;
    if (instruction.has(add)) return old + value;
    if (instruction.has(and_)) return old & value;
    if (instruction.has(or_)) return old | value;
    unsigned bits = ptx::bits(type);
    bool less = sign ? sign_extend(value, bits) < sign_extend(old, bits) : low_bits(value, bits) < low_bits(old, bits);
    return less == instruction.has(min) ? value : old;
}

} // namespace

Flow execute_surface(Thread& thread, const Instruction& instruction) {
    const Body& body = *thread.frame().body;
    TextureOperands o = ptx::texture_operands(body, instruction);
    AnywarpTexture t = read_texture(thread, texture_handle(thread, *o.handle), ANYWARP_SURFACE_MAGIC);
    Type type = instruction.type();
    unsigned count = std::max<unsigned>(1, instruction.vector), bytes = ptx::bytes(type);
    auto address = surface_address(thread, instruction, o, t, bytes * count);
    if (instruction.opcode == Opcode::suld) {
        uint64_t values[8] = {};
        if (address)
            for (unsigned i = 0; i < count; ++i)
                values[i] = load_bytes(locate(thread, StateSpace::generic, *address + i * bytes, bytes, 1), bytes);
        for (unsigned i = 0; i < count; ++i) {
            Operand storage;
            write(thread, ptx::element_of(body, *o.destination, i, storage), type, values[i]);
        }
        return Flow::next;
    }
    if (!address) return Flow::next;
    if (instruction.opcode == Opcode::sured) {
        uint8_t* place = locate(thread, StateSpace::generic, *address, bytes, bytes);
        bool sign = instruction.has(Modifier::p) ? t.format & 1 : ptx::is_signed(type);
        uint64_t result = reduced(instruction, load_bytes(place, bytes), read_element(thread, *o.value, 0, type), type, sign);
        std::memcpy(place, &result, bytes);
        return Flow::next;
    }
    if (instruction.has(Modifier::p)) {
        unsigned each = t.texel_bytes / t.channels;
        uint8_t* place = locate(thread, StateSpace::generic, *address, t.texel_bytes, 1);
        for (unsigned c = 0; c < t.channels; ++c) {
            uint32_t v = convert_channel(t, c < count ? uint32_t(read_element(thread, *o.value, c, Type::b32)) : 0);
            std::memcpy(place + c * each, &v, each);
        }
        return Flow::next;
    }
    for (unsigned i = 0; i < count; ++i) {
        uint64_t v = read_element(thread, *o.value, i, type);
        std::memcpy(locate(thread, StateSpace::generic, *address + i * bytes, bytes, 1), &v, bytes);
    }
    return Flow::next;
}

} // namespace anywarp::oracle
