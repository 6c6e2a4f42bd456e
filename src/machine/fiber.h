// A lane with a stack of its own, for kernels whose recursive device functions wait: at a barrier, for the other lanes of the warp,
// in a loop that spins. A warp's frame (adr 0009) holds one function; here a whole chain of calls is suspended, so the frame
// that the scheduler hands out is a stack, and "resume" switches to it. Slow (a system call or two per switch), and right; only
// kernels that src/jit/passes_recursion.cc finds to need it come here.
#pragma once

#include "simt/kernel_abi.h"

extern "C" {
/// The entry points `start` and `resume` of kernel_abi.h; `body` is the kernel for one lane.
void anywarp_fiber_start(const anywarp::BlockContext* context, uint32_t lane, anywarp::WarpState* state, void* frame, uint64_t frame_bytes,
                         void (*body)(const anywarp::BlockContext*, uint32_t, anywarp::WarpState*));
void anywarp_fiber_resume(void* frame);
/// Called on the fiber: back to the scheduler until resume.
void anywarp_fiber_suspend();
/// The letterbox of the lane that runs; faults where its stack is nearly used up.
anywarp::WarpState* anywarp_fiber_state();
}
