// Integer instructions that are long in IR: prmt and fns.
#include "common.h"

// PTX ISA 9.7.9.7: each selector nibble picks one of the eight bytes of {b, a}; its top bit replicates that byte's sign.
u32 anywarp_b_prmt(u32 a, u32 b, u32 s) {
    u64 bytes = (u64)b << 32 | a;
    u32 r = 0;
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; ++k) {
        u32 sel = s >> 4 * k;
        u32 byte = (u32)(bytes >> (sel & 7) * 8) & 0xff;
        u32 sign = (byte & 0x80) ? 0xff : 0;
        r |= ((sel & 8) ? sign : byte) << 8 * k;
    }
    return r;
}
#define PICK(k0, k1, k2, k3)                                                                                                                \
    u64 bytes = (u64)b << 32 | a;                                                                                                           \
    return ((u32)(bytes >> 8 * ((k0) & 7)) & 0xff) | ((u32)(bytes >> 8 * ((k1) & 7)) & 0xff) << 8 | ((u32)(bytes >> 8 * ((k2) & 7)) & 0xff) << 16 |  \
           ((u32)(bytes >> 8 * ((k3) & 7)) & 0xff) << 24
u32 anywarp_b_prmt_f4e(u32 a, u32 b, u32 s) {
    s &= 3;
    PICK(s, s + 1, s + 2, s + 3);
}
u32 anywarp_b_prmt_b4e(u32 a, u32 b, u32 s) {
    s &= 3;
    PICK(s, s + 7, s + 6, s + 5);
}
u32 anywarp_b_prmt_rc8(u32 a, u32 b, u32 s) {
    s &= 3;
    (void)b;
    return (a >> 8 * s & 0xff) * 0x01010101u;
}
u32 anywarp_b_prmt_ecl(u32 a, u32 b, u32 s) {
    s &= 3;
    PICK(s, s > 1 ? s : 1, s > 2 ? s : 2, 3);
}
u32 anywarp_b_prmt_ecr(u32 a, u32 b, u32 s) {
    s &= 3;
    PICK(0, s < 1 ? s : 1, s < 2 ? s : 2, s);
}
u32 anywarp_b_prmt_rc16(u32 a, u32 b, u32 s) {
    (void)b;
    return (a >> 16 * (s & 1) & 0xffff) * 0x00010001u;
}

// PTX ISA 9.7.1.17: the offset-th set bit counted from bit `base`, upwards or downwards.
u32 anywarp_b_fns(u32 mask, u32 base, s32 offset) {
    u32 found = ~0u;
    s32 count = 0;
    if (offset == 0) return base < 32 && (mask >> base & 1) ? base : ~0u;
    s32 wanted = offset > 0 ? offset : -offset;
    for (s32 k = 0; k < 32; ++k) {
        s32 position = offset > 0 ? k : 31 - k;
        int inside = offset > 0 ? position >= (s32)base : position <= (s32)base;
        int set = inside && (mask >> position & 1);
        count += set;
        found = set && count == wanted ? (u32)position : found;
    }
    return found;
}
