// Signal handlers, guard frames and threads; see faults.h.
//
// sigsetjmp doesn't save the signal mask (a system call per grid and worker); instead the handler runs with SA_NODEFER, so that
// no mask has to be restored after the jump.
#include "machine/faults.h"

#include "machine/float_environment.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

namespace anywarp::machine {
namespace {

constexpr int guarded_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr size_t alternate_stack_bytes = 128 << 10; // room for AVX-512 register frames and a previous handler's work
constexpr size_t thread_stack_bytes = 64 << 20;     // 512 KiB of local memory per lane at 32 lanes, and recursion
constexpr size_t thread_guard_bytes = 1 << 20;

struct GuardFrame {
    sigjmp_buf environment;
    GuardFrame* outer;
    ErrorCode code;
    uint64_t address;
    int signal;
};

struct ThreadState {
    StackBounds stack;
    void* alternate = nullptr; // ours, or null when the thread had one

    ThreadState() {
        pthread_attr_t attributes;
        if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
            void* low = nullptr;
            size_t size = 0;
            pthread_attr_getstack(&attributes, &low, &size);
            stack = {static_cast<uint8_t*>(low), static_cast<uint8_t*>(low) + size};
            pthread_attr_destroy(&attributes);
        }
        stack_t old{};
        if (sigaltstack(nullptr, &old) == 0 && !(old.ss_flags & SS_DISABLE) && old.ss_size >= 32 << 10) return;
        void* memory = mmap(nullptr, alternate_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return;
        stack_t mine{};
        mine.ss_sp = memory;
        mine.ss_size = alternate_stack_bytes;
        if (sigaltstack(&mine, nullptr) == 0)
            alternate = memory;
        else
            munmap(memory, alternate_stack_bytes);
    }
    ~ThreadState() {
        if (!alternate) return;
        stack_t now{};
        if (sigaltstack(nullptr, &now) == 0 && now.ss_sp == alternate) {
            stack_t off{};
            off.ss_flags = SS_DISABLE;
            sigaltstack(&off, nullptr);
        }
        munmap(alternate, alternate_stack_bytes);
    }
};

thread_local GuardFrame* current_guard = nullptr;
ThreadState& thread_state() {
    thread_local ThreadState state;
    return state;
}
// The handler must not construct thread_local objects: it reads this copy of the stack's bounds.
thread_local StackBounds handler_stack;

struct sigaction previous[NSIG];

void pass_on(int signal, siginfo_t* info, void* context) {
    const struct sigaction& old = previous[signal];
    if (old.sa_flags & SA_SIGINFO) {
        if (old.sa_sigaction) return old.sa_sigaction(signal, info, context);
    } else if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) {
        return old.sa_handler(signal);
    }
    // The default action: put it back; returning executes the faulting instruction again. A signal sent by kill() is sent anew.
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    if (info && info->si_code <= 0) raise(signal);
}

void on_signal(int signal, siginfo_t* info, void* context) {
    GuardFrame* guard = current_guard;
    // si_code <= 0: sent by a process (kill, sigqueue), not raised by an instruction.
    if (!guard || info->si_code <= 0) return pass_on(signal, info, context);
    guard->signal = signal;
    guard->address = reinterpret_cast<uint64_t>(info->si_addr);
    switch (signal) {
    case SIGILL:
        guard->code = ErrorCode::illegal_instruction;
        break;
    case SIGFPE:
        guard->code = ErrorCode::launch_failed;
        break;
    default: {
        auto* address = static_cast<const uint8_t*>(info->si_addr);
        bool in_stack_guard =
            handler_stack.low && address < handler_stack.low + (16 << 10) && address >= handler_stack.low - thread_guard_bytes;
        guard->code = in_stack_guard ? ErrorCode::hardware_stack_error : ErrorCode::illegal_address;
    }
    }
    siglongjmp(guard->environment, 1);
}

void install_handlers() {
    static std::once_flag once;
    std::call_once(once, [] {
        for (int signal : guarded_signals) {
            struct sigaction action{};
            action.sa_sigaction = on_signal;
            action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
            sigemptyset(&action.sa_mask);
            sigaction(signal, &action, &previous[signal]);
        }
    });
}

// Kept apart from the caller: no local of this function may live in a register across the jump.
__attribute__((noinline)) bool enter(GuardFrame& frame, void (*body)(void*), void* argument) {
    if (sigsetjmp(frame.environment, 0) == 0) {
        body(argument);
        return true;
    }
    return false;
}

} // namespace

bool run_guarded(void (*body)(void*), void* argument, Fault& fault) {
    install_handlers();
    handler_stack = thread_state().stack;
    GuardFrame frame;
    frame.outer = current_guard;
    frame.code = ErrorCode::success;
    frame.address = 0;
    frame.signal = 0;
    struct Restore { // exceptions of the machine's own code pass through here too
        GuardFrame* outer;
        ~Restore() { current_guard = outer; }
    } restore{current_guard};
    current_guard = &frame;
    bool returned;
    {
        CleanFloatEnvironment clean;
        returned = enter(frame, body, argument);
    }
    if (!returned) {
        fault.code = frame.code;
        fault.address = frame.address;
        fault.signal = frame.signal;
        fault.from_signal = frame.signal != 0;
    }
    return returned;
}

void raise_fault(ErrorCode code) {
    GuardFrame* guard = current_guard;
    if (!guard) {
        std::fprintf(stderr, "anywarp: fault %d raised outside a kernel\n", static_cast<int>(code));
        std::abort();
    }
    guard->code = code;
    guard->signal = 0;
    guard->address = 0;
    siglongjmp(guard->environment, 1);
}

std::string Fault::describe() const {
    char text[96];
    switch (code) {
    case ErrorCode::illegal_address:
        std::snprintf(text, sizeof text, "illegal memory access at address 0x%llx", static_cast<unsigned long long>(address));
        return text;
    case ErrorCode::hardware_stack_error:
        return "stack overflow in a kernel";
    case ErrorCode::misaligned_address:
        return "misaligned memory access";
    case ErrorCode::assert_failed:
        return "device-side assertion failed";
    case ErrorCode::illegal_instruction:
        return "illegal instruction in a kernel";
    case ErrorCode::launch_failed:
        return from_signal ? "arithmetic trap in a kernel" : "kernel trapped";
    default:
        std::snprintf(text, sizeof text, "kernel fault, error %d", static_cast<int>(code));
        return text;
    }
}

StackBounds stack_bounds() { return thread_state().stack; }

size_t stack_left() {
    auto* here = static_cast<const uint8_t*>(__builtin_frame_address(0));
    StackBounds bounds = stack_bounds();
    return here > bounds.low && here < bounds.high ? static_cast<size_t>(here - bounds.low) : 0;
}

bool start_thread(void* (*body)(void*), void* argument, const char* name) {
    // Signals meant for the program must find the program's threads; only faults of this thread itself come here.
    sigset_t all, old;
    sigfillset(&all);
    for (int signal : guarded_signals) sigdelset(&all, signal);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool started = false;
    for (size_t bytes = thread_stack_bytes; !started && bytes >= 8 << 20; bytes /= 2) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, bytes);
        pthread_attr_setguardsize(&attributes, thread_guard_bytes);
        pthread_t thread;
        started = pthread_create(&thread, &attributes, body, argument) == 0;
        if (started) pthread_setname_np(thread, name);
        pthread_attr_destroy(&attributes);
    }
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return started;
}

} // namespace anywarp::machine
