// Warp-level instructions between the lanes of one warp when each lane is a warp of its own (kernels compiled at width 1).
//
// The block's scheduler calls exchange() once every lane named in the instruction's member mask has arrived; results go into
// the lanes' letterboxes. PTX ISA: shfl.sync, vote.sync, match.sync, redux.sync, elect.sync, bar.warp.sync.
#pragma once

#include "simt/kernel_abi.h"

#include <cstdint>

namespace anywarp::machine {

/// `lanes[i]` is the letterbox of lane i; only lanes in `participants` are read and written (op, mask agree among them).
void exchange(WarpOp op, uint32_t participants, WarpState* const lanes[32]);

} // namespace anywarp::machine
