// The generator. Programs are valid and end, and their results don't depend on the order in which threads run:
// barriers and warp-level instructions stand only where control flow is uniform, loops have a bounded counter, shared memory is
// written by its own thread and read by others only between two barriers, and atomics are commutative and return nothing.
#include "ptx_gen.h"

#include <cstdio>
#include <vector>

namespace anywarp::fuzz {

namespace {

class Generator {
public:
    explicit Generator(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252ull) {}

    std::string program() {
        warp_level_ = chance(40);
        unsigned block = warp_level_ ? 32 * (1 + pick(3)) : 1 + pick(100);
        unsigned grid = 1 + pick(3), threads = block * grid;
        std::string head = "// RUN: grid " + std::to_string(grid) + " block " + std::to_string(block) + "\n";
        head += "// BUFFER in u32 " + std::string(chance(50) ? "random" : "edge") + " " + std::to_string(threads) + "\n";
        head += "// BUFFER out u32 zero " + std::to_string(threads * 4) + "\n// BUFFER sum u32 zero 8\n";
        head += ".version 8.0\n.target sm_90\n.address_size 64\n\n.shared .align 16 .b32 tile[128];\n";
        head += ".visible .entry k(.param .u64 in, .param .u64 out, .param .u64 sum)\n{\n";
        head +=
            "    .reg .pred %p<8>;\n    .reg .b32 %r<" + std::to_string(registers_) +
            ">;\n    .reg .b32 %t<8>;\n    .reg .b32 %i<40>;\n    .reg .b64 %d<8>;\n    .reg .b64 %w<4>;\n    .reg .f32 %f<4>;\n";
        line("mov.u32 %t0, %tid.x;");
        line("mov.u32 %t1, %ctaid.x;");
        line("mov.u32 %t2, %ntid.x;");
        line("mad.lo.s32 %t3, %t1, %t2, %t0;");
        line("ld.param.u64 %d1, [in];");
        line("ld.param.u64 %d2, [out];");
        line("ld.param.u64 %d3, [sum];");
        line("mul.wide.u32 %d4, %t3, 4;");
        line("add.s64 %d4, %d4, %d1;");
        line("ld.global.u32 %r0, [%d4];");
        line("mov.u32 %t4, tile;");
        line("shl.b32 %t5, %t0, 2;");
        line("add.s32 %t4, %t4, %t5;");
        for (unsigned r = 1; r < registers_; ++r) line("mad.lo.s32 " + reg(r) + ", " + reg(r - 1) + ", " + number() + ", %t0;");
        for (int i = 0; i < 3; ++i) line("setp.lt.s32 %p" + std::to_string(i) + ", " + any() + ", " + any() + ";");
        statements(0, true);
        line("mul.wide.u32 %d4, %t3, 16;");
        line("add.s64 %d4, %d4, %d2;");
        line("st.global.v4.u32 [%d4], {%r0, %r1, %r2, %r3};");
        return head + text_ + "    ret;\n}\n";
    }

private:
    uint64_t state_;
    static constexpr unsigned registers_ = 10;
    std::string text_;
    unsigned labels_ = 0, loops_ = 0;
    bool warp_level_ = false;

    uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_ >> 8;
    }
    unsigned pick(unsigned n) { return unsigned(next() % n); }
    bool chance(unsigned percent) { return pick(100) < percent; }
    void line(const std::string& s) { text_ += "    " + s + "\n"; }
    static std::string reg(unsigned r) { return "%r" + std::to_string(r); }
    std::string any() { return reg(pick(registers_)); }
    std::string number() {
        const char* numbers[] = {"1", "2", "3", "7", "31", "-1", "0x7fffffff", "1664525", "255", "-13"};
        return numbers[pick(10)];
    }
    std::string source() { return chance(80) ? any() : number(); }
    std::string predicate() { return "%p" + std::to_string(pick(3)); }
    std::string label() { return "L" + std::to_string(labels_++); }
    std::string guard() { return chance(15) ? std::string("@") + (chance(50) ? "!" : "") + predicate() + " " : ""; }

    void arithmetic() {
        const char* two[] = {"add.s32", "sub.s32", "mul.lo.s32", "mul.hi.u32", "and.b32", "or.b32",     "xor.b32",
                             "min.s32", "max.u32", "shl.b32",    "shr.u32",    "shr.s32", "add.sat.s32"};
        const char* one[] = {"not.b32", "neg.s32", "abs.s32", "popc.b32", "clz.b32", "brev.b32", "bfind.s32"};
        switch (pick(9)) {
        case 0:
            line(guard() + one[pick(7)] + " " + any() + ", " + any() + ";");
            break;
        case 1:
            line(guard() + "selp.b32 " + any() + ", " + any() + ", " + source() + ", " + predicate() + ";");
            break;
        case 2: {
            const char* compares[] = {"eq.s32", "ne.s32", "lt.s32", "gt.u32", "ge.s32", "le.u32"};
            line(guard() + "setp." + compares[pick(6)] + " " + predicate() + ", " + any() + ", " + source() + ";");
            break;
        }
        case 3:
            line(guard() + "mad.lo.s32 " + any() + ", " + any() + ", " + source() + ", " + any() + ";");
            break;
        case 4: {
            const char* tables[] = {"0x96", "0xe8", "0xca", "0x1e", "0x80"};
            line(guard() + "lop3.b32 " + any() + ", " + any() + ", " + any() + ", " + any() + ", " + tables[pick(5)] + ";");
            break;
        }
        case 5:
            line("or.b32 %t6, " + any() + ", 1;");
            line(guard() + (chance(50) ? "div" : "rem") + (chance(50) ? ".s32 " : ".u32 ") + any() + ", " + any() + ", %t6;");
            break;
        case 6: { // through f32, rounded and saturated on the way back
            const char* operations[] = {"add.rn.f32", "mul.rz.f32",     "sub.rm.f32", "min.f32",
                                        "max.f32",    "mul.rn.ftz.f32", "div.rn.f32"};
            line("cvt.rn.f32.s32 %f1, " + any() + ";");
            line("cvt.rz.f32.u32 %f2, " + any() + ";");
            line(std::string(operations[pick(7)]) + " %f3, %f1, %f2;");
            line(guard() + (chance(50) ? "cvt.rni.s32.f32 " : "cvt.rzi.u32.f32 ") + any() + ", %f3;");
            break;
        }
        case 7: // through 64 bits
            line("mul.wide.s32 %w1, " + any() + ", " + any() + ";");
            line("cvt.s64.s32 %w2, " + any() + ";");
            line(std::string(chance(50) ? "add.s64" : "xor.b64") + " %w1, %w1, %w2;");
            line("shr.s64 %w1, %w1, " + std::to_string(pick(40)) + ";");
            line("cvt.u32.u64 " + any() + ", %w1;");
            break;
        default:
            line(guard() + two[pick(13)] + " " + any() + ", " + any() + ", " + source() + ";");
        }
    }

