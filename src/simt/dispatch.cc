// Opcode -> handler: one line per instruction that the lowering supports. What has no line is reported by name.
#include "simt/lowering.h"

#include <array>

namespace anywarp::simt {

static std::array<Emitter::Handler, static_cast<size_t>(Opcode::count)> make_table() {
    std::array<Emitter::Handler, static_cast<size_t>(Opcode::count)> table{};
    auto on = [&](Opcode opcode, Emitter::Handler handler) { table[static_cast<size_t>(opcode)] = handler; };
    using E = Emitter;
    // integer.cc (add, sub ... also lead to the float and half forms)
    on(Opcode::add, &E::add);
    on(Opcode::sub, &E::sub);
    on(Opcode::mul, &E::mul);
    on(Opcode::mad, &E::mad);
    on(Opcode::mul24, &E::mul24);
    on(Opcode::mad24, &E::mad24);
    on(Opcode::sad, &E::sad);
    on(Opcode::div, &E::div);
    on(Opcode::rem, &E::rem);
    on(Opcode::abs, &E::abs);
    on(Opcode::neg, &E::neg);
    on(Opcode::min, &E::min_max);
    on(Opcode::max, &E::min_max);
    on(Opcode::addc, &E::carry);
    on(Opcode::subc, &E::carry);
    on(Opcode::madc, &E::mad_carry);
    // integer_bits.cc
    on(Opcode::popc, &E::popc);
    on(Opcode::clz, &E::clz);
    on(Opcode::bfind, &E::bfind);
    on(Opcode::fns, &E::fns);
    on(Opcode::brev, &E::brev);
    on(Opcode::bfe, &E::bfe);
    on(Opcode::bfi, &E::bfi);
    on(Opcode::szext, &E::szext);
    on(Opcode::bmsk, &E::bmsk);
    on(Opcode::dp4a, &E::dp4a);
    on(Opcode::dp2a, &E::dp2a);
    on(Opcode::prmt, &E::prmt);
    on(Opcode::and_, &E::logic);
    on(Opcode::or_, &E::logic);
    on(Opcode::xor_, &E::logic);
    on(Opcode::not_, &E::logic);
    on(Opcode::cnot, &E::logic);
    on(Opcode::lop3, &E::lop3);
    on(Opcode::shf, &E::shf);
    on(Opcode::shl, &E::shift);
    on(Opcode::shr, &E::shift);
    // video.cc
    for (Opcode o : {Opcode::vadd,      Opcode::vsub,      Opcode::vabsdiff, Opcode::vmin,  Opcode::vmax,  Opcode::vshl,
                     Opcode::vshr,      Opcode::vmad,      Opcode::vset,     Opcode::vadd2, Opcode::vsub2, Opcode::vavrg2,
                     Opcode::vabsdiff2, Opcode::vmin2,     Opcode::vmax2,    Opcode::vset2, Opcode::vadd4, Opcode::vsub4,
                     Opcode::vavrg4,    Opcode::vabsdiff4, Opcode::vmin4,    Opcode::vmax4, Opcode::vset4})
        on(o, &E::video);
    // float.cc
    on(Opcode::fma, &E::fma);
    on(Opcode::rcp, &E::rcp);
    on(Opcode::sqrt, &E::sqrt);
    on(Opcode::rsqrt, &E::rsqrt);
    on(Opcode::sin, &E::transcendental);
    on(Opcode::cos, &E::transcendental);
    on(Opcode::lg2, &E::transcendental);
    on(Opcode::ex2, &E::transcendental);
    on(Opcode::tanh, &E::transcendental);
    on(Opcode::copysign, &E::copysign);
    on(Opcode::testp, &E::testp);
    // compare.cc
    on(Opcode::set, &E::set_);
    on(Opcode::setp, &E::setp);
    on(Opcode::selp, &E::selp);
    on(Opcode::slct, &E::slct);
    // convert.cc
    on(Opcode::cvt, &E::cvt);
    on(Opcode::cvt_pack, &E::cvt_pack);
    // memory.cc
    on(Opcode::mov, &E::mov);
    on(Opcode::ld, &E::ld);
    on(Opcode::ldu, &E::ld);
    on(Opcode::st, &E::st);
    on(Opcode::cvta, &E::cvta);
    on(Opcode::isspacep, &E::isspacep);
    on(Opcode::membar, &E::fence);
    on(Opcode::fence, &E::fence);
    on(Opcode::cp_async, &E::cp_async);
    on(Opcode::createpolicy, &E::createpolicy);
    on(Opcode::mapa, &E::mapa);
    on(Opcode::getctarank, &E::mapa);
    on(Opcode::alloca_, &E::alloca_);
    on(Opcode::stacksave, &E::stacksave);
    on(Opcode::stackrestore, &E::stackrestore);
    // Hints, and waits for copies that were finished at once. griddepcontrol: a grid starts when those before it have ended.
    for (Opcode o : {Opcode::prefetch, Opcode::prefetchu, Opcode::applypriority, Opcode::discard, Opcode::cp_async_commit_group,
                     Opcode::cp_async_wait_group, Opcode::cp_async_wait_all, Opcode::pmevent, Opcode::setmaxnreg,
                     Opcode::griddepcontrol, Opcode::cp_async_bulk_prefetch})
        on(o, &E::nop);
    // atomics.cc
    on(Opcode::atom, &E::atom);
    on(Opcode::red, &E::atom);
    // texture.cc
    on(Opcode::tex, &E::tex);
    on(Opcode::tld4, &E::tld4);
    on(Opcode::txq, &E::txq);
    on(Opcode::suq, &E::txq);
    on(Opcode::istypep, &E::istypep);
    on(Opcode::suld, &E::suld);
    on(Opcode::sust, &E::sust);
    on(Opcode::sured, &E::sured);
    // control.cc, calls.cc
    on(Opcode::bra, &E::bra);
    on(Opcode::brx_idx, &E::brx);
    on(Opcode::call, &E::call);
    on(Opcode::ret, &E::ret);
    on(Opcode::exit, &E::exit);
    on(Opcode::trap, &E::trap);
    on(Opcode::brkpt, &E::trap);
    on(Opcode::nanosleep, &E::nanosleep);
    // warp.cc
    on(Opcode::shfl, &E::shfl);
    on(Opcode::vote, &E::vote);
    on(Opcode::activemask, &E::activemask);
    on(Opcode::match, &E::match);
    on(Opcode::redux, &E::redux);
    on(Opcode::elect, &E::elect);
    // matrix.cc
    for (Opcode o : {Opcode::wmma_mma, Opcode::mma, Opcode::mma_sp, Opcode::mma_sp_ordered_metadata}) on(o, &E::matrix_product);
    on(Opcode::wmma_load, &E::matrix_fragment);
    on(Opcode::wmma_store, &E::matrix_fragment);
    on(Opcode::ldmatrix, &E::matrix_rows);
    on(Opcode::stmatrix, &E::matrix_rows);
    on(Opcode::movmatrix, &E::movmatrix);
    // barrier.cc
    on(Opcode::bar, &E::bar);
    on(Opcode::barrier, &E::bar);
    on(Opcode::bar_warp_sync, &E::bar);
    on(Opcode::barrier_cluster_arrive, &E::bar);
    on(Opcode::barrier_cluster_wait, &E::bar);
    // mbarrier.cc
    for (Opcode o : {Opcode::mbarrier_init, Opcode::mbarrier_inval, Opcode::mbarrier_expect_tx, Opcode::mbarrier_complete_tx,
                     Opcode::mbarrier_arrive, Opcode::mbarrier_arrive_drop, Opcode::mbarrier_test_wait, Opcode::mbarrier_try_wait,
                     Opcode::mbarrier_pending_count, Opcode::cp_async_mbarrier_arrive})
        on(o, &E::mbarrier);
    return table;
}

Emitter::Handler handler_of(Opcode opcode) {
    static const auto table = make_table();
    return table[static_cast<size_t>(opcode)];
}

bool has_lowering(Opcode opcode) { return handler_of(opcode) != nullptr; }

bool is_speculatable(const Instruction& i) {
    switch (i.opcode) {
#define ANYWARP_INSTRUCTION(id, name, syntax, ptx_version, sm_version, effect, section)                                          \
    case Opcode::id: {                                                                                                           \
        enum Effect { none, reads, writes, reads_writes, control, barrier, sync };                                               \
        if (Effect::effect != Effect::none) return false;                                                                        \
        break;                                                                                                                   \
    }
#include "ptx/instructions.def"
    default:
        return false;
    }
    // The stack moves even though no register tells.
    return i.opcode != Opcode::alloca_ && i.opcode != Opcode::stacksave && i.opcode != Opcode::stackrestore;
}

} // namespace anywarp::simt
