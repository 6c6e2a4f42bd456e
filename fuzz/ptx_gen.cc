// Control flow, and the program around it. See generator.h for what keeps a program valid.
#include "ptx_gen.h"

#include "generator.h"

namespace anywarp::fuzz {

uint64_t Generator::next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ >> 8;
}

std::string Generator::number() {
    const char* numbers[] = {"1", "2", "3", "7", "31", "-1", "0x7fffffff", "1664525", "255", "-13", "0", "32", "0x80000000", "65535"};
    return one_of(numbers);
}

std::string Generator::guard() { return chance(15) ? std::string("@") + (chance(50) ? "!" : "") + predicate() + " " : ""; }

void Generator::arithmetic() { floats_ && chance(40) ? floating() : integer(); }

std::string Generator::program() {
    warp_level_ = chance(40);
    exits_ = !warp_level_ && chance(40);
    recursion_ = chance(6);
    floats_ = chance(75);
    mbarriers_ = !exits_ && chance(10);
    // Small blocks: the oracle's time goes with the number of threads, and what matters happens within a warp or between two.
    unsigned block[3] = {1, 1, 1};
    if (warp_level_ && chance(70)) {
        warps_ = chance(75) ? 1 : 2 + pick(2);
        whole_warps_ = true;
        block[0] = 32 * warps_;
        if (chance(30)) block[1] = chance(50) ? 2 : 4, block[0] /= block[1];
        if (chance(10)) block[2] = 2, block[0] /= 2;
    } else {
        block[0] = 1 + pick(chance(80) ? 40 : 90);
        if (chance(25)) block[0] = 1 + pick(9), block[1] = 1 + pick(5), block[2] = 1 + pick(2);
    }
    block_threads_ = block[0] * block[1] * block[2];
    warps_ = (block_threads_ + 31) / 32;
    unsigned grid = chance(60) ? 1 : 1 + pick(3), threads = block_threads_ * grid;
    std::string head = "// RUN: grid " + std::to_string(grid) + " block " + std::to_string(block[0]) + "," + std::to_string(block[1]) + "," +
                       std::to_string(block[2]) + "\n";
    head += "// BUFFER in u32 " + std::string(chance(50) ? "random" : "edge") + " 2048\n";
    head += "// BUFFER out u32 zero " + std::to_string(threads * 32) + "\n// BUFFER sum u32 zero 16\n";
    head += "// BUFFER own u32 random " + std::to_string(threads * 16) + "\n// SCALAR u32 5\n// SCALAR u64 0x123456789abcdef\n";
    head += ".version 8.0\n.target sm_90\n.address_size 64\n\n.shared .align 16 .b32 tile[128];\n.shared .align 4 .b32 counters[8];\n"
            ".shared .align 8 .b64 phase;\n.const .align 4 .b32 specials[8] = {0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0, 0x7f800000, "
            "0x80000000};\n.const .align 4 .b32 table[16] = {1, 0xffffffff, 0x80000000, 7, 31, 0x7f7fffff, 1000003, 0, 5, 0x3f800000, 255, 65536, 3, "
            "0xdeadbeef, 0x7fffffff, 12};\n";
    head += functions();
    head += ".visible .entry k(.param .u64 in, .param .u64 out, .param .u64 sum, .param .u64 own, .param .u32 scalar, .param .u64 wide)\n{\n";
    head += "    .reg .pred %p<10>;\n    .reg .b32 %r<" + std::to_string(words_) +
            ">;\n    .reg .b32 %t<12>;\n    .reg .b32 %i<80>;\n    .reg .b64 %d<12>;\n    .reg .b64 %w<4>;\n    .reg .b64 %l<4>;\n"
            "    .reg .b16 %s<4>;\n    .reg .b16 %c<4>;\n    .reg .f32 %f<4>;\n    .reg .f64 %g<4>;\n    .reg .f32 %x<5>;\n    .reg .f64 %y<4>;\n"
            "    .reg .b32 %h<4>;\n    .local .align 16 .b8 array[32];\n";
    prologue();
    std::string begin = std::move(text_);
    text_.clear();
    statements(0, same_in_block);
    epilogue();
    std::string body = std::move(text_);
    // So that the reducer can't make a program that reads what nobody wrote.
    for (unsigned i = 0; i < loops_; ++i) first("mov.u32 %i" + std::to_string(i) + ", 0;");
    return head + begin + text_ + body + "    ret;\n}\n";
}

