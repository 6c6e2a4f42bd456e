// Library routines that LLVM's code generator calls on its own account.
#pragma once

#include <string_view>

namespace anywarp::jit {

/// Address of memcpy, fmaf, a half-precision conversion ...; null if the name is none of them.
void* find_libcall(std::string_view name);

} // namespace anywarp::jit
