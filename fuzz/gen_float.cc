// Floating point of all formats: what must agree bit for bit. Of the approximations only the special values are used that PTX ISA
// 9.0 tabulates (9.7.3). Conversions: 9.7.9.21.
#include "generator.h"

namespace anywarp::fuzz {

void Generator::floating() {
    switch (pick(14)) {
    case 0:
    case 1:
    case 2:
        return single_precision();
    case 3:
    case 4:
        return double_precision();
    case 5:
    case 6:
        return half_precision();
    case 7:
        return compare_floats();
    case 8:
        return special_values();
    case 9:
    case 10:
        return bits_to_float();
    default:
        return float_to_bits();
    }
}

void Generator::canonical32(const std::string& to, const std::string& from) {
    line("setp.nan.f32 %p8, " + from + ", " + from + ";");
    line("mov.b32 %t6, " + from + ";");
    line("selp.b32 " + to + ", 0x7fffffff, %t6, %p8;");
}
void Generator::canonical64(const std::string& to, const std::string& from) {
    line("setp.nan.f64 %p8, " + from + ", " + from + ";");
    line("mov.b64 %w0, " + from + ";");
    line("selp.b64 " + to + ", 0x7ff8000000000000, %w0, %p8;");
}
void Generator::canonical_pair(const std::string& to, const std::string& from, bool bfloat) {
    line("mov.b32 {%c1, %c2}, " + from + ";");
    for (const char* c : {"%c1", "%c2"}) {
        line(std::string("setp.nan.") + (bfloat ? "bf16" : "f16") + " %p8, " + c + ", " + c + ";");
        line(std::string("selp.b16 ") + c + ", 0x7fff, " + c + ", %p8;");
    }
    line("mov.b32 " + to + ", {%c1, %c2};");
}

void Generator::single_precision() {
    std::string d = single(), a = single(), b = single(), ftz = chance(30) ? ".ftz" : "", sat = chance(15) ? ".sat" : "";
    std::string rounding = one({".rn", ".rz", ".rm", ".rp"});
    switch (pick(12)) {
    case 0:
    case 1:
        line(guard() + one({"add", "sub", "mul"}) + rounding + ftz + sat + ".f32 " + d + ", " + a + ", " + b + ";");
        break;
    case 2:
    case 3:
        line(guard() + "fma" + rounding + ftz + sat + ".f32 " + d + ", " + a + ", " + b + ", " + single() + ";");
        break;
    case 4:
        line(guard() + "div" + rounding + ftz + ".f32 " + d + ", " + a + ", " + b + ";");
        break;
    case 5:
        line(guard() + one({"sqrt", "rcp"}) + rounding + ftz + ".f32 " + d + ", " + a + ";");
        break;
    case 6:
        line(guard() + one({"min", "max"}) + ftz + one({"", "", ".NaN"}) + ".f32 " + d + ", " + a + ", " + b + ";");
        break;
    case 7:
        canonical32("%t6", a); // the sign of a NaN is anybody's
        line("mov.b32 %t7, %t6;");
        canonical32("%t6", b);
        line(guard() + one({"min", "max"}) + ftz + one({"", ".NaN"}) + ".xorsign.abs.f32 " + d + ", %t7, %t6;");
        break;
    case 8:
        line(guard() + one({"abs", "neg"}) + ftz + ".f32 " + d + ", " + a + ";");
        break;
    case 9:
        canonical32("%t6", a);
        line(guard() + "copysign.f32 " + d + ", %t6, " + b + ";");
        break;
    case 10:
        line(guard() + one({"cvt.rni", "cvt.rzi", "cvt.rmi", "cvt.rpi"}) + ftz + sat + ".f32.f32 " + d + ", " + a + ";");
        break;
    default:
        line(guard() + "selp.f32 " + d + ", " + a + ", " + (chance(50) ? b : one({"0f3F800000", "0f80000000", "0f7F800000", "0f00000001", "2.5"})) +
             ", " + predicate() + ";");
    }
}

void Generator::double_precision() {
    std::string d = real(), a = real(), b = real(), rounding = one({".rn", ".rz", ".rm", ".rp"});
    switch (pick(9)) {
    case 0:
    case 1:
        line(guard() + one({"add", "sub", "mul"}) + rounding + ".f64 " + d + ", " + a + ", " + b + ";");
        break;
    case 2:
        line(guard() + "fma" + rounding + ".f64 " + d + ", " + a + ", " + b + ", " + real() + ";");
        break;
    case 3:
        line(guard() + one({"div", "div", "add"}) + rounding + ".f64 " + d + ", " + a + ", " + b + ";");
        break;
    case 4:
        line(guard() + one({"sqrt", "rcp"}) + rounding + ".f64 " + d + ", " + a + ";");
        break;
    case 5:
        canonical64("%w0", a);
        line(guard() + one({"min", "max", "copysign"}) + ".f64 " + d + ", %w0, " + b + ";");
        break;
    case 6:
        line(guard() + one({"abs.f64 ", "neg.f64 ", "cvt.rni.f64.f64 ", "cvt.rmi.f64.f64 ", "cvt.rpi.f64.f64 ", "cvt.rzi.f64.f64 "}) + d +
             ", " + a + ";");
        break;
    case 7:
        line(guard() + "cvt.f64.f32 " + d + ", " + single() + ";");
        break;
    default:
        line(guard() + "cvt" + rounding + (chance(20) ? ".ftz" : "") + (chance(15) ? ".sat" : "") + ".f32.f64 " + single() + ", " + a + ";");
    }
}

/// %h0 and %h1 hold f16 pairs, %h2 and %h3 bf16 pairs: a NaN of one format would be any number of the other.
void Generator::half_precision() {
    bool bfloat = chance(45);
    auto pair = [&] { return "%h" + std::to_string(pick(2) + (bfloat ? 2 : 0)); };
    std::string d = pair(), a = pair(), b = pair(), type = bfloat ? ".bf16" : ".f16";
    std::string ftz = !bfloat && chance(30) ? ".ftz" : "";
    switch (pick(11)) {
    case 0:
    case 1:
        line(guard() + one({"add.rn", "sub.rn", "mul.rn"}) + ftz + (!bfloat && chance(20) ? ".sat" : "") + type + "x2 " + d + ", " + a + ", " +
             b + ";");
        break;
    case 2:
    case 3:
        line(guard() + "fma.rn" + ftz + (chance(30) ? ".relu" : !bfloat && chance(20) ? ".sat" : "") + type + "x2 " + d + ", " + a + ", " + b +
             ", " + pair() + ";");
        break;
    case 4:
        canonical_pair("%t7", a, bfloat);
        canonical_pair("%t6", b, bfloat);
        line(guard() + one({"min", "max"}) + ftz + one({"", ".NaN"}) + one({"", ".xorsign.abs"}) + type + "x2 " + d + ", %t7, %t6;");
        break;
    case 5:
        line(guard() + one({"abs", "neg"}) + ftz + type + "x2 " + d + ", " + a + ";");
        break;
    case 6: // one half alone
        line("mov.b32 {%c1, %c2}, " + a + ";");
        line(guard() + one({"add.rn", "sub.rn", "mul.rn"}) + ftz + type + " %c1, %c1, %c2;");
        line(guard() + "fma.rn" + ftz + type + " %c2, %c1, %c2, %c1;");
        line("mov.b32 " + d + ", {%c2, %c1};");
        break;
    case 7: // from f32
        if (bfloat)
            line(guard() + one({"cvt.rn", "cvt.rz"}) + one({"", ".relu"}) + ".bf16x2.f32 " + d + ", " + single() + ", " + single() + ";");
        else
            line(guard() + one({"cvt.rn", "cvt.rz"}) + one({"", ".relu"}) + ".f16x2.f32 " + d + ", " + single() + ", " + single() + ";");
        break;
    case 8: // to f32
        line("mov.b32 {%c1, %c2}, " + a + ";");
        line(guard() + "cvt.f32" + type + " " + single() + ", " + one({"%c1", "%c2"}) + ";");
        break;
    case 9: // to and from integers
        line("mov.b32 {%c1, %c2}, " + a + ";");
        if (bfloat || chance(50)) {
            line(guard() + (bfloat ? "cvt.rn.bf16." : one({"cvt.rn.f16.", "cvt.rz.f16."})) + one({"s32", "u32"}) + " %c1, " + word() + ";");
            line("mov.b32 " + d + ", {%c1, %c2};");
        } else {
            line(guard() + one({"cvt.rni.s32", "cvt.rzi.u32", "cvt.rmi.s32"}) + type + " " + word() + ", %c1;");
        }
        break;
    default:
        if (bfloat)
            line(guard() + "selp.b32 " + d + ", " + a + ", " + b + ", " + predicate() + ";");
        else if (chance(50))
            line(guard() + "cvt.rn.satfinite." + one({"e4m3x2", "e5m2x2"}) + ".f32 " + shortword() + ", " + single() + ", " + single() + ";");
        else
            line(guard() + "cvt.rn.f16x2." + one({"e4m3x2", "e5m2x2"}) + " " + d + ", " + shortword() + ";");
    }
}

void Generator::compare_floats() {
    std::string ordered = one({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
    switch (pick(6)) {
    case 0:
    case 1:
        line(guard() + "setp." + ordered + (chance(25) ? ".ftz" : "") + ".f32 " + predicate() + ", " + single() + ", " + single() + ";");
        break;
    case 2:
        line(guard() + "setp." + ordered + ".f64 " + predicate() + ", " + real() + ", " + real() + ";");
        break;
    case 3:
        line(guard() + "testp." + one({"finite", "infinite", "number", "notanumber", "normal", "subnormal"}) +
             (chance(50) ? ".f32 " + predicate() + ", " + single() : ".f64 " + predicate() + ", " + real()) + ";");
        break;
    case 4:
        line(guard() + "set." + ordered + one({".u32.f32 ", ".s32.f32 "}) + word() + ", " + single() + ", " + single() + ";");
        break;
    default:
        line(guard() + "slct.b32.f32 " + word() + ", " + word() + ", " + word() + ", " + single() + ";");
    }
}

void Generator::float_to_bits() {
    switch (pick(7)) {
    case 0:
        return canonical32(word(), single());
    case 1:
        return canonical64(longword(), real());
    case 2: {
        unsigned h = pick(halves_);
        return canonical_pair(word(), "%h" + std::to_string(h), h >= 2);
    }
    case 3:
    case 4:
        line(guard() + one({"cvt.rni", "cvt.rzi", "cvt.rmi", "cvt.rpi"}) + (chance(20) ? ".ftz" : "") + one({".s32", ".u32"}) + ".f32 " + word() +
             ", " + single() + ";");
        break;
    case 5:
        line(guard() + one({"cvt.rni", "cvt.rzi", "cvt.rmi", "cvt.rpi"}) + one({".s32", ".u32"}) + ".f64 " + word() + ", " + real() + ";");
        break;
    default:
        line(guard() + one({"cvt.rni", "cvt.rzi", "cvt.rmi", "cvt.rpi"}) + one({".s64", ".u64"}) +
             (chance(50) ? ".f32 " + longword() + ", " + single() : ".f64 " + longword() + ", " + real()) + ";");
    }
}

void Generator::bits_to_float() {
    std::string rounding = one({"cvt.rn", "cvt.rz", "cvt.rm", "cvt.rp"});
    switch (pick(8)) {
    case 0:
        line(guard() + "mov.b32 " + single() + ", " + word() + ";");
        break;
    case 1:
        line(guard() + "mov.b64 " + real() + ", " + longword() + ";");
        break;
    case 2:
        line(guard() + "mov.b32 " + half() + ", " + word() + ";");
        break;
    case 3:
        line(guard() + rounding + one({".f32.s32 ", ".f32.u32 "}) + single() + ", " + word() + ";");
        break;
    case 4:
        line(guard() + rounding + one({".f32.s64 ", ".f32.u64 "}) + single() + ", " + longword() + ";");
        break;
    case 5:
        line(guard() + rounding + one({".f64.s64 ", ".f64.u64 "}) + real() + ", " + longword() + ";");
        break;
    case 6:
        line(guard() + rounding + one({".f64.s32 ", ".f64.u32 "}) + real() + ", " + word() + ";");
        break;
    default:
        line(guard() + rounding + one({".f32.s16 ", ".f32.u16 "}) + single() + ", " + shortword() + ";");
    }
}

void Generator::special_values() {
    line("and.b32 %t6, " + word() + ", 7;");
    line("mul.wide.u32 %d7, %t6, 4;");
    line("mov.u64 %d6, specials;");
    line("add.s64 %d7, %d7, %d6;");
    line("ld.const.f32 %f1, [%d7];");
    line(guard() + one({"rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos"}) + ".approx" + one({"", ".ftz"}) + ".f32 " + single() + ", %f1;");
    if (chance(30)) line(guard() + "tanh.approx.f32 " + single() + ", %f1;");
}

} // namespace anywarp::fuzz