void Generator::prologue() {
    first("mov.u32 %t0, %tid.z;");
    first("mov.u32 %t1, %ntid.y;");
    first("mov.u32 %t5, %tid.y;");
    first("mad.lo.s32 %t0, %t0, %t1, %t5;");
    first("mov.u32 %t2, %ntid.x;");
    first("mov.u32 %t5, %tid.x;");
    first("mad.lo.s32 %t0, %t0, %t2, %t5;");
    first("mul.lo.s32 %t2, %t2, %t1;");
    first("mov.u32 %t5, %ntid.z;");
    first("mul.lo.s32 %t2, %t2, %t5;");
    first("mov.u32 %t1, %ctaid.x;");
    first("mad.lo.s32 %t3, %t1, %t2, %t0;");
    first("ld.param.u64 %d1, [in];");
    first("ld.param.u64 %d2, [out];");
    first("ld.param.u64 %d3, [sum];");
    first("ld.param.u64 %d5, [own];");
    first("ld.param.u32 %t11, [scalar];");
    first("mul.wide.u32 %d4, %t3, 64;");
    first("add.s64 %d5, %d5, %d4;");
    first("mad.wide.u32 %d2, %t3, 128, %d2;");
    first("mad.wide.u32 %d4, %t3, 4, %d1;");
    first("ld.global.u32 %r0, [%d4];");
    first("ld.global.u32 %r1, [%d4+1024];");
    first("mov.u32 %t4, tile;");
    first("shl.b32 %t5, %t0, 2;");
    first("add.s32 %t4, %t4, %t5;");
    first("mov.u64 %d8, array;");
    first("cvta.local.u64 %d9, %d8;");
    // The threads of this warp.
    first("and.b32 %t10, %t0, 0xffffffe0;");
    first("sub.s32 %t10, %t2, %t10;");
    first("min.u32 %t10, %t10, 32;");
    first("bmsk.clamp.b32 %t10, 0, %t10;");
    for (const char* r : {"%t6", "%t7", "%t8", "%t9"}) first(std::string("mov.u32 ") + r + ", 0;");
    for (const char* r : {"%d6", "%d7", "%w0", "%w1"}) first(std::string("mov.u64 ") + r + ", 0;");
    for (const char* r : {"%c0", "%c1", "%c2"}) first(std::string("mov.b16 ") + r + ", 0;");
    first("setp.ne.u32 %p7, %t6, %t6;");
    first("st.shared.u32 [%t4], %r0;");
    first("setp.lt.u32 %p8, %t0, 8;");
    first("shl.b32 %t5, %t0, 2;");
    first("mov.u32 %t6, counters;");
    first("add.s32 %t5, %t5, %t6;");
    first("@%p8 st.shared.u32 [%t5], 0;");
    for (unsigned r = 2; r < words_; ++r)
        first("mad.lo.s32 %r" + std::to_string(r) + ", %r" + std::to_string(r - 1) + ", " + number() + ", " + (chance(50) ? "%t0" : "%r" + std::to_string(r - 2)) + ";");
    for (unsigned i = 0; i < longs_; ++i) first("mov.b64 %l" + std::to_string(i) + ", {" + word() + ", " + word() + "};");
    for (unsigned i = 0; i < shorts_; ++i) first("cvt.u16.u32 %s" + std::to_string(i) + ", " + word() + ";");
    for (unsigned i = 0; i < singles_; ++i) first((chance(50) ? "mov.b32 %x" : "cvt.rn.f32.s32 %x") + std::to_string(i) + ", " + word() + ";");
    for (unsigned i = 0; i < doubles_; ++i) first("cvt.rn.f64.s32 %y" + std::to_string(i) + ", " + word() + ";");
    for (unsigned i = 0; i < halves_; ++i) first("mov.b32 %h" + std::to_string(i) + ", " + word() + ";");
    for (int i = 0; i < 8; ++i) first("st.local.u32 [array+" + std::to_string(i * 4) + "], %r" + std::to_string(i) + ";");
    for (int i = 0; i < 3; ++i) first("setp.lt.s32 %p" + std::to_string(i) + ", " + word() + ", " + word() + ";");
    first("bar.sync 0;");
}

