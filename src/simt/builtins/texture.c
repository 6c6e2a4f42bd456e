// Sampling: what one tex, tld4 or query does for one thread, driven by the descriptor that the handle points to.
//
// Widened, the descriptor's fields stay scalars and their tests stay branches wherever the handle is the same for all lanes;
// texels become gathers of 32-bit words. So that a kernel with many fetches stays small, one loop over taps serves point and
// linear filtering of every format, and it isn't unrolled.
//
// How a fetch is made, in single precision throughout (CUDA programming guide, "Texture Fetching"):
//   1. wrap and mirror fold a normalised coordinate into 0..1; times the size it is in texels; minus 1/2 for linear filtering.
//   2. i = floor(x); the weight of texel i + 1 is x - i, rounded to 1/256 (9-bit fixed point with 8 fraction bits).
//   3. the address mode says which texel an index outside stands for; a border texel is the border colour.
//   4. texels are summed with their weights in the order of the guide's formulas; 8- and 16-bit integers are divided by their
//      largest value after the sum.
// Anisotropic filtering is not done; gradients choose the level by their longer axis.
//
// Rules of this file: branches are allowed where a condition is usually the same for all lanes; every index is clamped before
// memory is read, whatever the coordinates were (NaN included). A bad handle reads address 8 and so faults.
#include "../../ptx/texture_descriptor.h"
#include "common.h"
#include "srgb.h"

#define NO_UNROLL _Pragma("clang loop unroll(disable)")
#define BAD_ADDRESS 8

typedef const AnywarpTexture* Texture;
typedef const AnywarpSampler* Sampler;

typedef struct {
    u32 x, y, z, w;
} Quad;

typedef struct {
    s32 i; // the lower index before the address mode
    s32 i0, i1;
    u32 out0, out1; // 1: the texel is the border
    float w1;       // weight of i1, a multiple of 1/256
} Axis;

typedef struct { // where the taps of one fetch lie
    const u32* data;
    s32 width, height, depth;
    s32 row, slice; // pitches in words
    s32 first;      // word of the layer or face
} Place;

// --- handles -------------------------------------------------------------------------------------------------------------------

// A handle is a descriptor's address or that of a .texref variable (indirect access), which holds one.
INLINE u64 follow(u64 handle) {
    const AnywarpReference* r = (const AnywarpReference*)handle;
    return r->magic == ANYWARP_REFERENCE_MAGIC ? r->handle : handle;
}

INLINE Texture texture_of(u64 handle) {
    Texture t = (Texture)follow(handle);
    return (Texture)(t->magic == ANYWARP_TEXTURE_MAGIC ? (u64)t : BAD_ADDRESS);
}

INLINE Sampler sampler_of(Texture t, u64 handle) {
    if (!handle) return &t->sampler;
    Sampler s = (Sampler)follow(handle);
    return (Sampler)(s->magic == ANYWARP_SAMPLER_MAGIC ? (u64)s : BAD_ADDRESS);
}

INLINE u32 is_normalized(Texture t, Sampler s) { return t->sampler.normalized & s->normalized; }
INLINE u32 is_small_integer(Texture t) { return t->format <= ANYWARP_FORMAT_S16; }
INLINE u32 returns_float(Texture t) { return t->format >= ANYWARP_FORMAT_F16 || (is_small_integer(t) && t->read_float); }

// --- coordinates ---------------------------------------------------------------------------------------------------------------

INLINE s32 clamp_index(s32 i, s32 size) {
    i = i < size - 1 ? i : size - 1;
    return i > 0 ? i : 0;
}

// i + offset lies anywhere for wrap and mirror only when there is an offset: then a remainder is taken.
INLINE s32 fold_index(s32 i, s32 offset, s32 size, u32 mode) {
    if (mode == ANYWARP_ADDRESS_WRAP) {
        if (offset) {
            s32 m = (i + offset) % size;
            i = m < 0 ? m + size : m;
        } else {
            i = i < 0 ? i + size : i;
            i = i >= size ? i - size : i;
        }
    } else if (mode == ANYWARP_ADDRESS_MIRROR) {
        if (offset) {
            s32 m = (i + offset) % (2 * size);
            i = m < 0 ? m + 2 * size : m;
        }
        i = i < 0 ? -1 - i : i;
        i = i >= size ? 2 * size - 1 - i : i;
    } else {
        i += offset;
    }
    return clamp_index(i, size);
}

