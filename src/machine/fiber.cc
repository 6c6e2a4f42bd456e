// See fiber.h. POSIX contexts do the switching: no assembly, any processor.
//
// A frame holds the Fiber at its low end and the stack above it, which grows down towards it. Faults jump out of a fiber to the
// worker's own stack (faults.h); the fiber is then simply forgotten, and its memory used again.
#include "machine/fiber.h"

#include "machine/faults.h"

#include <new>
#include <ucontext.h>

using namespace anywarp;
using namespace anywarp::machine;

namespace {

constexpr uint64_t reserve = 24 << 10; // what the machine's services and a signal need below the last function

struct Fiber {
    ucontext_t scheduler, own;
    const BlockContext* context;
    WarpState* state;
    uint32_t lane;
    void (*body)(const BlockContext*, uint32_t, WarpState*);
    uint8_t* stack_low() { return reinterpret_cast<uint8_t*>(this) + (sizeof(Fiber) + 63) / 64 * 64; }
};

thread_local Fiber* running = nullptr;

void run_body() {
    Fiber* fiber = running;
    fiber->body(fiber->context, fiber->lane, fiber->state);
    fiber->state->suspension = Suspension::finished;
    anywarp_fiber_suspend();
}

void switch_to(Fiber* fiber) {
    running = fiber;
    swapcontext(&fiber->scheduler, &fiber->own);
}

} // namespace

extern "C" {

void anywarp_fiber_start(const BlockContext* context, uint32_t lane, WarpState* state, void* frame, uint64_t frame_bytes,
                         void (*body)(const BlockContext*, uint32_t, WarpState*)) {
    Fiber* fiber = new (frame) Fiber;
    fiber->context = context;
    fiber->state = state;
    fiber->lane = lane;
    fiber->body = body;
    getcontext(&fiber->own);
    fiber->own.uc_stack.ss_sp = fiber->stack_low();
    fiber->own.uc_stack.ss_size = static_cast<size_t>(static_cast<uint8_t*>(frame) + frame_bytes - fiber->stack_low());
    fiber->own.uc_link = nullptr; // a body that has ended suspends for good
    makecontext(&fiber->own, run_body, 0);
    switch_to(fiber);
}

void anywarp_fiber_resume(void* frame) { switch_to(static_cast<Fiber*>(frame)); }

void anywarp_fiber_suspend() {
    Fiber* fiber = running;
    swapcontext(&fiber->own, &fiber->scheduler);
}

WarpState* anywarp_fiber_state() {
    if (static_cast<uint8_t*>(__builtin_frame_address(0)) < running->stack_low() + reserve) raise_fault(ErrorCode::hardware_stack_error);
    return running->state;
}

} // extern "C"
