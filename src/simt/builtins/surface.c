// Surfaces: where an access goes, and the conversion of formatted stores.
//
// The access itself is an ordinary load, store or atomic that the lowering emits. Out of range means what the instruction says:
// .clamp moves the coordinates to the border, .zero and .trap get the address 0 and are the lowering's matter. Faces of a cube
// count as layers. Included behind texture.c, whose rules hold here too.

enum { // texture.cc passes these
    surface_clamp,
    surface_zero_or_trap
};

INLINE Texture surface_of(u64 handle) {
    Texture t = (Texture)follow(handle);
    return (Texture)(t->magic == ANYWARP_SURFACE_MAGIC ? (u64)t : BAD_ADDRESS);
}

INLINE u32 slices_of(Texture t) {
    u32 cube = t->geometry == ANYWARP_GEOMETRY_CUBE || t->geometry == ANYWARP_GEOMETRY_CUBE_LAYERED;
    return cube ? t->layers * 6 : t->layers;
}

// x is in bytes, or in texels for formatted accesses. `bytes` is a power of two; x is rounded down to a multiple of it.
u64 anywarp_b_surf_address(u64 handle, u32 mode, u32 dimensions, u32 layered, u32 layer, s32 x, s32 y, s32 z, u32 bytes,
                           u32 formatted) {
    Texture t = surface_of(handle);
    s32 texel = (s32)t->texel_bytes;
    s64 at = formatted ? (s64)x * texel : (s64)x;
    s64 size = formatted ? texel : (s64)bytes;
    s64 last_x = (s64)t->width * texel - size;
    s32 last_y = (s32)t->height - 1, last_z = (s32)t->depth - 1;
    u32 slices = slices_of(t);
    u32 inside = at >= 0 && at <= last_x;
    if (dimensions > 1) inside &= y >= 0 && y <= last_y;
    if (dimensions > 2) inside &= z >= 0 && z <= last_z;
    if (layered) inside &= layer < slices;
    at = at < last_x ? at : last_x;
    at = at > 0 ? at : 0;
    if (!formatted) at &= -(s64)bytes;
    y = dimensions > 1 ? clamp_index(y, last_y + 1) : 0;
    z = dimensions > 2 ? clamp_index(z, last_z + 1) : 0;
    u64 slice = layered ? clamp_layer(layer, slices) : (u64)z;
    u64 address = t->levels[0].data + slice * t->levels[0].slice_pitch + (u64)y * t->levels[0].row_pitch + (u64)at;
    return mode == surface_clamp || inside ? address : 0;
}

u32 anywarp_b_surf_is_signed(u64 handle) { return surface_of(handle)->format & 1; }

INLINE u32 saturated(u32 value, u32 is_signed, s32 low, u32 high) {
    if (is_signed) {
        s32 v = (s32)value;
        v = v < low ? low : v;
        return (u32)(v > (s32)high ? (s32)high : v);
    }
    return value < high ? value : high;
}

// To the nearest of 0..max or -max..max; NaN becomes 0.
INLINE u32 quantized(u32 bits, u32 is_signed, float max) {
    float v = float_of(bits), low = is_signed ? -1 : 0;
    v = v == v ? v : 0;
    v = v < low ? low : v;
    v = v > 1 ? 1 : v;
    return (u32)(s32)__builtin_rintf(v * max);
}

INLINE u32 to_format(Texture t, u32 value) {
    u32 format = t->format, is_signed = format & 1;
    if (format == ANYWARP_FORMAT_F16) {
        float f = float_of(value);
        return f == f ? bits_of_half((_Float16)f) : 0x7fff; // PTX's NaN
    }
    if (format >= ANYWARP_FORMAT_U32) return value;
    u32 narrow = format <= ANYWARP_FORMAT_S8, max = narrow ? (is_signed ? 127 : 255) : (is_signed ? 32767 : 65535);
    if (t->read_float) return quantized(value, is_signed, (float)(s32)max);
    return saturated(value, is_signed, -(s32)max - 1, max);
}

// sust.p: converts x, y, z, w to the surface's format and stores one texel.
void anywarp_b_surf_store(u64 handle, u64 address, u32 x, u32 y, u32 z, u32 w) {
    Texture t = surface_of(handle);
    u32 bytes = t->texel_bytes, channels = t->channels, format = t->format;
    x = to_format(t, x);
    y = to_format(t, y);
    z = to_format(t, z);
    w = to_format(t, w);
    if (format <= ANYWARP_FORMAT_S8) {
        if (channels == 1)
            *(u8*)address = (u8)x;
        else if (channels == 2)
            *(u16*)address = (u16)((x & 255) | y << 8);
        else
            *(u32*)address = (x & 255) | (y & 255) << 8 | (z & 255) << 16 | w << 24;
    } else if (format <= ANYWARP_FORMAT_S16 || format == ANYWARP_FORMAT_F16) {
        if (bytes == 2) {
            *(u16*)address = (u16)x;
        } else {
            *(u32*)address = (x & 0xffff) | y << 16;
            if (bytes > 4) *(u32*)(address + 4) = (z & 0xffff) | w << 16;
        }
    } else {
        *(u32*)address = x;
        if (bytes > 4) *(u32*)(address + 4) = y;
        if (bytes > 8) {
            *(u32*)(address + 8) = z;
            *(u32*)(address + 12) = w;
        }
    }
}
