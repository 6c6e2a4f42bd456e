// The contract between generated code and the machine that runs it. Plain C layout: generated code reads these structures at
// fixed offsets (static_asserts below), and the machine fills them in. Nothing here knows LLVM, streams or handles.
//
// Addresses. A generic address is a host address. A global address is the same number. A shared address is the offset from
// the block's shared base; cvta.shared adds the base. A local address is the host address of the lane's own copy. A const
// variable lies in the module image like a global one; its address is a host address. A parameter address is a host address
// in the parameter buffer.
//
// A compiled kernel comes in one of two forms, told by KernelInfo::suspends:
//   straight    run_block(ctx) runs all warps of one block to their end, one after the other. No barriers inside.
//   suspending  the kernel is cut at its suspensions into pieces; 0 is its start. run_pieces() runs one piece for one warp, or for
//               all warps of the block, and then goes on with the next one as long as all of them have come to the same barrier
//               of the whole block. Afterwards each WarpState tells why its warp has stopped and with which piece it goes on. What
//               a warp needs for that lies in its frame.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anywarp {

/// What a block may know about itself and its grid. One per block in flight; lives on the worker.
struct BlockContext {
    uint32_t ctaid[3];
    uint32_t nctaid[3];
    uint32_t ntid[3];
    uint32_t threads;              // ntid.x * ntid.y * ntid.z
    const uint8_t* params;         // kernel parameter buffer (ptx::parameter_layout)
    uint8_t* shared;               // base of this block's shared memory, aligned to 128
    uint8_t* image;                // module image (ptx::image_layout)
    uint32_t shared_size;          // static + dynamic bytes, for isspacep and %total_smem_size
    uint32_t dynamic_shared_size;  // %dynamic_smem_size
    uint32_t smid, nsmid;          // worker index, number of workers (%smid, %nsmid)
    uint64_t gridid;               // %gridid
    const uint8_t* stack_low;      // the worker's stack, for isspacep.local
    const uint8_t* stack_high;
    uint64_t* counters;            // Counter values of this worker; null when statistics are off
    void* grid_barrier;            // %envreg1/2: cooperative-groups workspace of the grid (device memory), may be null
    void* machine;                 // the machine's own; generated code only passes the context on
    const uint8_t* frames_low;     // the frames of a block that suspends: local arrays lie there, too
    const uint8_t* frames_high;
    void* grid;                    // the machine's: what this grid launches from the device; null where it can't
};
static_assert(offsetof(BlockContext, params) == 40 && offsetof(BlockContext, shared) == 48 &&
              offsetof(BlockContext, image) == 56 && offsetof(BlockContext, shared_size) == 64 &&
              offsetof(BlockContext, smid) == 72 && offsetof(BlockContext, gridid) == 80 &&
              offsetof(BlockContext, stack_low) == 88 && offsetof(BlockContext, counters) == 104 &&
              offsetof(BlockContext, grid_barrier) == 112 && offsetof(BlockContext, machine) == 120 &&
              offsetof(BlockContext, frames_low) == 128);

/// Dynamic statistics that code compiled with CompileOptions::statistics adds to BlockContext::counters.
enum Counter : uint32_t {
    counter_lane_slots,      // executed basic blocks x width
    counter_active_lanes,    // executed basic blocks x active lanes
    counter_contiguous,      // memory accesses (one per warp and instruction) by kind
    counter_broadcast,
    counter_strided,
    counter_gather,
    counter_atomic,
    counter_count
};

enum class Suspension : uint32_t {
    finished = 0, // the warp has ended; its frame may be reused
    barrier = 1,  // waits at barrier `id` until `threads` threads (0: all of the block) have arrived
    arrive = 2,   // has arrived at barrier `id` without waiting; resume at once
    yield = 3,    // spins on memory that another warp or block must change; run others first
    warp_sync = 4, // width 1 only: waits for the lanes of its warp named in `mask` (see WarpOp)
    block_barrier = 5, // waits at barrier 0 until the whole block has arrived; the state's other members say nothing
};

/// How barriers combine a predicate (bar.red).
enum class BarrierReduce : uint32_t { none = 0, and_ = 1, or_ = 2, popc = 3 };

