// A warp function with suspensions becomes pieces, and the pieces become one function that runs a whole block.
//
// A piece is what a warp does from its start, or from behind a suspension, to the next suspension or its end. Around each piece lies
// a loop over the warps of the block, so that a barrier costs a loop, not a call per warp, and what is the same for all warps is
// computed once (region loops: Jaaskelainen et al., "pocl", 2015; Karrenberg and Hack, "Improving Performance of OpenCL on CPUs",
// 2012). When all warps have come to the same barrier of the whole block, the loop of the next piece follows at once. When they
// haven't, the machine's scheduler takes over and calls single pieces for single warps (kernel_abi.h, KernelInfo::run_pieces).
//
// What a warp needs behind a suspension lies in its frame: one slot per value. Values that follow from the warp's number, from the
// block's context and from parameters in a few steps are computed anew instead: much of that leaves the loop over the warps.
#pragma once

#include <llvm/IR/Module.h>

namespace anywarp::simd {

/// A call of either suspends the warp. The first: what for stands in its WarpState. The second: barrier 0, all threads of the block.
inline constexpr const char* suspend_name = "anywarp.suspend";
inline constexpr const char* wait_for_block_name = "anywarp.suspend.block";

/// The warp function (ptr context, i32 warp_base, ptr state) of a kernel that suspends, and the attributes that describe it.
inline constexpr const char* warp_name = "anywarp_warp";
inline constexpr const char* width_attribute = "anywarp-width";
inline constexpr const char* threads_attribute = "anywarp-threads"; // of a block; 0: known at run time only

inline constexpr const char* run_pieces_name = "anywarp_run_pieces";

/// Gives the declared "anywarp_run_pieces" its body, made of "anywarp_warp", which goes; enters the size of a frame into
/// "anywarp_kernel_info". Does nothing where there is no warp function with suspensions.
void cut_into_pieces(llvm::Module& module);

} // namespace anywarp::simd
