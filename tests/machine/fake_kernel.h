// Kernels written by hand in C++, in the form generated code has (kernel_abi.h): the machine's tests need no compiler.
//
// A suspending fake is a state machine: a struct with a step() that runs to the next suspension and stores it in the warp's
// letterbox. fake_kernel<Warp>() wraps it as a KernelInfo.
#pragma once

#include "simt/kernel_abi.h"

#include <new>

namespace anywarp::test {

struct FakeWarp {
    const BlockContext* context = nullptr;
    WarpState* state = nullptr;
    uint32_t warp = 0;
    int at = 0; // where step() goes on

    void finish() { state->suspension = Suspension::finished; }
    void yield() { state->suspension = Suspension::yield; }
    void barrier(uint32_t id, uint32_t threads, uint32_t lanes, Suspension kind = Suspension::barrier) {
        state->suspension = kind;
        state->barrier_id = id;
        state->barrier_threads = threads;
        state->contribution = lanes;
        state->reduce = BarrierReduce::none;
        state->value = 0;
    }
    void reduce(BarrierReduce how, uint32_t trues, uint32_t lanes) {
        barrier(0, 0, lanes);
        state->reduce = how;
        state->value = trues;
    }
    void sync(WarpOp op, uint32_t mask, uint32_t value, uint32_t b = 0, uint32_t c = 0) {
        state->suspension = Suspension::warp_sync;
        state->op = op;
        state->mask = mask;
        state->value = value;
        state->value_high = 0;
        state->operand_b = b;
        state->operand_c = c;
    }
};

template <class Warp> KernelInfo fake_kernel(uint32_t width) {
    KernelInfo info{};
    info.abi_version = kernel_abi_version;
    info.width = width;
    info.suspends = 1;
    info.frame_align = alignof(Warp);
    info.frame_bytes = sizeof(Warp);
    info.run_pieces = [](const BlockContext* context, WarpState* states, void* frames, uint32_t piece, uint32_t first, uint32_t end) {
        for (uint32_t warp = first; warp < end; ++warp) {
            Warp* self = static_cast<Warp*>(frames) + warp;
            if (piece == 0) {
                new (self) Warp;
                self->context = context;
                self->state = &states[warp];
                self->warp = warp;
            }
            self->step();
            states[warp].piece = 1;
        }
        return pieces_mixed;
    };
    return info;
}

inline KernelInfo straight_kernel(void (*run)(const BlockContext*)) {
    KernelInfo info{};
    info.abi_version = kernel_abi_version;
    info.width = 16;
    info.run_block = run;
    return info;
}

template <class T> T& param(const BlockContext* context) { return **reinterpret_cast<T* const*>(context->params); }

} // namespace anywarp::test