INLINE Axis make_axis(float u, s32 size, u32 mode, u32 normalized, u32 linear, s32 offset) {
    Axis a;
    float n = (float)size;
    if (!normalized && mode != ANYWARP_ADDRESS_BORDER) mode = ANYWARP_ADDRESS_CLAMP;
    if (mode == ANYWARP_ADDRESS_WRAP) {
        u = u - __builtin_floorf(u);
    } else if (mode == ANYWARP_ADDRESS_MIRROR) {
        u = u - 2 * __builtin_floorf(u * 0.5f);
        u = u > 1 ? 2 - u : u;
    }
    float x = normalized ? u * n : u;
    x = x == x ? x : 0; // NaN counts as 0
    x = linear ? x - 0.5f : x;
    // Far away is as good as just outside, and fits an int.
    x = x > -32 ? x : -32;
    x = x < n + 32 ? x : n + 32;
    float f = __builtin_floorf(x);
    s32 i = (s32)f;
    a.i = i;
    a.w1 = linear ? __builtin_floorf((x - f) * 256 + 0.5f) * 0.00390625f : 0;
    a.i0 = fold_index(i, offset, size, mode);
    a.i1 = fold_index(i + 1, offset, size, mode);
    u32 border = mode == ANYWARP_ADDRESS_BORDER;
    a.out0 = border & (u32)((u32)(i + offset) >= (u32)size);
    a.out1 = border & (u32)((u32)(i + 1 + offset) >= (u32)size);
    return a;
}

// An integer coordinate: clamp, or the border.
INLINE Axis integer_axis(s32 x, s32 size, u32 mode) {
    Axis a;
    a.i = a.i0 = a.i1 = clamp_index(x, size);
    a.out0 = a.out1 = (mode == ANYWARP_ADDRESS_BORDER) & (u32)((u32)x >= (u32)size);
    a.w1 = 0;
    return a;
}

INLINE s32 level_size(u32 size, u32 level) {
    size >>= level;
    return size ? (s32)size : 1;
}

INLINE Place make_place(Texture t, u32 level, u32 slice) {
    Place p;
    const AnywarpLevel* l = &t->levels[level];
    p.data = (const u32*)l->data;
    p.width = level_size(t->width, level);
    p.height = level_size(t->height, level);
    p.depth = level_size(t->depth, level);
    p.row = (s32)(l->row_pitch >> 2);
    p.slice = (s32)(l->slice_pitch >> 2);
    p.first = (s32)slice * p.slice;
    return p;
}

INLINE u32 clamp_layer(u32 layer, u32 layers) { return layer < layers ? layer : layers - 1; }

// --- texels --------------------------------------------------------------------------------------------------------------------

INLINE u32 half_bits_to_float_bits(u32 h) { return bits_of((float)half_of((u16)h)); }
INLINE u32 sign_extend_8(u32 c) { return (u32)((s32)(c << 24) >> 24); }
INLINE u32 sign_extend_16(u32 c) { return (u32)((s32)(c << 16) >> 16); }
// Both -max - 1 and -max stand for -1.
INLINE u32 signed_to_float_bits(u32 c, s32 max) { return bits_of((float)((s32)c < -max ? -max : (s32)c)); }

