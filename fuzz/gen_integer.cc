// Integer arithmetic of all widths, extended precision, bit fields, video instructions, predicates, moves. PTX ISA 9.0, 9.7.1,
// 9.7.2, 9.7.6, 9.7.8, 9.7.9.3, 9.7.9.7, 9.7.9.21, 9.7.18.
#include "generator.h"

namespace anywarp::fuzz {

void Generator::integer() {
    switch (pick(20)) {
    case 0:
    case 1:
        return integer16();
    case 2:
    case 3:
    case 4:
        return integer64();
    case 5:
        return extended();
    case 6:
    case 7:
        return bit_field();
    case 8:
        return dot_product();
    case 9:
        return video();
    case 10:
    case 11:
        return predicates();
    case 12:
        return moves();
    case 13:
    case 14:
        return convert_integer();
    default:
        return integer32();
    }
}

void Generator::integer16() {
    std::string d = shortword(), a = shortword(), b = short_source(), type = chance(50) ? "s16" : "u16";
    switch (pick(10)) {
    case 0:
        line(guard() + one({"add.", "sub.", "min.", "max.", "mul.lo.", "mul.hi."}) + type + " " + d + ", " + a + ", " + b + ";");
        break;
    case 1:
        line(guard() + "mad." + one({"lo.", "hi."}) + type + " " + d + ", " + a + ", " + b + ", " + shortword() + ";");
        break;
    case 2:
        line(guard() + one({"and", "or", "xor"}) + ".b16 " + d + ", " + a + ", " + b + ";");
        break;
    case 3:
        line(guard() + one({"not.b16", "neg.s16", "abs.s16", "cnot.b16"}) + " " + d + ", " + a + ";");
        break;
    case 4:
        line(guard() + one({"shl.b16", "shr.u16", "shr.s16"}) + " " + d + ", " + a + ", " + source() + ";");
        break;
    case 5:
        line("or.b16 %c0, " + shortword() + ", 1;");
        line(guard() + one({"div.", "rem."}) + type + " " + d + ", " + a + ", %c0;");
        break;
    case 6:
        line(guard() + one({"mul.wide.u16", "mul.wide.s16"}) + " " + word() + ", " + a + ", " + b + ";");
        break;
    case 7:
        line(guard() + "mad.wide." + type + " " + word() + ", " + a + ", " + b + ", " + word() + ";");
        break;
    case 8:
        line(guard() + "setp." + one({"lt", "ge", "eq", "ne", "gt", "le"}) + "." + type + " " + predicate() + ", " + a + ", " + b + ";");
        break;
    default:
        line(guard() + one({"sad.s16", "sad.u16"}) + " " + d + ", " + a + ", " + b + ", " + shortword() + ";");
    }
}

void Generator::integer32() {
    switch (pick(14)) {
    case 0:
        line(guard() + one({"not.b32", "neg.s32", "abs.s32", "popc.b32", "clz.b32", "brev.b32", "bfind.s32", "bfind.u32",
                            "bfind.shiftamt.u32", "cnot.b32"}) +
             " " + word() + ", " + word() + ";");
        break;
    case 1:
        line(guard() + "selp.b32 " + word() + ", " + word() + ", " + source() + ", " + predicate() + ";");
        break;
    case 2:
        line(guard() + "slct." + one({"b32", "s32", "u32"}) + ".s32 " + word() + ", " + word() + ", " + source() + ", " + word() + ";");
        break;
    case 3:
        line(guard() + one({"mad.lo.s32", "mad.lo.u32", "mad.hi.s32", "mad.hi.u32", "mad.hi.sat.s32"}) + " " + word() + ", " + word() +
             ", " + source() + ", " + word() + ";");
        break;
    case 4:
        line(guard() + "lop3.b32 " + word() + ", " + word() + ", " + word() + ", " + source() + ", " + std::to_string(pick(256)) + ";");
        break;
    case 5:
        line("or.b32 %t6, " + word() + ", 1;");
        line(guard() + one({"div", "rem"}) + one({".s32 ", ".u32 "}) + word() + ", " + word() + ", %t6;");
        break;
    case 6:
        line(guard() + one({"mul24.lo.s32", "mul24.hi.s32", "mul24.lo.u32", "mul24.hi.u32"}) + " " + word() + ", " + word() + ", " +
             source() + ";");
        break;
    case 7:
        line(guard() + one({"mad24.lo.s32", "mad24.hi.s32", "mad24.lo.u32", "mad24.hi.u32", "mad24.hi.sat.s32"}) + " " + word() +
             ", " + word() + ", " + source() + ", " + word() + ";");
        break;
    case 8:
        line(guard() + one({"sad.s32", "sad.u32"}) + " " + word() + ", " + word() + ", " + source() + ", " + word() + ";");
        break;
    case 9: // division by a constant
        line(guard() + one({"div", "rem"}) + one({".s32 ", ".u32 "}) + word() + ", " + word() + ", " +
             one({"3", "7", "10", "-5", "641", "0x7fffffff", "-2", "16", "1"}) + ";");
        break;
    default:
        line(guard() +
             one({"add.s32", "sub.s32", "mul.lo.s32", "mul.hi.u32", "mul.hi.s32", "and.b32", "or.b32", "xor.b32", "min.s32",
                  "max.u32", "min.u32", "max.s32", "shl.b32", "shr.u32", "shr.s32", "shr.b32", "add.sat.s32", "sub.sat.s32"}) +
             " " + word() + ", " + word() + ", " + source() + ";");
    }
}

void Generator::integer64() {
    std::string d = longword(), a = longword();
    switch (pick(11)) {
    case 0:
        line(guard() + one({"not.b64", "neg.s64", "abs.s64", "brev.b64", "cnot.b64"}) + " " + d + ", " + a + ";");
        break;
    case 1:
        line(guard() + one({"popc.b64", "clz.b64", "bfind.s64", "bfind.u64", "bfind.shiftamt.s64"}) + " " + word() + ", " + a + ";");
        break;
    case 2:
        line(guard() + one({"mul.wide.s32", "mul.wide.u32"}) + " " + d + ", " + word() + ", " + source() + ";");
        break;
    case 3:
        line(guard() + one({"mad.wide.s32", "mad.wide.u32"}) + " " + d + ", " + word() + ", " + source() + ", " + a + ";");
        break;
    case 4:
        line(guard() + one({"shl.b64", "shr.u64", "shr.s64"}) + " " + d + ", " + a + ", " +
             (chance(50) ? std::to_string(pick(70)) : word()) + ";");
        break;
    case 5:
        line("or.b64 %w0, " + longword() + ", 1;");
        line(guard() + one({"div", "rem"}) + one({".s64 ", ".u64 "}) + d + ", " + a + ", %w0;");
        break;
    case 6:
        line(guard() + "setp." + one({"lt.s64", "ge.u64", "eq.b64", "ne.s64", "gt.u64", "le.s64", "lo.u64", "hs.u64"}) + " " +
             predicate() + ", " + a + ", " + long_source() + ";");
        break;
    case 7:
        line(guard() + "selp.b64 " + d + ", " + a + ", " + long_source() + ", " + predicate() + ";");
        break;
    case 8:
        line(guard() + one({"mad.lo.s64", "mad.hi.u64", "mad.hi.s64"}) + " " + d + ", " + a + ", " + long_source() + ", " + longword() +
             ";");
        break;
    default:
        line(guard() +
             one({"add.s64", "sub.u64", "mul.lo.s64", "mul.hi.u64", "mul.hi.s64", "and.b64", "or.b64", "xor.b64", "min.s64",
                  "max.u64", "min.u64", "max.s64"}) +
             " " + d + ", " + a + ", " + long_source() + ";");
    }
}

/// Chains through the carry flag, never interrupted.
void Generator::extended() {
    std::string kind = chance(70) ? "u32" : "s32";
    switch (pick(4)) {
    case 0:
        line("add.cc." + kind + " " + word() + ", " + word() + ", " + source() + ";");
        for (unsigned i = pick(3); i--;) line("addc.cc." + kind + " " + word() + ", " + word() + ", " + source() + ";");
        line("addc." + kind + " " + word() + ", " + word() + ", " + source() + ";");
        break;
    case 1:
        line("sub.cc." + kind + " " + word() + ", " + word() + ", " + source() + ";");
        for (unsigned i = pick(3); i--;) line("subc.cc." + kind + " " + word() + ", " + word() + ", " + source() + ";");
        line("subc." + kind + " " + word() + ", " + word() + ", " + source() + ";");
        break;
    case 2:
        line("mad.lo.cc." + kind + " " + word() + ", " + word() + ", " + source() + ", " + word() + ";");
        if (chance(50)) line("madc.hi.cc." + kind + " " + word() + ", " + word() + ", " + source() + ", " + word() + ";");
        line("madc." + one({"lo.", "hi."}) + kind + " " + word() + ", " + word() + ", " + source() + ", " + word() + ";");
        break;
    default:
        line("add.cc.u64 " + longword() + ", " + longword() + ", " + long_source() + ";");
        line("addc.u64 " + longword() + ", " + longword() + ", " + long_source() + ";");
    }
}

void Generator::bit_field() {
    switch (pick(10)) {
    case 0:
        line(guard() + one({"bfe.u32", "bfe.s32"}) + " " + word() + ", " + word() + ", " + source() + ", " + source() + ";");
        break;
    case 1:
        line(guard() + one({"bfe.u64", "bfe.s64"}) + " " + longword() + ", " + longword() + ", " + source() + ", " + source() + ";");
        break;
    case 2:
        line(guard() + "bfi.b32 " + word() + ", " + word() + ", " + word() + ", " + source() + ", " + source() + ";");
        break;
    case 3:
        line(guard() + "bfi.b64 " + longword() + ", " + longword() + ", " + longword() + ", " + source() + ", " + source() + ";");
        break;
    case 4:
        line(guard() + "prmt.b32" + one({"", "", ".f4e", ".b4e", ".rc8", ".ecl", ".ecr", ".rc16"}) + " " + word() + ", " + word() + ", " +
             word() + ", " + (chance(50) ? word() : std::to_string(pick(65536))) + ";");
        break;
    case 5:
        line(guard() + "shf." + one({"l", "r"}) + one({".clamp", ".wrap"}) + ".b32 " + word() + ", " + word() + ", " + word() + ", " +
             source() + ";");
        break;
    case 6:
        line(guard() + "szext." + one({"clamp.", "wrap."}) + one({"s32", "u32"}) + " " + word() + ", " + word() + ", " + source() + ";");
        break;
    case 7:
        line(guard() + "bmsk." + one({"clamp", "wrap"}) + ".b32 " + word() + ", " + source() + ", " + word() + ";");
        break;
    case 8:
        line("and.b32 %t6, " + word() + ", 31;");
        line(guard() + "fns.b32 " + word() + ", " + word() + ", %t6, " + std::to_string(int(pick(9)) - 4) + ";");
        break;
    default:
        line(guard() + "bfe.u32 " + word() + ", " + word() + ", " + std::to_string(pick(32)) + ", " + std::to_string(pick(33)) + ";");
    }
}

void Generator::dot_product() {
    if (chance(50))
        line(guard() + "dp4a." + one({"u32.u32", "u32.s32", "s32.u32", "s32.s32"}) + " " + word() + ", " + word() + ", " + word() + ", " +
             word() + ";");
    else
        line(guard() + "dp2a." + one({"lo.", "hi."}) + one({"u32.u32", "u32.s32", "s32.u32", "s32.s32"}) + " " + word() + ", " + word() +
             ", " + word() + ", " + word() + ";");
}

void Generator::video() {
    auto selected = [&] { return word() + (chance(70) ? one({".b0", ".b1", ".b2", ".b3", ".h0", ".h1"}) : std::string()); };
    std::string types = one({"s32.s32.s32", "u32.u32.u32", "s32.u32.s32", "u32.s32.s32", "s32.u32.u32"});
    switch (pick(6)) {
    case 0:
        line(guard() + one({"vadd.", "vsub.", "vabsdiff.", "vmin.", "vmax."}) + types + one({"", ".sat"}) + " " + word() + ", " +
             selected() + ", " + selected() + ";");
        break;
    case 1:
        line(guard() + one({"vadd.", "vsub.", "vabsdiff.", "vmin.", "vmax."}) + types + one({"", ".sat"}) + one({".add ", ".min ", ".max "}) +
             word() + ", " + selected() + ", " + selected() + ", " + word() + ";");
        break;
    case 2:
        line(guard() + one({"vshl.", "vshr."}) + one({"u32.u32.u32", "s32.s32.u32"}) + one({"", ".sat"}) + one({".clamp ", ".wrap "}) +
             word() + ", " + selected() + ", " + selected() + ";");
        break;
    case 3:
        line(guard() + one({"vadd4.", "vsub4.", "vavrg4.", "vabsdiff4.", "vmin4.", "vmax4.", "vadd2.", "vsub2.", "vavrg2.",
                            "vabsdiff2.", "vmin2.", "vmax2."}) +
             one({"s32.s32.s32", "u32.u32.u32", "s32.u32.s32"}) + one({"", ".sat"}) + " " + word() + ", " + word() + ", " + word() +
             ", " + word() + ";");
        break;
    case 4:
        line(guard() + one({"vset2.", "vset4."}) + one({"s32.s32.", "u32.u32."}) + one({"lt ", "ge ", "eq ", "ne "}) + word() + ", " +
             word() + ", " + word() + ", " + word() + ";");
        break;
    default:
        line(guard() + one({"vset.s32.s32.", "vset.u32.u32.", "vset.s32.u32."}) + one({"lt ", "ge ", "eq ", "gt "}) + word() + ", " +
             selected() + ", " + selected() + ";");
    }
}

void Generator::predicates() {
    switch (pick(6)) {
    case 0:
        line(guard() + "setp." + one({"eq", "ne", "lt", "ge"}) + one({".and", ".or", ".xor"}) + ".s32 " + predicate() + "|%p7, " + word() +
             ", " + source() + ", " + (chance(50) ? "!" : "") + predicate() + ";");
        break;
    case 1:
        line(one({"and", "or", "xor"}) + ".pred " + predicate() + ", " + predicate() + ", " + predicate() + ";");
        break;
    case 2:
        line("not.pred " + predicate() + ", " + predicate() + ";");
        break;
    case 3:
        line(guard() + "set." + one({"eq", "lt", "hi", "ls"}) + ".u32.u32 " + word() + ", " + word() + ", " + source() + ";");
        break;
    case 4:
        line("set." + one({"ne", "ge"}) + one({".and", ".or"}) + ".s32.s32 " + word() + ", " + word() + ", " + source() + ", " +
             predicate() + ";");
        break;
    default:
        line(guard() + "setp." + one({"eq.s32", "ne.s32", "lt.s32", "gt.u32", "ge.s32", "le.u32", "lo.u32", "hs.u32", "ls.u32", "hi.u32"}) +
             " " + predicate() + ", " + word() + ", " + source() + ";");
    }
}

void Generator::moves() {
    switch (pick(8)) {
    case 0:
        line(guard() + "mov.b64 " + longword() + ", {" + word() + ", " + word() + "};");
        break;
    case 1: {
        std::string a = word(), b = word();
        if (a != b) line(guard() + "mov.b64 {" + a + ", " + b + "}, " + longword() + ";");
        break;
    }
    case 2:
        line(guard() + "mov.b32 " + word() + ", {" + shortword() + ", " + shortword() + "};");
        break;
    case 3: {
        std::string a = shortword(), b = shortword();
        if (a != b) line(guard() + "mov.b32 {" + a + ", " + b + "}, " + word() + ";");
        break;
    }
    case 4:
        line(guard() + "mov.u32 " + word() + ", " + one({"%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ctaid.x", "%nctaid.x"}) +
             ";");
        break;
    case 5:
        line("mov.b32 " + word() + ", %t11;"); // the scalar parameter
        break;
    case 6:
        line(guard() + "mov.b64 " + longword() + ", {" + shortword() + ", " + shortword() + ", " + shortword() + ", " + shortword() + "};");
        break;
    default:
        line(guard() + "mov.b32 " + word() + ", " + word() + ";");
    }
}

void Generator::convert_integer() {
    switch (pick(8)) {
    case 0:
        line(guard() + "cvt.s64.s32 " + longword() + ", " + word() + ";");
        break;
    case 1:
        line(guard() + one({"cvt.u32.u64", "cvt.sat.s32.s64", "cvt.sat.u32.s64", "cvt.s32.s64", "cvt.sat.u32.u64"}) + " " + word() + ", " +
             longword() + ";");
        break;
    case 2:
        line(guard() + one({"cvt.u16.u32", "cvt.sat.s16.s32", "cvt.sat.u16.s32", "cvt.sat.u16.u32"}) + " " + shortword() + ", " + word() +
             ";");
        break;
    case 3:
        line(guard() + one({"cvt.s32.s16", "cvt.u32.u16", "cvt.sat.u32.s16", "cvt.u32.u8", "cvt.s32.s8"}) + " " + word() + ", " +
             shortword() + ";");
        break;
    case 4:
        line(guard() + one({"cvt.u32.u8", "cvt.s32.s8", "cvt.u32.u16", "cvt.s32.s16", "cvt.sat.u8.s32", "cvt.sat.s8.s32", "cvt.u8.u32"}) +
             " " + word() + ", " + word() + ";");
        break;
    case 5:
        line(guard() + one({"cvt.u64.u16", "cvt.s64.s16"}) + " " + longword() + ", " + shortword() + ";");
        break;
    case 6:
        line(guard() + one({"cvt.pack.sat.s16.s32", "cvt.pack.sat.u16.s32"}) + " " + word() + ", " + word() + ", " + word() + ";");
        break;
    default:
        line(guard() + one({"cvt.pack.sat.u8.s32.b32", "cvt.pack.sat.s8.s32.b32"}) + " " + word() + ", " + word() + ", " + word() + ", " +
             word() + ";");
    }
}

} // namespace anywarp::fuzz
