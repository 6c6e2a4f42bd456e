// tex, tld4, txq, istypep: texture sampling in double precision, one texel after the other.
//
// Written from the CUDA programming guide's "Texture Fetching" (address modes, filters, 1.8 fixed-point weights, cube maps) and
// PTX ISA 9.0, 9.7.10. Coordinates are worked out in single precision, because which texel a coordinate falls into depends on
// it; values in double precision and rounded once at the end. Compiled code sums in single precision: filtered results differ
// in the last places, fetches of single texels not at all.
#include "oracle/texture.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace anywarp::oracle {

namespace {

using ptx::TextureOperands;

/// A texel or the result of a fetch: either four numbers or four integers.
struct Value {
    bool is_number = false;
    std::array<double, 4> number{};
    std::array<uint32_t, 4> bits{}; // integers; of floats that were fetched singly, exactly what was stored
    bool exact = false;             // bits hold the number too
};

struct Texel {
    const AnywarpTexture& texture;
    unsigned level = 0;
    int64_t width, height, depth;
};

unsigned component_bytes(const AnywarpTexture& t) { return t.texel_bytes / t.channels; }
bool is_signed_format(const AnywarpTexture& t) {
    return t.format == ANYWARP_FORMAT_S8 || t.format == ANYWARP_FORMAT_S16 || t.format == ANYWARP_FORMAT_S32;
}
bool is_float_format(const AnywarpTexture& t) { return t.format == ANYWARP_FORMAT_F16 || t.format == ANYWARP_FORMAT_F32; }
bool reads_numbers(const AnywarpTexture& t) { return is_float_format(t) || (component_bytes(t) < 4 && t.read_float); }
int64_t size_of_level(uint32_t size, unsigned level) { return std::max<int64_t>(1, size >> level); }

double srgb_to_linear(double c) { return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); }

double channel_number(const AnywarpTexture& t, uint64_t raw, unsigned channel) {
    switch (t.format) {
    case ANYWARP_FORMAT_F32:
        return std::bit_cast<float>(uint32_t(raw));
    case ANYWARP_FORMAT_F16:
        return to_double(raw, format_f16);
    default: {
        unsigned bits = component_bytes(t) * 8;
        double most = is_signed_format(t) ? double((1ull << (bits - 1)) - 1) : double((1ull << bits) - 1);
        double value = is_signed_format(t) ? double(sign_extend(raw, bits)) / most : double(raw) / most;
        if (value < -1) value = -1; // the most negative integer is -1 as well
        return t.srgb && channel < 3 ? srgb_to_linear(value) : value;
    }
    }
}

/// Channels that a format doesn't have: 0, 0 and 1.
void fill_missing(const AnywarpTexture& t, Value& v) {
    for (unsigned c = t.channels; c < 4; ++c) {
        v.number[c] = c == 3 ? 1 : 0;
        v.bits[c] = c == 3 ? (v.is_number ? std::bit_cast<uint32_t>(1.0f) : 1) : 0;
    }
}

Value border_value(const AnywarpTexture& t, const AnywarpSampler& s) {
    Value v;
    v.is_number = reads_numbers(t);
    v.exact = true;
    for (unsigned c = 0; c < 4; ++c) {
        v.bits[c] = s.border[c];
        v.number[c] = std::bit_cast<float>(s.border[c]);
    }
    fill_missing(t, v);
    return v;
}

