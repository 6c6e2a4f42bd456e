// Which function executes which instruction: one entry per row of instructions.def that the oracle knows.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

Handler find_handler(Opcode opcode) {
    switch (opcode) {
    case Opcode::add: case Opcode::sub: case Opcode::addc: case Opcode::subc: return execute_add;
    case Opcode::mul: case Opcode::mad: case Opcode::madc: case Opcode::mul24: case Opcode::mad24: return execute_multiply;
    case Opcode::div: case Opcode::rem: case Opcode::abs: case Opcode::neg: case Opcode::min: case Opcode::max:
    case Opcode::sad: case Opcode::dp4a: case Opcode::dp2a: return execute_integer;
    case Opcode::popc: case Opcode::clz: case Opcode::bfind: case Opcode::fns: case Opcode::brev: case Opcode::bfe:
    case Opcode::bfi: case Opcode::szext: case Opcode::bmsk: case Opcode::prmt: case Opcode::lop3: case Opcode::shf:
        return execute_bits;
    case Opcode::and_: case Opcode::or_: case Opcode::xor_: case Opcode::not_: case Opcode::cnot: case Opcode::shl:
    case Opcode::shr: return execute_logic;
    case Opcode::set: case Opcode::setp: case Opcode::selp: case Opcode::slct: case Opcode::testp: case Opcode::copysign:
        return execute_compare;
    case Opcode::fma: return execute_float;
    case Opcode::rcp: case Opcode::sqrt: case Opcode::rsqrt: case Opcode::sin: case Opcode::cos: case Opcode::lg2:
    case Opcode::ex2: case Opcode::tanh: return execute_function;
    case Opcode::cvt: return execute_convert;
    case Opcode::cvt_pack: return execute_cvt_pack;
    case Opcode::mov: case Opcode::cvta: case Opcode::isspacep: case Opcode::mapa: case Opcode::getctarank:
        return execute_move;
    case Opcode::ld: case Opcode::ldu: return execute_load;
    case Opcode::st: return execute_store;
    case Opcode::cp_async: return execute_copy;
    case Opcode::atom: case Opcode::red: return execute_atomic;
    case Opcode::mbarrier_init: case Opcode::mbarrier_inval: case Opcode::mbarrier_expect_tx:
    case Opcode::mbarrier_complete_tx: case Opcode::mbarrier_arrive: case Opcode::mbarrier_arrive_drop:
    case Opcode::mbarrier_test_wait: case Opcode::mbarrier_try_wait: case Opcode::mbarrier_pending_count:
    case Opcode::cp_async_mbarrier_arrive: return execute_mbarrier;
    case Opcode::bra: case Opcode::brx_idx: return execute_branch;
    case Opcode::call: return execute_call;
    case Opcode::ret: case Opcode::exit: return execute_return;
    case Opcode::trap: case Opcode::brkpt: return execute_trap;
    case Opcode::alloca_: case Opcode::stacksave: case Opcode::stackrestore: return execute_stack;
    case Opcode::bar: case Opcode::barrier: return execute_barrier;
    case Opcode::shfl: case Opcode::vote: case Opcode::match: case Opcode::activemask: case Opcode::redux:
    case Opcode::elect: case Opcode::bar_warp_sync: return execute_warp;
    case Opcode::nanosleep: return execute_sleep;
    case Opcode::membar: case Opcode::fence: case Opcode::prefetch: case Opcode::prefetchu: case Opcode::applypriority:
    case Opcode::discard: case Opcode::pmevent: case Opcode::griddepcontrol: case Opcode::setmaxnreg:
    case Opcode::cp_async_commit_group: case Opcode::cp_async_wait_group: case Opcode::cp_async_wait_all:
        return execute_nothing;
    case Opcode::vadd: case Opcode::vsub: case Opcode::vabsdiff: case Opcode::vmin: case Opcode::vmax: case Opcode::vshl:
    case Opcode::vshr: case Opcode::vmad: case Opcode::vset: case Opcode::vadd2: case Opcode::vsub2: case Opcode::vavrg2:
    case Opcode::vabsdiff2: case Opcode::vmin2: case Opcode::vmax2: case Opcode::vset2: case Opcode::vadd4:
    case Opcode::vsub4: case Opcode::vavrg4: case Opcode::vabsdiff4: case Opcode::vmin4: case Opcode::vmax4:
    case Opcode::vset4: return execute_video;
    default: return nullptr;
    }
}

} // namespace anywarp::oracle