// The channels of a texel: bits of floats where the fetch returns floats (integers not yet divided by `divisor`), else integers.
INLINE Quad load_texel(Texture t, const Place* p, s32 row_word, s32 x, u32 floats) {
    u32 bytes = t->texel_bytes, format = t->format;
    u32 begin = (u32)x * bytes;
    s32 word = row_word + (s32)(begin >> 2);
    Quad q = {p->data[word] >> ((begin & 3) * 8), 0, 0, 0};
    if (bytes > 4) {
        q.y = p->data[word + 1];
        if (bytes > 8) {
            q.z = p->data[word + 2];
            q.w = p->data[word + 3];
        }
    }
    if (format <= ANYWARP_FORMAT_S8) {
        u32 v = q.x;
        q = (Quad){v & 255, v >> 8 & 255, v >> 16 & 255, v >> 24};
        if (format == ANYWARP_FORMAT_S8) {
            q = (Quad){sign_extend_8(q.x), sign_extend_8(q.y), sign_extend_8(q.z), sign_extend_8(q.w)};
            if (floats)
                q = (Quad){signed_to_float_bits(q.x, 127), signed_to_float_bits(q.y, 127), signed_to_float_bits(q.z, 127),
                           signed_to_float_bits(q.w, 127)};
        } else if (floats) {
            if (t->srgb)
                q = (Quad){srgb_to_linear[q.x], srgb_to_linear[q.y], srgb_to_linear[q.z], bits_of((float)(s32)q.w / 255)};
            else
                q = (Quad){bits_of((float)(s32)q.x), bits_of((float)(s32)q.y), bits_of((float)(s32)q.z),
                           bits_of((float)(s32)q.w)};
        }
    } else if (format <= ANYWARP_FORMAT_S16 || format == ANYWARP_FORMAT_F16) {
        q = (Quad){q.x & 0xffff, q.x >> 16, q.y & 0xffff, q.y >> 16};
        if (format == ANYWARP_FORMAT_F16) {
            q = (Quad){half_bits_to_float_bits(q.x), half_bits_to_float_bits(q.y), half_bits_to_float_bits(q.z),
                       half_bits_to_float_bits(q.w)};
        } else if (format == ANYWARP_FORMAT_S16) {
            q = (Quad){sign_extend_16(q.x), sign_extend_16(q.y), sign_extend_16(q.z), sign_extend_16(q.w)};
            if (floats)
                q = (Quad){signed_to_float_bits(q.x, 32767), signed_to_float_bits(q.y, 32767), signed_to_float_bits(q.z, 32767),
                           signed_to_float_bits(q.w, 32767)};
        } else if (floats) {
            q = (Quad){bits_of((float)(s32)q.x), bits_of((float)(s32)q.y), bits_of((float)(s32)q.z), bits_of((float)(s32)q.w)};
        }
    }
    return q;
}

INLINE u32 divided(u32 bits, float divisor) { return bits_of(float_of(bits) / divisor); }

// Integers read as floats go to 0..1 or -1..1.
INLINE Quad scale_integers(Texture t, Quad q) {
    u32 format = t->format;
    if (format <= ANYWARP_FORMAT_S16 && !t->srgb) {
        float divisor = format == ANYWARP_FORMAT_U8    ? 255
                        : format == ANYWARP_FORMAT_S8  ? 127
                        : format == ANYWARP_FORMAT_U16 ? 65535
                                                       : 32767;
        q = (Quad){divided(q.x, divisor), divided(q.y, divisor), divided(q.z, divisor), divided(q.w, divisor)};
    }
    return q;
}

// Channels that the format lacks are 0, 0, 1.
INLINE Quad fill_missing(Texture t, Quad q, u32 floats) {
    u32 channels = t->channels;
    if (channels < 4) {
        q.y = channels < 2 ? 0 : q.y;
        q.z = 0;
        q.w = floats ? 0x3f800000 : 1;
    }
    return q;
}

INLINE u32 compared(u32 texel, float divisor, float reference) { return reference <= float_of(texel) / divisor ? 0x3f800000 : 0; }

// Depth comparison happens per texel, before filtering; what comes out is 0 or 1 and needs no division any more.
INLINE Quad compare_texel(Texture t, Quad q, float reference) {
    u32 format = t->format;
    float divisor = format == ANYWARP_FORMAT_U8    ? 255
                    : format == ANYWARP_FORMAT_S8  ? 127
                    : format == ANYWARP_FORMAT_U16 ? 65535
                    : format == ANYWARP_FORMAT_S16 ? 32767
                                                   : 1;
    if (t->srgb) divisor = 1;
    return (Quad){compared(q.x, divisor, reference), compared(q.y, divisor, reference), compared(q.z, divisor, reference),
                  compared(q.w, divisor, reference)};
}

// --- cubes ---------------------------------------------------------------------------------------------------------------------

typedef struct {
    u32 face;
    float s, t; // 0..1 on the face
} Face;

INLINE Face select_face(float x, float y, float z) {
    float ax = __builtin_fabsf(x), ay = __builtin_fabsf(y), az = __builtin_fabsf(z);
    u32 by_x = ax >= ay && ax >= az, by_y = ay >= az;
    float m = by_x ? ax : by_y ? ay : az;
    float s = by_x ? (x < 0 ? z : -z) : by_y ? x : (z < 0 ? -x : x);
    float t = by_x ? -y : by_y ? (y < 0 ? -z : z) : -y;
    Face f;
    f.face = by_x ? (x < 0) : by_y ? 2 + (y < 0) : 4 + (z < 0);
    f.s = (s / m + 1) * 0.5f;
    f.t = (t / m + 1) * 0.5f;
    return f;
}