Value read_texel(Thread& thread, const AnywarpTexture& t, unsigned level, int64_t slice, int64_t x, int64_t y) {
    const AnywarpLevel& l = t.levels[level];
    uint64_t address = l.data + uint64_t(slice) * l.slice_pitch + uint64_t(y) * l.row_pitch + uint64_t(x) * t.texel_bytes;
    const uint8_t* p = locate(thread, StateSpace::generic, address, t.texel_bytes, 1);
    Value v;
    v.is_number = reads_numbers(t);
    v.exact = true;
    unsigned bytes = component_bytes(t);
    for (unsigned c = 0; c < t.channels; ++c) {
        uint64_t raw = load_bytes(p + c * bytes, bytes);
        if (v.is_number) {
            v.number[c] = channel_number(t, raw, c);
            v.bits[c] = t.format == ANYWARP_FORMAT_F32 ? uint32_t(raw) : std::bit_cast<uint32_t>(float(v.number[c]));
        } else {
            v.bits[c] = uint32_t(is_signed_format(t) ? uint64_t(sign_extend(raw, bytes * 8)) : raw);
        }
    }
    fill_missing(t, v);
    return v;
}

/// What a sampler does with one coordinate.
struct Coordinate {
    int64_t lower = 0;   // texel index before the address mode
    double fraction = 0; // weight of the texel above it
};

uint32_t effective_mode(const AnywarpSampler& s, unsigned axis, bool normalized) {
    uint32_t mode = s.address_mode[axis];
    bool folds = mode == ANYWARP_ADDRESS_WRAP || mode == ANYWARP_ADDRESS_MIRROR;
    return folds && !normalized ? uint32_t(ANYWARP_ADDRESS_CLAMP) : mode;
}

Coordinate place(float u, int64_t size, uint32_t mode, bool normalized, bool linear) {
    float x = u;
    if (mode == ANYWARP_ADDRESS_WRAP) x = u - std::floor(u); // frac(u)
    if (mode == ANYWARP_ADDRESS_MIRROR) {
        float pairs = 2 * std::floor(u * 0.5f), within = u - pairs; // in 0..2, mirrored above 1
        x = within > 1 ? 2 - within : within;
    }
    if (normalized) x = x * float(size);
    if (std::isnan(x)) x = 0;
    if (linear) x = x - 0.5f;
    float limit = float(size) + 32;
    if (x < -32) x = -32; // all the same far outside
    if (x > limit) x = limit;
    Coordinate c;
    c.lower = int64_t(std::floor(x));
    if (linear) c.fraction = std::floor((double(x) - double(c.lower)) * 256 + 0.5) / 256; // 8 bits
    return c;
}

/// The texel that an index stands for, or -1 for the border.
int64_t apply_mode(int64_t i, int64_t size, uint32_t mode) {
    switch (mode) {
    case ANYWARP_ADDRESS_WRAP:
        return ((i % size) + size) % size;
    case ANYWARP_ADDRESS_MIRROR: {
        int64_t m = ((i % (2 * size)) + 2 * size) % (2 * size);
        return m < size ? m : 2 * size - 1 - m;
    }
    case ANYWARP_ADDRESS_BORDER:
        return i < 0 || i >= size ? -1 : i;
    default:
        return std::clamp<int64_t>(i, 0, size - 1);
    }
}

/// The face that a direction hits, and where, both coordinates in 0..1 (programming guide, "Cubemap Textures").
struct FacePoint {
    int64_t face;
    float s, t;
};
FacePoint project(float x, float y, float z) {
    float ax = std::fabs(x), ay = std::fabs(y), az = std::fabs(z);
    float m, s, t;
    int64_t face;
    if (ax >= ay && ax >= az) {
        face = x < 0 ? 1 : 0, m = ax, s = x < 0 ? z : -z, t = -y;
    } else if (ay >= az) {
        face = y < 0 ? 3 : 2, m = ay, s = x, t = y < 0 ? -z : z;
    } else {
        face = z < 0 ? 5 : 4, m = az, s = z < 0 ? -x : x, t = -y;
    }
    return {face, (s / m + 1) * 0.5f, (t / m + 1) * 0.5f};
}