/// Every register that statements work on goes to `out`.
void Generator::epilogue() {
    line("st.global.v4.u32 [%d2], {%r0, %r1, %r2, %r3};");
    line("st.global.v4.u32 [%d2+16], {%r4, %r5, %r6, %r7};");
    line("st.global.v2.u32 [%d2+32], {%r8, %r9};");
    line("st.global.v2.u64 [%d2+48], {%l0, %l1};");
    line("st.global.v2.u64 [%d2+64], {%l2, %l3};");
    line("st.global.v4.b16 [%d2+80], {%s0, %s1, %s2, %s3};");
    for (int i = 0; i < 2; ++i) {
        std::string n = std::to_string(i);
        line("ld.local.u32 %r" + n + ", [array+" + std::to_string(i * 12) + "];");
        if (floats_) {
            canonical32("%r" + std::to_string(2 + i), "%x" + n);
            canonical64("%l" + n, "%y" + n);
            canonical_pair("%r" + std::to_string(4 + i), "%h" + std::to_string(i * 2), i == 1);
        }
        line("selp.b32 %r" + std::to_string(6 + i) + ", 1, 0, %p" + n + ";");
    }
    line("st.global.v4.u32 [%d2+96], {%r0, %r1, %r2, %r3};");
    line("st.global.v4.u32 [%d2+112], {%r4, %r5, %r6, %r7};");
    line("st.global.v2.u64 [%d5+16], {%l0, %l1};");
}

/// Sets %p3 to something that is the same in all threads of the level; returns the level that holds behind it.
Generator::Level Generator::condition(Level level, std::string& p) {
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
    if (chance(50))
        line("setp.gt.u32 %p3, %t1, " + std::to_string(pick(3)) + ";");
    else
        line("setp.gt.u32 %p3, %t11, " + std::to_string(pick(12)) + ";");
    return same_in_block;
}

void Generator::branch(int depth, Level level) {
    std::string other = label(), join = label(), p;
    Level inside = condition(level, p);
    line("@" + std::string(chance(50) ? "!" : "") + p + " bra " + other + ";");
    statements(depth + 1, inside);
    if (chance(60)) {
        std::string into = inside == divergent && chance(12) ? label() : join; // now and then into the other arm's middle
        line((into != join ? "@" + predicate() + " bra " + into + ";\n    bra " : "bra ") + join + ";");
        text_ += other + ":\n";
        statements(depth + 1, inside);
        if (into != join) {
            text_ += into + ":\n";
            statements(depth + 2, inside);
        }
        text_ += join + ":\n";
    } else {
        text_ += other + ":\n";
    }
}

void Generator::choice(int depth) { // brx.idx; the first arms may fall through
    std::string arms[3] = {label(), label(), label()}, out = label(), table = label();
    line("rem.u32 %t6, " + word() + ", 3;");
    text_ += table + ": .branchtargets " + arms[0] + ", " + arms[1] + ", " + arms[2] + ";\n";
    line("brx.idx %t6, " + table + ";");
    for (const std::string& arm : arms) {
        text_ += arm + ":\n";
        statements(depth + 2, divergent);
        if (chance(60)) line("bra " + out + ";");
    }
    text_ += out + ":\n";
}