    void branch(int depth, bool uniform) {
        std::string other = label(), join = label(), p = predicate();
        bool stays_uniform = uniform && chance(30);
        if (stays_uniform) {
            p = "%p3";
            line("setp.gt.u32 %p3, %t1, " + std::to_string(pick(3)) + ";");
        }
        line("@" + std::string(chance(50) ? "!" : "") + p + " bra " + other + ";");
        statements(depth + 1, stays_uniform);
        if (chance(60)) {
            line("bra " + join + ";");
            text_ += other + ":\n";
            statements(depth + 1, stays_uniform);
            text_ += join + ":\n";
        } else {
            text_ += other + ":\n";
        }
    }

    void loop(int depth, bool uniform) {
        if (loops_ >= 38) return;
        std::string counter = "%i" + std::to_string(loops_++), bound = "%i" + std::to_string(loops_++);
        std::string again = label(), out = label();
        bool stays_uniform = uniform && chance(40);
        line("mov.u32 " + counter + ", 0;");
        if (stays_uniform)
            line("mov.u32 " + bound + ", " + std::to_string(1 + pick(5)) + ";");
        else
            line("and.b32 " + bound + ", " + any() + ", 7;");
        text_ += again + ":\n";
        line("setp.ge.u32 %p4, " + counter + ", " + bound + ";");
        line("@%p4 bra " + out + ";");
        line("add.s32 " + counter + ", " + counter + ", 1;");
        statements(depth + 1, stays_uniform);
        if (!stays_uniform) {
            if (chance(40)) line("@" + predicate() + " bra " + out + ";");   // break
            if (chance(40)) line("@" + predicate() + " bra " + again + ";"); // continue
            arithmetic();
        }
        line("bra " + again + ";");
        text_ += out + ":\n";
    }

    void exchange() { // shared memory between two barriers
        line("bar.sync 0;");
        line("st.shared.u32 [%t4], " + any() + ";");
        line("bar.sync 0;");
        line("add.s32 %t6, %t0, " + std::to_string(pick(64)) + ";");
        line("rem.u32 %t6, %t6, %t2;");
        line("shl.b32 %t6, %t6, 2;");
        line("mov.u32 %t7, tile;");
        line("add.s32 %t6, %t6, %t7;");
        line("ld.shared.u32 " + any() + ", [%t6];");
    }

    void warp_operation() {
        switch (pick(5)) {
        case 0: {
            const char* modes[] = {"down.b32", "bfly.b32", "idx.b32"};
            line(std::string("shfl.sync.") + modes[pick(3)] + " " + any() + "|" + predicate() + ", " + any() + ", " +
                 (chance(70) ? std::to_string(pick(32)) : any()) + ", " + (chance(70) ? "0x1f" : "0x181f") + ", 0xffffffff;");
            break;
        }
        case 1:
            line("shfl.sync.up.b32 " + any() + "|" + predicate() + ", " + any() + ", " + std::to_string(pick(32)) +
                 ", 0, 0xffffffff;");
            break;
        case 2:
            line("vote.sync.ballot.b32 " + any() + ", " + predicate() + ", 0xffffffff;");
            break;
        case 3:
            line(std::string("vote.sync.") + (chance(50) ? "any" : "all") + ".pred " + predicate() + ", " + predicate() +
                 ", 0xffffffff;");
            break;
        default:
            line("redux.sync." + std::string(chance(50) ? "add.s32" : "max.u32") + " " + any() + ", " + any() + ", 0xffffffff;");
        }
    }

    void statements(int depth, bool uniform) {
        unsigned count = 2 + pick(depth == 0 ? 10 : 5);
        for (unsigned i = 0; i < count; ++i) {
            unsigned what = pick(100);
            if (what < 14 && depth < 4)
                branch(depth, uniform);
            else if (what < 24 && depth < 3)
                loop(depth, uniform);
            else if (what < 32 && uniform)
                exchange();
            else if (what < 42 && uniform && warp_level_)
                warp_operation();
            else if (what < 47) {
                const char* operations[] = {"add.u32", "max.u32", "min.s32", "xor.b32", "or.b32"};
                unsigned k = pick(5);
                line(guard() + "red.global." + operations[k] + " [%d3+" + std::to_string(k * 4) + "], " + any() + ";");
            } else
                arithmetic();
        }
    }
};

} // namespace

std::string generate(uint64_t seed) { return Generator(seed).program(); }

} // namespace anywarp::fuzz