/// The texel of the neighbouring face that lies behind an edge, for seamless cubes: the direction through the middle of the
/// place outside, projected again.
void cross_edge(int64_t size, int64_t& face, int64_t& x, int64_t& y) {
    float n = float(size), s = float(2 * x + 1) - n, t = float(2 * y + 1) - n;
    const float directions[6][3] = {{n, -t, -s}, {-n, -t, s}, {s, n, t}, {s, -n, -t}, {s, -t, n}, {-s, -t, -n}};
    const float* d = directions[face];
    FacePoint p = project(d[0], d[1], d[2]);
    face = p.face;
    x = std::clamp<int64_t>(int64_t(std::floor(p.s * n)), 0, size - 1);
    y = std::clamp<int64_t>(int64_t(std::floor(p.t * n)), 0, size - 1);
}

bool is_cube(const AnywarpTexture& t) {
    return t.geometry == ANYWARP_GEOMETRY_CUBE || t.geometry == ANYWARP_GEOMETRY_CUBE_LAYERED;
}

/// One fetch with floating-point coordinates, read from the instruction.
struct Fetch {
    Thread& thread;
    AnywarpTexture t;
    AnywarpSampler s;
    unsigned dimensions = 0; // of the coordinates x, y, z below; a cube has two and a face
    bool cube = false, normalized = false, compares = false;
    float x[3] = {0, 0, 0};
    int64_t offset[3] = {0, 0, 0};
    int64_t layer = 0, face = 0;
    float reference = 0;

    int64_t size(unsigned axis, unsigned level) const {
        return size_of_level(axis == 0 ? t.width : axis == 1 ? t.height : t.depth, level);
    }

    /// Tap (dx, dy, dz) above the lower texel.
    Value tap(unsigned level, const Coordinate* c, const unsigned* step) const {
        int64_t index[3] = {0, 0, 0}, on_face = face;
        bool outside = false, seamless = cube && s.seamless && (t_linear() || gathers);
        for (unsigned a = 0; a < dimensions; ++a) {
            index[a] = c[a].lower + step[a];
            if (!seamless) {
                index[a] = apply_mode(index[a] + offset[a], size(a, level), effective_mode(s, a, normalized));
                outside |= index[a] < 0;
            }
        }
        if (seamless && (index[0] < 0 || index[0] >= size(0, level) || index[1] < 0 || index[1] >= size(1, level)))
            cross_edge(size(0, level), on_face, index[0], index[1]);
        if (outside) return border_value(t, s);
        int64_t slice = dimensions == 3 ? index[2] : is_cube(t) && cube ? layer * 6 + on_face : layer;
        Value v = read_texel(thread, t, level, slice, index[0], index[1]);
        if (!compares) return v;
        for (unsigned c = 0; c < t.channels; ++c) {
            v.number[c] = reference <= float(v.number[c]) ? 1 : 0;
            v.bits[c] = std::bit_cast<uint32_t>(float(v.number[c]));
        }
        return v;
    }

    bool gathers = false;
    bool t_linear() const { return s.filter == ANYWARP_FILTER_LINEAR && reads_numbers(t); }

    Value level(unsigned l) const {
        bool linear = t_linear();
        Coordinate c[3];
        for (unsigned a = 0; a < dimensions; ++a)
            c[a] = place(x[a], size(a, l), effective_mode(s, a, normalized), normalized, linear);
        if (!linear) {
            const unsigned none[3] = {0, 0, 0};
            return tap(l, c, none);
        }
        Value sum;
        sum.is_number = true;
        for (unsigned k = 0; k < 1u << dimensions; ++k) {
            unsigned step[3] = {k & 1, k >> 1 & 1, k >> 2 & 1};
            double weight = 1;
            for (unsigned a = 0; a < dimensions; ++a) weight *= step[a] ? c[a].fraction : 1 - c[a].fraction;
            Value v = tap(l, c, step);
            for (unsigned i = 0; i < 4; ++i) sum.number[i] += weight * v.number[i];
        }
        fill_missing(t, sum);
        return sum;
    }

