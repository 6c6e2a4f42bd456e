// The functions that generated code calls (kernel_abi.h lists them), and their registration with the JIT.
#pragma once

#include "simt/kernel_abi.h"

#include <cstdint>

extern "C" {
[[noreturn]] void anywarp_trap(const anywarp::BlockContext* context, uint32_t error_code);
int32_t anywarp_vprintf(const anywarp::BlockContext* context, const char* format, const void* arguments);
void* anywarp_malloc(const anywarp::BlockContext* context, uint64_t bytes);
void anywarp_free(const anywarp::BlockContext* context, void* address);
[[noreturn]] void anywarp_assertfail(const anywarp::BlockContext* context, const char* message, const char* file, uint32_t line,
                                     const char* function, const uint32_t* thread_id);
uint64_t anywarp_globaltimer();
void anywarp_nanosleep(uint32_t nanoseconds);
uint64_t anywarp_device_runtime(const anywarp::BlockContext* context, uint32_t call, const uint64_t* arguments,
                                const uint32_t* thread_id);
}

namespace anywarp::machine {

/// Tells the JIT where they are; done once, by the first module that is loaded. Tools that compile kernels and run them with
/// run_grid call it themselves.
void register_services();

} // namespace anywarp::machine
