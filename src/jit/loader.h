// Object file in, callable code out.
#pragma once

#include "ptx/error.h"
#include "simt/kernel_abi.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace anywarp::jit {

/// Machine code in memory; gone with the object.
class LoadedCode {
public:
    virtual ~LoadedCode() = default;
    KernelInfo info{};
};

/// Links an object file into this process and reads its anywarp_kernel_info. `name` is for messages and profilers.
Result<std::unique_ptr<LoadedCode>> load_object(std::span<const uint8_t> object, const std::string& name);

/// The address generated code gets for a name: a registered service, a library call, or what the process exports. Null if none.
void* find_symbol(const std::string& name);

} // namespace anywarp::jit