    Value levels(float lod) const {
        float last = float(t.level_count - 1);
        lod = lod + s.mip_bias;
        if (!(lod > s.min_level)) lod = s.min_level;
        if (!(lod < s.max_level)) lod = s.max_level;
        if (!(lod > 0)) lod = 0;
        if (!(lod < last)) lod = last;
        if (s.mip_filter != ANYWARP_FILTER_LINEAR || !reads_numbers(t)) return level(unsigned(std::floor(lod + 0.5f)));
        unsigned lower = unsigned(lod);
        double fraction = std::floor((double(lod) - lower) * 256 + 0.5) / 256;
        Value a = level(lower), b = level(std::min(lower + 1, t.level_count - 1));
        Value v;
        v.is_number = true;
        for (unsigned i = 0; i < 4; ++i) v.number[i] = (1 - fraction) * a.number[i] + fraction * b.number[i];
        fill_missing(t, v);
        return v;
    }

    void put_on_cube() {
        FacePoint p = project(x[0], x[1], x[2]);
        face = is_cube(t) ? p.face : 0;
        x[0] = p.s;
        x[1] = p.t;
    }
};

uint32_t result_bits(const Value& v, unsigned i) {
    return v.exact || !v.is_number ? v.bits[i] : std::bit_cast<uint32_t>(float(v.number[i]));
}

uint16_t to_half(uint32_t float_bits) { return uint16_t(from_double(double(std::bit_cast<float>(float_bits)), format_f16)); }

void write_result(Thread& thread, const Instruction& instruction, const TextureOperands& o, const Value& v) {
    Type type = instruction.type();
    for (unsigned i = 0; i < (type == Type::f16x2 ? 2u : 4u); ++i) {
        Operand storage;
        const Operand& d = ptx::element_of(*thread.frame().body, *o.destination, i, storage);
        if (type == Type::f16x2)
            write(thread, d, Type::b32, to_half(result_bits(v, 2 * i)) | uint32_t(to_half(result_bits(v, 2 * i + 1))) << 16);
        else if (type == Type::f16)
            write(thread, d, Type::b16, to_half(result_bits(v, i)));
        else
            write(thread, d, Type::b32, result_bits(v, i));
    }
    if (o.predicate) write_predicate(thread, *o.predicate, true);
}

/// Gradient -> level: log2 of the longer one, measured in texels of level 0.
float lod_from_gradients(const Fetch& f, const double (&dx)[3], const double (&dy)[3], const float* direction) {
    double longest = 0;
    for (const double* d : {dx, dy}) {
        double length = 0;
        if (f.cube) { // of the projection onto the face
            float x = direction[0], y = direction[1], z = direction[2];
            int major = std::fabs(x) >= std::fabs(y) && std::fabs(x) >= std::fabs(z) ? 0 : std::fabs(y) >= std::fabs(z) ? 1 : 2;
            double m = direction[major];
            for (int a = 0; a < 3; ++a) {
                if (a == major) continue;
                double slope = (d[a] * m - direction[a] * d[major]) / (m * m) * f.t.width / 2;
                length += slope * slope;
            }
        } else {
            for (unsigned a = 0; a < f.dimensions; ++a) {
                double texels = d[a] * (f.normalized ? double(f.size(a, 0)) : 1.0);
                length += texels * texels;
            }
        }
        longest = std::max(longest, length);
    }
    return float(0.5 * std::log2(longest));
}

