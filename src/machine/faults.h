// Faults of kernels become errors, not the end of the process.
//
// run_guarded calls a function under protection: a SIGSEGV, SIGBUS, SIGFPE or SIGILL raised by the calling thread in it, or
// raise_fault() called from it (trap, assert), unwinds to run_guarded by siglongjmp and is reported as a Fault. The handlers are
// installed at the first use and pass every signal that isn't ours on to whoever was there before. The thread gets an
// alternate signal stack, so that a stack overflow can be reported too. Nothing that the function owns is destroyed on the
// way: it must hold no locks and no resources while it runs generated code.
#pragma once

#include "ptx/error.h"
#include "simt/kernel_abi.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace anywarp::machine {

struct Fault {
    ErrorCode code = ErrorCode::success;
    uint64_t address = 0; // of the bad access; 0 when not known
    bool from_signal = false;
    int signal = 0;
    std::string describe() const;
};

/// Runs body(argument) with clean floating-point state. True when it returned; otherwise `fault` tells what happened.
bool run_guarded(void (*body)(void*), void* argument, Fault& fault);

template <class Body> bool run_guarded(Body&& body, Fault& fault) {
    return run_guarded([](void* p) { (*static_cast<std::remove_reference_t<Body>*>(p))(); }, static_cast<void*>(&body), fault);
}

/// Ends the guarded function of this thread. Aborts when there is none.
[[noreturn]] void raise_fault(ErrorCode code);

/// The calling thread's stack.
struct StackBounds {
    const uint8_t* low = nullptr;
    const uint8_t* high = nullptr;
};
StackBounds stack_bounds();
/// Bytes left below the caller's frame.
size_t stack_left();

/// A detached thread of ours: large lazily committed stack, wide guard, all asynchronous signals blocked.
bool start_thread(void* (*body)(void*), void* argument, const char* name);

} // namespace anywarp::machine