// The texel next to a face's edge, seen from the centre of the cube: through the middle of where it would lie.
INLINE u32 cross_edge(u32 face, s32 size, s32* x, s32* y) {
    float n = (float)size, s = (float)(2 * *x + 1) - n, t = (float)(2 * *y + 1) - n;
    u32 axis = face >> 1, negative = face & 1;
    float major = negative ? -n : n;
    float cx = axis == 0 ? major : (face == 5 ? -s : s);
    float cy = axis == 1 ? major : -t;
    float cz = axis == 2 ? major : axis == 0 ? (negative ? s : -s) : (negative ? -t : t);
    Face f = select_face(cx, cy, cz);
    *x = clamp_index((s32)__builtin_floorf(f.s * n), size);
    *y = clamp_index((s32)__builtin_floorf(f.t * n), size);
    return f.face;
}

// --- one level -----------------------------------------------------------------------------------------------------------------

typedef struct { // what stays the same for all taps of a fetch; constants of the builtin come first
    u32 dimensions, cube, compares;
    float x, y, z; // for a cube: s and t
    s32 dx, dy, dz;
    u32 slice, face; // slice: layer, or first face of the layer's cube
    float reference;
} Request;

INLINE Quad sample_level(Texture t, Sampler s, const Request* r, u32 level) {
    u32 floats = returns_float(t), linear = s->filter & floats, normalized = r->cube ? 1 : is_normalized(t, s);
    u32 seamless = r->cube && s->seamless && linear;
    u32 mode_x = s->address_mode[0], mode_y = s->address_mode[1], mode_z = s->address_mode[2];
    Place p = make_place(t, level, r->slice + r->face);
    if (seamless) mode_x = mode_y = ANYWARP_ADDRESS_BORDER; // leaves the tests for being outside
    Axis ax = make_axis(r->x, p.width, mode_x, normalized, linear, r->dx), ay = {0, 0, 0, 0, 0, 0}, az = {0, 0, 0, 0, 0, 0};
    if (r->dimensions > 1) ay = make_axis(r->y, p.height, mode_y, normalized, linear, r->dy);
    if (r->dimensions > 2) az = make_axis(r->z, p.depth, mode_z, normalized, linear, r->dz);
    u32 taps = linear ? 1u << r->dimensions : 1;
    float sum_x = 0, sum_y = 0, sum_z = 0, sum_w = 0, outside = 0;
    Quad q = {0, 0, 0, 0};
    NO_UNROLL for (u32 k = 0; k < taps; ++k) {
        s32 ix = k & 1 ? ax.i1 : ax.i0;
        u32 out = k & 1 ? ax.out1 : ax.out0;
        float w = k & 1 ? ax.w1 : 1 - ax.w1;
        s32 row = p.first;
        s32 iy = 0;
        if (r->dimensions > 1) {
            iy = k & 2 ? ay.i1 : ay.i0;
            out |= k & 2 ? ay.out1 : ay.out0;
            w *= k & 2 ? ay.w1 : 1 - ay.w1;
        }
        if (r->dimensions > 2) {
            row += (k & 4 ? az.i1 : az.i0) * p.slice;
            out |= k & 4 ? az.out1 : az.out0;
            w *= k & 4 ? az.w1 : 1 - az.w1;
        }
        if (seamless) {
            s32 ex = ax.i + (s32)(k & 1), ey = ay.i + (s32)(k >> 1);
            u32 face = cross_edge(r->face, p.width, &ex, &ey);
            ix = out ? ex : ix;
            iy = out ? ey : iy;
            row = out ? (s32)(r->slice + face) * p.slice : row;
            out = 0;
        }
        if (r->dimensions > 1) row += iy * p.row;
        q = load_texel(t, &p, row, ix, floats);
        if (r->compares) q = compare_texel(t, q, r->reference);
        float inside = out ? 0 : w;
        outside += w - inside;
        if (linear) {
            // The first term is not added to 0, so that -0 stays.
            sum_x = k ? sum_x + inside * float_of(q.x) : inside * float_of(q.x);
            sum_y = k ? sum_y + inside * float_of(q.y) : inside * float_of(q.y);
            sum_z = k ? sum_z + inside * float_of(q.z) : inside * float_of(q.z);
            sum_w = k ? sum_w + inside * float_of(q.w) : inside * float_of(q.w);
        }
    }
    if (linear) q = (Quad){bits_of(sum_x), bits_of(sum_y), bits_of(sum_z), bits_of(sum_w)};
    if (floats && !r->compares) q = scale_integers(t, q);
    if (mode_x == ANYWARP_ADDRESS_BORDER || mode_y == ANYWARP_ADDRESS_BORDER || mode_z == ANYWARP_ADDRESS_BORDER) {
        if (linear) {
            q.x = bits_of(float_of(q.x) + outside * float_of(s->border[0]));
            q.y = bits_of(float_of(q.y) + outside * float_of(s->border[1]));
            q.z = bits_of(float_of(q.z) + outside * float_of(s->border[2]));
            q.w = bits_of(float_of(q.w) + outside * float_of(s->border[3]));
        } else {
            q.x = outside != 0 ? s->border[0] : q.x;
            q.y = outside != 0 ? s->border[1] : q.y;
            q.z = outside != 0 ? s->border[2] : q.z;
            q.w = outside != 0 ? s->border[3] : q.w;
        }
    }
    return fill_missing(t, q, floats);
}