/// Everything that tex and tld4 with float coordinates have in common.
Fetch read_fetch(Thread& thread, const TextureOperands& o) {
    Fetch f{thread, read_texture(thread, texture_handle(thread, *o.handle), ANYWARP_TEXTURE_MAGIC), {}};
    f.s = o.sampler ? read_sampler(thread, texture_handle(thread, *o.sampler)) : f.t.sampler;
    f.cube = o.cube;
    f.dimensions = o.cube ? 2 : o.dimensions;
    f.normalized = o.cube || (f.t.sampler.normalized && f.s.normalized);
    for (unsigned a = 0; a < o.dimensions; ++a)
        f.x[a] = std::bit_cast<float>(uint32_t(read_element(thread, *o.coordinates, o.first + a, Type::f32)));
    if (o.layered) {
        uint32_t layer = uint32_t(read_element(thread, *o.coordinates, o.multisample ? 1 : 0, Type::u32));
        f.layer = std::min(layer, f.t.layers - 1);
    }
    if (o.offset)
        for (unsigned a = 0; a < o.dimensions; ++a) f.offset[a] = int32_t(read_element(thread, *o.offset, a, Type::b32));
    if (o.compare) {
        f.compares = true;
        f.reference = std::bit_cast<float>(uint32_t(read(thread, *o.compare, Type::f32)));
    }
    return f;
}

/// Integer coordinates name a texel.
Value fetch_texel(Thread& thread, const TextureOperands& o) {
    AnywarpTexture t = read_texture(thread, texture_handle(thread, *o.handle), ANYWARP_TEXTURE_MAGIC);
    AnywarpSampler s = o.sampler ? read_sampler(thread, texture_handle(thread, *o.sampler)) : t.sampler;
    int32_t level = o.lod ? int32_t(read(thread, *o.lod, Type::b32)) : 0;
    level = std::clamp<int32_t>(level, 0, int32_t(t.level_count) - 1);
    bool linear_memory = t.geometry == ANYWARP_GEOMETRY_LINEAR, outside = false;
    int64_t index[3] = {0, 0, 0};
    const uint32_t sizes[3] = {t.width, t.height, t.depth};
    for (unsigned a = 0; a < o.dimensions; ++a) {
        int32_t i = int32_t(uint32_t(read_element(thread, *o.coordinates, o.first + a, Type::b32)) +
                            (o.offset ? uint32_t(read_element(thread, *o.offset, a, Type::b32)) : 0));
        bool border = s.address_mode[a] == ANYWARP_ADDRESS_BORDER || (linear_memory && a == 0);
        index[a] =
            apply_mode(i, size_of_level(sizes[a], unsigned(level)), border ? ANYWARP_ADDRESS_BORDER : ANYWARP_ADDRESS_CLAMP);
        outside |= index[a] < 0;
    }
    if (outside && linear_memory) {
        Value zero;
        zero.exact = true;
        return zero;
    }
    if (outside) return border_value(t, s);
    uint32_t slice = 0;
    if (o.layered)
        slice = std::min(uint32_t(read_element(thread, *o.coordinates, o.multisample ? 1 : 0, Type::u32)), t.layers - 1);
    if (o.multisample)
        slice = slice * t.samples + std::min(uint32_t(read_element(thread, *o.coordinates, 0, Type::u32)), t.samples - 1);
    return read_texel(thread, t, unsigned(level), o.dimensions == 3 ? index[2] : int64_t(slice), index[0], index[1]);
}

uint64_t follow(Thread& thread, uint64_t handle) {
    uint32_t magic;
    std::memcpy(&magic, locate(thread, StateSpace::generic, handle, 4, 4), 4);
    if (magic != ANYWARP_REFERENCE_MAGIC) return handle;
    AnywarpReference r;
    std::memcpy(&r, locate(thread, StateSpace::generic, handle, sizeof r, 8), sizeof r);
    return r.handle;
}

[[noreturn]] void bad_handle(Thread& thread, uint64_t handle) {
    char text[64];
    std::snprintf(text, sizeof text, "0x%llx is no texture, surface or sampler of this kind", (unsigned long long)handle);
    fault(thread, ErrorCode::illegal_address, text);
}

} // namespace

uint64_t texture_handle(Thread& thread, const Operand& operand) {
    if (operand.symbol.kind == ptx::Symbol::Kind::none) {
        Operand reg = operand;
        reg.kind = Operand::Kind::reg;
        return read(thread, reg, Type::b64);
    }
    uint64_t address = symbol_address(thread, operand.symbol);
    if (operand.symbol.kind == ptx::Symbol::Kind::module_variable) return address; // a reference: followed later
    return load_bytes(reinterpret_cast<const uint8_t*>(address), 8);
}