/// Warp-level instructions at width 1, where each lane is a warp of its own and the scheduler exchanges the values.
enum class WarpOp : uint32_t {
    sync, shfl_up, shfl_down, shfl_bfly, shfl_idx, vote_all, vote_any, vote_uni, vote_ballot, match_any, match_all,
    redux_add, redux_min_s, redux_max_s, redux_min_u, redux_max_u, redux_and, redux_or, redux_xor, elect
};

/// The letterbox between one warp (or, at width 1, one lane) and its block's scheduler.
struct WarpState {
    Suspension suspension;
    uint32_t piece;            // where the warp goes on
    uint32_t barrier_id;
    uint32_t barrier_threads;  // 0: all threads of the block
    BarrierReduce reduce;
    uint32_t contribution;     // lanes of this warp that arrive (count of active lanes)
    uint32_t value;            // barrier: this warp's predicate count for bar.red (lanes whose predicate is true);
                               // warp_sync: the lane's operand (low 32 bits)
    uint32_t result;           // written by the scheduler before resume: bar.red result, shuffled value ...
    uint32_t result_predicate; // shfl's and match's predicate
    WarpOp op;                 // warp_sync
    uint32_t operand_b, operand_c, mask; // warp_sync: lane operand, clamp/segment mask, member mask
    uint32_t value_high, result_high;    // 64-bit match
    uint32_t reserved;
};
static_assert(sizeof(WarpState) == 64 && offsetof(WarpState, suspension) == 0 && offsetof(WarpState, piece) == 4);

/// What run_pieces() answers: all warps of the block have ended; or see each WarpState.
constexpr uint32_t pieces_finished = ~0u, pieces_mixed = 0;

/// What the loader finds under the symbol "anywarp_kernel_info" of a compiled object.
struct KernelInfo {
    uint32_t abi_version;  // kernel_abi_version
    uint32_t width;        // lanes per warp of this code: 1, 4, 8, 16 or 32
    uint32_t suspends;     // 0: run_block is set; 1: run_pieces and frame_bytes are
    uint32_t frame_align;
    void (*run_block)(const BlockContext* context);
    /// Runs `piece` for the warps first ... end-1 (threads first*width ...): one warp, or all of the block, which then have the same
    /// piece before them. `states` and `frames` (frame_bytes each, side by side, aligned to frame_align) are those of all warps.
    uint32_t (*run_pieces)(const BlockContext* context, WarpState* states, void* frames, uint32_t piece, uint32_t first, uint32_t end);
    uint64_t frame_bytes;
    // Static facts for statistics and attributes.
    uint32_t contiguous, broadcast, strided, gather, atomics; // memory instructions by kind
    uint32_t local_bytes;                                     // per thread
    uint32_t spins;                                           // 1: holds a loop that waits for other blocks
    uint32_t reserved;
};
constexpr uint32_t kernel_abi_version = 2;

/// The functions of the device runtime by their place in device_runtime.def.
enum class DeviceRuntimeCall : uint32_t {
#define ANYWARP_DEVICE_RUNTIME(name, arguments) name,
#include "simt/device_runtime.def"
#undef ANYWARP_DEVICE_RUNTIME
};

/// Services that generated code calls; the machine defines them (extern "C", see machine/device_services.cc), the JIT resolves
/// the names. Each is called once per active lane.
///   [[noreturn]] void anywarp_trap(const BlockContext*, uint32_t error_code)       CUresult of the fault
///   int32_t anywarp_vprintf(const BlockContext*, const char* format, const void* arguments)
///   void*   anywarp_malloc(const BlockContext*, uint64_t bytes)
///   void    anywarp_free(const BlockContext*, void*)
///   [[noreturn]] void anywarp_assertfail(const BlockContext*, const char* message, const char* file, uint32_t line,
///                                        const char* function, const uint32_t* thread_id)
///   uint64_t anywarp_globaltimer()                                                 nanoseconds
///   void    anywarp_nanosleep(uint32_t nanoseconds)
///   uint64_t anywarp_device_runtime(const BlockContext*, uint32_t call, const uint64_t* arguments, const uint32_t* thread_id)
///                                                                                  call: a DeviceRuntimeCall

} // namespace anywarp