// --- fetches -------------------------------------------------------------------------------------------------------------------

INLINE void put(u32* result, Quad q) {
    result[0] = q.x;
    result[1] = q.y;
    result[2] = q.z;
    result[3] = q.w;
}

INLINE u32 mixed(u32 a, u32 b, float f) { return bits_of((1 - f) * float_of(a) + f * float_of(b)); }

// Levels of detail: bias, the sampler's clamps, those that exist; then the nearest one, or two with a weight of 8 fraction bits.
INLINE Quad sample_levels(Texture t, Sampler s, const Request* r, float lod) {
    float last = (float)(s32)(t->level_count - 1);
    lod += s->mip_bias;
    lod = lod > s->min_level ? lod : s->min_level;
    lod = lod < s->max_level ? lod : s->max_level;
    lod = lod > 0 ? lod : 0;
    lod = lod < last ? lod : last;
    u32 linear = s->mip_filter & returns_float(t);
    float f = __builtin_floorf(linear ? lod : lod + 0.5f);
    u32 level = (u32)(s32)f;
    float weight = linear ? __builtin_floorf((lod - f) * 256 + 0.5f) * 0.00390625f : 0;
    u32 rounds = linear ? 2 : 1;
    Quad q = {0, 0, 0, 0};
    NO_UNROLL for (u32 k = 0; k < rounds; ++k) {
        Quad next = sample_level(t, s, r, level + k < t->level_count ? level + k : level);
        q = k ? (Quad){mixed(q.x, next.x, weight), mixed(q.y, next.y, weight), mixed(q.z, next.z, weight),
                       mixed(q.w, next.w, weight)}
              : next;
    }
    return q;
}

INLINE u32 slice_of(Texture t, u32 layer, u32 cube) {
    layer = clamp_layer(layer, t->layers);
    u32 is_cube = t->geometry == ANYWARP_GEOMETRY_CUBE || t->geometry == ANYWARP_GEOMETRY_CUBE_LAYERED;
    return cube && is_cube ? layer * 6 : layer;
}

// A cube's coordinates become a face and a place on it. What isn't a cube has no further faces.
INLINE void place_on_cube(Texture t, Request* r, float x, float y, float z) {
    Face f = select_face(x, y, z);
    u32 is_cube = t->geometry == ANYWARP_GEOMETRY_CUBE || t->geometry == ANYWARP_GEOMETRY_CUBE_LAYERED;
    r->face = is_cube ? f.face : 0;
    r->x = f.s;
    r->y = f.t;
}

// Arguments: handle, sampler (0: the texture's own), layer, coordinates, offsets, whether and with what to compare.
#define REQUEST(N, IS_CUBE)                                                                                                      \
    Texture t = texture_of(handle);                                                                                              \
    Sampler s = sampler_of(t, sampler);                                                                                          \
    Request r = {N, IS_CUBE, compares, x, y, z, dx, dy, dz, slice_of(t, layer, IS_CUBE), 0, reference};                          \
    if (IS_CUBE) place_on_cube(t, &r, x, y, z)

