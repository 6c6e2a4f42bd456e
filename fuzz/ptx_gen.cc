// The generator. Programs are valid and end, and their results don't depend on the order in which threads run:
// barriers stand only where control flow is uniform in the block, warp-level instructions where it is uniform in the warp (or with
// a mask that a ballot made before the branch), loops have a bounded counter, shared memory is written by its own thread and
// read by others only between two barriers, and atomics are commutative, or work on the thread's own memory, or hand out
// tickets whose sum alone is kept.
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
        exits_ = !warp_level_ && chance(40);
        unsigned block = warp_level_ ? 32 * (1 + pick(3)) : 1 + pick(100);
        unsigned grid = 1 + pick(3), threads = block * grid;
        std::string head = "// RUN: grid " + std::to_string(grid) + " block " + std::to_string(block) + "\n";
        head += "// BUFFER in u32 " + std::string(chance(50) ? "random" : "edge") + " 512\n";
        head += "// BUFFER out u32 zero " + std::to_string(threads * 4) + "\n// BUFFER sum u32 zero 16\n";
        head += "// BUFFER own u32 random " + std::to_string(threads * 8) + "\n";
        head += ".version 8.0\n.target sm_90\n.address_size 64\n\n.shared .align 16 .b32 tile[128];\n";
        head += function();
        head += ".visible .entry k(.param .u64 in, .param .u64 out, .param .u64 sum, .param .u64 own)\n{\n";
        head += "    .reg .pred %p<10>;\n    .reg .b32 %r<" + std::to_string(registers_) +
                ">;\n    .reg .b32 %t<12>;\n    .reg .b32 %i<80>;\n    .reg .b64 %d<12>;\n    .reg .b64 %w<4>;\n"
                "    .reg .f32 %f<4>;\n    .reg .f64 %g<4>;\n    .reg .b16 %h<4>;\n    .local .align 16 .b8 array[32];\n";
        line("mov.u32 %t0, %tid.x;");
        line("mov.u32 %t1, %ctaid.x;");
        line("mov.u32 %t2, %ntid.x;");
        line("mad.lo.s32 %t3, %t1, %t2, %t0;");
        line("ld.param.u64 %d1, [in];");
        line("ld.param.u64 %d2, [out];");
        line("ld.param.u64 %d3, [sum];");
        line("ld.param.u64 %d5, [own];");
        line("mul.wide.u32 %d4, %t3, 32;");
        line("add.s64 %d5, %d5, %d4;");
        line("mul.wide.u32 %d4, %t3, 4;");
        line("add.s64 %d4, %d4, %d1;");
        line("ld.global.u32 %r0, [%d4];");
        line("mov.u32 %t4, tile;");
        line("shl.b32 %t5, %t0, 2;");
        line("add.s32 %t4, %t4, %t5;");
        line("mov.u64 %d8, array;");
        // A guarded load may leave its register alone: what it holds then must be the same everywhere.
        for (const char* name : {"%w1", "%w2", "%w3"}) line(std::string("mov.u64 ") + name + ", 0;");
        for (const char* name : {"%h0", "%h1"}) line(std::string("mov.u16 ") + name + ", 0;");
        line("st.shared.u32 [%t4], %r0;");
        for (unsigned r = 1; r < registers_; ++r) line("mad.lo.s32 " + reg(r) + ", " + reg(r - 1) + ", " + number() + ", %t0;");
        for (int i = 0; i < 8; ++i) line("st.local.u32 [array+" + std::to_string(i * 4) + "], " + reg(unsigned(i)) + ";");
        for (int i = 0; i < 3; ++i) line("setp.lt.s32 %p" + std::to_string(i) + ", " + any() + ", " + any() + ";");
        statements(0, same_in_block);
        line("mul.wide.u32 %d4, %t3, 16;");
        line("add.s64 %d4, %d4, %d2;");
        line("st.global.v4.u32 [%d4], {%r0, %r1, %r2, %r3};");
        for (int i = 0; i < 2; ++i) line("ld.local.u32 %r" + std::to_string(i) + ", [array+" + std::to_string(i * 12) + "];");
        line("st.global.v2.u32 [%d5+24], {%r0, %r1};");
        return head + text_ + "    ret;\n}\n";
    }