AnywarpTexture read_texture(Thread& thread, uint64_t handle, uint32_t magic) {
    AnywarpTexture t;
    std::memcpy(&t, locate(thread, StateSpace::generic, follow(thread, handle), sizeof t, 8), sizeof t);
    if (t.magic != magic) bad_handle(thread, handle);
    return t;
}

AnywarpSampler read_sampler(Thread& thread, uint64_t handle) {
    AnywarpSampler s;
    std::memcpy(&s, locate(thread, StateSpace::generic, follow(thread, handle), sizeof s, 8), sizeof s);
    if (s.magic != ANYWARP_SAMPLER_MAGIC) bad_handle(thread, handle);
    return s;
}

uint64_t read_element(Thread& thread, const Operand& operand, unsigned i, Type type) {
    Operand storage;
    return read(thread, ptx::element_of(*thread.frame().body, operand, i, storage), type);
}

Flow execute_texture(Thread& thread, const Instruction& instruction) {
    TextureOperands o = ptx::texture_operands(*thread.frame().body, instruction);
    if (!o.coordinates || !o.destination || o.geometry == Modifier::none) refuse(thread, instruction);
    if (instruction.opcode == Opcode::tex && instruction.type(1) == Type::s32) {
        write_result(thread, instruction, o, fetch_texel(thread, o));
        return Flow::next;
    }
    Fetch f = read_fetch(thread, o);
    float direction[3] = {f.x[0], f.x[1], f.x[2]};
    if (f.cube) f.put_on_cube();
    if (instruction.opcode == Opcode::tld4) {
        f.gathers = true;
        unsigned component = instruction.has(Modifier::component_g)   ? 1
                             : instruction.has(Modifier::component_b) ? 2
                             : instruction.has(Modifier::component_a) ? 3
                                                                      : 0;
        Coordinate c[2];
        for (unsigned a = 0; a < 2; ++a)
            c[a] = place(f.x[a], f.size(a, 0), effective_mode(f.s, a, f.normalized), f.normalized, true);
        const unsigned steps[4][3] = {{0, 1, 0}, {1, 1, 0}, {1, 0, 0}, {0, 0, 0}}; // from the lower left counter-clockwise
        Value result;
        result.exact = true;
        for (unsigned k = 0; k < 4; ++k) result.bits[k] = result_bits(f.tap(0, c, steps[k]), component);
        write_result(thread, instruction, o, result);
        return Flow::next;
    }
    Value v;
    if (o.dx && o.dy) {
        double dx[3] = {}, dy[3] = {};
        for (unsigned a = 0; a < o.dimensions; ++a) {
            dx[a] = std::bit_cast<float>(uint32_t(read_element(thread, *o.dx, a, Type::f32)));
            dy[a] = std::bit_cast<float>(uint32_t(read_element(thread, *o.dy, a, Type::f32)));
        }
        v = f.levels(lod_from_gradients(f, dx, dy, direction));
    } else if (o.lod) {
        v = f.levels(std::bit_cast<float>(uint32_t(read(thread, *o.lod, Type::f32))));
    } else {
        v = f.level(0);
    }
    write_result(thread, instruction, o, v);
    return Flow::next;
}