#define SAMPLER(NAME, N, IS_CUBE)                                                                                                \
    void anywarp_b_tex_##NAME(u64 handle, u64 sampler, u32 layer, float x, float y, float z, s32 dx, s32 dy, s32 dz,             \
                              u32 compares, float reference, u32* result) {                                                      \
        REQUEST(N, IS_CUBE);                                                                                                     \
        put(result, sample_level(t, s, &r, 0));                                                                                  \
    }                                                                                                                            \
    void anywarp_b_tex_level_##NAME(u64 handle, u64 sampler, u32 layer, float x, float y, float z, s32 dx, s32 dy, s32 dz,       \
                                    u32 compares, float reference, float lod, u32* result) {                                     \
        REQUEST(N, IS_CUBE);                                                                                                     \
        put(result, sample_levels(t, s, &r, lod));                                                                               \
    }

SAMPLER(1d, 1, 0)
SAMPLER(2d, 2, 0)
SAMPLER(3d, 3, 0)
SAMPLER(cube, 2, 1)

// Integer coordinates are texels: no filter, no folding. Outside of linear memory a fetch returns 0.
INLINE Quad fetch(Texture t, Sampler s, u32 dimensions, u32 slice, s32 x, s32 y, s32 z, s32 level) {
    s32 last = (s32)t->level_count - 1;
    level = level < last ? level : last;
    level = level > 0 ? level : 0;
    Place p = make_place(t, (u32)level, slice);
    u32 floats = returns_float(t), linear_memory = t->geometry == ANYWARP_GEOMETRY_LINEAR;
    u32 mode_x = linear_memory ? (u32)ANYWARP_ADDRESS_BORDER : s->address_mode[0];
    u32 mode_y = s->address_mode[1], mode_z = s->address_mode[2];
    Axis ax = integer_axis(x, p.width, mode_x), ay = integer_axis(y, p.height, mode_y), az = integer_axis(z, p.depth, mode_z);
    s32 row = p.first;
    u32 out = ax.out0;
    if (dimensions > 1) {
        row += ay.i0 * p.row;
        out |= ay.out0;
    }
    if (dimensions > 2) {
        row += az.i0 * p.slice;
        out |= az.out0;
    }
    Quad q = load_texel(t, &p, row, ax.i0, floats);
    if (floats) q = scale_integers(t, q);
    q.x = out ? (linear_memory ? 0 : s->border[0]) : q.x;
    q.y = out ? (linear_memory ? 0 : s->border[1]) : q.y;
    q.z = out ? (linear_memory ? 0 : s->border[2]) : q.z;
    q.w = out ? (linear_memory ? 0 : s->border[3]) : q.w;
    Quad filled = fill_missing(t, q, floats);
    filled.w = out && linear_memory ? 0 : filled.w;
    return filled;
}

#define FETCHER(NAME, N)                                                                                                         \
    void anywarp_b_tex_fetch_##NAME(u64 handle, u64 sampler, u32 layer, s32 x, s32 y, s32 z, s32 level, u32* result) {           \
        Texture t = texture_of(handle);                                                                                          \
        put(result, fetch(t, sampler_of(t, sampler), N, clamp_layer(layer, t->layers), x, y, z, level));                         \
    }

FETCHER(1d, 1)
FETCHER(2d, 2)
FETCHER(3d, 3)

// Samples of a texel are slices that follow each other.
void anywarp_b_tex_fetch_2dms(u64 handle, u64 sampler, u32 layer, u32 sample, s32 x, s32 y, u32* result) {
    Texture t = texture_of(handle);
    u32 slice = clamp_layer(layer, t->layers) * t->samples + clamp_layer(sample, t->samples);
    put(result, fetch(t, sampler_of(t, sampler), 2, slice, x, y, 0, 0));
}

