// Barriers, exchanges through shared memory, warp-level instructions. PTX ISA 9.0, 9.7.9.6, 9.7.13.
//
// %t10 is the mask of the warp's threads that exist, %t4 the thread's own word of `tile`, `counters` shared words for atomics.
#include "generator.h"

namespace anywarp::fuzz {

void Generator::exchange() { // shared memory between two barriers
    std::string barrier = one({"bar.sync 0;", "bar.sync 0;", "barrier.sync 0;", "barrier.cta.sync.aligned 2;", "bar.sync 3;"});
    line(barrier);
    if (chance(25)) { // an asynchronous copy, some of it zeros
        line("cp.async.ca.shared.global [%t4], [%d4+" + one({"0", "1024", "2048"}) + "], 4" + one({"", "", ", 2", ", 0", ", 4"}) + ";");
        if (chance(50)) line("cp.async.commit_group;");
        line(one({"cp.async.wait_all;", "cp.async.wait_all;"}));
    } else {
        line("st.shared.u32 [%t4], " + word() + ";");
    }
    line(barrier);
    line("add.s32 %t6, %t0, " + std::to_string(pick(64)) + ";");
    line("rem.u32 %t6, %t6, %t2;");
    line("shl.b32 %t6, %t6, 2;");
    line("mov.u32 %t7, tile;");
    line("add.s32 %t6, %t6, %t7;");
    if (chance(20)) { // by its generic address
        line("cvt.u64.u32 %d6, %t6;");
        line("cvta.shared.u64 %d6, %d6;");
        line("ld.u32 " + word() + ", [%d6];");
    } else {
        line("ld.shared." + one({"u32", "u32", "s16", "u8"}) + " " + word() + ", [%t6];");
    }
}

void Generator::barrier_reduction() {
    std::string op = one({"popc", "and", "or"}), form = one({"bar.red.", "barrier.red.", "barrier.cta.red."});
    line(form + op + (op == "popc" ? ".u32 " + word() : ".pred " + predicate()) + ", " + std::to_string(pick(4)) + ", " +
         (chance(20) ? "!" : "") + predicate() + ";");
}

void Generator::shared_atomics() {
    std::string c = "[counters+" + std::to_string(pick(4) * 4) + "]";
    line("bar.sync 0;");
    line("st.shared.u32 " + c + ", 5;");
    line("bar.sync 0;");
    line(guard() + one({"red.shared.add.u32 ", "red.shared.max.s32 ", "red.shared.xor.b32 ", "red.shared.min.u32 ", "red.shared.or.b32 "}) + c +
         ", " + word() + ";");
    if (chance(30)) {
        line("mov.u32 %t7, 0;");
        line(guard() + "atom.shared.add.u32 %t7, [counters+16], 1;");
        line("red.global.add.u32 [%d3+44], 1;");
    }
    line("bar.sync 0;");
    line("ld.shared.u32 " + word() + ", " + c + ";");
    line("bar.sync 0;");
}

/// One warp arrives at a named barrier, another waits at it; whole warps only.
void Generator::producer_consumer() {
    std::string consume = label(), done = label();
    line("bar.sync 0;");
    line("shr.u32 %t6, %t0, 5;");
    line("setp.eq.u32 %p3, %t6, 1;");
    line("setp.gt.u32 %p7, %t6, 1;");
    line("@%p7 bra " + done + ";");
    line("@%p3 bra " + consume + ";");
    line("st.shared.u32 [%t4], " + word() + ";");
    line("bar.arrive 5, 64;");
    line("bra " + done + ";");
    text_ += consume + ":\n";
    line("bar.sync 5, 64;");
    line("ld.shared.u32 " + word() + ", [%t4+-128];");
    text_ += done + ":\n";
    line("bar.sync 0;");
}

/// All threads arrive at a memory barrier object and wait for its phase; none may have exited.
void Generator::mbarrier() {
    std::string again = label();
    line("bar.sync 0;");
    line("setp.eq.u32 %p3, %t0, 0;");
    line("@%p3 mbarrier.init.shared.b64 [phase], %t2;");
    line("st.shared.u32 [%t4], " + word() + ";");
    line("bar.sync 0;");
    line("mbarrier.arrive.shared.b64 %w0, [phase];");
    text_ += again + ":\n";
    line("mbarrier.test_wait.shared.b64 %p4, [phase], %w0;");
    line("@!%p4 bra " + again + ";");
    line("add.s32 %t6, %t0, 1;");
    line("rem.u32 %t6, %t6, %t2;");
    line("shl.b32 %t6, %t6, 2;");
    line("mov.u32 %t7, tile;");
    line("add.s32 %t6, %t6, %t7;");
    line("ld.shared.u32 " + word() + ", [%t6];");
    line("bar.sync 0;");
    line("@%p3 mbarrier.inval.shared.b64 [phase];");
}

/// Integer products, which are exact, and matrices between shared memory and registers. A whole warp comes.
void Generator::matrix() {
    auto registers = [&](unsigned count) {
        unsigned at = pick(words_);
        std::string list = "{";
        for (unsigned i = 0; i < count; ++i) list += (i ? ", %r" : "%r") + std::to_string((at + i) % words_);
        return list + "}";
    };
    std::string bytes = one({"s8.s8", "s8.u8", "u8.s8", "u8.u8"}), nibbles = one({"s4.s4", "s4.u4", "u4.u4"}), sat = one({"", ".satfinite"});
    std::string four = registers(4), two = registers(2);
    switch (pick(warps_ == 1 ? 6 : 5)) {
    case 0:
        line("mma.sync.aligned.m16n8k32.row.col" + sat + ".s32." + bytes + ".s32 " + four + ", " + registers(4) + ", " + registers(2) + ", " + registers(4) + ";");
        break;
    case 1:
        line("mma.sync.aligned.m8n8k16.row.col" + sat + ".s32." + bytes + ".s32 " + two + ", " + registers(1) + ", " + registers(1) + ", " + registers(2) + ";");
        break;
    case 2:
        line("mma.sync.aligned.m16n8k64.row.col" + sat + ".s32." + nibbles + ".s32 " + four + ", " + registers(4) + ", " + registers(2) + ", " + registers(4) + ";");
        break;
    case 3:
        line("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32." + one({"xor", "and"}) + ".popc " + four + ", " + registers(4) + ", " + registers(2) + ", " +
             registers(4) + ";");
        break;
    case 4:
        line("movmatrix.sync.aligned.m8n8.trans.b16 " + word() + ", " + word() + ";");
        break;
    default: // nobody but this warp writes to the tile
        line("mov.u32 %t9, %laneid;");
        line("and.b32 %t9, %t9, 7;");
        line("shl.b32 %t9, %t9, 4;");
        line("mov.u32 %t7, tile;");
        line("add.s32 %t9, %t9, %t7;");
        line("ldmatrix.sync.aligned.m8n8.x1" + one({"", ".trans"}) + ".shared.b16 " + registers(1) + ", [%t9];");
    }
}

void Generator::warp_operation() {
    if (whole_warps_ && chance(20)) return matrix();
    std::string mask = whole_warps_ && chance(50) ? "0xffffffff" : "%t10";
    if (!whole_warps_ && chance(40)) { // a value from a lane that doesn't exist isn't used
        std::string k = std::to_string(1 + pick(31));
        line("mov.u32 %t9, %laneid;");
        line("xor.b32 %t9, %t9, " + k + ";");
        line("shr.u32 %t9, %t10, %t9;");
        line("and.b32 %t9, %t9, 1;");
        line("setp.ne.u32 %p6, %t9, 0;");
        line("shfl.sync.bfly.b32 %t9, " + word() + ", " + k + ", 0x1f, %t10;");
        line("selp.b32 " + word() + ", %t9, 17, %p6;");
        return;
    }
    switch (pick(whole_warps_ ? 9 : 6)) {
    case 0:
        line("vote.sync.ballot.b32 " + word() + ", " + (chance(20) ? "!" : "") + predicate() + ", " + mask + ";");
        break;
    case 1:
        line("vote.sync." + one({"any", "all", "uni"}) + ".pred " + predicate() + ", " + predicate() + ", " + mask + ";");
        break;
    case 2:
        line("redux.sync." + one({"add.s32", "add.u32", "max.u32", "min.s32", "and.b32", "or.b32", "xor.b32", "max.s32"}) + " " + word() + ", " +
             word() + ", " + mask + ";");
        break;
    case 3:
        line("and.b32 %t9, " + word() + ", " + one({"1", "3", "7", "0"}) + ";");
        line("match.any.sync.b32 " + word() + ", %t9, " + mask + ";");
        break;
    case 4:
        line("and.b32 %t9, " + word() + ", " + one({"1", "0", "256"}) + ";");
        line("match.all.sync.b32 " + word() + "|" + predicate() + ", %t9, " + mask + ";");
        break;
    case 5:
        line("bar.warp.sync " + mask + ";");
        line("mov.u32 " + word() + ", " + one({"%laneid", "%lanemask_lt", "%lanemask_ge", "%lanemask_eq", "%warpid"}) + ";");
        break;
    case 6:
        line("shfl.sync.up.b32 " + word() + "|" + predicate() + ", " + word() + ", " + std::to_string(pick(32)) + ", 0, 0xffffffff;");
        break;
    default:
        line("shfl.sync." + one({"down.b32", "bfly.b32", "idx.b32"}) + " " + word() + "|" + predicate() + ", " + word() + ", " +
             (chance(70) ? std::to_string(pick(32)) : word()) + ", " + one({"0x1f", "0x1f", "0x181f", "0x101f", "0x1c1f"}) + ", 0xffffffff;");
    }
}

void Generator::masked_warp_operation() { // under divergence, with the mask of those who come
    std::string p = predicate(), skip = label(), d = word(), s = word();
    line("vote.sync.ballot.b32 %t8, " + p + ", %t10;");
    line("@!" + p + " bra " + skip + ";");
    for (unsigned n = 1 + pick(2); n--;) {
        switch (pick(6)) {
        case 0:
            line("redux.sync." + one({"add.s32 ", "min.u32 ", "or.b32 "}) + d + ", " + s + ", %t8;");
            break;
        case 1:
            line("vote.sync.ballot.b32 " + d + ", " + predicate() + ", %t8;");
            break;
        case 2:
            line("and.b32 %t9, " + s + ", 3;");
            line("match.any.sync.b32 " + d + ", %t9, %t8;");
            break;
        case 3: // from the first of them
            line("brev.b32 %t9, %t8;");
            line("clz.b32 %t9, %t9;");
            line("shfl.sync.idx.b32 " + d + ", " + s + ", %t9, 0x1f, %t8;");
            break;
        case 4:
            integer();
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
    }
    text_ += skip + ":\n";
}

} // namespace anywarp::fuzz