private:
    uint64_t state_;
    static constexpr unsigned registers_ = 10;
    std::string text_;
    unsigned labels_ = 0, loops_ = 0;
    bool warp_level_ = false; // blocks of whole warps, with warp-level instructions
    bool exits_ = false;      // threads may exit early
    enum Level { divergent, same_in_warp, same_in_block };
    struct Loop {
        std::string again, out;
    };
    std::vector<Loop> open_; // divergent loops around the current statement

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
        switch (pick(10)) {
        case 8: // through f64 with directed rounding
            line("cvt.rn.f64.s32 %g0, " + any() + ";");
            line("cvt.rn.f64.u32 %g1, " + any() + ";");
            line(chance(50) ? "fma.rz.f64 %g2, %g0, %g1, %g0;" : chance(50) ? "div.rp.f64 %g2, %g0, %g1;" : "add.rm.f64 %g2, %g0, %g1;");
            line(guard() + (chance(50) ? "cvt.rni.s32.f64 " : "cvt.rzi.u32.f64 ") + any() + ", %g2;");
            break;
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

    /// A device function with an early return.
    std::string function() {
        std::string body;
        body += ".func (.reg .b32 %o) f(.reg .b32 %a, .reg .b32 %b)\n{\n    .reg .pred %q<2>;\n    .reg .b32 %c<2>;\n";
        body += "    xor.b32 %o, %a, " + number() + ";\n    setp.gt.s32 %q0, %a, %b;\n";
        body += chance(50) ? "    @%q0 ret;\n" : "    @%q0 bra S;\n    mul.lo.s32 %o, %o, %b;\nS:\n";
        body += "    and.b32 %c0, %b, 3;\nT:\n    setp.eq.s32 %q1, %c0, 0;\n    @%q1 ret;\n";
        body += "    add.s32 %o, %o, %a;\n    sub.s32 %c0, %c0, 1;\n    bra T;\n}\n";
        return body;
    }

    /// Sets %p3 to something that is the same in all threads of the level; returns the level that holds behind it.
    Level condition(Level level, std::string& p) {
        if (level == divergent || chance(50)) {
            p = predicate();
            return divergent;
        }
        p = "%p3";
        if (level == same_in_warp || (warp_level_ && chance(40))) {
            line("shr.u32 %t6, %t0, 5;");
            line("setp.gt.u32 %p3, %t6, " + std::to_string(pick(2)) + ";");
            return same_in_warp;
        }
        line("setp.gt.u32 %p3, %t1, " + std::to_string(pick(3)) + ";");
        return same_in_block;
    }

    void branch(int depth, Level level) {
        std::string other = label(), join = label(), p;
        Level inside = condition(level, p);
        line("@" + std::string(chance(50) ? "!" : "") + p + " bra " + other + ";");
        statements(depth + 1, inside);
        if (chance(60)) {
            line("bra " + join + ";");
            text_ += other + ":\n";
            statements(depth + 1, inside);
            text_ += join + ":\n";
        } else {
            text_ += other + ":\n";
        }
    }

    void choice(int depth) { // brx.idx; the first arms may fall through
        std::string arms[3] = {label(), label(), label()}, join = label(), table = label();
        line("rem.u32 %t6, " + any() + ", 3;");
        text_ += table + ": .branchtargets " + arms[0] + ", " + arms[1] + ", " + arms[2] + ";\n";
        line("brx.idx %t6, " + table + ";");
        for (const std::string& arm : arms) {
            text_ += arm + ":\n";
            statements(depth + 2, divergent);
            if (chance(60)) line("bra " + join + ";");
        }
        text_ += join + ":\n";
    }

    void loop(int depth, Level level) {
        if (loops_ >= 78) return;
        std::string counter = "%i" + std::to_string(loops_++), bound = "%i" + std::to_string(loops_++);
        std::string again = label(), out = label(), middle;
        Level inside = level != divergent && chance(40) ? level : divergent;
        line("mov.u32 " + counter + ", 0;");
        if (inside != divergent)
            line("mov.u32 " + bound + ", " + std::to_string(1 + pick(5)) + ";");
        else
            line("and.b32 " + bound + ", " + any() + ", " + (depth ? "3;" : "7;"));
        if (inside == divergent && chance(8)) { // enters the loop in its middle
            middle = label();
            line("@" + predicate() + " bra " + middle + ";");
        }
        std::vector<Loop> outer;
        if (inside == divergent)
            open_.push_back({again, out});
        else
            outer.swap(open_); // leaving from within a uniform loop would make it divergent
        text_ += again + ":\n";
        line("setp.ge.u32 %p4, " + counter + ", " + bound + ";");
        line("@%p4 bra " + out + ";");
        line("add.s32 " + counter + ", " + counter + ", 1;");
        statements(depth + 1, inside);
        if (!middle.empty()) text_ += middle + ":\n";
        if (inside == divergent) {
            if (chance(30)) statements(depth + 2, inside);
            arithmetic();
            open_.pop_back();
        } else {
            open_.swap(outer);
        }
        line("bra " + again + ";");
        text_ += out + ":\n";
    }

    /// break or continue of any open loop.
    void leave() {
        const Loop& l = open_[pick(unsigned(open_.size()))];
        line("@" + std::string(chance(50) ? "!" : "") + predicate() + " bra " + (chance(50) ? l.again : l.out) + ";");
    }

    void access() {
        const char* loads[] = {"u8", "s8", "u16", "s16", "u32", "s32"};
        const unsigned sizes[] = {1, 1, 2, 2, 4, 4};
        unsigned k = pick(6), size = sizes[k];
        std::string type = loads[k], plain = "b" + std::to_string(size * 8);
        auto masked = [&] { line("and.b32 %t6, " + any() + ", " + std::to_string(32 - size) + ";"); };
        switch (pick(8)) {
        case 0: // the thread's local array
            masked();
            line("cvt.u64.u32 %d7, %t6;");
            line("add.s64 %d7, %d7, %d8;");
            line(guard() + "st.local." + plain + " [%d7], " + any() + ";");
            break;
        case 1:
            masked();
            line("cvt.u64.u32 %d7, %t6;");
            line("add.s64 %d7, %d7, %d8;");
            line(guard() + "ld.local." + type + " " + any() + ", [%d7];");
            break;
        case 2: // the thread's own global memory
            masked();
            line("cvt.u64.u32 %d6, %t6;");
            line("add.s64 %d6, %d6, %d5;");
            line(guard() + "st.global." + plain + " [%d6], " + any() + ";");
            break;
        case 3:
            masked();
            line("cvt.u64.u32 %d6, %t6;");
            line("add.s64 %d6, %d6, %d5;");
            line(guard() + "ld.global." + type + " " + any() + ", [%d6];");
            break;
        case 4: // 64 bits at a fixed place
            if (chance(50)) {
                line(guard() + "ld.global.u64 %w3, [%d5+" + std::to_string(pick(4) * 8) + "];");
                line("cvt.u32.u64 " + any() + ", %w3;");
            } else {
                line("mov.b64 %w3, {" + any() + ", " + any() + "};");
                line(guard() + "st.global.u64 [%d5+" + std::to_string(pick(4) * 8) + "], %w3;");
            }
            break;
        case 5: { // an index near the thread's number that may wrap below zero or run past the end, tested unsigned
            const char* steps[] = {"1", "1", "1", "2", "-1", "3", "0x40000001", "0x80000001"};
            line("mad.lo.s32 %t6, %t0, " + std::string(steps[pick(8)]) + ", " + std::to_string(int(pick(40)) - 20) + ";");
            line("setp.lt.u32 %p5, %t6, " + std::to_string(1 + pick(512)) + ";");
            line(std::string(chance(50) ? "mul.wide.u32" : "mul.wide.s32") + " %d6, %t6, 4;");
            line("add.s64 %d6, %d6, %d1;");
            line("@%p5 ld.global.u32 " + any() + ", [%d6];");
            break;
        }
        case 6: { // an index that wraps in 32, 16 or 8 bits, then is masked
            const char* starts[] = {"0xfffffff8", "0xffffffe1", "0x7ffffff0", "5", "0xfff9", "0xf5"};
            std::string from = chance(70) ? "%t0" : any();
            if (chance(30)) line("mul.lo.s32 %t6, " + from + ", " + std::to_string(2 + pick(6)) + ";"), from = "%t6";
            line("add.s32 %t6, " + from + ", " + starts[pick(6)] + ";");
            unsigned how = pick(4);
            if (how == 0) {
                line("cvt.u16.u32 %h0, %t6;");
                line("add.s16 %h0, %h0, " + std::to_string(pick(300)) + ";");
                line("cvt.u32.u16 %t6, %h0;");
            }
            if (how == 1) line("cvt.u32.u8 %t6, %t6;");
            if (how == 2) line("shr.u32 %t6, %t6, " + std::to_string(pick(4)) + ";");
            line("and.b32 %t6, %t6, " + std::to_string((2u << pick(9)) - 1 & 511) + ";");
            line("mul.wide.u32 %d6, %t6, 4;");
            line("add.s64 %d6, %d6, %d1;");
            line(guard() + "ld.global." + std::string(chance(70) ? "u32" : "nc.u16") + " " + any() + ", [%d6];");
            break;
        }
        default: { // bytes: consecutive or strided
            line("mad.lo.s32 %t6, %t0, " + std::to_string(1 + pick(3)) + ", " + std::to_string(pick(50)) + ";");
            line("cvt.u64.u32 %d6, %t6;");
            line("add.s64 %d6, %d6, %d1;");
            line(guard() + "ld.global." + std::string(chance(50) ? "u8" : "s8") + " " + any() + ", [%d6];");
        }
        }
    }

    void atomic() {
        switch (pick(4)) {
        case 0: { // on the thread's own memory, with the old value used
            const char* operations[] = {"add.u32", "max.s32", "min.u32", "and.b32", "or.b32", "xor.b32", "exch.b32", "inc.u32"};
            line(guard() + "atom.global." + operations[pick(8)] + " " + any() + ", [%d5+" + std::to_string(pick(8) * 4) + "], " +
                 any() + ";");
            break;
        }
        case 1:
            line(guard() + "atom.global.cas.b32 " + any() + ", [%d5+" + std::to_string(pick(8) * 4) + "], " + any() + ", " + any() +
                 ";");
            break;
        case 2: // tickets: their sum doesn't depend on the order
            line(guard() + "atom.global.add.u32 %t7, [%d3+32], 1;");
            line("mov.u32 %t7, 0;");
            line("atom.global.add.u32 %t7, [%d3+36], 1;");
            line("red.global.add.u32 [%d3+40], %t7;");
            break;
        default: {
            const char* operations[] = {"add.u32", "max.u32", "min.s32", "xor.b32", "or.b32"};
            unsigned k = pick(5);
            line(guard() + "red.global." + operations[k] + " [%d3+" + std::to_string(k * 4) + "], " + any() + ";");
        }
        }
    }

    void masked_warp_operation() { // under divergence, with the mask of those who come
        std::string p = predicate(), skip = label(), d = any(), s = any();
        line("vote.sync.ballot.b32 %t8, " + p + ", 0xffffffff;");
        line("@!" + p + " bra " + skip + ";");
        switch (pick(4)) {
        case 0:
            line("redux.sync.add.s32 " + d + ", " + s + ", %t8;");
            break;
        case 1:
            line("vote.sync.ballot.b32 " + d + ", " + predicate() + ", %t8;");
            break;
        case 2:
            line("and.b32 %t9, " + s + ", 3;");
            line("match.any.sync.b32 " + d + ", %t9, %t8;");
            break;
        default: { // a value from a lane that doesn't take part isn't used
            std::string k = std::to_string(1 + pick(31));
            line("mov.u32 %t9, %laneid;");
            line("xor.b32 %t9, %t9, " + k + ";");
            line("shr.u32 %t9, %t8, %t9;");
            line("and.b32 %t9, %t9, 1;");
            line("setp.ne.u32 %p6, %t9, 0;");
            line("shfl.sync.bfly.b32 %t9, " + s + ", " + k + ", 0x1f, %t8;");
            line("selp.b32 " + d + ", %t9, 17, %p6;");
        }
        }
        text_ += skip + ":\n";
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

    void statements(int depth, Level level) {
        unsigned count = 2 + pick(depth == 0 ? 10 : 5);
        for (unsigned i = 0; i < count; ++i) {
            unsigned what = pick(100);
            if (what < 13 && depth < 4)
                branch(depth, level);
            else if (what < 15 && depth < 3)
                choice(depth);
            else if (what < 24 && depth < 3)
                loop(depth, level);
            else if (what < 30 && level == same_in_block)
                exchange();
            else if (what < 40 && level != divergent && warp_level_)
                chance(60) ? warp_operation() : masked_warp_operation();
            else if (what < 47 && !open_.empty() && level == divergent)
                leave();
            else if (what < 48 && exits_ && depth > 0 && level == divergent)
                line("@" + predicate() + (chance(50) ? " exit;" : " ret;"));
            else if (what < 53)
                atomic();
            else if (what < 68)
                access();
            else if (what < 70) {
                line("call (%t6), f, (" + any() + ", " + any() + ");");
                line("xor.b32 " + any() + ", " + any() + ", %t6;");
            } else
                arithmetic();
        }
    }
};

} // namespace

std::string generate(uint64_t seed) { return Generator(seed).program(); }

} // namespace anywarp::fuzz
