// Device functions and calls of them: early returns, loops, structures by value, through a pointer chosen by each thread, recursion.
// PTX ISA 9.0, 7.1, 9.7.12.5.
#include "generator.h"

namespace anywarp::fuzz {

std::string Generator::functions() {
    std::string body;
    body += ".visible .func (.reg .b32 %o) f(.reg .b32 %a, .reg .b32 %b)\n{\n    .reg .pred %q<2>;\n    .reg .b32 %c<2>;\n";
    body += "    xor.b32 %o, %a, " + number() + ";\n    setp.gt.s32 %q0, %a, %b;\n";
    body += chance(50) ? "    @%q0 ret;\n" : "    @%q0 bra S;\n    mul.lo.s32 %o, %o, %b;\nS:\n";
    body += "    and.b32 %c0, %b, 3;\nT:\n    setp.eq.s32 %q1, %c0, 0;\n    @%q1 ret;\n";
    body += "    add.s32 %o, %o, %a;\n    sub.s32 %c0, %c0, 1;\n    bra T;\n}\n";
    // The same signature three times, for indirect calls.
    const char* values[] = {"mad.lo.s32 %o, %a, %b, %a;", "sub.s32 %o, %b, %a;", "min.u32 %o, %a, %b;", "div.u32 %o, %a, 7;", "shf.l.wrap.b32 %o, %a, %b, 5;"};
    for (int i = 0; i < 3; ++i) {
        body += ".visible .func (.param .b32 r) g" + std::to_string(i) + "(.param .b32 x, .param .b32 y)\n{\n    .reg .pred %q;\n    .reg .b32 %a, %b, %o;\n";
        body += "    ld.param.b32 %a, [x];\n    ld.param.b32 %b, [y];\n    " + std::string(one_of(values)) + "\n";
        if (chance(50)) body += "    setp.lt.s32 %q, %a, %b;\n    @%q bra E;\n    " + std::string(one_of(values)) + "\n    xor.b32 %o, %o, %a;\nE:\n";
        body += "    st.param.b32 [r], %o;\n    ret;\n}\n";
    }
    // A structure of 16 bytes in and out, through an array in the callee.
    body += ".visible .func (.param .align 8 .b8 r[16]) h(.param .align 8 .b8 s[16], .param .b32 n)\n{\n    .local .align 8 .b8 copy[16];\n"
            "    .reg .b32 %a<6>;\n    .reg .b64 %d<4>;\n    ld.param.v2.b32 {%a0, %a1}, [s];\n    ld.param.b64 %d0, [s+8];\n    ld.param.b32 %a2, [n];\n"
            "    st.local.v2.b32 [copy], {%a1, %a0};\n    st.local.b64 [copy+8], %d0;\n    and.b32 %a3, %a2, 12;\n    cvt.u64.u32 %d1, %a3;\n"
            "    mov.u64 %d2, copy;\n    add.s64 %d2, %d2, %d1;\n    ld.local.b32 %a4, [%d2];\n    add.s32 %a4, %a4, %a2;\n    st.local.b32 [%d2], %a4;\n"
            "    ld.local.b64 %d3, [copy];\n    st.param.b64 [r], %d3;\n    ld.local.v2.b32 {%a0, %a1}, [copy+8];\n    st.param.v2.b32 [r+8], {%a0, %a1};\n    ret;\n}\n";
    if (recursion_)
        body += ".visible .func (.param .b32 r) fib(.param .b32 n)\n{\n    .reg .pred %q;\n    .reg .b32 %a<6>;\n    ld.param.b32 %a0, [n];\n"
                "    setp.lt.u32 %q, %a0, 2;\n    @%q bra E;\n    sub.u32 %a1, %a0, 1;\n    sub.u32 %a2, %a0, 2;\n"
                "    { .param .b32 p; .param .b32 q; st.param.b32 [p], %a1; call.uni (q), fib, (p); ld.param.b32 %a3, [q]; }\n"
                "    { .param .b32 p; .param .b32 q; st.param.b32 [p], %a2; call (q), fib, (p); ld.param.b32 %a4, [q]; }\n"
                "    mad.lo.u32 %a0, %a3, 3, %a4;\nE:\n    st.param.b32 [r], %a0;\n    ret;\n}\n";
    if (recursion_) { // waits for the block, and for the warp, at every depth
        body += ".visible .func (.param .b32 r) deep(.param .b32 n, .param .b32 v, .param .b32 at)\n{\n    .reg .pred %q;\n    .reg .b32 %a<8>;\n"
                "    ld.param.b32 %a0, [n];\n    ld.param.b32 %a1, [v];\n    ld.param.b32 %a2, [at];\n    setp.eq.u32 %q, %a0, 0;\n    @%q bra E;\n"
                "    bar.sync 0;\n    st.shared.u32 [%a2], %a1;\n    bar.sync 0;\n    ld.shared.u32 %a3, [tile];\n    xor.b32 %a1, %a1, %a3;\n"
                "    setp.lt.s32 %q, %a1, %a3;\n    bar.red.popc.u32 %a4, 0, %q;\n    add.u32 %a1, %a1, %a4;\n";
        if (whole_warps_)
            body += "    shfl.sync.bfly.b32 %a5|%q, %a1, 5, 31, 0xffffffff;\n    @%q add.u32 %a1, %a1, %a5;\n    and.b32 %a5, %a1, 3;\n"
                    "    match.any.sync.b32 %a5, %a5, 0xffffffff;\n    xor.b32 %a1, %a1, %a5;\n    redux.sync.max.u32 %a5, %a1, 0xffffffff;\n"
                    "    sub.u32 %a1, %a1, %a5;\n";
        body += "    sub.u32 %a0, %a0, 1;\n    { .param .b32 p; .param .b32 q; .param .b32 s; .param .b32 t; st.param.b32 [p], %a0; st.param.b32 [q], %a1; "
                "st.param.b32 [s], %a2; call (t), deep, (p, q, s); ld.param.b32 %a6, [t]; }\n    mad.lo.u32 %a1, %a6, 5, %a1;\n"
                "E:\n    st.param.b32 [r], %a1;\n    ret;\n}\n";
    }
    return body;
}

/// A recursive function that holds barriers: all threads call it, equally deep.
void Generator::waiting_recursion() {
    line("{ .param .b32 p; .param .b32 q; .param .b32 s; .param .b32 t; st.param.b32 [p], " + std::to_string(1 + pick(4)) + "; st.param.b32 [q], " + word() +
         "; st.param.b32 [s], %t4; call (t), deep, (p, q, s); ld.param.b32 " + word() + ", [t]; }");
}

void Generator::call() {
    switch (pick(recursion_ ? 6 : 5)) {
    case 0:
    case 1:
        line(guard() + "call (%t6), f, (" + word() + ", " + word() + ");");
        line("xor.b32 " + word() + ", " + word() + ", %t6;");
        break;
    case 2:
        line("{ .param .b32 p0; .param .b32 p1; .param .b32 q; st.param.b32 [p0], " + word() + "; st.param.b32 [p1], " + source() + "; call (q), g" +
             std::to_string(pick(3)) + ", (p0, p1); ld.param.b32 " + word() + ", [q]; }");
        break;
    case 3: { // each thread chooses
        std::string prototype = label();
        line("mov.u64 %d6, g" + std::to_string(pick(3)) + ";");
        line("mov.u64 %d7, g" + std::to_string(pick(3)) + ";");
        line("selp.b64 %d6, %d6, %d7, " + predicate() + ";");
        text_ += prototype + ": .callprototype (.param .b32 _) _ (.param .b32 _, .param .b32 _);\n";
        line("{ .param .b32 p0; .param .b32 p1; .param .b32 q; st.param.b32 [p0], " + word() + "; st.param.b32 [p1], " + word() +
             "; call (q), %d6, (p0, p1), " + prototype + "; ld.param.b32 " + word() + ", [q]; }");
        break;
    }
    case 4:
        line("{ .param .align 8 .b8 p0[16]; .param .b32 p1; .param .align 8 .b8 q[16]; st.param.v2.b32 [p0], {" + word() + ", " + word() +
             "}; st.param.b64 [p0+8], " + longword() + "; st.param.b32 [p1], " + word() + "; call (q), h, (p0, p1); ld.param.b64 " + longword() +
             ", [q]; ld.param.b32 " + word() + ", [q+12]; }");
        break;
    default:
        line("and.b32 %t6, " + word() + ", 5;");
        line("{ .param .b32 p0; .param .b32 q; st.param.b32 [p0], %t6; call (q), fib, (p0); ld.param.b32 %t7, [q]; }");
        line("add.s32 " + word() + ", " + word() + ", %t7;");
    }
}

} // namespace anywarp::fuzz
