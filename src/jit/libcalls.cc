// What LLVM calls where an instruction set lacks an operation: memory blocks, C mathematics, 128-bit division, and conversions
// of f16 and bf16. They are listed here rather than looked up in the process, because a process that loads libcuda.so.1 needn't
// export any of them. The bf16 conversions are our own: libgcc has them only since version 13.
#include "jit/libcalls.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <unordered_map>

extern "C" {
__int128 __divti3(__int128, __int128);
__int128 __modti3(__int128, __int128);
unsigned __int128 __udivti3(unsigned __int128, unsigned __int128);
unsigned __int128 __umodti3(unsigned __int128, unsigned __int128);
__int128 __multi3(__int128, __int128) __attribute__((weak));
#ifdef __x86_64__
float __extendhfsf2(_Float16);
_Float16 __truncsfhf2(float);
_Float16 __truncdfhf2(double);
void sincosf(float, float*, float*) noexcept;
void sincos(double, double*, double*) noexcept;
#endif
}

namespace anywarp::jit {
namespace {

#ifdef __x86_64__
uint16_t round_to_bf16(uint32_t bits) {
    if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40); // stays a NaN, quiet
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

__bf16 truncate_f32_to_bf16(float value) { return std::bit_cast<__bf16>(round_to_bf16(std::bit_cast<uint32_t>(value))); }

/// Rounds once: the step through f32 rounds to odd, which keeps a later rounding to fewer bits exact.
__bf16 truncate_f64_to_bf16(double value) {
    float single = static_cast<float>(value);
    uint32_t bits = std::bit_cast<uint32_t>(single);
    if (static_cast<double>(single) != value && value == value) {
        if (std::fabs(static_cast<double>(single)) > std::fabs(value)) --bits;
        bits |= 1;
    }
    return std::bit_cast<__bf16>(round_to_bf16(bits));
}
#endif

template <class T> void* address(T* function) { return reinterpret_cast<void*>(function); }

#define ANYWARP_MATH1(name)                                                                                                      \
    {#name, address<double(double)>(::name)}, { #name "f", address<float(float)>(::name##f) }
#define ANYWARP_MATH2(name)                                                                                                      \
    {#name, address<double(double, double)>(::name)}, { #name "f", address<float(float, float)>(::name##f) }

const std::unordered_map<std::string_view, void*>& table() {
    static const auto* value = new std::unordered_map<std::string_view, void*>{
        {"memcpy", address<void*(void*, const void*, size_t)>(std::memcpy)},
        {"memmove", address<void*(void*, const void*, size_t)>(std::memmove)},
        {"memset", address<void*(void*, int, size_t)>(std::memset)},
        {"fma", address<double(double, double, double)>(::fma)},
        {"fmaf", address<float(float, float, float)>(::fmaf)},
        {"ldexp", address<double(double, int)>(::ldexp)},
        {"ldexpf", address<float(float, int)>(::ldexpf)},
        ANYWARP_MATH1(sin),
        ANYWARP_MATH1(cos),
        ANYWARP_MATH1(tan),
        ANYWARP_MATH1(exp),
        ANYWARP_MATH1(exp2),
        ANYWARP_MATH1(log),
        ANYWARP_MATH1(log2),
        ANYWARP_MATH1(log10),
        ANYWARP_MATH1(sqrt),
        ANYWARP_MATH1(tanh),
        ANYWARP_MATH1(floor),
        ANYWARP_MATH1(ceil),
        ANYWARP_MATH1(trunc),
        ANYWARP_MATH1(rint),
        ANYWARP_MATH1(nearbyint),
        ANYWARP_MATH1(round),
        ANYWARP_MATH1(roundeven),
        ANYWARP_MATH2(fmod),
        ANYWARP_MATH2(pow),
        ANYWARP_MATH2(fmin),
        ANYWARP_MATH2(fmax),
        ANYWARP_MATH2(atan2),
        {"__divti3", address(__divti3)},
        {"__modti3", address(__modti3)},
        {"__udivti3", address(__udivti3)},
        {"__umodti3", address(__umodti3)},
        {"__multi3", address(__multi3)},
#ifdef __x86_64__
        {"sincos", address<void(double, double*, double*) noexcept>(::sincos)},
        {"sincosf", address<void(float, float*, float*) noexcept>(::sincosf)},
        {"__extendhfsf2", address(__extendhfsf2)},
        {"__truncsfhf2", address(__truncsfhf2)},
        {"__truncdfhf2", address(__truncdfhf2)},
        {"__truncsfbf2", address(truncate_f32_to_bf16)},
        {"__truncdfbf2", address(truncate_f64_to_bf16)},
#endif
    };
    return *value;
}

} // namespace

void* find_libcall(std::string_view name) {
    auto found = table().find(name);
    return found == table().end() ? nullptr : found->second;
}

} // namespace anywarp::jit
