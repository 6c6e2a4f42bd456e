// Loads, stores and atomics. A thread owns 32 bytes of local memory (array, %d8; generic %d9) and 64 bytes of `own` (%d5); `in`
// (%d1, 512 words) and the constants are only read; `sum` (%d3) takes commutative atomics. PTX ISA 9.0, 9.7.9.8 ff., 9.7.13.5.
#include "generator.h"

namespace anywarp::fuzz {

void Generator::access() {
    unsigned k = pick(20);
    if (k < 9) return simple_access();
    if (k < 14) return near_access();
    if (k < 16) return vector_access();
    if (k < 18) return constants();
    return generic_access();
}

/// The address of `size` bytes at any place of the thread's own global memory.
void Generator::own_address(unsigned size, const char* into) {
    line("and.b32 %t6, " + word() + ", " + std::to_string(64 - size) + ";");
    line(std::string("cvt.u64.u32 ") + into + ", %t6;");
    line(std::string("add.s64 ") + into + ", " + into + ", %d5;");
}

void Generator::simple_access() {
    const char* loads[] = {"u8", "s8", "u16", "s16", "u32", "s32"};
    const unsigned sizes[] = {1, 1, 2, 2, 4, 4};
    unsigned k = pick(6), size = sizes[k];
    std::string type = loads[k], plain = "b" + std::to_string(size * 8);
    auto local_address = [&] {
        line("and.b32 %t6, " + word() + ", " + std::to_string(32 - size) + ";");
        line("cvt.u64.u32 %d7, %t6;");
        line("add.s64 %d7, %d7, %d8;");
    };
    switch (pick(6)) {
    case 0:
        local_address();
        line(guard() + "st.local." + plain + " [%d7], " + word() + ";");
        break;
    case 1:
        local_address();
        line(guard() + "ld.local." + type + " " + word() + ", [%d7];");
        break;
    case 2:
        own_address(size, "%d6");
        line(guard() + "st.global." + plain + " [%d6], " + word() + ";");
        break;
    case 3:
        own_address(size, "%d6");
        line(guard() + "ld.global." + type + " " + word() + ", [%d6];");
        break;
    case 4:
        line(guard() + "ld.global.u64 " + longword() + ", [%d5+" + std::to_string(pick(8) * 8) + "];");
        break;
    default:
        line(guard() + "st.global.u64 [%d5+" + std::to_string(pick(8) * 8) + "], " + longword() + ";");
    }
}

/// Indexes near the thread's number: the shapes that become vector loads, and those that only look like it.
void Generator::near_access() {
    switch (pick(3)) {
    case 0: // may wrap below zero or run past the end, tested unsigned
        line("mad.lo.s32 %t6, %t0, " + one({"1", "1", "1", "2", "-1", "3", "0x40000001", "0x80000001"}) + ", " +
             std::to_string(int(pick(40)) - 20) + ";");
        line("setp.lt.u32 %p5, %t6, " + std::to_string(1 + pick(512)) + ";");
        line(one({"mul.wide.u32", "mul.wide.s32"}) + " %d6, %t6, 4;");
        line("add.s64 %d6, %d6, %d1;");
        line("@%p5 ld.global.u32 " + word() + ", [%d6];");
        break;
    case 1: { // wraps in 32, 16 or 8 bits, then is masked
        std::string from = chance(70) ? "%t0" : word();
        if (chance(30)) line("mul.lo.s32 %t6, " + from + ", " + std::to_string(2 + pick(6)) + ";"), from = "%t6";
        line("add.s32 %t6, " + from + ", " + one({"0xfffffff8", "0xffffffe1", "0x7ffffff0", "5", "0xfff9", "0xf5"}) + ";");
        unsigned how = pick(4);
        if (how == 0) {
            line("cvt.u16.u32 %c0, %t6;");
            line("add.s16 %c0, %c0, " + std::to_string(pick(300)) + ";");
            line("cvt.u32.u16 %t6, %c0;");
        }
        if (how == 1) line("cvt.u32.u8 %t6, %t6;");
        if (how == 2) line("shr.u32 %t6, %t6, " + std::to_string(pick(4)) + ";");
        line("and.b32 %t6, %t6, " + std::to_string(((2u << pick(9)) - 1) & 511) + ";");
        line("mul.wide.u32 %d6, %t6, 4;");
        line("add.s64 %d6, %d6, %d1;");
        line(guard() + "ld.global." + one({"u32", "u32", "nc.u16", "nc.s8"}) + " " + word() + ", [%d6];");
        break;
    }
    default: // bytes: consecutive or strided
        line("mad.lo.s32 %t6, %t0, " + std::to_string(1 + pick(3)) + ", " + std::to_string(pick(50)) + ";");
        line("cvt.u64.u32 %d6, %t6;");
        line("add.s64 %d6, %d6, %d1;");
        line(guard() + "ld.global." + one({"u8", "s8"}) + " " + word() + ", [%d6];");
    }
}

void Generator::vector_access() {
    auto words = [&](unsigned n, bool distinct) {
        std::string s = "{";
        unsigned start = pick(words_);
        for (unsigned i = 0; i < n; ++i) s += (i ? ", " : "") + (distinct ? "%r" + std::to_string((start + i * 3) % words_) : word());
        return s + "}";
    };
    switch (pick(7)) {
    case 0:
        own_address(16, "%d6");
        line(guard() + "ld.global.v4.u32 " + words(4, true) + ", [%d6];");
        break;
    case 1:
        own_address(16, "%d6");
        line(guard() + "st.global.v4.b32 [%d6], " + words(4, false) + ";");
        break;
    case 2:
        own_address(8, "%d6");
        line(guard() + one({"ld.global.v2.u32 ", "ld.global.v2.s32 "}) + words(2, true) + ", [%d6];");
        break;
    case 3:
        own_address(4, "%d6");
        line(guard() + one({"ld.global.v4.u8 ", "ld.global.v4.s8 "}) + words(4, true) + ", [%d6];");
        break;
    case 4:
        own_address(4, "%d6");
        line(guard() + one({"st.global.v2.b16 ", "st.global.v2.u16 "}) + "[%d6], {" + shortword() + ", " + shortword() + "};");
        break;
    case 5: // an element per thread
        line("and.b32 %t6, %t0, 31;");
        line("mad.wide.u32 %d6, %t6, 16, %d1;");
        line(guard() + "ld.global.nc.v4.u32 " + words(4, true) + ", [%d6+" + std::to_string(pick(64) * 16) + "];");
        break;
    default:
        line("and.b32 %t6, " + word() + ", 16;");
        line("cvt.u64.u32 %d7, %t6;");
        line("add.s64 %d7, %d7, %d8;");
        if (chance(50))
            line(guard() + "ld.local.v4.u32 " + words(4, true) + ", [%d7];");
        else
            line(guard() + "st.local.v4.b32 [%d7], " + words(4, false) + ";");
    }
}

void Generator::constants() {
    switch (pick(5)) {
    case 0:
        line("and.b32 %t6, " + word() + ", 60;");
        line("cvt.u64.u32 %d7, %t6;");
        line("mov.u64 %d6, table;");
        line("add.s64 %d7, %d7, %d6;");
        line(guard() + "ld.const.u32 " + word() + ", [%d7];");
        break;
    case 1:
        line(guard() + "ld.const.u32 " + word() + ", [table+" + std::to_string(pick(16) * 4) + "];");
        break;
    case 2:
        line(guard() + one({"ld.param.u32 ", "ld.param.b32 "}) + word() + ", [scalar];");
        break;
    case 3:
        line(guard() + one({"ld.param.u16 ", "ld.param.s8 ", "ld.param.u8 "}) + word() + ", [scalar+" + one({"0", "2"}) + "];");
        break;
    default:
        line(guard() + "ld.param.u64 " + longword() + ", [wide];");
    }
}

void Generator::generic_access() {
    switch (pick(4)) {
    case 0:
        line("and.b32 %t6, " + word() + ", 28;");
        line("cvt.u64.u32 %d7, %t6;");
        line("add.s64 %d7, %d7, %d9;");
        line(guard() + one({"ld.u32 ", "ld.s16 ", "ld.u8 "}) + word() + ", [%d7];");
        break;
    case 1: // either the array or global memory
        line("and.b32 %t6, " + word() + ", 28;");
        line("cvt.u64.u32 %d7, %t6;");
        line("selp.b64 %d6, %d9, %d5, " + predicate() + ";");
        line("add.s64 %d7, %d7, %d6;");
        line(guard() + (chance(50) ? "ld.u32 " + word() + ", [%d7];" : "st.u32 [%d7], " + word() + ";"));
        break;
    case 2:
        line("isspacep." + one({"local", "global", "shared"}) + " " + predicate() + ", " + one({"%d9", "%d5"}) + ";");
        break;
    default:
        own_address(4, "%d6");
        line(guard() + (chance(50) ? "ld.u32 " + word() + ", [%d6];" : "st.u16 [%d6], " + word() + ";"));
    }
}

void Generator::atomic() {
    std::string mine = "[%d5+" + std::to_string(pick(16) * 4) + "]", mine8 = "[%d5+" + std::to_string(pick(8) * 8) + "]";
    std::string order = one({"", "", ".relaxed.gpu", ".acq_rel.sys", ".release.cta"});
    switch (pick(9)) {
    case 0:
        line(guard() + "atom" + order + ".global." +
             one({"add.u32", "max.s32", "min.u32", "and.b32", "or.b32", "xor.b32", "exch.b32", "inc.u32", "dec.u32", "min.s32", "add.s32"}) + " " +
             word() + ", " + mine + ", " + word() + ";");
        break;
    case 1:
        line(guard() + "atom" + order + ".global.cas.b32 " + word() + ", " + mine + ", " + word() + ", " + word() + ";");
        break;
    case 2: // tickets: their sum doesn't depend on the order
        line(guard() + "atom.global.add.u32 %t7, [%d3+32], 1;");
        line("mov.u32 %t7, 0;");
        line("atom.global.add.u32 %t7, [%d3+36], 1;");
        line("red.global.add.u32 [%d3+40], %t7;");
        break;
    case 3:
        line(guard() + "atom.global." + one({"add.u64", "max.s64", "min.u64", "and.b64", "xor.b64", "exch.b64"}) + " " + longword() + ", " + mine8 +
             ", " + longword() + ";");
        break;
    case 4:
        line(guard() + "atom.global.cas.b64 " + longword() + ", " + mine8 + ", " + longword() + ", " + longword() + ";");
        break;
    case 5:
        line(guard() + "red.global." + one({"add.u64 [%d3+48], ", "max.u64 [%d3+56], "}) + longword() + ";");
        break;
    case 6: // floats on the thread's own memory, where nothing else can see which NaN it is
        if (!floats_) return;
        if (chance(50)) {
            line(guard() + "atom.global.add.f32 " + single() + ", " + mine + ", " + single() + ";");
            line("ld.global.f32 %f1, " + mine + ";");
            canonical32("%t6", "%f1");
            line("st.global.b32 " + mine + ", %t6;");
        } else {
            line(guard() + "red.global.add.f64 " + mine8 + ", " + real() + ";");
            line("ld.global.f64 %g1, " + mine8 + ";");
            canonical64("%w0", "%g1");
            line("st.global.b64 " + mine8 + ", %w0;");
        }
        break;
    default: {
        const char* operations[] = {"add.u32", "max.u32", "min.s32", "xor.b32", "or.b32"};
        unsigned k = pick(5);
        line(guard() + "red" + order + ".global." + operations[k] + " [%d3+" + std::to_string(k * 4) + "], " + word() + ";");
    }
    }
}

} // namespace anywarp::fuzz