// tld4: one component of the four texels that a linear filter would mix, from the lower left one counter-clockwise.
INLINE void gather(Texture t, Sampler s, const Request* r, u32 component, u32* result) {
    u32 floats = returns_float(t), normalized = r->cube ? 1 : is_normalized(t, s);
    Place p = make_place(t, 0, r->slice + r->face);
    Axis ax = make_axis(r->x, p.width, s->address_mode[0], normalized, 1, r->dx);
    Axis ay = make_axis(r->y, p.height, s->address_mode[1], normalized, 1, r->dy);
    u32 seamless = r->cube && s->seamless;
    Quad values = {0, 0, 0, 0};
    NO_UNROLL for (u32 k = 0; k < 4; ++k) {
        u32 right = k == 1 || k == 2, low = k < 2;
        s32 ix = right ? ax.i1 : ax.i0, iy = low ? ay.i1 : ay.i0;
        u32 out = (right ? ax.out1 : ax.out0) | (low ? ay.out1 : ay.out0);
        s32 slice = p.first;
        if (seamless) {
            s32 ex = ax.i + (s32)right, ey = ay.i + (s32)low;
            u32 beyond = (u32)ex >= (u32)p.width || (u32)ey >= (u32)p.height;
            u32 face = cross_edge(r->face, p.width, &ex, &ey);
            ix = beyond ? ex : ix;
            iy = beyond ? ey : iy;
            slice = beyond ? (s32)(r->slice + face) * p.slice : slice;
            out = 0;
        }
        Quad q = load_texel(t, &p, slice + iy * p.row, ix, floats);
        if (r->compares)
            q = compare_texel(t, q, r->reference);
        else if (floats)
            q = scale_integers(t, q);
        q.x = out ? s->border[0] : q.x;
        q.y = out ? s->border[1] : q.y;
        q.z = out ? s->border[2] : q.z;
        q.w = out ? s->border[3] : q.w;
        q = fill_missing(t, q, floats);
        u32 value = component == 0 ? q.x : component == 1 ? q.y : component == 2 ? q.z : q.w;
        values.x = k == 0 ? value : values.x;
        values.y = k == 1 ? value : values.y;
        values.z = k == 2 ? value : values.z;
        values.w = k == 3 ? value : values.w;
    }
    put(result, values);
}

#define GATHERER(NAME, N, IS_CUBE)                                                                                               \
    void anywarp_b_tex_gather_##NAME(u64 handle, u64 sampler, u32 layer, float x, float y, float z, s32 dx, s32 dy, s32 dz,      \
                                     u32 compares, float reference, u32 component, u32* result) {                                \
        REQUEST(N, IS_CUBE);                                                                                                     \
        gather(t, s, &r, component, result);                                                                                     \
    }

GATHERER(2d, 2, 0)
GATHERER(cube, 2, 1)

// --- level of detail from gradients: log2 of the longer of the two gradients, in texels
// ----------------------------------------------

float anywarp_b_lg2(float x);

// sx, sy, sz: texels per unit of the coordinate.
INLINE float lod_of(float ax, float ay, float az, float bx, float by, float bz) {
    float a = ax * ax + ay * ay + az * az, b = bx * bx + by * by + bz * bz;
    return 0.5f * anywarp_b_lg2(a > b ? a : b);
}

float anywarp_b_tex_lod(u64 handle, u64 sampler, u32 dimensions, float ax, float ay, float az, float bx, float by, float bz) {
    Texture t = texture_of(handle);
    u32 normalized = is_normalized(t, sampler_of(t, sampler));
    float sx = normalized ? (float)(s32)t->width : 1, sy = normalized ? (float)(s32)t->height : 1,
          sz = normalized ? (float)(s32)t->depth : 1;
    sy = dimensions > 1 ? sy : 0;
    sz = dimensions > 2 ? sz : 0;
    return lod_of(ax * sx, ay * sy, az * sz, bx * sx, by * sy, bz * sz);
}

// The gradient of minor / |major| on the face that the direction hits.
INLINE float face_gradient(float minor, float major, float d_minor, float d_major, float scale) {
    return (d_minor * major - minor * d_major) / (major * major) * scale;
}

float anywarp_b_tex_lod_cube(u64 handle, float x, float y, float z, float ax, float ay, float az, float bx, float by, float bz) {
    Texture t = texture_of(handle);
    float mx = __builtin_fabsf(x), my = __builtin_fabsf(y), mz = __builtin_fabsf(z);
    u32 by_x = mx >= my && mx >= mz, by_y = my >= mz;
    // The signs of the minor coordinates don't matter for a length; the major one's does for the quotient, twice.
    float m = by_x ? x : by_y ? y : z, am = by_x ? ax : by_y ? ay : az, bm = by_x ? bx : by_y ? by : bz;
    float s = by_x ? z : x, as = by_x ? az : ax, bs = by_x ? bz : bx;
    float v = by_x ? y : by_y ? z : y, av = by_x ? ay : by_y ? az : ay, bv = by_x ? by : by_y ? bz : by;
    float scale = 0.5f * (float)(s32)t->width;
    return lod_of(face_gradient(s, m, as, am, scale), face_gradient(v, m, av, am, scale), 0, face_gradient(s, m, bs, bm, scale),
                  face_gradient(v, m, bv, bm, scale), 0);
}

