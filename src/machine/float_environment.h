// The floating-point control word of the calling thread. Kernels run with the default one (round to nearest, no flushing,
// no traps) whatever the host program has set, and the host gets its own back: neither side may see the other's state.
#pragma once

#include <cstdint>

namespace anywarp::machine {

class CleanFloatEnvironment {
public:
    CleanFloatEnvironment() : saved_(read()) { write(clean); }
    ~CleanFloatEnvironment() { write(saved_); }
    CleanFloatEnvironment(const CleanFloatEnvironment&) = delete;
    CleanFloatEnvironment& operator=(const CleanFloatEnvironment&) = delete;

#if defined(__x86_64__)
    static constexpr uint64_t clean = 0x1f80; // MXCSR: all exceptions masked, nearest, no FTZ/DAZ
    static uint64_t read() { return __builtin_ia32_stmxcsr(); }
    static void write(uint64_t value) { __builtin_ia32_ldmxcsr(static_cast<unsigned>(value)); }
#elif defined(__aarch64__)
    static constexpr uint64_t clean = 0; // FPCR
    static uint64_t read() {
        uint64_t value;
        asm volatile("mrs %0, fpcr" : "=r"(value));
        return value;
    }
    static void write(uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else
#    error "float_environment.h: say how to read and write the floating-point control register here"
#endif

private:
    uint64_t saved_;
};

} // namespace anywarp::machine