/// A bounded loop around a switch whose arms choose the next state: flow that is irreducible when arms fall through.
void Generator::state_machine(int depth) {
    if (loops_ >= 78) return;
    std::string counter = "%i" + std::to_string(loops_++), state = "%i" + std::to_string(loops_++);
    std::string again = label(), out = label(), arms[3] = {label(), label(), label()};
    line("mov.u32 " + counter + ", 0;");
    line("and.b32 " + state + ", " + word() + ", 3;");
    text_ += again + ":\n";
    line("setp.ge.u32 %p4, " + counter + ", " + std::to_string(2 + pick(5)) + ";");
    line("@%p4 bra " + out + ";");
    line("add.s32 " + counter + ", " + counter + ", 1;");
    for (int i = 0; i < 3; ++i) {
        line("setp.eq.u32 %p5, " + state + ", " + std::to_string(i) + ";");
        line("@%p5 bra " + arms[i] + ";");
    }
    line("bra " + out + ";");
    std::vector<Loop> outer;
    outer.swap(open_);
    for (int i = 0; i < 3; ++i) {
        text_ += arms[i] + ":\n";
        statements(depth + 2, divergent);
        line("add.s32 " + state + ", " + state + ", " + word() + ";");
        line("and.b32 " + state + ", " + state + ", 3;");
        if (i == 2 || chance(70)) {
            line("setp.ge.u32 %p4, " + counter + ", 6;");
            line("@%p4 bra " + out + ";");
            line("add.s32 " + counter + ", " + counter + ", 1;");
            line("bra " + (chance(50) ? again : arms[pick(3)]) + ";");
        }
    }
    open_.swap(outer);
    text_ += out + ":\n";
}

void Generator::loop(int depth, Level level) {
    if (loops_ >= 78) return;
    std::string counter = "%i" + std::to_string(loops_++), bound = "%i" + std::to_string(loops_++);
    std::string again = label(), out = label(), middle;
    Level inside = level != divergent && chance(40) ? level : divergent;
    line("mov.u32 " + counter + ", 0;");
    if (inside != divergent && chance(50))
        line("mov.u32 " + bound + ", " + std::to_string(1 + pick(5)) + ";");
    else
        line("and.b32 " + bound + ", " + (inside != divergent ? "%t11" : word()) + ", " + (depth ? "3;" : "7;"));
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
void Generator::leave() {
    const Loop& l = open_[pick(unsigned(open_.size()))];
    line("@" + std::string(chance(50) ? "!" : "") + predicate() + " bra " + (chance(50) ? l.again : l.out) + ";");
}

void Generator::statements(int depth, Level level) {
    unsigned count = 2 + pick(depth == 0 ? 12 : 5);
    for (unsigned i = 0; i < count; ++i) {
        unsigned what = pick(100);
        if (what < 13 && depth < 4)
            branch(depth, level);
        else if (what < 15 && depth < 3)
            choice(depth);
        else if (what < 16 && depth < 2)
            state_machine(depth);
        else if (what < 24 && depth < 3)
            loop(depth, level);
        else if (what < 30 && level == same_in_block) {
            unsigned how = pick(10);
            if (recursion_ && chance(30))
                waiting_recursion();
            else if (how < 6)
                exchange();
            else if (how == 6)
                barrier_reduction();
            else if (how == 7)
                shared_atomics();
            else if (how == 8 && whole_warps_ && warps_ > 1)
                producer_consumer();
            else if (how == 9 && mbarriers_)
                mbarrier();
        } else if (what < 40 && level != divergent && warp_level_)
            chance(60) ? warp_operation() : masked_warp_operation();
        else if (what < 47 && !open_.empty() && level == divergent)
            leave();
        else if (what < 48 && exits_ && depth > 0 && level == divergent)
            line("@" + predicate() + (chance(50) ? " exit;" : " ret;"));
        else if (what < 53)
            atomic();
        else if (what < 66)
            access();
        else if (what < 68)
            call();
        else
            arithmetic();
    }
}

std::string generate(uint64_t seed) { return Generator(seed).program(); }

} // namespace anywarp::fuzz