// --- queries -------------------------------------------------------------------------------------------------------------------

enum { // of txq and suq; texture.cc passes these
    query_width,
    query_height,
    query_depth,
    query_channel_data_type,
    query_channel_order,
    query_normalized_coords,
    query_array_size,
    query_num_mipmap_levels,
    query_num_samples,
    query_memory_layout,
    query_filter_mode,
    query_addr_mode_0,
    query_addr_mode_1,
    query_addr_mode_2,
    query_force_unnormalized_coords
};

INLINE u32 opencl_data_type(u32 format, u32 normalized) {
    // CL_SNORM_INT8 0x10D0, SNORM_INT16, UNORM_INT8, UNORM_INT16 0x10D3, SIGNED_INT8 0x10D7 ..., UNSIGNED_INT8 0x10DA ..., HALF,
    // FLOAT
    u32 is_signed = format & 1, size = format >> 1; // 0: 8, 1: 16, 2: 32 bits
    if (format == ANYWARP_FORMAT_F16) return 0x10DD;
    if (format == ANYWARP_FORMAT_F32) return 0x10DE;
    if (normalized && size < 2) return (is_signed ? 0x10D0 : 0x10D2) + size;
    return (is_signed ? 0x10D7 : 0x10DA) + size;
}

u32 anywarp_b_tex_query(u64 handle, u32 query, u32 level) {
    u64 at = follow(handle);
    u32 magic = *(const u32*)at;
    Texture t = (Texture)(magic == ANYWARP_TEXTURE_MAGIC || magic == ANYWARP_SURFACE_MAGIC ? at : BAD_ADDRESS);
    u32 geometry = t->geometry;
    u32 last = t->level_count - 1;
    level = level < last ? level : last;
    switch (query) {
    case query_width:
        return (u32)level_size(t->width, level);
    case query_height:
        return (u32)level_size(t->height, level);
    case query_depth:
        return (u32)level_size(t->depth, level);
    case query_channel_data_type:
        return opencl_data_type(t->format, t->read_float);
    case query_channel_order:
        return t->channels == 1 ? 0x10B0 : t->channels == 2 ? 0x10B2 : 0x10B5; // CL_R, CL_RG, CL_RGBA
    case query_normalized_coords:
        return t->sampler.normalized;
    case query_array_size:
        return geometry == ANYWARP_GEOMETRY_1D_LAYERED || geometry == ANYWARP_GEOMETRY_2D_LAYERED ||
                       geometry == ANYWARP_GEOMETRY_CUBE_LAYERED
                   ? t->layers
                   : 0;
    case query_num_mipmap_levels:
        return t->level_count > 1 ? t->level_count : 0;
    case query_num_samples:
        return t->samples > 1 ? t->samples : 0;
    default:
        return geometry == ANYWARP_GEOMETRY_LINEAR;
    }
}

u32 anywarp_b_tex_query_sampler(u64 handle, u32 query) {
    u64 at = follow(handle);
    u32 magic = *(const u32*)at;
    Sampler s = (Sampler)(magic == ANYWARP_SAMPLER_MAGIC ? at : magic == ANYWARP_TEXTURE_MAGIC ? at + 64 : BAD_ADDRESS);
    u32 mode = 0;
    switch (query) {
    case query_filter_mode:
        return s->filter;
    case query_force_unnormalized_coords:
        return !s->normalized;
    case query_addr_mode_0:
        mode = s->address_mode[0];
        break;
    case query_addr_mode_1:
        mode = s->address_mode[1];
        break;
    default:
        mode = s->address_mode[2];
        break;
    }
    // enum { wrap, mirror, clamp_ogl, clamp_to_edge, clamp_to_border }
    return mode == ANYWARP_ADDRESS_WRAP ? 0 : mode == ANYWARP_ADDRESS_MIRROR ? 1 : mode == ANYWARP_ADDRESS_CLAMP ? 3 : 4;
}

u32 anywarp_b_tex_is_type(u64 address, u32 magic) {
    const AnywarpReference* r = (const AnywarpReference*)address;
    if (!address) return 0;
    return r->magic == ANYWARP_REFERENCE_MAGIC ? r->kind == magic : r->magic == magic;
}