Flow execute_texture_query(Thread& thread, const Instruction& instruction) {
    TextureOperands o = ptx::texture_operands(*thread.frame().body, instruction);
    uint64_t handle = texture_handle(thread, *o.handle);
    auto has = [&](Modifier m) { return instruction.has(m); };
    auto answer = [&](uint64_t value) {
        write(thread, *o.destination, Type::b32, value);
        return Flow::next;
    };
    uint64_t at = follow(thread, handle);
    uint32_t magic = uint32_t(load_bytes(locate(thread, StateSpace::generic, at, 4, 4), 4));
    using enum Modifier;
    if (has(filter_mode) || has(addr_mode_0) || has(addr_mode_1) || has(addr_mode_2) || has(force_unnormalized_coords)) {
        AnywarpSampler s = magic == ANYWARP_TEXTURE_MAGIC ? read_texture(thread, at, magic).sampler : read_sampler(thread, at);
        if (has(filter_mode)) return answer(s.filter == ANYWARP_FILTER_LINEAR);
        if (has(force_unnormalized_coords)) return answer(!s.normalized);
        switch (s.address_mode[has(addr_mode_0)   ? 0
                               : has(addr_mode_1) ? 1
                                                  : 2]) { // wrap, mirror, clamp_ogl, clamp_to_edge, clamp_to_border
        case ANYWARP_ADDRESS_WRAP:
            return answer(0);
        case ANYWARP_ADDRESS_MIRROR:
            return answer(1);
        case ANYWARP_ADDRESS_CLAMP:
            return answer(3);
        default:
            return answer(4);
        }
    }
    if (magic != ANYWARP_TEXTURE_MAGIC && magic != ANYWARP_SURFACE_MAGIC) bad_handle(thread, handle);
    AnywarpTexture t = read_texture(thread, at, magic);
    unsigned index = o.lod ? unsigned(oracle::read(thread, *o.lod, Type::u32)) : 0;
    index = std::min(index, t.level_count - 1);
    if (has(width)) return answer(uint64_t(size_of_level(t.width, index)));
    if (has(height)) return answer(uint64_t(size_of_level(t.height, index)));
    if (has(depth)) return answer(uint64_t(size_of_level(t.depth, index)));
    if (has(normalized_coords)) return answer(t.sampler.normalized);
    if (has(num_mipmap_levels)) return answer(t.level_count > 1 ? t.level_count : 0);
    if (has(num_samples)) return answer(t.samples > 1 ? t.samples : 0);
    if (has(memory_layout)) return answer(t.geometry == ANYWARP_GEOMETRY_LINEAR);
    if (has(array_size)) {
        bool layered = t.geometry == ANYWARP_GEOMETRY_1D_LAYERED || t.geometry == ANYWARP_GEOMETRY_2D_LAYERED ||
                       t.geometry == ANYWARP_GEOMETRY_CUBE_LAYERED;
        return answer(layered ? t.layers : 0);
    }
    if (has(channel_order)) return answer(t.channels == 1 ? 0x10B0 : t.channels == 2 ? 0x10B2 : 0x10B5);
    // PTX ISA, table 12; by AnywarpFormat
    const uint32_t as_integers[8] = {0x10DA, 0x10D7, 0x10DB, 0x10D8, 0x10DC, 0x10D9, 0x10DD, 0x10DE};
    const uint32_t as_numbers[8] = {0x10D2, 0x10D0, 0x10D3, 0x10D1, 0x10DC, 0x10D9, 0x10DD, 0x10DE};
    return answer((t.read_float ? as_numbers : as_integers)[t.format & 7]);
}

Flow execute_istypep(Thread& thread, const Instruction& instruction) {
    uint64_t address = read(thread, instruction.operands.at(1), Type::b64);
    uint32_t wanted = instruction.type() == Type::texref    ? ANYWARP_TEXTURE_MAGIC
                      : instruction.type() == Type::surfref ? ANYWARP_SURFACE_MAGIC
                                                            : ANYWARP_SAMPLER_MAGIC;
    bool result = false;
    if (address) {
        uint32_t words[2];
        std::memcpy(words, locate(thread, StateSpace::generic, address, 8, 4), 8);
        result = words[0] == ANYWARP_REFERENCE_MAGIC ? words[1] == wanted : words[0] == wanted;
    }
    write_predicate(thread, instruction.operands[0], result);
    return Flow::next;
}

} // namespace anywarp::oracle
